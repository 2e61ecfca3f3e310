/* lwIP's src/core/ipv4, unmodified
 *
 * Below, our etharp_tmr() calls lwIP's.  It gives up on a neighbour after as many
 * probes as Linux, and what waited for it goes back to its senders as errors,
 * where lwIP drops it without a word two seconds later.
 */
#define etharp_tmr lwip_etharp_tmr
#include "core/ipv4/autoip.c"
#include "core/ipv4/etharp.c"
#undef etharp_tmr
#include "core/ipv4/igmp.c"
#include "core/ipv4/ip4.c"
#include "core/ipv4/ip4_addr.c"
#include "core/ipv4/ip4_frag.c"
#include "port_priv.h"

#define PROBES	3	/* mcast_solicit, a second apart */

/* no packet may go to the entry while its packets are told of: detach them first */
static void give_up(int i)
{
	struct etharp_q_entry *q = arp_table[i].q, *e;

	arp_table[i].q = NULL;
	etharp_free_entry(i);
	for (e = q; e; e = e->next)
		port_unresolved4(e->p);
	if (q)
		free_etharp_q(q);
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
