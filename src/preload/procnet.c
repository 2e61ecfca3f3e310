/* procnet.c - files of /proc/net, as the stack would show them
 *
 * Theory of operation
 * Programs older than rtnetlink, and libdnet (nmap), list interfaces by
 * /proc/net/dev and their IPv6 addresses by /proc/net/if_inet6.  Both are
 * written from what the stack tells of its interfaces (client/info.c), in the
 * kernel's own layout (dev_seq_show(), if6_seq_show()); counters that the stack
 * does not keep are 0.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/client.h"
#include "preload/procnet.h"
#include "preload/stack.h"

#define DEV		"/proc/net/dev"
#define IF_INET6	"/proc/net/if_inet6"
#define PREFIX_LEN	(sizeof("/proc/net/") - 1)

#define SCOPE_LINK	0x20		/* IPV6_ADDR_LINKLOCAL, _LOOPBACK, IFA_F_PERMANENT */
#define SCOPE_HOST	0x10
#define PERMANENT	0x80

/**
 * procnet_is() - Is this one of the files, and is there a stack to show?
 */
bool procnet_is(const char *path)
{
	return path && !strncmp(path, DEV, PREFIX_LEN) &&
	       (!strcmp(path, DEV) || !strcmp(path, IF_INET6)) &&
	       stack_takes(AF_NETLINK);
}

static void dev(FILE *f, const struct client_info *i)
{
	fputs("Inter-|   Receive                                                |  Transmit\n"
	      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets "
	      "errs drop fifo colls carrier compressed\n", f);
	for (uint32_t n = 0; i && n < i->info.nif; n++) {
		const struct msg_ifinfo *p = &i->ifs[n];

		fprintf(f, "%6s: %7llu %7llu    0 %4llu    0     0          0         0 "
			"%8llu %7llu    0 %4llu    0     0       0          0\n", p->name,
			(unsigned long long)p->stats.rx_bytes, (unsigned long long)p->stats.rx_packets,
			(unsigned long long)p->stats.rx_dropped,
			(unsigned long long)p->stats.tx_bytes, (unsigned long long)p->stats.tx_packets,
			(unsigned long long)p->stats.tx_dropped);
	}
}

static void inet6(FILE *f, const struct client_info *i)
{
	for (uint32_t n = 0; i && n < i->info.nif; n++) {
		const struct msg_ifinfo *p = &i->ifs[n];

		for (uint32_t k = 0; k < p->naddr; k++) {
			const struct in6_addr *a = &p->addr[k].addr.in6.sin6_addr;
			unsigned scope = IN6_IS_ADDR_LINKLOCAL(a) ? SCOPE_LINK :
				IN6_IS_ADDR_LOOPBACK(a) ? SCOPE_HOST : 0;

			if (p->addr[k].addr.sa.sa_family != AF_INET6)
				continue;
			for (int b = 0; b < 16; b++)
				fprintf(f, "%02x", a->s6_addr[b]);
			fprintf(f, " %02x %02x %02x %02x %8s\n", p->index, p->addr[k].prefixlen, scope,
				PERMANENT, p->name);
		}
	}
}

/**
 * procnet_text() - What such a file says now
 * @path:	one that procnet_is() knows
 * @text:	release it with free()
 *
 * Return: length or -errno
 */
int procnet_text(const char *path, char **text)
{
	const struct stackname *st = stack_get();
	struct client_info *i = NULL;
	size_t len = 0;
	FILE *f;
	int ret = st->kind == STACKNAME_NULL ? 0 : client_info(st->path, &i);

	if (ret == -ENETDOWN && stack_reach() == 0)
		ret = client_info(st->path, &i);
	if (ret)
		return ret;
	f = open_memstream(text, &len);
	if (f) {
		if (!strcmp(path, DEV))
			dev(f, i);
		else
			inet6(f, i);
		ret = fclose(f) ? -ENOMEM : (int)len;
	} else {
		ret = -ENOMEM;
	}
	free(i);
	return ret;
}
