/* port-segment.c - large segments cut and summed in software */
#include "port-util.h"
#include <errno.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_large_segment_becomes_small_ones),
		cmocka_unit_test(an_unfinished_checksum_is_finished),
		cmocka_unit_test(metadata_that_lies_is_refused),
	};

	port_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
