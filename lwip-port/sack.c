/* sack.c - the sender's scoreboard (RFC 2018, RFC 6675, RFC 8985)
 *
 * Theory of operation
 * Everything between the first unacknowledged byte and the last one sent lies
 * in a sorted array of ranges without gaps.  A range is what was sent together
 * and has the same fate: what a burst sends is one range, and an ACK that says
 * something of a part splits it.  Neighbours that the peer has become one
 * again, so the array is about as long as there are holes and bursts.
 *
 * Loss is told by time (RACK): once the peer has something, what was sent
 * before it by more than the reordering window is lost.  That covers lost
 * retransmissions as well, since a retransmission renews the time.
 *
 * A peer chooses where ranges split, so there are at most SACK_RANGES_MAX of
 * them; beyond that, and without memory, news that would need another one are
 * dropped: SACK is advice, and the retransmission timer needs none.
 */
#include <stdlib.h>
#include <string.h>
#include "sack.h"

#define MERGE_US	200		/* sent within this: one burst */
#define SIZE_MIN	16u

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static uint32_t len_of(const struct sack_range *r)
{
	return r->end - r->seq;
}

/* room for one more at the end of the array */
static bool reserve(struct sack_board *b)
{
	struct sack_range *r;
	unsigned size;

	if (b->first + b->n < b->size)
		return true;
	if (b->first) {
		memmove(b->r, b->r + b->first, b->n * sizeof(*b->r));
		b->first = 0;
		return true;
	}
	if (b->n >= SACK_RANGES_MAX)
		return false;
	size = b->size ? b->size * 2 : SIZE_MIN;
	r = realloc(b->r, size * sizeof(*r));
	if (!r)
		return false;
	b->r = r;
	b->size = size;
	return true;
}

/**
 * sack_clear() - Nothing is in flight
 * @b:		board; its memory is given back
 */
void sack_clear(struct sack_board *b)
{
	free(b->r);
	memset(b, 0, sizeof(*b));
}

/* index of the range with @seq in it, or b->n */
static unsigned find(const struct sack_board *b, uint32_t seq)
{
	const struct sack_range *r = b->r + b->first;
	unsigned lo = 0, hi = b->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (before(seq, r[mid].end))
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* make a range begin at @seq; its index, b->n if @seq is behind all, or -1 */
static int split(struct sack_board *b, uint32_t seq)
{
	unsigned i = find(b, seq);
	struct sack_range *r;

	if (i == b->n || b->r[b->first + i].seq == seq)
		return (int)i;
	if (!reserve(b))
		return -1;
	r = b->r + b->first + i;
	memmove(r + 1, r, (b->n - i) * sizeof(*r));
	r[0].end = r[1].seq = seq;
	b->n++;
	return (int)i + 1;
}

static bool append(struct sack_board *b, uint32_t seq, uint32_t end, uint32_t now)
{
	struct sack_range *last = b->n ? b->r + b->first + b->n - 1 : NULL;

	if (last && !last->flags && now - last->sent < MERGE_US) {
		last->end = b->high = end;
		return true;
	}
	if (!reserve(b)) {
		if (!last)
			return false;
		/* a coarser board is still right: it may lose too much at once */
		if (last->flags & SACK_HELD)
			b->held -= len_of(last);
		if (last->flags & SACK_LOST)
			b->lost -= len_of(last);
		last->flags = 0;
		last->end = b->high = end;
		return true;
	}
	b->r[b->first + b->n++] = (struct sack_range){ seq, end, now, 0 };
	if (b->n == 1)
		b->fack = seq;
	b->high = end;
	return true;
}

/**
 * sack_sent() - Note that bytes were sent, for the first time or again
 * @b:		board
 * @seq, @end:	the bytes
 * @now:	microseconds
 *
 * Return: false: no memory, nothing noted
 */
bool sack_sent(struct sack_board *b, uint32_t seq, uint32_t end, uint32_t now)
{
	int i;

	if (!b->n)
		return append(b, seq, end, now);
	if (before(seq, b->high) && split(b, seq) >= 0 &&
	    (!before(end, b->high) || split(b, end) >= 0)) {
		for (i = (int)find(b, seq); i < (int)b->n; i++) {
			struct sack_range *r = b->r + b->first + i;

			if (!before(r->seq, end))
				break;
			if (r->flags & SACK_HELD)
				continue;
			if (r->flags & SACK_LOST)
				b->lost -= len_of(r);
			r->flags = SACK_RETRANS;
			r->sent = now;
		}
	}
	return !before(b->high, end) || append(b, b->high, end, now);
}

/* @r has arrived: what that tells */
static void note(const struct sack_range *r, struct sack_news *n)
{
	n->delivered += len_of(r);
	if (!(r->flags & SACK_RETRANS)) {
		n->fresh = true;
		if (before(r->end, n->fack))
			n->reordered = true;
	}
	if (!n->any || before(n->sent, r->sent) || (n->sent == r->sent && before(n->end, r->end))) {
		n->any = true;
		n->sent = r->sent;
		n->end = r->end;
		n->retrans = r->flags & SACK_RETRANS;
	}
}

/**
 * sack_acked() - The peer acknowledged all bytes before @una
 * @b:		board
 * @una:	first byte not acknowledged
 * @news:	zeroed by the caller before the first report of an ACK
 */
void sack_acked(struct sack_board *b, uint32_t una, struct sack_news *news)
{
	news->fack = b->fack;
	while (b->n) {
		struct sack_range *r = b->r + b->first, part;
		uint32_t gone;

		if (!before(r->seq, una))
			break;
		part = *r;
		if (before(una, part.end))
			part.end = una;
		gone = len_of(&part);
		if (part.flags & SACK_HELD)
			b->held -= gone;
		else
			note(&part, news);
		if (part.flags & SACK_LOST)
			b->lost -= gone;
		r->seq = part.end;
		if (r->seq != r->end)
			break;
		b->first++;
		b->n--;
	}
	if (before(b->fack, una))
		b->fack = una;
	if (!b->n)
		b->first = 0;
}

/* neighbours that the peer has, and nobody asks for their times any more */
static void join(struct sack_board *b, unsigned i)
{
	struct sack_range *r = b->r + b->first + i;
	unsigned rest = b->n - i - 1;

	if (!rest || !(r[0].flags & r[1].flags & SACK_HELD))
		return;
	r[1].seq = r[0].seq;
	memmove(r, r + 1, rest * sizeof(*r));
	b->n--;
}

/**
 * sack_held() - One SACK block
 * @b:		board
 * @left, @right: the block; what is not in flight of it is passed over
 * @news:	as for sack_acked(), which comes first
 */
void sack_held(struct sack_board *b, uint32_t left, uint32_t right, struct sack_news *news)
{
	int i, j;

	if (!b->n || !before(left, right) || before(b->high, right) ||
	    before(left, b->r[b->first].seq))
		return;
	i = split(b, left);
	j = i < 0 ? -1 : split(b, right);
	if (j < 0)
		return;
	for (int k = i; k < j; k++) {
		struct sack_range *r = b->r + b->first + k;

		if (r->flags & SACK_HELD)
			continue;
		note(r, news);
		if (r->flags & SACK_LOST)
			b->lost -= len_of(r);
		r->flags = SACK_HELD;
		b->held += len_of(r);
	}
	if (before(b->fack, right))
		b->fack = right;
	while (j-- > i)
		join(b, (unsigned)j);
	if (i > 0)
		join(b, (unsigned)i - 1);
}

static void lose(struct sack_board *b, struct sack_range *r)
{
	if (r->flags & (SACK_HELD | SACK_LOST))
		return;
	r->flags |= SACK_LOST;
	b->lost += len_of(r);
}

/**
 * sack_detect() - Take for lost what was sent too long before what arrived
 * @b:		board
 * @sent, @end:	of what was sent last among all that arrived
 * @reach:	its round trip and the reordering window, microseconds
 * @now:	microseconds
 * @wait:	out: after how long to look again; 0: no need to
 *
 * RFC 8985, 6.2 step 5.
 *
 * Return: bytes newly taken for lost
 */
uint32_t sack_detect(struct sack_board *b, uint32_t sent, uint32_t end, uint32_t reach,
		     uint32_t now, uint32_t *wait)
{
	uint32_t lost = b->lost;

	*wait = 0;
	for (unsigned i = 0; i < b->n; i++) {
		struct sack_range *r = b->r + b->first + i;
		uint32_t age = now - r->sent;

		if (r->flags & (SACK_HELD | SACK_LOST))
			continue;
		if (!before(r->sent, sent) && !(r->sent == sent && before(r->end, end)))
			continue;
		if (age >= reach)
			lose(b, r);
		else if (reach - age > *wait)
			*wait = reach - age;
	}
	return b->lost - lost;
}

/**
 * sack_lose() - Take bytes for lost
 * @b:		board
 * @seq, @end:	the bytes; those sent again already are passed over
 */
void sack_lose(struct sack_board *b, uint32_t seq, uint32_t end)
{
	int i = split(b, seq), j = i < 0 ? -1 : split(b, end);

	for (; i < j; i++)
		if (!(b->r[b->first + i].flags & SACK_RETRANS))
			lose(b, b->r + b->first + i);
}

/**
 * sack_lose_all() - After a time-out: all that the peer does not have is lost
 * @b:		board
 *
 * If it has the first bytes in flight but does not acknowledge them, it threw
 * away what it had (RFC 2018, 8), and all is lost.
 */
void sack_lose_all(struct sack_board *b)
{
	struct sack_range *r = b->r + b->first;
	bool reneged = b->n && (r->flags & SACK_HELD);

	for (unsigned i = 0; i < b->n; i++) {
		if (reneged)
			r[i].flags &= (uint8_t)~SACK_HELD;
		r[i].flags &= (uint8_t)~SACK_RETRANS;
		lose(b, r + i);
	}
	if (reneged)
		b->held = 0;
}

/**
 * sack_unlose() - It was not lost after all
 * @b:		board
 */
void sack_unlose(struct sack_board *b)
{
	for (unsigned i = 0; i < b->n; i++)
		b->r[b->first + i].flags &= (uint8_t)~SACK_LOST;
	b->lost = 0;
}

/**
 * sack_next_lost() - The first bytes to send again
 * @b:		board
 * @seq, @end:	out
 *
 * Return: false: none
 */
bool sack_next_lost(const struct sack_board *b, uint32_t *seq, uint32_t *end)
{
	for (unsigned i = 0; b->lost && i < b->n; i++) {
		const struct sack_range *r = b->r + b->first + i;

		if (!(r->flags & SACK_LOST))
			continue;
		*seq = r->seq;
		*end = r->end;
		return true;
	}
	return false;
}
