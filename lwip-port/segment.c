/* segment.c - cut and sum in software what came with offload metadata
 *
 * Theory of operation
 * A frame that a link with virtio_net_hdr merged (GRO), or never summed, may
 * have to leave by a link that has none, or wait for a neighbour's address,
 * where its metadata would be lost.  port_segment() makes of it what a
 * network card would: packets of gso_size bytes of data with the headers of
 * the large one, sequence numbers, IPv4's identification and all checksums
 * in order; FIN and PSH go with the last one, CWR with the first (RFC 3168).
 * Nothing in the metadata is trusted: it may come from another process.
 */
#include <errno.h>
#include <string.h>
#include "lwip/inet_chksum.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/tcp.h"
#include "port.h"

#define HEADERS_MAX	256		/* Ethernet, IP with extensions, TCP */

struct cut {
	uint8_t h[HEADERS_MAX];
	unsigned l3, l4, hlen;		/* hlen: of all headers */
	unsigned size;			/* data bytes a segment */
	bool v6;
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

/* where the headers of a large segment are; false: it is none */
static bool cut_find(struct cut *c, const struct pbuf *p, unsigned l3,
		     const struct virtio_net_hdr *v)
{
	unsigned type = v->gso_type & ~VIRTIO_NET_HDR_GSO_ECN, n;
	const struct ip6_hdr *ip6 = (const void *)(c->h + l3);
	const struct ip_hdr *ip4 = (const void *)(c->h + l3);

	n = pbuf_copy_partial(p, c->h, sizeof(c->h), 0);
	c->l3 = l3;
	c->l4 = v->csum_start;
	c->size = v->gso_size;
	c->v6 = type == VIRTIO_NET_HDR_GSO_TCPV6;
	if (!c->size || (!c->v6 && type != VIRTIO_NET_HDR_GSO_TCPV4) ||
	    c->l4 < l3 + (c->v6 ? IP6_HLEN : IP_HLEN) || c->l4 + TCP_HLEN > n)
		return false;
	if (c->v6) {
		if (IP6H_V(ip6) != 6)
			return false;
		ip_addr_copy_from_ip6_packed(c->src, ip6->src);
		ip_addr_copy_from_ip6_packed(c->dst, ip6->dest);
	} else {
		if (IPH_V(ip4) != 4 || c->l4 != l3 + IPH_HL_BYTES(ip4))
			return false;
		ip_addr_copy_from_ip4(c->src, ip4->src);
		ip_addr_copy_from_ip4(c->dst, ip4->dest);
	}
	c->hlen = c->l4 + TCPH_HDRLEN_BYTES((const struct tcp_hdr *)(c->h + c->l4));
	return c->hlen >= c->l4 + TCP_HLEN && c->hlen <= n && c->hlen < p->tot_len;
}

static void fix_ip(const struct cut *c, uint8_t *h, unsigned k, unsigned data)
{
	unsigned len = c->hlen - c->l3 + data;

	if (c->v6) {
		IP6H_PLEN_SET((struct ip6_hdr *)(h + c->l3), len - IP6_HLEN);
	} else {
		struct ip_hdr *ip = (struct ip_hdr *)(h + c->l3);

		IPH_LEN_SET(ip, lwip_htons((u16_t)len));
		IPH_ID_SET(ip, lwip_htons((u16_t)(lwip_ntohs(IPH_ID(ip)) + k)));
		IPH_CHKSUM_SET(ip, 0);
		IPH_CHKSUM_SET(ip, inet_chksum(ip, (u16_t)IPH_HL_BYTES(ip)));
	}
}

/* the k-th segment, from @at on */
static struct pbuf *segment(const struct cut *c, const struct pbuf *p, unsigned k, unsigned at)
{
	bool last = at + c->size >= p->tot_len;
	unsigned data = last ? p->tot_len - at : c->size;
	struct pbuf *q = pbuf_alloc(PBUF_LINK, (u16_t)(c->hlen + data), PBUF_RAM);
	struct tcp_hdr *t;
	uint8_t *h;

	if (!q)
		return NULL;
	h = q->payload;
	memcpy(h, c->h, c->hlen);
	pbuf_copy_partial(p, h + c->hlen, (u16_t)data, (u16_t)at);
	fix_ip(c, h, k, data);
	t = (struct tcp_hdr *)(h + c->l4);
	t->seqno = lwip_htonl(lwip_ntohl(t->seqno) + k * c->size);
	if (!last)
		TCPH_UNSET_FLAG(t, TCP_FIN | TCP_PSH);
	if (k)
		TCPH_UNSET_FLAG(t, TCP_CWR);
	t->chksum = 0;
	pbuf_remove_header(q, c->l4);
	t->chksum = ip_chksum_pseudo(q, IP_PROTO_TCP, q->tot_len, &c->src, &c->dst);
	pbuf_add_header(q, c->l4);
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
	for (at = c.hlen; at < p->tot_len && !err; at += c.size) {
		q = segment(&c, p, k++, at);
		if (!q)
			return -ENOMEM;
		err = fn(q, arg);
		pbuf_free(q);
	}
	return err;
}
