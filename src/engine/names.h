/* names.h - name servers and search lists that the network tells */
#ifndef ENGINE_NAMES_H
#define ENGINE_NAMES_H

#include <stdint.h>
#include "engine/domains.h"
#include "lwip/ip_addr.h"

struct config;
struct engine;

#define NAMES_SERVERS	8	/* of one source */
#define NAMES_LISTS	4
#define NAMES_FOREVER	UINT64_MAX

/* what DHCP, DHCPv6 or router advertisements told on one interface.  The owner
 * embeds and fills it; it is looked at whenever a client asks, so what has ended
 * by then does not count any more */
struct names_source {
	struct names_source *next;
	unsigned ifindex;		/* where link-local servers are */
	unsigned n;
	struct {
		ip_addr_t ip;
		uint64_t until;		/* loop_now(), NAMES_FOREVER */
	} server[NAMES_SERVERS];
	struct {
		char list[DOMAINS_MAX];
		uint64_t until;
	} search[NAMES_LISTS];
};

void names_configure(struct engine *e, const struct config *c);
void names_add(struct engine *e, struct names_source *s);
void names_del(struct engine *e, struct names_source *s);

#endif
