/* effect.c - what options do, and what the network does to a socket */
#include <err.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/errqueue.h>
#include "diff.h"

#define NEIGHBOUR_MS	8000		/* ARP and ND give up after three seconds */

static const char *nobody(void)
{
	return site->domain == AF_INET ? "10.0.0.99" : "fc00::1:99";
}

static long send_to(int fd, const char *text, unsigned port)
{
	union addr a;
	socklen_t len = make_addr(&a, text, port);

	return sendto(fd, "x", 1, 0, &a.sa, len);
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

/* a window that is smaller than the loopback's segments opens again and again */
static void small_window(void)
{
	static char data[256 * 1024];
	int l = tcp(), c = tcp(), a;
	size_t got = 0;
	ssize_t n = 1;

	set_int(l, SOL_SOCKET, SO_RCVBUF, 4096);
	bind_to(l, site->own, 0);
	listen(l, 1);
	saw_result("connect", connect_to(c, site->own, port_of(l)));
	a = accept(l, NULL, NULL);
	nonblock(c);
	nonblock(a);
	for (size_t sent = 0; n && got < sizeof(data);) {
		n = sent < sizeof(data) ? send(c, data, sizeof(data) - sent, 0) : 0;
		sent += n > 0 ? (size_t)n : 0;
		n = wait_for(a, POLLIN, WAIT_MS) ? recv(a, data, sizeof(data), 0) : 0;
		got += n > 0 ? (size_t)n : 0;
	}
	saw("received", "%zu", got);
	close(l);
	close(a);
	close(c);
}

/* what one write sends over the loopback one read gets, as programs expect that should not */
static void whole_writes(void)
{
	static const size_t sizes[] = { 1, 4095, 4096, 4097, 8192, 16410, 32768, 65000 };
	static char data[65000], buf[sizeof(data)];
	int l = listener(), c = tcp(), a;

	saw_result("connect", connect_to(c, site->own, port_of(l)));
	a = accept(l, NULL, NULL);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		saw_result("send", send(c, data, sizes[i], 0));
		wait_for(a, POLLIN, WAIT_MS);
		saw_result("recv", recv(a, buf, sizeof(buf), MSG_DONTWAIT));
		while (recv(a, buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
	}
	close(c);
	c = tcp();		/* the first write of a connection goes another way */
	saw_result("connect again", connect_to(c, site->own, port_of(l)));
	saw_result("first send", send(c, data, sizeof(data), 0));
	close(a);
	a = accept(l, NULL, NULL);
	wait_for(a, POLLIN, WAIT_MS);
	saw_result("first recv", recv(a, buf, sizeof(buf), MSG_DONTWAIT));
	close(l);
	close(a);
	close(c);
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

/* TCP_MAXSEG: what a connection may send, and what it lets the peer send */
static void segments(void)
{
	int fd = tcp(), l = listener(), c = tcp(), a;

	saw_result("new", get_int(fd, IPPROTO_TCP, TCP_MAXSEG));
	saw_result("set", set_int(fd, IPPROTO_TCP, TCP_MAXSEG, 700));
	saw_result("get", get_int(fd, IPPROTO_TCP, TCP_MAXSEG));
	saw_result("set 0", set_int(c, IPPROTO_TCP, TCP_MAXSEG, 0));
	saw_result("connect", connect_to(fd, site->peer, PEER_PORT));
	saw_result("connected", get_int(fd, IPPROTO_TCP, TCP_MAXSEG));
	saw_result("listener", set_int(l, IPPROTO_TCP, TCP_MAXSEG, 500));
	saw_result("connect to it", connect_to(c, site->own, port_of(l)));
	wait_for(l, POLLIN, WAIT_MS);
	a = accept(l, NULL, NULL);
	saw_result("its client", get_int(c, IPPROTO_TCP, TCP_MAXSEG));
	saw_result("accepted", get_int(a, IPPROTO_TCP, TCP_MAXSEG));
	close(a);
	close(c);
	close(l);
	close(fd);
	fd = tcp();
	connect_to(fd, site->peer, PEER_PORT);
	saw("without", "%s", get_int(fd, IPPROTO_TCP, TCP_MAXSEG) > 1000 ? "large" : "small");
	close(fd);
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

/* a receive with what is told beside the data; the address is known by its level */
static void show_told(int fd, const char *what, size_t size, int flags)
{
	static char buf[4096];
	char ctl[256];
	struct iovec v = { buf, size };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl),
	};
	int value;

	wait_for(fd, POLLIN, 300);
	saw_result(what, recvmsg(fd, &m, flags | MSG_DONTWAIT));
	saw("flags", "%#x", (unsigned)m.msg_flags);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		memcpy(&value, CMSG_DATA(c), sizeof(value));
		saw("told", "level %d type %d of %zu: %d", c->cmsg_level, c->cmsg_type,
		    c->cmsg_len - CMSG_LEN(0), c->cmsg_level == IPPROTO_UDP ? value : 0);
	}
}

/* UDP_GRO: what was sent in one call to an address of ours is received in one */
static void together(void)
{
	static char data[3000];
	bool v4 = site->domain == AF_INET;
	int in = udp(), fd = udp(), unread;

	saw_result("bind", bind_to(in, site->own, test_port(0)));
	connect_to(fd, site->own, test_port(0));
	saw_result("GRO", set_int(in, IPPROTO_UDP, UDP_GRO, 1));
	saw_result("get GRO", get_int(in, IPPROTO_UDP, UDP_GRO));
	saw_result("by message", send_segments(fd, data, 2500, 1000));
	wait_for(in, POLLIN, 300);
	saw_result("FIONREAD", ioctl(in, FIONREAD, &unread));
	saw("unread", "%d", unread);
	show_told(in, "peek", 4096, MSG_PEEK);
	show_told(in, "all", 4096, 0);
	send_segments(fd, data, 2500, 1000);
	show_told(in, "cut", 1200, 0);
	send_segments(fd, data, 2500, 1000);
	show_told(in, "cut, all told", 1200, MSG_TRUNC);
	send_segments(fd, data, 1000, 1000);
	show_told(in, "one of that size", 4096, 0);
	send(fd, data, 2500, 0);
	show_told(in, "one", 4096, 0);
	set_int(in, SOL_SOCKET, SO_TIMESTAMP, 1);
	set_int(in, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, 1);
	send_segments(fd, data, 2001, 1000);
	show_told(in, "beside others", 4096, 0);
	saw_result("off", set_int(in, IPPROTO_UDP, UDP_GRO, 0));
	send_segments(fd, data, 2500, 1000);
	show_told(in, "each", 4096, 0);
	show_echoes(in, "the rest");
	close(fd);
	close(in);
}

/* nobody has the port: one error for all that was sent together */
static void together_refused(void)
{
	static char data[3000], buf[4096];
	bool v4 = site->domain == AF_INET;
	int plain = udp(), fd = udp();

	connect_to(plain, site->own, test_port(1));
	saw_result("send", send_segments(plain, data, 2500, 1000));
	saw("poll", "%s", events_text(wait_for(plain, POLLIN, WAIT_MS)));
	saw_result("SO_ERROR", so_error(plain));
	saw_result("SO_ERROR then", so_error(plain));
	set_int(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, 1);
	connect_to(fd, site->own, test_port(1));
	saw_result("send with RECVERR", send_segments(fd, data, 2500, 1000));
	wait_for(fd, POLLIN, WAIT_MS);
	saw_result("error queue", recv(fd, buf, sizeof(buf), MSG_ERRQUEUE | MSG_DONTWAIT));
	saw_result("error queue then", recv(fd, buf, sizeof(buf), MSG_ERRQUEUE | MSG_DONTWAIT));
	close(plain);
	close(fd);
}

/* the interface of site->own, and its link-local address */
static bool own_link(char name[IF_NAMESIZE], union addr *local)
{
	struct ifaddrs *all, *i;
	union addr own;

	make_addr(&own, site->own, 0);
	if (getifaddrs(&all) < 0)
		return false;
	name[0] = '\0';
	for (i = all; i; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_addr->sa_family == site->domain &&
		    !memcmp(site->domain == AF_INET ? (void *)&own.in.sin_addr : (void *)&own.in6.sin6_addr,
			    site->domain == AF_INET ? (void *)&((struct sockaddr_in *)i->ifa_addr)->sin_addr :
			    (void *)&((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr,
			    site->domain == AF_INET ? 4 : 16))
			snprintf(name, IF_NAMESIZE, "%s", i->ifa_name);
	for (i = all; local && i; i = i->ifa_next) {
		const struct sockaddr_in6 *a = (const void *)i->ifa_addr;

		if (a && a->sin6_family == AF_INET6 && !strcmp(i->ifa_name, name) &&
		    IN6_IS_ADDR_LINKLOCAL(&a->sin6_addr))
			local->in6 = *a;
	}
	freeifaddrs(all);
	return name[0];
}

static int on_device(int fd, const char *name)
{
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name));
}

static void devices(void)
{
	int l = tcp(), l2 = tcp(), c = tcp(), u = udp(), u2 = udp(), out = udp();
	char name[IF_NAMESIZE], buf[4];

	saw_result("found", own_link(name, NULL));
	saw_result("lo", on_device(l, "lo"));
	saw_result("link", on_device(l2, name));
	saw_result("bind lo", bind_to(l, NULL, test_port(0)));
	saw_result("bind link", bind_to(l2, NULL, test_port(0)));
	saw_result("listen lo", listen(l, 5));
	saw_result("listen link", listen(l2, 5));
	saw_result("connect", connect_to(c, site->domain == AF_INET ? "127.0.0.1" : "::1", test_port(0)));
	saw("lo has it", "%s", events_text(wait_for(l, POLLIN, WAIT_MS)));
	saw("link has it", "%s", events_text(poll_now(l2)));
	on_device(u, "lo");
	on_device(u2, name);
	saw_result("bind UDP lo", bind_to(u, NULL, test_port(1)));
	saw_result("bind UDP link", bind_to(u2, NULL, test_port(1)));
	send_to(out, site->domain == AF_INET ? "127.0.0.1" : "::1", test_port(1));
	saw("lo has it", "%s", events_text(wait_for(u, POLLIN, WAIT_MS)));
	saw_result("link has none", recv(u2, buf, sizeof(buf), MSG_DONTWAIT));
	saw_result("no device", on_device(out, "nosuch0"));
	close(l);
	close(l2);
	close(c);
	close(u);
	close(u2);
	close(out);
}

/* to ourselves by the address that only a scope makes complete */
static void link_local(void)
{
	char name[IF_NAMESIZE];
	int l = tcp(), c = tcp(), wrong = tcp(), none = tcp();
	union addr a = { 0 };
	socklen_t len = sizeof(a.in6);

	saw_result("found", own_link(name, &a));
	saw_result("bind", bind(l, &a.sa, len));
	saw_result("listen", listen(l, 5));
	getsockname(l, &a.sa, &len);
	saw_result("connect", connect(c, &a.sa, len));
	saw("accept", "%s", events_text(wait_for(l, POLLIN, WAIT_MS)));
	getpeername(c, &a.sa, &len);
	saw("peer", "%s", a.in6.sin6_scope_id == if_nametoindex(name) ? "the link" : "another");
	a.in6.sin6_port = 0;
	a.in6.sin6_scope_id = 1;
	saw_result("bind on lo", bind(wrong, &a.sa, len));
	a.in6.sin6_scope_id = 0;
	saw_result("bind nowhere", bind(none, &a.sa, len));
	close(l);
	close(c);
	close(wrong);
	close(none);
}

static void port_later(void)
{
	union addr a;
	socklen_t len;

	for (int i = 0; i < 2; i++) {
		int fd = i ? udp() : tcp();

		len = sizeof(a);
		saw_result("set", set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1));
		saw_result("bind", bind_to(fd, site->own, 0));
		getsockname(fd, &a.sa, &len);
		saw("port", "%s", a.in.sin_port ? "one" : "none yet");
		saw_result("connect", connect_to(fd, site->peer, PEER_PORT));
		len = sizeof(a);
		getsockname(fd, &a.sa, &len);
		saw("port then", "%s", a.in.sin_port ? "one" : "none yet");
		a.in.sin_port = 0;
		saw("address", "%s", addr_text(&a, len));
		close(fd);
	}
}

/* who gets what is sent to a group that another socket joined */
static void all_groups(void)
{
	bool v4 = site->domain == AF_INET;
	const char *group = v4 ? "224.1.2.3" : "ff02::1:2:3";
	int member = udp(), other = udp(), own = udp(), out = udp();
	struct group_req g = { 0 };
	char name[IF_NAMESIZE], buf[4];
	int fds[3] = { member, other, own };

	if (!own_link(name, NULL))
		errx(2, "no interface");
	g.gr_interface = if_nametoindex(name);
	make_addr((union addr *)&g.gr_group, group, 0);
	for (int i = 0; i < 3; i++) {
		set_int(fds[i], SOL_SOCKET, SO_REUSEADDR, 1);
		saw_result("bind", bind_to(fds[i], NULL, test_port(0)));
	}
	saw_result("join", setsockopt(member, v4 ? IPPROTO_IP : IPPROTO_IPV6, MCAST_JOIN_GROUP, &g, sizeof(g)));
	saw_result("join again", setsockopt(member, v4 ? IPPROTO_IP : IPPROTO_IPV6, MCAST_JOIN_GROUP, &g, sizeof(g)));
	saw_result("own groups only", set_int(own, v4 ? IPPROTO_IP : IPPROTO_IPV6,
					      v4 ? IP_MULTICAST_ALL : IPV6_MULTICAST_ALL, 0));
	saw_result("out by", v4 ? setsockopt(out, IPPROTO_IP, IP_MULTICAST_IF,
		&(struct ip_mreqn){ .imr_ifindex = (int)g.gr_interface }, sizeof(struct ip_mreqn)) :
		set_int(out, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)g.gr_interface));
	saw_result("send", send_to(out, group, test_port(0)));
	saw("member", "%s", events_text(wait_for(member, POLLIN, WAIT_MS)));
	saw("other", "%s", events_text(wait_for(other, POLLIN, WAIT_MS)));
	saw_result("own only", recv(own, buf, sizeof(buf), MSG_DONTWAIT));
	saw_result("leave", setsockopt(member, v4 ? IPPROTO_IP : IPPROTO_IPV6, MCAST_LEAVE_GROUP, &g, sizeof(g)));
	saw_result("leave again", setsockopt(member, v4 ? IPPROTO_IP : IPPROTO_IPV6, MCAST_LEAVE_GROUP, &g, sizeof(g)));
	g.gr_group.ss_family = AF_UNIX;
	saw_result("join AF_UNIX", setsockopt(member, v4 ? IPPROTO_IP : IPPROTO_IPV6, MCAST_JOIN_GROUP, &g, sizeof(g)));
	saw_result("join short", setsockopt(member, v4 ? IPPROTO_IP : IPPROTO_IPV6, MCAST_JOIN_GROUP, &g, 20));
	close(member);
	close(other);
	close(own);
	close(out);
}

/* IP_MINTTL, IPV6_MINHOPCOUNT: who comes from further away is not heard (RFC 5082) */
static void min_ttl(void)
{
	bool v4 = site->domain == AF_INET;
	int level = v4 ? IPPROTO_IP : IPPROTO_IPV6, min = v4 ? IP_MINTTL : IPV6_MINHOPCOUNT;
	int ttl = v4 ? IP_TTL : IPV6_UNICAST_HOPS;
	static const int ends[][2] = { { 64, 0 }, { 64, 64 }, { 64, 65 }, { 255, 255 }, { 254, 255 } };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		for (int near = 0; near < 2; near++) {
			int l = listener(), c = tcp(), a = -1;
			char what[64];

			snprintf(what, sizeof(what), "%s: %d for %d", near ? "client" : "listener", ends[i][0], ends[i][1]);
			nonblock(c);
			saw_result(what, set_int(near ? l : c, level, ttl, ends[i][0]));
			saw_result(what, set_int(near ? c : l, level, min, ends[i][1]));
			connect_to(c, site->own, port_of(l));
			saw(what, "%s", wait_for(c, POLLOUT, 120) ? "connected" : "silence");
			if (wait_for(l, POLLIN, 20))
				a = accept(l, NULL, NULL);
			saw(what, "accepted %d", a >= 0 ? get_int(a, level, min) : -1);
			close(a);
			close(c);
			close(l);
		}
}

const struct scenario effect_scenarios[] = {
	{ "small window", small_window, ON_LO }, { "whole writes", whole_writes, ON_LO },
	{ "no neighbour", no_neighbour, ON_NET }, { "deferred", deferred, ON_LO },
	{ "fast open", fast_open, ON_LO | ON_NET }, { "foreign address", foreign_address, ON_NET },
	{ "devices", devices, ON_NET }, { "link local", link_local, ON_NET6 },
	{ "port later", port_later, ON_LO4 | ON_NET }, { "all groups", all_groups, ON_NET },
	{ "segments", segments, ON_ALL }, { "mtu", mtu, ON_ALL }, { "pieces", pieces, ON_ALL },
	{ "together", together, ON_ALL }, { "together refused", together_refused, ON_LO | ON_NET },
	{ "min ttl", min_ttl, ON_LO },
	{ 0 },
};
