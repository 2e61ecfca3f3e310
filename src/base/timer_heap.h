/* timer_heap.h - the timers of a loop, in order of (at, seq) */
#ifndef BASE_TIMER_HEAP_H
#define BASE_TIMER_HEAP_H

#include "base/loop.h"

void timer_heap_add(struct loop_timer **root, struct loop_timer *t);
void timer_heap_del(struct loop_timer **root, struct loop_timer *t);

#endif
