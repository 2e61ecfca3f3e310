/* ring.c - the memory-mapped ring of a packet socket, the application's side
 *
 * Theory of operation
 * libpcap reads frames from a ring only.  setsockopt(PACKET_RX_RING) makes a
 * memfd, hands it to the stack, which writes the frames (proto/packet.h), and
 * keeps it mapped; mmap(2) of the socket gives the application a mapping of
 * the same memory.
 *
 * The kernel's socket polls readable while the ring holds a frame.  Ours does
 * while a token is in its pair, and nobody reads a ring's socket: so before
 * the program waits (poll, select, epoll_wait), ring_settle() takes the token
 * out of each ring that it finds empty.  A frame that arrives meanwhile finds
 * the token still marked as sent; we look again after unmarking it, and have
 * the stack send a new one then.  Waits of other kinds (io_uring) see a ring
 * as readable until the next of these calls.
 *
 * A program without rings pays one load for a wait.  Rings are the process':
 * after fork the child has them too, after exec none, as mappings go.  A ring
 * whose socket is gone is forgotten when that is noticed, or its place needed.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include "client/client.h"
#include "client/sys.h"
#include "proto/packet.h"

#define RINGS_MAX	16
#define CTL_SIZE	4096u
#define POPS_MAX	256		/* records in a pair of the size we give it */

enum state { FREE, HELD, LIVE };	/* HELD: a thread works on it */

static struct ring {
	_Atomic int state;
	int fd;
	uint64_t id;
	struct msg_ring shape;
	uint8_t *map;
	struct packet_ring_ctl *ctl;
} rings[RINGS_MAX];

static _Atomic int live;

/**
 * ring_any() - Does this process have a ring?
 */
bool ring_any(void)
{
	return atomic_load_explicit(&live, memory_order_relaxed) > 0;
}

static bool hold(struct ring *r, int from)
{
	return atomic_compare_exchange_strong(&r->state, &from, HELD);
}

static void release(struct ring *r)
{
	atomic_store(&r->state, LIVE);
}

/* r is held */
static void forget(struct ring *r)
{
	munmap(r->map, packet_ring_size(&r->shape) + CTL_SIZE);
	atomic_fetch_sub(&live, 1);
	atomic_store(&r->state, FREE);
}

static bool its_socket(const struct ring *r)
{
	struct sockname sn;

	return client_identify(r->fd, &sn) && sn.id == r->id;
}

/* hold the ring of a socket; NULL: it has none */
static struct ring *hold_of(uint64_t id)
{
	for (struct ring *r = rings; r < rings + RINGS_MAX; r++) {
		/* others hold it for a few system calls only */
		while (atomic_load(&r->state) != FREE && r->id == id) {
			if (hold(r, LIVE))
				return r;
			sched_yield();
		}
	}
	return NULL;
}

static struct ring *hold_free(void)
{
	for (struct ring *r = rings; r < rings + RINGS_MAX; r++) {
		if (hold(r, LIVE)) {
			if (its_socket(r))
				release(r);
			else
				forget(r);
		}
		if (hold(r, FREE))
			return r;
	}
	return NULL;
}

/* the kernel's packet_poll(): is the last frame still the application's? */
static bool filled(const struct ring *r)
{
	uint32_t head = atomic_load(&r->ctl->head) % r->shape.frame_nr;
	uint32_t last = head ? head - 1 : r->shape.frame_nr - 1;
	const struct tpacket2_hdr *t = (const void *)(r->map + packet_ring_at(&r->shape, last));

	return __atomic_load_n(&t->tp_status, __ATOMIC_ACQUIRE) != TP_STATUS_KERNEL;
}

static void unmark(struct ring *r)
{
	atomic_store(&r->ctl->token, 0);
	if (filled(r))
		sys_send(r->fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void pop(int fd)
{
	char byte;

	for (int i = 0; i < POPS_MAX; i++)
		if (sys_recv(fd, &byte, 1, MSG_DONTWAIT) <= 0)
			return;
}

/**
 * ring_settle() - Let sockets of empty rings not poll readable
 *
 * errno is left as it was.
 */
void ring_settle(void)
{
	int saved = errno;

	for (struct ring *r = rings; r < rings + RINGS_MAX; r++) {
		if (!hold(r, LIVE))
			continue;
		if (atomic_load(&r->ctl->token) && !filled(r)) {
			if (!its_socket(r)) {
				forget(r);
				continue;
			}
			pop(r->fd);
			unmark(r);
		}
		release(r);
	}
	errno = saved;
}

/**
 * ring_token_taken() - A receive call got a token instead of a frame
 */
void ring_token_taken(int fd, const struct sockname *sn)
{
	struct ring *r = ring_any() ? hold_of(sn->id) : NULL;

	if (!r)
		return;
	r->fd = fd;
	unmark(r);
	release(r);
}

/* memory that the stack accepts: all there, and not to be taken away */
static int make_memory(size_t size)
{
	int fd = memfd_create("packet ring", MFD_CLOEXEC | MFD_ALLOW_SEALING), err;

	if (fd < 0)
		return -errno;
	err = ftruncate(fd, (off_t)size) < 0 ? errno : posix_fallocate(fd, 0, (off_t)size);
	if (!err && sys_fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		err = errno;
	if (!err)
		return fd;
	sys_close(fd);
	return -ENOMEM;
}

static int hand_over(struct ring *r, const struct sockname *sn, int memory)
{
	struct conn_req req = {
		.op = MSG_OP_RING, .sock = sn->id, .fd = memory,
		.body = &r->shape, .body_len = sizeof(r->shape),
	};
	size_t size = packet_ring_size(&r->shape) + CTL_SIZE;
	int ret;

	r->map = sys_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (r->map == MAP_FAILED)
		return -ENOMEM;
	r->ctl = (struct packet_ring_ctl *)(r->map + size - CTL_SIZE);
	ret = conn_call(sn->path, &req);
	if (ret)
		munmap(r->map, size);
	return ret;
}

static int set_up(int fd, const struct sockname *sn, const struct tpacket_req *req)
{
	struct msg_ring shape = {
		req->tp_block_size, req->tp_block_nr, req->tp_frame_size, req->tp_frame_nr,
	};
	int ret = packet_ring_check(&shape, 0), memory;
	struct ring *r;

	if (ret)
		return ret;
	r = hold_free();
	if (!r)
		return -ENOMEM;
	r->fd = fd;
	r->id = sn->id;
	r->shape = shape;
	memory = make_memory(packet_ring_size(&shape) + CTL_SIZE);
	ret = memory < 0 ? memory : hand_over(r, sn, memory);
	if (memory >= 0)
		sys_close(memory);
	if (ret) {
		r->id = 0;
		atomic_store(&r->state, FREE);
		return ret;
	}
	atomic_fetch_add(&live, 1);
	/* frames that came as records before the ring was there */
	pop(fd);
	unmark(r);
	release(r);
	return 0;
}

/**
 * ring_setopt() - setsockopt(PACKET_RX_RING)
 * @val, @len:	struct tpacket_req; without blocks: the ring goes
 *
 * Return: 0, -EINVAL, -EBUSY, -ENOMEM or another -errno
 */
int ring_setopt(int fd, const struct sockname *sn, const void *val, socklen_t len)
{
	struct tpacket_req req;
	struct msg_opt o = { .level = SOL_PACKET, .name = PACKET_RX_RING, .len = sizeof(req) };
	struct conn_req cr = {
		.op = MSG_OP_SETSOCKOPT, .sock = sn->id, .fd = -1,
		.body = &o, .body_len = sizeof(o), .tail = val, .tail_len = sizeof(req),
	};
	struct ring *r;
	int ret;

	if (len < sizeof(req))
		return -EINVAL;
	memcpy(&req, val, sizeof(req));
	if (req.tp_block_nr)
		return set_up(fd, sn, &req);
	ret = conn_call(sn->path, &cr);
	r = ret ? NULL : hold_of(sn->id);
	if (r)
		forget(r);
	return ret;
}

/**
 * ring_mmap() - mmap(2) of a packet socket
 * @addr, @len, @prot, @flags, @off: as for mmap(2)
 *
 * Return: the mapping, or MAP_FAILED with errno
 */
void *ring_mmap(const struct sockname *sn, void *addr, size_t len, int prot, int flags, off_t off)
{
	struct ring *r = sn->kind == SOCKNAME_PACKET ? hold_of(sn->id) : NULL;
	void *p = MAP_FAILED;

	errno = EINVAL;
	if (!r)
		return p;
	/* the kernel wants exactly the ring, from its beginning */
	if (off == 0 && len == packet_ring_size(&r->shape) && flags & MAP_SHARED) {
		/* of a shared mapping, old size 0: once more, elsewhere */
		p = flags & MAP_FIXED ? mremap(r->map, 0, len, MREMAP_MAYMOVE | MREMAP_FIXED, addr)
				      : mremap(r->map, 0, len, MREMAP_MAYMOVE);
		if (p != MAP_FAILED && prot != (PROT_READ | PROT_WRITE))
			mprotect(p, len, prot);
	}
	release(r);
	return p;
}
