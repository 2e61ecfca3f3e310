/* link.c - find the kind of a link, and what all kinds share
 *
 * Theory of operation
 * "KIND:REST" is looked up in a table; everything else, "KIND://REST" and
 * bare paths included, is libvdeplug's.  The link belongs to who opened it;
 * it and its descriptor live until link_close().  A kind embeds struct link
 * first in its own structure and frees that in its close.
 *
 * Counting is alike everywhere: a frame counts as received or sent when it
 * was handed over whole, and as dropped when it was too short, too long, or
 * nobody took it.  -EAGAIN counts as nothing: the sender still has the frame.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "link/kind.h"

static const struct {
	const char *prefix;
	link_open_fn *open;
} kinds[] = {
	{ "tap:", tap_open },
	{ "tun:", tun_open },
	{ "fd:", fd_open },
	{ "dummy:", dummy_open },
	{ "veth:", veth_open },
	{ "impair{", impair_open },
};

static int patience = -1;

/* documented in link.h */
void link_set_patience(int ms)
{
	patience = ms;
}

/* link_patience() - What link_set_patience() said */
int link_patience(void)
{
	return patience;
}

/**
 * link_fail() - Write a reason and pass an error on
 * @rc:		-errno
 * @err:	Where the line goes; @errlen its size
 * @fmt:	Object, action, value, reason, remedy
 *
 * Return: @rc
 */
int link_fail(int rc, char *err, size_t errlen, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, errlen, fmt, ap);
	va_end(ap);
	return rc;
}

/* documented in link.h */
int link_open(const char *spec, struct link **out, char *err, size_t errlen)
{
	link_open_fn *open = vde_link_open;
	const char *arg = spec;
	char *copy;
	int rc;

	*out = NULL;
	if (!*spec)
		return link_fail(-EINVAL, err, errlen,
			"link \"\": no link given (use tap:NAME, tun:NAME, fd:N or a VNL such as vxvde://)");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		size_t n = strlen(kinds[i].prefix);

		/* tap://NAME is libvdeplug's */
		if (!strncmp(spec, kinds[i].prefix, n) && strncmp(spec + n, "//", 2)) {
			open = kinds[i].open;
			arg = spec + n;
		}
	}
	copy = strdup(spec);
	if (!copy)
		return link_fail(-ENOMEM, err, errlen, "link \"%s\": out of memory", spec);
	rc = open(arg, out, err, errlen);
	if (rc < 0) {
		free(copy);
		return rc;
	}
	(*out)->spec = copy;
	return 0;
}

/**
 * link_close() - Close a link and its descriptor
 * @l:		Link, or NULL
 */
void link_close(struct link *l)
{
	if (!l)
		return;
	free(l->spec);
	l->ops->close(l);
}

/**
 * link_iov_len() - How many bytes there are in all
 * @iov, @cnt:	Pieces of a frame
 *
 * Return: their sum
 */
size_t link_iov_len(const struct iovec *iov, int cnt)
{
	size_t len = 0;

	for (int i = 0; i < cnt; i++)
		len += iov[i].iov_len;
	return len;
}

/**
 * link_took() - Count a frame that was read, and see whether it is one
 * @l:		Link
 * @b:		Where it is; ->len is set
 * @len:	Its length, more than b->size if it did not fit
 *
 * Return: false if it is too short to be a frame or was cut: use @b again
 */
bool link_took(struct link *l, struct link_buf *b, size_t len)
{
	size_t min = l->caps & LINK_CAP_L3 ? 1 : LINK_ETH_MIN;

	if (len < min || len > b->size) {
		l->stats.rx_dropped++;
		return false;
	}
	b->len = len;
	l->stats.rx_frames++;
	l->stats.rx_bytes += len;
	return true;
}

/**
 * link_sent() - Count a frame that was sent
 * @l:		Link
 * @len:	Its length
 *
 * Return: 0
 */
int link_sent(struct link *l, size_t len)
{
	l->stats.tx_frames++;
	l->stats.tx_bytes += len;
	return 0;
}

/**
 * link_drop() - Count a frame that was not sent and never will be
 * @l:		Link
 * @rc:		What send() shall return: 0 if this is the network's way of
 *		losing frames, -errno if the frame or the link is at fault
 *
 * Return: @rc
 */
int link_drop(struct link *l, int rc)
{
	l->stats.tx_dropped++;
	return rc;
}
