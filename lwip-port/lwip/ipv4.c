/* lwIP's src/core/ipv4, unmodified
 *
 * All of 127/8 is the host's own (RFC 1122 3.2.1.3 (g)): where ip4.c compares a
 * packet's destination with an interface's address, one loopback address is
 * as good as another.  From the wire such packets do not come (guard_ip.c).
 *
 * igmp.c draws a random number when it sets a timer, but for a query to be answered
 * at once: groups.c.
 *
 * Below, our etharp_tmr() calls lwIP's.  It gives up on a neighbour after as many
 * probes as Linux, and what waited for it goes back to its senders as errors,
 * where lwIP drops it without a word two seconds later.  And its table is shown:
 * an entry that was not heard of for REACHABLE_S is as good as stale, for all that
 * lwIP asks again only when it is five minutes old.
 */
#define etharp_tmr lwip_etharp_tmr
#include "core/ipv4/autoip.c"
#include "core/ipv4/etharp.c"
#undef etharp_tmr
#include "port_priv.h"
#undef LWIP_RAND
#define LWIP_RAND()	port_groups_rand()
#define igmp_input lwip_igmp_input
#include "core/ipv4/igmp.c"
#undef igmp_input
void igmp_input(struct pbuf *p, struct netif *inp, const ip4_addr_t *dest);
#undef LWIP_RAND
#define LWIP_RAND()	port_rand()
#undef ip4_addr_cmp
#undef ip4_addr_eq
#define ip4_addr_eq(a, b) \
	((a)->addr == (b)->addr || (ip4_addr_isloopback(a) && ip4_addr_isloopback(b)))
#define ip4_addr_cmp	ip4_addr_eq
#include "core/ipv4/ip4.c"
#undef ip4_addr_cmp
#undef ip4_addr_eq
#define ip4_addr_eq(a, b)	((a)->addr == (b)->addr)
#define ip4_addr_cmp	ip4_addr_eq
#include "core/ipv4/ip4_addr.c"
#include "core/ipv4/ip4_frag.c"
#include <errno.h>
#include <linux/neighbour.h>
#include "port.h"
#include "port_priv.h"

#define PROBES		3	/* mcast_solicit, a second apart */
#define REACHABLE_S	30	/* base_reachable_time */

port_neigh_failed_fn *port_neigh_failed;

/* no packet may go to the entry while its packets are told of: detach them first */
static void give_up(int i)
{
	struct etharp_q_entry *q = arp_table[i].q, *e;
	ip_addr_t ip = IPADDR4_INIT(ip4_addr_get_u32(&arp_table[i].ipaddr));
	struct netif *n = arp_table[i].netif;

	arp_table[i].q = NULL;
	etharp_free_entry(i);
	for (e = q; e; e = e->next)
		port_unresolved4(e->p);
	if (q)
		free_etharp_q(q);
	if (port_neigh_failed)
		port_neigh_failed(&ip, n);
}

/* port_neigh4() - One place of the ARP table (port.h) */
bool port_neigh4(unsigned k, struct port_neigh *out)
{
	const struct etharp_entry *e = &arp_table[k];

	memset(out, 0, sizeof(*out));
	if (e->state == ETHARP_STATE_EMPTY || !e->netif)
		return false;
	ip_addr_copy_from_ip4(out->ip, e->ipaddr);
	out->n = e->netif;
	memcpy(out->lladdr, &e->ethaddr, sizeof(out->lladdr));
	out->age = e->ctime;
	if (e->state == ETHARP_STATE_PENDING)
		out->state = NUD_INCOMPLETE;
	else if (e->state == ETHARP_STATE_STATIC)
		out->state = NUD_NOARP;
	else if (e->state == ETHARP_STATE_STABLE)
		out->state = e->ctime < REACHABLE_S ? NUD_REACHABLE : NUD_STALE;
	else
		out->state = NUD_PROBE;
	return true;
}

/* port_neigh_del4() - Empty one place of the ARP table (port.h) */
void port_neigh_del4(unsigned k)
{
	etharp_free_entry((int)k);
}

/* port_neigh_ask4() - Ask for a neighbour that the ARP table does not have (port.h) */
int port_neigh_ask4(struct netif *n, const ip4_addr_t *ip)
{
	return etharp_query(n, ip, NULL) == ERR_MEM ? -ENOBUFS : 0;
}

/* etharp_tmr() - Once a second */
void etharp_tmr(void)
{
	for (int i = 0; i < ARP_TABLE_SIZE; i++)
		if (arp_table[i].state == ETHARP_STATE_PENDING &&
		    arp_table[i].ctime + 1 >= PROBES)
			give_up(i);
	lwip_etharp_tmr();
}

/* igmp_input() - A query may set timers */
void igmp_input(struct pbuf *p, struct netif *inp, const ip4_addr_t *dest)
{
	port_groups_rand();
	lwip_igmp_input(p, inp, dest);
}

/* port_igmp_waits() - Is there a report to be sent? (groups.c) */
bool port_igmp_waits(void)
{
	struct netif *n;

	NETIF_FOREACH(n)
		for (const struct igmp_group *g = netif_igmp_data(n); g; g = g->next)
			if (g->timer)
				return true;
	return false;
}
