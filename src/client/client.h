/* client.h - sockets of a stack, as the shim and the public API use them
 *
 * Every function returns 0 (or a count, or a descriptor) or -errno.  All are
 * safe from any thread, after fork, and in a vfork child.  A descriptor is
 * described by struct sockname, which client_identify() reads from it.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "proto/msg.h"
#include "proto/sockname.h"
#include "proto/stackname.h"

/* --- conn.c: the control connection of a process to a stack --- */

struct conn_req {
	uint16_t op;
	uint64_t sock;			/* socket id, or 0 */
	const void *body;
	size_t body_len;
	const void *tail;		/* follows the body (option values) */
	size_t tail_len;
	int fd;				/* to hand over, or -1; stays the caller's */
	void *reply;			/* room for the reply's body */
	size_t reply_size;
	size_t reply_len;		/* out */
	int *got_fd;			/* out: what came with the reply, or -1; NULL: none is wanted */
};

struct board;

int conn_call(const char *path, struct conn_req *r);
int conn_send(const char *path, const struct conn_req *r);
bool conn_error_waits(bool unknown);
const struct board *conn_board(const char *path);
int conn_prepare(const char *path);
int conn_probe(const char *path);
bool conn_owns(int fd);
int conn_evict(int fd);
int conn_next_owned(unsigned from);
bool conn_in_owner(void);
int conn_to_high(int fd);

/* --- board.c --- */

const struct board *client_map_board(int fd, const struct board *old);

/* --- start.c: daemons started on demand or as private stacks --- */

struct start {
	const char *path;		/* control socket */
	const char *config;		/* configuration string */
	int control_fd;			/* --control-fd, or -1: --on-demand */
};

int start_daemon(const struct start *s, char *err, size_t errlen);
int start_on_demand(const char *path, const char *config, char *err, size_t errlen);
int start_stack(const struct stackname *sn, char *err, size_t errlen);

/* --- tag.c: what a descriptor is, kept with it in the kernel --- */

enum tag_state {
	TAG_CONNECTED, TAG_NEW, TAG_CONNECTING, TAG_LISTENING,
	TAG_FAILED,			/* used up: may start anew (revive.c) */
	TAG_ABORTED,			/* so, too, once connect(2) has told so */
};

struct tag {
	enum tag_state state;
	int domain;			/* 0: made by accept(), ask the daemon */
	int type;			/* SOCK_STREAM, SOCK_DGRAM, SOCK_RAW */
	unsigned opts;			/* TAG_OPT_* */
};

enum {
	TAG_OPT_PKTINFO		= 1 << 0,
	TAG_OPT_TTL		= 1 << 1,
	TAG_OPT_TOS		= 1 << 2,
	TAG_OPT_PKTINFO6	= 1 << 3,
	TAG_OPT_HOPLIMIT	= 1 << 4,
	TAG_OPT_TCLASS		= 1 << 5,
	TAG_OPT_TIMESTAMP	= 1 << 6,
	TAG_OPT_TIMESTAMPNS	= 1 << 7,
	TAG_OPT_RECVERR		= 1 << 8,
	TAG_OPT_RECVERR6	= 1 << 9,
	TAG_OPT_ERR_TOLD	= 1 << 10,	/* the error in front was reported once */
	TAG_OPT_WR_SHUT		= 1 << 11,	/* datagrams: shutdown(SHUT_WR) */
	TAG_OPT_PING		= 1 << 12,	/* SOCK_DGRAM, but ICMP: addresses bear no port */
	TAG_OPT_PENDING		= 1 << 13,	/* streams: connect() has not returned 0 yet */
	TAG_OPT_AUXDATA		= 1 << 14,	/* PACKET_AUXDATA */
	TAG_OPT_BROADCAST	= 1 << 15,	/* SO_BROADCAST */
	TAG_OPT_ORIGDST		= 1 << 16,
	TAG_OPT_ORIGDST6	= 1 << 17,
	TAG_OPT_RXQ_OVFL	= 1 << 18,
	TAG_OPT_CTL		= 1 << 19,	/* records may have DGRAM_F_CTL; for good */
	TAG_OPT_WHOLE		= 1 << 20,	/* no fragments, or not always: IP_MTU_DISCOVER and others */
	TAG_OPT_ROUTED		= 1 << 21,	/* an option says which way datagrams go */
	TAG_OPT_V6ONLY		= 1 << 22,
	TAG_OPT_INQ		= 1 << 23,	/* TCP_INQ */
	/* streams, which have none of the above but the timestamps and PENDING */
	TAG_OPT_SMALL		= 1 << 0,	/* SO_SNDBUF (connect.c) */
	TAG_OPT_LARGE		= 1 << 1,
};

bool client_identify(int fd, struct sockname *sn);
struct tag tag_get(int fd);
int tag_set(int fd, struct tag t);
void tag_set_state(int fd, enum tag_state state);

/* --- socket.c --- */

int client_socket_check(int domain, int type, int protocol);
int client_socket(const char *path, int domain, int type, int protocol);
int client_socket_again(const struct sockname *sn, int domain, int type_flags);
int client_bind(int fd, const struct sockname *sn, const struct sockaddr *sa, socklen_t len);
int client_listen(int fd, const struct sockname *sn, int backlog);
int client_accept(int fd, struct sockaddr *sa, socklen_t *len, int flags);
int client_getname(int fd, const struct sockname *sn, bool peer,
		   struct sockaddr *sa, socklen_t *len);
int client_unlisten(int fd, const struct sockname *sn);
int client_shutdown(int fd, const struct sockname *sn, int how);
int client_make_pair(enum sockname_kind kind, uint64_t id, const char *path, int type_flags,
		     int fds[2]);
int client_give_addr(const void *from, socklen_t full, struct sockaddr *sa, socklen_t *len);
int client_copy_addr(const union msg_sockaddr *from, struct sockaddr *sa, socklen_t *len);
socklen_t client_addr_len(const union msg_sockaddr *a);
bool client_nonblocking(int fd);

/* --- connect.c --- */

int client_connect(int fd, const struct sockname *sn, const struct sockaddr *sa, socklen_t len);
int client_so_error(int fd, const struct sockname *sn);
int client_plug(int fd);
void client_unplug(int fd, bool told);
void client_widen(int fd, unsigned sndbuf);
void client_set_sndbuf(int fd, unsigned sndbuf);
int client_wait(struct pollfd *p, int timeo);

/* --- revive.c --- */

int client_revive(int fd, const struct sockname *sn, bool plug);

/* --- stream.c --- */

int stream_ready(int fd, const struct sockname *sn, bool out, int flags);
int stream_recv_error(int fd, const struct sockname *sn, int err);
int stream_send_error(int fd, const struct sockname *sn, int flags, int err);
ssize_t stream_discard(int fd, size_t len, int flags);

/* --- dgram.c --- */

ssize_t dgram_sendmsg(int fd, const struct sockname *sn, const struct msghdr *m, int flags);
ssize_t dgram_recvmsg(int fd, const struct sockname *sn, struct msghdr *m, int flags);
int dgram_so_error(int fd);
int dgram_pending(int fd);
int dgram_front_error(int fd);

/* --- dgram_poll.c --- */

void dgram_ask_errors(void);
void dgram_note_end(void);
bool dgram_poll_differs(void);
short dgram_revents(int fd, short revents);

/* --- outlook.c: what a send will tell --- */

struct dgram_hdr;

int outlook_foresee(int fd, const struct sockname *sn, struct tag t, const struct dgram_hdr *h,
		    size_t len, bool *settle);
void outlook_settle(const struct sockname *sn);
void outlook_connected(const struct sockname *sn, struct tag t);
void outlook_forget(void);
void outlook_mute(void);

/* --- packet.c --- */

ssize_t packet_sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t packet_recvmsg(int fd, const struct sockname *sn, struct msghdr *m, int flags);
int packet_pending(int fd);

/* --- ring.c --- */

bool ring_any(void);
void ring_settle(void);
void ring_token_taken(int fd, const struct sockname *sn);
int ring_setopt(int fd, const struct sockname *sn, const void *val, socklen_t len);
void *ring_mmap(const struct sockname *sn, void *addr, size_t len, int prot, int flags, off_t off);

/* --- netlink.c --- */

int netlink_socket_check(int type, int protocol);
ssize_t netlink_sendmsg(int fd, const struct sockname *sn, const struct msghdr *m, int flags);
ssize_t netlink_recvmsg(int fd, const struct sockname *sn, struct msghdr *m, int flags);

/* --- proc.c --- */

int client_proc(const char *path, const char *name, char **text);	/* free() it */

/* --- io.c --- */

/* flags of a data call on a stream that the kernel's AF_UNIX would get wrong */
#define STREAM_SLOW_RECV (MSG_OOB | MSG_ERRQUEUE | MSG_TRUNC)
#define STREAM_SLOW_SEND (MSG_OOB | MSG_FASTOPEN | MSG_ERRQUEUE)

int io_check_control(const struct msghdr *m);
ssize_t client_recvmsg(int fd, const struct sockname *sn, struct msghdr *m, int flags);
ssize_t client_sendmsg(int fd, const struct sockname *sn, const struct msghdr *m, int flags);
ssize_t client_recvfrom(int fd, const struct sockname *sn, void *buf, size_t len, int flags,
			struct sockaddr *sa, socklen_t *salen);
ssize_t client_sendto(int fd, const struct sockname *sn, const void *buf, size_t len, int flags,
		      const struct sockaddr *sa, socklen_t salen);

/* --- sockopt.c --- */

int client_setsockopt(int fd, const struct sockname *sn, int level, int name,
		      const void *val, socklen_t len);
int client_getsockopt(int fd, const struct sockname *sn, int level, int name,
		      void *val, socklen_t *len);

/* --- info.c --- */

struct client_info {
	struct msg_info info;
	struct msg_ifinfo ifs[];
};

int client_info(const char *path, struct client_info **out);	/* free() it */
int client_ifioctl(const char *path, int domain, unsigned long req, void *arg);
int client_ioctl(int fd, const struct sockname *sn, unsigned long req, void *arg);

#endif
