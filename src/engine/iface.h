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

/* an address of an interface */
struct iface_addr {
	ip_addr_t local, peer;		/* peer: equal to local, but for point-to-point */
	ip4_addr_t broadcast;		/* shown to whoever asks; zero: none was given */
	uint8_t plen;			/* of peer */
	uint8_t scope;			/* RT_SCOPE_* */
	uint8_t proto;			/* IFAPROT_* */
	bool told;			/* IPv6: by a router or DHCPv6, whose routes come apart */
	uint32_t flags;			/* IFA_F_* */
	uint32_t metric;		/* of the prefix route; 0: the family's default */
	uint32_t valid, preferred;	/* seconds left, IFACE_FOREVER */
	uint64_t valid_at, preferred_at;	/* IPv4: when they end, loop_now() */
	char label[16];			/* IPv4 */
};
#define IFACE_FOREVER	0xffffffffu
#define IFACE_ADDRS4	128		/* bound an interface */
#define IFACE_NETIFS	250		/* bound all: interfaces and further IPv4 addresses; lwIP's is 255 */
#define IFACE_MTU_MIN	68

typedef void iface_addr_visit(struct iface *i, const struct iface_addr *a, void *arg);
void iface_addr_each(struct iface *i, iface_addr_visit *fn, void *arg);
int iface_addr_add(struct iface *i, const struct iface_addr *a);
int iface_addr_replace(struct iface *i, const struct iface_addr *a);
int iface_addr_del(struct iface *i, const struct iface_addr *a, bool any_plen);

int iface_add_lo(struct engine *e);
int iface_add(struct engine *e, const struct config_iface *c, char *err, size_t errlen);
int iface_create(struct engine *e, const struct config_iface *c, struct iface **out,
		 char *err, size_t errlen);
void iface_remove(struct iface *i);
void iface_set_up(struct iface *i, bool up);
int iface_set_mtu(struct iface *i, unsigned mtu);
int iface_set_mac(struct iface *i, const uint8_t mac[6]);
int iface_set_name(struct iface *i, const char *name);
void iface_free_all(struct engine *e);

struct iface *iface_of_address(struct engine *e, const ip_addr_t *ip);
bool iface_is_broadcast(struct engine *e, const ip_addr_t *ip);
void iface_fix_zone(struct engine *e, ip_addr_t *ip);
bool iface_own_address(struct engine *e, const ip_addr_t *ip);
struct netif *iface_of_group(struct engine *e, const ip_addr_t *group);
unsigned iface_index(struct engine *e, const char *name);	/* 0: none of that name */
void iface_name(struct engine *e, unsigned index, char name[16]);
struct iface *iface_by_index(struct engine *e, unsigned index);
struct iface *iface_by_name(struct engine *e, const char *name);
bool iface_name_valid(const char *name);
void iface_count_lo(struct engine *e);
unsigned iface_flags(const struct iface *i);
unsigned iface_mtu_of(const struct iface *i);
struct netif *iface_netif(struct engine *e, unsigned index);	/* NULL: no such index */
unsigned iface_mtu(struct engine *e, unsigned index);	/* 0: no such index */
int iface_send_frame(struct engine *e, unsigned index, struct pbuf *p);
struct netif *iface_netif_of(struct engine *e, const ip_addr_t *ip);
unsigned iface_index_of(const struct netif *n);

#endif
