/* guard_icmp.c - ICMP errors about packets that are too short to quote
 *
 * Theory of operation
 * lwIP 2.1.3 quotes an IP header and 8 bytes of the packet that an error is
 * about, whether they are there or not: what lies behind a short packet in our
 * memory goes out to the peer.  Its functions that send errors are renamed in
 * its wrapper; ours stand in their place and send nothing about a packet
 * whose first pbuf is shorter than the quotation.  ICMPv6's are right.
 */
#include "lwip/icmp.h"
#include "lwip/prot/ip4.h"
#include "port_priv.h"

#define QUOTED	8	/* beyond the IP header */

/**
 * icmp_dest_unreach() - lwIP's, if there is enough to quote
 * @p:		packet from the IP header on
 * @t:		code
 */
void icmp_dest_unreach(struct pbuf *p, enum icmp_dur_type t)
{
	if (p->len >= IP_HLEN + QUOTED)
		lwip_icmp_dest_unreach(p, t);
}

/**
 * icmp_time_exceeded() - lwIP's, if there is enough to quote
 * @p:		packet from the IP header on
 * @t:		code
 */
void icmp_time_exceeded(struct pbuf *p, enum icmp_te_type t)
{
	if (p->len >= IP_HLEN + QUOTED)
		lwip_icmp_time_exceeded(p, t);
}
