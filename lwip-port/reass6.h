/* reass6.h - IPv6 reassembly in front of lwIP's */
#ifndef LWIP_PORT_REASS6_H
#define LWIP_PORT_REASS6_H

#include "lwip/netif.h"
#include "lwip/pbuf.h"

void reass6_input(struct pbuf *p, unsigned off, struct netif *inp);
void reass6_flush(const struct netif *inp);
unsigned reass6_pending(void);

#endif
