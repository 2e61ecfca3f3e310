/* netbench.c - the traffic of the benchmarks: streams, round trips, connections
 *
 * usage: netbench server ADDRESS PORT
 *        netbench MODE ADDRESS PORT SECONDS FLOWS
 *
 * Theory of operation
 * The client sends one byte that names the mode on each connection; the server
 * then does its part until the client closes.  One thread and one epoll set on
 * either side, so that what is measured is the stack.
 *   up	the client sends as much as it can; the server counts and says how
 *		much arrived, so that what only sits in buffers is not counted
 *   down	the server sends, the client counts
 *   rr	one byte there and back, over and over, on each flow
 *   crr	connect, one byte there and back, close, over and over
 * The client prints one line: MODE VALUE UNIT SECONDS BYTES; VALUE is Gbit/s,
 * or transactions a second.
 */
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK	(128 * 1024)
#define EVENTS	64

struct conn {
	int fd;
	char mode;		/* 0: not told yet */
	bool done;
	uint64_t bytes;
};

static char chunk[CHUNK];

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct addrinfo *resolve(const char *host, const char *port)
{
	struct addrinfo hint = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM }, *ai;

	if (getaddrinfo(host, port, &hint, &ai))
		errx(2, "bad address %s port %s", host, port);
	return ai;
}

static void watch(int ep, int op, struct conn *c, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	if (epoll_ctl(ep, op, c->fd, &ev) < 0)
		err(1, "epoll_ctl");
}

static void nodelay(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* --- server */

static void drop(struct conn *c)
{
	close(c->fd);
	free(c);
}

/* false when the connection is over */
static bool serve_input(int ep, struct conn *c)
{
	ssize_t n = recv(c->fd, chunk, !c->mode || c->mode == 'r' ? 1 : sizeof(chunk), 0);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n < 0)
		return false;
	if (n == 0) {		/* up: tell what arrived */
		if (c->mode == 'u')
			send(c->fd, &c->bytes, sizeof(c->bytes), MSG_NOSIGNAL);
		return false;
	}
	if (!c->mode) {
		c->mode = chunk[0];
		if (c->mode == 'd')
			watch(ep, EPOLL_CTL_MOD, c, EPOLLIN | EPOLLOUT);
		return true;
	}
	c->bytes += (uint64_t)n;
	if (c->mode == 'r')
		return send(c->fd, chunk, 1, MSG_NOSIGNAL) == 1;
	return true;
}

static bool serve_output(struct conn *c)
{
	ssize_t n = send(c->fd, chunk, sizeof(chunk), MSG_NOSIGNAL);

	return n > 0 || (n < 0 && errno == EAGAIN);
}

static void take_new(int ep, int ls)
{
	int fd;

	while ((fd = accept4(ls, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = calloc(1, sizeof(*c));

		c->fd = fd;
		nodelay(fd);
		watch(ep, EPOLL_CTL_ADD, c, EPOLLIN);
	}
}

static int server(const struct addrinfo *ai)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), one = 1;
	struct conn ls = { .fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0) };
	struct epoll_event evs[EVENTS];

	setsockopt(ls.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(ls.fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(ls.fd, 1024) < 0)
		err(1, "cannot listen");
	watch(ep, EPOLL_CTL_ADD, &ls, EPOLLIN);
	for (;;) {
		int n = epoll_wait(ep, evs, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct conn *c = evs[i].data.ptr;

			if (c == &ls)
				take_new(ep, ls.fd);
			else if (((evs[i].events & ~EPOLLOUT) && !serve_input(ep, c)) ||
				 ((evs[i].events & EPOLLOUT) && !serve_output(c)))
				drop(c);
		}
	}
}

/* --- client */

static void dial(struct conn *c, const struct addrinfo *ai, char mode)
{
	c->fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, ai->ai_addr, ai->ai_addrlen) < 0)
		err(1, "connect");
	nodelay(c->fd);
	if (send(c->fd, &mode, 1, MSG_NOSIGNAL) != 1)
		err(1, "send");
	c->mode = mode;
}

/* every flow's descriptor is non-blocking from here on */
static int flows(struct conn *cs, int n, const struct addrinfo *ai, char mode, uint32_t events)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);

	for (int i = 0; i < n; i++) {
		dial(&cs[i], ai, mode);
		watch(ep, EPOLL_CTL_ADD, &cs[i], events);
	}
	return ep;
}

static uint64_t stream_up(struct conn *cs, int n, int ep, double end)
{
	struct epoll_event evs[EVENTS];
	uint64_t total = 0, got;

	while (now() < end) {
		int k = epoll_wait(ep, evs, EVENTS, 100);

		for (int i = 0; i < k; i++) {
			struct conn *c = evs[i].data.ptr;

			if (send(c->fd, chunk, sizeof(chunk), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
			    errno != EAGAIN)
				err(1, "send");
		}
	}
	for (int i = 0; i < n; i++)
		shutdown(cs[i].fd, SHUT_WR);
	for (int i = 0; i < n; i++) {
		if (recv(cs[i].fd, &got, sizeof(got), MSG_WAITALL) != sizeof(got))
			err(1, "the server's count");
		total += got;
	}
	return total;
}

static uint64_t stream_down(int ep, double end)
{
	struct epoll_event evs[EVENTS];
	uint64_t total = 0;

	while (now() < end) {
		int k = epoll_wait(ep, evs, EVENTS, 100);

		for (int i = 0; i < k; i++) {
			struct conn *c = evs[i].data.ptr;
			ssize_t r = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

			if (r == 0)
				errx(1, "the server closed");
			if (r > 0)
				total += (uint64_t)r;
		}
	}
	return total;
}

static uint64_t round_trips(struct conn *cs, int n, int ep, double end)
{
	struct epoll_event evs[EVENTS];
	uint64_t total = 0;
	char b = 'x';

	for (int i = 0; i < n; i++)
		if (send(cs[i].fd, &b, 1, MSG_NOSIGNAL) != 1)
			err(1, "send");
	while (now() < end) {
		int k = epoll_wait(ep, evs, EVENTS, 100);

		for (int i = 0; i < k; i++) {
			struct conn *c = evs[i].data.ptr;

			if (recv(c->fd, &b, 1, 0) != 1 || send(c->fd, &b, 1, MSG_NOSIGNAL) != 1)
				err(1, "round trip");
			total++;
		}
	}
	return total;
}

/* one after the other, blocking; the close is a plain close(), as servers see it */
static uint64_t connections(const struct addrinfo *ai, double end)
{
	uint64_t total = 0;
	struct conn c;
	char b = 'x';

	while (now() < end) {
		dial(&c, ai, 'r');
		if (send(c.fd, &b, 1, MSG_NOSIGNAL) != 1 || recv(c.fd, &b, 1, 0) != 1)
			err(1, "transaction");
		close(c.fd);
		total++;
	}
	return total;
}

static int client(const char *mode, const struct addrinfo *ai, double seconds, int n)
{
	struct conn *cs = calloc((size_t)n, sizeof(*cs));
	double start = now(), took;
	uint64_t count;
	bool bytes = false;

	if (!strcmp(mode, "up")) {
		bytes = true;
		count = stream_up(cs, n, flows(cs, n, ai, 'u', EPOLLOUT), start + seconds);
	} else if (!strcmp(mode, "down")) {
		bytes = true;
		count = stream_down(flows(cs, n, ai, 'd', EPOLLIN), start + seconds);
	} else if (!strcmp(mode, "rr")) {
		count = round_trips(cs, n, flows(cs, n, ai, 'r', EPOLLIN), start + seconds);
	} else if (!strcmp(mode, "crr")) {
		count = connections(ai, start + seconds);
	} else {
		errx(2, "mode \"%s\": unknown; it is up, down, rr or crr", mode);
	}
	took = now() - start;
	printf("%s %.3f %s %.3f %llu\n", mode,
	       bytes ? (double)count * 8 / took / 1e9 : (double)count / took,
	       bytes ? "Gbit/s" : "1/s", took, bytes ? (unsigned long long)count : 0);
	return 0;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 4 && !strcmp(argv[1], "server"))
		return server(resolve(argv[2], argv[3]));
	if (argc == 6)
		return client(argv[1], resolve(argv[2], argv[3]), atof(argv[4]), atoi(argv[5]));
	errx(2, "usage: netbench server ADDRESS PORT | up|down|rr|crr ADDRESS PORT SECONDS FLOWS");
}
