/* ports.c - who holds which local port
 *
 * Theory of operation
 * The rules are inet_csk_get_port()'s and udp_lib_get_port()'s: two sockets
 * may hold one port when their addresses do not overlap, when both have
 * SO_REUSEADDR and (TCP) neither listens, or when both have SO_REUSEPORT.
 * connect() without bind() shares a port with other such connections as long
 * as the 4-tuple is unique (RFC 6056: the search starts at a random port).
 */
#include "engine/ports.h"

#include <errno.h>
#include "engine/board.h"
#include "engine/priv.h"
#include "engine/sock.h"
#include "port.h"

/* clients see which ports of UDP have somebody */
static void show(const struct sock *s, int by)
{
	if (s->ops == &sock_udp_ops)
		board_count(BOARD_AT(s->e->board->heard, s->local.port), by);
}

static void insert(struct portset *ps, struct sock *s, uint16_t port)
{
	struct sock **head = &ps->bucket[port % PORTS_BUCKETS];

	s->local.port = port;
	s->bound = true;
	s->port_next = *head;
	if (*head)
		(*head)->port_pprev = &s->port_next;
	s->port_pprev = head;
	*head = s;
	show(s, 1);
}

/* ports_release() - Give up the port; harmless when none is held */
void ports_release(struct sock *s)
{
	if (!s->port_pprev)
		return;
	show(s, -1);
	*s->port_pprev = s->port_next;
	if (s->port_next)
		s->port_next->port_pprev = s->port_pprev;
	s->port_next = NULL;
	s->port_pprev = NULL;
	s->bound = false;
}

static bool listens(const struct sock *s)
{
	return s->ops->state && s->ops->state(s) == MSG_ST_LISTENING;
}

/* SO_BINDTODEVICE: each has a device of its own */
static bool apart(const struct sock *a, const struct sock *b)
{
	return a->o.bindtodevice && b->o.bindtodevice && a->o.bindtodevice != b->o.bindtodevice;
}

static bool conflict(const struct sock *a, const struct sock *b, const ip_addr_t *ip)
{
	if (apart(a, b))
		return false;
	if (!ip_overlap(ip, &b->local.ip))
		return false;
	if (a->o.reuseport && b->o.reuseport)
		return false;
	return !(a->o.reuseaddr && b->o.reuseaddr && !listens(a) && !listens(b));
}

/* whom the port is denied to s for; NULL: nobody */
static struct sock *holder(struct portset *ps, const struct sock *s, const ip_addr_t *ip,
			   uint16_t port)
{
	for (struct sock *o = ports_first(ps, port); o; o = o->port_next)
		if (o != s && o->local.port == port && conflict(s, o, ip))
			return o;
	return NULL;
}

static bool free_for(struct portset *ps, const struct sock *s, const ip_addr_t *ip,
		     uint16_t port)
{
	struct sock *o;

	/* close(2) may have been noticed by nobody yet: it came before this call */
	while ((o = holder(ps, s, ip, port)))
		if (!sock_reap(o))
			return false;
	return true;
}

/**
 * ports_bind() - Take a local address and port for bind(2)
 * @ps:		the protocol's table
 * @s:		not bound yet
 * @ep:		address, and port or 0 for one of the ephemeral range
 * @busy:	what else could stand in the way, or NULL
 *
 * Return: 0 or -EADDRINUSE
 */
int ports_bind(struct portset *ps, struct sock *s, const struct endpoint *ep,
	       ports_busy_fn *busy)
{
	const unsigned span = ps->max - ps->min + 1u;
	struct endpoint try = *ep;
	unsigned start;

	if (ep->port) {
		if (!free_for(ps, s, &ep->ip, ep->port) || (busy && busy(s, ep)))
			return -EADDRINUSE;
		s->local.ip = ep->ip;
		insert(ps, s, ep->port);
		return 0;
	}
	start = port_rand() % span;
	for (unsigned i = 0; i < span; i++) {
		bool taken = false;

		try.port = (uint16_t)(ps->min + (start + i) % span);
		for (struct sock *o = ports_first(ps, try.port); o && !taken; o = o->port_next)
			taken = o->local.port == try.port && ip_overlap(&ep->ip, &o->local.ip);
		if (taken || (busy && busy(s, &try)))
			continue;
		s->local.ip = ep->ip;
		insert(ps, s, try.port);
		return 0;
	}
	return -EADDRINUSE;
}

/**
 * ports_tuple_free() - Has no connection these addresses and ports, or one that may go?
 */
bool ports_tuple_free(const ip_addr_t *local, uint16_t port, const struct endpoint *remote)
{
	struct tcp_pcb *pcb = pcbtable_find(local, port, &remote->ip, remote->port);

	return !pcb || pcbtable_tw_recycle(pcb);
}

/**
 * ports_bind_tuple() - Choose the local port of a TCP connect(2)
 * @local:	the source address that the route gave
 * @remote:	the peer
 *
 * Return: 0 or -EADDRNOTAVAIL when every port is taken toward that peer
 */
int ports_bind_tuple(struct portset *ps, struct sock *s, const ip_addr_t *local,
		     const struct endpoint *remote)
{
	const unsigned span = ps->max - ps->min + 1u;
	unsigned start = port_rand() % span;

	for (unsigned i = 0; i < span; i++) {
		uint16_t port = (uint16_t)(ps->min + (start + i) % span);
		bool taken = false;

		for (struct sock *o = ports_first(ps, port); o && !taken; o = o->port_next)
			taken = o->local.port == port && !o->autobound &&
				ip_overlap(local, &o->local.ip);
		if (taken || !ports_tuple_free(local, port, remote))
			continue;
		s->autobound = true;
		insert(ps, s, port);
		return 0;
	}
	return -EADDRNOTAVAIL;
}

/* ports_may_listen() - With SO_REUSEADDR two sockets may share a port until
 * one listens; false: another listens already */
bool ports_may_listen(struct portset *ps, struct sock *s)
{
	for (struct sock *o = ports_first(ps, s->local.port); o; o = o->port_next)
		if (o != s && o->local.port == s->local.port && listens(o) &&
		    ip_overlap(&s->local.ip, &o->local.ip) && !apart(s, o) &&
		    !(s->o.reuseport && o->o.reuseport))
			return false;
	return true;
}
