/* guard_ip.c - look at each IP packet before lwIP does
 *
 * Theory of operation
 * LWIP_HOOK_IP4_INPUT and LWIP_HOOK_IP6_INPUT see a packet before anything of
 * it is checked.  We drop what lwIP 2.1.3 would misread, and martians:
 *  - loopback addresses that come from a wire;
 *  - neighbour discovery (RFC 4861) with an option of length 0, one that runs
 *    over the end, or a link-layer address option shorter than the address
 *    (upstream 8e75a40a, 0a65e654); in more than one pbuf; fragmented
 *    (RFC 6980);
 *  - "packet too big" below 1280 (RFC 8201: not a path's MTU), which would
 *    drive the MSS to 0;
 *  - IPv6 fragments go to reass6.c, not to lwIP, whose reassembly accepts
 *    holes (c8f42025).
 * The walk over extension headers is bounded by the packet's length.
 */
#include "lwip/icmp6.h"
#include "lwip/ip.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/nd6.h"
#include "hooks.h"
#include "ipopt.h"
#include "port.h"
#include "port_priv.h"
#include "reass6.h"

port_tap_fn *port_lo_tap;

static int eaten(struct pbuf *p)
{
	pbuf_free(p);
	return 1;
}

/* lwIP hands looped packets to the netif that sent them, so an address can
 * tell; a wire's netif never owns a loopback address */
static bool from_wire(const struct netif *inp)
{
	return portif_of(inp) != NULL;
}

static bool forwards(const struct netif *inp, unsigned family)
{
	const struct portif *pi = portif_of(inp);

	return pi && pi->forward & family;
}

/**
 * port_ip4_input() - LWIP_HOOK_IP4_INPUT
 * @p:		packet from the IP header on
 * @inp:	interface
 *
 * Return: 1: dropped or forwarded, and freed; 0: lwIP goes on
 */
int port_ip4_input(struct pbuf *p, struct netif *inp)
{
	const struct ip_hdr *ip = p->payload;

	if (p->len < IP_HLEN)
		return 0;		/* lwIP says so itself */
	if (port_lo_tap && !from_wire(inp))
		port_lo_tap(p, inp);
	if (from_wire(inp) && (ip4_addr_isloopback(&ip->src) || ip4_addr_isloopback(&ip->dest)))
		return eaten(p);
	if (forwards(inp, PORT_FORWARD4) && port_forward4(p, inp))
		return 1;
	if (IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF))
		port_meta_forget();	/* the datagram's, if anything's */
	return IPH_HL_BYTES(ip) > IP_HLEN && !ipopt_input(p, inp) ? eaten(p) : 0;
}

static bool nd_type(uint8_t type)
{
	return type >= ICMP6_TYPE_RS && type <= ICMP6_TYPE_RD;
}

/* where the options begin; 0: not neighbour discovery */
static unsigned nd_fixed_len(uint8_t type)
{
	switch (type) {
	case ICMP6_TYPE_RS:
		return 8;
	case ICMP6_TYPE_RA:
		return 16;
	case ICMP6_TYPE_NS:
	case ICMP6_TYPE_NA:
		return 24;
	default:
		return 40;		/* redirect */
	}
}

static bool nd_option_ok(const uint8_t *o, unsigned len, const struct netif *inp)
{
	switch (o[0]) {
	case ND6_OPTION_TYPE_SOURCE_LLADDR:
	case ND6_OPTION_TYPE_TARGET_LLADDR:
		return len >= 2u + inp->hwaddr_len;
	case ND6_OPTION_TYPE_PREFIX_INFO:
		return len == 32;
	case ND6_OPTION_TYPE_MTU:
		return len == 8;
	case ND6_OPTION_TYPE_ROUTE_INFO:
		return len <= 24;
	case ND6_OPTION_TYPE_RDNSS:
		return len >= 24 && len % 16 == 8;
	default:
		return true;
	}
}

static bool nd_ok(const uint8_t *m, unsigned len, const struct netif *inp)
{
	unsigned i = nd_fixed_len(m[0]), n;

	if (len < i)
		return false;
	for (; i < len; i += n) {
		if (len - i < 2)
			return false;
		n = m[i + 1] * 8u;
		if (!n || n > len - i || !nd_option_ok(m + i, n, inp))
			return false;
	}
	return true;
}

static bool icmp6_ok(const struct pbuf *p, unsigned off, unsigned end, const struct netif *inp)
{
	const uint8_t *m = (const uint8_t *)p->payload + off;

	if (p->len < off + 8)
		return p->tot_len < off + 8 || end < off + 8;	/* lwIP: too short */
	if (m[0] == ICMP6_TYPE_PTB)
		return ((uint32_t)m[4] << 24 | (uint32_t)m[5] << 16 |
			(uint32_t)m[6] << 8 | m[7]) >= IP6_MIN_MTU_LENGTH;
	if (!nd_type(m[0]))
		return true;
	return p->len >= end && nd_ok(m, end - off, inp);
}

enum verdict { PASS, DROP, FRAGMENT };

/* where a walk over the extension headers stands */
struct walk {
	unsigned off, end;		/* header at hand; end of the packet */
	uint8_t nexth;			/* its kind */
	unsigned frag;			/* offset of a fragment header seen, or 0 */
	bool whole;			/* not a fragment, or all of it in one */
	bool first;			/* this packet has the datagram's beginning */
};

/* RFC 6946: an atomic fragment is a whole packet */
static void frag_seen(struct walk *w, const uint8_t *b)
{
	unsigned field = (unsigned)b[w->off + 2] << 8 | b[w->off + 3];

	w->frag = w->off;
	w->whole = !(field & (IP6_FRAG_OFFSET_MASK | IP6_FRAG_MORE_FLAG));
	w->first = !(field & IP6_FRAG_OFFSET_MASK);
	w->nexth = b[w->off];
	w->off += IP6_FRAG_HLEN;
}

static enum verdict icmp6_verdict(const struct walk *w, const struct pbuf *p,
				  const struct netif *inp)
{
	const uint8_t *b = p->payload;

	if (w->frag) {
		/* too short to tell, or neighbour discovery: RFC 6980 */
		if (w->off >= w->end || w->off >= p->len || nd_type(b[w->off]))
			return DROP;
		if (!w->whole)
			return FRAGMENT;
	}
	return icmp6_ok(p, w->off, w->end, inp) ? PASS : DROP;
}

static enum verdict walk6(struct walk *w, const struct pbuf *p, const struct netif *inp)
{
	const uint8_t *b = p->payload;

	for (;;) {
		if (w->frag && !w->first)
			return FRAGMENT;	/* the rest is data */
		if (w->nexth == IP6_NEXTH_ICMP6)
			return icmp6_verdict(w, p, inp);
		if (w->nexth != IP6_NEXTH_HOPBYHOP && w->nexth != IP6_NEXTH_ROUTING &&
		    w->nexth != IP6_NEXTH_DESTOPTS && w->nexth != IP6_NEXTH_FRAGMENT)
			return w->whole ? PASS : FRAGMENT;
		/* lwIP wants a header in the first pbuf as well; RFC 7112 wants
		 * them all in the first fragment */
		if (w->off + 8 > w->end || w->off + 8 > p->len)
			return DROP;
		if (w->nexth == IP6_NEXTH_FRAGMENT) {
			if (w->frag)
				return DROP;
			frag_seen(w, b);
			continue;
		}
		w->nexth = b[w->off];
		w->off += (b[w->off + 1] + 1u) * 8;
		if (w->off > w->end || w->off > p->len)
			return DROP;
	}
}

/* what is not for us is forwarded or dropped as it is, not reassembled */
static bool for_us(const ip6_addr_t *dst)
{
	struct netif *n;
	int i;

	if (ip6_addr_ismulticast(dst))
		return true;
	NETIF_FOREACH(n) {
		for (i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
			if (ip6_addr_isvalid(netif_ip6_addr_state(n, i)) &&
			    ip6_addr_cmp_zoneless(netif_ip6_addr(n, i), dst))
				return true;
		}
	}
	return false;
}

/**
 * port_ip6_input() - LWIP_HOOK_IP6_INPUT
 * @p:		packet from the IP header on
 * @inp:	interface
 *
 * Return: 1: dropped or taken over, and freed; 0: lwIP goes on
 */
int port_ip6_input(struct pbuf *p, struct netif *inp)
{
	const struct ip6_hdr *ip = p->payload;
	struct walk w = { .off = IP6_HLEN, .whole = true };
	ip6_addr_t src, dst;

	if (p->len < IP6_HLEN)
		return 0;
	if (port_lo_tap && !from_wire(inp))
		port_lo_tap(p, inp);
	ip6_addr_copy_from_packed(src, ip->src);
	ip6_addr_copy_from_packed(dst, ip->dest);
	if (from_wire(inp) && (ip6_addr_isloopback(&src) || ip6_addr_isloopback(&dst)))
		return eaten(p);
	if (!for_us(&dst)) {
		if (!forwards(inp, PORT_FORWARD6))
			return eaten(p);
		port_forward6(p, inp);
		return 1;
	}
	w.end = IP6_HLEN + IP6H_PLEN(ip);
	w.nexth = IP6H_NEXTH(ip);
	if (w.end > p->tot_len || IP6H_V(ip) != 6)
		return 0;
	switch (walk6(&w, p, inp)) {
	case PASS:
		return 0;
	case FRAGMENT:
		port_meta_forget();
		reass6_input(p, w.frag, inp);
		return 1;
	default:
		return eaten(p);
	}
}

/**
 * port_ip6_protocol() - What is behind the extension headers of the packet at hand
 * @h:		its IPv6 header, with what follows: lwIP has been through it
 *
 * Return: the next header of the last of them
 */
u8_t port_ip6_protocol(const struct ip6_hdr *h)
{
	unsigned end = ip_current_header_tot_len(), at = IP6_HLEN;
	const u8_t *b = (const u8_t *)h;
	u8_t next = IP6H_NEXTH(h);

	while (at + 8 <= end) {
		unsigned len = next == IP6_NEXTH_FRAGMENT ? 8 : (b[at + 1] + 1u) * 8;

		next = b[at];
		at += len;
	}
	return next;
}
