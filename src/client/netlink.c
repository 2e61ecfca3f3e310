/* netlink.c - AF_NETLINK sockets of a stack: data and addresses
 *
 * Theory of operation
 * A netlink datagram is a record of the pair as it is; only addresses are put
 * on here, for the stack is the one and only partner: it has the port id 0, as
 * the kernel.  So MSG_PEEK | MSG_TRUNC, timeouts and poll are the kernel's own.
 * NLMSG_OVERRUN stands for notifications that were lost: ENOBUFS.  SO_PASSCRED
 * is the pair's, too; who asks by it whether the kernel is the sender (avahi,
 * udev's clients) is shown the kernel's credentials.
 *
 * The kernel has done what it was asked when sendmsg(2) returns, and goes on with a dump
 * as it is read: who polls or reads without waiting then finds the answer there (zebra),
 * and another socket the effect.  So the stack is waited for after each request, and
 * before a reader that does not want to wait is told that there is nothing.
 */
#include <errno.h>
#include <string.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include "client/client.h"
#include "client/sys.h"

#define NETLINK_REQUEST_MAX	65536	/* what the stack reads at once */
#define RECV_FLAGS	(MSG_PEEK | MSG_DONTWAIT)

/**
 * netlink_socket_check() - Would Linux make such a socket?
 * @type:	without SOCK_NONBLOCK and SOCK_CLOEXEC
 *
 * Return: 0, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT (all but NETLINK_ROUTE,
 * NETLINK_SOCK_DIAG and NETLINK_GENERIC)
 */
int netlink_socket_check(int type, int protocol)
{
	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	return protocol == NETLINK_ROUTE || protocol == NETLINK_SOCK_DIAG ||
		protocol == NETLINK_GENERIC ? 0 : -EPROTONOSUPPORT;
}

/* only the stack can be talked to */
static int check_name(const struct msghdr *m)
{
	struct sockaddr_nl sa;

	if (!m->msg_name || !m->msg_namelen)
		return 0;
	if (m->msg_namelen < sizeof(sa))
		return -EINVAL;
	memcpy(&sa, m->msg_name, sizeof(sa));
	if (sa.nl_family != AF_NETLINK)
		return -EINVAL;
	if (sa.nl_groups)
		return -EPERM;
	return sa.nl_pid ? -ECONNREFUSED : 0;
}

/* wait until the stack has done what it was asked on this socket, and has sent on what
 * it can; that it may fail the caller finds out by itself */
static void settle(const struct sockname *sn)
{
	struct {
		struct msg_opt o;
		int32_t left;
	} reply;
	struct msg_opt o = { .level = MSG_LEVEL_IOCTL, .name = SIOCOUTQ, .len = sizeof(int32_t) };
	struct conn_req r = {
		.op = MSG_OP_GETSOCKOPT, .sock = sn->id, .body = &o, .body_len = sizeof(o), .fd = -1,
		.reply = &reply, .reply_size = sizeof(reply),
	};

	conn_call(sn->path, &r);
}

/**
 * netlink_sendmsg() - sendmsg(2) on a netlink socket
 *
 * Return: bytes or -errno
 */
ssize_t netlink_sendmsg(int fd, const struct sockname *sn, const struct msghdr *m, int flags)
{
	struct msghdr k = { .msg_iov = m->msg_iov, .msg_iovlen = m->msg_iovlen };
	size_t len = 0;
	ssize_t n;
	int ret;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	ret = check_name(m);
	if (ret)
		return ret;
	for (size_t i = 0; i < m->msg_iovlen; i++)
		len += m->msg_iov[i].iov_len;
	if (len > NETLINK_REQUEST_MAX)
		return -EMSGSIZE;
	if (!len)
		return 0;		/* would look like the end of the socket */
	n = sys_sendmsg(fd, &k, (flags & MSG_DONTWAIT) | MSG_NOSIGNAL);
	if (n >= 0) {
		settle(sn);
		return n;
	}
	return errno == EPIPE || errno == ECONNRESET ? -ENETDOWN : -errno;
}

/* did the stack say that notifications were lost? */
static bool overrun(const struct msghdr *m, ssize_t n)
{
	struct nlmsghdr h;

	if (n != sizeof(h) || !m->msg_iovlen || m->msg_iov[0].iov_len < sizeof(h))
		return false;
	memcpy(&h, m->msg_iov[0].iov_base, sizeof(h));
	return h.nlmsg_type == NLMSG_OVERRUN;
}

/* the sender of @k, if it was asked for, as control data of @m: the kernel has no process */
static void put_credentials(struct msghdr *m, struct msghdr *k)
{
	struct cmsghdr *from = CMSG_FIRSTHDR(k), *to = CMSG_FIRSTHDR(m);
	struct ucred kernel = { .pid = 0 };
	size_t room = m->msg_controllen;

	m->msg_controllen = 0;
	if (!from || from->cmsg_type != SCM_CREDENTIALS)
		return;
	if (!to || room < CMSG_LEN(sizeof(kernel))) {
		m->msg_flags |= MSG_CTRUNC;
		return;
	}
	*to = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(kernel)), .cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_CREDENTIALS };
	memcpy(CMSG_DATA(to), &kernel, sizeof(kernel));
	m->msg_controllen = room < CMSG_SPACE(sizeof(kernel)) ? room : CMSG_SPACE(sizeof(kernel));
}

/**
 * netlink_recvmsg() - recvmsg(2) on a netlink socket
 * @m:	filled in as recvmsg(2) does: name, flags, credentials after SO_PASSCRED
 *
 * Return: bytes or -errno; -ENOBUFS once when notifications were lost
 */
ssize_t netlink_recvmsg(int fd, const struct sockname *sn, struct msghdr *m, int flags)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
	struct msghdr k = {
		.msg_iov = m->msg_iov, .msg_iovlen = m->msg_iovlen,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	char byte;
	ssize_t n;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;
	n = sys_recvmsg(fd, &k, (flags & RECV_FLAGS) | MSG_TRUNC);
	if (n < 0 && errno == EAGAIN) {
		settle(sn);
		n = sys_recvmsg(fd, &k, (flags & RECV_FLAGS) | MSG_TRUNC | MSG_DONTWAIT);
	}
	if (overrun(m, n)) {
		if (flags & MSG_PEEK)
			sys_recv(fd, &byte, 1, MSG_DONTWAIT);
		return -ENOBUFS;
	}
	if (n < 0)
		return errno == ECONNRESET ? -ENETDOWN : -errno;
	if (n == 0)
		return -ENETDOWN;	/* netlink has no end of file */
	m->msg_flags = k.msg_flags & MSG_TRUNC;
	put_credentials(m, &k);
	if (m->msg_name) {
		memcpy(m->msg_name, &sa, m->msg_namelen < sizeof(sa) ? m->msg_namelen : sizeof(sa));
		m->msg_namelen = sizeof(sa);
	}
	if (flags & MSG_TRUNC || !(k.msg_flags & MSG_TRUNC))
		return n;
	n = 0;
	for (size_t i = 0; i < m->msg_iovlen; i++)
		n += (ssize_t)m->msg_iov[i].iov_len;
	return n;
}
