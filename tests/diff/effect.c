/* effect.c - what options do, and what the network does to a socket */
#include <err.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <linux/errqueue.h>
#include "diff.h"

#define NEIGHBOUR_MS	8000		/* ARP and ND give up after three seconds */

static const char *nobody(void)
{
	return site->domain == AF_INET ? "10.0.0.99" : "fc00::1:99";
}

/* nobody has that address on the link */
static void no_neighbour(void)
{
	int t = tcp(), u = udp(), e = udp();
	bool v4 = site->domain == AF_INET;
	char buf[64], ctl[256];
	struct iovec v = { buf, sizeof(buf) };
	union addr a;
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_name = &a, .msg_namelen = sizeof(a),
		.msg_control = ctl, .msg_controllen = sizeof(ctl),
	};

	nonblock(t);
	saw_result("connect", connect_to(t, nobody(), 80));
	connect_to(u, nobody(), 9);
	saw_result("send", send(u, "12345", 5, 0));
	set_int(e, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, 1);
	connect_to(e, nobody(), 9);
	saw_result("send with RECVERR", send(e, "12345", 5, 0));
	saw("poll", "%s", events_text(wait_for(t, POLLOUT, NEIGHBOUR_MS)));
	saw_result("SO_ERROR", so_error(t));
	wait_for(e, POLLIN, NEIGHBOUR_MS);
	saw_result("without RECVERR", recv(u, buf, sizeof(buf), MSG_DONTWAIT));
	saw_result("with RECVERR", recv(e, buf, sizeof(buf), MSG_DONTWAIT));
	saw_result("error queue", recvmsg(e, &m, MSG_ERRQUEUE | MSG_DONTWAIT));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct sock_extended_err *x = (void *)CMSG_DATA(c);

		saw("error", "%s origin %u type %u code %u from %s", strerrorname_np((int)x->ee_errno),
		    x->ee_origin, x->ee_type, x->ee_code,
		    addr_text((void *)SO_EE_OFFENDER(x), v4 ? sizeof(a.in) : sizeof(a.in6)));
	}
	close(t);
	close(u);
	close(e);
}

/* TCP_DEFER_ACCEPT: accept() sees a connection when there is something to read */
static void deferred(void)
{
	int l = listener(), c = tcp(), a, c2 = tcp();
	char buf[8] = "";

	saw_result("set", set_int(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5));
	saw_result("get", get_int(l, IPPROTO_TCP, TCP_DEFER_ACCEPT));
	saw_result("connect", connect_to(c, site->own, port_of(l)));
	saw("nothing said", "%s", events_text(wait_for(l, POLLIN, 200)));
	saw_result("send", send(c, "hello", 5, 0));
	saw("said", "%s", events_text(wait_for(l, POLLIN, WAIT_MS)));
	a = accept(l, NULL, NULL);
	saw_result("recv", recv(a, buf, sizeof(buf), MSG_DONTWAIT));
	saw_result("connect 2", connect_to(c2, site->own, port_of(l)));
	shutdown(c2, SHUT_WR);
	saw("closed", "%s", events_text(wait_for(l, POLLIN, WAIT_MS)));
	close(accept(l, NULL, NULL));
	close(l);
	close(a);
	close(c);
	close(c2);
}

/* MSG_FASTOPEN, for which there is no cookie */
static void fast_open(void)
{
	int fd = tcp();
	union addr a;
	socklen_t len = make_addr(&a, site->peer, PEER_PORT);

	saw_result("sendto", sendto(fd, "echo\n", 5, MSG_FASTOPEN, &a.sa, len));
	saw_result("again", sendto(fd, "x", 1, MSG_FASTOPEN, &a.sa, len));
	saw_result("without address", send(fd, "x", 1, MSG_FASTOPEN));
	close(fd);
	fd = tcp();
	saw_result("no address", send(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL));
	nonblock(fd);
	saw_result("non-blocking", sendto(fd, "x", 1, MSG_FASTOPEN, &a.sa, len));
	close(fd);
	fd = tcp();
	saw_result("refused", sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, &a.sa,
				     make_addr(&a, site->own, 9)));
	close(fd);
	fd = tcp();
	make_addr(&a, site->peer, PEER_PORT);
	saw_result("FASTOPEN_CONNECT", set_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1));
	saw_result("connect", connect(fd, &a.sa, len));
	saw_result("FASTOPEN_CONNECT then", set_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1));
	close(fd);
}

/* addresses that are not ours */
static void foreign_address(void)
{
	static const int names[][2] = { { IP_FREEBIND, IPV6_FREEBIND },
					{ IP_TRANSPARENT, IPV6_TRANSPARENT } };
	bool v4 = site->domain == AF_INET;
	const char *foreign = v4 ? "192.0.2.77" : "2001:db8::77";

	for (int i = 0; i < 2; i++) {
		int name = names[i][!v4], level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
		int u = udp(), t = tcp(), l = tcp();
		union addr a;
		socklen_t len = sizeof(a);

		saw_result("bind without", bind_to(u, foreign, 0));
		saw_result("set", set_int(u, level, name, 1));
		saw_result("bind", bind_to(u, foreign, 0));
		saw_result("getsockname", getsockname(u, &a.sa, &len));
		a.in.sin_port = 0;
		saw("name", "%s", addr_text(&a, len));
		len = make_addr(&a, site->peer, 9);
		if (v4 && i)		/* else there is no route, which is told late */
			saw_result("sendto", sendto(u, "x", 1, 0, &a.sa, len));
		saw_result("set TCP", set_int(t, level, name, 1));
		saw_result("bind TCP", bind_to(t, foreign, 0));
		set_int(l, level, name, 1);
		saw_result("bind listener", bind_to(l, foreign, 0));
		saw_result("listen", listen(l, 1));
		close(u);
		close(t);
		close(l);
	}
}

static void mtu(void)
{
	bool v4 = site->domain == AF_INET;
	int level = v4 ? IPPROTO_IP : IPPROTO_IPV6, name = v4 ? IP_MTU : IPV6_MTU;
	int u = udp(), t = tcp();

	saw_result("UDP", get_int(u, level, name));
	saw_result("connect", connect_to(u, site->peer, PEER_PORT));
	saw_result("UDP connected", get_int(u, level, name));
	saw_result("TCP", get_int(t, level, name));
	connect_to(t, site->peer, PEER_PORT);
	saw_result("TCP connected", get_int(t, level, name));
	close(u);
	close(t);
}

static void show_echoes(int fd, const char *what)
{
	char buf[4096];

	while (wait_for(fd, POLLIN, 300))
		saw_result(what, recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
}

static long send_segments(int fd, const void *data, size_t len, unsigned size)
{
	char ctl[CMSG_SPACE(sizeof(uint16_t))] = { 0 };
	struct iovec v = { (void *)data, len };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	uint16_t s = (uint16_t)size;

	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(s));
	memcpy(CMSG_DATA(c), &s, sizeof(s));
	return sendmsg(fd, &m, 0);
}

/* UDP_CORK and UDP_SEGMENT: one datagram of several sends, several of one */
static void pieces(void)
{
	static char data[3000];
	int fd = udp();

	connect_to(fd, site->peer, PEER_PORT);
	saw_result("cork", set_int(fd, IPPROTO_UDP, UDP_CORK, 1));
	saw_result("send", send(fd, data, 10, 0));
	saw_result("send", send(fd, data, 20, 0));
	saw("held", "%s", events_text(wait_for(fd, POLLIN, 100)));
	saw_result("uncork", set_int(fd, IPPROTO_UDP, UDP_CORK, 0));
	show_echoes(fd, "corked");
	saw_result("segment", set_int(fd, IPPROTO_UDP, UDP_SEGMENT, 1000));
	saw_result("send 2500", send(fd, data, 2500, 0));
	show_echoes(fd, "segments");
	saw_result("send 1000", send(fd, data, 1000, 0));
	show_echoes(fd, "one segment");
	saw_result("off", set_int(fd, IPPROTO_UDP, UDP_SEGMENT, 0));
	saw_result("by message", send_segments(fd, data, 1200, 500));
	show_echoes(fd, "segments by message");
	close(fd);
}

const struct scenario effect_scenarios[] = {
	{ "no neighbour", no_neighbour, ON_NET }, { "deferred", deferred, ON_LO },
	{ "fast open", fast_open, ON_LO | ON_NET }, { "foreign address", foreign_address, ON_NET },
	{ "mtu", mtu, ON_ALL }, { "pieces", pieces, ON_ALL },
	{ 0 },
};
