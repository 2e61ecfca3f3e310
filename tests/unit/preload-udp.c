/* preload-udp.c - datagram sockets under the shim behave as Linux's do */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/errqueue.h>
#include <unistd.h>
#include <cmocka.h>
#include "fake-stack.h"
#include "under-shim.h"

static struct sockaddr_in to(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static int udp(uint16_t port)
{
	struct sockaddr_in a = to(port);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	if (port)
		assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void put(int fd, uint16_t port, const void *data, size_t len)
{
	struct sockaddr_in a = to(port);

	assert_int_equal(sendto(fd, data, len, 0, (struct sockaddr *)&a, sizeof(a)), len);
}

static void wait_for(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 5000), 1);
}

static void addresses_come_with_datagrams(void **state)
{
	int a = udp(7201), b = udp(7202);
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	char buf[16];

	put(b, 7201, "hello", 5);
	assert_int_equal(recvfrom(a, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 5);
	assert_int_equal(len, sizeof(from));
	assert_int_equal(ntohs(from.sin_port), 7202);
	assert_memory_equal(buf, "hello", 5);
	put(b, 7201, "", 0);
	assert_int_equal(read(a, buf, sizeof(buf)), 0);
	put(b, 7201, "again", 5);
	assert_int_equal(read(a, buf, sizeof(buf)), 5);
	close(a);
	close(b);
}

static void truncation_peeking_and_sizes(void **state)
{
	int a = udp(7203), b = udp(0), n = 0;
	char buf[4], *big = calloc(1, 65508);
	struct iovec iov[2] = { { buf, 1 }, { buf + 1, 2 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	struct sockaddr_in dst = to(7203);

	put(b, 7203, "abcdef", 6);
	wait_for(a);
	assert_int_equal(ioctl(a, FIONREAD, &n), 0);
	assert_int_equal(n, 6);
	assert_int_equal(recv(a, buf, 4, MSG_PEEK | MSG_TRUNC), 6);
	assert_int_equal(recvmsg(a, &m, 0), 3);
	assert_true(m.msg_flags & MSG_TRUNC);
	assert_memory_equal(buf, "abc", 3);
	assert_int_equal(recv(a, buf, 4, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	put(b, 7203, big, 65507);
	assert_int_equal(recv(a, buf, 4, MSG_TRUNC), 65507);
	assert_int_equal(sendto(b, big, 65508, 0, (struct sockaddr *)&dst, sizeof(dst)), -1);
	assert_int_equal(errno, EMSGSIZE);
	free(big);
	close(a);
	close(b);
}

/* a process that shares our descriptors, but not our memory, puts another one in a socket's place */
static void a_number_changes_hands_unseen(void **state)
{
	int a = udp(7212), b = udp(7213), p[2], status;
	char buf[64];
	pid_t pid;

	put(b, 7212, "one", 3);
	assert_int_equal(recv(a, buf, sizeof(buf), 0), 3);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, p), 0);
	put(b, 7212, "two", 3);
	pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(dup2(p[0], b) != b);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(send(b, "plain", 5, 0), 5);
	assert_int_equal(recv(p[1], buf, sizeof(buf), 0), 5);
	assert_memory_equal(buf, "plain", 5);
	assert_int_equal(send(p[1], "back", 4, 0), 4);
	assert_int_equal(recv(b, buf, sizeof(buf), 0), 4);
	assert_memory_equal(buf, "back", 4);
	assert_int_equal(recv(a, buf, sizeof(buf), 0), 3);
	close(a);
	close(b);
	close(p[0]);
	close(p[1]);
}

static void connected_or_not(void **state)
{
	int a = udp(7204), b = udp(0);
	struct sockaddr_in dst = to(7204);
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	char buf[8];

	assert_int_equal(send(b, "x", 1, 0), -1);
	assert_int_equal(errno, EDESTADDRREQ);
	assert_int_equal(connect(b, (struct sockaddr *)&dst, sizeof(dst)), 0);
	assert_int_equal(write(b, "one", 3), 3);
	assert_int_equal(recv(a, buf, sizeof(buf), 0), 3);
	assert_int_equal(connect(b, &none, sizeof(none)), 0);
	assert_int_equal(write(b, "x", 1), -1);
	assert_int_equal(errno, EDESTADDRREQ);
	close(a);
	close(b);
}

static void errors_are_told_once(void **state)
{
	int b = udp(0), on = 1;
	struct sockaddr_in dst = to(7299);
	char buf[8], ctl[256];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl,
			    .msg_controllen = sizeof(ctl) };
	struct sock_extended_err ee;

	assert_int_equal(connect(b, (struct sockaddr *)&dst, sizeof(dst)), 0);
	assert_int_equal(write(b, "x", 1), 1);
	wait_for(b);
	assert_int_equal(read(b, buf, 8), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(recv(b, buf, 8, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(recvmsg(b, &m, MSG_ERRQUEUE), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(setsockopt(b, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)), 0);
	assert_int_equal(write(b, "x", 1), 1);
	wait_for(b);
	assert_int_equal(read(b, buf, 8), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(recvmsg(b, &m, MSG_ERRQUEUE), 0);
	assert_true(m.msg_flags & MSG_ERRQUEUE);
	memcpy(&ee, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(ee));
	assert_int_equal(ee.ee_errno, ECONNREFUSED);
	assert_int_equal(ee.ee_origin, SO_EE_ORIGIN_ICMP);
	assert_int_equal(recv(b, buf, 8, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	/* a program that never asks for the queue goes on */
	assert_int_equal(write(b, "x", 1), 1);
	wait_for(b);
	assert_int_equal(recv(b, buf, 8, MSG_DONTWAIT), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(recv(b, buf, 8, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	close(b);
}

static void ancillary_data_when_asked(void **state)
{
	int a = udp(7205), b = udp(0), on = 1, ttl = 9;
	char buf[8], ctl[256], sctl[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { buf, 1 };
	struct sockaddr_in dst = to(7205);
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 }, s = m;
	struct cmsghdr *c = (struct cmsghdr *)sctl;
	struct in_pktinfo pi = { 0 };
	int got_ttl = 0;

	put(b, 7205, "x", 1);
	m.msg_control = ctl;
	m.msg_controllen = sizeof(ctl);
	assert_int_equal(recvmsg(a, &m, 0), 1);
	assert_int_equal(m.msg_controllen, 0);

	assert_int_equal(setsockopt(a, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)), 0);
	assert_int_equal(setsockopt(a, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)), 0);
	s.msg_name = &dst;
	s.msg_namelen = sizeof(dst);
	s.msg_control = sctl;
	s.msg_controllen = sizeof(sctl);
	*c = (struct cmsghdr){ CMSG_LEN(sizeof(int)), IPPROTO_IP, IP_TTL };
	memcpy(CMSG_DATA(c), &ttl, sizeof(ttl));
	assert_int_equal(sendmsg(b, &s, 0), 1);
	m.msg_controllen = sizeof(ctl);
	assert_int_equal(recvmsg(a, &m, 0), 1);
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_type == IP_PKTINFO)
			memcpy(&pi, CMSG_DATA(c), sizeof(pi));
		if (c->cmsg_type == IP_TTL)
			memcpy(&got_ttl, CMSG_DATA(c), sizeof(got_ttl));
	}
	assert_int_equal(pi.ipi_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(got_ttl, 9);
	put(b, 7205, "x", 1);
	m.msg_controllen = CMSG_SPACE(sizeof(pi));
	assert_int_equal(recvmsg(a, &m, 0), 1);
	assert_true(m.msg_flags & MSG_CTRUNC);
	close(a);
	close(b);
}

static void many_at_once(void **state)
{
	int a = udp(7206), b = udp(0);
	struct sockaddr_in dst = to(7206);
	char bufs[4][8] = { "one", "two", "three" };
	struct iovec iov[4];
	struct mmsghdr v[4];

	memset(v, 0, sizeof(v));
	for (int i = 0; i < 4; i++) {
		iov[i] = (struct iovec){ bufs[i], strlen(bufs[i]) };
		v[i].msg_hdr = (struct msghdr){ .msg_name = &dst, .msg_namelen = sizeof(dst),
						.msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	assert_int_equal(sendmmsg(b, v, 3, 0), 3);
	for (int i = 0; i < 4; i++) {
		iov[i].iov_len = sizeof(bufs[i]);
		v[i].msg_hdr.msg_name = NULL;
	}
	for (int got = 0; got < 3; ) {
		int n = recvmmsg(a, v, 4, MSG_WAITFORONE, NULL);

		assert_true(n > 0);
		got += n;
	}
	assert_int_equal(recvmmsg(a, v, 4, MSG_DONTWAIT, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	close(a);
	close(b);
}

static void shut_down(void **state)
{
	int b = udp(0);
	struct sockaddr_in dst = to(7298);
	char byte;

	assert_int_equal(shutdown(b, SHUT_RD), -1);
	assert_int_equal(errno, ENOTCONN);
	assert_int_equal(connect(b, (struct sockaddr *)&dst, sizeof(dst)), 0);
	assert_int_equal(shutdown(b, SHUT_RD), 0);
	assert_int_equal(read(b, &byte, 1), 0);
	assert_int_equal(write(b, "x", 1), 1);
	assert_int_equal(shutdown(b, SHUT_WR), 0);
	assert_int_equal(write(b, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close(b);
}

static void only_the_stacks_interfaces_show(void **state)
{
	int fd = udp(0), local = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct ifaddrs *ifs, *i;
	struct if_nameindex *names;
	struct ifreq r = { .ifr_name = "fake0" };
	char name[IFNAMSIZ];
	int rows = 0;

	assert_int_equal(getifaddrs(&ifs), 0);
	for (i = ifs; i; i = i->ifa_next) {
		assert_string_equal(i->ifa_name, "fake0");
		rows++;
	}
	assert_int_equal(rows, 2);
	i = ifs->ifa_next;
	assert_int_equal(((struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr,
			 inet_addr("10.9.8.7"));
	assert_int_equal(((struct sockaddr_in *)i->ifa_netmask)->sin_addr.s_addr,
			 inet_addr("255.255.255.0"));
	freeifaddrs(ifs);
	assert_int_equal(if_nametoindex("fake0"), 7);
	assert_int_equal(if_nametoindex("lo"), 0);
	assert_string_equal(if_indextoname(7, name), "fake0");
	names = if_nameindex();
	assert_non_null(names);
	assert_string_equal(names[0].if_name, "fake0");
	assert_int_equal(names[1].if_index, 0);
	if_freenameindex(names);
	for (int n = 0; n < 2; n++) {
		int s = n ? local : fd;

		assert_int_equal(ioctl(s, SIOCGIFMTU, &r), 0);
		assert_int_equal(r.ifr_mtu, 1400);
		assert_int_equal(ioctl(s, SIOCGIFHWADDR, &r), 0);
		assert_int_equal(r.ifr_hwaddr.sa_data[5], 7);
	}
	assert_int_equal(ioctl(fd, SIOCGIFBRDADDR, &r), 0);
	assert_int_equal(((struct sockaddr_in *)&r.ifr_broadaddr)->sin_addr.s_addr,
			 inet_addr("10.9.8.255"));
	/* IPv4's addresses are known to IPv4's sockets */
	assert_int_equal(ioctl(local, SIOCGIFBRDADDR, &r), -1);
	assert_int_equal(errno, ENOTTY);
	strcpy(r.ifr_name, "lo");
	assert_int_equal(ioctl(local, SIOCGIFFLAGS, &r), -1);
	assert_int_equal(errno, ENODEV);
	close(local);
	close(fd);
}

static void numeric_hosts_resolve(void **state)
{
	struct addrinfo h = { .ai_flags = AI_ADDRCONFIG, .ai_socktype = SOCK_STREAM }, *r;

	/* the fake stack has no IPv6 address beyond loopback */
	assert_int_equal(getaddrinfo("fc00::1", "7000", &h, &r), EAI_ADDRFAMILY);
	h.ai_flags = 0;
	assert_int_equal(getaddrinfo("fc00::1", "7000", &h, &r), 0);
	assert_int_equal(r->ai_family, AF_INET6);
	freeaddrinfo(r);
	assert_int_equal(getaddrinfo("10.0.0.1", "80", NULL, &r), 0);
	assert_int_equal(r->ai_family, AF_INET);
	freeaddrinfo(r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_come_with_datagrams),
		cmocka_unit_test(truncation_peeking_and_sizes),
		cmocka_unit_test(a_number_changes_hands_unseen),
		cmocka_unit_test(connected_or_not),
		cmocka_unit_test(errors_are_told_once),
		cmocka_unit_test(ancillary_data_when_asked),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(shut_down),
		cmocka_unit_test(only_the_stacks_interfaces_show),
		cmocka_unit_test(numeric_hosts_resolve),
	};
	int ret = under_shim(argv);

	alarm(60);
	return ret >= 0 ? ret : cmocka_run_group_tests(tests, NULL, NULL);
}
