/* nlquery.c - questions of our own to a stack, by netlink
 *
 * Theory of operation
 * The texts of /proc/net and the ioctls of net-tools (ifioctl.c) stand for what
 * rtnetlink and sock_diag say and do.  A query opens a netlink socket of the
 * stack, out of the program's way, sends one request and reads the answer: the
 * messages of a dump, or an ACK.  It blocks as long as the daemon takes, at most
 * NLQ_TIMEOUT_S.  Nothing is kept between queries; safe from any thread.
 */
#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include "client/client.h"
#include "client/nlquery.h"
#include "client/sys.h"

#define NLQ_TIMEOUT_S	10
#define NLQ_RECORD	32768		/* what the stack sends at once, and more */

/* nlq_begin() - Begin a request; @hdr bytes of the family's header follow, to be filled in */
void *nlq_begin(struct nlq *q, int type, int flags, size_t hdr)
{
	memset(q, 0, sizeof(*q));
	q->h.nlmsg_type = (uint16_t)type;
	q->h.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	q->h.nlmsg_seq = 1;
	q->h.nlmsg_len = (uint32_t)NLMSG_LENGTH(hdr);
	return NLMSG_DATA(&q->h);
}

/* nlq_put() - Append an attribute; requests are short: one that does not fit is a fault here */
void nlq_put(struct nlq *q, int type, const void *data, size_t len)
{
	size_t at = NLMSG_ALIGN(q->h.nlmsg_len);
	struct nlattr a = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = (uint16_t)type };

	if (at + NLA_HDRLEN + len > sizeof(*q))
		return;
	memcpy((char *)q + at, &a, sizeof(a));
	if (len)
		memcpy((char *)q + at + NLA_HDRLEN, data, len);
	q->h.nlmsg_len = (uint32_t)(at + NLA_HDRLEN + len);
}

/* nlq_put_u32() - Append a number in host order */
void nlq_put_u32(struct nlq *q, int type, uint32_t v)
{
	nlq_put(q, type, &v, sizeof(v));
}

/* true: the answer is at its end, *ret is the outcome */
static bool take(const struct nlmsghdr *h, nlq_visit *fn, void *arg, int *ret)
{
	*ret = 0;
	if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
		if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(*ret)))
			memcpy(ret, NLMSG_DATA(h), sizeof(*ret));
		return true;
	}
	if (fn)
		fn(h, arg);
	return false;
}

static int read_answer(int fd, nlq_visit *fn, void *arg)
{
	union {
		struct nlmsghdr h;
		char bytes[NLQ_RECORD];
	} buf;

	for (;;) {
		const struct nlmsghdr *h = &buf.h;
		ssize_t n = sys_recv(fd, &buf, sizeof(buf), 0);
		int left = (int)n, ret;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -ENETDOWN;
		for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
			if (take(h, fn, arg, &ret))
				return ret;
	}
}

/**
 * nlq_run() - Send a request and read its answer
 * @path:	control socket
 * @protocol:	NETLINK_ROUTE or NETLINK_SOCK_DIAG
 * @q:		with NLM_F_DUMP or NLM_F_ACK
 * @fn:		called for each message; NULL: there are none
 *
 * Return: 0, what the stack answers, or -ENETDOWN
 */
int nlq_run(const char *path, int protocol, const struct nlq *q, nlq_visit *fn, void *arg)
{
	struct timeval tv = { .tv_sec = NLQ_TIMEOUT_S };
	int fd = client_socket(path, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), ret;

	if (fd < 0)
		return fd;
	fd = conn_to_high(fd);
	sys_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (sys_sendto(fd, q, q->h.nlmsg_len, MSG_NOSIGNAL, NULL, 0) < 0)
		ret = -ENETDOWN;
	else
		ret = read_answer(fd, fn, arg);
	sys_close(fd);
	return ret;
}

/**
 * nlq_attrs() - Sort the attributes of a message by type
 * @tb:		@max + 1 pointers; NULL: not there
 * @hdr:	size of the family's header
 */
void nlq_attrs(const struct nlmsghdr *h, size_t hdr, const struct nlattr *tb[], int max)
{
	size_t at = NLMSG_SPACE(hdr);

	memset(tb, 0, ((size_t)max + 1) * sizeof(*tb));
	while (at + sizeof(struct nlattr) <= h->nlmsg_len) {
		const struct nlattr *a = (const void *)((const char *)h + at);

		if (a->nla_len < sizeof(*a) || a->nla_len > h->nlmsg_len - at)
			return;
		if ((a->nla_type & NLA_TYPE_MASK) <= max)
			tb[a->nla_type & NLA_TYPE_MASK] = a;
		at += NLA_ALIGN(a->nla_len);
	}
}

/* nlq_get() - Copy an attribute's value; the rest of @out, or all of it, is zeroed */
bool nlq_get(const struct nlattr *a, void *out, size_t size)
{
	size_t len = a ? a->nla_len - NLA_HDRLEN : 0;

	memset(out, 0, size);
	if (a)
		memcpy(out, (const char *)a + NLA_HDRLEN, len < size ? len : size);
	return a != NULL;
}
