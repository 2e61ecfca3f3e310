/* vde.c - any virtual network that libvdeplug knows
 *
 * Theory of operation
 * The specification goes to libvdeplug as it is; the plugin it names decides
 * everything else.  What plugins share is less than the interface promises
 * (measured with libvdeplug 4.0.1), so nothing is taken on trust:
 * - Most ignore MSG_DONTWAIT, and would keep the daemon waiting for a peer
 *   that stalls (ptp, vde, slirp).  Where the data descriptor is the one the
 *   plugin reads and sends by, a socket or a device, it is made non-blocking.
 *   Where it is an epoll of the plugin's own (vxvde, hub, switch, multi), or
 *   anything else, a read only follows a poll that says there is something,
 *   the owner's or ours; sending does not block there.
 * - cmd writes to a pipe that it does not tell us of: every pipe that came
 *   into being while it was opened is made non-blocking.  A write up to
 *   PIPE_BUF is all or nothing, so longer frames are refused.
 * - A length of 1 stands for "not a frame after all": a frame from a stranger,
 *   an event of the plugin's own.
 * - What can be seen of the end: of a switch, by the control connection; of a
 *   command, by its pipe.  Both give -ENETDOWN.  To watch two descriptors
 *   by one, link->fd is an epoll of ours where there is a control connection.
 *
 * Opening may take as long as a plugin likes: vde_open.c does it in a thread.
 *
 * A network that takes no frame now loses it, as Ethernet does: send() never
 * returns -EAGAIN, since not every descriptor here would poll writable.
 * libvdeplug may print to stderr by itself, and AddressSanitizer does not get
 * along with its use of RTLD_DEEPBIND.  A cmd that ends raises SIGPIPE: the
 * program must ignore it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <libvdeplug.h>
#include "base/fdio.h"
#include "base/log.h"
#include "link/kind.h"
#include "link/vde_open.h"

#define VDE_ERRORS	64	/* failed reads in a row after which the link is lost */
#define VDE_FDS		1024	/* descriptors looked at for new pipes */
#define VDE_PIPE_FRAME	(PIPE_BUF - 2)	/* vdestream puts two bytes of length before a frame */

struct vde {
	struct link l;
	VDECONN *conn;
	int data, ctl;		/* libvdeplug's; ctl is -1 for most */
	bool nonblock;		/* a read without a poll does not wait */
	size_t max;		/* longest frame to send */
	unsigned errors;	/* in a row */
	struct vde_opening *opening;	/* not open yet */
	bool before[VDE_FDS];	/* what was open before it was */
	int stale;		/* what l.fd was while it was opened; -1: none */
	uint8_t buf[VDE_ETHBUFSIZE];
};

static struct vde *vde_of(struct link *l)
{
	return container_of(l, struct vde, l);
}

static short poll_now(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) > 0 ? p.revents : 0;
}

/* nothing came: is that the end?  The control connection is silent after the
 * first exchange, until it ends. */
static bool ended(const struct vde *v)
{
	ssize_t r;
	char c;

	if (poll_now(v->data, 0) & (POLLHUP | POLLNVAL))
		return true;
	if (v->ctl < 0 || !(poll_now(v->ctl, POLLIN) & (POLLIN | POLLHUP | POLLERR)))
		return false;
	r = read(v->ctl, &c, 1);
	return r == 0 || (r < 0 && errno != EAGAIN && errno != EINTR);
}

/* 0, or -ENETDOWN if the link is lost; what a peer that is absent for now
 * causes is reported once each, and no reason to give up */
static int read_failed(struct vde *v, int e)
{
	if (e == EAGAIN || e == EINTR || e == ECONNREFUSED || e == EHOSTUNREACH ||
	    e == ENETUNREACH || e == ENOTCONN)
		return 0;
	return ++v->errors < VDE_ERRORS ? 0 : -ENETDOWN;
}

/* read one frame: its length, 0 for none now, 1 for none but go on, -ENETDOWN */
static ssize_t read_frame(struct vde *v, struct link_buf *b)
{
	bool bounce = b->size < sizeof(v->buf), readable = v->nonblock || v->l.readable;
	ssize_t r;

	v->l.readable = false;
	if (!readable && !(poll_now(v->data, POLLIN) & POLLIN))
		return 0;
	errno = 0;
	r = vde_recv(v->conn, bounce ? (void *)v->buf : b->data,
		     bounce ? sizeof(v->buf) : b->size, 0);
	if (r < 0)
		return read_failed(v, errno);
	if (r > 1)
		v->errors = 0;
	if (bounce && r > 1 && (size_t)r <= b->size)
		memcpy(b->data, v->buf, r);
	return r;
}

static int late(struct vde *v);

static int vde_link_recv(struct link *l, struct link_buf *b, int n)
{
	struct vde *v = vde_of(l);
	int got = 0;

	if (v->opening) {
		l->readable = false;
		return late(v);
	}
	if (v->stale >= 0)
		close(v->stale);
	v->stale = -1;
	v->l.readable = v->l.readable && l->fd == v->data;	/* not the control connection */
	for (int i = 0; got < n && i < n + LINK_RX_SKIP; i++) {
		ssize_t r = read_frame(v, &b[got]);

		if (r < 0)
			return got ? got : -ENETDOWN;
		if (r == 0)
			break;
		if (r == 1) {
			if (ended(v))
				break;
			continue;
		}
		memset(&b[got].vnet, 0, sizeof(b[got].vnet));
		if (link_took(l, &b[got], r))
			got++;
	}
	return got || !ended(v) ? got : -ENETDOWN;
}

static int vde_link_send(struct link *l, const struct iovec *iov, int cnt,
			 const struct virtio_net_hdr *vnet)
{
	struct vde *v = vde_of(l);
	size_t len = link_iov_len(iov, cnt), at = 0;
	const void *frame = v->buf;
	ssize_t r;

	if (v->opening)
		return link_drop(l, 0);
	if (len > v->max)
		return link_drop(l, -EMSGSIZE);
	if (cnt == 1) {
		frame = iov->iov_base;
	} else {
		for (int i = 0; i < cnt; at += iov[i++].iov_len)
			memcpy(v->buf + at, iov[i].iov_base, iov[i].iov_len);
	}
	r = vde_send(v->conn, frame, len, 0);
	/* cmd counts its two bytes of length as well */
	return r >= (ssize_t)len ? link_sent(l, len) : link_drop(l, 0);
}

static void vde_link_close(struct link *l)
{
	struct vde *v = vde_of(l);

	if (v->stale >= 0)
		close(v->stale);
	if (v->opening) {
		vde_open_abandon(v->opening);
	} else if (v->conn) {
		if (l->fd != v->data && l->fd != v->stale)
			close(l->fd);
		vde_close(v->conn);
	}
	free(v);
}

static const struct link_ops vde_ops = {
	.kind = "vde", .recv = vde_link_recv, .send = vde_link_send, .close = vde_link_close,
};

/* note in @open which of our descriptors are open */
static void list_fds(bool open[VDE_FDS])
{
	for (int i = 0; i < VDE_FDS; i++)
		open[i] = fcntl(i, F_GETFD) >= 0;
}

static void unblock_new_pipes(const bool before[VDE_FDS])
{
	struct stat st;

	for (int i = 0; i < VDE_FDS; i++)
		if (!before[i] && fstat(i, &st) == 0 && S_ISFIFO(st.st_mode))
			fdio_set_nonblock(i, true);
}

/* learn what the data descriptor is, and make it as harmless as it can be */
static int set_up_data(struct vde *v)
{
	struct stat st;

	if (fstat(v->data, &st) < 0)
		return -errno;
	v->max = VDE_ETHBUFSIZE;
	if (S_ISSOCK(st.st_mode) || S_ISCHR(st.st_mode)) {
		v->nonblock = fdio_set_nonblock(v->data, true) == 0;
	} else if (S_ISFIFO(st.st_mode)) {
		unblock_new_pipes(v->before);
		v->max = VDE_PIPE_FRAME;
		v->l.mtu = VDE_PIPE_FRAME - LINK_ETH_MIN;
	}
	return 0;
}

/* the descriptor to watch: of the data, or of data and control */
static int watch_fd(struct vde *v)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd;

	if (v->ctl < 0)
		return v->data;
	fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (epoll_ctl(fd, EPOLL_CTL_ADD, v->data, &ev) < 0 ||
	    epoll_ctl(fd, EPOLL_CTL_ADD, v->ctl, &ev) < 0 ||
	    fdio_set_nonblock(v->ctl, true) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

/* why libvdeplug did not open @vnl, and what to do about it */
static int open_failed(const char *vnl, int e, char *err, size_t errlen)
{
	const char *sep = strstr(vnl, "://");
	int n = sep ? (int)(sep - vnl) : 0;

	if (sep && e == EPROTONOSUPPORT)
		return link_fail(-e, err, errlen,
			"vnl \"%s\": cannot open: no such plugin (is the package libvdeplug-%.*s installed?)",
			vnl, n, vnl);
	if (!sep)
		return link_fail(-e, err, errlen,
			"vnl \"%s\": cannot open: %s (taken for the folder of a vde_switch; "
			"else use tap:NAME, tun:NAME, fd:N or KIND://...)", vnl, strerror(e));
	return link_fail(-e, err, errlen, "vnl \"%s\": plugin %.*s cannot open it: %s",
			 vnl, n, vnl, e == EINVAL ? "it is not valid" : strerror(e));
}

/* what the thread opened, or why it did not: 0 or -errno with the reason */
static int take(struct vde *v, const char *vnl, char *err, size_t errlen)
{
	int efd, rc = vde_open_take(v->opening, &v->conn, &efd);

	v->opening = NULL;
	v->stale = efd;			/* it may still be watched */
	if (rc)
		return open_failed(vnl, -rc, err, errlen);
	v->data = vde_datafd(v->conn);
	v->ctl = vde_ctlfd(v->conn);
	rc = set_up_data(v);
	if (!rc)
		rc = watch_fd(v);
	if (rc < 0)
		return link_fail(rc, err, errlen, "vnl \"%s\": its descriptor is of no use: %s",
				 vnl, strerror(-rc));
	v->l.fd = rc;
	return 0;
}

/* it was opened after all, or not: nobody is there any more to be told why */
static int late(struct vde *v)
{
	char err[300];

	if (!vde_open_wait(v->opening, 0))
		return 0;
	if (take(v, v->l.spec, err, sizeof(err)) < 0) {
		log_err("%s", err);
		return -ENETDOWN;
	}
	v->l.no_peer = false;
	v->l.changed = true;
	return 0;
}

/**
 * vde_link_open() - Open a VNL
 * @arg:	The VNL, "KIND://REST", or the path of a switch
 * @out, @err, @errlen: as for link_open()
 *
 * What takes longer than link_patience() goes on being opened: until then the
 * link has no peer and loses what it is given, and if it fails it is gone.
 *
 * Return: 0 or -errno
 */
int vde_link_open(const char *arg, struct link **out, char *err, size_t errlen)
{
	struct vde *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return link_fail(-ENOMEM, err, errlen, "vnl \"%s\": out of memory", arg);
	v->l.ops = &vde_ops;
	v->stale = -1;
	snprintf(v->l.name, sizeof(v->l.name), "%.*s",
		 strstr(arg, "://") ? (int)(strstr(arg, "://") - arg) : 3,
		 strstr(arg, "://") ? arg : "vde");
	list_fds(v->before);
	rc = vde_open_start(arg, &v->opening);
	if (rc < 0) {
		free(v);
		return link_fail(rc, err, errlen, "vnl \"%s\": cannot start to open it: %s", arg,
				 strerror(-rc));
	}
	if (vde_open_wait(v->opening, link_patience())) {
		rc = take(v, arg, err, errlen);
	} else {
		v->l.fd = vde_open_fd(v->opening);
		v->l.no_peer = true;
	}
	if (rc < 0) {
		v->l.fd = v->data;
		vde_link_close(&v->l);
		return rc;
	}
	*out = &v->l;
	return 0;
}
