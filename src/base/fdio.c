/* fdio.c - descriptors over AF_UNIX sockets, and small tools on descriptors
 *
 * Theory of operation
 * Who receives a datagram owns the descriptors in it, wanted or not: a peer
 * that sends more than asked for, or sends them with a message that fails in
 * another way, would otherwise fill our table.  So fdio_recv() gathers all
 * that the kernel installed and either hands every one to the caller or
 * closes every one.  No state; any thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/fdio.h"

/* room for what may be asked for, and for credentials besides */
union fdio_control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(FDIO_FDS_MAX * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

#define FDIO_CONTROL_FDS	(sizeof(union fdio_control) / sizeof(int))

/**
 * fdio_send() - Send one datagram with descriptors
 * @fd:		AF_UNIX socket
 * @buf, @len:	Datagram; at least one byte if descriptors go with it
 * @fds, @nfds:	Descriptors, at most FDIO_FDS_MAX; they stay the caller's
 * @flags:	Of sendmsg(2); MSG_NOSIGNAL is added
 *
 * Return: bytes sent, or -errno (EINVAL: too many descriptors;
 * ETOOMANYREFS: too many in flight)
 */
ssize_t fdio_send(int fd, const void *buf, size_t len, const int *fds, int nfds, int flags)
{
	union fdio_control control;
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (nfds < 0 || nfds > FDIO_FDS_MAX)
		return -EINVAL;
	if (nfds) {
		struct cmsghdr *c = &control.align;

		memset(&control, 0, sizeof(control));
		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	do
		n = sendmsg(fd, &mh, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* every descriptor in the control data of @mh */
static int gather_fds(struct msghdr *mh, int *fds)
{
	int n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(fds + n, CMSG_DATA(c), bytes);
		n += (int)(bytes / sizeof(int));
	}
	return n;
}

/**
 * fdio_recv() - Receive one datagram with descriptors
 * @fd:		AF_UNIX socket
 * @buf, @len:	Room for the datagram
 * @fds:	Room for descriptors; they arrive with O_CLOEXEC and are the caller's
 * @nfds:	In: room in @fds, at most FDIO_FDS_MAX; out: how many came, 0 on
 *		failure.  NULL: none are wanted
 * @flags:	Of recvmsg(2); MSG_CMSG_CLOEXEC is added
 *
 * Return: bytes; 0 at end of file (or an empty datagram, whose descriptors
 * are closed); -EMSGSIZE when the datagram or its descriptors did not fit,
 * or our table is full; else -errno.  It owns nothing new unless it returns
 * more than 0.
 */
ssize_t fdio_recv(int fd, void *buf, size_t len, int *fds, int *nfds, int flags)
{
	union fdio_control control;
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	int got[FDIO_CONTROL_FDS], ngot, room = nfds ? *nfds : 0;
	ssize_t n;

	if (nfds)
		*nfds = 0;
	do
		n = recvmsg(fd, &mh, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	ngot = gather_fds(&mh, got);
	if (n == 0 || ngot > room || (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		fdio_close_all(got, ngot);
		return n == 0 && ngot <= room ? 0 : -EMSGSIZE;
	}
	if (ngot && nfds) {
		memcpy(fds, got, ngot * sizeof(int));
		*nfds = ngot;
	}
	return n;
}

/**
 * fdio_set_nonblock() - Set or clear O_NONBLOCK
 * @fd:		Descriptor; the flag belongs to its open file, which others may share
 * @on:		Which
 *
 * Return: 0 or -errno
 */
int fdio_set_nonblock(int fd, bool on)
{
	int old = fcntl(fd, F_GETFL), new;

	if (old < 0)
		return -errno;
	new = on ? old | O_NONBLOCK : old & ~O_NONBLOCK;
	if (new != old && fcntl(fd, F_SETFL, new) < 0)
		return -errno;
	return 0;
}

/**
 * fdio_raise_nofile() - Raise the soft limit of open files to the hard one
 *
 * Return: the limit in force afterwards, at most INT_MAX, or -errno
 */
int fdio_raise_nofile(void)
{
	struct rlimit rl;
	rlim_t soft;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return -errno;
	soft = rl.rlim_cur;
	rl.rlim_cur = rl.rlim_max;
	/* refused: the old limit holds, which is what the caller wants to know */
	if (setrlimit(RLIMIT_NOFILE, &rl) == 0)
		soft = rl.rlim_max;
	return soft < INT_MAX ? (int)soft : INT_MAX;
}

/**
 * fdio_close_all() - Close descriptors and forget them
 * @fds, @nfds:	Descriptors; each becomes -1, those that are -1 are skipped
 */
void fdio_close_all(int *fds, int nfds)
{
	for (int i = 0; i < nfds; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}
