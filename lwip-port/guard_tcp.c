/* guard_tcp.c - look at each TCP segment before lwIP's state machine does
 *
 * Theory of operation
 * LWIP_HOOK_TCP_INPACKET_PCB: the segment has a valid checksum and a pcb; its
 * header fields are in host order; the options may lie in two pieces.  We
 * rewrite options that lwIP 2.1.3 would misread and drop segments that it
 * would mishandle:
 *  - an option that runs over the end of the options is read past it
 *    (upstream 3d896ba0): it becomes EOL, as Linux ignores the rest too;
 *  - an MSS outside a SYN would change the MSS of a connection before any
 *    check of sequence numbers: it becomes NOPs;
 *  - an MSS of 0 means TCP_MSS to lwIP and one below its options' length
 *    underflows in tcp_write(): raised to MSS_MIN, as Linux does;
 *  - SYN with ACK in SYN_RCVD counts as established, with the SYN's sequence
 *    number in the data (adbc5b5f): dropped;
 *  - SYN without ACK in SYN_SENT, a simultaneous open (RFC 9293 3.5), is passed
 *    over by lwIP: answered here;
 *  - out-of-sequence data beyond the window is queued and overruns the window
 *    when the gap fills (574bd6e5): acknowledged and dropped;
 *  - old duplicates by timestamp (PAWS, RFC 7323 5.3) are acknowledged and
 *    dropped.
 */
#include <stdbool.h>
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"
#include "lwip/sys.h"
#include "hooks.h"
#include "port.h"
#include "port_priv.h"
#include "recovery.h"

#define MSS_MIN		88	/* Linux's TCP_MIN_MSS */
#define TCP_OPT_SACK	5	/* RFC 2018; lwIP does not read it */
#define PAWS_IDLE	(24u * 86400 * 1000 / TCP_SLOW_INTERVAL)	/* ticks: RFC 7323 5.5 */

struct options {
	uint8_t *one, *two;		/* the two pieces */
	unsigned len, len1;
	bool has_ts;
	uint32_t tsval;
	struct ack_info *ack;
};

/* of the segment at hand */
struct ack_info port_ack;

static uint8_t *opt_at(const struct options *o, unsigned i)
{
	return i < o->len1 ? o->one + i : o->two + (i - o->len1);
}

static uint32_t opt_u32(const struct options *o, unsigned i)
{
	return (uint32_t)*opt_at(o, i) << 24 | (uint32_t)*opt_at(o, i + 1) << 16 |
	       (uint32_t)*opt_at(o, i + 2) << 8 | *opt_at(o, i + 3);
}

static void opt_fill(const struct options *o, unsigned i, unsigned len, uint8_t v)
{
	while (len--)
		*opt_at(o, i++) = v;
}

static void mss_mend(const struct options *o, unsigned i, bool syn)
{
	unsigned mss = (unsigned)*opt_at(o, i + 2) << 8 | *opt_at(o, i + 3);

	if (!syn) {
		opt_fill(o, i, LWIP_TCP_OPT_LEN_MSS, LWIP_TCP_OPT_NOP);
	} else if (mss < MSS_MIN) {
		*opt_at(o, i + 2) = 0;
		*opt_at(o, i + 3) = MSS_MIN;
	}
}

/* lengths that lwIP takes for granted once the kind is known */
static bool opt_len_ok(uint8_t kind, unsigned len)
{
	switch (kind) {
	case LWIP_TCP_OPT_MSS:
		return len == LWIP_TCP_OPT_LEN_MSS;
	case LWIP_TCP_OPT_WS:
		return len == LWIP_TCP_OPT_LEN_WS;
	case LWIP_TCP_OPT_SACK_PERM:
		return len == LWIP_TCP_OPT_LEN_SACK_PERM;
	case LWIP_TCP_OPT_TS:
		return len == LWIP_TCP_OPT_LEN_TS;
	default:
		return len >= 2;
	}
}

static void sack_read(const struct options *o, unsigned i, unsigned len)
{
	struct ack_info *a = o->ack;

	for (; len >= 8 && a->nblock < ACK_BLOCKS; i += 8, len -= 8) {
		a->block[a->nblock].left = opt_u32(o, i);
		a->block[a->nblock++].right = opt_u32(o, i + 4);
	}
}

/* afterwards every option lies wholly inside */
static void options_mend(struct options *o, bool syn)
{
	unsigned i = 0, len;
	uint8_t kind;

	while (i < o->len) {
		kind = *opt_at(o, i);
		if (kind == LWIP_TCP_OPT_EOL)
			return;
		if (kind == LWIP_TCP_OPT_NOP) {
			i++;
			continue;
		}
		len = i + 1 < o->len ? *opt_at(o, i + 1) : 0;
		if (i + len > o->len || !opt_len_ok(kind, len)) {
			opt_fill(o, i, o->len - i, LWIP_TCP_OPT_EOL);
			return;
		}
		if (kind == LWIP_TCP_OPT_MSS) {
			mss_mend(o, i, syn);
		} else if (kind == LWIP_TCP_OPT_TS) {
			o->has_ts = true;
			o->tsval = opt_u32(o, i + 2);
			o->ack->has_ts = true;
			o->ack->tsecr = opt_u32(o, i + 6);
		} else if (kind == TCP_OPT_SACK) {
			sack_read(o, i + 2, len - 2);
		}
		i += len;
	}
}

static bool paws_old(const struct tcp_pcb *pcb, const struct options *o, uint8_t flags)
{
	return o->has_ts && (pcb->flags & TF_TIMESTAMP) && !(flags & TCP_RST) &&
	       (int32_t)(o->tsval - pcb->ts_recent) < 0 &&
	       tcp_ticks - pcb->tmr < PAWS_IDLE;
}

/* not the next in sequence, and its end is beyond the window */
static bool overruns_window(const struct tcp_pcb *pcb, const struct tcp_hdr *hdr,
			    uint32_t len)
{
	return len && TCP_SEQ_GT(hdr->seqno, pcb->rcv_nxt) &&
	       TCP_SEQ_GT(hdr->seqno + len, pcb->rcv_nxt + pcb->rcv_wnd);
}

/* how long the peer took to answer our ACK: the least counts, as it may have
 * had nothing to send, but the path may also become longer */
static void rcv_rtt(struct tcp_pcb *pcb, uint32_t ms)
{
	struct pcbnode *node = pcbnode_of(pcb);

	if (!node || ms > UINT16_MAX)
		return;
	if (ms == 0)
		ms = 1;
	if (!node->rcv_rtt || ms < node->rcv_rtt)
		node->rcv_rtt = (uint16_t)ms;
	else
		node->rcv_rtt = (uint16_t)(node->rcv_rtt + (ms - node->rcv_rtt) / 8);
}

/* Both ends connect to each other, or a socket to itself: our SYN goes out again, with
 * an ACK.  The connection stays in SYN_SENT, not SYN_RCVD, which for lwIP has a
 * listener: the peer's SYN with ACK, for ours, establishes it all the same. */
static void simultaneous_open(struct tcp_pcb *pcb, uint32_t irs)
{
	struct tcp_seg *syn = pcb->unacked ? pcb->unacked : pcb->unsent;

	if (!syn)
		return;
	pcb->rcv_nxt = irs + 1;
	TCPH_SET_FLAG(syn->tcphdr, TCP_ACK);
	if (pcb->unacked) {
		u8_t tries = pcb->nrtx;

		tcp_rexmit(pcb);
		pcb->nrtx = tries;
	}
	tcp_output(pcb);
}

port_ttl_ok_fn *port_ttl_ok;

static uint8_t current_ttl(void)
{
	return ip_current_is_v6() ? IP6H_HOPLIM(ip6_current_header()) : IPH_TTL(ip4_current_header());
}

/**
 * port_tcp_inpacket() - LWIP_HOOK_TCP_INPACKET_PCB
 * @pcb:	connection, TIME_WAIT one or listener that the segment is for
 * @hdr:	header in host order
 * @optlen, @opt1len, @opt2: options: length in all and in the first piece,
 *		which follows @hdr; second piece
 * @p:		data
 *
 * Return: ERR_OK: go on; else the segment is dropped
 */
err_t port_tcp_inpacket(struct tcp_pcb *pcb, struct tcp_hdr *hdr, u16_t optlen,
			u16_t opt1len, u8_t *opt2, struct pbuf *p)
{
	struct options o = {
		.one = (uint8_t *)(hdr + 1), .two = opt2,
		.len = optlen, .len1 = opt2 ? opt1len : optlen,
		.ack = &port_ack,
	};
	uint8_t flags = TCPH_FLAGS(hdr);
	uint32_t len = p->tot_len + (flags & TCP_FIN ? 1u : 0u);

	if (port_ttl_ok && !port_ttl_ok(pcb, ip_current_is_v6(), current_ttl()))
		return ERR_VAL;
	port_ack = (struct ack_info){ .ackno = hdr->ackno, .len = len };
	options_mend(&o, flags & TCP_SYN);
	if (pcb->state == SYN_SENT && (flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN) {
		simultaneous_open(pcb, hdr->seqno);
		return ERR_VAL;
	}
	if (pcb->state == LISTEN || pcb->state == SYN_SENT || pcb->state == TIME_WAIT)
		return ERR_OK;
	if (pcb->state == SYN_RCVD && (flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		return ERR_VAL;
	if (flags & (TCP_SYN | TCP_RST))
		return ERR_OK;		/* lwIP checks their sequence numbers */
	if (paws_old(pcb, &o, flags) || overruns_window(pcb, hdr, len)) {
		tcp_send_empty_ack(pcb);
		return ERR_VAL;
	}
	if (flags & TCP_URG)
		urgent_seen(pcb, hdr, len);
	if (len && o.ack->has_ts && o.ack->tsecr)
		rcv_rtt(pcb, sys_now() - o.ack->tsecr);
	if ((flags & TCP_ACK) && recovery_attached(pcb)) {
		port_ack.pcb = pcb;
		port_ack.una = pcb->lastack;
		port_ack.wnd = pcb->snd_wnd;
		pcb->dupacks = 0;	/* fast retransmit is recovery.c's */
	}
	return ERR_OK;
}
