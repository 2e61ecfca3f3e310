/* sockets-errors.c - what socket calls say in every state of a socket
 *
 * usage: sockets-errors tcp|udp ADDRESS PORT UNASSIGNED_ADDRESS
 *
 * Prints one line a call: its result, errno, and what it wrote.  ADDRESS is one
 * of the stack's own, PORT and the next ten are free.  Nothing printed differs
 * between runs, so the output on two stacks can be compared line by line.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct addrinfo *base;
static unsigned port0;

static const char *res(ssize_t r)
{
	static char buf[8][32];
	static unsigned k;
	char *b = buf[k++ % 8];

	if (r >= 0)
		snprintf(b, sizeof(buf[0]), "%zd", r);
	else
		snprintf(b, sizeof(buf[0]), "-1 %s", strerrorname_np(errno));
	return b;
}

#define SHOW(what, call) do { \
	ssize_t r_ = (call); \
	const char *s_ = res(r_); \
	printf("%s: %s\n", what, s_); \
} while (0)

static socklen_t addr(struct sockaddr_storage *ss, const struct addrinfo *ai, unsigned port)
{
	memset(ss, 0, sizeof(*ss));
	memcpy(ss, ai->ai_addr, ai->ai_addrlen);
	((struct sockaddr_in *)ss)->sin_port = htons((uint16_t)port);
	return ai->ai_addrlen;
}

static int do_bind(int fd, unsigned port)
{
	struct sockaddr_storage ss;
	socklen_t len = addr(&ss, base, port);

	return bind(fd, (struct sockaddr *)&ss, len);
}

static int do_connect(int fd, unsigned port)
{
	struct sockaddr_storage ss;
	socklen_t len = addr(&ss, base, port);

	return connect(fd, (struct sockaddr *)&ss, len);
}

static void names(int fd, const char *what)
{
	struct sockaddr_storage ss;
	char host[64] = "", port[8] = "";
	socklen_t len = sizeof(ss);
	int r;

	for (int peer = 0; peer < 2; peer++) {
		len = sizeof(ss);
		r = peer ? getpeername(fd, (struct sockaddr *)&ss, &len)
			 : getsockname(fd, (struct sockaddr *)&ss, &len);
		printf("%s: get%sname: %s", what, peer ? "peer" : "sock", res(r));
		if (r == 0) {
			getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host), port,
				    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
			printf(" %s port %s length %u", host,
			       atoi(port) > (int)port0 + 10 || atoi(port) < (int)port0 ?
			       (atoi(port) ? "any" : "0") : port, (unsigned)len);
		}
		printf("\n");
	}
	len = 3;
	memset(&ss, 0xee, sizeof(ss));
	r = getsockname(fd, (struct sockaddr *)&ss, &len);
	printf("%s: getsockname with 3 bytes: %s length %u, byte after %x\n", what, res(r),
	       (unsigned)len, ((uint8_t *)&ss)[3]);
}

static void option(int fd, const char *what, int level, int opt)
{
	int v = -1;
	socklen_t len = sizeof(v);
	int r = getsockopt(fd, level, opt, &v, &len);

	if (r < 0)
		printf("%s: %s\n", what, res(r));
	else
		printf("%s: %d length %u\n", what, v, (unsigned)len);
}

#define OPTION(fd, level, opt) option(fd, #opt, level, opt)

static void set_option(int fd, const char *what, int level, int opt, int v)
{
	int r = setsockopt(fd, level, opt, &v, sizeof(v));

	printf("set %s to %d: %s, ", what, v, res(r));
	option(fd, "reads", level, opt);
}

#define SET(fd, level, opt, v) set_option(fd, #opt, level, opt, v)

static void poll_state(int fd, const char *what)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };
	int r = poll(&p, 1, 0);

	printf("%s: poll %d%s%s%s%s%s\n", what, r, p.revents & POLLIN ? " IN" : "",
	       p.revents & POLLOUT ? " OUT" : "", p.revents & POLLRDHUP ? " RDHUP" : "",
	       p.revents & POLLERR ? " ERR" : "", p.revents & POLLHUP ? " HUP" : "");
}

static int wait_in(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 5000);
}

static void creation(void)
{
	static const struct { int d, t, p; const char *what; } list[] = {
		{ AF_INET, SOCK_STREAM, IPPROTO_UDP, "socket(INET, STREAM, UDP)" },
		{ AF_INET, SOCK_DGRAM, IPPROTO_TCP, "socket(INET, DGRAM, TCP)" },
		{ AF_INET, SOCK_STREAM, 999, "socket(INET, STREAM, 999)" },
		{ AF_INET, 77, 0, "socket(INET, 77, 0)" },
		{ AF_INET, SOCK_STREAM, IPPROTO_TCP, "socket(INET, STREAM, TCP)" },
		{ AF_INET6, SOCK_DGRAM, IPPROTO_UDP, "socket(INET6, DGRAM, UDP)" },
		{ 250, SOCK_STREAM, 0, "socket(250, STREAM, 0)" },
		{ AF_INET, SOCK_STREAM, -1, "socket(INET, STREAM, -1)" },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		int fd = socket(list[i].d, list[i].t, list[i].p);

		printf("%s: %s\n", list[i].what, fd < 0 ? res(fd) : "ok");
		if (fd >= 0)
			close(fd);
	}
}

static void tcp_options(int fd)
{
	struct linger lg = { 1, 7 };
	socklen_t len = sizeof(lg);

	OPTION(fd, SOL_SOCKET, SO_TYPE);
	OPTION(fd, SOL_SOCKET, SO_DOMAIN);
	OPTION(fd, SOL_SOCKET, SO_PROTOCOL);
	OPTION(fd, SOL_SOCKET, SO_ERROR);
	OPTION(fd, SOL_SOCKET, SO_ACCEPTCONN);
	SET(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	SET(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	SET(fd, SOL_SOCKET, SO_SNDBUF, 20000);
	SET(fd, SOL_SOCKET, SO_RCVBUF, 30000);
	SET(fd, SOL_SOCKET, SO_BROADCAST, 1);
	SET(fd, SOL_SOCKET, SO_OOBINLINE, 1);
	SET(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	SET(fd, IPPROTO_TCP, TCP_KEEPIDLE, 100);
	SET(fd, IPPROTO_TCP, TCP_KEEPINTVL, 11);
	SET(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
	SET(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
	SET(fd, IPPROTO_TCP, TCP_SYNCNT, 3);
	SHOW("set SO_LINGER", setsockopt(fd, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg)));
	memset(&lg, 0, sizeof(lg));
	SHOW("get SO_LINGER", getsockopt(fd, SOL_SOCKET, SO_LINGER, &lg, &len));
	printf("SO_LINGER: %d %d length %u\n", lg.l_onoff, lg.l_linger, (unsigned)len);
	lg.l_onoff = 0;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg));
	SHOW("unknown option", setsockopt(fd, IPPROTO_TCP, 9999, &len, sizeof(len)));
	SHOW("short option", setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &len, 1));
	OPTION(fd, 9999, 1);
}

static void tcp_fresh(void)
{
	int fd = socket(base->ai_family, SOCK_STREAM, 0);
	char b;

	names(fd, "new");
	poll_state(fd, "new");
	SHOW("new: recv", recv(fd, &b, 1, 0));
	SHOW("new: read", read(fd, &b, 1));
	SHOW("new: send", send(fd, "x", 1, MSG_NOSIGNAL));
	SHOW("new: write", write(fd, "x", 1));
	SHOW("new: accept", accept(fd, NULL, NULL));
	SHOW("new: shutdown", shutdown(fd, SHUT_WR));
	SHOW("new: shutdown 9", shutdown(fd, 9));
	tcp_options(fd);
	SHOW("new: bind", do_bind(fd, port0 + 1));
	names(fd, "bound");
	SHOW("bound: bind again", do_bind(fd, port0 + 2));
	close(fd);
}

static void bind_errors(const struct addrinfo *foreign)
{
	int a = socket(base->ai_family, SOCK_STREAM, 0), b = socket(base->ai_family, SOCK_STREAM, 0);
	struct sockaddr_storage ss;
	socklen_t len = addr(&ss, foreign, port0);
	struct sockaddr_un_like { sa_family_t f; char c[14]; } un = { AF_UNIX, "x" };

	SHOW("bind to a foreign address", bind(a, (struct sockaddr *)&ss, len));
	SHOW("bind too short", bind(a, (struct sockaddr *)&ss, 4));
	SHOW("bind AF_UNIX", bind(a, (struct sockaddr *)&un, sizeof(un)));
	SHOW("bind", do_bind(a, port0 + 3));
	SHOW("listen", listen(a, 5));
	SHOW("bind in use", do_bind(b, port0 + 3));
	SHOW("connect to the listener", do_connect(b, port0 + 3));
	SHOW("listen on a connected one", listen(b, 5));
	SHOW("connect when connected", do_connect(b, port0 + 3));
	close(a);
	close(b);
}

static void tcp_listening(void)
{
	int ls = socket(base->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0), a, b;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char buf[16];
	int n = 0;

	do_bind(ls, port0 + 4);
	SHOW("listen", listen(ls, 5));
	SHOW("listen again", listen(ls, 7));
	OPTION(ls, SOL_SOCKET, SO_ACCEPTCONN);
	names(ls, "listening");
	poll_state(ls, "listening");
	SHOW("listening: accept", accept(ls, NULL, NULL));
	SHOW("listening: recv", recv(ls, buf, 1, 0));
	SHOW("listening: send", send(ls, "x", 1, MSG_NOSIGNAL));
	SHOW("listening: connect", do_connect(ls, port0 + 4));
	a = socket(base->ai_family, SOCK_STREAM, 0);
	SHOW("connect", do_connect(a, port0 + 4));
	printf("listener readable: %d\n", wait_in(ls));
	b = accept4(ls, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	printf("accept4: %d length %u flags %d %d, listener's %d\n", b >= 0, (unsigned)len,
	       !!(fcntl(b, F_GETFL) & O_NONBLOCK), fcntl(b, F_GETFD),
	       !!(fcntl(ls, F_GETFL) & O_NONBLOCK));
	names(b, "accepted");
	names(a, "connected");
	poll_state(a, "connected");
	SHOW("empty recv", recv(b, buf, 1, 0));
	SHOW("send 5", send(a, "12345", 5, 0));
	wait_in(b);
	SHOW("FIONREAD", ioctl(b, FIONREAD, &n));
	printf("FIONREAD: %d\n", n);
	SHOW("peek 2", recv(b, buf, 2, MSG_PEEK));
	SHOW("recvfrom with an address", (len = sizeof(ss), recvfrom(b, buf, 2, 0, (struct sockaddr *)&ss, &len)));
	SHOW("MSG_TRUNC", recv(b, buf, 2, MSG_TRUNC));
	SHOW("rest", recv(b, buf, 16, 0));
	len = addr(&ss, base, port0 + 5);
	SHOW("sendto with an address", sendto(a, "y", 1, 0, (struct sockaddr *)&ss, len));
	SHOW("shutdown write", shutdown(a, SHUT_WR));
	wait_in(b);
	SHOW("recv y", recv(b, buf, 16, 0));
	wait_in(b);
	SHOW("recv end", recv(b, buf, 16, 0));
	poll_state(b, "peer half closed");
	SHOW("send after shutdown", send(a, "x", 1, MSG_NOSIGNAL));
	SHOW("the other way still", send(b, "back", 4, 0));
	SHOW("recv", recv(a, buf, 16, 0));
	close(b);
	wait_in(a);
	SHOW("end", recv(a, buf, 16, 0));
	poll_state(a, "both closed");
	close(a);
	SHOW("listener: shutdown", shutdown(ls, SHUT_RD));
	SHOW("accept after shutdown", accept(ls, NULL, NULL));
	close(ls);
}

static void tcp_reset(void)
{
	int ls = socket(base->ai_family, SOCK_STREAM, 0), a, b;
	struct linger lg = { 1, 0 };
	char c;

	a = socket(base->ai_family, SOCK_STREAM, 0);
	SHOW("connect refused", do_connect(a, port0 + 6));
	OPTION(a, SOL_SOCKET, SO_ERROR);
	SHOW("and again", do_connect(a, port0 + 6));
	do_bind(ls, port0 + 6);
	listen(ls, 5);
	close(a);
	a = socket(base->ai_family, SOCK_STREAM, 0);
	SHOW("connect", do_connect(a, port0 + 6));
	b = accept(ls, NULL, NULL);
	setsockopt(b, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg));
	close(b);
	wait_in(a);
	poll_state(a, "reset");
	SHOW("recv after reset", recv(a, &c, 1, 0));
	SHOW("recv again", recv(a, &c, 1, 0));
	SHOW("send after reset", send(a, "x", 1, MSG_NOSIGNAL));
	names(a, "reset");
	close(a);
	a = socket(base->ai_family, SOCK_STREAM, 0);
	SHOW("connect", do_connect(a, port0 + 6));
	b = accept(ls, NULL, NULL);
	SHOW("send", send(a, "unread", 6, 0));
	wait_in(b);
	close(b);
	wait_in(a);
	SHOW("recv after a close with unread data", recv(a, &c, 1, 0));
	close(a);
	close(ls);
}

static void tcp_nonblocking(void)
{
	int ls = socket(base->ai_family, SOCK_STREAM, 0), a = socket(base->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = a, .events = POLLOUT };
	char c;

	do_bind(ls, port0 + 7);
	listen(ls, 5);
	SHOW("non-blocking connect", do_connect(a, port0 + 7));
	printf("writable: %d\n", poll(&p, 1, 5000));
	OPTION(a, SOL_SOCKET, SO_ERROR);
	SHOW("connect once more", do_connect(a, port0 + 7));
	SHOW("recv", recv(a, &c, 1, 0));
	close(a);
	a = socket(base->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	p.fd = a;
	SHOW("non-blocking connect, refused", do_connect(a, port0 + 8));
	printf("ready: %d\n", poll(&p, 1, 5000));
	OPTION(a, SOL_SOCKET, SO_ERROR);
	OPTION(a, SOL_SOCKET, SO_ERROR);
	close(a);
	close(ls);
}

static void udp(void)
{
	int a = socket(base->ai_family, SOCK_DGRAM, 0), b = socket(base->ai_family, SOCK_DGRAM, 0);
	struct sockaddr_storage ss;
	socklen_t len;
	char buf[64];
	int n = 0;

	OPTION(a, SOL_SOCKET, SO_TYPE);
	OPTION(a, SOL_SOCKET, SO_PROTOCOL);
	names(a, "udp new");
	poll_state(a, "udp new");
	SHOW("send without destination", send(a, "x", 1, 0));	/* binds it, too */
	SHOW("listen", listen(a, 1));
	close(a);
	a = socket(base->ai_family, SOCK_DGRAM, 0);
	SHOW("bind", do_bind(a, port0 + 1));
	SHOW("bind in use", do_bind(b, port0 + 1));
	SHOW("connect", do_connect(b, port0 + 1));
	names(b, "udp connected");
	SHOW("send", send(b, "hello", 5, 0));
	SHOW("send nothing", send(b, "", 0, 0));
	printf("readable: %d\n", wait_in(a));
	SHOW("FIONREAD", ioctl(a, FIONREAD, &n));
	printf("FIONREAD: %d\n", n);
	SHOW("peek", recv(a, buf, sizeof(buf), MSG_PEEK));
	len = sizeof(ss);
	SHOW("recvfrom 3 with MSG_TRUNC", recvfrom(a, buf, 3, MSG_TRUNC, (struct sockaddr *)&ss, &len));
	printf("address length %u\n", (unsigned)len);
	wait_in(a);
	SHOW("recv nothing", recv(a, buf, sizeof(buf), 0));
	SHOW("recv when empty", recv(a, buf, sizeof(buf), MSG_DONTWAIT));
	SHOW("reply", sendto(a, "back", 4, 0, (struct sockaddr *)&ss, len));
	wait_in(b);
	SHOW("read the reply", read(b, buf, sizeof(buf)));
	SHOW("too long", send(b, malloc(70000), 70000, 0));
	SHOW("connect to a closed port", do_connect(b, port0 + 2));
	SHOW("send", send(b, "x", 1, 0));
	printf("error pending: %d\n", wait_in(b));
	SHOW("recv tells of it", recv(b, buf, sizeof(buf), MSG_DONTWAIT));
	SHOW("once", recv(b, buf, sizeof(buf), MSG_DONTWAIT));
	memset(&ss, 0, sizeof(ss));
	SHOW("disconnect", connect(b, (struct sockaddr *)&ss, sizeof(ss)));
	SHOW("send after disconnect", send(b, "x", 1, 0));
	SHOW("shutdown unconnected", shutdown(b, SHUT_WR));
	close(a);
	close(b);
}

int main(int argc, char **argv)
{
	struct addrinfo hint = { .ai_flags = AI_NUMERICHOST }, *foreign;

	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 5 || getaddrinfo(argv[2], argv[3], &hint, &base) ||
	    getaddrinfo(argv[4], argv[3], &hint, &foreign))
		errx(2, "usage: sockets-errors tcp|udp ADDRESS PORT UNASSIGNED_ADDRESS");
	port0 = (unsigned)atoi(argv[3]);
	if (!strcmp(argv[1], "udp")) {
		udp();
		return 0;
	}
	creation();
	tcp_fresh();
	bind_errors(foreign);
	tcp_listening();
	tcp_reset();
	tcp_nonblocking();
	return 0;
}
