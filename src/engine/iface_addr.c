/* iface_addr.c - the addresses of an interface and the routes they bring
 *
 * Theory of operation
 * lwIP has one IPv4 address a netif: the first one lives on the interface's
 * own netif, further ones on alias netifs that share the link.  IPv4 accepts a
 * packet for any netif's address; ARP does not, so requests and replies for an
 * alias are delivered to it (iface_io.c).  What else Linux keeps of an
 * address (label, scope, broadcast, lifetimes) stands in struct ifa4.  IPv6 is
 * iface_addr6.c's.
 *
 * As in Linux an address brings the route to its prefix, for as long as the
 * interface is up; a second address in one prefix is secondary and goes with
 * the primary one; an interface that goes down loses its IPv6 addresses.
 * Every change is told to rtnetlink's listeners (rtnl.h).
 */
#include "engine/iface_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include "engine/addrconv.h"
#include "engine/priv.h"
#include "engine/rtnl.h"
#include "engine/sock_dgram.h"
#include "lwip/etharp.h"

#define NS_PER_S	1000000000ull
#define METRIC6_KERNEL	256		/* IP6_RT_PRIO_ADDRCONF */
#define METRIC6_USER	1024

static uint32_t mask_of(unsigned plen)
{
	return plen ? lwip_htonl(0xffffffffu << (32 - plen)) : 0;
}

static bool same_prefix4(const ip_addr_t *x, const ip_addr_t *y, unsigned plen)
{
	return !((ip4_addr_get_u32(ip_2_ip4(x)) ^ ip4_addr_get_u32(ip_2_ip4(y))) & mask_of(plen));
}

/* ---- routes ---- */

static void prefix_route(const struct iface_addr *a, struct netif *n, struct route *r)
{
	bool v6 = IP_IS_V6_VAL(a->local);

	*r = (struct route){
		.plen = a->plen, .netif = n, .protocol = RTPROT_KERNEL, .type = RTN_UNICAST,
		.scope = v6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		.metric = a->metric ? a->metric : v6 ? METRIC6_KERNEL : 0,
	};
	ip_addr_copy(r->dst, a->peer);
	ip_addr_copy(r->gw, *IP_ANY_TYPE);
	ip_addr_copy(r->src, a->local);
	if (v6)
		ip_addr_set_any(true, &r->src);
}

/* does the address bring a route, now? */
static bool has_route(const struct iface *i, const struct iface_addr *a)
{
	if (!i->link || !netif_is_up(i->netif) || (a->flags & (IFA_F_NOPREFIXROUTE)))
		return false;
	if (IP_IS_V6_VAL(a->local))	/* a router's prefixes have routes of their own: ra.c */
		return !a->told && !ip6_addr_islinklocal(ip_2_ip6(&a->local));
	return !(a->flags & IFA_F_SECONDARY) &&
		(a->plen < 32 || !ip_addr_cmp(&a->local, &a->peer));
}

/* iface_add_prefix_route() - The address brings the route to its prefix, if it does now */
void iface_add_prefix_route(const struct iface *i, const struct iface_addr *a, struct netif *n)
{
	struct route r;

	if (!has_route(i, a))
		return;
	prefix_route(a, n, &r);
	route_add(&r);		/* -EEXIST: another address of the prefix brought it */
}

/* iface_del_prefix_route() - The address takes its route away */
void iface_del_prefix_route(const struct iface_addr *a, struct netif *n)
{
	struct route r;

	prefix_route(a, n, &r);
	if (!a->told && !(a->flags & (IFA_F_NOPREFIXROUTE | IFA_F_SECONDARY)))
		route_del(&r);
}

/* iface_add_gateway() - A default route through an interface */
void iface_add_gateway(const ip_addr_t *gw, struct netif *n, uint8_t protocol)
{
	struct route r = {
		.netif = n, .protocol = protocol, .type = RTN_UNICAST,
		.metric = IP_IS_V6(gw) ? METRIC6_USER : 0,
	};

	ip_addr_set_any(IP_IS_V6(gw), &r.dst);
	ip_addr_copy(r.gw, *gw);
	ip_addr_set_any(IP_IS_V6(gw), &r.src);
	route_add(&r);
}

/* ---- IPv4 ---- */

static struct ifa4 *find4(const struct iface *i, const ip_addr_t *local)
{
	struct ifa4 *f = i->addr4;

	/* what drop4() frees, it has taken off this list */
	while (f && !ip_addr_cmp(&f->a.local, local))	/* NOLINT(clang-analyzer-unix.Malloc) */
		f = f->next;
	return f;
}

/* iface_netif_of4() - The netif that has an IPv4 address of the interface, else its own */
struct netif *iface_netif_of4(const struct iface *i, const ip_addr_t *local)
{
	const struct ifa4 *f = find4(i, local);

	return f ? f->n : i->netif;
}

static err_t alias_on_lo(struct netif *n)
{
	const struct iface *lo = iface_of(n);

	n->name[0] = 'l';
	n->name[1] = 'a';
	n->output = lo->netif->output;
	return ERR_OK;
}

/* iface_count_netifs() - How many netifs there are: lwIP's limit is 255 */
unsigned iface_count_netifs(void)
{
	unsigned count = 0;
	struct netif *n;

	NETIF_FOREACH(n)
		count++;
	return count;
}

static int make_alias(struct ifa4 *f, const ip4_addr_t *mask)
{
	struct iface *i = f->i;

	if (iface_count_netifs() >= IFACE_NETIFS)
		return -ENOSPC;
	if (i->link)
		iface_set_portif(i, &f->portif);
	if (!netif_add(&f->alias, ip_2_ip4(&f->a.local), mask, NULL, i,
		       i->link ? iface_netif_init : alias_on_lo, i->netif->input))
		return -ENOMEM;
	if (i->link)
		portif_attach(&f->alias, &f->portif);
	f->n = &f->alias;
	if (netif_is_link_up(i->netif))
		netif_set_link_up(&f->alias);
	if (netif_is_up(i->netif))
		netif_set_up(&f->alias);
	return 0;
}

/* behind the last primary of its scope, or at the end: inet_insert_ifa() */
static void insert4(struct iface *i, struct ifa4 *f)
{
	struct ifa4 **p = &i->addr4, **at = p, *g;

	f->a.flags &= ~(uint32_t)IFA_F_SECONDARY;
	for (g = i->addr4; g; g = g->next)
		if (g->a.plen == f->a.plen && same_prefix4(&g->a.peer, &f->a.peer, f->a.plen))
			f->a.flags |= IFA_F_SECONDARY;
	for (; *p; p = &(*p)->next)
		if (f->a.flags & IFA_F_SECONDARY ||
		    (!((*p)->a.flags & IFA_F_SECONDARY) && f->a.scope <= (*p)->a.scope))
			at = &(*p)->next;
	f->next = *at;
	*at = f;
	i->naddr4++;
}

static void unlink4(struct ifa4 *f)
{
	struct ifa4 **p = &f->i->addr4;

	while (*p != f)
		p = &(*p)->next;
	*p = f->next;
	f->i->naddr4--;
}

static void drop4(struct ifa4 *f)
{
	struct iface *i = f->i;

	loop_timer_del(&f->expiry);
	iface_del_prefix_route(&f->a, f->n);
	rtnl_addr_changed(i, &f->a, false);
	multicast_forget_netif(i->e, f->n == &f->alias ? f->n : NULL);
	unlink4(f);
	if (f->n == &f->alias) {
		route_flush_netif(f->n);
		rtnl_neigh_forget(f->n);
		netif_remove(f->n);
	} else {
		netif_set_addr(f->n, IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4);
	}
	free(f);
}

static void on_expiry(struct loop_timer *t)
{
	drop4(container_of(t, struct ifa4, expiry));
}

static void set_lifetime(struct ifa4 *f, uint32_t valid, uint32_t preferred)
{
	struct loop *l = f->i->e->loop;

	f->a.valid = valid;
	f->a.preferred = preferred;
	f->a.valid_at = loop_now(l) + valid * NS_PER_S;
	f->a.preferred_at = loop_now(l) + preferred * NS_PER_S;
	f->a.flags &= ~(uint32_t)(IFA_F_PERMANENT | IFA_F_DEPRECATED);
	if (valid == IFACE_FOREVER)
		f->a.flags |= IFA_F_PERMANENT;
	if (preferred == 0)
		f->a.flags |= IFA_F_DEPRECATED;
	f->expiry.cb = on_expiry;
	loop_timer_del(&f->expiry);
	if (valid != IFACE_FOREVER)
		loop_timer_set(l, &f->expiry, f->a.valid_at);
}

static struct ifa4 *new4(struct iface *i, const struct iface_addr *a)
{
	struct ifa4 *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->i = i;
	f->a = *a;
	if (!f->a.label[0])
		memcpy(f->a.label, i->name, sizeof(f->a.label));
	return f;
}

static int add4(struct iface *i, const struct iface_addr *a)
{
	struct netif *n = i->netif;
	struct ifa4 *f;
	ip4_addr_t mask;
	int r = 0;

	if (i->naddr4 >= IFACE_ADDRS4)
		return -ENOSPC;
	f = new4(i, a);
	if (!f)
		return -ENOMEM;
	ip4_addr_set_u32(&mask, mask_of(a->plen));
	if (ip4_addr_isany_val(*netif_ip4_addr(n))) {
		f->n = n;
		netif_set_addr(n, ip_2_ip4(&a->local), &mask, IP4_ADDR_ANY4);
	} else {
		r = make_alias(f, &mask);
	}
	if (r < 0) {
		free(f);
		return r;
	}
	insert4(i, f);
	set_lifetime(f, a->valid, a->preferred);
	rtnl_addr_changed(i, &f->a, true);
	iface_add_prefix_route(i, &f->a, f->n);
	return 0;
}

static int del4(struct iface *i, const struct iface_addr *a, bool any_plen)
{
	struct ifa4 *f, *g, *next;

	for (f = i->addr4; f; f = f->next)
		if (ip_addr_cmp(&f->a.local, &a->local) &&
		    (any_plen || (f->a.plen == a->plen && ip_addr_cmp(&f->a.peer, &a->peer))) &&
		    (!a->label[0] || !strcmp(a->label, f->a.label)))
			break;
	if (!f)
		return -EADDRNOTAVAIL;
	/* net.ipv4.conf.*.promote_secondaries is 0: they go with their primary */
	for (g = i->addr4; g && !(f->a.flags & IFA_F_SECONDARY); g = next) {
		next = g->next;
		if (g != f && g->a.plen == f->a.plen &&
		    same_prefix4(&g->a.peer, &f->a.peer, f->a.plen))
			drop4(g);
	}
	drop4(f);
	return 0;
}

/* iface_primary4() - The primary address of a secondary one's prefix, or NULL */
const struct iface_addr *iface_primary4(const struct iface *i, const struct iface_addr *a)
{
	if (!(a->flags & IFA_F_SECONDARY))
		return NULL;
	for (const struct ifa4 *f = i->addr4; f; f = f->next)
		if (!(f->a.flags & IFA_F_SECONDARY) && f->a.plen == a->plen &&
		    same_prefix4(&f->a.peer, &a->peer, a->plen))
			return &f->a;
	return NULL;
}

/* ---- both ---- */

/**
 * iface_addr_add() - Give an interface an address
 *
 * Return: 0, -EEXIST, -ENOSPC (IFACE_ADDRS4, 7 of IPv6, 250 netifs), -ENOMEM
 */
int iface_addr_add(struct iface *i, const struct iface_addr *a)
{
	if (IP_IS_V6_VAL(a->local))
		return iface_addr6_add(i, a);
	for (struct ifa4 *f = i->addr4; f; f = f->next)
		if (ip_addr_cmp(&f->a.local, &a->local) && f->a.plen == a->plen &&
		    same_prefix4(&f->a.peer, &a->peer, a->plen))
			return -EEXIST;
	return add4(i, a);
}

/* iface_addr_replace() - Change flags, lifetimes of an address, or add it */
int iface_addr_replace(struct iface *i, const struct iface_addr *a)
{
	struct ifa4 *f;

	if (IP_IS_V6_VAL(a->local))
		return iface_addr6_replace(i, a);
	f = find4(i, &a->local);
	if (!f || f->a.plen != a->plen)
		return iface_addr_add(i, a);
	set_lifetime(f, a->valid, a->preferred);
	rtnl_addr_updated(i, &f->a);
	return 0;
}

/**
 * iface_addr_del() - Take an address from an interface
 * @any_plen:	the prefix was not given: the first with this address
 *
 * Return: 0 or -EADDRNOTAVAIL
 */
int iface_addr_del(struct iface *i, const struct iface_addr *a, bool any_plen)
{
	return IP_IS_V6_VAL(a->local) ? iface_addr6_del(i, a, any_plen) : del4(i, a, any_plen);
}

static uint32_t left(const struct iface *i, uint32_t life, uint64_t at)
{
	uint64_t now = loop_now(i->e->loop);

	return life == IFACE_FOREVER || life == 0 ? life :
		at > now ? (uint32_t)((at - now + NS_PER_S - 1) / NS_PER_S) : 0;
}

static void view4(const struct ifa4 *f, struct iface_addr *out)
{
	*out = f->a;
	out->valid = left(f->i, f->a.valid, f->a.valid_at);
	out->preferred = left(f->i, f->a.preferred, f->a.preferred_at);
}

/* iface_addr_each() - Visit the addresses: IPv4, IPv6, link-local last, as
 * ip(8) shows them; @fn must not change them */
void iface_addr_each(struct iface *i, iface_addr_visit *fn, void *arg)
{
	struct iface_addr v;

	for (const struct ifa4 *f = i->addr4; f; f = f->next) {
		view4(f, &v);
		fn(i, &v, arg);
	}
	iface_addr6_each(i, fn, arg);
}

/* ---- life of the interface ---- */

/* iface_addresses_up() - The interface came up: so do aliases and routes */
void iface_addresses_up(struct iface *i)
{
	for (struct ifa4 *f = i->addr4; f; f = f->next) {
		if (f->n != i->netif)
			netif_set_up(f->n);
		iface_add_prefix_route(i, &f->a, f->n);
	}
	iface_addr6_up(i);
}

/* iface_addresses_down() - The interface goes down: IPv6 addresses and all
 * routes go, IPv4 addresses stay */
void iface_addresses_down(struct iface *i)
{
	iface_addr6_down(i);
	for (struct ifa4 *f = i->addr4; f; f = f->next)
		if (f->n != i->netif) {
			route_flush_netif(f->n);
			netif_set_down(f->n);
			rtnl_neigh_forget(f->n);
		}
	route_flush_netif(i->netif);
}

/* iface_free_addresses() - The interface goes: remove its addresses and routes */
void iface_free_addresses(struct iface *i)
{
	for (struct ifa4 *f = i->addr4, *next; f; f = next) {
		next = f->next;
		drop4(f);
	}
	iface_addresses_down(i);
}

/* iface_adopt_lo() - lwIP gave lo its IPv4 address: 0 or -ENOMEM */
int iface_adopt_lo(struct iface *i)
{
	struct iface_addr a = { .plen = 8, .scope = RT_SCOPE_HOST, .flags = IFA_F_PERMANENT,
				.proto = IFAPROT_LO,
				.valid = IFACE_FOREVER, .preferred = IFACE_FOREVER };
	struct ifa4 *f;

	ip_addr_copy_from_ip4(a.local, *netif_ip4_addr(i->netif));
	ip_addr_copy(a.peer, a.local);
	f = new4(i, &a);
	if (!f)
		return -ENOMEM;
	f->n = i->netif;
	insert4(i, f);
	return 0;
}
