/* lwIP's src/core, unmodified, without TCP, which has wrappers of its own */
/* netif.c tells TCP of an address change by way of tcpglue.c */
#define tcp_netif_ip_addr_changed port_tcp_addr_changed
/* ours, in guard_l2.c, calls it */
#define ip_input lwip_ip_input
#include "core/init.c"
#include "core/def.c"
#include "core/inet_chksum.c"
#include "core/ip.c"
#include "core/mem.c"
#include "core/memp.c"
/* netif_poll() hands back what never left the stack: offload.c */
#undef ip_input
#define ip_input port_looped_input
err_t port_looped_input(struct pbuf *p, struct netif *n);
#include "core/netif.c"
#undef ip_input
#define ip_input lwip_ip_input
#include "core/pbuf.c"
/* raw_input() looks for a raw PCB by the protocol; behind extension headers that is not
 * the one that the IPv6 header names: guard_ip.c */
#include "lwip/prot/ip6.h"
#undef IP6H_NEXTH
#define IP6H_NEXTH(hdr) port_ip6_protocol(hdr)
u8_t port_ip6_protocol(const struct ip6_hdr *h);
/* with options, where the engine has them: ipopt.c */
#include "lwip/ip4.h"
err_t port_ip4_output_udp(struct pbuf *p, const ip4_addr_t *src, const ip4_addr_t *dest, u8_t ttl,
			  u8_t tos, u8_t proto, struct netif *n);
err_t port_ip4_output_raw(struct pbuf *p, const ip4_addr_t *src, const ip4_addr_t *dest, u8_t ttl,
			  u8_t tos, u8_t proto, struct netif *n);
#define ip4_output_if_src port_ip4_output_udp
#define ip4_output_if port_ip4_output_raw
#include "core/raw.c"
#undef ip4_output_if
#undef IP6H_NEXTH
#define IP6H_NEXTH(hdr) ((hdr)->_nexth)
#include "core/stats.c"
#include "core/sys.c"
#include "core/udp.c"
/* groups.c runs these two only while they have something to do */
#undef LWIP_IGMP
#define LWIP_IGMP	0
#undef LWIP_IPV6_MLD
#define LWIP_IPV6_MLD	0
#include "core/timeouts.c"
