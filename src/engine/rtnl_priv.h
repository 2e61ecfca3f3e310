/* rtnl_priv.h - what the files of the rtnetlink server share
 *
 * rtnl.c dispatches; rtnl_link.c, rtnl_newlink.c, rtnl_kind.c, rtnl_bridge.c,
 * rtnl_netconf.c, rtnl_addr.c, rtnl_route.c and rtnl_neigh.c carry out.  A handler returns 0 or -errno, with rtnl_fail() also
 * a text; a dump appends its messages to the answers.
 */
#ifndef ENGINE_RTNL_PRIV_H
#define ENGINE_RTNL_PRIV_H

#include <linux/rtnetlink.h>
#include "engine/iface_priv.h"
#include "engine/priv.h"
#include "engine/rtnl.h"
#include "port.h"

typedef int rtnl_fn(struct rtnl_req *r);

rtnl_fn rtnl_getlink, rtnl_dump_link, rtnl_newlink, rtnl_dellink;
rtnl_fn rtnl_dump_addr, rtnl_newaddr, rtnl_deladdr;
rtnl_fn rtnl_getroute, rtnl_dump_route, rtnl_newroute, rtnl_delroute;
rtnl_fn rtnl_dump_port, rtnl_newfdb, rtnl_delfdb, rtnl_dump_fdb;
rtnl_fn rtnl_getnetconf, rtnl_dump_netconf, rtnl_newnetconf;
rtnl_fn rtnl_getneigh, rtnl_dump_neigh, rtnl_newneigh, rtnl_delneigh;

int rtnl_fail(struct rtnl_req *r, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
struct nlmsghdr rtnl_answer(const struct rtnl_req *r, int type, unsigned flags);
void rtnl_send_link(struct iface *i, int type, uint32_t change);
void rtnl_put_link(struct nlbuf *b, const struct nlmsghdr *h, struct iface *i, uint32_t change);
uint8_t rtnl_operstate(const struct iface *i, unsigned flags);
struct iface *rtnl_find_link(struct rtnl_req *r, int index, const struct nla tb[]);
void rtnl_put_addr(struct nlbuf *b, const struct nlmsghdr *h, struct iface *i,
		   const struct iface_addr *a);
void rtnl_put_route(struct nlbuf *b, const struct nlmsghdr *h, const struct route *r,
		    uint8_t table);
void rtnl_route_notify(struct engine *e, const struct route *r, uint8_t table, bool added);
/* the routes of table 255 that an address brings; fn is called for each */
typedef void rtnl_local_visit(const struct route *r, uint8_t table, void *arg);
void rtnl_local_routes(struct iface *i, const struct iface_addr *a, rtnl_local_visit *fn, void *arg);

/* kinds of links (rtnl_kind.c) */
struct config_iface;
const char *rtnl_kind_of(const struct iface *i);
void rtnl_put_kind(struct nlbuf *b, const struct iface *i);
int rtnl_read_common(struct rtnl_req *r, const struct nla tb[], struct config_iface *c);
int rtnl_create_kind(struct rtnl_req *r, const char *kind, const struct nla tb[],
		     const struct nla info[], const struct config_iface *c, struct iface **out);
int rtnl_set_af_spec(struct rtnl_req *r, struct iface *i, const struct nla *spec);
void rtnl_put_af_spec(struct nlbuf *b, const struct iface *i);
int rtnl_change_kind(struct rtnl_req *r, struct iface *i, const struct nla *linkinfo);

void nl_put_ip(struct nlbuf *b, int type, const ip_addr_t *ip);
bool nla_ip(const struct nla *a, int family, ip_addr_t *out);

#endif
