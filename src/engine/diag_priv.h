/* diag_priv.h - what the files of the sock_diag server share
 *
 * diag.c dispatches and keeps dumps going; diag_inet.c, diag_other.c know the
 * families; diag_filter.c is the filters.
 */
#ifndef ENGINE_DIAG_PRIV_H
#define ENGINE_DIAG_PRIV_H

#include <linux/inet_diag.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include "engine/diag.h"
#include "engine/diag_filter.h"
#include "engine/priv.h"
#include "engine/sock.h"

/* what a dump was asked for, and how far it is */
struct diag_dump {
	struct engine *e;
	struct nlmsghdr h;		/* of each answer */
	struct nlbuf *out;		/* during diag_more() */
	/* one bucket of a table; false: that was the last */
	bool (*step)(struct diag_dump *d);
	unsigned stage;
	uint32_t cursor;
	unsigned seen;			/* sockets looked at, in this piece */
	union {
		struct inet_diag_req_v2 inet;
		struct packet_diag_req packet;
		struct netlink_diag_req netlink;
	} req;
	size_t filter_len;
	uint8_t filter[];		/* INET_DIAG_REQ_BYTECODE, checked */
};

int diag_begin(struct rtnl_req *r, struct diag_dump **out, size_t filter_len);
bool diag_cookie_fits(const uint32_t want[2], uint64_t cookie);

/* as rtnl_fn: 0 or -errno; a dump is left in *dump */
typedef int diag_fn(struct rtnl_req *r, struct diag_dump **dump);
diag_fn diag_inet, diag_inet_old, diag_packet, diag_netlink;
int diag_inet_destroy(struct rtnl_req *r);

#endif
