/* multicast.h - memberships of datagram sockets, and their source filters */
#ifndef ENGINE_MULTICAST_H
#define ENGINE_MULTICAST_H

#include "engine/sock.h"
#include "lwip/ip_addr.h"

struct netif;

/* RFC 3678: from whom a socket wants a group's packets */
struct membership {
	struct membership *next;	/* of the socket */
	struct membership *all_next, **all_pprev;	/* e->members */
	ip_addr_t group;
	struct netif *n;
	bool include;			/* the sources are those wanted; else those not wanted */
	bool listed;			/* there was a source: the mode cannot change by itself */
	uint32_t nsrc;
	ip_addr_t *src;			/* in the order of their coming */
};

struct netif *multicast_netif(struct sock *s, const ip_addr_t *group, unsigned index,
			      const ip_addr_t *local);
int multicast_join(struct sock *s, const ip_addr_t *group, struct netif *n, bool include);
int multicast_leave(struct sock *s, const ip_addr_t *group, const struct netif *n);
struct membership *multicast_find(const struct sock *s, const ip_addr_t *group, unsigned ifindex);

/* multicast_source.c */
int source_setopt(struct sock *s, int level, int name, const void *val, uint32_t len);
int source_getopt(struct sock *s, int level, int name, void *val, uint32_t *len);
bool source_allows(const struct membership *m, const ip_addr_t *src);

#endif
