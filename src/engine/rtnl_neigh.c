/* rtnl_neigh.c - neighbours by rtnetlink: RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH
 *
 * Theory of operation
 * lwIP keeps them: IPv4 in its ARP table, where an entry is resolved or not
 * and may be static; IPv6 in nd6's cache, which has the states of RFC 4861 and
 * no static ones, so a permanent entry is a reachable one with all the time
 * there is.  Which ARP entries are static lwIP does not tell; we note it.
 *
 * Only what a request changes is announced: lwIP does not say when it learns.
 */
#include "engine/rtnl_priv.h"

#include <errno.h>
#include <string.h>
#include <linux/neighbour.h>
#include "lwip/etharp.h"
#include "lwip/nd6.h"
#include "lwip/priv/nd6_priv.h"

#define FOREVER_MS	0xffffffffu	/* 49 days */

struct neigh {
	ip_addr_t ip;
	struct netif *n;
	uint8_t lladdr[6];
	uint16_t state;			/* NUD_* */
	uint8_t flags;
};

static struct permanent {
	ip4_addr_t ip;
	const struct netif *n;
} permanent[ARP_TABLE_SIZE];

static struct permanent *find_permanent(const ip4_addr_t *ip, const struct netif *n)
{
	for (unsigned k = 0; k < ARP_TABLE_SIZE; k++)
		if (permanent[k].n == n && (!n || ip4_addr_cmp(&permanent[k].ip, ip)))
			return &permanent[k];
	return NULL;
}

/* rtnl_neigh_forget() - The netif went down: lwIP dropped its neighbours */
void rtnl_neigh_forget(const struct netif *n)
{
	for (unsigned k = 0; k < ARP_TABLE_SIZE; k++)
		if (permanent[k].n == n)
			permanent[k].n = NULL;
}

static bool get4(unsigned k, struct neigh *out)
{
	struct eth_addr *mac;
	ip4_addr_t *ip;

	memset(out, 0, sizeof(*out));
	if (!etharp_get_entry(k, &ip, &out->n, &mac))
		return false;
	ip_addr_copy_from_ip4(out->ip, *ip);
	memcpy(out->lladdr, mac, 6);
	out->state = find_permanent(ip, out->n) ? NUD_PERMANENT : NUD_REACHABLE;
	return true;
}

static bool get6(unsigned k, struct neigh *out)
{
	static const uint16_t states[] = {
		[ND6_INCOMPLETE] = NUD_INCOMPLETE, [ND6_REACHABLE] = NUD_REACHABLE,
		[ND6_STALE] = NUD_STALE, [ND6_DELAY] = NUD_DELAY, [ND6_PROBE] = NUD_PROBE,
	};
	const struct nd6_neighbor_cache_entry *c = &neighbor_cache[k];

	memset(out, 0, sizeof(*out));
	if (c->state == ND6_NO_ENTRY || c->state > ND6_PROBE || !c->netif)
		return false;
	ip_addr_copy_from_ip6(out->ip, c->next_hop_address);
	out->n = c->netif;
	memcpy(out->lladdr, c->lladdr, 6);
	out->state = states[c->state];
	if (c->state == ND6_REACHABLE && c->counter.reachable_time > FOREVER_MS / 2)
		out->state = NUD_PERMANENT;
	out->flags = c->isrouter ? NTF_ROUTER : 0;
	return true;
}

static void put(struct nlbuf *b, const struct nlmsghdr *h, const struct neigh *e)
{
	struct ndmsg *m = nl_begin(b, h, sizeof(*m));
	struct nda_cacheinfo ci = { 0 };

	m->ndm_family = IP_IS_V6_VAL(e->ip) ? AF_INET6 : AF_INET;
	m->ndm_ifindex = (int)iface_index_of(e->n);
	m->ndm_state = e->state;
	m->ndm_flags = e->flags;
	m->ndm_type = RTN_UNICAST;
	nl_put_ip(b, NDA_DST, &e->ip);
	if (e->state != NUD_INCOMPLETE)
		nl_put(b, NDA_LLADDR, e->lladdr, sizeof(e->lladdr));
	nl_put_u32(b, NDA_PROBES, 0);
	nl_put(b, NDA_CACHEINFO, &ci, sizeof(ci));
	nl_end(b);
}

static void notify(struct rtnl_req *r, const struct neigh *e, int type)
{
	struct nlmsghdr h = { .nlmsg_type = (uint16_t)type };
	struct nlbuf b = { 0 };

	if (!netlink_has_listener(r->e, RTNLGRP_NEIGH))
		return;
	put(&b, &h, e);
	if (!b.failed)
		netlink_multicast(r->e, RTNLGRP_NEIGH, &b);
	nlbuf_free(&b);
}

/* the table of a family has ARP_TABLE_SIZE or LWIP_ND6_NUM_NEIGHBORS places */
static bool get(int family, unsigned k, struct neigh *e)
{
	return family == AF_INET6 ? get6(k, e) : get4(k, e);
}

static unsigned places(int family)
{
	return family == AF_INET6 ? LWIP_ND6_NUM_NEIGHBORS : ARP_TABLE_SIZE;
}

/* rtnl_dump_neigh() - RTM_GETNEIGH of all; with strict checking of one
 * interface: 0, -EINVAL */
int rtnl_dump_neigh(struct rtnl_req *r)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct nlmsghdr h = rtnl_answer(r, RTM_NEWNEIGH, NLM_F_MULTI);
	int family = ((const struct rtgenmsg *)nl_body(r->h, 1))->rtgen_family;
	struct nla tb[NDA_MAX + 1] = { 0 };
	uint32_t index;

	if (nl_body(r->h, sizeof(struct ndmsg)) &&
	    nl_parse_msg(tb, NDA_MAX, r->h, sizeof(struct ndmsg)) < 0)
		return -EINVAL;
	index = nla_u32(&tb[NDA_IFINDEX], 0);
	r->filtered = index;
	for (unsigned f = 0; f < 2; f++) {
		for (unsigned k = 0; k < places(families[f]); k++) {
			struct neigh e;

			if ((family == AF_UNSPEC || family == families[f]) &&
			    get(families[f], k, &e) &&
			    (!index || index == iface_index_of(e.n)))
				put(r->out, &h, &e);
		}
	}
	return 0;
}

struct want {
	int family;
	struct iface *i;
	ip_addr_t ip;
	const struct nla *lladdr;
	uint16_t state;
};

static int parse(struct rtnl_req *r, struct want *w, struct nla tb[])
{
	const struct ndmsg *m = nl_body(r->h, sizeof(*m));

	if (!m || nl_parse_msg(tb, NDA_MAX, r->h, sizeof(*m)) < 0)
		return -EINVAL;
	w->family = m->ndm_family;
	w->state = m->ndm_state;
	w->lladdr = &tb[NDA_LLADDR];
	w->i = m->ndm_ifindex > 0 ? iface_by_index(r->e, (unsigned)m->ndm_ifindex) : NULL;
	if (m->ndm_ifindex > 0 && !w->i)
		return -ENODEV;
	if (w->family != AF_INET && w->family != AF_INET6)
		return -EAFNOSUPPORT;
	if (!tb[NDA_DST].data)
		return rtnl_fail(r, -EINVAL, "Network address not specified");
	if (!nla_ip(&tb[NDA_DST], w->family, &w->ip))
		return rtnl_fail(r, -EINVAL, "Invalid network address");
	return 0;
}

static bool find(const struct want *w, struct neigh *e, unsigned *at)
{
	for (unsigned k = 0; k < places(w->family); k++)
		if (get(w->family, k, e) && iface_of(e->n) == w->i &&
		    ip_addr_cmp_zoneless(&e->ip, &w->ip)) {
			*at = k;
			return true;
		}
	return false;
}

/* rtnl_getneigh() - RTM_GETNEIGH of one: 0, -EINVAL, -ENOENT */
int rtnl_getneigh(struct rtnl_req *r)
{
	struct nlmsghdr h = rtnl_answer(r, RTM_NEWNEIGH, 0);
	struct nla tb[NDA_MAX + 1];
	struct neigh e = { 0 };
	struct want w = { 0 };
	unsigned at;
	int err = parse(r, &w, tb);

	if (err)
		return err;
	if (!w.i)
		return rtnl_fail(r, -EINVAL, "No device specified");
	if (!find(&w, &e, &at))
		return rtnl_fail(r, -ENOENT, "Neighbour entry not found");
	put(r->out, &h, &e);
	return 0;
}

static int set4(struct rtnl_req *r, const struct want *w)
{
	struct netif *n = ip4_route(ip_2_ip4(&w->ip));
	struct permanent *p;
	struct eth_addr mac;

	if (!n || iface_of(n) != w->i || n->hwaddr_len != ETH_HWADDR_LEN)
		return rtnl_fail(r, -EINVAL, "no route leads to that address by %s", w->i->name);
	p = find_permanent(ip_2_ip4(&w->ip), n);
	if (!p)
		p = find_permanent(NULL, NULL);
	memcpy(&mac, w->lladdr->data, sizeof(mac));
	if (etharp_add_static_entry(ip_2_ip4(&w->ip), &mac) != ERR_OK || !p)
		return -ENOBUFS;
	if (w->state & NUD_PERMANENT) {
		ip4_addr_copy(p->ip, *ip_2_ip4(&w->ip));
		p->n = n;
	}
	return 0;
}

static int set6(const struct want *w)
{
	struct nd6_neighbor_cache_entry *c = NULL;
	struct neigh e = { 0 };
	unsigned k = 0;

	if (find(w, &e, &k)) {
		c = &neighbor_cache[k];
	} else {
		for (k = 0; k < LWIP_ND6_NUM_NEIGHBORS && !c; k++)
			if (neighbor_cache[k].state == ND6_NO_ENTRY)
				c = &neighbor_cache[k];
		if (!c)
			return -ENOBUFS;
		ip6_addr_copy(c->next_hop_address, *ip_2_ip6(&w->ip));
		ip6_addr_assign_zone(&c->next_hop_address, IP6_UNICAST, w->i->netif);
		c->netif = w->i->netif;
		c->isrouter = 0;
	}
	memcpy(c->lladdr, w->lladdr->data, 6);
	c->state = ND6_REACHABLE;
	c->counter.reachable_time = w->state & NUD_PERMANENT ? FOREVER_MS : reachable_time;
	return 0;
}

/* rtnl_newneigh() - RTM_NEWNEIGH: 0, -EEXIST, -ENOENT, -EINVAL, -ENOBUFS */
int rtnl_newneigh(struct rtnl_req *r)
{
	unsigned flags = r->h->nlmsg_flags, at;
	struct nla tb[NDA_MAX + 1];
	struct neigh e = { 0 };
	struct want w = { 0 };
	int err = parse(r, &w, tb);

	if (err)
		return err;
	if (!w.i || !w.i->link || w.i->link->caps & LINK_CAP_L3)
		return rtnl_fail(r, -EINVAL, "neighbours belong to an Ethernet interface");
	if (!w.lladdr->data)
		return rtnl_fail(r, -EINVAL, "No link layer address given");
	if (w.lladdr->len != 6)
		return rtnl_fail(r, -EINVAL, "Invalid link address");
	if (find(&w, &e, &at)) {
		if (flags & NLM_F_EXCL)
			return -EEXIST;
	} else if (!(flags & NLM_F_CREATE)) {
		return -ENOENT;
	}
	err = w.family == AF_INET6 ? set6(&w) : set4(r, &w);
	if (!err && find(&w, &e, &at))
		notify(r, &e, RTM_NEWNEIGH);
	return err;
}

/* rtnl_delneigh() - RTM_DELNEIGH: 0, -ENOENT, -EINVAL, -EBUSY */
int rtnl_delneigh(struct rtnl_req *r)
{
	struct nla tb[NDA_MAX + 1];
	struct permanent *p;
	struct neigh e = { 0 };
	struct want w = { 0 };
	unsigned at;
	int err = parse(r, &w, tb);

	if (err)
		return err;
	if (!w.i || !find(&w, &e, &at))
		return -ENOENT;
	if (w.family == AF_INET6) {
		struct nd6_neighbor_cache_entry *c = &neighbor_cache[at];

		if (c->q || c->isrouter)
			return -EBUSY;	/* lwIP holds on to it */
		nd6_clear_destination_cache();
		c->state = ND6_NO_ENTRY;
	} else {
		struct eth_addr mac;

		/* lwIP removes only static entries: make it one */
		memcpy(&mac, e.lladdr, sizeof(mac));
		if (ip4_route(ip_2_ip4(&w.ip)) != e.n ||
		    etharp_add_static_entry(ip_2_ip4(&w.ip), &mac) != ERR_OK)
			return -EBUSY;
		etharp_remove_static_entry(ip_2_ip4(&w.ip));
		p = find_permanent(ip_2_ip4(&w.ip), e.n);
		if (p)
			p->n = NULL;
	}
	e.state = NUD_FAILED;
	notify(r, &e, RTM_DELNEIGH);
	return 0;
}
