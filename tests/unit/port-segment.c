/* port-segment.c - large segments cut and summed in software */
#include "port-util.h"
#include <errno.h>
#include "lwip/prot/udp.h"

struct got {
	unsigned n, data;
	uint8_t flags[16];
	bool bad;
};

/* every piece is a packet whose checksums hold */
static int take(struct pbuf *p, void *arg)
{
	struct got *g = arg;
	const struct ip_hdr *ip = p->payload;
	const struct ip6_hdr *ip6 = p->payload;
	unsigned hl = IPH_V(ip) == 6 ? IP6_HLEN : IP_HLEN;
	struct tcp_hdr *t = (struct tcp_hdr *)((uint8_t *)p->payload + hl);
	ip_addr_t src, dst;

	if (hl == IP_HLEN) {
		g->bad |= inet_chksum(ip, IP_HLEN) != 0 || lwip_ntohs(IPH_LEN(ip)) != p->tot_len;
		g->bad |= lwip_ntohs(IPH_ID(ip)) != 0xffff + g->n - (g->n ? 0x10000 : 0);
		ip_addr_copy_from_ip4(src, ip->src);
		ip_addr_copy_from_ip4(dst, ip->dest);
	} else {
		g->bad |= IP6H_PLEN(ip6) + IP6_HLEN != p->tot_len;
		ip_addr_copy_from_ip6_packed(src, ip6->src);
		ip_addr_copy_from_ip6_packed(dst, ip6->dest);
	}
	g->bad |= lwip_ntohl(t->seqno) != 0xfffffff0u + g->data;
	g->flags[g->n++ % 16] = ((uint8_t *)t)[13];
	for (unsigned k = hl + 20; k < p->tot_len; k++)
		g->bad |= ((uint8_t *)p->payload)[k] != (uint8_t)g->data++;
	pbuf_remove_header(p, hl);
	g->bad |= ip_chksum_pseudo(p, IP_PROTO_TCP, p->tot_len, &src, &dst) != 0;
	pbuf_add_header(p, hl);
	return 0;
}

/* 3500 bytes of TCP in one packet, without a checksum */
static struct pbuf *large(bool v6, struct virtio_net_hdr *v)
{
	unsigned hl = v6 ? IP6_HLEN : IP_HLEN, len = hl + 20 + 3500;
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_RAM);
	struct tcp_hdr *t = (struct tcp_hdr *)((uint8_t *)p->payload + hl);

	memset(p->payload, 0, hl + 20);
	if (v6) {
		struct ip6_hdr *ip = p->payload;

		IP6H_VTCFL_SET(ip, 6, 0, 0);
		IP6H_PLEN_SET(ip, len - hl);
		IP6H_NEXTH_SET(ip, IP6_NEXTH_TCP);
		ip->src.addr[3] = 1;
		ip->dest.addr[3] = 2;
	} else {
		struct ip_hdr *ip = p->payload;

		IPH_VHL_SET(ip, 4, 5);
		IPH_LEN_SET(ip, lwip_htons((u16_t)len));
		IPH_ID_SET(ip, 0xffff);
		IPH_PROTO_SET(ip, IP_PROTO_TCP);
		ip->src.addr = 1;
		ip->dest.addr = 2;
	}
	t->seqno = lwip_htonl(0xfffffff0u);
	TCPH_HDRLEN_FLAGS_SET(t, 5, TCP_ACK | TCP_PSH | TCP_FIN | TCP_CWR);
	for (unsigned k = 0; k < 3500; k++)
		((uint8_t *)p->payload)[hl + 20 + k] = (uint8_t)k;
	*v = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = (uint16_t)hl,
		.csum_offset = offsetof(struct tcp_hdr, chksum), .gso_size = 1400,
		.gso_type = v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
	};
	return p;
}

static void a_large_segment_becomes_small_ones(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct virtio_net_hdr v;
		struct pbuf *p = large(v6, &v);
		struct got g = { 0 };

		assert_int_equal(port_segment(p, 0, &v, take, &g), 0);
		assert_int_equal(g.n, 3);
		assert_int_equal(g.data, 3500);
		assert_false(g.bad);
		assert_int_equal(g.flags[0], TCP_ACK | TCP_CWR);
		assert_int_equal(g.flags[1], TCP_ACK);
		assert_int_equal(g.flags[2], TCP_ACK | TCP_PSH | TCP_FIN);
		pbuf_free(p);
	}
}

static int sum_only(struct pbuf *p, void *arg)
{
	*(uint16_t *)arg = inet_chksum((uint8_t *)p->payload + 20, (u16_t)(p->tot_len - 20));
	return 7;
}

static void an_unfinished_checksum_is_finished(void **state)
{
	struct virtio_net_hdr v;
	struct pbuf *p = large(false, &v);
	uint16_t sum = 1;

	v.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	assert_int_equal(port_segment(p, 0, &v, sum_only, &sum), 7);
	assert_int_equal(sum, 0);
	pbuf_free(p);
}

static int never(struct pbuf *p, void *arg)
{
	fail();
	return 0;
}

static void metadata_that_lies_is_refused(void **state)
{
	struct virtio_net_hdr good, v;
	struct pbuf *p = large(false, &good);

	v = good, v.gso_size = 0;
	assert_int_equal(port_segment(p, 0, &v, never, NULL), -EINVAL);
	v = good, v.csum_start = 60000;
	assert_int_equal(port_segment(p, 0, &v, never, NULL), -EINVAL);
	v = good, v.csum_start = 3;
	assert_int_equal(port_segment(p, 0, &v, never, NULL), -EINVAL);
	v = good, v.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
	assert_int_equal(port_segment(p, 0, &v, never, NULL), -EINVAL);
	v = good, v.gso_type = VIRTIO_NET_HDR_GSO_UDP;
	assert_int_equal(port_segment(p, 0, &v, never, NULL), -EINVAL);
	v = good, v.gso_type = VIRTIO_NET_HDR_GSO_NONE, v.csum_offset = 60000;
	assert_int_equal(port_segment(p, 0, &v, never, NULL), -EINVAL);
	/* a TCP header that says it is longer than the packet */
	((uint8_t *)p->payload)[20 + 12] = 0xf0;
	pbuf_realloc(p, 70);
	assert_int_equal(port_segment(p, 0, &good, never, NULL), -EINVAL);
	pbuf_free(p);
}

/* where UDP's header is: IPv6 with or without a header of destination options */
enum { V4 = 20, V6 = 40, V6_OPTIONS = 48 };

#define UDP_DATA	3300		/* two of 1400, and a short one */

/* datagrams that were put together: their length, their order */
struct udp_got {
	unsigned n, data, l4;
	bool bad;
};

static int take_udp(struct pbuf *p, void *arg)
{
	struct udp_got *g = arg;
	const struct ip_hdr *ip = p->payload;
	const struct ip6_hdr *ip6 = p->payload;
	struct udp_hdr *u = (struct udp_hdr *)((uint8_t *)p->payload + g->l4);
	ip_addr_t src, dst;

	if (g->l4 == V4) {
		g->bad |= inet_chksum(ip, IP_HLEN) != 0 || lwip_ntohs(IPH_LEN(ip)) != p->tot_len ||
			lwip_ntohs(IPH_ID(ip)) != 7 + g->n;
		ip_addr_copy_from_ip4(src, ip->src);
		ip_addr_copy_from_ip4(dst, ip->dest);
	} else {
		g->bad |= IP6H_PLEN(ip6) + IP6_HLEN != p->tot_len;
		ip_addr_copy_from_ip6_packed(src, ip6->src);
		ip_addr_copy_from_ip6_packed(dst, ip6->dest);
	}
	g->bad |= p->tot_len - g->l4 != (g->n < 2 ? 1408 : 508) || !u->chksum ||
		lwip_ntohs(u->len) != p->tot_len - g->l4 || u->src != PP_HTONS(9);
	for (unsigned k = g->l4 + 8; k < p->tot_len; k++)
		g->bad |= ((uint8_t *)p->payload)[k] != (uint8_t)g->data++;
	g->n++;
	pbuf_remove_header(p, g->l4);
	g->bad |= ip_chksum_pseudo(p, IP_PROTO_UDP, p->tot_len, &src, &dst) != 0;
	pbuf_add_header(p, g->l4);
	return 0;
}

static struct pbuf *large_udp(unsigned l4, struct virtio_net_hdr *v)
{
	unsigned len = l4 + UDP_HLEN + UDP_DATA;
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_RAM);
	struct udp_hdr *u = (struct udp_hdr *)((uint8_t *)p->payload + l4);

	memset(p->payload, 0, l4 + UDP_HLEN);
	if (l4 == V4) {
		struct ip_hdr *ip = p->payload;

		IPH_VHL_SET(ip, 4, 5);
		IPH_LEN_SET(ip, lwip_htons((u16_t)len));
		IPH_ID_SET(ip, PP_HTONS(7));
		IPH_PROTO_SET(ip, IP_PROTO_UDP);
		ip->src.addr = 1;
		ip->dest.addr = 2;
	} else {
		struct ip6_hdr *ip = p->payload;

		IP6H_VTCFL_SET(ip, 6, 0, 0);
		IP6H_PLEN_SET(ip, len - IP6_HLEN);
		IP6H_NEXTH_SET(ip, l4 == V6 ? IP6_NEXTH_UDP : IP6_NEXTH_DESTOPTS);
		if (l4 != V6)
			memcpy(ip + 1, "\x11\0\1\4\0\0\0\0", 8);	/* PadN */
		ip->src.addr[3] = 1;
		ip->dest.addr[3] = 2;
	}
	u->src = PP_HTONS(9);
	u->len = lwip_htons(UDP_HLEN + UDP_DATA);
	for (unsigned k = 0; k < UDP_DATA; k++)
		((uint8_t *)p->payload)[l4 + UDP_HLEN + k] = (uint8_t)k;
	*v = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = (uint16_t)l4,
		.csum_offset = offsetof(struct udp_hdr, chksum), .gso_size = 1400,
		.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4,
	};
	return p;
}

static void several_datagrams_become_packets(void **state)
{
	static const unsigned kinds[] = { V4, V6, V6_OPTIONS };

	for (unsigned k = 0; k < 3; k++) {
		struct virtio_net_hdr v;
		struct pbuf *p = large_udp(kinds[k], &v);
		struct udp_got g = { .l4 = kinds[k] };

		assert_int_equal(port_segment(p, 0, &v, take_udp, &g), 0);
		assert_int_equal(g.n, 3);
		assert_int_equal(g.data, UDP_DATA);
		assert_false(g.bad);
		pbuf_free(p);
	}
}

/* what Ethernet fills a short frame with is no data */
static void padding_is_no_datagram(void **state)
{
	struct virtio_net_hdr v;
	struct pbuf *p = large_udp(V4, &v);
	struct udp_hdr *u = (struct udp_hdr *)((uint8_t *)p->payload + V4);
	struct udp_got g = { .l4 = V4 };

	u->len = PP_HTONS(UDP_HLEN + 1400);
	assert_int_equal(port_segment(p, 0, &v, take_udp, &g), 0);
	assert_int_equal(g.n, 1);
	assert_false(g.bad);
	pbuf_free(p);
}

/* UDP over nothing would be a zero that says so */
static int sum_is_not_zero(struct pbuf *p, void *arg)
{
	uint16_t sum;

	memcpy(&sum, (uint8_t *)p->payload + V4 + 6, sizeof(sum));
	assert_int_equal(sum, 0xffff);
	++*(unsigned *)arg;
	return 0;
}

static void a_sum_of_zero_is_written_as_ones(void **state)
{
	struct virtio_net_hdr v;
	struct pbuf *p = large_udp(V4, &v);
	uint8_t *b = p->payload;
	uint32_t sum = 0;
	unsigned n = 0;

	pbuf_realloc(p, V4 + UDP_HLEN + 4);
	((struct udp_hdr *)(b + V4))->len = PP_HTONS(UDP_HLEN + 4);
	v.gso_size = 2;
	/* two datagrams whose data make the sum of all the rest up to ones */
	for (unsigned k = 12; k < V4; k += 2)
		sum += (uint32_t)(b[k] << 8 | b[k + 1]);
	sum += IP_PROTO_UDP + 2 * (UDP_HLEN + 2) + 9;
	for (unsigned k = 0; k < 2; k++) {
		b[V4 + UDP_HLEN + 2 * k] = (uint8_t)((0xffff - sum) >> 8);
		b[V4 + UDP_HLEN + 2 * k + 1] = (uint8_t)(0xffff - sum);
	}
	assert_int_equal(port_segment(p, 0, &v, sum_is_not_zero, &n), 0);
	assert_int_equal(n, 2);
	pbuf_free(p);
}

/* change a byte of the packet */
static void with_byte(struct pbuf *p, unsigned at, uint8_t to, const struct virtio_net_hdr *v)
{
	uint8_t *b = p->payload, was = b[at];

	b[at] = to;
	assert_int_equal(port_segment(p, 0, v, never, NULL), -EINVAL);
	b[at] = was;
}

static void datagrams_that_lie_are_refused(void **state)
{
	struct virtio_net_hdr good, v;
	struct pbuf *p = large_udp(V4, &good);
	unsigned k;

	v = good, v.gso_size = 0;
	assert_int_equal(port_segment(p, 0, &v, never, NULL), -EINVAL);
	v = good, v.flags = 0;
	assert_int_equal(port_segment(p, 0, &v, never, NULL), -EINVAL);
	v = good, v.gso_type |= VIRTIO_NET_HDR_GSO_ECN;	/* TCP's */
	assert_int_equal(port_segment(p, 0, &v, never, NULL), -EINVAL);
	v = good, v.gso_size = UDP_DATA / 129;	/* too many */
	assert_int_equal(port_segment(p, 0, &v, never, NULL), -EINVAL);
	for (k = 0; k < 0x10000; k += k < 64 ? 1 : 997) {
		v = good, v.csum_start = (uint16_t)k;
		if (k != V4)
			assert_int_equal(port_segment(p, 0, &v, never, NULL), -EINVAL);
	}
	with_byte(p, 0, 0x65, &good);			/* IPv6, it says */
	with_byte(p, 0, 0x44, &good);
	with_byte(p, 0, 0x35, &good);
	with_byte(p, 6, 0x20, &good);			/* a fragment */
	with_byte(p, 7, 1, &good);
	with_byte(p, 9, IP_PROTO_TCP, &good);
	with_byte(p, V4 + 4, 0xff, &good);		/* longer than the packet */
	((uint8_t *)p->payload)[V4 + 4] = 0;
	with_byte(p, V4 + 5, UDP_HLEN, &good);		/* nothing at all */
	with_byte(p, V4 + 5, UDP_HLEN - 1, &good);
	pbuf_free(p);
}

static void short_packets_are_refused(void **state)
{
	static const unsigned kinds[] = { V4, V6, V6_OPTIONS };

	for (unsigned k = 0; k < 3; k++) {
		struct virtio_net_hdr v;
		struct pbuf *p = large_udp(kinds[k], &v);

		for (unsigned len = kinds[k] + UDP_HLEN + 1; len; len--) {
			pbuf_realloc(p, (u16_t)len);
			assert_int_equal(port_segment(p, 0, &v, never, NULL), -EINVAL);
		}
		pbuf_free(p);
	}
}

/* extension headers that do not lead to where the metadata point */
static void extension_headers_must_lead_there(void **state)
{
	struct virtio_net_hdr v;
	struct pbuf *p = large_udp(V6_OPTIONS, &v);

	with_byte(p, 40, IP6_NEXTH_ICMP6, &v);
	with_byte(p, 41, 1, &v);
	with_byte(p, 41, 255, &v);
	with_byte(p, 6, IP6_NEXTH_FRAGMENT, &v);
	with_byte(p, 6, IP6_NEXTH_UDP, &v);
	pbuf_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_large_segment_becomes_small_ones),
		cmocka_unit_test(an_unfinished_checksum_is_finished),
		cmocka_unit_test(metadata_that_lies_is_refused),
		cmocka_unit_test(several_datagrams_become_packets),
		cmocka_unit_test(padding_is_no_datagram),
		cmocka_unit_test(a_sum_of_zero_is_written_as_ones),
		cmocka_unit_test(datagrams_that_lie_are_refused),
		cmocka_unit_test(short_packets_are_refused),
		cmocka_unit_test(extension_headers_must_lead_there),
	};

	port_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
