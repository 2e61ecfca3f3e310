/* rtnl.h - the rtnetlink server of a stack: rtnetlink(7)
 *
 * sock_netlink.c hands requests in and carries answers out; the interfaces
 * and the route table tell of changes, whoever made them.
 */
#ifndef ENGINE_RTNL_H
#define ENGINE_RTNL_H

#include <stdbool.h>
#include <stdint.h>
#include "engine/nlmsg.h"

struct bridge_entry;
struct engine;
struct iface;
struct iface_addr;
struct netif;

struct rtnl_req {
	struct engine *e;
	const struct nlmsghdr *h;	/* whole, nlmsg_len checked */
	uint32_t portid;		/* of the asking socket */
	bool strict;			/* NETLINK_GET_STRICT_CHK: filters in dumps count */
	struct nlbuf *out;		/* answers */
	char why[256];			/* extended ACK; "": none */
	bool ext_ack;			/* the asker wants the reason */
	bool filtered;			/* a dump left something out: NLM_F_DUMP_FILTERED */
	bool dumped;			/* ended by NLMSG_DONE: no ACK */
};

int rtnl_init(struct engine *e);
int rtnl_request(struct rtnl_req *r);

void rtnl_link_changed(struct iface *i, uint32_t change);
void rtnl_link_gone(struct iface *i);
void rtnl_fdb_changed(struct iface *br, const struct bridge_entry *x, bool added);
void rtnl_neigh_forget(const struct netif *n);
void rtnl_neigh_init(struct engine *e);
void rtnl_neigh_watch(struct engine *e);
void rtnl_addr_changed(struct iface *i, const struct iface_addr *a, bool added);
void rtnl_addr_updated(struct iface *i, const struct iface_addr *a);

/* sock_netlink.c */
bool netlink_has_listener(const struct engine *e, unsigned group);
void netlink_multicast(struct engine *e, unsigned group, const struct nlbuf *b);
/* the same for any protocol's groups */
bool netlink_heard(const struct engine *e, int protocol, unsigned group);
void netlink_tell(struct engine *e, int protocol, unsigned group, const struct nlbuf *b);

#endif
