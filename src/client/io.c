/* io.c - data calls on a socket of either kind
 *
 * Theory of operation
 * Datagrams go to dgram.c, frames to packet.c.  A stream's bytes go to the kernel; around that, what
 * AF_UNIX would show or accept and TCP does not is kept out: addresses,
 * control data (descriptors must not reach the daemon).  An urgent byte comes natively
 * (AF_UNIX has MSG_OOB since Linux 5.15); one that is sent goes to the daemon by a request.
 * The shim takes the short cut itself for streams that it knows to be
 * connected, and comes here for all else.
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include "client/client.h"
#include "client/memory.h"
#include "client/sys.h"

/* where the first byte of a message goes; NULL: it has room for none */
static char *first_byte(const struct msghdr *m)
{
	for (size_t i = 0; i < m->msg_iovlen; i++)
		if (m->msg_iov[i].iov_len)
			return m->msg_iov[i].iov_base;
	return NULL;
}

/* the urgent byte, as tcp_recv_urg() gives it: without waiting */
static ssize_t recv_urgent(int fd, struct msghdr *m, int flags)
{
	char byte, *to = first_byte(m);
	struct iovec v = { &byte, 1 };
	struct msghdr k = { .msg_iov = &v, .msg_iovlen = 1 };

	if (tag_get(fd).state == TAG_LISTENING)
		return -ENOTCONN;
	if (sys_recvmsg(fd, &k, MSG_OOB | (flags & MSG_PEEK)) < 0)
		return -errno;
	m->msg_namelen = 0;
	m->msg_controllen = 0;
	m->msg_flags = to ? MSG_OOB : MSG_OOB | MSG_TRUNC;
	if (to && !(flags & MSG_TRUNC))
		*to = byte;
	return to != NULL;
}

/* TCP_CM_INQ: how much there is still to be read; 1 if it is the end.  As put_cmsg() puts it */
static void put_inq(int fd, struct msghdr *m, size_t room)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };
	char buf[CMSG_SPACE(sizeof(int))] = "";
	struct cmsghdr *c = (struct cmsghdr *)(void *)buf;
	int inq = 0;

	if (!m->msg_control || room < sizeof(*c)) {
		m->msg_flags |= MSG_CTRUNC;
		return;
	}
	sys_ioctl(fd, FIONREAD, &inq);
	if (!inq && sys_poll(&p, 1, 0) > 0)
		inq = 1;
	c->cmsg_len = CMSG_LEN(sizeof(inq));
	if (c->cmsg_len > room) {
		m->msg_flags |= MSG_CTRUNC;
		c->cmsg_len = room;
	}
	c->cmsg_level = IPPROTO_TCP;
	c->cmsg_type = TCP_CM_INQ;
	memcpy(CMSG_DATA(c), &inq, sizeof(inq));
	m->msg_controllen = room < sizeof(buf) ? room : sizeof(buf);
	memcpy(m->msg_control, buf, m->msg_controllen);
}

static ssize_t stream_recvmsg(int fd, const struct sockname *sn, struct msghdr *m, int flags)
{
	struct msghdr k = { .msg_iov = m->msg_iov, .msg_iovlen = m->msg_iovlen };
	size_t len = 0, room = m->msg_controllen;
	struct tag t;
	ssize_t n;

	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;
	if (flags & MSG_OOB)
		return recv_urgent(fd, m, flags);
	t = tag_get(fd);
	n = t.state == TAG_CONNECTED ? 0 : stream_ready(fd, sn, false, flags);
	if (n)
		return n;
	if (m->msg_name)
		m->msg_namelen = 0;
	m->msg_controllen = 0;
	m->msg_flags = 0;
	if (flags & MSG_TRUNC) {
		for (size_t i = 0; i < m->msg_iovlen; i++)
			len += m->msg_iov[i].iov_len;
		n = stream_discard(fd, len, flags);
	} else {
		n = sys_recvmsg(fd, &k, flags);
		n = n < 0 ? -errno : n;
	}
	if (n < 0)
		n = -stream_recv_error(fd, sn, (int)-n);
	if (n >= 0 && t.opts & TAG_OPT_INQ)
		put_inq(fd, m, room);
	return n;
}

/**
 * io_check_control() - Would Linux take this control data at all?
 *
 * Of SOL_SOCKET it knows some types, of which none means anything here; what is of
 * another level is the protocol's to judge (sock_cmsg_send()).
 *
 * Return: 0 or -EINVAL
 */
int io_check_control(const struct msghdr *m)
{
	struct cmsghdr *c;

	if (!m->msg_controllen)
		return 0;
	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR((struct msghdr *)m, c)) {
		size_t left = (size_t)((char *)m->msg_control + m->msg_controllen - (char *)c);

		if (c->cmsg_len < sizeof(*c) || c->cmsg_len > left)
			return -EINVAL;
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		switch (c->cmsg_type) {
		case SCM_RIGHTS:
		case SCM_CREDENTIALS:
		case SO_MARK:
		case SO_PRIORITY:
		case SO_TIMESTAMPING:
			break;
		default:
			return -EINVAL;
		}
	}
	return 0;
}

/* MSG_FASTOPEN without a cookie, which the stack never has: connect, then send.  The
 * call blocks, or not, as the socket does (tcp_sendmsg_fastopen()) */
static int fast_open(int fd, const struct sockname *sn, const struct msghdr *m, int flags)
{
	const struct sockaddr *sa = m->msg_name;

	if (!sa || !m->msg_namelen)
		return tag_get(fd).state == TAG_CONNECTED ? -EISCONN : -EINVAL;
	if (m->msg_namelen >= sizeof(sa->sa_family) && sa->sa_family == AF_UNSPEC)
		return -EOPNOTSUPP;
	return client_connect(fd, sn, sa, m->msg_namelen);
}

/* take the end of a message out of its vectors */
static void take_end(struct msghdr *m, struct msg_urgent *u)
{
	uint32_t left;

	for (size_t i = m->msg_iovlen, n = 0; i-- && n < MSG_URGENT_MAX; ) {
		n += m->msg_iov[i].iov_len;
		u->len = (uint32_t)(n < MSG_URGENT_MAX ? n : MSG_URGENT_MAX);
	}
	left = u->len;
	for (size_t i = m->msg_iovlen; i-- && left; ) {
		struct iovec *v = &m->msg_iov[i];
		uint32_t n = v->iov_len < left ? (uint32_t)v->iov_len : left;

		left -= n;
		v->iov_len -= n;
		memcpy(u->data + left, (const char *)v->iov_base + v->iov_len, n);
	}
}

/* MSG_OOB: the last byte is urgent.  With what is just before it, for they shall be in one
 * segment, it goes to the daemon, which puts it behind what is in the pair by then */
static ssize_t send_urgent(int fd, const struct sockname *sn, const struct msghdr *m, int flags)
{
	struct msg_urgent u = { 0 };
	struct conn_req r = {
		.op = MSG_OP_URGENT, .sock = sn->id, .fd = -1, .body = &u, .body_len = sizeof(u),
	};
	struct iovec v[IOV_MAX];
	struct msghdr k = { .msg_iov = v, .msg_iovlen = m->msg_iovlen };
	size_t before = 0;
	ssize_t n;
	int ret;

	if (m->msg_iovlen > IOV_MAX)
		return -EMSGSIZE;
	memcpy(v, m->msg_iov, m->msg_iovlen * sizeof(*v));
	take_end(&k, &u);
	for (size_t i = 0; i < k.msg_iovlen; i++)
		before += v[i].iov_len;
	n = sys_sendmsg(fd, &k, (flags & ~MSG_OOB) | MSG_NOSIGNAL);	/* tells of a shutdown, too */
	if (n < 0)
		return -stream_send_error(fd, sn, flags, errno);
	if ((size_t)n < before || !u.len)
		return n;
	ret = conn_call(sn->path, &r);
	if (!ret)
		return n + (ssize_t)u.len;
	if (n)
		return n;
	return ret == -EPIPE ? -stream_send_error(fd, sn, flags, EPIPE) : ret;
}

static ssize_t stream_sendmsg(int fd, const struct sockname *sn, const struct msghdr *m, int flags)
{
	struct msghdr k = { .msg_iov = m->msg_iov, .msg_iovlen = m->msg_iovlen };
	ssize_t n;

	if (flags & MSG_ERRQUEUE)
		return -EOPNOTSUPP;
	if (flags & MSG_FASTOPEN) {
		n = fast_open(fd, sn, m, flags);
		if (n)
			return n;
		flags &= ~MSG_FASTOPEN;
	}
	n = stream_ready(fd, sn, true, flags);
	if (!n)
		n = io_check_control(m);
	if (n)
		return n;
	if (flags & MSG_OOB)
		return send_urgent(fd, sn, m, flags);
	n = sys_sendmsg(fd, &k, flags | MSG_NOSIGNAL);
	return n < 0 ? -stream_send_error(fd, sn, flags, errno) : n;
}

#define CONTROL_MAX	131072		/* net.core.optmem_max as it is by default */

/* what the kernel finds in a message before it looks at the socket (__copy_msghdr()) */
static int check_message(const struct msghdr *m)
{
	if ((int)m->msg_namelen < 0)
		return -EINVAL;
	if (m->msg_iovlen > IOV_MAX)
		return -EMSGSIZE;
	return mem_readable(m->msg_iov, m->msg_iovlen * sizeof(*m->msg_iov)) ? 0 : -EFAULT;
}

/* receive without the parts of @m that cannot be written to */
static ssize_t recv_partly(int fd, const struct sockname *sn, struct msghdr *m, int flags,
			   bool name_ok, bool control_ok)
{
	struct msghdr k = *m;
	ssize_t n;

	if (!name_ok)
		k.msg_name = NULL;
	if (!control_ok) {
		k.msg_control = NULL;
		k.msg_controllen = 0;
	}
	n = client_recvmsg(fd, sn, &k, flags);
	if (n < 0 || !name_ok)
		return n < 0 ? n : -EFAULT;
	m->msg_namelen = k.msg_namelen;
	m->msg_controllen = k.msg_controllen;
	m->msg_flags = k.msg_flags & ~MSG_CTRUNC;
	return n;
}

/**
 * client_recvmsg() - recvmsg(2)
 *
 * Return: bytes or -errno
 */
ssize_t client_recvmsg(int fd, const struct sockname *sn, struct msghdr *m, int flags)
{
	bool name_ok, control_ok;
	int ret = mem_writable(m, sizeof(*m)) ? check_message(m) : -EFAULT;

	if (ret)
		return ret;
	name_ok = !m->msg_name || mem_writable(m->msg_name, m->msg_namelen < sizeof(union msg_sockaddr)
					       ? m->msg_namelen : sizeof(union msg_sockaddr));
	control_ok = !m->msg_control || mem_writable(m->msg_control, m->msg_controllen);
	if (__builtin_expect(sn->kind != SOCKNAME_STREAM && !(name_ok && control_ok), 0))
		return recv_partly(fd, sn, m, flags, name_ok, control_ok);
	switch (sn->kind) {
	case SOCKNAME_STREAM:
		return stream_recvmsg(fd, sn, m, flags);
	case SOCKNAME_NETLINK:
		return netlink_recvmsg(fd, sn, m, flags);
	case SOCKNAME_PACKET:
		return packet_recvmsg(fd, sn, m, flags);
	default:
		return dgram_recvmsg(fd, sn, m, flags);
	}
}

/**
 * client_sendmsg() - sendmsg(2)
 *
 * Return: bytes or -errno
 */
ssize_t client_sendmsg(int fd, const struct sockname *sn, const struct msghdr *m, int flags)
{
	int ret = mem_readable(m, sizeof(*m)) ? check_message(m) : -EFAULT;

	if (ret)
		return ret;
	if (m->msg_controllen > CONTROL_MAX)
		return -ENOBUFS;
	if ((m->msg_name && !mem_readable(m->msg_name, m->msg_namelen <
					  sizeof(struct sockaddr_storage) ? m->msg_namelen :
					  sizeof(struct sockaddr_storage))) ||
	    !mem_readable(m->msg_control, m->msg_controllen))
		return -EFAULT;
	switch (sn->kind) {
	case SOCKNAME_STREAM:
		return stream_sendmsg(fd, sn, m, flags);
	case SOCKNAME_NETLINK:
		return netlink_sendmsg(fd, sn, m, flags);
	case SOCKNAME_PACKET:
		return packet_sendmsg(fd, m, flags);
	default:
		return dgram_sendmsg(fd, sn, m, flags);
	}
}

/**
 * client_recvfrom() - recvfrom(2), with a NULL @sa also recv(2) and read(2)
 *
 * Return: bytes or -errno
 */
ssize_t client_recvfrom(int fd, const struct sockname *sn, void *buf, size_t len, int flags,
			struct sockaddr *sa, socklen_t *salen)
{
	struct iovec iov = { buf, len };
	union msg_sockaddr name;
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_name = sa ? &name : NULL, .msg_namelen = sa ? sizeof(name) : 0,
	};
	ssize_t n = client_recvmsg(fd, sn, &m, flags);
	int err = n < 0 || !sa ? 0 : client_give_addr(&name, m.msg_namelen, sa, salen);

	return err ? err : n;
}

/**
 * client_sendto() - sendto(2), with a NULL @sa also send(2) and write(2)
 *
 * Return: bytes or -errno
 */
ssize_t client_sendto(int fd, const struct sockname *sn, const void *buf, size_t len, int flags,
		      const struct sockaddr *sa, socklen_t salen)
{
	struct iovec iov = { (void *)buf, len };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_name = (void *)sa, .msg_namelen = sa ? salen : 0,
	};

	return client_sendmsg(fd, sn, &m, flags);
}
