/* bpf.c - classic BPF: check a program once, run it for each packet
 *
 * Theory of operation
 * The machine is the one of SO_ATTACH_FILTER (Documentation/networking/filter):
 * two registers, sixteen words of memory, jumps that only lead forward, so a
 * program of n instructions takes at most n steps.  bpf_check() refuses what
 * the kernel refuses: unknown instructions and extensions, jumps out of the
 * program, division by a constant zero, shifts past the register, memory that
 * some path reads before it was written, and an end that is no return.
 * bpf_run() relies on it, and looks at nothing but packet bounds.
 *
 * A load outside the packet ends the program with 0: the packet is not
 * wanted.  Loads at SKF_AD_OFF give what the packet's bytes do not say; of
 * these, those that concern what we do not have (marks, queues, netlink
 * attributes, ...) give 0.  Runs in the loop's thread.
 */
#include "engine/bpf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct bpf_prog {
	size_t n;
	struct sock_filter f[];
};

struct machine {
	uint32_t a, x;
	uint32_t mem[BPF_MEMWORDS];
};

/* ---- checking ---- */

static bool known_alu(uint16_t code)
{
	switch (BPF_OP(code)) {
	case BPF_ADD: case BPF_SUB: case BPF_MUL: case BPF_DIV: case BPF_MOD: case BPF_AND:
	case BPF_OR: case BPF_XOR: case BPF_LSH: case BPF_RSH:
		return (code & ~(0xf0 | BPF_X)) == BPF_ALU;
	default:
		return code == (BPF_ALU | BPF_NEG);
	}
}

static bool known_load(uint16_t code)
{
	switch (code) {
	case BPF_LD | BPF_W | BPF_ABS: case BPF_LD | BPF_H | BPF_ABS: case BPF_LD | BPF_B | BPF_ABS:
	case BPF_LD | BPF_W | BPF_IND: case BPF_LD | BPF_H | BPF_IND: case BPF_LD | BPF_B | BPF_IND:
	case BPF_LD | BPF_W | BPF_LEN: case BPF_LD | BPF_IMM: case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_W | BPF_LEN: case BPF_LDX | BPF_B | BPF_MSH:
	case BPF_LDX | BPF_IMM: case BPF_LDX | BPF_MEM:
		return true;
	default:
		return false;
	}
}

static bool known(uint16_t code)
{
	switch (BPF_CLASS(code)) {
	case BPF_LD: case BPF_LDX:
		return known_load(code);
	case BPF_ST: case BPF_STX:
		return code == BPF_ST || code == BPF_STX;
	case BPF_ALU:
		return known_alu(code);
	case BPF_JMP:
		if (code == (BPF_JMP | BPF_JA))
			return true;
		switch (BPF_OP(code)) {
		case BPF_JEQ: case BPF_JGE: case BPF_JGT: case BPF_JSET:
			return (code & ~(0xf0 | BPF_X)) == BPF_JMP;
		default:
			return false;
		}
	case BPF_RET:
		return code == (BPF_RET | BPF_K) || code == (BPF_RET | BPF_A);
	default:
		return code == (BPF_MISC | BPF_TAX) || code == (BPF_MISC | BPF_TXA);
	}
}

/* an absolute load from SKF_AD_OFF on has to name an extension */
static bool known_place(uint32_t k)
{
	uint32_t ad = k - (uint32_t)SKF_AD_OFF;

	if (k < (uint32_t)SKF_AD_OFF)
		return true;
	return ad % 4 == 0 && ad < SKF_AD_MAX;
}

static bool check_one(const struct sock_filter *f, size_t left)
{
	switch (f->code) {
	case BPF_ALU | BPF_DIV | BPF_K: case BPF_ALU | BPF_MOD | BPF_K:
		return f->k != 0;
	case BPF_ALU | BPF_LSH | BPF_K: case BPF_ALU | BPF_RSH | BPF_K:
		return f->k < 32;
	case BPF_LD | BPF_MEM: case BPF_LDX | BPF_MEM: case BPF_ST: case BPF_STX:
		return f->k < BPF_MEMWORDS;
	case BPF_LD | BPF_W | BPF_ABS: case BPF_LD | BPF_H | BPF_ABS: case BPF_LD | BPF_B | BPF_ABS:
		return known_place(f->k);
	case BPF_JMP | BPF_JA:
		return f->k < left;
	}
	return BPF_CLASS(f->code) != BPF_JMP || (f->jt < left && f->jf < left);
}

/* no path reads a word of memory that it did not write */
static bool memory_is_written(const struct sock_filter *f, size_t n)
{
	uint16_t *at = malloc(n * sizeof(*at)), valid = 0;
	bool fine = at != NULL;

	if (fine)
		memset(at, 0xff, n * sizeof(*at));
	for (size_t pc = 0; fine && pc < n; pc++) {
		valid &= at[pc];
		switch (f[pc].code) {
		case BPF_ST: case BPF_STX:
			valid |= (uint16_t)(1u << f[pc].k);
			break;
		case BPF_LD | BPF_MEM: case BPF_LDX | BPF_MEM:
			fine = valid & (1u << f[pc].k);
			break;
		case BPF_JMP | BPF_JA:
			at[pc + 1 + f[pc].k] &= valid;
			valid = 0xffff;
			break;
		default:
			if (BPF_CLASS(f[pc].code) != BPF_JMP)
				break;
			at[pc + 1 + f[pc].jt] &= valid;
			at[pc + 1 + f[pc].jf] &= valid;
			valid = 0xffff;
		}
	}
	free(at);
	return fine;
}

/**
 * bpf_check() - May this program be run?
 * @f, @n:	instructions
 *
 * Return: 0 or -EINVAL, as the kernel's bpf_check_classic()
 */
int bpf_check(const struct sock_filter *f, size_t n)
{
	if (n == 0 || n > BPF_MAXINSNS)
		return -EINVAL;
	for (size_t pc = 0; pc < n; pc++)
		if (!known(f[pc].code) || !check_one(&f[pc], n - pc - 1))
			return -EINVAL;
	if (BPF_CLASS(f[n - 1].code) != BPF_RET)
		return -EINVAL;
	return memory_is_written(f, n) ? 0 : -EINVAL;
}

/**
 * bpf_new() - Check a program and keep it
 * @out:	release it with bpf_free()
 *
 * Return: 0, -EINVAL or -ENOMEM
 */
int bpf_new(const struct sock_filter *f, size_t n, struct bpf_prog **out)
{
	struct bpf_prog *p;
	int r = bpf_check(f, n);

	if (r < 0)
		return r;
	p = malloc(sizeof(*p) + n * sizeof(*f));
	if (!p)
		return -ENOMEM;
	p->n = n;
	memcpy(p->f, f, n * sizeof(*f));
	*out = p;
	return 0;
}

/* bpf_free() - Forget a program */
void bpf_free(struct bpf_prog *p)
{
	free(p);
}

/* ---- running ---- */

/* the bytes at offset k, which is negative for headers in front of the data */
static const uint8_t *place(const struct bpf_packet *pkt, uint32_t k, uint32_t size)
{
	const uint8_t *base = pkt->data;
	uint32_t off = k, room;

	if ((int32_t)k < 0) {
		if ((int32_t)k >= SKF_NET_OFF) {
			base = pkt->net;
			off = k - (uint32_t)SKF_NET_OFF;
		} else if ((int32_t)k >= SKF_LL_OFF) {
			base = pkt->mac;
			off = k - (uint32_t)SKF_LL_OFF;
		} else {
			return NULL;
		}
		if (!base)
			return NULL;
	}
	room = (uint32_t)(pkt->data + pkt->len - base);
	return off <= room && size <= room - off ? base + off : NULL;
}

static bool load(const struct bpf_packet *pkt, uint32_t k, uint32_t size, uint32_t *out)
{
	const uint8_t *b = place(pkt, k, size);

	if (!b)
		return false;
	*out = size == 1 ? b[0] : size == 2 ? (uint32_t)b[0] << 8 | b[1] :
		(uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return true;
}

static uint32_t random32(void)
{
	static uint32_t v = 0x9e3779b9;	/* xorshift: to sample packets, no secret */

	v ^= v << 13;
	v ^= v >> 17;
	v ^= v << 5;
	return v;
}

/* where the transport's data begins, counted from the network header */
static uint32_t payload_offset(const struct bpf_packet *pkt)
{
	uint32_t base = (uint32_t)SKF_NET_OFF, at, proto, v;

	if (!load(pkt, base, 1, &v))
		return 0;
	if (v >> 4 == 4) {
		at = (v & 15) * 4;
		if (!load(pkt, base + 9, 1, &proto))
			return 0;
	} else {
		at = 40;
		if (!load(pkt, base + 6, 1, &proto))
			return 0;
	}
	switch (proto) {
	case 6:
		return load(pkt, base + at + 12, 1, &v) ? at + (v >> 4) * 4 : at;
	case 17: case 1: case 58:
		return at + 8;
	default:
		return at;
	}
}

static uint32_t extension(const struct bpf_packet *pkt, const struct machine *m, uint32_t ad)
{
	switch (ad) {
	case SKF_AD_PROTOCOL:
		return pkt->protocol;
	case SKF_AD_PKTTYPE:
		return pkt->pkttype;
	case SKF_AD_IFINDEX:
		return pkt->ifindex;
	case SKF_AD_HATYPE:
		return pkt->hatype;
	case SKF_AD_ALU_XOR_X:
		return m->a ^ m->x;
	case SKF_AD_VLAN_TAG:
		return pkt->vlan_tci;
	case SKF_AD_VLAN_TAG_PRESENT:
		return pkt->vlan;
	case SKF_AD_VLAN_TPID:
		return pkt->vlan_tpid;
	case SKF_AD_PAY_OFFSET:
		return payload_offset(pkt);
	case SKF_AD_RANDOM:
		return random32();
	default:
		return 0;
	}
}

static uint32_t load_size(uint16_t code)
{
	return BPF_SIZE(code) == BPF_W ? 4 : BPF_SIZE(code) == BPF_H ? 2 : 1;
}

static bool run_ld(struct machine *m, const struct sock_filter *f, const struct bpf_packet *pkt)
{
	switch (BPF_MODE(f->code)) {
	case BPF_ABS:
		if (f->k >= (uint32_t)SKF_AD_OFF) {
			m->a = extension(pkt, m, f->k - (uint32_t)SKF_AD_OFF);
			return true;
		}
		return load(pkt, f->k, load_size(f->code), &m->a);
	case BPF_IND:
		return load(pkt, f->k + m->x, load_size(f->code), &m->a);
	case BPF_LEN:
		m->a = pkt->len;
		return true;
	case BPF_MEM:
		m->a = m->mem[f->k];
		return true;
	default:
		m->a = f->k;
		return true;
	}
}

static bool run_ldx(struct machine *m, const struct sock_filter *f, const struct bpf_packet *pkt)
{
	uint32_t v;

	switch (BPF_MODE(f->code)) {
	case BPF_MSH:
		if (!load(pkt, f->k, 1, &v))
			return false;
		m->x = (v & 15) * 4;
		return true;
	case BPF_LEN:
		m->x = pkt->len;
		return true;
	case BPF_MEM:
		m->x = m->mem[f->k];
		return true;
	default:
		m->x = f->k;
		return true;
	}
}

/* false: division by zero, which ends the program */
static bool run_alu(struct machine *m, const struct sock_filter *f)
{
	uint32_t v = BPF_SRC(f->code) == BPF_X ? m->x : f->k;

	switch (BPF_OP(f->code)) {
	case BPF_ADD: m->a += v; break;
	case BPF_SUB: m->a -= v; break;
	case BPF_MUL: m->a *= v; break;
	case BPF_AND: m->a &= v; break;
	case BPF_OR: m->a |= v; break;
	case BPF_XOR: m->a ^= v; break;
	case BPF_LSH: m->a <<= v & 31; break;	/* as the kernel's machine since 3.15 */
	case BPF_RSH: m->a >>= v & 31; break;
	case BPF_NEG: m->a = -m->a; break;
	case BPF_DIV:
		if (!v)
			return false;
		m->a /= v;
		break;
	default:			/* BPF_MOD */
		if (!v)
			return false;
		m->a %= v;
	}
	return true;
}

static uint32_t jump(const struct machine *m, const struct sock_filter *f)
{
	uint32_t v = BPF_SRC(f->code) == BPF_X ? m->x : f->k;

	switch (BPF_OP(f->code)) {
	case BPF_JA:
		return f->k;
	case BPF_JEQ:
		return m->a == v ? f->jt : f->jf;
	case BPF_JGT:
		return m->a > v ? f->jt : f->jf;
	case BPF_JGE:
		return m->a >= v ? f->jt : f->jf;
	default:
		return m->a & v ? f->jt : f->jf;
	}
}

/**
 * bpf_run() - Run a program over a packet
 *
 * Return: how many bytes of the packet are wanted; 0: none of it
 */
uint32_t bpf_run(const struct bpf_prog *p, const struct bpf_packet *pkt)
{
	struct machine m = { 0 };

	for (const struct sock_filter *f = p->f;; f++) {
		switch (BPF_CLASS(f->code)) {
		case BPF_LD:
			if (!run_ld(&m, f, pkt))
				return 0;
			break;
		case BPF_LDX:
			if (!run_ldx(&m, f, pkt))
				return 0;
			break;
		case BPF_ST:
			m.mem[f->k] = m.a;
			break;
		case BPF_STX:
			m.mem[f->k] = m.x;
			break;
		case BPF_ALU:
			if (!run_alu(&m, f))
				return 0;
			break;
		case BPF_JMP:
			f += jump(&m, f);
			break;
		case BPF_RET:
			return BPF_RVAL(f->code) == BPF_A ? m.a : f->k;
		default:
			if (BPF_MISCOP(f->code) == BPF_TAX)
				m.x = m.a;
			else
				m.a = m.x;
		}
	}
}
