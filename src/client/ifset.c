/* ifset.c - the ioctls that change interfaces, routes and neighbours
 *
 * Theory of operation
 * What ifconfig(8), route(8) and arp(8) ask for by ioctl, netdevice(7), is told to
 * the stack by rtnetlink, which has all of it; the rules are devinet_ioctl()'s,
 * rtentry_to_fib_config()'s and arp_ioctl()'s.  An IPv4 address belongs to the name
 * it was set by, so "eth0:1" is another address of eth0, which is its label.  A
 * change of it (netmask, broadcast, peer) is a new address in place of the old,
 * as in the kernel.
 */
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include "client/client.h"
#include "client/ifset.h"
#include "client/memory.h"
#include "client/nlquery.h"

/* linux/ipv6.h, which clashes with netinet/in.h */
struct in6_ifreq_ {
	struct in6_addr addr;
	uint32_t plen;
	int32_t index;
};

static int run(const char *path, const struct nlq *q)
{
	return nlq_run(path, NETLINK_ROUTE, q, NULL, NULL);
}

static uint32_t addr_of(const struct sockaddr *sa)
{
	struct sockaddr_in in;

	memcpy(&in, sa, sizeof(in));
	return in.sin_addr.s_addr;
}

static uint32_t mask_of(unsigned plen)
{
	return plen ? htonl(0xffffffffu << (32 - plen)) : 0;
}

/* bad_mask(): ones, then zeros, and none of the address behind them */
static bool bad_mask(uint32_t mask, uint32_t addr)
{
	uint32_t rest = ~ntohl(mask);

	return (addr & ~mask) != 0 || (rest & (rest + 1)) != 0;
}

static unsigned plen_of(uint32_t mask)
{
	return (unsigned)__builtin_popcount(mask);
}

/* the interface of a name, the alias behind its colon left out; 0 or -ENODEV */
static int find_if(const char *path, const char *name, struct msg_ifinfo *out)
{
	size_t len = strnlen(name, IFNAMSIZ - 1);
	const char *colon = memchr(name, ':', len);
	struct client_info *i;
	int ret = client_info(path, &i);

	if (ret)
		return ret;
	if (colon)
		len = (size_t)(colon - name);
	ret = -ENODEV;
	for (uint32_t n = 0; n < i->info.nif && ret; n++)
		if (strlen(i->ifs[n].name) == len && !memcmp(i->ifs[n].name, name, len)) {
			*out = i->ifs[n];
			ret = 0;
		}
	free(i);
	return ret;
}

/* ---- links ---- */

static int set_link(const char *path, const struct msg_ifinfo *f, unsigned long req,
		    const struct ifreq *r)
{
	struct ifinfomsg *m;
	struct nlq q;

	m = nlq_begin(&q, RTM_NEWLINK, NLM_F_ACK, sizeof(*m));
	m->ifi_index = (int)f->index;
	switch (req) {
	case SIOCSIFFLAGS:
		m->ifi_flags = (unsigned)r->ifr_flags & IFF_UP;
		m->ifi_change = IFF_UP;
		break;
	case SIOCSIFMTU:
		nlq_put_u32(&q, IFLA_MTU, (uint32_t)r->ifr_mtu);
		break;
	case SIOCSIFTXQLEN:
		if (r->ifr_qlen < 0)
			return -EINVAL;
		nlq_put_u32(&q, IFLA_TXQLEN, (uint32_t)r->ifr_qlen);
		break;
	case SIOCSIFHWADDR:
		if (f->flags & (IFF_LOOPBACK | IFF_POINTOPOINT))
			return -EOPNOTSUPP;
		if (r->ifr_hwaddr.sa_family != ARPHRD_ETHER)
			return -EINVAL;
		nlq_put(&q, IFLA_ADDRESS, r->ifr_hwaddr.sa_data, 6);
		break;
	default:
		nlq_put(&q, IFLA_IFNAME, r->ifr_newname, strnlen(r->ifr_newname, IFNAMSIZ - 1) + 1);
		break;
	}
	return run(path, &q);
}

/* ---- IPv4 addresses ---- */

struct ifa {
	uint32_t local, peer, broadcast;
	unsigned plen;
	char label[IFNAMSIZ];
};

struct ifa_search {
	uint32_t index;
	const char *label;
	struct ifa found;
	bool any;
};

static void on_addr(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *tb[IFA_MAX + 1];
	struct ifa_search *s = arg;
	struct ifaddrmsg m;
	struct ifa a = { 0 };

	if (s->any || h->nlmsg_type != RTM_NEWADDR || h->nlmsg_len < NLMSG_LENGTH(sizeof(m)))
		return;
	memcpy(&m, NLMSG_DATA(h), sizeof(m));
	nlq_attrs(h, sizeof(m), tb, IFA_MAX);
	nlq_get(tb[IFA_LOCAL], &a.local, sizeof(a.local));
	nlq_get(tb[IFA_ADDRESS], &a.peer, sizeof(a.peer));
	nlq_get(tb[IFA_BROADCAST], &a.broadcast, sizeof(a.broadcast));
	nlq_get(tb[IFA_LABEL], a.label, sizeof(a.label) - 1);
	a.plen = m.ifa_prefixlen;
	if (m.ifa_index != s->index || strcmp(a.label, s->label))
		return;
	s->found = a;
	s->any = true;
}

/* the first address under a label: 0, -EADDRNOTAVAIL or what the stack answers */
static int find_ifa(const char *path, uint32_t index, const char *label, struct ifa *out)
{
	struct ifa_search s = { .index = index, .label = label };
	struct ifaddrmsg *m;
	struct nlq q;
	int ret;

	m = nlq_begin(&q, RTM_GETADDR, NLM_F_DUMP, sizeof(*m));
	m->ifa_family = AF_INET;
	ret = nlq_run(path, NETLINK_ROUTE, &q, on_addr, &s);
	*out = s.found;
	return ret ? ret : s.any ? 0 : -EADDRNOTAVAIL;
}

static int tell_ifa(const char *path, uint32_t index, int type, int flags, const struct ifa *a)
{
	struct ifaddrmsg *m;
	struct nlq q;

	m = nlq_begin(&q, type, NLM_F_ACK | flags, sizeof(*m));
	m->ifa_family = AF_INET;
	m->ifa_prefixlen = (uint8_t)a->plen;
	m->ifa_index = index;
	if ((ntohl(a->local) >> 24) == 127)
		m->ifa_scope = RT_SCOPE_HOST;
	nlq_put(&q, IFA_LOCAL, &a->local, 4);
	nlq_put(&q, IFA_ADDRESS, &a->peer, 4);
	if (a->broadcast && type == RTM_NEWADDR)
		nlq_put(&q, IFA_BROADCAST, &a->broadcast, 4);
	nlq_put(&q, IFA_LABEL, a->label, strlen(a->label) + 1);
	return run(path, &q);
}

/* inet_abc_len(): the prefix that an address had before there were masks; -1: none */
static int class_plen(uint32_t addr)
{
	uint32_t a = ntohl(addr);

	if (!(a >> 24) || a == 0xffffffffu)
		return 0;
	return !(a >> 31) ? 8 : a >> 30 == 2 ? 16 : a >> 29 == 6 ? 24 : a >> 28 == 15 ? 32 : -1;
}

static void new_local(struct ifa *a, const struct msg_ifinfo *f, uint32_t addr)
{
	a->local = a->peer = addr;
	a->broadcast = 0;
	a->plen = f->flags & IFF_POINTOPOINT ? 32 : (unsigned)class_plen(addr);
	if (f->flags & IFF_BROADCAST && a->plen < 31)
		a->broadcast = addr | ~mask_of(a->plen);
}

static void new_mask(struct ifa *a, const struct msg_ifinfo *f, uint32_t mask)
{
	uint32_t old = mask_of(a->plen);

	a->plen = plen_of(mask);
	if (f->flags & IFF_BROADCAST && a->plen < 31 && a->broadcast == (a->local | ~old))
		a->broadcast = a->local | ~mask;
}

/* what the address is to be; 0, or -EINVAL */
static int alter(struct ifa *a, const struct msg_ifinfo *f, unsigned long req, uint32_t value)
{
	if ((req == SIOCSIFADDR || req == SIOCSIFDSTADDR) && class_plen(value) < 0)
		return -EINVAL;
	switch (req) {
	case SIOCSIFADDR:
		if (a->local != value || !value)
			new_local(a, f, value);
		return 0;
	case SIOCSIFDSTADDR:
		a->peer = value;
		return 0;
	case SIOCSIFBRDADDR:
		a->broadcast = value;
		return 0;
	default:
		if (bad_mask(value, 0))
			return -EINVAL;
		new_mask(a, f, value);
		return 0;
	}
}

static int set_ifa(const char *path, const struct msg_ifinfo *f, unsigned long req,
		   const struct ifreq *r)
{
	struct ifa old, a;
	bool had;
	int ret;

	if (r->ifr_addr.sa_family != AF_INET)
		return -EINVAL;
	ret = find_ifa(path, f->index, r->ifr_name, &old);
	had = ret == 0;
	if (ret && (ret != -EADDRNOTAVAIL || req != SIOCSIFADDR))
		return ret;
	a = old;
	memcpy(a.label, r->ifr_name, sizeof(a.label));
	ret = alter(&a, f, req, addr_of(&r->ifr_addr));
	if (ret || (had && !memcmp(&a, &old, sizeof(a))))
		return ret;
	if (had)
		ret = tell_ifa(path, f->index, RTM_DELADDR, 0, &old);
	if (ret || !a.local)
		return ret;
	return tell_ifa(path, f->index, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &a);
}

/* IFF_UP of an alias is the address itself */
static int set_alias_flags(const char *path, const struct msg_ifinfo *f, const struct ifreq *r)
{
	struct ifa a;
	int ret = find_ifa(path, f->index, r->ifr_name, &a);

	if (ret || r->ifr_flags & IFF_UP)
		return ret;
	return tell_ifa(path, f->index, RTM_DELADDR, 0, &a);
}

static int set_if(const char *path, unsigned long req, struct ifreq *r)
{
	struct msg_ifinfo f;
	int ret;

	r->ifr_name[IFNAMSIZ - 1] = '\0';
	ret = find_if(path, r->ifr_name, &f);
	if (ret)
		return ret;
	switch (req) {
	case SIOCSIFADDR: case SIOCSIFNETMASK: case SIOCSIFBRDADDR: case SIOCSIFDSTADDR:
		return set_ifa(path, &f, req, r);
	case SIOCSIFFLAGS:
		return strchr(r->ifr_name, ':') ? set_alias_flags(path, &f, r) :
			set_link(path, &f, req, r);
	default:
		return strchr(r->ifr_name, ':') ? -ENODEV : set_link(path, &f, req, r);
	}
}

/* ---- IPv6 addresses ---- */

static int set_ifa6(const char *path, unsigned long req, const void *arg)
{
	struct in6_ifreq_ r;
	struct ifaddrmsg *m;
	struct nlq q;

	memcpy(&r, arg, sizeof(r));
	if (r.plen > 128)
		return -EINVAL;
	m = nlq_begin(&q, req == SIOCSIFADDR ? RTM_NEWADDR : RTM_DELADDR,
		      NLM_F_ACK | (req == SIOCSIFADDR ? NLM_F_CREATE | NLM_F_EXCL : 0), sizeof(*m));
	m->ifa_family = AF_INET6;
	m->ifa_prefixlen = (uint8_t)r.plen;
	m->ifa_index = (uint32_t)r.index;
	nlq_put(&q, IFA_LOCAL, &r.addr, sizeof(r.addr));
	return run(path, &q);
}

/* ---- routes ---- */

/* the output interface of a struct rtentry; an alias counts as its interface */
static int put_dev(const char *path, struct nlq *q, const char *dev)
{
	struct msg_ifinfo f;
	int ret;

	if (!dev)
		return 0;
	ret = find_if(path, dev, &f);
	if (!ret)
		nlq_put_u32(q, RTA_OIF, f.index);
	return ret;
}

static struct rtmsg *begin_route(struct nlq *q, unsigned long req, int family, unsigned flags)
{
	struct rtmsg *m = nlq_begin(q, req == SIOCADDRT ? RTM_NEWROUTE : RTM_DELROUTE,
				    NLM_F_ACK | (req == SIOCADDRT ? NLM_F_CREATE : 0), sizeof(*m));

	m->rtm_family = (uint8_t)family;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_scope = RT_SCOPE_NOWHERE;
	if (req == SIOCADDRT) {
		m->rtm_protocol = RTPROT_BOOT;
		m->rtm_type = flags & RTF_REJECT ? RTN_UNREACHABLE : RTN_UNICAST;
		m->rtm_scope = flags & RTF_GATEWAY || family == AF_INET6 ? RT_SCOPE_UNIVERSE :
			flags & RTF_REJECT ? RT_SCOPE_HOST : RT_SCOPE_LINK;
	}
	return m;
}

/* the prefix: 0, -EAFNOSUPPORT, -EINVAL */
static int read_dst(const struct rtentry *r, uint32_t *dst, unsigned *plen)
{
	uint32_t mask = addr_of(&r->rt_genmask);

	if (r->rt_dst.sa_family != AF_INET)
		return -EAFNOSUPPORT;
	*dst = addr_of(&r->rt_dst);
	*plen = 32;
	if (r->rt_flags & RTF_HOST)
		return 0;
	if (r->rt_genmask.sa_family != AF_INET && (mask || r->rt_genmask.sa_family))
		return -EAFNOSUPPORT;
	if (bad_mask(mask, *dst))
		return -EINVAL;
	*plen = plen_of(mask);
	return 0;
}

static int set_route(const char *path, unsigned long req, const struct rtentry *r)
{
	uint32_t dst, gw = addr_of(&r->rt_gateway);
	unsigned plen;
	struct rtmsg *m;
	struct nlq q;
	int ret = read_dst(r, &dst, &plen);

	if (ret)
		return ret;
	if (req == SIOCADDRT && r->rt_flags & RTF_GATEWAY && (!gw || r->rt_gateway.sa_family != AF_INET))
		return -EINVAL;
	m = begin_route(&q, req, AF_INET, r->rt_flags);
	m->rtm_dst_len = (uint8_t)plen;
	nlq_put(&q, RTA_DST, &dst, 4);
	if (gw && r->rt_gateway.sa_family == AF_INET && !(r->rt_flags & RTF_REJECT))
		nlq_put(&q, RTA_GATEWAY, &gw, 4);
	if (r->rt_metric > 0)
		nlq_put_u32(&q, RTA_PRIORITY, (uint32_t)r->rt_metric - 1);
	ret = put_dev(path, &q, r->rt_dev);
	return ret ? ret : run(path, &q);
}

static int set_route6(const char *path, unsigned long req, const struct in6_rtmsg *r)
{
	struct rtmsg *m;
	struct nlq q;

	if (r->rtmsg_dst_len > 128 || r->rtmsg_src_len)
		return -EINVAL;
	m = begin_route(&q, req, AF_INET6, r->rtmsg_flags);
	m->rtm_dst_len = (uint8_t)r->rtmsg_dst_len;
	nlq_put(&q, RTA_DST, &r->rtmsg_dst, sizeof(r->rtmsg_dst));
	if (r->rtmsg_flags & RTF_GATEWAY)
		nlq_put(&q, RTA_GATEWAY, &r->rtmsg_gateway, sizeof(r->rtmsg_gateway));
	if (r->rtmsg_metric)
		nlq_put_u32(&q, RTA_PRIORITY, r->rtmsg_metric);
	if (r->rtmsg_ifindex > 0)
		nlq_put_u32(&q, RTA_OIF, (uint32_t)r->rtmsg_ifindex);
	return run(path, &q);
}

/* ---- neighbours ---- */

static void on_route(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *tb[RTA_MAX + 1];

	nlq_attrs(h, sizeof(struct rtmsg), tb, RTA_MAX);
	nlq_get(tb[RTA_OIF], arg, sizeof(uint32_t));
}

/* which interface a neighbour is behind; 0 or -ENETUNREACH */
static int neighbour_if(const char *path, uint32_t addr, uint32_t *index)
{
	struct rtmsg *m;
	struct nlq q;

	m = nlq_begin(&q, RTM_GETROUTE, NLM_F_ACK, sizeof(*m));
	m->rtm_family = AF_INET;
	m->rtm_dst_len = 32;
	nlq_put(&q, RTA_DST, &addr, 4);
	*index = 0;
	nlq_run(path, NETLINK_ROUTE, &q, on_route, index);
	return *index ? 0 : -ENETUNREACH;
}

struct neigh_search {
	uint32_t addr, index;
	struct arpreq *r;
	bool any;
};

static void on_neigh(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *tb[NDA_MAX + 1];
	struct neigh_search *s = arg;
	uint32_t addr;
	struct ndmsg m;

	if (h->nlmsg_type != RTM_NEWNEIGH || h->nlmsg_len < NLMSG_LENGTH(sizeof(m)))
		return;
	memcpy(&m, NLMSG_DATA(h), sizeof(m));
	nlq_attrs(h, sizeof(m), tb, NDA_MAX);
	nlq_get(tb[NDA_DST], &addr, sizeof(addr));
	if (addr != s->addr || (uint32_t)m.ndm_ifindex != s->index)
		return;
	s->any = true;
	memset(&s->r->arp_ha, 0, sizeof(s->r->arp_ha));
	s->r->arp_ha.sa_family = ARPHRD_ETHER;
	nlq_get(tb[NDA_LLADDR], s->r->arp_ha.sa_data, 6);
	s->r->arp_flags = m.ndm_state & NUD_PERMANENT ? ATF_PERM | ATF_COM :
		m.ndm_state & (NUD_INCOMPLETE | NUD_FAILED) ? 0 : ATF_COM;
}

static int get_arp(const char *path, uint32_t index, struct arpreq *r)
{
	struct neigh_search s = { .addr = addr_of(&r->arp_pa), .index = index, .r = r };
	struct ndmsg *m;
	struct nlq q;
	int ret;

	m = nlq_begin(&q, RTM_GETNEIGH, NLM_F_DUMP, sizeof(*m));
	m->ndm_family = AF_INET;
	ret = nlq_run(path, NETLINK_ROUTE, &q, on_neigh, &s);
	return ret ? ret : s.any ? 0 : -ENXIO;
}

static int set_arp(const char *path, unsigned long req, uint32_t index, const struct arpreq *r)
{
	uint32_t addr = addr_of(&r->arp_pa);
	struct ndmsg *m;
	struct nlq q;
	int ret;

	m = nlq_begin(&q, req == SIOCSARP ? RTM_NEWNEIGH : RTM_DELNEIGH,
		      NLM_F_ACK | (req == SIOCSARP ? NLM_F_CREATE | NLM_F_REPLACE : 0), sizeof(*m));
	m->ndm_family = AF_INET;
	m->ndm_ifindex = (int)index;
	m->ndm_state = r->arp_flags & ATF_PERM ? NUD_PERMANENT : NUD_STALE;
	nlq_put(&q, NDA_DST, &addr, 4);
	if (req == SIOCSARP)
		nlq_put(&q, NDA_LLADDR, r->arp_ha.sa_data, 6);
	ret = run(path, &q);
	return ret == -ENOENT ? -ENXIO : ret;
}

static int arp(const char *path, unsigned long req, struct arpreq *r)
{
	struct msg_ifinfo f = { .index = 0 };
	int ret = 0;

	if (r->arp_pa.sa_family != AF_INET)
		return -EPFNOSUPPORT;
	if (r->arp_flags & ATF_PUBL)	/* the stack answers for nobody else */
		return req == SIOCSARP ? -EOPNOTSUPP : -ENXIO;
	if (r->arp_flags & (ATF_NETMASK | ATF_DONTPUB))
		return -EINVAL;
	if (r->arp_dev[0])
		ret = find_if(path, r->arp_dev, &f);
	else
		ret = req == SIOCGARP ? -ENODEV : neighbour_if(path, addr_of(&r->arp_pa), &f.index);
	if (ret)
		return ret;
	return req == SIOCGARP ? get_arp(path, f.index, r) : set_arp(path, req, f.index, r);
}

/**
 * client_ifset() - An ioctl that changes something, or asks for a neighbour
 * @path:	control socket
 * @domain:	of the socket it is made on
 * @req:	SIOCSIF*, SIOCADDRT, SIOCDELRT, SIOCSARP, SIOCDARP, SIOCGARP, SIOCDIFADDR
 * @arg:	what belongs to it
 *
 * Return: 0 or -errno; -ENOTTY when it is none of them, or not on such a socket
 */
int client_ifset(const char *path, int domain, unsigned long req, void *arg)
{
	bool v6 = domain == AF_INET6, v4 = domain == AF_INET || domain == AF_PACKET;

	switch (req) {
	case SIOCSIFADDR: case SIOCDIFADDR:
		if (v6)
			return mem_readable(arg, sizeof(struct in6_ifreq_)) ? set_ifa6(path, req, arg)
									    : -EFAULT;
		if (!v4 || req == SIOCDIFADDR)
			return -ENOTTY;
		break;
	case SIOCSIFNETMASK: case SIOCSIFBRDADDR: case SIOCSIFDSTADDR:
		if (!v4)
			return v6 && req == SIOCSIFDSTADDR ? -ENODEV : -ENOTTY;
		break;
	case SIOCADDRT: case SIOCDELRT:
		if (!v4 && !v6)
			return -ENOTTY;
		if (!mem_readable(arg, v6 ? sizeof(struct in6_rtmsg) : sizeof(struct rtentry)))
			return -EFAULT;
		return v6 ? set_route6(path, req, arg) : set_route(path, req, arg);
	case SIOCSARP: case SIOCDARP: case SIOCGARP:
		return !v4 ? -ENOTTY : mem_writable(arg, sizeof(struct arpreq)) ? arp(path, req, arg)
										: -EFAULT;
	case SIOCSIFFLAGS: case SIOCSIFMTU: case SIOCSIFHWADDR: case SIOCSIFNAME: case SIOCSIFTXQLEN:
		break;
	default:
		return -ENOTTY;
	}
	return mem_readable(arg, sizeof(struct ifreq)) ? set_if(path, req, arg) : -EFAULT;
}
