/* route.c - route tables for IPv4 and IPv6, which lwIP does not have
 *
 * Theory of operation
 * One array a family, sorted by prefix length (long first) and metric, so the
 * first match is the best one; among routes of the same length that match, one
 * through the interface that owns the source address goes first.  Interfaces
 * that are down are passed over.  Look-ups are linear: a stack has a handful
 * of routes, and ROUTES_MAX bounds what a client can add.
 *
 * lwIP asks through its hooks: route_hook4/6 for the interface, route_gw4/6
 * for the next hop.  It decides alone in these cases, which agree with ours:
 * zoned IPv6 destinations and scoped IPv6 sources (ip6_route()), and the
 * neighbours within netif's own prefix (etharp_output(), nd6.c).
 *
 * Own addresses and 127.0.0.0/8 go through lo, whichever interface has them.
 * Multicast and the limited broadcast go where the source address is, else
 * where a route says, else through the first interface that can broadcast.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/icmpv6.h>
#include <linux/rtnetlink.h>
#include "lwip/ip.h"
#include "lwip/ip6.h"
#include "lwip/nd6.h"
#include "hooks.h"
#include "port.h"

struct table {
	struct route *r;
	unsigned n, room;
};

static struct table tables[2];		/* IPv4, IPv6 */
static struct route local_route[2];	/* what own addresses get: lo, on link */
static route_listener *listener;

static struct table *table_of(const ip_addr_t *a)
{
	return &tables[IP_IS_V6(a) ? 1 : 0];
}

/* the address as bytes in network order */
static const uint8_t *addr_bytes(const ip_addr_t *a)
{
	return IP_IS_V6(a) ? (const uint8_t *)ip_2_ip6(a)->addr :
			     (const uint8_t *)&ip_2_ip4(a)->addr;
}

/**
 * port_prefix_match() - Does an address lie in a prefix?
 * @net, @plen:	the prefix
 * @a:		address of the same family
 */
bool port_prefix_match(const ip_addr_t *net, unsigned plen, const ip_addr_t *a)
{
	const uint8_t *x = addr_bytes(net), *y = addr_bytes(a);
	unsigned bytes = plen / 8, bits = plen % 8;

	if (memcmp(x, y, bytes))
		return false;
	return !bits || !((x[bytes] ^ y[bytes]) >> (8 - bits));
}

/* clear the bits behind the prefix */
static void prefix_mask(ip_addr_t *net, unsigned plen)
{
	uint8_t *x = (uint8_t *)addr_bytes(net);
	unsigned i, len = IP_IS_V6(net) ? 16 : 4;

	for (i = 0; i < len; i++, plen -= plen < 8 ? plen : 8) {
		if (plen < 8)
			x[i] &= (uint8_t)(0xff00 >> plen);
	}
}

static bool netif_usable(const struct netif *n)
{
	return netif_is_up(n) && netif_is_link_up(n);
}

static bool netif_owns(struct netif *n, const ip_addr_t *a)
{
	int i;

	if (!IP_IS_V6(a))
		return ip4_addr_cmp(netif_ip4_addr(n), ip_2_ip4(a));
	for (i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
		if (ip6_addr_isvalid(netif_ip6_addr_state(n, i)) &&
		    ip6_addr_cmp_zoneless(netif_ip6_addr(n, i), ip_2_ip6(a)) &&
		    (!ip6_addr_has_zone(ip_2_ip6(a)) || ip6_addr_test_zone(ip_2_ip6(a), n)))
			return true;
	}
	return false;
}

static struct netif *loopback(void)
{
	static struct netif *lo;

	if (!lo)
		lo = netif_find("lo0");
	return lo;
}

/* 127.0.0.0/8, ::1 and every address of ours that is up */
static bool is_local(const ip_addr_t *a)
{
	struct netif *n;

	if (ip_addr_isany(a))
		return false;
	if (ip_addr_isloopback(a))
		return true;
	NETIF_FOREACH(n) {
		if (netif_is_up(n) && netif_owns(n, a))
			return true;
	}
	return false;
}

static bool same_dest(const struct route *a, const struct route *b)
{
	return a->plen == b->plen && ip_addr_cmp_zoneless(&a->dst, &b->dst);
}

static bool same_gw(const struct route *a, const struct route *b)
{
	if (ip_addr_isany(&a->gw) || ip_addr_isany(&b->gw))
		return ip_addr_isany(&a->gw) && ip_addr_isany(&b->gw);
	return ip_addr_cmp_zoneless(&a->gw, &b->gw);
}

/* RFC 4191: high, medium, low */
static int rank(const struct route *r)
{
	return r->pref == ICMPV6_ROUTER_PREF_HIGH ? 0 : r->pref == ICMPV6_ROUTER_PREF_LOW ? 2 : 1;
}

/* sorts @a before @b? */
static bool route_before(const struct route *a, const struct route *b)
{
	/* realloc() keeps what was there */
	if (a->plen != b->plen)	/* NOLINT(clang-analyzer-core.UndefinedBinaryOperatorResult) */
		return a->plen > b->plen;
	return a->metric != b->metric ? a->metric < b->metric : rank(a) < rank(b);
}

static int table_room(struct table *t)
{
	unsigned room = t->room ? t->room * 2 : 16;
	struct route *r;

	if (t->r && t->n < t->room)
		return 0;
	if (t->n >= ROUTES_MAX)
		return -ENOSPC;
	r = realloc(t->r, room * sizeof(*r));
	if (!r)
		return -ENOMEM;
	t->r = r;
	t->room = room;
	return 0;
}

/* lwIP caches next hops of IPv6 destinations */
static void routes_changed(const struct route *r)
{
	if (IP_IS_V6(&r->dst))
		nd6_clear_destination_cache();
}

static struct route *find_same(const struct table *t, const struct route *r)
{
	unsigned i;

	for (i = 0; i < t->n; i++) {
		if (same_dest(&t->r[i], r) && t->r[i].metric == r->metric &&
		    t->r[i].netif == r->netif && same_gw(&t->r[i], r))
			return &t->r[i];
	}
	return NULL;
}

/**
 * route_add() - Add a route
 * @r:		copied; bits of dst behind plen are cleared; a gateway or dst of
 *		link-local scope gets the zone of the interface
 *
 * As in Linux, the same destination, gateway, interface and metric exist once.
 *
 * Return: 0, -EINVAL (prefix too long, gateway of the other family), -EEXIST,
 * -ENETUNREACH (no interface), -ENOSPC (ROUTES_MAX), -ENOMEM
 */
int route_add(const struct route *r)
{
	struct table *t = table_of(&r->dst);
	struct route new = *r;
	unsigned i;
	int err;

	if (!r->netif)
		return -ENETUNREACH;
	if (r->plen > (IP_IS_V6(&r->dst) ? 128 : 32))
		return -EINVAL;
	if (!ip_addr_isany(&r->gw) && IP_IS_V6(&r->gw) != IP_IS_V6(&r->dst))
		return -EINVAL;
	prefix_mask(&new.dst, new.plen);
	if (IP_IS_V6(&new.gw) && !ip_addr_isany(&new.gw))
		ip6_addr_assign_zone(ip_2_ip6(&new.gw), IP6_UNICAST, new.netif);
	if (find_same(t, &new))
		return -EEXIST;
	err = table_room(t);
	if (err)
		return err;
	for (i = t->n++; i > 0 && route_before(&new, &t->r[i - 1]); i--)
		t->r[i] = t->r[i - 1];
	t->r[i] = new;
	routes_changed(&new);
	if (listener)
		listener(&new, true);
	return 0;
}

static void table_del(struct table *t, unsigned i)
{
	struct route gone = t->r[i];

	t->n--;
	memmove(&t->r[i], &t->r[i + 1], (t->n - i) * sizeof(*t->r));
	routes_changed(&gone);
	if (listener)
		listener(&gone, false);
}

/**
 * route_refresh() - Add a route, or give one of the same protocol that exists another end
 * @r:		as for route_add(); another preference moves it
 *
 * Return: as route_add(); -EEXIST: somebody else's is there
 */
int route_refresh(const struct route *r)
{
	struct route want = *r, *have;

	prefix_mask(&want.dst, want.plen);
	have = find_same(table_of(&want.dst), &want);
	if (!have)
		return route_add(r);
	if (have->protocol != r->protocol)
		return -EEXIST;
	if (have->pref == r->pref) {
		have->until = r->until;
		return 0;
	}
	table_del(table_of(&want.dst), (unsigned)(have - table_of(&want.dst)->r));
	return route_add(r);
}

/**
 * route_del() - Remove the first route that fits
 * @r:		dst and plen must match; gw, netif and metric if not zero
 *
 * Return: 0 or -ESRCH
 */
int route_del(const struct route *r)
{
	struct table *t = table_of(&r->dst);
	struct route want = *r;
	unsigned i;

	if (r->plen > (IP_IS_V6(&r->dst) ? 128 : 32))
		return -ESRCH;
	prefix_mask(&want.dst, want.plen);
	for (i = 0; i < t->n; i++) {
		if (same_dest(&t->r[i], &want) &&
		    (ip_addr_isany(&want.gw) || same_gw(&t->r[i], &want)) &&
		    (!want.netif || want.netif == t->r[i].netif) &&
		    (!want.metric || want.metric == t->r[i].metric)) {
			table_del(t, i);
			return 0;
		}
	}
	return -ESRCH;
}

/**
 * route_flush_netif() - Remove all routes through an interface
 * @n:		interface, about to go
 */
void route_flush_netif(const struct netif *n)
{
	unsigned f, i;

	for (f = 0; f < 2; f++) {
		for (i = tables[f].n; i-- > 0;) {
			if (tables[f].r[i].netif == n)
				table_del(&tables[f], i);
		}
	}
}

/**
 * route_flush_protocol() - Remove an interface's routes of one origin
 * @n:		interface
 * @protocol:	RTPROT_*
 */
void route_flush_protocol(const struct netif *n, uint8_t protocol)
{
	unsigned f, i;

	for (f = 0; f < 2; f++) {
		for (i = tables[f].n; i-- > 0;) {
			if (tables[f].r[i].netif == n && tables[f].r[i].protocol == protocol)
				table_del(&tables[f], i);
		}
	}
}

/**
 * route_listen() - Be told of every change of the tables
 * @fn:		called after the change; must not change the tables.  NULL: nobody
 */
void route_listen(route_listener *fn)
{
	listener = fn;
}

static bool rejects(const struct route *r)
{
	return r->type == RTN_BLACKHOLE || r->type == RTN_UNREACHABLE || r->type == RTN_PROHIBIT;
}

static const struct route *lo_route(const ip_addr_t *dst)
{
	struct route *r = &local_route[IP_IS_V6(dst) ? 1 : 0];

	if (!loopback())
		return NULL;
	r->dst = *dst;
	r->plen = IP_IS_V6(dst) ? 128 : 32;
	r->netif = loopback();
	return r;
}

/**
 * route_lookup() - The route a packet takes
 * @src:	source address, or NULL or zero if not chosen yet
 * @dst:	destination
 *
 * Return: route, good until the tables or the next look-up change it, or NULL:
 * unreachable
 */
const struct route *route_lookup(const ip_addr_t *src, const ip_addr_t *dst)
{
	const struct table *t = table_of(dst);
	const struct route *best = NULL;
	unsigned i;

	if (is_local(dst))
		return lo_route(dst);
	for (i = 0; i < t->n; i++) {
		const struct route *r = &t->r[i];

		if (best && r->plen < best->plen)
			break;
		if (!netif_usable(r->netif) || !port_prefix_match(&r->dst, r->plen, dst))
			continue;
		if (rejects(r) && !best)
			return NULL;
		if (!src || ip_addr_isany(src) || netif_owns(r->netif, src))
			return r;
		if (!best)
			best = r;
	}
	return best;
}

/**
 * route_forward() - The route of a packet that is neither from us nor for us
 * @dst:	destination
 *
 * Return: route, which may be one that rejects, or NULL: none
 */
const struct route *route_forward(const ip_addr_t *dst)
{
	const struct table *t = table_of(dst);

	for (unsigned i = 0; i < t->n; i++) {
		const struct route *r = &t->r[i];

		if ((rejects(r) || netif_usable(r->netif)) &&
		    port_prefix_match(&r->dst, r->plen, dst))
			return r;
	}
	return NULL;
}

/**
 * route_foreach() - Visit all routes, IPv4 first, best first
 * @fn:		called for each; false ends the walk; must not change the tables
 * @arg:	for @fn
 */
void route_foreach(route_visit *fn, void *arg)
{
	unsigned f, i;

	for (f = 0; f < 2; f++) {
		for (i = 0; i < tables[f].n; i++) {
			if (!fn(&tables[f].r[i], arg))
				return;
		}
	}
}

/* multicast and 255.255.255.255 without a route */
static struct netif *group_netif(const ip_addr_t *src)
{
	struct netif *n;

	NETIF_FOREACH(n) {
		if (netif_usable(n) && src && !ip_addr_isany(src) && netif_owns(n, src))
			return n;
	}
	NETIF_FOREACH(n) {
		if (netif_usable(n) && n != loopback() && (n->flags & NETIF_FLAG_BROADCAST))
			return n;
	}
	return NULL;
}

static bool is_group(const ip_addr_t *dst)
{
	return ip_addr_ismulticast(dst) ||
	       (!IP_IS_V6(dst) && ip4_addr_get_u32(ip_2_ip4(dst)) == IPADDR_BROADCAST);
}

static struct netif *route_netif(const ip_addr_t *src, const ip_addr_t *dst)
{
	const struct route *r;
	struct netif *n;

	if (is_group(dst) && src && !ip_addr_isany(src)) {
		n = group_netif(src);
		if (n && netif_owns(n, src))
			return n;
	}
	r = route_lookup(src, dst);
	if (r)
		return r->netif;
	return is_group(dst) ? group_netif(src) : NULL;
}

/**
 * route_source() - Source address and interface for a destination
 * @dst:	destination
 * @src:	out: the address
 * @n:		out: the interface; may be NULL
 *
 * Return: false if unreachable, or if the interface has no fitting address
 */
bool route_source(const ip_addr_t *dst, ip_addr_t *src, struct netif **n)
{
	const struct route *r = is_group(dst) ? NULL : route_lookup(NULL, dst);
	const ip_addr_t *a = NULL;
	struct netif *out;

	if (IP_IS_V6(dst))
		out = ip6_route(IP6_ADDR_ANY6, ip_2_ip6(dst));
	else
		out = route_netif(NULL, dst);
	if (!out)
		return false;
	if (r && r->netif == out && r != &local_route[0] && r != &local_route[1] &&
	    !ip_addr_isany(&r->src))
		a = &r->src;
	else if (out == loopback() && !ip_addr_isloopback(dst))
		a = dst;		/* to ourselves, from ourselves */
	else
		a = ip_netif_get_local_ip(out, dst);
	if (!a || (ip_addr_isany(a)))
		return false;
	ip_addr_copy(*src, *a);
	if (n)
		*n = out;
	return true;
}

/**
 * route_hook4() - LWIP_HOOK_IP4_ROUTE_SRC
 * @src:	source address, may be NULL or zero
 * @dst:	destination
 *
 * Return: interface, or NULL
 */
struct netif *route_hook4(const ip4_addr_t *src, const ip4_addr_t *dst)
{
	ip_addr_t s = IPADDR4_INIT(src ? ip4_addr_get_u32(src) : 0);
	ip_addr_t d = IPADDR4_INIT(ip4_addr_get_u32(dst));

	return route_netif(&s, &d);
}

/**
 * route_hook6() - LWIP_HOOK_IP6_ROUTE
 * @src:	source address, zero if not chosen; without scope
 * @dst:	destination, without scope
 *
 * Return: interface, or NULL
 */
struct netif *route_hook6(const ip6_addr_t *src, const ip6_addr_t *dst)
{
	ip_addr_t s, d;

	ip_addr_copy_from_ip6(s, *src);
	ip_addr_copy_from_ip6(d, *dst);
	return route_netif(&s, &d);
}

/* the best route to @dst through @n; its gateway, or NULL: on link */
static const struct route *route_via(struct netif *n, const ip_addr_t *dst)
{
	const struct table *t = table_of(dst);
	unsigned i;

	for (i = 0; i < t->n; i++) {
		if (t->r[i].netif == n && port_prefix_match(&t->r[i].dst, t->r[i].plen, dst))
			return &t->r[i];
	}
	return NULL;
}

/**
 * route_gw4() - LWIP_HOOK_ETHARP_GET_GW: next hop on an interface
 * @n:		interface that the packet leaves by
 * @dst:	destination
 *
 * Return: gateway, @dst itself when it is on link, NULL: no route
 */
const ip4_addr_t *route_gw4(struct netif *n, const ip4_addr_t *dst)
{
	ip_addr_t d = IPADDR4_INIT(ip4_addr_get_u32(dst));
	const struct route *r = route_via(n, &d);

	if (!r)
		return NULL;
	return ip_addr_isany(&r->gw) ? dst : ip_2_ip4(&r->gw);
}

/**
 * route_gw6() - LWIP_HOOK_ND6_GET_GW: next hop on an interface
 * @n:		interface that the packet leaves by
 * @dst:	destination
 *
 * Return: gateway, @dst itself when it is on link, NULL: lwIP's router list
 */
const ip6_addr_t *route_gw6(struct netif *n, const ip6_addr_t *dst)
{
	const struct route *r;
	ip_addr_t d;

	ip_addr_copy_from_ip6(d, *dst);
	r = route_via(n, &d);
	if (!r)
		return NULL;
	return ip_addr_isany(&r->gw) ? dst : ip_2_ip6(&r->gw);
}
