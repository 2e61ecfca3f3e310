/* port-route.c - route tables: choice, limits, and that lwIP obeys them */
#include <errno.h>
#include "port-util.h"

static struct wire a, b;
static struct netif *lo;

static int setup(void **state)
{
	wire_up(&a, "10.0.0.1", "fd00::1", false);
	wire_up(&b, "10.1.0.1", "fd01::1", false);
	lo = netif_find("lo0");
	assert_non_null(lo);
	return 0;
}

static int teardown(void **state)
{
	wire_down(&b);
	wire_down(&a);
	return 0;
}

static struct route route(const char *dst, unsigned plen, const char *gw, struct netif *n,
			  uint32_t metric)
{
	struct route r = { .dst = addr(dst), .plen = (uint8_t)plen, .netif = n,
			   .metric = metric };

	if (gw)
		r.gw = addr(gw);
	else
		r.gw = *IP_ADDR_ANY;
	return r;
}

static int add(const char *dst, unsigned plen, const char *gw, struct netif *n, uint32_t metric)
{
	struct route r = route(dst, plen, gw, n, metric);

	return route_add(&r);
}

static const struct route *look(const char *src, const char *dst)
{
	ip_addr_t s = src ? addr(src) : (ip_addr_t){ 0 }, d = addr(dst);

	return route_lookup(src ? &s : NULL, &d);
}

static void longest_prefix_then_metric(void **state)
{
	assert_int_equal(add("0.0.0.0", 0, "10.0.0.254", &a.netif, 10), 0);
	assert_int_equal(add("0.0.0.0", 0, "10.1.0.254", &b.netif, 5), 0);
	assert_int_equal(add("192.168.0.0", 16, "10.0.0.253", &a.netif, 99), 0);
	assert_int_equal(add("192.168.4.0", 22, "10.1.0.253", &b.netif, 99), 0);
	assert_ptr_equal(look(NULL, "8.8.8.8")->netif, &b.netif);
	assert_ptr_equal(look(NULL, "192.168.1.1")->netif, &a.netif);
	assert_ptr_equal(look(NULL, "192.168.7.255")->netif, &b.netif);
	assert_ptr_equal(look(NULL, "192.168.8.0")->netif, &a.netif);
}

static void the_source_chooses_among_equals(void **state)
{
	add("0.0.0.0", 0, "10.0.0.254", &a.netif, 10);
	add("0.0.0.0", 0, "10.1.0.254", &b.netif, 5);
	assert_ptr_equal(look("10.0.0.1", "8.8.8.8")->netif, &a.netif);
	assert_ptr_equal(look("10.1.0.1", "8.8.8.8")->netif, &b.netif);
	assert_ptr_equal(look("9.9.9.9", "8.8.8.8")->netif, &b.netif);
}

static void interfaces_that_are_down_are_passed_over(void **state)
{
	add("0.0.0.0", 0, "10.0.0.254", &a.netif, 10);
	add("0.0.0.0", 0, "10.1.0.254", &b.netif, 5);
	netif_set_link_down(&b.netif);
	assert_ptr_equal(look(NULL, "8.8.8.8")->netif, &a.netif);
	netif_set_down(&a.netif);
	assert_null(look(NULL, "8.8.8.8"));
}

static void own_addresses_go_through_lo(void **state)
{
	assert_ptr_equal(look(NULL, "127.0.0.1")->netif, lo);
	assert_ptr_equal(look(NULL, "10.0.0.1")->netif, lo);
	assert_ptr_equal(look("10.1.0.1", "10.0.0.1")->netif, lo);
	assert_ptr_equal(look(NULL, "::1")->netif, lo);
	assert_ptr_equal(look(NULL, "fd01::1")->netif, lo);
}

static void add_and_delete_errors(void **state)
{
	struct route r = route("10.9.0.0", 16, NULL, &a.netif, 0);

	assert_int_equal(route_add(&r), 0);
	assert_int_equal(route_add(&r), -EEXIST);
	assert_int_equal(add("10.9.3.4", 16, NULL, &a.netif, 0), -EEXIST);
	assert_int_equal(add("10.9.0.0", 33, NULL, &a.netif, 0), -EINVAL);
	assert_int_equal(add("10.9.0.0", 16, "fd00::2", &a.netif, 0), -EINVAL);
	assert_int_equal(add("10.9.0.0", 16, NULL, NULL, 0), -ENETUNREACH);
	assert_int_equal(route_del(&r), 0);
	assert_int_equal(route_del(&r), -ESRCH);
	assert_null(look(NULL, "10.9.0.1"));
}

static bool count(const struct route *r, void *arg)
{
	return ++*(unsigned *)arg < ROUTES_MAX * 2;
}

static void the_table_is_bounded_and_flushed(void **state)
{
	char s[32];
	unsigned i, n = 0;

	for (i = 0; i < ROUTES_MAX; i++) {
		snprintf(s, sizeof(s), "172.16.%u.%u", i >> 8, i & 255);
		assert_int_equal(add(s, 32, NULL, i & 1 ? &a.netif : &b.netif, 0), 0);
	}
	assert_int_equal(add("1.2.3.4", 32, NULL, &a.netif, 0), -ENOSPC);
	route_flush_netif(&b.netif);
	route_foreach(count, &n);
	assert_int_equal(n, ROUTES_MAX / 2);
	assert_null(look(NULL, "172.16.0.0"));
	assert_ptr_equal(look(NULL, "172.16.0.1")->netif, &a.netif);
}

static void v6_prefixes_of_any_length(void **state)
{
	add("2001:db8::", 33, "fd00::fe", &a.netif, 0);
	add("2001:db8:8000::", 33, "fd01::fe", &b.netif, 0);
	add("::", 0, "fe80::1", &b.netif, 0);
	assert_ptr_equal(look(NULL, "2001:db8:7fff::1")->netif, &a.netif);
	assert_ptr_equal(look(NULL, "2001:db8:8000::1")->netif, &b.netif);
	assert_ptr_equal(look(NULL, "2001:db9::1")->netif, &b.netif);
	assert_true(ip6_addr_has_zone(ip_2_ip6(&look(NULL, "2001:db9::1")->gw)));
}

static void next_hops_for_lwip(void **state)
{
	ip_addr_t far = addr("192.168.0.9"), gw = addr("10.0.0.254"), near = addr("10.5.0.1");

	add("0.0.0.0", 0, "10.0.0.254", &a.netif, 0);
	add("10.5.0.0", 16, NULL, &a.netif, 0);
	assert_true(ip4_addr_cmp(route_gw4(&a.netif, ip_2_ip4(&far)), ip_2_ip4(&gw)));
	assert_true(ip4_addr_cmp(route_gw4(&a.netif, ip_2_ip4(&near)), ip_2_ip4(&near)));
	assert_null(route_gw4(&b.netif, ip_2_ip4(&far)));
}

static void lwip_routes_by_the_table(void **state)
{
	ip_addr_t s = addr("10.0.0.1"), any = addr("0.0.0.0"), d = addr("8.8.8.8");
	ip_addr_t d6 = addr("2001:db8::1");

	assert_null(ip_route(&any, &d));
	add("0.0.0.0", 0, "10.1.0.254", &b.netif, 0);
	add("0.0.0.0", 0, "10.0.0.254", &a.netif, 9);
	assert_ptr_equal(ip_route(&any, &d), &b.netif);
	assert_ptr_equal(ip_route(&s, &d), &a.netif);
	add("::", 0, "fd01::fe", &b.netif, 0);
	assert_ptr_equal(ip6_route(IP6_ADDR_ANY6, ip_2_ip6(&d6)), &b.netif);
}

static void source_addresses(void **state)
{
	ip_addr_t d = addr("8.8.8.8"), own = addr("10.0.0.1"), src, want = addr("10.1.0.1");
	ip_addr_t loop = addr("127.0.0.1"), d6 = addr("2001:db8::1"), w6 = addr("fd01::1");
	struct route r = route("0.0.0.0", 0, "10.1.0.254", &b.netif, 0);
	struct netif *n;

	assert_false(route_source(&d, &src, &n));
	route_add(&r);
	assert_true(route_source(&d, &src, &n));
	assert_true(ip_addr_cmp(&src, &want));
	assert_ptr_equal(n, &b.netif);
	r.src = own;
	r.metric = 1;
	r.dst = addr("9.0.0.0");
	r.plen = 8;
	route_add(&r);
	d = addr("9.1.1.1");
	assert_true(route_source(&d, &src, NULL));
	assert_true(ip_addr_cmp(&src, &own));
	assert_true(route_source(&loop, &src, &n));
	assert_true(ip_addr_cmp(&src, &loop));
	assert_true(route_source(&own, &src, &n));
	assert_true(ip_addr_cmp(&src, &own));
	assert_ptr_equal(n, lo);
	add("::", 0, "fd01::fe", &b.netif, 0);
	assert_true(route_source(&d6, &src, &n));
	assert_true(ip_addr_cmp(&src, &w6));
}

static void multicast_follows_the_source(void **state)
{
	ip_addr_t g = addr("224.1.2.3"), s = addr("10.0.0.1"), any = addr("0.0.0.0");
	ip_addr_t bc = addr("255.255.255.255");

	assert_ptr_equal(ip_route(&s, &g), &a.netif);
	assert_non_null(ip_route(&any, &g));
	assert_ptr_not_equal(ip_route(&any, &g), lo);
	assert_ptr_equal(ip_route(&s, &bc), &a.netif);
	add("224.0.0.0", 4, NULL, &a.netif, 0);
	assert_ptr_equal(ip_route(&any, &g), &a.netif);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(longest_prefix_then_metric),
		T(the_source_chooses_among_equals),
		T(interfaces_that_are_down_are_passed_over),
		T(own_addresses_go_through_lo),
		T(add_and_delete_errors),
		T(the_table_is_bounded_and_flushed),
		T(v6_prefixes_of_any_length),
		T(next_hops_for_lwip),
		T(lwip_routes_by_the_table),
		T(source_addresses),
		T(multicast_follows_the_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
