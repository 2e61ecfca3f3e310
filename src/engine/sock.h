/* sock.h - what every socket of the engine has in common
 *
 * Theory of operation
 * A struct sock stands for one application socket.  It owns the daemon's end
 * of the pair (w.fd) and lives until the application's end is closed
 * everywhere (EPOLLHUP) or the engine closes its own end, which is how a
 * stream socket learns of failure.  The kind's own structure embeds it as
 * first member and is reached through the ops table.
 *
 * sock_close() ends a socket: no callback of it runs afterwards, its memory
 * goes by loop_work after the current dispatch.
 */
#ifndef ENGINE_SOCK_H
#define ENGINE_SOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "base/loop.h"
#include "engine/addrconv.h"
#include "engine/engine.h"
#include "engine/filter.h"
#include "engine/sockopt.h"
#include "proto/sockname.h"

struct dgram_hdr;
struct sock;

struct sock_ops {
	const char *name;		/* for messages and statistics */
	size_t size;			/* of the kind's structure */
	/* every member but event may be NULL: nothing to do, or -EOPNOTSUPP */
	int (*open)(struct sock *s);
	int (*bind)(struct sock *s, const struct endpoint *ep);
	/* instead of bind, for families other than IP: the address as it came */
	int (*bind_addr)(struct sock *s, const struct msg_addr *a);
	int (*getname)(struct sock *s, bool peer, struct msg_addr *out);
	int (*ring)(struct sock *s, const struct msg_ring *shape, int fd);	/* closes fd */
	int (*connect)(struct sock *s, const struct msg_addr *to, uint32_t plug);
	int (*listen)(struct sock *s, int backlog);
	int (*shutdown)(struct sock *s, int how);
	/* datagrams: take a port if there is none, and would this one be sent?  0 or errno
	 * (positive) */
	int (*autobind)(struct sock *s);
	int (*may_send)(struct sock *s, const struct dgram_hdr *h, size_t len);
	int (*urgent)(struct sock *s, const void *data, size_t len);
	/* options beyond the table of sockopt.c; -ENOPROTOOPT if it is none of ours */
	int (*setopt)(struct sock *s, int level, int name, const void *val, uint32_t len);
	int (*getopt)(struct sock *s, int level, int name, void *val, uint32_t *len);
	/* an option of sockopt.c's table was changed */
	void (*opt_changed)(struct sock *s, int level, int name);
	void (*event)(struct sock *s, uint32_t events);
	enum msg_state (*state)(const struct sock *s);
	/* give up lwIP's and other resources; s itself is freed by sock.c */
	void (*destroy)(struct sock *s);
};

struct sock {
	struct engine *e;
	const struct sock_ops *ops;
	uint64_t id;
	struct sock *hash_next;		/* by id, in e->socks */
	struct sock *next, **pprev;	/* all sockets */
	struct loop_fd w;		/* the daemon's end of the pair */
	struct loop_work work;		/* freeing */
	int domain, type, protocol;
	uint32_t inode;			/* of the application's end */
	uint32_t uid;			/* of who made it, once uid_known: sock_uid() */
	bool uid_known;
	struct endpoint local, remote;	/* remote.port or address set: connected */
	bool bound;			/* local.port is held in a port table */
	bool autobound;			/* by connect(): the port may be shared by tuple */
	bool bound_ip, bound_port;	/* bind(2) named the address, the port */
	bool connected;
	bool closed;
	int err;			/* pending SO_ERROR, positive */
	struct sock *port_next, **port_pprev;	/* ports.c */
	struct sockopt o;
	struct filter filter;
};

struct sock *sock_alloc(struct engine *e, const struct sock_ops *ops, uint64_t id,
			int domain, int type, int protocol);
int sock_attach(struct sock *s, int fd, uint32_t events);
void sock_close(struct sock *s);
bool sock_reap(struct sock *s);
void sock_fail(struct sock *s, int err);
void sock_catch_up(struct sock *s);
int sock_set_sndbuf(struct sock *s, int bytes);
uint32_t sock_uid(struct sock *s);
int sock_unread(const struct sock *s);
typedef void sock_visit(struct sock *s, void *arg);
bool sock_scan(struct engine *e, uint32_t *cursor, sock_visit *fn, void *arg);

extern const struct sock_ops sock_tcp_ops, sock_udp_ops, sock_raw_ops, sock_ping_ops;
extern const struct sock_ops sock_packet_ops, sock_netlink_ops;

#endif
