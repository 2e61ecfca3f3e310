/* bugs.c - what users of other stacks in user space reported, a test each
 *
 * Prints TAP, a line a bug, named after it with the number it has in the
 * project's list.  Every test runs in a process of its own with a deadline,
 * between sockets of one stack at 127.0.0.1; the same program passes on the
 * kernel's stack.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_S	15
#define WAIT_MS		3000

/* what must hold; else the test ends with the line that did not */
#define MUST(cond) do { \
	if (!(cond)) { \
		printf("# line %d: %s (errno %s)\n", __LINE__, #cond, strerrorname_np(errno)); \
		fflush(stdout); \
		_exit(1); \
	} \
} while (0)

static int tcp(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	MUST(fd >= 0);
	return fd;
}

static struct sockaddr_in local(unsigned port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static unsigned port_of(int fd)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	MUST(getsockname(fd, (struct sockaddr *)&in, &len) == 0);
	return ntohs(in.sin_port);
}

static int listener(void)
{
	struct sockaddr_in in = local(0);
	int fd = tcp();

	MUST(bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0 && listen(fd, 16) == 0);
	return fd;
}

static int to(int fd, unsigned port)
{
	struct sockaddr_in in = local(port);

	return connect(fd, (struct sockaddr *)&in, sizeof(in));
}

static void pair(int *near, int *far)
{
	int l = listener();

	*near = tcp();
	MUST(to(*near, port_of(l)) == 0);
	*far = accept(l, NULL, NULL);
	MUST(*far >= 0);
	close(l);
}

static int happens(int fd, int events, int ms)
{
	struct pollfd p = { .fd = fd, .events = (short)events };

	return poll(&p, 1, ms) > 0 ? p.revents : 0;
}

static void nonblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static int so_error(int fd)
{
	int v = -1;
	socklen_t len = sizeof(v);

	MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &v, &len) == 0);
	return v;
}

static unsigned closed_port(void)
{
	int l = listener();
	unsigned port = port_of(l);

	close(l);
	return port;
}

static bool echoes(int near, int far)
{
	char c = 0;

	return write(near, "e", 1) == 1 && read(far, &c, 1) == 1 && c == 'e';
}

/* --- the bugs --- */

static void closing_ranges(void)
{
	int near, far;

	pair(&near, &far);
	MUST(dup2(near, 3) == 3 && dup2(far, 4) == 4);
	closefrom(5);
	MUST(echoes(3, 4));
	pair(&near, &far);		/* new sockets, too */
	MUST(echoes(near, far));
	MUST(close_range(5, ~0u, 0) == 0);
	pair(&near, &far);
	MUST(echoes(near, far));
}

static void fcntl_64(void)
{
	int fd = tcp(), flags = fcntl(fd, F_GETFL), d;

	MUST(fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_GETFL) & O_NONBLOCK);
	d = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	MUST(d >= 100 && fcntl(d, F_GETFD) == FD_CLOEXEC);
	MUST(to(d, closed_port()) == -1 && (errno == EINPROGRESS || errno == ECONNREFUSED));
}

ssize_t __read_chk(int fd, void *buf, size_t n, size_t room);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t room, int flags);
int __poll_chk(struct pollfd *p, nfds_t n, int ms, size_t room);

static void checked_variants(void)
{
	struct pollfd p = { .events = POLLIN };
	char buf[4];
	int near, far;

	pair(&near, &far);
	MUST(write(far, "ab", 2) == 2);
	p.fd = near;
	MUST(__poll_chk(&p, 1, WAIT_MS, sizeof(p)) == 1);
	MUST(__recv_chk(near, buf, 1, sizeof(buf), 0) == 1 && buf[0] == 'a');
	MUST(__read_chk(near, buf, 1, sizeof(buf)) == 1 && buf[0] == 'b');
}

static void mixed_polls(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	int near, far, p[2], ep = epoll_create1(0);
	bool got[2] = { false, false };

	pair(&near, &far);
	MUST(pipe(p) == 0);
	e.data.u32 = 0;
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, near, &e) == 0);
	e.data.u32 = 1;
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e) == 0);
	MUST(write(far, "x", 1) == 1 && write(p[1], "x", 1) == 1);
	MUST(happens(near, POLLIN, WAIT_MS) & POLLIN);
	for (int i = 0; i < 2; i++) {
		char c;

		MUST(epoll_wait(ep, &e, 1, WAIT_MS) == 1);
		got[e.data.u32 & 1] = true;
		MUST(read(e.data.u32 ? p[0] : near, &c, 1) == 1);
	}
	MUST(got[0] && got[1]);
}

static void nested_epoll(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	int near, far, in = epoll_create1(0), out = epoll_create1(0);

	pair(&near, &far);
	MUST(epoll_ctl(in, EPOLL_CTL_ADD, near, &e) == 0);
	MUST(epoll_ctl(out, EPOLL_CTL_ADD, in, &e) == 0);
	MUST(epoll_wait(out, &e, 1, 20) == 0);
	MUST(write(far, "x", 1) == 1 && epoll_wait(out, &e, 1, WAIT_MS) == 1);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void epoll_and_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct epoll_event e = { .events = EPOLLIN };
	int near, far, ep = epoll_create1(0);

	pair(&near, &far);
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, near, &e) == 0);
	sigaction(SIGALRM, &sa, NULL);
	alarm(1);
	MUST(epoll_wait(ep, &e, 1, 5000) == -1 && errno == EINTR);
}

static void epoll_modify(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	int near, far, ep = epoll_create1(0);

	pair(&near, &far);
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, near, &e) == 0);
	e.events = EPOLLOUT;
	MUST(epoll_ctl(ep, EPOLL_CTL_MOD, near, &e) == 0);
	MUST(epoll_wait(ep, &e, 1, WAIT_MS) == 1 && e.events == EPOLLOUT);
}

static void epoll_before_bind(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct sockaddr_in in = local(0);
	int l = tcp(), ep = epoll_create1(0), c = tcp();

	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, l, &e) == 0);
	MUST(bind(l, (struct sockaddr *)&in, sizeof(in)) == 0 && listen(l, 1) == 0);
	nonblock(c);
	to(c, port_of(l));
	/* a socket without connection shows POLLHUP until it listens */
	do
		MUST(epoll_wait(ep, &e, 1, WAIT_MS) == 1);
	while (!(e.events & EPOLLIN));
	MUST(accept(l, NULL, NULL) >= 0);
}

static void forks(void)
{
	int near, far, status;

	pair(&near, &far);
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		MUST(pid >= 0);
		if (pid == 0) {
			int n, f;

			pair(&n, &f);
			_exit(echoes(n, f) && write(far, "c", 1) == 1 ? 0 : 1);
		}
		MUST(waitpid(pid, &status, 0) == pid && status == 0);
	}
	for (int i = 0; i < 20; i++) {
		char c;

		MUST(read(near, &c, 1) == 1 && c == 'c');
	}
}

static void childs_close(void)
{
	int l = listener(), c = tcp(), status;
	pid_t pid = fork();

	if (pid == 0) {
		close(l);
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0) == pid);
	MUST(to(c, port_of(l)) == 0 && accept(l, NULL, NULL) >= 0);
}

static void edges(void)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	struct linger l = { 1, 0 };
	int near, far, ep = epoll_create1(0);

	pair(&near, &far);
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, near, &e) == 0);
	MUST(epoll_wait(ep, &e, 1, WAIT_MS) == 1 && e.events == EPOLLOUT);
	MUST(epoll_wait(ep, &e, 1, 50) == 0);
	setsockopt(far, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(far);
	MUST(epoll_wait(ep, &e, 1, WAIT_MS) == 1);
	MUST((e.events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == (EPOLLIN | EPOLLERR | EPOLLHUP));
	MUST(so_error(near) == ECONNRESET);
}

static void poll_a_connect(void)
{
	int l = listener(), fd = tcp();

	nonblock(fd);
	MUST(to(fd, port_of(l)) == 0 || errno == EINPROGRESS);
	MUST(happens(fd, POLLOUT | POLLWRNORM, WAIT_MS) == (POLLOUT | POLLWRNORM));
	MUST(so_error(fd) == 0);
}

static void errors_once(void)
{
	int fd = tcp();

	nonblock(fd);
	MUST(to(fd, closed_port()) == -1);
	if (errno == EINPROGRESS) {
		MUST(happens(fd, POLLOUT, WAIT_MS) & POLLERR);
		MUST(so_error(fd) == ECONNREFUSED);
	}
	MUST(so_error(fd) == 0);
}

static void shutdowns(void)
{
	struct sockaddr_in in = local(0);
	int fd = tcp(), l = tcp();

	MUST(shutdown(fd, SHUT_WR) == -1 && errno == ENOTCONN);
	MUST(bind(l, (struct sockaddr *)&in, sizeof(in)) == 0);
	MUST(shutdown(l, SHUT_RDWR) == -1 && errno == ENOTCONN);
	MUST(listen(l, 1) == 0 && to(fd, port_of(l)) == 0);
	MUST(shutdown(l, SHUT_RDWR) == 0);
	MUST(listen(l, 1) == 0);	/* again, at its port */
	MUST(to(tcp(), port_of(l)) == 0 && happens(l, POLLIN, WAIT_MS) & POLLIN);
}

static void *shut_later(void *arg)
{
	poll(NULL, 0, 100);
	shutdown(*(int *)arg, SHUT_RDWR);
	return NULL;
}

static void accept_is_woken(void)
{
	int l = listener();
	pthread_t t;

	MUST(pthread_create(&t, NULL, shut_later, &l) == 0);
	MUST(accept(l, NULL, NULL) == -1 && errno == EINVAL);
	pthread_join(t, NULL);
}

static void lingers(void)
{
	struct linger on = { 1, 0 }, got;
	socklen_t len = sizeof(got);
	int near, far;
	char c;

	pair(&near, &far);
	MUST(setsockopt(near, SOL_SOCKET, SO_LINGER, &on, sizeof(on)) == 0);
	MUST(getsockopt(near, SOL_SOCKET, SO_LINGER, &got, &len) == 0);
	MUST(got.l_onoff == 1 && got.l_linger == 0 && len == sizeof(got));
	close(near);
	MUST(happens(far, POLLIN, WAIT_MS) & POLLERR);
	MUST(read(far, &c, 1) == -1 && errno == ECONNRESET);
}

static void close_with_pending_data(void)
{
	static char buf[1 << 16];
	long sent = 0, got = 0;
	int near, far;
	ssize_t n;

	pair(&near, &far);
	nonblock(near);
	do
		while ((n = write(near, buf, sizeof(buf))) > 0)
			sent += n;
	while (happens(near, POLLOUT, 200) & POLLOUT);
	close(near);			/* the window is closed */
	while ((n = read(far, buf, sizeof(buf))) > 0)
		got += n;
	MUST(n == 0 && got == sent);
}

static void name_lengths(void)
{
	struct sockaddr_in in;
	socklen_t len = 5;
	int l = listener(), c = tcp();

	MUST(getsockname(l, (struct sockaddr *)&in, &len) == 0 && len == sizeof(in));
	MUST(to(c, port_of(l)) == 0 && accept(l, NULL, NULL) >= 0);
	len = 100;
	MUST(getpeername(c, (struct sockaddr *)&in, &len) == 0 && len == sizeof(in));
}

static void creation_flags(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), l = listener(), a;

	MUST(fcntl(fd, F_GETFL) & O_NONBLOCK && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	nonblock(l);
	to(fd, port_of(l));
	MUST(happens(l, POLLIN, WAIT_MS));
	a = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	MUST(a >= 0 && !(fcntl(a, F_GETFL) & O_NONBLOCK) && fcntl(a, F_GETFD) == FD_CLOEXEC);
	MUST(fcntl(l, F_GETFD) == 0);
}

static void udp_pair(int *a, int *b)
{
	struct sockaddr_in in = local(0);

	*a = socket(AF_INET, SOCK_DGRAM, 0);
	*b = socket(AF_INET, SOCK_DGRAM, 0);
	MUST(bind(*b, (struct sockaddr *)&in, sizeof(in)) == 0 && to(*a, port_of(*b)) == 0);
}

static void truncation(void)
{
	char buf[4];
	int a, b;

	udp_pair(&a, &b);
	MUST(send(a, "0123456789", 10, 0) == 10 && send(a, "0123456789", 10, 0) == 10);
	MUST(recv(b, buf, sizeof(buf), MSG_TRUNC) == 10);
	MUST(recv(b, buf, sizeof(buf), 0) == 4);
}

static void message_fields(void)
{
	char buf[4], ctl[64];
	struct iovec v = { buf, sizeof(buf) };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl),
		.msg_flags = 0x7f,
	};
	int a, b;

	udp_pair(&a, &b);
	MUST(send(a, "0123456789", 10, 0) == 10);
	MUST(recvmsg(b, &m, 0) == 4 && m.msg_flags == MSG_TRUNC && m.msg_controllen == 0);
}

static void buffer_options(void)
{
	int v = 65536, near, far, n = -1;
	socklen_t len = sizeof(v);

	pair(&near, &far);
	MUST(setsockopt(near, SOL_SOCKET, SO_RCVBUF, &v, sizeof(v)) == 0);
	MUST(getsockopt(near, SOL_SOCKET, SO_RCVBUF, &v, &len) == 0 && v == 131072);
	MUST(write(far, "12345", 5) == 5 && happens(near, POLLIN, WAIT_MS));
	MUST(ioctl(near, FIONREAD, &n) == 0 && n == 5);
}

/* each byte is a buffer of its own on the way; once all were taken there is room again */
static void single_bytes(void)
{
	static char buf[65536];
	int near, far, on = 1;

	pair(&near, &far);
	MUST(setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
	for (int i = 0; i < 5; i++) {
		ssize_t n, left = 0;

		while (left < 20000 && send(near, "x", 1, MSG_DONTWAIT) == 1)
			left++;
		for (; left > 0; left -= n) {
			n = recv(far, buf, sizeof(buf), 0);
			MUST(n > 0);
		}
		MUST(happens(near, POLLOUT, WAIT_MS));
	}
}

static void *read_one(void *arg)
{
	char c = 0;

	return (void *)(intptr_t)(read(*(int *)arg, &c, 1) == 1 ? c : -1);
}

static void dup2_onto_blocked(void)
{
	int near, far, near2, far2, was;
	pthread_t t;
	void *got;

	pair(&near, &far);
	pair(&near2, &far2);
	was = near;
	MUST(pthread_create(&t, NULL, read_one, &was) == 0);
	poll(NULL, 0, 100);
	MUST(dup2(near2, near) == near);
	MUST(write(far2, "n", 1) == 1);
	MUST(write(far, "o", 1) == 1);	/* who waits, waits on the old one */
	MUST(pthread_join(t, &got) == 0 && (intptr_t)got == 'o');
	MUST(read(near, &(char){ 0 }, 1) == 1);
}

static void udp_again(void)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int a, b, s = socket(AF_INET6, SOCK_DGRAM, 0);
	socklen_t len = sizeof(six);

	udp_pair(&a, &b);
	MUST(shutdown(a, SHUT_RD) == 0);
	MUST(to(a, port_of(b)) == 0 && send(a, "x", 1, 0) == 1);
	MUST(happens(b, POLLIN, WAIT_MS) & POLLIN);
	MUST(bind(s, (struct sockaddr *)&six, len) == 0);
	MUST(getsockname(s, (struct sockaddr *)&six, &len) == 0);
	MUST(sendto(s, "y", 1, 0, (struct sockaddr *)&six, len) == 1);
	MUST(happens(s, POLLIN, WAIT_MS) & POLLIN);
}

static const struct {
	const char *name;
	void (*run)(void);
} bugs[] = {
	{ "01 closefrom and close_range leave the shim alive", closing_ranges },
	{ "02 fcntl64 is seen", fcntl_64 },
	{ "03 __poll_chk, __read_chk, __recv_chk are seen", checked_variants },
	{ "04 foreign and own descriptors in one epoll", mixed_polls },
	{ "05 nested epoll", nested_epoll },
	{ "06 a signal interrupts epoll_wait", epoll_and_signals },
	{ "07 EPOLL_CTL_MOD finds its descriptor", epoll_modify },
	{ "08 epoll_ctl before bind and listen", epoll_before_bind },
	{ "09 fork, and sockets in the children", forks },
	{ "10 a child's close leaves the parent's listener", childs_close },
	{ "11 one EPOLLOUT edge; the events of a reset", edges },
	{ "12 poll after a non-blocking connect, POLLWRNORM", poll_a_connect },
	{ "13 SO_ERROR is told once", errors_once },
	{ "14 shutdown without connection; listen after shutdown", shutdowns },
	{ "15 shutdown wakes accept", accept_is_woken },
	{ "16 SO_LINGER", lingers },
	{ "17 close with data pending and a closed window", close_with_pending_data },
	{ "18 getsockname's length; accept without address", name_lengths },
	{ "19 SOCK_NONBLOCK and SOCK_CLOEXEC in socket and accept4", creation_flags },
	{ "20 MSG_TRUNC", truncation },
	{ "21 msg_controllen and msg_flags", message_fields },
	{ "22 SO_RCVBUF doubles; FIONREAD", buffer_options },
	{ "23 dup2 onto a descriptor that a thread waits on", dup2_onto_blocked },
	{ "25 UDP shutdown, then connect; ::1 is local", udp_again },
	{ "26 single bytes without a pause", single_bytes },
};

int main(void)
{
	size_t count = sizeof(bugs) / sizeof(bugs[0]);
	int failed = 0;

	for (size_t i = 0; i < count; i++) {
		int status = -1;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid < 0)
			err(2, "fork");
		if (pid == 0) {
			alarm(DEADLINE_S);
			bugs[i].run();
			fflush(stdout);
			_exit(0);
		}
		if (waitpid(pid, &status, 0) < 0)
			err(2, "waitpid");
		if (WIFSIGNALED(status))
			printf("# killed by SIG%s\n", sigabbrev_np(WTERMSIG(status)));
		printf("%sok %zu - bug %s\n", status ? "not " : "", i + 1, bugs[i].name);
		failed += status != 0;
	}
	return failed != 0;
}
