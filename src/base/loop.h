/* loop.h - one thread's event loop: descriptors, timers, deferred work
 *
 * Ownership: every structure here is embedded in its user's own; the loop
 * links it and never allocates or frees it.  A user that frees its structure
 * from inside a callback does so by loop_defer(), which runs after the events
 * of the current wake-up have all been dispatched.
 * All calls belong to the loop's thread; only loop_stop() may be called from
 * a signal handler.  Callbacks may add, change and remove anything.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;
struct loop_fd;
struct loop_timer;
struct loop_work;

#ifndef container_of
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#endif

typedef void loop_fd_cb(struct loop_fd *w, uint32_t events);
typedef void loop_timer_cb(struct loop_timer *t);
typedef void loop_work_cb(struct loop_work *w);

/* a watched descriptor; zero-initialise, then loop_fd_add(); loop_fd_del()
 * comes before close(2), since epoll knows open files, not numbers: one that
 * lives on elsewhere (dup, SCM_RIGHTS) would go on to report here */
struct loop_fd {
	struct loop *loop;	/* NULL when not watched */
	int fd;
	uint32_t events;	/* EPOLL* asked for */
	loop_fd_cb *cb;
};

/* a one-shot timer; zero-initialise, set cb, then loop_timer_set() */
struct loop_timer {
	struct loop *loop;	/* NULL when not armed */
	uint64_t at;		/* CLOCK_MONOTONIC, ns */
	uint64_t seq;		/* order of arming, among equal deadlines */
	struct loop_timer *child, *next, *prev;	/* place in the heap */
	loop_timer_cb *cb;
};

/* work to be run once, later in the same wake-up or before sleeping */
struct loop_work {
	struct loop_work *next;
	loop_work_cb *cb;
	bool queued;
};

struct loop *loop_new(void);			/* NULL with errno */
void loop_free(struct loop *l);
/* look for events so long before each sleep: latency for processor time */
void loop_set_spin(struct loop *l, uint64_t ns);

int loop_fd_add(struct loop *l, struct loop_fd *w, int fd, uint32_t events,
		loop_fd_cb *cb);		/* 0 or -errno */
/* no syscall if equal, but for EPOLLET and EPOLLONESHOT: there asking again
 * re-arms, so that what is ready now is reported once more */
int loop_fd_mod(struct loop_fd *w, uint32_t events);
void loop_fd_del(struct loop_fd *w);		/* idempotent; does not close */

void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t at_ns);
void loop_timer_in(struct loop *l, struct loop_timer *t, uint64_t delay_ns);
void loop_timer_del(struct loop_timer *t);	/* idempotent */

/* after this wake-up's events and timers; a second call before it ran is a no-op */
void loop_defer(struct loop *l, struct loop_work *w, loop_work_cb *cb);

/* called each time before the loop sleeps, in order of registration, after
 * deferred work; the hook may defer, arm and send */
struct loop_prepare {
	struct loop_prepare *next;
	void (*cb)(struct loop_prepare *p);
};
void loop_prepare_add(struct loop *l, struct loop_prepare *p,
		      void (*cb)(struct loop_prepare *p));
void loop_prepare_del(struct loop *l, struct loop_prepare *p);	/* idempotent */

uint64_t loop_now(const struct loop *l);	/* ns, cached at the wake-up */
uint64_t clock_ns(void);			/* CLOCK_MONOTONIC, fresh */

/* how long a wake-up kept everybody else waiting, at most: in time, and in time of
 * the processor, in which others' share of it does not count.  Costs two system
 * calls a wake-up once loop_measure() was called */
struct loop_longest {
	uint64_t wall, cpu;		/* ns */
};
void loop_measure(struct loop *l);
const struct loop_longest *loop_longest(const struct loop *l);

int loop_once(struct loop *l, int timeout_ms);	/* one wake-up: tests, embedding */
int loop_run(struct loop *l);			/* until loop_stop() */
bool loop_stopping(const struct loop *l);
void loop_stop(struct loop *l);			/* async-signal-safe */

#endif
