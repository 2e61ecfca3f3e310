/* diag_filter.h - the filters of ss(8): INET_DIAG_REQ_BYTECODE */
#ifndef ENGINE_DIAG_FILTER_H
#define ENGINE_DIAG_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIAG_FILTER_MAX	16384	/* bytes of a filter: what it costs a socket is bounded by this */

/* what a filter may look at */
struct diag_entry {
	int family;			/* AF_INET, AF_INET6 */
	const uint32_t *saddr, *daddr;	/* one word, or four */
	uint16_t sport, dport;		/* host order */
	bool bound_port;		/* by bind(2) */
	uint32_t ifindex, mark;
	uint64_t cgroup;
};

int diag_filter_check(const void *code, size_t len);
bool diag_filter_match(const void *code, size_t len, const struct diag_entry *e);

#endif
