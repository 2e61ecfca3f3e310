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
 *   anything else, a read only follows a poll that says there is something;
 *   sending does not block there.
 * - cmd writes to a pipe that it does not tell us of: every pipe that came
 *   into being while it was opened is made non-blocking.  A write up to
 *   PIPE_BUF is all or nothing, so longer frames are refused.
 * - A length of 1 stands for "not a frame after all": a frame from a stranger,
 *   an event of the plugin's own.
 * - What can be seen of the end: of a switch, by the control connection; of a
 *   command, by its pipe.  Both give -ENETDOWN.  To watch two descriptors
 *   by one, link->fd is an epoll of ours where there is a control connection.
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
#include "link/kind.h"

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
	bool bounce = b->size < sizeof(v->buf);
	ssize_t r;

	if (!v->nonblock && !(poll_now(v->data, POLLIN) & POLLIN))
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

static int vde_link_recv(struct link *l, struct link_buf *b, int n)
{
	struct vde *v = vde_of(l);
	int got = 0;

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

	if (l->fd != v->data)
		close(l->fd);
	vde_close(v->conn);
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
static int set_up_data(struct vde *v, const bool before[VDE_FDS])
{
	struct stat st;

	if (fstat(v->data, &st) < 0)
		return -errno;
	v->max = VDE_ETHBUFSIZE;
	if (S_ISSOCK(st.st_mode) || S_ISCHR(st.st_mode)) {
		v->nonblock = fdio_set_nonblock(v->data, true) == 0;
	} else if (S_ISFIFO(st.st_mode)) {
		unblock_new_pipes(before);
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

/**
 * vde_link_open() - Open a VNL
 * @arg:	The VNL, "KIND://REST", or the path of a switch
 * @out, @err, @errlen: as for link_open()
 *
 * May take as long as the plugin does: a control connection, a name look-up.
 *
 * Return: 0 or -errno
 */
int vde_link_open(const char *arg, struct link **out, char *err, size_t errlen)
{
	char descr[] = "ustack", *vnl = strdup(arg);
	struct vde *v = calloc(1, sizeof(*v));
	bool before[VDE_FDS];
	int rc;

	if (!v || !vnl) {
		rc = link_fail(-ENOMEM, err, errlen, "vnl \"%s\": out of memory", arg);
		goto fail;
	}
	list_fds(before);
	errno = 0;		/* some plugins fail without a reason */
	v->conn = vde_open(vnl, descr, NULL);
	if (!v->conn) {
		rc = open_failed(arg, errno ? errno : EINVAL, err, errlen);
		goto fail;
	}
	v->data = vde_datafd(v->conn);
	v->ctl = vde_ctlfd(v->conn);
	rc = set_up_data(v, before);
	if (!rc)
		rc = v->l.fd = watch_fd(v);
	if (rc < 0) {
		link_fail(rc, err, errlen, "vnl \"%s\": its descriptor is of no use: %s",
			  arg, strerror(-rc));
		goto fail;
	}
	v->l.ops = &vde_ops;
	snprintf(v->l.name, sizeof(v->l.name), "%.*s",
		 strstr(arg, "://") ? (int)(strstr(arg, "://") - arg) : 3,
		 strstr(arg, "://") ? arg : "vde");
	free(vnl);
	*out = &v->l;
	return 0;
fail:
	if (v && v->conn)
		vde_close(v->conn);
	free(v);
	free(vnl);
	return rc;
}
