/* connect.c - connect a socket and learn how that went
 *
 * Theory of operation
 * Connecting shows on the application's own descriptor.  We fill ("plug") our
 * end of the pair until it is not writable, and send the daemon one message
 * that says how many bytes the plug has.  When the connection stands the
 * daemon takes the plug out but for its last byte: the descriptor becomes
 * writable, an edge for epoll.  When it fails the daemon closes its end:
 * POLLERR|POLLHUP, and the errno is asked for by the socket's id, once.
 * The byte that stays makes a later close by the daemon a reset.
 *
 * SO_SNDBUF is at its minimum while plugged, and the last buffers of the plug
 * are of one byte, so that what the last byte holds on to is less than the
 * quarter at which AF_UNIX calls a socket writable.  The first call that
 * notices the connection makes the buffer large (client_unplug()).
 *
 * A blocking connect waits with poll(2).  poll is never restarted by the
 * kernel; connect(2) is, after handlers with SA_RESTART, if SO_SNDTIMEO is
 * unset.  Which handler ran is unknown, so only if all that are installed
 * have SA_RESTART we go on waiting.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include "client/client.h"
#include "client/memory.h"
#include "client/sys.h"

#define PLUG_FIRST	2240		/* of the bytes that the minimal buffer takes */
#define PLUG_MAX	1024		/* more of them, one by one */
/* asked for; the kernel doubles it, and net.core.wmem_max bounds it */
#define SNDBUF		(512u << 10)
#define SNDBUF_MIN	(136u << 10)	/* 4 * 68 KiB, see client_widen() */
#define SNDBUF_MAX	(4u << 20)

/**
 * client_plug() - Make our end unwritable
 * @fd:	the application's end of a pair
 *
 * Return: number of bytes in the plug, or -errno
 */
int client_plug(int fd)
{
	static const char filler[PLUG_FIRST];
	struct iovec first = { (void *)filler, sizeof(filler) }, one = { (void *)filler, 1 };
	struct mmsghdr m[4] = { { .msg_hdr = { .msg_iov = &first, .msg_iovlen = 1 } } };
	const int all = (int)(sizeof(m) / sizeof(m[0]));
	int min = 0, total = 0, n;

	for (int i = 1; i < all; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &one, .msg_iovlen = 1 };
	if (sys_setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &min, sizeof(min)) < 0)
		return -errno;
	while (total < PLUG_FIRST + PLUG_MAX) {
		n = sys_sendmmsg(fd, m, (unsigned)all, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? total : -errno;
		total += n - 1 + (int)m[0].msg_hdr.msg_iov->iov_len;
		if (n < all)
			return total;	/* it is full */
		m[0].msg_hdr.msg_iov = &one;
	}
	return -ENOBUFS;
}

/**
 * client_widen() - Give a connected pair room
 * @sndbuf:	SO_SNDBUF as the application set it, 0: it did not
 *
 * For throughput, and because the byte that the daemon leaves unread holds on to
 * all of the buffer it is in, up to 68 KiB after sendfile(2), while AF_UNIX
 * calls a socket writable only below a quarter of SO_SNDBUF: the default
 * of 208 KiB could stay unwritable for ever.  So it is no less, whatever the
 * application wants; more than that it is to get, so that a write blocks as it expects.
 * Who does not say gets what feeds the daemon and stays in a processor's cache.
 */
void client_widen(int fd, unsigned sndbuf)
{
	unsigned size = !sndbuf ? SNDBUF : sndbuf > SNDBUF_MAX ? SNDBUF_MAX :
			sndbuf < SNDBUF_MIN ? SNDBUF_MIN : sndbuf;

	sys_setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/**
 * client_set_sndbuf() - SO_SNDBUF of a stream: a write shall block sooner
 *
 * @sndbuf:	what the application gave
 *
 * Until there is a connection the size is kept in the tag, roughly.
 */
void client_set_sndbuf(int fd, unsigned sndbuf)
{
	struct tag t = tag_get(fd);

	if (t.state == TAG_CONNECTED)
		client_widen(fd, sndbuf);
	if (!t.domain)
		return;			/* accepted: it will not need to know again */
	t.opts &= ~(unsigned)(TAG_OPT_SMALL | TAG_OPT_LARGE);
	t.opts |= sndbuf <= SNDBUF_MIN ? TAG_OPT_SMALL : sndbuf > SNDBUF ? TAG_OPT_LARGE : 0;
	tag_set(fd, t);
}

static unsigned kept_sndbuf(struct tag t)
{
	return t.opts & TAG_OPT_SMALL ? SNDBUF_MIN : t.opts & TAG_OPT_LARGE ? SNDBUF_MAX : 0;
}

/**
 * client_unplug() - The connection stands: give the pair room, and remember
 * @told:	connect() is about to return 0; else the next one will (Linux
 *		returns 0 once before EISCONN)
 */
void client_unplug(int fd, bool told)
{
	struct tag t = tag_get(fd);

	client_widen(fd, kept_sndbuf(t));
	t.state = TAG_CONNECTED;
	if (told)
		t.opts &= ~(unsigned)TAG_OPT_PENDING;
	tag_set(fd, t);
}

static int ask_error(const struct sockname *sn)
{
	struct msg_opt o = { .level = SOL_SOCKET, .name = SO_ERROR, .len = sizeof(int) };
	struct {
		struct msg_opt o;
		int32_t err;
	} reply = { 0 };
	struct conn_req r = {
		.op = MSG_OP_GETSOCKOPT, .sock = sn->id, .fd = -1,
		.body = &o, .body_len = sizeof(o),
		.reply = &reply, .reply_size = sizeof(reply),
	};

	if (conn_call(sn->path, &r) || r.reply_len != sizeof(reply))
		return 0;
	return reply.err;
}

/**
 * client_so_error() - The pending error of a socket, which is cleared
 * @fd:	a socket of a stack
 *
 * Asks the daemon only when the descriptor shows an error.
 *
 * Return: positive errno or 0
 */
int client_so_error(int fd, const struct sockname *sn)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int err, native = 0, state;
	socklen_t len = sizeof(native);

	if (sn->kind != SOCKNAME_STREAM)
		return dgram_so_error(fd);
	state = tag_get(fd).state;
	if (state == TAG_NEW || state == TAG_LISTENING)
		return 0;
	if (sys_poll(&p, 1, 0) <= 0)
		return 0;
	if (!(p.revents & (POLLERR | POLLHUP))) {
		if (state == TAG_CONNECTING)
			client_unplug(fd, false);
		return 0;
	}
	err = ask_error(sn);
	sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &native, &len);
	if (state == TAG_CONNECTING) {
		tag_set_state(fd, TAG_ABORTED);
		if (!err && native)
			err = ENETDOWN;	/* no epitaph: the daemon went away */
	}
	return err ? err : native;
}

static bool handlers_restart(void)
{
	struct sigaction sa;

	for (int s = 1; s <= SIGRTMAX; s++)
		if (sigaction(s, NULL, &sa) == 0 && sa.sa_handler != SIG_DFL &&
		    sa.sa_handler != SIG_IGN && !(sa.sa_flags & SA_RESTART))
			return false;
	return true;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* what poll(2) showed: 0 connected, -EINPROGRESS, or the failure */
static int outcome(int fd, const struct sockname *sn, short revents)
{
	struct tag t;
	int err;

	if (!revents)
		return -EINPROGRESS;
	if (!(revents & (POLLERR | POLLHUP))) {
		client_unplug(fd, true);
		return 0;
	}
	err = client_so_error(fd, sn);
	t = tag_get(fd);
	t.state = TAG_FAILED;
	t.opts &= ~(unsigned)TAG_OPT_PENDING;
	tag_set(fd, t);
	/* the error was told to somebody else who asked */
	return err ? -err : -ECONNABORTED;
}

/**
 * client_wait() - Wait on a descriptor as a blocking socket call does
 * @p:		descriptor and events; revents is filled in
 * @timeo:	SO_SNDTIMEO or SO_RCVTIMEO, which is honoured
 *
 * Return: 0, -ETIMEDOUT or -EINTR
 */
int client_wait(struct pollfd *p, int timeo)
{
	struct timeval tv = { 0, 0 };
	socklen_t len = sizeof(tv);
	int64_t end = -1;

	if (sys_getsockopt(p->fd, SOL_SOCKET, timeo, &tv, &len) == 0 &&
	    (tv.tv_sec || tv.tv_usec))
		end = now_ms() + (int64_t)tv.tv_sec * 1000 + (tv.tv_usec + 999) / 1000;
	for (;;) {
		int64_t left = end < 0 ? -1 : end - now_ms();
		int n;

		if (end >= 0 && left < 0)
			left = 0;
		n = sys_poll(p, 1, left > 1 << 30 ? 1 << 30 : (int)left);
		if (n > 0)
			return 0;
		if (n == 0 && end >= 0 && now_ms() >= end)
			return -ETIMEDOUT;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n < 0 && (end >= 0 || !handlers_restart()))
			return -EINTR;
	}
}

static int wait_connected(int fd, const struct sockname *sn)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int ret = client_wait(&p, SO_SNDTIMEO);

	if (ret == -ETIMEDOUT)
		return -EINPROGRESS;	/* as Linux tells it */
	return ret ? ret : outcome(fd, sn, p.revents);
}

/* t: the tag before; plug: as of client_plug() */
static int start_stream(int fd, const struct sockname *sn, struct tag t,
			const struct msg_addr *to, int plug)
{
	struct msg_connect c = { .to = *to, .plug = (uint32_t)plug };
	struct conn_req r = {
		.op = MSG_OP_CONNECT, .sock = sn->id, .fd = -1, .body = &c, .body_len = sizeof(c),
	};
	int ret;

	if (plug < 0)
		return plug == -EPIPE || plug == -ECONNRESET ? -ENETDOWN : plug;
	t.state = TAG_CONNECTING;
	t.opts |= TAG_OPT_PENDING;
	tag_set(fd, t);
	ret = conn_send(sn->path, &r);
	if (ret)
		return ret;
	return client_nonblocking(fd) ? -EINPROGRESS : wait_connected(fd, sn);
}

static int connect_again(int fd, const struct sockname *sn)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int n = sys_poll(&p, 1, 0), ret;

	if (n > 0)
		return outcome(fd, sn, p.revents);
	ret = client_nonblocking(fd) ? -EINPROGRESS : wait_connected(fd, sn);
	return ret == -EINPROGRESS ? -EALREADY : ret;
}

/* connect(AF_UNSPEC): what is connected is reset, the socket may start anew */
static int dissolve(int fd, const struct sockname *sn, struct tag t)
{
	struct msg_connect c = { .to = { .len = sizeof(sa_family_t) } };
	struct conn_req r = {
		.op = MSG_OP_CONNECT, .sock = sn->id, .fd = -1, .body = &c, .body_len = sizeof(c),
	};
	socklen_t len = sizeof(t.domain);
	int ret = 0;

	switch (t.state) {
	case TAG_LISTENING:
		return client_unlisten(fd, sn);
	case TAG_CONNECTED:
	case TAG_CONNECTING:
		/* accept() does not tell the domain, and only the tag will know it */
		if (!t.domain)
			ret = client_getsockopt(fd, sn, SOL_SOCKET, SO_DOMAIN, &t.domain, &len);
		if (!ret)
			ret = conn_call(sn->path, &r);
		if (ret && ret != -EBADF && ret != -ENOTCONN)
			return ret;
		break;
	case TAG_NEW:
		return 0;
	case TAG_FAILED:
	case TAG_ABORTED:
		break;
	}
	t.state = TAG_FAILED;
	return tag_set(fd, t);
}

/* what connect(2) tells of an attempt or a connection there is already */
static int may_begin(int fd, const struct sockname *sn, struct tag t)
{
	switch (t.state) {
	case TAG_CONNECTED:
		if (!(t.opts & TAG_OPT_PENDING))
			return -EISCONN;
		t.opts &= ~(unsigned)TAG_OPT_PENDING;
		tag_set(fd, t);
		return 0;
	case TAG_LISTENING:
		return -EISCONN;
	case TAG_CONNECTING:
		return connect_again(fd, sn);
	case TAG_ABORTED:
		tag_set_state(fd, TAG_FAILED);
		return -ECONNABORTED;
	default:
		return -EINVAL;
	}
}

static int connect_stream(int fd, const struct sockname *sn, const struct sockaddr *sa,
			  socklen_t len)
{
	struct tag t = tag_get(fd);
	struct msg_addr to;
	int ret;

	if (sa->sa_family == AF_UNSPEC)
		return dissolve(fd, sn, t);
	if (t.state != TAG_NEW && t.state != TAG_FAILED)
		return may_begin(fd, sn, t);
	if (len < (t.domain == AF_INET ? sizeof(struct sockaddr_in)
				       : offsetof(struct sockaddr_in6, sin6_scope_id)))
		return -EINVAL;
	if (sa->sa_family != t.domain)
		return -EAFNOSUPPORT;
	ret = msg_addr_set(&to, sa, len);
	if (ret)
		return ret;
	return start_stream(fd, sn, t, &to, t.state == TAG_FAILED ? client_revive(fd, sn, true)
								  : client_plug(fd));
}

static int connect_dgram(int fd, const struct sockname *sn, const struct msg_addr *to)
{
	struct msg_connect c = { .to = *to };
	struct conn_req r = {
		.op = MSG_OP_CONNECT, .sock = sn->id, .fd = -1, .body = &c, .body_len = sizeof(c),
	};
	int ret = conn_call(sn->path, &r);
	struct tag t;

	if (ret)
		return ret;
	t = tag_get(fd);
	t.state = to->addr.sa.sa_family == AF_UNSPEC ? TAG_NEW : TAG_CONNECTED;
	tag_set(fd, t);
	if (t.state == TAG_CONNECTED)
		outlook_connected(sn, t);
	return 0;
}

/**
 * client_connect() - connect(2)
 *
 * Return: 0 or -errno
 */
int client_connect(int fd, const struct sockname *sn, const struct sockaddr *sa, socklen_t len)
{
	struct msg_addr to;
	int ret;

	if (sn->kind == SOCKNAME_PACKET)
		return -EOPNOTSUPP;
	if ((int)len < 0 || len > sizeof(struct sockaddr_storage))
		return -EINVAL;
	if (!mem_readable(sa, len))
		return -EFAULT;
	if (len < sizeof(sa->sa_family))
		return -EINVAL;
	if (sn->kind == SOCKNAME_STREAM)
		return connect_stream(fd, sn, sa, len);
	ret = msg_addr_set(&to, sa, len);
	return ret ? ret : connect_dgram(fd, sn, &to);
}
