/* packet.c - AF_PACKET sockets: put the header on, take it off
 *
 * Theory of operation
 * As dgram.c, with struct packet_hdr (proto/packet.h) in front of each frame.
 * What Linux finds wrong with a send without looking at an interface is found
 * here; the rest comes back as an error record, which fails the next receive.
 * A socket with a ring gets nothing but tokens on its pair (ring.c).
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/time.h>
#include "client/client.h"
#include "client/sys.h"
#include "proto/packet.h"

#define FRAME_MAX	(65535 + 18)

/* --- sending --- */

static int send_name(const struct msghdr *m, struct tag t, struct packet_hdr *h)
{
	if (!m->msg_name || !m->msg_namelen)
		return t.state == TAG_CONNECTED ? 0 : -ENXIO;
	if (m->msg_namelen < sizeof(h->addr))
		return -EINVAL;
	memcpy(&h->addr, m->msg_name, sizeof(h->addr));
	if (h->addr.sll_family != AF_PACKET || h->addr.sll_halen > sizeof(h->addr.sll_addr))
		return -EINVAL;
	return 0;
}

static size_t room(const struct msghdr *m)
{
	size_t total = 0;

	for (size_t i = 0; i < m->msg_iovlen; i++) {
		if (m->msg_iov[i].iov_len > SSIZE_MAX - total)
			return SSIZE_MAX;
		total += m->msg_iov[i].iov_len;
	}
	return total;
}

/**
 * packet_sendmsg() - sendmsg(2) on a packet socket
 *
 * Return: bytes of the frame, or -errno
 */
ssize_t packet_sendmsg(int fd, const struct msghdr *m, int flags)
{
	struct packet_hdr h = { .version = PACKET_VERSION_WIRE, .type = PACKET_DATA };
	struct iovec iov[m->msg_iovlen < IOV_MAX ? m->msg_iovlen + 1 : 1];
	struct msghdr k = { .msg_iov = iov, .msg_iovlen = m->msg_iovlen + 1 };
	ssize_t n;
	int ret;

	if (m->msg_iovlen >= IOV_MAX || room(m) > FRAME_MAX)
		return -EMSGSIZE;
	if (flags & (MSG_OOB | MSG_ERRQUEUE))
		return -EOPNOTSUPP;
	ret = send_name(m, tag_get(fd), &h);
	if (ret)
		return ret;
	iov[0] = (struct iovec){ &h, sizeof(h) };
	if (m->msg_iovlen)
		memcpy(iov + 1, m->msg_iov, m->msg_iovlen * sizeof(*iov));
	n = sys_sendmsg(fd, &k, (flags & MSG_DONTWAIT) | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EPIPE || errno == ECONNRESET ? -ENETDOWN : -errno;
	return n - (ssize_t)sizeof(h);
}

/* --- receiving --- */

static void put_cmsg(struct msghdr *m, size_t *used, int level, int type, const void *data,
		     size_t len)
{
	size_t left = m->msg_control && m->msg_controllen > *used ? m->msg_controllen - *used : 0;
	struct cmsghdr *c;

	if (left < CMSG_LEN(len)) {
		m->msg_flags |= MSG_CTRUNC;
		return;
	}
	c = (struct cmsghdr *)((char *)m->msg_control + *used);
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	*used += left < CMSG_SPACE(len) ? left : CMSG_SPACE(len);
}

static void put_cmsgs(struct msghdr *m, const struct packet_hdr *h, size_t len, unsigned opts)
{
	struct timespec ts = {
		.tv_sec = (time_t)(h->stamp_ns / 1000000000),
		.tv_nsec = (long)(h->stamp_ns % 1000000000),
	};
	struct timeval tv = { ts.tv_sec, ts.tv_nsec / 1000 };
	struct tpacket_auxdata aux = {
		.tp_status = TP_STATUS_USER | h->status, .tp_len = h->len,
		.tp_snaplen = (uint32_t)len, .tp_net = h->net,
		.tp_vlan_tci = h->vlan_tci, .tp_vlan_tpid = h->vlan_tpid,
	};
	size_t used = 0;

	if (opts & TAG_OPT_TIMESTAMPNS)
		put_cmsg(m, &used, SOL_SOCKET, SO_TIMESTAMPNS, &ts, sizeof(ts));
	else if (opts & TAG_OPT_TIMESTAMP)
		put_cmsg(m, &used, SOL_SOCKET, SO_TIMESTAMP, &tv, sizeof(tv));
	if (opts & TAG_OPT_AUXDATA)
		put_cmsg(m, &used, SOL_PACKET, PACKET_AUXDATA, &aux, sizeof(aux));
	m->msg_controllen = used;
}

static void put_name(struct msghdr *m, const struct packet_hdr *h)
{
	if (!m->msg_name)
		return;
	memcpy(m->msg_name, &h->addr,
	       m->msg_namelen < sizeof(h->addr) ? m->msg_namelen : sizeof(h->addr));
	m->msg_namelen = sizeof(h->addr);
}

/**
 * packet_recvmsg() - recvmsg(2) on a packet socket
 * @m:	filled in as recvmsg(2) does
 *
 * Return: bytes of the frame, or -errno
 */
ssize_t packet_recvmsg(int fd, const struct sockname *sn, struct msghdr *m, int flags)
{
	struct packet_hdr h;
	struct iovec iov[m->msg_iovlen < IOV_MAX ? m->msg_iovlen + 1 : 1];
	struct msghdr k = { .msg_iov = iov, .msg_iovlen = m->msg_iovlen + 1 };
	size_t size = room(m);
	ssize_t n;

	if (m->msg_iovlen >= IOV_MAX)
		return -EMSGSIZE;
	if (flags & MSG_OOB)
		return -EINVAL;
	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;
	iov[0] = (struct iovec){ &h, sizeof(h) };
	if (m->msg_iovlen)
		memcpy(iov + 1, m->msg_iov, m->msg_iovlen * sizeof(*iov));
	do {
		n = sys_recvmsg(fd, &k, (flags & (MSG_PEEK | MSG_DONTWAIT)) | MSG_TRUNC);
		if (n < 0)
			return errno == ECONNRESET ? -ENETDOWN : -errno;
		if (n == 0)
			return -ENETDOWN;
		if (n < (ssize_t)sizeof(h))
			ring_token_taken(fd, sn);
	} while (n < (ssize_t)sizeof(h) || h.version != PACKET_VERSION_WIRE);
	if (h.type == PACKET_ERROR)
		return -h.err;
	n -= (ssize_t)sizeof(h);
	m->msg_flags = (size_t)n > size ? MSG_TRUNC : 0;
	put_name(m, &h);
	put_cmsgs(m, &h, (size_t)n, tag_get(fd).opts);
	return flags & MSG_TRUNC || (size_t)n <= size ? n : (ssize_t)size;
}

/**
 * packet_pending() - FIONREAD: size of the next frame, 0 if there is none
 */
int packet_pending(int fd)
{
	struct packet_hdr h;
	ssize_t n = sys_recv(fd, &h, sizeof(h), MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC);

	return n > (ssize_t)sizeof(h) && h.type == PACKET_DATA ? (int)(n - (ssize_t)sizeof(h)) : 0;
}
