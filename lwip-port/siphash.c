/* siphash.c - SipHash-2-4 and SipHash-1-3
 *
 * Theory of operation
 * The input is taken in little-endian words of 64 bits; the last word holds
 * the bytes left over and the length.  c rounds a word, d at the end.  No
 * state, no allocation; constant time in the data.
 */
#include <endian.h>
#include <string.h>
#include "siphash.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, unsigned b)
{
	return x << b | x >> (64 - b);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 = rotl(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t m, int c)
{
	s->v3 ^= m;
	while (c--)
		sip_round(s);
	s->v0 ^= m;
}

static inline uint64_t sip(const struct siphash_key *key, const void *data,
			   size_t len, int c, int d)
{
	struct sip s = {
		key->k0 ^ 0x736f6d6570736575ULL, key->k1 ^ 0x646f72616e646f6dULL,
		key->k0 ^ 0x6c7967656e657261ULL, key->k1 ^ 0x7465646279746573ULL,
	};
	const uint8_t *p = data;
	size_t left = len;
	uint64_t m;

	for (; left >= 8; left -= 8, p += 8) {
		memcpy(&m, p, 8);
		sip_word(&s, le64toh(m), c);
	}
	m = 0;
	memcpy(&m, p, left);
	sip_word(&s, le64toh(m) | (uint64_t)len << 56, c);
	s.v2 ^= 0xff;
	while (d--)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/**
 * siphash24() - SipHash-2-4
 * @key:	128 secret bits
 * @data, @len:	input
 *
 * Return: 64 bits, unpredictable without the key
 */
uint64_t siphash24(const struct siphash_key *key, const void *data, size_t len)
{
	return sip(key, data, len, 2, 4);
}

/**
 * siphash13() - SipHash-1-3, for hash tables
 * @key:	128 secret bits
 * @data, @len:	input
 *
 * Return: 64 bits
 */
uint64_t siphash13(const struct siphash_key *key, const void *data, size_t len)
{
	return sip(key, data, len, 1, 3);
}
