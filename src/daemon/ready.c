/* ready.c - tell whoever started the daemon how it went
 *
 * Theory of operation
 * A starter learns the outcome in one of three ways, all of which say "ready"
 * only once clients can connect:
 * - --ready-fd N: "ready\n", or the text of the error, then end of file;
 * - --daemon: the parent process waits on such a pipe and turns it into its
 *   own exit status.  The child's errors go to the stderr they share;
 * - systemd: sd_notify(3)'s datagram protocol on $NOTIFY_SOCKET.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "daemon/options.h"
#include "daemon/ready.h"

/* the parent of --daemon: leave when the child is ready, or as it left */
__attribute__((noreturn))
static void await_child(int fd, pid_t child)
{
	char buf[16] = "";
	ssize_t n;
	int status;

	do {
		n = read(fd, buf, sizeof(buf) - 1);
	} while (n < 0 && errno == EINTR);
	if (n > 0 && !strcmp(buf, "ready\n"))
		_exit(0);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_RUNNING ?
	      EXIT_RUNNING : EXIT_FAILED);
}

/**
 * ready_daemonise() - Fork; the parent waits for the child to be ready
 *
 * Only the child returns, in a session of its own.
 *
 * Return: descriptor for ready_tell(), or -errno
 */
int ready_daemonise(void)
{
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		int err = -errno;

		close(p[0]);
		close(p[1]);
		return err;
	}
	if (pid > 0) {
		close(p[1]);
		await_child(p[0], pid);
	}
	close(p[0]);
	setsid();
	return p[1];
}

/**
 * ready_detach() - Let go of the starter's folder and of its stdin, stdout, stderr
 */
void ready_detach(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		for (int i = 0; i < 3; i++)
			dup2(fd, i);
		if (fd > 2)
			close(fd);
	}
	if (chdir("/") < 0)
		return;		/* only keeps a file system busy */
}

/**
 * ready_tell() - Write the outcome to a starter's descriptor
 * @fd:		from --ready-fd or ready_daemonise(); stays the caller's
 * @text:	"ready\n" or the reason of the failure
 */
void ready_tell(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;		/* the starter is gone or does not care */
		text += n;
		len -= (size_t)n;
	}
}

/**
 * ready_notify() - Tell systemd, if it asked
 * @state:	"READY=1", "STOPPING=1"
 *
 * The protocol is that of sd_notify(3).
 */
void ready_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t len;
	int fd;

	if (!path || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(un.sun_path))
		return;
	memcpy(un.sun_path, path, strlen(path));
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* nothing depends on it: systemd's own time-out reports a loss */
	(void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
		      (struct sockaddr *)&un, len);
	close(fd);
}

/**
 * pidfile_write() - Write our process id to a file
 *
 * Return: 0 or -errno
 */
int pidfile_write(const char *path)
{
	int err = 0, fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	if (dprintf(fd, "%d\n", (int)getpid()) < 0)
		err = -errno;
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

/**
 * pidfile_remove() - Remove the pid file, if it is still ours
 */
void pidfile_remove(const char *path)
{
	char buf[16] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ours;

	if (fd < 0)
		return;
	ours = read(fd, buf, sizeof(buf) - 1) > 0 && atoi(buf) == (int)getpid();
	close(fd);
	if (ours)
		unlink(path);
}
