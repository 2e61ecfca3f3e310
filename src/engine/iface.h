/* iface.h - a network interface of the stack: a link under an lwIP netif */
#ifndef ENGINE_IFACE_H
#define ENGINE_IFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lwip/netif.h"
#include "proto/config.h"
#include "proto/msg.h"

struct engine;
struct iface;

int iface_add_lo(struct engine *e);
int iface_add(struct engine *e, const struct config_iface *c, char *err, size_t errlen);
void iface_free_all(struct engine *e);

struct iface *iface_of_address(struct engine *e, const ip_addr_t *ip);
bool iface_is_broadcast(struct engine *e, const ip_addr_t *ip);
void iface_fix_zone(struct engine *e, ip_addr_t *ip);
unsigned iface_index(struct engine *e, const char *name);	/* 0: none of that name */
void iface_name(struct engine *e, unsigned index, char name[16]);
struct netif *iface_netif(struct engine *e, unsigned index);	/* NULL: no such index */
unsigned iface_mtu(struct engine *e, unsigned index);	/* 0: no such index */
int iface_send_frame(struct engine *e, unsigned index, struct pbuf *p);
unsigned iface_index_of(const struct netif *n);

#endif
