/* ctl.c - a control connection for one command
 *
 * Theory of operation
 * A command says a few things to a few stacks and ends, so it needs none
 * of what src/client does for long-lived programs: one connection, blocking,
 * with a time-out so that a stopped daemon does not stop us.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/fdio.h"
#include "base/loop.h"
#include "cli/cli.h"

#define TIMEOUT_S	10

/**
 * ctl_connect() - Connect to a stack
 * @path:	its control socket, of a length that stackname_resolve() lets pass
 *
 * Return: descriptor, or -errno: -ENOENT and -ECONNREFUSED when no daemon
 * runs there
 */
int ctl_connect(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct timeval t = { .tv_sec = TIMEOUT_S };
	int fd, err;

	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	memcpy(un.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) < 0 ||
	    connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/**
 * ctl_call() - Ask one thing that has no request body
 * @fd:		from ctl_connect()
 * @m:		receives the reply
 * @op:		what to ask
 * @sock:	the header's sock
 *
 * Return: 0 or -errno: the daemon's answer, -ETIMEDOUT, -ECONNRESET when it
 * hung up, -EPROTO
 */
int ctl_call(int fd, struct msg *m, enum msg_op op, uint64_t sock)
{
	ssize_t n;
	int ret;

	m->hdr = (struct msg_hdr){ .version = MSG_VERSION, .op = (uint16_t)op,
				   .seq = 1, .sock = sock };
	n = fdio_send(fd, m, msg_size(m), NULL, 0, MSG_NOSIGNAL);
	if (n >= 0)
		n = fdio_recv(fd, m, sizeof(*m), NULL, NULL, 0);
	if (n == 0)
		return -ECONNRESET;
	if (n < 0)
		return n == -EAGAIN ? -ETIMEDOUT : (int)n;
	ret = msg_check_reply(m, (size_t)n, (uint16_t)op, 1);
	return ret ? -EPROTO : m->hdr.err;
}

/**
 * ctl_wait_end() - Wait until the daemon at the other end is gone
 *
 * A daemon hangs up last of all, see its finish().
 *
 * Return: 0 or -ETIMEDOUT
 */
int ctl_wait_end(int fd, int timeout_ms)
{
	uint64_t until = clock_ns() + (uint64_t)timeout_ms * 1000000u;
	struct pollfd p = { .fd = fd, .events = 0 };

	while (!(p.revents & POLLHUP)) {
		uint64_t now = clock_ns();

		if (now >= until)
			return -ETIMEDOUT;
		poll(&p, 1, (int)((until - now) / 1000000u) + 1);
	}
	return 0;
}
