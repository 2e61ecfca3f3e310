/* engine-dhcp.c - DHCP messages and domain names as they come from a network */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include "engine/dhcp4_msg.h"

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };

struct message {
	uint8_t b[1024];
	size_t len;
};

static void begin(struct message *m)
{
	static const uint8_t cookie[] = { 99, 130, 83, 99 };

	memset(m, 0, sizeof(*m));
	m->b[0] = 2;
	m->b[1] = 1;
	m->b[2] = 6;
	m->b[7] = 42;			/* the transaction */
	memcpy(m->b + 16, "\x0a\x09\0\x32", 4);
	memcpy(m->b + 28, mac, 6);
	memcpy(m->b + 236, cookie, 4);
	m->len = 240;
}

static void put(struct message *m, uint8_t code, const void *val, size_t len)
{
	m->b[m->len++] = code;
	m->b[m->len++] = (uint8_t)len;
	memcpy(m->b + m->len, val, len);
	m->len += len;
}

/* as dhcp4_parse() would be called: the buffer ends where the message does */
static int parse(const struct message *m, struct dhcp4_reply *r)
{
	uint8_t *copy = malloc(m->len ? m->len : 1);
	int ret;

	memcpy(copy, m->b, m->len);
	ret = dhcp4_parse(copy, m->len, 42, mac, r);
	free(copy);
	return ret;
}

static void a_whole_message_is_read(void **state)
{
	static const uint8_t search[] = "\3one\7example\0\3two\300\4";
	struct dhcp4_reply r;
	struct message m;

	begin(&m);
	put(&m, 53, "\5", 1);
	put(&m, 54, "\x0a\x09\0\1", 4);
	put(&m, 51, "\0\0\x0e\x10", 4);
	put(&m, 1, "\xff\xff\xff\0", 4);
	put(&m, 3, "\x0a\x09\0\1\x0a\x09\0\2", 8);
	put(&m, 6, "\x0a\x09\0\x35\x0a\x09\0\x36", 8);
	put(&m, 15, "lab.example", 11);
	put(&m, 26, "\5\x78", 2);
	put(&m, 119, search, sizeof(search) - 1);
	m.b[m.len++] = 255;
	assert_int_equal(parse(&m, &r), 0);
	assert_int_equal(r.type, DHCP4_ACK);
	assert_int_equal(r.address, inet_addr("10.9.0.50"));
	assert_int_equal(r.server, inet_addr("10.9.0.1"));
	assert_int_equal(r.plen, 24);
	assert_int_equal(r.lease, 3600);
	assert_int_equal(r.mtu, 1400);
	assert_int_equal(r.nroute, 1);
	assert_int_equal(r.route[0].gw, inet_addr("10.9.0.1"));
	assert_int_equal(r.ndns, 2);
	assert_int_equal(r.dns[1], inet_addr("10.9.0.54"));
	assert_string_equal(r.search, "one.example two.example");
}

static void classless_routes_take_the_routers_place(void **state)
{
	static const uint8_t routes[] = {
		24, 192, 168, 7, 10, 9, 0, 2, 0, 10, 9, 0, 3, 32, 1, 2, 3, 4, 0, 0, 0, 0,
	};
	struct dhcp4_reply r;
	struct message m;

	begin(&m);
	put(&m, 53, "\2", 1);
	put(&m, 3, "\x0a\x09\0\1", 4);
	put(&m, 121, routes, sizeof(routes));
	assert_int_equal(parse(&m, &r), 0);
	assert_int_equal(r.nroute, 3);
	assert_int_equal(r.route[0].dst, inet_addr("192.168.7.0"));
	assert_int_equal(r.route[0].plen, 24);
	assert_int_equal(r.route[1].plen, 0);
	assert_int_equal(r.route[1].gw, inet_addr("10.9.0.3"));
	assert_int_equal(r.route[2].gw, 0);
	/* cut or with an impossible prefix, the router counts */
	m.len--;
	m.b[m.len - sizeof(routes)]--;
	assert_int_equal(parse(&m, &r), 0);
	assert_int_equal(r.nroute, 1);
	assert_int_equal(r.route[0].gw, inet_addr("10.9.0.1"));
}

static void options_may_be_split_and_overloaded(void **state)
{
	struct dhcp4_reply r;
	struct message m;

	begin(&m);
	put(&m, 52, "\3", 1);
	put(&m, 53, "\5", 1);
	put(&m, 119, "\3one\7exa", 8);
	put(&m, 119, "mple\0", 5);
	m.b[m.len++] = 255;
	memcpy(m.b + 108, "\x33\4\0\0\0\x78\xff", 7);		/* file: the lease */
	memcpy(m.b + 44, "\x36\4\x0a\x09\0\1\xff", 7);		/* sname: the server */
	assert_int_equal(parse(&m, &r), 0);
	assert_string_equal(r.search, "one.example");
	assert_int_equal(r.lease, 120);
	assert_int_equal(r.server, inet_addr("10.9.0.1"));
}

static void what_is_not_for_us_is_refused(void **state)
{
	static const size_t at[] = { 0, 1, 2, 7, 30, 236, 242 };
	struct dhcp4_reply r;
	struct message m;

	begin(&m);
	put(&m, 53, "\5", 1);
	assert_int_equal(parse(&m, &r), 0);
	for (size_t k = 0; k < sizeof(at) / sizeof(at[0]); k++) {
		m.b[at[k]] ^= 0x11;
		assert_true(parse(&m, &r) < 0);
		m.b[at[k]] ^= 0x11;
	}
	for (m.len = 0; m.len < 243; m.len++)
		assert_true(parse(&m, &r) < 0);
}

static void masks_with_holes_count_as_none(void **state)
{
	struct dhcp4_reply r;
	struct message m;

	begin(&m);
	put(&m, 53, "\5", 1);
	put(&m, 1, "\xff\0\xff\0", 4);
	assert_int_equal(parse(&m, &r), 0);
	assert_int_equal(r.plen, 8);
}

static void any_message_can_be_cut_anywhere(void **state)
{
	struct dhcp4_reply r;
	struct message m;
	int taken = 0;

	srand(1);
	for (int round = 0; round < 20000; round++) {
		begin(&m);
		put(&m, 53, "\5", 1);
		while (m.len < 500)
			m.b[m.len++] = (uint8_t)(rand() % 8 ? rand() % 130 : rand());
		m.len = 243 + (size_t)rand() % 250;
		if (parse(&m, &r) < 0)
			continue;
		taken++;
		assert_true(r.nroute <= DHCP4_ROUTES && r.ndns <= DHCP4_DNS && r.plen <= 32);
	}
	assert_true(taken > 1000);
}

static void names(const char *wire, size_t len, const char *expect)
{
	char list[64] = "";
	uint8_t *copy = malloc(len);

	memcpy(copy, wire, len);
	domains_add_wire(list, sizeof(list), copy, len);
	free(copy);
	assert_string_equal(list, expect);
}

static void names_that_could_hurt_are_left_out(void **state)
{
	char list[32] = "";

#define NAMES(wire, expect)	names(wire, sizeof(wire) - 1, expect)
	NAMES("\1a\1b\0", "a.b");
	NAMES("\1a\1b\0\0\0\0", "a.b");
	NAMES("\1a\0\1A\0\1b\0", "a b");		/* twice is once */
	NAMES("\4a\nx \0\1b\0", "b");
	NAMES("\1a\300\0", "");				/* a circle */
	NAMES("\300\0", "");
	NAMES("\1a\300\4\0\1b\0", "");			/* forwards */
	NAMES("\1a\0\1c\300\0", "a c.a");
	NAMES("\77a", "");
	NAMES("\1", "");
#undef NAMES
	domains_add_text(list, sizeof(list), (const uint8_t *)"a.b c\n d. e..f -", 16);
	assert_string_equal(list, "a.b d -");
	domains_add_text(list, sizeof(list), (const uint8_t *)"a-name-that-is-longer.than.that x", 33);
	assert_string_equal(list, "a.b d - x");
}

static void what_we_write_is_whole(void **state)
{
	struct dhcp4_request q = { .type = DHCP4_REQUEST, .xid = 42, .requested = 1, .server = 2 };
	char host[300];
	uint8_t b[DHCP4_SIZE];
	size_t at;

	memset(host, 'a', sizeof(host));
	for (int k = 50; k < 250; k += 50)
		host[k] = '.';
	host[250] = '\0';
	q.host = host;
	memcpy(q.mac, mac, 6);
	assert_true(dhcp4_build(&q, b) <= DHCP4_SIZE);
	for (at = 240; b[at] != 255; at += 2u + b[at + 1])
		assert_true(at < DHCP4_SIZE - 2);
	q.host = "no name";
	assert_int_equal(dhcp4_build(&q, b), 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_message_is_read),
		cmocka_unit_test(classless_routes_take_the_routers_place),
		cmocka_unit_test(options_may_be_split_and_overloaded),
		cmocka_unit_test(what_is_not_for_us_is_refused),
		cmocka_unit_test(masks_with_holes_count_as_none),
		cmocka_unit_test(any_message_can_be_cut_anywhere),
		cmocka_unit_test(names_that_could_hurt_are_left_out),
		cmocka_unit_test(what_we_write_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
