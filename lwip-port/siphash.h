/* siphash.h - a keyed hash for tables and sequence numbers that peers aim at
 *
 * SipHash by J.-P. Aumasson and D. J. Bernstein (2012): "SipHash: a fast
 * short-input PRF".  2-4 for what leaves the machine, 1-3 for the tables.
 */
#ifndef LWIP_PORT_SIPHASH_H
#define LWIP_PORT_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};

uint64_t siphash24(const struct siphash_key *key, const void *data, size_t len);
uint64_t siphash13(const struct siphash_key *key, const void *data, size_t len);

#endif
