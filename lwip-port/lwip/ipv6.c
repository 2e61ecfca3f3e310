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
#include "core/ipv6/mld6.c"
#define nd6_tmr lwip_nd6_tmr
#include "core/ipv6/nd6.c"
#undef nd6_tmr

/* no packet may go to the entry while its packets are told of: detach them first */
static void give_up(struct nd6_neighbor_cache_entry *n)
{
	struct nd6_q_entry *q = n->q, *e;

	n->q = NULL;
	for (e = q; e; e = e->next)
		port_unresolved6(e->p, n->netif);
	if (q)
		nd6_free_q(q);
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
