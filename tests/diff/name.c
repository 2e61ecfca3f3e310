/* name.c - bind(2), ports that are shared or not, getsockname(2), lengths */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include "diff.h"

static int new_of(int type)
{
	int fd = socket(site->domain, type, 0);

	if (fd < 0)
		err(2, "socket");
	return fd;
}

static void binds(int type)
{
	union addr a;
	socklen_t len = make_addr(&a, site->own, test_port(0));
	bool v4 = site->domain == AF_INET;
	int fd = new_of(type);

	saw_result("NULL", bind(fd, NULL, len));
	saw_result("length 0", bind(fd, &a.sa, 0));
	saw_result("length 1", bind(fd, &a.sa, 1));
	saw_result("short", bind(fd, &a.sa, len - 6));
	saw_result("negative", bind(fd, &a.sa, (socklen_t)-1));
	a.sa.sa_family = AF_UNIX;
	saw_result("AF_UNIX", bind(fd, &a.sa, len));
	a.sa.sa_family = v4 ? AF_INET6 : AF_INET;
	saw_result("other family", bind(fd, &a.sa, len));
	make_addr(&a, v4 ? "192.0.2.77" : "2001:db8::77", 0);
	saw_result("foreign address", bind(fd, &a.sa, len));
	make_addr(&a, site->own, test_port(0));
	a.sa.sa_family = AF_UNSPEC;
	saw_result("AF_UNSPEC", bind(fd, &a.sa, len));
	any_addr(&a, test_port(0));
	a.sa.sa_family = AF_UNSPEC;
	saw_result("AF_UNSPEC any", bind(fd, &a.sa, len));
	close(fd);
	fd = new_of(type);
	make_addr(&a, site->own, test_port(1));
	saw_result("long", bind(fd, &a.sa, sizeof(struct sockaddr_storage) > 128 ? 128 : len));
	saw_result("twice", bind(fd, &a.sa, len));
	close(fd);
	fd = new_of(type);
	any_addr(&a, 0);
	saw_result("any, port 0", bind(fd, &a.sa, len));
	saw("port is ephemeral", "%d", port_of(fd) >= 32768 && port_of(fd) <= 60999);
	close(fd);
	fd = new_of(type);
	make_addr(&a, v4 ? "224.0.0.5" : "ff02::5", test_port(2));
	saw_result("multicast", bind(fd, &a.sa, len));
	close(fd);
	fd = new_of(type);
	if (v4) {
		make_addr(&a, "255.255.255.255", test_port(3));
		saw_result("broadcast", bind(fd, &a.sa, len));
		close(fd);
		fd = new_of(type);
		make_addr(&a, "127.9.9.9", test_port(3));
		saw_result("127.9.9.9", bind(fd, &a.sa, len));
	}
	close(fd);
}

static void bind_tcp(void)
{
	binds(SOCK_STREAM);
}

static void bind_udp(void)
{
	binds(SOCK_DGRAM);
}

static void lengths(void)
{
	int near, far;
	union addr a;

	pair(&near, &far);
	for (int n = -1; n <= 40; n += n < 2 ? 1 : 13) {
		socklen_t len = (socklen_t)n;
		char what[40];

		memset(&a, 0xee, sizeof(a));
		snprintf(what, sizeof(what), "getsockname %d", n);
		saw_result(what, getsockname(near, &a.sa, &len));
		saw(what, "length %d family %#x", (int)len, a.sa.sa_family);
		len = (socklen_t)n;
		memset(&a, 0xee, sizeof(a));
		snprintf(what, sizeof(what), "getpeername %d", n);
		saw_result(what, getpeername(near, &a.sa, &len));
		saw(what, "length %d family %#x", (int)len, a.sa.sa_family);
	}
	saw_result("getsockname NULL length", getsockname(near, &a.sa, NULL));
	saw_result("getsockname NULL", getsockname(near, NULL, &(socklen_t){ 16 }));
	saw_result("getpeername NULL", getpeername(near, NULL, &(socklen_t){ 16 }));
	close(near);
	close(far);
}

static void accept_lengths(void)
{
	int l = listener();

	for (int n = -1; n <= 40; n += n < 2 ? 1 : 13) {
		union addr a;
		socklen_t len = (socklen_t)n;
		char what[40];
		int c = tcp(), r;

		connect_to(c, site->own, port_of(l));
		memset(&a, 0xee, sizeof(a));
		snprintf(what, sizeof(what), "accept %d", n);
		r = accept(l, &a.sa, &len);
		if (r >= 0) {
			saw(what, "accepted, length %d family %#x", (int)len, a.sa.sa_family);
			close(r);
		} else {
			saw_result(what, r);
		}
		close(c);
	}
	close(l);
}

static void names(void)
{
	union addr a;
	socklen_t len = sizeof(a);
	int fd = tcp(), l, c;

	getsockname(fd, &a.sa, &len);
	saw("new", "%s", addr_text(&a, len));
	bind_to(fd, NULL, test_port(0));
	len = sizeof(a);
	getsockname(fd, &a.sa, &len);
	saw("bound to any", "%s", addr_text(&a, len));
	connect_to(fd, site->peer, PEER_PORT);
	len = sizeof(a);
	getsockname(fd, &a.sa, &len);
	saw("connected", "%s", addr_text(&a, len));
	len = sizeof(a);
	getpeername(fd, &a.sa, &len);
	saw("peer", "%s", addr_text(&a, len));
	close(fd);
	l = listener();
	len = sizeof(a);
	getsockname(l, &a.sa, &len);
	saw("listener", "%s", addr_text(&a, len));
	fd = tcp();
	connect_to(fd, site->own, port_of(l));
	len = sizeof(a);
	c = accept(l, &a.sa, &len);
	saw("accepted from", "%s", addr_text(&a, len));
	len = sizeof(a);
	getsockname(c, &a.sa, &len);
	saw("accepted at", "%s", addr_text(&a, len));
	close(c);
	close(fd);
	close(l);
}

/* two sockets at one port: all combinations of options, addresses and listening */
static void sharing(int type, int option)
{
	static const char *const kinds[] = { "own", "any" };

	for (int i = 0; i < 16; i++) {
		int one = new_of(type), two = new_of(type), r;
		char what[80];

		if (i & 1)
			set_int(one, SOL_SOCKET, option, 1);
		if (i & 2)
			set_int(two, SOL_SOCKET, option, 1);
		bind_to(one, i & 4 ? NULL : site->own, test_port(0));
		snprintf(what, sizeof(what), "%s%s then %s%s", kinds[!!(i & 4)], i & 1 ? "+" : "",
			 kinds[!!(i & 8)], i & 2 ? "+" : "");
		r = bind_to(two, i & 8 ? NULL : site->own, test_port(0));
		saw_result(what, r);
		if (r == 0 && type == SOCK_STREAM) {
			strcat(what, ": listen");
			saw_result(what, listen(one, 1));
			strcat(what, ", listen");
			saw_result(what, listen(two, 1));
		}
		close(two);
		two = new_of(type);
		if (i & 2)
			set_int(two, SOL_SOCKET, option, 1);
		if (type == SOCK_STREAM) {
			listen(one, 1);
			snprintf(what, sizeof(what), "%s%s listening, then %s%s", kinds[!!(i & 4)],
				 i & 1 ? "+" : "", kinds[!!(i & 8)], i & 2 ? "+" : "");
			saw_result(what, bind_to(two, i & 8 ? NULL : site->own, test_port(0)));
		}
		close(one);
		close(two);
	}
}

static void share_tcp_addr(void)
{
	sharing(SOCK_STREAM, SO_REUSEADDR);
}

static void share_tcp_port(void)
{
	sharing(SOCK_STREAM, SO_REUSEPORT);
}

static void share_udp_addr(void)
{
	sharing(SOCK_DGRAM, SO_REUSEADDR);
}

static void share_udp_port(void)
{
	sharing(SOCK_DGRAM, SO_REUSEPORT);
}

/* IPv4 and IPv6 at one port */
static void two_families(void)
{
	for (int i = 0; i < 8; i++) {
		int type = i & 4 ? SOCK_DGRAM : SOCK_STREAM;
		int six = socket(AF_INET6, type, 0), four = socket(AF_INET, type, 0);
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)test_port(0)) };
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = in.sin_port };
		char what[64];
		int first, second;

		set_int(six, IPPROTO_IPV6, IPV6_V6ONLY, i & 1);
		if (i & 2) {
			first = bind(four, (struct sockaddr *)&in, sizeof(in));
			second = bind(six, (struct sockaddr *)&in6, sizeof(in6));
		} else {
			first = bind(six, (struct sockaddr *)&in6, sizeof(in6));
			second = bind(four, (struct sockaddr *)&in, sizeof(in));
		}
		snprintf(what, sizeof(what), "%s %s %s", type == SOCK_STREAM ? "TCP" : "UDP",
			 i & 1 ? "V6ONLY" : "dual", i & 2 ? "4 first" : "6 first");
		saw(what, "%d %s", first, result(second));
		close(four);
		close(six);
	}
}

/* a port whose connection is in TIME_WAIT, or still there */
static void time_wait(void)
{
	int l = tcp(), c, a, two;

	set_int(l, SOL_SOCKET, SO_REUSEADDR, 1);
	saw_result("bind", bind_to(l, site->own, test_port(0)));
	listen(l, 1);
	c = tcp();
	saw_result("connect", connect_to(c, site->own, test_port(0)));
	a = accept(l, NULL, NULL);
	close(l);
	two = tcp();
	saw_result("bind beside a connection", bind_to(two, site->own, test_port(0)));
	set_int(two, SOL_SOCKET, SO_REUSEADDR, 1);
	saw_result("with REUSEADDR", bind_to(two, site->own, test_port(0)));
	saw_result("listen", listen(two, 1));
	close(two);
	close(a);			/* ours first: TIME_WAIT at the server's port */
	wait_for(c, POLLRDHUP, WAIT_MS);
	close(c);
	poll(NULL, 0, 50);
	two = tcp();
	saw_result("bind beside TIME_WAIT", bind_to(two, site->own, test_port(0)));
	set_int(two, SOL_SOCKET, SO_REUSEADDR, 1);
	saw_result("with REUSEADDR", bind_to(two, site->own, test_port(0)));
	saw_result("listen", listen(two, 1));
	close(two);
}

/* the same local and remote address and port a second time */
static void full_tuple(void)
{
	int l = listener(), one = tcp(), two = tcp(), a, r;
	unsigned port = port_of(l);

	set_int(one, SOL_SOCKET, SO_REUSEADDR, 1);
	set_int(two, SOL_SOCKET, SO_REUSEADDR, 1);
	saw_result("bind one", bind_to(one, site->own, test_port(0)));
	saw_result("bind two", bind_to(two, site->own, test_port(0)));
	saw_result("connect one", connect_to(one, site->own, port));
	a = accept(l, NULL, NULL);
	saw_result("connect two", connect_to(two, site->own, port));
	/* the far end closes first: no TIME_WAIT on our side */
	close(a);
	wait_for(one, POLLRDHUP, WAIT_MS);
	close(one);
	close(two);
	poll(NULL, 0, 50);
	two = tcp();
	set_int(two, SOL_SOCKET, SO_REUSEADDR, 1);
	saw_result("bind again", bind_to(two, site->own, test_port(0)));
	/* TIME_WAIT is at the far port now; the tuple is taken up again */
	r = connect_to(two, site->own, port);
	saw_result("connect again", r);
	close(two);
	close(l);
}

/* who closes first keeps the tuple, but not for long over the loopback */
static void tuple_again(void)
{
	int l = listener(), fd = tcp(), a;
	unsigned port = port_of(l);
	char byte;

	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	saw_result("bind", bind_to(fd, site->own, test_port(0)));
	saw_result("connect", connect_to(fd, site->own, port));
	a = accept(l, NULL, NULL);
	close(fd);
	wait_for(a, POLLIN, WAIT_MS);
	saw_result("end of file", recv(a, &byte, 1, 0));
	close(a);
	poll(NULL, 0, 2100);		/* Linux counts whole seconds, and wants more than one */
	fd = tcp();
	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	saw_result("bind again", bind_to(fd, site->own, test_port(0)));
	saw_result("connect again", connect_to(fd, site->own, port));
	close(fd);
	close(l);
}

/* 127/8 is the host's, all of it */
static void whole_loopback(void)
{
	int l = tcp(), fd = tcp(), u = udp();
	char buf[8] = "";

	saw_result("bind TCP", bind_to(l, "127.1.2.3", test_port(0)));
	saw_result("listen", listen(l, 1));
	saw_result("connect", connect_to(fd, "127.1.2.3", test_port(0)));
	wait_for(l, POLLIN, WAIT_MS);
	saw("accept", "%s", accept(l, NULL, NULL) >= 0 ? "ok" : "no");
	saw_result("bind UDP", bind_to(u, "127.1.2.3", test_port(0)));
	saw_result("connect UDP", connect_to(u, "127.1.2.3", test_port(0)));
	saw_result("send", send(u, "self", 4, 0));
	wait_for(u, POLLIN, WAIT_MS);
	saw_result("recv", recv(u, buf, sizeof(buf), MSG_DONTWAIT));
	close(l);
	close(fd);
	close(u);
}

static void privileged(void)
{
	int fd = tcp(), u = udp();

	saw_result("TCP 80", bind_to(fd, site->own, 80));
	saw_result("UDP 53", bind_to(u, site->own, 53));
	close(fd);
	close(u);
}

static void to_self(void)
{
	int fd = tcp();
	char buf[8];

	saw_result("bind", bind_to(fd, site->own, test_port(0)));
	nonblock(fd);
	saw_result("connect to itself", connect_to(fd, site->own, test_port(0)));
	wait_for(fd, POLLOUT, WAIT_MS);
	saw_result("send", send(fd, "self", 4, MSG_NOSIGNAL));
	saw_result("recv", recv_all(fd, buf, 4));
	close(fd);
}

static void v6_forms(void)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(PEER_PORT) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(PEER_PORT) };
	int fd = tcp();

	in6.sin6_addr.s6_addr[10] = in6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&in6.sin6_addr.s6_addr[12], "\x7f\0\0\1", 4);
	set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	saw_result("V6ONLY to a mapped address", connect(fd, (struct sockaddr *)&in6, sizeof(in6)));
	close(fd);
	fd = tcp();
	saw_result("mapped", connect(fd, (struct sockaddr *)&in6, sizeof(in6)));
	close(fd);
	fd = tcp();
	saw_result("24 bytes", connect(fd, (struct sockaddr *)&in6, 24));
	close(fd);
	fd = tcp();
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	saw_result("sockaddr_in", connect(fd, (struct sockaddr *)&in, sizeof(in)));
	close(fd);
	fd = udp();
	saw_result("UDP sockaddr_in", connect(fd, (struct sockaddr *)&in, sizeof(in)));
	close(fd);
	fd = tcp();
	memset(&in6.sin6_addr, 0, sizeof(in6.sin6_addr));
	saw_result("any", connect(fd, (struct sockaddr *)&in6, sizeof(in6)));
	close(fd);
	fd = tcp();
	nonblock(fd);
	in6.sin6_addr.s6_addr[0] = 0xfe;
	in6.sin6_addr.s6_addr[1] = 0x80;
	in6.sin6_addr.s6_addr[15] = 0x99;
	saw_result("link-local without scope", connect(fd, (struct sockaddr *)&in6, sizeof(in6)));
	saw_result("bind link-local without scope", bind(fd, (struct sockaddr *)&in6, sizeof(in6)));
	close(fd);
}

static void bad_targets(void)
{
	static const char *const four[] = { "224.0.0.9", "255.255.255.255", "10.0.0.255", "0.0.0.0" };
	static const char *const six[] = { "ff02::9", "ff0e::1", "::" };
	bool v4 = site->domain == AF_INET;
	size_t n = v4 ? 4 : 3;

	for (size_t i = 0; i < n; i++) {
		const char *to = v4 ? four[i] : six[i];
		int fd = tcp();

		saw_result(to, connect_to(fd, to, 9));
		saw("then", "%s, %s", result(so_error(fd)), events_text(poll_now(fd)));
		close(fd);
	}
}

const struct scenario name_scenarios[] = {
	{ "bind TCP", bind_tcp, ON_LO }, { "bind UDP", bind_udp, ON_LO },
	{ "lengths", lengths, ON_LO }, { "accept lengths", accept_lengths, ON_LO4 },
	{ "names", names, ON_ALL },
	{ "TCP REUSEADDR", share_tcp_addr, ON_LO }, { "TCP REUSEPORT", share_tcp_port, ON_LO4 },
	{ "UDP REUSEADDR", share_udp_addr, ON_LO }, { "UDP REUSEPORT", share_udp_port, ON_LO4 },
	{ "two families", two_families, ON_ONE }, { "TIME_WAIT", time_wait, ON_LO },
	{ "full tuple", full_tuple, ON_LO4 }, { "privileged", privileged, ON_LO4 },
	{ "tuple again", tuple_again, ON_LO }, { "whole loopback", whole_loopback, ON_LO4 },
	{ "to self", to_self, ON_LO4 }, { "IPv6 forms", v6_forms, ON_LO6 },
	{ "bad targets", bad_targets, ON_LO },
	{ 0 },
};
