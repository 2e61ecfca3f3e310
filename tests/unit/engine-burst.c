/* engine-burst.c - how many reads a wake-up makes follows what it finds */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "engine/burst.h"

#define MOST	32

/* wake-ups that find @there at the most; returns how many reads found nothing */
static int wake_ups(struct burst *b, int n, int there)
{
	int in_vain = 0;

	for (int i = 0; i < n; i++) {
		int got = b->ask < there ? b->ask : there;

		in_vain += got < b->ask;
		burst_got(b, got, MOST);
	}
	return in_vain;
}

static void a_conversation_hardly_reads_in_vain(void **state)
{
	struct burst b;

	burst_init(&b);
	wake_ups(&b, 100, 1);
	assert_in_range(wake_ups(&b, 1000, 1), 1, 1000 / BURST_PATIENCE_MAX);
}

static void a_stream_fills_its_bursts(void **state)
{
	struct burst b;

	burst_init(&b);
	wake_ups(&b, 1000, 1);			/* patient by then */
	wake_ups(&b, BURST_PATIENCE_MAX + 4 * BURST_PATIENCE, 1000);
	assert_int_equal(b.ask, MOST);
	assert_int_equal(b.patience, BURST_PATIENCE);
}

static void the_limit_holds(void **state)
{
	struct burst b;

	burst_init(&b);
	for (int i = 0; i < 100; i++) {
		burst_got(&b, b.ask, 5);
		assert_in_range(b.ask, 1, 5);
	}
	assert_int_equal(b.ask, 5);
	burst_halve(&b);
	assert_int_equal(b.ask, 2);
	burst_halve(&b);
	burst_halve(&b);
	assert_int_equal(b.ask, 1);
	burst_got(&b, 0, 5);
	assert_int_equal(b.ask, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_conversation_hardly_reads_in_vain),
		cmocka_unit_test(a_stream_fills_its_bursts),
		cmocka_unit_test(the_limit_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
