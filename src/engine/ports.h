/* ports.h - who holds which local port
 *
 * lwIP's own allocation walks every PCB; ours is a hash by port.  Only
 * sockets that bound a port, by bind(2) or implicitly, are in it; accepted
 * connections are not (they are found by 4-tuple).
 */
#ifndef ENGINE_PORTS_H
#define ENGINE_PORTS_H

#include <stdbool.h>
#include <stdint.h>
#include "engine/addrconv.h"

struct sock;

#define PORTS_BUCKETS		4096
#define PORTS_PRIVILEGED	1024

struct portset {
	uint16_t min, max;		/* what a port is chosen from: ip_local_port_range */
	struct sock *bucket[PORTS_BUCKETS];
};

/* whether (local ip, port) may not be used beside what lwIP still holds
 * (accepted and TIME_WAIT connections); NULL: nothing to ask */
typedef bool ports_busy_fn(const struct sock *s, const struct endpoint *ep);

int ports_bind(struct portset *ps, struct sock *s, const struct endpoint *ep,
	       ports_busy_fn *busy);
bool ports_tuple_free(const ip_addr_t *local, uint16_t port, const struct endpoint *remote);
int ports_bind_tuple(struct portset *ps, struct sock *s, const ip_addr_t *local,
		     const struct endpoint *remote);
bool ports_may_listen(struct portset *ps, struct sock *s);
void ports_release(struct sock *s);

static inline struct sock *ports_first(struct portset *ps, uint16_t port)
{
	return ps->bucket[port % PORTS_BUCKETS];
}

#endif
