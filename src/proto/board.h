/* board.h - what a stack shows all of its clients, in memory that they share
 *
 * Theory of operation
 * A datagram is written to its pair and the call is over; whether it can be
 * sent at all only the daemon knows.  Linux tells within the call.  So the
 * daemon keeps a board, a sealed memfd that every client maps to read
 * (MSG_OP_HELLO's reply brings it), and a client looks at it before it
 * writes.  What the board says is never more than "nothing is wrong with that":
 * of all else the client asks the daemon, by MSG_OP_OUTLOOK, and gets the errno.
 * The rules of routing thus stand in one place, and the board has but to be
 * right when it says that a datagram is fine.
 *
 * struct board_ways is that: per family, the first prefix that matches a
 * destination says what becomes of it.  A list that is too long is cut: what
 * none matches, is asked for.  It changes as a whole, under a sequence lock,
 * whose (even) number also tells how old an answer is.
 *
 * The counters are single words.  A socket is found by its id, a port by its
 * number, many to a counter: one that is not 0 for somebody else's sake costs
 * a look, no more.
 *
 * One process writes; it believes nothing that stands here.  A reader that
 * meets a dead writer's board, torn or stale, may be wrong about an error, and
 * learns of the death when it writes the datagram.
 */
#ifndef PROTO_BOARD_H
#define PROTO_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOARD_VERSION	1
#define BOARD_PREFIXES	64		/* a family */
#define BOARD_COUNTERS	1024		/* a power of two */
#define BOARD_INDEXES	256

enum board_way {
	BOARD_ASK,			/* the daemon knows */
	BOARD_FINE,			/* there is a route, and a source address for it */
	BOARD_SELF,			/* an address of the stack's own */
	BOARD_BROADCAST,		/* fine for a socket with SO_BROADCAST, else to be asked */
};

struct board_prefix {			/* addresses in network order; IPv4: the first word */
	uint32_t net[4], mask[4];
	uint32_t way;			/* enum board_way */
};

enum { BOARD_IP4, BOARD_IP6, BOARD_FAMILIES };

struct board_ways {
	uint32_t mtu;			/* the smallest that a datagram could meet */
	uint32_t n[BOARD_FAMILIES];
	struct board_prefix prefix[BOARD_FAMILIES][BOARD_PREFIXES];
	/* interfaces that datagrams may be sent by, by name of their number: a bit each */
	uint32_t index[BOARD_FAMILIES][BOARD_INDEXES / 32];
};

struct board {
	uint32_t version, size;
	uint32_t seq;			/* odd: being changed */
	struct board_ways ways;
	uint32_t nerror;		/* sockets that an error may wait for, in all, */
	uint32_t error[BOARD_COUNTERS];	/* and by id */
	uint32_t deaf[BOARD_COUNTERS];	/* connected to a port of ours that nobody has, by id */
	uint32_t heard[BOARD_COUNTERS];	/* UDP sockets with a port, by it */
};

_Static_assert(sizeof(struct board_prefix) == 36, "board_prefix is shared");
_Static_assert(sizeof(struct board) == 12 + sizeof(struct board_ways) + 4 + 3 * 4 * BOARD_COUNTERS,
	       "board is shared");

/* a datagram to be */
struct board_query {
	unsigned family;		/* BOARD_IP4, BOARD_IP6 */
	uint32_t to[4];
	bool broadcast;			/* SO_BROADCAST */
	bool from_given;		/* it names its source, */
	uint32_t from[4];
	uint32_t index;			/* or its interface */
	size_t whole;			/* bytes with all headers that must not be cut; 0: may be */
};

void board_init(struct board *b);
bool board_valid(const struct board *b, size_t size);
void board_add(struct board_ways *w, unsigned family, const void *net, unsigned plen,
	       enum board_way way);
void board_publish(struct board *b, const struct board_ways *w);
enum board_way board_look(const struct board *b, const struct board_query *q, uint32_t *seq);

/* a counter of a board; relaxed, as what it counts is looked for elsewhere */
static inline uint32_t board_read(const uint32_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static inline void board_count(uint32_t *counter, int by)
{
	__atomic_store_n(counter, *counter + (uint32_t)by, __ATOMIC_RELEASE);
}

/* the counter, of an array of them, that an id or a port has */
#define BOARD_AT(counters, key)	(&(counters)[(key) % BOARD_COUNTERS])

#endif
