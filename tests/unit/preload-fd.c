/* preload-fd.c - descriptors under the shim: fork, exec, vfork, passing, closing */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <cmocka.h>
#include "fake-stack.h"
#include "under-shim.h"

extern char **environ;

static struct sockaddr_in to(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static int listener(uint16_t port)
{
	struct sockaddr_in a = to(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static int dial(uint16_t port)
{
	struct sockaddr_in a = to(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* one connection by the listener's port works: what every test ends with */
static void network_works(int l, uint16_t port)
{
	char byte;
	int c = dial(port), s;

	assert_true(c >= 0);
	s = accept(l, NULL, NULL);
	assert_true(s >= 0);
	assert_int_equal(write(c, "x", 1), 1);
	assert_int_equal(read(s, &byte, 1), 1);
	close(s);
	close(c);
}

static int finish(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void fork_shares_sockets(void **state)
{
	int l = listener(7101), c, s;
	char buf[8];
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {		/* a prefork worker: accepts and answers */
		s = accept(l, NULL, NULL);
		if (s < 0 || read(s, buf, 4) != 4 || write(s, "pong", 4) != 4)
			_exit(1);
		close(l);	/* must not destroy the parent's */
		_exit(dial(7101) >= 0 ? 0 : 2);
	}
	c = dial(7101);
	assert_int_equal(write(c, "ping", 4), 4);
	assert_int_equal(read(c, buf, sizeof(buf)), 4);
	s = accept(l, NULL, NULL);
	assert_true(s >= 0);
	assert_int_equal(finish(pid), 0);
	close(s);
	close(c);
	network_works(l, 7101);
	close(l);
}

/* argv: --child FD what */
static int child_program(char **argv)
{
	int fd = atoi(argv[2]);
	char buf[16];
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	if (!strcmp(argv[3], "stream"))
		return getpeername(fd, (struct sockaddr *)&a, &len) || len != sizeof(a) ||
		       ntohs(a.sin_port) != 7102 || read(fd, buf, 4) != 4 ||
		       write(fd, buf, 4) != 4;
	if (!strcmp(argv[3], "new"))
		return send(fd, "x", 1, MSG_NOSIGNAL) != -1 || errno != EPIPE ||
		       connect(fd, (struct sockaddr *)&(struct sockaddr_in){
				.sin_family = AF_INET, .sin_port = htons(7102) }, sizeof(a));
	if (!strcmp(argv[3], "listener")) {
		fd = accept(fd, NULL, NULL);
		return fd < 0 || write(fd, "hi", 2) != 2;
	}
	return 99;
}

static pid_t run(int fd, const char *what)
{
	char no[12];
	char *argv[] = { "preload-fd", "--child", no, (char *)what, NULL };
	pid_t pid;

	snprintf(no, sizeof(no), "%d", fd);
	assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ), 0);
	return pid;
}

static void exec_inherits_sockets(void **state)
{
	int l = listener(7102), c, s, n;
	char buf[8];
	pid_t pid;

	c = dial(7102);
	s = accept(l, NULL, NULL);
	pid = run(c, "stream");
	assert_int_equal(write(s, "abcd", 4), 4);
	assert_int_equal(read(s, buf, 4), 4);
	assert_int_equal(finish(pid), 0);
	close(c);
	close(s);

	pid = run(l, "listener");
	c = dial(7102);
	assert_int_equal(read(c, buf, 2), 2);
	assert_int_equal(finish(pid), 0);
	close(c);

	/* a socket that the child connects is connected for us, too */
	n = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(finish(run(n, "new")), 0);
	s = accept(l, NULL, NULL);
	assert_int_equal(write(n, "x", 1), 1);
	assert_int_equal(read(s, buf, 1), 1);
	close(n);
	close(s);
	close(l);
}

static void vfork_leaves_us_alone(void **state)
{
	int l = listener(7103), c = dial(7103), s = accept(l, NULL, NULL), null, fd;
	char byte;
	pid_t pid;

	null = open("/dev/null", O_RDWR);
	pid = vfork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/* rearranges its own numbers, uses the network */
		dup2(null, c);
		if (write(c, "lost", 4) != 4)
			_exit(1);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (fd < 0)
			_exit(2);
		close_range(3, ~0u, 0);
		_exit(0);
	}
	assert_int_equal(finish(pid), 0);
	fd = open("/dev/null", O_WRONLY);	/* the number of the child's socket */
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(write(c, "y", 1), 1);
	assert_int_equal(read(s, &byte, 1), 1);
	assert_int_equal(byte, 'y');
	close(fd);
	close(null);
	close(c);
	close(s);
	network_works(l, 7103);
	close(l);
}

static void pass(int via, int fd)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	union {
		struct cmsghdr h;
		char buf[CMSG_SPACE(sizeof(int))];
	} u = { .h = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.buf,
			    .msg_controllen = sizeof(u.buf) };

	memcpy(CMSG_DATA(&u.h), &fd, sizeof(fd));
	assert_int_equal(sendmsg(via, &m, 0), 1);
}

static int take(int via)
{
	char byte;
	int fd;
	struct iovec iov = { &byte, 1 };
	union {
		struct cmsghdr h;
		char buf[CMSG_SPACE(sizeof(int))];
	} u;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.buf,
			    .msg_controllen = sizeof(u.buf) };

	assert_int_equal(recvmsg(via, &m, 0), 1);
	memcpy(&fd, CMSG_DATA(&u.h), sizeof(fd));
	return fd;
}

static void passed_sockets_are_known(void **state)
{
	int l = listener(7104), c = dial(7104), via[2], null, got;
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, via), 0);
	pass(via[0], c);
	close(c);
	/* the number was foreign before */
	null = open("/dev/null", O_WRONLY);
	assert_int_equal(write(null, "x", 1), 1);
	syscall(SYS_close, null);
	got = take(via[1]);
	assert_int_equal(getpeername(got, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(ntohs(a.sin_port), 7104);
	close(got);
	close(via[0]);
	close(via[1]);
	close(accept(l, NULL, NULL));
	network_works(l, 7104);
	close(l);
}

/* the number of our control connection, or -1 */
static int control_fd(void)
{
	struct sockaddr_storage a;
	char *path = getenv("USTACK");

	for (int fd = 3; fd < 1100; fd++) {
		socklen_t len = sizeof(a);

		if (getpeername(fd, (struct sockaddr *)&a, &len) == 0 && a.ss_family == AF_UNIX &&
		    len > 2 && !strcmp(((char *)&a) + 2, path))
			return fd;
	}
	return -1;
}

static void control_connection_survives_closing(void **state)
{
	int l = listener(7105), ctl = control_fd(), kept;

	assert_true(ctl > 100);
	assert_int_equal(close(ctl), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(fcntl(ctl, F_SETFD, 0), -1);
	network_works(l, 7105);
	kept = fcntl(l, F_DUPFD, 900);
	assert_int_equal(close_range((unsigned)kept + 1, ~0u, 0), 0);
	assert_int_equal(control_fd(), ctl);
	closefrom(kept + 1);
	network_works(l, 7105);
	/* a program may want just that number */
	assert_int_equal(dup2(l, ctl), ctl);
	network_works(ctl, 7105);
	assert_int_not_equal(control_fd(), ctl);
	close(ctl);
	close(kept);
	network_works(l, 7105);
	close(l);
}

static void dup_and_fcntl_follow(void **state)
{
	int l = listener(7106), c = dial(7106), s = accept(l, NULL, NULL), d;
	char byte;

	d = dup(c);
	assert_int_equal(write(d, "1", 1), 1);
	close(d);
	d = fcntl(c, F_DUPFD_CLOEXEC, 50);
	assert_true(d >= 50);
	assert_int_equal(write(d, "2", 1), 1);
	/* a foreign number becomes a socket and a file again */
	assert_int_equal(dup2(open("/dev/null", O_RDWR), 60), 60);
	assert_int_equal(write(60, "x", 1), 1);
	assert_int_equal(dup3(c, 60, O_CLOEXEC), 60);
	assert_int_equal(write(60, "3", 1), 1);
	assert_int_equal(dup2(open("/dev/null", O_RDWR), 60), 60);
	assert_int_equal(write(60, "x", 1), 1);
	close(60);
	for (char want = '1'; want <= '3'; want++) {
		assert_int_equal(read(s, &byte, 1), 1);
		assert_int_equal(byte, want);
	}
	close(d);
	close(c);
	close(s);
	close(l);
}

static void child_without_path_attaches(void **state)
{
	int l = listener(7107);
	char hidden[120];
	const char *path = getenv("USTACK");
	pid_t pid;

	snprintf(hidden, sizeof(hidden), "%s.hidden", path);
	assert_int_equal(rename(path, hidden), 0);
	pid = fork();
	if (pid == 0)
		_exit(dial(7107) < 0);
	assert_int_equal(finish(pid), 0);
	assert_int_equal(rename(hidden, path), 0);
	close(accept(l, NULL, NULL));
	close(l);
}

/* the sanitizer makes system calls of its own, which no sandbox foresees */
#ifndef __SANITIZE_ADDRESS__
/* only the calls that the program makes itself, or the kernel kills it */
static void enter_sandbox(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(f) / sizeof(f[0]), f };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0))
		_exit(3);
}

static void sandboxed_programs_live(void **state)
{
	int l = listener(7109), c = dial(7109), s = accept(l, NULL, NULL), p[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		enter_sandbox();
		if (write(s, "1", 1) != 1 || write(p[1], "2", 1) != 1 || read(s, &byte, 1) != 1)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(write(c, "x", 1), 1);
	assert_int_equal(finish(pid), 0);
	assert_int_equal(read(c, &byte, 1), 1);
	assert_int_equal(read(p[0], &byte, 1), 1);
	assert_int_equal(byte, '2');
	close(p[0]);
	close(p[1]);
	close(c);
	close(s);
	close(l);
}
#endif

static void stdio_works(void **state)
{
	int l = listener(7108), c = dial(7108), s = accept(l, NULL, NULL);
	FILE *f = fdopen(c, "r+"), *g = fdopen(s, "r+");
	char line[32];
	int again;

	assert_true(fprintf(f, "one line\n") > 0 && fflush(f) == 0);
	assert_non_null(fgets(line, sizeof(line), g));
	assert_string_equal(line, "one line\n");
	fclose(f);
	again = open("/dev/null", O_WRONLY);
	assert_int_equal(again, c);
	assert_int_equal(write(again, "x", 1), 1);
	close(again);
	fclose(g);
	close(l);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork_shares_sockets),
		cmocka_unit_test(exec_inherits_sockets),
		cmocka_unit_test(vfork_leaves_us_alone),
		cmocka_unit_test(passed_sockets_are_known),
		cmocka_unit_test(control_connection_survives_closing),
		cmocka_unit_test(dup_and_fcntl_follow),
		cmocka_unit_test(child_without_path_attaches),
#ifndef __SANITIZE_ADDRESS__
		cmocka_unit_test(sandboxed_programs_live),
#endif
		cmocka_unit_test(stdio_works),
	};
	int ret;

	if (argc == 4 && !strcmp(argv[1], "--child"))
		return child_program(argv);
	ret = under_shim(argv);
	alarm(60);
	return ret >= 0 ? ret : cmocka_run_group_tests(tests, NULL, NULL);
}
