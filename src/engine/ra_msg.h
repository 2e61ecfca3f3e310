/* ra_msg.h - router advertisements, read (RFC 4861, 4191, 8106) */
#ifndef ENGINE_RA_MSG_H
#define ENGINE_RA_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RA_PREFIXES	8
#define RA_ROUTES	8
#define RA_SERVERS	8
#define RA_LISTS	4
#define RA_LIST_MAX	256
#define RA_FOREVER	0xffffffffu

struct ra_prefix {
	uint8_t addr[16], plen;
	bool on_link, autonomous;
	uint32_t valid, preferred;	/* seconds */
};

struct ra_route {
	uint8_t addr[16], plen, pref;	/* ICMPV6_ROUTER_PREF_* */
	uint32_t lifetime;
};

struct ra_msg {
	bool managed, other;		/* addresses, the rest by DHCPv6 */
	uint8_t pref;
	uint16_t lifetime;		/* as a default router, seconds */
	uint32_t mtu;			/* 0: none given */
	unsigned nprefix, nroute, nserver, nlist;
	struct ra_prefix prefix[RA_PREFIXES];
	struct ra_route route[RA_ROUTES];
	struct {
		uint8_t addr[16];
		uint32_t lifetime;
	} server[RA_SERVERS];
	struct {
		char names[RA_LIST_MAX];
		uint32_t lifetime;
	} list[RA_LISTS];
};

int ra_parse(const uint8_t *m, size_t len, struct ra_msg *out);

#endif
