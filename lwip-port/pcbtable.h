/* pcbtable.h - lwIP's lists of connections, with a hash beside them */
#ifndef LWIP_PORT_PCBTABLE_H
#define LWIP_PORT_PCBTABLE_H

#include <stdbool.h>
#include <stdint.h>
#include "lwip/ip_addr.h"
#include "lwip/tcp.h"
#include "lwip/prot/tcp.h"
#include "rtt.h"

struct recovery;

#define PCBTABLE_EXT_ARG	0	/* index of our node in tcp_pcb.ext_args */

/* one connection that is active or in TIME_WAIT; in ext_args[0] */
struct pcbnode {
	struct tcp_pcb *pcb;
	struct tcp_pcb **list;		/* active, TIME_WAIT, or that it is parked; NULL: in none */
	struct tcp_pcb *prev;		/* before us in that list */
	struct pcbnode *hnext, **hprev;	/* chain of the bucket */
	uint32_t hash;
	uint32_t tw_since;		/* ms: since when in TIME_WAIT */
	uint32_t tw_tmr;		/* pcb->tmr then */
	uint16_t wire_mss;		/* 0 until ESTABLISHED; options deducted */
	bool fresh;			/* initial window yet to be set */
	bool hold_ack;			/* the ACK of a SYN|ACK or FIN may wait for what goes with it */
	bool thin;			/* TCP_THIN_LINEAR_TIMEOUTS */
	bool shrunk;			/* wire_mss, by ICMP, below pcb->mss */
	bool urg_out, urg_in;		/* an urgent byte is on its way; was told of (urgent.c) */
	uint32_t snd_up, rcv_up;	/* behind ours; the peer's own */
	uint16_t rcv_rtt;		/* ms, of the path as a receiver sees it; 0: unknown */
	uint32_t began;			/* us: the handshake */
	uint8_t congestion;		/* enum cc_kind */
	struct rtt rtt;			/* what recovery.c knew when it last let go */
	struct recovery *rec;		/* since it began to send; recovery.c's */
};

static inline struct pcbnode *pcbnode_of(const struct tcp_pcb *pcb)
{
	return pcb->ext_args[PCBTABLE_EXT_ARG].data;
}

void pcbtable_init(void);
void pcbtable_reg(struct tcp_pcb **list, struct tcp_pcb *pcb);
void pcbtable_rmv(struct tcp_pcb **list, struct tcp_pcb *pcb);
void pcbtable_park(struct tcp_pcb *pcb);
void pcbtable_wake_all(void);
uint32_t pcbtable_tw_due(void);
void pcbtable_tw_expire(void);
struct tcp_pcb **pcbtable_input_active(const struct tcp_hdr *hdr);
struct tcp_pcb **pcbtable_input_tw(const struct tcp_hdr *hdr);
struct tcp_pcb **pcbtable_active_list(void);

#endif
