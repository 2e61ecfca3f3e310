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
#include "core/raw.c"
#include "core/stats.c"
#include "core/sys.c"
#include "core/timeouts.c"
#include "core/udp.c"
