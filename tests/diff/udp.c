/* udp.c - datagram sockets: states, connect and dissolve, errors, sizes */
#include <err.h>
#include <fcntl.h>
#include <netinet/ip_icmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/errqueue.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <linux/sockios.h>
#include "diff.h"

#define CLOSED_PORT	9

static char big[70000];

static void show_names(int fd, const char *when)
{
	union addr a;
	socklen_t len = sizeof(a);
	char what[80];

	snprintf(what, sizeof(what), "%s: getsockname", when);
	if (getsockname(fd, &a.sa, &len) < 0)
		saw_result(what, -1);
	else
		saw(what, "%s", addr_text(&a, len));
	snprintf(what, sizeof(what), "%s: getpeername", when);
	len = sizeof(a);
	if (getpeername(fd, &a.sa, &len) < 0)
		saw_result(what, -1);
	else
		saw(what, "%s", addr_text(&a, len));
}

static int connected(void)
{
	int fd = udp();

	if (connect_to(fd, site->peer, PEER_PORT) < 0)
		err(2, "connect");
	return fd;
}

static int bound(void)
{
	int fd = udp();

	if (bind_to(fd, site->own, 0) < 0)
		err(2, "bind");
	return fd;
}

static long send_to(int fd, const char *text, unsigned port, const void *data, size_t len)
{
	union addr a;
	socklen_t alen = make_addr(&a, text, port);

	return sendto(fd, data, len, 0, &a.sa, alen);
}

static long dissolve(int fd)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };

	return connect(fd, (struct sockaddr *)&ss, sizeof(struct sockaddr));
}

static void each_call(int fd)
{
	union addr a;
	socklen_t len;
	char buf[16];

	nonblock(fd);
	show_names(fd, "start");
	saw("poll", "%s", events_text(poll_now(fd)));
	saw_result("listen", listen(fd, 1));
	saw_result("accept", accept(fd, NULL, NULL));
	saw_result("recv", recv(fd, buf, sizeof(buf), 0));
	saw_result("recv 0", recv(fd, buf, 0, 0));
	saw_result("recv OOB", recv(fd, buf, 1, MSG_OOB));
	saw_result("recv ERRQUEUE", recv(fd, buf, 1, MSG_ERRQUEUE));
	saw_result("send", send(fd, "x", 1, 0));
	saw_result("send 0", send(fd, "", 0, 0));
	saw_result("write 0", write(fd, "", 0));
	saw_result("send OOB", send(fd, "x", 1, MSG_OOB));
	saw_result("sendto port 0", send_to(fd, site->peer, 0, "x", 1));
	len = make_addr(&a, site->peer, PEER_PORT);
	saw_result("sendto short address", sendto(fd, "x", 1, 0, &a.sa, len - 5));
	a.sa.sa_family = AF_UNIX;
	saw_result("sendto AF_UNIX", sendto(fd, "x", 1, 0, &a.sa, len));
	a.sa.sa_family = AF_UNSPEC;
	saw_result("sendto AF_UNSPEC", sendto(fd, "x", 1, 0, &a.sa, len));
	a.sa.sa_family = AF_INET6;
	if (site->domain == AF_INET)
		saw_result("sendto AF_INET6", sendto(fd, "x", 1, 0, &a.sa, len));
	saw_result("SO_ERROR", so_error(fd));
	saw_result("bind again", bind_to(fd, NULL, 0));
	for (int i = 0; i < 10 && wait_for(fd, POLLIN, 60); i++)	/* echoes */
		recv(fd, buf, sizeof(buf), 0);
	saw_result("shutdown RD", shutdown(fd, SHUT_RD));
	saw("poll after shutdown RD", "%s", events_text(poll_now(fd)));
	saw_result("recv after", recv(fd, buf, sizeof(buf), 0));
	saw_result("shutdown WR", shutdown(fd, SHUT_WR));
	saw_result("send after", send(fd, "x", 1, MSG_NOSIGNAL));
	saw("poll after both", "%s", events_text(poll_now(fd)));
	saw_result("shutdown 3", shutdown(fd, 3));
	saw_result("SO_ERROR", so_error(fd));
	saw_result("connect again", connect_to(fd, site->peer, PEER_PORT));
	saw_result("send then", send(fd, "x", 1, MSG_NOSIGNAL));
	saw_result("dissolve", dissolve(fd));
	saw("poll in the end", "%s", events_text(poll_now(fd)));
	close(fd);
}

static void on_new(void)
{
	each_call(udp());
}

static void on_bound(void)
{
	each_call(bound());
}

static void on_connected(void)
{
	each_call(connected());
}

static void on_dissolved(void)
{
	int fd = connected();

	saw_result("dissolve", dissolve(fd));
	each_call(fd);
}

static void connects(void)
{
	int fd = udp();
	union addr a;
	socklen_t len;

	show_names(fd, "new");
	saw_result("connect", connect_to(fd, site->peer, PEER_PORT));
	show_names(fd, "connected");
	saw_result("connect elsewhere", connect_to(fd, site->own, CLOSED_PORT));
	show_names(fd, "connected elsewhere");
	saw_result("dissolve", dissolve(fd));
	show_names(fd, "dissolved");
	saw_result("dissolve again", dissolve(fd));
	saw_result("connect port 0", connect_to(fd, site->peer, 0));
	show_names(fd, "port 0");
	close(fd);
	fd = bound();
	saw_result("bound: connect", connect_to(fd, site->peer, PEER_PORT));
	show_names(fd, "bound, connected");
	saw_result("bound: dissolve", dissolve(fd));
	show_names(fd, "bound, dissolved");
	close(fd);
	fd = udp();
	saw_result("bind any", bind_to(fd, NULL, test_port(0)));
	saw_result("any: connect", connect_to(fd, site->peer, PEER_PORT));
	show_names(fd, "any, connected");
	saw_result("any: dissolve", dissolve(fd));
	show_names(fd, "any, dissolved");
	close(fd);
	fd = udp();
	len = make_addr(&a, site->peer, PEER_PORT);
	saw_result("connect short", connect(fd, &a.sa, 4));
	saw_result("connect 1 byte", connect(fd, &a.sa, 1));
	saw_result("connect NULL", connect(fd, NULL, len));
	saw_result("connect long", connect(fd, &a.sa, sizeof(struct sockaddr_storage)));
	a.sa.sa_family = AF_UNIX;
	saw_result("connect AF_UNIX", connect(fd, &a.sa, len));
	any_addr(&a, PEER_PORT);
	saw_result("connect any", connect(fd, &a.sa, len));
	show_names(fd, "connected to any");
	close(fd);
}

/* what a datagram is and what of it arrives */
static void sizes(void)
{
	static const size_t list[] = { 0, 1, 100, 1472, 1473, 8192, 65000, 65507, 65508, 65527, 65536, 70000 };
	static char buf[70000];
	int fd = connected();

	set_int(fd, SOL_SOCKET, SO_RCVBUF, 1 << 20);
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		char what[32];
		long r;

		snprintf(what, sizeof(what), "send %zu", list[i]);
		r = send(fd, big, list[i], 0);
		saw_result(what, r);
		if (r < 0)
			continue;
		snprintf(what, sizeof(what), "echo of %zu", list[i]);
		saw(what, "%s", events_text(wait_for(fd, POLLIN, WAIT_MS)));
		snprintf(what, sizeof(what), "FIONREAD %zu", list[i]);
		{
			int n = -1;

			saw_result(what, ioctl(fd, FIONREAD, &n));
			saw(what, "%d", n);
		}
		snprintf(what, sizeof(what), "recv %zu", list[i]);
		saw_result(what, recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	}
	close(fd);
}

static void truncated(void)
{
	char buf[4] = "";
	struct iovec v = { buf, 3 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	int fd = connected();

	for (int i = 0; i < 6; i++)
		send(fd, "0123456789", 10, 0);
	wait_for(fd, POLLIN, WAIT_MS);
	saw_result("recv PEEK", recv(fd, buf, 3, MSG_PEEK));
	saw_result("recv PEEK TRUNC", recv(fd, buf, 3, MSG_PEEK | MSG_TRUNC));
	saw_result("recv", recv(fd, buf, 3, 0));
	wait_for(fd, POLLIN, WAIT_MS);
	saw_result("recv TRUNC", recv(fd, buf, 3, MSG_TRUNC));
	wait_for(fd, POLLIN, WAIT_MS);
	saw_result("recvmsg", recvmsg(fd, &m, 0));
	saw("flags", "%#x", (unsigned)m.msg_flags);
	wait_for(fd, POLLIN, WAIT_MS);
	saw_result("recvmsg TRUNC", recvmsg(fd, &m, MSG_TRUNC));
	saw("flags", "%#x", (unsigned)m.msg_flags);
	wait_for(fd, POLLIN, WAIT_MS);
	saw_result("recv WAITALL", recv(fd, buf, 3, MSG_WAITALL));
	wait_for(fd, POLLIN, WAIT_MS);
	saw_result("recv 0", recv(fd, buf, 0, 0));
	saw_result("recv at the end", recv(fd, buf, 3, MSG_DONTWAIT));
	close(fd);
}

static void zero_length(void)
{
	char buf[4];
	union addr a;
	socklen_t len = sizeof(a);
	int fd = connected();

	saw_result("send 0", send(fd, "", 0, 0));
	saw("poll", "%s", events_text(wait_for(fd, POLLIN, WAIT_MS)));
	saw_result("recvfrom", recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, &a.sa, &len));
	saw("from", "%s", addr_text(&a, len));
	saw_result("again", recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	saw_result("sendto 0", send_to(fd, site->peer, PEER_PORT, "", 0));
	saw("poll again", "%s", events_text(wait_for(fd, POLLIN, WAIT_MS)));
	saw_result("read", read(fd, buf, sizeof(buf)));
	close(fd);
}

/* ICMP's port unreachable at a connected socket */
static void refused(void)
{
	char buf[16];
	int fd = udp(), fd2;

	saw_result("connect", connect_to(fd, site->peer, CLOSED_PORT));
	saw_result("send", send(fd, "x", 1, 0));
	saw("poll", "%s", events_text(wait_for(fd, POLLIN, WAIT_MS)));
	saw("poll all", "%s", events_text(poll_now(fd)));
	saw_result("recv", recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	saw_result("recv again", recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	saw_result("SO_ERROR then", so_error(fd));
	saw_result("send 2", send(fd, "x", 1, 0));
	saw("poll 2", "%s", events_text(wait_for(fd, POLLIN, WAIT_MS)));
	saw_result("SO_ERROR", so_error(fd));
	saw_result("SO_ERROR again", so_error(fd));
	saw("poll after SO_ERROR", "%s", events_text(poll_now(fd)));
	saw_result("recv after SO_ERROR", recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	saw_result("send 3", send(fd, "x", 1, 0));
	wait_for(fd, POLLIN, WAIT_MS);
	saw_result("send 4", send(fd, "x", 1, 0));
	saw_result("send 5", send(fd, "x", 1, 0));
	wait_for(fd, POLLIN, WAIT_MS);
	saw_result("dissolve", dissolve(fd));
	saw_result("SO_ERROR after dissolve", so_error(fd));
	close(fd);
	fd2 = udp();
	saw_result("unconnected sendto", send_to(fd2, site->peer, CLOSED_PORT, "x", 1));
	saw("unconnected poll", "%s", events_text(wait_for(fd2, POLLIN, 100)));
	saw_result("unconnected recv", recv(fd2, buf, sizeof(buf), MSG_DONTWAIT));
	close(fd2);
}

/* IP_RECVERR and the error queue */
static void error_queue(void)
{
	int fd = udp(), on = 1;
	bool v4 = site->domain == AF_INET;
	char buf[16], ctl[512];
	struct iovec v = { buf, sizeof(buf) };
	union addr a;
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_name = &a, .msg_namelen = sizeof(a),
		.msg_control = ctl, .msg_controllen = sizeof(ctl),
	};
	long r;

	saw_result("set RECVERR", setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
					     v4 ? IP_RECVERR : IPV6_RECVERR, &on, sizeof(on)));
	saw_result("recv queue empty", recvmsg(fd, &m, MSG_ERRQUEUE));
	saw_result("sendto", send_to(fd, site->peer, CLOSED_PORT, "0123456789", 10));
	saw("poll", "%s", events_text(wait_for(fd, POLLIN, WAIT_MS)));
	saw_result("recv", recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	saw("poll after recv", "%s", events_text(poll_now(fd)));
	r = recvmsg(fd, &m, MSG_ERRQUEUE);
	saw_result("recv queue", r);
	saw("flags", "%#x", (unsigned)m.msg_flags);
	saw("name", "%s", addr_text(&a, m.msg_namelen));
	for (struct cmsghdr *c = r < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct sock_extended_err *e = (void *)CMSG_DATA(c);

		saw("control", "level %d type %d length %zu", c->cmsg_level, c->cmsg_type,
		    (size_t)c->cmsg_len);
		saw("error", "%s origin %u type %u code %u info %u", strerrorname_np((int)e->ee_errno),
		    e->ee_origin, e->ee_type, e->ee_code, e->ee_info);
		saw("offender", "%s", addr_text((void *)SO_EE_OFFENDER(e),
						v4 ? sizeof(a.in) : sizeof(a.in6)));
	}
	saw_result("recv queue again", recvmsg(fd, &m, MSG_ERRQUEUE));
	saw("poll in the end", "%s", events_text(poll_now(fd)));
	saw_result("recv in the end", recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	close(fd);
}

/* whose datagrams a connected socket takes */
static void only_the_peer(void)
{
	int fd = udp(), other = bound(), n;
	char buf[16];
	unsigned port;

	bind_to(fd, site->own, 0);
	port = port_of(fd);
	saw_result("before connect", send_to(other, site->own, port, "early", 5));
	wait_for(fd, POLLIN, WAIT_MS);
	connect_to(fd, site->peer, PEER_PORT);
	saw_result("a stranger sends", send_to(other, site->own, port, "stranger", 8));
	saw_result("the peer answers", send(fd, "echo", 4, 0));
	while (wait_for(fd, POLLIN, 300)) {
		n = (int)recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		saw("received", "%.*s", n < 0 ? 0 : n, buf);
	}
	close(other);
	close(fd);
}

static void unreachable(void)
{
	int fd = udp();
	bool v4 = site->domain == AF_INET;

	saw_result("broadcast", v4 ? send_to(fd, "255.255.255.255", 9, "x", 1) : 0);
	saw_result("subnet broadcast", v4 ? send_to(fd, "10.0.0.255", 9, "x", 1) : 0);
	saw_result("connect broadcast", v4 ? connect_to(fd, "255.255.255.255", 9) : 0);
	saw_result("set SO_BROADCAST", set_int(fd, SOL_SOCKET, SO_BROADCAST, 1));
	saw_result("broadcast allowed", v4 ? send_to(fd, "10.0.0.255", 9, "x", 1) : 0);
	saw_result("connect broadcast allowed", v4 ? connect_to(fd, "10.0.0.255", 9) : 0);
	saw_result("dissolve", dissolve(fd));
	saw_result("to any", send_to(fd, v4 ? "0.0.0.0" : "::", CLOSED_PORT, "x", 1));
	saw_result("to silence", send_to(fd, site->silent, 9, "x", 1));
	saw_result("class E", v4 ? send_to(fd, "240.0.0.1", 9, "x", 1) : 0);
	close(fd);
}

static void many(void)
{
	struct mmsghdr out[4], in[6];
	struct iovec ov[8], iv[6];
	static char bufs[6][16];
	struct timespec none = { 0, 0 };
	int fd = connected(), r;

	memset(out, 0, sizeof(out));
	memset(in, 0, sizeof(in));
	for (int i = 0; i < 4; i++) {
		ov[2 * i] = (struct iovec){ (void *)"abcd", (size_t)i + 1 };
		ov[2 * i + 1] = (struct iovec){ (void *)"xy", 2 };
		out[i].msg_hdr.msg_iov = &ov[2 * i];
		out[i].msg_hdr.msg_iovlen = 2;
	}
	for (int i = 0; i < 6; i++) {
		iv[i] = (struct iovec){ bufs[i], i == 2 ? 2 : sizeof(bufs[i]) };
		in[i].msg_hdr.msg_iov = &iv[i];
		in[i].msg_hdr.msg_iovlen = 1;
	}
	saw_result("sendmmsg", sendmmsg(fd, out, 4, 0));
	saw("lengths", "%u %u %u %u", out[0].msg_len, out[1].msg_len, out[2].msg_len, out[3].msg_len);
	r = recvmmsg(fd, in, 4, 0, NULL);
	saw_result("recvmmsg", r);
	for (int i = 0; i < r; i++)
		saw("message", "%u %.*s flags %#x", in[i].msg_len, (int)in[i].msg_len, bufs[i],
		    (unsigned)in[i].msg_hdr.msg_flags);
	saw_result("recvmmsg empty", recvmmsg(fd, in, 4, MSG_DONTWAIT, NULL));
	send(fd, "one", 3, 0);
	wait_for(fd, POLLIN, WAIT_MS);
	saw_result("recvmmsg WAITFORONE", recvmmsg(fd, in, 6, MSG_WAITFORONE, NULL));
	send(fd, "one", 3, 0);
	saw_result("recvmmsg timeout 0", recvmmsg(fd, in, 6, 0, &none));
	saw_result("sendmmsg none", sendmmsg(fd, out, 0, 0));
	none.tv_nsec = -1;
	saw_result("recvmmsg bad timeout", recvmmsg(fd, in, 1, MSG_DONTWAIT, &none));
	close(fd);
}

static void gather(void)
{
	struct iovec v[4] = { { (void *)"12", 2 }, { NULL, 0 }, { (void *)"345", 3 }, { (void *)"6", 1 } };
	char a[1], b[3], c[16];
	struct iovec r[3] = { { a, sizeof(a) }, { b, sizeof(b) }, { c, sizeof(c) } };
	int fd = connected();

	saw_result("writev", writev(fd, v, 4));
	wait_for(fd, POLLIN, WAIT_MS);
	saw_result("readv", readv(fd, r, 3));
	saw("parts", "%.1s %.3s %.2s", a, b, c);
	saw_result("writev none", writev(fd, v, 0));
	saw_result("writev too many", writev(fd, v, minus_one));
	saw_result("writev bad", writev(fd, (struct iovec[]){ { bad_pointer, 5 } }, 1));
	saw_result("read bad", (wait_for(fd, POLLIN, 200), recv(fd, bad_pointer, 5, MSG_DONTWAIT)));
	saw_result("send NULL", send(fd, NULL, 5, 0));
	close(fd);
}

static void more(void)
{
	char buf[16];
	int fd = connected();

	saw_result("send MORE", send(fd, "ab", 2, MSG_MORE));
	saw("poll", "%s", events_text(wait_for(fd, POLLIN, 100)));
	saw_result("send", send(fd, "cd", 2, 0));
	saw("poll then", "%s", events_text(wait_for(fd, POLLIN, WAIT_MS)));
	saw_result("recv", recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	close(fd);
}

const struct scenario udp_scenarios[] = {
	{ "new", on_new, ON_LO | ON_NET4 }, { "bound", on_bound, ON_LO },
	{ "connected", on_connected, ON_ALL }, { "dissolved", on_dissolved, ON_LO },
	{ "connect", connects, ON_ALL }, { "sizes", sizes, ON_ALL },
	{ "truncated", truncated, ON_LO4 | ON_NET }, { "zero length", zero_length, ON_ALL },
	{ "refused", refused, ON_ALL }, { "error queue", error_queue, ON_LO | ON_NET },
	{ "only the peer", only_the_peer, ON_LO | ON_NET }, { "unreachable", unreachable, ON_LO },
	{ "mmsg", many, ON_LO4 | ON_NET6 }, { "gather", gather, ON_LO4 | ON_NET4 },
	{ "MSG_MORE", more, ON_LO4 | ON_NET4 },
	{ 0 },
};
