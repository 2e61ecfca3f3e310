/* filter.h - SO_ATTACH_FILTER on its way to the stack
 *
 * A program may have 4,096 instructions, which no control message holds: it
 * comes in pieces, each a value of the option, in order.  The piece that
 * completes it attaches it and gets the outcome; a piece with first == 0
 * starts anew.
 */
#ifndef PROTO_FILTER_H
#define PROTO_FILTER_H

#include <linux/filter.h>
#include "proto/msg.h"

struct filter_piece {
	uint32_t total;			/* instructions of the whole program */
	uint32_t first;			/* number of the first one here */
	struct sock_filter insn[];
};

#define FILTER_PIECE_MAX \
	((MSG_OPT_MAX - sizeof(struct filter_piece)) / sizeof(struct sock_filter))

_Static_assert(sizeof(struct filter_piece) == 8 && sizeof(struct sock_filter) == 8,
	       "filter_piece is the wire format");

#endif
