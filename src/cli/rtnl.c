/* rtnl.c - one request to a stack's rtnetlink server, and its answer
 *
 * For what iproute2 has no words for; the socket is the stack's own, so no shim
 * is needed.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "cli/cli.h"
#include "client/client.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

/* the reason that comes with a refusal, or "" */
static void reason(const struct nlmsghdr *h, char *buf, size_t size)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);
	size_t skip = NLMSG_LENGTH(sizeof(*e));
	const struct rtattr *a;
	int left;

	buf[0] = '\0';
	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(e->msg.nlmsg_len - sizeof(e->msg));
	left = (int)h->nlmsg_len - (int)skip;
	for (a = (const void *)((const char *)h + skip); RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == NLMSGERR_ATTR_MSG && RTA_PAYLOAD(a) > 0)
			snprintf(buf, size, "%.*s", (int)RTA_PAYLOAD(a),
				 (const char *)RTA_DATA(a));
}

/**
 * cli_rtnl_ask() - Send a request and wait for the one message that answers it
 * @path:	control socket of the stack
 * @req:	one whole message
 * @u:		the answer: NLMSG_ERROR, or what was asked for
 * @why:	the stack's own reason for a refusal, or ""
 *
 * Return: 0 or -errno, the stack's or of the way there
 */
int cli_rtnl_ask(const char *path, const struct nlmsghdr *req, union cli_rtnl_answer *u,
		 char *why, size_t size)
{
	int fd = client_socket(path, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), on = 1;
	const struct nlmsgerr *e = NLMSG_DATA(&u->h);
	struct sockname sn;
	ssize_t n;

	*why = '\0';
	if (fd < 0)
		return fd;
	if (!client_identify(fd, &sn)) {
		close(fd);
		return -EPROTO;
	}
	client_setsockopt(fd, &sn, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	n = client_sendto(fd, &sn, req, req->nlmsg_len, 0, NULL, 0);
	if (n >= 0)
		n = client_recvfrom(fd, &sn, u, sizeof(*u), 0, NULL, NULL);
	close(fd);
	if (n < 0)
		return (int)n;
	if (n < (ssize_t)sizeof(u->h) || u->h.nlmsg_len > (size_t)n)
		return -EPROTO;
	if (u->h.nlmsg_type != NLMSG_ERROR)
		return 0;
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(*e)))
		return -EPROTO;
	reason(&u->h, why, size);
	return e->error;
}
