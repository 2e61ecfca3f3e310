/* lwIP's tcp_out.c, unmodified, with our hooks; see hooks.h.  Ours of these
 * names, in tcpglue.c, call lwIP's. */
#define PORT_IN_TCP
#define tcp_output	lwip_tcp_output
#define tcp_write	lwip_tcp_write
#define tcp_send_fin	lwip_tcp_send_fin
#include "core/tcp_out.c"
