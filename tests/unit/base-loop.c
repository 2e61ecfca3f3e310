/* base-loop.c - events, timers and deferred work come when, and only when, they should */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/loop.h"

#define MS	1000000ull
#define NFD	8

static struct loop *loop;

static int setup(void **state)
{
	loop = loop_new();
	return loop ? 0 : -1;
}

static int teardown(void **state)
{
	loop_free(loop);
	return 0;
}

/* --- descriptors --- */

static struct loop_fd watch[NFD];
static int fd[NFD], calls[NFD], ncalls;

static int ready_fd(void)
{
	int f = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(f >= 0);
	return f;
}

static void open_ready(loop_fd_cb *cb)
{
	ncalls = 0;
	for (int i = 0; i < NFD; i++) {
		calls[i] = 0;
		fd[i] = ready_fd();
		assert_int_equal(loop_fd_add(loop, &watch[i], fd[i], EPOLLIN, cb), 0);
	}
}

static void close_all(void)
{
	for (int i = 0; i < NFD; i++) {
		loop_fd_del(&watch[i]);
		close(fd[i]);
	}
}

static void count(struct loop_fd *w, uint32_t events)
{
	assert_int_equal(events, EPOLLIN);
	calls[w - watch]++;
	ncalls++;
}

/* whoever comes first removes all others, and registers them anew with the
 * same numbers and the same structures */
static void replace_others(struct loop_fd *w, uint32_t events)
{
	ncalls++;
	for (int i = 0; i < NFD; i++) {
		if (w == &watch[i])
			continue;
		loop_fd_del(&watch[i]);
		close(fd[i]);
	}
	for (int i = 0; i < NFD; i++) {
		if (w == &watch[i])
			continue;
		fd[i] = eventfd(0, EFD_CLOEXEC);	/* not ready */
		assert_int_equal(loop_fd_add(loop, &watch[i], fd[i], EPOLLIN, count), 0);
	}
}

static void a_ready_descriptor_is_reported(void **state)
{
	open_ready(count);
	assert_int_equal(loop_once(loop, 1000), 0);
	for (int i = 0; i < NFD; i++)
		assert_int_equal(calls[i], 1);
	close_all();
	assert_int_equal(loop_once(loop, 0), 0);
	assert_int_equal(ncalls, NFD);
}

static void no_event_for_a_descriptor_deleted_in_the_same_wake_up(void **state)
{
	open_ready(replace_others);
	assert_int_equal(loop_once(loop, 1000), 0);
	assert_int_equal(ncalls, 1);
	close_all();
}

static void mute_others(struct loop_fd *w, uint32_t events)
{
	ncalls++;
	for (int i = 0; i < NFD; i++)
		if (w != &watch[i])
			assert_int_equal(loop_fd_mod(&watch[i], 0), 0);
}

static void no_event_that_is_no_longer_asked_for(void **state)
{
	open_ready(mute_others);
	assert_int_equal(loop_once(loop, 1000), 0);
	assert_int_equal(ncalls, 1);
	close_all();
}

static void an_edge_is_reported_once_until_rearmed(void **state)
{
	open_ready(count);
	for (int i = 1; i < NFD; i++)
		loop_fd_del(&watch[i]);
	loop_fd_del(&watch[0]);
	assert_int_equal(loop_fd_add(loop, &watch[0], fd[0], EPOLLIN | EPOLLET, count), 0);
	assert_int_equal(loop_once(loop, 1000), 0);
	assert_int_equal(loop_once(loop, 0), 0);
	assert_int_equal(ncalls, 1);
	assert_int_equal(loop_fd_mod(&watch[0], EPOLLIN | EPOLLET), 0);
	assert_int_equal(loop_once(loop, 0), 0);
	assert_int_equal(ncalls, 2);
	close_all();
}

static void errors_of_add_are_reported(void **state)
{
	struct loop_fd w = { 0 };

	assert_int_equal(loop_fd_add(loop, &w, -1, EPOLLIN, count), -EBADF);
	assert_null(w.loop);
	loop_fd_del(&w);
}

/* --- timers --- */

#define NTIMER	5000

struct timer {
	struct loop_timer t;
	uint64_t want;
	bool fired, gone;
};

static uint64_t last_at;
static unsigned nfired;
static struct timer timers[NTIMER];

static void in_order(struct loop_timer *t)
{
	struct timer *x = container_of(t, struct timer, t);

	assert_false(x->fired);
	assert_false(x->gone);
	assert_true(x->want >= last_at);
	assert_true(x->want <= loop_now(loop));
	assert_null(t->loop);
	last_at = x->want;
	x->fired = true;
	nfired++;
}

static void timers_fire_in_order_after_random_changes(void **state)
{
	uint64_t base = loop_now(loop), end = clock_ns() + 10000 * MS;
	unsigned alive = 0;

	srandom(1);
	nfired = 0;
	last_at = 0;
	for (int i = 0; i < NTIMER; i++) {
		timers[i] = (struct timer){ .t.cb = in_order };
		timers[i].want = base + (uint64_t)random() % (20 * MS);
		loop_timer_set(loop, &timers[i].t, timers[i].want);
	}
	for (int i = 0; i < NTIMER; i++) {	/* from anywhere in the heap */
		struct timer *x = &timers[random() % NTIMER];

		if (random() % 3 == 0) {
			loop_timer_del(&x->t);
			x->gone = true;
		} else {
			x->gone = false;
			x->want = base + (uint64_t)random() % (20 * MS);
			loop_timer_set(loop, &x->t, x->want);
		}
	}
	for (int i = 0; i < NTIMER; i++)
		alive += !timers[i].gone;
	while (nfired < alive && clock_ns() < end)
		assert_int_equal(loop_once(loop, 100), 0);
	assert_int_equal(nfired, alive);
	assert_int_equal(loop_once(loop, 0), 0);
	assert_int_equal(nfired, alive);
}

static void fire(struct loop_timer *t)
{
	nfired++;
}

static void a_timer_neither_fires_early_nor_spins(void **state)
{
	struct loop_timer t = { .cb = fire };
	uint64_t start = clock_ns();
	unsigned wakeups = 0;

	nfired = 0;
	loop_timer_set(loop, &t, start + 5 * MS + 300000);
	while (!nfired && wakeups < 100) {
		assert_int_equal(loop_once(loop, -1), 0);
		wakeups++;
	}
	assert_int_equal(nfired, 1);
	assert_true(clock_ns() - start >= 5 * MS + 300000);
	assert_in_range(wakeups, 1, 2);
}

static void rearm_now(struct loop_timer *t)
{
	nfired++;
	loop_timer_set(loop, t, 0);
}

/* a timer that is always due starves neither its peers nor descriptors */
static void a_timer_rearmed_for_now_starves_nobody(void **state)
{
	struct loop_timer greedy = { .cb = rearm_now };
	struct timer modest = { .t.cb = in_order };

	nfired = 0;
	open_ready(count);
	loop_timer_set(loop, &greedy, 0);
	modest.want = loop_now(loop);
	last_at = 0;
	loop_timer_set(loop, &modest.t, modest.want);
	assert_int_equal(loop_once(loop, -1), 0);
	assert_int_equal(loop_once(loop, -1), 0);
	assert_true(modest.fired);
	assert_int_equal(nfired, 3);
	assert_int_equal(ncalls, 2 * NFD);
	close_all();
	loop_timer_del(&greedy);
}

static void a_far_deadline_does_not_wrap(void **state)
{
	struct loop_timer t = { .cb = fire };

	nfired = 0;
	loop_timer_in(loop, &t, UINT64_MAX);
	assert_int_equal(loop_once(loop, 1), 0);
	assert_int_equal(nfired, 0);
	loop_timer_del(&t);
	loop_timer_del(&t);
	assert_null(t.loop);
}

/* --- deferred work, hooks, stop --- */

struct job {
	struct loop_work w;
	int ran, again;
};

static void job_run(struct loop_work *w)
{
	struct job *j = container_of(w, struct job, w);

	j->ran++;
	if (j->again-- > 0)
		loop_defer(loop, w, job_run);
}

static void free_job(struct loop_work *w)
{
	nfired++;
	free(container_of(w, struct job, w));
}

static struct job *later;

static void defer_free(struct loop_fd *w, uint32_t events)
{
	assert_int_equal(nfired, 0);	/* not before all events are out */
	ncalls++;
	loop_defer(loop, &later->w, free_job);
	loop_defer(loop, &later->w, free_job);
}

static void work_runs_once_after_the_events(void **state)
{
	nfired = 0;
	later = calloc(1, sizeof(*later));
	assert_non_null(later);
	open_ready(defer_free);
	assert_int_equal(loop_once(loop, -1), 0);
	assert_int_equal(ncalls, NFD);
	assert_int_equal(nfired, 1);
	close_all();
}

static void work_that_defers_itself_does_not_hold_the_loop(void **state)
{
	struct job j = { .again = 3 };

	loop_defer(loop, &j.w, job_run);
	while (j.again >= 0)
		assert_int_equal(loop_once(loop, -1), 0);	/* hangs if it slept */
	assert_int_equal(j.ran, 4);
}

static struct job from_hook;
static struct loop_timer hook_timer;
static int hooks;

static void hook_defers(struct loop_prepare *p)
{
	if (hooks++ == 0)
		loop_defer(loop, &from_hook.w, job_run);
}

static void hook_arms(struct loop_prepare *p)
{
	if (hooks++ == 0)
		loop_timer_set(loop, &hook_timer, loop_now(loop));
}

static void a_hook_that_makes_work_keeps_the_loop_awake(void **state)
{
	struct loop_prepare p;

	hooks = 0;
	from_hook = (struct job){ .ran = 0 };
	loop_prepare_add(loop, &p, hook_defers);
	assert_int_equal(loop_once(loop, -1), 0);
	assert_int_equal(from_hook.ran, 1);
	loop_prepare_del(loop, &p);
	hooks = 0;
	nfired = 0;
	hook_timer = (struct loop_timer){ .cb = fire };
	loop_prepare_add(loop, &p, hook_arms);
	assert_int_equal(loop_once(loop, -1), 0);
	assert_int_equal(nfired, 1);
	assert_int_equal(hooks, 1);
	loop_prepare_del(loop, &p);
	loop_prepare_del(loop, &p);
	assert_int_equal(loop_once(loop, 0), 0);
	assert_int_equal(hooks, 1);
}

static int order[4], norder;
static struct loop_prepare ordered[3];

static void note_order(struct loop_prepare *p)
{
	order[norder++] = (int)(p - ordered);
	if (p == &ordered[0])
		loop_prepare_del(loop, &ordered[1]);	/* the next in turn */
}

static void hooks_run_in_order_and_may_remove_each_other(void **state)
{
	norder = 0;
	for (int i = 0; i < 3; i++)
		loop_prepare_add(loop, &ordered[i], note_order);
	assert_int_equal(loop_once(loop, 0), 0);
	assert_int_equal(norder, 2);
	assert_int_equal(order[0], 0);
	assert_int_equal(order[1], 2);
}

static void on_alarm(int sig)
{
	loop_stop(loop);
}

static void stop_from_a_signal_ends_a_sleeping_loop(void **state)
{
	struct sigaction sa = { .sa_handler = on_alarm }, old;
	struct loop_timer t = { .cb = fire };

	sigaction(SIGALRM, &sa, &old);
	alarm(1);
	assert_int_equal(loop_run(loop), 0);	/* nothing else would end it */
	sigaction(SIGALRM, &old, NULL);
	/* a stop before the start counts, once */
	loop_stop(loop);
	assert_int_equal(loop_run(loop), 0);
	nfired = 0;
	loop_timer_in(loop, &t, 0);
	assert_int_equal(loop_once(loop, 1000), 0);
	assert_int_equal(loop_once(loop, 0), 0);
	assert_int_equal(nfired, 1);
}

static uint64_t cpu_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 * MS +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

/* it spins, but lets no timer wait, and then it does sleep */
static void a_spinning_loop_is_on_time_and_ends_by_sleeping(void **state)
{
	struct loop_timer t = { .cb = fire };
	uint64_t start, cpu;

	loop_set_spin(loop, 60000 * MS);
	nfired = 0;
	start = clock_ns();
	loop_timer_set(loop, &t, start + 100 * MS);
	cpu = cpu_ns();
	assert_int_equal(loop_once(loop, -1), 0);
	assert_int_equal(nfired, 1);
	assert_in_range(clock_ns() - start, 100 * MS, 10000 * MS);
	assert_true(cpu_ns() - cpu > 2 * MS);
	loop_set_spin(loop, 5 * MS);
	cpu = cpu_ns();
	assert_int_equal(loop_once(loop, 400), 0);
	assert_true(cpu_ns() - cpu < 100 * MS);
}

static void a_spinning_loop_sees_events_and_stops(void **state)
{
	struct sigaction sa = { .sa_handler = on_alarm }, old;

	loop_set_spin(loop, 60000 * MS);
	fd[0] = ready_fd();
	watch[0] = (struct loop_fd){ 0 };
	ncalls = 0;
	assert_int_equal(loop_fd_add(loop, &watch[0], fd[0], EPOLLIN, count), 0);
	assert_int_equal(loop_once(loop, -1), 0);
	assert_int_equal(ncalls, 1);
	loop_fd_del(&watch[0]);
	close(fd[0]);
	sigaction(SIGALRM, &sa, &old);
	alarm(1);
	assert_int_equal(loop_run(loop), 0);
	sigaction(SIGALRM, &old, NULL);
}

static void freeing_the_loop_runs_what_is_deferred(void **state)
{
	struct loop *l = loop_new();
	struct loop_timer t = { .cb = fire };
	struct job *j = calloc(1, sizeof(*j));

	assert_non_null(l);
	assert_non_null(j);
	nfired = 0;
	loop_defer(l, &j->w, free_job);
	loop_timer_in(l, &t, 1000 * MS);
	loop_free(l);
	assert_int_equal(nfired, 1);
	assert_null(t.loop);
	loop_free(NULL);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_ready_descriptor_is_reported),
		CASE(no_event_for_a_descriptor_deleted_in_the_same_wake_up),
		CASE(no_event_that_is_no_longer_asked_for),
		CASE(an_edge_is_reported_once_until_rearmed),
		CASE(errors_of_add_are_reported),
		CASE(timers_fire_in_order_after_random_changes),
		CASE(a_timer_neither_fires_early_nor_spins),
		CASE(a_timer_rearmed_for_now_starves_nobody),
		CASE(a_far_deadline_does_not_wrap),
		CASE(work_runs_once_after_the_events),
		CASE(work_that_defers_itself_does_not_hold_the_loop),
		CASE(a_hook_that_makes_work_keeps_the_loop_awake),
		CASE(hooks_run_in_order_and_may_remove_each_other),
		CASE(stop_from_a_signal_ends_a_sleeping_loop),
		CASE(a_spinning_loop_is_on_time_and_ends_by_sleeping),
		CASE(a_spinning_loop_sees_events_and_stops),
		CASE(freeing_the_loop_runs_what_is_deferred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
