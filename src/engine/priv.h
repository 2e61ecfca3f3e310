/* priv.h - the engine's own state, for the engine's files
 *
 * There is one engine a process (lwIP's state is global); it is reached by
 * pointer all the same, so that what a function touches is in its signature.
 */
#ifndef ENGINE_PRIV_H
#define ENGINE_PRIV_H

#include "base/loop.h"
#include "engine/engine.h"
#include "engine/ports.h"
#include "engine/sockopt.h"

struct board;
struct iface;
struct membership;
struct dgram_once;
struct dgram_sock;
struct names_source;
struct nl_sock;
struct packet_sock;
struct tcp_sock;
struct raw_pcb;
struct udp_pcb;

#define ENGINE_EPITAPHS	1024		/* dead sockets that are kept to be asked about */
#define ENGINE_SCRATCH	(64 * 1024 + 256 + 4096)	/* largest datagram with what is before it */

struct epitaph {			/* epitaph.c */
	uint64_t id;
	int err;			/* 0: told already */
	int domain, protocol;
	struct endpoint local;
	bool kept_port;			/* local.port was asked for by bind(2) */
	uint16_t chain;			/* the next of its bucket, counted from 1; 0: none */
	struct sockopt o;
};

struct engine {
	struct loop *loop;
	char *path;
	char host[256];			/* what we are called, to DHCP servers; may be "" */
	bool stopping;
	uint64_t started;		/* loop_now() */
	struct loop_prepare prepare;
	struct loop_timer lwip_timer;	/* lwIP's own timeouts: ARP, ND, ... */
	struct loop_timer tcp_timer;	/* port_tcp_tick() */
	uint64_t trimmed;		/* when bufpool_trim() last ran */

	struct iface *ifaces;
	uint8_t forward;		/* PORT_FORWARD*: what new interfaces do */
	uint8_t forward_all;		/* what was last set for all of them */
	struct msg_names names;		/* of the configuration (names.c) */
	struct names_source *told;	/* by DHCP and routers */
	struct udp_pcb *dhcp4_pcb, *dhcp6_pcb;	/* port 68, 546; NULL: no client runs */

	struct sock **socks;		/* hash by id, chained */
	size_t socks_size;		/* a power of two */
	struct dgram_sock *raws;	/* raw sockets */
	struct dgram_sock *erred;	/* those that have been sent an error, and may not know yet */
	struct packet_sock *packets;	/* all of them: whom frames are shown to */
	struct sock *packet_sender;	/* whose frame is on its way: not shown to it */
	unsigned nsock, nstream, ndgram, nraw;
	struct sock *all;

	struct membership *members;	/* of all sockets (multicast.c) */
	struct nl_sock *netlinks;	/* sock_netlink.c */

	struct portset tcp_ports, udp_ports, udplite_ports, ping_ports;
	struct tcp_sock *dirty;		/* connections with something to move */

	struct raw_pcb *udp_in;		/* takes UDP before lwIP's own list (sock_udp.c) */
	struct { uint32_t in, noports, inerrors, out; } udplite;	/* datagrams */
	struct raw_pcb *udplite_in;	/* takes UDP-Lite, and sends it (udplite.c) */
	struct raw_pcb *icmp_in, *icmp6_in;	/* looks at ICMP (icmp.c) */
	struct dgram_once *once;	/* of the datagram that is being sent */
	struct udp_pcb *udp_out;	/* unregistered; filled in for each datagram */

	struct epitaph epitaph[ENGINE_EPITAPHS];
	uint16_t epitaph_bucket[ENGINE_EPITAPHS];	/* by id; counted from 1 */
	unsigned epitaph_next;

	struct board *board;		/* what clients see (board.c) */
	int board_fd;			/* -1: they do not */
	bool board_stale;

	uint8_t *scratch;		/* ENGINE_SCRATCH bytes for one datagram */
	uint8_t *linear;		/* the same for a packet to be looked at in one piece */
};

void engine_deliver_loopback(void);
uint8_t *engine_linear(struct engine *e);
void engine_add_epitaph(struct engine *e, const struct sock *s, int err);
void epitaph_revive(struct sock *s);

#endif
