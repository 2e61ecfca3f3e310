/* proto-board.c - what the board says of a datagram, whole or while it changes */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "proto/board.h"

static struct board board;

static void add(struct board_ways *w, const char *net, unsigned plen, enum board_way way)
{
	bool v6 = strchr(net, ':');
	uint8_t ip[16];

	assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, net, ip), 1);
	board_add(w, v6 ? BOARD_IP6 : BOARD_IP4, ip, plen, way);
}

static struct board_query to(const char *ip)
{
	struct board_query q = { .family = strchr(ip, ':') ? BOARD_IP6 : BOARD_IP4 };

	assert_int_equal(inet_pton(q.family == BOARD_IP6 ? AF_INET6 : AF_INET, ip, q.to), 1);
	return q;
}

static void from(struct board_query *q, const char *ip)
{
	q->from_given = true;
	assert_int_equal(inet_pton(q->family == BOARD_IP6 ? AF_INET6 : AF_INET, ip, q->from), 1);
}

static enum board_way look(const struct board_query *q)
{
	uint32_t seq;

	return board_look(&board, q, &seq);
}

static enum board_way look_at(const char *ip)
{
	struct board_query q = to(ip);

	return look(&q);
}

static struct board_ways some_ways(void)
{
	struct board_ways w;

	memset(&w, 0, sizeof(w));
	w.mtu = 1500;
	add(&w, "10.0.0.255", 32, BOARD_BROADCAST);
	add(&w, "10.0.0.70", 32, BOARD_SELF);
	add(&w, "10.0.0.64", 29, BOARD_ASK);
	add(&w, "10.0.0.0", 24, BOARD_FINE);
	add(&w, "fc00::1:70", 128, BOARD_SELF);
	add(&w, "fc00::", 63, BOARD_FINE);
	w.index[BOARD_IP4][1] = 1 << 3;		/* 35 */
	return w;
}

static int fresh(void **state)
{
	memset(&board, 0, sizeof(board));
	board_init(&board);
	return 0;
}

static void an_empty_one_says_nothing(void **state)
{
	assert_true(board_valid(&board, sizeof(board)));
	assert_false(board_valid(&board, sizeof(board) - 1));
	assert_int_equal(look_at("10.0.0.1"), BOARD_ASK);
	assert_int_equal(look_at("fc00::1"), BOARD_ASK);
	board.version++;
	assert_false(board_valid(&board, sizeof(board)));
}

static void the_first_match_counts(void **state)
{
	struct board_ways w = some_ways();

	board_publish(&board, &w);
	assert_int_equal(look_at("10.0.0.70"), BOARD_SELF);
	assert_int_equal(look_at("10.0.0.71"), BOARD_ASK);
	assert_int_equal(look_at("10.0.0.72"), BOARD_FINE);
	assert_int_equal(look_at("10.0.1.72"), BOARD_ASK);
	assert_int_equal(look_at("fc00::1:70"), BOARD_SELF);
	assert_int_equal(look_at("fc00::1:71"), BOARD_FINE);
	assert_int_equal(look_at("fc00:0:0:1::"), BOARD_FINE);
	assert_int_equal(look_at("fc00:0:0:2::"), BOARD_ASK);
}

static void all_else_counts_too(void **state)
{
	struct board_ways w = some_ways();
	struct board_query q = to("10.0.0.255");

	board_publish(&board, &w);
	assert_int_equal(look(&q), BOARD_ASK);
	q.broadcast = true;
	assert_int_equal(look(&q), BOARD_FINE);
	q = to("10.0.0.1");
	q.whole = 1500;
	assert_int_equal(look(&q), BOARD_FINE);
	q.whole = 1501;
	assert_int_equal(look(&q), BOARD_ASK);
	q = to("10.0.0.1");
	from(&q, "10.0.0.70");
	assert_int_equal(look(&q), BOARD_FINE);
	from(&q, "10.0.0.1");
	assert_int_equal(look(&q), BOARD_ASK);
	from(&q, "0.0.0.0");
	assert_int_equal(look(&q), BOARD_FINE);
	q.index = 35;
	assert_int_equal(look(&q), BOARD_FINE);
	q.index = 3;
	assert_int_equal(look(&q), BOARD_ASK);
	q.index = 35 + BOARD_INDEXES;
	assert_int_equal(look(&q), BOARD_ASK);
}

static void too_many_are_cut(void **state)
{
	struct board_ways w = some_ways();

	while (w.n[BOARD_IP4] < BOARD_PREFIXES)
		add(&w, "172.16.0.0", 16, BOARD_FINE);
	add(&w, "0.0.0.0", 0, BOARD_FINE);
	assert_int_equal(w.n[BOARD_IP4], BOARD_PREFIXES);
	board_publish(&board, &w);
	assert_int_equal(look_at("172.16.3.4"), BOARD_FINE);
	assert_int_equal(look_at("192.0.2.1"), BOARD_ASK);
	/* what a hostile writer could put there does not lead out of the array */
	board.ways.n[BOARD_IP4] = UINT32_MAX;
	assert_int_equal(look_at("192.0.2.1"), BOARD_ASK);
}

static void its_number_tells_changes(void **state)
{
	struct board_ways w = some_ways();
	struct board_query q = to("10.0.0.1");
	uint32_t before, then;

	board_publish(&board, &w);
	assert_int_equal(board_look(&board, &q, &before), BOARD_FINE);
	board_publish(&board, &w);	/* the same */
	board_look(&board, &q, &then);
	assert_int_equal(then, before);
	w.mtu--;
	board_publish(&board, &w);
	board_look(&board, &q, &then);
	assert_int_not_equal(then, before);
	/* the writer died in the middle */
	board.seq++;
	assert_int_equal(board_look(&board, &q, &then), BOARD_ASK);
}

/* Two states, each of which says "ask" to the question; only a mixture says "fine". */
static struct board_ways states[2];
static int done;

static void *flip(void *arg)
{
	for (unsigned i = 0; !__atomic_load_n(&done, __ATOMIC_RELAXED); i++)
		board_publish(&board, &states[i & 1]);
	return NULL;
}

static void a_mixture_is_never_seen(void **state)
{
	struct board_query q = to("10.9.9.9");
	uint32_t seq, seen = 0, changes = 0;
	pthread_t writer;

	q.whole = 1000;
	memset(states, 0, sizeof(states));
	for (int i = 0; i < 60; i++)	/* so that reading takes a while */
		for (int k = 0; k < 2; k++)
			add(&states[k], "172.16.0.0", 16, BOARD_ASK);
	add(&states[0], "10.0.0.0", 8, BOARD_FINE);
	states[0].mtu = 500;
	add(&states[1], "10.0.0.0", 8, BOARD_ASK);
	states[1].mtu = 1500;
	board_publish(&board, &states[0]);
	assert_int_equal(pthread_create(&writer, NULL, flip, NULL), 0);
	for (int i = 0; i < 100000 || changes < 100; i++) {
		assert_int_equal(board_look(&board, &q, &seq), BOARD_ASK);
		changes += seq != seen;
		seen = seq;
	}
	__atomic_store_n(&done, 1, __ATOMIC_RELAXED);
	pthread_join(writer, NULL);
	/* and the mixture would be seen */
	board.ways.prefix[BOARD_IP4][60].way = BOARD_FINE;
	board.ways.mtu = 1500;
	assert_int_equal(look(&q), BOARD_FINE);
}

static void counters_go_up_and_down(void **state)
{
	uint32_t *c = BOARD_AT(board.error, 0xfedcba9876543210u);

	assert_ptr_equal(c, &board.error[0x210]);
	board_count(c, 1);
	board_count(c, 1);
	assert_int_equal(board_read(c), 2);
	board_count(c, -1);
	board_count(c, -1);
	assert_int_equal(board_read(c), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_one_says_nothing, fresh),
		cmocka_unit_test_setup(the_first_match_counts, fresh),
		cmocka_unit_test_setup(all_else_counts_too, fresh),
		cmocka_unit_test_setup(too_many_are_cut, fresh),
		cmocka_unit_test_setup(its_number_tells_changes, fresh),
		cmocka_unit_test_setup(a_mixture_is_never_seen, fresh),
		cmocka_unit_test_setup(counters_go_up_and_down, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
