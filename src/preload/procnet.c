/* procnet.c - files of /proc/net and /proc/sys/net, as the stack would show them
 *
 * Theory of operation
 * Programs older than rtnetlink and sock_diag (net-tools, lsof), libdnet (nmap)
 * and every program that looks for a limit read these files.  A table says who
 * writes which, in the kernel's own layout (proc_pid_net(5)): dev and if_inet6
 * are written here from what the stack tells of its interfaces (client/info.c), the
 * tables of sockets and routes in proc_sock.c, proc_unix.c and proc_route.c from netlink, and
 * counters, groups and settings by the stack itself (client/proc.c).  Files that
 * are not in the table, and settings that the stack does not know, stay the
 * kernel's.  The same files are below /proc/self/net and /proc/thread-self/net,
 * and below the process' own number.  When only some families are the stack's,
 * each file goes with its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "client/client.h"
#include "preload/procnet.h"
#include "preload/stack.h"

#define PROC		"/proc/"
#define SETTINGS	"sys/net/"
#define SETTINGS6	"sys/net/ipv6/"

#define SCOPE_LINK	0x20		/* IPV6_ADDR_LINKLOCAL, _LOOPBACK, IFA_F_PERMANENT */
#define SCOPE_HOST	0x10
#define PERMANENT	0x80

static int interfaces(const char *stack, struct client_info **i)
{
	*i = NULL;
	return stack ? client_info(stack, i) : 0;
}

/* dev_seq_show(); counters that the stack does not keep are 0 */
static int dev(FILE *f, const char *stack, int arg)
{
	struct client_info *i;
	int ret = interfaces(stack, &i);

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
	free(i);
	return ret;
}

/* if6_seq_show() */
static int if_inet6(FILE *f, const char *stack, int arg)
{
	struct client_info *i;
	int ret = interfaces(stack, &i);

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
	free(i);
	return ret;
}

static const struct row {
	const char *name;
	procnet_fn *fn;			/* NULL: the stack writes it */
	int arg;			/* a family */
	int domain;			/* whose sockets must be the stack's */
} rows[] = {
	{ "net/dev", dev, 0, AF_NETLINK }, { "net/if_inet6", if_inet6, 0, AF_NETLINK },
	{ "net/tcp", proc_tcp, AF_INET, AF_INET }, { "net/tcp6", proc_tcp, AF_INET6, AF_INET6 },
	{ "net/udp", proc_udp, AF_INET, AF_INET }, { "net/udp6", proc_udp, AF_INET6, AF_INET6 },
	{ "net/udplite", proc_udplite, AF_INET, AF_INET },
	{ "net/udplite6", proc_udplite, AF_INET6, AF_INET6 },
	{ "net/raw", proc_raw, AF_INET, AF_INET }, { "net/raw6", proc_raw, AF_INET6, AF_INET6 },
	{ "net/packet", proc_packet, 0, AF_PACKET }, { "net/netlink", proc_netlink, 0, AF_NETLINK },
	{ "net/route", proc_route, 0, AF_NETLINK }, { "net/ipv6_route", proc_route6, 0, AF_NETLINK },
	{ "net/arp", proc_arp, 0, AF_NETLINK }, { "net/unix", proc_unix, 0, AF_NETLINK },
	{ "net/snmp", NULL, 0, AF_INET }, { "net/snmp6", NULL, 0, AF_INET6 },
	{ "net/netstat", NULL, 0, AF_INET },
	{ "net/sockstat", NULL, 0, AF_INET }, { "net/sockstat6", NULL, 0, AF_INET6 },
	{ "net/igmp", NULL, 0, AF_INET }, { "net/igmp6", NULL, 0, AF_INET6 },
};

/* the path below /proc, /proc/self taken off; NULL: it is another file */
static const char *below_proc(const char *path)
{
	static const char *const selves[] = { "self/", "thread-self/" };
	char own[16];

	if (!path || strncmp(path, PROC, sizeof(PROC) - 1) != 0)
		return NULL;
	path += sizeof(PROC) - 1;
	for (unsigned i = 0; i < 2; i++)
		if (!strncmp(path, selves[i], strlen(selves[i])))
			return path + strlen(selves[i]);
	if (*path < '0' || *path > '9')
		return path;
	snprintf(own, sizeof(own), "%d/", (int)getpid());
	return strncmp(path, own, strlen(own)) ? path : path + strlen(own);
}

static const struct row *find(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/**
 * procnet_is() - May this be one of the files, and is there a stack to show?
 *
 * Of settings only the stack knows which there are: procnet_text() tells.
 */
bool procnet_is(const char *path)
{
	const char *name = below_proc(path);
	const struct row *r = name ? find(name) : NULL;

	if (r)
		return stack_takes(r->domain);
	return name && !strncmp(name, SETTINGS, sizeof(SETTINGS) - 1) &&
	       stack_takes(strncmp(name, SETTINGS6, sizeof(SETTINGS6) - 1) ? AF_INET : AF_INET6);
}

static int write_text(const struct row *r, const char *stack, char **text)
{
	size_t len = 0;
	FILE *f = open_memstream(text, &len);
	int ret;

	if (!f)
		return -ENOMEM;
	ret = r->fn(f, stack, r->arg);
	if (fclose(f) && !ret)
		ret = -ENOMEM;
	if (ret) {
		free(*text);
		*text = NULL;
	}
	return ret ? ret : (int)len;
}

static int text_of(const char *name, char **text)
{
	const struct stackname *st = stack_get();
	const char *stack = st->kind == STACKNAME_NULL ? NULL : st->path;
	const struct row *r = find(name);

	*text = NULL;
	if (r && r->fn)
		return write_text(r, stack, text);
	return stack ? client_proc(stack, name, text) : r ? 0 : -ENOENT;
}

/**
 * procnet_text() - What such a file says now
 * @path:	one that procnet_is() lets pass
 * @text:	release it with free(); may be NULL for an empty one
 *
 * Return: length, -ENOENT: the kernel's file is meant, or another -errno
 */
int procnet_text(const char *path, char **text)
{
	const char *name = below_proc(path);
	int ret = text_of(name, text);

	if (ret == -ENETDOWN && stack_reach() == 0)
		ret = text_of(name, text);
	return ret;
}
