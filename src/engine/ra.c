/* ra.c - an interface listens to router advertisements (RFC 4861, 4191, 8106)
 *
 * Theory of operation
 * Solicitations go out when the interface comes up, until a router answers, at
 * intervals that double up to an hour (RFC 7559).  What an advertisement brings:
 *  - the router as a default route, with its preference, and routes of its own
 *    (RFC 4191): protocol ra;
 *  - prefixes on link, as routes without a gateway: protocol kernel, as in Linux;
 *  - prefixes to make addresses from: slaac.c;
 *  - name servers and search lists: names.c, each with its end;
 *  - an MTU; and whether DHCPv6 has addresses or more to tell.
 * Routes are kept here with their ends, and one timer takes those away that have
 * run out; a lifetime of 0 takes them away at once.  All of it goes when the interface goes
 * down.
 *
 * Bounds: ROUTES routes an interface, whoever sends; further ones are ignored until
 * others run out.  slaac.c bounds addresses, names.c servers.
 */
#include "engine/ra_msg.h"

#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>
#include "base/log.h"
#include "engine/autoconf.h"
#include "engine/iface_priv.h"
#include "engine/priv.h"
#include "lwip/icmp6.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip6.h"

#define NS_PER_S	1000000000ull
#define ROUTES		32
#define METRIC_RA	1024		/* IP6_RT_PRIO_USER */
#define METRIC_PREFIX	256		/* IP6_RT_PRIO_ADDRCONF */
#define SOLICIT_FIRST	4		/* seconds: RTR_SOLICITATION_INTERVAL */
#define SOLICIT_MAX	3600
#define SOLICIT_LEN	16
#define MTU_MIN		1280

struct ra {
	struct autoconf *a;
	struct iface *i;
	struct loop_timer solicit, expiry;
	unsigned wait;			/* seconds until the next solicitation */
	unsigned nroute;
	struct route route[ROUTES];
	struct names_source names;
};

static uint64_t now(const struct ra *r)
{
	return loop_now(r->i->e->loop);
}

static uint64_t until(const struct ra *r, uint32_t seconds)
{
	return seconds == RA_FOREVER ? 0 : now(r) + seconds * NS_PER_S;
}

static void to_ip(const uint8_t addr[16], ip_addr_t *ip)
{
	ip_addr_set_zero_ip6(ip);
	memcpy(ip_2_ip6(ip)->addr, addr, 16);
}

/* ---- soliciting ---- */

static void send_solicitation(struct ra *r)
{
	const ip6_addr_t *src = netif_ip6_addr(r->i->netif, 0);
	struct pbuf *p = pbuf_alloc(PBUF_IP, SOLICIT_LEN, PBUF_RAM);
	ip6_addr_t dst;
	uint8_t *m;
	u16_t sum;

	if (!p)
		return;
	ip6_addr_set_allrouters_linklocal(&dst);
	ip6_addr_assign_zone(&dst, IP6_MULTICAST, r->i->netif);
	m = p->payload;
	memset(m, 0, SOLICIT_LEN);
	m[0] = ICMP6_TYPE_RS;
	m[8] = 1;			/* our link-layer address */
	m[9] = 1;
	memcpy(m + 10, r->i->mac, 6);
	sum = ip6_chksum_pseudo(p, IP6_NEXTH_ICMP6, SOLICIT_LEN, src, &dst);
	memcpy(m + 2, &sum, sizeof(sum));
	ip6_output_if(p, src, &dst, 255, 0, IP6_NEXTH_ICMP6, r->i->netif);
	pbuf_free(p);
}

static void on_solicit(struct loop_timer *t)
{
	struct ra *r = container_of(t, struct ra, solicit);

	if (ip6_addr_isvalid(netif_ip6_addr_state(r->i->netif, 0)))
		send_solicitation(r);
	loop_timer_in(r->i->e->loop, t, r->wait * NS_PER_S);
	r->wait = r->wait * 2 < SOLICIT_MAX ? r->wait * 2 : SOLICIT_MAX;
}

/* ---- routes ---- */

static void arm_expiry(struct ra *r)
{
	uint64_t first = 0;

	for (unsigned k = 0; k < r->nroute; k++)
		if (r->route[k].until && (!first || r->route[k].until < first))
			first = r->route[k].until;
	if (first)
		loop_timer_set(r->i->e->loop, &r->expiry, first);
	else
		loop_timer_del(&r->expiry);
}

static void drop_route(struct ra *r, unsigned k)
{
	route_del(&r->route[k]);
	r->route[k] = r->route[--r->nroute];
}

static void on_expiry(struct loop_timer *t)
{
	struct ra *r = container_of(t, struct ra, expiry);

	for (unsigned k = r->nroute; k-- > 0;)
		if (r->route[k].until && r->route[k].until <= now(r))
			drop_route(r, k);
	arm_expiry(r);
}

static bool same_route(const struct route *x, const struct route *y)
{
	return x->plen == y->plen && ip_addr_cmp_zoneless(&x->gw, &y->gw) &&
		port_prefix_match(&x->dst, x->plen, &y->dst);
}

/* @lifetime: seconds, 0: the route goes */
static void set_route(struct ra *r, struct route *want, uint32_t lifetime)
{
	unsigned k = 0;

	while (k < r->nroute && !same_route(&r->route[k], want))
		k++;
	if (!lifetime) {
		if (k < r->nroute)
			drop_route(r, k);
		return;
	}
	if (k == ROUTES) {
		log_limited(LOG_WARNING, "interface %s: a router told of more than %d routes; the rest is ignored",
			    r->i->name, ROUTES);
		return;
	}
	want->until = until(r, lifetime);
	if (route_refresh(want) < 0)
		return;			/* somebody's own, which stays */
	r->route[k] = *want;
	if (k == r->nroute)
		r->nroute++;
}

static void router_route(struct ra *r, const uint8_t addr[16], uint8_t plen, uint8_t pref,
			 uint32_t lifetime)
{
	struct route want = {
		.plen = plen, .netif = r->i->netif, .protocol = RTPROT_RA, .type = RTN_UNICAST,
		.metric = r->a->metric ? r->a->metric : METRIC_RA, .pref = pref,
	};

	to_ip(addr, &want.dst);
	ip_addr_set_any(true, &want.src);
	ip_addr_copy_from_ip6(want.gw, *ip6_current_src_addr());
	set_route(r, &want, lifetime);
}

static void prefix_route(struct ra *r, const struct ra_prefix *p)
{
	struct route want = {
		.plen = p->plen, .netif = r->i->netif, .protocol = RTPROT_KERNEL,
		.type = RTN_UNICAST, .metric = METRIC_PREFIX,
	};

	to_ip(p->addr, &want.dst);
	ip_addr_set_any(true, &want.src);
	ip_addr_copy(want.gw, *IP_ANY_TYPE);
	set_route(r, &want, p->valid);
}

static void set_routes(struct ra *r, const struct ra_msg *m)
{
	static const uint8_t any[16];

	router_route(r, any, 0, m->pref, m->lifetime);
	for (unsigned k = 0; k < m->nroute; k++)
		router_route(r, m->route[k].addr, m->route[k].plen, m->route[k].pref,
			     m->route[k].lifetime);
	for (unsigned k = 0; k < m->nprefix; k++) {
		if (m->prefix[k].on_link)
			prefix_route(r, &m->prefix[k]);
		if (m->prefix[k].autonomous)
			slaac_prefix(r->a, &m->prefix[k]);
	}
	arm_expiry(r);
}

/* ---- names ---- */

static uint64_t names_until(const struct ra *r, uint32_t seconds)
{
	return seconds == RA_FOREVER ? NAMES_FOREVER : now(r) + seconds * NS_PER_S;
}

/* the place of a server: its own, a free one, one that ended; -1: none */
static int server_place(const struct ra *r, const ip_addr_t *ip)
{
	const struct names_source *s = &r->names;
	int place = s->n < NAMES_SERVERS ? (int)s->n : -1;

	for (unsigned k = 0; k < s->n; k++) {
		if (ip_addr_cmp_zoneless(&s->server[k].ip, ip))
			return (int)k;
		if (s->server[k].until <= now(r))
			place = (int)k;
	}
	return place;
}

static int list_place(const struct ra *r, const char *names)
{
	const struct names_source *s = &r->names;
	int place = -1;

	for (unsigned k = 0; k < NAMES_LISTS; k++) {
		if (!strcmp(s->search[k].list, names))
			return (int)k;
		if (place < 0 && s->search[k].until <= now(r))
			place = (int)k;
	}
	return place;
}

static void set_names(struct ra *r, const struct ra_msg *m)
{
	struct names_source *s = &r->names;
	ip_addr_t ip;
	int at;

	for (unsigned k = 0; k < m->nserver; k++) {
		to_ip(m->server[k].addr, &ip);
		at = server_place(r, &ip);
		if (at < 0)
			continue;
		ip_addr_copy(s->server[at].ip, ip);
		s->server[at].until = names_until(r, m->server[k].lifetime);
		if ((unsigned)at == s->n)
			s->n++;
	}
	for (unsigned k = 0; k < m->nlist; k++) {
		at = list_place(r, m->list[k].names);
		if (at < 0)
			continue;
		memcpy(s->search[at].list, m->list[k].names, RA_LIST_MAX);
		s->search[at].until = names_until(r, m->list[k].lifetime);
	}
}

/* ---- receiving ---- */

/* ra_input() - An advertisement came in: port_on_ra() */
void ra_input(struct netif *n, const uint8_t *m, size_t len)
{
	struct iface *i = iface_of(n);
	struct ra_msg msg;
	struct ra *r;

	if (!i->link || !i->autoconf || !i->autoconf->ra || !i->autoconf->up ||
	    ra_parse(m, len, &msg) < 0)
		return;
	r = i->autoconf->ra;
	if (msg.lifetime)
		loop_timer_del(&r->solicit);
	set_routes(r, &msg);
	set_names(r, &msg);
	if (msg.mtu >= MTU_MIN)
		autoconf_set_mtu(r->a, &r->a->mtu6, msg.mtu);
	autoconf_told(r->a, msg.managed, msg.other);
}

/* ---- life ---- */

/* ra_new() - Listen on an interface, once it is up; NULL: no memory */
struct ra *ra_new(struct autoconf *a)
{
	struct ra *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->a = a;
	r->i = a->i;
	r->solicit.cb = on_solicit;
	r->expiry.cb = on_expiry;
	r->names.ifindex = netif_get_index(a->i->netif);
	return r;
}

/* ra_up() - The interface can send */
void ra_up(struct ra *r)
{
	r->wait = SOLICIT_FIRST;
	names_add(r->i->e, &r->names);
	loop_timer_in(r->i->e->loop, &r->solicit, 0);
}

/* ra_pause() - The carrier is lost: what routers told holds on, but is not asked for */
void ra_pause(struct ra *r)
{
	loop_timer_del(&r->solicit);
}

/* ra_down() - What routers told does not hold any more */
void ra_down(struct ra *r)
{
	loop_timer_del(&r->solicit);
	loop_timer_del(&r->expiry);
	while (r->nroute)
		drop_route(r, r->nroute - 1);
	names_del(r->i->e, &r->names);
	r->names.n = 0;
	memset(r->names.search, 0, sizeof(r->names.search));
	autoconf_set_mtu(r->a, &r->a->mtu6, 0);
}

/* ra_free() - Nobody listens any more; it is down */
void ra_free(struct ra *r)
{
	free(r);
}
