/* bufpool.h - 64 KB buffers for frames and for data being sent */
#ifndef ENGINE_BUFPOOL_H
#define ENGINE_BUFPOOL_H

#include <stddef.h>

#define BUFPOOL_SIZE	(17 * 4096)	/* a GRO frame of 64 KB and its bookkeeping */

void *bufpool_get(void);		/* BUFPOOL_SIZE bytes, page-aligned; NULL: no memory */
void bufpool_put(void *buf);
void bufpool_trim(void);		/* call now and then: gives back what was not needed */
void bufpool_drain(void);

#endif
