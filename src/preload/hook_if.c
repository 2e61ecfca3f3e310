/* hook_if.c - interfaces: ioctl, getifaddrs, if_*
 *
 * Theory of operation
 * Programs learn about interfaces by ioctl on any socket they have, and by C
 * library functions whose own netlink sockets never pass our hooks.  All are
 * answered from the process' stack, so that nothing of the host's shows; when only
 * some families are the stack's, they follow AF_NETLINK.
 */
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netpacket/packet.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "client/memory.h"
#include "preload/hook.h"

/* the range of interface, routing and ARP ioctls (linux/sockios.h) */
#define IFIOCTL_FIRST	0x890b
#define IFIOCTL_LAST	0x89df		/* beyond are protocols' and devices' own */

static bool is_socket(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	return sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

/* an interface ioctl on a foreign socket, of a process with a stack */
static int foreign_ifioctl(int fd, unsigned long req, void *arg)
{
	const struct stackname *st = stack_get();

	int domain = 0;
	socklen_t len = sizeof(domain);

	sys_getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len);
	if (st->kind != STACKNAME_NULL)
		return client_ifioctl(st->path, domain, req, arg);
	if (req == SIOCGIFCONF) {
		if (!mem_writable(arg, sizeof(struct ifconf)))
			return -EFAULT;
		((struct ifconf *)arg)->ifc_len = 0;
		return 0;
	}
	return -ENODEV;
}

/* requests that the kernel answers for a socket of a stack, too; some programs make one
 * before each read */
static bool plain_request(enum fd_class c, unsigned long req)
{
	switch (req) {
	case FIONREAD:
		return c == FD_STREAM;
	case FIONBIO:
	case FIOASYNC:
	case FIOCLEX:
	case FIONCLEX:
		return true;
	default:
		return false;
	}
}

HOOK(int, ioctl, (int fd, unsigned long req, ...))
{
	enum fd_class c;
	struct sockname sn;
	va_list ap;
	void *arg;

	va_start(ap, req);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (conn_owns(fd))
		return (int)hook_result(-EBADF);
	c = fdtab_class(fd);
	if (plain_request(c, req))
		return sys_ioctl(fd, req, arg);
	if (c != FD_FOREIGN && client_identify(fd, &sn))
		return (int)hook_result(client_ioctl(fd, &sn, req, arg));
	if (req >= IFIOCTL_FIRST && req <= IFIOCTL_LAST && req != SIOCOUTQNSD &&
	    stack_takes(AF_NETLINK) && is_socket(fd))
		return (int)hook_result(foreign_ifioctl(fd, req, arg));
	return sys_ioctl(fd, req, arg);
}

static bool native(void)
{
	return !stack_takes(AF_NETLINK);
}

/* the interfaces of our stack; 0 with *out NULL: there are none */
static int interfaces(struct client_info **out)
{
	const struct stackname *st = stack_get();
	int ret;

	*out = NULL;
	if (st->kind == STACKNAME_NULL)
		return 0;
	ret = client_info(st->path, out);
	if (ret == -ENETDOWN && stack_reach() == 0)
		ret = client_info(st->path, out);
	return ret;
}

/* --- getifaddrs: one block, as freeifaddrs() of the C library expects --- */

struct row {
	struct ifaddrs ifa;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_ll ll;
	} addr, mask, broad;
	struct rtnl_link_stats stats;
	char name[IFNAMSIZ];
};

#define IFF_LOWER_UP	0x10000		/* linux/if.h, which clashes with net/if.h */

static void prefix_mask(unsigned char *p, size_t len, uint32_t bits)
{
	for (size_t i = 0; i < len; i++, bits = bits > 8 ? bits - 8 : 0)
		p[i] = bits >= 8 ? 0xff : (unsigned char)(0xff00 >> bits);
}

static void link_addr(struct sockaddr_ll *ll, const struct msg_ifinfo *f, const void *mac)
{
	*ll = (struct sockaddr_ll){
		.sll_family = AF_PACKET, .sll_ifindex = (int)f->index, .sll_halen = 6,
		.sll_hatype = f->flags & IFF_LOOPBACK ? ARPHRD_LOOPBACK
			: f->flags & IFF_POINTOPOINT ? ARPHRD_NONE : ARPHRD_ETHER,
	};
	/* a link without Ethernet has no addresses */
	if (ll->sll_hatype == ARPHRD_NONE)
		ll->sll_halen = 0;
	memcpy(ll->sll_addr, mac, ll->sll_halen);
}

static void link_row(struct row *r, const struct msg_ifinfo *f)
{
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, none[6];

	link_addr(&r->addr.ll, f, f->mac);
	link_addr(&r->broad.ll, f, f->flags & IFF_LOOPBACK ? none : all);
	if (r->broad.ll.sll_halen)
		r->ifa.ifa_broadaddr = &r->broad.sa;
	/* the old statistics have 32 bits, and wrap */
	r->stats = (struct rtnl_link_stats){
		.rx_packets = (uint32_t)f->stats.rx_packets, .tx_packets = (uint32_t)f->stats.tx_packets,
		.rx_bytes = (uint32_t)f->stats.rx_bytes, .tx_bytes = (uint32_t)f->stats.tx_bytes,
		.rx_dropped = (uint32_t)f->stats.rx_dropped, .tx_dropped = (uint32_t)f->stats.tx_dropped,
	};
	r->ifa.ifa_data = &r->stats;
}

/* as for the C library the name of an alias is its own */
static void addr_row(struct row *r, const struct msg_ifinfo *f, const struct msg_ifaddr *a)
{
	if (a->addr.sa.sa_family == AF_INET) {
		r->addr.in = a->addr.in;
		r->addr.in.sin_port = 0;
		r->mask.in.sin_family = AF_INET;
		prefix_mask((unsigned char *)&r->mask.in.sin_addr, 4, a->prefixlen);
		/* without a broadcast address, and without a peer, it is its own peer */
		r->broad.in = r->addr.in;
		r->broad.in.sin_addr.s_addr = a->broadcast ? a->broadcast : a->peer;
		r->ifa.ifa_broadaddr = &r->broad.sa;
	} else {
		r->addr.in6 = a->addr.in6;
		r->addr.in6.sin6_port = 0;
		if (IN6_IS_ADDR_LINKLOCAL(&r->addr.in6.sin6_addr))
			r->addr.in6.sin6_scope_id = f->index;
		r->mask.in6.sin6_family = AF_INET6;
		prefix_mask((unsigned char *)&r->mask.in6.sin6_addr, 16, a->prefixlen);
	}
	r->ifa.ifa_netmask = &r->mask.sa;
}

/* a row of an interface; a: its address, NULL for the link */
static void fill_row(struct row *r, const struct msg_ifinfo *f, const struct msg_ifaddr *a)
{
	if (a)
		addr_row(r, f, a);
	else
		link_row(r, f);
	memcpy(r->name, a && a->label[0] ? a->label : f->name, IFNAMSIZ);
	r->ifa.ifa_name = r->name;
	r->ifa.ifa_flags = f->flags | (f->flags & IFF_RUNNING ? IFF_LOWER_UP : 0);
	r->ifa.ifa_addr = &r->addr.sa;
}

/* in the C library's order: links, IPv4, IPv6.  Return: how many */
static size_t fill_rows(struct row *rows, size_t max, const struct client_info *i)
{
	static const int families[] = { AF_PACKET, AF_INET, AF_INET6 };
	struct row *r = rows;

	for (int k = 0; k < 3; k++)
		for (uint32_t n = 0; n < i->info.nif; n++) {
			const struct msg_ifinfo *f = &i->ifs[n];

			if (families[k] == AF_PACKET && r < rows + max)
				fill_row(r++, f, NULL);
			for (uint32_t a = 0; a < f->naddr && r < rows + max; a++)
				if (f->addr[a].addr.sa.sa_family == families[k])
					fill_row(r++, f, &f->addr[a]);
		}
	for (struct row *p = rows; p + 1 < r; p++)
		p->ifa.ifa_next = &p[1].ifa;
	return (size_t)(r - rows);
}

HOOK(int, getifaddrs, (struct ifaddrs **out))
{
	struct client_info *i;
	struct row *rows;
	size_t count = 0;
	int ret;

	if (native())
		return sys_getifaddrs(out);
	*out = NULL;
	ret = interfaces(&i);
	if (ret || !i)
		return (int)hook_result(ret);
	for (uint32_t n = 0; n < i->info.nif; n++)
		count += 1 + i->ifs[n].naddr;
	rows = count ? calloc(count, sizeof(*rows)) : NULL;
	if (rows) {
		if (fill_rows(rows, count, i))
			*out = &rows->ifa;
		else
			free(rows);
	} else if (count) {
		ret = -ENOMEM;
	}
	free(i);
	return (int)hook_result(ret);
}

HOOK(unsigned, if_nametoindex, (const char *name))
{
	struct client_info *i;
	unsigned index = 0;
	int ret;

	if (native())
		return sys_if_nametoindex(name);
	ret = interfaces(&i);
	for (uint32_t n = 0; i && n < i->info.nif; n++)
		if (!strncmp(i->ifs[n].name, name, IFNAMSIZ))
			index = i->ifs[n].index;
	free(i);
	if (!index)
		errno = ret ? -ret : ENODEV;
	return index;
}

HOOK(char *, if_indextoname, (unsigned index, char *name))
{
	struct client_info *i;
	char *found = NULL;
	int ret;

	if (native())
		return sys_if_indextoname(index, name);
	ret = interfaces(&i);
	for (uint32_t n = 0; i && n < i->info.nif; n++)
		if (i->ifs[n].index == index)
			found = memcpy(name, i->ifs[n].name, IFNAMSIZ);
	free(i);
	if (!found)
		errno = ret ? -ret : ENXIO;
	return found;
}

/* released by the C library's if_freenameindex(): each name, then the array */
HOOK(struct if_nameindex *, if_nameindex, (void))
{
	struct client_info *i;
	struct if_nameindex *v;
	uint32_t count, n;
	int ret;

	if (native())
		return sys_if_nameindex();
	ret = interfaces(&i);
	if (ret) {
		errno = -ret;
		return NULL;
	}
	count = i ? i->info.nif : 0;
	v = calloc(count + 1, sizeof(*v));
	for (n = 0; v && n < count; n++) {
		v[n].if_index = i->ifs[n].index;
		v[n].if_name = strndup(i->ifs[n].name, IFNAMSIZ);
		if (!v[n].if_name) {
			while (n)
				free(v[--n].if_name);
			free(v);
			v = NULL;
		}
	}
	free(i);
	if (!v)
		errno = ENOBUFS;
	return v;
}
