/* lite.c - UDP-Lite: ports of its own, and what its checksum covers
 *
 * A raw socket of the protocol shows what is on the wire, and sends what no UDP-Lite
 * socket would.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <netinet/udp.h>
#include "diff.h"

struct packet {
	uint16_t sport, dport, coverage, sum;
	char data[64];
};

static int lite(void)
{
	int fd = socket(site->domain, SOCK_DGRAM, IPPROTO_UDPLITE);

	if (fd < 0)
		err(2, "socket of UDP-Lite");
	return fd;
}

static int lite_at(unsigned port)
{
	int fd = lite();

	if (bind_to(fd, site->own, port) < 0)
		err(2, "bind");
	return fd;
}

static int lite_to(const char *text, unsigned port)
{
	int fd = lite();

	if (connect_to(fd, text, port) < 0)
		err(2, "connect");
	return fd;
}

static int raw(void)
{
	int fd = socket(site->domain, SOCK_RAW, IPPROTO_UDPLITE);

	if (fd < 0)
		err(2, "raw socket");
	return fd;
}

static void show_name(int fd, const char *what, int (*call)(int, struct sockaddr *, socklen_t *))
{
	union addr a;
	socklen_t len = sizeof(a);

	if (call(fd, &a.sa, &len) < 0)
		saw_result(what, -1);
	else
		saw(what, "%s", addr_text(&a, len));
}

static void hear_for(int fd, const char *what, int ms)
{
	char buf[128];
	ssize_t n;

	wait_for(fd, POLLIN, ms);
	n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n < 0)
		saw_result(what, -1);
	else
		saw(what, "%zd \"%.*s\"", n, (int)n, buf);
}

static void hear(int fd, const char *what)
{
	hear_for(fd, what, WAIT_MS);
}

static void nothing(int fd, const char *what)
{
	char buf[128];

	wait_for(fd, POLLIN, 60);
	saw_result(what, recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
}

static void basics(void)
{
	int fd = lite(), u = udp(), other = lite();

	saw("SO_PROTOCOL", "%d", get_int(fd, SOL_SOCKET, SO_PROTOCOL));
	saw("SO_TYPE", "%d", get_int(fd, SOL_SOCKET, SO_TYPE));
	saw_result("UDP's port is not", bind_to(u, site->own, test_port(0)));
	saw_result("UDP-Lite's", bind_to(fd, site->own, test_port(0)));
	saw_result("a second time", bind_to(other, site->own, test_port(0)));
	saw_result("sendto port 0", connect_to(other, site->peer, 0));
	saw_result("connect", connect_to(other, site->peer, PEER_PORT));
	show_name(other, "getsockname", getsockname);
	show_name(other, "getpeername", getpeername);
	saw_result("listen", listen(other, 1));
	saw_result("send", send(other, "echo", 4, 0));
	hear(other, "echo");
	saw_result("send none", send(other, "", 0, 0));
	hear(other, "echo of none");
	nothing(u, "UDP hears nothing");
	close(fd);
	close(u);
	close(other);
}

static void refused(void)
{
	int fd = lite_to(site->peer, 9);

	send(fd, "x", 1, 0);
	saw("refused", "%s", wait_for(fd, POLLIN | POLLERR, WAIT_MS) ? "told" : "not told");
	saw_result("recv", recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT));
	saw_result("then", recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT));
	close(fd);
}

/* the values that may be asked for, on either kind of socket by either level */
static void values(void)
{
	static const int v[] = { -70000, -1, 0, 1, 7, 8, 9, 1000, 65535, 65536, 1 << 30 };
	char what[96];

	for (unsigned kind = 0; kind < 8; kind++)
		for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
			int fd = kind & 1 ? lite() : udp(), r;
			int level = kind & 2 ? IPPROTO_UDPLITE : IPPROTO_UDP;
			int name = kind & 4 ? RECV_CSCOV : SEND_CSCOV;

			snprintf(what, sizeof(what), "%s level %d %s %d", kind & 1 ? "lite" : "UDP", level,
				 kind & 4 ? "RECV" : "SEND", v[i]);
			if (i == 0)
				saw(what, "default %d", get_int(fd, level, name));
			r = set_int(fd, level, name, v[i]);
			if (r < 0)
				saw_result(what, r);
			else
				saw(what, "%d", get_int(fd, level, name));
			saw_result(what, setsockopt(fd, level, name, &v[i], 3));
			saw_result(what, set_int(fd, level, UDP_CORK, 0));
			saw_result(what, set_int(fd, level, 77, 0));
			saw_result(what, get_int(fd, level, 77));
			close(fd);
		}
}

/* the header that a raw socket sees */
static void wire(void)
{
	static const int coverage[] = { -1, 0, 8, 9, 12, 20, 100 };

	for (size_t i = 0; i < sizeof(coverage) / sizeof(coverage[0]); i++)
		for (unsigned len = 0; len <= 13; len += 13) {
			int r = raw(), to = lite_at(test_port(1)), fd = lite_at(test_port(0));
			char buf[256], what[64];
			struct packet p = { 0 };
			ssize_t n, skip = site->domain == AF_INET ? 20 : 0;

			if (coverage[i] >= 0)
				set_int(fd, IPPROTO_UDPLITE, SEND_CSCOV, coverage[i]);
			connect_to(fd, site->own, test_port(1));
			send(fd, "thirteen byte", len, 0);
			wait_for(r, POLLIN, WAIT_MS);
			n = recv(r, buf, sizeof(buf), MSG_DONTWAIT);
			if (n > skip)
				memcpy(&p, buf + skip, (size_t)(n - skip));
			snprintf(what, sizeof(what), "coverage %d of %u", coverage[i], len + 8);
			saw(what, "%zd bytes, covered %u, sum %04x", n - skip, ntohs(p.coverage), ntohs(p.sum));
			hear(to, what);
			close(r);
			close(to);
			close(fd);
		}
}

static uint32_t add_up(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *b = data;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? b[i] : (uint32_t)b[i] << 8;
	return sum;
}

/* of the first bytes, as sent from the site's address to itself */
static uint16_t sum_of(const struct packet *p, size_t len, size_t covered)
{
	union addr a;
	uint32_t sum = IPPROTO_UDPLITE + (uint32_t)len;

	make_addr(&a, site->own, 0);
	for (int i = 0; i < 2; i++)
		sum = a.sa.sa_family == AF_INET ? add_up(sum, &a.in.sin_addr, 4) :
			add_up(sum, &a.in6.sin6_addr, 16);
	sum = add_up(sum, p, covered);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void inject(int r, int to, const char *what, unsigned coverage, size_t covered, int spoil)
{
	struct packet p = {
		.sport = htons((uint16_t)test_port(2)), .dport = htons((uint16_t)test_port(0)),
		.coverage = htons((uint16_t)coverage), .data = "0123456789",
	};
	union addr a;
	socklen_t alen = make_addr(&a, site->own, 0);

	p.sum = covered ? sum_of(&p, 18, covered) : 0;
	if (spoil >= 0)
		p.data[spoil] ^= 0x20;
	if (sendto(r, &p, 18, 0, &a.sa, alen) < 0)
		saw_result(what, -1);
	hear_for(to, what, 60);
}

/* what comes in, right and wrong */
static void taken(void)
{
	static const int wants[] = { -1, 0, 8, 12, 13, 18, 19, 500 };
	int r = raw();

	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		int to = lite_at(test_port(0));
		char what[64];

		nonblock(to);
		if (wants[i] >= 0)
			set_int(to, IPPROTO_UDPLITE, RECV_CSCOV, wants[i]);
#define TRY(name, ...) do { snprintf(what, sizeof(what), "want %d: %s", wants[i], name); \
		inject(r, to, what, __VA_ARGS__); } while (0)
		TRY("all by 0", 0, 18, -1);
		TRY("all by length", 18, 18, -1);
		TRY("header", 8, 8, -1);
		TRY("part", 12, 12, -1);
		if (wants[i] > 0 && wants[i] != 12) {
			close(to);
			continue;
		}
		TRY("spoilt, not covered", 12, 12, 6);
		TRY("spoilt, covered", 12, 12, 2);
		TRY("no checksum", 18, 0, -1);
		TRY("covers too little", 7, 7, -1);
		TRY("covers too much", 19, 18, -1);
		close(to);
	}
	close(r);
}

static void calls(void)
{
	char buf[32];
	int fd = lite_to(site->peer, PEER_PORT);
	struct iovec v[2] = { { (void *)"ab", 2 }, { (void *)"cd", 2 } };

	saw_result("send MORE", send(fd, "ab", 2, MSG_MORE));
	saw_result("send", send(fd, "cd", 2, 0));
	hear(fd, "both");
	saw_result("writev", writev(fd, v, 2));
	hear(fd, "gathered");
	saw_result("set SEGMENT", set_int(fd, IPPROTO_UDPLITE, UDP_SEGMENT, 2));
	saw_result("get SEGMENT", get_int(fd, IPPROTO_UDP, UDP_SEGMENT));
	saw_result("send segments", (errno = 0, send(fd, "abcd", 4, 0)));
	wait_for(fd, POLLIN, 60);
	saw_result("then", recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	saw_result("shutdown WR", shutdown(fd, SHUT_WR));
	saw_result("send after", send(fd, "x", 1, MSG_NOSIGNAL));
	close(fd);
}

/* both ends cover a part; the peer 12 bytes of what it sends back */
static void partial(void)
{
	static const int send_cov[] = { 0, 8, 12, 200 }, want[] = { 0, 8, 12, 13 };
	char what[48];

	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 4; k++) {
			int fd = lite_to(site->peer, PEER_PORT);

			set_int(fd, IPPROTO_UDPLITE, SEND_CSCOV, send_cov[i]);
			set_int(fd, IPPROTO_UDPLITE, RECV_CSCOV, want[k]);
			send(fd, "partial", 7, 0);
			snprintf(what, sizeof(what), "send %d want %d", send_cov[i], want[k]);
			hear_for(fd, what, want[k] == 8 || want[k] == 12 ? WAIT_MS : 60);
			close(fd);
		}
}

/* the file of /proc, its own line counted */
static void proc(void)
{
	const char *path = site->domain == AF_INET ? "/proc/net/udplite" : "/proc/net/udplite6";
	int fd = lite_at(test_port(3)), lines = 0;
	char line[512], want[8];
	FILE *f = fopen(path, "r");

	snprintf(want, sizeof(want), ":%04X", test_port(3));
	if (f && fgets(line, sizeof(line), f))
		saw("head", "%.40s", line);
	while (f && fgets(line, sizeof(line), f))
		lines += strstr(line, want) != NULL;
	saw("lines", "%d", lines);
	if (f)
		fclose(f);
	close(fd);
}

const struct scenario lite_scenarios[] = {
	{ "basics", basics, ON_ALL }, { "refused", refused, ON_ALL }, { "values", values, ON_LO },
	{ "wire", wire, ON_LO }, { "taken", taken, ON_LO }, { "calls", calls, ON_ALL },
	{ "partial", partial, ON_ALL },
	{ "proc", proc, ON_LO },
	{ 0 },
};
