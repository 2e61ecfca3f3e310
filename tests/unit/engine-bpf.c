/* engine-bpf.c - classic BPF: random programs get the kernel's verdict and result
 *
 * The kernel itself is asked, by a filter on an AF_UNIX datagram pair: whether
 * it takes a program, and how much of a datagram the program keeps.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "engine/bpf.h"

#define PROGRAMS	20000
#define N		24
#define PACKET		96

static int pair[2];
static uint64_t seed = 0x1234567;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % below;
}

static int setup(void **state)
{
	return socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
}

static int teardown(void **state)
{
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static bool kernel_takes(const struct sock_filter *f, size_t n)
{
	struct sock_fprog prog = { .len = (unsigned short)n, .filter = (struct sock_filter *)f };

	return setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) == 0;
}

/* bytes of the datagram that arrive; 0: none */
static size_t kernel_runs(const uint8_t *data, size_t len)
{
	uint8_t buf[PACKET];
	ssize_t n;

	assert_int_equal(send(pair[0], data, len, 0), len);
	n = recv(pair[1], buf, sizeof(buf), MSG_DONTWAIT);
	return n < 0 ? 0 : (size_t)n;
}

static const uint16_t codes[] = {
	BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_H | BPF_ABS, BPF_LD | BPF_B | BPF_ABS,
	BPF_LD | BPF_W | BPF_IND, BPF_LD | BPF_H | BPF_IND, BPF_LD | BPF_B | BPF_IND,
	BPF_LD | BPF_W | BPF_LEN, BPF_LD | BPF_IMM, BPF_LD | BPF_MEM,
	BPF_LDX | BPF_W | BPF_LEN, BPF_LDX | BPF_B | BPF_MSH, BPF_LDX | BPF_IMM, BPF_LDX | BPF_MEM,
	BPF_ST, BPF_STX,
	BPF_ALU | BPF_ADD | BPF_K, BPF_ALU | BPF_SUB | BPF_K, BPF_ALU | BPF_MUL | BPF_K,
	BPF_ALU | BPF_DIV | BPF_K, BPF_ALU | BPF_MOD | BPF_K, BPF_ALU | BPF_AND | BPF_K,
	BPF_ALU | BPF_OR | BPF_K, BPF_ALU | BPF_XOR | BPF_K, BPF_ALU | BPF_LSH | BPF_K,
	BPF_ALU | BPF_RSH | BPF_K, BPF_ALU | BPF_NEG,
	BPF_ALU | BPF_ADD | BPF_X, BPF_ALU | BPF_SUB | BPF_X, BPF_ALU | BPF_MUL | BPF_X,
	BPF_ALU | BPF_DIV | BPF_X, BPF_ALU | BPF_MOD | BPF_X, BPF_ALU | BPF_AND | BPF_X,
	BPF_ALU | BPF_OR | BPF_X, BPF_ALU | BPF_XOR | BPF_X, BPF_ALU | BPF_LSH | BPF_X,
	BPF_ALU | BPF_RSH | BPF_X,
	BPF_JMP | BPF_JA, BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JGT | BPF_K,
	BPF_JMP | BPF_JGE | BPF_K, BPF_JMP | BPF_JSET | BPF_K, BPF_JMP | BPF_JEQ | BPF_X,
	BPF_JMP | BPF_JGT | BPF_X, BPF_JMP | BPF_JGE | BPF_X, BPF_JMP | BPF_JSET | BPF_X,
	BPF_RET | BPF_K, BPF_RET | BPF_A, BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA,
};
#define NCODES (sizeof(codes) / sizeof(codes[0]))

/* @wild: also what no program may contain */
static size_t make(struct sock_filter *f, bool wild)
{
	size_t n = 2 + rnd(N - 2);

	for (size_t i = 0; i < n; i++) {
		uint32_t left = (uint32_t)(n - i - 1);

		f[i] = (struct sock_filter){
			.code = codes[rnd(NCODES)], .k = rnd(40),
			.jt = (uint8_t)(left ? rnd(left) : 0), .jf = (uint8_t)(left ? rnd(left) : 0),
		};
		if (f[i].code == BPF_ST || f[i].code == BPF_STX || BPF_MODE(f[i].code) == BPF_MEM)
			f[i].k %= BPF_MEMWORDS;
		if (f[i].code == (BPF_JMP | BPF_JA))
			f[i].k = left ? rnd(left) : 0;
		if (BPF_CLASS(f[i].code) == BPF_ALU && BPF_SRC(f[i].code) == BPF_K)
			f[i].k = 1 + f[i].k % 31;
		/* words written at the beginning, so that most reads are fine */
		if (i < 3)
			f[i] = (struct sock_filter){ .code = i == 1 ? BPF_STX : BPF_ST,
						     .k = (uint32_t)i };
	}
	f[n - 1] = (struct sock_filter){ .code = (uint16_t)(BPF_RET | (rnd(2) ? BPF_A : BPF_K)),
					 .k = rnd(200) };
	if (wild) {
		struct sock_filter *x = &f[rnd((uint32_t)n)];

		switch (rnd(4)) {
		case 0: x->code = (uint16_t)rnd(0x200); break;
		case 1: x->k = (uint32_t)SKF_AD_OFF + rnd(80); break;
		case 2: x->jt = (uint8_t)rnd(256); break;
		default: x->k = rnd(64);
		}
	}
	return n;
}

static void what_the_kernel_takes(void **state)
{
	struct sock_filter f[N];
	int taken = 0;

	for (int i = 0; i < PROGRAMS; i++) {
		size_t n = make(f, true);
		bool k = kernel_takes(f, n);

		if ((bpf_check(f, n) == 0) != k)
			fail_msg("program %d of %zu instructions: kernel %s", i, n, k ? "takes" : "refuses");
		taken += k;
	}
	/* or the comparison says nothing */
	assert_in_range(taken, PROGRAMS / 10, PROGRAMS * 9 / 10);
}

static void what_the_kernel_gets(void **state)
{
	struct sock_filter f[N];
	uint8_t data[PACKET];
	int kept = 0, ran = 0;

	for (int i = 0; i < PROGRAMS; i++) {
		struct bpf_packet pkt = { .data = data, .len = 1 + rnd(PACKET) };
		size_t n = make(f, false), want;
		struct bpf_prog *p;
		uint32_t got;

		if (bpf_new(f, n, &p) < 0)
			continue;
		for (size_t k = 0; k < sizeof(data); k++)
			data[k] = (uint8_t)rnd(256);
		assert_true(kernel_takes(f, n));
		want = kernel_runs(data, pkt.len);
		got = bpf_run(p, &pkt);
		if (got > pkt.len)
			got = pkt.len;
		if (got != want)
			fail_msg("program %d: %u bytes kept, kernel keeps %zu", i, got, want);
		bpf_free(p);
		kept += want > 0;
		ran++;
	}
	assert_in_range(ran, PROGRAMS / 4, PROGRAMS);
	assert_in_range(kept, ran / 10, ran * 9 / 10);
}

/* one load, its value returned */
static uint32_t loads(uint16_t code, uint32_t k, uint32_t x, const struct bpf_packet *pkt)
{
	struct sock_filter f[] = {
		{ BPF_LDX | BPF_IMM, 0, 0, x }, { BPF_LD | BPF_IMM, 0, 0, 0x55 },
		{ code, 0, 0, k }, { BPF_RET | BPF_A, 0, 0, 0 },
	};
	struct bpf_prog *p;
	uint32_t v;

	assert_int_equal(bpf_new(f, 4, &p), 0);
	v = bpf_run(p, pkt);
	bpf_free(p);
	return v;
}

static void extensions_and_headers(void **state)
{
	static const uint8_t frame[14 + 20 + 8] = {
		[0] = 0xaa, [12] = 8, [14] = 0x45, [14 + 9] = 17, [14 + 16] = 10,
	};
	struct bpf_packet pkt = {
		.data = frame, .len = sizeof(frame), .mac = frame, .net = frame + 14,
		.ifindex = 7, .protocol = 0x800, .hatype = 1, .pkttype = 4,
		.vlan = true, .vlan_tci = 0x123, .vlan_tpid = 0x8100,
	};
	const uint16_t ld = BPF_LD | BPF_B | BPF_ABS;
	const uint32_t ad = (uint32_t)SKF_AD_OFF;

	assert_int_equal(loads(ld, ad + SKF_AD_PROTOCOL, 0, &pkt), 0x800);
	assert_int_equal(loads(ld, ad + SKF_AD_PKTTYPE, 0, &pkt), 4);
	assert_int_equal(loads(ld, ad + SKF_AD_IFINDEX, 0, &pkt), 7);
	assert_int_equal(loads(ld, ad + SKF_AD_HATYPE, 0, &pkt), 1);
	assert_int_equal(loads(ld, ad + SKF_AD_VLAN_TAG, 0, &pkt), 0x123);
	assert_int_equal(loads(ld, ad + SKF_AD_VLAN_TAG_PRESENT, 0, &pkt), 1);
	assert_int_equal(loads(ld, ad + SKF_AD_VLAN_TPID, 0, &pkt), 0x8100);
	assert_int_equal(loads(ld, ad + SKF_AD_ALU_XOR_X, 0x0f, &pkt), 0x5a);
	assert_int_equal(loads(ld, ad + SKF_AD_PAY_OFFSET, 0, &pkt), 28);
	assert_int_equal(loads(ld, (uint32_t)SKF_LL_OFF, 0, &pkt), 0xaa);
	assert_int_equal(loads(ld, (uint32_t)SKF_NET_OFF, 0, &pkt), 0x45);
	assert_int_equal(loads(BPF_LD | BPF_B | BPF_IND, (uint32_t)SKF_NET_OFF, 16, &pkt), 10);
	/* as for a socket that sees the network header first */
	pkt.data = pkt.net;
	pkt.len -= 14;
	assert_int_equal(loads(ld, 0, 0, &pkt), 0x45);
	assert_int_equal(loads(ld, (uint32_t)SKF_LL_OFF + 12, 0, &pkt), 8);
	assert_int_equal(loads(ld, (uint32_t)SKF_LL_OFF + 42, 0, &pkt), 0);
	pkt.mac = NULL;
	assert_int_equal(loads(ld, (uint32_t)SKF_LL_OFF, 0, &pkt), 0);
}

static void programs_have_a_length(void **state)
{
	static struct sock_filter f[BPF_MAXINSNS + 1];

	for (size_t i = 0; i <= BPF_MAXINSNS; i++)
		f[i] = (struct sock_filter){ BPF_RET | BPF_K, 0, 0, 1 };
	assert_int_equal(bpf_check(f, 0), -EINVAL);
	assert_int_equal(bpf_check(f, BPF_MAXINSNS), 0);
	assert_int_equal(bpf_check(f, BPF_MAXINSNS + 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_kernel_takes),
		cmocka_unit_test(what_the_kernel_gets),
		cmocka_unit_test(extensions_and_headers),
		cmocka_unit_test(programs_have_a_length),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
