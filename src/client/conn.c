/* conn.c - the control connection of a process to a stack
 *
 * Theory of operation
 * One SOCK_SEQPACKET connection a process and stack, opened when first
 * needed and moved to a high number, out of the program's way.  Programs
 * close numbers they do not know: before each use the number must still be
 * our socket (device and inode), or a new connection is made.
 *
 * A request and its reply hold the connection's lock, with signals blocked
 * (a handler may use sockets) and cancellation off.  The daemon answers at
 * once; a timeout of ten seconds turns a stopped one into an error.  One-way
 * messages are single datagrams: they take no lock while the connection is
 * sound.  A connection found dead is replaced on the same number (dup3), so
 * that another thread never sends into somebody else's descriptor.
 *
 * fork: the child forgets the connection (pthread_atfork) and makes its own by
 * path, or, where the path cannot be reached any more (chroot, other user,
 * other mount namespace), by sending MSG_OP_ATTACH with one end of a new
 * pair over the inherited one.  vfork: the child shares our memory but not
 * our descriptors; it is told by its pid, changes nothing here, and uses a
 * connection that lives for one request.
 *
 * With the greeting comes the stack's board (proto/board.h), which is mapped to
 * read.  It outlives the connection, in a forked child, too; that of a
 * daemon started anew takes its place in memory, as another thread may be
 * reading it.
 *
 * Entries of the list are never freed: a process talks to few stacks.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include "client/client.h"
#include "client/sys.h"
#include "proto/board.h"

#define CONN_TIMEOUT_S	10	/* a daemon that does not answer is gone */
#define CONN_HIGH_FD	1000	/* first choice of a number, limits permitting */
#define CONN_HIGH_ROOM	24

/* the connection itself failed, as no daemon's answer (-1 ... -4095) says it */
#define CONN_DEAD	(-5000)

struct conn {
	struct conn *next;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	_Atomic int fd;			/* -1: none */
	_Atomic ino_t ino;		/* sockets have one device: the inode tells them apart */
	int inherited;			/* the parent's connection after fork, or -1 */
	ino_t inherited_ino;
	pthread_mutex_t lock;
	uint32_t seq;
	_Atomic(const struct board *) board;	/* NULL: none was shown */
};

static _Atomic(struct conn *) conns;
static pid_t owner;			/* the process that this list belongs to */

static bool is_socket(int fd, ino_t ino)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_ino == ino;
}

static ino_t inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

static void in_child(void)
{
	owner = getpid();
	for (struct conn *c = atomic_load(&conns); c; c = c->next) {
		if (c->inherited < 0) {
			c->inherited = atomic_load(&c->fd);
			c->inherited_ino = atomic_load(&c->ino);
		}
		atomic_store(&c->fd, -1);
		pthread_mutex_init(&c->lock, NULL);
	}
}

__attribute__((constructor)) static void conn_init(void)
{
	if (!owner) {
		owner = getpid();
		pthread_atfork(NULL, NULL, in_child);
	}
}

/**
 * conn_in_owner() - Is this the process that our memory belongs to?
 *
 * False in a vfork child and after a bare clone(2).
 */
bool conn_in_owner(void)
{
	if (!owner)
		conn_init();
	return owner == getpid();
}

/* the entry of a path, made if need be; mmap and not malloc, since socket()
 * may be called from a signal handler.  NULL: no memory */
static struct conn *lookup(const char *path)
{
	struct conn *fresh = NULL, *head, *c;

	for (;;) {
		head = atomic_load(&conns);
		for (c = head; c; c = c->next)
			if (!strcmp(c->path, path))
				break;
		if (c)
			break;
		if (!fresh) {
			fresh = mmap(NULL, sizeof(*fresh), PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (fresh == MAP_FAILED)
				return NULL;
			strncpy(fresh->path, path, sizeof(fresh->path) - 1);
			fresh->fd = fresh->inherited = -1;
			pthread_mutex_init(&fresh->lock, NULL);
		}
		fresh->next = head;
		if (atomic_compare_exchange_strong(&conns, &head, fresh))
			return fresh;
	}
	if (fresh)
		munmap(fresh, sizeof(*fresh));
	return c;
}

/**
 * conn_to_high() - Move a descriptor out of the program's way
 * @fd:	a descriptor of ours; closed when it could be moved
 *
 * Return: the descriptor to use, CLOEXEC
 */
int conn_to_high(int fd)
{
	struct rlimit rl;
	int high = -1, min = CONN_HIGH_FD;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 &&
	    rl.rlim_cur < CONN_HIGH_FD + CONN_HIGH_ROOM)
		min = rl.rlim_cur > CONN_HIGH_ROOM ? (int)rl.rlim_cur - CONN_HIGH_ROOM : 0;
	if (min > 0)
		high = sys_fcntl(fd, F_DUPFD_CLOEXEC, min);
	if (high < 0)
		return fd;
	sys_close(fd);
	return high;
}

static int dial(const char *path)
{
	struct timeval tv = { .tv_sec = CONN_TIMEOUT_S };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	strcpy(un.sun_path, path);
	fd = sys_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	sys_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	sys_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (sys_connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0) {
		err = -errno;
		sys_close(fd);
		return err;
	}
	return fd;
}

/* one message out; 0, -errno of a lack of resources, or CONN_DEAD */
static int put(int fd, const struct conn_req *r, uint16_t flags, uint32_t seq)
{
	struct msg_hdr h = {
		.version = MSG_VERSION, .op = r->op, .flags = flags, .seq = seq,
		.sock = r->sock, .len = (uint16_t)(r->body_len + r->tail_len),
	};
	struct iovec iov[3] = {
		{ &h, sizeof(h) },
		{ (void *)r->body, r->body_len },
		{ (void *)r->tail, r->tail_len },
	};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} ctl = { 0 };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 3 };
	ssize_t n;

	if (r->fd >= 0) {
		struct cmsghdr *c = &ctl.align;

		m.msg_control = ctl.buf;
		m.msg_controllen = sizeof(ctl.buf);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &r->fd, sizeof(int));
	}
	do
		n = sys_sendmsg(fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	switch (errno) {
	case ENOMEM:
	case ENOBUFS:
	case ETOOMANYREFS:
	case EMSGSIZE:
		return -errno;
	default:
		return CONN_DEAD;
	}
}

/* the descriptor that came with a reply, or -1 */
static int received(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* the reply to seq; older ones are skipped.  0, the reply's -errno or CONN_DEAD */
static int get(int fd, struct conn_req *r, uint32_t seq)
{
	struct msg_hdr h;
	struct iovec iov[2] = { { &h, sizeof(h) }, { r->reply, r->reply_size } };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	do {
		do {
			m.msg_control = r->got_fd ? ctl.buf : NULL;
			m.msg_controllen = r->got_fd ? sizeof(ctl.buf) : 0;
			n = sys_recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
		} while (n < 0 && errno == EINTR);
		if (n >= 0 && r->got_fd)
			*r->got_fd = received(&m);
		if (n < (ssize_t)sizeof(h) || h.version != MSG_VERSION)
			return CONN_DEAD;
	} while (h.seq != seq);
	if (h.op != r->op || h.err > 0 || h.err < -4095)
		return CONN_DEAD;
	if (h.err)
		return h.err;
	if (m.msg_flags & MSG_TRUNC || h.len != (size_t)n - sizeof(h))
		return -EPROTO;
	r->reply_len = h.len;
	return 0;
}

/* board: its descriptor goes there, or -1; NULL: it is not wanted */
static int hello(int fd, int *board)
{
	struct msg_hello h = { 0 };
	struct conn_req r = {
		.op = MSG_OP_HELLO, .fd = -1, .reply = &h, .reply_size = sizeof(h), .got_fd = board,
	};
	int ret = put(fd, &r, 0, 0);

	if (!ret)
		ret = get(fd, &r, 0);
	if (!ret && (r.reply_len != sizeof(h) || h.version != MSG_VERSION))
		ret = -EPROTONOSUPPORT;
	return ret;
}

/* a connection through the one inherited from our parent */
static int attach(int inherited)
{
	struct timeval tv = { .tv_sec = CONN_TIMEOUT_S };
	struct conn_req r = { .op = MSG_OP_ATTACH };
	int fds[2], ret;

	if (sys_socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	r.fd = fds[1];
	ret = put(inherited, &r, MSG_F_ONEWAY, 0);
	sys_close(fds[1]);
	if (ret) {
		sys_close(fds[0]);
		return ret;
	}
	sys_setsockopt(fds[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	sys_setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return fds[0];
}

/* a new connection, greeted; inherited: number or -1; board: as of hello() */
static int fresh(const char *path, int inherited, int *board)
{
	int fd = dial(path), ret;

	if (fd < 0 && inherited >= 0) {
		ret = attach(inherited);
		if (ret >= 0)
			fd = ret;
	}
	if (fd < 0)
		return fd;
	ret = hello(fd, board);
	if (ret) {
		if (board && *board >= 0)
			sys_close(*board);
		sys_close(fd);
		return ret;
	}
	return fd;
}

/* with the lock held: make c->fd a sound connection; renew: the one there is dead */
static int reopen(struct conn *c, bool renew)
{
	int old = atomic_load(&c->fd), board = -1, inherited, fd;

	if (!is_socket(old, atomic_load(&c->ino)))
		old = -1;
	if (old >= 0 && !renew)
		return 0;
	inherited = is_socket(c->inherited, c->inherited_ino) ? c->inherited : -1;
	fd = fresh(c->path, inherited, &board);
	if (fd < 0)
		return fd;
	if (board >= 0) {
		atomic_store(&c->board, client_map_board(board, atomic_load(&c->board)));
		sys_close(board);
	}
	if (inherited >= 0)
		sys_close(inherited);
	c->inherited = -1;
	if (old >= 0 && sys_dup3(fd, old, O_CLOEXEC) >= 0) {
		sys_close(fd);
		fd = old;
	} else {
		fd = conn_to_high(fd);
	}
	atomic_store(&c->ino, inode(fd));
	atomic_store(&c->fd, fd);
	return 0;
}

/* what the caller sees when the daemon cannot be reached */
static int unreachable(int err)
{
	switch (err) {
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -ENOBUFS:
		return err;
	default:
		return -ENETDOWN;
	}
}

/* a request from a process that must not touch our state */
static int call_once(const char *path, struct conn_req *r, bool oneway)
{
	struct conn *c;
	int fd, inherited = -1, ret;

	for (c = atomic_load(&conns); c; c = c->next)
		if (!strcmp(c->path, path) && is_socket(c->fd, c->ino))
			inherited = c->fd;
	fd = fresh(path, inherited, NULL);
	if (fd < 0)
		return unreachable(fd);
	ret = put(fd, r, oneway ? MSG_F_ONEWAY : 0, 1);
	if (!ret && !oneway)
		ret = get(fd, r, 1);
	sys_close(fd);
	return ret == CONN_DEAD ? -ENETDOWN : ret;
}

/* r: NULL to have a connection is all */
static int locked_call(struct conn *c, struct conn_req *r, bool oneway)
{
	int ret = reopen(c, false);

	if (!r)
		return ret ? unreachable(ret) : 0;
	for (int attempt = 0; attempt < 2; attempt++) {
		if (ret)
			return unreachable(ret);
		ret = put(c->fd, r, oneway ? MSG_F_ONEWAY : 0, ++c->seq);
		if (!ret && !oneway)
			ret = get(c->fd, r, c->seq);
		if (ret != CONN_DEAD)
			return ret;
		if (attempt == 0)
			ret = reopen(c, true);
	}
	return -ENETDOWN;
}

/* r: NULL to have a connection, no more */
static int call(const char *path, struct conn_req *r, bool oneway)
{
	struct conn *c;
	sigset_t all, old;
	int ret, cancel;

	c = lookup(path);
	if (!c)
		return -ENOMEM;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&c->lock);
	ret = locked_call(c, r, oneway);
	pthread_mutex_unlock(&c->lock);
	pthread_setcancelstate(cancel, &cancel);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

/**
 * conn_call() - Send a request to a stack and take the answer
 * @path:	control socket
 * @r:		request; reply_len is filled in
 *
 * A daemon that was restarted under the same path is found again.
 *
 * Return: 0 or the daemon's -errno; -ENETDOWN when no daemon answers,
 * -EMFILE, -ENOMEM, -EPROTO
 */
int conn_call(const char *path, struct conn_req *r)
{
	int ret = conn_in_owner() ? call(path, r, false) : call_once(path, r, false);

	/* the daemon does not know the socket (any more) */
	return ret == -EBADF && r->sock ? -ENOTCONN : ret;
}

/**
 * conn_send() - Send a message that gets no answer
 * @path:	control socket
 * @r:		the message
 *
 * Return: 0 once it is on its way, else as conn_call()
 */
int conn_send(const char *path, const struct conn_req *r)
{
	struct conn_req copy = *r;
	struct conn *c;
	int fd;

	if (!conn_in_owner())
		return call_once(path, &copy, true);
	for (c = atomic_load(&conns); c; c = c->next)
		if (!strcmp(c->path, path))
			break;
	if (c) {
		fd = atomic_load(&c->fd);
		if (is_socket(fd, atomic_load(&c->ino)) && put(fd, r, MSG_F_ONEWAY, 0) == 0)
			return 0;
	}
	return call(path, &copy, true);
}

/**
 * conn_board() - What a stack shows its clients
 * @path:	control socket
 *
 * A process without a connection gets one, at its first call: after execve(2).
 *
 * Return: the board, for as long as the process lives; NULL: none was shown
 */
const struct board *conn_board(const char *path)
{
	for (int i = 0; i < 2; i++) {
		for (struct conn *c = atomic_load(&conns); c; c = c->next)
			if ((atomic_load(&c->board) || atomic_load(&c->fd) >= 0) &&
			    !strcmp(c->path, path))
				return atomic_load(&c->board);
		if (i || !conn_in_owner() || call(path, NULL, false))
			break;
	}
	return NULL;
}

/**
 * conn_error_waits() - May an error wait in a datagram socket of a stack of ours?
 * @unknown:	what is to be thought of a stack that shows no board
 */
bool conn_error_waits(bool unknown)
{
	for (struct conn *c = atomic_load(&conns); c; c = c->next) {
		const struct board *b = atomic_load(&c->board);

		if (b ? board_read(&b->nerror) != 0 : unknown)
			return true;
	}
	return false;
}

/**
 * conn_prepare() - Connect to a stack now, unless this process is connected
 * @path:	control socket
 *
 * For who is about to lose the way to it.
 *
 * Return: 0 or -errno, as conn_call()
 */
int conn_prepare(const char *path)
{
	return conn_in_owner() ? call(path, NULL, false) : 0;
}

/**
 * conn_probe() - Why can a stack not be reached?
 * @path:	control socket
 *
 * Return: 0 when it can, else connect(2)'s -errno
 */
int conn_probe(const char *path)
{
	int fd = dial(path);

	if (fd < 0)
		return fd;
	sys_close(fd);
	return 0;
}

/**
 * conn_owns() - Is this number one of our control connections?
 */
bool conn_owns(int fd)
{
	if (fd < 0)
		return false;
	for (struct conn *c = atomic_load(&conns); c; c = c->next)
		if (atomic_load(&c->fd) == fd && is_socket(fd, c->ino))
			return conn_in_owner();
	return false;
}

/**
 * conn_next_owned() - The lowest number of ours that is not below @from
 *
 * Return: it, or -1
 */
int conn_next_owned(unsigned from)
{
	int best = -1;

	if (!conn_in_owner())
		return -1;
	for (struct conn *c = atomic_load(&conns); c; c = c->next) {
		int fd = atomic_load(&c->fd);

		if (fd >= 0 && (unsigned)fd >= from && (best < 0 || fd < best) &&
		    is_socket(fd, c->ino))
			best = fd;
	}
	return best;
}

/**
 * conn_evict() - Make way for the program, which wants this number
 * @fd:	one of ours (conn_owns())
 *
 * Return: 0 or -errno
 */
int conn_evict(int fd)
{
	for (struct conn *c = atomic_load(&conns); c; c = c->next) {
		int to;

		if (atomic_load(&c->fd) != fd)
			continue;
		to = sys_fcntl(fd, F_DUPFD_CLOEXEC, fd + 1);
		if (to < 0)
			to = sys_fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (to < 0)
			return -errno;
		atomic_store(&c->fd, to);
	}
	return 0;
}
