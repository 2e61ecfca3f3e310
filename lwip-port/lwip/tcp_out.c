/* lwIP's tcp_out.c, unmodified, with our hooks; see hooks.h.  Ours of these
 * names, in tcpglue.c, wake a parked connection and call lwIP's. */
#define PORT_IN_TCP
#define tcp_write	lwip_tcp_write
#define tcp_send_fin	lwip_tcp_send_fin
#include "core/tcp_out.c"
