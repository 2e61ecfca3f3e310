/* client-kernel.c - what the client layer takes for granted of the kernel */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "client/client.h"

/* tag.c: the pacing rate of an AF_UNIX socket is ours to keep things in */
static void a_tag_stays_with_its_end(void **state)
{
	struct tag t = { .state = TAG_CONNECTING, .domain = AF_INET6, .type = SOCK_RAW,
			 .opts = TAG_OPT_TTL | TAG_OPT_ERR_TOLD }, got;
	int fds[2], copy;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	got = tag_get(fds[0]);
	assert_int_equal(got.state, TAG_CONNECTED);
	assert_int_equal(got.domain, 0);
	assert_int_equal(tag_set(fds[0], t), 0);
	copy = dup(fds[0]);
	close(fds[0]);
	got = tag_get(copy);
	assert_int_equal(got.state, t.state);
	assert_int_equal(got.domain, t.domain);
	assert_int_equal(got.type, t.type);
	assert_int_equal(got.opts, t.opts);
	assert_int_equal(tag_get(fds[1]).domain, 0);
	close(copy);
	close(fds[1]);
}

/* connect.c: a plugged end is not writable; without all but the last byte of
 * the plug it is, and epoll sees the edge; closing then is a reset */
static void draining_a_plug_is_an_edge(void **state)
{
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLET }, out;
	char buf[8192];
	int fds[2], ep = epoll_create1(0), plug;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	plug = client_plug(fds[0]);
	assert_true(plug > 0 && plug < (int)sizeof(buf));
	assert_int_equal(epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &ev), 0);
	assert_int_equal(epoll_wait(ep, &out, 1, 0), 0);
	assert_int_equal(read(fds[1], buf, (size_t)plug - 1), plug - 1);
	assert_int_equal(epoll_wait(ep, &out, 1, 0), 1);
	assert_int_equal(out.events, EPOLLOUT);
	close(fds[1]);
	assert_int_equal(epoll_wait(ep, &out, 1, 0), 1);
	assert_int_equal(out.events & (EPOLLERR | EPOLLHUP), EPOLLERR | EPOLLHUP);
	assert_int_equal(read(fds[0], buf, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(read(fds[0], buf, 1), 0);
	close(fds[0]);
	close(ep);
}

/* socket.c: the name of the other end identifies a descriptor, also when that
 * end is closed */
static void a_name_survives_its_owner(void **state)
{
	struct sockname sn;
	uint64_t id = sockname_new_id();
	int fds[2];

	assert_int_equal(client_make_pair(SOCKNAME_DGRAM, id, "/run/x", 0, fds), 0);
	assert_true(fds[0] < fds[1]);
	close(fds[1]);
	assert_true(client_identify(fds[0], &sn));
	assert_int_equal(sn.kind, SOCKNAME_DGRAM);
	assert_true(sn.id == id);
	assert_string_equal(sn.path, "/run/x");
	close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tag_stays_with_its_end),
		cmocka_unit_test(draining_a_plug_is_an_edge),
		cmocka_unit_test(a_name_survives_its_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
