/* fd.c - a link over a descriptor that we inherited
 *
 * Theory of operation
 * "fd:N" takes what a parent prepared: a tun or tap (given to tuntap.c), or a
 * socket that keeps records apart, one Ethernet frame a record: AF_UNIX
 * SOCK_SEQPACKET or SOCK_DGRAM (one end of a socketpair: another stack, a
 * test, a virtual machine) or a connected UDP socket.  The descriptor is the
 * link's from then on; after a failure it is still the caller's.
 *
 * The end of the peer is -ENETDOWN where the socket can tell: a SEQPACKET
 * pair at once, a DGRAM pair at the next frame sent, UDP never: whoever is
 * not there loses frames.  Records of zero bytes are no end of file.
 *
 * A whole burst is one recvmmsg(2).  In flight are at most FD_SNDBUF bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <net/if.h>
#include <linux/if_tun.h>
#include "link/kind.h"

#define FD_BURST	64		/* records a system call */
#define FD_SNDBUF	(1 << 20)	/* a few bursts; the kernel's default is ~90 frames */

struct fdlink {
	struct link l;
	bool unix_dgram;		/* its peer, once gone, does not come back */
};

/* nothing was read: is that the end of the peer, or a record of zero bytes? */
static bool hung_up(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP));
}

/* errors of earlier frames, which a socket reports once, and shortages */
static bool transient(int e)
{
	return e == EAGAIN || e == EINTR || e == ECONNREFUSED || e == EHOSTUNREACH ||
	       e == ENETUNREACH || e == ENOBUFS || e == ENOMEM;
}

/* move the usable of @r records that were read into b[0..] to its front */
static int keep_frames(struct link *l, struct link_buf *b, const struct mmsghdr *m, int r)
{
	int kept = 0;

	for (int i = 0; i < r; i++) {
		struct link_buf t;

		if (!link_took(l, &b[i], m[i].msg_len))
			continue;
		memset(&b[i].vnet, 0, sizeof(b[i].vnet));
		if (i != kept) {	/* the buffers change places */
			t = b[kept];
			b[kept] = b[i];
			b[i] = t;
		}
		kept++;
	}
	return kept;
}

static int fdlink_recv(struct link *l, struct link_buf *b, int n)
{
	struct mmsghdr m[FD_BURST];
	struct iovec v[FD_BURST];
	int r, end;

	if (n > FD_BURST)
		n = FD_BURST;
	memset(m, 0, n * sizeof(*m));
	for (int i = 0; i < n; i++) {
		v[i].iov_base = b[i].data;
		v[i].iov_len = b[i].size;
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	r = recvmmsg(l->fd, m, n, MSG_DONTWAIT | MSG_TRUNC, NULL);
	if (r < 0)
		return transient(errno) ? 0 : -ENETDOWN;
	for (end = r; end > 0 && !m[end - 1].msg_len; end--)
		;
	if (end < r && hung_up(l->fd)) {
		/* what came before the end is still to be delivered */
		r = keep_frames(l, b, m, end);
		return r ? r : -ENETDOWN;
	}
	return keep_frames(l, b, m, r);
}

static int fdlink_send(struct link *l, const struct iovec *iov, int cnt,
		       const struct virtio_net_hdr *vnet)
{
	struct fdlink *f = container_of(l, struct fdlink, l);
	struct msghdr mh = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)cnt };
	size_t len = link_iov_len(iov, cnt);
	ssize_t r;

	if (len > LINK_FRAME_MAX || cnt < 0 || cnt > IOV_MAX)
		return link_drop(l, -EMSGSIZE);
	do
		r = sendmsg(l->fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r >= 0)
		return link_sent(l, len);
	switch (errno) {
	case EAGAIN:
		return -EAGAIN;
	case EMSGSIZE:
		return link_drop(l, -EMSGSIZE);
	case ECONNREFUSED:
		return link_drop(l, f->unix_dgram ? -ENETDOWN : 0);
	case ENOBUFS:
	case ENOMEM:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EPERM:		/* a firewall's way of dropping */
		return link_drop(l, 0);
	default:		/* EPIPE, ECONNRESET, ENOTCONN */
		return link_drop(l, -ENETDOWN);
	}
}

static void fdlink_close(struct link *l)
{
	close(l->fd);
	free(container_of(l, struct fdlink, l));
}

static const struct link_ops fdlink_ops = {
	.kind = "fd", .recv = fdlink_recv, .send = fdlink_send, .close = fdlink_close,
};

static int socket_option(int fd, int name)
{
	socklen_t len = sizeof(int);
	int v;

	return getsockopt(fd, SOL_SOCKET, name, &v, &len) < 0 ? -1 : v;
}

static int socket_open(int fd, struct link **out, char *err, size_t errlen)
{
	int domain = socket_option(fd, SO_DOMAIN), type = socket_option(fd, SO_TYPE);
	int size = FD_SNDBUF;
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	struct fdlink *f;
	bool records;

	records = (domain == AF_UNIX && (type == SOCK_SEQPACKET || type == SOCK_DGRAM)) ||
		  ((domain == AF_INET || domain == AF_INET6) && type == SOCK_DGRAM);
	if (!records)
		return link_fail(-EPROTOTYPE, err, errlen,
			"link \"fd:%d\": a socket of domain %d and type %d does not keep frames apart "
			"(use AF_UNIX with SOCK_SEQPACKET or SOCK_DGRAM, or connected UDP)",
			fd, domain, type);
	if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0)
		return link_fail(-ENOTCONN, err, errlen,
			"link \"fd:%d\": the socket is not connected (use socketpair() or connect() it)",
			fd);
	f = calloc(1, sizeof(*f));
	if (!f)
		return link_fail(-ENOMEM, err, errlen, "link \"fd:%d\": out of memory", fd);
	/* as much of it as net.core.wmem_max allows */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	f->l.ops = &fdlink_ops;
	f->l.fd = fd;
	f->unix_dgram = domain == AF_UNIX && type == SOCK_DGRAM;
	snprintf(f->l.name, sizeof(f->l.name), "fd%d", fd);
	*out = &f->l;
	return 0;
}

/* a descriptor's number: decimal, no sign, nothing after it */
static int parse_fd(const char *s)
{
	long n = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		n = n * 10 + (*s - '0');
		if (n > INT_MAX)
			return -EINVAL;
	}
	return (int)n;
}

/**
 * fd_open() - Open "fd:N"
 * @arg:	N, an open descriptor
 * @out, @err, @errlen: as for link_open()
 *
 * Return: 0 or -errno
 */
int fd_open(const char *arg, struct link **out, char *err, size_t errlen)
{
	int fd = parse_fd(arg), rc;
	struct ifreq ifr;
	struct stat st;

	if (fd < 0)
		return link_fail(-EINVAL, err, errlen,
			"link \"fd:%s\": not the number of a descriptor", arg);
	if (fstat(fd, &st) < 0)
		return link_fail(-errno, err, errlen,
			"link \"fd:%d\": %s (was it inherited, without O_CLOEXEC?)",
			fd, strerror(errno));
	memset(&ifr, 0, sizeof(ifr));
	if (S_ISSOCK(st.st_mode))
		rc = socket_open(fd, out, err, errlen);
	else if (S_ISCHR(st.st_mode) && ioctl(fd, TUNGETIFF, &ifr) == 0)
		rc = tuntap_attach(fd, out, err, errlen);
	else
		return link_fail(-ENOTSOCK, err, errlen,
			"link \"fd:%d\": neither a tun or tap with its device nor a socket", fd);
	if (!rc)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return rc;
}
