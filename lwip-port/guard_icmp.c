/* guard_icmp.c - ICMP errors that the stack sends
 *
 * Theory of operation
 * lwIP 2.1.3 quotes an IP header and 8 bytes of the packet that an error is
 * about, whether they are there or not: what lies behind a short packet in our
 * memory goes out to the peer.  Its functions that send errors are renamed in
 * its wrapper; ours stand in their place.  They quote as much as RFC 1812 4.3.2.3
 * allows, as Linux does (the sender's IP_RECVERR shows it), from the address that
 * the packet was for, and are silent about a packet too short to be told by its
 * ports.  ICMPv6's are right.
 *
 * A packet that waited in vain for its next hop's link-layer address comes here,
 * too (wrappers ipv4.c, ipv6.c).  Its error goes to its source, be that a host we
 * forward for or ourselves: then it comes back over lo, and the socket learns
 * EHOSTUNREACH as under Linux, by whose time the third second's probe was the last.
 */
#include <string.h>
#include "lwip/icmp.h"
#include "lwip/icmp6.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip6.h"
#include "lwip/prot/icmp.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "port.h"
#include "port_priv.h"

#define ICMP_HEADER	8
#define PORTS		8	/* beyond the IP header: what tells whose packet it was */
#define QUOTE4_MAX	(576 - IP_HLEN - ICMP_HEADER)
#define QUOTE6_MAX	(1280 - IP6_HLEN - ICMP_HEADER)
#define TOS_CONTROL	0xc0	/* internetwork control (RFC 1812 4.3.2.5) */

/* no errors about errors, nor about what has no ports in it, nor to nobody
 * (RFC 1122 3.2.2, RFC 4443 2.4) */
static bool deserves4(const struct pbuf *p, const struct ip_hdr *h)
{
	unsigned hlen = IPH_HL_BYTES(h);
	u8_t type;

	if (p->tot_len < hlen + PORTS || IPH_OFFSET(h) & PP_HTONS(IP_OFFMASK) ||
	    ip4_addr_isany_val(h->src))
		return false;
	if (IPH_PROTO(h) != IP_PROTO_ICMP)
		return true;
	pbuf_copy_partial(p, &type, 1, (u16_t)hlen);
	return type == ICMP_ECHO || type == ICMP_ER || type > ICMP_PP;
}

static bool deserves6(const struct pbuf *p, const struct ip6_hdr *h)
{
	u8_t type;

	if (p->tot_len < IP6_HLEN + PORTS || ip6_addr_isany_val(h->src))
		return false;
	if (IP6H_NEXTH(h) != IP6_NEXTH_ICMP6)
		return true;
	pbuf_copy_partial(p, &type, 1, IP6_HLEN);
	return type == ICMP6_TYPE_EREQ || type == ICMP6_TYPE_EREP;
}

/* port_is_own4() - Is an address the stack's? */
bool port_is_own4(const ip4_addr_t *a)
{
	struct netif *n;

	if (ip4_addr_isloopback(a))
		return true;
	NETIF_FOREACH(n)
		if (ip4_addr_cmp(netif_ip4_addr(n), a))
			return true;
	return false;
}

/* the message: header and quotation, its checksum still zero */
static struct pbuf *message(const struct pbuf *p, unsigned type, unsigned code, uint32_t word,
			    unsigned max)
{
	u16_t quoted = p->tot_len < max ? p->tot_len : (u16_t)max;
	struct pbuf *q = pbuf_alloc(PBUF_IP, (u16_t)(ICMP_HEADER + quoted), PBUF_RAM);
	u8_t *b;

	if (!q)
		return NULL;
	b = q->payload;
	memset(b, 0, ICMP_HEADER);
	b[0] = (u8_t)type;
	b[1] = (u8_t)code;
	word = lwip_htonl(word);
	memcpy(b + 4, &word, sizeof(word));
	pbuf_copy_partial(p, b + ICMP_HEADER, quoted, 0);
	return q;
}

/* port_icmp4_error() - Tell a packet's source what became of it (port_priv.h) */
void port_icmp4_error(const struct pbuf *p, unsigned type, unsigned code, uint32_t word)
{
	ip4_addr_t to, from;
	struct icmp_echo_hdr *icmp;
	struct ip_hdr h;
	struct netif *n;
	struct pbuf *q;

	if (pbuf_copy_partial(p, &h, IP_HLEN, 0) != IP_HLEN || !deserves4(p, &h))
		return;
	ip4_addr_copy(to, h.src);
	ip4_addr_copy(from, h.dest);
	n = ip4_route(&to);
	q = n ? message(p, type, code, word, QUOTE4_MAX) : NULL;
	if (!q)
		return;
	if (!port_is_own4(&from))
		ip4_addr_copy(from, port_is_own4(&to) ? to : *netif_ip4_addr(n));
	icmp = q->payload;
	IF__NETIF_CHECKSUM_ENABLED(n, NETIF_CHECKSUM_GEN_ICMP)
		icmp->chksum = inet_chksum(icmp, q->len);
	ICMP_STATS_INC(icmp.xmit);
	MIB2_STATS_INC(mib2.icmpoutmsgs);
	ip4_output_if(q, &from, &to, ICMP_TTL, TOS_CONTROL, IP_PROTO_ICMP, n);
	pbuf_free(q);
}

/**
 * icmp_input() - ICMP came: lwIP's, but for the options of an echo request (ipopt.c)
 * @p:		from the ICMP header on
 * @inp:	interface
 */
void icmp_input(struct pbuf *p, struct netif *inp)
{
	u8_t type;

	if (pbuf_copy_partial(p, &type, 1, 0) == 1 && type == ICMP_ECHO)
		port_echo_options();
	lwip_icmp_input(p, inp);
}

/**
 * icmp_dest_unreach() - Tell a packet's source that it cannot be delivered
 * @p:		packet from the IP header on
 * @t:		code
 */
void icmp_dest_unreach(struct pbuf *p, enum icmp_dur_type t)
{
	port_icmp4_error(p, ICMP_DUR, t, 0);
}

/**
 * icmp_time_exceeded() - Tell a packet's source that it took too long
 * @p:		packet from the IP header on
 * @t:		code
 */
void icmp_time_exceeded(struct pbuf *p, enum icmp_te_type t)
{
	port_icmp4_error(p, ICMP_TE, t, 0);
}

/**
 * port_unresolved4() - Nobody answered who has the next hop's address
 * @p:		packet from the IP header on
 */
void port_unresolved4(struct pbuf *p)
{
	port_icmp4_error(p, ICMP_DUR, ICMP_DUR_HOST, 0);
}

/* port_icmp6_error() - The same for IPv6 */
void port_icmp6_error(const struct pbuf *p, struct netif *out, unsigned type, unsigned code,
		      uint32_t word)
{
	ip_addr_t to = { .type = IPADDR_TYPE_V6 }, from;
	struct icmp6_hdr *icmp;
	struct ip6_hdr h;
	struct netif *n;
	struct pbuf *q;

	if (pbuf_copy_partial(p, &h, IP6_HLEN, 0) != IP6_HLEN || !deserves6(p, &h))
		return;
	ip6_addr_copy_from_packed(*ip_2_ip6(&to), h.src);
	ip6_addr_assign_zone(ip_2_ip6(&to), IP6_UNKNOWN, out);
	if (!route_source(&to, &from, &n))
		return;
	q = message(p, type, code, word, QUOTE6_MAX);
	if (!q)
		return;
	icmp = q->payload;
	IF__NETIF_CHECKSUM_ENABLED(n, NETIF_CHECKSUM_GEN_ICMP6)
		icmp->chksum = ip6_chksum_pseudo(q, IP6_NEXTH_ICMP6, q->tot_len, ip_2_ip6(&from),
						 ip_2_ip6(&to));
	ICMP6_STATS_INC(icmp6.xmit);
	ip6_output_if(q, ip_2_ip6(&from), ip_2_ip6(&to), LWIP_ICMP6_HL, 0, IP6_NEXTH_ICMP6, n);
	pbuf_free(q);
}

/**
 * port_unresolved6() - Nobody answered who has the next hop's address
 * @p:		packet from the IPv6 header on
 * @out:	the link it was to leave by, which link-local addresses belong to
 */
void port_unresolved6(struct pbuf *p, struct netif *out)
{
	port_icmp6_error(p, out, ICMP6_TYPE_DUR, ICMP6_DUR_ADDRESS, 0);
}
