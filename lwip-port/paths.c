/* paths.c - how short the way to a host is when nothing waits on it
 *
 * Theory of operation
 * A connection that begins while others fill the way to its peer measures the packets
 * that wait before its own, and none of its later round trips tells it better.  So the
 * shortest handshake with a host is remembered for its other connections, for
 * a while: the way may have become another one.  A table of fixed size, in
 * which one host may take another's place; who is not found measures by itself.
 */
#include "port.h"
#include "port_priv.h"

#define PLACES		64	/* a power of two */
#define KEEP_US		60000000u

static struct path {
	ip_addr_t peer;
	uint32_t us;			/* 0: nobody's place */
	uint32_t since;			/* us */
} paths[PLACES];

static struct path *place(const ip_addr_t *peer)
{
	uint32_t h = IP_IS_V6(peer) ? ip_2_ip6(peer)->addr[1] ^ ip_2_ip6(peer)->addr[2] ^
				      ip_2_ip6(peer)->addr[3] : ip_2_ip4(peer)->addr;

	return &paths[(h * 2654435761u) >> 26 & (PLACES - 1)];
}

/* path_seen() - A handshake took @us microseconds */
void path_seen(const ip_addr_t *peer, uint32_t us)
{
	uint32_t now = (uint32_t)port_now_us();
	struct path *p = place(peer);

	if (p->us && ip_addr_cmp(&p->peer, peer) && us > p->us && now - p->since < KEEP_US)
		return;
	ip_addr_copy(p->peer, *peer);
	p->us = us ? us : 1;
	p->since = now;
}

/* path_rtt() - The shortest one of late, in microseconds; 0: none is known */
uint32_t path_rtt(const ip_addr_t *peer)
{
	const struct path *p = place(peer);

	return p->us && ip_addr_cmp(&p->peer, peer) ? p->us : 0;
}
