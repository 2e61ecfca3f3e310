/* rtnl_neigh.c - neighbours by rtnetlink: RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH
 *
 * Theory of operation
 * lwIP keeps them: IPv4 in its ARP table, where an entry is resolved or not
 * and may be static; IPv6 in nd6's cache, which has the states of RFC 4861 and
 * no static ones, so a permanent entry is a reachable one with all the time
 * there is.  Which static entries of ARP are permanent we note.
 *
 * lwIP does not say when it learns.  While somebody listens to RTNLGRP_NEIGH its
 * tables are compared with what they were WATCH_NS ago, and what is different
 * is announced.  Who did not answer it does tell (port_neigh_failed): Linux keeps
 * such an entry as FAILED for a while, and so do we, FAILED_MAX of them.
 */
#include "engine/rtnl_priv.h"

#include <errno.h>
#include <string.h>
#include <linux/neighbour.h>
#include "lwip/etharp.h"
#include "lwip/nd6.h"
#include "lwip/priv/nd6_priv.h"

#define FOREVER_MS	0xffffffffu	/* 49 days */
#define WATCH_NS	100000000ull
#define FAILED_MAX	32		/* the oldest makes room */
#define FAILED_NS	60000000000ull	/* gc_stale_time */
#define CLOCK_HZ	100		/* of struct nda_cacheinfo */

/* states in which an address is known: neighbour.h's NUD_VALID, which is the kernel's own */
#define VALID	(NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)

static const int families[] = { AF_INET, AF_INET6 };

static struct failed {
	struct port_neigh e;		/* n: NULL, the place is free */
	uint64_t at;
} failed[FAILED_MAX];

static struct {
	struct engine *e;
	struct loop_timer timer;
	struct port_neigh seen[2][LWIP_MAX(ARP_TABLE_SIZE, LWIP_ND6_NUM_NEIGHBORS)];
} watch;

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

static bool get4(unsigned k, struct port_neigh *out)
{
	if (!port_neigh4(k, out))
		return false;
	if (out->state == NUD_NOARP)
		out->state = find_permanent(ip_2_ip4(&out->ip), out->n) ? NUD_PERMANENT : NUD_REACHABLE;
	return true;
}

static bool get6(unsigned k, struct port_neigh *out)
{
	if (!port_neigh6(k, out))
		return false;
	if (out->reachable_ms > FOREVER_MS / 2)
		out->state = NUD_PERMANENT;
	return true;
}

static void put(struct nlbuf *b, const struct nlmsghdr *h, const struct port_neigh *e)
{
	struct ndmsg *m = nl_begin(b, h, sizeof(*m));
	struct nda_cacheinfo ci = { 0 };

	ci.ndm_confirmed = ci.ndm_used = ci.ndm_updated = e->age * CLOCK_HZ;
	m->ndm_family = IP_IS_V6_VAL(e->ip) ? AF_INET6 : AF_INET;
	m->ndm_ifindex = (int)iface_index_of(e->n);
	m->ndm_state = e->state;
	m->ndm_flags = e->router ? NTF_ROUTER : 0;
	m->ndm_type = RTN_UNICAST;
	nl_put_ip(b, NDA_DST, &e->ip);
	if (!(e->state & (NUD_INCOMPLETE | NUD_FAILED)))
		nl_put(b, NDA_LLADDR, e->lladdr, sizeof(e->lladdr));
	nl_put_u32(b, NDA_PROBES, 0);
	nl_put(b, NDA_CACHEINFO, &ci, sizeof(ci));
	nl_end(b);
}

static void notify(struct engine *engine, const struct port_neigh *e, int type)
{
	struct nlmsghdr h = { .nlmsg_type = (uint16_t)type };
	struct nlbuf b = { 0 };

	if (!netlink_has_listener(engine, RTNLGRP_NEIGH))
		return;
	put(&b, &h, e);
	if (!b.failed)
		netlink_multicast(engine, RTNLGRP_NEIGH, &b);
	nlbuf_free(&b);
}

/* the table of a family has ARP_TABLE_SIZE or LWIP_ND6_NUM_NEIGHBORS places */
static bool get(int family, unsigned k, struct port_neigh *e)
{
	return family == AF_INET6 ? get6(k, e) : get4(k, e);
}

static unsigned places(int family)
{
	return family == AF_INET6 ? LWIP_ND6_NUM_NEIGHBORS : ARP_TABLE_SIZE;
}

/* ---- what lwIP learned ---- */

static bool same_neigh(const struct port_neigh *a, const struct port_neigh *b)
{
	return a->n == b->n && ip_addr_cmp(&a->ip, &b->ip);
}

/* it was not there before, or not so */
static bool differs(const struct port_neigh *was, const struct port_neigh *is)
{
	return !same_neigh(was, is) || was->state != is->state ||
	       memcmp(was->lladdr, is->lladdr, sizeof(is->lladdr));
}

static struct failed *find_failed(const ip_addr_t *ip, const struct iface *i)
{
	for (unsigned k = 0; k < FAILED_MAX; k++)
		if (failed[k].e.n && iface_of(failed[k].e.n) == i && ip_addr_cmp_zoneless(&failed[k].e.ip, ip))
			return &failed[k];
	return NULL;
}

/* one place of a table: announce what changed since it was looked at */
static void look(unsigned f, unsigned k, bool tell)
{
	struct port_neigh is, *was = &watch.seen[f][k];
	bool there = get(families[f], k, &is);
	struct failed *x = there ? find_failed(&is.ip, iface_of(is.n)) : NULL;

	if (x && is.state != NUD_INCOMPLETE)
		x->e.n = NULL;		/* it answered after all */
	/* of one that nobody answered for, on_failed() told */
	if (tell && was->n && was->state != NUD_INCOMPLETE && (!there || !same_neigh(was, &is)))
		notify(watch.e, was, RTM_DELNEIGH);
	if (tell && there && differs(was, &is))
		notify(watch.e, &is, RTM_NEWNEIGH);
	*was = is;
}

static void look_all(bool tell)
{
	for (unsigned f = 0; f < 2; f++)
		for (unsigned k = 0; k < places(families[f]); k++)
			look(f, k, tell);
}

static void on_watch(struct loop_timer *t)
{
	if (!netlink_has_listener(watch.e, RTNLGRP_NEIGH))
		return;
	look_all(true);
	loop_timer_in(watch.e->loop, t, WATCH_NS);
}

/* rtnl_neigh_forget() - The netif went down, or goes: lwIP dropped its neighbours */
void rtnl_neigh_forget(const struct netif *n)
{
	for (unsigned k = 0; k < ARP_TABLE_SIZE; k++)
		if (permanent[k].n == n)
			permanent[k].n = NULL;
	for (unsigned k = 0; k < FAILED_MAX; k++)
		if (failed[k].e.n == n)
			failed[k].e.n = NULL;
	for (unsigned f = 0; f < 2; f++)
		for (unsigned k = 0; k < places(families[f]); k++) {
			struct port_neigh *was = &watch.seen[f][k];

			if (was->n != n)
				continue;
			if (watch.timer.loop)
				notify(watch.e, was, RTM_DELNEIGH);
			was->n = NULL;
		}
}

/* rtnl_neigh_watch() - Somebody may have begun to listen to RTNLGRP_NEIGH */
void rtnl_neigh_watch(struct engine *e)
{
	if (watch.timer.loop || !netlink_has_listener(e, RTNLGRP_NEIGH))
		return;
	watch.e = e;
	watch.timer.cb = on_watch;
	look_all(false);
	loop_timer_in(e->loop, &watch.timer, WATCH_NS);
}

static void on_failed(const ip_addr_t *ip, struct netif *n)
{
	struct failed *x = find_failed(ip, iface_of(n));
	uint64_t now = loop_now(watch.e->loop);

	for (unsigned k = 0; k < FAILED_MAX && !x; k++)
		if (!failed[k].e.n)
			x = &failed[k];
	for (unsigned k = 0; k < FAILED_MAX && !x; k++)
		if (!k || failed[k].at < x->at)
			x = &failed[k];
	memset(&x->e, 0, sizeof(x->e));
	ip_addr_copy(x->e.ip, *ip);
	x->e.n = n;
	x->e.state = NUD_FAILED;
	x->at = now;
	notify(watch.e, &x->e, RTM_NEWNEIGH);
}

/* rtnl_neigh_init() - Begin to note who does not answer; NULL: no more */
void rtnl_neigh_init(struct engine *e)
{
	loop_timer_del(&watch.timer);
	watch.e = e;
	port_neigh_failed = e ? on_failed : NULL;
}

static void dump_failed(struct rtnl_req *r, const struct nlmsghdr *h, int family, uint32_t index)
{
	uint64_t now = loop_now(r->e->loop);

	for (unsigned k = 0; k < FAILED_MAX; k++) {
		struct failed *x = &failed[k];

		if (x->e.n && now - x->at > FAILED_NS)
			x->e.n = NULL;
		if (x->e.n && (family == AF_UNSPEC || (family == AF_INET6) == IP_IS_V6_VAL(x->e.ip)) &&
		    (!index || index == iface_index_of(x->e.n)))
			put(r->out, h, &x->e);
	}
}

/* ---- requests ---- */

/* rtnl_dump_neigh() - RTM_GETNEIGH of all; with strict checking of one
 * interface: 0, -EINVAL */
int rtnl_dump_neigh(struct rtnl_req *r)
{
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
			struct port_neigh e;

			if ((family == AF_UNSPEC || family == families[f]) &&
			    get(families[f], k, &e) &&
			    (!index || index == iface_index_of(e.n)))
				put(r->out, &h, &e);
		}
	}
	dump_failed(r, &h, family, index);
	return 0;
}

struct want {
	int family;
	struct iface *i;
	ip_addr_t ip;
	const struct nla *lladdr;
	uint16_t state;
	uint8_t flags;			/* NTF_* */
};

static int parse(struct rtnl_req *r, struct want *w, struct nla tb[])
{
	const struct ndmsg *m = nl_body(r->h, sizeof(*m));

	if (!m || nl_parse_msg(tb, NDA_MAX, r->h, sizeof(*m)) < 0)
		return -EINVAL;
	w->family = m->ndm_family;
	w->state = m->ndm_state;
	w->flags = m->ndm_flags;
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

static bool find(const struct want *w, struct port_neigh *e, unsigned *at)
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
	struct port_neigh e = { 0 };
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
	struct port_neigh e = { 0 };
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

static int remove_neigh(const struct want *w, unsigned at, const struct port_neigh *e)
{
	struct permanent *p;

	if (w->family == AF_INET6)
		return port_neigh_del6(at);
	p = find_permanent(ip_2_ip4(&w->ip), e->n);
	if (p)
		p->n = NULL;
	port_neigh_del4(at);
	return 0;
}

/* NTF_USE: somebody is about to send there, so it shall be asked for its address; what
 * the message says about address and state does not count */
static int use_neigh(const struct want *w, bool known)
{
	if (known)
		return 0;
	return w->family == AF_INET6 ? port_neigh_ask6(w->i->netif, ip_2_ip6(&w->ip)) :
				       port_neigh_ask4(w->i->netif, ip_2_ip4(&w->ip));
}

/* rtnl_newneigh() - RTM_NEWNEIGH: 0, -EEXIST, -ENOENT, -EINVAL, -ENOBUFS */
int rtnl_newneigh(struct rtnl_req *r)
{
	unsigned flags = r->h->nlmsg_flags, at;
	bool there;
	struct nla tb[NDA_MAX + 1];
	struct port_neigh e = { 0 };
	struct want w = { 0 };
	int err = parse(r, &w, tb);

	if (err)
		return err;
	if (!w.i || !w.i->link || w.i->link->caps & LINK_CAP_L3)
		return rtnl_fail(r, -EINVAL, "neighbours belong to an Ethernet interface");
	if (w.lladdr->data && w.lladdr->len != 6)
		return rtnl_fail(r, -EINVAL, "Invalid link address");
	there = find(&w, &e, &at);
	if (there && flags & NLM_F_EXCL)
		return -EEXIST;
	if (!there && !(flags & NLM_F_CREATE))
		return -ENOENT;
	if (w.flags & NTF_USE)
		return use_neigh(&w, there);
	if (!(w.state & VALID))		/* it is not known any more, and asked for when needed */
		return there ? remove_neigh(&w, at, &e) : 0;
	if (!w.lladdr->data)
		return rtnl_fail(r, -EINVAL, "No link layer address given");
	err = w.family == AF_INET6 ? set6(&w) : set4(r, &w);
	if (!err && find(&w, &e, &at)) {
		look(w.family == AF_INET6, at, false);
		notify(r->e, &e, RTM_NEWNEIGH);
	}
	return err;
}

/* rtnl_delneigh() - RTM_DELNEIGH: 0, -ENOENT, -EINVAL, -EBUSY */
int rtnl_delneigh(struct rtnl_req *r)
{
	struct nla tb[NDA_MAX + 1];
	struct port_neigh e = { 0 };
	struct want w = { 0 };
	struct failed *x;
	unsigned at;
	int err = parse(r, &w, tb);

	if (err)
		return err;
	x = w.i ? find_failed(&w.ip, w.i) : NULL;
	if (w.i && find(&w, &e, &at)) {
		err = remove_neigh(&w, at, &e);
		if (!err)
			look(w.family == AF_INET6, at, false);
	} else if (x) {
		e = x->e;
	} else {
		return -ENOENT;
	}
	if (err)
		return err;
	if (x)
		x->e.n = NULL;
	e.state = NUD_FAILED;
	notify(r->e, &e, RTM_DELNEIGH);
	return 0;
}
