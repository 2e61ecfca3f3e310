/* rtnl_newroute.c - routes by rtnetlink: RTM_NEWROUTE and RTM_DELROUTE
 *
 * Theory of operation
 * As in Linux a next hop must be a neighbour: a route without gateway leads to
 * it, through an interface that is up.  Only table main can be changed, and
 * routes have one next hop.
 */
#include "engine/rtnl_priv.h"

#include <errno.h>
#include <string.h>

#define METRIC6_USER	1024		/* IP6_RT_PRIO_USER */

struct want {
	struct route r;
	struct iface *i;		/* RTA_OIF, or NULL */
	bool v6, has_gw, has_type;
	uint32_t metric;		/* as given; 0: not */
};

static int check_prefix(struct rtnl_req *r, const struct want *w)
{
	uint32_t host;

	if (w->r.plen > (w->v6 ? 128 : 32))
		return rtnl_fail(r, -EINVAL, "Invalid prefix length");
	if (w->v6)
		return 0;
	host = w->r.plen ? lwip_htonl((uint32_t)(0xffffffffull >> w->r.plen)) : 0xffffffff;
	if (ip4_addr_get_u32(ip_2_ip4(&w->r.dst)) & host)
		return rtnl_fail(r, -EINVAL, "Invalid prefix for given prefix length");
	return 0;
}

static int parse(struct rtnl_req *r, struct want *w)
{
	const struct rtmsg *m = nl_body(r->h, sizeof(*m));
	struct nla tb[RTA_MAX + 1];
	uint32_t table, oif;

	if (!m || nl_parse_msg(tb, RTA_MAX, r->h, sizeof(*m)) < 0)
		return -EINVAL;
	if (m->rtm_family != AF_INET && m->rtm_family != AF_INET6)
		return -EOPNOTSUPP;
	memset(w, 0, sizeof(*w));
	w->v6 = m->rtm_family == AF_INET6;
	ip_addr_set_any(w->v6, &w->r.dst);
	ip_addr_copy(w->r.src, w->r.dst);
	nla_ip(&tb[RTA_DST], m->rtm_family, &w->r.dst);
	nla_ip(&tb[RTA_PREFSRC], m->rtm_family, &w->r.src);
	w->has_gw = nla_ip(&tb[RTA_GATEWAY], m->rtm_family, &w->r.gw);
	w->r.plen = m->rtm_dst_len;
	w->r.type = m->rtm_type;
	w->has_type = m->rtm_type != RTN_UNSPEC;
	w->r.protocol = m->rtm_protocol;
	w->r.scope = w->v6 ? RT_SCOPE_UNIVERSE : m->rtm_scope;
	w->r.flags = m->rtm_flags & RTNH_F_ONLINK;
	w->metric = nla_u32(&tb[RTA_PRIORITY], 0);
	w->r.metric = w->metric;
	table = nla_u32(&tb[RTA_TABLE], m->rtm_table);
	oif = nla_u32(&tb[RTA_OIF], 0);
	w->i = oif ? iface_by_index(r->e, oif) : NULL;
	if (oif && !w->i)
		return -ENODEV;
	if (table != RT_TABLE_UNSPEC && table != RT_TABLE_MAIN)
		return rtnl_fail(r, -EOPNOTSUPP, "table %u: a stack has only the tables main and local, and local follows the addresses",
				 table);
	if (tb[RTA_MULTIPATH].data || tb[RTA_ENCAP].data || tb[RTA_VIA].data || tb[RTA_NH_ID].data)
		return rtnl_fail(r, -EOPNOTSUPP, "a stack's routes have one next hop, of their own family, without encapsulation");
	return check_prefix(r, w);
}

/* ---- next hop ---- */

struct hop {
	const ip_addr_t *gw;
	const struct iface *i;
	struct netif *found;
};

static bool leads_to(const struct route *r, void *arg)
{
	struct hop *h = arg;

	if (IP_IS_V6_VAL(r->dst) != IP_IS_V6(h->gw) || !ip_addr_isany_val(r->gw) ||
	    r->type > RTN_UNICAST || (h->i && iface_of(r->netif) != h->i) ||
	    !netif_is_up(r->netif) || !port_prefix_match(&r->dst, r->plen, h->gw))
		return true;
	h->found = r->netif;
	return false;
}

static int invalid_gateway(struct rtnl_req *r, const struct want *w)
{
	return w->v6 ? -EHOSTUNREACH : rtnl_fail(r, -ENETUNREACH, "Nexthop has invalid gateway");
}

static int find_hop(struct rtnl_req *r, struct want *w)
{
	struct hop h = { .gw = &w->r.gw, .i = w->i };

	if (w->v6 && iface_of_address(r->e, &w->r.gw))
		return rtnl_fail(r, -EINVAL, "Gateway can not be a local address");
	if (w->v6 && ip6_addr_islinklocal(ip_2_ip6(&w->r.gw))) {
		if (!w->i)
			return rtnl_fail(r, -EINVAL, "Egress device not specified");
		w->r.netif = w->i->netif;
		return 0;
	}
	route_foreach(leads_to, &h);
	if (!h.found && w->r.flags & RTNH_F_ONLINK && w->i)
		h.found = w->i->netif;
	if (!h.found)
		return invalid_gateway(r, w);
	w->r.netif = h.found;
	return 0;
}

static int settle(struct rtnl_req *r, struct want *w)
{
	if (w->v6 && !w->metric)
		w->r.metric = METRIC6_USER;
	switch (w->r.type) {
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
		if (w->has_gw && !w->v6)
			return rtnl_fail(r, -EINVAL, "Routes with nexthop device or gateway cannot be of this type");
		ip_addr_copy(w->r.gw, *IP_ANY_TYPE);
		w->r.netif = r->e->ifaces->netif;	/* lo */
		return 0;
	case RTN_UNICAST:
	case RTN_UNSPEC:
		w->r.type = RTN_UNICAST;
		break;
	default:
		return rtnl_fail(r, -EOPNOTSUPP, "a stack has routes of the types unicast, blackhole, unreachable and prohibit");
	}
	if (!w->has_gw && !w->i)
		return -ENODEV;
	if (w->i && !netif_is_up(w->i->netif))
		return rtnl_fail(r, -ENETDOWN, w->v6 ? "Nexthop device is not up" :
				 "Device for nexthop is not up");
	if (!ip_addr_isany_val(w->r.src) && !iface_of_address(r->e, &w->r.src))
		return rtnl_fail(r, -EINVAL, w->v6 ? "Invalid source address" :
				 "Invalid prefsrc address");
	if (w->has_gw)
		return find_hop(r, w);
	ip_addr_copy(w->r.gw, *IP_ANY_TYPE);
	w->r.netif = w->i->netif;
	return 0;
}

/* ---- the two calls ---- */

struct match {
	const struct want *w;
	bool del;			/* by everything given, else by prefix and metric */
	bool found;
	struct route r;
};

static bool match(const struct route *r, void *arg)
{
	struct match *m = arg;
	const struct route *w = &m->w->r;

	if (IP_IS_V6_VAL(r->dst) != m->w->v6 || r->plen != w->plen ||
	    !port_prefix_match(&r->dst, r->plen, &w->dst))
		return true;
	if (!m->del && r->metric != w->metric)
		return true;
	if (m->del && ((m->w->metric && r->metric != m->w->metric) ||
		       (m->w->i && iface_of(r->netif) != m->w->i) ||
		       (m->w->has_gw && !ip_addr_cmp_zoneless(&r->gw, &w->gw)) ||
		       (w->protocol && r->protocol != w->protocol) ||
		       (m->w->has_type && r->type != w->type) ||
		       (!ip_addr_isany_val(w->src) && !ip_addr_cmp(&r->src, &w->src))))
		return true;
	m->r = *r;
	m->found = true;
	return false;
}

/* rtnl_newroute() - RTM_NEWROUTE: 0, -EEXIST, -ENOENT, -ENODEV, -ENETUNREACH, ... */
int rtnl_newroute(struct rtnl_req *r)
{
	unsigned flags = r->h->nlmsg_flags;
	struct match m = { 0 };
	struct want w;
	int err = parse(r, &w);

	if (!err)
		err = settle(r, &w);
	if (err)
		return err;
	m.w = &w;
	route_foreach(match, &m);
	if (m.found && flags & NLM_F_EXCL)
		return -EEXIST;
	if (!m.found && !(flags & NLM_F_CREATE))
		return -ENOENT;
	if (m.found && flags & NLM_F_REPLACE)
		route_del(&m.r);
	err = route_add(&w.r);
	if (err == -ENOSPC)
		return rtnl_fail(r, err, "the table is full: it has %d routes", ROUTES_MAX);
	return err;
}

/* rtnl_delroute() - RTM_DELROUTE: 0, -ESRCH, -ENODEV, -EINVAL */
int rtnl_delroute(struct rtnl_req *r)
{
	struct match m = { .del = true };
	struct want w;
	int err = parse(r, &w);

	if (err)
		return err;
	m.w = &w;
	route_foreach(match, &m);
	return m.found ? route_del(&m.r) : -ESRCH;
}
