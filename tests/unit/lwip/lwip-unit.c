/* lwip-unit.c - run lwIP's own unit tests against our port
 *
 * They are the acceptance test of lwip-port/: hash demultiplexing, hooks and
 * options under lwIP's expectations.  Left out: the suites of the socket layer
 * and of mqtt, which we do not build, and of the timers, which expects TCP's
 * timer among lwIP's.
 */
#include <stdio.h>
#include <stdlib.h>
#include "lwip_check.h"
#include "core/test_def.h"
#include "core/test_mem.h"
#include "core/test_netif.h"
#include "core/test_pbuf.h"
#include "etharp/test_etharp.h"
#include "ip4/test_ip4.h"
#include "ip6/test_ip6.h"
#include "mdns/test_mdns.h"
#include "tcp/test_tcp.h"
#include "tcp/test_tcp_oos.h"
#include "udp/test_udp.h"
#include "lwip/stats.h"
#include "port.h"

Suite *create_suite(const char *name, testfunc *tests, size_t num_tests, SFun setup,
		    SFun teardown)
{
	Suite *s = suite_create(name);
	size_t i;

	for (i = 0; i < num_tests; i++) {
		TCase *tc = tcase_create(name);

		if (setup || teardown)
			tcase_add_checked_fixture(tc, setup, teardown);
		tcase_add_named_test(tc, tests[i]);
		suite_add_tcase(s, tc);
	}
	return s;
}

void lwip_check_ensure_no_alloc(unsigned int skip)
{
	unsigned int mask = 1;
	int i;

	fail_unless((skip & SKIP_HEAP) || lwip_stats.mem.used == 0);
	for (i = 0; i < MEMP_MAX; i++, mask <<= 1)
		fail_unless((skip & mask) || lwip_stats.memp[i]->used == 0);
}

/* two suites empty the queue of a tcpip thread when they end; without one,
 * what could be queued are packets on lo */
int tcpip_thread_poll_one(void)
{
	netif_poll_all();
	return 0;
}

int main(void)
{
	static suite_getter_fn *const suites[] = {
		ip4_suite, ip6_suite, udp_suite, tcp_suite, tcp_oos_suite, def_suite,
		mem_suite, netif_suite, pbuf_suite, etharp_suite, mdns_suite,
	};
	SRunner *sr = srunner_create(NULL);
	int run, failed;
	size_t i;

	port_init();
	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		srunner_add_suite(sr, suites[i]());
	srunner_run_all(sr, CK_NORMAL);
	run = srunner_ntests_run(sr);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	printf("lwip-unit: %d of lwIP's own tests run, %d passed\n", run, run - failed);
	return run > 0 && !failed ? EXIT_SUCCESS : EXIT_FAILURE;
}
