/* hook_wait.c - waiting, and mmap(2): what the kernel cannot do for us there
 *
 * Theory of operation
 * Waiting needs no hook: every socket of ours is the kernel's.  Three exceptions:
 * a packet socket with a memory-mapped ring, whose readiness is put in order
 * before each wait (client/ring.c); and a datagram socket that an error waits for,
 * which makes an AF_UNIX pair readable, where poll(2) is to show POLLERR (traceroute
 * goes by that; select has no difference to show, epoll keeps to EPOLLIN), or that was
 * shut down (client/dgram_poll.c).  Where there is neither, a wait pays a few loads.
 *
 * The third: a stream without a connection, a new one or one whose attempt failed,
 * is hung up for poll(2), always and whatever is asked for; its pair is open, or at
 * its end.  Only streams that have yet to connect are asked for their tag; for
 * others the price is a byte a descriptor.
 */
#include <sys/mman.h>
#include "client/memory.h"
#include "preload/hook.h"

void __chk_fail(void) __attribute__((noreturn));

static void settle_rings(void)
{
	if (__builtin_expect(ring_any(), 0))
		ring_settle();
}

static int correct_dgrams(struct pollfd *p, nfds_t n, int ready)
{
	if (ready <= 0 || __builtin_expect(!dgram_poll_differs(), 1))
		return ready;
	for (nfds_t i = 0; i < n; i++)
		if (p[i].revents && fdtab_class(p[i].fd) == FD_DGRAM)
			p[i].revents = dgram_revents(p[i].fd, p[i].revents);
	return ready;
}

/* is it a stream that has no connection? */
static bool unconnected(int fd, enum tag_state *state)
{
	if ((unsigned)fd >= FDTAB_SIZE || __atomic_load_n(&fdtab[fd], __ATOMIC_RELAXED) != FD_SPECIAL ||
	    fdtab_frozen())
		return false;
	*state = tag_get(fd).state;
	return *state == TAG_NEW || *state == TAG_FAILED;
}

static bool any_unconnected(const struct pollfd *p, nfds_t n)
{
	enum tag_state state;

	/* what the kernel refuses is not for us to read */
	if (n > FDTAB_SIZE || !mem_readable(p, n * sizeof(*p)))
		return false;
	for (nfds_t i = 0; i < n; i++)
		if (unconnected(p[i].fd, &state))
			return true;
	return false;
}

/* @ready: what poll(2) gave without waiting; what it gives with those that are hung up */
static int show_unconnected(struct pollfd *p, nfds_t n, int ready)
{
	enum tag_state state;

	for (nfds_t i = 0; ready >= 0 && i < n; i++) {
		short kept = POLLOUT | POLLWRNORM | POLLERR;

		if (!unconnected(p[i].fd, &state))
			continue;
		ready += !p[i].revents;
		p[i].revents = (short)((p[i].revents & kept) | POLLHUP);
	}
	return ready;
}

HOOK(int, poll, (struct pollfd *p, nfds_t n, int ms))
{
	bool hung_up = any_unconnected(p, n);
	int ready;

	settle_rings();
	ready = correct_dgrams(p, n, sys_poll(p, n, hung_up ? 0 : ms));
	return hung_up ? show_unconnected(p, n, ready) : ready;
}

HOOK(int, __poll_chk, (struct pollfd *p, nfds_t n, int ms, size_t room))
{
	if (room / sizeof(*p) < n)
		__chk_fail();
	return hook_poll(p, n, ms);
}

HOOK(int, ppoll, (struct pollfd *p, nfds_t n, const struct timespec *t, const sigset_t *m))
{
	const struct timespec none = { 0, 0 };
	bool hung_up = any_unconnected(p, n);
	int ready;

	settle_rings();
	ready = correct_dgrams(p, n, sys_ppoll(p, n, hung_up ? &none : t, m));
	return hung_up ? show_unconnected(p, n, ready) : ready;
}

HOOK(int, __ppoll_chk, (struct pollfd *p, nfds_t n, const struct timespec *t, const sigset_t *m,
			size_t room))
{
	if (room / sizeof(*p) < n)
		__chk_fail();
	return hook_ppoll(p, n, t, m);
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
