/* tool.c - small helpers of the scenarios: addresses, sockets, waiting, words */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "diff.h"

static unsigned port_base;
void *volatile bad_pointer = (void *)1;
volatile int minus_one = -1;

/* result() - A call's result: the number, or -1 and the name of errno */
const char *result(long r)
{
	static char buf[8][32];
	static unsigned k;
	char *b = buf[k++ % 8];

	if (r >= 0)
		snprintf(b, sizeof(buf[0]), "%ld", r);
	else
		snprintf(b, sizeof(buf[0]), "-1 %s", strerrorname_np(errno));
	return b;
}

/* events_text() - poll(2)'s events by name */
const char *events_text(int ev)
{
	static const struct {
		int bit;
		const char *name;
	} names[] = {
		{ POLLIN, "IN" }, { POLLPRI, "PRI" }, { POLLOUT, "OUT" }, { POLLERR, "ERR" },
		{ POLLHUP, "HUP" }, { POLLNVAL, "NVAL" }, { POLLRDNORM, "RDNORM" },
		{ POLLRDBAND, "RDBAND" }, { POLLWRNORM, "WRNORM" }, { POLLWRBAND, "WRBAND" },
		{ POLLRDHUP, "RDHUP" },
	};
	static char buf[4][96];
	static unsigned k;
	char *b = buf[k++ % 4];

	b[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (ev & names[i].bit) {
			strcat(b, b[0] ? "|" : "");
			strcat(b, names[i].name);
		}
	return b[0] ? b : "none";
}

/* set_port_base() - Each scenario has eight ports of its own */
void set_port_base(unsigned base)
{
	port_base = base;
}

unsigned test_port(unsigned n)
{
	return port_base + n;
}

/* make_addr() - An address in the form of the site's domain; its length */
socklen_t make_addr(union addr *a, const char *text, unsigned port)
{
	memset(a, 0, sizeof(*a));
	if (site->domain == AF_INET) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons((uint16_t)port);
		if (inet_pton(AF_INET, text, &a->in.sin_addr) != 1)
			errx(2, "%s is no IPv4 address", text);
		return sizeof(a->in);
	}
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = htons((uint16_t)port);
	if (inet_pton(AF_INET6, text, &a->in6.sin6_addr) != 1)
		errx(2, "%s is no IPv6 address", text);
	return sizeof(a->in6);
}

socklen_t any_addr(union addr *a, unsigned port)
{
	return make_addr(a, site->domain == AF_INET ? "0.0.0.0" : "::", port);
}

/* addr_text() - An address without what changes between runs */
const char *addr_text(const union addr *a, socklen_t len)
{
	static char buf[4][128];
	static unsigned k;
	char *b = buf[k++ % 4], host[INET6_ADDRSTRLEN] = "?", port[24];
	bool v6 = a->sa.sa_family == AF_INET6;
	unsigned p;

	if (len == 0)
		return "nothing";
	if (a->sa.sa_family != AF_INET && !v6) {
		snprintf(b, sizeof(buf[0]), "family %d length %u", a->sa.sa_family, (unsigned)len);
		return b;
	}
	inet_ntop(a->sa.sa_family, v6 ? (const void *)&a->in6.sin6_addr
				      : (const void *)&a->in.sin_addr, host, sizeof(host));
	p = ntohs(v6 ? a->in6.sin6_port : a->in.sin_port);
	if (p >= port_base && p < port_base + 8)
		snprintf(port, sizeof(port), "own+%u", p - port_base);
	else if (p >= 32768)
		snprintf(port, sizeof(port), "ephemeral");
	else
		snprintf(port, sizeof(port), "%u", p);
	snprintf(b, sizeof(buf[0]), "%s port %s length %u", host, port, (unsigned)len);
	return b;
}

static int checked(int fd)
{
	if (fd < 0)
		err(2, "socket");
	return fd;
}

int tcp(void)
{
	return checked(socket(site->domain, SOCK_STREAM, 0));
}

int udp(void)
{
	return checked(socket(site->domain, SOCK_DGRAM, 0));
}

int bind_to(int fd, const char *text, unsigned port)
{
	union addr a;
	socklen_t len = text ? make_addr(&a, text, port) : any_addr(&a, port);

	return bind(fd, &a.sa, len);
}

int connect_to(int fd, const char *text, unsigned port)
{
	union addr a;
	socklen_t len = make_addr(&a, text, port);

	return connect(fd, &a.sa, len);
}

/* port_of() - The local port of a socket */
unsigned port_of(int fd)
{
	union addr a = { 0 };
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.sa, &len) < 0)
		err(2, "getsockname");
	return ntohs(a.in.sin_port);	/* sin6_port has the same place */
}

/* wait_for() - poll(2) until one of the events, or an error, or the deadline;
 * the events, 0 at the deadline */
int wait_for(int fd, int events, int ms)
{
	struct pollfd p = { .fd = fd, .events = (short)events };

	return poll(&p, 1, ms) > 0 ? p.revents : 0;
}

/* poll_now() - Every event there is, without waiting; but for the bands, which an
 * AF_UNIX socket always shows and TCP never */
int poll_now(int fd)
{
	return wait_for(fd, POLLIN | POLLPRI | POLLOUT | POLLRDHUP | POLLRDNORM |
			POLLWRNORM, 0);
}

int set_int(int fd, int level, int name, int v)
{
	return setsockopt(fd, level, name, &v, sizeof(v));
}

/* get_int() - The value, or -1 with errno */
int get_int(int fd, int level, int name)
{
	int v = -1;
	socklen_t len = sizeof(v);

	errno = 0;			/* a value of -1 shall not show an old one */
	return getsockopt(fd, level, name, &v, &len) < 0 ? -1 : v;
}

/* so_error() - SO_ERROR into errno; -1 when there was one */
int so_error(int fd)
{
	int v = get_int(fd, SOL_SOCKET, SO_ERROR);

	if (v <= 0)
		return v;
	errno = v;
	return -1;
}

void nonblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* listener() - Listening on every address, at a port of the kernel's choice */
int listener(void)
{
	int fd = tcp();

	if (listen(fd, 8) < 0)
		err(2, "listen");
	return fd;
}

/* ask_peer() - A connection on which the peer program carries out a command;
 * what it sends follows */
int ask_peer(const char *command)
{
	int fd = tcp();

	if (connect_to(fd, site->peer, PEER_PORT) < 0)
		err(2, "connect to the peer");
	if (command && dprintf(fd, "%s\n", command) < 0)
		err(2, "write to the peer");
	return fd;
}

/* pair() - Two connected TCP sockets, both on the stack under test; near
 * connected, far was accepted */
void pair(int *near, int *far)
{
	int l = listener();

	*near = tcp();
	if (connect_to(*near, site->own, port_of(l)) < 0)
		err(2, "connect");
	*far = accept(l, NULL, NULL);
	if (*far < 0)
		err(2, "accept");
	close(l);
}

/* recv_all() - Read so many bytes, within the deadline; how many came */
long recv_all(int fd, void *buf, size_t len)
{
	size_t got = 0;

	while (got < len && wait_for(fd, POLLIN, WAIT_MS)) {
		ssize_t n = recv(fd, (char *)buf + got, len - got, MSG_DONTWAIT);

		if (n < 0 && got == 0)
			return -1;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	return (long)got;
}
