/* dhcp6.c - DHCPv6 client of an interface (RFC 8415)
 *
 * Theory of operation
 * What is wanted comes from routers' advertisements (M: an address, O: the rest only),
 * or, on an interface that does not listen to them, is an address.  A server that has no
 * address to give is asked for the rest.  One address, no prefixes; the first offer is
 * taken, since a stack is wanted at once.
 *
 * One timer stands for the next thing to do; retransmissions are RFC 8415's (15):
 * each after twice the time, up to a limit.  The address is an ordinary one with its
 * lifetimes, tentative at first; one that turns out to be somebody else's is declined.
 * It is released when the interface goes down or the stack ends; when a carrier is back,
 * the server is asked whether it still fits (CONFIRM), and silence means yes.
 *
 * Bounds: one datagram in flight, one address; after refusals the pause doubles up to
 * a minute.
 */
#include "engine/dhcp6_msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_addr.h>
#include "base/addr.h"
#include "base/hash.h"
#include "base/log.h"
#include "engine/autoconf.h"
#include "engine/iface_priv.h"
#include "engine/priv.h"

#define NS_PER_MS	1000000ull
#define NS_PER_S	1000000000ull
#define REFRESH_S	86400		/* IRT_DEFAULT */
#define REFRESH_MIN_S	600		/* IRT_MINIMUM */
#define DECLINED_NS	(10 * NS_PER_S)

enum state {
	STOPPED, INIT, SOLICITING, REQUESTING, BOUND, RENEWING, REBINDING, CONFIRMING, INFORMING,
	INFORMED,
};

/* RFC 8415 7.6: first and longest wait, seconds; how often, 0: for ever */
static const struct {
	enum dhcp6_type type;
	unsigned first, most, count;
} sends[] = {
	[SOLICITING] = { DHCP6_SOLICIT, 1, 3600, 0 },
	[REQUESTING] = { DHCP6_REQUEST, 1, 30, 10 },
	[RENEWING] = { DHCP6_RENEW, 10, 600, 0 },
	[REBINDING] = { DHCP6_REBIND, 10, 600, 0 },
	[CONFIRMING] = { DHCP6_CONFIRM, 1, 4, 4 },
	[INFORMING] = { DHCP6_INFORM, 1, 3600, 0 },
};

struct dhcp6 {
	struct autoconf *a;
	struct iface *i;
	enum state state;
	bool managed, other;		/* wanted */
	bool bound;			/* there is a lease */
	uint32_t xid, iaid;
	unsigned tries, refusals;
	uint64_t rt, began;		/* the last wait; the exchange's beginning */
	uint64_t t1, t2, end;		/* of the lease; UINT64_MAX: never */
	struct loop_timer timer;
	struct dhcp6_reply offer, lease;
	struct names_source names;
};

static uint64_t now(const struct dhcp6 *d)
{
	return loop_now(d->i->e->loop);
}

static const char *text(const uint8_t addr[16], char buf[ADDR_STRLEN])
{
	struct addr a = { .family = AF_INET6 };

	memcpy(&a.v6, addr, 16);
	return addr_str(&a, buf);
}

/* ---- sending ---- */

/* to all servers and relays, ff02::1:2, from the link-local address */
static void tell(struct dhcp6 *d, enum dhcp6_type type, const uint8_t *addr,
		 const struct dhcp6_id *server)
{
	struct dhcp6_request q = {
		.type = type, .xid = d->xid, .iaid = d->iaid, .server = server, .addr = addr,
		.elapsed = (now(d) - d->began) / (10 * NS_PER_MS), .host = d->i->e->host,
	};
	uint8_t buf[DHCP6_SIZE];
	ip_addr_t dst;
	size_t len;

	if (!ip6_addr_isvalid(netif_ip6_addr_state(d->i->netif, 0)))
		return;			/* later: the timer comes again */
	memcpy(q.mac, d->i->mac, 6);
	len = dhcp6_build(&q, buf);
	ip_addr_set_zero_ip6(&dst);
	IP6_ADDR(ip_2_ip6(&dst), PP_HTONL(0xff020000), 0, 0, PP_HTONL(0x00010002));
	ip6_addr_assign_zone(ip_2_ip6(&dst), IP6_MULTICAST, d->i->netif);
	autoconf_send(d->i->e->dhcp6_pcb, buf, len, &dst, DHCP6_SERVER_PORT, d->i->netif,
		      netif_ip_addr6(d->i->netif, 0));
}

/* RFC 8415 15: twice the last wait, a tenth more or less */
static uint64_t next_wait(struct dhcp6 *d)
{
	uint64_t most = sends[d->state].most * NS_PER_S;

	d->rt = d->tries ? d->rt * 2 : sends[d->state].first * NS_PER_S;
	if (d->rt > most)
		d->rt = most;
	return d->rt * (90 + port_rand() % 21) / 100;
}

static void send_again(struct dhcp6 *d, uint64_t deadline)
{
	const uint8_t *addr = d->state == SOLICITING || d->state == INFORMING ? NULL :
		d->state == REQUESTING ? d->offer.addr : d->lease.addr;
	const struct dhcp6_id *server = d->state == REQUESTING ? &d->offer.server :
		d->state == RENEWING ? &d->lease.server : NULL;
	uint64_t at;

	tell(d, sends[d->state].type, addr, server);
	at = now(d) + next_wait(d);
	d->tries++;
	loop_timer_set(d->i->e->loop, &d->timer, at < deadline ? at : deadline);
}

/* a new exchange */
static void enter(struct dhcp6 *d, enum state s, uint64_t deadline)
{
	d->state = s;
	d->tries = 0;
	d->xid = port_rand() & 0xffffff;
	d->began = now(d);
	send_again(d, deadline);
}

/* ---- the lease ---- */

static void fill_address(const struct dhcp6_reply *l, struct iface_addr *a)
{
	memset(a, 0, sizeof(*a));
	ip_addr_set_zero_ip6(&a->local);
	memcpy(ip_2_ip6(&a->local)->addr, l->addr, 16);
	ip_addr_copy(a->peer, a->local);
	a->plen = 128;
	a->told = true;
	a->flags = IFA_F_TENTATIVE | IFA_F_NOPREFIXROUTE;
	a->valid = l->valid;
	a->preferred = l->preferred;
}

static void drop_lease(struct dhcp6 *d)
{
	struct iface_addr a;

	if (!d->bound)
		return;
	d->bound = false;
	names_del(d->i->e, &d->names);
	fill_address(&d->lease, &a);
	iface_addr_del(d->i, &a, false);
}

static void set_names(struct dhcp6 *d, const struct dhcp6_reply *r, uint64_t until)
{
	struct names_source *s = &d->names;

	s->ifindex = netif_get_index(d->i->netif);
	s->n = r->ndns;
	for (unsigned k = 0; k < r->ndns; k++) {
		ip_addr_set_zero_ip6(&s->server[k].ip);
		memcpy(ip_2_ip6(&s->server[k].ip)->addr, r->dns[k], 16);
		s->server[k].until = until;
	}
	memcpy(s->search[0].list, r->search, sizeof(s->search[0].list));
	s->search[0].until = until;
	names_add(d->i->e, s);
}

static uint64_t at(const struct dhcp6 *d, uint64_t seconds)
{
	return seconds >= DHCP6_FOREVER ? UINT64_MAX : d->began + seconds * NS_PER_S;
}

/* from when it was asked for; what the server leaves to us is RFC 8415 21.4's */
static void set_times(struct dhcp6 *d, const struct dhcp6_reply *r)
{
	uint64_t t1 = r->t1, t2 = r->t2, preferred = r->preferred ? r->preferred : r->valid;

	if (!t2 || t2 > r->valid)
		t2 = preferred == DHCP6_FOREVER ? preferred : preferred * 4 / 5;
	if (!t1 || t1 > t2)
		t1 = preferred == DHCP6_FOREVER ? preferred : preferred / 2;
	if (t1 > t2)
		t1 = t2;
	d->t1 = at(d, t1 ? t1 : 1);
	d->t2 = at(d, t2 ? t2 : 1);
	d->end = at(d, r->valid);
}

static void wait_for_renewal(struct dhcp6 *d)
{
	d->state = BOUND;
	if (d->t1 == UINT64_MAX)
		loop_timer_del(&d->timer);
	else
		loop_timer_set(d->i->e->loop, &d->timer, d->t1);
}

static void bind_lease(struct dhcp6 *d, const struct dhcp6_reply *r)
{
	bool same = d->bound && !memcmp(d->lease.addr, r->addr, 16);
	char ip[ADDR_STRLEN];
	struct iface_addr a;

	if (!same)
		drop_lease(d);
	d->lease = *r;
	d->bound = true;
	d->refusals = 0;
	set_times(d, r);
	fill_address(r, &a);
	iface_addr_replace(d->i, &a);
	set_names(d, r, d->end);
	if (!same)
		log_info("interface %s: DHCPv6: %s for %u s", d->i->name, text(r->addr, ip),
			 r->valid);
	wait_for_renewal(d);
}

/* ---- states ---- */

static void begin(struct dhcp6 *d)
{
	if (d->managed)
		enter(d, SOLICITING, UINT64_MAX);
	else if (d->other)
		enter(d, INFORMING, UINT64_MAX);
}

static void start_over(struct dhcp6 *d, uint64_t at_least)
{
	uint64_t pause = NS_PER_S << (d->refusals < 6 ? d->refusals : 6);

	d->refusals++;
	d->state = INIT;
	loop_timer_in(d->i->e->loop, &d->timer, pause > at_least ? pause : at_least);
}

static void rebind(struct dhcp6 *d)
{
	char ip[ADDR_STRLEN];

	if (now(d) >= d->end) {
		log_warn("interface %s: DHCPv6: the lease of %s ran out and no server renewed it",
			 d->i->name, text(d->lease.addr, ip));
		drop_lease(d);
		begin(d);
	} else if (d->state != REBINDING) {
		enter(d, REBINDING, d->end);
	} else {
		send_again(d, d->end);
	}
}

static void renew(struct dhcp6 *d)
{
	if (now(d) >= d->t2)
		rebind(d);
	else if (d->state != RENEWING)
		enter(d, RENEWING, d->t2);
	else
		send_again(d, d->t2);
}

static void on_timer(struct loop_timer *t)
{
	struct dhcp6 *d = container_of(t, struct dhcp6, timer);
	unsigned most = d->state <= INFORMING ? sends[d->state].count : 0;
	bool enough = most && d->tries >= most;

	switch (d->state) {
	case STOPPED:
		break;
	case INIT: case INFORMED:
		begin(d);
		break;
	case BOUND: case RENEWING:
		renew(d);
		break;
	case REBINDING:
		rebind(d);
		break;
	case REQUESTING:
		if (enough)
			begin(d);
		else
			send_again(d, UINT64_MAX);
		break;
	case CONFIRMING:
		if (enough)		/* nobody minds: RFC 8415 18.2.3 */
			wait_for_renewal(d);
		else
			send_again(d, UINT64_MAX);
		break;
	case SOLICITING: case INFORMING:
		send_again(d, UINT64_MAX);
		break;
	}
}

/* ---- receiving ---- */

static bool same_id(const struct dhcp6_id *x, const struct dhcp6_id *y)
{
	return x->len == y->len && !memcmp(x->b, y->b, x->len);
}

static void on_advertise(struct dhcp6 *d, const struct dhcp6_reply *r)
{
	if (r->status == DHCP6_OK && r->address && r->valid) {
		d->offer = *r;
		enter(d, REQUESTING, UINT64_MAX);
	} else if (r->status == DHCP6_NO_ADDRESS) {
		enter(d, INFORMING, UINT64_MAX);	/* it has the rest, at least */
	}
}

static void on_informed(struct dhcp6 *d, const struct dhcp6_reply *r)
{
	uint32_t refresh = r->refresh ? r->refresh : REFRESH_S;

	if (refresh < REFRESH_MIN_S)
		refresh = REFRESH_MIN_S;
	set_names(d, r, NAMES_FOREVER);
	d->state = INFORMED;
	if (refresh == DHCP6_FOREVER)
		loop_timer_del(&d->timer);
	else
		loop_timer_in(d->i->e->loop, &d->timer, refresh * NS_PER_S);
}

static void on_confirmed(struct dhcp6 *d, const struct dhcp6_reply *r)
{
	if (r->status == DHCP6_OK) {
		wait_for_renewal(d);
	} else if (r->status == DHCP6_NOT_ON_LINK) {
		drop_lease(d);
		begin(d);
	}
}

/* to REQUEST, RENEW, REBIND */
static void on_reply(struct dhcp6 *d, const struct dhcp6_reply *r)
{
	if (d->state == REQUESTING && !same_id(&r->server, &d->offer.server))
		return;
	if (d->state == RENEWING && !same_id(&r->server, &d->lease.server))
		return;
	if (r->status == DHCP6_OK && r->address && r->valid) {
		bind_lease(d, r);
	} else if (r->status == DHCP6_NO_ADDRESS || r->status == DHCP6_NO_BINDING ||
		   r->status == DHCP6_NOT_ON_LINK || r->address) {
		drop_lease(d);
		start_over(d, 0);
	}
}

static void input(struct dhcp6 *d, const uint8_t *b, size_t len)
{
	struct dhcp6_reply r;

	if (dhcp6_parse(b, len, d->xid, d->iaid, d->i->mac, &r) < 0)
		return;
	if (r.type == DHCP6_ADVERTISE) {
		if (d->state == SOLICITING)
			on_advertise(d, &r);
		return;
	}
	switch (d->state) {
	case REQUESTING: case RENEWING: case REBINDING:
		on_reply(d, &r);
		break;
	case CONFIRMING:
		on_confirmed(d, &r);
		break;
	case INFORMING:
		on_informed(d, &r);
		break;
	default:
		break;
	}
}

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
			u16_t port)
{
	struct iface *i = iface_of(ip_current_input_netif());
	uint8_t buf[1500];

	if (i->link && i->autoconf && i->autoconf->dhcp6)
		input(i->autoconf->dhcp6, buf, pbuf_copy_partial(p, buf, sizeof(buf), 0));
	pbuf_free(p);
}

/* dhcp6_duplicates() - Is our address one that turned out to be somebody else's?  Decline it */
void dhcp6_duplicates(struct dhcp6 *d)
{
	struct iface_addr a;
	int k;

	if (!d->bound)
		return;
	fill_address(&d->lease, &a);
	for (k = LWIP_IPV6_NUM_ADDRESSES - 1; k > 0; k--)
		if (ip6_addr_isduplicated(netif_ip6_addr_state(d->i->netif, k)) &&
		    ip6_addr_cmp_zoneless(netif_ip6_addr(d->i->netif, k), ip_2_ip6(&a.local)))
			break;
	if (!k)
		return;
	d->xid = port_rand() & 0xffffff;
	d->began = now(d);
	tell(d, DHCP6_DECLINE, d->lease.addr, &d->lease.server);
	drop_lease(d);
	start_over(d, DECLINED_NS);
}

/* ---- life ---- */

/* dhcp6_new() - A client for an interface, stopped; NULL: no memory */
struct dhcp6 *dhcp6_new(struct autoconf *a)
{
	struct dhcp6 *d = calloc(1, sizeof(*d));

	if (!d || autoconf_open(&a->i->e->dhcp6_pcb, IP6_ADDR_ANY, DHCP6_CLIENT_PORT, on_datagram) < 0) {
		free(d);
		return NULL;
	}
	d->a = a;
	d->i = a->i;
	d->iaid = (uint32_t)hash_fnv1a(a->i->name, strlen(a->i->name));
	d->timer.cb = on_timer;
	return d;
}

/**
 * dhcp6_want() - Something is to be had from servers
 * @managed:	addresses and all else
 * @other:	all but addresses
 *
 * What was wanted once stays so until the interface goes down (RFC 4862 5.5.2 ff.).
 */
void dhcp6_want(struct dhcp6 *d, bool managed, bool other)
{
	bool more = (managed && !d->managed) || (other && !d->managed && !d->other);

	d->managed = d->managed || managed;
	d->other = d->other || other;
	if (more)
		begin(d);
}

/* dhcp6_up() - The interface can send again: a lease that it has is asked about */
void dhcp6_up(struct dhcp6 *d)
{
	if (d->bound && d->end > now(d)) {
		enter(d, CONFIRMING, UINT64_MAX);
		return;
	}
	drop_lease(d);
	begin(d);
}

/**
 * dhcp6_down() - The interface cannot send, or will not be able to in a moment
 * @release:	give the lease back, want nothing more; else all is kept
 */
void dhcp6_down(struct dhcp6 *d, bool release)
{
	loop_timer_del(&d->timer);
	d->state = STOPPED;
	if (!release)
		return;
	if (d->bound) {
		d->xid = port_rand() & 0xffffff;
		d->began = now(d);
		tell(d, DHCP6_RELEASE, d->lease.addr, &d->lease.server);
	}
	drop_lease(d);
	names_del(d->i->e, &d->names);
	d->managed = d->other = false;
}

/* dhcp6_informed() - Has a server that has no address said the rest? */
bool dhcp6_informed(const struct dhcp6 *d)
{
	return d->state == INFORMED;
}

/* dhcp6_free() - The client ends; it is down */
void dhcp6_free(struct dhcp6 *d)
{
	if (!d)
		return;
	loop_timer_del(&d->timer);
	free(d);
}
