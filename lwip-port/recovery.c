/* recovery.c - loss recovery and congestion control over lwIP's queues
 *
 * Theory of operation
 * lwIP queues segments and frees what is acknowledged; when and what is sent
 * again, and how much may be in flight, is decided here:
 *
 *  scoreboard	sack.c knows each byte in flight.  It is told by the hook that
 *		sees every packet leave (tcpglue.c), and by ACKs.
 *  detection	RACK (RFC 8985): lost is what was sent before something that
 *		arrived, by more than a quarter of a round trip if the path was
 *		seen to reorder or little is SACKed.  A peer without SACK gets
 *		NewReno (RFC 6582).
 *  tail	TLP (RFC 8985, 7): after two round trips without an ACK the last
 *		segment goes again, so that an ACK tells what is missing.
 *  time-out	RFC 6298, of at least 200 ms: all is lost, and sent again as the
 *		window grows from one segment.  An ACK whose timestamp is older
 *		than our retransmission shows that nothing was (Eifel, RFC
 *		3522): window and board go back.
 *  window	congestion.c; while losses are repaired, PRR (RFC 6937).
 *
 * lwIP's own machinery must not interfere: its dupacks are zeroed before each
 * segment, so it never begins a fast retransmit; its cwnd is overwritten after
 * each; its retransmission timer is held at zero while we are in charge.  What
 * lwIP takes for the window is measured from the first unacknowledged byte, so
 * we give it (what is outstanding) + (what may be added): bytes that the peer
 * has out of order or that are lost take no room in the network.
 *
 * Ownership: struct recovery is made when a connection begins to send and
 * hangs in its pcbnode; it goes when the connection has been idle for IDLE_MS,
 * enters TIME_WAIT or is freed.  A connection for which there is no memory runs by
 * lwIP's own rules until its queues are empty.
 */
#include <errno.h>
#include <stdlib.h>
#include "lwip/priv/tcp_priv.h"
#include "lwip/sys.h"
#include "hooks.h"
#include "port.h"
#include "port_priv.h"
#include "recovery.h"

#define DUPTHRESH	3
#define PROBE_MIN_MS	10u		/* a timer's and a scheduler's grain */
#define ACK_DELAY_MS	200u		/* what a peer may delay a lone segment's ACK by */
#define RETRY_MS	5u		/* the link was full */
#define THIN_SEGMENTS	4u		/* fewer in flight is a thin stream, for which ... */
#define THIN_RETRIES	6		/* ... so many time-outs are not doubled, as in Linux */
#define IDLE_MS		1000u		/* with nothing in flight, our state is given up */

/* ---- timer ---- */

static void on_timer(struct wheel_timer *t);

static void arm(struct recovery *r, enum recovery_timer what, uint32_t at)
{
	r->what = what;
	wheel_set(&r->timer, at, on_timer);
}

static uint32_t rto_ms(const struct recovery *r)
{
	return (rtt_rto(&r->rtt, r->backoff) + 999) / 1000;
}

/* RFC 8985 7.2 */
static uint32_t probe_ms(const struct recovery *r)
{
	uint32_t ms = r->rtt.srtt ? 2 * r->rtt.srtt / 1000 + PROBE_MIN_MS : 1000;

	if (sack_outstanding(&r->sb) <= r->cc.mss)
		ms += ACK_DELAY_MS;
	return ms;
}

static bool may_probe(const struct recovery *r)
{
	return r->state == REC_OPEN && !r->probed && !r->sb.held && !r->sb.lost &&
	       (r->pcb->flags & TF_SACK) && r->rtt.srtt;
}

/* what is there to wait for */
static void set_timer(struct recovery *r)
{
	uint32_t now = sys_now(), rto, at;

	if (!r->sb.n) {
		arm(r, REC_T_IDLE, now + IDLE_MS);
		return;
	}
	rto = r->rto_from + rto_ms(r);
	if (r->reo_wait) {
		arm(r, REC_T_REORDER, now + (r->reo_wait + 999) / 1000);
		return;
	}
	at = now + probe_ms(r);
	if (may_probe(r) && (int32_t)(at - rto) < 0)
		arm(r, REC_T_PROBE, at);
	else
		arm(r, REC_T_RTO, rto);
}

/* ---- window ---- */

/* tell lwIP and the engine how far they may go */
static void show_window(struct recovery *r)
{
	struct tcp_pcb *pcb = r->pcb;
	uint32_t pipe = sack_pipe(&r->sb), room = 0, least;

	if (!r->sb.lost && r->cc.cwnd > pipe)
		room = r->cc.cwnd - pipe;
	pcb->cwnd = sack_outstanding(&r->sb) + room;
	pcb->ssthresh = r->cc.ssthresh;
	/* a segment goes out whole or not at all: with nothing in flight, it must */
	if (!r->sb.n && pcb->unsent) {
		least = lwip_ntohl(pcb->unsent->tcphdr->seqno) - pcb->lastack + pcb->unsent->len;
		if (pcb->cwnd < least)
			pcb->cwnd = least;
	}
}

static void reduce(struct recovery *r)
{
	if (!r->undo) {
		r->undo = true;
		r->undo_ts = sys_now();
		r->undo_cwnd = r->cc.cwnd;
		r->undo_ssthresh = r->cc.ssthresh;
	}
}

static void enter_fast(struct recovery *r)
{
	r->state = REC_FAST;
	r->point = r->sb.high;
	reduce(r);
	cc_lost(&r->cc);
	r->prr_delivered = r->prr_out = 0;
	r->prr_base = sack_outstanding(&r->sb);
}

/* RFC 6937, with the bound of RFC 9937 */
static void prr(struct recovery *r, uint32_t delivered, bool progress)
{
	uint32_t pipe = sack_pipe(&r->sb), limit;
	uint32_t base = r->prr_base ? r->prr_base : 1;
	int64_t send;

	r->prr_delivered += delivered;
	if (pipe > r->cc.ssthresh) {
		send = ((int64_t)r->prr_delivered * r->cc.ssthresh + base - 1) / base -
		       r->prr_out;
	} else {
		send = (int64_t)r->prr_delivered - r->prr_out;
		if (send < (int64_t)delivered)
			send = delivered;
		if (progress)
			send += r->cc.mss;
		limit = r->cc.ssthresh - pipe;
		if (send > (int64_t)limit)
			send = limit;
	}
	if (send < (int64_t)r->cc.mss && r->prr_out == 0)
		send = r->cc.mss;	/* the fast retransmit itself */
	if (send < 0)
		send = 0;
	r->cc.cwnd = pipe + (uint32_t)send;
}

static void leave(struct recovery *r)
{
	if (r->state == REC_FAST)
		r->cc.cwnd = r->cc.ssthresh;
	r->state = REC_OPEN;
	r->undo = false;
	r->dupacks = 0;
}

/* it was all for nothing */
static void undo(struct recovery *r)
{
	if (r->cc.cwnd < r->undo_cwnd)
		r->cc.cwnd = r->undo_cwnd;
	r->cc.ssthresh = r->undo_ssthresh;
	sack_unlose(&r->sb);
	r->state = REC_OPEN;
	r->undo = false;
	r->reordering = true;
}

/* ---- sending again ---- */

/* whole wire segments that the window lets go, at least one if @force */
static void resend_lost(struct recovery *r, bool force)
{
	uint32_t seq, end, pipe, room, mss = r->cc.mss ? r->cc.mss : 1;
	int n;

	while (sack_next_lost(&r->sb, &seq, &end)) {
		pipe = sack_pipe(&r->sb);
		room = r->cc.cwnd > pipe ? r->cc.cwnd - pipe : 0;
		if (room < mss && room < end - seq && !force)
			return;
		room -= room % mss;
		if (room < mss)
			room = mss;
		if (end - seq > room + 1)	/* + 1: a FIN */
			end = seq + room;
		n = rexmit_send(r->pcb, seq, end);
		if (n < 0) {
			if (n != -ENOENT)
				r->reo_wait = RETRY_MS * 1000;
			return;
		}
		r->pcb->rttest = 0;
		force = false;
	}
}

/* the last segment, whether or not it is lost */
static void send_probe(struct recovery *r)
{
	uint32_t out = sack_outstanding(&r->sb), len = out < r->cc.mss ? out : r->cc.mss;
	uint32_t seq = r->sb.high - len;

	r->probed = true;
	r->probe_end = r->sb.high;
	r->probe_ts = sys_now();
	while (len) {
		int n = rexmit_send(r->pcb, seq, seq + len);

		if (n <= 0)
			break;
		seq += (uint32_t)n;
		len -= (uint32_t)n;
	}
	r->rto_from = sys_now();
}

/* a thin stream has no ACKs to repair losses by, and its reader is a person */
static bool stays_linear(const struct recovery *r)
{
	return pcbnode_of(r->pcb)->thin && r->pcb->nrtx < THIN_RETRIES &&
		sack_outstanding(&r->sb) < THIN_SEGMENTS * r->cc.mss;
}

static void on_rto(struct recovery *r)
{
	struct tcp_pcb *pcb = r->pcb;

	if (!pcb->unacked) {		/* lwIP's probe of a closed window, or nothing left */
		sack_clear(&r->sb);
		return;
	}
	if (r->state != REC_LOSS) {
		reduce(r);
		cc_timeout(&r->cc);
	} else {
		r->cc.cwnd = r->cc.mss;
	}
	r->state = REC_LOSS;
	r->point = r->sb.high;
	r->probed = false;
	r->dupacks = 0;
	r->reo_wait = 0;
	if (stays_linear(r))
		r->backoff = 0;
	else if (r->backoff < 16)
		r->backoff++;
	if (pcb->nrtx < 0xff)
		pcb->nrtx++;		/* lwIP gives up at TCP_MAXRTX */
	r->rto_from = sys_now();
	sack_lose_all(&r->sb);
	resend_lost(r, true);
}

static void detect(struct recovery *r, uint32_t now);
static void progress(struct recovery *r, uint32_t delivered, bool advanced);

static void on_timer(struct wheel_timer *t)
{
	struct recovery *r = (struct recovery *)t;
	enum recovery_timer what = r->what;

	if (what == REC_T_IDLE && !r->pcb->unsent && !r->pcb->unacked) {
		recovery_free(pcbnode_of(r->pcb));
		return;
	}
	if (what == REC_T_REORDER) {
		detect(r, (uint32_t)port_now_us());
		progress(r, 0, false);
	} else if (what == REC_T_PROBE) {
		send_probe(r);
	} else if (what == REC_T_RTO) {
		on_rto(r);
	}
	show_window(r);
	set_timer(r);
	tcp_output(r->pcb);
	port_tell_engine(r->pcb);
}

/* ---- ACKs ---- */

static void detect(struct recovery *r, uint32_t now)
{
	uint32_t reo = r->rtt.min / 4;

	r->reo_wait = 0;
	if (!r->rack)
		return;
	if (!r->reordering && (r->state != REC_OPEN || r->sb.held >= DUPTHRESH * r->cc.mss))
		reo = 0;
	if (reo > r->rtt.srtt)
		reo = r->rtt.srtt;
	sack_detect(&r->sb, r->rack_sent, r->rack_end, r->rack_rtt + reo, now, &r->reo_wait);
}

/* RFC 8985 6.2 steps 1 and 2; RFC 6298 */
static void learn(struct recovery *r, const struct sack_news *n, const struct ack_info *a,
		  uint32_t now)
{
	uint32_t rtt = now - n->sent;

	if (n->reordered)
		r->reordering = true;
	if (!n->any)
		return;
	if (!n->retrans) {
		rtt_sample(&r->rtt, rtt);
		cc_rtt(&r->cc, rtt, r->pcb->lastack, r->sb.high);
	} else if (r->rtt.srtt && rtt < r->rtt.min) {
		return;			/* the answer to the first one, maybe */
	} else if (!r->rtt.srtt && a->has_ts && a->tsecr) {
		rtt_sample(&r->rtt, (sys_now() - a->tsecr) * 1000);
	}
	if (!r->rack || (int32_t)(n->sent - r->rack_sent) > 0 ||
	    (n->sent == r->rack_sent && TCP_SEQ_GT(n->end, r->rack_end))) {
		r->rack = true;
		r->rack_sent = n->sent;
		r->rack_end = n->end;
		r->rack_rtt = rtt;
	}
}

/* a peer without SACK: RFC 6582 */
static void newreno(struct recovery *r, const struct ack_info *a, uint32_t acked,
		    struct sack_news *n)
{
	struct tcp_pcb *pcb = r->pcb;
	uint32_t una = pcb->lastack, mss = r->cc.mss;

	r->rack = false;
	if (!r->sb.n)
		return;
	if (acked) {
		r->dupacks = 0;
		if (r->state == REC_FAST && TCP_SEQ_LT(una, r->point))
			sack_lose(&r->sb, una, una + LWIP_MIN(mss, r->sb.high - una));
		return;
	}
	if (a->len || a->ackno != una || a->wnd != pcb->snd_wnd)
		return;
	n->delivered += mss;
	if (++r->dupacks == DUPTHRESH && r->state == REC_OPEN)
		sack_lose(&r->sb, una, una + LWIP_MIN(mss, r->sb.high - una));
}

static bool older(const struct ack_info *a, uint32_t ts)
{
	return a->has_ts && a->tsecr && (int32_t)(a->tsecr - ts) < 0;
}

/* RFC 8985 7.4, by timestamps: was it the probe that arrived? */
static void probe_answered(struct recovery *r, const struct ack_info *a)
{
	if (!r->probed || TCP_SEQ_LT(r->pcb->lastack, r->probe_end))
		return;
	r->probed = false;
	if (r->state == REC_OPEN && a->has_ts && !older(a, r->probe_ts)) {
		cc_lost(&r->cc);
		r->cc.cwnd = r->cc.ssthresh;
	}
}

/* begin or go on with repairing; @delivered 0: by the timer */
static void progress(struct recovery *r, uint32_t delivered, bool advanced)
{
	if (r->sb.lost && r->state == REC_OPEN)
		enter_fast(r);
	if (r->state == REC_FAST)
		prr(r, delivered, advanced);
	if (r->sb.lost)
		resend_lost(r, r->state == REC_FAST && r->prr_out == 0);
}

/**
 * recovery_acked() - lwIP processed a segment of the peer's
 * @node:	connection
 * @a:		what the segment said, and how things were before
 */
void recovery_acked(struct pcbnode *node, const struct ack_info *a)
{
	struct recovery *r = node->rec;
	struct tcp_pcb *pcb = node->pcb;
	uint32_t una = pcb->lastack, acked = una - a->una;
	struct sack_news news = { 0 };
	uint64_t now = port_now_us();
	bool was_slow = r->cc.cwnd < r->cc.ssthresh;

	r->cc.mss = port_tcp_wire_mss(pcb);
	sack_acked(&r->sb, una, &news);
	for (unsigned i = 0; i < a->nblock; i++)
		sack_held(&r->sb, a->block[i].left, a->block[i].right, &news);
	learn(r, &news, a, (uint32_t)now);
	if (acked) {
		r->backoff = 0;
		r->rto_from = sys_now();
		if (r->limited && TCP_SEQ_GT(una, r->limited_end))
			r->limited = false;
		if (r->undo && older(a, r->undo_ts))
			undo(r);
		probe_answered(r, a);
	}
	if (!(pcb->flags & TF_SACK))
		newreno(r, a, acked, &news);
	if (r->state != REC_OPEN && TCP_SEQ_GEQ(una, r->point))
		leave(r);
	if (r->sb.held || r->state != REC_OPEN)
		detect(r, (uint32_t)now);
	else
		r->reo_wait = 0;
	if (acked && r->state != REC_FAST && (r->limited || r->state == REC_LOSS))
		cc_acked(&r->cc, acked, now, r->rtt.srtt);
	if (was_slow && r->cc.cwnd >= r->cc.ssthresh)
		r->cc.frac = 0;
	progress(r, news.delivered, acked > 0);
	show_window(r);
	set_timer(r);
}

/* ---- the rest of a connection's life ---- */

/**
 * recovery_sent() - A packet with data leaves
 * @node:	connection
 * @seq, @len:	its bytes; a FIN counts as one
 */
void recovery_sent(struct pcbnode *node, uint32_t seq, uint32_t len)
{
	struct recovery *r = node->rec;
	bool first = !r->sb.n;
	uint64_t us = port_now_us();
	uint32_t ms = (uint32_t)(us / 1000), pipe;	/* sys_now(), of the same clock */

	/* RFC 5681 4.1: after a time-out's idleness the network is unknown */
	if (first && r->last_sent && ms - r->last_sent > rto_ms(r)) {
		uint32_t iw = port_tcp_initial_window(r->cc.mss);

		if (r->cc.cwnd > iw)
			r->cc.cwnd = iw;
		r->cc.epoch = 0;
	}
	if (!sack_sent(&r->sb, seq, seq + len, (uint32_t)us))
		return;
	r->last_sent = ms ? ms : 1;
	if (r->state == REC_FAST)
		r->prr_out += len;
	pipe = sack_pipe(&r->sb);
	if (pipe + r->cc.mss > r->cc.cwnd ||
	    (r->cc.cwnd < r->cc.ssthresh && 2 * pipe >= r->cc.cwnd)) {
		r->limited = true;
		r->limited_end = r->sb.high;
	}
	if (first) {
		r->rto_from = ms;
		r->cc.round_end = r->cc.samples ? r->cc.round_end : r->sb.high;
	}
	if (first || r->what == REC_T_PROBE)
		set_timer(r);
}

/**
 * recovery_lost() - A packet is known not to have arrived: it was too large
 * @node:	connection
 *
 * All that is in flight goes again, in pieces that fit.
 */
void recovery_lost(struct pcbnode *node)
{
	struct recovery *r = node->rec;

	if (!r || !r->sb.n)
		return;
	r->cc.mss = port_tcp_wire_mss(r->pcb);
	r->point = r->sb.high;
	sack_lose_all(&r->sb);
	r->state = REC_LOSS;		/* no sign of congestion: the window stays */
	resend_lost(r, true);
	show_window(r);
	set_timer(r);
}

/**
 * recovery_attach() - A connection is about to queue data
 * @pcb:	connection
 */
void recovery_attach(struct tcp_pcb *pcb)
{
	struct pcbnode *node = pcbnode_of(pcb);
	struct recovery *r;

	if (!node || node->rec || !node->wire_mss || pcb->unacked || pcb->unsent)
		return;
	r = calloc(1, sizeof(*r));
	if (!r)
		return;
	r->pcb = pcb;
	r->rtt = node->rtt;
	node->rec = r;
	cc_start(&r->cc, node->congestion, node->wire_mss, pcb->cwnd, pcb->ssthresh);
	r->cc.round_end = pcb->snd_nxt;
}

/**
 * recovery_free() - A connection is idle or gone
 * @node:	its node; nothing happens if there is no state
 */
void recovery_free(struct pcbnode *node)
{
	struct recovery *r = node->rec;

	if (!r)
		return;
	node->rec = NULL;
	node->rtt = r->rtt;
	wheel_remove(&r->timer);
	sack_clear(&r->sb);
	free(r);
}

/**
 * recovery_in_charge() - Does lwIP's retransmission timer have to stand still?
 * @pcb:	connection
 */
bool recovery_in_charge(const struct tcp_pcb *pcb)
{
	const struct pcbnode *node = pcbnode_of(pcb);

	return node && node->rec && node->rec->sb.n;
}
