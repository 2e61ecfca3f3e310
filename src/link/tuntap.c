/* tuntap.c - the kernel's tap and tun devices
 *
 * Theory of operation
 * "tap:NAME" attaches to an existing device that is ours, or creates one that
 * lives as long as the link.  NAME may be empty or a pattern ("t%d"): then
 * the kernel chooses, and link->name tells what.  Whether the device is up,
 * bridged or addressed is the kernel side's business, and so is its network
 * namespace: that of whoever opens it.
 *
 * With IFF_VNET_HDR each frame is preceded by struct virtio_net_hdr, so that
 * TCP segments of up to 64 KB and unfinished checksums cross in both
 * directions: without it every segment costs a system call and a checksum.
 * What the kernel may send us is set by TUNSETOFFLOAD, in falling order of
 * what it takes; UDP's large frames (USO), each of several datagrams, it knows
 * since Linux 6.2, and takes them from us, too, where it does.  The settings
 * outlive a persistent device's owner, so each is made explicitly, also to
 * "none" ("tap:NAME/novnet").
 *
 * A frame that meets a device that is down is lost, as on a cable without a
 * plug; a device that was deleted is -ENETDOWN.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include "link/kind.h"

#ifndef TUN_F_USO4			/* Linux 6.2 */
#define TUN_F_USO4	0x20
#define TUN_F_USO6	0x40
#endif

#define TUN_DEV		"/dev/net/tun"
#define TUN_IOV		IOV_MAX		/* pieces of a frame, header included */

struct tuntap {
	struct link l;
	size_t hdr;		/* bytes of virtio_net_hdr before a frame, or 0 */
};

static struct tuntap *tuntap_of(struct link *l)
{
	return container_of(l, struct tuntap, l);
}

static int tuntap_recv(struct link *l, struct link_buf *b, int n)
{
	size_t hdr = tuntap_of(l)->hdr;
	int got = 0;

	for (int i = 0; got < n && i < n + LINK_RX_SKIP; i++) {
		char spill;	/* tells a frame that fills the buffer from a longer one */
		struct iovec v[3] = {
			{ &b[got].vnet, hdr },
			{ b[got].data, b[got].size },
			{ &spill, 1 },
		};
		ssize_t r = readv(l->fd, v, 3);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM))
			break;
		if (r < 0)
			return got ? got : -ENETDOWN;
		if (!hdr)
			memset(&b[got].vnet, 0, sizeof(b[got].vnet));
		if (link_took(l, &b[got], (size_t)r > hdr ? (size_t)r - hdr : 0))
			got++;
	}
	return got;
}

static int tuntap_send(struct link *l, const struct iovec *iov, int cnt,
		       const struct virtio_net_hdr *vnet)
{
	static const struct virtio_net_hdr plain;	/* no offload */
	size_t hdr = tuntap_of(l)->hdr, len = link_iov_len(iov, cnt);
	struct iovec v[TUN_IOV];
	ssize_t r;

	if (len > LINK_FRAME_MAX || cnt < 0 || cnt >= TUN_IOV)
		return link_drop(l, -EMSGSIZE);
	v[0].iov_base = (void *)(vnet ? vnet : &plain);
	v[0].iov_len = hdr;
	memcpy(v + 1, iov, cnt * sizeof(*iov));
	do
		r = writev(l->fd, v, cnt + 1);
	while (r < 0 && errno == EINTR);
	if (r >= 0)
		return link_sent(l, len);
	switch (errno) {
	case EAGAIN:
		return -EAGAIN;
	case EIO:		/* the device is down */
	case ENOBUFS:
	case ENOMEM:
		return link_drop(l, 0);
	case EBADFD:		/* the device was deleted */
		return link_drop(l, -ENETDOWN);
	default:
		return link_drop(l, -errno);
	}
}

static void tuntap_close(struct link *l)
{
	close(l->fd);
	free(tuntap_of(l));
}

static const struct link_ops tap_ops = {
	.kind = "tap", .recv = tuntap_recv, .send = tuntap_send, .close = tuntap_close,
};

static const struct link_ops tun_ops = {
	.kind = "tun", .recv = tuntap_recv, .send = tuntap_send, .close = tuntap_close,
};

/* the device's MTU, 0 if it cannot be told.  A device of another network
 * namespace may share its name with one of ours: what the descriptor itself
 * says of the address must fit. */
static unsigned device_mtu(int fd, const char *name)
{
	struct ifreq own, ifr;
	unsigned mtu = 0;
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0)
		return 0;
	memset(&own, 0, sizeof(own));
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	if (ioctl(fd, SIOCGIFHWADDR, &own) == 0 && ioctl(s, SIOCGIFHWADDR, &ifr) == 0 &&
	    own.ifr_hwaddr.sa_family == ifr.ifr_hwaddr.sa_family &&
	    !memcmp(own.ifr_hwaddr.sa_data, ifr.ifr_hwaddr.sa_data, 6) &&
	    ioctl(s, SIOCGIFMTU, &ifr) == 0)
		mtu = ifr.ifr_mtu;
	close(s);
	return mtu;
}

/* headers and offload as the device's flags ask for; *uso: several UDP datagrams as one
 * frame, both ways */
static int set_offload(int fd, bool vnet, bool *uso)
{
	static const unsigned long wanted[] = {
		TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_USO4 | TUN_F_USO6,
		TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6, TUN_F_CSUM, 0
	};
	const size_t n = sizeof(wanted) / sizeof(*wanted);
	size_t i = vnet ? 0 : n - 1;
	int size = sizeof(struct virtio_net_hdr);
	int little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	if (vnet && ioctl(fd, TUNSETVNETHDRSZ, &size) < 0)
		return -errno;
	/* host order is the default; an earlier owner may have changed it.
	 * Where the kernel does not know the call there is only that order. */
	if (vnet)
		ioctl(fd, TUNSETVNETLE, &little);
	while (i < n && ioctl(fd, TUNSETOFFLOAD, wanted[i]) < 0)
		i++;
	*uso = i == 0;
	return 0;
}

static int set_nonblock(int fd)
{
	int fl = fcntl(fd, F_GETFL);

	return fl < 0 || fcntl(fd, F_SETFL, fl | O_NONBLOCK) < 0 ? -errno : 0;
}

/**
 * tuntap_attach() - Make a link of a descriptor that has its device
 * @fd:		Of /dev/net/tun after TUNSETIFF with IFF_NO_PI, or of a macvtap;
 *		the link's from then on, but stays open on failure.  IFF_NO_PI
 *		cannot be verified: TUNGETIFF uses its bit for IFF_NOFILTER.
 * @out, @err, @errlen: as for link_open()
 *
 * Return: 0 or -errno
 */
int tuntap_attach(int fd, struct link **out, char *err, size_t errlen)
{
	struct ifreq ifr;
	struct tuntap *t;
	bool uso = false;
	int rc;

	memset(&ifr, 0, sizeof(ifr));
	if (ioctl(fd, TUNGETIFF, &ifr) < 0)
		return link_fail(-errno, err, errlen, "fd %d: no tun or tap device: %s", fd,
				 strerror(errno));
	rc = set_nonblock(fd);
	if (!rc)
		rc = set_offload(fd, ifr.ifr_flags & IFF_VNET_HDR, &uso);
	if (rc)
		return link_fail(rc, err, errlen, "fd %d: cannot set up device \"%.15s\": %s",
				 fd, ifr.ifr_name, strerror(-rc));
	t = calloc(1, sizeof(*t));
	if (!t)
		return link_fail(-ENOMEM, err, errlen, "device \"%.15s\": out of memory", ifr.ifr_name);
	t->l.fd = fd;
	t->l.ops = ifr.ifr_flags & IFF_TUN ? &tun_ops : &tap_ops;
	if (ifr.ifr_flags & IFF_TUN)
		t->l.caps |= LINK_CAP_L3;
	if (ifr.ifr_flags & IFF_VNET_HDR) {
		t->l.caps |= LINK_CAP_VNET | (uso ? LINK_CAP_USO : 0);
		t->hdr = sizeof(struct virtio_net_hdr);
	}
	memcpy(t->l.name, ifr.ifr_name, strnlen(ifr.ifr_name, sizeof(t->l.name) - 1));
	t->l.mtu = device_mtu(fd, t->l.name);
	*out = &t->l;
	return 0;
}

/* TUNSETIFF with what the kernel and the device take: offload if @vnet, and
 * IFF_MULTI_QUEUE for a device that was made with it and refuses others */
static int set_iff(int fd, struct ifreq *ifr, bool tun, bool vnet)
{
	const short base = (tun ? IFF_TUN : IFF_TAP) | IFF_NO_PI;
	const short want[] = {
		base | IFF_VNET_HDR, base | IFF_VNET_HDR | IFF_MULTI_QUEUE,
		base, base | IFF_MULTI_QUEUE,
	};

	for (size_t i = vnet ? 0 : 2; i < sizeof(want) / sizeof(*want); i++) {
		ifr->ifr_flags = want[i];
		if (ioctl(fd, TUNSETIFF, ifr) == 0)
			return 0;
		if (errno != EINVAL)
			break;
	}
	return -errno;
}

static const char *iff_remedy(int rc, bool tun)
{
	switch (rc) {
	case -EPERM:
		return tun ? " (needs CAP_NET_ADMIN, or a device of yours: ip tuntap add NAME mode tun user USER)"
			   : " (needs CAP_NET_ADMIN, or a device of yours: ip tuntap add NAME mode tap user USER)";
	case -EBUSY:
		return " (another process has it)";
	case -EINVAL:
		return tun ? " (no valid name, or a device of that name is no tun)"
			   : " (no valid name, or a device of that name is no tap)";
	default:
		return "";
	}
}

static int dev_remedy(const char *kind, const char *name, char *err, size_t errlen)
{
	int rc = -errno;
	const char *remedy = "";

	if (rc == -EACCES || rc == -EPERM)
		remedy = " (needs a user who may open it, or a VNL instead)";
	else if (rc == -ENOENT || rc == -ENODEV || rc == -ENXIO)
		remedy = " (is the module tun loaded?)";
	return link_fail(rc, err, errlen, "%s \"%s\": cannot open " TUN_DEV ": %s%s",
			 kind, name, strerror(-rc), remedy);
}

/* @arg: "NAME" or "NAME/novnet" */
static int tuntap_open(const char *arg, bool tun, struct link **out, char *err, size_t errlen)
{
	const char *kind = tun ? "tun" : "tap", *slash = strchr(arg, '/');
	size_t n = slash ? (size_t)(slash - arg) : strlen(arg);
	struct ifreq ifr;
	int fd, rc;

	if (slash && strcmp(slash, "/novnet"))
		return link_fail(-EINVAL, err, errlen,
			"%s \"%s\": unknown suffix \"%s\" (there is /novnet)", kind, arg, slash);
	if (n >= IFNAMSIZ)
		return link_fail(-ENAMETOOLONG, err, errlen,
			"%s \"%s\": the name is too long (at most %d characters)",
			kind, arg, IFNAMSIZ - 1);
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, arg, n);
	fd = open(TUN_DEV, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return dev_remedy(kind, ifr.ifr_name, err, errlen);
	rc = set_iff(fd, &ifr, tun, !slash);
	if (rc < 0)
		link_fail(rc, err, errlen, "%s \"%.15s\": cannot attach: %s%s", kind,
			  ifr.ifr_name, strerror(-rc), iff_remedy(rc, tun));
	else
		rc = tuntap_attach(fd, out, err, errlen);
	if (rc < 0)
		close(fd);
	return rc;
}

/**
 * tap_open() - Open "tap:NAME[/novnet]"
 * @arg:	NAME, empty for one of the kernel's choice
 * @out, @err, @errlen: as for link_open()
 *
 * Return: 0 or -errno
 */
int tap_open(const char *arg, struct link **out, char *err, size_t errlen)
{
	return tuntap_open(arg, false, out, err, errlen);
}

/**
 * tun_open() - Open "tun:NAME[/novnet]"
 * @arg:	NAME, empty for one of the kernel's choice
 * @out, @err, @errlen: as for link_open()
 *
 * Return: 0 or -errno
 */
int tun_open(const char *arg, struct link **out, char *err, size_t errlen)
{
	return tuntap_open(arg, true, out, err, errlen);
}
