/* hook_data.c - read, write, send, recv and their kin
 *
 * Theory of operation
 * The path of every read and write of the program: one look at the fd table,
 * then the C library.  On a connected stream only an error is looked at (a reset
 * of the pair stands for the connection's errno), and writes are sends with
 * MSG_NOSIGNAL, since a first write after a reset fails without SIGPIPE.
 * Anything else on a socket of ours takes the slow way by client/io.c.
 *
 * A program that puts a seccomp filter on itself (sshd before authentication)
 * allows the calls that it makes, and dies of others.  From then on reads and
 * writes of connected streams are exactly these calls and nothing more; the
 * price is a SIGPIPE where TCP's first write after a reset has none.
 */
#include "client/memory.h"
#include "preload/hook.h"

#define CHUNK_MMSG	1024		/* UIO_MAXIOV, as the kernel limits it */
#define LEN_MAX		0x7ffff000u	/* MAX_RW_COUNT: all that a call looks at */

void __chk_fail(void) __attribute__((noreturn));

static bool sandboxed;

/**
 * data_sandboxed() - Make no system call any more that the program does not make
 */
void data_sandboxed(void)
{
	fdtab_freeze();
	outlook_mute();
	mem_trust();
	__atomic_store_n(&sandboxed, true, __ATOMIC_RELAXED);
}

/* after a call on a stream whose state was in doubt */
static void settle(int fd)
{
	if (fdtab_class(fd) == FD_SPECIAL)
		fdtab_find_out(fd);
}

static ssize_t recv_error(int fd, ssize_t n)
{
	struct sockname sn;

	if (n < 0 && errno == ECONNRESET && !sandboxed && client_identify(fd, &sn)) {
		errno = stream_recv_error(fd, &sn, errno);
		if (!errno)
			return 0;
	}
	return n;
}

static ssize_t send_error(int fd, int flags, ssize_t n)
{
	struct sockname sn;

	if (n < 0 && (errno == EPIPE || errno == ECONNRESET) && !sandboxed &&
	    client_identify(fd, &sn))
		errno = stream_send_error(fd, &sn, flags, errno);
	return n;
}

/* which socket is it?  *guess: by memory, which its tag has to confirm */
static bool name_of(int fd, struct sockname *sn, bool *guess)
{
	unsigned changes = __atomic_load_n(&fdtab_changes, __ATOMIC_RELAXED);

	*guess = fdtab_last_dgram(fd, sn);
	if (*guess)
		return true;
	if (!client_identify(fd, sn)) {
		fdtab_forget(fd);
		return false;
	}
	if (sn->kind == SOCKNAME_DGRAM)
		fdtab_used_dgram(fd, sn, changes);
	return true;
}

static ssize_t slow_recvmsg(int fd, struct msghdr *m, int flags)
{
	struct sockname sn;
	bool guess;
	ssize_t n;

	if (!name_of(fd, &sn, &guess))
		return sys_recvmsg(fd, m, flags);
	n = client_recvmsg(fd, &sn, m, flags);
	if (guess && n == -EBADFD) {
		fdtab_forget(fd);
		return slow_recvmsg(fd, m, flags);
	}
	settle(fd);
	return hook_result(n);
}

static ssize_t slow_sendmsg(int fd, const struct msghdr *m, int flags)
{
	struct sockname sn;
	bool guess;
	ssize_t n;

	if (!name_of(fd, &sn, &guess))
		return sys_sendmsg(fd, m, flags);
	n = client_sendmsg(fd, &sn, m, flags);
	if (guess && n == -EBADFD) {
		fdtab_forget(fd);
		return slow_sendmsg(fd, m, flags);
	}
	settle(fd);
	return hook_result(n);
}

/* the end of a recvfrom(2) that took @n bytes */
static ssize_t give_name(ssize_t n, const union msg_sockaddr *name, socklen_t full,
			 struct sockaddr *sa, socklen_t *salen)
{
	int err = n < 0 || !sa ? 0 : client_give_addr(name, full, sa, salen);

	return err ? hook_result(err) : n;
}

static ssize_t slow_recv(int fd, void *buf, size_t len, int flags, struct sockaddr *sa,
			 socklen_t *salen)
{
	struct iovec iov = { buf, len < LEN_MAX ? len : LEN_MAX };
	union msg_sockaddr name;
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_name = sa ? &name : NULL, .msg_namelen = sa ? sizeof(name) : 0,
	};
	ssize_t n = slow_recvmsg(fd, &m, flags);

	return give_name(n, &name, m.msg_namelen, sa, salen);
}

static ssize_t slow_send(int fd, const void *buf, size_t len, int flags,
			 const struct sockaddr *sa, socklen_t salen)
{
	struct iovec iov = { (void *)buf, len < LEN_MAX ? len : LEN_MAX };
	struct msghdr m = {
		.msg_name = (void *)sa, .msg_namelen = sa ? salen : 0,
		.msg_iov = &iov, .msg_iovlen = 1,
	};

	if (sa && salen > sizeof(struct sockaddr_storage))
		return hook_result(-EINVAL);
	return slow_sendmsg(fd, &m, flags);
}

/* what readv(2) and writev(2) find before they look at the socket: 1 that there are
 * bytes to move, 0 that there are none (no datagram is sent or taken), -EINVAL */
static long vector_size(const struct iovec *iov, int n)
{
	if (n < 0 || n > CHUNK_MMSG)
		return -EINVAL;
	if (!mem_readable(iov, (size_t)n * sizeof(*iov)))
		return -EFAULT;
	for (int i = 0; i < n; i++)
		if (iov[i].iov_len)
			return 1;
	return 0;
}

HOOK(ssize_t, read, (int fd, void *buf, size_t len))
{
	switch (fdtab_class(fd)) {
	case FD_FOREIGN:
		return sys_read(fd, buf, len);
	case FD_STREAM:
		return recv_error(fd, sys_read(fd, buf, len));
	default:
		return len ? slow_recv(fd, buf, len, 0, NULL, NULL) : 0;
	}
}

HOOK(ssize_t, __read_chk, (int fd, void *buf, size_t len, size_t room))
{
	if (len > room)
		__chk_fail();
	return hook_read(fd, buf, len);
}

HOOK(ssize_t, readv, (int fd, const struct iovec *iov, int n))
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n };
	long ret;

	switch (fdtab_class(fd)) {
	case FD_FOREIGN:
		return sys_readv(fd, iov, n);
	case FD_STREAM:
		return recv_error(fd, sys_readv(fd, iov, n));
	default:
		ret = vector_size(iov, n);
		return ret > 0 ? slow_recvmsg(fd, &m, 0) : hook_result(ret);
	}
}

HOOK(ssize_t, recvfrom, (int fd, void *buf, size_t len, int flags, struct sockaddr *sa,
			 socklen_t *salen))
{
	ssize_t n;

	switch (fdtab_class(fd)) {
	case FD_FOREIGN:
		return sys_recvfrom(fd, buf, len, flags, sa, salen);
	case FD_STREAM:
		if (flags & STREAM_SLOW_RECV)
			return slow_recv(fd, buf, len, flags, sa, salen);
		n = recv_error(fd, sys_recv(fd, buf, len, flags));
		return give_name(n, NULL, 0, sa, salen);
	default:
		return slow_recv(fd, buf, len, flags, sa, salen);
	}
}

HOOK(ssize_t, __recvfrom_chk, (int fd, void *buf, size_t len, size_t room, int flags,
			       struct sockaddr *sa, socklen_t *salen))
{
	if (len > room)
		__chk_fail();
	return hook_recvfrom(fd, buf, len, flags, sa, salen);
}

HOOK(ssize_t, recv, (int fd, void *buf, size_t len, int flags))
{
	return hook_recvfrom(fd, buf, len, flags, NULL, NULL);
}

HOOK(ssize_t, __recv_chk, (int fd, void *buf, size_t len, size_t room, int flags))
{
	if (len > room)
		__chk_fail();
	return hook_recvfrom(fd, buf, len, flags, NULL, NULL);
}

/* numbers that came by SCM_RIGHTS may have been other descriptors before */
static void forget_received(const struct msghdr *m)
{
	if (!m->msg_controllen)
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR((struct msghdr *)m, c)) {
		const unsigned char *p = CMSG_DATA(c), *end = (const unsigned char *)c + c->cmsg_len;
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (; p + sizeof(fd) <= end; p += sizeof(fd)) {
			__builtin_memcpy(&fd, p, sizeof(fd));
			fdtab_forget(fd);
		}
	}
}

HOOK(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags))
{
	ssize_t n;

	if (fdtab_class(fd) != FD_FOREIGN)
		return slow_recvmsg(fd, m, flags);
	n = sys_recvmsg(fd, m, flags);
	if (n >= 0)
		forget_received(m);
	return n;
}

HOOK(ssize_t, write, (int fd, const void *buf, size_t len))
{
	switch (fdtab_class(fd)) {
	case FD_FOREIGN:
		return sys_write(fd, buf, len);
	case FD_STREAM:
		if (sandboxed)
			return sys_write(fd, buf, len);
		return send_error(fd, 0, sys_send(fd, buf, len, MSG_NOSIGNAL));
	default:
		return slow_send(fd, buf, len, 0, NULL, 0);
	}
}

static ssize_t stream_sendv(int fd, const struct iovec *iov, size_t n, int flags)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };

	return send_error(fd, flags, sys_sendmsg(fd, &m, sandboxed ? flags : flags | MSG_NOSIGNAL));
}

HOOK(ssize_t, writev, (int fd, const struct iovec *iov, int n))
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n };
	long ret;

	switch (fdtab_class(fd)) {
	case FD_FOREIGN:
		return sys_writev(fd, iov, n);
	case FD_STREAM:
		if (sandboxed)
			return sys_writev(fd, iov, n);
		return n < 0 || n > CHUNK_MMSG ? hook_result(-EINVAL)
					       : stream_sendv(fd, iov, (size_t)n, 0);
	default:
		ret = vector_size(iov, n);
		return ret > 0 ? slow_sendmsg(fd, &m, 0) : hook_result(ret);
	}
}

HOOK(ssize_t, sendto, (int fd, const void *buf, size_t len, int flags, const struct sockaddr *sa,
		       socklen_t salen))
{
	switch (fdtab_class(fd)) {
	case FD_FOREIGN:
		return sys_sendto(fd, buf, len, flags, sa, salen);
	case FD_STREAM:
		if (flags & STREAM_SLOW_SEND || sa)
			return slow_send(fd, buf, len, flags, sa, salen);
		return send_error(fd, flags,
				  sys_send(fd, buf, len, sandboxed ? flags : flags | MSG_NOSIGNAL));
	default:
		return slow_send(fd, buf, len, flags, sa, salen);
	}
}

HOOK(ssize_t, send, (int fd, const void *buf, size_t len, int flags))
{
	return hook_sendto(fd, buf, len, flags, NULL, 0);
}

HOOK(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags))
{
	switch (fdtab_class(fd)) {
	case FD_FOREIGN:
		return sys_sendmsg(fd, m, flags);
	case FD_STREAM:
		if (!mem_readable(m, sizeof(*m)) || flags & STREAM_SLOW_SEND || m->msg_controllen ||
		    m->msg_name)
			return slow_sendmsg(fd, m, flags);
		return stream_sendv(fd, m->msg_iov, m->msg_iovlen, flags);
	default:
		return slow_sendmsg(fd, m, flags);
	}
}

HOOK(int, sendmmsg, (int fd, struct mmsghdr *v, unsigned n, int flags))
{
	unsigned done;

	if (fdtab_class(fd) == FD_FOREIGN)
		return sys_sendmmsg(fd, v, n, flags);
	if (n > CHUNK_MMSG)
		n = CHUNK_MMSG;
	for (done = 0; done < n; done++) {
		ssize_t len = mem_writable(&v[done], sizeof(v[done])) ?
			hook_sendmsg(fd, &v[done].msg_hdr, flags) : hook_result(-EFAULT);

		if (len < 0)
			break;
		v[done].msg_len = (unsigned)len;
	}
	return done || !n ? (int)done : -1;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* what is left of a time-out; false: it cannot be told */
static bool time_left(struct timespec *t, int64_t end)
{
	int64_t left = end - now_ns();

	if (!mem_writable(t, sizeof(*t)))
		return false;
	left = left < 0 ? 0 : left;
	t->tv_sec = (time_t)(left / 1000000000);
	t->tv_nsec = (long)(left % 1000000000);
	return true;
}

/* recvmmsg(2): the timeout is looked at after each datagram, as in Linux */
HOOK(int, recvmmsg, (int fd, struct mmsghdr *v, unsigned n, int flags, struct timespec *t))
{
	int64_t end = 0;
	unsigned done = 0;

	if (fdtab_class(fd) == FD_FOREIGN) {
		int got = sys_recvmmsg(fd, v, n, flags, t);

		for (int i = 0; i < got; i++)
			forget_received(&v[i].msg_hdr);
		return got;
	}
	if (t && !mem_readable(t, sizeof(*t)))
		return (int)hook_result(-EFAULT);
	if (t && (t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec >= 1000000000))
		return (int)hook_result(-EINVAL);
	if (n > CHUNK_MMSG)
		n = CHUNK_MMSG;
	if (t)
		end = now_ns() + (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
	while (done < n) {
		ssize_t len = mem_writable(&v[done], sizeof(v[done])) ?
			slow_recvmsg(fd, &v[done].msg_hdr, flags & ~MSG_WAITFORONE) :
			hook_result(-EFAULT);

		if (len < 0)
			break;
		v[done++].msg_len = (unsigned)len;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (t && now_ns() >= end)
			break;
	}
	if (done && t && !time_left(t, end))
		return (int)hook_result(-EFAULT);
	return done || !n ? (int)done : -1;
}
