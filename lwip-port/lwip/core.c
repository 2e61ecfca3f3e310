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
#include "core/raw.c"
#undef IP6H_NEXTH
#define IP6H_NEXTH(hdr) ((hdr)->_nexth)
#include "core/stats.c"
#include "core/sys.c"
#include "core/timeouts.c"
#include "core/udp.c"
