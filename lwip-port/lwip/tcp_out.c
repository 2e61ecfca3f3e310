/* lwIP's tcp_out.c, unmodified, with our hooks; see hooks.h */
#define PORT_IN_TCP
#include "core/tcp_out.c"
