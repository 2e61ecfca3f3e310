/* revive.c - a stream socket whose attempt failed may start anew
 *
 * Theory of operation
 * In Linux a socket whose connect(2) failed, that stopped listening, or that was
 * dissolved by AF_UNSPEC, is a new socket again that keeps options and port.  Our
 * pair is used up then: the daemon has closed its end.  So a fresh pair takes
 * the number over, under the same id, by which the daemon finds what it
 * remembers of the old one (engine/epitaph.c).
 *
 * A new file under the number is not in the epoll sets that the old one was
 * in.  Nothing kept count of those, to spare every epoll_ctl(2) the shim;
 * the kernel did: /proc/self/fdinfo lists the members of an epoll descriptor with
 * their events and data.  They are read before and added after.  Where /proc is
 * not mounted, or in epoll sets that only another process holds, the
 * registration is lost.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include "client/client.h"
#include "client/sys.h"

#define MEMBERSHIPS	16		/* epoll sets one descriptor is put back into */

struct membership {
	int ep;
	struct epoll_event ev;
};

static bool is_epoll(int dir, const char *name)
{
	char target[64];
	ssize_t n = readlinkat(dir, name, target, sizeof(target));

	return n == (ssize_t)strlen("anon_inode:[eventpoll]") &&
	       !memcmp(target, "anon_inode:[eventpoll]", (size_t)n);
}

/* how fd is registered in the epoll descriptor ep; false: it is not */
static bool member(int ep, int fd, struct membership *m)
{
	char path[48], line[256];
	unsigned events;
	unsigned long long data;
	bool found = false;
	int tfd;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ep);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		if (sscanf(line, "tfd: %d events: %x data: %llx", &tfd, &events, &data) == 3 &&
		    tfd == fd) {
			m->ep = ep;
			m->ev.events = events;
			m->ev.data.u64 = data;
			found = true;
		}
	sys_fclose(f);
	return found;
}

static int memberships(int fd, struct membership *v)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *e;
	int n = 0;

	while (d && n < MEMBERSHIPS && (e = readdir(d)))
		if (is_epoll(dirfd(d), e->d_name) && member(atoi(e->d_name), fd, &v[n]))
			n++;
	if (d)
		closedir(d);
	return n;
}

/* what acts on the pair itself, unknown to the daemon */
static void copy_native(int from, int to)
{
	static const int times[] = { SO_RCVTIMEO, SO_SNDTIMEO };
	static const int ints[] = { SO_RCVLOWAT, SO_PEEK_OFF, SO_OOBINLINE };
	struct timeval tv;
	socklen_t len;
	int v;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		len = sizeof(tv);
		if (sys_getsockopt(from, SOL_SOCKET, times[i], &tv, &len) == 0)
			sys_setsockopt(to, SOL_SOCKET, times[i], &tv, len);
	}
	for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
		len = sizeof(v);
		if (sys_getsockopt(from, SOL_SOCKET, ints[i], &v, &len) == 0)
			sys_setsockopt(to, SOL_SOCKET, ints[i], &v, len);
	}
}

static void copy_sndbuf(struct tag from, int to)
{
	unsigned size = from.opts & (TAG_OPT_SMALL | TAG_OPT_LARGE);
	struct tag t = tag_get(to);

	t.opts |= size;
	if (size)
		tag_set(to, t);
}

/**
 * client_revive() - Give a used-up stream socket a fresh pair under its number
 * @fd:		in state TAG_FAILED or TAG_ABORTED
 * @plug:	make it unwritable, for a connect; the plug's size is returned
 *
 * Return: 0, or the plug's size, or -errno
 */
int client_revive(int fd, const struct sockname *sn, bool plug)
{
	struct membership v[MEMBERSHIPS];
	struct tag t = tag_get(fd);
	int cloexec = sys_fcntl(fd, F_GETFD, 0), flags = sys_fcntl(fd, F_GETFL, 0);
	int fresh, size = 0, n;

	if (cloexec < 0 || flags < 0)
		return -errno;
	fresh = client_socket_again(sn, t.domain, flags & O_NONBLOCK ? SOCK_NONBLOCK : 0);
	if (fresh < 0)
		return fresh;
	copy_native(fd, fresh);
	copy_sndbuf(t, fresh);
	if (plug)
		size = client_plug(fresh);
	n = size < 0 ? 0 : memberships(fd, v);
	if (size >= 0 && sys_dup3(fresh, fd, cloexec & FD_CLOEXEC ? O_CLOEXEC : 0) < 0)
		size = -errno;
	sys_close(fresh);
	for (int i = 0; size >= 0 && i < n; i++)
		epoll_ctl(v[i].ep, EPOLL_CTL_ADD, fd, &v[i].ev);
	return size;
}
