/* dgram_cmsg.c - ancillary data of datagrams, between msghdr and record
 *
 * Theory of operation
 * Of sendmsg(2)'s control messages those that are numbers go into struct dgram_hdr,
 * those that are longer, as they are, in front of the data (DGRAM_F_CTL).  Toward the
 * application the header tells everything that is a number, whether it is wanted or
 * not; what is wanted says the tag.  What is longer the daemon puts in front of
 * the data only if it was asked for, in the form in which it is given on.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include "client/client.h"
#include "client/dgram_cmsg.h"

#define IP_OPTIONS_MAX	40

/* --- sending --- */

static int pktinfo4(const struct cmsghdr *c, struct dgram_hdr *h)
{
	struct in_pktinfo pi;

	if (c->cmsg_len != CMSG_LEN(sizeof(pi)))
		return -EINVAL;
	memcpy(&pi, CMSG_DATA(c), sizeof(pi));
	h->ifindex = (uint32_t)pi.ipi_ifindex;
	h->local.in.sin_family = AF_INET;
	h->local.in.sin_addr = pi.ipi_spec_dst;
	h->flags |= DGRAM_F_LOCAL;
	return 0;
}

static int pktinfo6(const struct cmsghdr *c, struct dgram_hdr *h)
{
	struct in6_pktinfo pi;

	if (c->cmsg_len < CMSG_LEN(sizeof(pi)))
		return -EINVAL;
	memcpy(&pi, CMSG_DATA(c), sizeof(pi));
	h->ifindex = pi.ipi6_ifindex;
	h->local.in6.sin6_family = AF_INET6;
	h->local.in6.sin6_addr = pi.ipi6_addr;
	h->flags |= DGRAM_F_LOCAL;
	return 0;
}

/* an int in [0, 255], or -1 for the default, of which nothing is noted */
static int small_int(const struct cmsghdr *c, uint8_t *to, uint16_t *flags, int flag, int min)
{
	int v;

	if (c->cmsg_len == CMSG_LEN(1)) {
		v = *CMSG_DATA(c);
	} else if (c->cmsg_len == CMSG_LEN(sizeof(v))) {
		memcpy(&v, CMSG_DATA(c), sizeof(v));
	} else {
		return -EINVAL;
	}
	if (v == -1)
		return 0;
	if (v < min || v > 255)
		return -EINVAL;
	*to = (uint8_t)v;
	*flags |= (uint16_t)flag;
	return 0;
}

/* the daemon looks at it, not we */
static int pass_on(const struct cmsghdr *c, size_t most, struct dgram_ctls *to)
{
	struct dgram_ctl one = { .level = c->cmsg_level, .type = c->cmsg_type };
	size_t len = c->cmsg_len - CMSG_LEN(0);

	if (len > most)
		len = most;
	if (DGRAM_CTL_SPACE(len) > to->size - to->len)
		return -ENOBUFS;
	one.len = (uint32_t)len;
	memset(to->b + to->len, 0, DGRAM_CTL_SPACE(len));
	memcpy(to->b + to->len, &one, sizeof(one));
	memcpy(to->b + to->len + sizeof(one), CMSG_DATA(c), len);
	to->len += DGRAM_CTL_SPACE(len);
	return 0;
}

static int send_cmsg(const struct cmsghdr *c, int domain, struct dgram_hdr *h,
		     struct dgram_ctls *more)
{
	if (c->cmsg_level == IPPROTO_IP) {
		switch (c->cmsg_type) {
		case IP_PKTINFO:
			return pktinfo4(c, h);
		case IP_TTL:
			return small_int(c, &h->ttl, &h->flags, DGRAM_F_TTL, 1);
		case IP_TOS:
			return small_int(c, &h->tos, &h->flags, DGRAM_F_TOS, 0);
		case IP_RETOPTS:
			return pass_on(c, IP_OPTIONS_MAX, more);
		default:
			return -EINVAL;
		}
	}
	if (c->cmsg_level == IPPROTO_IPV6 && domain == AF_INET6) {
		switch (c->cmsg_type) {
		case IPV6_PKTINFO:
			return pktinfo6(c, h);
		case IPV6_HOPLIMIT:
			return small_int(c, &h->ttl, &h->flags, DGRAM_F_TTL, 0);
		case IPV6_TCLASS:
			return small_int(c, &h->tos, &h->flags, DGRAM_F_TOS, 0);
		default:
			return -EINVAL;
		}
	}
	if (c->cmsg_level == IPPROTO_UDP) {
		uint16_t size;

		if (c->cmsg_type != UDP_SEGMENT || c->cmsg_len != CMSG_LEN(sizeof(size)))
			return -EINVAL;
		memcpy(&size, CMSG_DATA(c), sizeof(size));
		h->info = size;
		h->flags |= DGRAM_F_SEGMENT;
	}
	return 0;			/* of no concern to this protocol */
}

/**
 * dgram_read_cmsgs() - What sendmsg(2) was given beside the data
 * @domain:	the socket's: IPv6's are of no concern to an IPv4 socket
 * @h:		filled in with what has its place there
 * @more:	out: the rest, which goes in front of the data
 *
 * Return: 0 or -errno
 */
int dgram_read_cmsgs(const struct msghdr *m, int domain, struct dgram_hdr *h,
		     struct dgram_ctls *more)
{
	int bad = io_check_control(m);

	more->len = 0;
	if (bad || !m->msg_controllen)
		return bad;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR((struct msghdr *)m, c)) {
		int ret = send_cmsg(c, domain, h, more);

		if (ret)
			return ret;
	}
	if (more->len) {
		h->flags |= DGRAM_F_CTL;
		h->err = (int32_t)more->len;
	}
	return 0;
}

/* --- receiving --- */

struct ctl {
	struct msghdr *m;
	size_t used;
};

static void put_cmsg(struct ctl *c, int level, int type, const void *data, size_t len)
{
	struct msghdr *m = c->m;
	struct cmsghdr *h;
	size_t room = m->msg_control && m->msg_controllen > c->used ? m->msg_controllen - c->used
								       : 0;

	if (room < CMSG_LEN(len))
		m->msg_flags |= MSG_CTRUNC;
	if (room < sizeof(*h))
		return;
	if (room < CMSG_LEN(len))	/* as much as fits, as the kernel's put_cmsg() */
		len = room - CMSG_LEN(0);
	h = (struct cmsghdr *)((char *)m->msg_control + c->used);
	h->cmsg_level = level;
	h->cmsg_type = type;
	h->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(h), data, len);
	c->used += room < CMSG_SPACE(len) ? room : CMSG_SPACE(len);
}

static void put_pktinfo(struct ctl *c, const struct dgram_hdr *h, unsigned opts)
{
	if (opts & TAG_OPT_PKTINFO && h->local.sa.sa_family == AF_INET) {
		struct in_pktinfo pi = {
			.ipi_ifindex = (int)h->ifindex,
			.ipi_spec_dst = h->local.in.sin_addr,
			.ipi_addr = h->local.in.sin_addr,
		};

		put_cmsg(c, IPPROTO_IP, IP_PKTINFO, &pi, sizeof(pi));
	}
	if (opts & TAG_OPT_PKTINFO6 && h->local.sa.sa_family == AF_INET6) {
		struct in6_pktinfo pi = {
			.ipi6_addr = h->local.in6.sin6_addr,
			.ipi6_ifindex = h->ifindex,
		};

		put_cmsg(c, IPPROTO_IPV6, IPV6_PKTINFO, &pi, sizeof(pi));
	}
}

static void put_stamp(struct ctl *c, const struct dgram_hdr *h, unsigned opts)
{
	struct timespec ts = {
		.tv_sec = (time_t)(h->stamp_ns / 1000000000),
		.tv_nsec = (long)(h->stamp_ns % 1000000000),
	};

	if (!h->stamp_ns)
		clock_gettime(CLOCK_REALTIME, &ts);
	if (opts & TAG_OPT_TIMESTAMPNS) {
		put_cmsg(c, SOL_SOCKET, SO_TIMESTAMPNS, &ts, sizeof(ts));
	} else {
		struct timeval tv = { ts.tv_sec, ts.tv_nsec / 1000 };

		put_cmsg(c, SOL_SOCKET, SO_TIMESTAMP, &tv, sizeof(tv));
	}
}

static void put_origdst(struct ctl *c, const struct dgram_hdr *h, unsigned opts)
{
	if (opts & TAG_OPT_ORIGDST && h->local.sa.sa_family == AF_INET)
		put_cmsg(c, IPPROTO_IP, IP_ORIGDSTADDR, &h->local.in, sizeof(h->local.in));
	if (opts & TAG_OPT_ORIGDST6 && h->local.sa.sa_family == AF_INET6)
		put_cmsg(c, IPPROTO_IPV6, IPV6_ORIGDSTADDR, &h->local.in6, sizeof(h->local.in6));
}

/* what stood before the data */
static void put_more(struct ctl *c, const struct dgram_ctls *more)
{
	struct dgram_ctl one;

	for (size_t at = 0; at + sizeof(one) <= more->len; at += DGRAM_CTL_SPACE(one.len)) {
		memcpy(&one, more->b + at, sizeof(one));
		if (one.len > more->len - at - sizeof(one))
			return;
		put_cmsg(c, one.level, one.type, more->b + at + sizeof(one), one.len);
	}
}

static void put_all(struct ctl *c, const struct dgram_hdr *h, const struct dgram_ctls *more,
		    unsigned opts)
{
	int ttl = h->ttl, tos = h->tos, segment = h->segment;
	bool v4 = h->local.sa.sa_family == AF_INET ||
		  IN6_IS_ADDR_V4MAPPED(&h->local.in6.sin6_addr);

	if (opts & (TAG_OPT_TIMESTAMP | TAG_OPT_TIMESTAMPNS))
		put_stamp(c, h, opts);
	if (opts & TAG_OPT_RXQ_OVFL && h->type == DGRAM_DATA && h->info)
		put_cmsg(c, SOL_SOCKET, SO_RXQ_OVFL, &h->info, sizeof(h->info));
	if (h->type == DGRAM_DATA && h->flags & DGRAM_F_SEVERAL)
		put_cmsg(c, IPPROTO_UDP, UDP_GRO, &segment, sizeof(segment));
	if (h->type == DGRAM_ERROR && h->offender.sa.sa_family == AF_UNSPEC)
		return;			/* ours: no packet came */
	if (opts & (TAG_OPT_PKTINFO | TAG_OPT_PKTINFO6))
		put_pktinfo(c, h, opts);
	if (v4 && opts & TAG_OPT_TTL)
		put_cmsg(c, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	if (v4 && opts & TAG_OPT_TOS)
		put_cmsg(c, IPPROTO_IP, IP_TOS, &h->tos, sizeof(h->tos));
	if (!v4 && opts & TAG_OPT_HOPLIMIT)
		put_cmsg(c, IPPROTO_IPV6, IPV6_HOPLIMIT, &ttl, sizeof(ttl));
	if (!v4 && opts & TAG_OPT_TCLASS)
		put_cmsg(c, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	if (more)
		put_more(c, more);
	if (opts & (TAG_OPT_ORIGDST | TAG_OPT_ORIGDST6))
		put_origdst(c, h, opts);
}

/**
 * dgram_put_cmsgs() - Give the application what it wants to know of a record
 * @more:	what stood before the data, or NULL
 * @opts:	TAG_OPT_*
 * @level, @type, @last, @len: one message more; NULL: none
 */
void dgram_put_cmsgs(struct msghdr *m, const struct dgram_hdr *h, const struct dgram_ctls *more,
		     unsigned opts, int level, int type, const void *last, size_t len)
{
	struct ctl c = { .m = m };

	put_all(&c, h, more, opts);
	if (last)
		put_cmsg(&c, level, type, last, len);
	m->msg_controllen = c.used;
}

/**
 * dgram_ctl_len() - How many bytes stand before a record's data
 */
size_t dgram_ctl_len(const struct dgram_hdr *h)
{
	return h->version == DGRAM_VERSION && h->type == DGRAM_DATA && h->flags & DGRAM_F_CTL &&
	       h->err > 0 && h->err <= DGRAM_CTL_MAX ? (size_t)h->err : 0;
}

static uint8_t *byte_at(const struct msghdr *m, size_t at)
{
	for (size_t i = 0; i < m->msg_iovlen; at -= m->msg_iov[i++].iov_len)
		if (at < m->msg_iov[i].iov_len)
			return (uint8_t *)m->msg_iov[i].iov_base + at;
	return NULL;
}

/**
 * dgram_realign() - A record had another length of control data than was expected
 * @ctl:	what was taken for it; then what it really was
 * @want:	its true length
 *
 * The reader was waiting already when another thread asked for control data, or another
 * reader took the record that was looked at.  The data are moved to where they belong;
 * control data for which there is no room are lost.
 */
void dgram_realign(const struct msghdr *m, struct dgram_ctls *ctl, size_t want)
{
	size_t had = ctl->len;
	const uint8_t *from;
	uint8_t *to;

	for (size_t i = had; i < want && (from = byte_at(m, i - had)); i++)
		if (i < ctl->size)
			ctl->b[i] = *from;
	if (want > had) {
		for (size_t i = 0; (from = byte_at(m, i + want - had)); i++)
			*byte_at(m, i) = *from;
	} else {
		size_t shift = had - want, size = 0;

		while (byte_at(m, size))
			size++;
		for (size_t i = size; i-- > shift;)
			*byte_at(m, i) = *byte_at(m, i - shift);
		for (size_t i = 0; i < shift && (to = byte_at(m, i)); i++)
			*to = ctl->b[want + i];
	}
	ctl->len = want < ctl->size ? want : ctl->size;
}
