/* board.c - read and write what a stack shows its clients; see board.h */
#include <string.h>
#include "proto/board.h"

#define TRIES	4	/* a writer is done within a microsecond, or dead */

/* board_init() - An empty board, in memory that is all zero: everything is to be asked */
void board_init(struct board *b)
{
	b->version = BOARD_VERSION;
	b->size = sizeof(*b);
}

/* board_valid() - Is this memory of @size bytes a board as we know it? */
bool board_valid(const struct board *b, size_t size)
{
	return size >= sizeof(*b) && b->version == BOARD_VERSION && b->size == sizeof(*b);
}

/**
 * board_add() - Append a prefix; one too many is left out
 * @net:	its address, 4 or 16 bytes in network order; bits behind @plen do not count
 */
void board_add(struct board_ways *w, unsigned family, const void *net, unsigned plen,
	       enum board_way way)
{
	struct board_prefix *p = &w->prefix[family][w->n[family]];
	uint8_t mask[16] = { 0 };

	if (w->n[family] >= BOARD_PREFIXES)
		return;
	memset(p, 0, sizeof(*p));
	memset(mask, 0xff, plen / 8);
	if (plen % 8)
		mask[plen / 8] = (uint8_t)(0xff00 >> plen % 8);
	memcpy(p->mask, mask, sizeof(p->mask));
	memcpy(p->net, net, family == BOARD_IP6 ? 16 : 4);
	for (int i = 0; i < 4; i++)
		p->net[i] &= p->mask[i];
	p->way = way;
	w->n[family]++;
}

/**
 * board_publish() - Show other ways; nothing happens when they are as before
 *
 * Only one thread of one process writes.
 */
void board_publish(struct board *b, const struct board_ways *w)
{
	const uint32_t *from = (const uint32_t *)w;
	uint32_t *to = (uint32_t *)&b->ways;

	if (!memcmp(&b->ways, w, sizeof(*w)))
		return;
	__atomic_store_n(&b->seq, b->seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (size_t i = 0; i < sizeof(*w) / sizeof(*to); i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
	__atomic_store_n(&b->seq, b->seq + 1, __ATOMIC_RELEASE);
}

static bool matches(const struct board_prefix *p, unsigned family, const uint32_t ip[4])
{
	for (int i = 0; i < (family == BOARD_IP6 ? 4 : 1); i++)
		if ((ip[i] & board_read(&p->mask[i])) != board_read(&p->net[i]))
			return false;
	return true;
}

static enum board_way way_of(const struct board_ways *w, unsigned family, const uint32_t ip[4])
{
	uint32_t n = board_read(&w->n[family]);

	for (uint32_t i = 0; i < n && i < BOARD_PREFIXES; i++)
		if (matches(&w->prefix[family][i], family, ip))
			return (enum board_way)board_read(&w->prefix[family][i].way);
	return BOARD_ASK;
}

static enum board_way judge(const struct board_ways *w, const struct board_query *q)
{
	static const uint32_t any[4];
	enum board_way way = way_of(w, q->family, q->to);

	if (way == BOARD_BROADCAST)
		way = q->broadcast ? BOARD_FINE : BOARD_ASK;
	if (q->whole > board_read(&w->mtu))
		return BOARD_ASK;
	if (q->from_given && memcmp(q->from, any, q->family == BOARD_IP6 ? 16 : 4) &&
	    way_of(w, q->family, q->from) != BOARD_SELF)
		return BOARD_ASK;
	if (q->index && (q->index >= BOARD_INDEXES ||
			 !(board_read(&w->index[q->family][q->index / 32]) >> q->index % 32 & 1)))
		return BOARD_ASK;
	return way;
}

/**
 * board_look() - What does the board say of a datagram?
 * @seq:	out: number of the state of the board that says so
 *
 * Return: BOARD_ASK, BOARD_FINE or BOARD_SELF
 */
enum board_way board_look(const struct board *b, const struct board_query *q, uint32_t *seq)
{
	for (int i = 0; i < TRIES; i++) {
		enum board_way way;

		*seq = __atomic_load_n(&b->seq, __ATOMIC_ACQUIRE);
		way = judge(&b->ways, q);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(*seq & 1) && board_read(&b->seq) == *seq)
			return way;
	}
	return BOARD_ASK;
}
