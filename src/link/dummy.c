/* dummy.c - a link that leads nowhere
 *
 * "dummy:" takes every frame and delivers none: an interface to hang
 * addresses on, as the kernel's dummy device.  Its descriptor never polls
 * readable.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "link/kind.h"

static int dummy_recv(struct link *l, struct link_buf *b, int n)
{
	return 0;
}

static int dummy_send(struct link *l, const struct iovec *iov, int cnt,
		      const struct virtio_net_hdr *vnet)
{
	return link_sent(l, link_iov_len(iov, cnt));
}

static void dummy_close(struct link *l)
{
	close(l->fd);
	free(l);
}

static const struct link_ops dummy_ops = {
	.kind = "dummy", .recv = dummy_recv, .send = dummy_send, .close = dummy_close,
};

/* dummy_open() - link_open_fn: 0 or -errno */
int dummy_open(const char *arg, struct link **out, char *err, size_t errlen)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return link_fail(-ENOMEM, err, errlen, "link \"dummy:%s\": out of memory", arg);
	l->ops = &dummy_ops;
	l->caps = LINK_CAP_NOCARRIER;
	l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->fd < 0) {
		free(l);
		return link_fail(-errno, err, errlen, "link \"dummy:%s\": no descriptor is left (ulimit -n)",
				 arg);
	}
	*out = l;
	return 0;
}
