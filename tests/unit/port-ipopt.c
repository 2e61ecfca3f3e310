/* port-ipopt.c - IPv4 options: what is set comes back, and no options lead out of bounds */
#include "lwip/inet_chksum.h"
#include "lwip/ip4.h"
#include "ipopt.h"
#include "port-util.h"

#define ROUNDS	200000

static uint32_t seed = 1;

static uint32_t draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % below;
}

/* bytes that are often options, lengths and pointers; how many, a multiple of 4 */
static unsigned make(uint8_t *b)
{
	static const uint8_t kinds[] = { 0, 1, 7, 68, 131, 137, 148, 200 };
	unsigned len = (draw(10) + 1) * 4;

	for (unsigned i = 0; i < len; i++)
		b[i] = draw(3) == 0 ? kinds[draw(sizeof(kinds))] : (uint8_t)draw(draw(2) ? 16 : 256);
	if (draw(2)) {
		b[0] = kinds[2 + draw(5)];
		b[1] = (uint8_t)draw(len + 2);
		b[2] = (uint8_t)draw(len + 6);
		b[3] = (uint8_t)(draw(16) << 4 | draw(5));
	}
	return len;
}

/* the same bytes, but for what stood behind the end of the list */
static bool same(const uint8_t *set, const uint8_t *got, unsigned len)
{
	unsigned i = 0;

	while (i < len && set[i] != 0)
		i += set[i] == 1 ? 1 : set[i + 1];
	return !memcmp(set, got, i < len ? i : len);
}

/* places that are ours to fill in are given back empty */
static void what_is_set_comes_back(void **state)
{
	static const uint8_t route[12] = { 7, 11, 4, [11] = 1 }, stamps[12] = { 68, 12, 5, 1 };
	static const uint8_t strict[12] = { 137, 11, 4, 10, 0, 0, 1, 10, 0, 0, 2, 1 };
	const uint8_t *all[] = { route, stamps, strict };
	struct ipopt o;

	for (int i = 0; i < 3; i++) {
		assert_true(ipopt_compile(&o, all[i], 12));
		assert_memory_not_equal(o.data, all[i], 12);
		ipopt_undo(&o);
		assert_memory_equal(o.data, all[i], 12);
	}
	assert_false(ipopt_compile(&o, "\7\13\3", 3));
}

static void any_bytes_may_be_set(void **state)
{
	struct {
		uint8_t before[8];
		struct ipopt o;
		uint8_t after[8];
	} box;
	uint8_t b[IPOPT_MAX];
	unsigned good = 0;

	memset(&box, 0x5a, sizeof(box));
	for (int i = 0; i < ROUNDS; i++) {
		unsigned len = make(b);

		if (!ipopt_compile(&box.o, b, len))
			continue;
		good++;
		assert_int_equal(box.o.len, len);
		ipopt_undo(&box.o);
		/* what was in the places of addresses and times is lost */
		if (!box.o.rr && !box.o.ts)
			assert_true(same(b, box.o.data, len));
	}
	assert_in_range(good, ROUNDS / 50, ROUNDS);
	for (int i = 0; i < 8; i++)
		assert_true(box.before[i] == 0x5a && box.after[i] == 0x5a);
}

/* a packet to 127.0.0.1 with these options and data behind them */
static struct pbuf *packet(const uint8_t *options, unsigned len)
{
	struct pbuf *p = pbuf_alloc(PBUF_LINK, (u16_t)(IP_HLEN + len + 8), PBUF_RAM);
	struct ip_hdr *ip = p->payload;

	memset(p->payload, 0x77, p->len);
	memset(ip, 0, IP_HLEN);
	IPH_VHL_SET(ip, 4, (IP_HLEN + len) / 4);
	IPH_LEN_SET(ip, lwip_htons(p->tot_len));
	ip->src.addr = ip->dest.addr = PP_HTONL(0x7f000001);
	memcpy(ip + 1, options, len);
	IPH_CHKSUM_SET(ip, inet_chksum(ip, (u16_t)(IP_HLEN + len)));
	return p;
}

static void any_bytes_may_come(void **state)
{
	uint8_t b[IPOPT_MAX];
	unsigned good = 0;

	for (int i = 0; i < ROUNDS; i++) {
		unsigned len = make(b);
		struct pbuf *p = packet(b, len);
		struct ipopt o;

		if (ipopt_input(p, netif_default)) {
			good++;
			assert_int_equal(inet_chksum(p->payload, (u16_t)(IP_HLEN + len)), 0);
			if (ipopt_echo(&o)) {
				assert_in_range(o.len, 0, len);
				ipopt_undo(&o);
			}
		}
		for (unsigned k = IP_HLEN + len; k < p->len; k++)
			assert_int_equal(((uint8_t *)p->payload)[k], 0x77);
		pbuf_free(p);
	}
	assert_in_range(good, ROUNDS / 50, ROUNDS);
}

static void a_route_grows_by_its_end(void **state)
{
	static const uint8_t route[8] = { 7, 7, 4 }, full[8] = { 7, 7, 8, 10, 0, 0, 1 };
	struct pbuf *p = packet(route, 8);
	const uint8_t *b = (uint8_t *)p->payload + IP_HLEN;

	assert_true(ipopt_input(p, netif_default));
	assert_memory_equal(b, "\7\7\10\x7f\0\0\1\0", 8);
	pbuf_free(p);
	p = packet(full, 8);
	b = (uint8_t *)p->payload + IP_HLEN;
	assert_true(ipopt_input(p, netif_default));
	assert_memory_equal(b, full, 8);
	pbuf_free(p);
}

static void a_source_route_is_dropped(void **state)
{
	static const uint8_t route[8] = { 131, 7, 8, 10, 0, 0, 1 };
	struct pbuf *p = packet(route, 8);

	assert_false(ipopt_input(p, netif_default));
	pbuf_free(p);
}

static int start(void **state)
{
	port_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_set_comes_back),
		cmocka_unit_test(any_bytes_may_be_set),
		cmocka_unit_test(any_bytes_may_come),
		cmocka_unit_test(a_route_grows_by_its_end),
		cmocka_unit_test(a_source_route_is_dropped),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
