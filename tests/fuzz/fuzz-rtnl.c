/* fuzz-rtnl.c - requests of a hostile client to the rtnetlink and sock_diag servers
 *
 * Theory of operation
 * One engine lives as long as the process, with a dummy interface, a netlink
 * socket of each protocol that sends the input as one record, and one that listens to
 * every group.  Whatever comes back has to be whole messages.  Afterwards a dump of
 * the links, and of TCP's sockets, must still be answered and end.
 *
 * Inputs that name a kind of link which opens something outside (vde, tap,
 * tun) are left out: a VNL may run commands.
 *
 * lwIP's state is global and cannot be wiped between inputs: a crash may need
 * the inputs before it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include "base/log.h"
#include "base/loop.h"
#include "engine/engine.h"
#include "proto/config.h"
#include "proto/sockname.h"

#define TURNS	8		/* wake-ups an input may need */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop *loop;
static struct engine *engine;
static int asker, listener, diag;

static void check(int holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "fuzz-rtnl: %s\n", what);
		abort();
	}
}

static int open_netlink(int protocol, uint32_t groups)
{
	struct msg_socket how = { .domain = AF_NETLINK, .type = SOCK_RAW, .protocol = protocol };
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK, .nl_groups = groups };
	struct msg_addr a = { .len = sizeof(sa) };
	uint64_t id = sockname_new_id();
	int fds[2];

	check(sockname_pair(SOCKNAME_NETLINK, id, "/fuzz", fds) == 0, "no pair");
	check(engine_socket(engine, id, &how, fds[1]) == 0, "no socket");
	memcpy(&a.addr, &sa, sizeof(sa));
	check(sock_bind(engine_sock(engine, id), &a) == 0, "no bind");
	return fds[0];
}

/* something to dump */
static void open_sockets(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW };
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(7000) };
	struct msg_addr a = { .len = sizeof(sa) };

	memcpy(&a.addr, &sa, sizeof(sa));
	for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct msg_socket how = {
			.domain = AF_INET, .type = types[i], .protocol = types[i] == SOCK_RAW ? 1 : 0,
		};
		bool stream = types[i] == SOCK_STREAM;
		uint64_t id = sockname_new_id();
		int fds[2];

		check(sockname_pair(stream ? SOCKNAME_STREAM : SOCKNAME_DGRAM, id, "/fuzz", fds) == 0, "no pair");
		check(engine_socket(engine, id, &how, fds[1]) == 0, "no socket");
		if (i == 0) {
			check(sock_bind(engine_sock(engine, id), &a) == 0, "no bind");
			check(sock_listen(engine_sock(engine, id), 5) == 0, "no listen");
		} else if (stream) {
			a.addr.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
			sock_connect(engine_sock(engine, id), &a, 0);
		} else {
			sock_bind(engine_sock(engine, id), &a);
		}
	}
}

static void start(void)
{
	struct config c;
	char err[256];

	log_init("fuzz", -1);
	loop = loop_new();
	engine = engine_new(loop, "/fuzz");
	check(engine != NULL, "no engine");
	check(config_parse("vnl=dummy:,iface=e0,ip=10.0.0.1/24,ip=fc00::1/64", &c, err, sizeof(err)) == 0,
	      "configuration");
	check(engine_configure(engine, &c, err, sizeof(err)) == 0, "no interface");
	config_free(&c);
	asker = open_netlink(NETLINK_ROUTE, 0);
	listener = open_netlink(NETLINK_ROUTE, ~0u);
	diag = open_netlink(NETLINK_SOCK_DIAG, 0);
	open_sockets();
}

/* every record is a sequence of whole messages; how many NLMSG_DONE there were */
static int drain(int fd)
{
	static uint8_t buf[1 << 18];
	int done = 0;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *h = (const void *)buf;
		int left = (int)n;

		for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
			done += h->nlmsg_type == NLMSG_DONE;
		check(left == 0, "an answer is no sequence of messages");
	}
	return done;
}

/* a whole dump comes, whatever was asked before */
static void check_dump(int fd, const void *request, size_t len)
{
	int done = 0;

	check(send(fd, request, len, MSG_DONTWAIT) == (ssize_t)len, "the socket is gone");
	for (int i = 0; i < 4096 && !done; i++) {
		loop_once(loop, 0);
		done = drain(fd);
		drain(listener);
	}
	check(done, "a dump does not end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const outside[] = { "vde", "tap", "tun" };
	struct {
		struct nlmsghdr h;
		struct ifinfomsg f;
	} links = {
		.h = { sizeof(links), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 },
	};
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 q;
	} socks = {
		.h = { sizeof(socks), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 },
		.q = { .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP,
		       .idiag_states = ~0u, .idiag_ext = 0xff },
	};

	if (!engine)
		start();
	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++)
		if (memmem(data, size, outside[i], 3))
			return 0;
	if (size) {
		send(asker, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		send(diag, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	for (int i = 0; i < TURNS; i++) {
		loop_once(loop, 0);
		drain(asker);
		drain(diag);
		drain(listener);
	}
	check_dump(asker, &links, sizeof(links));
	check_dump(diag, &socks, sizeof(socks));
	return 0;
}
