/* guard_l2.c - frames too short for the header that they announce
 *
 * Theory of operation
 * lwIP 2.1.3 reads the header of ARP, and the version of IP, before it looks at
 * the length: a short frame is an over-read.  Its ethernet_input() and
 * ip_input() are renamed in their wrappers; ours stand in their place, drop
 * what is too short in the first pbuf, and call lwIP's.
 */
#include "lwip/ip.h"
#include "lwip/prot/etharp.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/stats.h"
#include "netif/ethernet.h"
#include "port_priv.h"

static err_t dropped(struct pbuf *p)
{
	LINK_STATS_INC(link.lenerr);
	LINK_STATS_INC(link.drop);
	pbuf_free(p);
	return ERR_OK;
}

/* bytes that the header of an Ethernet payload takes at least */
static unsigned header_len(uint16_t type)
{
	switch (type) {
	case PP_HTONS(ETHTYPE_ARP):
		return SIZEOF_ETHARP_HDR;
	case PP_HTONS(ETHTYPE_IP):
		return IP_HLEN;
	case PP_HTONS(ETHTYPE_IPV6):
		return IP6_HLEN;
	default:
		return 0;
	}
}

/**
 * ethernet_input() - lwIP's, for frames that are long enough
 * @p:		frame from the Ethernet header on; not the caller's any more
 * @n:		interface
 *
 * Return: ERR_OK
 */
err_t ethernet_input(struct pbuf *p, struct netif *n)
{
	const struct eth_hdr *e = p->payload;

	if (p->len < SIZEOF_ETH_HDR || p->len < SIZEOF_ETH_HDR + header_len(e->type))
		return dropped(p);
	return lwip_ethernet_input(p, n);
}

/**
 * ip_input() - lwIP's, for packets that are long enough
 * @p:		packet from the IP header on; not the caller's any more
 * @n:		interface
 *
 * Return: ERR_OK
 */
err_t ip_input(struct pbuf *p, struct netif *n)
{
	if (p->len < IP_HLEN || (IP_HDR_GET_VERSION(p->payload) == 6 && p->len < IP6_HLEN))
		return dropped(p);
	return lwip_ip_input(p, n);
}
