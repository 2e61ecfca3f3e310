/* autoconf.h - addresses that the network gives: DHCP, DHCPv6, router advertisements
 *
 * iface.c starts it for an interface whose configuration asks for it, and
 * tells of changes; each client is a file of its own.
 */
#ifndef ENGINE_AUTOCONF_H
#define ENGINE_AUTOCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/loop.h"
#include "engine/names.h"
#include "lwip/netif.h"
#include "lwip/udp.h"

struct config_iface;
struct dhcp4;
struct dhcp6;
struct engine;
struct iface;
struct ra;
struct ra_prefix;

struct autoconf {
	struct iface *i;
	unsigned flags;			/* CONFIG_IF_* */
	uint32_t metric;		/* of routes that are told */
	unsigned mtu;			/* the interface's own, when nobody tells another */
	unsigned mtu4;			/* told by DHCP; 0: none */
	bool up;
	uint64_t started;		/* loop_now() */
	unsigned mtu6;			/* by a router; 0: none */
	struct dhcp4 *dhcp4;
	struct dhcp6 *dhcp6;
	struct ra *ra;
	struct loop_timer redo;		/* duplicates were found */
	uint32_t desync;		/* of temporary addresses, seconds */
	struct {			/* the address in a slot of lwIP's */
		uint64_t born;
		uint8_t tries;
	} made[LWIP_IPV6_NUM_ADDRESSES];
};

int autoconf_start(struct iface *i, const struct config_iface *c);
void autoconf_stop(struct iface *i);
void autoconf_changed(struct iface *i);
void autoconf_leave(struct iface *i);
void autoconf_exit(struct engine *e);
void autoconf_set_mtu(struct autoconf *a, unsigned *told, unsigned mtu);
void autoconf_duplicate(struct iface *i);
void autoconf_told(struct autoconf *a, bool managed, bool other);
int autoconf_open(struct udp_pcb **pcb, const ip_addr_t *any, uint16_t port, udp_recv_fn recv);
void autoconf_send(struct udp_pcb *pcb, const void *data, size_t len, const ip_addr_t *to,
		   uint16_t port, struct netif *n, const ip_addr_t *from);

/* dhcp4.c */
struct dhcp4 *dhcp4_new(struct autoconf *a);
void dhcp4_free(struct dhcp4 *d);
void dhcp4_up(struct dhcp4 *d);
void dhcp4_down(struct dhcp4 *d, bool release);
bool dhcp4_bound(const struct dhcp4 *d);
void dhcp4_arp(struct dhcp4 *d, const uint8_t *frame, size_t len);

/* dhcp6.c */
struct dhcp6 *dhcp6_new(struct autoconf *a);
void dhcp6_free(struct dhcp6 *d);
void dhcp6_up(struct dhcp6 *d);
void dhcp6_down(struct dhcp6 *d, bool release);
void dhcp6_want(struct dhcp6 *d, bool managed, bool other);
bool dhcp6_informed(const struct dhcp6 *d);
void dhcp6_duplicates(struct dhcp6 *d);

/* ra.c */
struct ra *ra_new(struct autoconf *a);
void ra_free(struct ra *r);
void ra_up(struct ra *r);
void ra_pause(struct ra *r);
void ra_down(struct ra *r);
void ra_input(struct netif *n, const uint8_t *m, size_t len);

/* slaac.c */
bool slaac_link_local(const struct iface *i, ip_addr_t *out);
void slaac_prefix(struct autoconf *a, const struct ra_prefix *p);
void slaac_duplicates(struct autoconf *a);
void slaac_down(struct autoconf *a);

/* iface_io.c: a frame came in; an interface without a DHCP client has nothing to look at */
static inline void autoconf_frame(const struct autoconf *a, const uint8_t *frame, size_t len)
{
	if (a->dhcp4 && len >= 42 && frame[12] == 0x08 && frame[13] == 0x06)
		dhcp4_arp(a->dhcp4, frame, len);
}

#endif
