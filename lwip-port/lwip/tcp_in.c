/* lwIP's tcp_in.c, unmodified, with our hooks; see hooks.h */
#define PORT_IN_TCP
#define PORT_IN_TCP_IN
#include "core/tcp_in.c"
