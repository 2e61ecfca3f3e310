/* garbage.c - what nobody should send, to the control socket and to a link
 *
 * usage: garbage control SOCKET SEED MESSAGES
 *        garbage idle SOCKET SESSIONS
 *        garbage deaf SOCKET
 *        garbage frames INTERFACE SEED FRAMES
 *        garbage exec-fd FD FRAMES COMMAND...
 *
 * Theory of operation
 * Everything follows from SEED.  Control messages are half noise, half well
 * formed headers with noise behind them and descriptors of every kind; a
 * session that the daemon ends is opened anew.  Frames begin as valid packets
 * to 10.0.0.70 or fc00::1:70 (the MAC is learned by ARP), then fields are
 * changed, before or after the checksums are made.  exec-fd runs the daemon
 * with one end of a socketpair as its link, asks by ARP at the end whether it
 * still lives, and stops it: status 0 says that it ended cleanly.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "proto/msg.h"

static uint64_t state;

static uint32_t rnd(void)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33);
}

static unsigned below(unsigned n)
{
	return rnd() % n;
}

static void fill(void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)rnd();
}

/* --- the control socket */

static int control_open(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
		err(1, "control socket %s: cannot connect", path);
	return fd;
}

static int some_fd(void)
{
	int fds[2], fd;

	switch (below(5)) {
	case 0:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 1:
		return epoll_create1(EPOLL_CLOEXEC);
	case 2:
		fd = pipe2(fds, O_CLOEXEC);
		break;
	case 3:
		fd = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
		break;
	default:
		fd = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds);
		break;
	}
	if (fd < 0)
		err(1, "descriptors");
	close(fds[below(2)]);
	return fcntl(fds[0], F_GETFD) >= 0 ? fds[0] : fds[1];
}

static ssize_t send_with(int fd, const void *buf, size_t len, int nfds)
{
	char cbuf[CMSG_SPACE(8 * sizeof(int))] = { 0 };
	struct iovec iov = { (void *)buf, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[8];
	ssize_t r;

	for (int i = 0; i < nfds; i++)
		fds[i] = some_fd();
	if (nfds) {
		struct cmsghdr *c;

		mh.msg_control = cbuf;
		mh.msg_controllen = CMSG_SPACE((size_t)nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN((size_t)nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, (size_t)nfds * sizeof(int));
	}
	r = sendmsg(fd, &mh, MSG_NOSIGNAL);
	for (int i = 0; i < nfds; i++)
		close(fds[i]);
	return r;
}

/* a message: noise, or a header that is right with noise behind it */
static size_t make_message(struct msg *m)
{
	static uint64_t ids[16];
	size_t body = below(4) ? below(128) : below(sizeof(m->raw));

	fill(m, sizeof(m->hdr) + body);
	if (below(3) == 0)
		return 1 + below((unsigned)(sizeof(m->hdr) + body));
	m->hdr.version = MSG_VERSION;
	do
		m->hdr.op = (uint16_t)below(MSG_OP_COUNT + 2);
	while (m->hdr.op == MSG_OP_STOP);
	m->hdr.flags = (uint16_t)below(2);
	m->hdr.err = 0;
	m->hdr.len = (uint16_t)body;
	m->hdr.sock = ids[below(16)];
	if (m->hdr.op == MSG_OP_SOCKET) {
		static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET };

		m->hdr.sock = ids[below(16)] = rnd() | 1;
		m->hdr.len = sizeof(m->socket);
		m->socket.domain = below(2) ? AF_INET : AF_INET6;
		m->socket.type = types[below(4)];
		m->socket.protocol = below(3) ? 0 : (int)below(300);
	} else if (m->hdr.op == MSG_OP_BIND || m->hdr.op == MSG_OP_CONNECT) {
		m->hdr.len = m->hdr.op == MSG_OP_BIND ? sizeof(m->addr) : sizeof(m->connect);
		m->addr.len = below(2) ? sizeof(struct sockaddr_in) : below(64);
		m->addr.addr.sa.sa_family = below(2) ? AF_INET : AF_INET6;
	} else if (m->hdr.op == MSG_OP_LISTEN) {
		m->hdr.len = sizeof(m->listen);
	} else if (m->hdr.op == MSG_OP_SETSOCKOPT || m->hdr.op == MSG_OP_GETSOCKOPT) {
		m->opt.level = below(2) ? SOL_SOCKET : (int)below(60);
		m->opt.name = (int)below(80);
		m->opt.len = below(3) ? 4 : rnd();
		m->hdr.len = (uint16_t)(sizeof(m->opt) + (below(3) ? 4 : below(64)));
	}
	return sizeof(m->hdr) + m->hdr.len;
}

static int control(const char *path, unsigned n)
{
	static struct msg m, reply;
	int fd = control_open(path), reopened = 0;

	for (unsigned i = 0; i < n; i++) {
		size_t len = make_message(&m);
		int nfds = m.hdr.op == MSG_OP_SOCKET && below(8) ? 1 : below(4) ? 0 : (int)below(7);

		if (len > sizeof(m))
			len = sizeof(m);
		if (send_with(fd, &m, len, nfds) < 0) {
			if (errno != EPIPE && errno != ECONNRESET)
				err(1, "send");
			close(fd);
			fd = control_open(path);
			reopened++;
		}
		while (recv(fd, &reply, sizeof(reply), MSG_DONTWAIT) > 0)
			;
	}
	printf("%u messages, %d sessions ended by the daemon\n", n, reopened);
	return 0;
}

static int idle(const char *path, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		control_open(path);
	return 0;
}

/* requests, and no reply is ever read: the daemon drops the session or stops
 * reading from it; either way it must not wait for us */
static int deaf(const char *path)
{
	struct msg_hdr h = { .version = MSG_VERSION, .op = MSG_OP_INFO };
	struct pollfd p = { .fd = control_open(path), .events = POLLOUT };

	for (unsigned i = 0; i < 1000000; i++) {
		if (poll(&p, 1, 1000) == 0)
			return 0;
		if (send(p.fd, &h, sizeof(h), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
			return errno == EPIPE || errno == ECONNRESET ? 0 : 1;
	}
	errx(1, "a million requests were taken from a session that reads no reply");
}

/* --- frames */

static uint8_t their_mac[6];
static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 99 };
static const uint8_t v6_them[16] = { 0xfc, [13] = 1, [15] = 0x70 };
static const uint8_t v6_us[16] = { 0xfc, [13] = 1, [15] = 0x99 };

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t sum(const uint8_t *p, size_t n, uint32_t s)
{
	for (; n > 1; n -= 2, p += 2)
		s += (uint32_t)p[0] << 8 | p[1];
	return n ? s + ((uint32_t)p[0] << 8) : s;
}

static unsigned fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return ~s & 0xffff;
}

static size_t arp(uint8_t *f)
{
	static const uint8_t head[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };

	memset(f, 0xff, 6);
	memcpy(f + 6, our_mac, 6);
	put16(f + 12, 0x0806);
	memcpy(f + 14, head, 8);
	memcpy(f + 22, our_mac, 6);
	memcpy(f + 28, (uint8_t[]){ 10, 0, 0, 99 }, 4);
	memset(f + 32, 0, 6);
	memcpy(f + 38, (uint8_t[]){ 10, 0, 0, 70 }, 4);
	return 42;
}

/* a transport segment at @p: its length; @sumat: where its checksum belongs */
static size_t segment(uint8_t *p, uint8_t proto, size_t *sumat)
{
	static const uint16_t ports[] = { 7000, 7001, 53, 67, 68, 546, 5353, 1024 };
	static const uint8_t icmp6[] = { 1, 2, 3, 4, 128, 129, 130, 131, 133, 134, 135, 136, 137, 143 };
	size_t len = 8 + below(120);

	fill(p, len);
	*sumat = 2;
	if (proto == IPPROTO_TCP) {
		len = 20 + 4 * below(11) + below(64);
		fill(p, len);
		put16(p + 2, ports[below(8)]);
		p[12] = (uint8_t)((below(5) ? 5 + below((unsigned)(len - 20) / 4 + 1) : below(16)) << 4);
		p[13] = below(2) ? (uint8_t)(1 << below(6)) : (uint8_t)rnd();
		for (size_t i = 20; i + 1 < len && i < (size_t)(p[12] >> 4) * 4; i += p[i + 1] + 1u) {
			p[i] = (uint8_t)below(10);	/* plausible options */
			p[i + 1] = (uint8_t)below(12);
		}
		*sumat = 16;
	} else if (proto == IPPROTO_UDP) {
		put16(p + 2, ports[below(8)]);
		put16(p + 4, below(4) ? (unsigned)len : rnd());
		*sumat = 6;
	} else if (proto == IPPROTO_ICMPV6) {
		p[0] = icmp6[below(sizeof(icmp6))];
		p[1] = 0;
		if (p[0] >= 133 && p[0] <= 137 && len > 40) {
			memcpy(p + 8, v6_them, 16);
			for (size_t i = 24; i + 8 < len; i += (p[i + 1] ? p[i + 1] : 1) * 8u) {
				p[i] = (uint8_t)below(32);	/* ND options */
				p[i + 1] = (uint8_t)below(6);
			}
		}
	} else if (proto == IPPROTO_ICMP) {
		p[0] = (uint8_t)below(20);
		p[1] = (uint8_t)below(4);
	}
	return len;
}

static size_t ipv4(uint8_t *f)
{
	static const uint8_t protos[] = { 6, 6, 6, 17, 1, 2, 255 };
	uint8_t *ip = f + 14, proto = protos[below(7)];
	size_t hl = 20 + (below(6) ? 0 : 4 * below(11)), at, len;
	uint32_t s;

	fill(ip, hl);
	ip[0] = (uint8_t)(0x40 | hl / 4);
	memset(ip + 10, 0, 2);
	put16(ip + 6, below(5) ? 0 : rnd() & 0x3fff);
	ip[9] = proto;
	memcpy(ip + 12, (uint8_t[]){ 10, 0, 0, (uint8_t)(below(4) ? 99 : 100 + below(100)) }, 4);
	memcpy(ip + 16, (uint8_t[]){ 10, 0, 0, 70 }, 4);
	if (!below(8))
		memcpy(ip + 16, below(2) ? "\xff\xff\xff\xff" : "\xe0\x00\x00\x01", 4);
	len = segment(ip + hl, proto, &at);
	put16(ip + 2, (unsigned)(hl + len));
	if (at + 2 <= len) {
		memset(ip + hl + at, 0, 2);
		s = proto == IPPROTO_ICMP ? 0 : sum(ip + 12, 8, proto + (uint32_t)len);
		put16(ip + hl + at, fold(sum(ip + hl, len, s)));
	}
	put16(ip + 10, fold(sum(ip, hl, 0)));
	put16(f + 12, 0x0800);
	return 14 + hl + len;
}

static size_t ipv6(uint8_t *f)
{
	static const uint8_t protos[] = { 6, 6, 17, 58, 58, 58, 59 };
	static const uint8_t ext[] = { 0, 43, 44, 60, 51 };
	uint8_t *ip = f + 14, proto = protos[below(7)], *next = ip + 6;
	size_t hl = 40, at, len;

	fill(ip, 8);
	ip[0] = 0x60;
	ip[7] = below(2) ? 255 : 64;
	memcpy(ip + 8, v6_us, 16);
	memcpy(ip + 24, v6_them, 16);
	if (!below(6))
		memset(ip + 8, 0, 16);
	if (!below(4)) {
		memset(ip + 24, 0, 16);
		memcpy(ip + 24, "\xff\x02", 2);
		ip[39] = 1;
	}
	for (unsigned n = below(4) ? 0 : below(4); n; n--) {
		uint8_t e = ext[below(5)];
		size_t el = e == 44 ? 8 : 8 + 8 * below(3);

		*next = e;
		fill(ip + hl, el);
		next = ip + hl;
		ip[hl + 1] = (uint8_t)(below(6) ? el / 8 - 1 : below(8));
		hl += el;
	}
	*next = proto;
	len = segment(ip + hl, proto, &at);
	put16(ip + 4, (unsigned)(hl - 40 + len));
	if (at + 2 <= len) {
		memset(ip + hl + at, 0, 2);
		put16(ip + hl + at, fold(sum(ip + hl, len, sum(ip + 8, 32, proto + (uint32_t)len))));
	}
	put16(f + 12, 0x86dd);
	return 14 + hl + len;
}

static size_t make_frame(uint8_t *f)
{
	size_t len;

	switch (below(10)) {
	case 0:
		len = arp(f);
		break;
	case 1:
		len = 14 + below(1500);
		fill(f, len);
		break;
	case 2: case 3: case 4: case 5:
		len = ipv4(f);
		break;
	default:
		len = ipv6(f);
		break;
	}
	memcpy(f + 6, our_mac, 6);
	if (below(12))
		memcpy(f, their_mac, 6);
	else
		memset(f, 0xff, 6);
	for (unsigned n = below(2) ? 0 : below(4); n; n--)
		f[12 + below((unsigned)len - 12)] = (uint8_t)rnd();
	return below(8) ? len : 14 + below((unsigned)len - 13);
}

/* ask who has 10.0.0.70 until somebody says so: the proof of life */
static void learn_mac(int fd)
{
	uint8_t f[2048];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	time_t end = time(NULL) + 10;

	while (time(NULL) < end) {
		size_t len = arp(f);

		if (send(fd, f, len, MSG_NOSIGNAL) < 0)
			err(1, "send an ARP request");
		while (poll(&p, 1, 200) > 0) {
			ssize_t n = recv(fd, f, sizeof(f), 0);

			if (n <= 0)
				err(1, "the link's other end is gone");
			if (n >= 42 && f[12] == 8 && f[13] == 6 && f[21] == 2 && f[31] == 70) {
				memcpy(their_mac, f + 22, 6);
				return;
			}
		}
	}
	errx(1, "nobody answers for 10.0.0.70");
}

static void throw_frames(int fd, unsigned n)
{
	static uint8_t f[4096], in[65536];
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	learn_mac(fd);
	for (unsigned i = 0; i < n; i++) {
		size_t len = make_frame(f);

		if (poll(&p, 1, 10000) == 0)
			errx(1, "frame %u: the link takes nothing for 10 s", i);
		if (send(fd, f, len, MSG_NOSIGNAL) < 0 && errno != ENOBUFS && errno != EAGAIN &&
		    errno != EMSGSIZE)
			err(1, "frame %u", i);
		while (recv(fd, in, sizeof(in), MSG_DONTWAIT) > 0)
			;
	}
	learn_mac(fd);
	printf("%u frames\n", n);
}

static int frames(const char *ifname, unsigned n)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	ll.sll_ifindex = (int)if_nametoindex(ifname);
	if (fd < 0 || bind(fd, (struct sockaddr *)&ll, sizeof(ll)) < 0)
		err(1, "packet socket on %s", ifname);
	throw_frames(fd, n);
	return 0;
}

static int exec_fd(int num, unsigned n, char **argv)
{
	int sv[2], st;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		err(1, "socketpair");
	pid = fork();
	if (pid == 0) {
		dup2(sv[1], num);
		execvp(argv[0], argv);
		err(127, "%s", argv[0]);
	}
	close(sv[1]);
	throw_frames(sv[0], n);
	kill(pid, SIGTERM);
	if (waitpid(pid, &st, 0) != pid || st)
		errx(1, "%s ended with wait status %#x", argv[0], st);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	state = argc > 3 ? strtoull(argv[3], NULL, 0) * 0x9e3779b97f4a7c15ull : 1;
	if (argc == 5 && !strcmp(what, "control"))
		return control(argv[2], (unsigned)atoi(argv[4]));
	if (argc == 4 && !strcmp(what, "idle"))
		return idle(argv[2], (unsigned)atoi(argv[3]));
	if (argc == 3 && !strcmp(what, "deaf"))
		return deaf(argv[2]);
	if (argc == 5 && !strcmp(what, "frames"))
		return frames(argv[2], (unsigned)atoi(argv[4]));
	if (argc > 4 && !strcmp(what, "exec-fd"))
		return exec_fd(atoi(argv[2]), (unsigned)atoi(argv[3]), argv + 4);
	errx(2, "usage: garbage control|idle|deaf|frames|exec-fd ...");
}
