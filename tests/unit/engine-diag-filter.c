/* engine-diag-filter.c - filters of ss(8): random ones get the kernel's verdict and result
 *
 * The kernel itself is asked, by a dump of one listening socket: whether it takes
 * a filter, and whether the socket matches.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <cmocka.h>
#include "engine/diag_filter.h"

#define FILTERS		5000
#define OPS		6
#define ST_LISTEN	10

static int netlink = -1, listener = -1;
static uint16_t port;
static uint64_t seed = 0x7654321;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % below;
}

static int setup(void **state)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);

	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || bind(listener, (void *)&sa, sizeof(sa)) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (void *)&sa, &len) < 0)
		return -1;
	port = ntohs(sa.sin_port);
	netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	return 0;
}

static int teardown(void **state)
{
	close(listener);
	close(netlink);
	return 0;
}

/* 1: the kernel's socket matches, 0: it does not, or -errno: the filter is refused */
static int ask_kernel(const uint8_t *code, size_t len)
{
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 q;
		struct nlattr a;
		uint8_t code[1024];
	} req = {
		.h = { .nlmsg_len = (uint32_t)(offsetof(__typeof__(req), code) + len),
		       .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.q = { .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP,
		       .idiag_states = 1 << ST_LISTEN, .id.idiag_sport = htons(port) },
		.a = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = INET_DIAG_REQ_BYTECODE },
	};
	static uint8_t buf[65536];
	int found = 0;

	memcpy(req.code, code, len);
	assert_true(send(netlink, &req, req.h.nlmsg_len, 0) == (ssize_t)req.h.nlmsg_len);
	for (;;) {
		ssize_t n = recv(netlink, buf, sizeof(buf), 0);
		const struct nlmsghdr *h = (const void *)buf;
		int left = (int)n, err;

		assert_true(n > 0);
		for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			memcpy(&err, NLMSG_DATA(h), sizeof(err));
			if (h->nlmsg_type == NLMSG_DONE)
				return err < 0 ? err : found;
			if (h->nlmsg_type == NLMSG_ERROR)
				return err;
			found = 1;
		}
	}
}

static int ask_ours(const uint8_t *code, size_t len)
{
	uint32_t src = htonl(INADDR_LOOPBACK), dst = 0;
	struct diag_entry e = {
		.family = AF_INET, .saddr = &src, .daddr = &dst, .sport = port, .bound_port = false,
	};
	int err = diag_filter_check(code, len);

	return err ? err : diag_filter_match(code, len, &e);
}

static size_t put_operand(uint8_t *at, uint8_t code)
{
	struct inet_diag_bc_op num = { .no = rnd(3) ? port : (uint16_t)rnd(65536) };
	struct inet_diag_hostcond c = {
		.family = rnd(4) ? AF_INET : (uint8_t)(rnd(2) ? AF_INET6 : AF_UNSPEC),
		.prefix_len = (uint8_t)rnd(rnd(8) ? 33 : 140), .port = rnd(2) ? -1 : port,
	};
	static const uint8_t addr[16] = { 127, 0, 0, 1 };
	uint32_t dev = rnd(2);

	switch (code) {
	case INET_DIAG_BC_S_GE: case INET_DIAG_BC_S_LE: case INET_DIAG_BC_S_EQ:
	case INET_DIAG_BC_D_GE: case INET_DIAG_BC_D_LE: case INET_DIAG_BC_D_EQ:
		memcpy(at, &num, sizeof(num));
		return sizeof(num);
	case INET_DIAG_BC_S_COND: case INET_DIAG_BC_D_COND:
		if (c.family == AF_UNSPEC)
			c.prefix_len = 0;
		memcpy(at, &c, sizeof(c));
		memcpy(at + sizeof(c), addr, sizeof(addr));
		return sizeof(c) + (c.family == AF_INET ? 4 : c.family == AF_INET6 ? 16 : 0);
	case INET_DIAG_BC_DEV_COND:
		memcpy(at, &dev, sizeof(dev));
		return sizeof(dev);
	default:
		return 0;
	}
}

/* mostly sound: operations one behind the other, that jump to one of the later */
static size_t make(uint8_t *code)
{
	/* what every kernel knows and lets everybody ask */
	static const uint8_t codes[] = {
		INET_DIAG_BC_NOP, INET_DIAG_BC_JMP, INET_DIAG_BC_S_GE, INET_DIAG_BC_S_LE,
		INET_DIAG_BC_D_GE, INET_DIAG_BC_D_LE, INET_DIAG_BC_S_COND, INET_DIAG_BC_D_COND,
		INET_DIAG_BC_DEV_COND, INET_DIAG_BC_S_EQ, INET_DIAG_BC_D_EQ, 77,
	};
	size_t at[OPS + 1], len = 0;
	unsigned n = 1 + rnd(OPS);

	for (unsigned i = 0; i < n; i++) {
		struct inet_diag_bc_op op = { .code = codes[rnd(sizeof(codes) - (rnd(20) != 0))] };
		size_t size = sizeof(op) + put_operand(code + len + sizeof(op), op.code);

		at[i] = len;
		op.yes = (uint8_t)(rnd(30) ? size : 4 * rnd(12) + (rnd(9) == 0));
		memcpy(code + len, &op, sizeof(op));
		len += size;
	}
	at[n] = len;
	for (unsigned i = 0; i < n; i++) {
		struct inet_diag_bc_op op;
		unsigned to = i + 1 + rnd(n - i);

		memcpy(&op, code + at[i], sizeof(op));
		op.no = (uint16_t)(rnd(30) ? at[to] - at[i] + (to == n && rnd(2) ? 4 : 0) : rnd(60));
		memcpy(code + at[i], &op, sizeof(op));
	}
	return len;
}

static void random_filters(void **state)
{
	unsigned taken = 0, matched = 0;
	uint8_t code[1024];

	if (netlink < 0 || ask_kernel((const uint8_t *)"\0\4\4\0", 4) < 0)
		skip();
	for (int i = 0; i < FILTERS; i++) {
		size_t len;
		int ours, kernels;

		memset(code, 0, sizeof(code));
		len = make(code);
		ours = ask_ours(code, len);
		kernels = ask_kernel(code, len);
		if (ours != kernels) {
			for (size_t k = 0; k < len; k++)
				print_error("%02x%s", code[k], k % 4 == 3 ? " " : "");
			print_error("\n");
		}
		assert_int_equal(ours, kernels);
		taken += ours >= 0;
		matched += ours > 0;
	}
	/* there was something of everything */
	assert_in_range(taken, FILTERS / 10, FILTERS - FILTERS / 10);
	assert_in_range(matched, FILTERS / 20, taken - FILTERS / 20);
}

/* an IPv4 condition fits a mapped address, not another of IPv6 */
static void mapped(void **state)
{
	static const uint8_t filter[] = {
		INET_DIAG_BC_D_COND, 16, 20, 0, AF_INET, 24, 0, 0, 0xff, 0xff, 0xff, 0xff, 10, 0, 0, 0,
	};
	uint32_t v4in6[4] = { 0, 0, htonl(0xffff), htonl(0x0a000007) }, v6[4] = { 1 };
	struct diag_entry e = { .family = AF_INET6, .saddr = v6, .daddr = v4in6 };

	assert_int_equal(diag_filter_check(filter, sizeof(filter)), 0);
	assert_true(diag_filter_match(filter, sizeof(filter), &e));
	e.daddr = v6;
	assert_false(diag_filter_match(filter, sizeof(filter), &e));
}

static void bounds(void **state)
{
	static uint8_t big[DIAG_FILTER_MAX + 4];

	for (size_t i = 0; i < sizeof(big); i += 4)
		memcpy(big + i, "\0\4\0", 4);		/* NOP */
	assert_int_equal(diag_filter_check(big, 0), -EINVAL);
	assert_int_equal(diag_filter_check(big, DIAG_FILTER_MAX), 0);
	assert_int_equal(diag_filter_check(big, sizeof(big)), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_filters),
		cmocka_unit_test(mapped),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
