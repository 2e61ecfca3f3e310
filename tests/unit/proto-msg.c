/* proto-msg.c - which datagrams are messages */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "proto/msg.h"

static struct msg m;

static size_t make(int op, size_t len)
{
	memset(&m, 0, sizeof(m));
	m.hdr = (struct msg_hdr){ .version = MSG_VERSION, .op = (uint16_t)op,
				  .len = (uint16_t)len, .seq = 5 };
	if (op == MSG_OP_URGENT)
		m.urgent.len = 1;
	return sizeof(m.hdr) + len;
}

static const struct { int op; size_t req, reply; int nfds; } sizes[] = {
	{ MSG_OP_HELLO, 0, 8, 0 },
	{ MSG_OP_ATTACH, 0, 0, 1 },
	{ MSG_OP_SOCKET, 16, 0, 1 },
	{ MSG_OP_BIND, 32, 0, 0 },
	{ MSG_OP_CONNECT, 36, 0, 0 },
	{ MSG_OP_LISTEN, 4, 0, 0 },
	{ MSG_OP_GETSOCKNAME, 0, 32, 0 },
	{ MSG_OP_GETPEERNAME, 0, 32, 0 },
	{ MSG_OP_SETSOCKOPT, 16, 0, 0 },
	{ MSG_OP_GETSOCKOPT, 16, 16, 0 },
	{ MSG_OP_STAT, 0, 16, 0 },
	{ MSG_OP_SHUTDOWN, 4, 0, 0 },
	{ MSG_OP_INFO, 0, 32, 0 },
	{ MSG_OP_STOP, 0, 0, 0 },
	{ MSG_OP_RING, 16, 0, 1 },
	{ MSG_OP_NAMES, 0, 2280, 0 },
	{ MSG_OP_PROC, 100, 0, 0 },
	{ MSG_OP_USERS, 0, 8, 0 },
	{ MSG_OP_OUTLOOK, 76, 4, 0 },
	{ MSG_OP_URGENT, 1028, 0, 0 },
};
#define NSIZES (sizeof(sizes) / sizeof(sizes[0]))

static void only_the_right_size_is_taken(void **state)
{
	assert_int_equal(NSIZES, MSG_OP_COUNT - 1);
	for (size_t i = 0; i < NSIZES; i++) {
		size_t got = make(sizes[i].op, sizes[i].req);

		assert_int_equal(msg_check(&m, got, sizes[i].nfds), 0);
		assert_int_equal(msg_check(&m, got, sizes[i].nfds + 1), -EBADMSG);
		assert_int_equal(msg_check(&m, got + 1, sizes[i].nfds), -EPROTO);
		assert_int_equal(msg_check(&m, got - 1, sizes[i].nfds), -EPROTO);
		got = make(sizes[i].op, sizes[i].req + 1);
		assert_int_equal(msg_check(&m, got, sizes[i].nfds), -EPROTO);
		got = make(sizes[i].op, sizes[i].reply);
		assert_int_equal(msg_check_reply(&m, got, (uint16_t)sizes[i].op, 5), 0);
		assert_int_equal(msg_check_reply(&m, got, (uint16_t)sizes[i].op, 6), -ESTALE);
		got = make(sizes[i].op, sizes[i].reply + 1);
		/* a text has any length */
		assert_int_equal(msg_check_reply(&m, got, (uint16_t)sizes[i].op, 5),
				 sizes[i].op == MSG_OP_PROC ? 0 : -EPROTO);
	}
}

static void urgent_bytes_are_some_and_in_the_message(void **state)
{
	size_t got = make(MSG_OP_URGENT, sizeof(m.urgent));

	m.urgent.len = MSG_URGENT_MAX;
	assert_int_equal(msg_check(&m, got, 0), 0);
	m.urgent.len = MSG_URGENT_MAX + 1;
	assert_int_equal(msg_check(&m, got, 0), -EPROTO);
	m.urgent.len = 0;
	assert_int_equal(msg_check(&m, got, 0), -EPROTO);
}

static void an_error_has_no_body(void **state)
{
	size_t got = make(MSG_OP_INFO, 0);

	m.hdr.err = -EPERM;
	assert_int_equal(msg_check_reply(&m, got, MSG_OP_INFO, 5), 0);
	m.hdr.err = EPERM;
	assert_int_equal(msg_check_reply(&m, got, MSG_OP_INFO, 5), -EPROTO);
	got = make(MSG_OP_GETSOCKNAME, 32);
	m.hdr.err = -EPERM;
	assert_int_equal(msg_check_reply(&m, got, MSG_OP_GETSOCKNAME, 5), -EPROTO);
}

static void another_version_is_refused(void **state)
{
	size_t got = make(MSG_OP_HELLO, 0);

	m.hdr.version = MSG_VERSION + 1;
	assert_int_equal(msg_check(&m, got, 0), -EPROTO);
	assert_int_equal(msg_check_reply(&m, got, MSG_OP_HELLO, 5), -EPROTO);
}

static void lengths_inside_must_fit(void **state)
{
	size_t got = make(MSG_OP_BIND, sizeof(m.addr));

	m.addr.len = 29;
	assert_int_equal(msg_check(&m, got, 0), -EPROTO);
	m.addr.len = 1;
	assert_int_equal(msg_check(&m, got, 0), -EPROTO);
	m.addr.len = 28;
	assert_int_equal(msg_check(&m, got, 0), 0);
	got = make(MSG_OP_CONNECT, sizeof(m.connect));
	m.connect.to.len = UINT32_MAX;
	assert_int_equal(msg_check(&m, got, 0), -EPROTO);
	got = make(MSG_OP_SETSOCKOPT, sizeof(m.opt) + 4);
	m.opt.len = 4;
	assert_int_equal(msg_check(&m, got, 0), 0);
	m.opt.len = 5;
	assert_int_equal(msg_check(&m, got, 0), -EPROTO);
	m.opt.len = UINT32_MAX - 11;	/* 16 + that wraps around to 4 */
	assert_int_equal(msg_check(&m, got, 0), -EPROTO);
	got = make(MSG_OP_GETSOCKOPT, sizeof(m.opt));
	m.opt.len = MSG_OPT_MAX;
	assert_int_equal(msg_check(&m, got, 0), 0);
	m.opt.len = MSG_OPT_MAX + 1;
	assert_int_equal(msg_check(&m, got, 0), -EPROTO);
	/* the value may come along, as a whole */
	got = make(MSG_OP_GETSOCKOPT, sizeof(m.opt) + 4);
	m.opt.len = 4;
	assert_int_equal(msg_check(&m, got, 0), 0);
	m.opt.len = 5;
	assert_int_equal(msg_check(&m, got, 0), -EPROTO);
	got = make(MSG_OP_USERS, sizeof(m.users) + sizeof(struct msg_user));
	assert_int_equal(msg_check_reply(&m, got, MSG_OP_USERS, 5), -EPROTO);
	m.users.n = 1;
	assert_int_equal(msg_check_reply(&m, got, MSG_OP_USERS, 5), 0);
	/* local.len of the row */
	memset(m.raw + sizeof(m.users) + 24, 0xff, 4);
	assert_int_equal(msg_check_reply(&m, got, MSG_OP_USERS, 5), -EPROTO);
	got = make(MSG_OP_INFO, sizeof(m.info) + sizeof(struct msg_ifinfo));
	assert_int_equal(msg_check_reply(&m, got, MSG_OP_INFO, 5), -EPROTO);
	m.info.nif = 1;
	assert_int_equal(msg_check_reply(&m, got, MSG_OP_INFO, 5), 0);
	((struct msg_ifinfo *)(m.raw + sizeof(m.info)))->naddr = MSG_IFADDRS + 1;
	assert_int_equal(msg_check_reply(&m, got, MSG_OP_INFO, 5), -EPROTO);
	got = make(MSG_OP_NAMES, sizeof(m.names));
	m.names.ndns = 1;
	assert_int_equal(msg_check_reply(&m, got, MSG_OP_NAMES, 5), -EPROTO);	/* no family */
	m.names.dns[0].sa.sa_family = AF_INET6;
	assert_int_equal(msg_check_reply(&m, got, MSG_OP_NAMES, 5), 0);
	m.names.ndns = MSG_DNS + 1;
	assert_int_equal(msg_check_reply(&m, got, MSG_OP_NAMES, 5), -EPROTO);
	m.names.ndns = 0;
	memset(m.names.hosts, 'x', sizeof(m.names.hosts));
	assert_int_equal(msg_check_reply(&m, got, MSG_OP_NAMES, 5), -EPROTO);
}

static void noise_is_never_read_beyond_its_end(void **state)
{
	srand(1);
	for (int i = 0; i < 20000; i++) {
		size_t len = (size_t)rand() % 200;
		uint8_t *buf = malloc(len ? len : 1);	/* exact, so that ASan sees more */

		for (size_t j = 0; j < len; j++)
			buf[j] = (uint8_t)rand();
		if (len >= sizeof(struct msg_hdr)) {
			struct msg_hdr h = { .version = MSG_VERSION,
				.op = (uint16_t)(rand() % (MSG_OP_COUNT + 1)),
				.len = (uint16_t)(len - sizeof(h)), .seq = 5 };

			memcpy(buf, &h, sizeof(h));
			msg_check_reply((struct msg *)(void *)buf, len, h.op, 5);
		}
		msg_check((struct msg *)(void *)buf, len, rand() % 2);
		free(buf);
	}
}

static void addresses_as_the_kernel_takes_them(void **state)
{
	struct sockaddr_storage ss = { .ss_family = AF_INET };
	struct msg_addr a;

	assert_int_equal(msg_addr_set(&a, NULL, 0), 0);
	assert_int_equal(a.len, 0);
	assert_int_equal(msg_addr_set(&a, (struct sockaddr *)&ss, 16), 0);
	assert_int_equal(a.len, 16);
	assert_int_equal(msg_addr_set(&a, (struct sockaddr *)&ss, sizeof(ss)), 0);
	assert_int_equal(a.len, 16);
	assert_int_equal(msg_addr_set(&a, (struct sockaddr *)&ss, 15), -EINVAL);
	assert_int_equal(msg_addr_set(&a, (struct sockaddr *)&ss, 1), -EINVAL);
	ss.ss_family = AF_INET6;
	assert_int_equal(msg_addr_set(&a, (struct sockaddr *)&ss, 24), 0);
	assert_int_equal(a.len, 28);
	assert_int_equal(msg_addr_set(&a, (struct sockaddr *)&ss, 23), -EINVAL);
	assert_int_equal(msg_addr_set(&a, (struct sockaddr *)&ss, sizeof(ss)), 0);
	assert_int_equal(a.len, 28);
	ss.ss_family = AF_UNSPEC;	/* connect(2) of it dissolves an association */
	assert_int_equal(msg_addr_set(&a, (struct sockaddr *)&ss, 2), 0);
	assert_int_equal(a.len, 2);
	assert_int_equal(msg_addr_set(&a, (struct sockaddr *)&ss, sizeof(ss)), 0);
	assert_int_equal(a.len, 28);
	ss.ss_family = AF_UNIX;
	assert_int_equal(msg_addr_set(&a, (struct sockaddr *)&ss, sizeof(ss)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_right_size_is_taken),
		cmocka_unit_test(urgent_bytes_are_some_and_in_the_message),
		cmocka_unit_test(an_error_has_no_body),
		cmocka_unit_test(another_version_is_refused),
		cmocka_unit_test(lengths_inside_must_fit),
		cmocka_unit_test(noise_is_never_read_beyond_its_end),
		cmocka_unit_test(addresses_as_the_kernel_takes_them),
	};

	return cmocka_run_group_tests_name("proto-msg", tests, NULL, NULL);
}
