/* base-addr.c - addresses are parsed strictly and formatted as they were */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include "base/addr.h"

static void addresses_round_trip(void **state)
{
	static const char *const good[] = {
		"0.0.0.0", "10.0.0.70", "255.255.255.255", "::", "::1", "fc00::1:70",
		"2001:db8:1:2:3:4:5:6", "::ffff:10.0.0.1",
	};
	char buf[ADDR_STRLEN];
	struct addr a;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(addr_parse(good[i], &a), 0);
		assert_int_equal(a.family, strchr(good[i], ':') ? AF_INET6 : AF_INET);
		assert_string_equal(addr_str(&a, buf), good[i]);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {
		"", " ", "10", "10.0.0", "10.0.0.256", "10.0.0.1 ", " 10.0.0.1", "010.0.0.1",
		"10.0.0.01", "0x0a.0.0.1", "10.0.0.1/24", "10.0.0.1.", ":", ":::", "fc00::1%lo",
		"fc00::1::2", "1:2:3:4:5:6:7:8:9", "12345::", "[::1]", "localhost",
	};
	struct addr a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(addr_parse(bad[i], &a), -EINVAL);
		assert_int_equal(a.family, AF_UNSPEC);
	}
	assert_int_equal(addr_parse(NULL, &a), -EINVAL);
}

static void prefixes_round_trip(void **state)
{
	static const char *const good[] = {
		"10.0.0.70/24", "0.0.0.0/0", "10.0.0.1/32", "::/0", "fc00::1:70/64", "::1/128",
	};
	char buf[ADDR_PREFIXSTRLEN];
	struct addr_prefix p;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(addr_prefix_parse(good[i], &p), 0);
		assert_string_equal(addr_prefix_str(&p, buf), good[i]);
	}
	assert_int_equal(addr_prefix_parse("10.0.0.1", &p), 0);
	assert_int_equal(p.len, 32);
	assert_int_equal(addr_prefix_parse("fc00::1", &p), 0);
	assert_int_equal(p.len, 128);
}

static void what_is_no_prefix_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "/", "/24", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/024", "10.0.0.1/00",
		"10.0.0.1/-1", "10.0.0.1/+8", "10.0.0.1/ 8", "10.0.0.1/8 ", "10.0.0.1/8/8",
		"10.0.0.1/4294967304", "10.0.0.1/99999999999999999999", "::1/129", "::1/0x40",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/1",
	};
	struct addr_prefix p;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(addr_prefix_parse(bad[i], &p), -EINVAL);
	assert_int_equal(addr_prefix_parse(NULL, &p), -EINVAL);
}

static void ethernet_addresses(void **state)
{
	static const char *const bad[] = {
		"", "02", "02:00:5e:10:00", "02:00:5e:10:00:", "02:00:5e:10:00:0", "02:00:5e:10:00:0g",
		"02:00:5e:10:00:01:", "02:00:5e:10:00:011", "2:0:5e:10:0:1", "02-00-5e-10-00-01",
	};
	const uint8_t want[6] = { 0x02, 0x00, 0x5e, 0xAB, 0xcd, 0x01 };
	uint8_t mac[6];
	char buf[18];

	assert_int_equal(addr_mac_parse("02:00:5E:ab:Cd:01", mac), 0);
	assert_memory_equal(mac, want, 6);
	assert_string_equal(addr_mac_str(mac, buf), "02:00:5e:ab:cd:01");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(addr_mac_parse(bad[i], mac), -EINVAL);
	assert_int_equal(addr_mac_parse(NULL, mac), -EINVAL);
}

static void socket_addresses(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(65535) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
	struct sockaddr un = { .sa_family = AF_UNIX };
	char buf[ADDR_SOCKSTRLEN];

	inet_pton(AF_INET, "255.255.255.255", &in.sin_addr);
	assert_string_equal(addr_sock_str((struct sockaddr *)&in, buf), "255.255.255.255:65535");
	inet_pton(AF_INET6, "fc00::1", &in6.sin6_addr);
	assert_string_equal(addr_sock_str((struct sockaddr *)&in6, buf), "[fc00::1]:80");
	assert_string_equal(addr_sock_str(&un, buf), "none");
	assert_string_equal(addr_sock_str(NULL, buf), "none");
}

static void equality(void **state)
{
	struct addr a, b, none = { .family = AF_UNSPEC }, other = { .family = AF_UNSPEC };

	addr_parse("10.0.0.1", &a);
	addr_parse("10.0.0.1", &b);
	/* what lies behind an IPv4 address in the union does not count */
	memset((char *)&b.v6 + 4, 0xff, 12);
	assert_true(addr_equal(&a, &b));
	addr_parse("10.0.0.2", &b);
	assert_false(addr_equal(&a, &b));
	addr_parse("::ffff:10.0.0.1", &b);
	assert_false(addr_equal(&a, &b));
	assert_false(addr_equal(&a, &none));
	other.v4.s_addr = 1;
	assert_true(addr_equal(&none, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_round_trip),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(prefixes_round_trip),
		cmocka_unit_test(what_is_no_prefix_is_refused),
		cmocka_unit_test(ethernet_addresses),
		cmocka_unit_test(socket_addresses),
		cmocka_unit_test(equality),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
