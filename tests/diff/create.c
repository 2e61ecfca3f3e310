/* create.c - socket(2) with every family, type and protocol, and its flags */
#include <fcntl.h>
#include <stdio.h>
#include "diff.h"

static void show_made(const char *what, int fd)
{
	int fl, fdfl;

	if (fd < 0) {
		saw_result(what, fd);
		return;
	}
	fl = fcntl(fd, F_GETFL);
	fdfl = fcntl(fd, F_GETFD);
	saw(what, "made type %d domain %d protocol %d%s%s%s", get_int(fd, SOL_SOCKET, SO_TYPE),
	    get_int(fd, SOL_SOCKET, SO_DOMAIN), get_int(fd, SOL_SOCKET, SO_PROTOCOL),
	    fl & O_NONBLOCK ? " nonblock" : "", fdfl & FD_CLOEXEC ? " cloexec" : "",
	    (fl & O_ACCMODE) == O_RDWR ? " rdwr" : "");
	close(fd);
}

static void one(int domain, int type, int protocol)
{
	char what[64];

	snprintf(what, sizeof(what), "socket(%d,%#x,%d)", domain, type, protocol);
	show_made(what, socket(domain, type, protocol));
}

static void matrix(void)
{
	static const int protocols[] = {
		0, IPPROTO_ICMP, IPPROTO_IGMP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_IPV6,
		IPPROTO_ICMPV6, 89, IPPROTO_RAW, 256, 300, -1,
	};

	for (int type = -1; type <= 12; type++) {
		if (type == SOCK_DCCP)
			continue;	/* Linux would load a module */
		for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
			one(site->domain, type, protocols[i]);
	}
}

static void flags(void)
{
	one(site->domain, SOCK_STREAM | SOCK_NONBLOCK, 0);
	one(site->domain, SOCK_STREAM | SOCK_CLOEXEC, 0);
	one(site->domain, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	one(site->domain, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	one(site->domain, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);
	one(site->domain, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
	one(site->domain, SOCK_STREAM | 0x10, 0);
	one(site->domain, SOCK_STREAM | 0x100000, 0);
	one(site->domain, SOCK_STREAM | O_APPEND, 0);
}

static void families(void)
{
	static const int domains[] = { -1, AF_UNSPEC, AF_UNIX, 46, 100, 1000 };

	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
		one(domains[i], SOCK_STREAM, 0);
}

static void pairs(void)
{
	int v[2] = { -7, -7 };

	saw_result("socketpair stream", socketpair(site->domain, SOCK_STREAM, 0, v));
	saw_result("socketpair dgram", socketpair(site->domain, SOCK_DGRAM, 0, v));
	saw_result("socketpair raw 0", socketpair(site->domain, SOCK_RAW, 0, v));
	saw_result("socketpair NULL", socketpair(site->domain, SOCK_STREAM, 0, NULL));
	saw("untouched", "%d %d", v[0], v[1]);
}

/* calls on what is no socket, and on nothing */
static void no_socket(void)
{
	char buf[16];
	int fd = open("/dev/null", O_RDWR);
	union addr a;
	socklen_t len = sizeof(a);
	int v = 0, fds[2] = { fd, -1 };

	for (int i = 0; i < 2; i++) {
		char what[64];

#define ON(call) do { snprintf(what, sizeof(what), "%s: %s", i ? "-1" : "file", #call); \
		      saw_result(what, call); } while (0)
		fd = fds[i];
		ON(bind(fd, &a.sa, sizeof(a)));
		ON(connect(fd, &a.sa, sizeof(a)));
		ON(listen(fd, 1));
		ON(accept(fd, NULL, NULL));
		ON(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
		ON(getsockname(fd, &a.sa, &len));
		ON(getpeername(fd, &a.sa, &len));
		ON(send(fd, "x", 1, 0));
		ON(recv(fd, buf, 1, 0));
		ON(sendto(fd, "x", 1, 0, NULL, 0));
		ON(shutdown(fd, SHUT_RDWR));
		len = sizeof(v);
		ON(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &len));
		ON(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, sizeof(v)));
#undef ON
	}
}

const struct scenario create_scenarios[] = {
	{ "matrix", matrix, ON_LO },
	{ "flags", flags, ON_LO },
	{ "families", families, ON_ONE },
	{ "pairs", pairs, ON_LO },
	{ "no-socket", no_socket, ON_ONE },
	{ 0 },
};
