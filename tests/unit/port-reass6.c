/* port-reass6.c - IPv6 fragments: every order, no holes, no overlap, bounded */
#include "port-util.h"
#include "lwip/raw.h"
#include "lwip/timeouts.h"
#include "reass6.h"

static struct wire w;
static struct raw_pcb *raw;
static unsigned got;
static uint8_t last[70000];
static size_t last_len;

static u8_t on_raw(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *a)
{
	got++;
	last_len = p->tot_len;
	pbuf_copy_partial(p, last, p->tot_len, 0);
	pbuf_free(p);
	return 1;
}

static int setup(void **state)
{
	wire_up(&w, "10.0.0.1", "fd00::1", false);
	raw = raw_new_ip_type(IPADDR_TYPE_V6, 200);
	raw_recv(raw, on_raw, NULL);
	got = 0;
	return 0;
}

static int teardown(void **state)
{
	reass6_flush(NULL);
	assert_int_equal(reass6_pending(), 0);
	raw_remove(raw);
	wire_down(&w);
	return 0;
}

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 7 + (i >> 8));
}

/* fragment of protocol @proto with data [start, end), behind @ext bytes of
 * destination options */
static void frag(uint32_t id, uint8_t proto, unsigned start, unsigned end, bool more,
		 unsigned ext, const uint8_t *data)
{
	unsigned i, len = end - start;
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(40 + ext + 8 + len), PBUF_RAM);
	struct ip6_hdr *ip = p->payload;
	uint8_t *e = (uint8_t *)(ip + 1), *f = e + ext;
	ip_addr_t s = addr("fd00::2"), d = addr("fd00::1");
	uint16_t field = lwip_htons((uint16_t)(start | more));

	memset(ip, 0, 48 + ext);
	IP6H_VTCFL_SET(ip, 6, 0, 0);
	IP6H_PLEN_SET(ip, (u16_t)(ext + 8 + len));
	IP6H_NEXTH_SET(ip, ext ? IP6_NEXTH_DESTOPTS : IP6_NEXTH_FRAGMENT);
	IP6H_HOPLIM_SET(ip, 64);
	ip6_addr_copy_to_packed(ip->src, *ip_2_ip6(&s));
	ip6_addr_copy_to_packed(ip->dest, *ip_2_ip6(&d));
	if (ext) {
		e[0] = IP6_NEXTH_FRAGMENT;
		e[1] = (uint8_t)(ext / 8 - 1);
		e[2] = 1;			/* PadN */
		e[3] = (uint8_t)(ext - 4);
	}
	f[0] = proto;
	memcpy(f + 2, &field, 2);
	memcpy(f + 4, &id, 4);
	for (i = 0; i < len; i++)
		f[8 + i] = data ? data[i] : pattern(start + i);
	ip_input(p, &w.netif);
}

static void check(size_t len)
{
	size_t i;

	assert_int_equal(got, 1);
	assert_int_equal(last_len, 40 + len);
	for (i = 0; i < len; i++)
		assert_int_equal(last[40 + i], pattern(i));
	assert_int_equal(reass6_pending(), 0);
	got = 0;
}

static void every_order(void **state)
{
	static const unsigned at[] = { 0, 16, 40, 48, 59 };
	unsigned a, b, c, d, used, id = 1;

	for (a = 0; a < 4; a++) {
		for (b = 0; b < 4; b++) {
			for (c = 0; c < 4; c++) {
				used = 1u << a | 1u << b | 1u << c;
				if (__builtin_popcount(used) != 3)
					continue;
				d = (unsigned)__builtin_ctz(~used);
				frag(++id, 200, at[a], at[a + 1], a != 3, 0, NULL);
				frag(id, 200, at[b], at[b + 1], b != 3, 0, NULL);
				frag(id, 200, at[c], at[c + 1], c != 3, 0, NULL);
				assert_int_equal(got, 0);	/* no holes */
				frag(id, 200, at[d], at[d + 1], d != 3, 0, NULL);
				check(59);
			}
		}
	}
}

static void duplicates_are_ignored(void **state)
{
	frag(1, 200, 0, 16, true, 0, NULL);
	frag(1, 200, 0, 16, true, 0, NULL);
	frag(1, 200, 16, 30, false, 0, NULL);
	check(30);
}

static void overlap_discards_the_datagram(void **state)
{
	frag(1, 200, 0, 16, true, 0, NULL);
	frag(1, 200, 8, 24, true, 0, NULL);
	assert_int_equal(reass6_pending(), 0);
	frag(1, 200, 24, 30, false, 0, NULL);
	frag(1, 200, 16, 24, true, 0, NULL);
	assert_int_equal(got, 0);
}

static void two_ends_discard_the_datagram(void **state)
{
	frag(1, 200, 16, 30, false, 0, NULL);
	frag(1, 200, 24, 40, false, 0, NULL);
	assert_int_equal(reass6_pending(), 0);
	frag(1, 200, 16, 30, false, 0, NULL);
	frag(1, 200, 32, 40, true, 0, NULL);	/* beyond the end */
	assert_int_equal(reass6_pending(), 0);
	frag(1, 200, 32, 48, true, 0, NULL);	/* beyond the end that comes later */
	frag(1, 200, 8, 16, false, 0, NULL);
	assert_int_equal(reass6_pending(), 0);
	assert_int_equal(got, 0);
}

static void extension_headers_survive(void **state)
{
	frag(1, 200, 16, 30, false, 16, NULL);
	frag(1, 200, 0, 16, true, 16, NULL);
	/* the raw PCB is found by the protocol behind them */
	assert_int_equal(w.nsent, 0);
	assert_int_equal(got, 1);
	assert_int_equal(last_len, 40 + 16 + 30);
	assert_int_equal(last[5], 16 + 30);
	assert_int_equal(last[6], IP6_NEXTH_DESTOPTS);
	assert_int_equal(last[40], 200);
	assert_int_equal(last[40 + 16 + 29], pattern(29));
}

static void the_largest_and_one_more(void **state)
{
	unsigned at;

	for (at = 0; at < 64000; at += 1280)
		frag(1, 200, at, at + 1280, true, 0, NULL);
	frag(1, 200, 64000, 65495, false, 0, NULL);
	check(65495);
	frag(2, 200, 65528, 65537, false, 0, NULL);
	assert_int_equal(reass6_pending(), 0);
}

static void bad_lengths_are_dropped(void **state)
{
	frag(1, 200, 0, 15, true, 0, NULL);
	frag(1, 200, 0, 0, true, 0, NULL);
	assert_int_equal(reass6_pending(), 0);
}

static void fragmented_neighbour_discovery_is_dropped(void **state)
{
	static const uint8_t ns[24] = { ICMP6_TYPE_NS };

	frag(1, IP6_NEXTH_ICMP6, 0, 24, true, 0, ns);
	frag(2, IP6_NEXTH_ICMP6, 0, 24, false, 0, ns);	/* atomic */
	assert_int_equal(reass6_pending(), 0);
	assert_int_equal(w.nsent, 0);
}

static void atomic_fragments_pass(void **state)
{
	frag(1, 200, 0, 13, false, 0, NULL);
	assert_int_equal(w.nsent, 0);
	assert_int_equal(got, 1);
	assert_int_equal(reass6_pending(), 0);
}

static void fragments_go_with_their_interface(void **state)
{
	struct route r = { .dst = addr("2001:db8::"), .plen = 32, .netif = &w.netif };

	frag(1, 200, 0, 16, true, 0, NULL);
	r.gw = *IP_ADDR_ANY;
	assert_int_equal(route_add(&r), 0);
	netif_remove(&w.netif);
	assert_int_equal(reass6_pending(), 0);
	assert_int_not_equal(route_del(&r), 0);
	wire_up(&w, "10.0.0.1", "fd00::1", false);
}

static void a_flood_is_bounded(void **state)
{
	uint32_t id;

	for (id = 1; id < 5000; id++)
		frag(id, 200, 0, 1024, true, 0, NULL);
	assert_in_range(reass6_pending(), 1, 64);
	for (id = 0; id < 5000; id++)		/* one datagram, many fragments */
		frag(9999, 200, id * 16, id * 16 + 8, true, 0, NULL);
	assert_in_range(reass6_pending(), 0, 64);
	frag(10000, 200, 0, 16, true, 0, NULL);	/* and it still works */
	frag(10000, 200, 16, 30, false, 0, NULL);
	got = got ? 1 : 0;
	assert_int_equal(got, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_order),
		T(duplicates_are_ignored),
		T(overlap_discards_the_datagram),
		T(two_ends_discard_the_datagram),
		T(extension_headers_survive),
		T(the_largest_and_one_more),
		T(bad_lengths_are_dropped),
		T(fragmented_neighbour_discovery_is_dropped),
		T(atomic_fragments_pass),
		T(fragments_go_with_their_interface),
		T(a_flood_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
