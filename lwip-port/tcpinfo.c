/* tcpinfo.c - what the engine asks and tells of a connection's sending side
 *
 * Theory of operation
 * Congestion control is chosen by name; a connection that sends already goes
 * on with its window under the new rules.  The path's MTU shrinks when ICMP
 * says so of a packet that is in flight (RFC 1191, RFC 8201, RFC 5927: an
 * attacker would have to guess a sequence number); it never grows again during
 * a connection.
 */
#include <errno.h>
#include <string.h>
#include "lwip/priv/tcp_priv.h"
#include "lwip/sys.h"
#include "hooks.h"
#include "port.h"
#include "port_priv.h"
#include "recovery.h"

#define SHORT_US	4000	/* so short is a path if time stamps say so */

#define PMTU_MIN4	552u		/* as Linux's min_pmtu: less would cost us more than it helps */
#define PMTU_MIN6	1280u

static const char *const names[] = { [CC_CUBIC] = "cubic", [CC_RENO] = "reno" };

/**
 * port_congestion_find() - The number of an algorithm
 * @name:	"cubic" or "reno"
 *
 * Return: number, or -ENOENT
 */
int port_congestion_find(const char *name)
{
	for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++)
		if (!strcmp(name, names[i]))
			return i;
	return -ENOENT;
}

/**
 * port_congestion_name() - The name of an algorithm
 * @kind:	from port_congestion_find()
 */
const char *port_congestion_name(int kind)
{
	return names[kind];
}

/**
 * port_tcp_set_congestion() - Choose a connection's congestion control
 * @pcb:	ESTABLISHED
 * @kind:	from port_congestion_find()
 */
void port_tcp_set_congestion(struct tcp_pcb *pcb, int kind)
{
	struct pcbnode *node = pcbnode_of(pcb);

	if (!node)
		return;
	node->congestion = (uint8_t)kind;
	if (node->rec && node->rec->cc.kind != (enum cc_kind)kind) {
		node->rec->cc.kind = (enum cc_kind)kind;
		node->rec->cc.epoch = 0;
	}
}

/**
 * port_tcp_set_thin() - TCP_THIN_LINEAR_TIMEOUTS
 * @pcb:	ESTABLISHED
 * @on:		time-outs do not double while little is in flight
 */
void port_tcp_set_thin(struct tcp_pcb *pcb, bool on)
{
	struct pcbnode *node = pcbnode_of(pcb);

	if (node)
		node->thin = on;
}

/**
 * port_tcp_lower_mss() - Have lwIP build segments that the path takes
 * @pcb:	connection; on an interface with TSO lwIP's segments are cut later
 *
 * Only with nothing unsent: tcp_write() asserts that those fit in pcb->mss.
 */
void port_tcp_lower_mss(struct tcp_pcb *pcb)
{
	const struct pcbnode *node = pcbnode_of(pcb);
	struct netif *n;
	unsigned mss;

	if (!node || !node->shrunk || pcb->unsent)
		return;
	n = port_pcb_netif(pcb);
	mss = node->wire_mss + (pcb->flags & TF_TIMESTAMP ? LWIP_TCP_OPT_LEN_TS_OUT : 0);
	if (n && portif_of(n) && !portif_of(n)->vnet && pcb->mss > mss)
		pcb->mss = (u16_t)mss;
}

/**
 * port_tcp_pmtu() - A packet was too large for the path
 * @pcb:	connection
 * @mtu:	what the router told
 * @seq:	sequence number of the packet that it quoted
 */
void port_tcp_pmtu(struct tcp_pcb *pcb, unsigned mtu, uint32_t seq)
{
	struct pcbnode *node = pcbnode_of(pcb);
	bool v6 = IP_IS_V6_VAL(pcb->remote_ip);
	unsigned head = (v6 ? IP6_HLEN : IP_HLEN) + TCP_HLEN, mss;

	if (!node || !node->wire_mss || TCP_SEQ_LT(seq, pcb->lastack) ||
	    TCP_SEQ_GEQ(seq, pcb->snd_nxt))
		return;
	mtu = LWIP_MAX(mtu, v6 ? PMTU_MIN6 : PMTU_MIN4);
	if (pcb->flags & TF_TIMESTAMP)
		head += LWIP_TCP_OPT_LEN_TS_OUT;
	mss = mtu - head;
	if (mss >= node->wire_mss)
		return;
	node->wire_mss = (uint16_t)mss;
	node->shrunk = true;
	port_tcp_lower_mss(pcb);
	recovery_lost(node);
}

/**
 * port_tcp_figures() - How a connection's sending side stands
 * @pcb:	connection
 * @f:		out
 */
void port_tcp_figures(const struct tcp_pcb *pcb, struct port_tcp_figures *f)
{
	const struct pcbnode *node = pcbnode_of(pcb);
	const struct recovery *r = node ? node->rec : NULL;

	memset(f, 0, sizeof(*f));
	f->cwnd = pcb->cwnd;
	f->ssthresh = pcb->ssthresh;
	f->in_flight = pcb->snd_nxt - pcb->lastack;
	f->rto = (uint32_t)pcb->rto * TCP_SLOW_INTERVAL * 1000;
	f->srtt = (uint32_t)(pcb->sa >> 3) * TCP_SLOW_INTERVAL * 1000;
	f->rttvar = (uint32_t)(pcb->sv >> 2) * TCP_SLOW_INTERVAL * 1000;
	f->backoff = pcb->nrtx;
	if (node && node->rtt.srtt) {
		f->srtt = node->rtt.srtt;
		f->rttvar = node->rtt.var;
		f->rto = rtt_rto(&node->rtt, 0);
	}
	if (!r)
		return;
	f->cwnd = r->cc.cwnd;
	f->sacked = r->sb.held;
	f->lost = r->sb.lost;
	f->backoff = r->backoff;
	f->rto = rtt_rto(&r->rtt, r->backoff);
	if (r->rtt.srtt) {
		f->srtt = r->rtt.srtt;
		f->rttvar = r->rtt.var;
	}
}

/**
 * port_tcp_rcv_rtt() - The path's round trip as a receiver sees it
 * @pcb:	connection
 *
 * Time stamps tell milliseconds.  Of a short path that is too coarse, and mostly the time
 * that packets wait for us: there the shortest handshake counts, or what was measured
 * when we sent, if it is less.
 *
 * Return: microseconds; 0: not known
 */
unsigned port_tcp_rcv_rtt(const struct tcp_pcb *pcb)
{
	const struct pcbnode *node = pcbnode_of(pcb);
	unsigned us = node ? node->rcv_rtt * 1000u : 0, sent, path;

	if (!us || us >= SHORT_US)
		return us;
	sent = node->rec ? node->rec->rtt.min : node->rtt.min;
	path = path_rtt(&pcb->remote_ip);
	if (sent && sent < us)
		us = sent;
	return path && path < us ? path : us;
}

/* until a count of lwIP's slow ticks is reached, in milliseconds */
static uint32_t ticks_left(uint32_t until, uint32_t now)
{
	return (int32_t)(until - now) > 0 ? (until - now) * TCP_SLOW_INTERVAL : 0;
}

static uint32_t persist_left(const struct tcp_pcb *pcb)
{
	static const uint8_t wait[] = { 3, 6, 12, 24, 48, 96, 120 };	/* lwIP's tcp_persist_backoff */
	unsigned step = LWIP_MIN(pcb->persist_backoff, sizeof(wait)) - 1;

	return ticks_left(wait[step], pcb->persist_cnt);
}

/**
 * port_tcp_timer() - What does a connection wait for, and how long yet?
 * @pcb:	connection
 * @t:		out
 */
void port_tcp_timer(const struct tcp_pcb *pcb, struct port_tcp_timer *t)
{
	const struct pcbnode *node = pcbnode_of(pcb);
	const struct recovery *r = node ? node->rec : NULL;

	memset(t, 0, sizeof(*t));
	if (pcb->state == TIME_WAIT) {
		t->kind = PORT_T_TIME_WAIT;
		t->ms = ticks_left(pcb->tmr + 2 * TCP_MSL / TCP_SLOW_INTERVAL, tcp_ticks);
	} else if (r && r->timer.set && r->what != REC_T_IDLE) {
		int32_t ms = (int32_t)(r->timer.at - sys_now());

		t->kind = PORT_T_REXMIT;
		t->ms = ms > 0 ? (uint32_t)ms : 0;
		t->tries = r->backoff;
	} else if (pcb->rtime > 0 || (pcb->rtime == 0 && pcb->unacked && !r)) {
		t->kind = PORT_T_REXMIT;
		t->ms = ticks_left((uint32_t)pcb->rto, (uint32_t)pcb->rtime);
		t->tries = pcb->nrtx;
	} else if (pcb->persist_backoff) {
		t->kind = PORT_T_PROBE;
		t->ms = persist_left(pcb);
		t->tries = pcb->persist_probe;
	} else if (ip_get_option(pcb, SOF_KEEPALIVE) &&
		   (pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT)) {
		t->kind = PORT_T_KEEPALIVE;
		t->ms = ticks_left(pcb->tmr + (pcb->keep_idle + pcb->keep_cnt_sent * pcb->keep_intvl) /
				   TCP_SLOW_INTERVAL, tcp_ticks);
		t->tries = pcb->keep_cnt_sent;
	}
}
