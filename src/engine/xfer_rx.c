/* xfer_rx.c - from the network to the application's descriptor
 *
 * Theory of operation
 * pbufs that lwIP delivered queue at rx_head.  The window is credited only for what
 * the descriptor accepted, so a slow reader closes the peer's window instead of
 * growing our memory: at most rx_wnd bytes.
 * Write first; EPOLLOUT is armed only for leftovers.  A write that ends with the peer's
 * urgent byte has MSG_OOB: AF_UNIX then shows the application POLLPRI, SIGURG and the mark.
 *
 * The window begins at a quarter of a megabyte and follows what the application takes
 * in a round trip, up to TCP_WND: a sender whose window is twice what it can
 * use in that time is held back by the network alone (dynamic right-sizing, as
 * in Linux).  SO_RCVBUF fixes it.
 */
#include "engine/xfer.h"

#include <errno.h>
#include <sys/socket.h>
#include "engine/priv.h"
#include "lwip/priv/tcp_priv.h"
#include "port.h"

#define RX_IOV		64
#define SNDBUF_LARGE	(1 << 20)	/* of the pair, once a connection moves much */
#define SNDBUF_LARGE_AT	(256 * 1024)
#define ROUND_MIN_US	8000		/* to tell a rate */
#define WND_STEP	(128 * 1024)	/* tell the peer when the window opened by this */

static void watch(struct tcp_sock *ts, bool out)
{
	ts->rx_writable = false;
	if (ts->rx_blocked == out)
		return;
	ts->rx_blocked = out;
	loop_fd_mod(&ts->s.w, EPOLLIN | EPOLLRDHUP | EPOLLET | (out ? EPOLLOUT : 0));
}

/* xfer_rx_drop() - Forget what is queued; its bytes are added to *credit */
void xfer_rx_drop(struct tcp_sock *ts, uint32_t *credit)
{
	for (struct pbuf *p = ts->rx_head; p; p = p->next)
		*credit += p->len;
	if (ts->rx_head)
		pbuf_free(ts->rx_head);
	ts->rx_head = ts->rx_tail = NULL;
}

static void rx_consume(struct tcp_sock *ts, size_t n)
{
	while (n > 0) {
		struct pbuf *p = ts->rx_head;

		if (n < p->len) {
			pbuf_remove_header(p, n);
			return;
		}
		n -= p->len;
		ts->rx_head = p->next;
		p->next = NULL;
		pbuf_free(p);
	}
	if (!ts->rx_head)
		ts->rx_tail = NULL;
}

/* how many bytes there are up to the urgent one, and that included */
static size_t rx_to_urgent(const struct tcp_sock *ts)
{
	if (!ts->rx_urg)
		return SIZE_MAX;
	return (size_t)(uint32_t)(ts->rx_urg_seq - (ts->rx_seq + (uint32_t)ts->rx_total)) + 1;
}

static size_t rx_iov(const struct tcp_sock *ts, struct iovec *iov, int *cnt, size_t most)
{
	size_t total = 0;
	int n = 0;

	for (struct pbuf *p = ts->rx_head; p && n < RX_IOV && total < most; p = p->next) {
		iov[n].iov_base = p->payload;
		iov[n].iov_len = p->len < most - total ? p->len : most - total;
		total += iov[n++].iov_len;
	}
	*cnt = n;
	return total;
}

/* write what is queued; returns the bytes that left the queue */
static uint32_t rx_write(struct tcp_sock *ts)
{
	struct iovec iov[RX_IOV];
	uint32_t credit = 0;

	if (ts->rx_blocked && !ts->rx_writable)
		return 0;
	while (ts->rx_head && !ts->rx_closed) {
		struct msghdr mh = { .msg_iov = iov };
		int cnt, flags = MSG_DONTWAIT | MSG_NOSIGNAL;
		size_t most = rx_to_urgent(ts), total = rx_iov(ts, iov, &cnt, most);
		ssize_t n;

		if (total == 0) {	/* a pbuf of no bytes only */
			xfer_rx_drop(ts, &credit);
			break;
		}
		/* the byte before the urgent one waits for it: who reads up to the mark
		 * shall find it, and not come there first */
		if (total + 1 == most && ts->pcb && !ts->rx_fin)
			total = rx_iov(ts, iov, &cnt, total - 1);
		if (total == 0)
			break;
		mh.msg_iovlen = (size_t)cnt;
		if (total == most)
			flags |= MSG_OOB;	/* the last byte */
		n = sendmsg(ts->s.w.fd, &mh, flags);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EOPNOTSUPP && ts->rx_urg) {
			ts->rx_urg = false;	/* a kernel without AF_UNIX_OOB: in band */
			continue;
		}
		if (n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)) {
			watch(ts, true);
			return credit;
		}
		if (n < 0) {		/* shut for reading, or closed: Linux discards */
			ts->rx_closed = true;
			break;
		}
		rx_consume(ts, (size_t)n);
		credit += (uint32_t)n;
		ts->rx_total += (uint64_t)n;
		if ((size_t)n == most)
			ts->rx_urg = false;
		if ((size_t)n < total) {
			watch(ts, true);
			return credit;
		}
	}
	if (ts->rx_closed)
		xfer_rx_drop(ts, &credit);
	watch(ts, false);
	return credit;
}

/* once a round trip: is the window still twice what comes in one? */
static void tune_window(struct tcp_sock *ts, uint32_t took)
{
	uint64_t rtt = port_tcp_rcv_rtt(ts->pcb), span = port_now_us() - ts->rx_took_from, want;

	ts->rx_took += took;
	if (!rtt || span < rtt || span < ROUND_MIN_US)
		return;
	want = 2 * ts->rx_took * rtt / span;
	ts->rx_took = 0;
	ts->rx_took_from += span;
	if (want > TCP_WND_MAX(ts->pcb))
		want = TCP_WND_MAX(ts->pcb);
	if (want <= ts->rx_wnd || ts->s.o.rcvbuf_set)
		return;
	ts->pcb->rcv_wnd += (uint32_t)want - ts->rx_wnd;
	ts->rx_wnd = (uint32_t)want;
}

/* tcp_recved() would send an ACK in the midst of a burst: xfer_ack() says when */
static void open_window(struct tcp_pcb *pcb, uint32_t n)
{
	pcb->rcv_wnd = LWIP_MIN(pcb->rcv_wnd + n, TCP_WND_MAX(pcb));
}

/* xfer_flush() - Give the application what the network delivered, and the
 * peer the window for it; pass the peer's FIN on behind the last byte */
void xfer_flush(struct tcp_sock *ts)
{
	bool small = ts->rx_total < SNDBUF_LARGE_AT;
	uint32_t credit = rx_write(ts);

	if (small && ts->rx_total >= SNDBUF_LARGE_AT && !ts->s.o.rcvbuf_set)
		sock_set_sndbuf(&ts->s, SNDBUF_LARGE);
	if (credit && ts->pcb) {
		tune_window(ts, credit);
		open_window(ts->pcb, credit);
	}
	if (!ts->rx_head && ts->rx_fin && !ts->rx_fin_done) {
		ts->rx_fin_done = true;
		shutdown(ts->s.w.fd, SHUT_WR);
	}
}

/* the peer's urgent byte is among what comes now, or will come; a later one takes its place */
static void note_urgent(struct tcp_sock *ts, struct tcp_pcb *pcb)
{
	uint32_t seq;

	if (!port_tcp_urgent_in(pcb, &seq) ||
	    (ts->rx_urg && !TCP_SEQ_GT(seq, ts->rx_urg_seq)))
		return;
	ts->rx_urg = true;
	ts->rx_urg_seq = seq;
}

/* xfer_recv_cb() - lwIP delivers data, or NULL for the peer's FIN */
err_t xfer_recv_cb(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct tcp_sock *ts = arg;

	if (!p) {
		ts->rx_fin = true;
		port_tcp_hold_ack(pcb);	/* who reads the end closes, as a rule */
		xfer_dirty(ts);
		return ERR_OK;
	}
	if (ts->app_hup) {		/* nobody will read it: RFC 1122 4.2.2.13 */
		pbuf_free(p);
		tcp_sock_abort(ts);
		sock_close(&ts->s);
		return ERR_ABRT;
	}
	ts->rx_unacked += p->tot_len;
	note_urgent(ts, pcb);
	if (ts->rx_tail)
		ts->rx_tail->next = p;
	else
		ts->rx_head = p;
	while (p->next)
		p = p->next;
	ts->rx_tail = p;
	xfer_dirty(ts);
	return ERR_OK;
}

/* xfer_ack() - An ACK for every two segments' worth (RFC 5681 4.2), counted in bytes since
 * a GRO frame holds many, and one when the window opened by a good part (RFC
 * 9293 3.8.6.2.2); what is less waits for the delayed-ACK timer */
void xfer_ack(struct tcp_sock *ts)
{
	struct tcp_pcb *pcb = ts->pcb;
	uint32_t opened = pcb->rcv_nxt + pcb->rcv_wnd - pcb->rcv_ann_right_edge;
	uint32_t step = ts->rx_wnd / 4 < WND_STEP ? ts->rx_wnd / 4 : WND_STEP;

	if ((int32_t)opened >= (int32_t)step) {
		/* lwIP's own rule is to wait for a whole MSS of room: over lo that is
		 * more than a small SO_RCVBUF ever has */
		pcb->rcv_ann_wnd = pcb->rcv_wnd;
		tcp_ack_now(pcb);
	}
	if (!(pcb->flags & TF_ACK_DELAY)) {
		ts->rx_unacked = 0;
		return;
	}
	if (ts->rx_unacked >= 2 * port_tcp_wire_mss(pcb)) {
		ts->rx_unacked = 0;
		tcp_ack_now(pcb);
	}
}
