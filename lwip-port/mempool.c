/* mempool.c - bound what lwIP bounds by the size of a pool
 *
 * Theory of operation
 * With MEMP_MEM_MALLOC a pool is malloc(), and has no end.  Where the pool's
 * size was lwIP's only bound, the wrappers of lwip/ route allocation here and
 * we count.  That is the case for packets waiting for an IPv6 neighbour to
 * answer: lwIP drops a neighbour's oldest when it is told that there is no
 * memory.
 */
#include "lwip/opt.h"
#include "mempool.h"

static unsigned nd6_queued;

/**
 * port_memp_malloc() - memp_malloc() with MEMP_NUM_ND6_QUEUE as a bound
 * @type:	pool
 *
 * Return: memory, or NULL
 */
void *port_memp_malloc(memp_t type)
{
	void *mem;

	if (type == MEMP_ND6_QUEUE && nd6_queued >= MEMP_NUM_ND6_QUEUE)
		return NULL;
	mem = memp_malloc(type);
	if (mem && type == MEMP_ND6_QUEUE)
		nd6_queued++;
	return mem;
}

/**
 * port_memp_free() - memp_free() of what port_memp_malloc() gave
 * @type:	pool
 * @mem:	memory, or NULL
 */
void port_memp_free(memp_t type, void *mem)
{
	if (mem && type == MEMP_ND6_QUEUE)
		nd6_queued--;
	memp_free(type, mem);
}
