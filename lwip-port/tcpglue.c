/* tcpglue.c - timers, windows and MSS of TCP beside lwIP's own
 *
 * Theory of operation
 * lwIP's slow timer runs every 50 ms here instead of 500, so its estimators
 * need a floor: a round trip below 50 ms measures as 0 ticks, the variance
 * decays towards 0, and the retransmission timeout with it, back-off included.
 * They change only when a segment is received, so we hold (srtt + variance) at
 * RTO_MIN after each.  SYNs, which lwIP repeats at a fixed pace, are backed off
 * when one is sent.
 *
 * lwIP's timers walk all active connections.  With port_tcp_parking set, those
 * that have nothing to time are taken out of its sight (pcbtable.c), by the
 * engine once it is done with them and at each tick, and come back by whatever
 * gives them something: the functions of tcp_out.c that queue data or a FIN are
 * renamed in its wrapper, and ours, which stand in their place, wake the
 * connection first.  So the timers run only while something is in flight.
 *
 * The MSS has two sides.  On the wire it is what the peer announced and the
 * path can carry, less the options in every segment: wire_mss in the
 * connection's node.  On an interface with TSO, pcb->mss is a multiple of
 * that, so that lwIP builds segments of up to 64 KB.  pcb->mss is set when the
 * connection becomes ESTABLISHED and never lowered after that: tcp_write()
 * asserts that queued segments fit in it.
 *
 * tcp_input() sets the initial window of an accepted connection after the
 * accept callback; port_tcp_input_done(), which stands where it calls
 * tcp_output(), puts ours in.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/nd6.h"
#include "lwip/priv/tcp_priv.h"
#include "hooks.h"
#include "port.h"
#include "port_priv.h"
#include "recovery.h"
#include "reass6.h"

#define RTO_MIN		(200 / TCP_SLOW_INTERVAL + 1)	/* ticks; Linux's TCP_RTO_MIN, and
						 * the first tick may be cut short */
#define RTO_SYN		(LWIP_TCP_RTO_TIME / TCP_SLOW_INTERVAL)
#define HEAP_KEEP	(32 << 20)
#define HEAP_MMAP	(4 << 20)	/* larger blocks are mapped and unmapped */
#define HEAP_STEP	(1 << 20)
#define SEGMENT_MAX	(65535 - 40 - 60)	/* payload below IP's 16-bit length */
#define SND_WND_MIN	256	/* floor for snd_wnd_max: tcp_write() takes half of it
				 * for a segment and its options, unchecked */

bool port_tcp_parking;
static port_input_fn *on_input;

static void self_test_failed(const char *what)
{
	fprintf(stderr, "lwIP: port self-test: %s (was it built with lwip-port/hooks.h?)\n", what);
	abort();
}

/* were the macros of tcp.c replaced by ours? */
static void self_test(void)
{
	struct tcp_pcb *pcb = tcp_new();

	if (!pcb)
		self_test_failed("no memory for a pcb");
	IP_ADDR4(&pcb->local_ip, 127, 0, 0, 1);
	IP_ADDR4(&pcb->remote_ip, 127, 0, 0, 1);
	pcb->local_port = 1;
	pcb->remote_port = 1;
	pcb->state = ESTABLISHED;
	pcbtable_reg(&tcp_active_pcbs, pcb);
	if (pcbtable_find(&pcb->local_ip, 1, &pcb->remote_ip, 1) != pcb)
		self_test_failed("a registered connection is not found");
	/* lwIP's own TCP_RMV would leave the node behind */
	tcp_pcb_remove(&tcp_active_pcbs, pcb);
	if (pcbtable_count())
		self_test_failed("TCP_RMV in tcp.c is lwIP's own");
	tcp_abort(pcb);
}

/* what we keep about an interface must not outlive it */
static void netif_event(struct netif *n, netif_nsc_reason_t reason,
			const netif_ext_callback_args_t *args)
{
	if (!(reason & LWIP_NSC_NETIF_REMOVED))
		return;
	route_flush_netif(n);
	reass6_flush(n);
}

/* What goes through our own memory needs no checksum.  ICMP keeps it, as ping
 * looks at it. */
static void loopback_unchecked(void)
{
	struct netif *lo = netif_find("lo0");

	if (lo)
		NETIF_SET_CHECKSUM_CTRL(lo, NETIF_CHECKSUM_GEN_IP | NETIF_CHECKSUM_GEN_ICMP |
					NETIF_CHECKSUM_GEN_ICMP6);
}

/* lwIP's segments of up to 64 KB come from malloc().  By default glibc gives
 * the top of its heap back to the kernel at every 128 KB freed and takes it
 * anew: 40 to 80 page faults a megabyte sent, a third of the CPU time.  Limits
 * of our own keep at most HEAP_KEEP. */
static void heap_keep(void)
{
	mallopt(M_MMAP_THRESHOLD, HEAP_MMAP);
	mallopt(M_TRIM_THRESHOLD, HEAP_KEEP);
	mallopt(M_TOP_PAD, HEAP_STEP);
}

/**
 * port_init() - Start lwIP
 *
 * Once a process.  Aborts if the port was built wrongly.
 */
void port_init(void)
{
	static netif_ext_callback_t on_netif;
	static bool done;

	if (done)
		return;
	done = true;
	heap_keep();
	lwip_init();
	netif_add_ext_callback(&on_netif, netif_event);
	loopback_unchecked();
	pcbtable_init();
	self_test();
}

/* see the theory of operation */
static void rto_floor(struct tcp_pcb *pcb)
{
	int base = (pcb->sa >> 3) + pcb->sv;

	if (base < RTO_MIN)
		pcb->sv = (s16_t)(pcb->sv + RTO_MIN - base);
	if (pcb->rto < RTO_MIN)
		pcb->rto = RTO_MIN;
}

/* a connection whose invariants broke goes, outside of lwIP's own walk */
static void drop_condemned(void)
{
	struct tcp_pcb *bad = port_condemned(), *pcb;

	for (pcb = bad ? tcp_active_pcbs : NULL; pcb; pcb = pcb->next) {
		if (pcb == bad) {
			tcp_abort(pcb);
			return;
		}
	}
}

/* retransmission is recovery.c's, wherever it is in charge */
static void hold_lwip_rto(void)
{
	struct tcp_pcb *pcb;

	for (pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
		if (pcb->rtime > 0 && recovery_in_charge(pcb))
			pcb->rtime = 0;
}

/* nothing that lwIP's timers would do for it */
static bool is_idle(const struct tcp_pcb *pcb)
{
	return (pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT) &&
	       !pcb->unsent && !pcb->unacked && !pcb->ooseq && !pcb->refused_data &&
	       !(pcb->flags & (TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND | TF_NAGLEMEMERR)) &&
	       !pcb->persist_backoff && !pcb->poll && !ip_get_option(pcb, SOF_KEEPALIVE);
}

/**
 * port_tcp_rest() - The engine has nothing more to do with a connection now
 * @pcb:	connection; it is parked if there is nothing to time
 */
void port_tcp_rest(struct tcp_pcb *pcb)
{
	if (port_tcp_parking && is_idle(pcb))
		pcbtable_park(pcb);
}

static void park_idle(void)
{
	struct tcp_pcb *pcb, *next;

	for (pcb = tcp_active_pcbs; pcb; pcb = next) {
		next = pcb->next;
		if (is_idle(pcb))
			pcbtable_park(pcb);
	}
}

/**
 * port_tcp_tick() - Run TCP's timers
 *
 * To be called when port_tcp_due() says so.  Sends, calls back, and may free
 * pcbs.
 */
void port_tcp_tick(void)
{
	drop_condemned();
	hold_lwip_rto();
	tcp_tmr();
	pcbtable_tw_expire();
	if (port_tcp_parking)
		park_idle();
}

/**
 * port_tcp_due() - When is port_tcp_tick() to be called?
 *
 * Return: milliseconds from now; PORT_TCP_NEVER: no connection needs timers
 */
uint32_t port_tcp_due(void)
{
	return tcp_active_pcbs || tcp_tw_pcbs ? PORT_TICK_MS : pcbtable_tw_due();
}

/**
 * port_pcb_netif() - The interface that a connection sends by
 * @pcb:	connection
 *
 * Return: NULL: there is no route
 */
struct netif *port_pcb_netif(const struct tcp_pcb *pcb)
{
	if (pcb->netif_idx != NETIF_NO_INDEX)
		return netif_get_by_index(pcb->netif_idx);
	return ip_route(&pcb->local_ip, &pcb->remote_ip);
}

static port_mss_fn *wanted_mss;

/**
 * port_on_mss() - Have the engine asked how large segments may be
 */
void port_on_mss(port_mss_fn *fn)
{
	wanted_mss = fn;
}

/* the largest MSS that the interface, the path and the application take; 0: no limit */
static unsigned path_mss(const struct tcp_pcb *pcb, struct netif *n)
{
	const struct portif *pi = n ? portif_of(n) : NULL;
	bool v6 = IP_IS_V6_VAL(pcb->remote_ip);
	unsigned wanted = wanted_mss ? wanted_mss(pcb) : 0;
	unsigned mtu = 0, pmtu, head = (v6 ? IP6_HLEN : IP_HLEN) + TCP_HLEN;

	if (pi)
		mtu = pi->mtu;
	else if (n)
		mtu = n->mtu;
	if (v6 && mtu) {
		pmtu = nd6_get_destination_mtu(ip_2_ip6(&pcb->remote_ip), n);
		if (pmtu && pmtu < mtu)
			mtu = pmtu;
	}
	if (wanted && (mtu <= head || wanted < mtu - head))
		return wanted;
	return mtu > head ? mtu - head : 0;
}

/* RFC 6298 5.5 for SYNs; what is sent may have to be timed */
static void sending(struct tcp_pcb *pcb)
{
	if (pcb->state == SYN_SENT)
		pcb->rto = (s16_t)(RTO_SYN << LWIP_MIN(pcb->nrtx, TCP_SYNMAXRTX));
	port_tcp_wake(pcb);
}

/* the scoreboard hears of all data that leave */
static void note_data(struct pcbnode *node, const struct pbuf *p, const struct tcp_hdr *hdr)
{
	uint32_t len = p->tot_len - TCPH_HDRLEN_BYTES(hdr);

	if (TCPH_FLAGS(hdr) & TCP_FIN)
		len++;
	if (len && !(TCPH_FLAGS(hdr) & (TCP_SYN | TCP_RST)))
		recovery_sent(node, lwip_ntohl(hdr->seqno), len);
}

/**
 * port_tcp_addopts() - LWIP_HOOK_TCP_OUT_ADD_TCPOPTS: mend the MSS of a SYN
 * @p, @hdr:	segment with its options, lengths final
 * @pcb:	connection; a listener or NULL for a reset
 * @opts:	end of the options
 *
 * With netif->mtu 0 lwIP announces TCP_MSS, which the wire cannot carry.
 *
 * Return: @opts, nothing is added
 */
u32_t *port_tcp_addopts(struct pbuf *p, struct tcp_hdr *hdr,
			const struct tcp_pcb *pcb, u32_t *opts)
{
	u32_t *first = (u32_t *)(void *)(hdr + 1);
	struct pcbnode *node = pcb ? pcbnode_of(pcb) : NULL;	/* RST: no pcb */
	struct netif *n;
	unsigned mss;

	if (node)
		sending(node->pcb);	/* which is @pcb, but not const */
	if (node && node->rec)
		note_data(node, p, hdr);
	if (node && node->urg_out)
		urgent_mark(node, hdr, p->tot_len - TCPH_HDRLEN_BYTES(hdr));
	port_tcp_mark_df(p);
	if (!pcb || !(TCPH_FLAGS(hdr) & TCP_SYN) || first == opts)
		return opts;
	if ((*first & PP_HTONL(0xffff0000)) != PP_HTONL(0x02040000))
		return opts;
	n = port_pcb_netif(pcb);
	mss = path_mss(pcb, n);
	if (mss && mss < TCP_MSS)
		*first = TCP_BUILD_MSS_OPTION(mss);
	return opts;
}

static unsigned option_len(const struct tcp_pcb *pcb)
{
	return pcb->flags & TF_TIMESTAMP ? LWIP_TCP_OPT_LEN_TS_OUT : 0;
}

/**
 * port_tcp_initial_window() - RFC 6928
 * @mss:	data bytes in a packet on the wire
 *
 * Return: bytes
 */
uint32_t port_tcp_initial_window(unsigned mss)
{
	return LWIP_MIN(10 * mss, LWIP_MAX(2 * mss, 14600));
}

/**
 * port_tcp_established() - Set up what lwIP does not for a new connection
 * @pcb:	from the connected or the accept callback
 */
void port_tcp_established(struct tcp_pcb *pcb)
{
	struct pcbnode *node = pcbnode_of(pcb);
	struct netif *n = port_pcb_netif(pcb);
	const struct portif *pi = n ? portif_of(n) : NULL;
	unsigned mss = pcb->mss, path = path_mss(pcb, n), opt = option_len(pcb);

	if (path && path < mss)
		mss = path;
	tcp_nagle_disable(pcb);		/* ours counts wire segments */
	if (pcb->snd_wnd_max < SND_WND_MIN)
		pcb->snd_wnd_max = SND_WND_MIN;
	mss -= opt;
	if (node) {
		node->wire_mss = (uint16_t)mss;
		node->fresh = true;
		path_seen(&pcb->remote_ip, (uint32_t)port_now_us() - node->began);
	}
	pcb->cwnd = port_tcp_initial_window(mss);
	/* without a node port_vnet_out() would not know the peer's MSS */
	if (pi && pi->vnet && node)
		pcb->mss = (u16_t)(LWIP_MIN(SEGMENT_MAX, TCP_MSS - opt) / mss * mss + opt);
}

/**
 * port_tcp_hold_ack() - Let the ACK of a SYN|ACK or FIN wait for what goes with it
 * @pcb:	from the connected callback, or the receive callback at the end
 *
 * Most clients write as soon as they are connected, and most programs close once
 * they have read the end: one packet fewer, and the peer is woken once.  The
 * ACK becomes a delayed one: of a FIN it goes with the next tick at the latest; for
 * that of a SYN|ACK the caller has it go much sooner than that, as the server may be
 * the one to speak first.
 */
void port_tcp_hold_ack(struct tcp_pcb *pcb)
{
	struct pcbnode *node = pcbnode_of(pcb);

	if (node)
		node->hold_ack = true;
}

/* lwIP has just asked for that ACK */
static void hold_ack(struct pcbnode *node, struct tcp_pcb *pcb)
{
	node->hold_ack = false;
	if ((pcb->state != ESTABLISHED && pcb->state != CLOSE_WAIT) || pcb->unsent || pcb->refused_data)
		return;
	tcp_clear_flags(pcb, TF_ACK_NOW);
	tcp_set_flags(pcb, TF_ACK_DELAY);
}

/**
 * port_tcp_wire_mss() - Data bytes in a full packet on the wire
 * @pcb:	connection; before it is ESTABLISHED, lwIP's idea of it
 *
 * Return: bytes, options deducted
 */
unsigned port_tcp_wire_mss(const struct tcp_pcb *pcb)
{
	const struct pcbnode *node = pcbnode_of(pcb);

	if (node && node->wire_mss)
		return node->wire_mss;
	return pcb->mss > option_len(pcb) ? pcb->mss - option_len(pcb) : 1;
}

/**
 * port_on_input() - Have a function called after each segment
 * @fn:		See port.h; NULL: none
 */
void port_on_input(port_input_fn *fn)
{
	on_input = fn;
}

/**
 * port_tell_engine() - Have the engine look at what may be sent now
 * @pcb:	connection
 */
void port_tell_engine(struct tcp_pcb *pcb)
{
	if (on_input && (pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT))
		on_input(pcb);
}

/**
 * port_tcp_input_done() - Stands for tcp_output() where tcp_in.c calls it
 * @pcb:	connection whose segment was processed
 *
 * Return: tcp_output()'s
 */
err_t port_tcp_input_done(struct tcp_pcb *pcb)
{
	struct pcbnode *node = pcbnode_of(pcb);

	if (node && node->fresh) {
		node->fresh = false;
		pcb->cwnd = port_tcp_initial_window(node->wire_mss);
	}
	if (node && node->hold_ack)
		hold_ack(node, pcb);
	if (pcb->snd_wnd_max < SND_WND_MIN)
		pcb->snd_wnd_max = SND_WND_MIN;
	rto_floor(pcb);
	if (node && node->rec && port_ack.pcb == pcb)
		recovery_acked(node, &port_ack);
	port_ack.pcb = NULL;
	port_tell_engine(pcb);
	return tcp_output(pcb);
}

/**
 * port_tcp_ack() - Stands for tcp_ack(), which acknowledges data in sequence
 * @pcb:	connection
 *
 * lwIP's own sends an ACK for every second frame.  Who has a function called
 * after each segment looks at what the burst brought, and asks for one then.
 */
void port_tcp_ack(struct tcp_pcb *pcb)
{
	if (!on_input && (pcb->flags & TF_ACK_DELAY)) {
		tcp_clear_flags(pcb, TF_ACK_DELAY);
		tcp_ack_now(pcb);
	} else {
		tcp_set_flags(pcb, TF_ACK_DELAY);
	}
}

/**
 * tcp_write() - lwIP's, on a connection that its timers see
 * @pcb, @data, @len, @flags: as for lwIP's
 *
 * Return: lwIP's
 */
err_t tcp_write(struct tcp_pcb *pcb, const void *data, u16_t len, u8_t flags)
{
	port_tcp_wake(pcb);
	recovery_attach(pcb);
	port_tcp_lower_mss(pcb);
	return lwip_tcp_write(pcb, data, len, flags);
}

/**
 * tcp_send_fin() - lwIP's, on a connection that its timers see
 * @pcb:	as for lwIP's
 *
 * Return: lwIP's
 */
err_t tcp_send_fin(struct tcp_pcb *pcb)
{
	port_tcp_wake(pcb);
	recovery_attach(pcb);
	return lwip_tcp_send_fin(pcb);
}

/* whether all that is to be sent comes behind a segment that was sent */
static bool comes_behind(const struct tcp_pcb *pcb, const struct tcp_seg *sent)
{
	return pcb->unsent && TCP_SEQ_GT(lwip_ntohl(pcb->unsent->tcphdr->seqno),
					 lwip_ntohl(sent->tcphdr->seqno));
}

/**
 * tcp_output() - lwIP's, without its walk along all that is in flight
 * @pcb:	as for lwIP's
 *
 * lwIP looks for the end of pcb->unacked from its head, each time: with segments
 * of one packet these are thousands.  While recovery.c is in charge nothing but an
 * ACK takes segments from that queue, and from its head, so we know its end, and
 * hide from lwIP what is before it.
 *
 * Return: lwIP's
 */
err_t tcp_output(struct tcp_pcb *pcb)
{
	struct pcbnode *node = pcbnode_of(pcb);
	struct recovery *r = node ? node->rec : NULL;
	struct tcp_seg *head = pcb->unacked, *end;
	err_t err;

	if (!r)
		return lwip_tcp_output(pcb);
	end = head && r->sb.n ? r->tail : NULL;
	if (end && comes_behind(pcb, end))
		pcb->unacked = end;
	err = lwip_tcp_output(pcb);
	if (head)
		pcb->unacked = head;
	if (!end)
		end = pcb->unacked;
	while (end && end->next)
		end = end->next;
	r->tail = end;
	return err;
}

/**
 * port_tcp_addr_changed() - Stands for tcp_netif_ip_addr_changed() in netif.c
 * @old, @new:	as for lwIP's, which resets the connections of @old
 */
void port_tcp_addr_changed(const ip_addr_t *old, const ip_addr_t *new)
{
	pcbtable_wake_all();
	tcp_netif_ip_addr_changed(old, new);
}
