/* tcp_info.c - how a connection stands: TCP_INFO, queues, for getsockopt(2) and ss(8)
 *
 * Theory of operation
 * Figures come from lwIP's PCB and the port's recovery state.  What is under
 * way lies in two places: lwIP's queues and the application's pair.
 *
 * How much of the pair the application has not read, only its end knows
 * (FIONREAD).  Ours tells what that weighs in the kernel, overhead included
 * (SIOCOUTQ), exactly 0 when all is read; so the figure is the lower of that
 * and of what was written since the pair was last seen empty.
 */
#include "engine/tcp.h"

#include <string.h>
#include <sys/ioctl.h>
#include <linux/tcp.h>
#include "engine/priv.h"
#include "lwip/priv/tcp_priv.h"
#include "port.h"

/* lwIP's states in the order of enum tcp_state, as Linux numbers them: CLOSE,
 * LISTEN, SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, CLOSING,
 * LAST_ACK, TIME_WAIT (include/net/tcp_states.h) */
static const uint8_t linux_state[] = { 7, 10, 2, 3, 1, 4, 5, 8, 11, 9, 6 };
#define REORDERING	3		/* tcp_reordering's default; RACK goes by time */
#define LINUX_CLOSE	7
#define LINUX_LISTEN	10

/* tcp_linux_state() - A connection's state, as Linux numbers it */
uint8_t tcp_linux_state(const struct tcp_pcb *pcb)
{
	return linux_state[pcb->state];
}

/* the part that is the socket's own doing */
static void fill_bytes(const struct tcp_sock *ts, const struct tcp_pcb *pcb, struct tcp_info *ti)
{
	uint32_t unacked = pcb->snd_lbb - pcb->lastack;

	ti->tcpi_bytes_received = ts->rx_total + (ts->rx_wnd - pcb->rcv_wnd);
	ti->tcpi_bytes_acked = ts->tx_written > unacked ? ts->tx_written - unacked : 0;
	ti->tcpi_bytes_sent = ti->tcpi_bytes_acked + (pcb->snd_nxt - pcb->lastack);
	ti->tcpi_notsent_bytes = tcp_unacked(ts, true);
	ti->tcpi_rcv_ssthresh = ts->rx_wnd;
}

/**
 * tcp_fill_info() - What TCP_INFO tells (tcp(7))
 * @ts:		the socket; NULL: nobody has one any more, or nobody yet
 * @pcb:	the connection; NULL: there is none
 */
void tcp_fill_info(const struct tcp_sock *ts, const struct tcp_pcb *pcb, struct tcp_info *ti)
{
	struct port_tcp_figures f;
	struct port_tcp_timer timer;
	uint32_t mss;

	memset(ti, 0, sizeof(*ti));
	ti->tcpi_state = ts && ts->phase == TCP_LISTENING ? LINUX_LISTEN : LINUX_CLOSE;
	if (!pcb)
		return;
	ti->tcpi_state = tcp_linux_state(pcb);
	mss = port_tcp_wire_mss(pcb);
	port_tcp_figures(pcb, &f);
	port_tcp_timer(pcb, &timer);
	ti->tcpi_snd_mss = ti->tcpi_rcv_mss = ti->tcpi_advmss = mss;
	ti->tcpi_pmtu = mss + (IP_IS_V6_VAL(pcb->remote_ip) ? IP6_HLEN : IP_HLEN) + TCP_HLEN +
		(pcb->flags & TF_TIMESTAMP ? LWIP_TCP_OPT_LEN_TS_OUT : 0);
	ti->tcpi_retransmits = ti->tcpi_backoff = (uint8_t)f.backoff;
	ti->tcpi_probes = timer.kind == PORT_T_PROBE ? (uint8_t)timer.tries : 0;
	ti->tcpi_rto = f.rto;
	ti->tcpi_rtt = f.srtt;
	ti->tcpi_rttvar = f.rttvar;
	ti->tcpi_rcv_rtt = port_tcp_rcv_rtt(pcb);
	ti->tcpi_snd_cwnd = f.cwnd / mss;
	ti->tcpi_snd_ssthresh = f.ssthresh / mss;
	ti->tcpi_unacked = (f.in_flight + mss - 1) / mss;
	ti->tcpi_sacked = (f.sacked + mss - 1) / mss;
	ti->tcpi_lost = (f.lost + mss - 1) / mss;
	ti->tcpi_rcv_space = pcb->rcv_wnd;
	ti->tcpi_reordering = REORDERING;
	ti->tcpi_options = (pcb->flags & TF_TIMESTAMP ? TCPI_OPT_TIMESTAMPS : 0) |
		(pcb->flags & TF_WND_SCALE ? TCPI_OPT_WSCALE : 0) |
		(pcb->flags & TF_SACK ? TCPI_OPT_SACK : 0);
	ti->tcpi_snd_wscale = pcb->snd_scale & 15;
	ti->tcpi_rcv_wscale = pcb->rcv_scale & 15;
	if (ts)
		fill_bytes(ts, pcb, ti);
}

/* tcp_unacked() - Bytes that the peer has not acknowledged, or (@unsent) that have not
 * even been sent; the part in the application's pair counts, but not what lies there sent */
uint32_t tcp_unacked(const struct tcp_sock *ts, bool unsent)
{
	const struct tcp_pcb *pcb = ts->pcb;
	int waiting = 0;

	if (ts->phase != TCP_CONNECTED || !pcb)
		return 0;
	if (ioctl(ts->s.w.fd, FIONREAD, &waiting) < 0 || waiting < (int)ts->kept)
		waiting = (int)ts->kept;
	return (uint32_t)waiting - ts->kept + (pcb->snd_lbb - (unsent ? pcb->snd_nxt : pcb->lastack));
}

/* tcp_unread() - Bytes that came and that the application has not read */
uint32_t tcp_unread(struct tcp_sock *ts)
{
	uint64_t weight = (uint64_t)sock_unread(&ts->s), since;

	if (weight == 0)
		ts->rx_read = ts->rx_total;
	since = ts->rx_total - ts->rx_read;
	return (uint32_t)(weight < since ? weight : since) +
		(ts->pcb && ts->rx_wnd > ts->pcb->rcv_wnd ? ts->rx_wnd - ts->pcb->rcv_wnd : 0);
}
