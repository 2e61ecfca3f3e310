/* rtnl_route.c - routes as rtnetlink shows them: RTM_GETROUTE and announcements
 *
 * Theory of operation
 * Table main is the port's route table (port.h).  Table local, which Linux
 * fills with a route for each own address, is never stored here: own
 * addresses are looked up as such, and the table is made from them when
 * somebody asks.  The same goes for fe80::/64, which lwIP knows by itself.
 * A dump is sorted as Linux' tries give it.
 */
#include "engine/rtnl_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/if_addr.h>

#define METRIC6_KERNEL	256
#define NS_PER_TICK	10000000	/* of USER_HZ */
#define RTCF_LOCAL	0x80000000	/* linux/in_route.h */

static int family_of(const struct route *r)
{
	return IP_IS_V6_VAL(r->dst) ? AF_INET6 : AF_INET;
}

static bool rejecting(const struct route *r)
{
	return r->type > RTN_MULTICAST;
}

/* what both kinds of message have in common */
static struct rtmsg *put_head(struct nlbuf *b, const struct nlmsghdr *h, const struct route *r,
			      uint8_t table)
{
	struct rtmsg *m = nl_begin(b, h, sizeof(*m));

	m->rtm_family = (uint8_t)family_of(r);
	m->rtm_dst_len = r->plen;
	m->rtm_table = table;
	m->rtm_protocol = r->protocol;
	m->rtm_scope = r->scope;
	m->rtm_type = r->type ? r->type : RTN_UNICAST;
	return m;
}

/* rtnl_put_route() - Append a message about a route of a table */
void rtnl_put_route(struct nlbuf *b, const struct nlmsghdr *h, const struct route *r, uint8_t table)
{
	bool v6 = family_of(r) == AF_INET6;
	struct rta_cacheinfo ci = { 0 };
	uint64_t now = r->until ? clock_ns() : 0;

	put_head(b, h, r, table)->rtm_flags = r->flags;
	nl_put_u32(b, RTA_TABLE, table);
	if (r->plen)
		nl_put_ip(b, RTA_DST, &r->dst);
	if (v6 || r->metric)
		nl_put_u32(b, RTA_PRIORITY, r->metric);
	if (!ip_addr_isany_val(r->src))
		nl_put_ip(b, RTA_PREFSRC, &r->src);
	if (!ip_addr_isany_val(r->gw))
		nl_put_ip(b, RTA_GATEWAY, &r->gw);
	if (v6 || !rejecting(r))
		nl_put_u32(b, RTA_OIF, iface_index_of(r->netif));
	if (v6) {
		if (r->until > now)
			ci.rta_expires = (int)((r->until - now) / NS_PER_TICK);
		nl_put(b, RTA_CACHEINFO, &ci, sizeof(ci));
		nl_put_u8(b, RTA_PREF, r->pref);
	}
	nl_end(b);
}

/* rtnl_route_notify() - Announce a route to RTNLGRP_IPV4_ROUTE or _IPV6_ROUTE */
void rtnl_route_notify(struct engine *e, const struct route *r, uint8_t table, bool added)
{
	unsigned group = family_of(r) == AF_INET6 ? RTNLGRP_IPV6_ROUTE : RTNLGRP_IPV4_ROUTE;
	struct nlmsghdr h = { .nlmsg_type = added ? RTM_NEWROUTE : RTM_DELROUTE };
	struct nlbuf b = { 0 };

	if (!netlink_has_listener(e, group))
		return;
	rtnl_put_route(&b, &h, r, table);
	if (!b.failed)
		netlink_multicast(e, group, &b);
	nlbuf_free(&b);
}

/* ---- table local ---- */

static void local4(struct iface *i, const struct iface_addr *a, rtnl_local_visit *fn, void *arg)
{
	uint32_t host = a->plen ? lwip_htonl((uint32_t)(0xffffffffull >> a->plen)) : 0xffffffff;
	struct route r = {
		.plen = 32, .netif = i->netif, .type = RTN_LOCAL, .protocol = RTPROT_KERNEL,
		.scope = RT_SCOPE_HOST,
	};
	const struct iface_addr *primary = iface_primary4(i, a);
	uint32_t net;

	ip_addr_copy(r.dst, a->local);
	if (primary)
		ip_addr_copy(r.src, primary->local);
	else
		ip_addr_copy(r.src, a->local);
	ip_addr_copy(r.gw, *IP_ANY_TYPE);
	fn(&r, RT_TABLE_LOCAL, arg);
	if (a->flags & IFA_F_SECONDARY || a->plen == 32)
		return;
	net = ip4_addr_get_u32(ip_2_ip4(&a->peer)) & ~host;
	if (!i->link) {
		ip_addr_set_ip4_u32_val(r.dst, net);
		r.plen = a->plen;
		fn(&r, RT_TABLE_LOCAL, arg);
	}
	if (a->plen == 31)
		return;
	ip_addr_set_ip4_u32_val(r.dst, net | host);
	r.plen = 32;
	r.type = RTN_BROADCAST;
	r.scope = RT_SCOPE_LINK;
	fn(&r, RT_TABLE_LOCAL, arg);
}

static void local6(struct iface *i, const struct iface_addr *a, rtnl_local_visit *fn, void *arg)
{
	struct route r = {
		.plen = 128, .netif = i->netif, .type = RTN_LOCAL, .protocol = RTPROT_KERNEL,
	};

	ip_addr_copy(r.dst, a->local);
	ip_addr_copy(r.src, *IP6_ADDR_ANY);
	ip_addr_copy(r.gw, *IP_ANY_TYPE);
	fn(&r, RT_TABLE_LOCAL, arg);
	r.metric = METRIC6_KERNEL;
	if (i->link && ip6_addr_islinklocal(ip_2_ip6(&a->local))) {
		r.type = RTN_UNICAST;
		r.plen = 64;
		ip_2_ip6(&r.dst)->addr[2] = ip_2_ip6(&r.dst)->addr[3] = 0;
		fn(&r, RT_TABLE_MAIN, arg);
		r.type = RTN_MULTICAST;
		r.plen = 8;
		memset(ip_2_ip6(&r.dst)->addr, 0, 16);
		ip_2_ip6(&r.dst)->addr[0] = PP_HTONL(0xff000000);
		fn(&r, RT_TABLE_LOCAL, arg);
	}
}

/* rtnl_local_routes() - Visit the routes that an address brings beside its
 * prefix's; none while the interface is down */
void rtnl_local_routes(struct iface *i, const struct iface_addr *a, rtnl_local_visit *fn, void *arg)
{
	if (!netif_is_up(i->netif))
		return;
	if (IP_IS_V6_VAL(a->local))
		local6(i, a, fn, arg);
	else
		local4(i, a, fn, arg);
}

/* ---- dump ---- */

struct entry {
	struct route r;
	uint8_t table;
};

struct list {
	struct entry *e;
	size_t n, room;
	bool failed;
};

static void collect(const struct route *r, uint8_t table, void *arg)
{
	struct list *l = arg;
	struct entry *e;

	if (l->n == l->room) {
		l->room = l->room ? l->room * 2 : 64;
		e = realloc(l->e, l->room * sizeof(*e));
		if (!e) {
			l->failed = true;
			l->room = l->n;
			return;
		}
		l->e = e;
	}
	l->e[l->n++] = (struct entry){ *r, table };
}

static bool collect_main(const struct route *r, void *arg)
{
	collect(r, RT_TABLE_MAIN, arg);
	return true;
}

static void collect_local(struct iface *i, const struct iface_addr *a, void *arg)
{
	rtnl_local_routes(i, a, collect, arg);
}

static int cmp_dst(const struct route *x, const struct route *y)
{
	unsigned shorter = x->plen < y->plen ? x->plen : y->plen;

	if (family_of(x) == AF_INET) {
		uint32_t a = lwip_ntohl(ip4_addr_get_u32(ip_2_ip4(&x->dst)));
		uint32_t b = lwip_ntohl(ip4_addr_get_u32(ip_2_ip4(&y->dst)));

		return a != b ? (a < b ? -1 : 1) : y->plen - x->plen;
	}
	if (port_prefix_match(&x->dst, shorter, &y->dst))
		return y->plen - x->plen;
	return memcmp(ip_2_ip6(&x->dst)->addr, ip_2_ip6(&y->dst)->addr, 16);
}

/* IPv4, IPv6; main, local (Linux walks its tables so); then by prefix, metric */
static int cmp_entry(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = family_of(&x->r) - family_of(&y->r);

	if (!c)
		c = x->table - y->table;
	if (!c)
		c = cmp_dst(&x->r, &y->r);
	if (!c)
		c = (x->r.metric > y->r.metric) - (x->r.metric < y->r.metric);
	return c ? c : (int)iface_index_of(x->r.netif) - (int)iface_index_of(y->r.netif);
}

struct filter {
	int family;
	uint32_t table, oif;
	uint8_t protocol, type;
};

/* strict checking makes a dump's header and attributes a filter */
static int read_filter(struct rtnl_req *r, struct filter *f)
{
	const struct rtmsg *m = nl_body(r->h, sizeof(*m));
	struct nla tb[RTA_MAX + 1];

	*f = (struct filter){
		.family = ((const struct rtgenmsg *)nl_body(r->h, 1))->rtgen_family,
	};
	if (!r->strict || !m)
		return 0;
	if (nl_parse_msg(tb, RTA_MAX, r->h, sizeof(*m)) < 0)
		return -EINVAL;
	f->table = nla_u32(&tb[RTA_TABLE], m->rtm_table);
	f->oif = nla_u32(&tb[RTA_OIF], 0);
	f->protocol = m->rtm_protocol;
	f->type = m->rtm_type;
	r->filtered = f->table || f->oif || f->protocol || f->type;
	if (f->oif && !iface_by_index(r->e, f->oif))
		return -ENODEV;
	if (f->table && f->table != RT_TABLE_MAIN && f->table != RT_TABLE_LOCAL &&
	    f->family != AF_UNSPEC)
		return rtnl_fail(r, -ENOENT, "%s: FIB table does not exist",
				 f->family == AF_INET6 ? "ipv6" : "ipv4");
	return 0;
}

static bool passes(const struct filter *f, const struct entry *e)
{
	uint8_t type = e->r.type ? e->r.type : RTN_UNICAST;

	return (!f->family || f->family == family_of(&e->r)) &&
		(!f->table || f->table == e->table) &&
		(!f->oif || f->oif == iface_index_of(e->r.netif)) &&
		(!f->protocol || f->protocol == e->r.protocol) && (!f->type || f->type == type);
}

/* rtnl_dump_route() - RTM_GETROUTE of all: 0, -ENOENT (table), -ENODEV, -ENOMEM */
int rtnl_dump_route(struct rtnl_req *r)
{
	struct nlmsghdr h = rtnl_answer(r, RTM_NEWROUTE, NLM_F_MULTI);
	struct list l = { 0 };
	struct filter f;
	int err = read_filter(r, &f);

	if (err)
		return err;
	route_foreach(collect_main, &l);
	for (struct iface *i = r->e->ifaces; i; i = i->next)
		iface_addr_each(i, collect_local, &l);
	if (l.n)
		qsort(l.e, l.n, sizeof(*l.e), cmp_entry);
	for (size_t k = 0; k < l.n; k++)
		if (passes(&f, &l.e[k]))
			rtnl_put_route(r->out, &h, &l.e[k].r, l.e[k].table);
	free(l.e);
	return l.failed ? -ENOMEM : 0;
}

/* ---- ip route get ---- */

static int put_result(struct rtnl_req *r, const ip_addr_t *dst, const ip_addr_t *from,
		      const ip_addr_t *src, struct netif *n)
{
	struct nlmsghdr h = rtnl_answer(r, RTM_NEWROUTE, 0);
	const struct route *found = route_lookup(from, dst);
	bool v6 = IP_IS_V6(dst), local = iface_of_address(r->e, dst) != NULL || ip_addr_isloopback(dst);
	struct route out = {
		.plen = v6 ? 128 : 32, .netif = n, .type = local ? RTN_LOCAL : RTN_UNICAST,
	};
	/* Linux tells the table of a cached IPv4 route only when asked to */
	uint8_t table = local && v6 ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
	struct rta_cacheinfo ci = { 0 };
	struct rtmsg *m;

	if (found && !local) {
		ip_addr_copy(out.gw, found->gw);
		out.metric = found->metric;
		if (v6)
			out.protocol = found->protocol;
	}
	ip_addr_copy(out.dst, *dst);
	m = put_head(r->out, &h, &out, table);
	m->rtm_flags = v6 ? 0 : RTM_F_CLONED | (local ? RTCF_LOCAL : 0);
	if (v6 || !ip_addr_isany(from))
		m->rtm_src_len = out.plen;
	nl_put_u32(r->out, RTA_TABLE, table);
	nl_put_ip(r->out, RTA_DST, dst);
	if (v6 || !ip_addr_isany(from))
		nl_put_ip(r->out, RTA_SRC, from);
	nl_put_u32(r->out, RTA_OIF, iface_index_of(n));
	if (!ip_addr_isany(src) && (v6 || ip_addr_isany(from)))
		nl_put_ip(r->out, RTA_PREFSRC, src);
	if (!ip_addr_isany_val(out.gw))
		nl_put_ip(r->out, RTA_GATEWAY, &out.gw);
	if (v6)
		nl_put_u32(r->out, RTA_PRIORITY, out.metric);
	else
		nl_put_u32(r->out, RTA_UID, (uint32_t)geteuid());
	nl_put(r->out, RTA_CACHEINFO, &ci, sizeof(ci));
	if (v6)
		nl_put_u8(r->out, RTA_PREF, 0);
	nl_end(r->out);
	return 0;
}

/* rtnl_getroute() - RTM_GETROUTE of one destination: 0, -EINVAL, -ENODEV, -ENETUNREACH */
int rtnl_getroute(struct rtnl_req *r)
{
	const struct rtmsg *m = nl_body(r->h, sizeof(*m));
	struct nla tb[RTA_MAX + 1];
	ip_addr_t dst, from, src;
	struct netif *n = NULL;
	uint32_t oif;

	if (!m || nl_parse_msg(tb, RTA_MAX, r->h, sizeof(*m)) < 0)
		return -EINVAL;
	if (m->rtm_family != AF_INET && m->rtm_family != AF_INET6)
		return -EOPNOTSUPP;
	ip_addr_set_any(m->rtm_family == AF_INET6, &from);
	ip_addr_copy(dst, from);
	nla_ip(&tb[RTA_DST], m->rtm_family, &dst);
	nla_ip(&tb[RTA_SRC], m->rtm_family, &from);
	oif = nla_u32(&tb[RTA_OIF], 0);
	if (oif && !iface_netif(r->e, oif))
		return -ENODEV;
	if (oif && IP_IS_V6_VAL(dst))
		ip6_addr_assign_zone(ip_2_ip6(&dst), IP6_UNKNOWN, iface_netif(r->e, oif));
	iface_fix_zone(r->e, &dst);
	if (!ip_addr_isany_val(from) && IP_IS_V4_VAL(from) && !iface_of_address(r->e, &from))
		return -EINVAL;
	if (!route_source(&dst, &src, &n))
		return -ENETUNREACH;
	if (oif)
		n = iface_netif(r->e, oif);
	return put_result(r, &dst, &from, &src, n);
}
