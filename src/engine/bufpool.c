/* bufpool.c - 64 KB buffers for frames and for data being sent
 *
 * Theory of operation
 * Buffers of this size, of very different lifetimes, in malloc()'s heap
 * between small pbufs would keep it from ever shrinking: after 500 killed
 * connections the daemon kept 170 MB.  Each is a mapping of its own instead;
 * a few spare ones are kept, since mapping costs 17 page faults.  The pool
 * remembers how many spares went unused since the last bufpool_trim() and
 * gives half of those back, so an idle daemon returns to its small size.
 */
#include "engine/bufpool.h"

#include <sys/mman.h>

#define KEEP_MAX	256		/* spare buffers: 17 MB */

struct spare {
	struct spare *next;
};

static struct spare *spare;
static unsigned count, low;		/* low: the fewest spares since the last trim */

/* bufpool_get() - A buffer, its contents undefined */
void *bufpool_get(void)
{
	struct spare *b = spare;
	void *p;

	if (b) {
		spare = b->next;
		if (--count < low)
			low = count;
		return b;
	}
	p = mmap(NULL, BUFPOOL_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

/* bufpool_put() - Give a buffer back; NULL is none */
void bufpool_put(void *buf)
{
	struct spare *b = buf;

	if (!b)
		return;
	if (count >= KEEP_MAX) {
		munmap(b, BUFPOOL_SIZE);
		return;
	}
	b->next = spare;
	spare = b;
	count++;
}

static void release(unsigned n)
{
	while (n-- && spare) {
		struct spare *b = spare;

		spare = b->next;
		count--;
		munmap(b, BUFPOOL_SIZE);
	}
}

/* bufpool_trim() - Half of what was not needed since the last call goes back */
void bufpool_trim(void)
{
	release((low + 1) / 2);
	low = count;
}

/* bufpool_drain() - Free all spare buffers */
void bufpool_drain(void)
{
	release(count);
}
