/* mempool.h - pools of lwIP's IPv6 code that need a bound */
#ifndef LWIP_PORT_MEMPOOL_H
#define LWIP_PORT_MEMPOOL_H

#include "lwip/memp.h"

void *port_memp_malloc(memp_t type);
void port_memp_free(memp_t type, void *mem);

#endif
