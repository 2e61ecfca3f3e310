/* fate.c - what becomes of a datagram, told by the call that sends it
 *
 * No scenario here waits between a send and what is to be told of it.  Routes are
 * changed by ip(8), another process; a scenario puts back what it changed.
 */
#include <err.h>
#include <fcntl.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <linux/errqueue.h>
#include <linux/icmpv6.h>
#include "diff.h"

#define CLOSED_PORT	9

static char big[70000];

static bool v4(void)
{
	return site->domain == AF_INET;
}

static bool over_ip4(void)
{
	return v4() || !strncmp(site->peer, "::ffff:", 7);
}

static long send_to(int fd, const char *text, unsigned port, size_t len)
{
	union addr a;
	socklen_t alen = make_addr(&a, text, port);

	return sendto(fd, big, len, MSG_DONTWAIT, &a.sa, alen);
}

static void ip(const char *what)
{
	char cmd[200];

	snprintf(cmd, sizeof(cmd), "ip %s route %s", over_ip4() ? "-4" : "-6", what);
	if (system(cmd))
		errx(2, "%s", cmd);
}

static void default_route(bool there)
{
	char what[100];

	snprintf(what, sizeof(what), there ? "add default via %s" : "del default",
		 over_ip4() ? "10.0.0.1" : "fc00::1:1");
	ip(what);
}

static int many_to(int fd, const char *const *to, unsigned n)
{
	struct iovec v = { big, 3 };
	struct mmsghdr m[8];
	union addr a[8];

	memset(m, 0, sizeof(m));
	for (unsigned i = 0; i < n; i++) {
		m[i].msg_hdr.msg_namelen = make_addr(&a[i], to[i], PEER_PORT);
		m[i].msg_hdr.msg_name = &a[i];
		m[i].msg_hdr.msg_iov = &v;
		m[i].msg_hdr.msg_iovlen = 1;
	}
	return sendmmsg(fd, m, n, 0);
}

static int raw_socket(void)
{
	int fd = socket(site->domain, SOCK_RAW, v4() ? IPPROTO_ICMP : IPPROTO_ICMPV6);

	if (fd < 0)
		err(2, "raw socket");
	return fd;
}

/* the kernel has to be asked to allow them; with us they are for everybody */
static int ping_socket(void)
{
	int f = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY | O_CLOEXEC), fd;

	if (f >= 0 && write(f, "0 0", 3) != 3)
		err(2, "ping_group_range");
	fd = socket(site->domain, SOCK_DGRAM, v4() ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	if (fd < 0 || (f >= 0 && write(f, "1 0", 3) != 3))
		err(2, "ping socket");
	close(f);
	return fd;
}

/* an echo request of that size */
static long echo_to(int fd, const char *text, size_t len)
{
	char type = big[0];
	long r;

	big[0] = v4() ? ICMP_ECHO : ICMPV6_ECHO_REQUEST;
	r = send_to(fd, text, 0, len);
	big[0] = type;
	return r;
}

static void no_route(void)
{
	const char *const to[] = { site->peer, site->peer, site->silent, site->peer };
	int fd = udp(), con = udp(), fresh = udp();
	pid_t pid;

	saw_result("connect", connect_to(con, site->silent, PEER_PORT));
	saw_result("sendto", send_to(fd, site->silent, PEER_PORT, 3));
	saw_result("send", send(con, big, 3, 0));
	default_route(false);
	saw_result("sendto without", send_to(fd, site->silent, PEER_PORT, 3));
	saw_result("sendto without again", send_to(fd, site->silent, PEER_PORT, 3));
	saw_result("send without", send(con, big, 3, 0));
	saw_result("new socket", send_to(fresh, site->silent, PEER_PORT, 3));
	saw_result("bind it", bind_to(fresh, NULL, 0));
	saw_result("sendmmsg", many_to(fd, to, 4));
	saw_result("sendmmsg at once", many_to(fd, to + 2, 2));
	saw_result("SO_ERROR", so_error(fd));
	saw_result("connect without", connect_to(fd, site->silent, PEER_PORT));
	pid = fork();
	if (pid == 0) {
		saw_result("child", send_to(fd, site->silent, PEER_PORT, 3));
		saw_result("child's send", send(con, big, 3, 0));
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	default_route(true);
	saw_result("sendto then", send_to(fd, site->silent, PEER_PORT, 3));
	saw_result("send then", send(con, big, 3, 0));
	close(fd);
	close(con);
	close(fresh);
}

static void rejected(void)
{
	static const char *const kinds[] = { "unreachable", "prohibit", "blackhole" };
	const char *net = over_ip4() ? "198.51.100.0/24" : "2001:db8:2::/48";
	const char *to = v4() ? "198.51.100.7" : over_ip4() ? "::ffff:198.51.100.7" : "2001:db8:2::7";
	int fd = udp(), con = udp(), raw = over_ip4() == v4() ? raw_socket() : -1;
	char what[100];

	saw_result("connect", connect_to(con, to, PEER_PORT));
	for (unsigned i = 0; i < 3; i++) {
		snprintf(what, sizeof(what), "add %s %s", kinds[i], net);
		ip(what);
		snprintf(what, sizeof(what), "%s: sendto", kinds[i]);
		saw_result(what, send_to(fd, to, PEER_PORT, 3));
		snprintf(what, sizeof(what), "%s: send", kinds[i]);
		saw_result(what, send(con, big, 3, 0));
		snprintf(what, sizeof(what), "%s: raw", kinds[i]);
		if (raw >= 0)
			saw_result(what, send_to(raw, to, 0, 100));
		snprintf(what, sizeof(what), "del %s %s", kinds[i], net);
		ip(what);
	}
	saw_result("sendto then", send_to(fd, to, PEER_PORT, 3));
	close(fd);
	close(con);
	close(raw);
}

static void broadcast(void)
{
	const char *const to[] = { site->peer, "10.0.0.255", site->peer };
	int fd = udp(), raw = raw_socket(), ping = ping_socket();

	saw_result("udp", send_to(fd, "10.0.0.255", PEER_PORT, 3));
	saw_result("sendmmsg", many_to(fd, to, 3));
	saw_result("connect", connect_to(fd, "10.0.0.255", PEER_PORT));
	saw_result("raw", send_to(raw, "10.0.0.255", 0, 64));
	saw_result("ping", echo_to(ping, "10.0.0.255", 64));
	saw_result("set SO_BROADCAST", set_int(fd, SOL_SOCKET, SO_BROADCAST, 1));
	saw_result("udp allowed", send_to(fd, "10.0.0.255", PEER_PORT, 3));
	saw_result("unset SO_BROADCAST", set_int(fd, SOL_SOCKET, SO_BROADCAST, 0));
	saw_result("udp then", send_to(fd, "10.0.0.255", PEER_PORT, 3));
	close(fd);
	close(raw);
	close(ping);
}

static int discover(int fd, int how)
{
	if (!v4())
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &how, sizeof(how));
	return set_int(fd, v4() ? IPPROTO_IP : IPPROTO_IPV6, v4() ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER,
		       how);
}

static void sizes_of(int fd, const char *when, bool named)
{
	static const size_t list[] = { 1452, 1453, 1472, 1473, 9000 };
	char what[60];

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		snprintf(what, sizeof(what), "%s %zu", when, list[i]);
		saw_result(what, named ? send_to(fd, site->silent, PEER_PORT, list[i]) :
					 send(fd, big, list[i], 0));
	}
}

static void too_large(void)
{
	int fd = udp(), con = udp();

	connect_to(con, site->silent, PEER_PORT);
	sizes_of(fd, "as it is", true);
	saw_result("set DO", discover(fd, IP_PMTUDISC_DO));
	saw_result("set DO connected", discover(con, IP_PMTUDISC_DO));
	sizes_of(fd, "DO", true);
	sizes_of(con, "DO connected", false);
	saw_result("to itself", send_to(fd, site->own, CLOSED_PORT, 9000));
	sizes_of(fd, "DO after that", true);
	saw_result("set PROBE", discover(fd, IP_PMTUDISC_PROBE));
	sizes_of(fd, "PROBE", true);
	saw_result("set DONT", discover(fd, IP_PMTUDISC_DONT));
	sizes_of(fd, "DONT", true);
	close(fd);
	close(con);
}

static void too_large_raw(void)
{
	int raw = raw_socket(), ping = ping_socket();

	for (int i = 0; i < 2; i++) {
		saw_result("raw 1400", send_to(raw, site->silent, 0, 1400));
		saw_result("raw 9000", send_to(raw, site->silent, 0, 9000));
		saw_result("ping 1400", echo_to(ping, site->silent, 1400));
		saw_result("ping 9000", echo_to(ping, site->silent, 9000));
		saw_result("set DO", discover(raw, IP_PMTUDISC_DO) | discover(ping, IP_PMTUDISC_DO));
	}
	close(raw);
	close(ping);
}

/* the error queue has it as well, and recv() nothing to tell */
static void too_large_queued(void)
{
	char ctl[512];
	union addr a;
	struct msghdr m = {
		.msg_name = &a, .msg_namelen = sizeof(a),
		.msg_control = ctl, .msg_controllen = sizeof(ctl),
	};
	int fd = udp();

	discover(fd, IP_PMTUDISC_DO);
	set_int(fd, v4() ? IPPROTO_IP : IPPROTO_IPV6, v4() ? IP_RECVERR : IPV6_RECVERR, 1);
	saw_result("sendto", send_to(fd, site->silent, PEER_PORT, 9000));
	saw_result("SO_ERROR", so_error(fd));
	saw_result("recv queue", recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT));
	saw("name", "%s", addr_text(&a, m.msg_namelen));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct sock_extended_err *e = (void *)CMSG_DATA(c);

		saw("error", "%s origin %u info %u", strerrorname_np((int)e->ee_errno), e->ee_origin,
		    e->ee_info);
	}
	saw_result("recv", recv(fd, ctl, sizeof(ctl), MSG_DONTWAIT));
	saw_result("small", send_to(fd, site->silent, PEER_PORT, 100));
	close(fd);
}

static void source(void)
{
	struct in_pktinfo pi = { 0 };
	struct in6_pktinfo pi6 = { 0 };
	struct iovec v = { big, 3 };
	char ctl[100] = "";
	union addr a, from;
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_name = &a,
		.msg_control = ctl, .msg_controllen = v4() ? CMSG_SPACE(sizeof(pi)) : CMSG_SPACE(sizeof(pi6)),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	const char *const list[] = { site->own, site->silent, v4() ? "0.0.0.0" : "::" };
	int fd = udp();

	m.msg_namelen = make_addr(&a, site->peer, PEER_PORT);
	c->cmsg_level = v4() ? IPPROTO_IP : IPPROTO_IPV6;
	c->cmsg_type = v4() ? IP_PKTINFO : IPV6_PKTINFO;
	c->cmsg_len = v4() ? CMSG_LEN(sizeof(pi)) : CMSG_LEN(sizeof(pi6));
	for (int i = 0; i < 6; i++) {
		char what[60];

		make_addr(&from, list[i % 3], 0);
		pi.ipi_spec_dst = from.in.sin_addr;
		pi6.ipi6_addr = from.in6.sin6_addr;
		pi.ipi_ifindex = i < 3 ? 0 : 77;
		pi6.ipi6_ifindex = i < 3 ? 0 : 77;
		if (v4())
			memcpy(CMSG_DATA(c), &pi, sizeof(pi));
		else
			memcpy(CMSG_DATA(c), &pi6, sizeof(pi6));
		snprintf(what, sizeof(what), "from %s by %d", list[i % 3], i < 3 ? 0 : 77);
		saw_result(what, sendmsg(fd, &m, 0));
	}
	close(fd);
}

/* an ICMP error of the stack's own is there when the send returns */
static void refused_at_once(void)
{
	char buf[16];
	struct iovec v = { big, 3 };
	struct mmsghdr m[3];
	int fd = udp(), other, r;

	saw_result("connect", connect_to(fd, site->own, test_port(0)));
	saw_result("send", send(fd, big, 1, 0));
	saw("poll", "%s", events_text(poll_now(fd)));
	saw_result("recv", recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	saw("poll again", "%s", events_text(poll_now(fd)));
	saw_result("recv again", recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	saw_result("send 2", send(fd, big, 1, 0));
	saw_result("send 3", send(fd, big, 1, 0));
	saw_result("send 4", send(fd, big, 1, 0));
	saw_result("SO_ERROR", so_error(fd));
	saw_result("SO_ERROR again", so_error(fd));
	memset(m, 0, sizeof(m));
	for (int i = 0; i < 3; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &v, .msg_iovlen = 1 };
	r = sendmmsg(fd, m, 3, 0);
	saw_result("sendmmsg", r);
	saw_result("sendmmsg again", sendmmsg(fd, m, 3, 0));
	saw_result("write", write(fd, big, 1));
	saw_result("write 2", write(fd, big, 1));
	other = udp();
	saw_result("bind", bind_to(other, site->own, test_port(0)));
	so_error(fd);
	saw_result("send to somebody", send(fd, big, 5, 0));
	saw("who reads", "%s", events_text(wait_for(other, POLLIN, WAIT_MS)));
	saw_result("recv there", recv(other, buf, sizeof(buf), MSG_DONTWAIT));
	saw_result("send then", send(fd, big, 5, 0));
	saw_result("dissolve", connect(fd, &(struct sockaddr){ .sa_family = AF_UNSPEC },
				       sizeof(struct sockaddr)));
	saw_result("unconnected", send_to(fd, site->own, CLOSED_PORT, 1));
	saw_result("nothing to tell", so_error(fd));
	close(other);
	close(fd);
}

/* with IP_RECVERR a socket without connection, too */
static void refused_and_queued(void)
{
	char buf[16];
	struct iovec v = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	int fd = udp(), other = udp();

	set_int(fd, over_ip4() ? IPPROTO_IP : IPPROTO_IPV6, over_ip4() ? IP_RECVERR : IPV6_RECVERR, 1);
	if (!v4())
		set_int(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	saw_result("sendto", send_to(fd, site->own, CLOSED_PORT, 4));
	saw_result("sendto 2", send_to(fd, site->own, CLOSED_PORT, 5));
	saw_result("sendto 3", send_to(fd, site->own, CLOSED_PORT, 6));
	saw_result("queue", recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT));
	saw_result("queue 2", recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT));
	bind_to(other, site->own, test_port(0));
	so_error(fd);
	saw_result("to somebody", send_to(fd, site->own, test_port(0), 7));
	saw("who reads", "%s", events_text(wait_for(other, POLLIN, WAIT_MS)));
	close(other);
	close(fd);
}

/* a raw socket's send does not tell what the last one came to */
static void refused_raw(void)
{
	const uint16_t head[4] = { htons(9999), htons(CLOSED_PORT), htons(8), 0 };
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);

	saw_result("connect", connect_to(fd, site->own, 0));
	for (int i = 0; i < 2; i++) {
		saw_result("send", send(fd, head, sizeof(head), 0));
		saw_result("send 2", send(fd, head, sizeof(head), 0));
		saw_result("set RECVERR", set_int(fd, IPPROTO_IP, IP_RECVERR, 1));
	}
	close(fd);
}

const struct scenario fate_scenarios[] = {
	{ "no route", no_route, ON_NET | ON_MAP4 }, { "rejected", rejected, ON_NET | ON_MAP4 },
	{ "broadcast", broadcast, ON_NET4 }, { "too large", too_large, ON_NET | ON_MAP4 },
	{ "too large, raw", too_large_raw, ON_NET }, { "too large, queued", too_large_queued, ON_NET },
	{ "source", source, ON_NET }, { "refused at once", refused_at_once, ON_ALL },
	{ "refused and queued", refused_and_queued, ON_ALL },
	{ "refused, raw", refused_raw, ON_LO4 | ON_NET4 },
	{ 0 },
};
