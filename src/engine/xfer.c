/* xfer.c - move bytes between lwIP and an application's descriptor
 *
 * Theory of operation
 * lwIP's callbacks and the descriptor's events only note what there is to do
 * and put the connection on the engine's dirty list; xfer_run_all(), before
 * the loop sleeps, moves the bytes.  So the segments of a burst reach the
 * application in one sendmsg(), and one ACK answers them.  The two directions
 * are xfer_rx.c and xfer_tx.c; here is what they share: events, order, and
 * the end of a connection.
 */
#include "engine/xfer.h"

#include <errno.h>
#include <sys/socket.h>
#include "engine/priv.h"
#include "lwip/priv/tcp_priv.h"
#include "port.h"

#define FIRST_WRITE_NS	(50 * 1000ull)	/* from connect() to write(), in most clients */
#define NS_PER_MS	1000000ull
#define SHARE_LARGE	(256 * 1024)
#define SHARE_SMALL	(32 * 1024)
#define ORPHAN_NS	(120 * 1000000000ull)	/* without the application, without progress */

/* xfer_dirty() - Have the connection looked at before the loop sleeps */
void xfer_dirty(struct tcp_sock *ts)
{
	if (ts->dirty || ts->s.closed)
		return;
	ts->dirty = true;
	ts->dirty_next = ts->s.e->dirty;
	if (ts->dirty_next)
		ts->dirty_next->dirty_pprev = &ts->dirty_next;
	ts->dirty_pprev = &ts->s.e->dirty;
	ts->s.e->dirty = ts;
}

/* xfer_undirty() - Take it off the list again: a socket that ends is freed
 * before the list is walked */
void xfer_undirty(struct tcp_sock *ts)
{
	if (!ts->dirty)
		return;
	ts->dirty = false;
	*ts->dirty_pprev = ts->dirty_next;
	if (ts->dirty_next)
		ts->dirty_next->dirty_pprev = ts->dirty_pprev;
}

/* the application is done: FIN behind its last byte; and once lwIP needs
 * nothing of ours any more, leave the rest to it.  EPOLLHUP also means that
 * both directions were shut down while the application still holds its end:
 * for it too all is said, but what it has not read stays readable, and bytes
 * kept must not turn our close into a reset.  True: the socket is gone */
static bool finish(struct tcp_sock *ts)
{
	struct tcp_pcb *pcb = ts->pcb;

	if (pcb && ts->app_eof && !ts->fin_sent) {
		ts->fin_sent = true;
		tcp_shutdown(pcb, 0, 1);
		pcb = ts->pcb;
	}
	if (!ts->app_hup || (pcb && (!ts->fin_sent || ts->tx_head)))
		return false;
	if (pcb) {
		tcp_sock_detach(ts);
		if (pcb->state != TIME_WAIT)
			tcp_close(pcb);
	}
	xfer_tx_settle(ts);
	sock_close(&ts->s);
	return true;
}

/* the handshake's ACK went with data, or waits for them a moment longer */
static void first_ack(struct tcp_sock *ts)
{
	if (!(ts->pcb->flags & TF_ACK_DELAY)) {
		ts->ack_held = false;
		if (ts->ack_timed && !ts->app_hup)
			loop_timer_del(&ts->timer);
	} else if (!ts->timer.loop) {
		ts->ack_timed = true;
		loop_timer_in(ts->s.e->loop, &ts->timer, FIRST_WRITE_NS);
	}
}

/* TCP_USER_TIMEOUT: data in flight that long without an ACK; looked at whenever they are sent
 * again.  True: the connection is no more */
static bool user_timeout(struct tcp_sock *ts)
{
	uint64_t now = loop_now(ts->s.e->loop);
	struct tcp_pcb *pcb = ts->pcb;

	if (!pcb->unacked) {
		ts->unacked_since = 0;
		return false;
	}
	if (!ts->unacked_since)
		ts->unacked_since = now;
	if (!ts->s.o.user_timeout || now - ts->unacked_since < (uint64_t)ts->s.o.user_timeout * NS_PER_MS)
		return false;
	tcp_sock_detach(ts);
	tcp_abort(pcb);
	xfer_reset(ts, ts->soft_err ? ts->soft_err : ETIMEDOUT);
	return true;
}

/* about what a connection may send before ACKs are read.  More lies in lwIP's queue
 * of what is in flight, which it walks, and in no cache; large segments make
 * that queue short */
static uint64_t share(const struct tcp_pcb *pcb)
{
	return pcb->mss > 2 * port_tcp_wire_mss(pcb) ? SHARE_LARGE : SHARE_SMALL;
}

static void run(struct tcp_sock *ts)
{
	xfer_flush(ts);
	if (ts->deferred && (ts->rx_total || ts->rx_fin_done)) {
		listener_show(ts);
		if (ts->s.closed)
			return;
	}
	if (ts->reset_err) {
		if (!ts->rx_head)
			sock_fail(&ts->s, ts->reset_err);
		return;
	}
	if (ts->pcb) {
		xfer_tx_release(ts);
		xfer_pull(ts, share(ts->pcb));
		if (ts->s.closed)
			return;
	}
	if (finish(ts) || !ts->pcb || user_timeout(ts))
		return;
	xfer_ack(ts);
	tcp_output(ts->pcb);
	if (ts->pcb && ts->ack_held)
		first_ack(ts);
	if (ts->pcb)
		port_tcp_rest(ts->pcb);
}

/* xfer_run_all() - Move what there is to move, on every dirty connection.  One
 * that has more than its share is dirty again afterwards: frames come first */
void xfer_run_all(struct engine *e)
{
	struct tcp_sock *list = e->dirty;

	e->dirty = NULL;
	if (list)
		list->dirty_pprev = &list;
	while (list) {
		struct tcp_sock *ts = list;

		xfer_undirty(ts);
		run(ts);
	}
}

/* xfer_on_input() - A segment came in: the window may have opened, which lwIP
 * tells nobody */
void xfer_on_input(struct tcp_pcb *pcb)
{
	/* a half-open connection's argument is its listener */
	if (pcb->sent == xfer_sent_cb && pcb->callback_arg)
		xfer_dirty(pcb->callback_arg);
}

/* xfer_sent_cb() - The peer acknowledged data: there may be room for more */
err_t xfer_sent_cb(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	struct tcp_sock *ts = arg;

	ts->unacked_since = 0;
	if (ts->app_hup)
		loop_timer_in(ts->s.e->loop, &ts->timer, ORPHAN_NS);
	xfer_dirty(ts);
	return ERR_OK;
}

static void on_timer(struct loop_timer *t)
{
	struct tcp_sock *ts = container_of(t, struct tcp_sock, timer);

	if (ts->app_hup) {		/* nobody left to wait for the peer */
		tcp_sock_abort(ts);
		sock_close(&ts->s);
		return;
	}
	if (ts->ack_held) {
		ts->ack_held = false;
		if (ts->pcb)
			tcp_ack_now(ts->pcb);
		xfer_dirty(ts);
		return;
	}
	if (ts->pcb && ts->s.o.cork) {	/* let the short rest go, once */
		ts->s.o.cork = 0;
		xfer_pull(ts, UINT64_MAX - ts->tx_written);
		ts->s.o.cork = 1;
		if (!ts->s.closed)
			xfer_dirty(ts);
	}
}

/* xfer_start() - The connection stands: move bytes from now on */
void xfer_start(struct tcp_sock *ts)
{
	loop_timer_del(&ts->timer);
	ts->timer.cb = on_timer;
	ts->rx_seq = ts->pcb->rcv_nxt;
	ts->app_readable = true;	/* what was written since is not told again */
	xfer_dirty(ts);
}

/* the application's end is closed everywhere.  True: with bytes unread there,
 * so that the peer is owed a RST (RFC 2525 2.17) */
static bool closed_unread(const struct tcp_sock *ts)
{
	int err = 0;
	socklen_t len = sizeof(err);

	getsockopt(ts->s.w.fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return err == ECONNRESET || ts->rx_head ||
		(ts->s.o.linger.l_onoff && ts->s.o.linger.l_linger == 0);
}

/* what the application wrote before it closed goes out as far as the peer's
 * window lets it, as it would have under Linux, where write() itself sends */
static void push_last(struct tcp_sock *ts)
{
	ts->app_readable = ts->app_rdhup = true;
	if (ts->pcb)
		xfer_pull(ts, UINT64_MAX - ts->tx_written);
}

/* xfer_event() - The application wrote, read, shut down or closed */
void xfer_event(struct tcp_sock *ts, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
		ts->app_readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP))
		ts->app_rdhup = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		ts->rx_writable = true;
	if ((events & EPOLLHUP) && !ts->app_hup) {
		if (closed_unread(ts)) {
			push_last(ts);
			if (ts->s.closed)
				return;
			tcp_sock_abort(ts);
			sock_close(&ts->s);
			return;
		}
		ts->app_hup = true;
		loop_timer_in(ts->s.e->loop, &ts->timer, ORPHAN_NS);
	}
	xfer_dirty(ts);
}

/* xfer_reset() - The connection is no more, lwIP's PCB neither.  What the peer
 * sent before stays readable (Linux keeps the receive queue); the error comes
 * behind it.  Writing ends at once: who waits to write must not wait for a
 * reader */
void xfer_reset(struct tcp_sock *ts, int err)
{
	if (!ts->app_hup)
		xfer_flush(ts);
	if (!ts->rx_head || ts->app_hup) {
		sock_fail(&ts->s, err);
		return;
	}
	ts->reset_err = err;
	xfer_tx_refuse(ts);
}

/* xfer_forget() - Drop both queues; lwIP's segments must be gone already */
void xfer_forget(struct tcp_sock *ts)
{
	uint32_t none = 0;

	xfer_rx_drop(ts, &none);
	xfer_tx_drop(ts);
	loop_timer_del(&ts->timer);
}
