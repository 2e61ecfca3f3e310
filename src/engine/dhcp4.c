/* dhcp4.c - DHCP client of an interface (RFC 2131)
 *
 * Theory of operation
 * The states are RFC 2131's (figure 5) with CHECKING between REQUESTING and
 * BOUND: the address is probed for by ARP (RFC 5227, with two probes 200 ms
 * apart, since a stack is wanted at once) and declined if somebody has it.
 * One timer stands for the next thing to do in the state at hand; an answer
 * counts if transaction, hardware address and state fit, all else is ignored.
 *
 * A lease becomes an ordinary address of the interface, with its lifetimes,
 * beside those of the configuration; its routes have protocol dhcp; its name
 * servers go to names.c.  A renewal that brings the same touches nothing but the
 * lifetimes.  An interface that goes down, and a stack that ends, release it; one
 * whose carrier comes back asks for the same address (INIT-REBOOT), and keeps
 * it if nobody answers.  A conflict later is answered once in ten seconds by
 * an announcement, a second one by giving the address up.
 *
 * Why not lwIP's client: it asks nothing over a TAP with large segments, where
 * netif->mtu is 0; counts a lease in 16 bits and minutes, takes the netif's one
 * address, which the configuration may have set, and knows no classless
 * routes, search list, MTU, client identifier or conflict after the start.
 *
 * Bounds: one datagram in flight; after refusals the pause doubles up to
 * a minute, so no server can make us send in a circle.
 */
#include "engine/dhcp4_msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include "base/addr.h"
#include "base/log.h"
#include "engine/autoconf.h"
#include "engine/iface_priv.h"
#include "engine/priv.h"
#include "lwip/etharp.h"
#include "netif/ethernet.h"

#define NS_PER_MS	1000000ull
#define NS_PER_S	1000000000ull
#define PROBES		2
#define PROBE_NS	(200 * NS_PER_MS)
#define ANSWER_NS	(400 * NS_PER_MS)	/* after the last probe */
#define DEFEND_NS	(10 * NS_PER_S)		/* RFC 5227: DEFEND_INTERVAL */
#define DECLINED_NS	(10 * NS_PER_S)		/* RFC 2131, 3.1.5 */
#define REQUESTS	4			/* then look for another offer */
#define REBOOTS		3
#define PAUSE_MAX	64			/* seconds, of the back-off */
#define FRAME_MAX	42			/* an ARP packet on Ethernet */

enum state {
	STOPPED, INIT, SELECTING, REQUESTING, CHECKING, BOUND, RENEWING, REBINDING, REBOOTING,
};

struct dhcp4 {
	struct autoconf *a;
	struct iface *i;
	enum state state;
	uint32_t xid;
	unsigned tries;			/* messages sent in this state */
	unsigned refusals;		/* NAKs and conflicts in a row */
	unsigned probes;
	uint64_t began, asked;		/* the search; the request that the lease counts from */
	uint64_t t1, t2, end;		/* of the lease; UINT64_MAX: never */
	uint64_t conflict;		/* the last one */
	struct loop_timer timer;
	struct dhcp4_reply offer;	/* what is being asked for or checked */
	struct dhcp4_reply lease;	/* address 0: none */
	struct names_source names;
};

static uint64_t now(const struct dhcp4 *d)
{
	return loop_now(d->i->e->loop);
}

static const char *text(uint32_t address, char buf[ADDR_STRLEN])
{
	struct addr a = { .family = AF_INET, .v4.s_addr = address };

	return addr_str(&a, buf);
}

static void to_ip(uint32_t address, ip_addr_t *ip)
{
	ip_addr_set_zero_ip4(ip);
	ip4_addr_set_u32(ip_2_ip4(ip), address);
}

static void wait_for(struct dhcp4 *d, uint64_t ns)
{
	loop_timer_in(d->i->e->loop, &d->timer, ns);
}

/* 1, 2, 4 ... seconds, a tenth more or less */
static uint64_t back_off(unsigned tries)
{
	uint64_t s = tries < 6 ? 1u << tries : PAUSE_MAX;

	return s * NS_PER_S * (90 + port_rand() % 21) / 100;
}

/* ---- sending ---- */

/* @to: 0: broadcast */
static void send_to(struct dhcp4 *d, const struct dhcp4_request *q, uint32_t to, uint32_t from)
{
	uint8_t buf[DHCP4_SIZE];
	size_t len = dhcp4_build(q, buf);
	ip_addr_t dst, src;

	to_ip(to ? to : IPADDR_BROADCAST, &dst);
	to_ip(from, &src);
	autoconf_send(d->i->e->dhcp4_pcb, buf, len, &dst, DHCP4_SERVER_PORT,
		      iface_netif_of4(d->i, &src), &src);
}

static void ask(struct dhcp4 *d, enum dhcp4_type type, uint32_t requested, uint32_t server)
{
	bool renewing = d->state == RENEWING || d->state == REBINDING;
	uint64_t s = (now(d) - d->began) / NS_PER_S;
	struct dhcp4_request q = {
		.type = type, .xid = d->xid, .secs = (uint16_t)(s < 0xffff ? s : 0xffff),
		.requested = requested, .server = server, .host = d->i->e->host,
		.ciaddr = renewing ? d->lease.address : 0,
	};

	memcpy(q.mac, d->i->mac, 6);
	send_to(d, &q, d->state == RENEWING ? d->lease.server : 0, q.ciaddr);
	d->tries++;
}

static void tell_decline(struct dhcp4 *d, const struct dhcp4_reply *l)
{
	struct dhcp4_request q = {
		.type = DHCP4_DECLINE, .xid = port_rand(), .requested = l->address,
		.server = l->server,
	};

	memcpy(q.mac, d->i->mac, 6);
	send_to(d, &q, 0, 0);
}

/* to the server alone; whose Ethernet address is not known gets it by a
 * broadcast frame, for there is no time to ask before the address goes */
static void tell_release(struct dhcp4 *d)
{
	struct dhcp4_request q = {
		.type = DHCP4_RELEASE, .xid = port_rand(), .ciaddr = d->lease.address,
		.server = d->lease.server,
	};
	struct eth_addr all = ethbroadcast, *eth;
	const struct route *r;
	const ip4_addr_t *known;
	ip_addr_t hop, from;
	bool added = false;

	memcpy(q.mac, d->i->mac, 6);
	to_ip(d->lease.server, &hop);
	to_ip(d->lease.address, &from);
	r = route_lookup(&from, &hop);
	if (r && !ip_addr_isany(&r->gw))
		ip_addr_copy(hop, r->gw);
	if (etharp_find_addr(iface_netif_of4(d->i, &from), ip_2_ip4(&hop), &eth, &known) < 0)
		added = etharp_add_static_entry(ip_2_ip4(&hop), &all) == ERR_OK;
	send_to(d, &q, d->lease.server, d->lease.address);
	if (added)
		etharp_remove_static_entry(ip_2_ip4(&hop));
}

/* ---- ARP: probes, announcements, conflicts (RFC 5227) ---- */

static void send_arp(struct dhcp4 *d, uint32_t sender, uint32_t target)
{
	static const uint8_t head[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	struct pbuf *p = pbuf_alloc(PBUF_RAW, FRAME_MAX, PBUF_RAM);
	uint8_t *f;

	if (!p)
		return;
	f = p->payload;
	memset(f, 0, FRAME_MAX);
	memset(f, 0xff, 6);
	memcpy(f + 6, d->i->mac, 6);
	f[12] = 0x08;
	f[13] = 0x06;
	memcpy(f + 14, head, sizeof(head));
	memcpy(f + 22, d->i->mac, 6);
	memcpy(f + 28, &sender, 4);
	memcpy(f + 38, &target, 4);
	iface_send_frame(d->i->e, netif_get_index(d->i->netif), p);
	pbuf_free(p);
}

/* ---- the lease ---- */

static void fill_address(const struct dhcp4_reply *l, struct iface_addr *a)
{
	memset(a, 0, sizeof(*a));
	to_ip(l->address, &a->local);
	ip_addr_copy(a->peer, a->local);
	a->plen = l->plen;
	a->valid = a->preferred = l->lease == DHCP4_FOREVER ? IFACE_FOREVER : l->lease;
	ip4_addr_set_u32(&a->broadcast, l->broadcast);
	if (!l->broadcast && l->plen < 31)
		ip4_addr_set_u32(&a->broadcast, l->address | htonl(0xffffffffu >> l->plen));
}

static void add_routes(struct dhcp4 *d)
{
	const struct dhcp4_reply *l = &d->lease;

	for (unsigned k = 0; k < l->nroute; k++) {
		const struct dhcp4_route *from = &l->route[k];
		struct route r = {
			.plen = from->plen, .netif = d->i->netif, .protocol = RTPROT_DHCP,
			.type = RTN_UNICAST, .metric = d->a->metric,
			.scope = from->gw ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		};

		to_ip(from->dst, &r.dst);
		to_ip(l->address, &r.src);
		if (from->gw)
			to_ip(from->gw, &r.gw);
		else
			ip_addr_copy(r.gw, *IP_ANY_TYPE);
		route_add(&r);		/* -EEXIST: somebody's own, which stays */
	}
}

static void set_names(struct dhcp4 *d)
{
	const struct dhcp4_reply *l = &d->lease;
	struct names_source *s = &d->names;

	s->ifindex = netif_get_index(d->i->netif);
	s->n = l->ndns;
	for (unsigned k = 0; k < l->ndns; k++) {
		to_ip(l->dns[k], &s->server[k].ip);
		s->server[k].until = d->end;
	}
	memcpy(s->search[0].list, l->search, sizeof(s->search[0].list));
	s->search[0].until = d->end;
	names_add(d->i->e, s);
}

/* forget the lease and all that came with it */
static void drop_lease(struct dhcp4 *d)
{
	struct iface_addr a;

	if (!d->lease.address)
		return;
	fill_address(&d->lease, &a);
	names_del(d->i->e, &d->names);
	route_flush_protocol(d->i->netif, RTPROT_DHCP);
	iface_addr_del(d->i, &a, false);
	autoconf_set_mtu(d->a, &d->a->mtu4, 0);
	d->lease.address = 0;
}

static bool same_routes(const struct dhcp4_reply *x, const struct dhcp4_reply *y)
{
	return x->nroute == y->nroute &&
		!memcmp(x->route, y->route, x->nroute * sizeof(x->route[0]));
}

/* the lease's times, from when it was asked for */
static void set_times(struct dhcp4 *d, const struct dhcp4_reply *l)
{
	uint64_t t1 = l->t1, t2 = l->t2;

	if (l->lease == DHCP4_FOREVER) {
		d->t1 = d->t2 = d->end = UINT64_MAX;
		return;
	}
	if (!t2 || t2 >= l->lease)
		t2 = (uint64_t)l->lease * 7 / 8;
	if (!t1 || t1 >= t2)
		t1 = t2 < l->lease / 2 ? t2 : l->lease / 2;
	d->t1 = d->asked + t1 * NS_PER_S;
	d->t2 = d->asked + t2 * NS_PER_S;
	d->end = d->asked + l->lease * NS_PER_S;
}

static void wait_for_renewal(struct dhcp4 *d)
{
	d->state = BOUND;
	d->tries = 0;
	if (d->t1 == UINT64_MAX)
		loop_timer_del(&d->timer);
	else
		loop_timer_set(d->i->e->loop, &d->timer, d->t1);
}

/* take what d->offer holds */
static void bind_lease(struct dhcp4 *d)
{
	char ip[ADDR_STRLEN], server[ADDR_STRLEN];
	const struct dhcp4_reply *o = &d->offer;
	bool same = d->lease.address == o->address && d->lease.plen == o->plen;
	bool routes = same && same_routes(&d->lease, o);
	struct iface_addr a;

	if (!same)
		drop_lease(d);
	else if (!routes)
		route_flush_protocol(d->i->netif, RTPROT_DHCP);
	d->lease = *o;
	d->refusals = 0;
	set_times(d, o);
	fill_address(o, &a);
	iface_addr_replace(d->i, &a);
	if (!routes)
		add_routes(d);
	set_names(d);
	autoconf_set_mtu(d->a, &d->a->mtu4, o->mtu);
	if (!same)
		log_info("interface %s: DHCP: %s/%u from %s for %u s", d->i->name,
			 text(o->address, ip), o->plen, text(o->server, server), o->lease);
	wait_for_renewal(d);
}

/* ---- states ---- */

static void discover(struct dhcp4 *d)
{
	if (d->state != SELECTING) {
		d->state = SELECTING;
		d->tries = 0;
		d->xid = port_rand();
		d->began = now(d);
	}
	ask(d, DHCP4_DISCOVER, d->offer.address, 0);
	wait_for(d, back_off(d->tries - 1));
}

/* begin anew after a pause, which grows with the refusals in a row */
static void start_over(struct dhcp4 *d, uint64_t at_least)
{
	uint64_t pause = d->refusals > 1 ? back_off(d->refusals - 2) : 0;

	d->state = INIT;
	d->offer.address = 0;
	wait_for(d, pause > at_least ? pause : at_least);
}

static void request(struct dhcp4 *d)
{
	if (d->state != REQUESTING) {
		d->state = REQUESTING;
		d->tries = 0;
		d->asked = now(d);
	} else if (d->tries >= REQUESTS) {
		start_over(d, 0);
		return;
	}
	ask(d, DHCP4_REQUEST, d->offer.address, d->offer.server);
	wait_for(d, back_off(d->tries - 1));
}

static void reboot(struct dhcp4 *d)
{
	if (d->state != REBOOTING) {
		d->state = REBOOTING;
		d->tries = 0;
		d->xid = port_rand();
		d->began = d->asked = now(d);
	} else if (d->tries >= REBOOTS) {
		wait_for_renewal(d);	/* RFC 2131, 3.2: the lease still holds */
		return;
	}
	ask(d, DHCP4_REQUEST, d->lease.address, 0);
	wait_for(d, back_off(d->tries - 1));
}

static void check(struct dhcp4 *d)
{
	if (d->state != CHECKING) {
		d->state = CHECKING;
		d->probes = 0;
	} else if (d->probes >= PROBES) {
		bind_lease(d);
		return;
	}
	send_arp(d, 0, d->offer.address);
	d->probes++;
	wait_for(d, d->probes < PROBES ? PROBE_NS : ANSWER_NS);
}

/* half of what is left until @end, but a pause that fits the lease: RFC 2131,
 * 4.4.5 has a minute, which the shortest leases do not last */
static void wait_for_half(struct dhcp4 *d, uint64_t end)
{
	uint64_t left = end > now(d) ? end - now(d) : 0, least = d->lease.lease * NS_PER_S / 8;

	least = least > 60 * NS_PER_S ? 60 * NS_PER_S : least < NS_PER_S ? NS_PER_S : least;
	loop_timer_set(d->i->e->loop, &d->timer,
		       left / 2 > least ? now(d) + left / 2 :
		       left > least ? now(d) + least : end);
}

static void rebind(struct dhcp4 *d)
{
	char ip[ADDR_STRLEN];

	if (now(d) >= d->end) {
		log_warn("interface %s: DHCP: the lease of %s ran out and no server renewed it",
			 d->i->name, text(d->lease.address, ip));
		drop_lease(d);
		discover(d);
		return;
	}
	d->state = REBINDING;
	ask(d, DHCP4_REQUEST, 0, 0);
	wait_for_half(d, d->end);
}

static void renew(struct dhcp4 *d)
{
	if (now(d) >= d->t2) {
		rebind(d);
		return;
	}
	if (d->state != RENEWING) {
		d->state = RENEWING;
		d->tries = 0;
		d->xid = port_rand();
		d->began = now(d);
	}
	d->asked = now(d);
	ask(d, DHCP4_REQUEST, 0, 0);
	wait_for_half(d, d->t2);
}

static void on_timer(struct loop_timer *t)
{
	struct dhcp4 *d = container_of(t, struct dhcp4, timer);

	switch (d->state) {
	case STOPPED:
		break;
	case INIT: case SELECTING:
		discover(d);
		break;
	case REQUESTING:
		request(d);
		break;
	case REBOOTING:
		reboot(d);
		break;
	case CHECKING:
		check(d);
		break;
	case BOUND: case RENEWING:
		renew(d);
		break;
	case REBINDING:
		rebind(d);
		break;
	}
}

/* ---- receiving ---- */

static bool usable(const struct dhcp4_reply *r)
{
	ip_addr_t ip;

	to_ip(r->address, &ip);
	return r->lease && r->server && r->address && r->address != IPADDR_BROADCAST &&
		(ntohl(r->address) & 0xff000000) && !ip_addr_ismulticast(&ip) &&
		!ip_addr_isloopback(&ip);
}

/* is it an address that somebody else gave one of our interfaces? */
static bool taken(const struct dhcp4 *d, uint32_t address)
{
	ip_addr_t ip;

	to_ip(address, &ip);
	return address != d->lease.address && iface_of_address(d->i->e, &ip);
}

static void conflict(struct dhcp4 *d, const struct dhcp4_reply *l)
{
	char ip[ADDR_STRLEN];

	log_limited(LOG_WARNING, "interface %s: DHCP: %s is in use already; declined",
		    d->i->name, text(l->address, ip));
	tell_decline(d, l);
	drop_lease(d);
	d->refusals++;
	start_over(d, DECLINED_NS);
}

static void on_ack(struct dhcp4 *d, const struct dhcp4_reply *r)
{
	if (d->state == REQUESTING && r->server != d->offer.server)
		return;
	d->offer = *r;
	if (taken(d, r->address))
		conflict(d, r);
	else if (d->state == REQUESTING || r->address != d->lease.address)
		check(d);
	else
		bind_lease(d);
}

static void on_nak(struct dhcp4 *d, const struct dhcp4_reply *r)
{
	char ip[ADDR_STRLEN];

	if (d->state == REQUESTING && r->server && r->server != d->offer.server)
		return;
	log_limited(LOG_INFO, "interface %s: DHCP: the server refuses %s", d->i->name,
		    text(d->state == REQUESTING ? d->offer.address : d->lease.address, ip));
	drop_lease(d);
	d->refusals++;
	start_over(d, 0);
}

static void input(struct dhcp4 *d, const uint8_t *b, size_t len)
{
	struct dhcp4_reply r;
	bool asking = d->state == REQUESTING || d->state == RENEWING ||
		d->state == REBINDING || d->state == REBOOTING;

	if (dhcp4_parse(b, len, d->xid, d->i->mac, &r) < 0)
		return;
	if (r.type == DHCP4_OFFER && d->state == SELECTING && usable(&r)) {
		d->offer = r;
		request(d);
	} else if (r.type == DHCP4_ACK && asking && usable(&r)) {
		on_ack(d, &r);
	} else if (r.type == DHCP4_NAK && asking) {
		on_nak(d, &r);
	}
}

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
			u16_t port)
{
	struct iface *i = iface_of(ip_current_input_netif());
	uint8_t buf[1500];

	if (i->link && i->autoconf && i->autoconf->dhcp4 && port == DHCP4_SERVER_PORT)
		input(i->autoconf->dhcp4, buf, pbuf_copy_partial(p, buf, sizeof(buf), 0));
	pbuf_free(p);
}

/**
 * dhcp4_arp() - An ARP packet came in: does somebody else have our address?
 * @frame, @len:	whole, at least 42 bytes
 */
void dhcp4_arp(struct dhcp4 *d, const uint8_t *frame, size_t len)
{
	uint32_t sender, target, mine = d->lease.address;

	if (!memcmp(frame + 22, d->i->mac, 6))
		return;
	memcpy(&sender, frame + 28, 4);
	memcpy(&target, frame + 38, 4);
	if (d->state == CHECKING && (sender == d->offer.address ||
				     (!sender && target == d->offer.address))) {
		conflict(d, &d->offer);
	} else if (mine && sender == mine) {
		if (d->conflict && now(d) - d->conflict < DEFEND_NS)
			conflict(d, &d->lease);
		else
			send_arp(d, mine, mine);
		d->conflict = now(d);
	}
}

/* ---- life ---- */

/* dhcp4_new() - A client for an interface, stopped; NULL: no memory */
struct dhcp4 *dhcp4_new(struct autoconf *a)
{
	struct dhcp4 *d = calloc(1, sizeof(*d));

	if (!d || autoconf_open(&a->i->e->dhcp4_pcb, IP4_ADDR_ANY, DHCP4_CLIENT_PORT, on_datagram) < 0) {
		free(d);
		return NULL;
	}
	d->a = a;
	d->i = a->i;
	d->timer.cb = on_timer;
	return d;
}

/* dhcp4_up() - The interface can send: begin, or ask whether the lease still holds */
void dhcp4_up(struct dhcp4 *d)
{
	if (d->lease.address && d->end > now(d)) {
		reboot(d);
		return;
	}
	drop_lease(d);
	discover(d);
}

/**
 * dhcp4_down() - The interface cannot send, or will not be able to in a moment
 * @release:	give the lease back; else it is kept and asked about later
 */
void dhcp4_down(struct dhcp4 *d, bool release)
{
	uint32_t had = d->lease.address;

	loop_timer_del(&d->timer);
	if (release && had) {
		tell_release(d);
		drop_lease(d);
	}
	memset(&d->offer, 0, sizeof(d->offer));
	d->offer.address = had;		/* asked for again: RFC 2131, 3.5 */
	d->state = STOPPED;
}

/* dhcp4_bound() - Is there a lease? */
bool dhcp4_bound(const struct dhcp4 *d)
{
	return d->lease.address;
}

/* dhcp4_free() - The client ends; it is down */
void dhcp4_free(struct dhcp4 *d)
{
	if (!d)
		return;
	drop_lease(d);
	loop_timer_del(&d->timer);
	free(d);
}
