/* wire.c - a cable between two links, for tests and benchmarks
 *
 * usage: wire SPEC [NETNS] SPEC
 *
 * Carries frames between two links of src/link until it is killed; "impair{}"
 * around one of them makes it a bad cable.  NETNS is the name of a network
 * namespace in which the second link is opened.  Prints "ready" when it runs.
 */
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "link/link.h"

#define BURST	32

static struct link_buf buf[BURST];

static struct link *open_link(const char *spec)
{
	char why[512];
	struct link *l;

	if (link_open(spec, &l, why, sizeof(why)) < 0)
		errx(1, "%s", why);
	return l;
}

static void enter(const char *netns)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		err(1, "network namespace %s", path);
	close(fd);
}

static void carry(struct link *from, struct link *to)
{
	int n = link_recv(from, buf, BURST);

	if (n < 0)
		errx(1, "link %s is gone", from->spec);
	for (int i = 0; i < n; i++) {
		struct iovec v = { buf[i].data, buf[i].len };

		link_send(to, &v, 1, to->caps & LINK_CAP_VNET ? &buf[i].vnet : NULL);
	}
}

int main(int argc, char **argv)
{
	struct link *l[2];
	struct pollfd p[2];

	if (argc < 3 || argc > 4)
		errx(2, "usage: wire SPEC [NETNS] SPEC");
	for (int i = 0; i < BURST; i++) {
		buf[i].size = LINK_FRAME_MAX;
		buf[i].data = malloc(LINK_FRAME_MAX);
		if (!buf[i].data)
			err(1, "malloc");
	}
	l[0] = open_link(argv[1]);
	if (argc == 4)
		enter(argv[2]);
	l[1] = open_link(argv[argc - 1]);
	for (int i = 0; i < 2; i++)
		p[i] = (struct pollfd){ .fd = l[i]->fd, .events = POLLIN };
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(p, 2, -1) < 0)
			err(1, "poll");
		if (p[0].revents)
			carry(l[0], l[1]);
		if (p[1].revents)
			carry(l[1], l[0]);
	}
}
