/* port-paths.c - how short a path is, when the packets' own times do not tell */
#include "port-util.h"
#include "pcbtable.h"

static void the_shortest_handshake_counts(void **state)
{
	ip_addr_t a = addr("10.1.0.1"), b = addr("fd01::1");

	assert_int_equal(path_rtt(&a), 0);
	path_seen(&a, 300);
	assert_int_equal(path_rtt(&a), 300);
	path_seen(&a, 5000);		/* others were on their way */
	assert_int_equal(path_rtt(&a), 300);
	path_seen(&a, 40);
	assert_int_equal(path_rtt(&a), 40);
	assert_int_equal(path_rtt(&b), 0);
	path_seen(&b, 70);
	assert_int_equal(path_rtt(&b), 70);
	assert_int_equal(path_rtt(&a), 40);
}

/* thousands of hosts: some are forgotten, none is taken for another */
static void a_host_has_its_own(void **state)
{
	unsigned found = 0;
	ip_addr_t a;

	for (uint32_t i = 1; i <= 5000; i++) {
		ip_addr_set_ip4_u32_val(a, lwip_htonl(0x0a020000 + i));
		path_seen(&a, i);
	}
	for (uint32_t i = 1; i <= 5000; i++) {
		ip_addr_set_ip4_u32_val(a, lwip_htonl(0x0a020000 + i));
		assert_true(path_rtt(&a) == 0 || path_rtt(&a) == i);
		found += path_rtt(&a) != 0;
	}
	assert_in_range(found, 1, 5000);
}

static void a_receiver_asks_the_better_source(void **state)
{
	struct tcp_pcb *pcb = tcp_new();

	pcb->local_ip = addr("10.0.0.1");
	pcb->remote_ip = addr("10.3.0.2");
	pcb->local_port = 80;
	pcb->remote_port = 1000;
	pcb->state = ESTABLISHED;
	pcbtable_reg(&tcp_active_pcbs, pcb);
	assert_int_equal(port_tcp_rcv_rtt(pcb), 0);
	pcbnode_of(pcb)->rcv_rtt = 2;
	assert_int_equal(port_tcp_rcv_rtt(pcb), 2000);
	pcbnode_of(pcb)->rtt.min = 900;		/* of what it sent itself */
	assert_int_equal(port_tcp_rcv_rtt(pcb), 900);
	path_seen(&pcb->remote_ip, 60);
	assert_int_equal(port_tcp_rcv_rtt(pcb), 60);
	pcbnode_of(pcb)->rcv_rtt = 20;		/* the path has become a long one */
	assert_int_equal(port_tcp_rcv_rtt(pcb), 20000);
	tcp_abort(pcb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shortest_handshake_counts),
		cmocka_unit_test(a_host_has_its_own),
		cmocka_unit_test(a_receiver_asks_the_better_source),
	};

	port_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
