/* echo-many.c - many concurrent connections to one echo server
 *
 * usage: echo-many server ADDRESS PORT
 *        echo-many client ADDRESS PORT CONNECTIONS ROUNDS [hold [WINDOW]]
 *
 * Theory of operation
 * The client opens all connections (WINDOW at a time), then in every round
 * sends a message on each whose length and bytes follow from the connection's
 * number and the round, and compares each echoed byte at its place.  At most
 * WINDOW connections (256 unless told) have an unanswered message, so that the
 * round measures the stack and not the queue.  All connections stay open until the end; with
 * "hold" the client says "connected" before the first round and "holding" after
 * the last, and waits on stdin, so that somebody can look at memory, CPU time
 * and descriptors meanwhile: a byte there makes it do ROUNDS more, and say
 * "holding" again; at the end of file it ends.  Nothing
 * happening for 30 s is a failure.  Both sides are level-triggered epoll.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS	256
#define MSG_LEN	700		/* longest message */
#define STALL_MS 30000

struct conn {
	int fd;
	bool connected, busy;
	unsigned len, sent, got;
};

static struct conn *conns;
static unsigned nconn, round_no, window = 256;

static struct addrinfo *resolve(const char *host, const char *port)
{
	struct addrinfo hint = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM }, *ai;

	if (getaddrinfo(host, port, &hint, &ai))
		errx(2, "bad address %s port %s", host, port);
	return ai;
}

static void raise_limit(void)
{
	struct rlimit rl;

	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* --- server */

static void echo(int fd)
{
	static char buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf), 0), done = 0, m;

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			close(fd);
		return;
	}
	while (done < n) {	/* messages are short: the buffer takes them */
		m = send(fd, buf + done, (size_t)(n - done), MSG_NOSIGNAL);
		if (m < 0 && errno == EAGAIN)
			continue;
		if (m < 0) {
			close(fd);
			return;
		}
		done += m;
	}
}

static int server(struct addrinfo *ai)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), one = 1;
	int ls = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = ls }, evs[EVENTS];

	setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(ls, ai->ai_addr, ai->ai_addrlen) < 0 || listen(ls, 4096) < 0)
		err(1, "cannot listen");
	epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev);
	for (;;) {
		int n = epoll_wait(ep, evs, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = evs[i].data.fd;

			if (fd != ls) {
				echo(fd);
				continue;
			}
			while ((fd = accept4(ls, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
				ev.data.fd = fd;
				if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
					err(1, "epoll_ctl");
			}
			if (errno != EAGAIN)
				err(1, "accept");
		}
	}
}

/* --- client */

static uint8_t byte_at(unsigned c, unsigned i)
{
	uint32_t x = (c * 2654435761u) ^ (round_no * 40503u) ^ (i * 2246822519u);

	return (uint8_t)(x >> 13 ^ x >> 24 ^ x);
}

static void push(struct conn *c, unsigned id)
{
	uint8_t buf[MSG_LEN];
	ssize_t n;

	for (unsigned i = c->sent; i < c->len; i++)
		buf[i] = byte_at(id, i);
	n = send(c->fd, buf + c->sent, c->len - c->sent, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN)
		err(1, "connection %u: send", id);
	if (n > 0)
		c->sent += (unsigned)n;
}

static void watch(int ep, int op, struct conn *c, unsigned id, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u32 = id };

	if (epoll_ctl(ep, op, c->fd, &ev) < 0)
		err(1, "connection %u: epoll_ctl", id);
}

/* true when the echo is complete */
static bool pull(struct conn *c, unsigned id)
{
	uint8_t buf[MSG_LEN];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	if (n == 0)
		errx(1, "connection %u: closed by the server in round %u", id, round_no);
	if (n < 0) {
		if (errno == EAGAIN)
			return false;
		err(1, "connection %u: recv", id);
	}
	for (ssize_t i = 0; i < n; i++, c->got++)
		if (c->got >= c->len || buf[i] != byte_at(id, c->got))
			errx(1, "connection %u: wrong byte at %u of %u, round %u",
			     id, c->got, c->len, round_no);
	return c->got == c->len;
}

static int wait_events(int ep, struct epoll_event *evs)
{
	int n = epoll_wait(ep, evs, EVENTS, STALL_MS);

	if (n == 0)
		errx(1, "nothing happened for %d s", STALL_MS / 1000);
	return n < 0 ? 0 : n;
}

static void connect_all(int ep, struct addrinfo *ai)
{
	unsigned started = 0, up = 0;
	struct epoll_event evs[EVENTS];

	while (up < nconn) {
		while (started < nconn && started - up < window) {
			struct conn *c = &conns[started];

			c->fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
			if (c->fd < 0)
				err(1, "connection %u: socket", started);
			if (connect(c->fd, ai->ai_addr, ai->ai_addrlen) < 0 && errno != EINPROGRESS)
				err(1, "connection %u: connect", started);
			watch(ep, EPOLL_CTL_ADD, c, started++, EPOLLOUT);
		}
		int n = wait_events(ep, evs);

		for (int i = 0; i < n; i++) {
			struct conn *c = &conns[evs[i].data.u32];
			int e = 0;
			socklen_t len = sizeof(e);

			getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &len);
			if (e)
				errx(1, "connection %u: %s", evs[i].data.u32, strerror(e));
			c->connected = true;
			up++;
			watch(ep, EPOLL_CTL_MOD, c, evs[i].data.u32, EPOLLIN);
		}
	}
}

static void one_round(int ep)
{
	unsigned started = 0, done = 0;
	struct epoll_event evs[EVENTS];

	while (done < nconn) {
		for (; started < nconn && started - done < window; started++) {
			struct conn *c = &conns[started];

			c->len = 1 + (started * 31 + round_no * 17) % MSG_LEN;
			c->sent = c->got = 0;
			push(c, started);
			if (c->sent < c->len)
				watch(ep, EPOLL_CTL_MOD, c, started, EPOLLIN | EPOLLOUT);
		}
		int n = wait_events(ep, evs);

		for (int i = 0; i < n; i++) {
			unsigned id = evs[i].data.u32;
			struct conn *c = &conns[id];

			if ((evs[i].events & EPOLLOUT) && c->sent < c->len) {
				push(c, id);
				if (c->sent == c->len)
					watch(ep, EPOLL_CTL_MOD, c, id, EPOLLIN);
			}
			if ((evs[i].events & ~EPOLLOUT) && pull(c, id))
				done++;
		}
	}
}

static void some_rounds(int ep, unsigned n)
{
	for (round_no = 0; round_no < n; round_no++)
		one_round(ep);
}

static void say(const char *what)
{
	puts(what);
	fflush(stdout);
}

static int client(struct addrinfo *ai, unsigned n, unsigned rounds, bool hold)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	double t0, t1, t2;
	char c;

	nconn = n;
	conns = calloc(n, sizeof(*conns));
	t0 = now();
	connect_all(ep, ai);
	t1 = now();
	if (hold)
		say("connected");
	some_rounds(ep, rounds);
	t2 = now();
	printf("%u connections, %u messages right, connect %.2f s, messages %.2f s\n",
	       n, n * rounds, t1 - t0, t2 - t1);
	if (hold)
		say("holding");
	while (hold && read(0, &c, 1) > 0) {
		some_rounds(ep, rounds);
		say("holding");
	}
	return 0;
}

int main(int argc, char **argv)
{
	raise_limit();
	if (argc == 4 && !strcmp(argv[1], "server"))
		return server(resolve(argv[2], argv[3]));
	if (argc == 8)
		window = (unsigned)atoi(argv[7]);
	if (argc >= 6 && !strcmp(argv[1], "client"))
		return client(resolve(argv[2], argv[3]), (unsigned)atoi(argv[4]),
			      (unsigned)atoi(argv[5]), argc > 6);
	errx(2, "usage: echo-many server ADDRESS PORT | client ADDRESS PORT CONNECTIONS ROUNDS [hold [WINDOW]]");
}
