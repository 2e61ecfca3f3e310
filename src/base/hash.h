/* hash.h - FNV-1a: the same bytes give the same number in every process
 *
 * For names and addresses that have to be stable; not for tables that a
 * stranger may fill (lwip-port/siphash.h).
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* hash_fnv1a() - 64-bit FNV-1a of @len bytes */
static inline uint64_t hash_fnv1a(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t h = 0xcbf29ce484222325u;

	while (len--)
		h = (h ^ *p++) * 0x100000001b3u;
	return h;
}

#endif
