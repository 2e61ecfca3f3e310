/* stream.c - the little that data on streams needs beside the kernel
 *
 * Theory of operation
 * A connected stream is its AF_UNIX pair: bytes go by the kernel alone.
 * What remains: a socket that is not connected yet answers as TCP does, and
 * the errors of the pair are turned into the connection's (a reset of the
 * pair may stand for ETIMEDOUT; the first write after a reset fails with it,
 * only the next one is a broken pipe).
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include "client/client.h"
#include "client/sys.h"

/* what a data call on a stream that has no connection gives */
static int not_connected(bool out, int flags)
{
	if (!out)
		return -ENOTCONN;
	if (!(flags & MSG_NOSIGNAL))
		raise(SIGPIPE);
	return -EPIPE;
}

/**
 * stream_ready() - May a data call go to the kernel?
 * @fd:		a stream that is not known to be connected
 * @out:	sending
 * @flags:	of the call: MSG_DONTWAIT, MSG_NOSIGNAL
 *
 * Return: 0 when it is connected by now, else the call's -errno (SIGPIPE is raised
 * where Linux raises it)
 */
int stream_ready(int fd, const struct sockname *sn, bool out, int flags)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT }, w = p;
	int ret, err;

	for (;;) {
		struct tag t = tag_get(fd);

		switch (t.state) {
		case TAG_CONNECTED:
			return 0;
		case TAG_ABORTED:
			if (!out)
				return 0;	/* the kernel gives the end of file */
			return not_connected(out, flags);
		case TAG_FAILED:
			err = client_so_error(fd, sn);
			return err ? -err : not_connected(out, flags);
		case TAG_NEW:
		case TAG_LISTENING:
			return not_connected(out, flags);
		case TAG_CONNECTING:
			break;
		}
		if (sys_poll(&p, 1, 0) > 0) {
			if (!(p.revents & (POLLERR | POLLHUP))) {
				client_unplug(fd, false);
				return 0;
			}
			err = client_so_error(fd, sn);
			if (err)
				return -err;
			continue;
		}
		if (flags & MSG_DONTWAIT || client_nonblocking(fd))
			return -EAGAIN;
		w.events = out ? POLLOUT : POLLIN | POLLOUT;
		ret = client_wait(&w, out ? SO_SNDTIMEO : SO_RCVTIMEO);
		if (ret)
			return ret == -ETIMEDOUT ? -EAGAIN : ret;
	}
}

/**
 * stream_recv_error() - The errno of a failed read
 * @err:	what the kernel gave
 *
 * Return: the connection's, positive; 0: the end of file, which the peer had
 * announced before it reset
 */
int stream_recv_error(int fd, const struct sockname *sn, int err)
{
	int true_err;

	if (err != ECONNRESET)
		return err;
	true_err = client_so_error(fd, sn);
	if (true_err == EPIPE)
		return 0;
	return true_err ? true_err : err;
}

/**
 * stream_send_error() - The errno of a failed write, with its signal
 * @flags:	of the call
 * @err:	what the kernel gave for the call with MSG_NOSIGNAL
 *
 * Return: the connection's, positive; SIGPIPE was raised where TCP would
 */
int stream_send_error(int fd, const struct sockname *sn, int flags, int err)
{
	int pending = 0;
	socklen_t len = sizeof(pending);

	if (err != EPIPE && err != ECONNRESET)
		return err;
	/* a native error nobody has seen: this is the first call after a reset */
	sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &len);
	if (pending || err == ECONNRESET) {
		int true_err = client_so_error(fd, sn);

		if (true_err != EPIPE)
			return true_err ? true_err : ECONNRESET;
	}
	if (!(flags & MSG_NOSIGNAL))
		raise(SIGPIPE);
	return EPIPE;
}

/**
 * stream_discard() - recv(2) with MSG_TRUNC: take bytes and drop them
 * @len:	at most so many
 *
 * Return: how many, or -errno
 */
ssize_t stream_discard(int fd, size_t len, int flags)
{
	char scratch[16384];
	ssize_t n = sys_recv(fd, scratch, len < sizeof(scratch) ? len : sizeof(scratch),
			     flags & ~(MSG_TRUNC | MSG_WAITALL));

	return n < 0 ? -errno : n;
}
