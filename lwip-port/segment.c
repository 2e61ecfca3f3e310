/* segment.c - cut and sum in software what came with offload metadata
 *
 * Theory of operation
 * A frame that a link with virtio_net_hdr merged (GRO), or never summed, may
 * have to leave by a link that has none, or wait for a neighbour's address,
 * where its metadata would be lost.  port_segment() makes of it what a
 * network card would: packets of gso_size bytes of data with the headers of
 * the large one, sequence numbers, IPv4's identification and all checksums
 * in order; FIN and PSH go with the last one, CWR with the first (RFC 3168).
 * Of a frame of UDP each packet is a datagram of its own.
 * Nothing in the metadata is trusted: it may come from another process.
 */
#include <errno.h>
#include <string.h>
#include "lwip/inet_chksum.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/tcp.h"
#include "lwip/prot/udp.h"
#include "port.h"
#include "port_priv.h"

#define HEADERS_MAX	256		/* Ethernet, IP with extensions, TCP */

struct cut {
	uint8_t h[HEADERS_MAX];
	unsigned l3;
	struct port_gso g;
	ip_addr_t src, dst;
};

/* sum from csum_start on, as the sender would have had it done */
static struct pbuf *complete(const struct pbuf *p, const struct virtio_net_hdr *v)
{
	unsigned at = v->csum_start + v->csum_offset;
	struct pbuf *q;
	uint16_t sum;

	if (v->csum_start >= p->tot_len || at + 2u > p->tot_len)
		return NULL;
	q = pbuf_alloc(PBUF_LINK, p->tot_len, PBUF_RAM);
	if (!q)
		return NULL;
	pbuf_copy(q, p);
	sum = inet_chksum((uint8_t *)q->payload + v->csum_start,
			  (u16_t)(q->tot_len - v->csum_start));
	if (!sum)
		sum = 0xffff;		/* UDP's 0 says that there is none */
	memcpy((uint8_t *)q->payload + at, &sum, sizeof(sum));
	return q;
}

/* the protocol of a kind of large frame; 0: it is none that is asked for */
static uint8_t gso_proto(const struct virtio_net_hdr *v, bool v6)
{
	if (v->gso_type == VIRTIO_NET_HDR_GSO_UDP_L4)
		return IP_PROTO_UDP;
	return (v->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) ==
		(v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4) ? IP_PROTO_TCP : 0;
}

/* is the header of @proto there, of a packet that is no fragment? */
static bool is_l4(const struct pbuf *p, unsigned l3, bool v6, unsigned l4, uint8_t proto)
{
	unsigned at = l3 + IP6_HLEN;
	struct ip_hdr ip4;
	uint8_t next, ext[2];

	if (!v6)
		return pbuf_copy_partial(p, &ip4, sizeof(ip4), (u16_t)l3) == sizeof(ip4) &&
		       IPH_HL_BYTES(&ip4) >= IP_HLEN && l4 == l3 + IPH_HL_BYTES(&ip4) &&
		       IPH_PROTO(&ip4) == proto &&
		       !(IPH_OFFSET(&ip4) & PP_HTONS(IP_OFFMASK | IP_MF));
	if (l4 < at || l4 > p->tot_len)
		return false;
	next = pbuf_get_at(p, (u16_t)(l3 + offsetof(struct ip6_hdr, _nexth)));
	while (at < l4 && (next == IP6_NEXTH_HOPBYHOP || next == IP6_NEXTH_ROUTING ||
			   next == IP6_NEXTH_DESTOPTS)) {
		if (pbuf_copy_partial(p, ext, sizeof(ext), (u16_t)at) != sizeof(ext))
			return false;
		next = ext[0];
		at += (ext[1] + 1u) * 8;
	}
	return at == l4 && next == proto;
}

/**
 * port_gso_find() - Where things are in a frame that stands for several packets
 * @g:		out
 * @p:		the frame
 * @l3:		offset of the IP header
 * @v:		its metadata; csum_start is where the transport's header is
 *
 * Return: false: it is no such frame, or the metadata do not fit it
 */
bool port_gso_find(struct port_gso *g, const struct pbuf *p, unsigned l3,
		   const struct virtio_net_hdr *v)
{
	unsigned version = pbuf_get_at(p, (u16_t)l3) >> 4;
	struct tcp_hdr t;

	g->v6 = version == 6;
	g->proto = gso_proto(v, g->v6);
	g->l4 = v->csum_start;
	g->size = v->gso_size;
	g->end = p->tot_len;
	if (!g->proto || !g->size || (version != 4 && version != 6) ||
	    !is_l4(p, l3, g->v6, g->l4, g->proto))
		return false;
	if (g->proto == IP_PROTO_UDP) {
		struct udp_hdr u;

		if (pbuf_copy_partial(p, &u, sizeof(u), (u16_t)g->l4) != sizeof(u) ||
		    !(v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
			return false;
		g->hlen = g->l4 + UDP_HLEN;
		g->end = g->l4 + lwip_ntohs(u.len);	/* behind it is Ethernet's padding */
		return g->hlen < g->end && g->end <= p->tot_len &&
		       g->end - g->hlen <= g->size * PORT_UDP_SEGMENTS;
	}
	if (pbuf_copy_partial(p, &t, sizeof(t), (u16_t)g->l4) != sizeof(t))
		return false;
	g->hlen = g->l4 + TCPH_HDRLEN_BYTES(&t);
	return g->hlen >= g->l4 + TCP_HLEN && g->hlen < g->end;
}

/* what all segments begin with; false: as port_gso_find() */
static bool cut_find(struct cut *c, const struct pbuf *p, unsigned l3,
		     const struct virtio_net_hdr *v)
{
	c->l3 = l3;
	if (!port_gso_find(&c->g, p, l3, v) || c->g.hlen > sizeof(c->h))
		return false;
	pbuf_copy_partial(p, c->h, (u16_t)c->g.hlen, 0);
	if (c->g.v6) {
		const struct ip6_hdr *ip = (const void *)(c->h + l3);

		ip_addr_copy_from_ip6_packed(c->src, ip->src);
		ip_addr_copy_from_ip6_packed(c->dst, ip->dest);
	} else {
		const struct ip_hdr *ip = (const void *)(c->h + l3);

		ip_addr_copy_from_ip4(c->src, ip->src);
		ip_addr_copy_from_ip4(c->dst, ip->dest);
	}
	return true;
}

static void fix_ip(const struct cut *c, uint8_t *h, unsigned k, unsigned data)
{
	unsigned len = c->g.hlen - c->l3 + data;

	if (c->g.v6) {
		IP6H_PLEN_SET((struct ip6_hdr *)(h + c->l3), len - IP6_HLEN);
	} else {
		struct ip_hdr *ip = (struct ip_hdr *)(h + c->l3);

		IPH_LEN_SET(ip, lwip_htons((u16_t)len));
		IPH_ID_SET(ip, lwip_htons((u16_t)(lwip_ntohs(IPH_ID(ip)) + k)));
		IPH_CHKSUM_SET(ip, 0);
		IPH_CHKSUM_SET(ip, inet_chksum(ip, (u16_t)IPH_HL_BYTES(ip)));
	}
}

/* all but the checksum of the k-th segment, which is left zero; its offset */
static unsigned fix_tcp(struct tcp_hdr *t, const struct cut *c, unsigned k, bool last)
{
	t->seqno = lwip_htonl(lwip_ntohl(t->seqno) + k * c->g.size);
	if (!last)
		TCPH_UNSET_FLAG(t, TCP_FIN | TCP_PSH);
	if (k)
		TCPH_UNSET_FLAG(t, TCP_CWR);
	t->chksum = 0;
	return offsetof(struct tcp_hdr, chksum);
}

static unsigned fix_udp(struct udp_hdr *u, unsigned data)
{
	u->len = lwip_htons((u16_t)(UDP_HLEN + data));
	u->chksum = 0;
	return offsetof(struct udp_hdr, chksum);
}

/* the k-th segment, from @at on */
static struct pbuf *segment(const struct cut *c, const struct pbuf *p, unsigned k, unsigned at)
{
	bool last = at + c->g.size >= c->g.end, udp = c->g.proto == IP_PROTO_UDP;
	unsigned data = last ? c->g.end - at : c->g.size;
	struct pbuf *q = pbuf_alloc(PBUF_LINK, (u16_t)(c->g.hlen + data), PBUF_RAM);
	unsigned field;
	uint8_t *h;
	u16_t sum;

	if (!q)
		return NULL;
	h = q->payload;
	memcpy(h, c->h, c->g.hlen);
	pbuf_copy_partial(p, h + c->g.hlen, (u16_t)data, (u16_t)at);
	fix_ip(c, h, k, data);
	h += c->g.l4;
	field = udp ? fix_udp((struct udp_hdr *)h, data) : fix_tcp((struct tcp_hdr *)h, c, k, last);
	pbuf_remove_header(q, c->g.l4);
	sum = ip_chksum_pseudo(q, c->g.proto, q->tot_len, &c->src, &c->dst);
	if (udp && !sum)
		sum = 0xffff;		/* 0 says that there is none */
	memcpy(h + field, &sum, sizeof(sum));
	pbuf_add_header(q, c->g.l4);
	return q;
}

/**
 * port_segment() - Make packets of a frame that need no metadata
 * @p:		the frame; stays the caller's, and as it is
 * @l3:		offset of the IP header
 * @v:		its metadata
 * @fn:		called for each packet, which is not to be kept
 * @arg:	for @fn
 *
 * Return: 0, -EINVAL (metadata that does not fit the frame, or of a kind that
 * is not asked for), -ENOMEM, or what @fn returned other than 0, which ends it
 */
int port_segment(const struct pbuf *p, unsigned l3, const struct virtio_net_hdr *v,
		 port_segment_fn *fn, void *arg)
{
	struct cut c;
	unsigned at, k = 0;
	struct pbuf *q;
	int err = 0;

	if (v->gso_type == VIRTIO_NET_HDR_GSO_NONE) {
		if (!(v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
			return fn((struct pbuf *)p, arg);
		q = complete(p, v);
		if (!q)
			return -EINVAL;
		err = fn(q, arg);
		pbuf_free(q);
		return err;
	}
	if (!cut_find(&c, p, l3, v))
		return -EINVAL;
	for (at = c.g.hlen; at < c.g.end && !err; at += c.g.size) {
		q = segment(&c, p, k++, at);
		if (!q)
			return -ENOMEM;
		err = fn(q, arg);
		pbuf_free(q);
	}
	return err;
}
