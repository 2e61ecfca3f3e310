/* link-impair.c - a link that loses, delays, reorders and repeats frames */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "link/link.h"

#define FRAMES	1000

static struct link *l;
static int peer;

static void open_impaired(const char *how)
{
	char spec[256], err[512] = "";
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	snprintf(spec, sizeof(spec), "impair{%s}fd:%d", how, fd[0]);
	if (link_open(spec, &l, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	peer = fd[1];
}

static void close_impaired(void)
{
	link_close(l);
	close(peer);
}

/* frames carry their number; those that arrive until none has for @ms */
static unsigned collect(unsigned *order, unsigned max, int ms)
{
	uint8_t data[2048];
	struct link_buf b = { .data = data, .size = sizeof(data) };
	struct pollfd p = { .fd = l->fd, .events = POLLIN };
	unsigned n = 0;

	while (poll(&p, 1, ms) > 0) {
		if (link_recv(l, &b, 1) != 1)
			continue;
		assert_int_equal(b.len, 64);
		assert_true(n < max);
		memcpy(&order[n++], data + 60, 4);
	}
	return n;
}

static void inject(unsigned n)
{
	uint8_t f[64] = { 0 };

	for (unsigned i = 0; i < n; i++) {
		memcpy(f + 60, &i, 4);
		assert_int_equal(send(peer, f, sizeof(f), 0), sizeof(f));
		if (i % 50 == 49) {		/* the pair holds few at a time */
			struct link_buf none = { 0 };

			link_recv(l, &none, 0);
			link_recv(l, &none, 0);
		}
	}
}

static unsigned got[2 * FRAMES];

static void nothing_set_nothing_changed(void **state)
{
	open_impaired("");
	inject(FRAMES);
	assert_int_equal(collect(got, 2 * FRAMES, 50), FRAMES);
	for (unsigned i = 0; i < FRAMES; i++)
		assert_int_equal(got[i], i);
	close_impaired();
}

static void frames_are_lost_and_repeated(void **state)
{
	open_impaired("loss=20%,seed=7");
	inject(FRAMES);
	assert_in_range(collect(got, 2 * FRAMES, 50), 740, 860);
	close_impaired();
	open_impaired("dup=20%");
	inject(FRAMES);
	assert_in_range(collect(got, 2 * FRAMES, 50), 1140, 1260);
	close_impaired();
}

static uint64_t ms_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void frames_are_late_in_both_directions(void **state)
{
	struct pollfd p;
	uint8_t f[64] = { 0 };
	struct iovec v = { f, sizeof(f) };
	struct link_buf none = { 0 };
	uint64_t t0 = ms_now();

	open_impaired("delay=60ms");
	inject(1);
	assert_int_equal(collect(got, 10, 200), 1);
	assert_true(ms_now() - t0 >= 60);
	t0 = ms_now();
	assert_int_equal(link_send(l, &v, 1, NULL), 0);
	assert_int_equal(recv(peer, f, sizeof(f), MSG_DONTWAIT), -1);
	p = (struct pollfd){ .fd = l->fd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 2000), 1);
	link_recv(l, &none, 0);
	assert_int_equal(recv(peer, f, sizeof(f), MSG_DONTWAIT), sizeof(f));
	assert_true(ms_now() - t0 >= 60);
	close_impaired();
}

static void some_overtake(void **state)
{
	unsigned late = 0, n;

	open_impaired("delay=30ms,reorder=10%");
	inject(FRAMES);
	n = collect(got, 2 * FRAMES, 100);
	assert_int_equal(n, FRAMES);
	for (unsigned i = 1; i < n; i++)
		late += got[i] < got[i - 1];
	assert_true(late > 0);
	close_impaired();
}

static void a_bottleneck_drops_what_waits_too_long(void **state)
{
	/* 64 bytes take 0.512 ms: 20 ms hold 40 frames */
	open_impaired("rate=1mbit,queue=20ms");
	inject(FRAMES);
	assert_in_range(collect(got, 2 * FRAMES, 100), 38, 400);
	close_impaired();
}

static void nonsense_is_refused(void **state)
{
	static const char *const bad[] = {
		"impair{delay=10ms", "impair{delay=10}fd:0", "impair{loss=101%}fd:0", "impair{loss}fd:0",
		"impair{speed=1ms}fd:0", "impair{delay=-1ms}fd:0", "impair{loss=1%x}fd:0", "impair{}",
		"impair{delay=nanms}fd:0",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char err[512] = "";

		assert_true(link_open(bad[i], &l, err, sizeof(err)) < 0);
		assert_null(l);
		assert_true(strlen(err) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_set_nothing_changed),
		cmocka_unit_test(frames_are_lost_and_repeated),
		cmocka_unit_test(frames_are_late_in_both_directions),
		cmocka_unit_test(some_overtake),
		cmocka_unit_test(a_bottleneck_drops_what_waits_too_long),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
