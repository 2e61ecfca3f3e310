/* port.h - what the engine may ask of the port beyond lwIP's own API
 *
 * Everything here belongs to the thread that runs lwIP.
 */
#ifndef LWIP_PORT_PORT_H
#define LWIP_PORT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/virtio_net.h>
#include "lwip/ip_addr.h"
#include "ipopt.h"
#include "lwip/netif.h"
#include "lwip/tcp.h"

struct udp_pcb;

#define PORT_TICK_MS	25	/* port_tcp_tick() interval: TCP_TMR_INTERVAL */

/* lwip_init() and the self-test that our TCP_REG/TCP_RMV are in effect */
void port_init(void);

/* an assertion of lwIP failed: log it.  The connection at hand is reset at
 * the next tick.  NULL: a line on stderr (and abort() in sanitizer builds) */
typedef void port_assert_fn(const char *msg, const char *file, int line);
void port_on_assert(port_assert_fn *fn);

/* called with each packet that comes in over an interface without portif (lo),
 * before anything else is done with it; NULL: nothing to call */
typedef void port_tap_fn(struct pbuf *p, struct netif *n);
extern port_tap_fn *port_lo_tap;

/* SipHash-2-4 */
uint64_t port_keyed_hash(uint64_t k0, uint64_t k1, const void *data, size_t len);

/* called with each router advertisement, of a sender and form that RFC 4861
 * 6.1.2 allows, in lwIP's place: @m from the ICMPv6 header on; options are whole.
 * ip6_current_src_addr() is the router */
typedef void port_ra_fn(struct netif *n, const uint8_t *m, size_t len);
void port_on_ra(port_ra_fn *fn);

/* --- time */
uint64_t port_now_us(void);
void port_clock_step(void);

/* --- TCP timers: lwIP's own stay off; the engine calls port_tcp_tick()
 * after port_tcp_due() milliseconds */
#define PORT_TCP_NEVER	UINT32_MAX
void port_tcp_tick(void);
uint32_t port_tcp_due(void);
/* the engine is done with a connection, for now */
void port_tcp_rest(struct tcp_pcb *pcb);
/* idle connections cost the timers nothing when this is set.  Who sets it has
 * to call port_tcp_wake() after setting SOF_KEEPALIVE or tcp_poll() on a
 * connection, and not to walk tcp_active_pcbs. */
extern bool port_tcp_parking;
void port_tcp_wake(struct tcp_pcb *pcb);

/* --- what the port keeps beside a netif (netif client data): the engine
 * embeds it in its own interface and attaches it before netif_set_up() */
#define PORT_FORWARD4	1
#define PORT_FORWARD6	2
struct portif {
	uint16_t mtu;		/* the wire's; netif->mtu is 0 when vnet is on, since
				 * lwIP must then not fragment or clamp */
	bool vnet;		/* frames carry virtio_net_hdr: TSO and checksum offload */
	bool uso;		/* UDP's, too: several datagrams in one frame */
	uint8_t forward;	/* PORT_FORWARD*: what comes in for others goes on */
	/* where port_frag4/6 send to; NULL: etharp_output, ethip6_output */
	netif_output_fn out4;
	netif_output_ip6_fn out6;
};
void portif_attach(struct netif *n, struct portif *p);	/* sets netif->mtu and chksum flags from p */
struct portif *portif_of(const struct netif *n);	/* NULL: none (lo) */

/* --- UDP: several datagrams as one packet (UDP_SEGMENT, USO, UDP_GRO) */
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4	/* Linux 6.2 */
#define VIRTIO_NET_HDR_GSO_UDP_L4	5
#endif
#define PORT_UDP_SEGMENTS	128	/* datagrams in one packet, UDP_MAX_SEGMENTS */
static inline bool port_is_uso(const struct virtio_net_hdr *v)
{
	return (v->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) == VIRTIO_NET_HDR_GSO_UDP_L4;
}
/* may a frame with this metadata leave there as it is? */
static inline bool port_carries(const struct portif *pi, const struct virtio_net_hdr *v)
{
	return pi->vnet && (pi->uso || !port_is_uso(v));
}
/* udp_sendto_if_src() with checksum, and cutting into datagrams of @gso bytes (0: it
 * is one), left to the kernel, or to who receives it here, where that is possible */
err_t port_udp_send(struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *to, uint16_t port,
		    struct netif *n, const ip_addr_t *src, uint16_t gso);
bool port_udp_cuts(const struct netif *n, const ip_addr_t *to, size_t len);	/* @gso may be set */
bool port_comes_back(const struct netif *n, const ip_addr_t *to);
/* of how many bytes are the datagrams that came as the packet at hand; 0: it is one;
 * -EINVAL: its metadata lie.  Once a packet */
int port_udp_segment_in(const struct pbuf *p, unsigned hlen);

/* fill @v for an outgoing frame of a vnet link: gso fields for a TCP segment
 * over the wire's MSS, NEEDS_CSUM with the pseudo-header sum stored in the
 * packet.  @l3: offset of the IP header in @p (14, or 0 on tun) */
void port_vnet_out(struct netif *n, struct pbuf *p, unsigned l3, struct virtio_net_hdr *v);
/* before an incoming frame goes to lwIP: set the netif's checksum flags for
 * this packet (GRO frames carry no valid checksum).  The flags hold for the
 * next input only. */
void port_vnet_in(struct netif *n, const struct virtio_net_hdr *v);
/* cut and sum a frame in software, where its metadata cannot go along */
typedef int port_segment_fn(struct pbuf *p, void *arg);	/* 0: go on */
int port_segment(const struct pbuf *p, unsigned l3, const struct virtio_net_hdr *v,
		 port_segment_fn *fn, void *arg);
/* What netif->output and netif->output_ip6 have to be (port_output4/6), or to
 * call in the end (port_frag4/6): sends @p by portif.out4/6, to the next hop
 * of the route table, whole or, if lwIP could not since netif->mtu is 0, in
 * fragments (non-TCP, longer than portif.mtu) */
err_t port_frag4(struct pbuf *p, struct netif *n, const ip4_addr_t *dst);
err_t port_frag6(struct pbuf *p, struct netif *n, const ip6_addr_t *dst);
extern int port_frag6_max;		/* of what is sent just now: fragments of that size; 0: the MTU's */
err_t port_output4(struct netif *n, struct pbuf *p, const ip4_addr_t *dst);
err_t port_output6(struct netif *n, struct pbuf *p, const ip6_addr_t *dst);

/* --- connections
 * Bind by writing pcb->local_ip and local_port; look for a conflict with
 * pcbtable_find() and set no SOF_REUSEADDR on a pcb that connects: lwIP would
 * walk all connections for it. */
/* once, when a connection became ESTABLISHED (connected and accept callback):
 * initial window (RFC 6928), our Nagle, large segments on a vnet interface */
void port_tcp_established(struct tcp_pcb *pcb);
/* from the connected callback: the SYN|ACK's ACK becomes a delayed one */
void port_tcp_hold_ack(struct tcp_pcb *pcb);
/* what an application wants a connection's MSS to be at most (TCP_MAXSEG), 0: as
 * large as it may be; asked for each SYN and when it is established */
typedef unsigned port_mss_fn(const struct tcp_pcb *pcb);
void port_on_mss(port_mss_fn *fn);
/* the MSS that goes on the wire, options deducted */
unsigned port_tcp_wire_mss(const struct tcp_pcb *pcb);

/* called after each segment and time-out of an established connection was processed: its
 * send window may have opened without anything being acknowledged, of which
 * lwIP's sent callback does not tell.  Must not end the connection. */
typedef void port_input_fn(struct tcp_pcb *pcb);
void port_on_input(port_input_fn *fn);

/* congestion control: CUBIC unless set otherwise */
int port_congestion_find(const char *name);		/* its number; -ENOENT: "cubic" and "reno" are known */
const char *port_congestion_name(int kind);
void port_tcp_set_congestion(struct tcp_pcb *pcb, int kind);	/* once it is ESTABLISHED */
/* time-outs of a connection with little in flight do not double (TCP_THIN_LINEAR_TIMEOUTS) */
void port_tcp_set_thin(struct tcp_pcb *pcb, bool on);	/* once it is ESTABLISHED */
/* ICMP says that a packet whose TCP sequence number was @seq is too large for
 * the path: send smaller ones, and those in flight again */
void port_tcp_pmtu(struct tcp_pcb *pcb, unsigned mtu, uint32_t seq);
/* what ss(8) and TCP_INFO show, in microseconds and bytes */
struct port_tcp_figures {
	uint32_t srtt, rttvar, rto;
	uint32_t cwnd, ssthresh;
	uint32_t in_flight, sacked, lost;
	unsigned backoff;
};
void port_tcp_figures(const struct tcp_pcb *pcb, struct port_tcp_figures *f);
/* what its timers wait for, as Linux's inet_diag numbers it */
struct port_tcp_timer {
	enum { PORT_T_NONE, PORT_T_REXMIT, PORT_T_KEEPALIVE, PORT_T_TIME_WAIT, PORT_T_PROBE } kind;
	uint32_t ms;		/* from now */
	unsigned tries;
};
void port_tcp_timer(const struct tcp_pcb *pcb, struct port_tcp_timer *t);
/* the peer's data took so long to come after our ACK, us; 0: not known */
unsigned port_tcp_rcv_rtt(const struct tcp_pcb *pcb);

/* urgent data (RFC 9293 3.8.5).  The byte before sequence number @end is urgent: segments
 * that need no cutting tell so, therefore it has to be in one */
void port_tcp_urgent(struct tcp_pcb *pcb, uint32_t end);
bool port_tcp_urgent_mode(const struct tcp_pcb *pcb);	/* it is not acknowledged yet */
/* the peer told of an urgent byte; asked for whenever data are delivered */
bool port_tcp_urgent_in(struct tcp_pcb *pcb, uint32_t *seq);

/* O(1) look-up of an active or TIME_WAIT connection */
struct tcp_pcb *pcbtable_find(const ip_addr_t *local, uint16_t lport,
			      const ip_addr_t *remote, uint16_t rport);
bool pcbtable_tw_recycle(struct tcp_pcb *pcb);
unsigned pcbtable_count(void);
/* walk all connections, parked ones too; false ends the walk.  Not for a
 * per-packet path; the visitor must not end a connection */
typedef bool pcbtable_visit(const struct tcp_pcb *pcb, void *arg);
void pcbtable_foreach(pcbtable_visit *fn, void *arg);
/* The bucket after this one, on a walk with pauses through a hash table: @cursor
 * is 0 to begin with, its bucket cursor & mask; 0 comes back after the last.
 * Counts with the bits reversed: when the table doubles, the two buckets that
 * one became lie on the same side of the cursor as it did, so what stays in the
 * table all the time is met exactly once. */
static inline uint32_t port_scan_next(uint32_t cursor, uint32_t mask)
{
	uint32_t bit = mask ^ (mask >> 1);	/* its highest */

	cursor &= mask;
	while (bit && cursor & bit) {
		cursor ^= bit;
		bit >>= 1;
	}
	return cursor | bit;
}
/* the same in pieces: one call visits a bucket; *@cursor is 0 to begin with; false: done */
bool port_tcp_scan(uint32_t *cursor, pcbtable_visit *fn, void *arg);

/* --- neighbours: places of lwIP's tables, ARP_TABLE_SIZE and LWIP_ND6_NUM_NEIGHBORS */
struct port_neigh {
	ip_addr_t ip;
	struct netif *n;
	uint8_t lladdr[6];
	uint16_t state;		/* NUD_*: INCOMPLETE, REACHABLE, STALE, DELAY, PROBE; static
				 * entries of ARP are NUD_NOARP */
	bool router;
	unsigned age;		/* seconds since it was heard of; IPv6: 0 */
	uint32_t reachable_ms;	/* IPv6: how long it stays so */
};
bool port_neigh4(unsigned k, struct port_neigh *out);	/* false: the place is empty */
bool port_neigh6(unsigned k, struct port_neigh *out);
void port_neigh_del4(unsigned k);	/* what waited for it is lost */
int port_neigh_del6(unsigned k);	/* 0; -EBUSY: lwIP's router list has it */
int port_neigh_ask4(struct netif *n, const ip4_addr_t *ip);	/* 0, -ENOBUFS */
int port_neigh_ask6(struct netif *n, const ip6_addr_t *ip);
/* called when nobody answered for a neighbour; one listener */
/* an IPv4 packet with a router alert (RFC 2113) is to be passed on: did somebody take it?
 * It is the packet at hand then, as if it came for us; one listener */
typedef bool port_alert_fn(const struct pbuf *p);
extern port_alert_fn *port_alert;

/* set once somebody has a limit: may a segment with this hop limit be the connection's? */
typedef bool port_ttl_ok_fn(const struct tcp_pcb *pcb, bool v6, uint8_t ttl);
extern port_ttl_ok_fn *port_ttl_ok;

typedef void port_neigh_failed_fn(const ip_addr_t *ip, struct netif *n);
extern port_neigh_failed_fn *port_neigh_failed;

/* --- routes: longest prefix, then the source's interface when src is one of
 * its addresses, then lowest metric */
struct route {
	ip_addr_t dst;		/* network; its type gives the family */
	uint8_t plen;
	ip_addr_t gw;		/* IPADDR_TYPE_ANY and zero: on link */
	ip_addr_t src;		/* preferred source, or zero */
	struct netif *netif;
	uint32_t metric;
	uint8_t type;		/* RTN_UNICAST or 0: as said; RTN_BLACKHOLE, RTN_UNREACHABLE,
				 * RTN_PROHIBIT: nowhere, netif is lo's */
	uint8_t protocol, scope, flags;	/* RTPROT_*, RT_SCOPE_*, RTNH_F_*: kept, not looked at */
	uint8_t pref;			/* ICMPV6_ROUTER_PREF_*: decides when metrics are equal */
	uint64_t until;			/* CLOCK_MONOTONIC, ns: shown; who added it takes it away.  0: never */
};
#define ROUTES_MAX	4096	/* each family; a look-up is a linear scan */
int route_add(const struct route *r);		/* 0, -EEXIST, -ENOMEM, -ENOSPC, -ENETUNREACH, -EINVAL */
/* a route that exists gets another end, silently; else it is added */
int route_refresh(const struct route *r);
int route_del(const struct route *r);		/* 0, -ESRCH; gw, netif, metric zero: any */
void route_flush_netif(const struct netif *n);
void route_flush_protocol(const struct netif *n, uint8_t protocol);
/* called after a route was added or removed; one listener */
typedef void route_listener(const struct route *r, bool added);
void route_listen(route_listener *fn);
/* are the first @plen bits of @net and @a, of one family, the same? */
bool port_prefix_match(const ip_addr_t *net, unsigned plen, const ip_addr_t *a);
/* interfaces that are down are passed over; own addresses give lo's route */
const struct route *route_lookup(const ip_addr_t *src, const ip_addr_t *dst);
/* the same for a packet of somebody else's: own addresses are nothing special, and
 * a route that rejects is returned */
const struct route *route_forward(const ip_addr_t *dst);
typedef bool route_visit(const struct route *r, void *arg);	/* false ends the walk */
void route_foreach(route_visit *fn, void *arg);
/* source address for @dst: the route's preferred one, else the interface's
 * (RFC 6724 for IPv6), or @dst itself if that is ours; false: unreachable.
 * Always send from it: lwIP's own choice for one of our IPv6 addresses is ::1,
 * which it then refuses to receive */
bool route_source(const ip_addr_t *dst, ip_addr_t *src, struct netif **n);

#endif
