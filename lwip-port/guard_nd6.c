/* guard_nd6.c - neighbour discovery, before lwIP's
 *
 * Theory of operation
 * Here come messages whose checksum lwIP has looked at; guard_ip.c saw to it that
 * they are in one piece and their options whole.
 *  - Router advertisements are the engine's: lwIP would keep routers and prefixes of
 *    any sender, behind the route table's back, on interfaces that were never told to
 *    listen.
 *  - An advertisement of our own address, sent to all, takes it away only while we
 *    are finding out whether it is free (RFC 4862 5.4.4); lwIP gives up any, at any
 *    time, which one packet of a neighbour could use.
 */
#include <string.h>
#include "lwip/icmp6.h"
#include "lwip/ip6.h"
#include "lwip/nd6.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/nd6.h"
#include "port.h"
#include "port_priv.h"

#define HOP_LIMIT	255		/* it came from this link: RFC 4861 */

static port_ra_fn *ra_listener;

/**
 * port_on_ra() - Choose who gets router advertisements
 * @fn:		NULL: they are dropped
 */
void port_on_ra(port_ra_fn *fn)
{
	ra_listener = fn;
}

/* RFC 4861 6.1.2 */
static void advertisement(const struct pbuf *p, struct netif *inp)
{
	const struct ra_header *h = p->payload;

	if (ra_listener && p->len == p->tot_len && p->len >= sizeof(*h) && h->code == 0 &&
	    IP6H_HOPLIM(ip6_current_header()) == HOP_LIMIT &&
	    ip6_addr_islinklocal(ip6_current_src_addr()))
		ra_listener(inp, p->payload, p->len);
}

/* says somebody, unasked, that an address we use is theirs? */
static bool claims_ours(const struct pbuf *p, struct netif *inp)
{
	const struct na_header *h = p->payload;
	ip6_addr_t target;
	int k;

	if (p->len < sizeof(*h) || !ip6_addr_ismulticast(ip6_current_dest_addr()))
		return false;
	ip6_addr_copy_from_packed(target, h->target_address);
	ip6_addr_assign_zone(&target, IP6_UNICAST, inp);
	k = netif_get_ip6_addr_match(inp, &target);
	return k >= 0 && ip6_addr_isvalid(netif_ip6_addr_state(inp, k));
}

/* port_nd6_input() - In nd6_input()'s place; @p is ours to free */
void port_nd6_input(struct pbuf *p, struct netif *inp)
{
	uint8_t type = *(const uint8_t *)p->payload;

	if (type == ICMP6_TYPE_RA)
		advertisement(p, inp);
	if (type == ICMP6_TYPE_RA || (type == ICMP6_TYPE_NA && claims_ours(p, inp))) {
		pbuf_free(p);
		return;
	}
	nd6_input(p, inp);
}
