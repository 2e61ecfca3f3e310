/* forward.c - packets for others: a stack as router
 *
 * Theory of operation
 * The input hooks (guard_ip.c) hand over what is not for us when the interface
 * that it came by forwards (portif.forward).  lwIP's own forwarding is compiled
 * out: it knows neither next hops on the same link nor redirects, nor what an
 * error should quote, nor frames that are longer than the link.  Here, as RFC
 * 1812 and RFC 8200 have it and Linux does:
 *  - never: what came as a link-layer broadcast, to or from a group, a
 *    broadcast, loopback, a link-local or one of our own addresses;
 *  - no route, or one that rejects: net or host unreachable, prohibited, or
 *    nothing for a blackhole; TTL or hop limit used up: time exceeded; longer
 *    than the next link takes: fragments (IPv4 without DF), else "needs
 *    fragmentation" or "packet too big" with that link's MTU;
 *  - back to where it came from: a redirect, if its source could have gone there
 *    itself, and the packet all the same.
 * Errors and redirects are counted against ERRORS_PER_S and REDIRECTS_PER_S.
 *
 * A frame of up to 64 KB that a link merged (GRO) is one packet here, too.  Its
 * metadata (meta.c) goes along to a link that can use it, once the next hop's address
 * is known; port_vnet_out() picks it up.  Else it is cut first (segment.c): a
 * packet that waits in lwIP's queues has no metadata.
 */
#include <string.h>
#include <time.h>
#include <linux/rtnetlink.h>
#include "lwip/etharp.h"
#include "lwip/icmp.h"
#include "lwip/icmp6.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip4_frag.h"
#include "lwip/nd6.h"
#include "lwip/priv/nd6_priv.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/nd6.h"
#include "lwip/prot/tcp.h"
#include "hooks.h"
#include "port.h"
#include "port_priv.h"

#define ERRORS_PER_S	1000		/* as Linux's icmp_msgs_per_sec */
#define REDIRECTS_PER_S	10
#define CODE_PROHIBITED4	13	/* communication administratively prohibited */
#define REDIRECT_HOST	1
#define REDIRECT_QUOTE	1024		/* bytes of the packet in an ICMPv6 redirect */

struct bucket {
	unsigned left;
	time_t second;
};

static struct bucket errors, redirects;

static bool allowed(struct bucket *b, unsigned per_second)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec != b->second) {
		b->second = now.tv_sec;
		b->left = per_second;
	}
	if (!b->left)
		return false;
	b->left--;
	return true;
}

static void error4(const struct pbuf *p, unsigned type, unsigned code, uint32_t word)
{
	if (allowed(&errors, ERRORS_PER_S))
		port_icmp4_error(p, type, code, word);
}

static void error6(const struct pbuf *p, struct netif *inp, unsigned type, unsigned code,
		   uint32_t word)
{
	if (allowed(&errors, ERRORS_PER_S))
		port_icmp6_error(p, inp, type, code, word);
}

/* a packet that Ethernet's header can be put in front of; takes @p over */
static struct pbuf *with_room(struct pbuf *p, unsigned hlen)
{
	struct pbuf *h;

	if (p->ref == 1 && pbuf_add_header(p, SIZEOF_ETH_HDR) == 0) {
		pbuf_remove_header(p, SIZEOF_ETH_HDR);
		return p;
	}
	h = pbuf_alloc(PBUF_LINK, (u16_t)hlen, PBUF_RAM);
	if (!h) {
		pbuf_free(p);
		return NULL;
	}
	memcpy(h->payload, p->payload, hlen);
	pbuf_remove_header(p, hlen);
	pbuf_cat(h, p);
	return h;
}

/* ---- IPv4 ---- */

struct way4 {
	struct netif *out;
	ip4_addr_t dst;
	unsigned mtu;
};

static int send_piece4(struct pbuf *p, void *arg)
{
	const struct way4 *w = arg;

	if (p->tot_len > w->mtu)
		port_fragment4(p, w->out, &w->dst);
	else
		w->out->output(w->out, p, &w->dst);
	return 0;
}

static bool resolved4(struct netif *out, const ip4_addr_t *dst)
{
	const ip4_addr_t *gw = route_gw4(out, dst), *ip;
	struct eth_addr *mac;

	return portif_of(out)->out4 ||
	       etharp_find_addr(out, gw ? gw : dst, &mac, &ip) >= 0;
}

static void send4(struct pbuf *p, struct way4 *w, const struct port_meta *m)
{
	if (!m->gso && !m->partial) {
		send_piece4(p, w);
	} else if (port_carries(portif_of(w->out), &m->v) && m->unit <= w->mtu && resolved4(w->out, &w->dst)) {
		port_meta_leaves(p, &m->v);
		w->out->output(w->out, p, &w->dst);
		port_meta_leaves(NULL, NULL);
	} else {
		port_segment(p, 0, &m->v, send_piece4, w);
	}
}

static bool is_ours4(const ip4_addr_t *a)
{
	struct netif *n;

	NETIF_FOREACH(n)
		if (netif_is_up(n) && ip4_addr_cmp(a, netif_ip4_addr(n)))
			return true;
	return false;
}

/* one of our addresses, a group, or a broadcast of a link of ours; or DHCP's
 * answer to an interface without an address: lwIP's */
static bool for_us4(const struct pbuf *p, const struct ip_hdr *ip, const ip4_addr_t *dst,
		    const struct netif *inp)
{
	struct netif *n;

	if (ip4_addr_ismulticast(dst) || is_ours4(dst))
		return true;
	NETIF_FOREACH(n)
		if (netif_is_up(n) && ip4_addr_isbroadcast(dst, n))
			return true;
	return ip4_addr_isany_val(*netif_ip4_addr(inp)) && IPH_PROTO(ip) == IP_PROTO_UDP &&
	       pbuf_get_at(p, (u16_t)(IPH_HL_BYTES(ip) + 2)) == 0 &&
	       pbuf_get_at(p, (u16_t)(IPH_HL_BYTES(ip) + 3)) == 68;
}

/* may a packet from or to this address be passed on? */
static bool passes4(const ip4_addr_t *a)
{
	uint8_t first = ip4_addr1(a);

	return first != 0 && first != 127 && first < 224 && !ip4_addr_islinklocal(a);
}

static void reject4(const struct pbuf *p, const struct route *r)
{
	switch (r ? r->type : RTN_UNREACHABLE) {
	case RTN_BLACKHOLE:
		break;
	case RTN_PROHIBIT:
		error4(p, ICMP_DUR, CODE_PROHIBITED4, 0);
		break;
	default:
		error4(p, ICMP_DUR, r ? ICMP_DUR_HOST : ICMP_DUR_NET, 0);
	}
}

/* who sent it could reach the next hop without us */
static void redirect4(const struct pbuf *p, const struct route *r, const ip4_addr_t *src,
		      const ip4_addr_t *dst)
{
	const ip4_addr_t *hop = ip_addr_isany(&r->gw) ? dst : ip_2_ip4(&r->gw);

	if (ip4_addr_netcmp(src, netif_ip4_addr(r->netif), netif_ip4_netmask(r->netif)) &&
	    ip4_addr_netcmp(hop, netif_ip4_addr(r->netif), netif_ip4_netmask(r->netif)) &&
	    allowed(&redirects, REDIRECTS_PER_S))
		port_icmp4_error(p, ICMP_RD, REDIRECT_HOST, lwip_ntohl(ip4_addr_get_u32(hop)));
}

/* RFC 1624 */
static void decrement_ttl(struct ip_hdr *ip)
{
	uint32_t sum = (uint32_t)IPH_CHKSUM(ip) + PP_HTONS(0x100);

	IPH_TTL_SET(ip, IPH_TTL(ip) - 1);
	IPH_CHKSUM_SET(ip, (uint16_t)(sum + (sum >= 0xffff)));
}

static bool valid4(const struct pbuf *p, const struct ip_hdr *ip)
{
	unsigned hl = IPH_HL_BYTES(ip), len = lwip_ntohs(IPH_LEN(ip));

	return IPH_V(ip) == 4 && hl >= IP_HLEN && hl <= p->len && len >= hl &&
	       len <= p->tot_len && inet_chksum(ip, (u16_t)hl) == 0;
}

port_alert_fn *port_alert;

/* show a packet to who asked for those with a router alert, as lwIP hands up its own */
static bool taken(const struct pbuf *p, struct netif *inp)
{
	struct ip_hdr *ip = p->payload;
	bool took;

	ip_data.current_netif = ip_data.current_input_netif = inp;
	ip_data.current_ip4_header = ip;
	ip_data.current_ip6_header = NULL;
	ip_data.current_ip_header_tot_len = IPH_HL_BYTES(ip);
	ip_addr_copy_from_ip4(ip_data.current_iphdr_src, ip->src);
	ip_addr_copy_from_ip4(ip_data.current_iphdr_dest, ip->dest);
	took = port_alert(p);
	memset(&ip_data, 0, sizeof(ip_data));
	return took;
}

/* false: it goes no further */
static bool options4(struct pbuf *p, struct netif *inp, const struct netif *out)
{
	return ipopt_input(p, out) && !(port_alert && ipopt_alert() && taken(p, inp));
}

/* a packet that is to go on, or to be told why not */
static void route4(struct pbuf *p, struct netif *inp, const ip4_addr_t *src,
		   const ip4_addr_t *dst)
{
	struct ip_hdr *ip = p->payload;
	ip_addr_t d = IPADDR4_INIT(ip4_addr_get_u32(dst));
	const struct route *r = route_forward(&d);
	struct way4 w = { .dst = *dst };
	struct port_meta m;

	if (!r || r->type > RTN_UNICAST) {
		reject4(p, r);
		return;
	}
	w.out = r->netif;
	if (!portif_of(w.out))
		return;			/* lo: nothing for others */
	w.mtu = portif_of(w.out)->mtu;
	if (IPH_HL_BYTES(ip) > IP_HLEN && !options4(p, inp, w.out))
		return;
	if (IPH_TTL(ip) <= 1) {
		error4(p, ICMP_TE, ICMP_TE_TTL, 0);
		return;
	}
	if (w.out->state == inp->state)
		redirect4(p, r, src, dst);
	if (!port_meta_read(&m, p, inp, IPH_HL_BYTES(ip)))
		return;
	if (m.unit > w.mtu && IPH_OFFSET(ip) & PP_HTONS(IP_DF)) {
		error4(p, ICMP_DUR, ICMP_DUR_FRAG, w.mtu);
		return;
	}
	decrement_ttl(ip);
	MIB2_STATS_INC(mib2.ipforwdatagrams);
	IP_STATS_INC(ip.fw);
	send4(p, &w, &m);
}

/**
 * port_forward4() - Pass a packet on, if it is for somebody else
 * @p:		packet from the IP header on
 * @inp:	interface that it came by, which forwards
 *
 * Return: 1: it was, @p is freed; 0: it is for us, or not valid
 */
int port_forward4(struct pbuf *p, struct netif *inp)
{
	struct ip_hdr *ip = p->payload;
	ip4_addr_t src, dst;

	if (!valid4(p, ip))
		return 0;
	ip4_addr_copy(src, ip->src);
	ip4_addr_copy(dst, ip->dest);
	if (for_us4(p, ip, &dst, inp))
		return 0;
	if (p->flags & (PBUF_FLAG_LLBCAST | PBUF_FLAG_LLMCAST) || !passes4(&src) ||
	    !passes4(&dst) || is_ours4(&src)) {
		pbuf_free(p);
		return 1;
	}
	pbuf_realloc(p, lwip_ntohs(IPH_LEN(ip)));	/* Ethernet's padding */
	p = with_room(p, IPH_HL_BYTES(ip));
	if (!p)
		return 1;
	route4(p, inp, &src, &dst);
	pbuf_free(p);
	return 1;
}

/* ---- IPv6 ---- */

struct way6 {
	struct netif *out;
	ip6_addr_t dst;
};

static int send_piece6(struct pbuf *p, void *arg)
{
	const struct way6 *w = arg;

	w->out->output_ip6(w->out, p, &w->dst);
	return 0;
}

/* the place of a neighbour whose link-layer address is known, or NULL */
static const struct nd6_neighbor_cache_entry *known6(const struct netif *n, const ip6_addr_t *a)
{
	for (unsigned k = 0; k < LWIP_ND6_NUM_NEIGHBORS; k++) {
		const struct nd6_neighbor_cache_entry *c = &neighbor_cache[k];

		if (c->netif == n && c->state != ND6_NO_ENTRY && c->state != ND6_INCOMPLETE &&
		    ip6_addr_cmp_zoneless(&c->next_hop_address, a))
			return c;
	}
	return NULL;
}

static void send6(struct pbuf *p, struct way6 *w, const struct port_meta *m)
{
	const ip6_addr_t *gw = route_gw6(w->out, &w->dst);
	const struct portif *pi = portif_of(w->out);

	if (!m->gso && !m->partial) {
		send_piece6(p, w);
	} else if (port_carries(pi, &m->v) && (pi->out6 || known6(w->out, gw ? gw : &w->dst))) {
		port_meta_leaves(p, &m->v);
		send_piece6(p, w);
		port_meta_leaves(NULL, NULL);
	} else {
		port_segment(p, 0, &m->v, send_piece6, w);
	}
}

static void reject6(const struct pbuf *p, struct netif *inp, const struct route *r)
{
	switch (r ? r->type : RTN_UNREACHABLE) {
	case RTN_BLACKHOLE:
		break;
	case RTN_PROHIBIT:
		error6(p, inp, ICMP6_TYPE_DUR, ICMP6_DUR_PROHIBITED, 0);
		break;
	default:
		error6(p, inp, ICMP6_TYPE_DUR, ICMP6_DUR_NO_ROUTE, 0);
	}
}

static bool on_link6(const struct netif *n, const ip6_addr_t *a)
{
	ip_addr_t d;
	const struct route *r;

	ip_addr_copy_from_ip6(d, *a);
	r = route_forward(&d);
	return r && r->netif == n && r->type <= RTN_UNICAST && ip_addr_isany(&r->gw);
}

/* the target's link-layer address and the packet, as options (RFC 4861 4.6) */
static struct pbuf *redirect_message(const struct pbuf *p, const struct netif *n,
				     const ip6_addr_t *target, const ip6_addr_t *dst)
{
	const struct nd6_neighbor_cache_entry *c = known6(n, target);
	unsigned quoted = p->tot_len < REDIRECT_QUOTE ? p->tot_len & ~7u : REDIRECT_QUOTE;
	unsigned len = sizeof(struct redirect_header) + (c ? 8 : 0) + 8 + quoted;
	struct pbuf *q = pbuf_alloc(PBUF_IP, (u16_t)len, PBUF_RAM);
	struct redirect_header *h;
	uint8_t *o;

	if (!q)
		return NULL;
	memset(q->payload, 0, len - quoted);
	h = q->payload;
	h->type = ICMP6_TYPE_RD;
	ip6_addr_copy_to_packed(h->target_address, *target);
	ip6_addr_copy_to_packed(h->destination_address, *dst);
	o = (uint8_t *)(h + 1);
	if (c) {
		o[0] = ND6_OPTION_TYPE_TARGET_LLADDR;
		o[1] = 1;
		memcpy(o + 2, c->lladdr, 6);
		o += 8;
	}
	o[0] = ND6_OPTION_TYPE_REDIR_HDR;
	o[1] = (uint8_t)(1 + quoted / 8);
	pbuf_copy_partial(p, o + 8, (u16_t)quoted, 0);
	return q;
}

static void redirect6(const struct pbuf *p, const struct route *r, const ip6_addr_t *src,
		      const ip6_addr_t *dst)
{
	const ip6_addr_t *target = ip_addr_isany(&r->gw) ? dst : ip_2_ip6(&r->gw);
	struct netif *n = r->netif;
	const ip6_addr_t *from = netif_ip6_addr(n, 0);
	struct icmp6_hdr *icmp;
	struct pbuf *q;
	ip6_addr_t to;

	if ((target != dst && !ip6_addr_islinklocal(target)) || !on_link6(n, src) ||
	    !ip6_addr_isvalid(netif_ip6_addr_state(n, 0)) || !ip6_addr_islinklocal(from) ||
	    !allowed(&redirects, REDIRECTS_PER_S))
		return;
	q = redirect_message(p, n, target, dst);
	if (!q)
		return;
	ip6_addr_copy(to, *src);
	icmp = q->payload;
	icmp->chksum = ip6_chksum_pseudo(q, IP6_NEXTH_ICMP6, q->tot_len, from, &to);
	ip6_output_if(q, from, &to, ND6_HOPLIM, 0, IP6_NEXTH_ICMP6, n);
	pbuf_free(q);
}

static void route6(struct pbuf *p, struct netif *inp, const ip6_addr_t *src,
		   const ip6_addr_t *dst)
{
	struct ip6_hdr *ip = p->payload;
	struct way6 w = { .dst = *dst };
	const struct route *r;
	struct port_meta m;
	ip_addr_t d;

	ip_addr_copy_from_ip6(d, *dst);
	r = route_forward(&d);
	if (!r || r->type > RTN_UNICAST) {
		reject6(p, inp, r);
		return;
	}
	w.out = r->netif;
	if (!portif_of(w.out))
		return;			/* lo: nothing for others */
	if (ip6_addr_islinklocal(src)) {
		if (w.out != inp)
			error6(p, inp, ICMP6_TYPE_DUR, ICMP6_DUR_SCOPE, 0);
		return;
	}
	if (IP6H_HOPLIM(ip) <= 1) {
		error6(p, inp, ICMP6_TYPE_TE, ICMP6_TE_HL, 0);
		return;
	}
	if (w.out == inp)
		redirect6(p, r, src, dst);
	if (!port_meta_read(&m, p, inp, IP6_HLEN))
		return;
	if (m.unit > portif_of(w.out)->mtu) {
		error6(p, inp, ICMP6_TYPE_PTB, 0, portif_of(w.out)->mtu);
		return;
	}
	IP6H_HOPLIM_SET(ip, IP6H_HOPLIM(ip) - 1);
	IP6_STATS_INC(ip6.fw);
	send6(p, &w, &m);
}

/**
 * port_forward6() - Pass a packet on that is for somebody else
 * @p:		packet from the IPv6 header on; freed
 * @inp:	interface that it came by, which forwards
 */
void port_forward6(struct pbuf *p, struct netif *inp)
{
	struct ip6_hdr *ip = p->payload;
	ip_addr_t src, dst;

	ip_addr_copy_from_ip6_packed(src, ip->src);
	ip_addr_copy_from_ip6_packed(dst, ip->dest);
	if (IP6H_V(ip) != 6 || IP6H_PLEN(ip) + IP6_HLEN > p->tot_len ||
	    p->flags & (PBUF_FLAG_LLBCAST | PBUF_FLAG_LLMCAST) || ip_addr_isany(&src) ||
	    ip_addr_ismulticast(&src) || ip_addr_isloopback(&src) || ip_addr_isany(&dst) ||
	    ip6_addr_islinklocal(ip_2_ip6(&dst))) {
		pbuf_free(p);
		return;
	}
	pbuf_realloc(p, (u16_t)(IP6H_PLEN(ip) + IP6_HLEN));
	p = with_room(p, IP6_HLEN);
	if (!p)
		return;
	route6(p, inp, ip_2_ip6(&src), ip_2_ip6(&dst));
	pbuf_free(p);
}
