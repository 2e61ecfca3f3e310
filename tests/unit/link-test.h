/* link-test.h - what the tests of links share: frames, deadlines, a namespace */
#ifndef LINK_TEST_H
#define LINK_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/loop.h"
#include "link/link.h"

#define DEADLINE_NS	5000000000ull
#define TEST_TYPE	0x88b5		/* EtherType for local experiments */
#define TEST_SKIP	77

static uint8_t rx_data[LINK_FRAME_MAX];

/* a broadcast frame of @len bytes; its payload is all @mark */
static inline void make_frame(uint8_t *f, size_t len, uint8_t mark)
{
	memset(f, 0xff, 6);
	memcpy(f + 6, "\x02\0\0\0\0\x01", 6);
	f[12] = TEST_TYPE >> 8;
	f[13] = TEST_TYPE & 0xff;
	memset(f + 14, mark, len - 14);
}

static inline bool is_test_frame(const uint8_t *f, size_t len, uint8_t mark)
{
	return len > 14 && f[12] == TEST_TYPE >> 8 && f[13] == (TEST_TYPE & 0xff) && f[14] == mark;
}

static inline struct link *open_link(const char *spec)
{
	struct link *l = NULL;
	char err[256] = "";
	int rc = link_open(spec, &l, err, sizeof(err));

	if (rc)
		fail_msg("link_open(%s): %s", spec, err);
	assert_non_null(l);
	assert_string_equal(l->spec, spec);
	return l;
}

/* link_open() fails with @rc and a line in which @word stands */
static inline void assert_no_link(const char *spec, int rc, const char *word)
{
	struct link *l = (struct link *)1;
	char err[256] = "";

	assert_int_equal(link_open(spec, &l, err, sizeof(err)), rc);
	assert_null(l);
	if (!strstr(err, word))
		fail_msg("link_open(%s): no \"%s\" in: %s", spec, word, err);
	assert_null(strchr(err, '\n'));
}

static inline int send_frame(struct link *l, const void *data, size_t len)
{
	struct iovec v = { (void *)data, len };

	return link_send(l, &v, 1, NULL);
}

/* wait for one frame: 1, or -errno; 0 if none came in time */
static inline int wait_frame(struct link *l, struct link_buf *b)
{
	uint64_t end = clock_ns() + DEADLINE_NS;

	while (clock_ns() < end) {
		struct pollfd p = { .fd = l->fd, .events = POLLIN };
		int n;

		poll(&p, 1, 100);
		b->data = rx_data;
		b->size = sizeof(rx_data);
		n = link_recv(l, b, 1);
		if (n)
			return n;
	}
	return 0;
}

/* wait for our own frame among those of others (IPv6 talks unasked) */
static inline size_t wait_test_frame(struct link *l, uint8_t mark)
{
	struct link_buf b;
	int rc;

	do
		rc = wait_frame(l, &b);
	while (rc == 1 && !is_test_frame(b.data, b.len, mark));
	assert_int_equal(rc, 1);
	return b.len;
}

static inline void wait_netdown(struct link *l)
{
	struct link_buf b;
	int rc;

	do
		rc = wait_frame(l, &b);
	while (rc > 0);
	assert_int_equal(rc, -ENETDOWN);
}

/* a network namespace of our own, gone when the process ends */
static inline bool private_netns(void)
{
	return unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

static inline void if_up(const char *name, bool up)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	assert_int_equal(ioctl(s, SIOCGIFFLAGS, &ifr), 0);
	ifr.ifr_flags = (short)(up ? ifr.ifr_flags | IFF_UP | IFF_MULTICAST : ifr.ifr_flags & ~IFF_UP);
	assert_int_equal(ioctl(s, SIOCSIFFLAGS, &ifr), 0);
	close(s);
}

#endif
