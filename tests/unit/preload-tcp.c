/* preload-tcp.c - TCP sockets under the shim behave as Linux's do */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "fake-stack.h"
#include "under-shim.h"

static struct sockaddr_in to(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static int tcp(int flags)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	assert_true(fd >= 0);
	return fd;
}

static int listener(uint16_t port)
{
	struct sockaddr_in a = to(port);
	int fd = tcp(0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static int dial(int fd, uint16_t port)
{
	struct sockaddr_in a = to(port);

	return connect(fd, (struct sockaddr *)&a, sizeof(a));
}

static short polled(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	assert_true(poll(&p, 1, ms) >= 0);
	return p.revents;
}

static void pair(uint16_t port, int *c, int *s)
{
	int l = listener(port);

	*c = tcp(0);
	assert_int_equal(dial(*c, port), 0);
	*s = accept(l, NULL, NULL);
	assert_true(*s >= 0);
	close(l);
}

static void bytes_go_both_ways(void **state)
{
	char buf[64];
	int c, s;

	pair(7001, &c, &s);
	assert_int_equal(write(c, "hello", 5), 5);
	assert_int_equal(read(s, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(send(s, "bye", 3, 0), 3);
	assert_int_equal(shutdown(s, SHUT_WR), 0);
	assert_int_equal(recv(c, buf, sizeof(buf), MSG_WAITALL), 3);
	assert_int_equal(recv(c, buf, sizeof(buf), 0), 0);
	close(s);
	close(c);
}

static void much_data_survives_close(void **state)
{
	size_t total = 8 << 20, got = 0;
	char *out = malloc(total), buf[16384];
	int c, s;
	ssize_t n;
	pid_t pid;

	for (size_t i = 0; i < total; i++)
		out[i] = (char)(i * 7 + i / 4096);
	pair(7002, &c, &s);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		for (size_t done = 0; done < total; done += (size_t)n) {
			n = write(c, out + done, total - done);
			if (n <= 0)
				_exit(1);
		}
		_exit(0);
	}
	close(c);
	while ((n = read(s, buf, sizeof(buf))) > 0) {
		assert_memory_equal(buf, out + got, (size_t)n);
		got += (size_t)n;
	}
	assert_int_equal(n, 0);
	assert_int_equal(got, total);
	close(s);
	free(out);
}

/* sendfile()'s buffers are large, and the stack leaves a byte of the last one
 * unread: that must not make the socket unwritable */
static void sendfile_does_not_stall(void **state)
{
	char name[] = "/tmp/preload-tcp-XXXXXX", *buf = calloc(1, 1 << 20);
	int file = mkstemp(name), l = listener(7010), c = tcp(0), s;
	size_t total = 4 << 20, got = 0;
	off_t at = 0;
	ssize_t n;
	pid_t pid;

	assert_true(file >= 0);
	unlink(name);
	for (size_t i = 0; i < total >> 20; i++)
		assert_int_equal(write(file, buf, 1 << 20), 1 << 20);
	assert_int_equal(dial(c, 7010), 0);
	s = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(s);
		while ((n = read(c, buf, 1 << 20)) > 0)
			got += (size_t)n;
		_exit(got == total ? 0 : 1);
	}
	close(c);
	while ((size_t)at < total) {
		n = sendfile(s, file, &at, total - (size_t)at);
		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			assert_int_equal(polled(s, POLLOUT, 5000), POLLOUT);
		}
	}
	close(s);
	assert_int_equal(waitpid(pid, (int *)buf, 0), pid);
	assert_int_equal(*(int *)buf, 0);
	close(l);
	close(file);
	free(buf);
}

static void names_have_their_length(void **state)
{
	struct sockaddr_storage a;
	struct sockaddr_in *in = (struct sockaddr_in *)&a;
	socklen_t len = sizeof(a);
	int l = listener(7003), c = tcp(0), s;

	assert_int_equal(getpeername(c, (struct sockaddr *)&a, &len), -1);
	assert_int_equal(errno, ENOTCONN);
	assert_int_equal(dial(c, 7003), 0);
	len = sizeof(a);
	s = accept(l, (struct sockaddr *)&a, &len);
	assert_true(s >= 0);
	assert_int_equal(len, sizeof(struct sockaddr_in));
	assert_int_equal(a.ss_family, AF_INET);
	len = 4;
	memset(&a, 0xee, sizeof(a));
	assert_int_equal(getpeername(c, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(len, sizeof(struct sockaddr_in));
	assert_int_equal(in->sin_port, htons(7003));
	assert_int_equal(((unsigned char *)&a)[4], 0xee);
	len = sizeof(a);
	assert_int_equal(getsockname(s, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(in->sin_port, htons(7003));
	len = sizeof(a);
	assert_int_equal(write(c, "x", 1), 1);
	assert_int_equal(recvfrom(s, &a, 1, 0, (struct sockaddr *)&a, &len), 1);
	assert_int_equal(len, 0);
	assert_int_equal(sendto(s, "y", 1, 0, (struct sockaddr *)in, sizeof(*in)), 1);
	close(c);
	close(s);
	close(l);
}

static void nonblocking_connect_is_an_edge(void **state)
{
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLIN | EPOLLET }, out;
	static const char large[100000];
	int c = tcp(SOCK_NONBLOCK), ep = epoll_create1(0), err = 1;
	socklen_t len = sizeof(err);

	assert_int_equal(dial(c, FAKE_PORT_LATE), -1);
	assert_int_equal(errno, EINPROGRESS);
	assert_int_equal(epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev), 0);
	assert_int_equal(epoll_wait(ep, &out, 1, 0), 0);
	assert_int_equal(dial(c, FAKE_PORT_LATE), -1);
	assert_int_equal(errno, EALREADY);
	assert_int_equal(write(c, "x", 1), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(epoll_wait(ep, &out, 1, 5000), 1);
	assert_int_equal(out.events, EPOLLOUT);
	assert_int_equal(getsockopt(c, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	assert_int_equal(err, 0);
	/* Linux: the first connect() that finds it connected succeeds */
	assert_int_equal(dial(c, FAKE_PORT_LATE), 0);
	assert_int_equal(dial(c, FAKE_PORT_LATE), -1);
	assert_int_equal(errno, EISCONN);
	/* and the buffer is a large one by now */
	assert_true(send(c, large, sizeof(large), 0) > 50000);
	close(ep);
	close(c);
}

static void refused_blocking_and_not(void **state)
{
	int c = tcp(0), err = 0;
	socklen_t len = sizeof(err);
	char byte;

	assert_int_equal(dial(c, 7999), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(getsockopt(c, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	assert_int_equal(err, 0);
	assert_int_equal(read(c, &byte, 1), -1);
	assert_int_equal(errno, ENOTCONN);
	/* the same socket may try again */
	int l = listener(7004);

	assert_int_equal(dial(c, 7004), 0);
	close(l);
	close(c);

	c = tcp(SOCK_NONBLOCK);
	assert_int_equal(dial(c, 7999), -1);
	assert_int_equal(errno, EINPROGRESS);
	assert_true(polled(c, POLLOUT, 5000) & (POLLERR | POLLHUP));
	assert_int_equal(getsockopt(c, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	assert_int_equal(err, ECONNREFUSED);
	assert_int_equal(getsockopt(c, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	assert_int_equal(err, 0);
	close(c);

	c = tcp(0);
	assert_int_equal(dial(c, FAKE_PORT_TIMEOUT), -1);
	assert_int_equal(errno, ETIMEDOUT);
	close(c);
}

static volatile sig_atomic_t rang;

static void on_alarm(int sig)
{
	rang++;
}

static void alarm_in(int ms, int flags)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = flags };
	struct itimerval it = { .it_value = { ms / 1000, ms % 1000 * 1000 } };

	rang = 0;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

static void signals_and_timeouts_end_a_connect(void **state)
{
	struct timeval tv = { 0, 50000 };
	int c = tcp(0);

	alarm_in(30, 0);
	assert_int_equal(dial(c, FAKE_PORT_SILENT), -1);
	assert_int_equal(errno, EINTR);
	assert_int_equal(rang, 1);
	close(c);

	c = tcp(0);
	alarm_in(30, SA_RESTART);
	assert_int_equal(dial(c, FAKE_PORT_LATE), 0);
	assert_int_equal(rang, 1);
	close(c);

	c = tcp(0);
	assert_int_equal(setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	assert_int_equal(dial(c, FAKE_PORT_SILENT), -1);
	assert_int_equal(errno, EINPROGRESS);
	close(c);
	signal(SIGALRM, SIG_DFL);
}

static void accept_honours_timeouts_and_signals(void **state)
{
	struct timeval tv = { 0, 30000 };
	int l = listener(7005);

	alarm_in(30, 0);
	assert_int_equal(accept(l, NULL, NULL), -1);
	assert_int_equal(errno, EINTR);
	assert_int_equal(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	assert_int_equal(accept(l, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(polled(l, POLLIN | POLLOUT, 0), 0);
	close(l);
	signal(SIGALRM, SIG_DFL);
}

static void not_connected(void **state)
{
	int c = tcp(0), l;
	char byte;

	assert_int_equal(recv(c, &byte, 1, 0), -1);
	assert_int_equal(errno, ENOTCONN);
	assert_int_equal(send(c, "x", 1, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
	signal(SIGPIPE, on_alarm);
	rang = 0;
	assert_int_equal(write(c, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(rang, 1);
	assert_int_equal(shutdown(c, SHUT_RDWR), -1);
	assert_int_equal(errno, ENOTCONN);
	assert_int_equal(accept(c, NULL, NULL), -1);
	assert_int_equal(errno, EINVAL);
	signal(SIGPIPE, SIG_DFL);
	close(c);
	l = listener(7006);
	assert_int_equal(read(l, &byte, 1), -1);
	assert_int_equal(errno, ENOTCONN);
	close(l);
}

static void reset_then_broken_pipe(void **state)
{
	char byte;
	int c = tcp(0), i;

	assert_int_equal(dial(c, FAKE_PORT_RESET), 0);
	assert_int_equal(write(c, "x", 1), 1);
	assert_true(polled(c, POLLIN, 5000) & POLLERR);
	signal(SIGPIPE, on_alarm);
	rang = 0;
	assert_int_equal(write(c, "x", 1), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(rang, 0);
	assert_int_equal(write(c, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(rang, 1);
	assert_int_equal(read(c, &byte, 1), 0);
	close(c);
	c = tcp(0);
	assert_int_equal(dial(c, FAKE_PORT_RESET), 0);
	assert_int_equal(write(c, "x", 1), 1);
	for (i = 0; (errno = 0, read(c, &byte, 1)) >= 0 && i < 10; i++)
		;
	assert_int_equal(errno, ECONNRESET);
	close(c);
	signal(SIGPIPE, SIG_DFL);
}

static void lowest_number_and_flags(void **state)
{
	int low = open("/dev/null", O_RDONLY), fd;

	close(low);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(fd, low);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(fd, low);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	close(fd);
}

static void bad_sockets_have_linux_errnos(void **state)
{
	static const struct {
		int domain, type, protocol, err;
	} rows[] = {
		{ AF_INET, SOCK_STREAM, IPPROTO_UDP, EPROTONOSUPPORT },
		{ AF_INET, SOCK_DGRAM, IPPROTO_TCP, EPROTONOSUPPORT },
		{ AF_INET, SOCK_SEQPACKET, 0, ESOCKTNOSUPPORT },
		{ AF_INET, SOCK_RAW, 0, EPROTONOSUPPORT },
		{ AF_INET, SOCK_STREAM | 0x100000, 0, EINVAL },
		{ AF_INET6, SOCK_STREAM, -1, EINVAL },
		{ AF_INET6, 12, 0, EINVAL },
		{ AF_NETLINK, SOCK_STREAM, 0, ESOCKTNOSUPPORT },
		{ AF_PACKET, SOCK_STREAM, 0, ESOCKTNOSUPPORT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		errno = 0;
		assert_int_equal(socket(rows[i].domain, rows[i].type, rows[i].protocol), -1);
		assert_int_equal(errno, rows[i].err);
	}
}

static void accept_at_the_limit_loses_nothing(void **state)
{
	int l = listener(7007), c = tcp(0), s;
	struct rlimit old, low;
	char byte;

	assert_int_equal(dial(c, 7007), 0);
	assert_true(polled(l, POLLIN, 5000) & POLLIN);
	getrlimit(RLIMIT_NOFILE, &old);
	low = old;
	s = dup(0);
	close(s);
	low.rlim_cur = (rlim_t)s;
	setrlimit(RLIMIT_NOFILE, &low);
	assert_int_equal(accept(l, NULL, NULL), -1);
	assert_int_equal(errno, EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
	s = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(s >= 0);
	assert_int_equal(read(s, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fcntl(s, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(c, "z", 1), 1);
	assert_true(polled(s, POLLIN, 5000) & POLLIN);
	assert_int_equal(read(s, &byte, 1), 1);
	close(s);
	close(c);
	close(l);
}

static void *shut(void *arg)
{
	struct timespec ts = { 0, 30000000 };

	nanosleep(&ts, NULL);	/* either order must work; mostly accept() waits by then */
	shutdown(*(int *)arg, SHUT_RD);
	return NULL;
}

static void shutdown_wakes_accept(void **state)
{
	int l = listener(7008);
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, shut, &l), 0);
	assert_int_equal(accept(l, NULL, NULL), -1);
	assert_int_equal(errno, EINVAL);
	pthread_join(t, NULL);
	close(l);
}

static void options_are_virtual(void **state)
{
	int c = tcp(0), v = 4096, w;
	socklen_t len = sizeof(w);
	struct ifconf ifc = { 0 };

	assert_int_equal(setsockopt(c, SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)), 0);
	assert_int_equal(getsockopt(c, SOL_SOCKET, SO_SNDBUF, &w, &len), 0);
	assert_int_equal(w, 8192);
	v = 1;
	assert_int_equal(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &v, sizeof(v)), 0);
	assert_int_equal(getsockopt(c, IPPROTO_TCP, TCP_NODELAY, &w, &len), 0);
	assert_int_equal(w, 1);
	assert_int_equal(getsockopt(c, SOL_SOCKET, SO_TYPE, &w, &len), 0);
	assert_int_equal(w, SOCK_STREAM);
	assert_int_equal(getsockopt(c, SOL_SOCKET, SO_DOMAIN, &w, &len), 0);
	assert_int_equal(w, AF_INET);
	assert_int_equal(send(c, "x", 1, MSG_OOB | MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(recv(c, &v, 1, MSG_OOB), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(ioctl(c, 0x8912 /* SIOCGIFCONF */, &ifc), 0);
	close(c);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_go_both_ways),
		cmocka_unit_test(much_data_survives_close),
		cmocka_unit_test(sendfile_does_not_stall),
		cmocka_unit_test(names_have_their_length),
		cmocka_unit_test(nonblocking_connect_is_an_edge),
		cmocka_unit_test(refused_blocking_and_not),
		cmocka_unit_test(signals_and_timeouts_end_a_connect),
		cmocka_unit_test(accept_honours_timeouts_and_signals),
		cmocka_unit_test(not_connected),
		cmocka_unit_test(reset_then_broken_pipe),
		cmocka_unit_test(lowest_number_and_flags),
		cmocka_unit_test(bad_sockets_have_linux_errnos),
		cmocka_unit_test(accept_at_the_limit_loses_nothing),
		cmocka_unit_test(shutdown_wakes_accept),
		cmocka_unit_test(options_are_virtual),
	};
	int ret = under_shim(argv);

	alarm(60);
	return ret >= 0 ? ret : cmocka_run_group_tests(tests, NULL, NULL);
}
