/* loop.c - one thread's event loop over epoll
 *
 * Theory of operation
 * A wake-up is: deferred work, prepare hooks, sleep, events, timers, deferred
 * work.  The loop does not sleep while work is queued, a timer is due or a
 * stop was asked for, so a prepare hook may defer and arm freely.
 *
 * Events arrive in batches of LOOP_EVENTS.  What is removed while a batch is
 * being dispatched is struck out of the rest of it: a callback never runs for
 * a descriptor that was deleted, even if its number, or its structure, was
 * registered anew in between.
 *
 * Timers are a heap (timer_heap.h): arming cannot fail and never allocates.  The
 * order is (deadline, order of arming); a deadline in the past counts as now.  So
 * a timer that re-arms itself for now comes after every other that is due, and a
 * pass, which runs only what was armed before it began, ends.  Deferred work is
 * likewise run as one batch a pass: what it defers in turn waits for the next,
 * so that neither can keep the loop from its descriptors.
 *
 * Who wants the least latency lets the loop look for events again and again for
 * a while before it sleeps (loop_set_spin()): that spares the processor's way to
 * idle and back, and costs its time.
 *
 * A timer that is some way off is waited for by an alarm, a timerfd among the
 * descriptors: set once, it costs the many sleeps before it nothing, no look at the
 * clock either.  It may go off for one that was put off meanwhile.  For what is
 * nearer the sleep itself ends, exact to the nanosecond by epoll_pwait2(2) (Linux
 * 5.11), else rounded up to the millisecond, never down, which would spin.
 *
 * All state belongs to the loop's thread but "stop" and the eventfd behind
 * it, which a signal handler may touch.  Memory: one allocation of ~3.5 KB.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <linux/time_types.h>
#include "base/loop.h"
#include "base/timer_heap.h"

#define LOOP_EVENTS	256	/* events a wake-up */
#define LOOP_FREE_PASSES 16	/* rounds of deferred work that loop_free() grants */
#define NS_PER_S	1000000000ull
#define NS_PER_MS	1000000ull
#define ALARM_NS	NS_PER_MS	/* what is nearer is not worth an alarm */
#define NEVER		UINT64_MAX

struct loop {
	int epfd;
	bool no_pwait2;			/* the kernel lacks it, or a filter forbids it */
	volatile sig_atomic_t stop;
	uint64_t spin_ns;		/* to look for events before a sleep */
	struct loop_fd stop_fd;		/* eventfd: wakes the loop for "stop" */
	struct loop_fd alarm_fd;	/* timerfd */
	uint64_t alarm;			/* when it goes off, or NEVER */
	uint64_t now;

	struct epoll_event ev[LOOP_EVENTS];
	int nev, cur;			/* the batch, and the event being dispatched */

	struct loop_timer *timers;	/* root of the heap */
	uint64_t seq;

	struct loop_work *work, **work_tail;
	struct loop_prepare *prepare, *prepare_cur;	/* _cur: the next to call */

	bool measuring;
	uint64_t cpu;			/* when the wake-up began; 0: none did */
	struct loop_longest longest;
};

/**
 * clock_ns() - Read CLOCK_MONOTONIC
 *
 * Return: nanoseconds
 */
uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/**
 * loop_now() - The time of the current wake-up
 * @l:		Loop
 *
 * Return: CLOCK_MONOTONIC in ns, cached: no system call
 */
uint64_t loop_now(const struct loop *l)
{
	return l->now;
}

static void stop_event(struct loop_fd *w, uint32_t events)
{
	uint64_t n;

	/* only to make it unreadable; loop_run() looks at ->stop */
	while (read(w->fd, &n, sizeof(n)) < 0 && errno == EINTR)
		;
}

static void alarm_event(struct loop_fd *w, uint32_t events)
{
	container_of(w, struct loop, alarm_fd)->alarm = NEVER;
}

/* watch a descriptor of the loop's own, which is closed on failure; 0 or -errno */
static int watch_own(struct loop *l, struct loop_fd *w, int fd, uint32_t events, loop_fd_cb *cb)
{
	int rc = fd < 0 ? -errno : loop_fd_add(l, w, fd, events, cb);

	if (rc < 0 && fd >= 0)
		close(fd);
	return rc;
}

static void close_own(struct loop_fd *w)
{
	if (!w->loop)
		return;
	loop_fd_del(w);
	close(w->fd);
}

/**
 * loop_new() - Create a loop
 *
 * Return: the loop, or NULL with errno (EMFILE, ENOMEM)
 */
struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return NULL;
	l->work_tail = &l->work;
	l->now = clock_ns();
	l->alarm = NEVER;
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epfd < 0) {
		free(l);
		return NULL;
	}
	rc = watch_own(l, &l->stop_fd, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), EPOLLIN, stop_event);
	if (!rc)		/* edge-triggered: it need not be read */
		rc = watch_own(l, &l->alarm_fd,
			       timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
			       EPOLLIN | EPOLLET, alarm_event);
	if (!rc)
		return l;
	loop_free(l);
	errno = -rc;
	return NULL;
}

/* --- descriptors --- */

/**
 * loop_fd_add() - Watch a descriptor
 * @l:		Loop
 * @w:		Watcher, not in use; the caller keeps it until loop_fd_del()
 * @fd:		Descriptor; stays the caller's
 * @events:	EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLET...; EPOLLERR and
 *		EPOLLHUP are always reported
 * @cb:		Called with the events that occurred
 *
 * Return: 0 or -errno of epoll_ctl(2) (EPERM: a regular file; ENOSPC)
 */
int loop_fd_add(struct loop *l, struct loop_fd *w, int fd, uint32_t events,
		loop_fd_cb *cb)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	w->loop = l;
	w->fd = fd;
	w->events = events;
	w->cb = cb;
	return 0;
}

/**
 * loop_fd_mod() - Change what a watcher waits for
 * @w:		Watcher in use
 * @events:	As for loop_fd_add()
 *
 * Takes effect at once: events of the current batch that are no longer asked
 * for are not delivered.  Without EPOLLET and EPOLLONESHOT, asking for what
 * is already asked for costs nothing; with them it re-arms.
 *
 * Return: 0 or -errno of epoll_ctl(2)
 */
int loop_fd_mod(struct loop_fd *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	if (events == w->events && !(events & (EPOLLET | EPOLLONESHOT)))
		return 0;
	if (epoll_ctl(w->loop->epfd, EPOLL_CTL_MOD, w->fd, &ev) < 0)
		return -errno;
	w->events = events;
	return 0;
}

/**
 * loop_fd_del() - Watch a descriptor no longer
 * @w:		Watcher, in use or not
 *
 * Its callback does not run any more, not even for events that have already
 * been fetched; @w may be freed or used again at once.
 */
void loop_fd_del(struct loop_fd *w)
{
	struct loop *l = w->loop;

	if (!l)
		return;
	/* EBADF is a caller who closed first: nothing more to be done */
	epoll_ctl(l->epfd, EPOLL_CTL_DEL, w->fd, NULL);
	w->loop = NULL;
	for (int i = l->cur + 1; i < l->nev; i++)
		if (l->ev[i].data.ptr == w)
			l->ev[i].data.ptr = NULL;
}

static void dispatch(struct loop *l, int n)
{
	l->nev = n;
	for (l->cur = 0; l->cur < l->nev; l->cur++) {
		struct loop_fd *w = l->ev[l->cur].data.ptr;
		uint32_t events;

		if (!w)
			continue;
		events = l->ev[l->cur].events & (w->events | EPOLLERR | EPOLLHUP);
		if (events)
			w->cb(w, events);
	}
	l->nev = 0;
	l->cur = 0;
}

/* --- timers --- */

/**
 * loop_timer_del() - Disarm a timer
 * @t:		Timer, armed or not
 */
void loop_timer_del(struct loop_timer *t)
{
	if (!t->loop)
		return;
	timer_heap_del(&t->loop->timers, t);
	t->loop = NULL;
}

/**
 * loop_timer_set() - Arm a timer for a point in time
 * @l:		Loop
 * @t:		Timer with its cb set; re-armed if it is armed
 * @at_ns:	CLOCK_MONOTONIC in ns; what is past means as soon as possible
 *
 * It fires once, disarmed before its callback runs.
 */
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t at_ns)
{
	loop_timer_del(t);
	t->loop = l;
	t->at = at_ns > l->now ? at_ns : l->now;
	t->seq = ++l->seq;
	timer_heap_add(&l->timers, t);
}

/**
 * loop_timer_in() - Arm a timer relative to the current wake-up
 * @l:		Loop
 * @t:		Timer with its cb set
 * @delay_ns:	From loop_now(); capped so that the sum does not wrap
 */
void loop_timer_in(struct loop *l, struct loop_timer *t, uint64_t delay_ns)
{
	uint64_t room = UINT64_MAX - l->now;

	loop_timer_set(l, t, l->now + (delay_ns < room ? delay_ns : room));
}

static void run_timers(struct loop *l)
{
	uint64_t last = l->seq;
	struct loop_timer *t;

	while ((t = l->timers) && t->at <= l->now && t->seq <= last) {
		loop_timer_del(t);
		t->cb(t);
	}
}

/* --- deferred work and prepare hooks --- */

/**
 * loop_defer() - Run a function once the current events are dispatched
 * @l:		Loop
 * @w:		Work, zero-initialised; queued at most once
 * @cb:		May free what @w is part of
 */
void loop_defer(struct loop *l, struct loop_work *w, loop_work_cb *cb)
{
	if (w->queued)
		return;
	w->queued = true;
	w->cb = cb;
	w->next = NULL;
	*l->work_tail = w;
	l->work_tail = &w->next;
}

static void run_work(struct loop *l)
{
	struct loop_work *w = l->work;

	l->work = NULL;
	l->work_tail = &l->work;
	while (w) {
		struct loop_work *next = w->next;

		w->queued = false;
		w->cb(w);
		w = next;
	}
}

/**
 * loop_prepare_add() - Have a function called each time before sleeping
 * @l:		Loop
 * @p:		Hook, not registered; the caller keeps it until loop_prepare_del()
 * @cb:		May defer work, arm timers, send; then the loop does not sleep
 */
void loop_prepare_add(struct loop *l, struct loop_prepare *p,
		      void (*cb)(struct loop_prepare *p))
{
	struct loop_prepare **pp = &l->prepare;

	while (*pp)
		pp = &(*pp)->next;
	p->next = NULL;
	p->cb = cb;
	*pp = p;
}

/**
 * loop_prepare_del() - Remove a prepare hook
 * @l:		Loop
 * @p:		Hook, registered or not; may be removed by a hook, also by itself
 */
void loop_prepare_del(struct loop *l, struct loop_prepare *p)
{
	for (struct loop_prepare **pp = &l->prepare; *pp; pp = &(*pp)->next) {
		if (*pp != p)
			continue;
		*pp = p->next;
		if (l->prepare_cur == p)
			l->prepare_cur = p->next;
		return;
	}
}

static void run_prepare(struct loop *l)
{
	struct loop_prepare *p;

	for (l->prepare_cur = l->prepare; (p = l->prepare_cur); ) {
		l->prepare_cur = p->next;
		p->cb(p);
	}
}

/* --- the wake-up --- */

/* how long we may sleep, in ns, or NEVER to end */
static uint64_t sleep_ns(const struct loop *l, int timeout_ms)
{
	uint64_t max = timeout_ms < 0 ? NEVER : (uint64_t)timeout_ms * NS_PER_MS;
	uint64_t now, left;

	if (!max || l->work || l->stop)
		return 0;
	if (!l->timers)
		return max;
	if (timeout_ms < 0 && l->alarm <= l->timers->at)
		return NEVER;
	now = clock_ns();
	left = l->timers->at > now ? l->timers->at - now : 0;
	return left < max ? left : max;
}

static int wait_ms(struct loop *l, uint64_t ns)
{
	uint64_t ms = ns / NS_PER_MS + (ns % NS_PER_MS != 0);

	if (ns == NEVER)
		return epoll_wait(l->epfd, l->ev, LOOP_EVENTS, -1);
	return epoll_wait(l->epfd, l->ev, LOOP_EVENTS, ms < INT_MAX ? (int)ms : INT_MAX);
}

static int wait_events(struct loop *l, uint64_t ns)
{
	struct __kernel_timespec ts = {
		.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S
	};
	int n;

	/* the plain call is enough, and known to every filter, for 0 and ever */
	if (l->no_pwait2 || ns == 0 || ns == NEVER)
		return wait_ms(l, ns);
	n = (int)syscall(SYS_epoll_pwait2, l->epfd, l->ev, LOOP_EVENTS, &ts, NULL, 0);
	if (n < 0 && (errno == ENOSYS || errno == EPERM)) {
		l->no_pwait2 = true;
		return wait_ms(l, ns);
	}
	return n;
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void measure_end(struct loop *l)
{
	uint64_t wall = clock_ns() - l->now, cpu = cpu_ns() - l->cpu;

	if (!l->cpu)
		return;
	if (wall > l->longest.wall)
		l->longest.wall = wall;
	if (cpu > l->longest.cpu)
		l->longest.cpu = cpu;
}

/* loop_measure() - Measure each wake-up from now on */
void loop_measure(struct loop *l)
{
	l->measuring = true;
}

/* loop_longest() - The longest wake-up since then */
const struct loop_longest *loop_longest(const struct loop *l)
{
	return &l->longest;
}

/**
 * loop_set_spin() - Look for events for a while before each sleep
 * @l:		Loop
 * @ns:		how long; 0: sleep at once, as a new loop does
 */
void loop_set_spin(struct loop *l, uint64_t ns)
{
	l->spin_ns = ns;
}

/* events without a sleep: how many, 0 when it is time to sleep */
static int spin(struct loop *l, uint64_t most)
{
	uint64_t end = clock_ns() + (l->spin_ns < most ? l->spin_ns : most);
	int n;

	do
		n = wait_ms(l, 0);
	while (n == 0 && !l->stop && clock_ns() < end);
	return n;
}

/* have the alarm wake us for the first timer */
static bool set_alarm(struct loop *l)
{
	uint64_t at = l->timers->at;
	struct itimerspec t = {
		.it_value = { .tv_sec = (time_t)(at / NS_PER_S), .tv_nsec = (long)(at % NS_PER_S) },
	};

	if (timerfd_settime(l->alarm_fd.fd, TFD_TIMER_ABSTIME, &t, NULL) < 0)
		return false;
	l->alarm = at;
	return true;
}

/* how many events there are, after a sleep if there are none yet */
static int next_events(struct loop *l, int timeout_ms)
{
	uint64_t ns = sleep_ns(l, timeout_ms);
	int n;

	if (l->spin_ns && ns) {
		n = spin(l, ns);
		if (n)
			return n;
		ns = sleep_ns(l, timeout_ms);
	}
	if (timeout_ms < 0 && ns >= ALARM_NS && ns != NEVER && set_alarm(l))
		ns = NEVER;
	return wait_events(l, ns);
}

/**
 * loop_once() - One wake-up
 * @l:		Loop
 * @timeout_ms:	Sleep at most so long; 0 polls, -1 waits for an event or timer
 *
 * Return: 0, or -errno of epoll_wait(2); a signal is no error
 */
int loop_once(struct loop *l, int timeout_ms)
{
	int n;

	run_work(l);
	run_prepare(l);
	if (l->measuring)
		measure_end(l);
	n = next_events(l, timeout_ms);
	if (n < 0 && errno != EINTR)
		return -errno;
	l->now = clock_ns();
	if (l->measuring)
		l->cpu = cpu_ns();
	if (n > 0)
		dispatch(l, n);
	run_timers(l);
	run_work(l);
	return 0;
}

/**
 * loop_run() - Run until loop_stop()
 * @l:		Loop
 *
 * A stop asked for before the call ends it at once; each is used up once.
 *
 * Return: 0 or -errno as loop_once()
 */
int loop_run(struct loop *l)
{
	int rc = 0;

	while (!rc && !l->stop)
		rc = loop_once(l, -1);
	l->stop = 0;
	return rc;
}

/* loop_stopping() - Was a stop asked for that loop_run() has not used up? */
bool loop_stopping(const struct loop *l)
{
	return l->stop;
}

/**
 * loop_stop() - Make loop_run() return after the current wake-up
 * @l:		Loop
 *
 * Async-signal-safe.
 */
void loop_stop(struct loop *l)
{
	const uint64_t one = 1;
	int saved = errno;

	l->stop = 1;
	/* EAGAIN is a full counter: the loop is awake anyway */
	if (write(l->stop_fd.fd, &one, sizeof(one)) < 0)
		errno = saved;
}

/**
 * loop_free() - Run what is deferred, disarm what is armed, free the loop
 * @l:		Loop, not running; NULL is allowed.  Its watchers must have been
 *		deleted; descriptors stay their owners'.
 */
void loop_free(struct loop *l)
{
	if (!l)
		return;
	for (int i = 0; l->work && i < LOOP_FREE_PASSES; i++)
		run_work(l);
	while (l->timers)
		loop_timer_del(l->timers);
	close_own(&l->stop_fd);
	close_own(&l->alarm_fd);
	close(l->epfd);
	free(l);
}
