/* sock_netlink.c - AF_NETLINK sockets: NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_GENERIC
 *
 * Theory of operation
 * A record on the pair is what a netlink datagram is: one or more messages.
 * Addresses do not travel: whoever sends talks to the "kernel", which is
 * rtnl.c or diag.c, and whatever is received comes from it; the client's side puts
 * sockaddr_nl on (client/netlink.c).
 *
 * Answers are queued whole in nl_sock.out, rtnetlink's dumps at once, so that one
 * shows one moment and never needs NLM_F_DUMP_INTR; records of up to NL_RECORD bytes
 * leave as the application reads.  A dump of sockets is made a piece at a time
 * (nl_sock.dump), some pieces a wake-up.  While anything is left no further request
 * is read, which bounds the queue (NLBUF_MAX).  Notifications queue up to
 * NL_BACKLOG bytes; beyond that they are dropped and the reader is told by
 * NLMSG_OVERRUN, which its side turns into ENOBUFS, as netlink(7) has it.
 *
 * NETLINK_GENERIC has no family, as in a kernel without any: who asks for one (nl80211,
 * ethtool) is told ENOENT and does without.
 *
 * nl_pid is the process' id for its first socket and made up for further
 * ones, as in Linux.
 */
#include "engine/sock.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <linux/netlink_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include "engine/diag.h"
#include "engine/priv.h"
#include "engine/rtnl.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

#define NL_RECORD	4096		/* what the smallest reader has room for */
#define NL_BACKLOG	(256 * 1024)	/* notifications that wait for a reader */
#define NL_SNDBUF	(1 << 20)	/* the kernel keeps it within wmem_max */
#define NL_GROUPS	63
#define BURST		16		/* records of one socket a wake-up */
#define DUMP_PIECES	4		/* of a dump a wake-up: about a millisecond */

struct nl_sock {
	struct sock s;			/* first */
	struct nl_sock *next, **pprev;
	uint32_t pid;			/* 0: not bound yet */
	uint64_t groups;		/* bit n - 1: group n */
	bool ext_ack, cap_ack, strict;
	bool opt[16];			/* further on/off options, by name: kept */
	struct nlbuf out;
	size_t sent;			/* of out */
	struct diag_dump *dump;		/* not at its end yet; NULL: none */
	bool overrun;
};

static struct nl_sock *nl(struct sock *s)
{
	return (struct nl_sock *)s;
}

/* ---- answers and notifications ---- */

static size_t pending(const struct nl_sock *n)
{
	return n->out.len - n->sent;
}

/* how many bytes from @at make a record: one message, or as many of a dump's as fit */
static size_t record(const struct nlbuf *b, size_t at)
{
	size_t len = 0;

	while (at + len < b->len) {
		const struct nlmsghdr *h = (const void *)(b->data + at + len);
		size_t size = NLMSG_ALIGN(h->nlmsg_len);

		if (len && (len + size > NL_RECORD || !(h->nlmsg_flags & NLM_F_MULTI)))
			break;
		len += size;
		if (!(h->nlmsg_flags & NLM_F_MULTI))
			break;
	}
	return len;
}

static void put_overrun(struct nl_sock *n)
{
	struct nlmsghdr h = { .nlmsg_type = NLMSG_OVERRUN };

	n->overrun = false;
	nlbuf_free(&n->out);
	n->sent = 0;
	nl_begin(&n->out, &h, 0);
	nl_end(&n->out);
}

/* what could not be queued is lost, and the reader learns that */
static void check_loss(struct nl_sock *n)
{
	if (n->out.failed) {
		put_overrun(n);
	} else if (n->overrun && pending(n) == 0) {
		put_overrun(n);
	}
}

static void send_queued(struct nl_sock *n)
{
	check_loss(n);
	while (pending(n)) {
		size_t len = record(&n->out, n->sent);

		if (send(n->s.w.fd, n->out.data + n->sent, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
		n->sent += len;
		check_loss(n);
	}
	if (!pending(n)) {
		nlbuf_free(&n->out);
		n->sent = 0;
	}
}

/* is there an answer that the application did not get yet? */
static bool busy(const struct nl_sock *n)
{
	return pending(n) || n->dump;
}

static void flush(struct nl_sock *n)
{
	send_queued(n);
	for (int i = 0; n->dump && !pending(n) && i < DUMP_PIECES; i++) {
		if (!diag_more(n->dump, &n->out)) {
			diag_dump_free(n->dump);
			n->dump = NULL;
		}
		send_queued(n);
	}
	loop_fd_mod(&n->s.w, busy(n) ? EPOLLOUT : EPOLLIN);
}

static bool hears(const struct nl_sock *n, int protocol, unsigned group)
{
	return n->s.protocol == protocol && n->groups & 1ull << (group - 1);
}

/* netlink_heard() - Would anybody hear of this group? */
bool netlink_heard(const struct engine *e, int protocol, unsigned group)
{
	for (const struct nl_sock *n = e->netlinks; n; n = n->next)
		if (hears(n, protocol, group))
			return true;
	return false;
}

/* netlink_has_listener() - The same of rtnetlink's groups */
bool netlink_has_listener(const struct engine *e, unsigned group)
{
	return netlink_heard(e, NETLINK_ROUTE, group);
}

/* netlink_multicast() - netlink_tell() of rtnetlink's groups */
void netlink_multicast(struct engine *e, unsigned group, const struct nlbuf *b)
{
	netlink_tell(e, NETLINK_ROUTE, group, b);
}

/**
 * netlink_tell() - Give messages to all members of a group
 * @protocol:	NETLINK_ROUTE, NETLINK_SOCK_DIAG
 * @group:	RTNLGRP_*, SKNLGRP_*
 * @b:		complete messages; they stay the caller's
 */
void netlink_tell(struct engine *e, int protocol, unsigned group, const struct nlbuf *b)
{
	for (struct nl_sock *n = e->netlinks; n; n = n->next) {
		if (!hears(n, protocol, group) || n->s.closed)
			continue;
		if (pending(n) > NL_BACKLOG) {
			n->overrun = !n->opt[NETLINK_NO_ENOBUFS];
			continue;
		}
		nl_append(&n->out, b->data, b->len);
		flush(n);
	}
}

/* ---- requests ---- */

/* struct nlmsgerr: the request's header, on failure all of it, and our text */
static void put_ack(struct nl_sock *n, const struct rtnl_req *r, int err)
{
	const struct nlmsghdr *h = r->h;
	bool whole = err && !n->cap_ack, text = n->ext_ack && r->why[0];
	struct nlmsghdr a = {
		.nlmsg_type = NLMSG_ERROR, .nlmsg_seq = h->nlmsg_seq, .nlmsg_pid = n->pid,
		.nlmsg_flags = (uint16_t)((whole ? 0 : NLM_F_CAPPED) |
					  (text ? NLM_F_ACK_TLVS : 0)),
	};
	size_t copy = whole ? h->nlmsg_len : sizeof(*h);
	uint8_t *body = nl_begin(&n->out, &a, sizeof(err));

	memcpy(body, &err, sizeof(err));
	nl_append(&n->out, h, copy);
	if (text)
		nl_put_str(&n->out, NLMSGERR_ATTR_MSG, r->why);
	nl_end(&n->out);
}

static void request(struct nl_sock *n, const struct nlmsghdr *h)
{
	struct rtnl_req r = {
		.e = n->s.e, .h = h, .portid = n->pid, .strict = n->strict,
		.ext_ack = n->ext_ack, .out = &n->out,
	};
	size_t before = n->out.len;
	int err;

	if (!(h->nlmsg_flags & NLM_F_REQUEST) || h->nlmsg_type < NLMSG_MIN_TYPE)
		err = 0;
	else if (n->s.protocol == NETLINK_SOCK_DIAG)
		err = diag_request(&r, &n->dump);
	else if (n->s.protocol == NETLINK_GENERIC)
		err = -ENOENT;
	else
		err = rtnl_request(&r);
	if (n->out.failed)
		return;
	if (err)
		n->out.len = before;	/* nothing of a failed dump */
	if (err || (h->nlmsg_flags & NLM_F_ACK && !r.dumped && !n->dump))
		put_ack(n, &r, err);
}

/* one record of requests */
static bool read_one(struct nl_sock *n)
{
	struct engine *e = n->s.e;
	ssize_t got = recv(n->s.w.fd, e->scratch, ENGINE_SCRATCH, MSG_DONTWAIT);
	const struct nlmsghdr *h = (const void *)e->scratch;
	size_t len, step;

	if (got <= 0)
		return false;
	/* what comes in one record behind a dump of sockets would be answered inside it */
	for (len = (size_t)got; len >= sizeof(*h) && !n->dump; len -= step) {
		if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > len)
			break;
		request(n, h);
		step = NLMSG_ALIGN(h->nlmsg_len);
		if (step > len)
			break;
		h = (const void *)((const uint8_t *)h + step);
	}
	return true;
}

static uint32_t peer_pid(const struct nl_sock *n)
{
	struct ucred c = { 0 };
	socklen_t len = sizeof(c);

	return getsockopt(n->s.w.fd, SOL_SOCKET, SO_PEERCRED, &c, &len) < 0 ? 0 : (uint32_t)c.pid;
}

static bool pid_taken(const struct nl_sock *self, uint32_t pid)
{
	for (const struct nl_sock *n = self->s.e->netlinks; n; n = n->next)
		if (n != self && n->pid == pid && n->s.protocol == self->s.protocol)
			return true;
	return pid == 0;
}

static void autobind(struct nl_sock *n)
{
	uint32_t pid = peer_pid(n);

	while (pid_taken(n, pid))
		pid = pid > 0x80000000u ? pid - 1 : 0xfffff000u;
	n->pid = pid;
	n->s.bound = true;
}

static void nl_event(struct sock *s, uint32_t events)
{
	struct nl_sock *n = nl(s);
	int i;

	if (!n->pid)
		autobind(n);
	if (events & EPOLLOUT)
		flush(n);
	for (i = 0; i < BURST && !busy(n) && read_one(n); i++)
		flush(n);
	if ((events & EPOLLHUP) && (i < BURST || busy(n)))
		sock_close(s);
}

/* ---- calls ---- */

static int nl_open(struct sock *s)
{
	struct nl_sock *n = nl(s);
	struct engine *e = s->e;

	n->next = e->netlinks;
	n->pprev = &e->netlinks;
	if (n->next)
		n->next->pprev = &n->next;
	e->netlinks = n;
	return sock_set_sndbuf(s, NL_SNDBUF);
}

static void nl_destroy(struct sock *s)
{
	struct nl_sock *n = nl(s);

	if (n->pprev) {
		*n->pprev = n->next;
		if (n->next)
			n->next->pprev = n->pprev;
	}
	nlbuf_free(&n->out);
	diag_dump_free(n->dump);
}

static int nl_bind(struct sock *s, const struct msg_addr *a)
{
	struct nl_sock *n = nl(s);
	struct sockaddr_nl sa;

	if (a->len < sizeof(sa))
		return -EINVAL;
	memcpy(&sa, &a->addr, sizeof(sa));
	if (sa.nl_family != AF_NETLINK)
		return -EINVAL;
	if (n->pid && sa.nl_pid != n->pid && sa.nl_pid)
		return -EINVAL;
	if (!n->pid && sa.nl_pid) {
		if (pid_taken(n, sa.nl_pid))
			return -EADDRINUSE;
		n->pid = sa.nl_pid;
	}
	if (!n->pid)
		autobind(n);
	s->bound = true;
	n->groups = (n->groups & ~0xffffffffull) | sa.nl_groups;
	rtnl_neigh_watch(s->e);
	return 0;
}

static int nl_connect(struct sock *s, const struct msg_addr *to, uint32_t plug)
{
	struct sockaddr_nl sa;

	if (to->len < sizeof(sa_family_t))
		return -EINVAL;
	memset(&sa, 0, sizeof(sa));
	memcpy(&sa, &to->addr, to->len < sizeof(sa) ? to->len : sizeof(sa));
	if (sa.nl_family == AF_UNSPEC) {
		s->connected = false;
		return 0;
	}
	if (sa.nl_family != AF_NETLINK)
		return -EINVAL;
	if (sa.nl_groups)
		return -EPERM;
	if (sa.nl_pid)
		return -ECONNREFUSED;	/* nobody but the stack is there */
	if (!nl(s)->pid)
		autobind(nl(s));
	s->connected = true;
	return 0;
}

static int nl_getname(struct sock *s, bool peer, struct msg_addr *out)
{
	struct nl_sock *n = nl(s);
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK };

	if (!peer) {
		sa.nl_pid = n->pid;
		sa.nl_groups = (uint32_t)n->groups;
	}
	memset(out, 0, sizeof(*out));
	memcpy(&out->addr, &sa, sizeof(sa));
	out->len = sizeof(sa);
	return 0;
}

static int membership(struct nl_sock *n, int group, bool join)
{
	if (group < 1 || group > NL_GROUPS)
		return -EINVAL;
	if (!n->pid)
		autobind(n);
	if (join)
		n->groups |= 1ull << (group - 1);
	else
		n->groups &= ~(1ull << (group - 1));
	rtnl_neigh_watch(n->s.e);
	return 0;
}

static bool *flag(struct nl_sock *n, int name)
{
	switch (name) {
	case NETLINK_EXT_ACK:
		return &n->ext_ack;
	case NETLINK_CAP_ACK:
		return &n->cap_ack;
	case NETLINK_GET_STRICT_CHK:
		return &n->strict;
	case NETLINK_PKTINFO:
	case NETLINK_BROADCAST_ERROR:
	case NETLINK_NO_ENOBUFS:
		return &n->opt[name];
	default:
		return NULL;
	}
}

/* netlink_figures() - What ss(8) shows of a netlink socket */
void netlink_figures(const struct sock *s, struct netlink_figures *f)
{
	const struct nl_sock *n = (const struct nl_sock *)s;

	*f = (struct netlink_figures){
		.portid = n->pid, .groups = n->groups, .pending = pending(n),
		.flags = (n->dump ? NDIAG_FLAG_CB_RUNNING : 0) |
			(n->opt[NETLINK_PKTINFO] ? NDIAG_FLAG_PKTINFO : 0) |
			(n->opt[NETLINK_BROADCAST_ERROR] ? NDIAG_FLAG_BROADCAST_ERROR : 0) |
			(n->opt[NETLINK_NO_ENOBUFS] ? NDIAG_FLAG_NO_ENOBUFS : 0) |
			(n->cap_ack ? NDIAG_FLAG_CAP_ACK : 0),
	};
}

static int nl_setopt(struct sock *s, int level, int name, const void *val, uint32_t len)
{
	struct nl_sock *n = nl(s);
	int v;

	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, val, sizeof(v));
	if (name == NETLINK_ADD_MEMBERSHIP || name == NETLINK_DROP_MEMBERSHIP)
		return membership(n, v, name == NETLINK_ADD_MEMBERSHIP);
	if (!flag(n, name))
		return -ENOPROTOOPT;
	*flag(n, name) = v != 0;
	return 0;
}

/* do what was asked and send what is there, as if its event had come: how much is left
 * that the application has to make room for */
static int settle(struct nl_sock *n, void *val, uint32_t *len)
{
	int left;

	if (*len < sizeof(left))
		return -EINVAL;
	nl_event(&n->s, EPOLLIN | EPOLLOUT);
	left = (int)pending(n);
	*len = sizeof(left);
	memcpy(val, &left, sizeof(left));
	return 0;
}

static int nl_getopt(struct sock *s, int level, int name, void *val, uint32_t *len)
{
	struct nl_sock *n = nl(s);
	int v;

	if (level == MSG_LEVEL_IOCTL && name == SIOCOUTQ)
		return settle(n, val, len);
	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	if (name == NETLINK_LIST_MEMBERSHIPS) {
		if (*len > sizeof(n->groups))
			*len = sizeof(n->groups);
		memcpy(val, &n->groups, *len);
		return 0;
	}
	if (!flag(n, name))
		return -ENOPROTOOPT;
	if (*len < sizeof(v))
		return -EINVAL;
	v = *flag(n, name);
	*len = sizeof(v);
	memcpy(val, &v, sizeof(v));
	return 0;
}

const struct sock_ops sock_netlink_ops = {
	.name = "netlink",
	.size = sizeof(struct nl_sock),
	.open = nl_open,
	.bind_addr = nl_bind,
	.connect = nl_connect,
	.getname = nl_getname,
	.setopt = nl_setopt,
	.getopt = nl_getopt,
	.event = nl_event,
	.destroy = nl_destroy,
};
