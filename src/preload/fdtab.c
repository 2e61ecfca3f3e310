/* fdtab.c - one byte a descriptor: whose it is
 *
 * Theory of operation
 * A cache and nothing else: what a descriptor is stands in the kernel (the
 * peer's name and the tag, client/tag.c) and is read from there when the byte
 * says FD_UNKNOWN.  So every doubt is settled by forgetting: after close, dup2,
 * SCM_RIGHTS, and whenever a stream may have changed its state.
 *
 * Only three facts are cached that cannot become wrong while the number is
 * open: foreign, connected stream (it never goes back), datagram; and
 * "listener", whose end accept() notices by itself.  FD_SPECIAL only says:
 * ask the tag.
 *
 * Of the datagram socket that it used last a thread knows the name, too: programs use
 * one over and over, and asking for it was one system call of three.  Any change of the table
 * ends that.  A number that changed hands behind our back is found out by its tag.
 *
 * A vfork child writes into our memory but has descriptors of its own: it may
 * forget (harmless for us), but not record.
 * A program that filters its own system calls would die of our questions.
 * Before it does, every open descriptor is found out (fdtab_freeze()); what is
 * still unknown afterwards counts as foreign.
 *
 * Bytes are read and written atomically; threads that race on one number
 * race on the descriptor itself.
 */
#include <fcntl.h>
#include "client/client.h"
#include "client/sys.h"
#include "preload/fdtab.h"

#define FREEZE_MAX	1024	/* numbers that are looked at: programs that sandbox have few */

uint8_t fdtab[FDTAB_SIZE];
unsigned fdtab_changes;
static bool frozen;

static __thread struct {
	int fd;
	unsigned changes;
	unsigned writes;		/* a signal handler may come in between */
	struct sockname sn;
} recent = { .fd = -1 };

/**
 * fdtab_set() - Record what a descriptor is
 */
void fdtab_set(int fd, enum fd_class c)
{
	if ((unsigned)fd >= FDTAB_SIZE || frozen)
		return;
	if (!conn_in_owner())
		c = FD_UNKNOWN;
	__atomic_fetch_add(&fdtab_changes, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&fdtab[fd], (uint8_t)c, __ATOMIC_RELAXED);
}

/**
 * fdtab_find_out() - Ask the kernel what a descriptor is, and record it
 *
 * errno is left as it was.
 */
enum fd_class fdtab_find_out(int fd)
{
	struct sockname sn;
	enum fd_class c;

	if (fd < 0 || frozen)
		return FD_FOREIGN;
	if (!client_identify(fd, &sn)) {
		c = FD_FOREIGN;
	} else if (sn.kind != SOCKNAME_STREAM) {
		c = FD_DGRAM;
	} else {
		switch (tag_get(fd).state) {
		case TAG_CONNECTED:
			c = FD_STREAM;
			break;
		case TAG_LISTENING:
			c = FD_LISTENER;
			break;
		default:
			c = FD_SPECIAL;
			break;
		}
	}
	fdtab_set(fd, c);
	return c;
}

/**
 * fdtab_last_dgram() - Is this the datagram socket that the thread used last?
 * @sn:		its name, if so
 */
bool fdtab_last_dgram(int fd, struct sockname *sn)
{
	unsigned writes = recent.writes;

	if (recent.fd != fd || recent.changes != __atomic_load_n(&fdtab_changes, __ATOMIC_RELAXED))
		return false;
	*sn = recent.sn;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return writes == recent.writes;
}

/**
 * fdtab_used_dgram() - Remember a datagram socket's name
 * @changes:	fdtab_changes before it was asked for
 */
void fdtab_used_dgram(int fd, const struct sockname *sn, unsigned changes)
{
	recent.fd = -1;
	recent.writes++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	recent.sn = *sn;
	recent.changes = changes;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	recent.fd = fd;
}

/**
 * fdtab_freeze() - Find out what is open now, and ask no more
 */
void fdtab_freeze(void)
{
	if (frozen || !conn_in_owner())
		return;
	for (int fd = 0; fd < FREEZE_MAX; fd++)
		if (!fdtab[fd] && fdtab_find_out(fd) == FD_FOREIGN && sys_fcntl(fd, F_GETFD, 0) < 0)
			fdtab_forget(fd);
	frozen = true;
}

/**
 * fdtab_frozen() - Does the program filter its own system calls?
 */
bool fdtab_frozen(void)
{
	return frozen;
}

/**
 * fdtab_forget_range() - Forget the numbers in [first, last]
 */
void fdtab_forget_range(unsigned first, unsigned last)
{
	if (first >= FDTAB_SIZE)
		return;
	if (last >= FDTAB_SIZE)
		last = FDTAB_SIZE - 1;
	/* only what is in use: writing zeroes would give the whole table pages */
	for (unsigned fd = first; fd <= last; fd++)
		if (fdtab[fd])
			fdtab_forget((int)fd);
}
