/* socket.c - make, name, listen, accept and shut down sockets of a stack
 *
 * Theory of operation
 * A socket is an AF_UNIX pair: we keep one end as the descriptor that the
 * application sees and send the other to the daemon in a one-way message, so
 * socket() costs no round trip.  What Linux would refuse is refused here,
 * before anything is made.  accept() is one recvmsg() of a record with the new
 * descriptor; everything that names an address asks the daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include "client/client.h"
#include "client/memory.h"
#include "client/sys.h"

#define TYPE_MASK	0xf		/* SOCK_TYPE_MASK of the kernel */
#define TYPE_MAX	11		/* SOCK_MAX */
#define PROTO_MAX	263		/* IPPROTO_MAX */
#define GONE_PAUSE_MS	100

/**
 * client_socket_check() - Would Linux make such a socket?
 * @domain:	AF_INET, AF_INET6, AF_PACKET or AF_NETLINK
 * @type:	with SOCK_NONBLOCK and SOCK_CLOEXEC
 *
 * Return: 0, -EINVAL, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -EAFNOSUPPORT
 */
int client_socket_check(int domain, int type, int protocol)
{
	if (type & ~(TYPE_MASK | SOCK_NONBLOCK | SOCK_CLOEXEC))
		return -EINVAL;
	if (domain != AF_INET && domain != AF_INET6 && domain != AF_PACKET && domain != AF_NETLINK)
		return -EAFNOSUPPORT;
	type &= TYPE_MASK;
	if (domain == AF_PACKET)	/* its protocol is 16 bits of Ethernet type */
		return type == SOCK_RAW || type == SOCK_DGRAM ? 0 : type >= TYPE_MAX ? -EINVAL :
			-ESOCKTNOSUPPORT;
	if (domain == AF_NETLINK)
		return netlink_socket_check(type, protocol);
	if (type >= TYPE_MAX || protocol < 0 || protocol >= PROTO_MAX)
		return -EINVAL;
	switch (type) {
	case SOCK_STREAM:
		return protocol == 0 || protocol == IPPROTO_TCP ? 0 : -EPROTONOSUPPORT;
	case SOCK_DGRAM:
		if (protocol == 0 || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
		    protocol == (domain == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6))
			return 0;
		return -EPROTONOSUPPORT;
	case SOCK_RAW:
		return protocol > 0 && protocol < 256 ? 0 : -EPROTONOSUPPORT;
	default:
		return -ESOCKTNOSUPPORT;
	}
}

/**
 * client_make_pair() - Make the two ends of a socket
 * @kind, @id, @path: what the daemon's end is called
 * @type_flags:	SOCK_NONBLOCK, SOCK_CLOEXEC for the application's end
 * @fds:	[0] the application's, the lowest free number; [1] the daemon's
 *
 * sockname_pair() by sys_*() calls: the shim's own hooks stay out of it.
 *
 * Return: 0 or -errno
 */
int client_make_pair(enum sockname_kind kind, uint64_t id, const char *path, int type_flags,
		     int fds[2])
{
	int type = kind == SOCKNAME_STREAM ? SOCK_STREAM : SOCK_SEQPACKET, err;
	struct sockaddr_un un;
	socklen_t len = sockname_make(&un, kind, id, path);

	if (!len)
		return -ENAMETOOLONG;
	if (sys_socketpair(AF_UNIX, type | SOCK_CLOEXEC | (type_flags & SOCK_NONBLOCK), 0, fds) < 0)
		return -errno;
	if (fds[0] > fds[1]) {
		int fd = fds[0];

		fds[0] = fds[1];
		fds[1] = fd;
	}
	if (sys_bind(fds[1], (struct sockaddr *)&un, len) < 0 ||
	    (!(type_flags & SOCK_CLOEXEC) && sys_fcntl(fds[0], F_SETFD, 0) < 0)) {
		err = -errno;
		sys_close(fds[0]);
		sys_close(fds[1]);
		return err;
	}
	return 0;
}

/* a fresh pair, the daemon's end of which is on its way there */
static int open_pair(const char *path, uint64_t id, struct msg_socket *how, int type_flags)
{
	struct conn_req r = {
		.op = MSG_OP_SOCKET, .sock = id, .body = how, .body_len = sizeof(*how),
	};
	struct stat st;
	struct tag t = { .state = TAG_NEW, .domain = how->domain, .type = how->type };
	int fds[2], ret;

	if ((how->domain == AF_INET || how->domain == AF_INET6) && how->type == SOCK_DGRAM &&
	    (how->protocol == IPPROTO_ICMP || how->protocol == IPPROTO_ICMPV6))
		t.opts = TAG_OPT_PING;
	ret = client_make_pair(how->domain == AF_PACKET ? SOCKNAME_PACKET :
			       how->domain == AF_NETLINK ? SOCKNAME_NETLINK :
			       how->type == SOCK_STREAM ? SOCKNAME_STREAM : SOCKNAME_DGRAM,
			       id, path, type_flags, fds);
	if (ret)
		return ret;
	ret = tag_set(fds[0], t);
	r.fd = fds[1];
	how->inode = fstat(fds[0], &st) < 0 ? 0 : (uint32_t)st.st_ino;
	/* raw and packet sockets receive from now on, whoever sends by what socket:
	 * the stack has to know of them when this returns */
	if (!ret)
		ret = (how->type == SOCK_RAW && how->domain != AF_NETLINK) ||
			how->domain == AF_PACKET ? conn_call(path, &r) : conn_send(path, &r);
	sys_close(fds[1]);
	if (ret) {
		sys_close(fds[0]);
		return ret;
	}
	return fds[0];
}

/**
 * client_socket() - Open a socket on a stack
 * @path:	the stack's control socket
 * @domain, @type, @protocol: as for socket(2)
 *
 * Return: descriptor or -errno; -ENETDOWN when no daemon answers
 */
int client_socket(const char *path, int domain, int type, int protocol)
{
	struct msg_socket how = { .domain = domain, .type = type & TYPE_MASK, .protocol = protocol };
	int ret = client_socket_check(domain, type, protocol);

	return ret ? ret : open_pair(path, sockname_new_id(), &how, type);
}

/**
 * client_socket_again() - A fresh pair for a stream socket that was used up
 * @sn:		its name, which the new one takes over
 * @type_flags:	SOCK_NONBLOCK or 0; the descriptor is close-on-exec
 *
 * Return: descriptor or -errno
 */
int client_socket_again(const struct sockname *sn, int domain, int type_flags)
{
	struct msg_socket how = { .domain = domain, .type = SOCK_STREAM };

	return open_pair(sn->path, sn->id, &how, type_flags | SOCK_CLOEXEC);
}

static bool used_up(enum tag_state s)
{
	return s == TAG_FAILED || s == TAG_ABORTED;
}

static int bind_packet(int fd, const struct sockname *sn, const struct sockaddr *sa,
		       socklen_t len)
{
	struct sockaddr_ll ll;
	struct msg_addr a;
	struct conn_req r = {
		.op = MSG_OP_BIND, .sock = sn->id, .fd = -1, .body = &a, .body_len = sizeof(a),
	};
	int ret;

	if (len < sizeof(ll))
		return -EINVAL;
	/* longer ones are fine, but only this much is looked at (packet(7)) */
	ret = msg_addr_set(&a, sa, sizeof(ll));
	if (!ret)
		ret = conn_call(sn->path, &r);
	if (!ret) {
		/* packet.c: a send without an address needs an interface */
		memcpy(&ll, sa, sizeof(ll));
		tag_set_state(fd, ll.sll_ifindex ? TAG_CONNECTED : TAG_NEW);
	}
	return ret;
}

/**
 * client_bind() - bind(2)
 */
int client_bind(int fd, const struct sockname *sn, const struct sockaddr *sa, socklen_t len)
{
	struct msg_addr a;
	struct conn_req r = {
		.op = MSG_OP_BIND, .sock = sn->id, .fd = -1, .body = &a, .body_len = sizeof(a),
	};
	struct tag t;
	int ret;

	if ((int)len < 0 || len > sizeof(struct sockaddr_storage))
		return -EINVAL;
	if (!mem_readable(sa, len))
		return -EFAULT;
	if (sn->kind == SOCKNAME_PACKET)
		return bind_packet(fd, sn, sa, len);
	if (sn->kind == SOCKNAME_NETLINK) {
		if (len < sizeof(struct sockaddr_nl))
			return -EINVAL;
		ret = msg_addr_set(&a, sa, sizeof(struct sockaddr_nl));
		return ret ? ret : conn_call(sn->path, &r);
	}
	t = tag_get(fd);
	if (len < (t.domain == AF_INET6 ? offsetof(struct sockaddr_in6, sin6_scope_id)
					: sizeof(struct sockaddr_in)))
		return -EINVAL;
	if (t.domain && sa->sa_family != t.domain &&
	    (t.domain == AF_INET6 || sa->sa_family != AF_UNSPEC))
		return -EAFNOSUPPORT;
	ret = msg_addr_set(&a, sa, len);
	if (!ret && sn->kind == SOCKNAME_STREAM && used_up(t.state))
		ret = client_revive(fd, sn, false);
	return ret ? ret : conn_call(sn->path, &r);
}

/**
 * client_listen() - listen(2)
 *
 * The descriptor is plugged: a listener is never writable.
 */
int client_listen(int fd, const struct sockname *sn, int backlog)
{
	struct msg_listen l = { .backlog = backlog };
	struct conn_req r = {
		.op = MSG_OP_LISTEN, .sock = sn->id, .fd = -1, .body = &l, .body_len = sizeof(l),
	};
	struct tag t;
	int ret;

	if (sn->kind != SOCKNAME_STREAM)
		return -EOPNOTSUPP;
	t = tag_get(fd);
	if (t.state == TAG_ABORTED)
		return -EINVAL;		/* connect(2) has yet to tell of it */
	if (t.state == TAG_FAILED) {
		ret = client_revive(fd, sn, false);
		if (ret)
			return ret;
		t = tag_get(fd);
	}
	if (t.state != TAG_NEW && t.state != TAG_LISTENING)
		return -EINVAL;
	ret = conn_call(sn->path, &r);
	if (ret || t.state == TAG_LISTENING)
		return ret;
	t.state = TAG_LISTENING;
	ret = tag_set(fd, t);
	if (!ret)
		ret = client_plug(fd);
	return ret < 0 ? ret : 0;
}

/**
 * client_addr_len() - How long is the address in a message?
 */
socklen_t client_addr_len(const union msg_sockaddr *a)
{
	struct sockaddr_ll ll;

	switch (a->sa.sa_family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		return sizeof(struct sockaddr_in6);
	case AF_NETLINK:
		return sizeof(struct sockaddr_nl);
	case AF_PACKET:		/* as much of it as the interface has address */
		memcpy(&ll, a, sizeof(ll));
		return (socklen_t)offsetof(struct sockaddr_ll, sll_addr) +
			(ll.sll_halen <= sizeof(ll.sll_addr) ? ll.sll_halen : 0);
	default:
		return 0;
	}
}

/**
 * client_give_addr() - Give an address to the application (move_addr_to_user())
 * @from, @full:	the address
 * @sa:		buffer
 * @len:	in: its size; out: the address' full length, even if it was cut
 *
 * Return: 0, -EFAULT, -EINVAL for a negative size
 */
int client_give_addr(const void *from, socklen_t full, struct sockaddr *sa, socklen_t *len)
{
	socklen_t n;

	if (!mem_writable(len, sizeof(*len)))
		return -EFAULT;
	if ((int)*len < 0)
		return -EINVAL;
	n = *len < full ? *len : full;
	*len = full;
	if (!mem_writable(sa, n))
		return -EFAULT;
	if (n)
		memcpy(sa, from, n);
	return 0;
}

/**
 * client_copy_addr() - Give an address of a message to the application
 *
 * Return: as client_give_addr()
 */
int client_copy_addr(const union msg_sockaddr *from, struct sockaddr *sa, socklen_t *len)
{
	return client_give_addr(from, client_addr_len(from), sa, len);
}

/**
 * client_nonblocking() - Is O_NONBLOCK set?
 */
bool client_nonblocking(int fd)
{
	int fl = sys_fcntl(fd, F_GETFL, 0);

	return fl >= 0 && fl & O_NONBLOCK;
}

/* one record and its descriptor; the new descriptor or -errno; -EPIPE at end of file */
static int take(int fd, struct msg_accept *a, int flags)
{
	struct iovec iov = { a, sizeof(*a) };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl.buf, .msg_controllen = sizeof(ctl.buf),
	};
	struct cmsghdr *c;
	int got;
	ssize_t n = sys_recvmsg(fd, &m, MSG_DONTWAIT | (flags & SOCK_CLOEXEC ? MSG_CMSG_CLOEXEC : 0));

	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (n == 0)
		return -EPIPE;
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
		return -EMFILE;
	memcpy(&got, CMSG_DATA(c), sizeof(got));
	if (n != sizeof(*a)) {
		sys_close(got);
		return -EPROTO;
	}
	if (flags & SOCK_NONBLOCK)
		sys_fcntl(got, F_SETFL, O_RDWR | O_NONBLOCK);
	client_widen(got, a->sndbuf);
	return got;
}

/* nobody takes a record that could not be given a number: the kernel would
 * drop the descriptor, and with it the connection */
static int slot_free(int fd)
{
	int slot = sys_fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (slot < 0)
		return -errno;
	sys_close(slot);
	return 0;
}

/* wait for a record natively: SO_RCVTIMEO, EINTR, SA_RESTART and shutdown
 * are the kernel's; the descriptor inside is neither taken nor lost */
static int wait_record(int fd)
{
	char byte;
	ssize_t n = sys_recv(fd, &byte, 1, MSG_PEEK);

	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return n == 0 ? -EPIPE : 0;
}

/* the listener's pair is at its end: shut down by us, or the daemon is gone.
 * Then the descriptor polls readable for ever, and servers call us again at
 * once: the pause keeps them from burning a processor and filling a log. */
static int listener_ended(int fd)
{
	if (tag_get(fd).state != TAG_LISTENING)
		return -EINVAL;
	sys_poll(NULL, 0, GONE_PAUSE_MS);
	return -ENETDOWN;
}

/**
 * client_accept() - accept4(2)
 * @fd:		a listening socket
 * @sa, @len:	peer's address, may be NULL
 * @flags:	SOCK_NONBLOCK, SOCK_CLOEXEC for the new descriptor
 *
 * Return: descriptor or -errno
 */
int client_accept(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	struct msg_accept a;
	int ret, err;

	if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
		return -EINVAL;
	for (;;) {
		ret = slot_free(fd);
		if (!ret)
			ret = take(fd, &a, flags);
		if (ret != -EAGAIN)
			break;
		if (client_nonblocking(fd))
			return -EAGAIN;
		ret = wait_record(fd);
		if (ret)
			break;
	}
	if (ret == -EPIPE)
		return listener_ended(fd);
	if (ret < 0 || !sa)
		return ret;
	err = client_copy_addr(&a.peer, sa, len);
	if (!err)
		return ret;
	sys_close(ret);		/* so does Linux */
	return err;
}

/**
 * client_getname() - getsockname(2), getpeername(2)
 */
int client_getname(int fd, const struct sockname *sn, bool peer, struct sockaddr *sa,
		   socklen_t *len)
{
	struct msg_addr a;
	struct conn_req r = {
		.op = peer ? MSG_OP_GETPEERNAME : MSG_OP_GETSOCKNAME, .sock = sn->id,
		.fd = -1, .reply = &a, .reply_size = sizeof(a),
	};
	int ret;

	ret = conn_call(sn->path, &r);
	if (ret)
		return ret;
	if (r.reply_len != sizeof(a))
		return -EPROTO;
	return client_copy_addr(&a.addr, sa, len);
}

static int tell_shutdown(const struct sockname *sn, int how)
{
	struct msg_shutdown s = { .how = how };
	struct conn_req r = {
		.op = MSG_OP_SHUTDOWN, .sock = sn->id, .fd = -1, .body = &s, .body_len = sizeof(s),
	};

	return conn_call(sn->path, &r);
}

/**
 * client_unlisten() - End listening; whoever waits in accept() is woken
 *
 * The daemon closes its end: the descriptor may start anew.
 *
 * Return: 0 or -errno
 */
int client_unlisten(int fd, const struct sockname *sn)
{
	int ret;

	tag_set_state(fd, TAG_FAILED);	/* before accept() sees the end */
	ret = tell_shutdown(sn, SHUT_RD);
	if (ret)
		tag_set_state(fd, TAG_LISTENING);
	return ret;
}

/* datagrams: reading ends on the pair; the end of writing is kept in the tag, since
 * the daemon would take it for the end of the socket */
static int shutdown_dgram(int fd, const struct sockname *sn, int how)
{
	struct tag t;
	int ret = tell_shutdown(sn, how);

	/* ENOTCONN is only said: it is carried out all the same (inet_shutdown()) */
	if (ret && ret != -ENOTCONN)
		return ret;
	if (how != SHUT_RD) {
		dgram_note_end();
		t = tag_get(fd);
		t.opts |= TAG_OPT_WR_SHUT;
		tag_set(fd, t);
	}
	return how != SHUT_WR && sys_shutdown(fd, SHUT_RD) < 0 ? -errno : ret;
}

/**
 * client_shutdown() - shutdown(2)
 */
int client_shutdown(int fd, const struct sockname *sn, int how)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return -EINVAL;
	if (sn->kind == SOCKNAME_PACKET)
		return -EOPNOTSUPP;
	if (sn->kind != SOCKNAME_STREAM)
		return shutdown_dgram(fd, sn, how);
	switch (tag_get(fd).state) {
	case TAG_NEW:
	case TAG_FAILED:
	case TAG_ABORTED:
		return -ENOTCONN;
	case TAG_LISTENING:
		return how == SHUT_WR ? 0 : client_unlisten(fd, sn);
	case TAG_CONNECTING:
		/* not a matter of the pair as long as the attempt goes on */
		if (!sys_poll(&p, 1, 0))
			return tell_shutdown(sn, how);
		break;
	case TAG_CONNECTED:
		break;
	}
	return sys_shutdown(fd, how) < 0 ? -errno : 0;
}
