/* checksum.c - the Internet checksum (RFC 1071), 64 bits at a time
 *
 * Theory of operation
 * The ones' complement sum does not care how wide the words are that it adds,
 * nor in which byte order, as long as the carries come back in.  We add 32-bit
 * halves into 64-bit accumulators, which cannot overflow below 16 GB, 32 bytes
 * a turn in four independent chains that the compiler turns into vector adds,
 * and fold at the end.  Loads are unaligned; the machines we run on do not
 * mind, and the sum is always that of the bytes from @data on, so odd
 * addresses need no swap.
 */
#include <stdint.h>
#include <string.h>
#include "arch/cc.h"

static inline uint64_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/**
 * port_chksum() - LWIP_CHKSUM: sum of 16-bit words, not inverted
 * @data:	any alignment
 * @len:	in bytes; an odd last byte counts as if a zero followed
 *
 * Return: the sum in memory order, as lwip_standard_chksum() gives it
 */
uint16_t port_chksum(const void *data, int len)
{
	uint64_t a = 0, b = 0, c = 0, d = 0;
	const uint8_t *p = data;
	uint16_t tail = 0;

	for (; len >= 32; len -= 32, p += 32) {
		a += load32(p) + load32(p + 16);
		b += load32(p + 4) + load32(p + 20);
		c += load32(p + 8) + load32(p + 24);
		d += load32(p + 12) + load32(p + 28);
	}
	a += b + c + d;
	for (; len >= 4; len -= 4, p += 4)
		a += load32(p);
	if (len >= 2) {
		memcpy(&tail, p, 2);
		a += tail;
		len -= 2;
		p += 2;
	}
	if (len > 0) {
		tail = 0;
		memcpy(&tail, p, 1);
		a += tail;
	}
	a = (a & 0xffffffff) + (a >> 32);
	a = (a & 0xffffffff) + (a >> 32);
	a = (a & 0xffff) + (a >> 16);
	a = (a & 0xffff) + (a >> 16);
	return (uint16_t)a;
}
