/* base-fdio.c - descriptors arrive as sent, and none is leaked when they do not fit */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/fdio.h"

static int pair[2], files[FDIO_FDS_MAX];

static int open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int setup(void **state)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	for (int i = 0; i < FDIO_FDS_MAX; i++)
		if ((files[i] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0)
			return -1;
	return 0;
}

static int teardown(void **state)
{
	fdio_close_all(pair, 2);
	fdio_close_all(files, FDIO_FDS_MAX);
	return 0;
}

static void descriptors_arrive_with_cloexec(void **state)
{
	int fds[FDIO_FDS_MAX], n = FDIO_FDS_MAX;
	char buf[8];

	assert_int_equal(fdio_send(pair[0], "hello", 5, files, FDIO_FDS_MAX, 0), 5);
	assert_int_equal(fdio_recv(pair[1], buf, sizeof(buf), fds, &n, 0), 5);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(n, FDIO_FDS_MAX);
	for (int i = 0; i < n; i++)
		assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
	fdio_close_all(fds, n);
}

static void a_message_without_descriptors(void **state)
{
	int fds[1], n = 1;
	char buf[8];

	assert_int_equal(fdio_send(pair[0], "x", 1, NULL, 0, 0), 1);
	assert_int_equal(fdio_recv(pair[1], buf, sizeof(buf), fds, &n, 0), 1);
	assert_int_equal(n, 0);
	assert_int_equal(fdio_recv(pair[1], buf, sizeof(buf), fds, &n, MSG_DONTWAIT), -EAGAIN);
}

static void more_descriptors_than_asked_for_are_closed(void **state)
{
	int fds[FDIO_FDS_MAX], before = open_fds(), n;
	char buf[8];

	for (int room = 0; room < FDIO_FDS_MAX; room++) {
		n = room;
		assert_int_equal(fdio_send(pair[0], "x", 1, files, room + 1, 0), 1);
		assert_int_equal(fdio_recv(pair[1], buf, sizeof(buf), fds, &n, 0), -EMSGSIZE);
		assert_int_equal(n, 0);
		assert_int_equal(open_fds(), before);
	}
	assert_int_equal(fdio_send(pair[0], "x", 1, files, 1, 0), 1);
	assert_int_equal(fdio_recv(pair[1], buf, sizeof(buf), NULL, NULL, 0), -EMSGSIZE);
	assert_int_equal(open_fds(), before);
}

/* more than our control buffer holds: the kernel sets MSG_CTRUNC */
static void far_too_many_descriptors_are_closed(void **state)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(64 * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	int many[64], fds[FDIO_FDS_MAX], n = FDIO_FDS_MAX, before = open_fds();
	char buf[8];

	for (int i = 0; i < 64; i++)
		many[i] = files[0];
	memset(&control, 0, sizeof(control));
	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(many));
	memcpy(CMSG_DATA(&control.align), many, sizeof(many));
	assert_int_equal(sendmsg(pair[0], &mh, 0), 1);
	assert_int_equal(fdio_recv(pair[1], buf, sizeof(buf), fds, &n, 0), -EMSGSIZE);
	assert_int_equal(n, 0);
	assert_int_equal(open_fds(), before);
}

static void a_datagram_that_does_not_fit_closes_its_descriptors(void **state)
{
	int fds[2], n = 2, before = open_fds();
	char buf[4];

	assert_int_equal(fdio_send(pair[0], "12345", 5, files, 2, 0), 5);
	assert_int_equal(fdio_recv(pair[1], buf, sizeof(buf), fds, &n, 0), -EMSGSIZE);
	assert_int_equal(n, 0);
	assert_int_equal(open_fds(), before);
}

/* an empty datagram looks like an end of file: nobody would close these */
static void an_empty_datagram_leaks_nothing(void **state)
{
	int fds[2], n = 2, before = open_fds();
	char buf[4];

	assert_int_equal(fdio_send(pair[0], "", 0, files, 2, 0), 0);
	assert_int_equal(fdio_recv(pair[1], buf, sizeof(buf), fds, &n, 0), 0);
	assert_int_equal(n, 0);
	assert_int_equal(open_fds(), before);
}

static void a_full_table_leaks_nothing(void **state)
{
	int fds[2], n = 2, before = open_fds(), top;
	struct rlimit old, tight;
	char buf[4];

	assert_int_equal(fdio_send(pair[0], "x", 1, files, 2, 0), 1);
	top = dup(files[0]);	/* the lowest free number; one more would be top + 1 */
	assert_true(top >= 0);
	close(top);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	tight = old;
	tight.rlim_cur = top + 1;	/* room for one of the two */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	assert_int_equal(fdio_recv(pair[1], buf, sizeof(buf), fds, &n, 0), -EMSGSIZE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(n, 0);
	assert_int_equal(open_fds(), before);
}

static void end_of_file_is_zero(void **state)
{
	int fds[1], n = 1;
	char buf[4];

	close(pair[0]);
	pair[0] = -1;
	assert_int_equal(fdio_recv(pair[1], buf, sizeof(buf), fds, &n, 0), 0);
	assert_int_equal(fdio_send(pair[1], "x", 1, NULL, 0, 0), -EPIPE);
}

static void too_many_to_send_is_refused(void **state)
{
	int many[FDIO_FDS_MAX + 1] = { 0 };

	assert_int_equal(fdio_send(pair[0], "x", 1, many, FDIO_FDS_MAX + 1, 0), -EINVAL);
	assert_int_equal(fdio_send(pair[0], "x", 1, many, -1, 0), -EINVAL);
}

static void nonblock_is_set_and_cleared(void **state)
{
	assert_int_equal(fdio_set_nonblock(pair[0], true), 0);
	assert_true(fcntl(pair[0], F_GETFL) & O_NONBLOCK);
	assert_int_equal(fdio_set_nonblock(pair[0], false), 0);
	assert_false(fcntl(pair[0], F_GETFL) & O_NONBLOCK);
	assert_int_equal(fdio_set_nonblock(-1, true), -EBADF);
}

static void nofile_is_raised_to_the_hard_limit(void **state)
{
	struct rlimit rl;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_cur = 128;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
	assert_int_equal(fdio_raise_nofile(), (int)rl.rlim_max);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	assert_int_equal(rl.rlim_cur, rl.rlim_max);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(descriptors_arrive_with_cloexec),
		CASE(a_message_without_descriptors),
		CASE(more_descriptors_than_asked_for_are_closed),
		CASE(far_too_many_descriptors_are_closed),
		CASE(a_datagram_that_does_not_fit_closes_its_descriptors),
		CASE(an_empty_datagram_leaks_nothing),
		CASE(a_full_table_leaks_nothing),
		CASE(end_of_file_is_zero),
		CASE(too_many_to_send_is_refused),
		CASE(nonblock_is_set_and_cleared),
		CASE(nofile_is_raised_to_the_hard_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
