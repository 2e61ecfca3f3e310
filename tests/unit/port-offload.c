/* port-offload.c - large segments, their description, and fragments */
#include "port-util.h"
#include <errno.h>
#include "lwip/prot/udp.h"
#include "lwip/raw.h"
#include "lwip/udp.h"

static struct wire w;
static struct tcp_pcb *pcb;

static int setup(void **state)
{
	wire_up(&w, "10.0.0.1", "fd00::1", true);
	pcb = NULL;
	return 0;
}

static int teardown(void **state)
{
	while (tcp_active_pcbs)
		tcp_abort(tcp_active_pcbs);
	wire_down(&w);
	return 0;
}

static err_t on_connected(void *arg, struct tcp_pcb *p, err_t err)
{
	port_tcp_established(p);
	return ERR_OK;
}

static void connect_to(uint16_t mss)
{
	ip_addr_t l = addr("10.0.0.1"), r = addr("10.0.0.2");
	uint8_t opt[] = { 2, 4, (uint8_t)(mss >> 8), (uint8_t)mss, 1, 1, 8, 10,
			  0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7 };
	struct tcp_hdr *syn;

	pcb = tcp_new();
	assert_int_equal(tcp_connect(pcb, &r, 7, on_connected), ERR_OK);
	syn = sent_tcp4(&w, 0);
	ip_input(segment4(&r, 7, &l, pcb->local_port, 100, lwip_ntohl(syn->seqno) + 1,
			  TCP_SYN | TCP_ACK, 60000, opt, sizeof(opt), NULL, 0), &w.netif);
	assert_int_equal(pcb->state, ESTABLISHED);
}

/* the frame number @i that was sent, as a pbuf, behind @head bytes */
static struct pbuf *frame(unsigned i, unsigned head)
{
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(w.len[i] + head), PBUF_RAM);

	memset(p->payload, 0, head);
	memcpy((uint8_t *)p->payload + head, w.data[i], w.len[i]);
	return p;
}

static void the_syn_carries_the_wire_mss(void **state)
{
	const uint8_t *opt;

	connect_to(1460);
	opt = (const uint8_t *)(sent_tcp4(&w, 0) + 1);
	assert_int_equal(opt[0], 2);
	assert_int_equal(opt[2] << 8 | opt[3], 1460);
	assert_int_equal(w.netif.mtu, 0);
}

static void the_syn_carries_the_wire_mss_in_ipv6(void **state)
{
	ip_addr_t l = addr("fd00::1"), r = addr("fd00::2");
	struct route on_link = { .dst = addr("fd00::"), .plen = 64, .netif = &w.netif };
	struct virtio_net_hdr v;
	struct pbuf *p;
	const uint8_t *opt;

	on_link.gw = *IP_ADDR_ANY;
	assert_int_equal(route_add(&on_link), 0);
	pcb = tcp_new_ip_type(IPADDR_TYPE_V6);
	pcb->local_ip = l;
	assert_int_equal(tcp_connect(pcb, &r, 7, on_connected), ERR_OK);
	assert_int_equal(w.nsent, 1);
	opt = w.data[0] + 40 + 20;
	assert_int_equal(opt[0], 2);
	assert_int_equal(opt[2] << 8 | opt[3], 1440);
	p = frame(0, 14);
	port_vnet_out(&w.netif, p, 14, &v);
	assert_int_equal(v.csum_start, 54);
	assert_int_equal(v.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	pbuf_free(p);
}

static void segments_are_multiples_of_the_wire_mss(void **state)
{
	connect_to(1400);
	assert_int_equal(port_tcp_wire_mss(pcb), 1388);
	assert_int_equal((pcb->mss - 12) % 1388, 0);
	assert_in_range(pcb->mss, 60000, 65400);
	assert_int_equal(pcb->cwnd, 13880);	/* RFC 6928 counts wire segments */
	assert_true(pcb->flags & TF_NODELAY);
}

/* finish the checksum as the kernel does: sum from csum_start over what is there */
static uint16_t kernel_sum(struct pbuf *p, const struct virtio_net_hdr *v)
{
	return (uint16_t)~port_chksum((uint8_t *)p->payload + v->csum_start,
				      p->tot_len - v->csum_start);
}

static void a_large_segment_is_described(void **state)
{
	static uint8_t data[40000];
	struct virtio_net_hdr v;
	struct pbuf *p;
	ip_addr_t l = addr("10.0.0.1"), r = addr("10.0.0.2");
	uint16_t sum;

	connect_to(1400);
	wire_clear(&w);
	pcb->cwnd = 100000;
	pcb->snd_wnd = pcb->snd_wnd_max = 200000;
	assert_int_equal(tcp_write(pcb, data, sizeof(data), TCP_WRITE_FLAG_COPY), ERR_OK);
	tcp_output(pcb);
	assert_int_equal(w.nsent, 1);
	assert_int_equal(w.len[0], 20 + 32 + sizeof(data));
	p = frame(0, 14);
	port_vnet_out(&w.netif, p, 14, &v);
	assert_int_equal(v.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(v.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(v.gso_size, 1388);
	assert_int_equal(v.hdr_len, 14 + 20 + 32);
	assert_int_equal(v.csum_start, 34);
	assert_int_equal(v.csum_offset, 16);
	sum = kernel_sum(p, &v);
	memcpy((uint8_t *)p->payload + 34 + 16, &sum, 2);
	pbuf_remove_header(p, 34);
	assert_int_equal(ip_chksum_pseudo(p, IP_PROTO_TCP, p->tot_len, &l, &r), 0);
	pbuf_free(p);
}

static void a_small_segment_only_needs_a_sum(void **state)
{
	struct virtio_net_hdr v;
	struct pbuf *p;

	connect_to(1460);
	p = frame(0, 0);
	port_vnet_out(&w.netif, p, 0, &v);
	assert_int_equal(v.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(v.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	assert_int_equal(v.csum_start, 20);
	pbuf_free(p);
}

static void a_given_checksum_is_left_alone(void **state)
{
	ip_addr_t l = addr("10.0.0.1"), r = addr("10.0.0.2");
	struct pbuf *p = segment4(&l, 1, &r, 2, 3, 4, TCP_ACK, 5, NULL, 0, "x", 1);
	struct virtio_net_hdr v;

	port_vnet_out(&w.netif, p, 0, &v);
	assert_int_equal(v.flags, 0);
	pbuf_free(p);
}

static void malformed_frames_are_not_described(void **state)
{
	struct virtio_net_hdr v;
	unsigned len;
	struct pbuf *p;

	connect_to(1460);
	for (len = 1; len < 40; len++) {
		p = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_RAM);
		memcpy(p->payload, w.data[0], len);
		port_vnet_out(&w.netif, p, 0, &v);
		assert_int_equal(v.flags, 0);
		pbuf_free(p);
	}
}

static void merged_frames_are_not_summed(void **state)
{
	ip_addr_t l = addr("10.0.0.1"), r = addr("10.0.0.2");
	struct virtio_net_hdr gro = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM }, plain = { 0 };
	struct pbuf *p;

	p = segment4(&r, 7, &l, 9, 1, 0, TCP_SYN, 5, NULL, 0, NULL, 0);
	((struct tcp_hdr *)((uint8_t *)p->payload + 20))->chksum ^= 0x5555;
	pbuf_ref(p);
	port_vnet_in(&w.netif, &plain);
	ip_input(pbuf_clone(PBUF_RAW, PBUF_RAM, p), &w.netif);
	assert_int_equal(w.nsent, 0);
	port_vnet_in(&w.netif, &gro);
	ip_input(pbuf_clone(PBUF_RAW, PBUF_RAM, p), &w.netif);
	assert_int_equal(w.nsent, 1);		/* RST: it got through */
	port_vnet_in(&w.netif, &plain);
	ip_input(pbuf_clone(PBUF_RAW, PBUF_RAM, p), &w.netif);
	assert_int_equal(w.nsent, 1);
	pbuf_free(p);
	pbuf_free(p);
}

static unsigned heard;

static void on_udp(void *arg, struct udp_pcb *u, struct pbuf *p, const ip_addr_t *a, u16_t port)
{
	heard += p->tot_len;
	pbuf_free(p);
}

/* between own addresses of either family, long and short, by lo */
static void loopback_works_without_checksums(void **state)
{
	static const char *const to[] = { "127.0.0.1", "10.0.0.1", "::1", "fd00::1" };
	struct udp_pcb *u = udp_new_ip_type(IPADDR_TYPE_ANY);
	struct pbuf *p;
	ip_addr_t dst, src;
	struct netif *out;
	unsigned i;

	udp_bind(u, IP_ANY_TYPE, 9);
	udp_recv(u, on_udp, NULL);
	heard = 0;
	for (i = 0; i < 4; i++) {
		dst = addr(to[i]);
		p = pbuf_alloc(PBUF_TRANSPORT, 9000, PBUF_RAM);
		memset(p->payload, 7, 9000);
		assert_true(route_source(&dst, &src, &out));
		assert_int_equal(udp_sendto_if_src(u, p, &dst, 9, out, &src), ERR_OK);
		pbuf_free(p);
		netif_poll_all();
		assert_int_equal(heard, 9000 * (i + 1));
	}
	assert_int_equal(w.nsent, 0);
	udp_remove(u);
}

static void long_datagrams_are_fragmented(void **state)
{
	ip_addr_t r4 = addr("10.0.0.2"), r6 = addr("fd00::2");
	struct udp_pcb *u = udp_new_ip_type(IPADDR_TYPE_ANY);
	struct pbuf *p;
	struct ip_hdr *ip;
	unsigned i, sum = 0;

	p = pbuf_alloc(PBUF_TRANSPORT, 4000, PBUF_RAM);
	memset(p->payload, 7, 4000);
	assert_int_equal(udp_sendto(u, p, &r4, 9), ERR_OK);
	pbuf_free(p);
	assert_int_equal(w.nsent, 3);
	for (i = 0; i < 3; i++) {
		ip = (struct ip_hdr *)w.data[i];
		assert_true(w.len[i] <= 1500);
		assert_int_equal((IPH_OFFSET(ip) & PP_HTONS(IP_MF)) != 0, i < 2);
		sum += (unsigned)w.len[i] - 20;
	}
	assert_int_equal(sum, 4008);
	assert_int_equal(w.netif.mtu, 0);
	wire_clear(&w);
	p = pbuf_alloc(PBUF_TRANSPORT, 4000, PBUF_RAM);
	memset(p->payload, 7, 4000);
	assert_int_equal(udp_sendto_if(u, p, &r6, 9, &w.netif), ERR_OK);
	pbuf_free(p);
	assert_int_equal(w.nsent, 3);
	for (i = 0; i < 3; i++) {
		assert_true(w.len[i] <= 1500);
		assert_int_equal(w.data[i][6], IP6_NEXTH_FRAGMENT);
	}
	assert_ptr_equal(w.netif.output_ip6, port_output6);
	udp_remove(u);
}

static struct virtio_net_hdr described;

static err_t describe4(struct netif *n, struct pbuf *p, const ip4_addr_t *dst)
{
	port_vnet_out(n, p, 0, &described);
	wire_keep(n->state, p);
	return ERR_OK;
}

static err_t describe6(struct netif *n, struct pbuf *p, const ip6_addr_t *dst)
{
	port_vnet_out(n, p, 0, &described);
	wire_keep(n->state, p);
	return ERR_OK;
}

/* @len bytes from port 9 to port 7 */
static void send_udp(const char *from, const char *to, unsigned len, uint16_t gso)
{
	ip_addr_t src = addr(from), dst = addr(to);
	struct udp_pcb *u = udp_new_ip_type(IPADDR_TYPE_ANY);
	struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);

	w.port.uso = true;
	w.port.out4 = describe4;
	w.port.out6 = describe6;
	wire_clear(&w);
	memset(&described, 0, sizeof(described));
	memset(p->payload, 'u', len);
	u->local_port = 9;
	assert_int_equal(port_udp_send(u, p, &dst, 7, &w.netif, &src, gso), ERR_OK);
	pbuf_free(p);
	udp_remove(u);
}

static void udp_is_left_to_the_kernel_to_sum(void **state)
{
	ip_addr_t l = addr("10.0.0.1"), r = addr("10.0.0.2");
	struct pbuf *p;
	uint16_t sum;

	send_udp("10.0.0.1", "10.0.0.2", 1000, 0);
	assert_int_equal(w.nsent, 1);
	assert_int_equal(described.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(described.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	assert_int_equal(described.csum_start, 20);
	assert_int_equal(described.csum_offset, 6);
	p = frame(0, 0);
	sum = kernel_sum(p, &described);
	memcpy((uint8_t *)p->payload + 26, &sum, 2);
	pbuf_remove_header(p, 20);
	assert_int_equal(ip_chksum_pseudo(p, IP_PROTO_UDP, p->tot_len, &l, &r), 0);
	pbuf_free(p);
}

static void several_datagrams_are_one_frame(void **state)
{
	send_udp("10.0.0.1", "10.0.0.2", 10 * 1200 + 1, 1200);
	assert_int_equal(w.nsent, 1);
	assert_int_equal(w.len[0], 28 + 10 * 1200 + 1);
	assert_int_equal(described.gso_type, 5);	/* UDP_L4 */
	assert_int_equal(described.gso_size, 1200);
	assert_int_equal(described.hdr_len, 28);
	send_udp("fd00::1", "fd00::2", 2 * 1200, 1200);
	assert_int_equal(w.nsent, 1);
	assert_int_equal(described.gso_type, 5);
	assert_int_equal(described.csum_start, 40);
	assert_int_equal(described.hdr_len, 48);
}

static void fragments_and_groups_are_summed_by_us(void **state)
{
	ip_addr_t l = addr("10.0.0.1"), g = addr("239.1.2.3");
	struct pbuf *p;

	send_udp("10.0.0.1", "10.0.0.2", 3000, 0);
	assert_int_equal(w.nsent, 3);
	assert_int_equal(described.flags, 0);
	assert_int_not_equal(w.data[0][26] << 8 | w.data[0][27], 0);
	send_udp("10.0.0.1", "239.1.2.3", 100, 0);
	assert_int_equal(w.nsent, 1);
	assert_int_equal(described.flags, 0);
	p = frame(0, 0);
	pbuf_remove_header(p, 20);
	assert_int_equal(ip_chksum_pseudo(p, IP_PROTO_UDP, p->tot_len, &l, &g), 0);
	pbuf_free(p);
}

/* ---- several datagrams that come in as one packet ---- */

static int segment_seen, segment_before;
static unsigned seen;

static u8_t on_packet(void *arg, struct raw_pcb *raw, struct pbuf *p, const ip_addr_t *from)
{
	segment_before = segment_seen;
	segment_seen = port_udp_segment_in(p, ip_current_header_tot_len());
	seen++;
	pbuf_free(p);
	return 1;
}

static struct pbuf *udp_packet(bool v6, unsigned data)
{
	unsigned l4 = v6 ? IP6_HLEN : IP_HLEN;
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(l4 + UDP_HLEN + data), PBUF_RAM);
	struct udp_hdr *u = (void *)((uint8_t *)p->payload + l4);
	ip_addr_t src = addr(v6 ? "fd00::2" : "10.0.0.2"), dst = addr(v6 ? "fd00::1" : "10.0.0.1");

	memset(p->payload, 0, p->tot_len);
	if (v6) {
		struct ip6_hdr *ip = p->payload;

		IP6H_VTCFL_SET(ip, 6, 0, 0);
		IP6H_PLEN_SET(ip, UDP_HLEN + data);
		IP6H_NEXTH_SET(ip, IP6_NEXTH_UDP);
		IP6H_HOPLIM_SET(ip, 64);
		ip6_addr_copy_to_packed(ip->src, *ip_2_ip6(&src));
		ip6_addr_copy_to_packed(ip->dest, *ip_2_ip6(&dst));
	} else {
		struct ip_hdr *ip = p->payload;

		IPH_VHL_SET(ip, 4, 5);
		IPH_LEN_SET(ip, lwip_htons(p->tot_len));
		IPH_TTL_SET(ip, 64);
		IPH_PROTO_SET(ip, IP_PROTO_UDP);
		ip4_addr_copy(ip->src, *ip_2_ip4(&src));
		ip4_addr_copy(ip->dest, *ip_2_ip4(&dst));
		IPH_CHKSUM_SET(ip, inet_chksum(ip, IP_HLEN));
	}
	u->len = lwip_htons((u16_t)(UDP_HLEN + data));
	return p;
}

/* what is told of a packet of @data bytes that comes with these metadata */
static int told(bool v6, unsigned data, uint16_t csum_start, uint16_t size)
{
	struct virtio_net_hdr v = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = csum_start, .csum_offset = 6,
		.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4, .gso_size = size,
	};
	struct raw_pcb *raw = raw_new_ip_type(IPADDR_TYPE_ANY, IP_PROTO_UDP);

	raw_recv(raw, on_packet, NULL);
	segment_seen = 12345;
	port_vnet_in(&w.netif, &v);
	ip_input(udp_packet(v6, data), &w.netif);
	raw_remove(raw);
	return segment_seen;
}

static void datagrams_that_come_as_one_are_told(void **state)
{
	assert_int_equal(told(false, 3300, 20, 1400), 1400);
	assert_int_equal(told(true, 3300, 40, 1400), 1400);
	assert_int_equal(told(false, 1400, 20, 1400), 0);
	assert_int_equal(told(false, 1401, 20, 1400), 1400);
	assert_int_equal(told(true, 3300, 20, 1400), -EINVAL);
	assert_int_equal(told(false, 3300, 40, 1400), -EINVAL);
	assert_int_equal(told(false, 3300, 20, 0), -EINVAL);
	assert_int_equal(told(false, 1290, 20, 10), -EINVAL);
	assert_int_equal(told(false, 1280, 20, 10), 10);
}

/* only of the frame that they came with */
static void metadata_are_not_the_next_packet_s(void **state)
{
	struct virtio_net_hdr v = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 20, .csum_offset = 6,
		.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4, .gso_size = 100,
	};
	struct raw_pcb *raw = raw_new_ip_type(IPADDR_TYPE_ANY, IP_PROTO_UDP);
	struct pbuf *p;
	struct ip_hdr *ip;

	raw_recv(raw, on_packet, NULL);
	/* a fragment has none, and the whole datagram neither */
	for (unsigned k = 0; k < 2; k++) {
		p = udp_packet(false, 400);
		ip = p->payload;
		if (k)			/* 200 bytes more of it */
			pbuf_realloc(p, 220);
		IPH_LEN_SET(ip, lwip_htons(p->tot_len));
		IPH_OFFSET_SET(ip, k ? PP_HTONS(408 / 8) : PP_HTONS(IP_MF));
		IPH_CHKSUM_SET(ip, 0);
		IPH_CHKSUM_SET(ip, inet_chksum(ip, IP_HLEN));
		seen = 0;
		port_vnet_in(&w.netif, &v);
		ip_input(p, &w.netif);
		assert_int_equal(seen, k);
	}
	assert_int_equal(segment_seen, 0);
	/* nor what comes back from ourselves */
	port_vnet_in(&w.netif, &v);
	p = udp_packet(false, 400);
	assert_int_equal(port_looped_input(p, &w.netif), ERR_OK);
	assert_int_equal(segment_seen, 0);
	assert_int_equal(seen, 2);
	raw_remove(raw);
}

static void send_back(const char *to, uint16_t gso)
{
	struct udp_pcb *u = udp_new_ip_type(IPADDR_TYPE_ANY);
	struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, 5000, PBUF_RAM);
	ip_addr_t dst = addr(to), src;
	struct netif *out;

	memset(p->payload, 0, 5000);
	u->local_port = 9;
	assert_true(route_source(&dst, &src, &out));
	assert_true(port_udp_cuts(out, &dst, 5000));
	assert_int_equal(port_udp_send(u, p, &dst, 7, out, &src, gso), ERR_OK);
	pbuf_free(p);
	udp_remove(u);
}

/* what goes to an address of ours stays together, and is not summed */
static void several_datagrams_come_back_as_one(void **state)
{
	static const char *const to[] = { "127.0.0.1", "10.0.0.1", "::1", "fd00::1" };
	struct raw_pcb *raw = raw_new_ip_type(IPADDR_TYPE_ANY, IP_PROTO_UDP);

	raw_recv(raw, on_packet, NULL);
	seen = 0;
	for (unsigned i = 0; i < 4; i++) {
		send_back(to[i], (uint16_t)(1000 + i));
		send_back(to[i], 0);
		netif_poll_all();
		assert_int_equal(seen, 2 * (i + 1));
		assert_int_equal(segment_before, 1000 + i);
		assert_int_equal(segment_seen, 0);
	}
	raw_remove(raw);
	assert_int_equal(w.nsent, 0);
}

static void what_a_pbuf_cannot_count_is_not_sent_as_one(void **state)
{
	ip_addr_t out = addr("10.0.0.2"), own = addr("10.0.0.1"), out6 = addr("fd00::2");

	assert_false(port_udp_cuts(&w.netif, &out, 5000));
	w.port.uso = true;
	assert_true(port_udp_cuts(&w.netif, &out, 65535 - 22 - 28));
	assert_false(port_udp_cuts(&w.netif, &out, 65535 - 22 - 27));
	assert_true(port_udp_cuts(&w.netif, &out6, 65535 - 22 - 48));
	assert_false(port_udp_cuts(&w.netif, &out6, 65535 - 22 - 47));
	assert_true(port_udp_cuts(&w.netif, &own, 65507));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_syn_carries_the_wire_mss),
		T(the_syn_carries_the_wire_mss_in_ipv6),
		T(segments_are_multiples_of_the_wire_mss),
		T(a_large_segment_is_described),
		T(a_small_segment_only_needs_a_sum),
		T(a_given_checksum_is_left_alone),
		T(malformed_frames_are_not_described),
		T(merged_frames_are_not_summed),
		T(loopback_works_without_checksums),
		T(long_datagrams_are_fragmented),
		T(udp_is_left_to_the_kernel_to_sum),
		T(several_datagrams_are_one_frame),
		T(fragments_and_groups_are_summed_by_us),
		T(datagrams_that_come_as_one_are_told),
		T(metadata_are_not_the_next_packet_s),
		T(several_datagrams_come_back_as_one),
		T(what_a_pbuf_cannot_count_is_not_sent_as_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
