/* xfer.c - move bytes between lwIP and an application's descriptor
 *
 * Theory of operation
 * lwIP's callbacks and the descriptor's events only note what there is to do
 * and put the connection on the engine's dirty list; xfer_run_all(), before
 * the loop sleeps, moves the bytes.  So the segments of a burst reach the
 * application in one sendmsg(), and one ACK answers them.
 *
 * Network to application: pbufs queue at rx_head.  The window is credited
 * (tcp_recved) only for what the descriptor accepted, so a slow reader closes
 * the peer's window instead of growing our memory: at most rx_wnd bytes.
 *
 * Application to network: pull.  We read from the pair only what the peer's
 * window and ours let go at once, in whole segments, so the rest stays in the
 * application's own buffer and blocks it there.  Large pieces are read into a
 * buffer that the segments point to (struct txbuf) until they are
 * acknowledged; small ones are copied.  Nagle (RFC 896, with Minshall's rule:
 * only a short segment in flight holds back another) is ours; lwIP's is off,
 * as it would compare with the large MSS of an offloading interface.
 *
 * One byte at least is left unread in the pair (kept): an AF_UNIX peer that
 * closes with unread bytes gives the other end ECONNRESET, and that is how a
 * RST reaches an application natively, however idle it is.  Small writes are
 * therefore peeked at, and consumed once some have gathered; a large read
 * stops one byte short and peeks at the last.  The descriptor is watched
 * edge-triggered, for its level is always "readable".
 */
#include "engine/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "base/log.h"
#include "engine/priv.h"
#include "lwip/priv/tcp_priv.h"
#include "port.h"

#define RX_IOV		64
#define TX_CHUNK	65160		/* most that is taken at once: 45 segments of 1448 */
#define TX_COPY		4096		/* up to this, copying is cheaper than lending */
#define PEEK_MAX	4096		/* most that is peeked at and left in the pair */
#define KEPT_MAX	4096		/* consume beyond this many bytes ... */
#define KEPT_PIECES	16		/* ... or pieces: each peek walks them */
#define BULK_MIN	2048
#define WND_STEP	(128 * 1024)	/* tell the peer when the window opened by this */
#define ORPHAN_NS	(120 * 1000000000ull)	/* without the application, without progress */
#define CORK_NS		(200 * 1000000ull)	/* tcp(7): TCP_CORK's ceiling */
#define SNDBUF_LARGE	(1 << 20)	/* of the pair, once a connection moves much */
#define SNDBUF_LARGE_AT	(256 * 1024)

struct txbuf {
	struct txbuf *next;
	uint64_t end;			/* tx_written behind its last byte */
	uint8_t data[];
};

static uint8_t junk[PEEK_MAX + KEPT_MAX];	/* consumed bytes that were sent already */

/* xfer_dirty() - Have the connection looked at before the loop sleeps */
void xfer_dirty(struct tcp_sock *ts)
{
	if (ts->dirty || ts->s.closed)
		return;
	ts->dirty = true;
	ts->dirty_next = ts->s.e->dirty;
	ts->s.e->dirty = ts;
}

static void watch(struct tcp_sock *ts, bool out)
{
	ts->rx_writable = false;
	if (ts->rx_blocked == out)
		return;
	ts->rx_blocked = out;
	loop_fd_mod(&ts->s.w, EPOLLIN | EPOLLRDHUP | EPOLLET | (out ? EPOLLOUT : 0));
}

/* ---- network -> application ---- */

static void rx_drop_all(struct tcp_sock *ts, uint32_t *credit)
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

static size_t rx_iov(const struct tcp_sock *ts, struct iovec *iov, int *cnt)
{
	size_t total = 0;
	int n = 0;

	for (struct pbuf *p = ts->rx_head; p && n < RX_IOV; p = p->next) {
		iov[n].iov_base = p->payload;
		iov[n++].iov_len = p->len;
		total += p->len;
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
		int cnt;
		size_t total = rx_iov(ts, iov, &cnt);
		ssize_t n;

		if (total == 0) {	/* a pbuf of no bytes only */
			rx_drop_all(ts, &credit);
			break;
		}
		mh.msg_iovlen = (size_t)cnt;
		n = sendmsg(ts->s.w.fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
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
		if ((size_t)n < total) {
			watch(ts, true);
			return credit;
		}
	}
	if (ts->rx_closed)
		rx_drop_all(ts, &credit);
	watch(ts, false);
	return credit;
}

/* xfer_flush() - Give the application what the network delivered, and the
 * peer the window for it; pass the peer's FIN on behind the last byte */
void xfer_flush(struct tcp_sock *ts)
{
	bool small = ts->rx_total < SNDBUF_LARGE_AT;
	uint32_t credit = rx_write(ts);

	if (small && ts->rx_total >= SNDBUF_LARGE_AT && !ts->s.o.rcvbuf_set)
		sock_set_sndbuf(&ts->s, SNDBUF_LARGE);
	while (credit && ts->pcb) {
		u16_t n = credit > 0xffff ? 0xffff : (u16_t)credit;

		tcp_recved(ts->pcb, n);
		credit -= n;
	}
	if (!ts->rx_head && ts->rx_fin && !ts->rx_fin_done) {
		ts->rx_fin_done = true;
		shutdown(ts->s.w.fd, SHUT_WR);
	}
}

/* xfer_recv_cb() - lwIP delivers data, or NULL for the peer's FIN */
err_t xfer_recv_cb(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct tcp_sock *ts = arg;

	if (!p) {
		ts->rx_fin = true;
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

/* an ACK for every two segments' worth (RFC 5681 4.2), counted in bytes since
 * a GRO frame holds many, and one when the window opened by a good part (RFC
 * 9293 3.8.6.2.2); what is less waits for the delayed-ACK timer */
static void ack_burst(struct tcp_sock *ts)
{
	struct tcp_pcb *pcb = ts->pcb;
	uint32_t opened = pcb->rcv_nxt + pcb->rcv_wnd - pcb->rcv_ann_right_edge;
	uint32_t step = ts->rx_wnd / 4 < WND_STEP ? ts->rx_wnd / 4 : WND_STEP;

	if ((int32_t)opened >= (int32_t)step)
		tcp_ack_now(pcb);
	if (!(pcb->flags & TF_ACK_DELAY)) {
		ts->rx_unacked = 0;
		return;
	}
	if (ts->rx_unacked >= 2 * port_tcp_wire_mss(pcb)) {
		ts->rx_unacked = 0;
		tcp_ack_now(pcb);
	}
}

/* ---- application -> network ---- */

/* read from the pair: first what was sent already, into junk, then fresh
 * bytes into buf.  Return: fresh bytes, or -1 */
static ssize_t read_past_kept(struct tcp_sock *ts, void *buf, size_t len, int flags)
{
	struct iovec iov[2] = { { junk, ts->kept }, { buf, len } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	do {
		n = recvmsg(ts->s.w.fd, &mh, MSG_DONTWAIT | flags);
	} while (n < 0 && errno == EINTR);
	return n <= (ssize_t)ts->kept ? 0 : n - (ssize_t)ts->kept;
}

/* consume what was sent already, but for one byte */
static void shrink_kept(struct tcp_sock *ts)
{
	ssize_t n = recv(ts->s.w.fd, junk, ts->kept - 1, MSG_DONTWAIT);

	if (n > 0)
		ts->kept -= (uint32_t)n;
	ts->nkept = 1;
}

static size_t fresh_bytes(const struct tcp_sock *ts)
{
	int n;

	if (ioctl(ts->s.w.fd, SIOCINQ, &n) < 0 || n <= (int)ts->kept)
		return 0;
	return (size_t)n - ts->kept;
}

static size_t take_small(struct tcp_sock *ts, void *buf, size_t want)
{
	ssize_t n;

	if (ts->kept > KEPT_MAX || ts->nkept >= KEPT_PIECES)
		shrink_kept(ts);
	if (want > PEEK_MAX)
		want = PEEK_MAX;
	n = read_past_kept(ts, buf, want, MSG_PEEK);
	if (n <= 0)
		return 0;
	ts->kept += (uint32_t)n;
	ts->nkept++;
	if (n >= BULK_MIN)
		ts->bulk = true;
	return (size_t)n;
}

static size_t take_bulk(struct tcp_sock *ts, uint8_t *buf, size_t want)
{
	size_t fresh = fresh_bytes(ts);
	ssize_t n;

	if (fresh < BULK_MIN) {
		ts->bulk = false;
		return fresh ? take_small(ts, buf, want) : 0;
	}
	if (fresh > want) {		/* something stays behind by itself */
		n = read_past_kept(ts, buf, want, 0);
		ts->kept = ts->nkept = 0;
		return n > 0 ? (size_t)n : 0;
	}
	n = read_past_kept(ts, buf, fresh - 1, 0);
	ts->kept = ts->nkept = 0;
	if (n <= 0)
		return 0;
	if (recv(ts->s.w.fd, buf + n, 1, MSG_DONTWAIT | MSG_PEEK) == 1) {
		ts->kept = ts->nkept = 1;
		n++;
	}
	return (size_t)n;
}

/* how much may be handed to lwIP and go out at once */
static size_t sendable(const struct tcp_sock *ts)
{
	const struct tcp_pcb *pcb = ts->pcb;
	uint32_t mss = port_tcp_wire_mss(pcb);
	uint32_t wnd = pcb->cwnd < pcb->snd_wnd ? pcb->cwnd : pcb->snd_wnd;
	uint32_t held = pcb->snd_lbb - pcb->lastack;
	uint32_t room = wnd > held ? wnd - held : 0;

	if (pcb->state != ESTABLISHED && pcb->state != CLOSE_WAIT)
		return 0;
	if (held == 0 && room < mss)	/* a closed window needs something to probe with */
		room = pcb->snd_wnd ? room : mss;
	else if (room < mss)		/* no silly windows: RFC 9293 3.8.6.2.1 */
		return 0;
	else
		room -= room % mss;
	if (room > TX_CHUNK)
		room = TX_CHUNK - TX_CHUNK % mss;
	if (room > tcp_sndbuf(pcb))
		room = tcp_sndbuf(pcb);
	/* each segment is two pbufs at most, header and data */
	if (tcp_sndqueuelen(pcb) + 2 * (room / mss + 2) >= TCP_SND_QUEUELEN)
		return 0;
	return room;
}

/* whether a short write has to wait for what is in flight */
static bool hold_back(struct tcp_sock *ts)
{
	const struct tcp_pcb *pcb = ts->pcb;
	uint64_t acked = ts->tx_written - (pcb->snd_lbb - pcb->lastack);
	bool nagle = !ts->s.o.nodelay && ts->tx_small_end > acked;

	if (ts->app_rdhup || (!nagle && !ts->s.o.cork))
		return false;
	if (fresh_bytes(ts) >= port_tcp_wire_mss(pcb))
		return false;
	if (ts->s.o.cork && !ts->timer.loop)
		loop_timer_in(ts->s.e->loop, &ts->timer, CORK_NS);
	return true;
}

static void tx_release(struct tcp_sock *ts)
{
	const struct tcp_pcb *pcb = ts->pcb;
	uint64_t upto = ts->tx_written;

	/* a segment that is only partly acknowledged still points to all of its data */
	if (pcb) {
		const struct tcp_seg *first = pcb->unacked ? pcb->unacked : pcb->unsent;

		if (pcb->unacked && pcb->unsent &&
		    TCP_SEQ_LT(lwip_ntohl(pcb->unsent->tcphdr->seqno),
			       lwip_ntohl(pcb->unacked->tcphdr->seqno)))
			first = pcb->unsent;
		if (first)
			upto -= pcb->snd_lbb - lwip_ntohl(first->tcphdr->seqno);
	}
	while (ts->tx_head && ts->tx_head->end <= upto) {
		struct txbuf *b = ts->tx_head;

		ts->tx_head = b->next;
		free(b);
	}
	if (!ts->tx_head)
		ts->tx_tail = NULL;
}

static err_t tx_lend(struct tcp_sock *ts, struct txbuf *b, size_t n)
{
	struct txbuf *fit = n < TX_CHUNK / 2 ? realloc(b, sizeof(*b) + n) : b;
	err_t err;

	if (fit)
		b = fit;
	err = tcp_write(ts->pcb, b->data, (u16_t)n, 0);
	if (err != ERR_OK) {
		free(b);
		return err;
	}
	b->next = NULL;
	b->end = ts->tx_written + n;
	if (ts->tx_tail)
		ts->tx_tail->next = b;
	else
		ts->tx_head = b;
	ts->tx_tail = b;
	return ERR_OK;
}

/* take up to @room bytes and hand them to lwIP; false: none now, or failed */
static bool pull_once(struct tcp_sock *ts, size_t room)
{
	static struct txbuf *spare;
	size_t n;
	err_t err;

	if (!spare)
		spare = malloc(sizeof(*spare) + TX_CHUNK);
	if (!spare)
		return false;
	n = ts->bulk ? take_bulk(ts, spare->data, room) : take_small(ts, spare->data, room);
	if (n == 0) {
		if (ts->app_rdhup && fresh_bytes(ts) == 0)
			ts->app_eof = true;
		return false;
	}
	if (n <= TX_COPY) {
		err = tcp_write(ts->pcb, spare->data, (u16_t)n, TCP_WRITE_FLAG_COPY);
	} else {
		err = tx_lend(ts, spare, n);
		spare = NULL;
	}
	if (err != ERR_OK) {		/* out of memory: the bytes are gone, so is the stream */
		log_limited(LOG_ERR, "connection %016llx: no memory for %zu bytes to send; reset",
			    (unsigned long long)ts->s.id, n);
		tcp_sock_abort(ts);
		sock_fail(&ts->s, ENOBUFS);
		return false;
	}
	ts->tx_written += n;
	if (n % port_tcp_wire_mss(ts->pcb))
		ts->tx_small_end = ts->tx_written;
	return true;
}

static void pull(struct tcp_sock *ts)
{
	while (!ts->app_eof && !ts->s.closed) {
		size_t room = sendable(ts);

		if (room == 0 || hold_back(ts) || !pull_once(ts, room))
			break;
		if (tcp_output(ts->pcb) != ERR_OK)
			break;
	}
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
	if (ts->kept)
		recv(ts->s.w.fd, junk, ts->kept, MSG_DONTWAIT);
	sock_close(&ts->s);
	return true;
}

/* ---- both ---- */

static void run(struct tcp_sock *ts)
{
	xfer_flush(ts);
	if (ts->pcb) {
		tx_release(ts);
		pull(ts);
		if (ts->s.closed)
			return;
	}
	if (finish(ts) || !ts->pcb)
		return;
	ack_burst(ts);
	tcp_output(ts->pcb);
}

/* xfer_run_all() - Move what there is to move, on every dirty connection */
void xfer_run_all(struct engine *e)
{
	while (e->dirty) {
		struct tcp_sock *ts = e->dirty;

		e->dirty = ts->dirty_next;
		ts->dirty = false;
		if (!ts->s.closed)
			run(ts);
	}
}

/* xfer_sent_cb() - The peer acknowledged data: there may be room for more */
err_t xfer_sent_cb(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	struct tcp_sock *ts = arg;

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
	if (ts->pcb && ts->s.o.cork) {	/* let the short rest go, once */
		ts->s.o.cork = 0;
		pull(ts);
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

/* xfer_event() - The application wrote, read, shut down or closed */
void xfer_event(struct tcp_sock *ts, uint32_t events)
{
	if (events & (EPOLLRDHUP | EPOLLHUP))
		ts->app_rdhup = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		ts->rx_writable = true;
	if ((events & EPOLLHUP) && !ts->app_hup) {
		if (closed_unread(ts)) {
			tcp_sock_abort(ts);
			sock_close(&ts->s);
			return;
		}
		ts->app_hup = true;
		loop_timer_in(ts->s.e->loop, &ts->timer, ORPHAN_NS);
	}
	xfer_dirty(ts);
}

/* xfer_forget() - Drop both queues; lwIP's segments must be gone already */
void xfer_forget(struct tcp_sock *ts)
{
	uint32_t none = 0;

	rx_drop_all(ts, &none);
	while (ts->tx_head) {
		struct txbuf *b = ts->tx_head;

		ts->tx_head = b->next;
		free(b);
	}
	ts->tx_tail = NULL;
	loop_timer_del(&ts->timer);
}
