/* port-urgent.c - where urgent bytes are, told and heard
 *
 * The peer is this file: it looks at URG and the pointer of what lwIP sent, and sends
 * segments with them, out of order, twice, and wrong.
 */
#include "port-util.h"

#define MSS	1460u

static struct wire w;
static struct tcp_pcb *pcb;
static uint32_t iss;
static char bulk[60000];
static char got[64];
static size_t ngot;
static uint32_t told[8];
static unsigned ntold;

static void from_peer(uint32_t seq, uint32_t ack, uint8_t flags, uint16_t wnd, const char *data,
		      int urgp, const void *opt, unsigned optlen)
{
	ip_addr_t l = addr("10.0.0.1"), r = addr("10.0.0.2");
	struct pbuf *p = segment4(&r, 80, &l, 5000, 1000 + seq, ack, flags, wnd, opt, optlen,
				  data, data ? (unsigned)strlen(data) : 0);
	struct tcp_hdr *t = (struct tcp_hdr *)((uint8_t *)p->payload + 20);

	if (urgp >= 0) {
		TCPH_SET_FLAG(t, TCP_URG);
		t->urgp = lwip_htons((u16_t)urgp);
		pbuf_remove_header(p, 20);
		t->chksum = 0;
		t->chksum = ip_chksum_pseudo(p, IP_PROTO_TCP, p->tot_len, &r, &l);
		pbuf_add_header(p, 20);
	}
	ip_input(p, &w.netif);
}

/* @data at offset @seq of the peer's stream, with an urgent pointer if it is not -1 */
static void say(uint32_t seq, const char *data, int urgp)
{
	from_peer(seq, pcb->snd_nxt, TCP_ACK, 60000, data, urgp, NULL, 0);
}

static void ack(uint32_t una)
{
	from_peer(ngot, iss + 1 + una, TCP_ACK, 60000, NULL, -1, NULL, 0);
}

static err_t on_recv(void *arg, struct tcp_pcb *p, struct pbuf *b, err_t err)
{
	uint32_t seq;

	if (!b)
		return ERR_OK;
	if (port_tcp_urgent_in(p, &seq)) {
		assert_true(ntold < sizeof(told) / sizeof(told[0]));
		told[ntold++] = seq - 1000;
	}
	assert_true(ngot + b->tot_len < sizeof(got));
	pbuf_copy_partial(b, got + ngot, b->tot_len, 0);
	ngot += b->tot_len;
	tcp_recved(p, b->tot_len);
	pbuf_free(b);
	return ERR_OK;
}

static err_t connected(void *arg, struct tcp_pcb *p, err_t err)
{
	port_tcp_established(p);
	return ERR_OK;
}

static void up(bool vnet)
{
	static const uint8_t opt[] = { 2, 4, 5, 180, 4, 2, 1, 1 };	/* MSS 1460, SACK */
	ip_addr_t r = addr("10.0.0.2");

	wire_up(&w, "10.0.0.1", "fd00::1", vnet);
	ngot = ntold = 0;
	memset(got, 0, sizeof(got));
	pcb = tcp_new();
	pcb->local_ip = addr("10.0.0.1");
	pcb->local_port = 5000;
	assert_int_equal(tcp_connect(pcb, &r, 80, connected), ERR_OK);
	tcp_recv(pcb, on_recv);
	iss = lwip_ntohl(sent_tcp4(&w, 0)->seqno);
	from_peer(-1u, iss + 1, TCP_SYN | TCP_ACK, 60000, NULL, -1, opt, sizeof(opt));
	assert_int_equal(pcb->state, ESTABLISHED);
	pcb->cwnd = 60000;
	wire_clear(&w);
}

static int connection(void **state)
{
	up(false);
	return 0;
}

static int connection_with_tso(void **state)
{
	up(true);
	return 0;
}

static int end(void **state)
{
	tcp_abort(pcb);
	wire_down(&w);
	return 0;
}

static void queue(unsigned len)
{
	assert_int_equal(tcp_write(pcb, bulk, (u16_t)len, TCP_WRITE_FLAG_COPY), ERR_OK);
	assert_int_equal(tcp_output(pcb), ERR_OK);
}

/* offset in the stream of the urgent byte that a sent packet tells of; -1: none */
static long marked(unsigned i)
{
	const struct tcp_hdr *t = sent_tcp4(&w, i);

	if (!(TCPH_FLAGS(t) & TCP_URG)) {
		assert_int_equal(t->urgp, 0);
		return -1;
	}
	return (long)(lwip_ntohl(t->seqno) + lwip_ntohs(t->urgp) - 1 - (iss + 1));
}

/* ---- out ---- */

static void the_byte_s_segment_is_marked(void **state)
{
	port_tcp_urgent(pcb, pcb->snd_lbb + 2 * MSS + 10);
	queue(2 * MSS);
	queue(10);
	queue(100);
	assert_int_equal(w.nsent, 4);
	assert_int_equal(marked(0), -1);
	assert_int_equal(marked(1), -1);
	assert_int_equal(marked(2), 2 * MSS + 9);
	assert_int_equal(marked(3), -1);
	assert_true(port_tcp_urgent_mode(pcb));
	wire_clear(&w);
	ack(2 * MSS);
	assert_true(port_tcp_urgent_mode(pcb));
	ack(2 * MSS + 10);
	assert_false(port_tcp_urgent_mode(pcb));
	queue(100);
	assert_int_equal(marked(0), -1);
}

static void the_byte_may_lie_amid_its_segment(void **state)
{
	port_tcp_urgent(pcb, pcb->snd_lbb + 10);
	queue(MSS);
	assert_int_equal(marked(0), 9);
}

static void a_new_byte_takes_the_mark(void **state)
{
	port_tcp_urgent(pcb, pcb->snd_lbb + 1);
	queue(1);
	port_tcp_urgent(pcb, pcb->snd_lbb + 11);
	queue(10);
	queue(1);
	assert_int_equal(marked(0), 0);
	assert_int_equal(marked(1), -1);
	assert_int_equal(marked(2), 11);
}

static void the_pointer_has_16_bits(void **state)
{
	port_tcp_urgent(pcb, pcb->snd_lbb + 65535 + 1);	/* beyond the window of 60000, too */
	tcp_send_empty_ack(pcb);
	queue(1);
	tcp_send_empty_ack(pcb);
	assert_int_equal(marked(0), -1);
	assert_int_equal(marked(2), 65535);
}

static void an_ack_tells_of_what_the_window_keeps_back(void **state)
{
	port_tcp_urgent(pcb, pcb->snd_lbb + 5);
	tcp_send_empty_ack(pcb);
	assert_int_equal(marked(0), -1);
	wire_clear(&w);
	from_peer(0, iss + 1, TCP_ACK, 4, NULL, -1, NULL, 0);
	tcp_send_empty_ack(pcb);
	assert_int_equal(marked(0), 4);
}

static void what_is_sent_again_is_marked(void **state)
{
	uint8_t opt[12] = { 1, 1, 5, 10 };
	uint32_t be[2];
	struct pbuf *p;

	port_tcp_urgent(pcb, pcb->snd_lbb + MSS + 1);
	queue(MSS);
	queue(1);
	queue(5 * MSS);
	wire_clear(&w);
	be[0] = lwip_htonl(iss + 1 + MSS + 1);
	be[1] = lwip_htonl(iss + 1 + 5 * MSS + 1);
	memcpy(opt + 4, be, 8);
	from_peer(0, iss + 1, TCP_ACK, 60000, NULL, -1, opt, sizeof(opt));
	assert_true(w.nsent >= 2);
	assert_int_equal(lwip_ntohl(sent_tcp4(&w, 0)->seqno), iss + 1);
	assert_int_equal(marked(0), -1);
	assert_int_equal(lwip_ntohl(sent_tcp4(&w, 1)->seqno), iss + 1 + MSS);
	assert_int_equal(marked(1), MSS);
	p = pbuf_alloc_reference(w.data[1] + 20, (u16_t)(w.len[1] - 20), PBUF_ROM);
	assert_int_equal(ip_chksum_pseudo(p, IP_PROTO_TCP, p->tot_len, &pcb->local_ip,
					  &pcb->remote_ip), 0);
	pbuf_free(p);
}

static void what_is_to_be_cut_is_not_marked(void **state)
{
	queue(10 * MSS);
	assert_int_equal(w.nsent, 1);		/* with TSO */
	wire_clear(&w);
	port_tcp_urgent(pcb, pcb->snd_lbb + 10 * MSS);
	queue(10 * MSS);
	assert_int_equal(w.nsent, 1);
	assert_int_equal(marked(0), -1);
	wire_clear(&w);
	port_tcp_urgent(pcb, pcb->snd_lbb + MSS);
	queue(MSS);
	assert_int_equal(marked(0), 21 * MSS - 1);
}

static void nothing_is_sent_again_to_be_cut(void **state)
{
	uint8_t opt[12] = { 1, 1, 5, 10 };
	uint32_t be[2];

	port_tcp_urgent(pcb, pcb->snd_lbb + 4 * MSS + 1);
	queue(4 * MSS);
	queue(1);
	queue(5 * MSS);
	wire_clear(&w);
	be[0] = lwip_htonl(iss + 1 + 4 * MSS + 1);
	be[1] = lwip_htonl(iss + 1 + 9 * MSS + 1);
	memcpy(opt + 4, be, 8);
	from_peer(0, iss + 1, TCP_ACK, 60000, NULL, -1, opt, sizeof(opt));
	assert_true(w.nsent >= 1);
	for (unsigned i = 0; i < w.nsent; i++)
		assert_in_range(w.len[i], 41, 40 + MSS);
	assert_int_equal(marked(w.nsent - 1), 4 * MSS);
}

/* ---- in ---- */

static void the_byte_is_told_with_its_data(void **state)
{
	say(0, "abcu", 4);
	assert_string_equal(got, "abcu");
	assert_int_equal(ntold, 1);
	assert_int_equal(told[0], 3);
	say(4, "def", -1);
	assert_int_equal(ntold, 1);
	say(7, "v", 0);				/* a pointer of 0 */
	assert_int_equal(ntold, 2);
	assert_int_equal(told[1], 7);
}

static void an_ack_announces(void **state)
{
	uint32_t seq;

	say(0, NULL, 4);
	assert_true(port_tcp_urgent_in(pcb, &seq));
	assert_int_equal(seq, 1003);
	assert_false(port_tcp_urgent_in(pcb, &seq));
}

static void what_comes_again_is_not_told_again(void **state)
{
	say(0, "abcu", 4);
	say(0, "abcu", 4);
	say(2, "cudef", 2);			/* overlaps */
	say(7, "ghi", 0);			/* 0: its own first byte */
	assert_string_equal(got, "abcudefghi");
	assert_int_equal(ntold, 2);
	assert_int_equal(told[1], 7);
}

static void order_does_not_matter(void **state)
{
	say(3, "u", 1);				/* before "abc" */
	say(4, "def", -1);
	assert_int_equal(ngot, 0);
	say(0, "abc", 4);
	assert_string_equal(got, "abcudef");
	assert_int_equal(ntold, 1);
	assert_int_equal(told[0], 3);
}

static void the_latest_counts(void **state)
{
	say(6, "v", 1);
	say(3, "u", 1);				/* sent before, comes later */
	say(4, "de", -1);
	say(0, "abc", 4);
	assert_string_equal(got, "abcudev");
	assert_int_equal(ntold, 1);
	assert_int_equal(told[0], 6);
}

static void what_is_not_acceptable_tells_nothing(void **state)
{
	uint32_t seq;

	say(5000000, "x", 1);
	assert_false(port_tcp_urgent_in(pcb, &seq));
	say(-100000u, "x", 1);
	assert_false(port_tcp_urgent_in(pcb, &seq));
	assert_int_equal(ngot, 0);
	from_peer(0, pcb->snd_nxt + 1, TCP_ACK, 60000, NULL, 1, NULL, 0);
	assert_false(port_tcp_urgent_in(pcb, &seq));
}

/* a client may send its first byte, urgent, with the handshake's ACK */
static err_t on_accept(void *arg, struct tcp_pcb *p, err_t err)
{
	pcb = p;
	port_tcp_established(p);
	tcp_recv(p, on_recv);
	return ERR_OK;
}

static void the_handshake_may_tell(void **state)
{
	struct tcp_pcb *l = tcp_new();

	l->local_ip = addr("10.0.0.1");
	l->local_port = 5001;
	l = tcp_listen(l);
	tcp_accept(l, on_accept);
	tcp_abort(pcb);
	pcb = NULL;
	wire_clear(&w);
	for (int i = 0; i < 2; i++) {
		ip_addr_t here = addr("10.0.0.1"), r = addr("10.0.0.2");
		struct pbuf *p = segment4(&r, 80, &here, 5001, i ? 1000 : 999,
					  i ? lwip_ntohl(sent_tcp4(&w, 0)->seqno) + 1 : 0,
					  i ? TCP_ACK | TCP_URG : TCP_SYN, 60000, NULL, 0, "u", (unsigned)i);
		struct tcp_hdr *t = (struct tcp_hdr *)((uint8_t *)p->payload + 20);

		if (i) {
			uint32_t sum = (~t->chksum & 0xffffu) + PP_HTONS(1);

			t->urgp = PP_HTONS(1);
			t->chksum = (u16_t)~((sum & 0xffff) + (sum >> 16));
		}
		ip_input(p, &w.netif);
	}
	tcp_close(l);
	assert_non_null(pcb);
	assert_string_equal(got, "u");
	assert_int_equal(ntold, 1);
	assert_int_equal(told[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_byte_s_segment_is_marked, connection, end),
		cmocka_unit_test_setup_teardown(the_byte_may_lie_amid_its_segment, connection, end),
		cmocka_unit_test_setup_teardown(a_new_byte_takes_the_mark, connection, end),
		cmocka_unit_test_setup_teardown(the_pointer_has_16_bits, connection, end),
		cmocka_unit_test_setup_teardown(an_ack_tells_of_what_the_window_keeps_back, connection, end),
		cmocka_unit_test_setup_teardown(what_is_sent_again_is_marked, connection, end),
		cmocka_unit_test_setup_teardown(what_is_to_be_cut_is_not_marked, connection_with_tso, end),
		cmocka_unit_test_setup_teardown(nothing_is_sent_again_to_be_cut, connection_with_tso, end),
		cmocka_unit_test_setup_teardown(the_byte_is_told_with_its_data, connection, end),
		cmocka_unit_test_setup_teardown(an_ack_announces, connection, end),
		cmocka_unit_test_setup_teardown(what_comes_again_is_not_told_again, connection, end),
		cmocka_unit_test_setup_teardown(order_does_not_matter, connection, end),
		cmocka_unit_test_setup_teardown(the_latest_counts, connection, end),
		cmocka_unit_test_setup_teardown(what_is_not_acceptable_tells_nothing, connection, end),
		cmocka_unit_test_setup_teardown(the_handshake_may_tell, connection, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
