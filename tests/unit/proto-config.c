/* proto-config.c - the configuration string: what is taken, what is refused */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "proto/config.h"

static struct config c;
static char err[1024];

static int parse(const char *s)
{
	config_free(&c);
	memset(err, 0, sizeof(err));
	return config_parse(s, &c, err, sizeof(err));
}

static int teardown(void **state)
{
	config_free(&c);
	return 0;
}

static void assert_addr(const struct addr_prefix *p, const char *want)
{
	char buf[ADDR_PREFIXSTRLEN];

	assert_string_equal(addr_prefix_str(p, buf), want);
}

static void nothing_is_a_valid_configuration(void **state)
{
	assert_int_equal(parse(""), 0);
	assert_int_equal(c.niface, 0);
}

static void one_interface_with_everything(void **state)
{
	assert_int_equal(parse("stack=lab,vnl=vxvde://234.0.0.1,iface=lan0,mac=02:00:00:00:00:01,"
			       "ip=10.0.0.70/24,ip=fc00::1:70/64,gw=10.0.0.254,gw=fe80::1,"
			       "mtu=9000,dns=10.0.0.53,dns=fc00::53,domain=example.org,"
			       "domain=lab.example.org,hosts=/etc/lab,"
			       "fqdn=a.example.org,dhcp,rd"), 0);
	assert_string_equal(c.name, "lab");
	assert_int_equal(c.niface, 1);
	assert_string_equal(c.iface[0].link, "vxvde://234.0.0.1");
	assert_string_equal(c.iface[0].name, "lan0");
	assert_true(c.iface[0].has_mac);
	assert_int_equal(c.iface[0].mac[5], 1);
	assert_int_equal(c.iface[0].naddr, 2);
	assert_addr(&c.iface[0].addr[0], "10.0.0.70/24");
	assert_addr(&c.iface[0].addr[1], "fc00::1:70/64");
	assert_true(c.iface[0].has_gw4 && c.iface[0].has_gw6);
	assert_int_equal(c.iface[0].mtu, 9000);
	assert_int_equal(c.iface[0].flags, CONFIG_IF_DHCP | CONFIG_IF_RD);
	assert_int_equal(c.ndns, 2);
	assert_string_equal(c.domain[0], "example.org");
	assert_int_equal(c.ndomain, 2);
	assert_string_equal(c.domain[1], "lab.example.org");
	assert_string_equal(c.hosts, "/etc/lab");
	assert_string_equal(c.fqdn, "a.example.org");
}

static void each_link_begins_an_interface(void **state)
{
	assert_int_equal(parse("ip=10.0.0.1/24,tap=t0,ip=10.0.0.2/24,tun=n0,dhcp,fd=7,mtu=1400"), 0);
	assert_int_equal(c.niface, 3);
	assert_string_equal(c.iface[0].link, "tap:t0");
	assert_int_equal(c.iface[0].naddr, 2);
	assert_addr(&c.iface[0].addr[0], "10.0.0.1/24");
	assert_string_equal(c.iface[1].link, "tun:n0");
	assert_int_equal(c.iface[1].flags, CONFIG_IF_DHCP);
	assert_int_equal(c.iface[1].naddr, 0);
	assert_string_equal(c.iface[2].link, "fd:7");
	assert_int_equal(c.iface[2].mtu, 1400);
	assert_int_equal(c.iface[0].mtu, 0);
}

static void the_control_socket_is_shared_by_mode(void **state)
{
	assert_int_equal(parse("tap=t0"), 0);
	assert_int_equal(c.mode, 0);
	assert_null(c.group);
	assert_int_equal(parse("tap=t0,mode=0660,group=adm"), 0);
	assert_int_equal(c.mode, 0660);
	assert_string_equal(c.group, "adm");
	assert_int_equal(parse("tap=t0,mode=666"), 0);
	assert_int_equal(c.mode, 0666);
	assert_int_equal(parse("tap=t0,mode=0060"), -EINVAL);
	assert_int_equal(parse("tap=t0,mode=0777"), -EINVAL);
	assert_int_equal(parse("tap=t0,mode=-600"), -EINVAL);
	assert_int_equal(parse("tap=t0,mode=0680"), -EINVAL);
}

static void busy_polling_is_off_unless_asked_for(void **state)
{
	assert_int_equal(parse("tap=t0"), 0);
	assert_int_equal(c.poll_us, 0);
	config_free(&c);
	assert_int_equal(parse("tap=t0,poll=50"), 0);
	assert_int_equal(c.poll_us, 50);
	config_free(&c);
	assert_int_equal(parse("tap=t0,poll=1000001"), -EINVAL);
	assert_int_equal(parse("tap=t0,poll=-1"), -EINVAL);
	assert_int_equal(parse("tap=t0,poll="), -EINVAL);
}

static void ephemeral_ports_are_a_range(void **state)
{
	assert_int_equal(parse("tap=t0"), 0);
	assert_int_equal(c.port_min, 32768);
	assert_int_equal(c.port_max, 60999);
	assert_int_equal(parse("tap=t0,ports=1-65535"), 0);
	assert_int_equal(c.port_min, 1);
	assert_int_equal(c.port_max, 65535);
	assert_int_equal(parse("tap=t0,ports=7000-7000"), 0);
	assert_int_equal(parse("tap=t0,ports=7001-7000"), -EINVAL);
	assert_int_equal(parse("tap=t0,ports=0-7000"), -EINVAL);
	assert_int_equal(parse("tap=t0,ports=1-65536"), -EINVAL);
	assert_int_equal(parse("tap=t0,ports=7000"), -EINVAL);
}

static void commas_in_braces_belong_to_the_value(void **state)
{
	assert_int_equal(parse("vnl=vlan://5{multi://{tap://a,tap://b}},ip=10.0.0.1/24"), 0);
	assert_string_equal(c.iface[0].link, "vlan://5{multi://{tap://a,tap://b}}");
	assert_int_equal(c.iface[0].naddr, 1);
}

static void a_value_may_hold_equals_signs(void **state)
{
	assert_int_equal(parse("vnl=vxvde://239.0.0.1/port=14789/vni=2"), 0);
	assert_string_equal(c.iface[0].link, "vxvde://239.0.0.1/port=14789/vni=2");
}

static void flags_add_up_and_are_undone(void **state)
{
	const unsigned all = CONFIG_IF_DHCP | CONFIG_IF_DHCP6 | CONFIG_IF_RD;

	assert_int_equal(parse("tap=t,auto"), 0);
	assert_int_equal(c.iface[0].flags, all);
	assert_int_equal(parse("tap=t,auto,-dhcp6"), 0);
	assert_int_equal(c.iface[0].flags, all & ~CONFIG_IF_DHCP6);
	assert_int_equal(parse("tap=t,auto6,-auto"), 0);
	assert_int_equal(c.iface[0].flags, 0);
	assert_int_equal(parse("tap=t,eth,slaac,auto4"), 0);
	assert_int_equal(c.iface[0].flags, CONFIG_IF_SLAAC | CONFIG_IF_DHCP);
	assert_int_equal(parse("tap=t,-dhcp"), 0);
	assert_int_equal(c.iface[0].flags, 0);
}

/* each of these must fail, with the words in the second column */
static void errors_quote_key_value_and_remedy(void **state)
{
	static const struct { const char *s, *says; } bad[] = {
		{ "foo=1", "\"foo=1\": no such key (valid: vnl= tap=" },
		{ "tap=t,fooflag", "\"fooflag\"" },
		{ " ip=1", "no such key" },
		{ "tap=t,ip=10.0.0.300/24", "\"ip=10.0.0.300/24\"" },
		{ "tap=t,ip=10.0.0.1/33", "prefix length" },
		{ "tap=t,ip=fc00::1/129", "prefix length" },
		{ "tap=t,ip=10.0.0.1/", "prefix length" },
		{ "tap=t,ip=", "empty" },
		{ "tap=t,ip", "needs a value" },
		{ "tap=", "empty" },
		{ "tap=abcdefghijklmnop", "at most 15" },
		{ "tap=t,gw=10.0.0.1/24", "not an address" },
		{ "tap=t,gw=10.0.0.1,gw=10.0.0.2", "already" },
		{ "tap=t,mac=02:00:00:00:00", "hexadecimal" },
		{ "tap=t,mac=01:00:00:00:00:00", "station" },
		{ "tap=t,mac=00:00:00:00:00:00", "station" },
		{ "tap=t,mtu=575", "576 to 65535" },
		{ "tap=t,mtu=65536", "576 to 65535" },
		{ "tap=t,mtu=99999999999999999999999", "576 to 65535" },
		{ "tap=t,mtu=-1", "576 to 65535" },
		{ "tap=t,mtu=1500x", "576 to 65535" },
		{ "tap=t,dns=example.org", "name server" },
		{ "tap=t,dns=::1,dns=::2,dns=::3,dns=::4", "at most 3" },
		{ "tap=t,iface=lo", "lo" },
		{ "tap=t,iface=a/b", "\"iface=a/b\"" },
		{ "tap=t,iface=a,iface=b", "already" },
		{ "tap=a,iface=x,tap=b,iface=x", "two interfaces" },
		{ "tap=t,dhcp=1", "takes no value" },
		{ "tap=t,addrgen=eui", "eui64, stable, random or none" },
		{ "tap=t,metric=-1", "not a metric" },
		{ "tap=t,metric=2147483648", "not a metric" },
		{ "fd=x", "descriptor" },
		{ "fd=-1", "descriptor" },
		{ "ip=10.0.0.1/24", "no interface" },
		{ "dhcp", "no interface" },
		{ "tap=t,,dhcp", "empty entry" },
		{ "tap=t,", "comma" },
		{ ",tap=t", "empty entry" },
		{ "vnl=multi://{a,b", "not balanced" },
		{ "vnl=a}", "not balanced" },
		{ "stack=a,stack=b", "twice" },
		{ "domain=a b", "domain" },
		{ "domain=a,domain=b,domain=c,domain=d,domain=e,domain=f,domain=g", "at most 6" },
		{ "hosts=hosts", "hosts file" },
		{ "hosts=/a,hosts=/b", "twice" },
		{ "=", "no such key" },
		{ "-", "no such key" },
		{ "--dhcp", "no such key" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i].s) != -EINVAL)
			fail_msg("\"%s\" was accepted", bad[i].s);
		if (!strstr(err, bad[i].says) || strchr(err, '\n'))
			fail_msg("\"%s\" says: %s", bad[i].s, err);
	}
}

static void limits_hold(void **state)
{
	char s[4096] = "";

	for (int i = 0; i < CONFIG_IFACES; i++)
		sprintf(s + strlen(s), "%stap=t%d", i ? "," : "", i);
	assert_int_equal(parse(s), 0);
	assert_int_equal(c.niface, CONFIG_IFACES);
	strcat(s, ",tap=more");
	assert_int_equal(parse(s), -EINVAL);
	assert_non_null(strstr(err, "too many interfaces"));
	strcpy(s, "tap=t");
	for (int i = 0; i < CONFIG_ADDRS; i++)
		sprintf(s + strlen(s), ",ip=10.0.%d.1/24", i);
	assert_int_equal(parse(s), 0);
	strcat(s, ",ip=::1");
	assert_int_equal(parse(s), -EINVAL);
	assert_non_null(strstr(err, "too many addresses"));
}

static void any_bytes_are_survived(void **state)
{
	static const char *bits[] = { "vnl=", "tap=", "ip=", "10.0.0.1", "/24", ",",
		"{", "}", "=", "-", "dhcp", "mac=", ":", "gw=", "fe80::1", "mtu=",
		"%", "\xff", "\n", "stack=", "x" };
	char s[512];

	srand(1);
	for (int i = 0; i < 20000; i++) {
		s[0] = '\0';
		for (int j = rand() % 12; j >= 0; j--)
			strcat(s, bits[(size_t)rand() % (sizeof(bits) / sizeof(bits[0]))]);
		if (parse(s) != 0)
			assert_true(err[0]);
	}
}

static void a_short_error_buffer_is_respected(void **state)
{
	char tiny[8];

	memset(tiny, 'x', sizeof(tiny));
	config_free(&c);
	assert_int_equal(config_parse("foo=bar", &c, tiny, 4), -EINVAL);
	assert_int_equal(tiny[3], '\0');
	assert_int_equal(tiny[4], 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_a_valid_configuration),
		cmocka_unit_test(one_interface_with_everything),
		cmocka_unit_test(each_link_begins_an_interface),
		cmocka_unit_test(busy_polling_is_off_unless_asked_for),
		cmocka_unit_test(ephemeral_ports_are_a_range),
		cmocka_unit_test(the_control_socket_is_shared_by_mode),
		cmocka_unit_test(commas_in_braces_belong_to_the_value),
		cmocka_unit_test(a_value_may_hold_equals_signs),
		cmocka_unit_test(flags_add_up_and_are_undone),
		cmocka_unit_test(errors_quote_key_value_and_remedy),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(any_bytes_are_survived),
		cmocka_unit_test(a_short_error_buffer_is_respected),
	};

	return cmocka_run_group_tests_name("proto-config", tests, NULL, teardown);
}
