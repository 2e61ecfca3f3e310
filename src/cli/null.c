/* null.c - `ustack mount -t null`: a name for no network at all
 *
 * Theory of operation
 * Nothing has to run for it: where a daemon would have its control socket we
 * put a symbolic link that stackname_resolve() knows.  symlink(2) replaces
 * nothing, so of two who want the name one gets it.  What a dead daemon left is
 * removed first, under the lock that a daemon holds while it lives
 * (daemon/ctlsock.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/cli.h"

static int running(const char *name)
{
	cli_error("stack \"%s\" is already running (end it by \"ustack umount %s\")", name, name);
	return CLI_RUNNING;
}

/* the daemon's lock, that nobody holds: its descriptor or -errno */
static int take_lock(const char *path, char *lock, size_t size)
{
	const char *base = strrchr(path, '/') + 1;
	int fd, err;

	snprintf(lock, size, "%.*s.%s.lock", (int)(base - path), path, base);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* with the lock held */
static int put_mark(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && unlink(path) < 0)
		return -errno;
	return symlink(STACKNAME_NULL_MARK, path) < 0 ? -errno : 0;
}

/**
 * null_mount() - Make a name or path lead to no network
 *
 * Return: exit status, after a message if it is not 0
 */
int null_mount(const char *name, const struct stackname *sn)
{
	char lock[PATH_MAX];
	int fd, ret;

	if (sn->kind == STACKNAME_NULL && sn->path[0]) {
		cli_error("stack \"%s\" is null already", name);
		return CLI_RUNNING;
	}
	if (sn->kind != STACKNAME_PATH) {
		cli_error("stack \"%s\": null cannot be mounted there (give a name or a path)", name);
		return CLI_FAILED;
	}
	fd = take_lock(sn->path, lock, sizeof(lock));
	if (fd == -EWOULDBLOCK)
		return running(name);
	ret = fd < 0 ? fd : put_mark(sn->path);
	if (fd >= 0) {
		unlink(lock);
		close(fd);
	}
	if (ret)
		cli_error("stack \"%s\": cannot make %s: %s", name, sn->path, strerror(-ret));
	return ret ? CLI_FAILED : 0;
}

/**
 * null_umount() - Undo it
 *
 * Programs that run on it stay without network: they have read the name.
 *
 * Return: exit status, after a message if it is not 0
 */
int null_umount(const char *name, const struct stackname *sn)
{
	if (unlink(sn->path) == 0)
		return 0;
	cli_error("stack \"%s\": cannot remove %s: %s", name, sn->path, strerror(errno));
	return CLI_FAILED;
}
