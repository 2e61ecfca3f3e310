/* packet_ring.c - the memory-mapped ring of a packet socket (TPACKET_V2)
 *
 * Theory of operation
 * The application gave us a memfd (proto/packet.h).  A frame is written where
 * the head is if the application has given that place back, else it is
 * dropped.  Its pair polls readable by a token; one is enough however many
 * frames there are, and the application's side takes it out when it finds the
 * ring empty (client/ring.c).  So a busy capture costs no system call a frame.
 *
 * The application may write into the ring what it likes: we only read each
 * frame's status, and keep shape and head to ourselves.  It cannot take the
 * memory away from under us: the memfd must be sealed against shrinking and
 * all of it allocated.
 */
#include "engine/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>

#define RINGS_BYTES_MAX	(256u << 20)	/* of all rings */
#define CTL_SIZE	4096u

struct packet_ring {
	struct msg_ring shape;
	uint8_t *map;
	size_t size;			/* with the control page */
	struct packet_ring_ctl *ctl;
	uint32_t head, reserve;
};

static size_t mapped;

static int check_memory(int fd, size_t size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct statfs fs;
	struct stat st;

	/* pages of hugetlbfs may run out: a hole that the application makes would
	 * be our end */
	if (fstatfs(fd, &fs) < 0 || fs.f_type != TMPFS_MAGIC)
		return -EINVAL;
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) < 0)
		return -EINVAL;
	if (st.st_size < 0 || (size_t)st.st_size < size || (size_t)st.st_blocks * 512 < size)
		return -EINVAL;
	return size > RINGS_BYTES_MAX - mapped ? -ENOMEM : 0;
}

/**
 * packet_ring_new() - Take a ring into use
 * @shape:	as setsockopt(PACKET_RX_RING) gave it
 * @fd:		the memory; closed in any case
 * @reserve:	PACKET_RESERVE
 *
 * Return: 0, -EINVAL or -ENOMEM
 */
int packet_ring_new(const struct msg_ring *shape, int fd, uint32_t reserve,
		    struct packet_ring **out)
{
	struct packet_ring *r;
	int ret = packet_ring_check(shape, reserve);
	size_t size = packet_ring_size(shape) + CTL_SIZE;

	if (ret == 0)
		ret = check_memory(fd, size);
	if (ret < 0)
		goto out;
	r = calloc(1, sizeof(*r));
	if (!r) {
		ret = -ENOMEM;
		goto out;
	}
	r->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (r->map == MAP_FAILED) {
		ret = -ENOMEM;
		free(r);
		goto out;
	}
	r->shape = *shape;
	r->size = size;
	r->reserve = reserve;
	r->ctl = (struct packet_ring_ctl *)(r->map + size - CTL_SIZE);
	mapped += size;
	*out = r;
out:
	close(fd);
	return ret;
}

/* packet_ring_free() - Leave the memory to the application */
void packet_ring_free(struct packet_ring *r)
{
	if (!r)
		return;
	mapped -= r->size;
	munmap(r->map, r->size);
	free(r);
}

/* packet_ring_take_token() - Shall a token be sent?  It counts as sent then */
bool packet_ring_take_token(struct packet_ring *r)
{
	return atomic_exchange(&r->ctl->token, 1) != 1;
}

/* packet_ring_no_token() - It could not be sent after all */
void packet_ring_no_token(struct packet_ring *r)
{
	atomic_store(&r->ctl->token, 0);
}

/**
 * packet_ring_put() - Write a frame into the ring
 * @h:		as it would stand in front of the record
 * @data, @len:	what is to be seen of it
 * @raw:	a SOCK_RAW socket: the data begins with a link-layer header
 * @losing:	frames were dropped lately
 *
 * Return: false: the ring is full
 */
bool packet_ring_put(struct packet_ring *r, const struct packet_hdr *h, const uint8_t *data,
		     uint32_t len, bool raw, bool losing)
{
	uint8_t *frame = r->map + packet_ring_at(&r->shape, r->head);
	struct tpacket2_hdr *t = (struct tpacket2_hdr *)frame;
	/* as the kernel's tpacket_rcv() places them */
	uint32_t maclen = raw ? h->net : 0;
	uint32_t net = TPACKET_ALIGN((uint32_t)TPACKET2_HDRLEN + (maclen < 16 ? 16 : maclen)) +
		r->reserve;
	uint32_t mac = net - maclen;

	if (__atomic_load_n(&t->tp_status, __ATOMIC_ACQUIRE) != TP_STATUS_KERNEL)
		return false;
	if (mac >= r->shape.frame_size)
		len = 0;
	else if (len > r->shape.frame_size - mac)
		len = r->shape.frame_size - mac;
	memcpy(frame + mac, data, len);
	t->tp_len = h->len;
	t->tp_snaplen = len;
	t->tp_mac = (uint16_t)mac;
	t->tp_net = (uint16_t)net;
	t->tp_sec = (uint32_t)(h->stamp_ns / 1000000000);
	t->tp_nsec = (uint32_t)(h->stamp_ns % 1000000000);
	t->tp_vlan_tci = h->vlan_tci;
	t->tp_vlan_tpid = h->vlan_tpid;
	memset(t->tp_padding, 0, sizeof(t->tp_padding));
	memcpy(frame + TPACKET_ALIGN(sizeof(*t)), &h->addr, sizeof(h->addr));
	__atomic_store_n(&t->tp_status, TP_STATUS_USER | TP_STATUS_TS_SOFTWARE | h->status |
			 (losing ? TP_STATUS_LOSING : 0), __ATOMIC_RELEASE);
	r->head = (r->head + 1) % r->shape.frame_nr;
	atomic_store(&r->ctl->head, r->head);
	return true;
}
