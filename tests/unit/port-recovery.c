/* port-recovery.c - scoreboard, round trips, congestion window, timers, and
 * what leaves a connection when packets are lost */
#include "port-util.h"
#include <errno.h>
#include <math.h>
#include <time.h>
#include "lwip/sys.h"
#include "lwip/timeouts.h"
#include "recovery.h"

#define MSS	1448u

/* ---- scoreboard ---- */

static struct sack_board b;
static struct sack_news news;

static int board(void **state)
{
	sack_clear(&b);
	memset(&news, 0, sizeof(news));
	return 0;
}

/* ten segments, a millisecond apart, from @seq */
static void ten(uint32_t seq)
{
	for (uint32_t i = 0; i < 10; i++)
		assert_true(sack_sent(&b, seq + i * 100, seq + i * 100 + 100, i * 1000));
}

static void a_cumulative_ack_frees(void **state)
{
	ten(1000);
	assert_int_equal(sack_outstanding(&b), 1000);
	sack_acked(&b, 1350, &news);
	assert_int_equal(news.delivered, 350);
	assert_int_equal(sack_pipe(&b), 650);
	sack_acked(&b, 2000, &news);
	assert_int_equal(b.n, 0);
	assert_int_equal(sack_outstanding(&b), 0);
}

static void sequence_numbers_wrap(void **state)
{
	ten(0u - 500);
	sack_acked(&b, 0u - 100, &news);
	sack_held(&b, 100, 300, &news);
	assert_int_equal(news.delivered, 600);
	assert_int_equal(b.held, 200);
	assert_int_equal(sack_pipe(&b), 400);
}

static void sacked_bytes_leave_the_pipe_once(void **state)
{
	ten(0);
	sack_acked(&b, 0, &news);
	sack_held(&b, 250, 520, &news);
	sack_held(&b, 250, 520, &news);
	sack_held(&b, 400, 600, &news);
	assert_int_equal(news.delivered, 350);
	assert_int_equal(b.held, 350);
	assert_int_equal(b.fack, 600);
	/* neighbours the peer has are one range: 0-200-250, held, 600-... */
	assert_int_equal(b.n, 3 + 1 + 4);
	sack_acked(&b, 600, &news);
	assert_int_equal(b.held, 0);
	assert_int_equal(news.delivered, 600);
}

static void blocks_outside_are_passed_over(void **state)
{
	ten(1000);
	sack_held(&b, 900, 1100, &news);	/* below: D-SACK */
	sack_held(&b, 1900, 2001, &news);	/* never sent */
	sack_held(&b, 1500, 1500, &news);
	sack_held(&b, 1600, 1500, &news);
	assert_int_equal(news.delivered, 0);
	assert_int_equal(b.held, 0);
}

static void sent_before_what_arrived_is_lost(void **state)
{
	uint32_t wait, seq, end;

	ten(0);
	sack_acked(&b, 0, &news);
	sack_held(&b, 300, 400, &news);		/* sent at 3 ms */
	assert_int_equal(sack_detect(&b, news.sent, news.end, 20000, 23000, &wait), 300);
	assert_int_equal(wait, 0);
	assert_true(sack_next_lost(&b, &seq, &end));
	assert_int_equal(seq, 0);
	assert_int_equal(end, 100);
	assert_int_equal(sack_pipe(&b), 600);
}

static void reordering_is_waited_for(void **state)
{
	uint32_t wait;

	ten(0);
	sack_acked(&b, 0, &news);
	sack_held(&b, 300, 400, &news);
	assert_int_equal(sack_detect(&b, news.sent, news.end, 25000, 23000, &wait), 0);
	assert_int_equal(wait, 4000);		/* for what was sent at 2 ms */
	assert_int_equal(sack_detect(&b, news.sent, news.end, 25000, 27000, &wait), 300);
	news.reordered = false;
	sack_held(&b, 100, 200, &news);
	assert_false(news.reordered);		/* fack of this report is older */
	sack_acked(&b, 50, &news);
	sack_held(&b, 200, 300, &news);
	assert_true(news.reordered);
}

static void a_lost_retransmission_is_lost_again(void **state)
{
	uint32_t wait;

	ten(0);
	sack_acked(&b, 0, &news);
	sack_held(&b, 100, 200, &news);
	sack_detect(&b, news.sent, news.end, 20000, 21000, &wait);
	assert_int_equal(b.lost, 100);
	sack_sent(&b, 0, 100, 22000);
	assert_int_equal(b.lost, 0);
	sack_sent(&b, 1000, 1100, 23000);
	memset(&news, 0, sizeof(news));
	sack_acked(&b, 0, &news);
	sack_held(&b, 200, 1000, &news);
	sack_detect(&b, news.sent, news.end, 20000, 30000, &wait);
	assert_int_equal(b.lost, 0);		/* nothing sent after it arrived yet */
	sack_held(&b, 1000, 1100, &news);
	assert_int_equal(sack_detect(&b, news.sent, news.end, 20000, 43000, &wait), 100);
}

static void a_timeout_loses_all_but_what_is_held(void **state)
{
	ten(0);
	sack_acked(&b, 0, &news);
	sack_held(&b, 500, 600, &news);
	sack_lose_all(&b);
	assert_int_equal(b.lost, 900);
	assert_int_equal(sack_pipe(&b), 0);
	sack_unlose(&b);
	assert_int_equal(sack_pipe(&b), 900);
}

static void a_peer_that_reneges_gets_all_again(void **state)
{
	ten(0);
	sack_acked(&b, 0, &news);
	sack_held(&b, 0, 600, &news);
	sack_lose_all(&b);
	assert_int_equal(b.held, 0);
	assert_int_equal(b.lost, 1000);
}

/* what a peer may do with one-byte blocks: the counters stay right, the array bounded */
static void scattered_blocks_are_bounded(void **state)
{
	enum { N = 40000 };
	uint32_t held = 0, lost = 0, sum = 0;

	assert_true(sack_sent(&b, 0, N, 0));
	sack_acked(&b, 0, &news);
	for (uint32_t i = 1; i < N; i += 2)
		sack_held(&b, i, i + 1, &news);
	assert_in_range(b.n, SACK_RANGES_MAX / 2, SACK_RANGES_MAX);
	sack_lose_all(&b);
	sack_sent(&b, 0, 1000, 1);
	for (unsigned i = 0; i < b.n; i++) {
		const struct sack_range *r = &b.r[b.first + i];

		assert_int_equal(r->seq, sum);
		sum = r->end;
		held += r->flags & SACK_HELD ? r->end - r->seq : 0;
		lost += r->flags & SACK_LOST ? r->end - r->seq : 0;
	}
	assert_int_equal(sum, N);
	assert_int_equal(held, b.held);
	assert_int_equal(lost, b.lost);
}

/* ---- round trips ---- */

static void rto_follows_rfc6298(void **state)
{
	struct rtt t = { 0 };

	assert_int_equal(rtt_rto(&t, 0), 1000000);
	assert_int_equal(rtt_rto(&t, 2), 4000000);
	rtt_sample(&t, 100000);
	assert_int_equal(t.srtt, 100000);
	assert_int_equal(t.var, 50000);
	assert_int_equal(rtt_rto(&t, 0), 300000);
	for (int i = 0; i < 100; i++)
		rtt_sample(&t, 20000);
	assert_int_equal(t.min, 20000);
	assert_in_range(rtt_rto(&t, 0), 220000, 221000);	/* the floor is the variance's */
	assert_int_equal(rtt_rto(&t, 100), RTO_MAX_US);
	rtt_sample(&t, 500000);
	assert_int_equal(t.srtt, (7 * 20000 + 500000) / 8);
	assert_in_range(rtt_rto(&t, 0), 560000, 562000);
}

/* ---- congestion window ---- */

static void slow_start_doubles(void **state)
{
	struct cc c;

	cc_start(&c, CC_CUBIC, MSS, 10 * MSS, UINT32_MAX);
	cc_acked(&c, 10 * MSS, 1000000, 20000);
	assert_int_equal(c.cwnd, 20 * MSS);
}

static void reno_adds_a_segment_a_round_trip_and_halves(void **state)
{
	struct cc c;

	cc_start(&c, CC_RENO, MSS, 100 * MSS, 100 * MSS);
	for (int i = 0; i < 100; i++)
		cc_acked(&c, MSS, 1000000, 20000);
	assert_in_range(c.cwnd, 100 * MSS + MSS * 98 / 100, 101 * MSS);
	c.cwnd = 100 * MSS;
	cc_lost(&c);
	assert_int_equal(c.ssthresh, 50 * MSS);
}

/* RFC 9438: W(K) = W_max, and W_max * beta right after the loss */
static void cubic_comes_back_to_where_it_lost(void **state)
{
	const double rtt = 0.1, w = 1000;
	const double k = cbrt(w * 0.3 / 0.4);
	uint64_t now = 1000000;
	struct cc c;
	double t;

	cc_start(&c, CC_CUBIC, MSS, (uint32_t)w * MSS, 500 * MSS);
	cc_lost(&c);
	assert_in_range(c.ssthresh, 699 * MSS, 700 * MSS);
	c.cwnd = c.ssthresh;
	for (t = 0; t < k; t += rtt, now += (uint64_t)(rtt * 1e6))
		for (int i = 0; i < 10; i++)
			cc_acked(&c, c.cwnd / 10, now, (uint32_t)(rtt * 1e6));
	assert_in_range(c.cwnd / MSS, 985, 1005);
	/* flat there: two more seconds add less than C * 2^3 and a margin */
	for (t = 0; t < 2; t += rtt, now += (uint64_t)(rtt * 1e6))
		cc_acked(&c, c.cwnd, now, (uint32_t)(rtt * 1e6));
	assert_in_range(c.cwnd / MSS, 990, 1010);
	/* a second loss below the first one's window: fast convergence */
	c.cwnd = 800 * MSS;
	c.w_max = 1000;
	cc_lost(&c);
	assert_in_range((uint32_t)c.w_max, 679, 680);
}

static void cubic_is_no_slower_than_reno(void **state)
{
	uint64_t now = 1000000;
	struct cc c;

	/* small window, short round trip: the cubic alone would take seconds */
	cc_start(&c, CC_CUBIC, MSS, 20 * MSS, 10 * MSS);
	cc_lost(&c);
	c.cwnd = c.ssthresh;
	for (int i = 0; i < 20; i++, now += 5000)
		cc_acked(&c, c.cwnd, now, 5000);
	assert_in_range(c.cwnd / MSS, 14 + 8, 14 + 16);
}

static void growing_round_trips_end_slow_start(void **state)
{
	uint32_t una = 0, rtt = 20000;
	struct cc c;

	cc_start(&c, CC_CUBIC, MSS, 10 * MSS, UINT32_MAX);
	for (int round = 0; round < 12; round++, rtt += 5000)
		for (int i = 0; i < 10; i++) {
			una += 100;
			cc_rtt(&c, rtt, una, una + 1000);
		}
	assert_int_equal(c.ssthresh, c.cwnd);
}

/* ---- timers ---- */

static struct wheel_timer timer[64];
static unsigned fired;
static uint32_t fired_at[64];

static void on_fire(struct wheel_timer *t)
{
	fired++;
	fired_at[t - timer] = sys_now();
}

static void run_for(unsigned ms)
{
	uint32_t end = sys_now() + ms;
	const struct timespec step = { 0, 500000 };

	while ((int32_t)(sys_now() - end) < 0) {
		sys_check_timeouts();
		nanosleep(&step, NULL);
	}
}

static void timers_fire_when_due_and_never_before(void **state)
{
	uint32_t now = sys_now();

	sys_restart_timeouts();
	for (unsigned i = 0; i < 64; i++)
		wheel_set(&timer[i], now + 11 * i, on_fire);
	for (unsigned i = 0; i < 64; i += 4)		/* put off, by more than a turn */
		wheel_set(&timer[i], now + 900 + i, on_fire);
	wheel_remove(&timer[1]);
	wheel_remove(&timer[2]);
	run_for(1100);
	assert_int_equal(fired, 62);
	for (unsigned i = 0; i < 64; i++) {
		uint32_t at = i % 4 ? now + 11 * i : now + 900 + i;

		if (i != 1 && i != 2)
			assert_true((int32_t)(fired_at[i] - at) >= 0);
	}
}

/* the loop that slept through several turns: what is far away stays so */
static void a_late_wheel_does_not_spin(void **state)
{
	const struct timespec long_sleep = { 0, 700000000 };
	uint32_t now = sys_now();

	fired = 0;
	wheel_set(&timer[0], now + 5, on_fire);
	wheel_set(&timer[1], now + 100000, on_fire);
	for (unsigned i = 2; i < 64; i++)
		wheel_set(&timer[i], now + 100000 + i, on_fire);
	nanosleep(&long_sleep, NULL);
	sys_check_timeouts();
	assert_int_equal(fired, 1);
	for (unsigned i = 0; i < 64; i++)
		wheel_remove(&timer[i]);
}

/* ---- a connection ---- */

static struct wire w;
static struct tcp_pcb *pcb;
static uint32_t iss;
static char bulk[60000];

static void from_peer(uint32_t seq, uint32_t ack, uint8_t flags, const void *opt, unsigned optlen)
{
	ip_addr_t l = addr("10.0.0.1"), r = addr("10.0.0.2");

	ip_input(segment4(&r, 80, &l, pcb->local_port, seq, ack, flags, 60000, opt, optlen, NULL, 0),
		 &w.netif);
}

static err_t connected(void *arg, struct tcp_pcb *p, err_t err)
{
	port_tcp_established(p);
	return ERR_OK;
}

static void connect_to(const uint8_t *opt, unsigned optlen)
{
	ip_addr_t r = addr("10.0.0.2");

	pcb = tcp_new();
	pcb->local_ip = addr("10.0.0.1");
	pcb->local_port = 5000;
	assert_int_equal(tcp_connect(pcb, &r, 80, connected), ERR_OK);
	iss = lwip_ntohl(sent_tcp4(&w, 0)->seqno);
	from_peer(999, iss + 1, TCP_SYN | TCP_ACK, opt, optlen);
	assert_int_equal(pcb->state, ESTABLISHED);
	wire_clear(&w);
}

static int connection(void **state)
{
	static const uint8_t opt[] = { 2, 4, 5, 180, 4, 2, 1, 1 };	/* MSS 1460, SACK */

	wire_up(&w, "10.0.0.1", "fd00::1", false);
	connect_to(opt, sizeof(opt));
	return 0;
}

static int connection_without_sack(void **state)
{
	static const uint8_t opt[] = { 2, 4, 5, 180 };

	wire_up(&w, "10.0.0.1", "fd00::1", false);
	connect_to(opt, sizeof(opt));
	return 0;
}

static int end(void **state)
{
	if (pcb)
		tcp_abort(pcb);
	pcb = NULL;
	wire_down(&w);
	return 0;
}

static void send_bulk(unsigned len)
{
	assert_int_equal(tcp_write(pcb, bulk, (u16_t)len, TCP_WRITE_FLAG_COPY), ERR_OK);
	assert_int_equal(tcp_output(pcb), ERR_OK);
}

static uint32_t sent_seq(unsigned i)
{
	return lwip_ntohl(sent_tcp4(&w, i)->seqno) - iss - 1;
}

static void ack(uint32_t una, uint32_t left, uint32_t right)
{
	uint8_t opt[12] = { 1, 1, 5, 10 };
	uint32_t be[2] = { lwip_htonl(iss + 1 + left), lwip_htonl(iss + 1 + right) };

	memcpy(opt + 4, be, 8);
	from_peer(1000, iss + 1 + una, TCP_ACK, opt, right ? sizeof(opt) : 0);
}

static void sack_repairs_a_hole_at_once(void **state)
{
	send_bulk(10 * 1460);
	assert_int_equal(w.nsent, 10);
	wire_clear(&w);
	ack(0, 1460, 4 * 1460);			/* three segments beyond the hole */
	assert_true(w.nsent >= 1);
	assert_int_equal(sent_seq(0), 0);
	assert_int_equal(w.len[0], 40 + 1460);
	assert_memory_equal(w.data[0] + 40, bulk, 1460);
	assert_int_equal(IPH_OFFSET((struct ip_hdr *)w.data[0]), PP_HTONS(IP_DF));
	assert_int_equal(inet_chksum(w.data[0], 20), 0);
	wire_clear(&w);
	ack(0, 1460, 5 * 1460);
	for (unsigned i = 0; i < w.nsent; i++)
		assert_int_not_equal(sent_seq(i), 0);	/* once is enough */
	ack(10 * 1460, 0, 0);
	assert_null(pcb->unacked);
}

static void no_sack_three_dupacks_repair(void **state)
{
	send_bulk(10 * 1460);
	wire_clear(&w);
	ack(0, 0, 0);
	ack(0, 0, 0);
	assert_int_equal(w.nsent, 0);
	ack(0, 0, 0);
	assert_int_equal(sent_seq(0), 0);
	wire_clear(&w);
	ack(3 * 1460, 0, 0);			/* partial: RFC 6582 */
	assert_true(w.nsent >= 1);
	assert_int_equal(sent_seq(0), 3 * 1460);
}

static void a_timeout_sends_one_segment_and_backs_off(void **state)
{
	struct recovery *r;

	send_bulk(10 * 1460);
	r = pcbnode_of(pcb)->rec;
	assert_non_null(r);
	rtt_sample(&r->rtt, 1000);		/* 201 ms */
	r->probed = true;			/* no probe before it */
	r->probe_end = pcb->snd_nxt + 1;
	ack(1460, 0, 0);
	r->cc.cwnd = 10 * 1460;
	wire_clear(&w);
	run_for(250);
	assert_int_equal(w.nsent, 1);
	assert_int_equal(sent_seq(0), 1460);
	assert_int_equal(pcb->nrtx, 1);
	run_for(250);
	assert_int_equal(w.nsent, 1);
	run_for(250);
	assert_int_equal(w.nsent, 2);
	ack(10 * 1460, 0, 0);
	assert_null(pcb->unacked);
	assert_int_equal(pcb->nrtx, 0);
}

static void a_thin_stream_does_not_back_off(void **state)
{
	struct recovery *r;

	port_tcp_set_thin(pcb, true);
	send_bulk(3 * 1460);
	r = pcbnode_of(pcb)->rec;
	rtt_sample(&r->rtt, 1000);		/* 201 ms */
	r->probed = true;			/* no probe before it */
	r->probe_end = pcb->snd_nxt + 1;
	ack(1460, 0, 0);
	wire_clear(&w);
	for (unsigned i = 1; i <= 3; i++) {
		run_for(250);
		assert_int_equal(w.nsent, i);
		assert_int_equal(r->backoff, 0);
	}
	port_tcp_set_thin(pcb, false);
	run_for(250);
	assert_int_equal(w.nsent, 4);		/* at 804 ms; doubled, the next is at 1206 */
	run_for(150);
	assert_int_equal(w.nsent, 4);
	assert_int_equal(r->backoff, 1);
}

static void a_silent_tail_is_probed(void **state)
{
	send_bulk(3 * 1460);
	ack(1460, 0, 0);
	wire_clear(&w);
	run_for(100);
	assert_int_equal(w.nsent, 1);
	assert_int_equal(sent_seq(0), 2 * 1460);
}

static void a_smaller_path_mtu_cuts_what_goes_again(void **state)
{
	send_bulk(4 * 1460);
	wire_clear(&w);
	port_tcp_pmtu(pcb, 1000, iss + 1 + 5 * 1460);	/* was never sent */
	assert_int_equal(w.nsent, 0);
	port_tcp_pmtu(pcb, 100, iss + 1);		/* no smaller than Linux would */
	assert_int_equal(port_tcp_wire_mss(pcb), 552 - 40);
	assert_true(w.nsent >= 4);
	for (unsigned i = 0; i < w.nsent; i++)
		assert_in_range(w.len[i], 41, 552);
	wire_clear(&w);
	ack(4 * 1460, 0, 0);
	send_bulk(1460);
	for (unsigned i = 0; i < w.nsent; i++)
		assert_in_range(w.len[i], 41, 552);
}

/* what is in flight, in order and without a hole; its last segment is @r's tail */
static void in_flight_is(uint32_t from, uint32_t to)
{
	struct recovery *r = pcbnode_of(pcb)->rec;
	const struct tcp_seg *s, *last = NULL;
	uint32_t at = from;

	for (s = pcb->unacked; s; last = s, s = s->next) {
		assert_int_equal(lwip_ntohl(s->tcphdr->seqno) - iss - 1, at);
		at += s->len;
	}
	assert_int_equal(at, to);
	if (last && r->tail)
		assert_ptr_equal(r->tail, last);
}

static void the_end_of_what_is_in_flight_is_known(void **state)
{
	send_bulk(2 * 1460);
	in_flight_is(0, 2 * 1460);
	assert_non_null(pcbnode_of(pcb)->rec->tail);
	send_bulk(2 * 1460);
	in_flight_is(0, 4 * 1460);
	ack(3 * 1460, 0, 0);			/* the tail alone is left */
	send_bulk(1460);
	in_flight_is(3 * 1460, 5 * 1460);
	ack(5 * 1460, 0, 0);			/* the tail is gone */
	assert_null(pcb->unacked);
	assert_null(pcbnode_of(pcb)->rec->tail);
	send_bulk(3 * 1460);
	in_flight_is(5 * 1460, 8 * 1460);
	ack(5 * 1460, 6 * 1460, 8 * 1460);	/* sent again from where it is */
	in_flight_is(5 * 1460, 8 * 1460);
	send_bulk(1460);
	in_flight_is(5 * 1460, 9 * 1460);
	ack(9 * 1460, 0, 0);
	assert_null(pcb->unacked);
}

static void algorithms_have_names(void **state)
{
	assert_string_equal(port_congestion_name(port_congestion_find("cubic")), "cubic");
	assert_string_equal(port_congestion_name(port_congestion_find("reno")), "reno");
	assert_int_equal(port_congestion_find("bbr"), -ENOENT);
	assert_int_equal(port_congestion_find("cub"), -ENOENT);
	assert_int_equal(port_congestion_find(""), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_cumulative_ack_frees, board),
		cmocka_unit_test_setup(sequence_numbers_wrap, board),
		cmocka_unit_test_setup(sacked_bytes_leave_the_pipe_once, board),
		cmocka_unit_test_setup(blocks_outside_are_passed_over, board),
		cmocka_unit_test_setup(sent_before_what_arrived_is_lost, board),
		cmocka_unit_test_setup(reordering_is_waited_for, board),
		cmocka_unit_test_setup(a_lost_retransmission_is_lost_again, board),
		cmocka_unit_test_setup(a_timeout_loses_all_but_what_is_held, board),
		cmocka_unit_test_setup(a_peer_that_reneges_gets_all_again, board),
		cmocka_unit_test_setup_teardown(scattered_blocks_are_bounded, board, board),
		cmocka_unit_test(rto_follows_rfc6298),
		cmocka_unit_test(slow_start_doubles),
		cmocka_unit_test(reno_adds_a_segment_a_round_trip_and_halves),
		cmocka_unit_test(cubic_comes_back_to_where_it_lost),
		cmocka_unit_test(cubic_is_no_slower_than_reno),
		cmocka_unit_test(growing_round_trips_end_slow_start),
		cmocka_unit_test(algorithms_have_names),
		cmocka_unit_test_setup_teardown(sack_repairs_a_hole_at_once, connection, end),
		cmocka_unit_test_setup_teardown(no_sack_three_dupacks_repair, connection_without_sack, end),
		cmocka_unit_test_setup_teardown(a_timeout_sends_one_segment_and_backs_off, connection, end),
		cmocka_unit_test_setup_teardown(a_thin_stream_does_not_back_off, connection, end),
		cmocka_unit_test_setup_teardown(a_silent_tail_is_probed, connection, end),
		cmocka_unit_test_setup_teardown(the_end_of_what_is_in_flight_is_known, connection, end),
		cmocka_unit_test_setup_teardown(a_smaller_path_mtu_cuts_what_goes_again, connection, end),
		/* their callback takes the place of recovery.c's */
		cmocka_unit_test(timers_fire_when_due_and_never_before),
		cmocka_unit_test(a_late_wheel_does_not_spin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
