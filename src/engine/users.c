/* users.c - who uses the stack's sockets
 *
 * Theory of operation
 * A socket is in use as long as somebody has the application's end of its pair
 * open; one that only finishes its connection is not.  The kernel is asked at
 * that moment, for a hang-up may not have reached our loop yet.  A pair's
 * credentials tell who made it (unix(7), SO_PEERCRED): us, if the socket came by
 * accept(2).
 */
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "engine/engine.h"
#include "engine/priv.h"
#include "engine/sock.h"

static bool is_open(const struct sock *s)
{
	struct pollfd p = { .fd = s->w.fd };

	return !s->closed && s->w.fd >= 0 && poll(&p, 1, 0) == 0;
}

/**
 * engine_in_use() - see engine.h
 */
bool engine_in_use(const struct engine *e)
{
	for (const struct sock *s = e->all; s; s = s->next)
		if (is_open(s))
			return true;
	return false;
}

static void describe(struct sock *s, struct msg_user *u)
{
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);

	memset(u, 0, sizeof(*u));
	if (getsockopt(s->w.fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.pid != getpid())
		u->pid = cred.pid;
	u->inode = s->inode;
	u->domain = s->domain;
	u->type = s->type;
	u->protocol = s->protocol;
	u->state = s->ops->state ? s->ops->state(s) : MSG_ST_NEW;
	if (s->domain != AF_INET && s->domain != AF_INET6)
		return;
	if (sock_getname(s, false, &u->local))
		u->local.len = 0;
	if (sock_getname(s, true, &u->peer))
		u->peer.len = 0;
}

/**
 * engine_users() - see engine.h
 */
unsigned engine_users(const struct engine *e, unsigned first, unsigned max,
		      struct msg_user *out, unsigned *next)
{
	unsigned n = 0, i = 0;
	struct sock *s = e->all;

	for (; s && i < first; i++)
		s = s->next;
	for (; s && i < first + max; i++, s = s->next)
		if (is_open(s))
			describe(s, &out[n++]);
	*next = s ? i : 0;
	return n;
}
