/* port-guards.c - packets that lwIP 2.1.3 mishandles do no harm
 *
 * Each test injects the packet that triggers one of the faults named in
 * guard_tcp.c and guard_ip.c.
 */
#include "port-util.h"
#include "lwip/nd6.h"
#include "lwip/priv/nd6_priv.h"
#include "lwip/prot/nd6.h"
#include "netif/ethernet.h"

static struct wire w;
static struct tcp_pcb *pcb;
static unsigned received, errors;

static err_t on_recv(void *arg, struct tcp_pcb *p, struct pbuf *b, err_t err)
{
	if (b) {
		received += b->tot_len;
		pbuf_free(b);
	}
	return ERR_OK;
}

static void on_err(void *arg, err_t err)
{
	errors++;
	pcb = NULL;
}

static err_t on_accept(void *arg, struct tcp_pcb *p, err_t err)
{
	pcb = p;
	tcp_recv(p, on_recv);
	tcp_err(p, on_err);
	port_tcp_established(p);
	return ERR_OK;
}

static struct tcp_pcb *lpcb;

static void send4(uint32_t seq, uint32_t ack, uint8_t flags, uint16_t wnd, const void *opt,
		  unsigned optlen, const void *data, unsigned len)
{
	ip_addr_t l = addr("10.0.0.1"), r = addr("10.0.0.2");

	ip_input(segment4(&r, 7, &l, 80, seq, ack, flags, wnd, opt, optlen, data, len),
		 &w.netif);
}

static const uint8_t opt_syn[] = {	/* MSS 1460, SACK permitted, TS 5000, WS 7 */
	2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0x13, 0x88, 0, 0, 0, 0, 1, 3, 3, 7,
};
static const uint8_t opt_ts[] = { 1, 1, 8, 10, 0, 0, 0x13, 0x88, 0, 0, 0, 0 };

static uint32_t iss;

static struct tcp_pcb *syn_with(const void *opt, unsigned optlen)
{
	ip_addr_t l = addr("10.0.0.1"), r = addr("10.0.0.2");

	send4(999, 0, TCP_SYN, 60000, opt, optlen, NULL, 0);
	iss = lwip_ntohl(sent_tcp4(&w, 0)->seqno);
	wire_clear(&w);
	return pcbtable_find(&l, 80, &r, 7);
}

static void connect_peer(void)
{
	syn_with(opt_syn, sizeof(opt_syn));
	send4(1000, iss + 1, TCP_ACK, 60000, opt_ts, sizeof(opt_ts), NULL, 0);
	assert_non_null(pcb);
	assert_int_equal(pcb->state, ESTABLISHED);
	wire_clear(&w);
}

static int setup(void **state)
{
	struct tcp_pcb *p;
	uint8_t mac[] = { 2, 0, 0, 0, 0, 2 };

	wire_up(&w, "10.0.0.1", "fd00::1", false);
	memcpy(w.netif.hwaddr, mac, sizeof(mac));
	received = errors = 0;
	pcb = NULL;
	p = tcp_new();
	p->local_ip = addr("10.0.0.1");
	p->local_port = 80;
	lpcb = tcp_listen(p);
	tcp_accept(lpcb, on_accept);
	return 0;
}

static int teardown(void **state)
{
	tcp_close(lpcb);
	while (tcp_active_pcbs)
		tcp_abort(tcp_active_pcbs);
	wire_down(&w);
	return 0;
}

static void syn_options_are_taken(void **state)
{
	connect_peer();
	assert_int_equal(pcb->mss, 1460);
	assert_true(pcb->flags & TF_TIMESTAMP);
	assert_true(pcb->flags & TF_SACK);
	assert_int_equal(pcb->snd_scale, 7);
	assert_int_equal(port_tcp_wire_mss(pcb), 1448);
	assert_int_equal(pcb->cwnd, 14480);	/* RFC 6928: ten segments */
}

static void option_over_the_end_is_not_read(void **state)
{
	/* the last byte says MSS; its length would be the first data byte */
	static const uint8_t opt[] = { 1, 1, 1, 2 };
	static const uint8_t data[] = { 4, 0x00, 0x40 };
	struct tcp_pcb *p;

	send4(999, 0, TCP_SYN, 60000, opt, sizeof(opt), data, sizeof(data));
	p = tcp_active_pcbs;
	assert_non_null(p);
	assert_int_equal(p->mss, 536);
}

static void options_of_bad_length_end_the_list(void **state)
{
	/* unknown option of 200 bytes, then one of length 0 */
	static const uint8_t longer[] = { 99, 200, 0, 0, 2, 4, 0x05, 0xb4 };
	static const uint8_t zero[] = { 99, 0, 2, 4, 0x05, 0xb4, 1, 1 };

	assert_int_equal(syn_with(longer, sizeof(longer))->mss, 536);
	tcp_abort(tcp_active_pcbs);
	wire_clear(&w);
	assert_int_equal(syn_with(zero, sizeof(zero))->mss, 536);
}

static void options_in_two_pbufs_are_checked(void **state)
{
	ip_addr_t l = addr("10.0.0.1"), r = addr("10.0.0.2");
	struct pbuf *p = segment4(&r, 7, &l, 80, 999, 0, TCP_SYN, 60000,
				  opt_syn, sizeof(opt_syn), NULL, 0);
	struct pbuf *a = pbuf_alloc(PBUF_RAW, 46, PBUF_RAM);
	struct pbuf *b = pbuf_alloc(PBUF_RAW, 14, PBUF_RAM);

	pbuf_copy_partial(p, a->payload, 46, 0);
	pbuf_copy_partial(p, b->payload, 14, 46);
	pbuf_cat(a, b);
	pbuf_free(p);
	ip_input(a, &w.netif);
	assert_non_null(tcp_active_pcbs);
	assert_int_equal(tcp_active_pcbs->mss, 1460);
	assert_int_equal(tcp_active_pcbs->snd_scale, 7);
}

static void mss_outside_a_syn_is_ignored(void **state)
{
	static const uint8_t opt[] = { 2, 4, 0, 1 };

	connect_peer();
	send4(12345678, iss + 1, TCP_ACK, 60000, opt, sizeof(opt), NULL, 0);
	assert_int_equal(pcb->mss, 1460);
}

static void tiny_mss_is_raised(void **state)
{
	static const uint8_t one[] = { 2, 4, 0, 1 }, zero[] = { 2, 4, 0, 0 };

	assert_int_equal(syn_with(one, sizeof(one))->mss, 88);
	tcp_abort(tcp_active_pcbs);
	wire_clear(&w);
	assert_int_equal(syn_with(zero, sizeof(zero))->mss, 88);
}

static void tiny_window_does_not_underflow_a_segment(void **state)
{
	static char data[100];
	struct tcp_seg *s;

	send4(999, 0, TCP_SYN, 4, opt_syn, sizeof(opt_syn), NULL, 0);
	iss = lwip_ntohl(sent_tcp4(&w, 0)->seqno);
	send4(1000, iss + 1, TCP_ACK, 0, opt_ts, sizeof(opt_ts), NULL, 0);
	assert_non_null(pcb);
	assert_int_equal(tcp_write(pcb, data, sizeof(data), TCP_WRITE_FLAG_COPY), ERR_OK);
	for (s = pcb->unsent; s; s = s->next)
		assert_in_range(s->len, 1, 128);
}

static void syn_ack_in_syn_rcvd_does_not_establish(void **state)
{
	struct tcp_pcb *p = syn_with(opt_syn, sizeof(opt_syn));

	send4(1000, iss + 1, TCP_SYN | TCP_ACK, 60000, NULL, 0, "x", 1);
	assert_ptr_equal(tcp_active_pcbs, p);
	assert_int_equal(p->state, SYN_RCVD);
	assert_null(pcb);
}

static void out_of_sequence_data_over_the_window_is_dropped(void **state)
{
	static uint8_t data[1000];
	uint32_t edge;

	connect_peer();
	pcb->rcv_wnd = pcb->rcv_ann_wnd = 1500;
	edge = 1000 + 1500;
	send4(edge - 500, iss + 1, TCP_ACK, 60000, opt_ts, sizeof(opt_ts), data, 1000);
	assert_null(pcb->ooseq);
	assert_int_equal(w.nsent, 1);		/* acknowledged */
	send4(edge - 500, iss + 1, TCP_ACK, 60000, opt_ts, sizeof(opt_ts), data, 500);
	assert_non_null(pcb->ooseq);
	send4(1000, iss + 1, TCP_ACK, 60000, opt_ts, sizeof(opt_ts), data, 1000);
	assert_int_equal(received, 1500);
	assert_int_equal(pcb->rcv_wnd, 0);
}

static void old_timestamps_are_dropped(void **state)
{
	static const uint8_t older[] = { 1, 1, 8, 10, 0, 0, 0x13, 0x87, 0, 0, 0, 0 };

	connect_peer();
	send4(1000, iss + 1, TCP_ACK, 60000, older, sizeof(older), "old", 3);
	assert_int_equal(received, 0);
	assert_int_equal(w.nsent, 1);
	send4(1000, iss + 1, TCP_ACK, 60000, opt_ts, sizeof(opt_ts), "new", 3);
	assert_int_equal(received, 3);
}

static void loopback_addresses_from_a_wire_are_dropped(void **state)
{
	ip_addr_t lo = addr("127.0.0.1"), l = addr("10.0.0.1");

	ip_input(segment4(&lo, 7, &l, 80, 1, 0, TCP_SYN, 1000, NULL, 0, NULL, 0), &w.netif);
	ip_input(segment4(&l, 7, &lo, 80, 1, 0, TCP_SYN, 1000, NULL, 0, NULL, 0), &w.netif);
	assert_null(tcp_active_pcbs);
}

static void frames_too_short_for_their_header_are_dropped(void **state)
{
	static const uint16_t types[] = { PP_HTONS(ETHTYPE_ARP), PP_HTONS(ETHTYPE_IP),
					  PP_HTONS(ETHTYPE_IPV6), 0 };
	uint8_t frame[64] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 2 };
	struct pbuf *p;
	unsigned i, len;

	/* each in memory of just its length: a sanitizer sees an over-read */
	for (i = 0; i < 4; i++) {
		memcpy(frame + 12, &types[i], 2);
		frame[14] = types[i] == PP_HTONS(ETHTYPE_IPV6) ? 0x60 : 0x45;
		for (len = 1; len < sizeof(frame); len++) {
			p = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_RAM);
			memcpy(p->payload, frame, len);
			ethernet_input(p, &w.netif);
			if (len <= 14)
				continue;
			p = pbuf_alloc(PBUF_RAW, (u16_t)(len - 14), PBUF_RAM);
			memcpy(p->payload, frame + 14, len - 14);
			ip_input(p, &w.netif);
		}
	}
	assert_int_equal(w.nsent, 0);
}

/* lwIP would quote what lies behind the packet in memory */
static void no_icmp_error_about_a_packet_too_short_to_quote(void **state)
{
	struct pbuf *p;
	struct ip_hdr *ip;
	unsigned len;

	for (len = 28; len >= 20; len--) {
		p = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_RAM);
		ip = p->payload;
		memset(ip, 0, len);
		IPH_VHL_SET(ip, 4, 5);
		IPH_LEN_SET(ip, lwip_htons((u16_t)len));
		IPH_TTL_SET(ip, 64);
		IPH_PROTO_SET(ip, 200);		/* nobody takes it */
		ip->src.addr = PP_HTONL(0x0a000002);
		ip->dest.addr = PP_HTONL(0x0a000001);
		IPH_CHKSUM_SET(ip, inet_chksum(ip, 20));
		ip_input(p, &w.netif);
		assert_int_equal(w.nsent, 1);	/* about the one of 28 bytes only */
	}
}

/* an ICMPv6 message to us, with a right checksum, in a pbuf whose payload ends
 * where the message ends, so that a sanitizer sees an over-read */
static void send6(const char *src, const char *dst, const uint8_t *msg, unsigned len)
{
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(40 + len), PBUF_RAM);
	struct ip6_hdr *ip = p->payload;
	ip_addr_t s = addr(src), d = addr(dst);
	uint16_t sum;

	memset(ip, 0, 40);
	IP6H_VTCFL_SET(ip, 6, 0, 0);
	IP6H_PLEN_SET(ip, (u16_t)len);
	IP6H_NEXTH_SET(ip, IP6_NEXTH_ICMP6);
	IP6H_HOPLIM_SET(ip, 255);
	ip6_addr_copy_to_packed(ip->src, *ip_2_ip6(&s));
	ip6_addr_copy_to_packed(ip->dest, *ip_2_ip6(&d));
	memcpy(ip + 1, msg, len);
	pbuf_remove_header(p, 40);
	sum = ip6_chksum_pseudo(p, IP6_NEXTH_ICMP6, p->tot_len, ip_2_ip6(&s), ip_2_ip6(&d));
	memcpy((uint8_t *)p->payload + 2, &sum, 2);
	pbuf_add_header(p, 40);
	ip_input(p, &w.netif);
}

static unsigned neighbours(void)
{
	unsigned i, n = 0;

	for (i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++)
		n += neighbor_cache[i].state != ND6_NO_ENTRY;
	return n;
}

/* neighbour solicitation for fd00::1 with @opt */
static void solicit(const uint8_t *opt, unsigned len)
{
	uint8_t m[64] = { ICMP6_TYPE_NS };
	ip_addr_t t = addr("fd00::1");

	memcpy(m + 8, ip_2_ip6(&t)->addr, 16);
	memcpy(m + 24, opt, len);
	send6("fd00::2", "fd00::1", m, 24 + len);
}

static void nd_with_broken_options_is_dropped(void **state)
{
	static const uint8_t good[] = { 1, 1, 2, 0, 0, 0, 0, 9 };
	static const uint8_t zero[] = { 1, 0, 2, 0, 0, 0, 0, 9 };
	static const uint8_t over[] = { 1, 2, 2, 0, 0, 0, 0, 9 };
	static const uint8_t cut[] = { 1, 1, 2, 0 };
	unsigned before;

	nd6_cleanup_netif(&w.netif);
	before = neighbours();
	solicit(zero, sizeof(zero));
	solicit(over, sizeof(over));
	solicit(cut, sizeof(cut));
	solicit(good, 1);
	assert_int_equal(neighbours(), before);
	solicit(good, sizeof(good));		/* the same path does work */
	assert_int_equal(neighbours(), before + 1);
	nd6_cleanup_netif(&w.netif);
}

static void packet_too_big_below_1280_is_ignored(void **state)
{
	ip_addr_t dst = addr("fd00::9");
	uint8_t m[8 + 40] = { ICMP6_TYPE_PTB, 0, 0, 0, 0, 0, 0, 68 };
	struct ip6_hdr *in = (struct ip6_hdr *)(m + 8);
	ip_addr_t us = addr("fd00::1");
	const u8_t *hw;
	struct pbuf *p = pbuf_alloc(PBUF_LINK, 100, PBUF_RAM);

	/* an entry in the destination cache, which a PTB would change */
	nd6_get_next_hop_addr_or_queue(&w.netif, p, ip_2_ip6(&dst), &hw);
	pbuf_free(p);
	IP6H_VTCFL_SET(in, 6, 0, 0);
	ip6_addr_copy_to_packed(in->src, *ip_2_ip6(&us));
	ip6_addr_copy_to_packed(in->dest, *ip_2_ip6(&dst));
	send6("fd00::2", "fd00::1", m, sizeof(m));
	assert_int_equal(nd6_get_destination_mtu(ip_2_ip6(&dst), &w.netif), 1500);
	m[6] = 0x05;			/* 1348 */
	send6("fd00::2", "fd00::1", m, sizeof(m));
	assert_int_equal(nd6_get_destination_mtu(ip_2_ip6(&dst), &w.netif), 0x544);
	nd6_cleanup_netif(&w.netif);
}

static unsigned asserted;

static void count_assert(const char *msg, const char *file, int line)
{
	asserted++;
}

static void a_broken_invariant_costs_its_connection_only(void **state)
{
	connect_peer();
	asserted = 0;
	port_on_assert(count_assert);
	tcp_input_pcb = pcb;			/* as while its segment is processed */
	LWIP_ASSERT("for the test", received == 99);
	tcp_input_pcb = NULL;
	port_on_assert(wire_assert);
	assert_int_equal(asserted, 1);
	assert_non_null(pcb);
	port_tcp_tick();
	assert_null(pcb);
	assert_int_equal(errors, 1);
	assert_int_equal(TCPH_FLAGS(sent_tcp4(&w, 0)) & TCP_RST, TCP_RST);
}

static void destinations_do_not_hang_the_nd_timer(void **state)
{
	/* nd6_tmr() counts them in an s8_t: 128 and more loop for ever */
	assert_in_range(LWIP_ND6_NUM_DESTINATIONS, 1, 127);
	nd6_tmr();
}

/* packets to @n neighbours that do not answer are queued: how many are kept? */
static void packets_for_silent_neighbours_are_bounded(void **state)
{
	enum { N = 1000 };
	static struct pbuf *p[N];
	unsigned i, kept = 0;
	ip_addr_t dst;
	const u8_t *hw;
	char s[32];

	for (i = 0; i < N; i++) {
		snprintf(s, sizeof(s), "fd00::1:%x", 1 + i % 10);
		dst = addr(s);
		p[i] = pbuf_alloc(PBUF_LINK, 100, PBUF_RAM);
		nd6_get_next_hop_addr_or_queue(&w.netif, p[i], ip_2_ip6(&dst), &hw);
	}
	for (i = 0; i < N; i++) {
		kept += p[i]->ref > 1;
		pbuf_free(p[i]);
	}
	assert_in_range(kept, 10, MEMP_NUM_ND6_QUEUE);
	nd6_cleanup_netif(&w.netif);
}

/* lwIP's own timer, which runs where there is no memory for recovery.c */
static void a_floor_under_the_retransmission_timeout(void **state)
{
	static char data[10];
	int i;

	connect_peer();
	pcbnode_of(pcb)->wire_mss = 0;		/* recovery_attach() does nothing */
	pcb->sa = 0;
	pcb->sv = 0;
	pcb->rto = 0;
	send4(1000, iss + 1, TCP_ACK, 60000, opt_ts, sizeof(opt_ts), NULL, 0);
	assert_int_equal(tcp_write(pcb, data, sizeof(data), TCP_WRITE_FLAG_COPY), ERR_OK);
	assert_int_equal(tcp_output(pcb), ERR_OK);
	wire_clear(&w);
	for (i = 0; i < 8; i++)			/* 200 ms */
		port_tcp_tick();
	assert_int_equal(w.nsent, 0);
	for (i = 0; i < 2; i++)
		port_tcp_tick();
	assert_int_equal(w.nsent, 1);
	for (i = 0; i < 17; i++)		/* backed off: 500 ms */
		port_tcp_tick();
	assert_int_equal(w.nsent, 1);
	for (i = 0; i < 5; i++)
		port_tcp_tick();
	assert_int_equal(w.nsent, 2);
}

static void syns_are_repeated_at_doubling_intervals(void **state)
{
	static const unsigned at[] = { 1000, 3000, 7000, 15000, 31000, 63000 };
	ip_addr_t r = addr("10.0.0.2");
	struct tcp_pcb *p = tcp_new();
	unsigned ms, n = 0;

	tcp_err(p, on_err);
	assert_int_equal(tcp_connect(p, &r, 9, NULL), ERR_OK);
	wire_clear(&w);
	for (ms = 0; ms < 200000 && !errors; ms += PORT_TICK_MS) {
		port_tcp_tick();
		if (w.nsent) {
			assert_true(n < sizeof(at) / sizeof(at[0]));
			assert_in_range(ms, at[n] - 100, at[n] + 100);
			n++;
			wire_clear(&w);
		}
	}
	assert_int_equal(n, 6);
	assert_int_equal(errors, 1);
	assert_in_range(ms, 63000, 130000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(syn_options_are_taken),
		T(option_over_the_end_is_not_read),
		T(options_of_bad_length_end_the_list),
		T(options_in_two_pbufs_are_checked),
		T(mss_outside_a_syn_is_ignored),
		T(tiny_mss_is_raised),
		T(tiny_window_does_not_underflow_a_segment),
		T(syn_ack_in_syn_rcvd_does_not_establish),
		T(out_of_sequence_data_over_the_window_is_dropped),
		T(old_timestamps_are_dropped),
		T(loopback_addresses_from_a_wire_are_dropped),
		T(frames_too_short_for_their_header_are_dropped),
		T(no_icmp_error_about_a_packet_too_short_to_quote),
		T(nd_with_broken_options_is_dropped),
		T(packet_too_big_below_1280_is_ignored),
		T(a_broken_invariant_costs_its_connection_only),
		T(destinations_do_not_hang_the_nd_timer),
		T(packets_for_silent_neighbours_are_bounded),
		T(a_floor_under_the_retransmission_timeout),
		T(syns_are_repeated_at_doubling_intervals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
