/* veth.c - a cable between two stacks, or within one
 *
 * Theory of operation
 * Both ends are AF_UNIX SOCK_SEQPACKET sockets, connected to each other.  A
 * record is a struct virtio_net_hdr in host order and a frame: TCP segments of
 * up to 64 KB and unfinished checksums cross as they are, for neither end has
 * to cut or to sum what the other would put together again.  A record of one
 * byte tells whether its sender is up, as the kernel's veth does by the
 * carrier: no_peer is set while the far end is down or not there.  Another
 * byte says that the sender takes several datagrams of UDP as one frame: who
 * does not know it never says so, and is sent none.
 *
 * link_pair() gives both ends to one process.  "veth:PATH" is one end; who
 * comes first listens at PATH, who comes second connects, and PATH is gone
 * while both are there: a cable has two ends.  The end that is left when the
 * other goes begins anew.  Both must belong to the same user, or to root.  To
 * have one listener only, the folder is locked while it is decided who is.
 *
 * In flight is what SO_SNDBUF allows; a full socket is -EAGAIN.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "link/kind.h"

#define VETH_SNDBUF	(4 << 20)	/* as much of it as net.core.wmem_max allows */
#define VETH_IOV	IOV_MAX
#define SIGN_UP		'U'
#define SIGN_DOWN	'D'
#define SIGN_USO	'S'

struct veth {
	struct link l;
	char *path;		/* NULL: one of a pair */
	bool listening;		/* l.fd is the listener */
	bool up, told;		/* our end's state, and whether the peer knows */
	int stale;		/* what l.fd was before, to be closed; -1: none */
};

static struct veth *veth_of(struct link *l)
{
	return container_of(l, struct veth, l);
}

static int sign(struct veth *v, char what)
{
	return send(v->l.fd, &what, 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EAGAIN ?
		-EAGAIN : 0;	/* any other error: the peer is gone */
}

static int tell(struct veth *v)
{
	if (v->told || v->listening)
		return 0;
	if (sign(v, SIGN_USO) < 0 || sign(v, v->up ? SIGN_UP : SIGN_DOWN) < 0)
		return -EAGAIN;
	v->told = true;
	return 0;
}

static int veth_set_up(struct link *l, bool up)
{
	struct veth *v = veth_of(l);

	if (v->up != up)
		v->told = false;
	v->up = up;
	return tell(v);
}

static void set_peer(struct veth *v, bool there)
{
	if (v->l.no_peer == !there)
		return;
	v->l.no_peer = !there;
	v->l.changed = true;
}

/* put another descriptor in place of the one that is watched */
static void replace_fd(struct veth *v, int fd, bool listening)
{
	if (v->stale >= 0)
		close(v->stale);
	v->stale = v->l.fd;
	v->l.fd = fd;
	v->l.changed = true;
	v->listening = listening;
	v->told = false;
	v->l.caps &= ~(unsigned)LINK_CAP_USO;
	set_peer(v, false);
}

static void enlarge(int fd)
{
	int size = VETH_SNDBUF;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static bool ours(int fd)
{
	struct ucred c;
	socklen_t len = sizeof(c);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) == 0 &&
	       (c.uid == geteuid() || c.uid == 0);
}

/* a connected end, -EAGAIN when nobody listens, -EPERM, or -errno */
static int dial(const struct sockaddr_un *un)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) < 0)
		rc = errno == ENOENT || errno == ECONNREFUSED ? -EAGAIN :
			errno == EAGAIN ? -EBUSY : -errno;
	else if (!ours(fd))
		rc = -EPERM;
	if (!rc) {
		enlarge(fd);
		return fd;
	}
	close(fd);
	return rc;
}

/* a listener at the path, where there may be a dead one's socket: fd or -errno */
static int wait_there(const struct sockaddr_un *un)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc = 0;
	struct stat st;
	mode_t mask;

	if (fd < 0)
		return -errno;
	if (lstat(un->sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(un->sun_path);
	mask = umask(0177);
	if (bind(fd, (const struct sockaddr *)un, sizeof(*un)) < 0 || listen(fd, 1) < 0)
		rc = -errno;
	umask(mask);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

static int lock_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fd;

	snprintf(dir, sizeof(dir), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return -EBUSY;
	}
	return fd;
}

/* find the other end, or wait for it: 0 or -errno */
static int attach(struct veth *v)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd, lock;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", v->path);
	fd = dial(&un);
	if (fd >= 0 || fd != -EAGAIN) {
		if (fd >= 0)
			replace_fd(v, fd, false);
		return fd < 0 ? fd : 0;
	}
	lock = lock_folder(v->path);
	if (lock < 0)
		return lock;
	fd = dial(&un);			/* someone was faster? */
	if (fd >= 0) {
		replace_fd(v, fd, false);
	} else if (fd == -EAGAIN) {
		fd = wait_there(&un);
		if (fd >= 0)
			replace_fd(v, fd, true);
	}
	close(lock);
	return fd < 0 ? fd : 0;
}

static void veth_accept(struct veth *v)
{
	int fd = accept4(v->l.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (!ours(fd)) {
		close(fd);
		return;
	}
	enlarge(fd);
	unlink(v->path);		/* a third one shall not find us */
	replace_fd(v, fd, false);
	tell(v);
}

/* the other end has gone: 0, or -ENETDOWN if it does not come back */
static int hung_up(struct veth *v)
{
	if (!v->path)
		return -ENETDOWN;
	if (attach(v) < 0)
		return -ENETDOWN;
	tell(v);
	return 0;
}

static void heard(struct veth *v, char what)
{
	if (what == SIGN_UP || what == SIGN_DOWN)
		set_peer(v, what == SIGN_UP);
	if (what != SIGN_USO || v->l.caps & LINK_CAP_USO)
		return;
	v->l.caps |= LINK_CAP_USO;
	v->l.changed = true;
}

static int veth_recv(struct link *l, struct link_buf *b, int n)
{
	struct veth *v = veth_of(l);
	int got = 0;

	if (v->stale >= 0) {
		close(v->stale);
		v->stale = -1;
	}
	if (v->listening) {
		veth_accept(v);
		return 0;
	}
	tell(v);
	for (int i = 0; got < n && i < n + LINK_RX_SKIP; i++) {
		struct virtio_net_hdr *h = &b[got].vnet;
		struct iovec iov[] = { { h, sizeof(*h) }, { b[got].data, b[got].size } };
		struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
		ssize_t r = recvmsg(l->fd, &m, MSG_DONTWAIT | MSG_TRUNC);

		if (r < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOMEM))
			break;
		if (r <= 0)
			return got ? got : hung_up(v);
		if (r == 1) {
			heard(v, *(const char *)h);
			continue;
		}
		if (link_took(l, &b[got], (size_t)r > sizeof(*h) ? (size_t)r - sizeof(*h) : 0))
			got++;
	}
	return got;
}

static int veth_send(struct link *l, const struct iovec *iov, int cnt,
		     const struct virtio_net_hdr *vnet)
{
	static const struct virtio_net_hdr plain;	/* no offload */
	struct iovec v[VETH_IOV];
	struct msghdr m = { .msg_iov = v, .msg_iovlen = (size_t)cnt + 1 };
	size_t len = link_iov_len(iov, cnt);

	if (l->no_peer)
		return link_drop(l, 0);
	if (len > LINK_FRAME_MAX || cnt < 0 || cnt >= VETH_IOV)
		return link_drop(l, -EMSGSIZE);
	v[0].iov_base = (void *)(vnet ? vnet : &plain);
	v[0].iov_len = sizeof(plain);
	memcpy(v + 1, iov, cnt * sizeof(*iov));
	if (sendmsg(l->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return link_sent(l, len);
	return errno == EAGAIN ? -EAGAIN : link_drop(l, 0);	/* gone: recv() finds out */
}

static void veth_close(struct link *l)
{
	struct veth *v = veth_of(l);

	if (v->listening)
		unlink(v->path);
	if (v->stale >= 0)
		close(v->stale);
	if (l->fd >= 0)
		close(l->fd);
	free(v->path);
	free(v);
}

static const struct link_ops veth_ops = {
	.kind = "veth", .recv = veth_recv, .send = veth_send, .close = veth_close,
	.set_up = veth_set_up,
};

static struct veth *veth_new(int fd, const char *path)
{
	struct veth *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->l.ops = &veth_ops;
	v->l.caps = LINK_CAP_VNET;
	v->l.fd = fd;
	v->l.no_peer = true;
	v->stale = -1;
	snprintf(v->l.name, sizeof(v->l.name), "veth");
	v->path = path ? strdup(path) : NULL;
	if (path && !v->path) {
		free(v);
		return NULL;
	}
	return v;
}

/* documented in link.h */
int link_pair(struct link *out[2])
{
	struct veth *v[2];
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) < 0)
		return -errno;
	for (int k = 0; k < 2; k++) {
		enlarge(fd[k]);
		v[k] = veth_new(fd[k], NULL);
		if (v[k])
			v[k]->l.spec = strdup("veth:");
	}
	if (v[0] && v[1] && v[0]->l.spec && v[1]->l.spec) {
		out[0] = &v[0]->l;
		out[1] = &v[1]->l;
		return 0;
	}
	for (int k = 0; k < 2; k++) {
		if (v[k])
			link_close(&v[k]->l);
		else
			close(fd[k]);
	}
	return -ENOMEM;
}

/**
 * veth_open() - Open "veth:PATH"
 * @arg:	PATH, where the two ends meet; it exists while one waits
 * @out, @err, @errlen: as for link_open()
 *
 * Return: 0 or -errno
 */
int veth_open(const char *arg, struct link **out, char *err, size_t errlen)
{
	struct sockaddr_un un;
	struct veth *v;
	int rc;

	if (arg[0] != '/' || strlen(arg) >= sizeof(un.sun_path))
		return link_fail(-EINVAL, err, errlen,
			"veth \"%s\": not a path (it begins with /, at most %zu characters)",
			arg, sizeof(un.sun_path) - 1);
	v = veth_new(-1, arg);
	if (!v)
		return link_fail(-ENOMEM, err, errlen, "veth \"%s\": out of memory", arg);
	rc = attach(v);
	if (rc < 0) {
		link_fail(rc, err, errlen, "veth \"%s\": cannot wait for the other end there: %s%s",
			  arg, strerror(-rc),
			  rc == -EPERM ? " (it is another user's)" :
			  rc == -EBUSY ? " (its folder is locked; use one of your own)" :
			  rc == -ENOENT ? " (make the folder first)" :
			  rc == -EADDRINUSE ? " (something else has that name)" : "");
		veth_close(&v->l);
		return rc;
	}
	v->l.changed = false;		/* nobody has looked yet */
	*out = &v->l;
	return 0;
}
