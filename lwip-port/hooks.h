/* hooks.h - LWIP_HOOK_FILENAME: how our code gets into lwIP's without a patch
 *
 * lwIP includes this in each file that has a hook.  In tcp.c, tcp_in.c and
 * tcp_out.c it comes after tcp_priv.h, so there we also take over the two
 * macros that put a connection on a list and take it off (pcbtable.c).  For
 * tcp_in.c alone, whose wrapper defines PORT_IN_TCP_IN, the head of the list
 * that tcp_input() is about to walk becomes the result of a look-up, the
 * tcp_output() with which it ends becomes our post-input hook, and whether data
 * in sequence are acknowledged at once is ours to say.
 */
#ifndef LWIP_PORT_HOOKS_H
#define LWIP_PORT_HOOKS_H

#include <stdint.h>
#include "lwip/ip_addr.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/tcp.h"
#include "lwip/prot/tcp.h"
#include "pcbtable.h"

/* isn.c */
uint32_t port_isn(const ip_addr_t *local, uint16_t lport,
		  const ip_addr_t *remote, uint16_t rport);
#if !LWIP_TESTMODE		/* lwIP's unit tests predict lwIP's own */
#define LWIP_HOOK_TCP_ISN			port_isn
#endif

/* guard_tcp.c */
err_t port_tcp_inpacket(struct tcp_pcb *pcb, struct tcp_hdr *hdr, u16_t optlen,
			u16_t opt1len, u8_t *opt2, struct pbuf *p);
#define LWIP_HOOK_TCP_INPACKET_PCB		port_tcp_inpacket

/* tcpglue.c */
u32_t *port_tcp_addopts(struct pbuf *p, struct tcp_hdr *hdr,
			const struct tcp_pcb *pcb, u32_t *opts);
#define LWIP_HOOK_TCP_OUT_ADD_TCPOPTS		port_tcp_addopts
err_t port_tcp_input_done(struct tcp_pcb *pcb);
void port_tcp_ack(struct tcp_pcb *pcb);

/* guard_ip.c: 1 = eaten */
int port_ip4_input(struct pbuf *p, struct netif *inp);
int port_ip6_input(struct pbuf *p, struct netif *inp);
#define LWIP_HOOK_IP4_INPUT			port_ip4_input
#define LWIP_HOOK_IP6_INPUT			port_ip6_input

/* route.c; LWIP_HOOK_IP4_ROUTE_SRC is in lwipopts.h */
struct netif *route_hook4(const ip4_addr_t *src, const ip4_addr_t *dst);
struct netif *route_hook6(const ip6_addr_t *src, const ip6_addr_t *dst);
const ip4_addr_t *route_gw4(struct netif *n, const ip4_addr_t *dst);
const ip6_addr_t *route_gw6(struct netif *n, const ip6_addr_t *dst);
#define LWIP_HOOK_ETHARP_GET_GW			route_gw4
#define LWIP_HOOK_IP6_ROUTE			route_hook6
#define LWIP_HOOK_ND6_GET_GW			route_gw6

#endif

/* outside the guard: each of the three files includes this once, after
 * tcp_priv.h has defined the macros */
#if defined(PORT_IN_TCP) && defined(TCP_REG)
#undef TCP_REG
#undef TCP_RMV
#define TCP_REG(pcbs, npcb)	pcbtable_reg((pcbs), (npcb))
#define TCP_RMV(pcbs, npcb)	pcbtable_rmv((pcbs), (npcb))
#ifdef PORT_IN_TCP_IN
#define tcp_active_pcbs		(*pcbtable_input_active(tcphdr))
#define tcp_tw_pcbs		(*pcbtable_input_tw(tcphdr))
/* the list is told by the state here, not by the macros above */
#undef TCP_REG
#undef TCP_RMV
#define TCP_REG(pcbs, npcb)	pcbtable_reg(NULL, (npcb))
#define TCP_RMV(pcbs, npcb)	pcbtable_rmv(NULL, (npcb))
#define tcp_pcb_remove(pcbs, npcb) (tcp_pcb_remove)(pcbtable_active_list(), (npcb))
#define tcp_output(pcb)		port_tcp_input_done(pcb)
#undef tcp_ack
#define tcp_ack(pcb)		port_tcp_ack(pcb)
#endif
#endif
