/* option.c - socket options: defaults, values, lengths, inheritance
 *
 * One table of options; each is read and set on each kind of socket, with
 * values in and out of its range and lengths that are too short or too long.
 */
#include <err.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include "diff.h"

enum kind { TCP, UDP, RAW, LISTENER, ACCEPTED };

#define O(level, name) { level, name, #name, 0 }
#define T(level, name) { level, name, #name, VOLATILE }
enum { VOLATILE = 1 };		/* its value says something about the machine */

static const struct option {
	int level, name;
	const char *text;
	int flags;
} options[] = {
	O(SOL_SOCKET, SO_TYPE), O(SOL_SOCKET, SO_DOMAIN), O(SOL_SOCKET, SO_PROTOCOL),
	O(SOL_SOCKET, SO_ACCEPTCONN), O(SOL_SOCKET, SO_ERROR), O(SOL_SOCKET, SO_REUSEADDR),
	O(SOL_SOCKET, SO_REUSEPORT), O(SOL_SOCKET, SO_KEEPALIVE), O(SOL_SOCKET, SO_BROADCAST),
	T(SOL_SOCKET, SO_SNDBUF), T(SOL_SOCKET, SO_RCVBUF), O(SOL_SOCKET, SO_SNDLOWAT),
	O(SOL_SOCKET, SO_RCVLOWAT), O(SOL_SOCKET, SO_OOBINLINE), O(SOL_SOCKET, SO_DONTROUTE),
	O(SOL_SOCKET, SO_PRIORITY), O(SOL_SOCKET, SO_MARK), O(SOL_SOCKET, SO_TIMESTAMP),
	O(SOL_SOCKET, SO_TIMESTAMPNS), O(SOL_SOCKET, SO_NO_CHECK), O(SOL_SOCKET, SO_PASSCRED),
	O(SOL_SOCKET, SO_PEERCRED), O(SOL_SOCKET, SO_PEERSEC), O(SOL_SOCKET, SO_PASSSEC),
	O(SOL_SOCKET, SO_BSDCOMPAT), O(SOL_SOCKET, SO_RXQ_OVFL), O(SOL_SOCKET, SO_PEEK_OFF),
	O(SOL_SOCKET, SO_NOFCS), O(SOL_SOCKET, SO_LOCK_FILTER), O(SOL_SOCKET, SO_SELECT_ERR_QUEUE),
	T(SOL_SOCKET, SO_BUSY_POLL), O(SOL_SOCKET, SO_PREFER_BUSY_POLL),
	T(SOL_SOCKET, SO_INCOMING_CPU), O(SOL_SOCKET, SO_BINDTOIFINDEX),
	O(SOL_SOCKET, SO_DEBUG),
	O(SOL_SOCKET, SO_ZEROCOPY), O(SOL_SOCKET, SO_TIMESTAMPING),
	T(SOL_SOCKET, SO_INCOMING_NAPI_ID), O(SOL_SOCKET, 0), O(SOL_SOCKET, 999),
	O(IPPROTO_TCP, TCP_NODELAY), O(IPPROTO_TCP, TCP_CORK), T(IPPROTO_TCP, TCP_MAXSEG),
	O(IPPROTO_TCP, TCP_KEEPIDLE), O(IPPROTO_TCP, TCP_KEEPINTVL), O(IPPROTO_TCP, TCP_KEEPCNT),
	O(IPPROTO_TCP, TCP_USER_TIMEOUT), O(IPPROTO_TCP, TCP_DEFER_ACCEPT),
	T(IPPROTO_TCP, TCP_QUICKACK), O(IPPROTO_TCP, TCP_SYNCNT), O(IPPROTO_TCP, TCP_LINGER2),
	T(IPPROTO_TCP, TCP_WINDOW_CLAMP), O(IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS),
	O(IPPROTO_TCP, TCP_THIN_DUPACK), O(IPPROTO_TCP, TCP_REPAIR), O(IPPROTO_TCP, TCP_FASTOPEN),
	O(IPPROTO_TCP, TCP_FASTOPEN_CONNECT), O(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
	O(IPPROTO_TCP, TCP_SAVE_SYN), O(IPPROTO_TCP, TCP_INQ), O(IPPROTO_TCP, 0),
	O(IPPROTO_TCP, 999),
	O(IPPROTO_IP, IP_TTL), O(IPPROTO_IP, IP_TOS), O(IPPROTO_IP, IP_HDRINCL),
	O(IPPROTO_IP, IP_RECVTTL), O(IPPROTO_IP, IP_RECVTOS), O(IPPROTO_IP, IP_PKTINFO),
	O(IPPROTO_IP, IP_RECVERR), O(IPPROTO_IP, IP_RECVOPTS), O(IPPROTO_IP, IP_RETOPTS),
	O(IPPROTO_IP, IP_MTU_DISCOVER), T(IPPROTO_IP, IP_MTU), O(IPPROTO_IP, IP_FREEBIND),
	O(IPPROTO_IP, IP_TRANSPARENT), O(IPPROTO_IP, IP_MULTICAST_TTL),
	O(IPPROTO_IP, IP_MULTICAST_LOOP), O(IPPROTO_IP, IP_MULTICAST_ALL),
	O(IPPROTO_IP, IP_MULTICAST_IF), O(IPPROTO_IP, IP_UNICAST_IF), O(IPPROTO_IP, IP_MINTTL),
	O(IPPROTO_IP, IP_NODEFRAG), O(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
	O(IPPROTO_IP, IP_RECVORIGDSTADDR), O(IPPROTO_IP, IP_CHECKSUM), O(IPPROTO_IP, IP_PASSSEC),
	O(IPPROTO_IP, IP_RECVFRAGSIZE), O(IPPROTO_IP, IP_ROUTER_ALERT), O(IPPROTO_IP, 0), O(IPPROTO_IP, 999),
	O(IPPROTO_IPV6, IPV6_V6ONLY), O(IPPROTO_IPV6, IPV6_UNICAST_HOPS),
	O(IPPROTO_IPV6, IPV6_MULTICAST_HOPS), O(IPPROTO_IPV6, IPV6_MULTICAST_LOOP),
	O(IPPROTO_IPV6, IPV6_MULTICAST_IF), O(IPPROTO_IPV6, IPV6_MULTICAST_ALL),
	O(IPPROTO_IPV6, IPV6_TCLASS), O(IPPROTO_IPV6, IPV6_RECVPKTINFO),
	O(IPPROTO_IPV6, IPV6_RECVHOPLIMIT), O(IPPROTO_IPV6, IPV6_RECVTCLASS),
	O(IPPROTO_IPV6, IPV6_RECVERR), O(IPPROTO_IPV6, IPV6_MTU_DISCOVER),
	T(IPPROTO_IPV6, IPV6_MTU), O(IPPROTO_IPV6, IPV6_DONTFRAG),
	O(IPPROTO_IPV6, IPV6_RECVPATHMTU), O(IPPROTO_IPV6, IPV6_RECVRTHDR),
	O(IPPROTO_IPV6, IPV6_RECVHOPOPTS), O(IPPROTO_IPV6, IPV6_RECVDSTOPTS),
	O(IPPROTO_IPV6, IPV6_AUTOFLOWLABEL), O(IPPROTO_IPV6, IPV6_UNICAST_IF),
	O(IPPROTO_IPV6, IPV6_FREEBIND), O(IPPROTO_IPV6, IPV6_TRANSPARENT),
	O(IPPROTO_IPV6, IPV6_MINHOPCOUNT), O(IPPROTO_IPV6, IPV6_ADDR_PREFERENCES),
	O(IPPROTO_IPV6, IPV6_RECVORIGDSTADDR), O(IPPROTO_IPV6, IPV6_RECVFRAGSIZE),
	O(IPPROTO_IPV6, IPV6_ROUTER_ALERT), O(IPPROTO_IPV6, IPV6_CHECKSUM),
	T(IPPROTO_IPV6, 11 /* IPV6_FLOWINFO */), O(IPPROTO_IPV6, 0), O(IPPROTO_IPV6, 999),
	O(IPPROTO_UDP, UDP_CORK), O(IPPROTO_UDP, UDP_SEGMENT), O(IPPROTO_UDP, UDP_GRO),
	O(IPPROTO_UDP, UDP_NO_CHECK6_TX), O(IPPROTO_UDP, UDP_NO_CHECK6_RX), O(IPPROTO_UDP, 999),
	O(SOL_RAW, 1), O(SOL_RAW, 999), O(IPPROTO_ICMPV6, 1), O(77, 1), O(-1, 1),
};

#define COUNT (sizeof(options) / sizeof(options[0]))

static int kept_fds[2] = { -1, -1 };

static int make(enum kind k)
{
	int fd = -1;

	switch (k) {
	case TCP:
		fd = tcp();
		break;
	case UDP:
		fd = udp();
		break;
	case RAW:
		fd = socket(site->domain, SOCK_RAW,
			    site->domain == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
		break;
	case LISTENER:
		fd = listener();
		break;
	case ACCEPTED:
		pair(&kept_fds[0], &fd);
		break;
	}
	if (fd < 0)
		err(2, "socket");
	return fd;
}

static void done(int fd)
{
	close(fd);
	if (kept_fds[0] >= 0)
		close(kept_fds[0]);
	kept_fds[0] = -1;
}

static void label(char what[96], const struct option *o, const char *op)
{
	snprintf(what, 96, "%d %s %s", o->level, o->text, op);
}

static void show_get(int fd, const struct option *o, const char *op, int room)
{
	unsigned char v[64];
	socklen_t len = (socklen_t)room;
	char what[96];
	int r, n = 0;

	memset(v, 0xee, sizeof(v));
	r = getsockopt(fd, o->level, o->name, v, &len);
	label(what, o, op);
	if (r < 0) {
		saw_result(what, r);
		return;
	}
	if (len < sizeof(n))
		n = len ? v[0] : 0;
	else
		memcpy(&n, v, sizeof(n));
	if (o->flags & VOLATILE)
		saw(what, "length %d", (int)len);
	else if (len == 4 || room <= 4)
		saw(what, "%d length %d", n, (int)len);
	else
		saw(what, "length %d", (int)len);
}

static void lengths_of(enum kind k)
{
	for (size_t i = 0; i < COUNT; i++) {
		const struct option *o = &options[i];
		static const int rooms[] = { 4, 64, 3, 1, 0, -1 };
		char what[96], op[24];
		int fd = make(k), v[8] = { 1, 0, 0, 0, 0, 0, 0, 0 };

		for (size_t r = 0; r < sizeof(rooms) / sizeof(rooms[0]); r++) {
			snprintf(op, sizeof(op), r ? "get %d" : "default", rooms[r]);
			show_get(fd, o, op, rooms[r]);
		}
		for (int len = -1; len <= 8; len += len == 4 ? 4 : 1) {
			snprintf(op, sizeof(op), "set length %d", len);
			label(what, o, op);
			saw_result(what, setsockopt(fd, o->level, o->name, v, (socklen_t)len));
		}
		label(what, o, "set NULL");
		saw_result(what, setsockopt(fd, o->level, o->name, NULL, 4));
		label(what, o, "get NULL");
		saw_result(what, getsockopt(fd, o->level, o->name, NULL, &(socklen_t){ 4 }));
		label(what, o, "get NULL length");
		saw_result(what, getsockopt(fd, o->level, o->name, v, NULL));
		done(fd);
	}
}

static void values_of(enum kind k)
{
	static const int values[] = { -2, -1, 0, 1, 2, 5, 64, 100, 127, 128, 255, 256, 1000, 32767, 32768, 65536 };

	for (size_t i = 0; i < COUNT; i++) {
		const struct option *o = &options[i];

		for (size_t n = 0; n < sizeof(values) / sizeof(values[0]); n++) {
			char op[24], what[96];
			int fd = make(k), r;

			snprintf(op, sizeof(op), "set %d", values[n]);
			label(what, o, op);
			r = set_int(fd, o->level, o->name, values[n]);
			if (r < 0)
				saw_result(what, r);
			else if (o->flags & VOLATILE)
				saw(what, "0");
			else
				saw(what, "0 reads %s", result(get_int(fd, o->level, o->name)));
			done(fd);
		}
	}
}

#define EACH(name, kind) \
	static void lengths_##name(void) { lengths_of(kind); } \
	static void values_##name(void) { values_of(kind); }
EACH(tcp, TCP)
EACH(udp, UDP)
EACH(raw, RAW)
EACH(listener, LISTENER)
EACH(accepted, ACCEPTED)

/* what an accepted socket has from its listener */
static void inherited(void)
{
	static const int values[] = { 1, 0, 100 };

	for (size_t i = 0; i < COUNT; i++)
		for (int n = 0; n < 3; n++) {
			const struct option *o = &options[i];
			int l = listener(), c = tcp(), a;
			char op[24], what[96];

			snprintf(op, sizeof(op), "inherited %d", values[n]);
			label(what, o, op);
			nonblock(c);
			if (set_int(l, o->level, o->name, values[n]) < 0) {
				saw_result(what, -1);
			} else if (connect_to(c, site->own, port_of(l)) == 0 || wait_for(l, POLLIN, 100)) {
				a = accept(l, NULL, NULL);
				if (!(o->flags & VOLATILE))
					saw_result(what, get_int(a, o->level, o->name));
				close(a);
			}
			close(c);
			close(l);
		}
}

/* structures */
static void shapes(void)
{
	struct linger l = { 7, 9 };
	struct timeval tv = { 1, 500000 }, back;
	char text[32] = "";
	socklen_t len = sizeof(l);
	int fd = tcp(), u = udp();

	saw_result("SO_LINGER set 7 9", setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	saw_result("SO_LINGER get", getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
	saw("SO_LINGER", "%d %d length %u", l.l_onoff, l.l_linger, (unsigned)len);
	saw_result("SO_LINGER short", setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 4));
	len = 4;
	saw_result("SO_LINGER get short", getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
	saw("SO_LINGER length", "%u", (unsigned)len);
	l.l_linger = -1;
	saw_result("SO_LINGER -1", setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	for (int i = 0; i < 2; i++) {
		int name = i ? SO_RCVTIMEO : SO_SNDTIMEO;
		const char *what = i ? "SO_RCVTIMEO" : "SO_SNDTIMEO";

		len = sizeof(back);
		saw_result(what, getsockopt(fd, SOL_SOCKET, name, &back, &len));
		saw(what, "default %ld %ld length %u", (long)back.tv_sec, (long)back.tv_usec, (unsigned)len);
		saw_result(what, setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv)));
		saw_result(what, getsockopt(fd, SOL_SOCKET, name, &back, &len));
		saw(what, "%ld %ld", (long)back.tv_sec, (long)back.tv_usec);
		saw_result(what, setsockopt(fd, SOL_SOCKET, name, &tv, 4));
		saw_result(what, setsockopt(fd, SOL_SOCKET, name, &(struct timeval){ 0, 1000000 }, sizeof(tv)));
		saw_result(what, setsockopt(fd, SOL_SOCKET, name, &(struct timeval){ -1, 0 }, sizeof(tv)));
		saw_result(what, getsockopt(fd, SOL_SOCKET, name, &back, &len));
		saw(what, "%ld %ld", (long)back.tv_sec, (long)back.tv_usec);
	}
	for (int i = 0; i < 2; i++) {
		int s = i ? u : fd;

		len = sizeof(text);
		saw_result("BINDTODEVICE get", getsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, text, &len));
		saw("BINDTODEVICE length", "%u", (unsigned)len);
		saw_result("BINDTODEVICE lo", setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
		len = sizeof(text);
		saw_result("BINDTODEVICE get lo", getsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, text, &len));
		saw("BINDTODEVICE", "%s length %u", text, (unsigned)len);
		len = 3;
		saw_result("BINDTODEVICE get short", getsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, text, &len));
		saw_result("BINDTODEVICE none", setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "nosuch0", 8));
		saw_result("BINDTODEVICE off", setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
	}
	len = sizeof(text);
	saw_result("TCP_CONGESTION set", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	saw_result("TCP_CONGESTION get", getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, text, &len));
	saw("TCP_CONGESTION", "%.4s length %u", text, (unsigned)len);
	saw_result("TCP_CONGESTION none", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nosuch", 6));
	saw_result("TCP_CONGESTION empty", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "", 0));
	saw_result("TCP_CONGESTION on UDP", setsockopt(u, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	close(fd);
	close(u);
}

static void cookies(void)
{
	uint64_t one = 0, two = 0, again = 0;
	socklen_t len = 8;
	int fd = tcp(), u = udp();

	saw_result("SO_COOKIE", getsockopt(fd, SOL_SOCKET, SO_COOKIE, &one, &len));
	saw("length", "%u", (unsigned)len);
	getsockopt(fd, SOL_SOCKET, SO_COOKIE, &again, &len);
	getsockopt(u, SOL_SOCKET, SO_COOKIE, &two, &len);
	saw("cookie", "%s %s %s", one ? "set" : "zero", one == again ? "stable" : "changes",
	    one == two ? "shared" : "distinct");
	len = 4;
	saw_result("short", getsockopt(fd, SOL_SOCKET, SO_COOKIE, &one, &len));
	saw_result("set", setsockopt(fd, SOL_SOCKET, SO_COOKIE, &one, 8));
	close(fd);
	close(u);
}

/* group membership, by each of the calls */
static void groups(void)
{
	int fd = udp(), t = tcp();
	bool v4 = site->domain == AF_INET;

	if (v4) {
		struct ip_mreq m = { .imr_multiaddr.s_addr = htonl(0xe0010203),
				     .imr_interface.s_addr = htonl(INADDR_LOOPBACK) };
		struct group_req g = { .gr_interface = 1 };
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = m.imr_multiaddr };

		memcpy(&g.gr_group, &in, sizeof(in));
		saw_result("join", setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
		saw_result("join again", setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
		saw_result("MCAST join again", setsockopt(fd, IPPROTO_IP, MCAST_JOIN_GROUP, &g, sizeof(g)));
		saw_result("leave", setsockopt(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof(m)));
		saw_result("leave again", setsockopt(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof(m)));
		saw_result("MCAST join", setsockopt(fd, IPPROTO_IP, MCAST_JOIN_GROUP, &g, sizeof(g)));
		saw_result("MCAST leave", setsockopt(fd, IPPROTO_IP, MCAST_LEAVE_GROUP, &g, sizeof(g)));
		saw_result("MCAST leave again", setsockopt(fd, IPPROTO_IP, MCAST_LEAVE_GROUP, &g, sizeof(g)));
		saw_result("MCAST short", setsockopt(fd, IPPROTO_IP, MCAST_JOIN_GROUP, &g, 16));
		saw_result("short", setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, 7));
		saw_result("TCP", setsockopt(t, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
		m.imr_multiaddr.s_addr = htonl(0x0a000001);
		saw_result("no group", setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
		m.imr_multiaddr.s_addr = htonl(0xe0010203);
		m.imr_interface.s_addr = htonl(0xc0000299);
		saw_result("no interface", setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
		saw_result("MULTICAST_IF", setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF,
						      &(struct in_addr){ htonl(INADDR_LOOPBACK) }, 4));
		saw_result("MULTICAST_IF none", setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF,
							   &m.imr_interface, 4));
	} else {
		struct ipv6_mreq m = { .ipv6mr_interface = 1 };

		m.ipv6mr_multiaddr.s6_addr[0] = 0xff;
		m.ipv6mr_multiaddr.s6_addr[1] = 0x01;
		m.ipv6mr_multiaddr.s6_addr[15] = 0x77;
		saw_result("join", setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof(m)));
		saw_result("join again", setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof(m)));
		saw_result("leave", setsockopt(fd, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &m, sizeof(m)));
		saw_result("leave again", setsockopt(fd, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &m, sizeof(m)));
		saw_result("short", setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, 10));
		m.ipv6mr_interface = 0;		/* the kernel's choice, also of a link-local group */
		saw_result("join on any", setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof(m)));
		saw_result("leave on any", setsockopt(fd, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &m, sizeof(m)));
		m.ipv6mr_interface = 99;
		saw_result("no interface", setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof(m)));
		m.ipv6mr_interface = 1;
		m.ipv6mr_multiaddr.s6_addr[0] = 0x20;
		saw_result("no group", setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof(m)));
		saw_result("MULTICAST_IF", set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, 1));
		saw_result("MULTICAST_IF none", set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, 99));
	}
	close(fd);
	close(t);
}

/* what ancillary data comes with a datagram, by option */
static void ancillary(void)
{
	static const struct {
		int level, name;
		const char *text;
	} wanted[] = {
		{ IPPROTO_IP, IP_RECVTTL, "IP_RECVTTL" }, { IPPROTO_IP, IP_RECVTOS, "IP_RECVTOS" },
		{ IPPROTO_IP, IP_PKTINFO, "IP_PKTINFO" },
		{ IPPROTO_IP, IP_RECVORIGDSTADDR, "IP_RECVORIGDSTADDR" },
		{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, "IPV6_RECVHOPLIMIT" },
		{ IPPROTO_IPV6, IPV6_RECVTCLASS, "IPV6_RECVTCLASS" },
		{ IPPROTO_IPV6, IPV6_RECVPKTINFO, "IPV6_RECVPKTINFO" },
		{ SOL_SOCKET, SO_TIMESTAMP, "SO_TIMESTAMP" },
		{ SOL_SOCKET, SO_TIMESTAMPNS, "SO_TIMESTAMPNS" },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		for (int room = 256; room >= 0; room -= 236) {
			char buf[16], ctl[256], what[64];
			struct iovec v = { buf, sizeof(buf) };
			struct msghdr m = {
				.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl,
				.msg_controllen = (size_t)room,
			};
			int fd = udp();

			if (set_int(fd, wanted[i].level, wanted[i].name, 1) < 0) {
				close(fd);
				continue;
			}
			connect_to(fd, site->peer, PEER_PORT);
			send(fd, "x", 1, 0);
			wait_for(fd, POLLIN, WAIT_MS);
			snprintf(what, sizeof(what), "%s room %d", wanted[i].text, room);
			if (recvmsg(fd, &m, MSG_DONTWAIT) < 0)
				saw_result(what, -1);
			else
				saw(what, "control %zu flags %#x", (size_t)m.msg_controllen,
				    (unsigned)m.msg_flags);
			for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
				int n = 0;

				memcpy(&n, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0) < 4 ? c->cmsg_len - CMSG_LEN(0) : 4);
				saw(what, "level %d type %d length %zu value %d", c->cmsg_level, c->cmsg_type,
				    (size_t)c->cmsg_len, !(m.msg_flags & MSG_CTRUNC) && (c->cmsg_len == CMSG_LEN(4) ||
				    c->cmsg_len == CMSG_LEN(1)) ? n : -1);
			}
			close(fd);
		}
}

const struct scenario option_scenarios[] = {
	{ "TCP lengths", lengths_tcp, ON_LO }, { "UDP lengths", lengths_udp, ON_LO },
	{ "raw lengths", lengths_raw, ON_LO },
	{ "TCP values", values_tcp, ON_LO }, { "UDP values", values_udp, ON_LO },
	{ "raw values", values_raw, ON_LO },
	{ "listener lengths", lengths_listener, ON_LO4 },
	{ "listener values", values_listener, ON_LO6 },
	{ "accepted lengths", lengths_accepted, ON_LO6 },
	{ "accepted values", values_accepted, ON_LO4 },
	{ "inherited", inherited, ON_LO }, { "shapes", shapes, ON_LO4 },
	{ "cookies", cookies, ON_LO4 }, { "groups", groups, ON_LO },
	{ "ancillary", ancillary, ON_LO | ON_NET },
	{ 0 },
};
