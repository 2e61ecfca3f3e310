/* dgram.c - datagrams: put the header on, take it off
 *
 * Theory of operation
 * A datagram socket is a SOCK_SEQPACKET pair; each record is struct dgram_hdr
 * and the payload (proto/dgram.h).  Sending costs one sendmsg(), receiving one
 * recvmsg(): blocking, timeouts and signals are the kernel's.  The header
 * brings all that ancillary data can tell; which of it the application wants
 * stands in the descriptor's tag (tag.c).
 *
 * An error record (ICMP) fails the next receive with its errno, as a pending
 * socket error does.  With IP_RECVERR it stays in front until MSG_ERRQUEUE
 * fetches it, but is told only once: a program that never asks for the error
 * queue goes on.  Such a socket polls readable, as everything that has a
 * record; poll(2) of the shim shows POLLERR instead (dgram_polls_error()).
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <linux/errqueue.h>
#include "client/client.h"
#include "client/sys.h"
#include "proto/dgram.h"

#define PAYLOAD_MAX4	65507
#define PAYLOAD_MAX6	65527
#define RECV_FLAGS	(MSG_PEEK | MSG_DONTWAIT)
#define SEND_FLAGS	(MSG_DONTWAIT)

/* --- sending --- */

static int pktinfo4(const struct cmsghdr *c, struct dgram_hdr *h)
{
	struct in_pktinfo pi;

	if (c->cmsg_len != CMSG_LEN(sizeof(pi)))
		return -EINVAL;
	memcpy(&pi, CMSG_DATA(c), sizeof(pi));
	h->ifindex = (uint32_t)pi.ipi_ifindex;
	h->local.in.sin_family = AF_INET;
	h->local.in.sin_addr = pi.ipi_spec_dst;
	h->flags |= DGRAM_F_LOCAL;
	return 0;
}

static int pktinfo6(const struct cmsghdr *c, struct dgram_hdr *h)
{
	struct in6_pktinfo pi;

	if (c->cmsg_len < CMSG_LEN(sizeof(pi)))
		return -EINVAL;
	memcpy(&pi, CMSG_DATA(c), sizeof(pi));
	h->ifindex = pi.ipi6_ifindex;
	h->local.in6.sin6_family = AF_INET6;
	h->local.in6.sin6_addr = pi.ipi6_addr;
	h->flags |= DGRAM_F_LOCAL;
	return 0;
}

/* an int in [0, 255], or -1 for the default, of which nothing is noted */
static int small_int(const struct cmsghdr *c, uint8_t *to, uint16_t *flags, int flag, int min)
{
	int v;

	if (c->cmsg_len == CMSG_LEN(1)) {
		v = *CMSG_DATA(c);
	} else if (c->cmsg_len == CMSG_LEN(sizeof(v))) {
		memcpy(&v, CMSG_DATA(c), sizeof(v));
	} else {
		return -EINVAL;
	}
	if (v == -1)
		return 0;
	if (v < min || v > 255)
		return -EINVAL;
	*to = (uint8_t)v;
	*flags |= (uint16_t)flag;
	return 0;
}

static int send_cmsg(const struct cmsghdr *c, struct dgram_hdr *h)
{
	if (c->cmsg_level == IPPROTO_IP) {
		switch (c->cmsg_type) {
		case IP_PKTINFO:
			return pktinfo4(c, h);
		case IP_TTL:
			return small_int(c, &h->ttl, &h->flags, DGRAM_F_TTL, 1);
		case IP_TOS:
			return small_int(c, &h->tos, &h->flags, DGRAM_F_TOS, 0);
		default:
			return -EINVAL;
		}
	}
	if (c->cmsg_level == IPPROTO_IPV6) {
		switch (c->cmsg_type) {
		case IPV6_PKTINFO:
			return pktinfo6(c, h);
		case IPV6_HOPLIMIT:
			return small_int(c, &h->ttl, &h->flags, DGRAM_F_TTL, 0);
		case IPV6_TCLASS:
			return small_int(c, &h->tos, &h->flags, DGRAM_F_TOS, 0);
		default:
			return -EINVAL;
		}
	}
	if (c->cmsg_level == IPPROTO_UDP) {
		uint16_t size;

		if (c->cmsg_type != UDP_SEGMENT || c->cmsg_len != CMSG_LEN(sizeof(size)))
			return -EINVAL;
		memcpy(&size, CMSG_DATA(c), sizeof(size));
		h->info = size;
		h->flags |= DGRAM_F_SEGMENT;
	}
	return 0;			/* of no concern to this protocol */
}

static int send_cmsgs(const struct msghdr *m, struct dgram_hdr *h)
{
	int bad = io_check_control(m);

	if (bad || !m->msg_control || !m->msg_controllen)
		return bad;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR((struct msghdr *)m, c)) {
		int ret = send_cmsg(c, h);

		if (ret)
			return ret;
	}
	return 0;
}

/* the destination; without one the socket must be connected */
static int send_name(int fd, const struct msghdr *m, struct tag t, struct dgram_hdr *h)
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
			return -EMSGSIZE;
		*total += m->msg_iov[i].iov_len;
	}
	return *total > (domain == AF_INET6 ? PAYLOAD_MAX6 : PAYLOAD_MAX4) ? -EMSGSIZE : 0;
}

static bool daemon_answers(const struct sockname *sn)
{
	struct msg_stat st;
	struct conn_req r = {
		.op = MSG_OP_STAT, .sock = sn->id, .fd = -1, .reply = &st, .reply_size = sizeof(st),
	};

	return conn_call(sn->path, &r) == 0;
}

/**
 * dgram_sendmsg() - sendmsg(2) on a datagram socket
 *
 * Return: bytes of payload, or -errno
 */
ssize_t dgram_sendmsg(int fd, const struct sockname *sn, const struct msghdr *m, int flags)
{
	struct dgram_hdr h = { .version = DGRAM_VERSION, .type = DGRAM_DATA };
	struct tag t = tag_get(fd);
	struct msghdr k = { 0 };
	size_t total;
	ssize_t n;
	int ret;

	/* IPv6's UDP never looked at MSG_OOB */
	if (flags & MSG_OOB && (t.domain == AF_INET || t.type == SOCK_RAW))
		return -EOPNOTSUPP;
	if (flags & MSG_MORE && (t.type == SOCK_RAW || t.opts & TAG_OPT_PING))
		return -EOPNOTSUPP;
	ret = payload_size(m, t.domain, &total);
	if (!ret)
		ret = send_name(fd, m, t, &h);
	if (!ret && t.opts & TAG_OPT_WR_SHUT)
		ret = -EPIPE;
	if (!ret)
		ret = send_cmsgs(m, &h);
	if (ret)
		return ret;
	if (flags & MSG_CONFIRM)
		h.flags |= DGRAM_F_CONFIRM;
	if (flags & MSG_MORE)
		h.flags |= DGRAM_F_MORE;

	struct iovec iov[m->msg_iovlen + 1];

	iov[0] = (struct iovec){ &h, sizeof(h) };
	if (m->msg_iovlen)
		memcpy(iov + 1, m->msg_iov, m->msg_iovlen * sizeof(*iov));
	k.msg_iov = iov;
	k.msg_iovlen = m->msg_iovlen + 1;
	n = sys_sendmsg(fd, &k, (flags & SEND_FLAGS) | MSG_NOSIGNAL);
	if (n >= 0)
		return n - (ssize_t)sizeof(h);
	ret = errno;
	if (ret == EPIPE || ret == ECONNRESET)
		return daemon_answers(sn) ? -EPIPE : -ENETDOWN;
	return -ret;
}

/* --- receiving --- */

struct ctl {
	struct msghdr *m;
	size_t used;
};

static void put_cmsg(struct ctl *c, int level, int type, const void *data, size_t len)
{
	struct msghdr *m = c->m;
	struct cmsghdr *h;
	size_t room = m->msg_control && m->msg_controllen > c->used ? m->msg_controllen - c->used
								       : 0;

	if (room < CMSG_LEN(len))
		m->msg_flags |= MSG_CTRUNC;
	if (room < sizeof(*h))
		return;
	if (room < CMSG_LEN(len))	/* as much as fits, as the kernel's put_cmsg() */
		len = room - CMSG_LEN(0);
	h = (struct cmsghdr *)((char *)m->msg_control + c->used);
	h->cmsg_level = level;
	h->cmsg_type = type;
	h->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(h), data, len);
	c->used += room < CMSG_SPACE(len) ? room : CMSG_SPACE(len);
}

static void put_pktinfo(struct ctl *c, const struct dgram_hdr *h, unsigned opts)
{
	if (opts & TAG_OPT_PKTINFO && h->local.sa.sa_family == AF_INET) {
		struct in_pktinfo pi = {
			.ipi_ifindex = (int)h->ifindex,
			.ipi_spec_dst = h->local.in.sin_addr,
			.ipi_addr = h->local.in.sin_addr,
		};

		put_cmsg(c, IPPROTO_IP, IP_PKTINFO, &pi, sizeof(pi));
	}
	if (opts & TAG_OPT_PKTINFO6 && h->local.sa.sa_family == AF_INET6) {
		struct in6_pktinfo pi = {
			.ipi6_addr = h->local.in6.sin6_addr,
			.ipi6_ifindex = h->ifindex,
		};

		put_cmsg(c, IPPROTO_IPV6, IPV6_PKTINFO, &pi, sizeof(pi));
	}
}

static void put_stamp(struct ctl *c, const struct dgram_hdr *h, unsigned opts)
{
	struct timespec ts = {
		.tv_sec = (time_t)(h->stamp_ns / 1000000000),
		.tv_nsec = (long)(h->stamp_ns % 1000000000),
	};

	if (!h->stamp_ns)
		clock_gettime(CLOCK_REALTIME, &ts);
	if (opts & TAG_OPT_TIMESTAMPNS) {
		put_cmsg(c, SOL_SOCKET, SO_TIMESTAMPNS, &ts, sizeof(ts));
	} else {
		struct timeval tv = { ts.tv_sec, ts.tv_nsec / 1000 };

		put_cmsg(c, SOL_SOCKET, SO_TIMESTAMP, &tv, sizeof(tv));
	}
}

static void put_origdst(struct ctl *c, const struct dgram_hdr *h, unsigned opts)
{
	if (opts & TAG_OPT_ORIGDST && h->local.sa.sa_family == AF_INET)
		put_cmsg(c, IPPROTO_IP, IP_ORIGDSTADDR, &h->local.in, sizeof(h->local.in));
	if (opts & TAG_OPT_ORIGDST6 && h->local.sa.sa_family == AF_INET6)
		put_cmsg(c, IPPROTO_IPV6, IPV6_ORIGDSTADDR, &h->local.in6, sizeof(h->local.in6));
}

static void put_all(struct ctl *c, const struct dgram_hdr *h, unsigned opts)
{
	int ttl = h->ttl, tos = h->tos;
	bool v4 = h->local.sa.sa_family == AF_INET ||
		  IN6_IS_ADDR_V4MAPPED(&h->local.in6.sin6_addr);

	if (opts & (TAG_OPT_TIMESTAMP | TAG_OPT_TIMESTAMPNS))
		put_stamp(c, h, opts);
	if (opts & TAG_OPT_RXQ_OVFL && h->type == DGRAM_DATA && h->info)
		put_cmsg(c, SOL_SOCKET, SO_RXQ_OVFL, &h->info, sizeof(h->info));
	if (h->type == DGRAM_ERROR && h->offender.sa.sa_family == AF_UNSPEC)
		return;			/* ours: no packet came */
	if (opts & (TAG_OPT_PKTINFO | TAG_OPT_PKTINFO6))
		put_pktinfo(c, h, opts);
	if (v4 && opts & TAG_OPT_TTL)
		put_cmsg(c, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	if (v4 && opts & TAG_OPT_TOS)
		put_cmsg(c, IPPROTO_IP, IP_TOS, &h->tos, sizeof(h->tos));
	if (!v4 && opts & TAG_OPT_HOPLIMIT)
		put_cmsg(c, IPPROTO_IPV6, IPV6_HOPLIMIT, &ttl, sizeof(ttl));
	if (!v4 && opts & TAG_OPT_TCLASS)
		put_cmsg(c, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	if (opts & (TAG_OPT_ORIGDST | TAG_OPT_ORIGDST6))
		put_origdst(c, h, opts);
}

static void put_cmsgs(struct msghdr *m, const struct dgram_hdr *h, unsigned opts)
{
	struct ctl c = { .m = m };

	put_all(&c, h, opts);
	m->msg_controllen = c.used;
}

static void put_name(struct msghdr *m, const union msg_sockaddr *a)
{
	if (m->msg_name)
		client_copy_addr(a, m->msg_name, &m->msg_namelen);
}

/* one record: header and payload; the record's size, 0 at end of file, -errno */
static ssize_t get_record(int fd, struct dgram_hdr *h, const struct msghdr *m, int flags)
{
	struct iovec iov[m->msg_iovlen + 1];
	struct msghdr k = { .msg_iov = iov, .msg_iovlen = m->msg_iovlen + 1 };
	ssize_t n;

	iov[0] = (struct iovec){ h, sizeof(*h) };
	if (m->msg_iovlen)
		memcpy(iov + 1, m->msg_iov, m->msg_iovlen * sizeof(*iov));
	n = sys_recvmsg(fd, &k, (flags & RECV_FLAGS) | MSG_TRUNC);
	return n < 0 ? -errno : n;
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
static ssize_t recv_error_queue(int fd, struct msghdr *m)
{
	struct tag t = tag_get(fd);
	struct {
		struct sock_extended_err ee;
		union msg_sockaddr offender;
	} e = { 0 };
	struct ctl c = { .m = m };
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
	put_all(&c, &h, t.opts);
	put_cmsg(&c, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &e,
		 sizeof(e.ee) + (v6 ? sizeof(e.offender.in6) : sizeof(e.offender.in)));
	m->msg_controllen = c.used;
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
 * Return: bytes of payload, or -errno
 */
ssize_t dgram_recvmsg(int fd, const struct sockname *sn, struct msghdr *m, int flags)
{
	struct tag t;
	struct dgram_hdr h;
	ssize_t n;
	size_t size;
	bool peek;

	if (m->msg_iovlen >= IOV_MAX)
		return -EMSGSIZE;
	if (flags & MSG_ERRQUEUE)
		return recv_error_queue(fd, m);
	t = tag_get(fd);
	if (flags & MSG_OOB && t.type == SOCK_RAW)
		return -EOPNOTSUPP;
	/* an error must stay in front until it was fetched */
	peek = flags & MSG_PEEK || t.opts & RECVERR_OPTS;
	for (;;) {
		n = get_record(fd, &h, m, peek ? flags | MSG_PEEK : flags);
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
	n -= sizeof(h);
	size = room(m);
	m->msg_flags = (size_t)n > size ? MSG_TRUNC : 0;
	put_name(m, &h.peer);
	put_cmsgs(m, &h, t.opts);
	return flags & MSG_TRUNC || (size_t)n <= size ? n : (ssize_t)size;
}

/**
 * dgram_so_error() - SO_ERROR: the error record in front, which is taken
 *
 * Return: positive errno or 0
 */
int dgram_so_error(int fd)
{
	struct msghdr none = { 0 };
	struct tag t = tag_get(fd);
	struct dgram_hdr h;
	ssize_t n = get_record(fd, &h, &none, MSG_PEEK | MSG_DONTWAIT);

	if (n < (ssize_t)sizeof(h) || h.type != DGRAM_ERROR || t.opts & TAG_OPT_ERR_TOLD)
		return 0;
	if (t.opts & RECVERR_OPTS) {
		t.opts |= TAG_OPT_ERR_TOLD;
		tag_set(fd, t);
	} else {
		drop_record(fd);
	}
	return h.err;
}

/**
 * dgram_pending() - FIONREAD: size of the next datagram, 0 if there is none
 */
int dgram_pending(int fd)
{
	struct dgram_hdr h;
	struct msghdr none = { 0 };
	ssize_t n = get_record(fd, &h, &none, MSG_PEEK | MSG_DONTWAIT);

	return n > (ssize_t)sizeof(h) && h.type == DGRAM_DATA ? (int)(n - (ssize_t)sizeof(h)) : 0;
}

static _Atomic int errors_asked;

/**
 * dgram_ask_errors() - Some socket of this process got IP_RECVERR
 */
void dgram_ask_errors(void)
{
	atomic_store_explicit(&errors_asked, 1, memory_order_relaxed);
}

/**
 * dgram_errors_asked() - May dgram_polls_error() be true at all?
 */
bool dgram_errors_asked(void)
{
	return atomic_load_explicit(&errors_asked, memory_order_relaxed);
}

/**
 * dgram_polls_error() - A socket polls readable: is it for its error queue?
 */
bool dgram_polls_error(int fd)
{
	struct dgram_hdr h;
	struct msghdr none = { 0 };
	int saved = errno;
	bool error = tag_get(fd).opts & RECVERR_OPTS &&
		     get_record(fd, &h, &none, MSG_PEEK | MSG_DONTWAIT) >= (ssize_t)sizeof(h) &&
		     h.type == DGRAM_ERROR;

	errno = saved;
	return error;
}
