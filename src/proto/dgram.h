/* dgram.h - the header in front of every datagram of a SOCK_SEQPACKET pair
 *
 * UDP, raw and ICMP sockets carry one datagram a record, this header first,
 * so that a datagram of zero bytes is not an end of file and addresses,
 * hop limits and errors travel with the data they belong to.
 */
#ifndef PROTO_DGRAM_H
#define PROTO_DGRAM_H

#include "proto/msg.h"

#define DGRAM_VERSION	1

#ifndef IPV6_FLOWINFO
#define IPV6_FLOWINFO	11		/* linux/in6.h, which clashes with netinet/in.h */
#endif

enum dgram_type {
	DGRAM_DATA = 1,
	DGRAM_ERROR,		/* to the application: err, and peer = the destination it concerns */
};

enum {
	DGRAM_F_TTL	= 1 << 0,	/* ttl is set by the sender (cmsg) */
	DGRAM_F_TOS	= 1 << 1,
	DGRAM_F_LOCAL	= 1 << 2,	/* send: use local/ifindex as source (PKTINFO) */
	DGRAM_F_CONFIRM	= 1 << 3,
	DGRAM_F_MORE	= 1 << 4,	/* send: MSG_MORE, the next record belongs to this datagram */
	DGRAM_F_SEGMENT	= 1 << 5,	/* send: UDP_SEGMENT (cmsg), its size is in info */
	DGRAM_F_CTL	= 1 << 6,	/* err bytes of struct dgram_ctl come before the data */
	DGRAM_F_SEVERAL	= 1 << 7,	/* receive: several datagrams (UDP_GRO) of segment bytes */
};

struct dgram_hdr {
	uint8_t version;
	uint8_t type;			/* enum dgram_type */
	uint16_t flags;			/* DGRAM_F_* */
	int32_t err;			/* DGRAM_ERROR: errno, positive; DGRAM_DATA: see DGRAM_F_CTL */
	union msg_sockaddr peer;	/* receive: source; send: destination, family 0 = connected one */
	union msg_sockaddr local;	/* receive: destination address of the packet */
	uint32_t ifindex;
	uint8_t ttl, tos;
	union {
		struct {
			uint8_t icmp_type, icmp_code;	/* DGRAM_ERROR: from ICMP */
		};
		uint16_t segment;	/* DGRAM_F_SEVERAL */
	};
	uint64_t stamp_ns;		/* receive: CLOCK_REALTIME */
	union msg_sockaddr offender;	/* DGRAM_ERROR: who sent the ICMP message */
	uint32_t info;			/* DGRAM_ERROR: ee_info (MTU); DGRAM_F_SEGMENT: bytes;
					 * receive: how many were dropped so far */
};

_Static_assert(sizeof(struct dgram_hdr) == 112, "dgram_hdr is the wire format");

/* ancillary data that has no place in the header: as the application gave it, or is to
 * get it.  len bytes follow; the next begins at a multiple of 4 */
struct dgram_ctl {
	int32_t level, type;
	uint32_t len;
};

#define DGRAM_CTL_MAX		4096	/* all of a record */
#define DGRAM_CTL_SPACE(len)	(sizeof(struct dgram_ctl) + (((len) + 3u) & ~(size_t)3))

#endif
