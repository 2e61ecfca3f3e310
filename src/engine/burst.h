/* burst.h - how many reads a wake-up of a level-triggered descriptor is worth
 *
 * Theory of operation
 * A read that finds nothing is a system call for nothing, and a wake-up for each
 * read is one, too.  So as many are made as the last wake-up found.  Whoever found
 * all it asked for a few times in a row asks for twice as many; if there were no
 * more, as in a conversation of single packets, it has more patience the next time.
 */
#ifndef ENGINE_BURST_H
#define ENGINE_BURST_H

#include <stdbool.h>
#include <stdint.h>

#define BURST_PATIENCE		2
#define BURST_PATIENCE_MAX	32

struct burst {
	uint8_t ask;			/* reads at the next wake-up */
	uint8_t full;			/* wake-ups in a row that found all they asked for */
	uint8_t patience;		/* so many of these before more is asked for */
	bool grown;			/* the last one asked for more than the one before */
};

static inline void burst_init(struct burst *b)
{
	*b = (struct burst){ .ask = 1, .patience = BURST_PATIENCE };
}

/* burst_got() - What a wake-up found; @most: not to ask for more than that */
static inline void burst_got(struct burst *b, int got, int most)
{
	if (b->grown)
		b->patience = got > b->ask / 2 ? BURST_PATIENCE :
			      b->patience < BURST_PATIENCE_MAX ? b->patience * 2 : b->patience;
	b->grown = false;
	if (got < b->ask) {
		b->ask = got ? (uint8_t)got : 1;
		b->full = 0;
	} else if (++b->full >= b->patience) {
		b->full = 0;
		b->grown = b->ask < most;
		b->ask = (uint8_t)(b->ask * 2 < most ? b->ask * 2 : b->ask < most ? most : b->ask);
	}
}

/* burst_halve() - It found too much at once */
static inline void burst_halve(struct burst *b)
{
	b->ask = b->ask > 1 ? b->ask / 2 : 1;
	b->full = 0;
	b->grown = false;
}

#endif
