/* rexmit.c - send again a part of what is in flight
 *
 * Theory of operation
 * lwIP retransmits segments as they were queued, which here may be 64 KB, and
 * moves them back to the queue of what is unsent.  We leave the queue as it is
 * and build a new packet with the bytes that are missing, copied from the
 * segment that holds them: on an interface with TSO that may be several wire
 * segments, elsewhere it is one.
 */
#include <errno.h>
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "lwip/sys.h"
#include "hooks.h"
#include "port.h"
#include "port_priv.h"
#include "recovery.h"

/* the segment that holds the byte @seq and was sent; NULL: none */
static const struct tcp_seg *segment_of(const struct tcp_pcb *pcb, uint32_t seq)
{
	const struct tcp_seg *s;

	for (s = pcb->unacked; s; s = s->next) {
		uint32_t first = lwip_ntohl(s->tcphdr->seqno);

		if (TCP_SEQ_LT(seq, first))
			return NULL;
		if (TCP_SEQ_LT(seq, first + TCP_TCPLEN(s)))
			return s;
	}
	return NULL;
}

static void put_timestamp(const struct tcp_pcb *pcb, struct tcp_hdr *h)
{
	u32_t opt[3] = { PP_HTONL(0x0101080a), lwip_htonl(sys_now()), lwip_htonl(pcb->ts_recent) };

	memcpy(h + 1, opt, sizeof(opt));
}

/* a packet with @len bytes of @s from its byte @off on */
static struct pbuf *build(struct tcp_pcb *pcb, const struct tcp_seg *s, unsigned off,
			  unsigned len, bool fin)
{
	unsigned optlen = pcb->flags & TF_TIMESTAMP ? LWIP_TCP_OPT_LEN_TS_OUT : 0;
	unsigned at = (unsigned)((u8_t *)s->tcphdr - (u8_t *)s->p->payload) +
		      TCPH_HDRLEN_BYTES(s->tcphdr) + off;
	struct pbuf *p = pbuf_alloc(PBUF_IP, (u16_t)(TCP_HLEN + optlen + len), PBUF_RAM);
	struct tcp_hdr *h;

	if (!p)
		return NULL;
	h = p->payload;
	h->src = lwip_htons(pcb->local_port);
	h->dest = lwip_htons(pcb->remote_port);
	h->seqno = lwip_htonl(lwip_ntohl(s->tcphdr->seqno) + off);
	h->ackno = lwip_htonl(pcb->rcv_nxt);
	TCPH_HDRLEN_FLAGS_SET(h, (TCP_HLEN + optlen) / 4, TCP_ACK | TCP_PSH | (fin ? TCP_FIN : 0));
	h->wnd = lwip_htons(TCPWND_MIN16(RCV_WND_SCALE(pcb, pcb->rcv_ann_wnd)));
	h->chksum = 0;
	h->urgp = 0;
	if (port_tcp_urgent_mode(pcb))
		urgent_mark(pcbnode_of(pcb), h, len);
	if (optlen)
		put_timestamp(pcb, h);
	if (pbuf_copy_partial(s->p, (u8_t *)(h + 1) + optlen, (u16_t)len, (u16_t)at) != len) {
		pbuf_free(p);
		return NULL;
	}
	return p;
}

/* ACK and window went out with it */
static void told_peer(struct tcp_pcb *pcb)
{
	pcb->rcv_ann_right_edge = pcb->rcv_nxt + pcb->rcv_ann_wnd;
	pcb->ts_lastacksent = pcb->rcv_nxt;
}

/**
 * rexmit_send() - Send bytes again
 * @pcb:	connection
 * @seq, @end:	the bytes; a FIN at their end counts as one
 *
 * Return: how many were sent, at least one and maybe fewer than asked for;
 * -ENOENT: none of them was sent before; -ENETUNREACH, -ENOBUFS
 */
int rexmit_send(struct tcp_pcb *pcb, uint32_t seq, uint32_t end)
{
	const struct tcp_seg *s = segment_of(pcb, seq);
	struct netif *n = port_pcb_netif(pcb);
	unsigned off, len, most;
	struct pbuf *p;
	err_t err;
	bool fin;

	if (!s)
		return -ENOENT;
	if (!n)
		return -ENETUNREACH;
	most = port_tcp_wire_mss(pcb);
	if (portif_of(n) && portif_of(n)->vnet && !port_tcp_urgent_mode(pcb))
		most = TCP_MSS / most * most;
	off = seq - lwip_ntohl(s->tcphdr->seqno);
	len = LWIP_MIN(s->len - off, end - seq);
	len = LWIP_MIN(len, most);
	fin = (TCPH_FLAGS(s->tcphdr) & TCP_FIN) && off + len == s->len && end - seq > len;
	p = build(pcb, s, off, len, fin);
	if (!p)
		return -ENOBUFS;
	told_peer(pcb);
	recovery_sent(pcbnode_of(pcb), seq, len + fin);
	port_tcp_mark_df(p);
	IF__NETIF_CHECKSUM_ENABLED(n, NETIF_CHECKSUM_GEN_TCP) {
		((struct tcp_hdr *)p->payload)->chksum =
			ip_chksum_pseudo(p, IP_PROTO_TCP, p->tot_len, &pcb->local_ip, &pcb->remote_ip);
	}
	TCP_STATS_INC(tcp.xmit);
	MIB2_STATS_INC(mib2.tcpretranssegs);
	NETIF_SET_HINTS(n, &pcb->netif_hints);
	err = ip_output_if(p, &pcb->local_ip, &pcb->remote_ip, pcb->ttl, pcb->tos, IP_PROTO_TCP, n);
	NETIF_RESET_HINTS(n);
	pbuf_free(p);
	return err == ERR_OK ? (int)(len + fin) : -ENOBUFS;
}
