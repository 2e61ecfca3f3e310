/* client-api.c - the public library: two stacks in one process, errors */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <ustack.h>
#include "fake-stack.h"

static struct fake_stack fakes[2];

static struct sockaddr_in to(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static int listener(struct ustack *s, uint16_t port)
{
	struct sockaddr_in a = to(port);
	int fd = ustack_msocket(s, AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(ustack_bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(ustack_listen(fd, 5), 0);
	return fd;
}

static void two_stacks_do_not_mix(void **state)
{
	struct ustack *a = ustack_open(fakes[0].path), *b = ustack_open(fakes[1].path);
	struct sockaddr_in dst = to(7401);
	int l, c, s;
	char buf[8];

	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(ustack_pid(a), fakes[0].pid);
	assert_int_equal(ustack_pid(b), fakes[1].pid);
	assert_string_equal(ustack_name(a), fakes[0].path);
	l = listener(a, 7401);
	c = ustack_msocket(b, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ustack_connect(c, (struct sockaddr *)&dst, sizeof(dst)), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(c);
	c = ustack_msocket(a, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ustack_connect(c, (struct sockaddr *)&dst, sizeof(dst)), 0);
	s = ustack_accept(l, NULL, NULL);
	assert_true(s >= 0);
	assert_int_equal(ustack_send(c, "abc", 3, 0), 3);
	assert_int_equal(ustack_recv(s, buf, sizeof(buf), 0), 3);
	assert_int_equal(ustack_accept(c, NULL, NULL), -1);
	assert_int_equal(errno, EINVAL);
	ustack_close(a);
	/* sockets outlive the handle */
	assert_int_equal(write(s, "xyz", 3), 3);
	assert_int_equal(read(c, buf, sizeof(buf)), 3);
	close(c);
	close(s);
	close(l);
	ustack_close(b);
}

static void datagrams_carry_addresses(void **state)
{
	struct ustack *a = ustack_open(fakes[0].path);
	struct sockaddr_in at = to(7402), from;
	socklen_t len = sizeof(from);
	int r = ustack_msocket(a, AF_INET, SOCK_DGRAM, 0), s = ustack_msocket(a, AF_INET, SOCK_DGRAM, 0);
	char buf[8];

	assert_int_equal(ustack_bind(r, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(ustack_sendto(s, "hi", 2, 0, (struct sockaddr *)&at, sizeof(at)), 2);
	assert_int_equal(ustack_recvfrom(r, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 2);
	assert_int_equal(len, sizeof(from));
	assert_memory_equal(buf, "hi", 2);
	close(r);
	close(s);
	ustack_close(a);
}

static void errors_have_a_text(void **state)
{
	assert_null(ustack_open("/nonexistent/stack"));
	assert_int_equal(errno, ENOENT);
	assert_non_null(strstr(ustack_error(), "/nonexistent/stack"));
	assert_null(ustack_open("host"));
	assert_int_equal(errno, EINVAL);
	setenv("USTACKD", "/nonexistent/ustackd", 1);
	assert_null(ustack_start("ip=10.0.0.1/24"));
	assert_int_equal(errno, ENOENT);
	assert_non_null(strstr(ustack_error(), "/nonexistent/ustackd"));
	/* no child was left to wait for */
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), 0);
	assert_int_equal(ustack_listen(0, 1), -1);
	assert_int_equal(errno, ENOTSOCK);
	assert_int_equal(ustack_listen(-1, 1), -1);
	assert_int_equal(errno, EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_stacks_do_not_mix),
		cmocka_unit_test(datagrams_carry_addresses),
		cmocka_unit_test(errors_have_a_text),
	};
	char dir[80];
	int ret;

	alarm(60);
	fake_stack_start(&fakes[0]);
	fake_stack_start(&fakes[1]);
	setenv("XDG_RUNTIME_DIR", fakes[0].dir, 1);
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	strcat(strcpy(dir, fakes[0].dir), "/ustack");
	rmdir(dir);
	fake_stack_stop(&fakes[0]);
	fake_stack_stop(&fakes[1]);
	return ret;
}
