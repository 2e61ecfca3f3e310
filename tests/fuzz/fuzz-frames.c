/* fuzz-frames.c - frames from a hostile network into a whole stack
 *
 * Theory of operation
 * One engine lives as long as the process, with an interface over a
 * socketpair, 10.0.0.1/24 and fc00::1/64, what the network gives it, and sockets that listen on port 7
 * (TCP and UDP, both families).  An input is a sequence of frames, each after
 * a head of three bytes: flags and length.  By itself random data would get no
 * further than a checksum or an unknown sequence number, hence the flags:
 *   1  make the checksums right
 *   2  add the sequence number that the stack last chose in a SYN|ACK to the
 *      acknowledgement number, which so is relative
 *   4  put in the transaction that the stack last chose as a client of DHCP or
 *      DHCPv6; the interface has both, and listens to routers
 *   8  by a cable, 10.0.1.1/24 and fc01::1/64, with the metadata that the frame
 *      begins with (struct virtio_net_hdr); what is for 10.0.0.0/24 is forwarded
 * Every ALIVE_EVERY inputs the stack must still answer an ARP request.
 * We also answer the stack's ARP and neighbour solicitations, and take,
 * answer and close what it accepts.
 *
 * lwIP's state is global and cannot be wiped between inputs: a crash may need
 * the inputs before it.  Found are crashes, leaks at the end, undefined
 * behaviour and stalls (-timeout).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <linux/virtio_net.h>
#include "base/fdio.h"
#include "base/log.h"
#include "base/loop.h"
#include "engine/engine.h"
#include "proto/config.h"
#include "proto/sockname.h"

#define FRAMES		64	/* a longer input is cut */
#define HEAD		3
#define PORT		7
#define ALIVE_EVERY	256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_options(void);

/* lwIP chains waiting fragments by pointers inside the packets, unaligned,
 * where LeakSanitizer does not look for them unless told to */
const char *__lsan_default_options(void)
{
	return "use_unaligned=1";
}

static struct loop *loop;
static struct engine *engine;
static int wire, cable, listeners[2], datagrams[2];	/* our ends */
static uint32_t iss;		/* the stack's, of its last SYN|ACK */
static uint8_t xid4[4], xid6[3];	/* of its last question to a server */
static bool arp_reply;		/* seen one */

static void check(int holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "fuzz-frames: %s\n", what);
		abort();
	}
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* --- checksums --- */

static uint32_t sum(const uint8_t *p, size_t n, uint32_t s)
{
	for (; n > 1; n -= 2, p += 2)
		s += get16(p);
	return n ? s + (uint32_t)(*p << 8) : s;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* the checksum inside an IP payload: TCP, UDP, ICMP, ICMPv6 */
static void fix_payload(uint8_t *p, size_t n, uint8_t proto, uint32_t pseudo)
{
	size_t at = proto == 6 ? 16 : proto == 17 ? 6 : proto == 1 || proto == 58 ? 2 : n;

	if (at + 2 > n)
		return;
	put16(p + at, 0);
	put16(p + at, fold(sum(p, n, proto == 1 ? 0 : pseudo + proto + (uint32_t)n)));
}

static void fix_ip4(uint8_t *p, size_t n)
{
	size_t hl = n >= 20 ? (size_t)(p[0] & 15) * 4 : 0, total;

	if (hl < 20 || hl > n)
		return;
	put16(p + 10, 0);
	put16(p + 10, fold(sum(p, hl, 0)));
	total = get16(p + 2);
	if (total >= hl && total <= n && !(get16(p + 6) & 0x3fff))
		fix_payload(p + hl, total - hl, p[9], sum(p + 12, 8, 0));
}

static void fix_ip6(uint8_t *p, size_t n)
{
	size_t len = n >= 40 ? get16(p + 4) : 0;

	if (n >= 40 && len <= n - 40)
		fix_payload(p + 40, len, p[6], sum(p + 8, 32, 0));
}

static void fix_checksums(uint8_t *f, size_t n)
{
	if (n > 14 && get16(f + 12) == 0x0800)
		fix_ip4(f + 14, n - 14);
	if (n > 14 && get16(f + 12) == 0x86dd)
		fix_ip6(f + 14, n - 14);
}

/* the TCP header of a frame without IP options, or NULL */
static uint8_t *tcp_of(uint8_t *f, size_t n)
{
	if (n >= 14 + 20 + 20 && get16(f + 12) == 0x0800 && f[14] == 0x45 && f[23] == 6)
		return f + 34;
	if (n >= 14 + 40 + 20 && get16(f + 12) == 0x86dd && f[20] == 6)
		return f + 54;
	return NULL;
}

/* where a DHCP or DHCPv6 message has its transaction, by the UDP port (network order as
 * it stands) that the other side has; NULL: it is none */
static uint8_t *xid4_of(uint8_t *f, size_t n, unsigned at, uint16_t port)
{
	return n >= 14 + 20 + 8 + 8 && get16(f + 12) == 0x0800 && f[14] == 0x45 && f[23] == 17 &&
		get16(f + 34 + at) == port ? f + 42 + 4 : NULL;
}

static uint8_t *xid6_of(uint8_t *f, size_t n, unsigned at, uint16_t port)
{
	return n >= 14 + 40 + 8 + 4 && get16(f + 12) == 0x86dd && f[20] == 17 &&
		get16(f + 54 + at) == port ? f + 62 + 1 : NULL;
}

static void note_transaction(uint8_t *f, size_t n)
{
	uint8_t *x4 = xid4_of(f, n, 2, 67), *x6 = xid6_of(f, n, 2, 547);

	if (x4)
		memcpy(xid4, x4, sizeof(xid4));
	if (x6)
		memcpy(xid6, x6, sizeof(xid6));
}

static void put_transaction(uint8_t *f, size_t n)
{
	uint8_t *x4 = xid4_of(f, n, 2, 68), *x6 = xid6_of(f, n, 2, 546);

	if (x4)
		memcpy(x4, xid4, sizeof(xid4));
	if (x6)
		memcpy(x6, xid6, sizeof(xid6));
}

/* --- our side of the wire --- */

static void answer_arp(uint8_t *f, size_t n)
{
	if (n >= 42 && get16(f + 20) == 2)
		arp_reply = true;
	/* a probe (RFC 5227) is left alone, or no lease would be taken */
	if (n < 42 || get16(f + 20) != 1 || !get32(f + 28))
		return;
	f[21] = 2;
	memcpy(f + 32, f + 22, 10);		/* target: who asked */
	memcpy(f + 28, (uint8_t[]){ 10, 0, 0, 2 }, 4);
	memcpy(f + 22, "\x02\0\0\0\0\x01", 6);
	memcpy(f, f + 6, 6);
	memcpy(f + 6, f + 22, 6);
	send(wire, f, n, MSG_DONTWAIT);
}

/* a neighbour solicitation becomes the advertisement that answers it */
static void answer_ns(uint8_t *f, size_t n)
{
	static const uint8_t option[8] = { 2, 1, 0x02, 0, 0, 0, 0, 0x01 };
	uint8_t *ip = f + 14, *icmp = f + 54;

	if (n < 78 || ip[6] != 58 || icmp[0] != 135)
		return;
	memcpy(ip + 24, ip + 8, 16);		/* to who asked, by the target */
	memcpy(ip + 8, icmp + 8, 16);
	put16(ip + 4, 32);
	icmp[0] = 136;
	icmp[4] = 0x60;
	memcpy(icmp + 24, option, sizeof(option));
	memcpy(f, f + 6, 6);
	memcpy(f + 6, option + 2, 6);
	fix_ip6(ip, 72);
	send(wire, f, 86, MSG_DONTWAIT);
}

static int drain_wire(void)
{
	static uint8_t f[65536 + 64];
	ssize_t n;
	int got = 0;

	for (; (n = recv(wire, f, sizeof(f), MSG_DONTWAIT)) > 14; got++) {
		uint8_t *tcp = tcp_of(f, (size_t)n);

		if (tcp && (tcp[13] & 0x12) == 0x12)
			iss = get32(tcp + 4);
		note_transaction(f, (size_t)n);
		if (get16(f + 12) == 0x0806)
			answer_arp(f, (size_t)n);
		if (get16(f + 12) == 0x86dd)
			answer_ns(f, (size_t)n);
	}
	while (recv(cable, f, sizeof(f), MSG_DONTWAIT) > 0)
		got++;
	return got;
}

/* let the stack work until it has nothing more to say */
static void pump(void)
{
	for (int i = 0; i < 16; i++) {
		check(loop_once(loop, 0) == 0, "loop_once() failed");
		if (!drain_wire() && i > 1)
			return;
	}
}

/* --- the applications --- */

static void serve_listener(int fd)
{
	static char buf[4096];
	struct msg_accept a;
	int conn, n = 1;

	while (fdio_recv(fd, &a, sizeof(a), &conn, &n, MSG_DONTWAIT) > 0) {
		if (n == 1) {
			pump();
			if (recv(conn, buf, sizeof(buf), MSG_DONTWAIT) > 2)
				send(conn, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL);
			pump();
			close(conn);
		}
		n = 1;
	}
}

static void serve(void)
{
	char buf[4096];
	ssize_t n;

	for (int i = 0; i < 2; i++) {
		serve_listener(listeners[i]);
		/* an echo: the header that came with it leads back */
		for (int k = 0; k < 8; k++) {
			n = recv(datagrams[i], buf, sizeof(buf), MSG_DONTWAIT);
			if (n > 0)
				send(datagrams[i], buf, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
		}
	}
	pump();
}

static int open_socket(int domain, int type, int *fd)
{
	struct msg_socket how = { .domain = domain, .type = type };
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	uint64_t id = sockname_new_id();
	struct msg_addr a;
	struct sock *s;
	int fds[2], on = 1;

	check(sockname_pair(type == SOCK_STREAM ? SOCKNAME_STREAM : SOCKNAME_DGRAM, id,
			    "/fuzz", fds) == 0, "sockname_pair() failed");
	*fd = fds[0];
	if (engine_socket(engine, id, &how, fds[1]) < 0)
		return -1;
	s = engine_sock(engine, id);
	check(s != NULL, "no socket");
	if (domain == AF_INET6) {
		sock_setopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		msg_addr_set(&a, (struct sockaddr *)&any, sizeof(any));
	} else {
		msg_addr_set(&a, (struct sockaddr *)&any4, sizeof(any4));
	}
	check(sock_bind(s, &a) == 0, "sock_bind() failed");
	return type == SOCK_STREAM ? sock_listen(s, 16) : 0;
}

static void tear_down(void)
{
	for (int i = 0; i < 2; i++) {
		close(listeners[i]);
		close(datagrams[i]);
	}
	engine_free(engine);
	loop_free(loop);
	close(wire);
	close(cable);
}

/* the far end of the cable that the stack waits for at @path, up */
static void plug(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	cable = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	check(connect(cable, (struct sockaddr *)&un, sizeof(un)) == 0, "no cable");
	pump();
	check(send(cable, "U", 1, 0) == 1, "the cable cannot be told");
}

static void set_up(void)
{
	char spec[256], path[64], err[256] = "";
	struct config c;
	int pair[2];

	log_init("fuzz-frames", -1);
	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0,
	      "socketpair() failed");
	wire = pair[1];
	snprintf(path, sizeof(path), "/tmp/fuzz-frames.%d", (int)getpid());
	snprintf(spec, sizeof(spec), "fd=%d,mac=02:00:00:00:00:02,ip=10.0.0.1/24,ip=fc00::1/64,auto,privacy,"
		 "veth=%s,mac=02:00:00:00:00:03,ip=10.0.1.1/24,ip=fc01::1/64,forward4", pair[0], path);
	loop = loop_new();
	check(loop != NULL, "no loop");
	engine = engine_new(loop, "/fuzz");
	check(engine != NULL, "no engine");
	check(config_parse(spec, &c, err, sizeof(err)) == 0, err);
	check(engine_configure(engine, &c, err, sizeof(err)) == 0, err);
	config_free(&c);
	check(open_socket(AF_INET, SOCK_STREAM, &listeners[0]) == 0 &&
	      open_socket(AF_INET6, SOCK_STREAM, &listeners[1]) == 0 &&
	      open_socket(AF_INET, SOCK_DGRAM, &datagrams[0]) == 0 &&
	      open_socket(AF_INET6, SOCK_DGRAM, &datagrams[1]) == 0, "no socket");
	pump();
	plug(path);
	pump();
	atexit(tear_down);
}

static void send_one(const uint8_t *data, size_t n, uint8_t flags)
{
	static uint8_t record[sizeof(struct virtio_net_hdr) + 4096];
	uint8_t *f = record, *tcp;
	size_t meta = flags & 8 ? sizeof(struct virtio_net_hdr) : 0;

	if (n > sizeof(record))
		n = sizeof(record);
	memcpy(f, data, n);
	if (n < meta)
		return;
	f += meta;
	n -= meta;
	tcp = tcp_of(f, n);
	if (tcp && (flags & 2)) {
		uint32_t ack = get32(tcp + 8) + iss;

		put16(tcp + 8, ack >> 16);
		put16(tcp + 10, ack & 0xffff);
	}
	if (flags & 4)
		put_transaction(f, n);
	if (flags & 1)
		fix_checksums(f, n);
	send(meta ? cable : wire, record, meta + n, MSG_DONTWAIT);
	pump();
}

static void check_alive(void)
{
	static const uint8_t request[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 0x01, 0x08, 0x06,
		0, 1, 0x08, 0, 6, 4, 0, 1, 0x02, 0, 0, 0, 0, 0x01, 10, 0, 0, 2,
		0, 0, 0, 0, 0, 0, 10, 0, 0, 1,
	};

	arp_reply = false;
	check(send(wire, request, sizeof(request), MSG_DONTWAIT) > 0, "the stack does not read");
	pump();
	check(arp_reply, "the stack does not answer any more");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned inputs;

	if (!engine)
		set_up();
	if (inputs++ % ALIVE_EVERY == 0)
		check_alive();
	for (int i = 0; i < FRAMES && size > HEAD; i++) {
		size_t n = get16(data + 1);

		if (n > size - HEAD)
			n = size - HEAD;
		send_one(data + HEAD, n, data[0]);
		data += HEAD + n;
		size -= HEAD + n;
	}
	serve();
	return 0;
}
