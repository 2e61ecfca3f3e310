/* fdtab.h - one byte a descriptor: whose it is */
#ifndef PRELOAD_FDTAB_H
#define PRELOAD_FDTAB_H

#include <stdbool.h>
#include <stdint.h>

enum fd_class {
	FD_UNKNOWN,			/* to be found out */
	FD_FOREIGN,			/* the kernel's: hooks pass it through */
	FD_STREAM,			/* connected stream: data goes to the kernel */
	FD_LISTENER,
	FD_SPECIAL,			/* a stream that is neither: its tag tells */
	FD_DGRAM,
};

#define FDTAB_SIZE	(1u << 20)	/* higher numbers are found out each time */

extern uint8_t fdtab[FDTAB_SIZE];
extern unsigned fdtab_changes;		/* each time a number becomes another descriptor */

struct sockname;

enum fd_class fdtab_find_out(int fd);
void fdtab_set(int fd, enum fd_class c);
bool fdtab_last_dgram(int fd, struct sockname *sn);
void fdtab_used_dgram(int fd, const struct sockname *sn, unsigned changes);
void fdtab_freeze(void);
bool fdtab_frozen(void);
void fdtab_forget_range(unsigned first, unsigned last);

static inline enum fd_class fdtab_class(int fd)
{
	if ((unsigned)fd < FDTAB_SIZE) {
		uint8_t c = __atomic_load_n(&fdtab[fd], __ATOMIC_RELAXED);

		if (__builtin_expect(c != FD_UNKNOWN, 1))
			return (enum fd_class)c;
	}
	return fdtab_find_out(fd);
}

static inline void fdtab_forget(int fd)
{
	__atomic_fetch_add(&fdtab_changes, 1, __ATOMIC_RELAXED);
	if ((unsigned)fd < FDTAB_SIZE)
		__atomic_store_n(&fdtab[fd], FD_UNKNOWN, __ATOMIC_RELAXED);
}

#endif
