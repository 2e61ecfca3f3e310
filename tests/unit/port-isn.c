/* port-isn.c - SipHash's own vectors, and initial sequence numbers */
#include "port-util.h"

/* the example of the paper's appendix A */
static void siphash_vector(void **state)
{
	struct siphash_key key = { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL };
	uint8_t in[15];
	int i;

	for (i = 0; i < 15; i++)
		in[i] = (uint8_t)i;
	assert_true(siphash24(&key, in, 15) == 0xa129ca6149be45e5ULL);
	assert_true(siphash24(&key, in, 0) == 0x726fdb47dd0e0e31ULL);
}

static void rises_with_time_for_one_tuple(void **state)
{
	struct siphash_key key = { 1, 2 };
	ip_addr_t a = addr("10.0.0.1"), b = addr("10.0.0.2");
	uint32_t x = port_isn_at(&key, 1000, &a, 80, &b, 1234);

	assert_int_equal(port_isn_at(&key, 1004, &a, 80, &b, 1234) - x, 1);
	assert_int_equal(port_isn_at(&key, 1001000, &a, 80, &b, 1234) - x, 250000);
}

static void each_part_of_the_tuple_and_the_key_counts(void **state)
{
	struct siphash_key key = { 1, 2 }, other = { 1, 3 };
	ip_addr_t a = addr("fd00::1"), b = addr("fd00::2"), c = addr("fd00::1:0:0:2");
	uint32_t x = port_isn_at(&key, 0, &a, 80, &b, 1234);

	assert_int_not_equal(x, port_isn_at(&other, 0, &a, 80, &b, 1234));
	assert_int_not_equal(x, port_isn_at(&key, 0, &c, 80, &b, 1234));
	assert_int_not_equal(x, port_isn_at(&key, 0, &a, 81, &b, 1234));
	assert_int_not_equal(x, port_isn_at(&key, 0, &a, 80, &c, 1234));
	assert_int_not_equal(x, port_isn_at(&key, 0, &a, 80, &b, 1235));
}

static void lwip_uses_it(void **state)
{
	struct tcp_pcb *pcb;
	uint32_t x, y;

	port_init();
	pcb = tcp_new();
	pcb->local_ip = addr("10.0.0.1");
	pcb->remote_ip = addr("10.0.0.2");
	pcb->local_port = 80;
	x = tcp_next_iss(pcb);
	y = tcp_next_iss(pcb);
	assert_true(y - x < 25000);	/* of 4 us: called within 100 ms */
	pcb->remote_port = 1;
	y = tcp_next_iss(pcb);
	assert_true(y - x > 25000);	/* one in 170000 draws would not */
	pcb->local_port = 0;
	tcp_abort(pcb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_vector),
		cmocka_unit_test(rises_with_time_for_one_tuple),
		cmocka_unit_test(each_part_of_the_tuple_and_the_key_counts),
		cmocka_unit_test(lwip_uses_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
