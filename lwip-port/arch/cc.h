/* cc.h - compiler and libc as lwIP wants to see them */
#ifndef ARCH_CC_H
#define ARCH_CC_H

#include <stdint.h>
#include <stdio.h>
#include <sys/time.h>		/* struct timeval: lwIP must not define its own */

#define LWIP_TIMEVAL_PRIVATE	0
#define LWIP_ERRNO_STDINCLUDE	1

/* messages of lwIP's own debugging, which is compiled out */
#define LWIP_PLATFORM_DIAG(x)	do { printf x; } while (0)

/* a broken invariant: abort in sanitizer builds, otherwise log and drop the
 * connection at hand; see sys.c */
#define LWIP_PLATFORM_ASSERT(x)	port_assert_failed(x, __FILE__, __LINE__)
void port_assert_failed(const char *msg, const char *file, int line);

/* unpredictable: ports, transaction identifiers, delays */
#define LWIP_RAND()		port_rand()
uint32_t port_rand(void);

uint16_t port_chksum(const void *data, int len);

#endif
