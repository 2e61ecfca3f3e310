/* hook_wait.c - waiting, and mmap(2): for the rings of packet sockets
 *
 * Theory of operation
 * Waiting needs no hook: every socket of ours is the kernel's.  The exception is
 * a packet socket with a memory-mapped ring, whose readiness is put in order
 * before each wait (client/ring.c).  A process that has no ring, which is all
 * but packet sniffers, pays one load.
 */
#include <sys/mman.h>
#include "preload/hook.h"

void __chk_fail(void) __attribute__((noreturn));

static void settle_rings(void)
{
	if (__builtin_expect(ring_any(), 0))
		ring_settle();
}

HOOK(int, poll, (struct pollfd *p, nfds_t n, int ms))
{
	settle_rings();
	return sys_poll(p, n, ms);
}

HOOK(int, __poll_chk, (struct pollfd *p, nfds_t n, int ms, size_t room))
{
	if (room / sizeof(*p) < n)
		__chk_fail();
	settle_rings();
	return sys_poll(p, n, ms);
}

HOOK(int, ppoll, (struct pollfd *p, nfds_t n, const struct timespec *t, const sigset_t *m))
{
	settle_rings();
	return sys_ppoll(p, n, t, m);
}

HOOK(int, __ppoll_chk, (struct pollfd *p, nfds_t n, const struct timespec *t, const sigset_t *m,
			size_t room))
{
	if (room / sizeof(*p) < n)
		__chk_fail();
	settle_rings();
	return sys_ppoll(p, n, t, m);
}

HOOK(int, select, (int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *t))
{
	settle_rings();
	return sys_select(n, r, w, e, t);
}

HOOK(int, pselect, (int n, fd_set *r, fd_set *w, fd_set *e, const struct timespec *t,
		    const sigset_t *m))
{
	settle_rings();
	return sys_pselect(n, r, w, e, t, m);
}

HOOK(int, epoll_wait, (int ep, struct epoll_event *v, int n, int ms))
{
	settle_rings();
	return sys_epoll_wait(ep, v, n, ms);
}

HOOK(int, epoll_pwait, (int ep, struct epoll_event *v, int n, int ms, const sigset_t *m))
{
	settle_rings();
	return sys_epoll_pwait(ep, v, n, ms, m);
}

HOOK(void *, mmap, (void *addr, size_t len, int prot, int flags, int fd, off_t off))
{
	struct sockname sn;

	if (__builtin_expect(fd >= 0 && ring_any(), 0) && fdtab_class(fd) == FD_DGRAM &&
	    client_identify(fd, &sn))
		return ring_mmap(&sn, addr, len, prot, flags, off);
	return sys_mmap(addr, len, prot, flags, fd, off);
}

#ifdef __LP64__
HOOK(void *, mmap64, (void *addr, size_t len, int prot, int flags, int fd, off_t off))
{
	return hook_mmap(addr, len, prot, flags, fd, off);
}
#endif
