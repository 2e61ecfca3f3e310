/* preload-stack.c - the choice of a stack, and what happens without one */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "fake-stack.h"

static struct fake_stack fake;

static struct sockaddr_in to(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

/* run this program again under the shim: its exit status, its stderr in text */
static int run(const char *stack, const char *what, char *text, size_t size)
{
	int p[2], status;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		char *argv[] = { "preload-stack", (char *)what, NULL };

		dup2(p[1], 2);
		setenv("LD_PRELOAD", SHIM, 1);
		setenv("USTACK", stack, 1);
		setenv("USTACKD", "/nonexistent/ustackd", 1);
		alarm(30);
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	close(p[1]);
	while ((n = read(p[0], text + used, size - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	close(p[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int lines(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

/* three sockets; the errno of the last */
static int child_errno(void)
{
	for (int i = 0; i < 3; i++)
		if (socket(AF_INET, SOCK_STREAM, 0) >= 0)
			return 0;
	return errno;
}

static int child_families(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || socket(AF_INET6, SOCK_DGRAM, 0) >= 0 || errno != EAFNOSUPPORT ||
	    socket(AF_NETLINK, SOCK_RAW, 0) >= 0 || errno != EAFNOSUPPORT)
		return 1;
	return 0;
}

/* is an INET socket the kernel's, no end of a pair? */
static int child_kernel(void)
{
	int domain = 0, fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(domain);

	/* of the kernel's own, SO_MAX_PACING_RATE reads as unlimited */
	unsigned rate = 0;

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) || domain != AF_INET)
		return 1;
	len = sizeof(rate);
	return getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &len) || rate != ~0u;
}

static void *hammer(void *arg)
{
	struct sockaddr_in a = to(7301), b;
	long bad = 0;

	for (int i = 0; i < 200; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		socklen_t len = sizeof(b);

		bad += fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
		       getpeername(fd, (struct sockaddr *)&b, &len) < 0 ||
		       b.sin_port != a.sin_port;
		close(fd);
	}
	return (void *)bad;
}

static int child_threads(void)
{
	struct sockaddr_in a = to(7301);
	int l = socket(AF_INET, SOCK_STREAM, 0);
	pthread_t t[4];
	void *bad;
	long sum = 0;

	if (bind(l, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(l, 100) < 0)
		return 1;
	for (int i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, hammer, NULL))
			return 2;
	for (int i = 0; i < 800; i++) {
		int fd = accept(l, NULL, NULL);

		if (fd < 0)
			return 3;
		close(fd);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &bad);
		sum += (long)bad;
	}
	return sum ? 4 : 0;
}

/* uses the stack, waits until the test put another daemon there, goes on */
static int child_restart(void)
{
	struct sockaddr_in a = to(7302);
	int fd = socket(AF_INET, SOCK_STREAM, 0), old = fd;
	char byte;

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return 1;
	raise(SIGSTOP);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1) < 0)
		return 2;
	/* the socket of the daemon that died is dead, not mixed up */
	if (listen(old, 1) == 0 || read(old, &byte, 1) >= 0)
		return 3;
	return 0;
}

static int child(const char *what)
{
	if (!strcmp(what, "errno"))
		return child_errno();
	if (!strcmp(what, "families"))
		return child_families();
	if (!strcmp(what, "kernel"))
		return child_kernel();
	if (!strcmp(what, "threads"))
		return child_threads();
	if (!strcmp(what, "restart"))
		return child_restart();
	return 126;
}

static void no_daemon_is_an_error_and_one_line(void **state)
{
	char text[2048];

	assert_int_equal(run("/nonexistent/stack", "errno", text, sizeof(text)), ENETDOWN);
	assert_int_equal(lines(text), 1);
	assert_non_null(strstr(text, "libustack: stack \"/nonexistent/stack\": cannot connect to"));
	assert_int_equal(run("not a name", "errno", text, sizeof(text)), ENETDOWN);
	assert_int_equal(lines(text), 1);
	/* the fake stack refuses connections once it is dead */
	fake_stack_kill(&fake);
	assert_int_equal(run(fake.path, "errno", text, sizeof(text)), ENETDOWN);
	assert_int_equal(lines(text), 1);
	assert_non_null(strstr(text, "Connection refused"));
	fake_stack_restart(&fake);
}

static void on_demand_without_a_program_says_so(void **state)
{
	char text[2048];

	setenv("XDG_RUNTIME_DIR", fake.dir, 1);
	assert_int_equal(run("ip=10.0.0.1/24", "errno", text, sizeof(text)), ENETDOWN);
	assert_int_equal(lines(text), 1);
	assert_non_null(strstr(text, "/nonexistent/ustackd"));
	snprintf(text, sizeof(text), "%s/ustack", fake.dir);
	/* nothing stays behind */
	assert_int_equal(rmdir(text), 0);
}

static void null_has_no_network(void **state)
{
	char text[2048];

	assert_int_equal(run("null", "families", text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

static void host_is_the_kernel(void **state)
{
	char text[2048];

	assert_int_equal(run("host", "kernel", text, sizeof(text)), 0);
}

static void threads_share_the_connection(void **state)
{
	char text[2048];

	assert_int_equal(run(fake.path, "threads", text, sizeof(text)), 0);
}

static void a_restarted_daemon_is_found_again(void **state)
{
	char *argv[] = { "preload-stack", "restart", NULL };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setenv("LD_PRELOAD", SHIM, 1);
		setenv("USTACK", fake.path, 1);
		alarm(30);
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	fake_stack_kill(&fake);
	fake_stack_restart(&fake);
	kill(pid, SIGCONT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_daemon_is_an_error_and_one_line),
		cmocka_unit_test(on_demand_without_a_program_says_so),
		cmocka_unit_test(null_has_no_network),
		cmocka_unit_test(host_is_the_kernel),
		cmocka_unit_test(threads_share_the_connection),
		cmocka_unit_test(a_restarted_daemon_is_found_again),
	};
	int ret;

	if (argc == 2)
		return child(argv[1]);
	alarm(60);
	/* a sanitized shim comes before the sanitizer's own library */
	setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 0);
	fake_stack_start(&fake);
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	fake_stack_stop(&fake);
	return ret;
}
