/* edge-connect.c - 1,000 non-blocking connects seen through edge-triggered epoll
 *
 * usage: edge-connect server ADDRESS PORT
 *        edge-connect client ADDRESS PORT REFUSED_PORT BLACKHOLE CONNECTIONS
 *
 * Theory of operation
 * Connection i goes to the server (i % 4 is 0 or 1), to a port that nobody
 * listens on (2), or to an address that swallows everything (3; TCP_USER_TIMEOUT
 * and TCP_SYNCNT keep that short).  For each one the client writes down, as a
 * line of text, all that Linux shows of a connection's life: errno of connect,
 * the edge-triggered events, SO_ERROR (and again, since it is consumed), what a
 * further connect says, the peer's name, then an echo, the half-close and the
 * end.  Lines are printed in order of number, so that the output on two stacks
 * can be compared line by line.  What a program must not rely on (how events
 * that are true at once are spread over wake-ups) is joined before it is printed.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS		128
#define STALL_MS	20000
#define LINE		512

enum phase { CONNECTING, ECHO, CLOSING, DONE };

struct conn {
	int fd;
	enum phase phase;
	uint32_t seen;			/* events since the phase began */
	const struct addrinfo *to;
	char line[LINE];
};

static struct conn *conns;

static struct addrinfo *resolve(const char *host, const char *port)
{
	struct addrinfo hint = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM }, *ai;

	if (getaddrinfo(host, port, &hint, &ai))
		errx(2, "bad address %s port %s", host, port);
	return ai;
}

static void __attribute__((format(printf, 2, 3))) note(struct conn *c, const char *fmt, ...)
{
	size_t len = strlen(c->line);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->line + len, sizeof(c->line) - len, fmt, ap);
	va_end(ap);
}

static void note_events(struct conn *c, const char *what)
{
	static const struct { uint32_t bit; const char *name; } names[] = {
		{ EPOLLIN, "IN" }, { EPOLLOUT, "OUT" }, { EPOLLRDHUP, "RDHUP" },
		{ EPOLLERR, "ERR" }, { EPOLLHUP, "HUP" }, { EPOLLPRI, "PRI" },
	};
	const char *sep = "";

	note(c, " %s=", what);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (c->seen & names[i].bit) {
			note(c, "%s%s", sep, names[i].name);
			sep = "|";
		}
	c->seen = 0;
}

static const char *name(int e)
{
	return e ? strerrorname_np(e) : "0";
}

static const char *so_error(int fd)
{
	int e = -1;
	socklen_t len = sizeof(e);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
		return "failed";
	return name(e);
}

static const char *status(ssize_t r)
{
	static char buf[4][32];
	static unsigned k;
	char *b = buf[k++ % 4];

	if (r >= 0)
		snprintf(b, sizeof(buf[0]), "%zd", r);
	else
		snprintf(b, sizeof(buf[0]), "%s", name(errno));
	return b;
}

/* --- server: echo one message, read to the end of file, close */

static int server(struct addrinfo *ai)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), one = 1;
	int ls = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = ls }, evs[EVENTS];
	char buf[4096];

	setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(ls, ai->ai_addr, ai->ai_addrlen) < 0 || listen(ls, 4096) < 0)
		err(1, "cannot listen");
	epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev);
	for (;;) {
		int n = epoll_wait(ep, evs, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = evs[i].data.fd;
			ssize_t got;

			if (fd == ls) {
				while ((fd = accept(ls, NULL, NULL)) >= 0) {
					ev.data.fd = fd;
					epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
				}
				continue;
			}
			got = recv(fd, buf, sizeof(buf), 0);
			if (got > 0)
				send(fd, buf, (size_t)got, MSG_NOSIGNAL);
			else
				close(fd);
		}
	}
}

/* --- client */

static void start(struct conn *c, int ep, unsigned id)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u32 = id };
	unsigned timeout = 1500;
	int one = 1, r;

	c->fd = socket(c->to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		err(1, "socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
	setsockopt(c->fd, IPPROTO_TCP, TCP_SYNCNT, &one, sizeof(one));
	r = connect(c->fd, c->to->ai_addr, c->to->ai_addrlen);
	note(c, " connect=%s", status(r));
	if (id % 4 == 3) {	/* nothing can have happened to this one yet */
		struct pollfd p = { .fd = c->fd, .events = POLLIN | POLLOUT };

		note(c, " again=%s", status(connect(c->fd, c->to->ai_addr, c->to->ai_addrlen)));
		note(c, " poll=%d", poll(&p, 1, 0));
		note(c, " send=%s", status(send(c->fd, "x", 1, MSG_NOSIGNAL)));
		note(c, " recv=%s", status(recv(c->fd, &one, 1, 0)));
		note(c, " soerror=%s", so_error(c->fd));
	}
	if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		err(1, "epoll_ctl");
}

static void note_peer(struct conn *c)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char host[INET6_ADDRSTRLEN] = "", port[8] = "";
	int r = getpeername(c->fd, (struct sockaddr *)&ss, &len);

	note(c, " peer=%s", status(r));
	if (r < 0)
		return;
	getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	note(c, "/%s/%s/%u", host, port, (unsigned)len);
}

static void failed(struct conn *c)
{
	char b;

	note(c, " soerror=%s", so_error(c->fd));
	note(c, ",%s", so_error(c->fd));
	note_peer(c);
	note(c, " recv=%s", status(recv(c->fd, &b, 1, 0)));
	note(c, " send=%s", status(send(c->fd, "x", 1, MSG_NOSIGNAL)));
	c->phase = DONE;
	close(c->fd);
}

static void connected(struct conn *c, unsigned id)
{
	note(c, " soerror=%s", so_error(c->fd));
	note_peer(c);
	note(c, " again=%s", status(connect(c->fd, c->to->ai_addr, c->to->ai_addrlen)));
	note(c, " send=%s", status(send(c->fd, "hello", 1 + id % 5, MSG_NOSIGNAL)));
	c->phase = ECHO;
}

static void echoed(struct conn *c)
{
	char buf[16];
	ssize_t n;

	/* the answer may be there by the time an earlier edge is looked at */
	if (!(c->seen & EPOLLIN))
		return;
	n = recv(c->fd, buf, sizeof(buf), 0);
	if (n < 0 && errno == EAGAIN)
		return;
	note_events(c, "data");
	note(c, " recv=%s", status(n));
	note(c, ",%s", status(recv(c->fd, buf, sizeof(buf), 0)));
	note(c, " shutdown=%s", status(shutdown(c->fd, SHUT_WR)));
	note(c, " send=%s", status(send(c->fd, "x", 1, MSG_NOSIGNAL)));
	c->phase = CLOSING;
}

/* the end is complete when both directions are: HUP */
static void closing(struct conn *c)
{
	char b;

	if (!(c->seen & EPOLLHUP))
		return;
	note_events(c, "end");
	note(c, " recv=%s", status(recv(c->fd, &b, 1, 0)));
	note(c, " soerror=%s", so_error(c->fd));
	note(c, " close=%s", status(close(c->fd)));
	c->phase = DONE;
}

static void advance(struct conn *c, unsigned id)
{
	if (c->phase == CONNECTING) {
		bool bad = c->seen & (EPOLLERR | EPOLLHUP);

		if (!bad && !(c->seen & EPOLLOUT))
			return;
		note_events(c, "events");
		if (bad)
			failed(c);
		else
			connected(c, id);
	} else if (c->phase == ECHO) {
		echoed(c);
	} else if (c->phase == CLOSING) {
		closing(c);
	}
}

static int client(char **argv)
{
	const struct addrinfo *good = resolve(argv[2], argv[3]), *refused = resolve(argv[2], argv[4]);
	const struct addrinfo *hole = resolve(argv[5], argv[3]);
	const struct addrinfo *to[4] = { good, good, refused, hole };
	unsigned n = (unsigned)atoi(argv[6]), left = n;
	int ep = epoll_create1(EPOLL_CLOEXEC), k;
	struct epoll_event evs[EVENTS];

	conns = calloc(n, sizeof(*conns));
	for (unsigned i = 0; i < n; i++) {
		conns[i].to = to[i % 4];
		start(&conns[i], ep, i);
	}
	while (left) {
		k = epoll_wait(ep, evs, EVENTS, STALL_MS);
		if (k == 0)
			break;
		for (int i = 0; i < k; i++) {
			struct conn *c = &conns[evs[i].data.u32];

			if (c->phase == DONE)
				continue;
			c->seen |= evs[i].events;
			advance(c, evs[i].data.u32);
			left -= c->phase == DONE;
		}
	}
	for (unsigned i = 0; i < n; i++)
		printf("%u:%s%s\n", i, conns[i].line, conns[i].phase == DONE ? "" : " STUCK");
	return left != 0;
}

int main(int argc, char **argv)
{
	struct rlimit rl;

	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	if (argc == 4 && !strcmp(argv[1], "server"))
		return server(resolve(argv[2], argv[3]));
	if (argc == 7 && !strcmp(argv[1], "client"))
		return client(argv);
	errx(2, "usage: edge-connect server ADDRESS PORT | client ADDRESS PORT REFUSED_PORT BLACKHOLE CONNECTIONS");
}
