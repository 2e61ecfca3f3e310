/* sockets-inherit.c - sockets across fork, exec, spawn, dup, SCM_RIGHTS, threads
 *
 * usage: sockets-inherit ADDRESS PORT
 *
 * Theory of operation
 * A thread runs an echo server on ADDRESS, so that the program needs no peer;
 * each scenario opens connections to it and prints what it sees, one line a
 * fact, with nothing in it that differs between runs.  Run on the kernel's
 * stack and under the shim, the output must be the same.
 * "sockets-inherit use FD" is the mode in which it executes itself.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static struct addrinfo *target;
extern char **environ;

static const char *name(int e)
{
	return e ? strerrorname_np(e) : "0";
}

/* --- the echo server: a thread, one more per connection */

static void *echo_one(void *arg)
{
	int fd = (int)(long)arg;
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (send(fd, buf, (size_t)n, MSG_NOSIGNAL) < 0)
			break;
	close(fd);
	return NULL;
}

static void *accept_loop(void *arg)
{
	int ls = (int)(long)arg, fd;
	pthread_t t;

	while ((fd = accept4(ls, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		pthread_create(&t, NULL, echo_one, (void *)(long)fd);
		pthread_detach(t);
	}
	return NULL;
}

static int listener(unsigned port)
{
	struct sockaddr_storage ss;
	int one = 1, ls = socket(target->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(&ss, target->ai_addr, target->ai_addrlen);
	((struct sockaddr_in *)&ss)->sin_port = htons((uint16_t)port);
	setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(ls, (struct sockaddr *)&ss, target->ai_addrlen) < 0 || listen(ls, 64) < 0)
		err(1, "cannot listen on port %u", port);
	return ls;
}

static int dial_port(unsigned port, int flags)
{
	struct sockaddr_storage ss;
	int fd = socket(target->ai_family, SOCK_STREAM | flags, 0);

	memcpy(&ss, target->ai_addr, target->ai_addrlen);
	((struct sockaddr_in *)&ss)->sin_port = htons((uint16_t)port);
	if (fd < 0 || connect(fd, (struct sockaddr *)&ss, target->ai_addrlen) < 0)
		err(1, "cannot connect to port %u", port);
	return fd;
}

static unsigned server_port(void)
{
	return ntohs(((struct sockaddr_in *)target->ai_addr)->sin_port);
}

static int dial(int flags)
{
	return dial_port(server_port(), flags);
}

/* what comes back for @text, and whose name the peer has */
static const char *talk(int fd, const char *text)
{
	static __thread char buf[256];
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	size_t want = strlen(text), got = 0;
	ssize_t n;

	if (write(fd, text, want) != (ssize_t)want)
		return name(errno);
	while (got < want && (n = read(fd, buf + got, sizeof(buf) - 1 - got)) > 0)
		got += (size_t)n;
	buf[got] = 0;
	if (getpeername(fd, (struct sockaddr *)&ss, &len) < 0)
		snprintf(buf + got, sizeof(buf) - got, " (getpeername: %s)", name(errno));
	else if (ntohs(((struct sockaddr_in *)&ss)->sin_port) != server_port())
		snprintf(buf + got, sizeof(buf) - got, " (wrong peer)");
	return buf;
}

static void reap(pid_t pid, const char *what)
{
	int st;

	if (waitpid(pid, &st, 0) < 0)
		err(1, "waitpid");
	printf("%s: child status %d\n", what, WIFEXITED(st) ? WEXITSTATUS(st) : -WTERMSIG(st));
}

static pid_t forked(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		alarm(10);
	return pid;
}

static void child_exit(int status)
{
	fflush(stdout);
	_exit(status);
}

/* --- scenarios */

static void do_fork(void)
{
	int fd = dial(0), fresh;
	pid_t pid = forked();

	if (pid == 0) {
		printf("fork: child over the inherited socket: %s\n", talk(fd, "one"));
		fresh = dial(0);
		printf("fork: child over its own: %s\n", talk(fresh, "two"));
		close(fd);
		child_exit(3);
	}
	reap(pid, "fork");
	printf("fork: parent after the child closed: %s\n", talk(fd, "three"));
	close(fd);
}

static void do_exec(int use_vfork)
{
	int fd = dial(0), cloexec = dial(SOCK_CLOEXEC);
	char num[16], num2[16];
	pid_t pid;

	snprintf(num, sizeof(num), "%d", fd);
	snprintf(num2, sizeof(num2), "%d", cloexec);
	fflush(stdout);
	pid = use_vfork ? vfork() : fork();
	if (pid == 0) {
		execl("/proc/self/exe", "sockets-inherit", "use", num, num2, (char *)NULL);
		_exit(127);
	}
	reap(pid, use_vfork ? "vfork+exec" : "fork+exec");
	printf("exec: parent still: %s\n", talk(fd, "still"));
	close(fd);
	close(cloexec);
}

static void do_spawn(void)
{
	int fd = dial(SOCK_CLOEXEC), to = 40;
	char *argv[] = { "sockets-inherit", "use", "40", NULL };
	posix_spawn_file_actions_t fa;
	pid_t pid;

	fflush(stdout);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, fd, to);
	if (posix_spawn(&pid, "/proc/self/exe", &fa, NULL, argv, environ))
		err(1, "posix_spawn");
	reap(pid, "posix_spawn");
	posix_spawn_file_actions_destroy(&fa);
	close(fd);
}

static void do_dup(void)
{
	int fd = dial(0), a = dup(fd), b, c, d;

	printf("dup: %s\n", talk(a, "dup"));
	b = dup2(fd, 50);
	printf("dup2: number %d: %s\n", b, talk(b, "dup2"));
	c = dup3(fd, 51, O_CLOEXEC);
	printf("dup3: number %d, FD_CLOEXEC %d: %s\n", c, fcntl(c, F_GETFD), talk(c, "dup3"));
	d = fcntl(fd, F_DUPFD, 60);
	printf("F_DUPFD: number %d, FD_CLOEXEC %d: %s\n", d, fcntl(d, F_GETFD), talk(d, "dupfd"));
	close(d);
	d = fcntl(fd, F_DUPFD_CLOEXEC, 60);
	printf("F_DUPFD_CLOEXEC: number %d, FD_CLOEXEC %d\n", d, fcntl(d, F_GETFD));
	printf("dup2 onto itself: %d\n", dup2(d, d));
	close(fd);
	close(a);
	close(b);
	close(c);
	printf("the last copy: %s\n", talk(d, "last"));
	b = open("/dev/null", O_RDWR | O_CLOEXEC);
	printf("dup2 of a file onto a socket: %d\n", dup2(b, d) == d);
	printf("it is the file now: write gives %zd\n", write(d, "xyz", 3));
	a = dial(0);
	printf("dup2 of a socket onto the file: %d\n", dup2(a, d) == d);
	printf("it is the socket now: %s\n", talk(d, "again"));
	close(a);
	close(b);
	close(d);
}

static void do_close_range(void)
{
	pid_t pid = forked();
	int fd, fd2;

	if (pid == 0) {
		fd = dial(0);
		close_range(3, ~0U, 0);
		printf("close_range: the socket is gone: %s\n",
		       write(fd, "x", 1) < 0 ? name(errno) : "no");
		fd = dial(0);
		printf("close_range: a new socket has number %d: %s\n", fd, talk(fd, "cr"));
		closefrom(3);
		fd = dial(0);
		fd2 = dial(0);
		printf("closefrom: numbers %d %d: %s\n", fd, fd2, talk(fd2, "cf"));
		for (int i = 3; i < 1024; i++)
			close(i);
		fd = dial(0);
		printf("close of every number: number %d: %s\n", fd, talk(fd, "loop"));
		child_exit(0);
	}
	reap(pid, "close_range");
}

static void send_fd(int unix_fd, int fd)
{
	char b = 'f', buf[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &b, 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf,
			     .msg_controllen = sizeof(buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (sendmsg(unix_fd, &mh, 0) < 0)
		err(1, "sendmsg SCM_RIGHTS");
}

static int recv_fd(int unix_fd)
{
	char b, buf[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &b, 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf,
			     .msg_controllen = sizeof(buf) };
	int fd;

	if (recvmsg(unix_fd, &mh, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&mh))
		err(1, "recvmsg SCM_RIGHTS");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&mh)), sizeof(int));
	return fd;
}

static void do_scm_rights(void)
{
	int sv[2], fd, ls, other;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		err(1, "socketpair");
	pid = forked();
	if (pid == 0) {
		close(sv[0]);
		fd = recv_fd(sv[1]);
		printf("SCM_RIGHTS: connected socket: %s\n", talk(fd, "passed"));
		ls = recv_fd(sv[1]);
		fd = accept(ls, NULL, NULL);
		printf("SCM_RIGHTS: accept on a passed listener: %d\n", fd >= 0);
		printf("SCM_RIGHTS: sent %zd\n", send(fd, "welcome", 7, 0));
		child_exit(0);
	}
	close(sv[1]);
	fd = dial(0);
	send_fd(sv[0], fd);
	close(fd);
	ls = listener(server_port() + 1);
	send_fd(sv[0], ls);
	close(ls);
	other = dial_port(server_port() + 1, 0);
	{
		char buf[16] = "";
		ssize_t n = recv(other, buf, 7, MSG_WAITALL);

		reap(pid, "SCM_RIGHTS");
		printf("SCM_RIGHTS: from the passed listener: %zd %s\n", n, buf);
	}
	close(other);
	close(sv[0]);
}

static void do_prefork(void)
{
	int ls = listener(server_port() + 2), status, good = 0;
	pid_t pid[4];

	for (int i = 0; i < 4; i++) {
		pid[i] = forked();
		if (pid[i] == 0) {
			int fd = accept(ls, NULL, NULL);

			child_exit(fd < 0 || write(fd, "w", 1) != 1);
		}
	}
	for (int i = 0; i < 4; i++) {
		char b = 0;
		int fd = dial_port(server_port() + 2, 0);

		good += read(fd, &b, 1) == 1 && b == 'w';
		close(fd);
	}
	for (int i = 0; i < 4; i++)
		if (waitpid(pid[i], &status, 0) == pid[i] && status == 0)
			good++;
	printf("prefork: 4 workers served 4 connections: %d\n", good == 8);
	close(ls);
}

static void *many(void *arg)
{
	long bad = 0;
	char text[32];

	for (int i = 0; i < 50; i++) {
		int fd = dial(SOCK_CLOEXEC);

		snprintf(text, sizeof(text), "t%ld-%d", (long)arg, i);
		bad += strcmp(talk(fd, text), text) != 0;
		close(fd);
	}
	return (void *)bad;
}

static void do_threads(void)
{
	pthread_t t[8];
	long bad = 0, forks = 0;
	void *r;
	int st;

	for (long i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, many, (void *)i);
	for (int i = 0; i < 20; i++) {	/* fork while others are in socket calls */
		pid_t pid = forked();

		if (pid == 0) {
			int fd = dial(0);

			_exit(strcmp(talk(fd, "forked"), "forked") != 0);
		}
		forks += waitpid(pid, &st, 0) == pid && st == 0;
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(t[i], &r);
		bad += (long)r;
	}
	printf("threads: 400 conversations, wrong: %ld; 20 forks meanwhile, right: %ld\n", bad, forks);
}

static void do_stdio(void)
{
	int fd = dial(0);
	FILE *f = fdopen(fd, "r+");
	char line[64] = "";

	fprintf(f, "a line\n");
	fflush(f);
	if (!fgets(line, sizeof(line), f))
		snprintf(line, sizeof(line), "%s\n", name(errno));
	printf("stdio: %s", line);
	fclose(f);
}

static int use(int argc, char **argv)
{
	printf("exec: the inherited socket: %s\n", talk(atoi(argv[2]), "execed"));
	if (argc > 3)
		printf("exec: close-on-exec: %s\n",
		       fcntl(atoi(argv[3]), F_GETFD) < 0 ? name(errno) : "open");
	return 5;
}

int main(int argc, char **argv)
{
	struct addrinfo hint = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
	pthread_t t;
	int ls;

	if (argc >= 3 && !strcmp(argv[1], "use")) {
		struct sockaddr_storage ss = { 0 };
		socklen_t len = sizeof(ss);

		getpeername(atoi(argv[2]), (struct sockaddr *)&ss, &len);
		hint.ai_addr = (struct sockaddr *)&ss;
		target = &hint;
		return use(argc, argv);
	}
	if (argc != 3 || getaddrinfo(argv[1], argv[2], &hint, &target))
		errx(2, "usage: sockets-inherit ADDRESS PORT");
	ls = listener(server_port());
	pthread_create(&t, NULL, accept_loop, (void *)(long)ls);
	do_fork();
	do_exec(0);
	do_exec(1);
	do_spawn();
	do_dup();
	do_close_range();
	do_scm_rights();
	do_prefork();
	do_threads();
	do_stdio();
	return 0;
}
