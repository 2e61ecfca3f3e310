/* urgent.c - urgent data, which lwIP passes over
 *
 * Theory of operation
 * An urgent byte is a place in the stream and nothing more (RFC 6093).  URG in a
 * header says that it is the byte before the one the pointer counts to from the
 * segment's first, as Linux and all others read RFC 793.  The connection's node
 * keeps the byte's sequence number, one for each direction; so it is all the same
 * which segment tells of it, in what order segments come, and what is sent again.
 *
 * Out: the segment that holds the byte bears the mark, and an ACK if the peer's window
 * keeps the byte back.  Others do not, though Linux's do: its receiver, once told of a
 * byte yet to come, takes one of the header for it when the next segment overtakes the
 * byte's (tcp_urg()).  A segment must be one packet on the wire: of a larger one, each
 * piece that a card or the kernel cuts would have the pointer of the first.  So the
 * engine hands the byte over in a segment that needs no cutting, and rexmit.c sends it
 * again that way.  A new urgent byte takes the place of one that is on its way.
 *
 * In: what is new, not received yet, and said by a segment that is acceptable
 * (RFC 9293 3.10.7.4), the engine finds with the data that it gets next.
 */
#include "lwip/priv/tcp_priv.h"
#include "hooks.h"
#include "port.h"
#include "port_priv.h"

#define POINTER_MAX	0xffffu

/**
 * port_tcp_urgent() - Tell the peer of an urgent byte
 * @pcb:	connection
 * @end:	the sequence number behind the byte, which may yet have to be queued
 */
void port_tcp_urgent(struct tcp_pcb *pcb, uint32_t end)
{
	struct pcbnode *node = pcbnode_of(pcb);

	if (!node)
		return;
	node->urg_out = true;
	node->snd_up = end;
}

/**
 * port_tcp_urgent_mode() - Does an urgent byte wait to be acknowledged?
 * @pcb:	connection
 */
bool port_tcp_urgent_mode(const struct tcp_pcb *pcb)
{
	struct pcbnode *node = pcbnode_of(pcb);

	if (node && node->urg_out && TCP_SEQ_GEQ(pcb->lastack, node->snd_up))
		node->urg_out = false;
	return node && node->urg_out;
}

/* may this segment tell of it?  See the theory of operation */
static bool tells(const struct pcbnode *node, uint32_t seq, uint32_t len)
{
	const struct tcp_pcb *pcb = node->pcb;
	uint32_t off = node->snd_up - seq;

	if (!len)
		return off <= POINTER_MAX && TCP_SEQ_GT(node->snd_up, pcb->lastack + pcb->snd_wnd);
	return off <= len && len <= port_tcp_wire_mss(pcb);
}

/**
 * urgent_mark() - Set a segment's urgent pointer, or see that it has none
 * @node:	connection with urg_out set
 * @hdr:	the segment's header, complete but for this
 * @len:	bytes of data
 */
void urgent_mark(struct pcbnode *node, struct tcp_hdr *hdr, uint32_t len)
{
	uint32_t seq = lwip_ntohl(hdr->seqno);

	if (TCPH_FLAGS(hdr) & (TCP_SYN | TCP_RST))
		return;
	if (port_tcp_urgent_mode(node->pcb) && TCP_SEQ_LT(seq, node->snd_up) && tells(node, seq, len)) {
		TCPH_SET_FLAG(hdr, TCP_URG);
		hdr->urgp = lwip_htons((u16_t)(node->snd_up - seq));
	} else {
		TCPH_UNSET_FLAG(hdr, TCP_URG);
		hdr->urgp = 0;
	}
}

/**
 * urgent_seen() - A segment with URG came in
 * @pcb:	connection
 * @hdr:	its header, in host order but for the pointer
 * @len:	what it takes in the sequence
 */
void urgent_seen(struct tcp_pcb *pcb, const struct tcp_hdr *hdr, uint32_t len)
{
	struct pcbnode *node = pcbnode_of(pcb);
	uint32_t off = lwip_ntohs(hdr->urgp), seq = hdr->seqno + (off ? off - 1 : 0);

	if (!node || TCP_SEQ_LT(hdr->seqno + len, pcb->rcv_nxt) ||
	    TCP_SEQ_GT(hdr->seqno, pcb->rcv_nxt + pcb->rcv_wnd) ||
	    TCP_SEQ_GT(hdr->ackno, pcb->snd_nxt))
		return;
	if (TCP_SEQ_LT(seq, pcb->rcv_nxt) || (node->urg_in && !TCP_SEQ_GT(seq, node->rcv_up)))
		return;
	node->urg_in = true;
	node->rcv_up = seq;
}

/**
 * port_tcp_urgent_in() - Has the peer told of an urgent byte?
 * @pcb:	connection
 * @seq:	set to its sequence number
 *
 * Return: true once for each that is told of, at the latest with its data; the
 * same may be told of again before those
 */
bool port_tcp_urgent_in(struct tcp_pcb *pcb, uint32_t *seq)
{
	struct pcbnode *node = pcbnode_of(pcb);

	if (!node || !node->urg_in)
		return false;
	node->urg_in = false;
	*seq = node->rcv_up;
	return true;
}
