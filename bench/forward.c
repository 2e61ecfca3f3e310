/* forward.c - carry frames between two TAPs, and do nothing else
 *
 * usage: forward [-n] TAP NETNS TAP
 *   -n  without offloads: a frame is a packet of the wire
 *
 * What a user-space path over TAPs costs without any stack of its own: the
 * base that the benchmark's ratios refer to.  The first TAP is opened here, the
 * second in the network namespace NETNS; with offloads each read carries up to
 * 64 KB behind a virtio_net_hdr, whose checksum and segment size the other TAP
 * takes over.  Prints "ready" when it runs.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int open_tap(const char *name, bool offload)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (offload)
		ifr.ifr_flags |= IFF_VNET_HDR;
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0 ||
	    (offload && ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0))
		err(1, "tap %s", name);
	return fd;
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

/* all that waits, so that a wake-up serves a burst */
static void carry(int from, int to)
{
	static char frame[65536 + 64];
	ssize_t n;

	while ((n = read(from, frame, sizeof(frame))) > 0)
		if (write(to, frame, (size_t)n) < 0 && errno == EBADFD)
			errx(1, "the other TAP is gone");
	if (n < 0 && errno != EAGAIN)
		err(1, "read");
}

int main(int argc, char **argv)
{
	bool offload = argc < 2 || strcmp(argv[1], "-n");
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };

	if (!offload)
		argv++, argc--;
	if (argc != 4)
		errx(2, "usage: forward [-n] TAP NETNS TAP");
	p[0].fd = open_tap(argv[1], offload);
	enter(argv[2]);
	p[1].fd = open_tap(argv[3], offload);
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(p, 2, -1) < 0)
			err(1, "poll");
		if (p[0].revents)
			carry(p[0].fd, p[1].fd);
		if (p[1].revents)
			carry(p[1].fd, p[0].fd);
	}
}
