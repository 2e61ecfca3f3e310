/* lwIP's src/core/ipv6, unmodified
 *
 * Pools are malloc()ed, so nothing but this bounds the packets that wait for a
 * neighbour: mempool.c counts them.
 *
 * Below, our nd6_tmr() calls lwIP's, which drops what waits for a neighbour that
 * never answered, and keeps it for ever where that is a router: first its
 * senders are told.
 *
 * Linux answers an echo request to a multicast address over IPv6, not over IPv4.
 */
#include "lwip/memp.h"
#include "lwip/nd6.h"
#include "mempool.h"
#include <errno.h>
#include <linux/neighbour.h>
#include "port.h"
#include "port_priv.h"
#define memp_malloc(type)	port_memp_malloc(type)
#define memp_free(type, mem)	port_memp_free((type), (mem))
#include "core/ipv6/ethip6.c"
#define nd6_input port_nd6_input	/* guard_nd6.c, in front of lwIP's */
#undef LWIP_MULTICAST_PING
#define LWIP_MULTICAST_PING	1
#include "core/ipv6/icmp6.c"
#undef nd6_input
#include "core/ipv6/inet6.c"
#include "core/ipv6/ip6.c"
#include "core/ipv6/ip6_addr.c"
#include "core/ipv6/ip6_frag.c"
#undef LWIP_RAND
#define LWIP_RAND()	port_groups_rand()	/* drawn when a timer is set: groups.c */
#include "core/ipv6/mld6.c"
#undef LWIP_RAND
#define LWIP_RAND()	port_rand()
#define nd6_tmr lwip_nd6_tmr
#include "core/ipv6/nd6.c"
#undef nd6_tmr

/* no packet may go to the entry while its packets are told of: detach them first */
static void give_up(struct nd6_neighbor_cache_entry *n)
{
	struct nd6_q_entry *q = n->q, *e;
	ip_addr_t ip;

	ip_addr_copy_from_ip6(ip, n->next_hop_address);
	n->q = NULL;
	for (e = q; e; e = e->next)
		port_unresolved6(e->p, n->netif);
	if (q)
		nd6_free_q(q);
	if (port_neigh_failed)
		port_neigh_failed(&ip, n->netif);
}

/* port_neigh6() - One place of the neighbour cache (port.h) */
bool port_neigh6(unsigned k, struct port_neigh *out)
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
	memcpy(out->lladdr, c->lladdr, sizeof(out->lladdr));
	out->state = states[c->state];
	out->router = c->isrouter;
	if (c->state == ND6_REACHABLE)
		out->reachable_ms = c->counter.reachable_time;
	return true;
}

/* port_neigh_del6() - Empty one place of the neighbour cache (port.h) */
int port_neigh_del6(unsigned k)
{
	struct nd6_neighbor_cache_entry *c = &neighbor_cache[k];

	for (unsigned r = 0; r < LWIP_ND6_NUM_ROUTERS; r++)
		if (default_router_list[r].neighbor_entry == c)
			return -EBUSY;
	if (c->q)
		nd6_free_q(c->q);
	c->q = NULL;
	c->isrouter = 0;
	nd6_free_neighbor_cache_entry((s8_t)k);
	nd6_clear_destination_cache();
	return 0;
}

/* port_neigh_ask6() - Ask for a neighbour that the cache does not have (port.h) */
int port_neigh_ask6(struct netif *n, const ip6_addr_t *ip)
{
	s8_t k = nd6_new_neighbor_cache_entry();
	struct nd6_neighbor_cache_entry *c;

	if (k < 0)
		return -ENOBUFS;
	c = &neighbor_cache[k];
	ip6_addr_copy(c->next_hop_address, *ip);
	ip6_addr_assign_zone(&c->next_hop_address, IP6_UNICAST, n);
	c->isrouter = 0;
	c->netif = n;
	c->state = ND6_INCOMPLETE;
	c->counter.probes_sent = 1;
	nd6_send_neighbor_cache_probe(c, ND6_SEND_FLAG_MULTICAST_DEST);
	return 0;
}

/* nd6_tmr() - Once a second */
void nd6_tmr(void)
{
	for (int i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++)
		if (neighbor_cache[i].state == ND6_INCOMPLETE &&
		    neighbor_cache[i].counter.probes_sent >= LWIP_ND6_MAX_MULTICAST_SOLICIT)
			give_up(&neighbor_cache[i]);
	lwip_nd6_tmr();
}

/* port_mld_waits() - Is there a report to be sent? (groups.c) */
bool port_mld_waits(void)
{
	struct netif *n;

	NETIF_FOREACH(n)
		for (const struct mld_group *g = netif_mld6_data(n); g; g = g->next)
			if (g->timer)
				return true;
	return false;
}
