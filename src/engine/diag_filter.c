/* diag_filter.c - the filters of ss(8): INET_DIAG_REQ_BYTECODE
 *
 * Theory of operation
 * A filter is a sequence of struct inet_diag_bc_op, each with its operands
 * behind it and two distances forward: where to go on when the comparison
 * holds, and when it does not.  It matches when it runs exactly to its end,
 * not beyond.  diag_filter_check() lets only such pass whose operands lie
 * inside and whose every jump goes forward to the beginning of an operation,
 * or to the end, or four bytes beyond (the compiler's "no"); so a run ends, and
 * needs no further checks.  The beginnings are marked in a bitmap first: the
 * check is linear, however hostile the filter (Linux's inet_diag_bc_audit()
 * walks from the start for each jump).
 *
 * Pure: no state, no memory of its own.
 */
#include "engine/diag_filter.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <linux/inet_diag.h>

#define UNIT		4		/* everything is a multiple of it */
#define WORDS		(DIAG_FILTER_MAX / UNIT / 64 + 1)

static struct inet_diag_bc_op op_at(const uint8_t *code, size_t at)
{
	struct inet_diag_bc_op op;

	memcpy(&op, code + at, sizeof(op));
	return op;
}

/* the operation at @at with its operands: bytes, or 0 if it is no sound one */
static size_t op_size(const uint8_t *code, size_t at, size_t len)
{
	struct inet_diag_hostcond cond;
	size_t size = sizeof(struct inet_diag_bc_op), addr;

	switch (op_at(code, at).code) {
	case INET_DIAG_BC_NOP:
	case INET_DIAG_BC_JMP:
	case INET_DIAG_BC_AUTO:
		break;
	case INET_DIAG_BC_S_GE: case INET_DIAG_BC_S_LE: case INET_DIAG_BC_S_EQ:
	case INET_DIAG_BC_D_GE: case INET_DIAG_BC_D_LE: case INET_DIAG_BC_D_EQ:
		size += sizeof(struct inet_diag_bc_op);
		break;
	case INET_DIAG_BC_DEV_COND:
		size += sizeof(uint32_t);
		break;
	case INET_DIAG_BC_MARK_COND:
		size += sizeof(struct inet_diag_markcond);
		break;
	case INET_DIAG_BC_CGROUP_COND:
		size += sizeof(uint64_t);
		break;
	case INET_DIAG_BC_S_COND: case INET_DIAG_BC_D_COND:
		if (len - at < size + sizeof(cond))
			return 0;
		memcpy(&cond, code + at + size, sizeof(cond));
		addr = cond.family == AF_INET ? 4 : cond.family == AF_INET6 ? 16 : 0;
		if ((!addr && cond.family != AF_UNSPEC) || cond.prefix_len > 8 * addr)
			return 0;
		size += sizeof(cond) + addr;
		break;
	default:
		return 0;
	}
	return size <= len - at ? size : 0;
}

static bool may_go_to(const uint64_t *starts, size_t to, size_t len)
{
	if (to == len || to == len + UNIT)
		return true;
	return to < len && starts[to / UNIT / 64] >> (to / UNIT % 64) & 1;
}

/**
 * diag_filter_check() - May this filter be run?
 *
 * Return: 0, -EINVAL, or -E2BIG: longer than DIAG_FILTER_MAX
 */
int diag_filter_check(const void *filter, size_t len)
{
	const uint8_t *code = filter;
	uint64_t starts[WORDS] = { 0 };
	size_t at;

	if (len > DIAG_FILTER_MAX)
		return -E2BIG;
	if (!len || len % UNIT)
		return -EINVAL;
	for (at = 0; at < len; at += op_at(code, at).yes) {
		struct inet_diag_bc_op op = op_at(code, at);
		size_t size = op_size(code, at, len);

		if (!size || op.yes < size || op.yes % UNIT)
			return -EINVAL;
		starts[at / UNIT / 64] |= 1ull << (at / UNIT % 64);
	}
	if (at != len)
		return -EINVAL;
	for (at = 0; at < len; at += op_at(code, at).yes) {
		struct inet_diag_bc_op op = op_at(code, at);

		if (op.code == INET_DIAG_BC_NOP)
			continue;
		if (op.no < op_size(code, at, len) || op.no % UNIT || !may_go_to(starts, at + op.no, len))
			return -EINVAL;
	}
	return 0;
}

static bool prefix_match(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	uint8_t mask = (uint8_t)(0xff00u >> (bits % 8));

	return !memcmp(a, b, bits / 8) && (!(bits % 8) || !((a[bits / 8] ^ b[bits / 8]) & mask));
}

/* an address and a port; an IPv4 condition also fits a mapped IPv6 address */
static bool host_match(const uint8_t *operand, const struct diag_entry *e, bool source)
{
	const uint32_t *addr = source ? e->saddr : e->daddr;
	const uint8_t *want = operand + sizeof(struct inet_diag_hostcond);
	struct inet_diag_hostcond cond;

	memcpy(&cond, operand, sizeof(cond));
	if (cond.port != -1 && cond.port != (source ? e->sport : e->dport))
		return false;
	if (cond.family == e->family || cond.family == AF_UNSPEC)
		return prefix_match((const uint8_t *)addr, want, cond.prefix_len);
	if (cond.family == AF_INET && e->family == AF_INET6 && !addr[0] && !addr[1] &&
	    addr[2] == htonl(0xffff))
		return prefix_match((const uint8_t *)(addr + 3), want, cond.prefix_len);
	return false;
}

static bool holds(const uint8_t *code, size_t at, const struct diag_entry *e)
{
	const uint8_t *operand = code + at + sizeof(struct inet_diag_bc_op);
	struct inet_diag_markcond mark;
	uint64_t cgroup;
	uint32_t dev;
	uint16_t port;

	switch (op_at(code, at).code) {
	case INET_DIAG_BC_JMP:
		return false;
	case INET_DIAG_BC_AUTO:
		return !e->bound_port;
	case INET_DIAG_BC_S_COND: case INET_DIAG_BC_D_COND:
		return host_match(operand, e, op_at(code, at).code == INET_DIAG_BC_S_COND);
	case INET_DIAG_BC_DEV_COND:
		memcpy(&dev, operand, sizeof(dev));
		return dev == e->ifindex;
	case INET_DIAG_BC_MARK_COND:
		memcpy(&mark, operand, sizeof(mark));
		return (e->mark & mark.mask) == mark.mark;
	case INET_DIAG_BC_CGROUP_COND:
		memcpy(&cgroup, operand, sizeof(cgroup));
		return cgroup == e->cgroup;
	case INET_DIAG_BC_NOP:
		return true;
	}
	port = op_at(code, at + sizeof(struct inet_diag_bc_op)).no;
	switch (op_at(code, at).code) {
	case INET_DIAG_BC_S_EQ:
		return e->sport == port;
	case INET_DIAG_BC_S_GE:
		return e->sport >= port;
	case INET_DIAG_BC_S_LE:
		return e->sport <= port;
	case INET_DIAG_BC_D_EQ:
		return e->dport == port;
	case INET_DIAG_BC_D_GE:
		return e->dport >= port;
	default:
		return e->dport <= port;
	}
}

/* diag_filter_match() - Run a filter that diag_filter_check() let pass */
bool diag_filter_match(const void *filter, size_t len, const struct diag_entry *e)
{
	const uint8_t *code = filter;
	size_t at = 0;

	while (at < len)
		at += holds(code, at, e) ? op_at(code, at).yes : op_at(code, at).no;
	return at == len;
}
