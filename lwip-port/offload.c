/* offload.c - large segments, checksums and fragments at the interface
 *
 * Theory of operation
 * On a link with virtio_net_hdr, netif->mtu is 0: lwIP then neither fragments
 * nor clamps its MSS, and hands down TCP segments of up to 64 KB without a
 * checksum.  port_vnet_out() describes them: where the checksum goes, and the
 * segment size (gso_size), which is what the peer announced, from the
 * connection's node, else what the wire's MTU gives.  The kernel cuts and sums.
 * What is not TCP and does not fit has to be fragmented by us: port_frag4/6
 * lend lwIP's own fragmentation the real MTU for the duration of one call.
 *
 * UDP of ours is marked by a flag of its pbuf (UDP_PARTIAL), which stays with it
 * where it waits for a neighbour; its checksum field then is the size of the
 * datagrams that the kernel is to cut it into (USO), or 0 if it is one.  Several
 * datagrams to an address of ours are marked likewise while they wait to come
 * back, and come in as if a link had merged them.
 *
 * Received frames that the kernel merged (GRO, USO) or never summed carry no valid
 * checksum; port_vnet_in() turns checking off for exactly those.
 */
#include <string.h>
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip4_frag.h"
#include "lwip/ip6_frag.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/tcp.h"
#include "lwip/prot/udp.h"
#include "lwip/udp.h"
#include "hooks.h"
#include "port.h"
#include "port_priv.h"

#define CHECK_L4	(NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP | \
			 NETIF_CHECKSUM_CHECK_ICMP | NETIF_CHECKSUM_CHECK_ICMP6)

#define UDP_PARTIAL	0x80U		/* beside lwIP's PBUF_FLAG_* */
#define L2_MAX		(SIZEOF_ETH_HDR + 8)	/* with two tags */

static u8_t client_data_id(void)
{
	static bool have;
	static u8_t id;

	if (!have) {
		id = netif_alloc_client_data_id();
		have = true;
	}
	return id;
}

/**
 * portif_attach() - Tell the port about an interface
 * @n:		interface, added but not up
 * @p:		filled in by the caller, who keeps it as long as @n exists
 */
void portif_attach(struct netif *n, struct portif *p)
{
	netif_set_client_data(n, client_data_id(), p);
	n->mtu = p->vnet ? 0 : p->mtu;
	NETIF_SET_CHECKSUM_CTRL(n, p->vnet ? NETIF_CHECKSUM_ENABLE_ALL & ~NETIF_CHECKSUM_GEN_TCP :
					     NETIF_CHECKSUM_ENABLE_ALL);
}

/**
 * portif_of() - What portif_attach() was given
 * @n:		interface
 *
 * Return: NULL for one of lwIP's own, as lo
 */
struct portif *portif_of(const struct netif *n)
{
	return netif_get_client_data(n, client_data_id());
}

/* where things are in an outgoing TCP packet */
struct tcp_place {
	bool v6;
	unsigned l4;			/* offset of the TCP header in the frame */
	unsigned l4len;			/* TCP header and data */
	unsigned hlen;			/* TCP header */
	struct tcp_hdr tcp;		/* a copy */
	ip_addr_t src, dst;
};

/* false: not TCP, a fragment, or malformed */
static bool tcp_place_find(const struct pbuf *p, unsigned l3, struct tcp_place *w)
{
	struct ip_hdr ip4;
	struct ip6_hdr ip6;
	unsigned end;

	if (pbuf_copy_partial(p, &ip4, sizeof(ip4), (u16_t)l3) != sizeof(ip4))
		return false;
	w->v6 = IPH_V(&ip4) == 6;
	if (w->v6) {
		if (pbuf_copy_partial(p, &ip6, sizeof(ip6), (u16_t)l3) != sizeof(ip6) ||
		    IP6H_NEXTH(&ip6) != IP6_NEXTH_TCP)
			return false;
		w->l4 = l3 + IP6_HLEN;
		end = w->l4 + IP6H_PLEN(&ip6);
		ip_addr_copy_from_ip6_packed(w->src, ip6.src);
		ip_addr_copy_from_ip6_packed(w->dst, ip6.dest);
	} else {
		if (IPH_PROTO(&ip4) != IP_PROTO_TCP ||
		    (IPH_OFFSET(&ip4) & PP_HTONS(IP_OFFMASK | IP_MF)))
			return false;
		w->l4 = l3 + IPH_HL_BYTES(&ip4);
		end = l3 + lwip_ntohs(IPH_LEN(&ip4));
		ip_addr_copy_from_ip4(w->src, ip4.src);
		ip_addr_copy_from_ip4(w->dst, ip4.dest);
	}
	if (pbuf_copy_partial(p, &w->tcp, sizeof(w->tcp), (u16_t)w->l4) != sizeof(w->tcp))
		return false;
	w->hlen = TCPH_HDRLEN_BYTES(&w->tcp);
	if (end > p->tot_len || w->hlen < TCP_HLEN || w->l4 + w->hlen > end)
		return false;
	w->l4len = end - w->l4;
	return true;
}

/* data bytes a packet on the wire: what the peer takes, what the MTU gives */
static unsigned gso_size(const struct tcp_place *w, const struct portif *pi, unsigned l3)
{
	unsigned room = pi->mtu - (w->l4 - l3) - w->hlen;
	struct tcp_pcb *pcb;

	pcb = pcbtable_find(&w->src, lwip_ntohs(w->tcp.src), &w->dst, lwip_ntohs(w->tcp.dest));
	if (pcb && pcbnode_of(pcb) && pcbnode_of(pcb)->wire_mss)
		return LWIP_MIN(room, pcbnode_of(pcb)->wire_mss);
	return room;
}

/* the pseudo header's sum, not inverted: what NEEDS_CSUM wants in the field */
static uint16_t pseudo_sum(uint8_t proto, unsigned len, const ip_addr_t *src, const ip_addr_t *dst)
{
	struct pbuf none;

	memset(&none, 0, sizeof(none));
	return (uint16_t)~ip_chksum_pseudo(&none, proto, (u16_t)len, src, dst);
}

/* where the sum that is begun in the packet is to be completed */
static void needs_sum(struct pbuf *p, unsigned l4, unsigned field, uint16_t sum,
		      struct virtio_net_hdr *v)
{
	pbuf_take_at(p, &sum, sizeof(sum), (u16_t)(l4 + field));
	v->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	v->csum_start = (uint16_t)l4;
	v->csum_offset = (uint16_t)field;
}

/* a packet marked UDP_PARTIAL; no options, no extension headers */
static void udp_out(struct pbuf *p, unsigned l3, struct virtio_net_hdr *v)
{
	const struct ip_hdr *ip = (const void *)((u8_t *)p->payload + l3);
	unsigned l4 = l3 + (IPH_V(ip) == 6 ? IP6_HLEN : IP_HLEN);
	const struct udp_hdr *udp = (const void *)((u8_t *)p->payload + l4);
	unsigned size = udp->chksum, len = p->tot_len - l4;
	ip_addr_t src, dst;

	if (IPH_V(ip) == 6) {
		ip_addr_copy_from_ip6_packed(src, ((const struct ip6_hdr *)ip)->src);
		ip_addr_copy_from_ip6_packed(dst, ((const struct ip6_hdr *)ip)->dest);
	} else {
		ip_addr_copy_from_ip4(src, ip->src);
		ip_addr_copy_from_ip4(dst, ip->dest);
	}
	p->flags &= (u8_t)~UDP_PARTIAL;
	needs_sum(p, l4, offsetof(struct udp_hdr, chksum), pseudo_sum(IP_PROTO_UDP, len, &src, &dst), v);
	if (!size)
		return;
	v->gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
	v->gso_size = (uint16_t)size;
	v->hdr_len = (uint16_t)(l4 + UDP_HLEN);
}

/**
 * port_vnet_out() - Describe an outgoing frame to the kernel
 * @n:		interface with portif.vnet
 * @p:		the frame; TCP's checksum field is changed if it is zero, UDP's if it
 *		is left to the kernel
 * @l3:		offset of the IP header
 * @v:		out
 */
void port_vnet_out(struct netif *n, struct pbuf *p, unsigned l3, struct virtio_net_hdr *v)
{
	const struct portif *pi = portif_of(n);
	struct tcp_place w;
	unsigned data, gso;

	memset(v, 0, sizeof(*v));
	if (port_meta_out(p, l3, v))
		return;
	if (p->flags & UDP_PARTIAL) {
		udp_out(p, l3, v);
		return;
	}
	/* a raw socket's own checksum is left as it is */
	if (!pi || !pi->vnet || !tcp_place_find(p, l3, &w) || w.tcp.chksum)
		return;
	needs_sum(p, w.l4, offsetof(struct tcp_hdr, chksum),
		  pseudo_sum(IP_PROTO_TCP, w.l4len, &w.src, &w.dst), v);
	data = w.l4len - w.hlen;
	if (!data)
		return;
	gso = gso_size(&w, pi, l3);
	if (data <= gso)
		return;
	v->gso_type = w.v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	v->gso_size = (uint16_t)gso;
	v->hdr_len = (uint16_t)(w.l4 + w.hlen);
}

/**
 * port_vnet_in() - Prepare an interface for one incoming frame
 * @n:		interface with portif.vnet
 * @v:		what came with the frame
 */
void port_vnet_in(struct netif *n, const struct virtio_net_hdr *v)
{
	port_meta_in(n, v);
	if (v->flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID))
		n->chksum_flags &= (u16_t)~CHECK_L4;
	else
		n->chksum_flags |= CHECK_L4;
}

static err_t out4(struct netif *n, struct pbuf *p, const ip4_addr_t *dst)
{
	const struct portif *pi = portif_of(n);
	const ip4_addr_t *gw = NULL;

	/* a route may lead by a gateway where the interface's own prefix would
	 * not: lwIP asks for one outside of that only */
	if (!ip4_addr_ismulticast(dst) && !ip4_addr_isbroadcast(dst, n))
		gw = route_gw4(n, dst);
	if (!gw)
		gw = dst;
	if (pi && pi->out4)
		return pi->out4(n, p, gw);
	return etharp_output(n, p, gw);
}

static err_t out6(struct netif *n, struct pbuf *p, const ip6_addr_t *dst)
{
	const struct portif *pi = portif_of(n);

	if (pi && pi->out6)
		return pi->out6(n, p, dst);
	return ethip6_output(n, p, dst);
}

static struct {
	const struct pbuf *p;		/* to be compared with, not to be touched */
	uint16_t gso;
} udp_mark;

/* IP has put its header before a datagram that port_udp_send() gave it */
static void mark_udp(struct pbuf *p, unsigned hlen)
{
	if (p != udp_mark.p)
		return;
	udp_mark.p = NULL;
	p->flags |= UDP_PARTIAL;
	((struct udp_hdr *)(void *)((u8_t *)p->payload + hlen))->chksum = udp_mark.gso;
}

static unsigned udp_headers(const ip_addr_t *to)
{
	return (IP_IS_V6(to) ? IP6_HLEN : IP_HLEN) + UDP_HLEN;
}

/* port_comes_back() - Is what goes there by @n looped? (ip4_output_if(), ip6_output_if()) */
bool port_comes_back(const struct netif *n, const ip_addr_t *to)
{
	if (!portif_of(n))
		return true;		/* lo */
	if (!IP_IS_V6(to))
		return ip4_addr_cmp(ip_2_ip4(to), netif_ip4_addr(n));
	for (int k = 0; k < LWIP_IPV6_NUM_ADDRESSES; k++)
		if (ip6_addr_isvalid(netif_ip6_addr_state(n, k)) &&
		    ip6_addr_cmp(ip_2_ip6(to), netif_ip6_addr(n, k)))
			return true;
	return false;
}

/**
 * port_udp_cuts() - Can several datagrams go there as one packet?
 * @n:		by which they go; no options are sent, @to is no group
 * @len:	their bytes
 */
bool port_udp_cuts(const struct netif *n, const ip_addr_t *to, size_t len)
{
	/* a pbuf counts by 16 bits, at the receiver, too */
	unsigned room = UINT16_MAX - udp_headers(to);

	if (port_comes_back(n, to))
		return len <= room;
	return portif_of(n)->uso && len <= room - L2_MAX;
}

/* what comes back is cut where it is received: port_looped_input() */
static err_t send_back(struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *to, uint16_t port,
		       struct netif *n, const ip_addr_t *src, uint16_t gso)
{
	const struct pbuf *last = n->loop_last;
	struct pbuf *sent;
	err_t err = udp_sendto_if_src(pcb, p, to, port, n, src);

	sent = n->loop_last;
	if (err != ERR_OK || !sent || sent == last)
		return err;
	sent->flags |= UDP_PARTIAL;
	pbuf_take_at(sent, &gso, sizeof(gso),
		     (u16_t)(udp_headers(to) - UDP_HLEN + offsetof(struct udp_hdr, chksum)));
	return ERR_OK;
}

/**
 * port_udp_send() - Send a datagram, or several, over a link that may do part of the work
 * @pcb, @p, @to, @port, @n, @src: as for udp_sendto_if_src(); @p is PBUF_RAM with room
 *		for the headers
 * @gso:	bytes of each datagram but the last, of which there are at least two; 0:
 *		@p is one.  Only where port_udp_cuts()
 *
 * Return: lwIP's
 */
err_t port_udp_send(struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *to, uint16_t port,
		    struct netif *n, const ip_addr_t *src, uint16_t gso)
{
	const struct portif *pi = portif_of(n);
	bool back = gso && port_comes_back(n, to);
	u16_t flags = n->chksum_flags;
	err_t err;

	/* what comes back to ourselves, or goes in fragments, is summed here */
	if (!back && (!pi || !pi->vnet || ipopt_sends() || ip_addr_ismulticast(to) ||
	    (IP_IS_V6(to) && port_frag6_max) || (!gso && p->tot_len + udp_headers(to) > pi->mtu)))
		return udp_sendto_if_src(pcb, p, to, port, n, src);
	n->chksum_flags &= (u16_t)~NETIF_CHECKSUM_GEN_UDP;
	if (back) {
		err = send_back(pcb, p, to, port, n, src, gso);
	} else {
		udp_mark.p = p;
		udp_mark.gso = gso;
		err = udp_sendto_if_src(pcb, p, to, port, n, src);
		udp_mark.p = NULL;
	}
	n->chksum_flags = flags;
	return err;
}

static const struct pbuf *df_mark;	/* to be compared with, not to be touched */

/**
 * port_tcp_mark_df() - This packet is never to be fragmented (RFC 1191)
 * @p:		segment of a connection of ours, given to IP next: what we
 *		forward keeps the flag that it came with
 */
void port_tcp_mark_df(const struct pbuf *p)
{
	df_mark = p;
}

/* set DF, and the header's checksum right again (RFC 1624) */
static void set_df(struct ip_hdr *ip)
{
	uint32_t sum;

	if (IPH_OFFSET(ip) & PP_HTONS(IP_DF | IP_MF | IP_OFFMASK))
		return;
	IPH_OFFSET_SET(ip, IPH_OFFSET(ip) | PP_HTONS(IP_DF));
	sum = (uint32_t)(uint16_t)~IPH_CHKSUM(ip) + PP_HTONS(IP_DF);
	IPH_CHKSUM_SET(ip, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
}

/**
 * port_fragment4() - Send an IPv4 packet in fragments, TCP's, too
 * @p:		packet from its IP header on, without DF
 * @n:		interface with a portif
 * @dst:	destination
 *
 * Return: what the interface's output gave; ERR_VAL: it has options
 */
err_t port_fragment4(struct pbuf *p, struct netif *n, const ip4_addr_t *dst)
{
	netif_output_fn output = n->output;
	u16_t mtu = n->mtu;
	err_t err;

	n->mtu = portif_of(n)->mtu;
	n->output = out4;
	err = ip4_frag(p, n, dst);
	n->output = output;
	n->mtu = mtu;
	return err;
}

/* several packets that the link cuts: of a length that is nothing to IP */
static bool link_cuts(const struct pbuf *p)
{
	return p->flags & UDP_PARTIAL || port_meta_leaving(p);
}

/**
 * port_frag4() - Send an IPv4 packet, in fragments where that is needed
 * @p:		packet from its IP header on
 * @n:		interface
 * @dst:	destination
 *
 * Return: what the interface's output gave; ERR_VAL: too long and DF set
 */
err_t port_frag4(struct pbuf *p, struct netif *n, const ip4_addr_t *dst)
{
	const struct portif *pi = portif_of(n);
	struct ip_hdr *ip = p->payload;
	bool df = p == df_mark;

	df_mark = NULL;
	if (df && p->len >= IP_HLEN && IPH_PROTO(ip) == IP_PROTO_TCP)
		set_df(ip);

	mark_udp(p, IP_HLEN);
	if (!pi || n->mtu || p->tot_len <= pi->mtu || p->len < IP_HLEN ||
	    IPH_PROTO(ip) == IP_PROTO_TCP || link_cuts(p))
		return out4(n, p, dst);
	if (IPH_OFFSET(ip) & PP_HTONS(IP_DF))
		return ERR_VAL;
	return port_fragment4(p, n, dst);
}

int port_frag6_max;

/**
 * port_frag6() - Send an IPv6 packet, in fragments where that is needed
 * @p:		packet from its IP header on
 * @n:		interface
 * @dst:	destination
 *
 * Return: what the interface's output gave
 */
err_t port_frag6(struct pbuf *p, struct netif *n, const ip6_addr_t *dst)
{
	const struct portif *pi = portif_of(n);
	const struct ip6_hdr *ip = p->payload;
	netif_output_ip6_fn output = n->output_ip6;
	u16_t mtu = pi ? pi->mtu : 0;
	err_t err;

	mark_udp(p, IP6_HLEN);
	if (port_frag6_max && port_frag6_max < mtu)
		mtu = (u16_t)port_frag6_max;
	if (!pi || n->mtu || p->tot_len <= mtu || p->len < IP6_HLEN ||
	    IP6H_NEXTH(ip) == IP6_NEXTH_TCP || link_cuts(p))
		return out6(n, p, dst);
	n->mtu = mtu;
	n->output_ip6 = out6;
	err = ip6_frag(p, n, dst);
	n->output_ip6 = output;
	n->mtu = 0;
	return err;
}

/**
 * port_output4() - netif->output of every interface that has a portif
 * @n, @p, @dst: as for port_frag4(), which this is in lwIP's order
 *
 * Return: as port_frag4()
 */
err_t port_output4(struct netif *n, struct pbuf *p, const ip4_addr_t *dst)
{
	return port_frag4(p, n, dst);
}

/**
 * port_output6() - netif->output_ip6 of every interface that has a portif
 * @n, @p, @dst: as for port_frag6(), which this is in lwIP's order
 *
 * Return: as port_frag6()
 */
err_t port_output6(struct netif *n, struct pbuf *p, const ip6_addr_t *dst)
{
	return port_frag6(p, n, dst);
}

/* several datagrams that send_back() sent: false: it is something else */
static bool looped_several(struct pbuf *p, const struct netif *n)
{
	const struct ip_hdr *ip = p->payload;
	unsigned l4 = IPH_V(ip) == 6 ? IP6_HLEN : IP_HLEN;
	unsigned l2 = n->flags & NETIF_FLAG_ETHARP ? SIZEOF_ETH_HDR : 0;
	struct udp_hdr *udp = (void *)((u8_t *)p->payload + l4);
	struct virtio_net_hdr v = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = VIRTIO_NET_HDR_GSO_UDP_L4,
		.csum_start = (uint16_t)(l2 + l4),
	};

	if (!(p->flags & UDP_PARTIAL))
		return false;
	p->flags &= (u8_t)~UDP_PARTIAL;
	v.gso_size = udp->chksum;
	udp->chksum = 0;
	port_meta_in(n, &v);
	return true;
}

/**
 * port_looped_input() - A packet to one of our own addresses comes back
 * @p:		packet from the IP header on; not the caller's any more
 * @n:		the interface that has the address
 *
 * On a vnet interface TCP's checksum is left to the kernel, which never saw this one.
 *
 * Return: as ip_input()
 */
err_t port_looped_input(struct pbuf *p, struct netif *n)
{
	const struct portif *pi = portif_of(n);
	u16_t flags = n->chksum_flags;
	err_t err;

	port_meta_forget();
	if (looped_several(p, n) || (pi && pi->vnet))
		n->chksum_flags &= (u16_t)~CHECK_L4;
	err = ip_input(p, n);
	n->chksum_flags = flags;
	return err;
}
