/* wheel.c - timers of connections, one each, in milliseconds
 *
 * Theory of operation
 * A ring of slots of a millisecond.  Almost every ACK puts a connection's
 * timer off: that only writes the new time down, and the timer is moved when
 * its old slot comes.  lwIP's timeouts, which the engine's loop sleeps until,
 * carry one for all: that of the next slot in use.
 *
 * One function serves all timers, as there is one user.  It may set and remove
 * any timer.
 */
#include "lwip/sys.h"
#include "lwip/timeouts.h"
#include "wheel.h"

#define SLOTS	512u

static struct wheel_timer *slot[SLOTS];
static wheel_fn *due;
static uint32_t done;			/* slots up to this time were looked at */
static uint32_t alarm_at;
static bool alarm_set;

static void on_alarm(void *arg);

static void set_alarm(uint32_t now, uint32_t at)
{
	if (alarm_set && (int32_t)(alarm_at - at) <= 0)
		return;
	if (alarm_set)
		sys_untimeout(on_alarm, NULL);
	alarm_set = true;
	alarm_at = at;
	sys_timeout((int32_t)(at - now) > 0 ? at - now : 0, on_alarm, NULL);
}

static void unlink_timer(struct wheel_timer *t)
{
	if (!t->prev)
		return;
	*t->prev = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->prev = NULL;
}

static void link_timer(struct wheel_timer *t, uint32_t now)
{
	struct wheel_timer **s;

	t->slot_at = t->at;
	if ((int32_t)(t->slot_at - now) < 1)
		t->slot_at = now + 1;
	if (t->slot_at - now >= SLOTS)
		t->slot_at = now + SLOTS - 1;
	s = &slot[t->slot_at % SLOTS];
	t->next = *s;
	if (t->next)
		t->next->prev = &t->next;
	t->prev = s;
	*s = t;
	set_alarm(now, t->slot_at);
}

static void run_slot(uint32_t now, uint32_t at)
{
	struct wheel_timer *list = slot[at % SLOTS], *t;

	/* one that is not due yet may come back to this very slot */
	slot[at % SLOTS] = NULL;
	if (list)
		list->prev = &list;
	while ((t = list)) {
		unlink_timer(t);
		if (!t->set)
			continue;
		if ((int32_t)(t->at - now) > 0) {
			link_timer(t, now);
			continue;
		}
		t->set = false;
		due(t);
	}
}

static void on_alarm(void *arg)
{
	uint32_t now = sys_now(), i;

	alarm_set = false;
	if (now - done > SLOTS)
		done = now - SLOTS;
	while ((int32_t)(now - done) > 0)
		run_slot(now, ++done);
	for (i = 1; i < SLOTS; i++) {
		if (slot[(now + i) % SLOTS]) {
			set_alarm(now, now + i);
			return;
		}
	}
}

/**
 * wheel_set() - Have @fn called
 * @t:		timer, zeroed before its first use
 * @at:		when, in the time of sys_now()
 * @fn:		the same for all timers
 */
void wheel_set(struct wheel_timer *t, uint32_t at, wheel_fn *fn)
{
	uint32_t now;

	due = fn;
	t->at = at;
	t->set = true;
	if (t->prev && (int32_t)(t->slot_at - at) <= 0)
		return;
	unlink_timer(t);
	now = sys_now();
	if (!alarm_set)
		done = now;
	link_timer(t, now);
}

/**
 * wheel_remove() - Do not call, and forget the timer: it may be freed
 * @t:		timer
 */
void wheel_remove(struct wheel_timer *t)
{
	t->set = false;
	unlink_timer(t);
}
