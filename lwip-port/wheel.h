/* wheel.h - timers of connections, one each, in milliseconds */
#ifndef LWIP_PORT_WHEEL_H
#define LWIP_PORT_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

struct wheel_timer {
	struct wheel_timer *next, **prev;	/* prev NULL: not in the wheel */
	uint32_t slot_at;		/* when its slot comes; not after @at */
	uint32_t at;			/* sys_now() when it is due */
	bool set;
};

typedef void wheel_fn(struct wheel_timer *t);

void wheel_set(struct wheel_timer *t, uint32_t at, wheel_fn *fn);
void wheel_remove(struct wheel_timer *t);

#endif
