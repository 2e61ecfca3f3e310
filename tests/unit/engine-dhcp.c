/* engine-dhcp.c - DHCP, DHCPv6, router advertisements, domain names as they come from a network */
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
#include "engine/dhcp6_msg.h"
#include "engine/ra_msg.h"

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

/* ---- DHCPv6 ---- */

#define IAID	7

static void put6(struct message *m, unsigned code, const void *val, size_t len)
{
	m->b[m->len++] = (uint8_t)(code >> 8);
	m->b[m->len++] = (uint8_t)code;
	m->b[m->len++] = (uint8_t)(len >> 8);
	m->b[m->len++] = (uint8_t)len;
	memcpy(m->b + m->len, val, len);
	m->len += len;
}

static void begin6(struct message *m, uint8_t type)
{
	memset(m, 0, sizeof(*m));
	m->b[0] = type;
	m->b[3] = 42;
	m->len = 4;
	put6(m, 1, "\0\3\0\1\2\0\0\0\0\7", 10);
	put6(m, 2, "\0\3\0\1\2\0\0\0\0\x63", 10);
}

static int parse6(const struct message *m, struct dhcp6_reply *r)
{
	uint8_t *copy = malloc(m->len ? m->len : 1);
	int ret;

	memcpy(copy, m->b, m->len);
	ret = dhcp6_parse(copy, m->len, 42, IAID, mac, r);
	free(copy);
	return ret;
}

/* an association with one address; @valid below 256 */
static void put_lease(struct message *m, uint8_t iaid, uint8_t preferred, uint8_t valid)
{
	uint8_t ia[12 + 28] = { 0, 0, 0, iaid, 0, 0, 0, 10, 0, 0, 0, 20, 0, 5, 0, 24, 0x20, 1 };

	ia[31] = 0x60;
	ia[35] = preferred;
	ia[39] = valid;
	put6(m, 3, ia, sizeof(ia));
}

static void a_lease_of_ipv6_is_read(void **state)
{
	static const uint8_t addr[16] = { 0x20, 1, [15] = 0x60 };
	struct dhcp6_reply r;
	struct message m;

	begin6(&m, DHCP6_REPLY);
	put_lease(&m, IAID, 100, 200);
	put6(&m, 24, "\3six\7example\0", 13);
	assert_int_equal(parse6(&m, &r), 0);
	assert_true(r.address);
	assert_memory_equal(r.addr, addr, 16);
	assert_int_equal(r.t1, 10);
	assert_int_equal(r.t2, 20);
	assert_int_equal(r.preferred, 100);
	assert_int_equal(r.valid, 200);
	assert_string_equal(r.search, "six.example");
	/* preferred longer than valid; another's association */
	begin6(&m, DHCP6_REPLY);
	put_lease(&m, IAID, 201, 200);
	assert_int_equal(parse6(&m, &r), 0);
	assert_false(r.address);
	begin6(&m, DHCP6_REPLY);
	put_lease(&m, IAID + 1, 100, 200);
	assert_int_equal(parse6(&m, &r), 0);
	assert_false(r.address);
	/* a refusal inside of it */
	begin6(&m, DHCP6_ADVERTISE);
	put6(&m, 3, "\0\0\0\7\0\0\0\0\0\0\0\0\0\15\0\2\0\2", 18);
	assert_int_equal(parse6(&m, &r), 0);
	assert_int_equal(r.status, DHCP6_NO_ADDRESS);
}

static void ipv6_messages_not_for_us_are_refused(void **state)
{
	static const size_t at[] = { 0, 3, 7, 13 };
	struct dhcp6_reply r;
	struct message m;

	begin6(&m, DHCP6_REPLY);
	put_lease(&m, IAID, 100, 200);
	assert_int_equal(parse6(&m, &r), 0);
	for (size_t k = 0; k < sizeof(at) / sizeof(at[0]); k++) {
		m.b[at[k]] ^= 0x11;
		assert_true(parse6(&m, &r) < 0);
		m.b[at[k]] ^= 0x11;
	}
	for (size_t cut = m.len - 1; cut > 32; cut--) {
		m.len = cut;
		assert_true(parse6(&m, &r) < 0);
	}
}

static void ipv6_options_may_be_any_bytes(void **state)
{
	struct dhcp6_reply r;
	struct message m;
	uint8_t val[64];
	int taken = 0;

	srand(2);
	for (int round = 0; round < 20000; round++) {
		begin6(&m, DHCP6_REPLY);
		while (m.len < 400) {
			for (size_t k = 0; k < sizeof(val); k++)
				val[k] = (uint8_t)(rand() % 4 ? rand() % 30 : rand());
			val[3] = IAID;
			put6(&m, (unsigned)rand() % 40, val, (size_t)rand() % sizeof(val));
		}
		if (rand() % 4 == 0)
			m.len -= (size_t)rand() % 100;
		if (parse6(&m, &r) < 0)
			continue;
		taken++;
		assert_true(r.ndns <= DHCP6_DNS && r.server.len <= DHCP6_ID_MAX);
	}
	assert_true(taken > 100);
}

static void what_we_write_over_ipv6_fits(void **state)
{
	struct dhcp6_id id = { .len = DHCP6_ID_MAX };
	uint8_t addr[16] = { 0x20, 1 }, b[DHCP6_SIZE];
	struct dhcp6_request q = {
		.type = DHCP6_REQUEST, .xid = 42, .iaid = IAID, .server = &id, .addr = addr,
	};
	char host[300];
	size_t len, at;

	memset(host, 'a', sizeof(host));
	for (int k = 50; k < 250; k += 50)
		host[k] = '.';
	host[250] = '\0';
	q.host = host;
	len = dhcp6_build(&q, b);
	assert_true(len > 400 && len <= DHCP6_SIZE);
	for (at = 4; at < len; at += 4u + (unsigned)(b[at + 2] << 8 | b[at + 3]))
		assert_true(at + 4 <= len);
	assert_int_equal(at, len);
}

/* ---- router advertisements ---- */

static int parse_ra(const struct message *m, struct ra_msg *out)
{
	uint8_t *copy = malloc(m->len);
	int ret;

	memcpy(copy, m->b, m->len);
	ret = ra_parse(copy, m->len, out);
	free(copy);
	return ret;
}

static void an_advertisement_is_read(void **state)
{
	static const uint8_t prefix[] = {
		3, 4, 64, 0xc0, 0, 0, 0, 200, 0, 0, 0, 100, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8,
		0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	static const uint8_t others[] = {
		5, 1, 0, 0, 0, 0, 5, 0x78,
		24, 2, 48, 0x08, 0, 0, 0, 60, 0x20, 1, 0x0d, 0xb8, 0, 0x77, 0, 0,
		31, 2, 0, 0, 0, 0, 0, 9, 1, 'a', 1, 'b', 0, 0, 0, 0,
	};
	struct message m = { .b = { 134, 0, 0, 0, 64, 0xc8, 7, 8 }, .len = 16 };
	struct ra_msg ra;

	memcpy(m.b + m.len, prefix, sizeof(prefix));
	m.len += sizeof(prefix);
	memcpy(m.b + m.len, others, sizeof(others));
	m.len += sizeof(others);
	assert_int_equal(parse_ra(&m, &ra), 0);
	assert_true(ra.managed && ra.other);
	assert_int_equal(ra.pref, 1);
	assert_int_equal(ra.lifetime, 0x708);
	assert_int_equal(ra.nprefix, 1);
	assert_true(ra.prefix[0].on_link && ra.prefix[0].autonomous);
	assert_int_equal(ra.prefix[0].valid, 200);
	assert_int_equal(ra.mtu, 1400);
	assert_int_equal(ra.nroute, 1);
	assert_int_equal(ra.route[0].plen, 48);
	assert_int_equal(ra.route[0].pref, 1);
	assert_int_equal(ra.nlist, 1);
	assert_string_equal(ra.list[0].names, "a.b");
	assert_int_equal(ra.list[0].lifetime, 9);
	/* preferred longer than valid; link-local */
	m.b[16 + 11] = 201;
	assert_int_equal(parse_ra(&m, &ra), 0);
	assert_int_equal(ra.nprefix, 0);
	m.b[16 + 11] = 100;
	memcpy(m.b + 16 + 16, "\xfe\x80", 2);
	assert_int_equal(parse_ra(&m, &ra), 0);
	assert_int_equal(ra.nprefix, 0);
}

static void advertisements_may_be_any_bytes(void **state)
{
	struct message m;
	struct ra_msg ra;
	int taken = 0;

	srand(3);
	for (int round = 0; round < 20000; round++) {
		memset(&m, 0, sizeof(m));
		m.b[0] = 134;
		m.len = 16;
		while (m.len < 700) {
			static const uint8_t kinds[] = { 3, 5, 24, 25, 31, 1, 77 };
			size_t n = 8u * (1 + (unsigned)rand() % 5);

			for (size_t k = 2; k < n; k++)
				m.b[m.len + k] = (uint8_t)rand();
			m.b[m.len] = kinds[rand() % 7];
			m.b[m.len + 1] = (uint8_t)(n / 8);
			m.len += n;
		}
		if (rand() % 8 == 0)
			m.len -= (size_t)rand() % 40;
		if (parse_ra(&m, &ra) < 0)
			continue;
		taken++;
		assert_true(ra.nprefix <= RA_PREFIXES && ra.nroute <= RA_ROUTES &&
			    ra.nserver <= RA_SERVERS && ra.nlist <= RA_LISTS);
	}
	assert_true(taken > 1000);
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
		cmocka_unit_test(a_lease_of_ipv6_is_read),
		cmocka_unit_test(ipv6_messages_not_for_us_are_refused),
		cmocka_unit_test(ipv6_options_may_be_any_bytes),
		cmocka_unit_test(what_we_write_over_ipv6_fits),
		cmocka_unit_test(an_advertisement_is_read),
		cmocka_unit_test(advertisements_may_be_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
