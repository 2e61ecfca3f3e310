/* daemon-start.c - how ustackd starts, tells so, and ends
 *
 * Runs the program itself ($USTACKD, else ./ustackd) on stacks that have
 * only lo, in a runtime folder of the test's own.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/fdio.h"
#include "base/loop.h"
#include "proto/msg.h"

#define DEADLINE_MS	20000

static char tmp[32], program[256];

struct proc {
	pid_t pid;
	int out;		/* read end of its stderr and of --ready-fd 2 */
};

static int setup(void **state)
{
	strcpy(tmp, "/tmp/ustack-t-XXXXXX");
	if (!mkdtemp(tmp))
		return -1;
	return setenv("XDG_RUNTIME_DIR", tmp, 1);
}

static int teardown(void **state)
{
	char cmd[64];

	/* every daemon is gone by now, and with it all it made */
	snprintf(cmd, sizeof(cmd), "%s/ustack", tmp);
	rmdir(cmd);
	if (rmdir(tmp) == 0)
		return 0;
	fprintf(stderr, "%s: something was left behind\n", tmp);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", tmp);
	if (system(cmd) != 0)
		fprintf(stderr, "%s: cannot remove it\n", tmp);
	return -1;
}

static struct proc start(const char *const *args, const int *keep)
{
	const char *argv[32] = { program };
	struct proc p;
	int fds[2], n = 1;

	while (*args)
		argv[n++] = *args++;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	p.pid = fork();
	if (p.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[1], 2);
		if (keep)
			fcntl(*keep, F_SETFD, 0);
		execv(program, (char **)argv);
		_exit(99);
	}
	close(fds[1]);
	p.out = fds[0];
	return p;
}
#define START(keep, ...) start((const char *const[]){ __VA_ARGS__, NULL }, keep)

/* what it writes until @want is in it, or until it closes the pipe */
static char *said(struct proc *p, const char *want)
{
	static char buf[4096];
	size_t n = 0;
	ssize_t r;

	buf[0] = '\0';
	while (!want || !strstr(buf, want)) {
		struct pollfd f = { .fd = p->out, .events = POLLIN };

		if (poll(&f, 1, DEADLINE_MS) <= 0)
			fail_msg("it says no more than: %s", buf);
		r = read(p->out, buf + n, sizeof(buf) - 1 - n);
		if (r <= 0)
			break;
		n += (size_t)r;
		buf[n] = '\0';
	}
	if (want && !strstr(buf, want))
		fail_msg("\"%s\" is not in: %s", want, buf);
	return buf;
}

static int ended(struct proc *p)
{
	uint64_t until = clock_ns() + DEADLINE_MS * 1000000ull;
	int status;

	while (waitpid(p->pid, &status, WNOHANG) == 0) {
		if (clock_ns() > until)
			fail_msg("pid %d does not end", (int)p->pid);
		usleep(1000);
	}
	close(p->out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int stopped(struct proc *p)
{
	kill(p->pid, SIGTERM);
	return ended(p);
}

static bool exists(const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/ustack/%s", tmp, name);
	return lstat(path, &st) == 0;
}

static int control(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s/ustack/%s", tmp, name);
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int hello(int fd)
{
	struct msg m = { .hdr = { .version = MSG_VERSION, .op = MSG_OP_HELLO } };

	if (send(fd, &m, sizeof(m.hdr), MSG_NOSIGNAL) < 0 ||
	    recv(fd, &m, sizeof(m), 0) < (ssize_t)(sizeof(m.hdr) + sizeof(m.hello)))
		return -1;
	return m.hello.pid;
}

static void ready_means_that_clients_can_connect(void **state)
{
	struct proc p = START(NULL, "-n", "a", "--ready-fd", "2");
	struct stat st;
	char path[128];
	int fd;

	said(&p, "ready\n");
	fd = control("a");
	assert_true(fd >= 0);
	assert_int_equal(hello(fd), p.pid);
	close(fd);
	snprintf(path, sizeof(path), "%s/ustack/a", tmp);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stopped(&p), 0);
	assert_false(exists("a") || exists(".a.lock"));
}

static void interrupt_ends_it_cleanly_too(void **state)
{
	struct proc p = START(NULL, "-n", "a", "--ready-fd", "2");

	said(&p, "ready\n");
	kill(p.pid, SIGINT);
	assert_int_equal(ended(&p), 0);
	assert_false(exists("a"));
}

static void a_name_in_use_is_told_with_its_pid(void **state)
{
	struct proc p = START(NULL, "-n", "a", "--ready-fd", "2"), q;
	char want[64];

	said(&p, "ready\n");
	q = START(NULL, "-n", "a");
	snprintf(want, sizeof(want), "stack \"a\" is already running (pid %d)", (int)p.pid);
	said(&q, want);
	assert_int_equal(ended(&q), 3);
	assert_int_equal(stopped(&p), 0);
}

static void of_many_at_once_one_wins(void **state)
{
	enum { N = 8 };
	struct proc p[N];
	int winner = -1, status;
	uint64_t until = clock_ns() + DEADLINE_MS * 1000000ull;
	int left = N;

	for (int i = 0; i < N; i++)
		p[i] = START(NULL, "-n", "race");
	while (left > 1 && clock_ns() < until)
		for (int i = 0; i < N; i++)
			if (p[i].pid && waitpid(p[i].pid, &status, WNOHANG) > 0) {
				assert_int_equal(WEXITSTATUS(status), 3);
				close(p[i].out);
				p[i].pid = 0;
				left--;
			}
	assert_int_equal(left, 1);
	for (int i = 0; i < N; i++)
		if (p[i].pid)
			winner = i;
	assert_int_equal(hello(control("race")), p[winner].pid);
	assert_int_equal(stopped(&p[winner]), 0);
}

static void a_killed_daemons_name_is_free_at_once(void **state)
{
	struct proc p = START(NULL, "-n", "a", "--ready-fd", "2");

	said(&p, "ready\n");
	kill(p.pid, SIGKILL);
	assert_int_equal(ended(&p), 128 + SIGKILL);
	assert_true(exists("a"));
	p = START(NULL, "-n", "a", "--ready-fd", "2");
	said(&p, "ready\n");
	assert_int_equal(stopped(&p), 0);
}

static void something_else_at_the_path_is_left_alone(void **state)
{
	char path[64];
	struct proc p;
	int fd;

	snprintf(path, sizeof(path), "%s/file", tmp);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	p = START(NULL, "-p", path);
	said(&p, "is not a socket");
	assert_int_equal(ended(&p), 3);
	assert_int_equal(unlink(path), 0);
}

static void errors_reach_the_starter(void **state)
{
	struct proc p = START(NULL, "-n", "a", "-o", "bogus=1", "--ready-fd", "2");

	/* once logged, once through the descriptor */
	assert_non_null(strstr(strstr(said(&p, NULL), "no such key") + 1, "no such key"));
	assert_int_equal(ended(&p), 1);
	p = START(NULL, "-n", "a", "-o", "fd=77");
	said(&p, "77");
	assert_int_equal(ended(&p), 1);
	p = START(NULL, "-n", "null");
	said(&p, "reserved");
	assert_int_equal(ended(&p), 1);
	p = START(NULL, "--nonsense");
	said(&p, "nonsense");
	assert_int_equal(ended(&p), 2);
	p = START(NULL, "-n", "a", "-p", "/b");
	assert_int_equal(ended(&p), 2);
	p = START(NULL, "argument");
	said(&p, "\"argument\"");
	assert_int_equal(ended(&p), 2);
	assert_false(exists("a") || exists(".a.lock"));
}

static int read_pid(const char *path)
{
	FILE *f = fopen(path, "r");
	int pid = 0;

	if (f && fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f)
		fclose(f);
	return pid;
}

static void in_the_background_only_the_parent_returns(void **state)
{
	char pidfile[64];
	struct proc p, q;
	struct stat st;
	int fd, pid;
	char b;

	snprintf(pidfile, sizeof(pidfile), "%s/pid", tmp);
	p = START(NULL, "-n", "bg", "--daemon", "--pid-file", pidfile);
	assert_int_equal(waitpid(p.pid, NULL, 0), p.pid);
	assert_int_equal(read(p.out, &b, 1), 0);	/* nobody holds our pipe any more */
	close(p.out);
	pid = read_pid(pidfile);
	fd = control("bg");
	assert_true(pid > 0 && pid != p.pid);
	assert_int_equal(hello(fd), pid);
	assert_int_equal(getsid(pid), pid);
	q = START(NULL, "-n", "bg", "--daemon");
	said(&q, "already running");
	assert_int_equal(ended(&q), 3);
	kill(pid, SIGTERM);
	assert_int_equal(recv(fd, &b, 1, 0), 0);	/* it hangs up last */
	close(fd);
	assert_int_equal(stat(pidfile, &st), -1);
	assert_false(exists("bg") || exists(".bg.lock"));
}

static void inherited_descriptors_are_let_go(void **state)
{
	struct proc p;
	int fds[2];
	char b;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	p = START(&fds[1], "-n", "a", "--on-demand", "--ready-fd", "2");
	close(fds[1]);
	said(&p, "ready\n");
	assert_int_equal(read(fds[0], &b, 1), 0);
	close(fds[0]);
	assert_int_equal(stopped(&p), 0);
}

static void systemd_is_told(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char name[64], buf[64] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct timeval t = { .tv_sec = 20 };
	struct proc p;

	snprintf(name, sizeof(name), "@ustack-test-%d", (int)getpid());
	strcpy(un.sun_path, name);
	un.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&un, (socklen_t)
			      (offsetof(struct sockaddr_un, sun_path) + strlen(name))), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setenv("NOTIFY_SOCKET", name, 1);
	p = START(NULL, "-n", "a");
	unsetenv("NOTIFY_SOCKET");
	assert_true(recv(fd, buf, sizeof(buf) - 1, 0) > 0);
	assert_string_equal(buf, "READY=1");
	assert_int_equal(hello(control("a")), p.pid);
	assert_int_equal(stopped(&p), 0);
	memset(buf, 0, sizeof(buf));
	assert_true(recv(fd, buf, sizeof(buf) - 1, 0) > 0);
	assert_string_equal(buf, "STOPPING=1");
	close(fd);
}

static void a_private_stack_ends_with_its_starter(void **state)
{
	struct proc p;
	char no[12];
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	snprintf(no, sizeof(no), "%d", sv[1]);
	p = START(&sv[1], "--control-fd", no, "--ready-fd", "2");
	close(sv[1]);
	said(&p, "ready\n");
	assert_int_equal(hello(sv[0]), p.pid);
	assert_false(exists("default"));
	close(sv[0]);
	assert_int_equal(ended(&p), 0);
	/* a descriptor that is no control connection */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	p = START(&sv[1], "--control-fd", no);
	close(sv[1]);
	said(&p, "SOCK_SEQPACKET");
	assert_int_equal(ended(&p), 1);
	close(sv[0]);
}

static void on_demand_ends_after_its_last_user(void **state)
{
	struct proc p = START(NULL, "-n", "od", "--on-demand", "--ready-fd", "2");
	struct msg m = { .hdr = { .version = MSG_VERSION, .op = MSG_OP_STAT, .sock = 1 } };
	uint64_t from;
	int fd;

	said(&p, "ready\n");
	fd = control("od");
	assert_int_equal(send(fd, &m, sizeof(m.hdr), 0), sizeof(m.hdr));
	assert_true(recv(fd, &m, sizeof(m), 0) > 0);
	from = clock_ns();
	close(fd);
	assert_int_equal(ended(&p), 0);
	assert_true(clock_ns() - from > 900 * 1000000ull);
	assert_false(exists("od"));
}

static void stop_and_start_again_at_once(void **state)
{
	for (int i = 0; i < 5; i++) {
		struct msg m = { .hdr = { .version = MSG_VERSION, .op = MSG_OP_STOP } };
		struct proc p = START(NULL, "-n", "again", "--ready-fd", "2"), q;
		int fd;

		said(&p, "ready\n");
		fd = control("again");
		assert_int_equal(send(fd, &m, sizeof(m.hdr), 0), sizeof(m.hdr));
		assert_true(recv(fd, &m, sizeof(m), 0) > 0);
		/* the first may still be ending: the second waits for the name */
		q = START(NULL, "-n", "again", "--ready-fd", "2");
		said(&q, "ready\n");
		assert_int_equal(ended(&p), 0);
		assert_int_equal(hello(control("again")), q.pid);
		close(fd);
		assert_int_equal(stopped(&q), 0);
	}
}

static void closed_standard_descriptors_and_blocked_signals_do_no_harm(void **state)
{
	struct proc p = { .pid = fork() };
	sigset_t all;
	int fd = -1, pid;

	if (p.pid == 0) {
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		for (int i = 0; i < 3; i++)
			close(i);
		execl(program, program, "-n", "a", "--daemon", NULL);
		_exit(99);
	}
	p.out = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(ended(&p), 0);
	fd = control("a");
	pid = hello(fd);
	assert_true(pid > 0);
	kill(pid, SIGTERM);
	assert_int_equal(recv(fd, &pid, 1, 0), 0);
	close(fd);
}

static void the_shim_is_shed(void **state)
{
	struct proc p;
	char path[64], env[8192] = "";
	int fd;

	setenv("LD_PRELOAD", "/nonexistent/libustack.so", 1);
	p = START(NULL, "-n", "a", "--ready-fd", "2");
	unsetenv("LD_PRELOAD");
	said(&p, "ready\n");
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)p.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, env, sizeof(env) - 1) > 0);
	close(fd);
	for (char *e = env; *e; e += strlen(e) + 1)
		assert_true(strncmp(e, "LD_PRELOAD=", 11) != 0);
	assert_int_equal(stopped(&p), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(ready_means_that_clients_can_connect),
		T(interrupt_ends_it_cleanly_too),
		T(a_name_in_use_is_told_with_its_pid),
		T(of_many_at_once_one_wins),
		T(a_killed_daemons_name_is_free_at_once),
		T(something_else_at_the_path_is_left_alone),
		T(errors_reach_the_starter),
		T(in_the_background_only_the_parent_returns),
		T(inherited_descriptors_are_let_go),
		T(systemd_is_told),
		T(a_private_stack_ends_with_its_starter),
		T(on_demand_ends_after_its_last_user),
		T(stop_and_start_again_at_once),
		T(closed_standard_descriptors_and_blocked_signals_do_no_harm),
		T(the_shim_is_shed),
#undef T
	};
	const char *env = getenv("USTACKD");

	snprintf(program, sizeof(program), "%s", env && *env ? env : "./ustackd");
	unsetenv("NOTIFY_SOCKET");
	unsetenv("LD_PRELOAD");
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("daemon-start", tests, NULL, NULL);
}
