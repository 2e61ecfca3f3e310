/* port.h - what the engine may ask of the port beyond lwIP's own API
 *
 * Everything here belongs to the thread that runs lwIP.
 */
#ifndef LWIP_PORT_PORT_H
#define LWIP_PORT_PORT_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/virtio_net.h>
#include "lwip/ip_addr.h"
#include "lwip/netif.h"
#include "lwip/tcp.h"

#define PORT_TICK_MS	TCP_TMR_INTERVAL	/* port_tcp_tick() interval */

/* lwip_init() and the self-test that our TCP_REG/TCP_RMV are in effect */
void port_init(void);

/* --- TCP timers: lwIP's own stay off; the engine calls port_tcp_tick()
 * every PORT_TICK_MS while port_tcp_busy() */
void port_tcp_tick(void);
bool port_tcp_busy(void);

/* --- what the port keeps beside a netif (netif client data): the engine
 * embeds it in its own interface and attaches it before netif_set_up() */
struct portif {
	uint16_t mtu;		/* the wire's; netif->mtu is 0 when tso is on, since
				 * lwIP must then not fragment or clamp */
	bool vnet;		/* frames carry virtio_net_hdr: TSO and checksum offload */
};
void portif_attach(struct netif *n, struct portif *p);	/* sets netif->mtu and chksum flags from p */
struct portif *portif_of(const struct netif *n);	/* NULL: none (lo) */

/* fill @v for an outgoing frame of a vnet link: gso fields for a TCP segment
 * over the wire's MSS, NEEDS_CSUM with the pseudo-header sum stored in the
 * packet.  @l3: offset of the IP header in @p (14, or 0 on tun) */
void port_vnet_out(struct netif *n, struct pbuf *p, unsigned l3, struct virtio_net_hdr *v);
/* before an incoming frame goes to lwIP: set the netif's checksum flags for
 * this packet (GRO frames carry no valid checksum).  The flags hold for the
 * next input only. */
void port_vnet_in(struct netif *n, const struct virtio_net_hdr *v);
/* output an IP packet that lwIP did not fragment because netif->mtu is 0
 * (non-TCP, longer than portif.mtu): sends fragments by @out; ERR_OK when it
 * was not needed either.  Called from our netif->output wrappers. */
err_t port_frag4(struct pbuf *p, struct netif *n, const ip4_addr_t *dst);
err_t port_frag6(struct pbuf *p, struct netif *n, const ip6_addr_t *dst);

/* --- connections */
/* once, when a connection became ESTABLISHED (connected and accept callback):
 * initial window (RFC 6928), our Nagle, large segments on a vnet interface */
void port_tcp_established(struct tcp_pcb *pcb);
/* the MSS that goes on the wire, options deducted */
unsigned port_tcp_wire_mss(const struct tcp_pcb *pcb);

/* O(1) look-up of an active or TIME_WAIT connection */
struct tcp_pcb *pcbtable_find(const ip_addr_t *local, uint16_t lport,
			      const ip_addr_t *remote, uint16_t rport);
unsigned pcbtable_count(void);

/* --- routes: longest prefix, then lowest metric; the source's interface is
 * honoured when src is one of its addresses */
struct route {
	ip_addr_t dst;		/* network; its type gives the family */
	uint8_t plen;
	ip_addr_t gw;		/* IPADDR_TYPE_ANY and zero: on link */
	ip_addr_t src;		/* preferred source, or zero */
	struct netif *netif;
	uint32_t metric;
};
int route_add(const struct route *r);		/* 0, -EEXIST, -ENOMEM, -ENETUNREACH */
int route_del(const struct route *r);		/* 0, -ESRCH */
void route_flush_netif(const struct netif *n);
const struct route *route_lookup(const ip_addr_t *src, const ip_addr_t *dst);
typedef bool route_visit(const struct route *r, void *arg);	/* false ends the walk */
void route_foreach(route_visit *fn, void *arg);
/* source address for @dst: the route's preferred one, else the interface's
 * (RFC 6724 for IPv6); false: unreachable */
bool route_source(const ip_addr_t *dst, ip_addr_t *src, struct netif **n);

#endif
