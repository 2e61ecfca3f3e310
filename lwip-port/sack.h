/* sack.h - what is in flight: the sender's scoreboard */
#ifndef LWIP_PORT_SACK_H
#define LWIP_PORT_SACK_H

#include <stdbool.h>
#include <stdint.h>

#define SACK_RANGES_MAX	4096	/* a connection; 16 bytes each */

enum {
	SACK_HELD	= 1 << 0,	/* the peer has it (SACKed) */
	SACK_LOST	= 1 << 1,	/* taken for lost, and not sent again since */
	SACK_RETRANS	= 1 << 2,	/* sent more than once */
};

/* consecutive bytes that share their fate */
struct sack_range {
	uint32_t seq, end;
	uint32_t sent;			/* microseconds, when last sent */
	uint8_t flags;
};

struct sack_board {
	struct sack_range *r;		/* sorted, without gaps; the first in use is r[first] */
	unsigned first, n, size;
	uint32_t high;			/* behind the last byte that was ever sent */
	uint32_t fack;			/* behind the highest byte the peer has */
	uint32_t held, lost;		/* bytes with SACK_HELD, SACK_LOST */
};

/* what one ACK told */
struct sack_news {
	uint32_t delivered;		/* bytes the peer has now and had not before */
	uint32_t fack;			/* the board's, before */
	bool any, fresh;		/* sent, end, retrans are valid; one was sent but once */
	bool reordered;			/* it came later than what was sent after it */
	uint32_t sent, end;		/* of the range sent last */
	bool retrans;
};

static inline uint32_t sack_outstanding(const struct sack_board *b)
{
	return b->n ? b->high - b->r[b->first].seq : 0;
}

/* RFC 6675's pipe: what is thought to be in the network */
static inline uint32_t sack_pipe(const struct sack_board *b)
{
	return sack_outstanding(b) - b->held - b->lost;
}

void sack_clear(struct sack_board *b);
bool sack_sent(struct sack_board *b, uint32_t seq, uint32_t end, uint32_t now);
void sack_acked(struct sack_board *b, uint32_t una, struct sack_news *news);
void sack_held(struct sack_board *b, uint32_t left, uint32_t right, struct sack_news *news);
uint32_t sack_detect(struct sack_board *b, uint32_t sent, uint32_t end, uint32_t reach,
		     uint32_t now, uint32_t *wait);
void sack_lose(struct sack_board *b, uint32_t seq, uint32_t end);
void sack_lose_all(struct sack_board *b);
void sack_unlose(struct sack_board *b);
bool sack_next_lost(const struct sack_board *b, uint32_t *seq, uint32_t *end);

#endif
