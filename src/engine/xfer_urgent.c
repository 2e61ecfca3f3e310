/* xfer_urgent.c - urgent bytes (MSG_OOB) on their way out
 *
 * Theory of operation
 * What is written with MSG_OOB does not come by the pair: of a mark that AF_UNIX sets
 * there (since Linux 5.15) the reader cannot tell where it is, and does not get past
 * it while a byte before it stays unread, as xfer_tx.c wants it.  It comes by a
 * request instead, and its place is behind all that lies in the pair then: its offset
 * in the stream is known at once.  Pieces end where it begins and ends, and its own are
 * not larger than a packet, since a segment that bears the mark must not need cutting
 * (lwip-port/urgent.c); for the same reason nothing is added to what lwIP has yet to
 * send.  Nagle's rule and TCP_CORK do not hold back (as in Linux).
 *
 * In the other direction xfer_rx.c gives the byte to the pair with MSG_OOB, and the
 * kernel does the rest.
 */
#include "engine/xfer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "lwip/priv/tcp_priv.h"
#include "port.h"

#define URGENT_MAX	64	/* writes that wait, of one connection */

struct urgent {
	struct urgent *next;
	uint64_t at;		/* tx_written when it is its turn */
	size_t len, pos;	/* bytes; of them, handed over */
	uint8_t data[];
};

static bool due(const struct urgent *u, const struct tcp_sock *ts)
{
	return u->at <= ts->tx_written;
}

/* xfer_urgent() - Bytes, of which the last is urgent, follow what the application wrote so
 * far: 0, -EPIPE, -ENOBUFS */
int xfer_urgent(struct tcp_sock *ts, const void *data, size_t len)
{
	uint64_t at = ts->tx_written;
	struct urgent *u, **end;
	unsigned n = 0;

	if (!ts->pcb || ts->app_rdhup || ts->reset_err)
		return -EPIPE;
	at += xfer_tx_fresh(ts);
	for (end = &ts->tx_urg; *end; end = &(*end)->next) {
		at += (*end)->len - (*end)->pos;
		n++;
	}
	u = n < URGENT_MAX ? malloc(sizeof(*u) + len) : NULL;
	if (!u)
		return -ENOBUFS;
	*u = (struct urgent){ .at = at, .len = len };
	memcpy(u->data, data, len);
	*end = u;
	port_tcp_urgent(ts->pcb, ts->pcb->snd_lbb + (uint32_t)(at - ts->tx_written + len));
	ts->app_readable = true;
	xfer_dirty(ts);
	return 0;
}

/* xfer_urgent_room() - How much of @room may be sent in one piece */
size_t xfer_urgent_room(const struct tcp_sock *ts, size_t room)
{
	const struct urgent *u = ts->tx_urg;
	uint32_t mss = port_tcp_wire_mss(ts->pcb);
	uint64_t left;

	if (ts->pcb->unsent && port_tcp_urgent_mode(ts->pcb))
		return 0;
	if (!u)
		return room;
	left = due(u, ts) ? u->len - u->pos : u->at - ts->tx_written;
	if (due(u, ts) && room > mss)
		room = mss;
	return room > left ? (size_t)left : room;
}

/* xfer_urgent_take() - Up to @room bytes of a write with MSG_OOB, when it is its turn; else 0 */
size_t xfer_urgent_take(struct tcp_sock *ts, uint8_t *buf, size_t room)
{
	struct urgent *u = ts->tx_urg;

	if (!u || !due(u, ts))
		return 0;
	if (room > u->len - u->pos)
		room = u->len - u->pos;
	memcpy(buf, u->data + u->pos, room);
	u->pos += room;
	if (u->pos == u->len) {
		ts->tx_urg = u->next;
		free(u);
	}
	return room;
}

/* xfer_urgent_next() - The pair is empty: nothing lies before the next write any more.
 * False: there is none */
bool xfer_urgent_next(struct tcp_sock *ts)
{
	if (!ts->tx_urg)
		return false;
	ts->tx_urg->at = ts->tx_written;
	return true;
}

/* xfer_urgent_drop() - Forget those that wait */
void xfer_urgent_drop(struct tcp_sock *ts)
{
	while (ts->tx_urg) {
		struct urgent *u = ts->tx_urg;

		ts->tx_urg = u->next;
		free(u);
	}
}
