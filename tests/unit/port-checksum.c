/* port-checksum.c - the fast Internet checksum gives what the plain one gives */
#include "port-util.h"

/* RFC 1071, byte by byte */
static uint16_t naive(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return lwip_htons((uint16_t)sum);
}

/* 0 and 0xffff are the same number in ones' complement */
static bool same(uint16_t a, uint16_t b)
{
	return a == b || (!a && b == 0xffff) || (a == 0xffff && !b);
}

static void every_length_and_alignment(void **state)
{
	static uint8_t buf[70000];
	size_t i, off, len;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)port_rand();
	for (off = 0; off < 16; off++) {
		for (len = 0; len < 300; len++)
			assert_true(same(port_chksum(buf + off, (int)len), naive(buf + off, len)));
		for (len = 65000; len < 65536; len += 7)
			assert_true(same(port_chksum(buf + off, (int)len), naive(buf + off, len)));
	}
}

static void carries_survive(void **state)
{
	static uint8_t ones[65535];
	size_t len;

	memset(ones, 0xff, sizeof(ones));
	for (len = 1; len < sizeof(ones); len += 13)
		assert_true(same(port_chksum(ones, (int)len), naive(ones, len)));
	assert_int_equal(port_chksum(ones, 0), 0);
}

static void chained_pbufs_of_odd_lengths(void **state)
{
	uint8_t flat[200];
	struct pbuf *p = NULL, *q;
	static const u16_t lens[] = { 1, 3, 64, 33, 7, 92 };
	size_t i, at = 0;

	for (i = 0; i < sizeof(flat); i++)
		flat[i] = (uint8_t)port_rand();
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		q = pbuf_alloc(PBUF_RAW, lens[i], PBUF_RAM);
		memcpy(q->payload, flat + at, lens[i]);
		at += lens[i];
		if (p)
			pbuf_cat(p, q);
		else
			p = q;
	}
	assert_int_equal(at, sizeof(flat));
	assert_true(same((uint16_t)~inet_chksum_pbuf(p), naive(flat, sizeof(flat))));
	pbuf_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_and_alignment),
		cmocka_unit_test(carries_survive),
		cmocka_unit_test(chained_pbufs_of_odd_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
