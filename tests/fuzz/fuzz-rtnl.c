/* fuzz-rtnl.c - requests of a hostile client to the rtnetlink server
 *
 * Theory of operation
 * One engine lives as long as the process, with a dummy interface, a netlink
 * socket that sends the input as one record, and one that listens to every
 * group.  Whatever comes back has to be whole messages.  Afterwards a dump of
 * the links must still be answered and end.
 *
 * Inputs that name a kind of link which opens something outside (vde, tap,
 * tun) are left out: a VNL may run commands.
 *
 * lwIP's state is global and cannot be wiped between inputs: a crash may need
 * the inputs before it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include "base/log.h"
#include "base/loop.h"
#include "engine/engine.h"
#include "proto/config.h"
#include "proto/sockname.h"

#define TURNS	8		/* wake-ups an input may need */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop *loop;
static struct engine *engine;
static int asker, listener;

static void check(int holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "fuzz-rtnl: %s\n", what);
		abort();
	}
}

static int open_netlink(uint32_t groups)
{
	struct msg_socket how = { AF_NETLINK, SOCK_RAW, NETLINK_ROUTE };
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
	asker = open_netlink(0);
	listener = open_netlink(~0u);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const outside[] = { "vde", "tap", "tun" };
	struct {
		struct nlmsghdr h;
		struct ifinfomsg f;
	} dump = {
		.h = { sizeof(dump), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 },
	};
	int done = 0;

	if (!engine)
		start();
	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++)
		if (memmem(data, size, outside[i], 3))
			return 0;
	if (size)
		send(asker, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	for (int i = 0; i < TURNS; i++) {
		loop_once(loop, 0);
		drain(asker);
		drain(listener);
	}
	check(send(asker, &dump, sizeof(dump), MSG_DONTWAIT) == sizeof(dump), "the socket is gone");
	for (int i = 0; i < 4096 && !done; i++) {
		loop_once(loop, 0);
		done = drain(asker);
		drain(listener);
	}
	check(done, "a dump does not end");
	return 0;
}
