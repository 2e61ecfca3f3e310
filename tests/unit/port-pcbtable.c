/* port-pcbtable.c - connections are found, moved and freed without a walk */
#include "port-util.h"
#include "pcbtable.h"

static struct wire w;

static int setup(void **state)
{
	wire_up(&w, "10.0.0.1", "fd00::1", false);
	return 0;
}

static int teardown(void **state)
{
	port_tcp_parking = false;
	pcbtable_wake_all();
	while (tcp_active_pcbs)
		tcp_abort(tcp_active_pcbs);
	while (tcp_tw_pcbs)
		tcp_abort(tcp_tw_pcbs);
	assert_int_equal(pcbtable_count(), 0);
	wire_down(&w);
	return 0;
}

static struct tcp_pcb *make(enum tcp_state st, uint16_t rport)
{
	struct tcp_pcb *pcb = tcp_new();

	pcb->local_ip = addr("10.0.0.1");
	pcb->remote_ip = addr("10.0.0.2");
	pcb->local_port = 80;
	pcb->remote_port = rport;
	pcb->state = st;
	pcb->rcv_nxt = 1000;
	pcbtable_reg(st == TIME_WAIT ? &tcp_tw_pcbs : &tcp_active_pcbs, pcb);
	return pcb;
}

static struct tcp_pcb *get(uint16_t rport)
{
	ip_addr_t l = addr("10.0.0.1"), r = addr("10.0.0.2");

	return pcbtable_find(&l, 80, &r, rport);
}

/* is the doubly linked list whole? */
static unsigned list_check(struct tcp_pcb *const *list)
{
	struct tcp_pcb *pcb, *prev = NULL;
	unsigned n = 0;

	for (pcb = *list; pcb; prev = pcb, pcb = pcb->next, n++) {
		assert_non_null(pcbnode_of(pcb));
		assert_ptr_equal(pcbnode_of(pcb)->prev, prev);
		assert_ptr_equal(pcbnode_of(pcb)->list, list);
	}
	return n;
}

static void many_are_found_in_any_order_of_removal(void **state)
{
	enum { N = 5000 };
	static struct tcp_pcb *pcb[N];
	int i;

	for (i = 0; i < N; i++)
		pcb[i] = make(ESTABLISHED, (uint16_t)(i + 1));
	assert_int_equal(list_check(&tcp_active_pcbs), N);
	for (i = 0; i < N; i++)
		assert_ptr_equal(get((uint16_t)(i + 1)), pcb[i]);
	for (i = 0; i < N; i += 3)
		tcp_abort(pcb[i]);
	assert_int_equal(list_check(&tcp_active_pcbs), pcbtable_count());
	for (i = 0; i < N; i++) {
		if (i % 3)
			assert_ptr_equal(get((uint16_t)(i + 1)), pcb[i]);
		else
			assert_null(get((uint16_t)(i + 1)));
	}
}

static void timeout_unlinks_in_the_middle(void **state)
{
	struct tcp_pcb *pcb[5];
	int i;

	for (i = 0; i < 5; i++)
		pcb[i] = make(ESTABLISHED, (uint16_t)(i + 1));
	pcb[0]->nrtx = TCP_MAXRTX;	/* last of the list, middle, first */
	pcb[2]->nrtx = TCP_MAXRTX;
	pcb[4]->nrtx = TCP_MAXRTX;
	tcp_slowtmr();
	assert_int_equal(list_check(&tcp_active_pcbs), 2);
	assert_null(get(1));
	assert_ptr_equal(get(2), pcb[1]);
	assert_null(get(3));
	assert_ptr_equal(get(4), pcb[3]);
	assert_int_equal(pcbtable_count(), 2);
}

static void time_wait_expires(void **state)
{
	int i;

	for (i = 0; i < 3; i++)
		make(TIME_WAIT, (uint16_t)(i + 1))->tmr = tcp_ticks;
	tcp_tw_pcbs->next->tmr = tcp_ticks - 2 * TCP_MSL / TCP_SLOW_INTERVAL;
	tcp_slowtmr();
	assert_int_equal(list_check(&tcp_tw_pcbs), 2);
	assert_null(get(2));
	assert_int_equal(port_tcp_due(), PORT_TICK_MS);
}

static void removal_of_one_in_no_list_does_nothing(void **state)
{
	struct tcp_pcb *other = make(ESTABLISHED, 1), *pcb = tcp_new();

	pcb->local_port = 81;
	tcp_abort(pcb);			/* CLOSED and bound by hand: TCP_RMV */
	assert_int_equal(list_check(&tcp_active_pcbs), 1);
	assert_ptr_equal(get(1), other);
}

static void listen_on_one_bound_by_hand(void **state)
{
	struct tcp_pcb *pcb = tcp_new(), *l;

	pcb->local_ip = addr("10.0.0.1");
	pcb->local_port = 80;
	l = tcp_listen(pcb);
	assert_non_null(l);
	assert_ptr_equal(tcp_listen_pcbs.pcbs, l);
	assert_null(pcbnode_of(l));
	assert_int_equal(tcp_close(l), ERR_OK);
	assert_null(tcp_listen_pcbs.pcbs);
}

static err_t accept_any(void *arg, struct tcp_pcb *pcb, err_t err)
{
	return ERR_OK;
}

static struct tcp_pcb *listener(void)
{
	struct tcp_pcb *pcb = tcp_new();

	pcb->local_ip = addr("10.0.0.1");
	pcb->local_port = 80;
	pcb = tcp_listen(pcb);
	tcp_accept(pcb, accept_any);
	return pcb;
}

static void inject(uint16_t rport, uint32_t seq, uint32_t ack, uint8_t flags)
{
	ip_addr_t l = addr("10.0.0.1"), r = addr("10.0.0.2");

	ip_input(segment4(&r, rport, &l, 80, seq, ack, flags, 1000, NULL, 0, NULL, 0), &w.netif);
}

static void a_connection_from_syn_to_time_wait(void **state)
{
	struct tcp_pcb *l = listener(), *pcb;
	uint32_t iss;

	inject(7, 100, 0, TCP_SYN);
	pcb = get(7);
	assert_non_null(pcb);
	assert_int_equal(pcb->state, SYN_RCVD);
	iss = lwip_ntohl(sent_tcp4(&w, 0)->seqno);
	inject(7, 101, iss + 1, TCP_ACK);
	assert_int_equal(pcb->state, ESTABLISHED);
	tcp_shutdown(pcb, 0, 1);
	inject(7, 101, iss + 2, TCP_ACK);
	assert_int_equal(pcb->state, FIN_WAIT_2);
	inject(7, 101, iss + 2, TCP_ACK | TCP_FIN);
	assert_int_equal(pcb->state, TIME_WAIT);
	assert_ptr_equal(get(7), pcb);
	assert_int_equal(list_check(&tcp_active_pcbs), 0);
	assert_int_equal(list_check(&tcp_tw_pcbs), 1);
	tcp_close(l);
}

static void a_new_syn_reuses_time_wait(void **state)
{
	struct tcp_pcb *l = listener();

	make(TIME_WAIT, 9);
	inject(9, 500, 0, TCP_SYN);	/* below rcv_nxt: an old duplicate */
	assert_int_equal(get(9)->state, TIME_WAIT);
	wire_clear(&w);
	inject(9, 2000, 0, TCP_SYN);
	assert_int_equal(get(9)->state, SYN_RCVD);
	assert_int_equal(TCPH_FLAGS(sent_tcp4(&w, 0)), TCP_SYN | TCP_ACK);
	assert_null(tcp_tw_pcbs);
	tcp_close(l);
}

static void a_pcb_bound_to_another_interface_is_passed_over(void **state)
{
	struct tcp_pcb *pcb = make(ESTABLISHED, 3), *behind = make(ESTABLISHED, 4);

	pcb->netif_idx = 200;
	inject(3, 1000, 0, TCP_ACK);
	assert_int_equal(TCPH_FLAGS(sent_tcp4(&w, 0)) & TCP_RST, TCP_RST);
	assert_ptr_equal(get(4), behind);
	assert_int_equal(list_check(&tcp_active_pcbs), 2);
}

static void idle(unsigned ms)
{
	for (; ms >= PORT_TICK_MS; ms -= PORT_TICK_MS)
		port_tcp_tick();
}

static void idle_connections_are_parked_and_woken(void **state)
{
	struct tcp_pcb *pcb[4];
	int i;

	for (i = 0; i < 4; i++) {
		pcb[i] = make(ESTABLISHED, (uint16_t)(i + 1));
		pcb[i]->tmr = tcp_ticks;
		pcb[i]->snd_wnd = pcb[i]->snd_wnd_max = 1000;
		pcb[i]->cwnd = 1000;
	}
	ip_set_option(pcb[3], SOF_KEEPALIVE);
	port_tcp_parking = true;
	idle(3000);
	assert_ptr_equal(tcp_active_pcbs, pcb[3]);	/* keepalive is timed */
	assert_int_equal(list_check(&tcp_active_pcbs), 1);
	assert_int_equal(pcbtable_count(), 4);
	for (i = 0; i < 4; i++)
		assert_ptr_equal(get((uint16_t)(i + 1)), pcb[i]);
	inject(1, 1000, 0, TCP_ACK);			/* a segment */
	assert_ptr_equal(tcp_active_pcbs, pcb[0]);
	wire_clear(&w);
	assert_int_equal(tcp_write(pcb[1], "x", 1, TCP_WRITE_FLAG_COPY), ERR_OK);
	assert_ptr_equal(tcp_active_pcbs, pcb[1]);
	assert_int_equal(tcp_output(pcb[1]), ERR_OK);
	idle(5000);
	assert_in_range(w.nsent, 2, 10);		/* it is retransmitted */
	assert_int_equal(tcp_shutdown(pcb[2], 0, 1), ERR_OK);
	assert_int_equal(pcbnode_of(pcb[2])->list == pcbnode_of(pcb[1])->list, 1);
	port_tcp_parking = false;
}

static void a_parked_connection_can_be_aborted_and_readdressed(void **state)
{
	ip4_addr_t none, mask;
	struct tcp_pcb *pcb = make(ESTABLISHED, 1);

	make(ESTABLISHED, 2)->tmr = pcb->tmr = tcp_ticks;
	port_tcp_parking = true;
	idle(3000);
	assert_null(tcp_active_pcbs);
	assert_int_equal(port_tcp_due(), PORT_TCP_NEVER);
	tcp_abort(pcb);
	assert_int_equal(pcbtable_count(), 1);
	IP4_ADDR(&none, 10, 0, 0, 77);
	IP4_ADDR(&mask, 255, 255, 255, 0);
	netif_set_addr(&w.netif, &none, &mask, &mask);
	assert_int_equal(pcbtable_count(), 0);	/* lwIP resets it */
	port_tcp_parking = false;
}

/* as if @ms had passed since it entered TIME_WAIT */
static void age(struct tcp_pcb *pcb, uint32_t ms)
{
	pcbnode_of(pcb)->tw_since -= ms;
}

static void time_wait_beside_parking_is_in_no_list_of_lwip(void **state)
{
	struct tcp_pcb *pcb[3];

	port_tcp_parking = true;
	for (int i = 0; i < 3; i++)
		pcb[i] = make(TIME_WAIT, (uint16_t)(i + 1));
	assert_null(tcp_tw_pcbs);
	assert_in_range(port_tcp_due(), TCP_MSL, 2 * TCP_MSL);
	tcp_abort(pcb[1]);			/* a new SYN took its place */
	assert_int_equal(pcbtable_count(), 2);
	age(pcb[0], 2 * TCP_MSL);
	age(pcb[2], 2 * TCP_MSL);
	pcb[2]->tmr++;				/* the peer's FIN came again */
	assert_int_equal(port_tcp_due(), 0);
	port_tcp_tick();
	assert_null(get(1));
	assert_ptr_equal(get(3), pcb[2]);
	assert_in_range(port_tcp_due(), TCP_MSL, 2 * TCP_MSL);
	age(pcb[2], 2 * TCP_MSL);
	port_tcp_tick();
	assert_int_equal(pcbtable_count(), 0);
	assert_int_equal(port_tcp_due(), PORT_TCP_NEVER);
	port_tcp_parking = false;
}

static void one_at_rest_is_parked_at_once(void **state)
{
	struct tcp_pcb *pcb = make(ESTABLISHED, 1);

	port_tcp_rest(pcb);
	assert_ptr_equal(tcp_active_pcbs, pcb);	/* parking is off */
	port_tcp_parking = true;
	tcp_ack(pcb);				/* an ACK is owed */
	port_tcp_rest(pcb);
	assert_ptr_equal(tcp_active_pcbs, pcb);
	port_tcp_tick();			/* it goes out, and then there is nothing */
	assert_null(tcp_active_pcbs);
	assert_int_equal(port_tcp_due(), PORT_TCP_NEVER);
	port_tcp_parking = false;
}

static err_t connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	port_tcp_established(pcb);
	port_tcp_hold_ack(pcb);
	return ERR_OK;
}

/* a connection of ours whose SYN|ACK has just come */
static struct tcp_pcb *connect_held(uint16_t port)
{
	ip_addr_t l = addr("10.0.0.1"), r = addr("10.0.0.2");
	struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_V4);
	uint32_t iss;

	pcb->local_ip = l;
	pcb->local_port = port;
	assert_int_equal(tcp_connect(pcb, &r, 80, connected), ERR_OK);
	iss = lwip_ntohl(sent_tcp4(&w, 0)->seqno);
	wire_clear(&w);
	ip_input(segment4(&r, 80, &l, port, 100, iss + 1, TCP_SYN | TCP_ACK, 1000, NULL, 0,
			  NULL, 0), &w.netif);
	assert_int_equal(pcb->state, ESTABLISHED);
	assert_int_equal(w.nsent, 0);
	return pcb;
}

static void the_ack_of_a_syn_ack_goes_with_data(void **state)
{
	struct tcp_pcb *pcb = connect_held(1000);

	assert_int_equal(tcp_write(pcb, "x", 1, TCP_WRITE_FLAG_COPY), ERR_OK);
	assert_int_equal(tcp_output(pcb), ERR_OK);
	assert_int_equal(w.nsent, 1);
	assert_int_equal(TCPH_FLAGS(sent_tcp4(&w, 0)) & TCP_ACK, TCP_ACK);
	assert_int_equal(lwip_ntohl(sent_tcp4(&w, 0)->ackno), 101);
	assert_int_equal(pcb->flags & (TF_ACK_DELAY | TF_ACK_NOW), 0);
}

static void the_ack_of_a_syn_ack_waits_no_longer_than_any(void **state)
{
	connect_held(1001);
	port_tcp_tick();
	assert_int_equal(w.nsent, 1);
	assert_int_equal(lwip_ntohl(sent_tcp4(&w, 0)->ackno), 101);
}

/* keys of one table of buckets, which doubles while a walk goes on: that is all a scan knows */
static void a_scan_meets_each_once_while_the_table_grows(void **state)
{
	for (unsigned grow_at = 0; grow_at < 40; grow_at++) {
		unsigned seen[1024] = { 0 }, steps = 0;
		uint32_t cursor = 0, mask = 31;

		do {
			if (steps++ == grow_at)
				mask = 255;
			for (uint32_t key = cursor & mask; key < 1024; key += mask + 1)
				seen[key]++;
			cursor = port_scan_next(cursor, mask);
		} while (cursor);
		for (uint32_t key = 0; key < 1024; key++)
			assert_int_equal(seen[key], 1);
	}
}

static bool count_one(const struct tcp_pcb *pcb, void *arg)
{
	++*(unsigned *)arg;
	return true;
}

static void a_scan_comes_to_its_end(void **state)
{
	unsigned found = 0, steps = 0;
	uint32_t cursor = 0;

	connect_held(1001);
	while (port_tcp_scan(&cursor, count_one, &found))
		assert_true(++steps < 1u << 20);
	assert_int_equal(found, pcbtable_count());
	assert_true(found > 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(many_are_found_in_any_order_of_removal),
		T(timeout_unlinks_in_the_middle),
		T(time_wait_expires),
		T(removal_of_one_in_no_list_does_nothing),
		T(listen_on_one_bound_by_hand),
		T(a_connection_from_syn_to_time_wait),
		T(a_new_syn_reuses_time_wait),
		T(idle_connections_are_parked_and_woken),
		T(a_parked_connection_can_be_aborted_and_readdressed),
		T(time_wait_beside_parking_is_in_no_list_of_lwip),
		T(one_at_rest_is_parked_at_once),
		T(the_ack_of_a_syn_ack_goes_with_data),
		T(the_ack_of_a_syn_ack_waits_no_longer_than_any),
		T(a_pcb_bound_to_another_interface_is_passed_over),
		T(a_scan_comes_to_its_end),
		cmocka_unit_test(a_scan_meets_each_once_while_the_table_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
