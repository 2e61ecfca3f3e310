/* hook_splice.c - sendfile, splice, preadv2, pwritev2: bytes moved in other ways
 *
 * Theory of operation
 * On a connected stream they are the kernel's, on the pair.  A datagram there has a
 * header in front, which these calls would take for data, or leave out: so they are
 * made of a receive or a send and a copy, as the kernel does it for UDP.  A stream
 * without a connection answers as TCP's does, where the pair would take bytes in,
 * or wait.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "client/memory.h"
#include "preload/hook.h"

#define DATAGRAM_MAX	65536		/* room for the largest, and one that is too large */

/* what the kernel moves by itself */
static bool plain(int fd)
{
	enum fd_class c = fdtab_class(fd);

	return c == FD_FOREIGN || c == FD_STREAM;
}

/* a stream that was without a connection: 0 when it has one by now */
static int stream_now(int fd, bool out, unsigned flags)
{
	struct sockname sn;
	int ret = 0;

	if (!plain(fd) && client_identify(fd, &sn)) {
		ret = stream_ready(fd, &sn, out, flags & SPLICE_F_NONBLOCK ? MSG_DONTWAIT : 0);
		if (!ret)
			fdtab_forget(fd);
	}
	return ret;
}

/* as much of a file as a datagram may hold, which it is sent as */
static ssize_t send_file(int out, int in, off_t *off, size_t count)
{
	off_t pos = off ? *off : lseek(in, 0, SEEK_CUR);
	char *buf = malloc(DATAGRAM_MAX);
	ssize_t n = pos < 0 ? -1 : 0;

	if (!buf)
		return hook_result(-ENOMEM);
	if (!n)
		n = pread(in, buf, count < DATAGRAM_MAX ? count : DATAGRAM_MAX, pos);
	if (n > 0)
		n = hook_sendto(out, buf, (size_t)n, 0, NULL, 0);
	free(buf);
	if (n > 0 && off)
		*off = pos + n;
	else if (n > 0)
		lseek(in, pos + n, SEEK_SET);
	return n;
}

HOOK(ssize_t, sendfile, (int out, int in, off_t *off, size_t count))
{
	int ret;

	if (plain(out) || !count)
		return sys_sendfile(out, in, off, count);
	if (off && !mem_writable(off, sizeof(*off)))
		return hook_result(-EFAULT);
	if (fdtab_class(out) == FD_DGRAM)
		return send_file(out, in, off, count);
	ret = stream_now(out, true, 0);
	return ret ? hook_result(ret) : sys_sendfile(out, in, off, count);
}

static bool is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

/* a datagram between a socket and a pipe.  Neither end is waited for with one in hand */
static ssize_t splice_datagram(int in, int out, size_t len, unsigned flags)
{
	struct pollfd from = { .fd = in, .events = POLLIN }, to = { .fd = out, .events = POLLOUT };
	char *buf = malloc(DATAGRAM_MAX);
	ssize_t n;

	if (!buf)
		return hook_result(-ENOMEM);
	n = flags & SPLICE_F_NONBLOCK && sys_poll(&to, 1, 0) == 0 ? hook_result(-EAGAIN)
								 : sys_poll(&to, 1, -1);
	if (n > 0 && flags & SPLICE_F_NONBLOCK && sys_poll(&from, 1, 0) == 0)
		n = hook_result(-EAGAIN);
	if (n > 0)
		n = hook_read(in, buf, len < DATAGRAM_MAX ? len : DATAGRAM_MAX);
	if (n > 0)
		n = hook_write(out, buf, (size_t)n);
	free(buf);
	return n;
}

HOOK(ssize_t, splice, (int in, off_t *off_in, int out, off_t *off_out, size_t len, unsigned flags))
{
	int ret;

	if ((plain(in) && plain(out)) || !len)
		return sys_splice(in, off_in, out, off_out, len, flags);
	if (!is_pipe(plain(in) ? in : out))
		return hook_result(-EINVAL);
	if (off_in || off_out)
		return hook_result(-ESPIPE);
	if (fdtab_class(in) == FD_DGRAM || fdtab_class(out) == FD_DGRAM)
		return splice_datagram(in, out, len, flags);
	ret = stream_now(in, false, flags);
	if (!ret)
		ret = stream_now(out, true, flags);
	return ret ? hook_result(ret) : sys_splice(in, off_in, out, off_out, len, flags);
}

HOOK(ssize_t, preadv2, (int fd, const struct iovec *iov, int n, off_t off, int flags))
{
	if (off != -1 || fdtab_class(fd) == FD_FOREIGN || fdtab_class(fd) == FD_STREAM)
		return sys_preadv2(fd, iov, n, off, flags);
	return flags ? hook_result(-EOPNOTSUPP) : hook_readv(fd, iov, n);
}

HOOK(ssize_t, pwritev2, (int fd, const struct iovec *iov, int n, off_t off, int flags))
{
	if (off != -1 || fdtab_class(fd) == FD_FOREIGN || fdtab_class(fd) == FD_STREAM)
		return sys_pwritev2(fd, iov, n, off, flags);
	return flags ? hook_result(-EOPNOTSUPP) : hook_writev(fd, iov, n);
}

#ifdef __LP64__
HOOK(ssize_t, sendfile64, (int out, int in, off_t *off, size_t count))
{
	return hook_sendfile(out, in, off, count);
}

HOOK(ssize_t, preadv64v2, (int fd, const struct iovec *iov, int n, off_t off, int flags))
{
	return hook_preadv2(fd, iov, n, off, flags);
}

HOOK(ssize_t, pwritev64v2, (int fd, const struct iovec *iov, int n, off_t off, int flags))
{
	return hook_pwritev2(fd, iov, n, off, flags);
}
#endif
