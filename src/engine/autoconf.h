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
#include "engine/names.h"

struct config_iface;
struct dhcp4;
struct engine;
struct iface;
struct pbuf;

struct autoconf {
	struct iface *i;
	unsigned flags;			/* CONFIG_IF_* */
	uint32_t metric;		/* of routes that are told */
	unsigned mtu;			/* the interface's own, when nobody tells another */
	unsigned mtu4;			/* told by DHCP; 0: none */
	bool up;
	struct dhcp4 *dhcp4;
};

int autoconf_start(struct iface *i, const struct config_iface *c);
void autoconf_stop(struct iface *i);
void autoconf_changed(struct iface *i);
void autoconf_leave(struct iface *i);
void autoconf_exit(struct engine *e);
void autoconf_set_mtu(struct autoconf *a);

/* dhcp4.c */
struct dhcp4 *dhcp4_new(struct autoconf *a);
void dhcp4_free(struct dhcp4 *d);
void dhcp4_up(struct dhcp4 *d);
void dhcp4_down(struct dhcp4 *d, bool release);
void dhcp4_arp(struct dhcp4 *d, const uint8_t *frame, size_t len);

/* iface_io.c: a frame came in; an interface without a DHCP client has nothing to look at */
static inline void autoconf_frame(const struct autoconf *a, const uint8_t *frame, size_t len)
{
	if (a->dhcp4 && len >= 42 && frame[12] == 0x08 && frame[13] == 0x06)
		dhcp4_arp(a->dhcp4, frame, len);
}

#endif
