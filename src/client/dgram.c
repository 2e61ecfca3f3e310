/* dgram.c - datagrams: put the header on, take it off
 *
 * Theory of operation
 * A datagram socket is a SOCK_SEQPACKET pair; each record is struct dgram_hdr
 * and the payload (proto/dgram.h).  Sending costs one sendmsg(), receiving one
 * recvmsg(): blocking, timeouts and signals are the kernel's.  The header
 * brings what ancillary data mostly tell; which of it the application wants
 * stands in the descriptor's tag (tag.c).  What is longer (IP options) stands in
 * front of the data if it was asked for; then the header is looked at first.  What
 * a send is to tell is found out before the write (outlook.c).
 *
 * An error record (ICMP) fails the next receive with its errno, as a pending
 * socket error does.  With IP_RECVERR it stays in front until MSG_ERRQUEUE
 * fetches it, but is told only once: a program that never asks for the error
 * queue goes on.  Such a socket polls readable, as everything that has a
 * record; poll(2) of the shim shows POLLERR instead (dgram_poll.c).
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <linux/errqueue.h>
#include "client/client.h"
#include "client/dgram_cmsg.h"
#include "client/sys.h"
#include "proto/dgram.h"

#define PAYLOAD_MAX4	65507
#define PAYLOAD_MAX6	65527
#define RECV_FLAGS	(MSG_PEEK | MSG_DONTWAIT)
#define SEND_FLAGS	(MSG_DONTWAIT)

/* --- sending --- */

/* the destination; without one the socket must be connected */
static int send_name(const struct msghdr *m, struct tag t, struct dgram_hdr *h)
{
	struct msg_addr a;
	int ret;

	if (!m->msg_name || !m->msg_namelen)
		return t.state == TAG_CONNECTED ? 0 : -EDESTADDRREQ;
	if (m->msg_namelen < sizeof(struct sockaddr_in))
		return -EINVAL;
	if (t.domain == AF_INET && ((struct sockaddr *)m->msg_name)->sa_family == AF_INET6)
		return -EAFNOSUPPORT;
	ret = msg_addr_set(&a, m->msg_name, m->msg_namelen);
	if (ret)
		return ret;
	switch (a.addr.sa.sa_family) {
	case AF_UNSPEC:
		if (t.domain != AF_INET)
			return t.state == TAG_CONNECTED ? 0 : -EDESTADDRREQ;
		a.addr.sa.sa_family = AF_INET;
		break;
	case AF_INET:
		break;
	case AF_INET6:
		if (t.domain == AF_INET6)
			break;
		return -EAFNOSUPPORT;
	default:
		return t.domain == AF_INET6 ? -EINVAL : -EAFNOSUPPORT;
	}
	/* sin_port and sin6_port share their place; only UDP needs it */
	if (t.type == SOCK_DGRAM && !(t.opts & TAG_OPT_PING) && a.addr.in.sin_port == 0)
		return -EINVAL;
	/* a network's own broadcast address only the daemon knows */
	if (a.addr.sa.sa_family == AF_INET && a.addr.in.sin_addr.s_addr == INADDR_BROADCAST &&
	    !(t.opts & TAG_OPT_BROADCAST))
		return -EACCES;
	h->peer = a.addr;
	return 0;
}

static int payload_size(const struct msghdr *m, int domain, size_t *total)
{
	*total = 0;
	if (m->msg_iovlen >= IOV_MAX)
		return -EMSGSIZE;
	for (size_t i = 0; i < m->msg_iovlen; i++) {
		if (m->msg_iov[i].iov_len > PAYLOAD_MAX6)
			return (ssize_t)m->msg_iov[i].iov_len < 0 ? -EINVAL : -EMSGSIZE;
		*total += m->msg_iov[i].iov_len;
	}
	return *total > (domain == AF_INET6 ? PAYLOAD_MAX6 : PAYLOAD_MAX4) ? -EMSGSIZE : 0;
}

/* what a record is made of, for sendmsg() and recvmsg(); how many pieces */
static size_t frame(struct iovec *iov, struct dgram_hdr *h, void *ctl, size_t ctl_len,
		    const struct msghdr *m)
{
	size_t n = 0;

	iov[n++] = (struct iovec){ h, sizeof(*h) };
	if (ctl_len)
		iov[n++] = (struct iovec){ ctl, ctl_len };
	if (m->msg_iovlen)
		memcpy(iov + n, m->msg_iov, m->msg_iovlen * sizeof(*iov));
	return n + m->msg_iovlen;
}

static bool daemon_answers(const struct sockname *sn)
{
	struct msg_stat st;
	struct conn_req r = {
		.op = MSG_OP_STAT, .sock = sn->id, .fd = -1, .reply = &st, .reply_size = sizeof(st),
	};

	return conn_call(sn->path, &r) == 0;
}

/* IPv6's UDP never looked at MSG_OOB; toward an IPv4 address it is IPv4's */
static bool minds_oob(int fd, const struct sockname *sn, const struct msghdr *m, struct tag t)
{
	struct sockaddr_in6 peer = { .sin6_family = AF_UNSPEC };
	socklen_t len = sizeof(peer);

	if (t.domain == AF_INET || t.type == SOCK_RAW || t.opts & TAG_OPT_PING)
		return true;
	if (!m->msg_name || !m->msg_namelen)
		client_getname(fd, sn, true, (struct sockaddr *)&peer, &len);
	else
		memcpy(&peer, m->msg_name, m->msg_namelen < sizeof(peer) ? m->msg_namelen : sizeof(peer));
	return peer.sin6_family == AF_INET ||
	       (peer.sin6_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr));
}

/* all that the call and the socket's tag tell by themselves */
static int prepare(const struct msghdr *m, int flags, struct tag t, struct dgram_hdr *h,
		   struct dgram_ctls *ctl, size_t *total)
{
	int ret;

	if (flags & MSG_MORE && (t.type == SOCK_RAW || t.opts & TAG_OPT_PING))
		return -EOPNOTSUPP;
	ret = payload_size(m, t.domain, total);
	if (!ret)
		ret = send_name(m, t, h);
	if (!ret && t.opts & TAG_OPT_WR_SHUT)
		ret = -EPIPE;
	if (!ret)
		ret = dgram_read_cmsgs(m, t.domain, h, ctl);
	if (flags & MSG_CONFIRM)
		h->flags |= DGRAM_F_CONFIRM;
	if (flags & MSG_MORE)
		h->flags |= DGRAM_F_MORE;
	return ret;
}

/**
 * dgram_sendmsg() - sendmsg(2) on a datagram socket
 *
 * Return: bytes of payload, or -errno; -EBADFD: it is no datagram socket of a stack
 */
ssize_t dgram_sendmsg(int fd, const struct sockname *sn, const struct msghdr *m, int flags)
{
	struct dgram_hdr h = { .version = DGRAM_VERSION, .type = DGRAM_DATA };
	uint8_t b[m->msg_control && m->msg_controllen ? DGRAM_CTL_MAX : 1];
	struct dgram_ctls ctl = { .b = b, .size = sizeof(b) };
	struct tag t = tag_get(fd);
	struct msghdr k = { 0 };
	bool settle;
	size_t total;
	ssize_t n;
	int ret;

	if (t.type == SOCK_STREAM)
		return -EBADFD;
	ret = flags & MSG_OOB && minds_oob(fd, sn, m, t) ? -EOPNOTSUPP :
		prepare(m, flags, t, &h, &ctl, &total);
	/* a send that fails leaves a socket with a port, too (inet_send_prepare()) */
	if (ret && t.type == SOCK_DGRAM && t.state == TAG_NEW)
		outlook_settle(sn);
	if (!ret)
		ret = outlook_foresee(fd, sn, t, &h, total, &settle);
	if (ret)
		return ret;

	struct iovec iov[m->msg_iovlen + 2];

	k.msg_iov = iov;
	k.msg_iovlen = frame(iov, &h, ctl.b, ctl.len, m);
	n = sys_sendmsg(fd, &k, (flags & SEND_FLAGS) | MSG_NOSIGNAL);
	ret = errno;
	if (n >= 0 && settle)
		outlook_settle(sn);
	if (n >= 0)
		return n - (ssize_t)(sizeof(h) + ctl.len);
	if (ret == EPIPE || ret == ECONNRESET)
		return daemon_answers(sn) ? -EPIPE : -ENETDOWN;
	return -ret;
}

/* --- receiving --- */

static void put_name(struct msghdr *m, const union msg_sockaddr *a)
{
	if (m->msg_name)
		client_copy_addr(a, m->msg_name, &m->msg_namelen);
}

/* one record: header, control data of the length that is expected, and payload; the
 * record's size, 0 at end of file, -errno */
static ssize_t get_record_ctl(int fd, struct dgram_hdr *h, struct dgram_ctls *ctl,
			      const struct msghdr *m, int flags)
{
	struct iovec iov[m->msg_iovlen + 2];
	struct msghdr k = { .msg_iov = iov };
	ssize_t n;

	k.msg_iovlen = frame(iov, h, ctl->b, ctl->len, m);
	n = sys_recvmsg(fd, &k, (flags & RECV_FLAGS) | MSG_TRUNC);
	return n < 0 ? -errno : n;
}

static ssize_t get_record(int fd, struct dgram_hdr *h, const struct msghdr *m, int flags)
{
	struct dgram_ctls none = { 0 };

	return get_record_ctl(fd, h, &none, m, flags);
}

/* how much control data the next record has; waits for it as @flags say; -errno */
static ssize_t expect(int fd, int flags)
{
	struct msghdr none = { 0 };
	struct dgram_hdr h;
	ssize_t n = get_record(fd, &h, &none, flags | MSG_PEEK);

	return n < 0 ? n : n < (ssize_t)sizeof(h) ? 0 : (ssize_t)dgram_ctl_len(&h);
}

static void drop_record(int fd)
{
	char byte;

	while (sys_recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EINTR)
		;
}

/* end of file on the pair: shut down for reading, which Linux shows only to who
 * would wait; or nobody is there */
static int ended(int fd, const struct sockname *sn, int flags)
{
	struct pollfd p = { .fd = fd };

	if (sys_poll(&p, 1, 0) > 0 && p.revents & POLLHUP && !daemon_answers(sn))
		return -ENETDOWN;
	return flags & MSG_DONTWAIT || client_nonblocking(fd) ? -EAGAIN : 0;
}

static size_t room(const struct msghdr *m)
{
	size_t total = 0;

	for (size_t i = 0; i < m->msg_iovlen; i++)
		total += m->msg_iov[i].iov_len;
	return total;
}

#define RECVERR_OPTS	(TAG_OPT_RECVERR | TAG_OPT_RECVERR6)

/* recvmsg(MSG_ERRQUEUE): the error in front, with struct sock_extended_err */
static ssize_t recv_error_queue(int fd, struct tag t, struct msghdr *m)
{
	struct {
		struct sock_extended_err ee;
		union msg_sockaddr offender;
	} e = { 0 };
	struct dgram_hdr h;
	struct msghdr none = { 0 };
	ssize_t n = get_record(fd, &h, &none, MSG_PEEK | MSG_DONTWAIT);
	bool v6;

	if (n < (ssize_t)sizeof(h) || h.type != DGRAM_ERROR)
		return -EAGAIN;
	n = get_record(fd, &h, m, MSG_DONTWAIT);
	if (n < (ssize_t)sizeof(h) || h.type != DGRAM_ERROR)
		return -EAGAIN;
	v6 = t.domain == AF_INET6;
	e.ee.ee_errno = (uint32_t)h.err;
	switch (h.offender.sa.sa_family) {
	case AF_INET:
		e.ee.ee_origin = SO_EE_ORIGIN_ICMP;
		break;
	case AF_INET6:
		e.ee.ee_origin = SO_EE_ORIGIN_ICMP6;
		break;
	default:
		e.ee.ee_origin = SO_EE_ORIGIN_LOCAL;
		break;
	}
	e.ee.ee_type = h.icmp_type;
	e.ee.ee_code = h.icmp_code;
	e.ee.ee_info = h.info;
	e.offender = h.offender;
	m->msg_flags = MSG_ERRQUEUE | ((size_t)n - sizeof(h) > room(m) ? MSG_TRUNC : 0);
	put_name(m, &h.peer);
	dgram_put_cmsgs(m, &h, NULL, t.opts, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
			v6 ? IPV6_RECVERR : IP_RECVERR, &e,
			sizeof(e.ee) + (v6 ? sizeof(e.offender.in6) : sizeof(e.offender.in)));
	t.opts &= ~(unsigned)TAG_OPT_ERR_TOLD;
	tag_set(fd, t);
	n -= sizeof(h);
	return (size_t)n < room(m) ? n : (ssize_t)room(m);
}

/* an error record is in front; -errno to report, or 0 to go on with the next */
static int front_error(int fd, int err)
{
	struct tag t = tag_get(fd);

	if (!(t.opts & RECVERR_OPTS)) {
		drop_record(fd);
		return -err;
	}
	t.opts ^= TAG_OPT_ERR_TOLD;
	tag_set(fd, t);
	if (t.opts & TAG_OPT_ERR_TOLD)
		return -err;
	drop_record(fd);
	return 0;
}

/**
 * dgram_recvmsg() - recvmsg(2) on a datagram socket
 * @m:	filled in as recvmsg(2) does: name, control data, flags
 *
 * Return: bytes of payload, or -errno; -EBADFD: it is no datagram socket of a stack
 */
ssize_t dgram_recvmsg(int fd, const struct sockname *sn, struct msghdr *m, int flags)
{
	struct tag t = tag_get(fd);
	struct dgram_hdr h;
	ssize_t n;
	size_t size;
	bool peek;

	if (t.type == SOCK_STREAM)
		return -EBADFD;
	if (m->msg_iovlen >= IOV_MAX)
		return -EMSGSIZE;
	if (flags & MSG_ERRQUEUE)
		return recv_error_queue(fd, t, m);
	if (flags & MSG_OOB && t.type == SOCK_RAW)
		return -EOPNOTSUPP;

	uint8_t b[t.opts & TAG_OPT_CTL ? DGRAM_CTL_MAX : 1];
	struct dgram_ctls ctl = { .b = b, .size = sizeof(b) };

	/* an error must stay in front until it was fetched */
	peek = flags & MSG_PEEK || t.opts & RECVERR_OPTS;
	for (;;) {
		n = t.opts & TAG_OPT_CTL ? expect(fd, flags) : 0;
		if (n >= 0) {
			ctl.len = (size_t)n;
			n = get_record_ctl(fd, &h, &ctl, m, peek ? flags | MSG_PEEK : flags);
		}
		if (n < 0)
			return n == -ECONNRESET ? -ENETDOWN : n;
		if (n == 0)
			return ended(fd, sn, flags);
		if (n < (ssize_t)sizeof(h) || h.version != DGRAM_VERSION)
			continue;
		if (h.type == DGRAM_ERROR) {
			int err = peek ? front_error(fd, h.err) : -h.err;

			if (err)
				return err;
			continue;
		}
		if (peek && !(flags & MSG_PEEK))
			drop_record(fd);
		break;
	}
	if (dgram_ctl_len(&h) != ctl.len)
		dgram_realign(m, &ctl, dgram_ctl_len(&h));
	n -= (ssize_t)(sizeof(h) + dgram_ctl_len(&h));
	size = room(m);
	m->msg_flags = (size_t)n > size ? MSG_TRUNC : 0;
	put_name(m, &h.peer);
	dgram_put_cmsgs(m, &h, &ctl, t.opts, 0, 0, NULL, 0);
	return flags & MSG_TRUNC || (size_t)n <= size ? n : (ssize_t)size;
}

/**
 * dgram_front_error() - The errno of the record in front, if it is an error; else 0
 */
int dgram_front_error(int fd)
{
	struct msghdr none = { 0 };
	struct dgram_hdr h;

	return get_record(fd, &h, &none, MSG_PEEK | MSG_DONTWAIT) >= (ssize_t)sizeof(h) &&
	       h.type == DGRAM_ERROR ? h.err : 0;
}

/**
 * dgram_so_error() - SO_ERROR: the error record in front, which is taken
 *
 * Return: positive errno or 0
 */
int dgram_so_error(int fd)
{
	int err = dgram_front_error(fd);
	struct tag t;

	if (!err)
		return 0;
	t = tag_get(fd);
	if (t.opts & TAG_OPT_ERR_TOLD)
		return 0;
	if (t.opts & RECVERR_OPTS) {
		t.opts |= TAG_OPT_ERR_TOLD;
		tag_set(fd, t);
	} else {
		drop_record(fd);
	}
	return err;
}

/**
 * dgram_pending() - FIONREAD: size of the next datagram, 0 if there is none
 */
int dgram_pending(int fd)
{
	struct dgram_hdr h;
	struct msghdr none = { 0 };
	ssize_t n = get_record(fd, &h, &none, MSG_PEEK | MSG_DONTWAIT);

	n -= (ssize_t)sizeof(h);
	return n > 0 && h.type == DGRAM_DATA ? (int)(n - (ssize_t)dgram_ctl_len(&h)) : 0;
}
