/* engine-nlmsg.c - netlink messages: what is built reads back, what lies is refused */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <linux/rtnetlink.h>
#include "engine/nlmsg.h"

static const struct nlmsghdr head = { .nlmsg_type = RTM_NEWLINK, .nlmsg_seq = 5 };

static void what_was_built_reads_back(void **state)
{
	struct nlbuf b = { 0 };
	struct ifinfomsg *f = nl_begin(&b, &head, sizeof(*f));
	struct nla tb[8], in[4];
	char s[8];
	size_t nest;

	f->ifi_index = 3;
	nl_put_str(&b, 3, "eth0");
	nl_put_u8(&b, 4, 200);
	nest = nl_nest(&b, 5);
	nl_put_u32(&b, 2, 70000);
	nl_nest_end(&b, nest);
	nl_end(&b);
	assert_false(b.failed);
	assert_int_equal(((struct nlmsghdr *)b.data)->nlmsg_len, b.len);
	assert_int_equal(((const struct ifinfomsg *)nl_body((void *)b.data, sizeof(*f)))->ifi_index, 3);
	assert_int_equal(nl_parse_msg(tb, 7, (void *)b.data, sizeof(*f)), 0);
	assert_true(nla_str(&tb[3], s, sizeof(s)));
	assert_string_equal(s, "eth0");
	assert_false(nla_str(&tb[3], s, 4));		/* too long for the room */
	assert_int_equal(nla_u8(&tb[4], 1), 200);
	assert_int_equal(nla_u32(&tb[4], 9), 9);	/* too short: as if absent */
	assert_int_equal(nla_u32(&tb[6], 9), 9);
	assert_int_equal(nl_parse(in, 3, tb[5].data, tb[5].len), 0);
	assert_int_equal(nla_u32(&in[2], 0), 70000);
	nlbuf_free(&b);
}

static void lengths_that_lie_are_refused(void **state)
{
	struct nla tb[4];
	struct {
		struct nlattr a;
		uint32_t v;
	} one = { { 8, 1 }, 7 };

	assert_int_equal(nl_parse(tb, 3, &one, sizeof(one)), 0);
	assert_int_equal(nla_u32(&tb[1], 0), 7);
	one.a.nla_len = 9;
	assert_int_equal(nl_parse(tb, 3, &one, sizeof(one)), -EINVAL);
	one.a.nla_len = 3;
	assert_int_equal(nl_parse(tb, 3, &one, sizeof(one)), -EINVAL);
	one.a.nla_len = 0;				/* would never end */
	assert_int_equal(nl_parse(tb, 3, &one, sizeof(one)), -EINVAL);
	one.a = (struct nlattr){ 8, 200 };		/* unknown: passed over */
	assert_int_equal(nl_parse(tb, 3, &one, sizeof(one)), 0);
	one.a.nla_len = 7;				/* unpadded at the end */
	one.a.nla_type = 2;
	assert_int_equal(nl_parse(tb, 3, &one, 7), 0);
	assert_int_equal(tb[2].len, 3);
}

static void a_short_request_has_no_body(void **state)
{
	struct nlmsghdr h = { .nlmsg_len = NLMSG_LENGTH(1) };
	struct nla tb[2];

	assert_null(nl_body(&h, sizeof(struct ifinfomsg)));
	assert_int_equal(nl_parse_msg(tb, 1, &h, sizeof(struct ifinfomsg)), -EINVAL);
}

static void a_full_buffer_fails_for_good(void **state)
{
	struct nlbuf b = { .max = 8192 };
	uint8_t big[4000] = { 0 };

	for (int i = 0; i < 3; i++) {
		/* what is returned can be filled in, also after the failure */
		memset(nl_begin(&b, &head, sizeof(struct ifinfomsg)), 1, sizeof(struct ifinfomsg));
		nl_put(&b, 1, big, sizeof(big));
		nl_end(&b);
	}
	assert_true(b.failed);
	assert_true(b.len <= 8192);
	nl_cancel(&b);
	nlbuf_free(&b);
	assert_false(b.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_built_reads_back),
		cmocka_unit_test(lengths_that_lie_are_refused),
		cmocka_unit_test(a_short_request_has_no_body),
		cmocka_unit_test(a_full_buffer_fails_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
