/* users.c - who uses the stack: for `ustack umount`
 *
 * Theory of operation
 * A stack is in use while a process has a session that asked for more than
 * information, or has a socket of it open.  A descriptor whose other end is gone does
 * not count, even if the loop has yet to hear of it: who ends a program and
 * then the stack must not be told that it is busy.
 *
 * The answer is one list: processes first (type 0), then sockets; a number
 * below FIRST_SOCK counts processes, the others sockets.  It is made in pieces of
 * a bounded size, between which the list may change: it is for people.
 */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include "daemon/session.h"

#define FIRST_SOCK	0x80000000u

static bool is_open(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 0;
}

/**
 * users_any() - Is anybody there?
 */
bool users_any(struct server *srv)
{
	int fd;

	for (unsigned i = 0; (fd = server_user(srv, i)) >= 0; i++)
		if (is_open(fd))
			return true;
	return engine_in_use(srv->engine);
}

/* the processes from the first-th on; *next: where to go on, 0 when that was all */
static unsigned processes(struct server *srv, unsigned first, struct msg_user *out,
			  unsigned *next)
{
	unsigned n = 0, i = first;
	int fd = -1;

	for (; i < first + MSG_USERS_MAX && (fd = server_user(srv, i)) >= 0; i++) {
		struct ucred cred;
		socklen_t len = sizeof(cred);

		if (!is_open(fd) || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
			continue;
		memset(&out[n], 0, sizeof(out[n]));
		out[n++].pid = cred.pid;
	}
	*next = fd >= 0 ? i : 0;
	return n;
}

/**
 * users_list() - Answer MSG_OP_USERS
 * @m:	the request; its reply's body on return
 */
void users_list(struct server *srv, struct msg *m)
{
	struct msg_user rows[MSG_USERS_MAX];
	unsigned first = (unsigned)m->hdr.sock, next;

	if (first < FIRST_SOCK) {
		m->users.n = processes(srv, first, rows, &next);
		m->users.next = next ? next : FIRST_SOCK;
	} else {
		m->users.n = engine_users(srv->engine, first - FIRST_SOCK, MSG_USERS_MAX, rows,
					  &next);
		m->users.next = next ? FIRST_SOCK + next : 0;
	}
	memcpy(m->raw + sizeof(m->users), rows, m->users.n * sizeof(rows[0]));
	m->hdr.len = (uint16_t)(sizeof(m->users) + m->users.n * sizeof(rows[0]));
}
