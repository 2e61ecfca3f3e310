/* ctlsock.c - the control socket of a stack, held by one daemon at a time
 *
 * Theory of operation
 * A daemon owns the control socket PATH for as long as it holds an flock(2)
 * on ".NAME.lock" beside it.  The kernel drops the lock when the daemon dies in
 * whatever way, so a socket found under a free lock is a dead daemon's and
 * is replaced at once, and two daemons that start together cannot both win.
 * The lock file holds the owner's pid, for messages.
 *
 * A lock that is taken while nobody answers at PATH belongs to a daemon that
 * is just starting or just ending: we wait for it, up to BUSY_WAIT_MS, so
 * that `ustack umount x; ustack mount x` and an on-demand stack asked for
 * again while it ends both work.
 *
 * The lock file is removed under the lock; whoever had it open by then finds
 * that the path no longer leads to what it locked, and begins anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/loop.h"
#include "daemon/ctlsock.h"

#define BUSY_WAIT_MS	5000
#define BUSY_POLL_US	10000

/* is somebody listening at @path? 1, 0, or -errno */
static int answers(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd, ret = 1;

	/* its length was checked when the name was resolved */
	memcpy(un.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* EAGAIN: alive, its backlog is full; EPROTOTYPE: alive, no daemon of ours */
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
		ret = errno == EAGAIN || errno == EPROTOTYPE ? 1 :
		      errno == ECONNREFUSED || errno == ENOENT ? 0 : -errno;
	close(fd);
	return ret;
}

static bool same_file(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int read_pid(int fd)
{
	char buf[16] = "";

	return pread(fd, buf, sizeof(buf) - 1, 0) > 0 ? atoi(buf) : 0;
}

/* one attempt: 0, -EAGAIN when it is held (@pid tells by whom), or -errno */
static int try_lock(struct ctlsock *c, int *pid)
{
	int fd, err;

	do {
		fd = open(c->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			  0600);
		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			err = errno == EWOULDBLOCK ? -EAGAIN : -errno;
			*pid = read_pid(fd);
			close(fd);
			return err;
		}
		if (same_file(fd, c->lock_path))
			break;
		close(fd);
	} while (1);
	c->lock_fd = fd;
	return 0;
}

static int lock(struct ctlsock *c, char *err, size_t errlen)
{
	uint64_t deadline = clock_ns() + BUSY_WAIT_MS * 1000000ull;
	int ret, pid = 0;

	while ((ret = try_lock(c, &pid)) == -EAGAIN) {
		if (answers(c->path) == 1) {
			snprintf(err, errlen, "stack \"%s\" is already running (pid %d)",
				 c->label, pid);
			return -EEXIST;
		}
		if (clock_ns() > deadline) {
			snprintf(err, errlen, "stack \"%s\": pid %d has held its lock %s for %d s without answering (end that process)",
				 c->label, pid, c->lock_path, BUSY_WAIT_MS / 1000);
			return -EEXIST;
		}
		usleep(BUSY_POLL_US);
	}
	if (ret)
		snprintf(err, errlen, "stack \"%s\": cannot lock %s: %s%s",
			 c->label, c->lock_path, strerror(-ret),
			 ret == -ENOENT ? " (make the folder first)" :
			 ret == -EACCES ? " (choose a path in a folder of your own)" : "");
	return ret;
}

static int write_pid(struct ctlsock *c)
{
	char buf[16];
	int n = snprintf(buf, sizeof(buf), "%d\n", (int)getpid());

	if (ftruncate(c->lock_fd, 0) < 0 || pwrite(c->lock_fd, buf, (size_t)n, 0) != n)
		return -EIO;
	return 0;
}

/* what a dead daemon left goes; anything else stays and is an error */
static int clear_path(struct ctlsock *c, char *err, size_t errlen)
{
	struct stat st;
	int ret;

	if (lstat(c->path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(err, errlen, "stack \"%s\": %s exists and is not a socket (choose another, or remove it)",
			 c->label, c->path);
		return -EEXIST;
	}
	ret = answers(c->path);
	if (ret == 1) {
		snprintf(err, errlen, "stack \"%s\": another program is listening at %s (choose another path)",
			 c->label, c->path);
		return -EEXIST;
	}
	if (ret == 0 && unlink(c->path) < 0 && errno != ENOENT)
		ret = -errno;
	if (ret < 0)
		snprintf(err, errlen, "stack \"%s\": cannot replace the old control socket %s: %s",
			 c->label, c->path, strerror(-ret));
	return ret;
}

static int bind_path(struct ctlsock *c, char *err, size_t errlen)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	mode_t mask;
	int ret = 0;

	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd >= 0) {
		memcpy(un.sun_path, c->path, strlen(c->path) + 1);
		mask = umask(0177);
		if (bind(c->fd, (struct sockaddr *)&un, sizeof(un)) < 0)
			ret = -errno;
		umask(mask);
	} else {
		ret = -errno;
	}
	if (ret) {
		snprintf(err, errlen, "stack \"%s\": cannot make the control socket %s: %s",
			 c->label, c->path, strerror(-ret));
		if (c->fd >= 0)
			close(c->fd);
		c->fd = -1;
	}
	return ret;
}

/* nobody can connect yet: it does not listen */
static int share_path(struct ctlsock *c, const struct ctlsock_share *share, char *err, size_t errlen)
{
	int ret = 0;

	if (!share->mode)
		return 0;
	if (share->gid != (gid_t)-1 && chown(c->path, (uid_t)-1, share->gid) < 0)
		ret = -errno;
	if (!ret && chmod(c->path, share->mode) < 0)
		ret = -errno;
	if (ret)
		snprintf(err, errlen, "stack \"%s\": cannot share its control socket %s (mode %04o, group %d): %s%s",
			 c->label, c->path, share->mode, (int)share->gid, strerror(-ret),
			 ret == -EPERM ? " (be a member of the group)" : "");
	return ret;
}

/**
 * ctlsock_bind() - Take the control socket of a stack
 * @c:		filled in; release with ctlsock_release(), also after an error
 * @path:	absolute path that fits a sockaddr_un
 * @label:	what the user calls the stack, for messages; must outlive @c
 * @share:	who else may use it
 * @err:	on failure: object, action, value, reason, remedy
 *
 * Clients that connect before ctlsock_listen() are refused.
 *
 * Return: 0, -EEXIST when the path is in use, or -errno
 */
int ctlsock_bind(struct ctlsock *c, const char *path, const char *label,
		 const struct ctlsock_share *share, char *err, size_t errlen)
{
	const char *base = strrchr(path, '/') + 1;
	int ret;

	c->fd = c->lock_fd = -1;
	c->label = label;
	snprintf(c->path, sizeof(c->path), "%s", path);
	snprintf(c->lock_path, sizeof(c->lock_path), "%.*s.%s.lock",
		 (int)(base - path), path, base);
	ret = lock(c, err, errlen);
	if (ret)
		return ret;
	ret = write_pid(c);
	if (ret) {
		snprintf(err, errlen, "stack \"%s\": cannot write %s: %s", label,
			 c->lock_path, strerror(-ret));
		return ret;
	}
	ret = clear_path(c, err, errlen);
	if (!ret)
		ret = bind_path(c, err, errlen);
	return ret ? ret : share_path(c, share, err, errlen);
}

/**
 * ctlsock_listen() - Let clients connect
 *
 * Return: 0 or -errno with the reason in @err
 */
int ctlsock_listen(struct ctlsock *c, char *err, size_t errlen)
{
	if (listen(c->fd, SOMAXCONN) == 0)
		return 0;
	snprintf(err, errlen, "stack \"%s\": cannot listen: %s", c->label,
		 strerror(errno));
	return -errno;
}

/**
 * ctlsock_stop_listening() - Remove the control socket, keep its name locked
 *
 * For the time in which the stack is being dismantled.  Idempotent.
 */
void ctlsock_stop_listening(struct ctlsock *c)
{
	if (c->fd < 0)
		return;
	unlink(c->path);
	close(c->fd);
	c->fd = -1;
}

/**
 * ctlsock_release() - Give the name back
 *
 * Idempotent; good for a struct whose ctlsock_bind() failed.
 */
void ctlsock_release(struct ctlsock *c)
{
	ctlsock_stop_listening(c);
	if (c->lock_fd < 0)
		return;
	unlink(c->lock_path);
	close(c->lock_fd);
	c->lock_fd = -1;
}
