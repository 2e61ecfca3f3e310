/* recovery.h - loss recovery and congestion control, for lwip-port/ alone */
#ifndef LWIP_PORT_RECOVERY_H
#define LWIP_PORT_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>
#include "congestion.h"
#include "lwip/tcp.h"
#include "pcbtable.h"
#include "rtt.h"
#include "sack.h"
#include "wheel.h"

#define ACK_BLOCKS	4		/* what the options' 40 bytes hold */

/* what the segment at hand says of ours, kept from before lwIP saw it */
struct ack_info {
	struct tcp_pcb *pcb;
	uint32_t una;			/* pcb->lastack before */
	uint32_t wnd;			/* pcb->snd_wnd before */
	uint32_t ackno, len;
	bool has_ts;
	uint32_t tsecr;
	unsigned nblock;
	struct { uint32_t left, right; } block[ACK_BLOCKS];
};

enum recovery_state {
	REC_OPEN,
	REC_FAST,			/* losses told by ACKs are being repaired */
	REC_LOSS,			/* after a time-out */
};

enum recovery_timer { REC_T_NONE, REC_T_REORDER, REC_T_PROBE, REC_T_RTO, REC_T_IDLE };

struct recovery {
	struct wheel_timer timer;	/* first */
	enum recovery_timer what;
	uint32_t rto_from;		/* ms: when the retransmission timer was restarted */
	struct tcp_pcb *pcb;
	struct tcp_seg *tail;		/* tcpglue.c's: the last of pcb->unacked; NULL: not known */
	struct sack_board sb;
	struct cc cc;
	struct rtt rtt;
	enum recovery_state state;
	uint32_t point;			/* repaired once this is acknowledged */
	unsigned backoff;
	unsigned dupacks;		/* of a peer without SACK */
	/* RACK */
	bool rack, reordering;
	uint32_t rack_sent, rack_end, rack_rtt;
	uint32_t reo_wait;		/* microseconds; 0: none */
	/* PRR (RFC 6937) */
	uint32_t prr_delivered, prr_out, prr_base;
	/* the window limits what is sent, until this is acknowledged */
	bool limited;
	uint32_t limited_end;
	/* Eifel: what to go back to */
	bool undo;
	uint32_t undo_ts, undo_cwnd, undo_ssthresh;
	/* TLP */
	bool probed;
	uint32_t probe_end, probe_ts;
	uint32_t last_sent;		/* ms */
};

static inline bool recovery_attached(const struct tcp_pcb *pcb)
{
	return pcbnode_of(pcb) && pcbnode_of(pcb)->rec;
}

/* recovery.c */
void recovery_attach(struct tcp_pcb *pcb);
void recovery_free(struct pcbnode *node);
void recovery_sent(struct pcbnode *node, uint32_t seq, uint32_t len);
void recovery_acked(struct pcbnode *node, const struct ack_info *a);
void recovery_lost(struct pcbnode *node);
bool recovery_in_charge(const struct tcp_pcb *pcb);

/* rexmit.c */
int rexmit_send(struct tcp_pcb *pcb, uint32_t seq, uint32_t end);

/* guard_tcp.c */
extern struct ack_info port_ack;

#endif
