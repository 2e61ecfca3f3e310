/* engine.h - one lwIP instance with its interfaces and sockets
 *
 * What the daemon may know of the engine.  All calls belong to the loop's
 * thread.  The engine never sees a client process: a socket lives as long as
 * the application's end of its pair is open anywhere.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/loop.h"
#include "proto/config.h"
#include "proto/msg.h"

struct engine;
struct sock;

#define ENGINE_IFACES	255	/* interfaces at a time, with their further addresses */

/* lwIP's state is global: one engine a process.  @path is the control
 * socket's path, which goes into the sockets' names.  NULL with errno. */
struct engine *engine_new(struct loop *loop, const char *path);

/* lo comes up; every interface of @c is opened, addressed and brought up; on
 * failure @err says which and why, and the engine is only good for
 * engine_free() */
int engine_configure(struct engine *e, const struct config *c, char *err, size_t errlen);

/* has the network given what interfaces wait for, or as much as is to be expected? */
bool engine_settled(const struct engine *e);

/* end every connection (FIN where the application closed, else RST), let the
 * frames go, close links and descriptors */
void engine_free(struct engine *e);

/* how many sockets there are, of any kind: an on-demand stack ends at 0 */
unsigned engine_nsock(const struct engine *e);
/* who uses the stack: sockets whose descriptor somebody has open.  engine_users()
 * looks at up to @max sockets from the @first-th on, fills in @out and says how
 * many; *next is where to go on, 0 at the end. */
bool engine_in_use(const struct engine *e);
unsigned engine_users(const struct engine *e, unsigned first, unsigned max,
		      struct msg_user *out, unsigned *next);
void engine_info(const struct engine *e, struct msg_info *info);
/* the i-th interface; false past the end */
bool engine_ifinfo(const struct engine *e, unsigned i, struct msg_ifinfo *out);
void engine_names(const struct engine *e, struct msg_names *out);
/* a piece of a file of /proc, from @offset: bytes, 0 at its end, -ENOENT, -ENOMEM */
int engine_proc(struct engine *e, const char *name, size_t offset, void *piece, size_t size);

/* the memory that clients may look at (proto/board.h); -1: there is none */
int engine_board(const struct engine *e);

/* Sockets.  All return 0 or -errno.  A descriptor handed to engine_socket()
 * is the engine's from then on, also on failure. */
int engine_socket(struct engine *e, uint64_t id, const struct msg_socket *how, int fd);
struct sock *engine_sock(struct engine *e, uint64_t id);	/* NULL if unknown */

int sock_bind(struct sock *s, const struct msg_addr *a);
int sock_connect(struct sock *s, const struct msg_addr *to, uint32_t plug);
int sock_listen(struct sock *s, int backlog);
int sock_shutdown(struct sock *s, int how);
int sock_urgent(struct sock *s, const void *data, size_t len);	/* MSG_OOB */
int sock_getname(struct sock *s, bool peer, struct msg_addr *out);
int sock_setopt(struct sock *s, int level, int name, const void *val, uint32_t len);
int sock_getopt(struct sock *s, int level, int name, void *val, uint32_t *len);
/* what sending a datagram would tell; -EOPNOTSUPP: not of this socket */
int sock_outlook(struct sock *s, const struct msg_outlook *q, struct msg_verdict *v);
/* PACKET_RX_RING; @fd is the engine's from then on, also on failure */
int sock_ring(struct sock *s, const struct msg_ring *shape, int fd);
void sock_stat(const struct sock *s, struct msg_stat *out);

/* the errno with which a socket that the engine no longer has ended, once;
 * 0 when there is nothing to tell.  SO_ERROR after a failed connect. */
int engine_epitaph(struct engine *e, uint64_t id);

/* calls on a stream socket that ended by failure while its descriptor lives:
 * as on one that is not connected; -ESTALE when nothing is known of it */
int engine_past_setopt(struct engine *e, uint64_t id, int level, int name, const void *val,
		       uint32_t len);
int engine_past_getopt(struct engine *e, uint64_t id, int level, int name, void *val,
		       uint32_t *len);
int engine_past_getname(struct engine *e, uint64_t id, struct msg_addr *out);

#endif
