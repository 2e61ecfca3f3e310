/* memory.h - may the program's memory be read, or written? */
#ifndef CLIENT_MEMORY_H
#define CLIENT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEM_PAGE	4096u		/* the smallest there is */
#define MEM_KNOWN	64u		/* a power of two */

extern uintptr_t mem_known[MEM_KNOWN];

bool mem_find_out(uintptr_t page, bool write);
void mem_trust(void);

/* the page of an address, and whether it was writable */
static inline bool mem_page(uintptr_t addr, bool write)
{
	uintptr_t page = addr & ~(uintptr_t)(MEM_PAGE - 1);
	uintptr_t known = __atomic_load_n(&mem_known[page / MEM_PAGE % MEM_KNOWN],
					  __ATOMIC_RELAXED);

	if (__builtin_expect(known == (page | 1) || (!write && known == page && page), 1))
		return true;
	return mem_find_out(page, write);
}

static inline bool mem_range(const void *p, size_t n, bool write)
{
	uintptr_t first = (uintptr_t)p, last = first + n - 1;

	if (!n)
		return true;
	if (last < first || !mem_page(first, write))
		return false;
	return (first ^ last) < MEM_PAGE || mem_page(last, write);
}

/* of a range that is longer than a page, only the ends are looked at */
static inline bool mem_readable(const void *p, size_t n)
{
	return mem_range(p, n, false);
}

static inline bool mem_writable(void *p, size_t n)
{
	return mem_range(p, n, true);
}

#endif
