/* diag.h - NETLINK_SOCK_DIAG: what sockets the stack has, sock_diag(7)
 *
 * sock_netlink.c hands requests in and carries answers out.  A dump is made
 * in pieces, as the asker reads: diag_more() appends the next one.
 */
#ifndef ENGINE_DIAG_H
#define ENGINE_DIAG_H

#include "engine/rtnl.h"

struct diag_dump;
struct sock;

int diag_request(struct rtnl_req *r, struct diag_dump **dump);
bool diag_more(struct diag_dump *d, struct nlbuf *out);
void diag_dump_free(struct diag_dump *d);	/* NULL is fine */

void diag_destroyed(struct sock *s);

/* sock_netlink.c: what netlink_diag tells of such a socket */
struct netlink_figures {
	uint32_t portid;
	uint64_t groups;
	uint32_t flags;			/* NDIAG_FLAG_* */
	size_t pending;			/* bytes that wait for the reader */
};
void netlink_figures(const struct sock *s, struct netlink_figures *f);

#endif
