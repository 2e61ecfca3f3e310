/* link.h - a place where Ethernet frames or IP packets come from and go to
 *
 * A link is an ops table and a descriptor that polls readable.  "KIND:REST"
 * or a VNL ("KIND://REST") picks the table by KIND; what no table of ours
 * claims is handed to libvdeplug.  A wrapper (impairment, capture) is a link
 * that owns another.
 *
 * Offload metadata is virtio's: struct virtio_net_hdr in host byte order,
 * meaningful only on links with LINK_CAP_VNET; elsewhere it is NULL on send
 * and zeroed on receive.
 */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <linux/virtio_net.h>

struct link;

enum {
	LINK_CAP_VNET	= 1 << 0,	/* carries virtio_net_hdr: TSO, GRO, partial checksums */
	LINK_CAP_L3	= 1 << 1,	/* IP packets without an Ethernet header (tun) */
	LINK_CAP_NOCARRIER = 1 << 2,	/* there is nothing at the other end (dummy) */
	LINK_CAP_USO	= 1 << 3,	/* LINK_CAP_VNET, and takes several UDP datagrams as a frame */
};

#define LINK_FRAME_MAX	(65536 + 64)	/* the largest frame of any link */
#define LINK_ETH_MIN	14		/* shorter frames are dropped by the link */

/* one received frame: the caller supplies data/size, the link fills the rest */
struct link_buf {
	void *data;
	size_t size;
	size_t len;
	struct virtio_net_hdr vnet;
};

struct link_stats {
	uint64_t rx_frames, rx_bytes, rx_dropped;
	uint64_t tx_frames, tx_bytes, tx_dropped;
};

struct link_ops {
	const char *kind;
	/* receive up to n frames without blocking: how many, 0 when there is
	 * none now, -errno when the link is gone (ENETDOWN) */
	int (*recv)(struct link *l, struct link_buf *b, int n);
	/* send one frame: 0, -EAGAIN (not now; nothing was sent) or -errno */
	int (*send)(struct link *l, const struct iovec *iov, int cnt,
		    const struct virtio_net_hdr *vnet);
	void (*close)(struct link *l);
	/* may be NULL: the interface was brought up or down, which is the other
	 * end's to know.  0, or -EAGAIN: call again when the link is writable */
	int (*set_up)(struct link *l, bool up);
};

struct link {
	const struct link_ops *ops;
	int fd;				/* polls readable; owned by the link.  -1: nothing to
					 * watch, frames come by other ways */
	unsigned caps;			/* LINK_CAP_* */
	unsigned mtu;			/* the device's own, 0 if it has none to tell */
	uint8_t mac[6];			/* suggested address, all zero if none */
	char name[16];			/* device's name for messages: "tap0" */
	char *spec;			/* as configured, for messages and ls */
	bool readable;			/* its owner has just seen fd polled readable: the next
					 * recv() may count on it, and clears it */
	bool no_peer;			/* nobody is there, or is up, at the other end: no carrier */
	bool changed;			/* recv() changed fd, no_peer or LINK_CAP_USO; the owner
					 * looks, and clears it.  The old fd stays open until the next recv() */
	struct link_stats stats;
};

/**
 * link_open() - Open a link by its specification
 * @spec:	"tap:NAME", "tun:NAME", "fd:N", "dummy:", "veth:PATH", or any VNL of libvdeplug
 * @out:	the link; release it with link_close()
 * @err:	on failure: object, action, value, reason and remedy, one line
 * @errlen:	size of @err
 *
 * Return: 0 or -errno
 */
int link_open(const char *spec, struct link **out, char *err, size_t errlen);
void link_close(struct link *l);

/* how long link_open() may keep its caller waiting for a network, in ms: -1, the
 * default, as long as it takes; else a link that takes longer has no_peer until
 * it is open */
void link_set_patience(int ms);

/**
 * link_pair() - Two links, each the other's far end
 * @out:	what one sends, the other receives; both with LINK_CAP_VNET
 *
 * Return: 0 or -errno
 */
int link_pair(struct link *out[2]);

static inline int link_recv(struct link *l, struct link_buf *b, int n)
{
	return l->ops->recv(l, b, n);
}

static inline int link_send(struct link *l, const struct iovec *iov, int cnt,
			    const struct virtio_net_hdr *vnet)
{
	return l->ops->send(l, iov, cnt, vnet);
}

#endif
