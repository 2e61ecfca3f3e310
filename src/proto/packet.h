/* packet.h - records of AF_PACKET sockets, and their memory-mapped ring
 *
 * A packet socket's pair carries one link-layer frame (SOCK_RAW) or network
 * packet (SOCK_DGRAM) a record, struct packet_hdr first.  A record shorter
 * than the header is a token: it says that the ring has something (toward
 * the application), or that the application wants such a token (from it).
 *
 * A ring (PACKET_RX_RING, TPACKET_V2) is a sealed memfd of the application's,
 * its blocks as packet(7) lays them out, with struct packet_ring_ctl on a page
 * of its own behind them.  The stack writes frames straight into it.
 */
#ifndef PROTO_PACKET_H
#define PROTO_PACKET_H

#include <stdatomic.h>
#include <linux/if_packet.h>
#include "proto/msg.h"

#define PACKET_VERSION_WIRE	1

enum {
	PACKET_DATA = 1,
	PACKET_ERROR,			/* to the application: err of something it sent */
};

struct packet_hdr {
	uint8_t version;		/* PACKET_VERSION_WIRE */
	uint8_t type;			/* PACKET_DATA, PACKET_ERROR */
	uint16_t net;			/* receive: offset of the network header */
	int32_t err;			/* PACKET_ERROR: errno, positive */
	uint32_t len;			/* receive: what it was before a filter cut it */
	uint32_t status;		/* receive: TP_STATUS_* */
	uint16_t vlan_tci, vlan_tpid;	/* receive: with TP_STATUS_VLAN_VALID */
	uint32_t reserved;
	uint64_t stamp_ns;		/* receive: CLOCK_REALTIME */
	struct sockaddr_ll addr;	/* receive: source; send: destination, family 0: as bound */
	uint32_t reserved2;
};

#define PACKET_RING_MAX		(64u << 20)	/* bytes of one ring */

struct packet_ring_ctl {
	_Atomic uint32_t token;		/* 1: a token is in the pair, or about to be */
	_Atomic uint32_t head;		/* number of the next frame to be filled */
};

_Static_assert(sizeof(struct sockaddr_ll) == 20, "sockaddr_ll is the wire format");
_Static_assert(sizeof(struct packet_hdr) == 56, "packet_hdr is the wire format");

/* where frame n of a ring is, in bytes */
static inline size_t packet_ring_at(const struct msg_ring *r, uint32_t n)
{
	uint32_t per_block = r->block_size / r->frame_size;

	return (size_t)(n / per_block) * r->block_size + (size_t)(n % per_block) * r->frame_size;
}

static inline size_t packet_ring_size(const struct msg_ring *r)
{
	return (size_t)r->block_size * r->block_nr;
}

int packet_ring_check(const struct msg_ring *r, uint32_t reserve);

#endif
