/* xfer_tx.c - from the application's descriptor to the network
 *
 * Theory of operation
 * Pull: we read from the pair only what the peer's window and ours let go at
 * once, in whole segments, so the rest stays in the application's own buffer
 * and blocks it there.  Large pieces are read into a buffer that the segments
 * point to (struct txbuf) until they are acknowledged; small ones are copied.
 * Nagle (RFC 896, with Minshall's rule: only a short segment in flight holds
 * back another) is ours; lwIP's is off, as it would compare with the large
 * MSS of an offloading interface.
 *
 * One byte at least is left unread in the pair (kept): an AF_UNIX peer that
 * closes with unread bytes gives the other end ECONNRESET, and that is how a
 * RST reaches an application natively, however idle it is.  Small writes are
 * therefore peeked at, and consumed once some have gathered; a large read
 * stops one byte short and peeks at the last.  The descriptor is watched
 * edge-triggered, for its level is always "readable".
 */
#include "engine/xfer.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "base/log.h"
#include "engine/bufpool.h"
#include "engine/priv.h"
#include "lwip/priv/tcp_priv.h"
#include "port.h"

#define TX_CHUNK	65400		/* most that is taken at once: 45 segments of 1448, 1 of lo */
#define TX_COPY		16384		/* up to this, copying costs less than a whole buffer */
#define PEEK_MAX	4096		/* most that is peeked at and left in the pair */
#define KEPT_MAX	4096		/* consume beyond this many bytes ... */
#define KEPT_PIECES	6		/* ... or pieces: each peek walks them */
#define KEPT_PINNED	80		/* no more than these in an empty pair: each may be a buffer
					 * of 832 bytes, and at a quarter of SO_SNDBUF, of which
					 * 272 KB are the least, the application has to wait */
#define BULK_MIN	2048
#define CORK_NS		(200 * 1000000ull)	/* tcp(7): TCP_CORK's ceiling */

struct txbuf {
	struct txbuf *next;
	uint64_t end;			/* tx_written behind its last byte */
	uint8_t data[];
};

_Static_assert(sizeof(struct txbuf) + TX_CHUNK <= BUFPOOL_SIZE, "a piece fits in a buffer");

static uint8_t junk[PEEK_MAX + KEPT_MAX];	/* consumed bytes that were sent already */

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

/* xfer_tx_fresh() - How many bytes of the application's lie in the pair, not taken yet */
size_t xfer_tx_fresh(const struct tcp_sock *ts)
{
	int n;

	if (ioctl(ts->s.w.fd, SIOCINQ, &n) < 0 || n <= (int)ts->kept)
		return 0;
	return (size_t)n - ts->kept;
}

/* fresh bytes, exactly where there are fewer than @enough; only we take some, so
 * the kernel need not be asked while the last answer covers it */
static size_t fresh_up_to(struct tcp_sock *ts, size_t enough)
{
	if (ts->fresh < enough)
		ts->fresh = (uint32_t)xfer_tx_fresh(ts);
	return ts->fresh;
}

static void took_fresh(struct tcp_sock *ts, size_t n)
{
	ts->fresh = ts->fresh > n ? ts->fresh - (uint32_t)n : 0;
}

/* a read got less than it asked for: what comes later comes with an event.
 * After a shutdown we read on, to find the end, and so we do to an urgent byte's place */
static void drained(struct tcp_sock *ts)
{
	ts->app_readable = ts->app_rdhup || ts->tx_urg;
}

static size_t take_bulk(struct tcp_sock *ts, uint8_t *buf, size_t want);

static size_t take_small(struct tcp_sock *ts, uint8_t *buf, size_t want)
{
	size_t most = want < PEEK_MAX ? want : PEEK_MAX;
	ssize_t n;

	if (ts->kept > KEPT_MAX || ts->nkept >= KEPT_PIECES)
		shrink_kept(ts);
	n = read_past_kept(ts, buf, most, MSG_PEEK);
	if (n < (ssize_t)most)
		drained(ts);
	/* one large write: it goes out as it is, not behind its first PEEK_MAX bytes */
	if (n == PEEK_MAX && want > PEEK_MAX) {
		ts->fresh = (uint32_t)xfer_tx_fresh(ts);
		if (ts->fresh > PEEK_MAX) {
			ts->bulk = true;
			return take_bulk(ts, buf, want);
		}
	}
	if (n <= 0)
		return 0;
	took_fresh(ts, (size_t)n);
	ts->kept += (uint32_t)n;
	ts->nkept++;
	if (n >= BULK_MIN)
		ts->bulk = true;
	if (!ts->app_readable && ts->kept > KEPT_PINNED)
		shrink_kept(ts);
	return (size_t)n;
}

static size_t take_bulk(struct tcp_sock *ts, uint8_t *buf, size_t want)
{
	size_t fresh = fresh_up_to(ts, want + 1 > BULK_MIN ? want + 1 : BULK_MIN);
	ssize_t n;

	if (fresh < BULK_MIN) {
		ts->bulk = false;
		return take_small(ts, buf, want);
	}
	if (fresh > want) {		/* something stays behind by itself */
		n = read_past_kept(ts, buf, want, 0);
		if (n <= 0)
			return 0;
		took_fresh(ts, (size_t)n);
		ts->kept = ts->nkept = 0;
		return (size_t)n;
	}
	ts->fresh = 0;
	n = read_past_kept(ts, buf, fresh - 1, 0);
	if (n <= 0)
		return 0;
	ts->kept = ts->nkept = 0;
	drained(ts);
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

	if (!mss || (pcb->state != ESTABLISHED && pcb->state != CLOSE_WAIT))
		return 0;
	if (held == 0 && room < mss)	/* a closed window needs something to probe with */
		room = pcb->snd_wnd ? room : mss;
	else if (room < mss)		/* no silly windows: RFC 9293 3.8.6.2.1 */
		return 0;
	else
		room -= room % mss;
	if (room > TX_CHUNK)
		room = mss < TX_CHUNK ? TX_CHUNK - TX_CHUNK % mss : TX_CHUNK;
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

	if (ts->app_rdhup || ts->tx_urg || (!nagle && !ts->s.o.cork))
		return false;
	if (fresh_up_to(ts, port_tcp_wire_mss(pcb)) >= port_tcp_wire_mss(pcb))
		return false;
	if (ts->s.o.cork && !ts->timer.loop)
		loop_timer_in(ts->s.e->loop, &ts->timer, CORK_NS);
	return true;
}

/* xfer_tx_release() - Free the buffers whose bytes are acknowledged */
void xfer_tx_release(struct tcp_sock *ts)
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
		bufpool_put(b);
	}
	if (!ts->tx_head)
		ts->tx_tail = NULL;
}

/* hand a buffer over: lwIP's segments point into it until they are acknowledged */
static err_t tx_lend(struct tcp_sock *ts, struct txbuf *b, size_t n)
{
	err_t err = tcp_write(ts->pcb, b->data, (u16_t)n, 0);

	if (err != ERR_OK)
		return err;
	b->next = NULL;
	b->end = ts->tx_written + n;
	if (ts->tx_tail)
		ts->tx_tail->next = b;
	else
		ts->tx_head = b;
	ts->tx_tail = b;
	return ERR_OK;
}

/* the application's next bytes, but none beyond an urgent one */
static size_t take(struct tcp_sock *ts, uint8_t *buf, size_t room)
{
	size_t n = xfer_urgent_take(ts, buf, room);

	if (n)
		return n;
	return ts->bulk ? take_bulk(ts, buf, room) : take_small(ts, buf, room);
}

/* take up to @room bytes and hand them to lwIP; false: none now, or failed */
static bool pull_once(struct tcp_sock *ts, size_t room)
{
	static struct txbuf *spare;
	size_t n;
	err_t err;

	if (!spare)
		spare = bufpool_get();
	if (!spare)
		return false;
	n = take(ts, spare->data, room);
	if (n == 0) {
		if (xfer_urgent_next(ts))
			return true;
		/* it was looked for after the shutdown was seen: there is no more */
		if (ts->app_rdhup)
			ts->app_eof = true;
		return false;
	}
	if (n <= TX_COPY) {
		err = tcp_write(ts->pcb, spare->data, (u16_t)n, TCP_WRITE_FLAG_COPY);
	} else {
		err = tx_lend(ts, spare, n);
		if (err == ERR_OK)
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

/* xfer_pull() - Take what can be sent now, but about @most bytes; notes the end of
 * the stream.  What is left has the connection looked at again */
void xfer_pull(struct tcp_sock *ts, uint64_t most)
{
	uint64_t end = ts->tx_written + most;

	while (ts->app_readable && !ts->app_eof && !ts->s.closed) {
		size_t room = sendable(ts);

		if (room && ts->tx_written >= end) {
			xfer_dirty(ts);
			break;
		}
		if (ts->tx_urg || ts->pcb->unsent)
			room = xfer_urgent_room(ts, room);
		if (room == 0 || hold_back(ts) || !pull_once(ts, room))
			break;
		if (tcp_output(ts->pcb) != ERR_OK)
			break;
	}
}

/* xfer_tx_settle() - Before a clean close: bytes kept must not turn it into a reset */
void xfer_tx_settle(struct tcp_sock *ts)
{
	if (ts->kept)
		recv(ts->s.w.fd, junk, ts->kept, MSG_DONTWAIT);
	ts->kept = ts->nkept = 0;
}

/* xfer_tx_refuse() - Nothing can be sent any more: writes give EPIPE, and room
 * for them, but for one byte, whose being unread makes our close a reset */
void xfer_tx_refuse(struct tcp_sock *ts)
{
	size_t left;

	shutdown(ts->s.w.fd, SHUT_RD);
	ts->kept += xfer_tx_fresh(ts);
	while (ts->kept > 1) {
		left = ts->kept - 1 < sizeof(junk) ? ts->kept - 1 : sizeof(junk);
		if (recv(ts->s.w.fd, junk, left, MSG_DONTWAIT) <= 0)
			break;
		ts->kept -= (uint32_t)left;
	}
	xfer_tx_drop(ts);
}

/* xfer_tx_drop() - Free all buffers; lwIP's segments must be gone already */
void xfer_tx_drop(struct tcp_sock *ts)
{
	xfer_urgent_drop(ts);
	while (ts->tx_head) {
		struct txbuf *b = ts->tx_head;

		ts->tx_head = b->next;
		bufpool_put(b);
	}
	ts->tx_tail = NULL;
}
