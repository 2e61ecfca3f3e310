/* server.c - netbench's server: does what a connection's first byte asks for
 *
 * TCP and UDP on the same port.  One thread, one epoll set; a request for
 * datagrams (WANT_DATA) is served on the spot, for as long as it asks.
 */
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench.h"

#define BURST	64		/* datagrams taken at a time */

struct conn {
	int fd;
	char want;		/* 0: not told yet */
	uint64_t bytes;
};

static char chunk[CHUNK];
static uint64_t datagrams;

static void watch(int ep, int op, struct conn *c, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	if (epoll_ctl(ep, op, c->fd, &ev) < 0)
		err(1, "epoll_ctl");
}

static bool begin(int ep, struct conn *c, char want)
{
	int one = 1;

	c->want = want;
	if (want == WANT_DATA)
		watch(ep, EPOLL_CTL_MOD, c, EPOLLIN | EPOLLOUT);
	if (want == WANT_ECHO)
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (want == WANT_ONE) {
		send(c->fd, chunk, 1, MSG_NOSIGNAL);
		return false;
	}
	return true;
}

/* false when the connection is over */
static bool serve_input(int ep, struct conn *c)
{
	ssize_t n = recv(c->fd, chunk, c->want != WANT_COUNT ? 1 : sizeof(chunk), 0);

	if (n < 0)
		return errno == EAGAIN;
	if (n == 0) {
		if (c->want == WANT_COUNT)
			send(c->fd, &c->bytes, sizeof(c->bytes), MSG_NOSIGNAL);
		return false;
	}
	if (!c->want)
		return begin(ep, c, chunk[0]);
	c->bytes += (uint64_t)n;
	if (c->want == WANT_ECHO)
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

		if (!c)
			err(1, "calloc");
		c->fd = fd;
		watch(ep, EPOLL_CTL_ADD, c, EPOLLIN);
	}
}

static void send_datagrams(int fd, const struct udp_order *o, const struct sockaddr *to,
			   socklen_t len)
{
	double end = now() + o->ms / 1000.0;
	size_t size = o->size < sizeof(chunk) ? o->size : sizeof(chunk);

	while (now() < end)
		for (int i = 0; i < BURST; i++)
			sendto(fd, chunk, size, MSG_NOSIGNAL, to, len);
}

static void serve_datagrams(int fd)
{
	struct sockaddr_storage from;
	struct udp_order order;
	struct udp_total total;
	socklen_t len;
	ssize_t n;

	for (int i = 0; i < BURST; i++) {
		len = sizeof(from);
		n = recvfrom(fd, chunk, sizeof(chunk), MSG_DONTWAIT, (struct sockaddr *)&from, &len);
		if (n <= 0)
			return;
		if (chunk[0] == WANT_ECHO) {
			sendto(fd, chunk, (size_t)n, MSG_NOSIGNAL, (struct sockaddr *)&from, len);
		} else if (chunk[0] == WANT_COUNT) {
			datagrams++;
		} else if (chunk[0] == WANT_TOTAL && n == sizeof(total.head)) {
			memset(&total, 0, sizeof(total));
			memcpy(&total.head, chunk, sizeof(total.head));
			total.datagrams = datagrams;
			sendto(fd, &total, sizeof(total), MSG_NOSIGNAL, (struct sockaddr *)&from, len);
		} else if (chunk[0] == WANT_DATA && n == sizeof(order)) {
			memcpy(&order, chunk, sizeof(order));
			chunk[0] = 0;
			send_datagrams(fd, &order, (struct sockaddr *)&from, len);
		}
	}
}

static int bound(const struct addrinfo *ai)
{
	int fd = new_socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0)
		err(1, "cannot bind");
	return fd;
}

/**
 * server() - Serve until killed
 */
int server(const char *host, const char *port)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), size = 4 << 20;
	struct conn ls = { .fd = bound(resolve(host, port, SOCK_STREAM)) };
	struct conn udp = { .fd = bound(resolve(host, port, SOCK_DGRAM)) };
	struct epoll_event evs[EVENTS];

	if (listen(ls.fd, 1024) < 0)
		err(1, "cannot listen");
	setsockopt(udp.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	watch(ep, EPOLL_CTL_ADD, &ls, EPOLLIN);
	watch(ep, EPOLL_CTL_ADD, &udp, EPOLLIN);
	for (;;) {
		int n = epoll_wait(ep, evs, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct conn *c = evs[i].data.ptr;

			if (c == &ls) {
				take_new(ep, ls.fd);
			} else if (c == &udp) {
				serve_datagrams(udp.fd);
			} else if (((evs[i].events & ~EPOLLOUT) && !serve_input(ep, c)) ||
				   ((evs[i].events & EPOLLOUT) && !serve_output(c))) {
				close(c->fd);
				free(c);
			}
		}
	}
}
