/* ipopt.c - IP options: what may be set, what is sent, what a receiver is told
 *
 * Times in timestamps are shown as T.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include "diff.h"

#define MAX	40

struct sample {
	const char *name;
	unsigned char b[MAX + 4];
	unsigned len;
};

#define S(name, ...) { name, { __VA_ARGS__ }, sizeof((unsigned char[]){ __VA_ARGS__ }) }

static const struct sample samples[] = {
	S("noop", 1), S("four noops", 1, 1, 1, 1), S("end", 0), S("end and rest", 0, 7, 3, 4),
	S("record route", 7, 39, 4), S("record route 1", 7, 7, 4), S("record route 0", 7, 3, 4),
	S("record route, odd", 7, 8, 4), S("record route, far", 7, 7, 8), S("record route, half", 7, 7, 5),
	S("record route, low", 7, 7, 3), S("record route, 2", 7, 2), S("record route twice", 7, 7, 4, 0, 0, 0, 0, 1, 7, 7, 4),
	S("noop, record route", 1, 7, 11, 4), S("record route too long", 7, 12, 4, 0),
	S("stamps", 68, 12, 5, 0), S("stamps and addresses", 68, 20, 5, 1), S("stamps, short", 68, 3, 5),
	S("stamps, low", 68, 12, 4, 0), S("stamps, full", 68, 8, 9, 0), S("stamps, overflow", 68, 8, 9, 0xf0),
	S("stamps of named", 68, 12, 5, 3, 10, 0, 0, 1, 0, 0, 0, 0), S("stamps, kind 2", 68, 12, 5, 2),
	S("stamps of own", 68, 20, 5, 3, 127, 0, 0, 1, 0, 0, 0, 0, 10, 0, 0, 70, 0, 0, 0, 0),
	S("stamps, half", 68, 10, 9, 1), S("router alert", 148, 4, 0, 0), S("router alert 1", 148, 4, 0, 1),
	S("router alert, short", 148, 3, 0), S("loose route", 131, 7, 4, 10, 0, 0, 1),
	S("loose route 2", 131, 11, 4, 10, 0, 0, 1, 10, 0, 0, 2), S("strict route", 137, 7, 4, 10, 0, 0, 1),
	S("loose route, bad pointer", 131, 7, 8, 10, 0, 0, 1), S("two routes", 131, 7, 4, 10, 0, 0, 1, 131, 7, 4, 1, 1, 1, 1),
	S("loose route, short", 131, 6, 4, 10, 0, 0), S("unknown", 200, 4, 9, 9), S("length 0", 200, 0),
	S("length 1", 200, 1, 0, 0), S("no length", 200), S("security", 130, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0),
	S("several", 148, 4, 0, 0, 7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1, 68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0),
};

#define COUNT (sizeof(samples) / sizeof(samples[0]))

/* record route is given with its places */
static unsigned full_len(const struct sample *s)
{
	bool whole = s->b[0] == 7 || (s->b[0] == 68 && s->len == 4);

	return whole && s->len < s->b[1] && s->b[1] <= MAX && strcmp(s->name, "record route too long") ?
		s->b[1] : s->len;
}

/* the bytes, but for what the clock says */
static const char *text(const unsigned char *b, size_t len)
{
	static char out[4][3 * MAX + 40];
	static unsigned k;
	char *o = out[k++ % 4];
	unsigned char plain[MAX * 2];

	if (len > MAX)
		return "too long";
	memcpy(plain, b, len);
	for (size_t i = 0; i + 1 < len && b[i]; i += b[i] == 1 ? 1 : b[i + 1] ? b[i + 1] : len)
		if (b[i] == 68 && b[i + 1] >= 4 && i + b[i + 1] <= len)
			for (size_t k2 = i + 4; k2 + 4 <= i + b[i + 1]; k2 += 4) {
				bool stamp = (b[i + 3] & 15) == 0 || (k2 - i) % 8 == 0;

				if (stamp && memcmp(b + k2, "\0\0\0", 4))
					memset(plain + k2, 'T', 4);
			}
	o[0] = '\0';
	for (size_t i = 0; i < len; i++)
		sprintf(o + strlen(o), "%s%02x", i ? " " : "", plain[i]);
	return o;
}

static void show_get(int fd, const char *what, unsigned room)
{
	unsigned char b[64];
	socklen_t len = room;

	memset(b, 0xee, sizeof(b));
	if (getsockopt(fd, IPPROTO_IP, IP_OPTIONS, b, &len) < 0)
		saw_result(what, -1);
	else
		saw(what, "%u: %s", (unsigned)len, text(b, len));
}

static void sets(void)
{
	int kinds[3] = { udp(), socket(AF_INET, SOCK_RAW, 200), socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE) };
	char what[64];

	for (int k = 0; k < 3; k++)
		for (size_t i = 0; i < COUNT; i++) {
			const struct sample *s = &samples[i];

			snprintf(what, sizeof(what), "%d %s", k, s->name);
			saw_result(what, setsockopt(kinds[k], IPPROTO_IP, IP_OPTIONS, s->b, full_len(s)));
			show_get(kinds[k], what, 64);
		}
	setsockopt(kinds[0], IPPROTO_IP, IP_OPTIONS, samples[4].b, 39);
	show_get(kinds[0], "short room", 5);
	show_get(kinds[0], "no room", 0);
	saw_result("41 bytes", setsockopt(kinds[0], IPPROTO_IP, IP_OPTIONS, samples[0].b, 41));
	show_get(kinds[0], "still", 64);
	saw_result("none", setsockopt(kinds[0], IPPROTO_IP, IP_OPTIONS, NULL, 0));
	show_get(kinds[0], "gone", 64);
	for (int k = 0; k < 3; k++)
		close(kinds[k]);
}

/* a datagram with its control messages */
static void hear(int fd, const char *what, bool ip_header)
{
	unsigned char buf[256], ctl[512];
	struct iovec v = { buf, sizeof(buf) };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl),
	};
	ssize_t n;

	wait_for(fd, POLLIN, 300);
	n = recvmsg(fd, &m, MSG_DONTWAIT);
	if (n < 0) {
		saw_result(what, -1);
		return;
	}
	saw(what, "%zd bytes", ip_header ? n - (buf[0] & 15) * 4 : n);
	if (ip_header)
		saw(what, "header %s", text(buf + 20, (buf[0] & 15) * 4 - 20u));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		saw(what, "level %d type %d: %s", c->cmsg_level, c->cmsg_type,
		    text(CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0)));
}

static void listen_for_options(int fd)
{
	set_int(fd, IPPROTO_IP, IP_RECVOPTS, 1);
	set_int(fd, IPPROTO_IP, IP_RETOPTS, 1);
}

/* to ourselves, by UDP */
static void arrive(void)
{
	for (size_t i = 0; i < COUNT; i++) {
		const struct sample *s = &samples[i];
		int to = udp(), fd = udp();

		if (s->b[0] == 131 || s->b[0] == 137 || bind_to(to, site->own, test_port(0)) < 0 ||
		    setsockopt(fd, IPPROTO_IP, IP_OPTIONS, s->b, full_len(s)) < 0) {
			close(to);
			close(fd);
			continue;
		}
		listen_for_options(to);
		connect_to(fd, site->own, test_port(0));
		saw_result(s->name, send(fd, "data", 4, 0));
		hear(to, s->name, false);
		close(to);
		close(fd);
	}
}

/* a source-routed packet is taken by nobody */
static void routes(void)
{
	int to = udp(), fd = udp();
	unsigned char route[] = { 131, 7, 4, 0, 0, 0, 0, 0 };
	union addr a;

	make_addr(&a, site->own, 0);
	memcpy(route + 3, &a.in.sin_addr, 4);
	bind_to(to, site->own, test_port(0));
	saw_result("set", setsockopt(fd, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)));
	connect_to(fd, site->own, test_port(0));
	saw_result("send", send(fd, "data", 4, 0));
	hear(to, "heard", false);
	close(to);
	close(fd);
}

static long send_with(int fd, const unsigned char *b, unsigned len, int type)
{
	char ctl[CMSG_SPACE(64)] = "";
	struct iovec v = { (void *)"data", 4 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl };
	struct cmsghdr *c;

	m.msg_controllen = CMSG_SPACE(len);
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), b, len);
	return sendmsg(fd, &m, 0);
}

/* for one datagram by IP_RETOPTS, beside those of the socket */
static void once(void)
{
	static const unsigned char route[11] = { 7, 11, 4 }, alert[4] = { 148, 4, 0, 0 }, none[1] = { 0 };
	int to = udp(), fd = udp();

	bind_to(to, site->own, test_port(0));
	listen_for_options(to);
	connect_to(fd, site->own, test_port(0));
	saw_result("send", send_with(fd, route, sizeof(route), IP_RETOPTS));
	hear(to, "heard", false);
	saw_result("then", send(fd, "data", 4, 0));
	hear(to, "then", false);
	setsockopt(fd, IPPROTO_IP, IP_OPTIONS, alert, sizeof(alert));
	saw_result("socket's", send(fd, "data", 4, 0));
	hear(to, "socket's", false);
	saw_result("instead", send_with(fd, route, sizeof(route), IP_RETOPTS));
	hear(to, "instead", false);
	saw_result("none", send_with(fd, none, 0, IP_RETOPTS));
	hear(to, "none", false);
	saw_result("by IP_RECVOPTS", send_with(fd, route, sizeof(route), IP_RECVOPTS));
	hear(to, "by IP_RECVOPTS", false);
	saw_result("MORE", send(fd, "da", 2, MSG_MORE));
	saw_result("instead, too late", send_with(fd, route, sizeof(route), IP_RETOPTS));
	hear(to, "instead, too late", false);
	set_int(to, IPPROTO_IP, IP_RECVOPTS, 0);
	saw_result("only RETOPTS", send(fd, "data", 4, 0));
	hear(to, "only RETOPTS", false);
	set_int(to, IPPROTO_IP, IP_RETOPTS, 0);
	saw_result("nothing asked", send(fd, "data", 4, 0));
	hear(to, "nothing asked", false);
	close(to);
	close(fd);
}

/* an echo request and its answer, by a raw socket */
static void pings(void)
{
	static const char *const which[] = { "record route", "record route 1", "stamps", "stamps and addresses",
		"stamps, full", "stamps of own", "several", "four noops" };

	for (size_t i = 0; i < COUNT; i++)
		for (size_t k = 0; k < sizeof(which) / sizeof(which[0]); k++) {
			const struct sample *s = &samples[i];
			struct icmphdr echo = { .type = ICMP_ECHO, .un.echo.id = htons(77) };
			uint32_t f = ~(1u << ICMP_ECHOREPLY);
			int fd;

			if (strcmp(which[k], s->name))
				continue;
			fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
			setsockopt(fd, SOL_RAW, 1, &f, sizeof(f));
			saw_result(s->name, setsockopt(fd, IPPROTO_IP, IP_OPTIONS, s->b, full_len(s)));
			listen_for_options(fd);
			connect_to(fd, site->peer, 0);
			echo.checksum = (uint16_t)~(echo.type + echo.un.echo.id);
			saw_result(s->name, send(fd, &echo, sizeof(echo), 0));
			hear(fd, s->name, true);
			close(fd);
		}
}

/* raw packets with options that are wrong: the error tells where */
static void wrong(void)
{
	static const struct sample bad[] = {
		S("no length", 1, 1, 1, 7), S("length 1", 7, 1, 4, 0), S("too long", 7, 9, 4, 0),
		S("low pointer", 7, 7, 3, 0, 0, 0, 0, 0), S("half a place", 7, 7, 5, 0, 0, 0, 0, 0),
		S("two", 7, 3, 4, 7, 3, 4, 0, 0), S("overflow", 68, 4, 5, 0xf0),
		S("short alert", 148, 3, 0, 0), S("unknown", 222, 4, 1, 1),
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unsigned char b[64] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 200 }, got[128];
		int out = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), in = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
		uint32_t f = ~(1u << ICMP_PARAMETERPROB);
		size_t len = 20 + bad[i].len + 8;
		union addr a;
		ssize_t n;

		setsockopt(in, SOL_RAW, 1, &f, sizeof(f));
		b[0] = (unsigned char)(0x45 + bad[i].len / 4);
		memcpy(b + 20, bad[i].b, bad[i].len);
		make_addr(&a, site->own, 0);
		memcpy(b + 16, &a.in.sin_addr, 4);
		saw_result(bad[i].name, sendto(out, b, len, 0, &a.sa, sizeof(a.in)));
		wait_for(in, POLLIN, 60);
		n = recv(in, got, sizeof(got), MSG_DONTWAIT);
		if (n < 28)
			saw_result(bad[i].name, n);
		else
			saw(bad[i].name, "code %u pointer %u", got[(got[0] & 15) * 4 + 1], got[(got[0] & 15) * 4 + 4]);
		close(out);
		close(in);
	}
}

static void raws(void)
{
	static const unsigned char route[11] = { 7, 11, 4 };
	int fd = socket(AF_INET, SOCK_RAW, 200), in = socket(AF_INET, SOCK_RAW, 200), one = 1;
	char big[1600] = "";

	connect_to(fd, site->own, 0);
	saw_result("set", setsockopt(fd, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)));
	listen_for_options(in);
	saw_result("send", send(fd, "raw", 3, 0));
	hear(in, "heard", true);
	saw_result("with", send_with(fd, route, 4, IP_RETOPTS) < 0 ? -1 : 4);
	saw_result("HDRINCL", setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &one, sizeof(one)));
	big[0] = 0x45;
	saw_result("send its header", (errno = 0, send(fd, big, 40, 0)) < 0 ? -1 : 40);
	close(fd);
	close(in);
}

/* ---- IPv6 ---- */

static uint32_t add_up(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *b = data;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? b[i] : (uint32_t)b[i] << 8;
	return sum;
}

/* hop-by-hop options, a routing header of no segments, destination options, then UDP */
static size_t make_packet(unsigned char *p, const union addr *own, unsigned which)
{
	static const unsigned char headers[3][16] = {
		{ 0, 0, 5, 2, 0, 0, 1, 0 }, { 0, 0, 0, 0, 0, 0, 0, 0 }, { 0, 1, 0x1e, 12, 1, 2, 3, 4 },
	};
	static const unsigned char kind[3] = { 0, 43, 60 };
	unsigned char *next = p + 6;
	size_t at = 40, len;
	uint32_t sum;

	memset(p, 0, 200);
	p[0] = 0x62;
	p[1] = 0xa1;
	p[2] = 0x23;
	p[3] = 0x45;
	p[7] = 64;
	memcpy(p + 8, &own->in6.sin6_addr, 16);
	memcpy(p + 24, &own->in6.sin6_addr, 16);
	for (unsigned i = 0; i < 3; i++)
		if (which & 1u << i) {
			len = 8u * (headers[i][1] + 1u);
			memcpy(p + at, headers[i], len);
			*next = kind[i];
			next = p + at;
			at += len;
		}
	*next = IPPROTO_UDP;
	p[at + 1] = 9;
	p[at + 2] = (unsigned char)(test_port(0) >> 8);
	p[at + 3] = (unsigned char)test_port(0);
	p[at + 5] = 12;
	memcpy(p + at + 8, "data", 4);
	sum = add_up(add_up(add_up(IPPROTO_UDP + 12, p + 8, 16), p + 24, 16), p + at, 12);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	p[at + 6] = (unsigned char)(sum >> 8);
	p[at + 7] = (unsigned char)sum;
	p[5] = (unsigned char)(at + 12 - 40);
	return at + 12;
}

/* what a receiver is told of extension headers and the flow label */
static void headers(void)
{
	static const int names[] = { IPV6_RECVHOPOPTS, IPV6_RECVRTHDR, IPV6_RECVDSTOPTS, 11 /* IPV6_FLOWINFO */ };
	int out = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
	unsigned char p[256];
	char what[64];
	union addr to;

	make_addr(&to, site->own, 0);
	for (unsigned wanted = 0; wanted < 16; wanted++)
		for (unsigned which = 0; which < 8; which++) {
			int fd = udp();
			size_t len;

			bind_to(fd, site->own, test_port(0));
			for (int i = 0; i < 4; i++)
				if (wanted & 1u << i)
					set_int(fd, IPPROTO_IPV6, names[i], 1);
			len = make_packet(p, &to, which);
			snprintf(what, sizeof(what), "headers %u, wanted %u", which, wanted);
			if (sendto(out, p, len, 0, &to.sa, sizeof(to.in6)) < 0)
				saw_result(what, -1);
			hear(fd, what, false);
			close(fd);
		}
	close(out);
}

const struct scenario ipopt_scenarios[] = {
	{ "set", sets, ON_LO4 }, { "arrive", arrive, ON_LO4 | ON_NET4 }, { "routes", routes, ON_LO4 | ON_NET4 },
	{ "once", once, ON_LO4 | ON_NET4 }, { "ping", pings, ON_LO4 | ON_NET4 },
	{ "wrong", wrong, ON_LO4 }, { "raw", raws, ON_LO4 },
	{ "headers", headers, ON_LO6 },
	{ 0 },
};
