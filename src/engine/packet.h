/* packet.h - AF_PACKET sockets: what passes the interfaces, as it passes them */
#ifndef ENGINE_PACKET_H
#define ENGINE_PACKET_H

#include "engine/bpf.h"
#include "engine/sock.h"
#include "proto/packet.h"

struct netif;
struct pbuf;
struct packet_ring;

#define PACKET_MEMBERS_MAX	32	/* PACKET_ADD_MEMBERSHIP, a socket */

struct packet_member {
	int ifindex;
	uint16_t type, count;
};

struct packet_sock {
	struct sock s;			/* first */
	struct packet_sock *next, **pprev;	/* of e->packets */
	uint16_t proto;			/* Ethernet type, host order; 0: nothing is wanted */
	unsigned ifindex;		/* bound to, 0: all */
	struct packet_ring *ring;	/* NULL: records on the pair */
	struct packet_member member[PACKET_MEMBERS_MAX];
	uint32_t packets, drops;	/* since PACKET_STATISTICS was read; packets
					 * counts the dropped ones, too */
	int auxdata, origdev, ignore_outgoing, version;
	uint32_t reserve;
};

/* one frame on its way */
struct packet_frame {
	struct bpf_packet pkt;		/* mac, net, type, ...; data and len: from mac on */
	uint32_t status;		/* TP_STATUS_* */
	uint8_t from[8], halen;		/* sender's link-layer address */
};

void packet_tap_open(struct engine *e, bool on);
void packet_tap_in(struct engine *e, struct netif *n, const void *data, size_t len,
		   uint8_t vnet_flags);
void packet_tap_out(struct engine *e, struct netif *n, const struct pbuf *p, bool partial_sum);
uint16_t packet_hatype(const struct netif *n);
bool packet_promiscuous(const struct engine *e, unsigned ifindex);

void packet_deliver(struct engine *e, const struct packet_frame *f);

int packet_ring_new(const struct msg_ring *shape, int fd, uint32_t reserve,
		    struct packet_ring **out);
void packet_ring_free(struct packet_ring *r);		/* NULL is fine */
bool packet_ring_put(struct packet_ring *r, const struct packet_hdr *h, const uint8_t *data,
		     uint32_t len, bool raw, bool losing);
bool packet_ring_take_token(struct packet_ring *r);
void packet_ring_no_token(struct packet_ring *r);

#endif
