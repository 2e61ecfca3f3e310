/* timer_heap.c - the timers of a loop, in order
 *
 * Theory of operation
 * A pairing heap whose links are in the timers themselves; ->prev is the left
 * sibling, or the parent of a first child.  Adding is O(1), deleting O(log n) on
 * average, the first one is the root.
 */
#include "base/timer_heap.h"

static bool before(const struct loop_timer *a, const struct loop_timer *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static struct loop_timer *meld(struct loop_timer *a, struct loop_timer *b)
{
	if (!a || !b)
		return a ? a : b;
	if (before(b, a)) {
		struct loop_timer *t = a;

		a = b;
		b = t;
	}
	b->prev = a;
	b->next = a->child;
	if (b->next)
		b->next->prev = b;
	a->child = b;
	a->next = NULL;
	a->prev = NULL;
	return a;
}

/* the heap of a list of siblings: pairs from the left, then from the right */
static struct loop_timer *meld_siblings(struct loop_timer *first)
{
	struct loop_timer *pairs = NULL, *root = NULL;

	while (first) {
		struct loop_timer *a = first, *b = a->next;

		first = b ? b->next : NULL;
		a->next = NULL;
		if (b)
			b->next = NULL;
		a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct loop_timer *next = pairs->next;

		pairs->next = NULL;
		root = meld(root, pairs);
		pairs = next;
	}
	if (root)
		root->prev = NULL;
	return root;
}

/**
 * timer_heap_add() - Put a timer into the heap
 * @root:	the heap: its first timer, or NULL
 * @t:		not in any heap; at and seq are set, the links NULL
 */
void timer_heap_add(struct loop_timer **root, struct loop_timer *t)
{
	*root = meld(*root, t);
}

/**
 * timer_heap_del() - Take a timer out of the heap that it is in
 */
void timer_heap_del(struct loop_timer **root, struct loop_timer *t)
{
	struct loop_timer *sub = meld_siblings(t->child);

	if (t == *root) {
		*root = sub;
	} else {
		if (t->prev->child == t)
			t->prev->child = t->next;
		else
			t->prev->next = t->next;
		if (t->next)
			t->next->prev = t->prev;
		*root = meld(*root, sub);
	}
	t->child = t->next = t->prev = NULL;
}
