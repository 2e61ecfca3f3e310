/* msg.c - check control messages before anyone looks inside them
 *
 * Theory of operation
 * What a datagram of each kind must look like stands in one table: the size of
 * a request's body, of a reply's body, and how many descriptors come with
 * the request.  msg_check() and msg_check_reply() hold a message against
 * it, so that the code behind them reads fields without further thought.
 * Values inside (families, levels, names) are the engine's to judge.
 * No state; safe from any thread.
 */
#include <errno.h>
#include <string.h>
#include "proto/msg.h"

enum {
	TAIL_NONE,		/* the body has exactly the size given */
	TAIL_VALUE,		/* msg_opt, then opt.len bytes */
	TAIL_MAYBE,		/* the same, or nothing behind msg_opt */
	TAIL_TEXT,		/* any number of bytes */
	TAIL_IFINFO,		/* msg_info, then info.nif times msg_ifinfo */
	TAIL_USER,		/* msg_users, then users.n times msg_user */
};

struct shape {
	uint16_t req, reply;	/* size of the fixed part of the body */
	uint8_t nfds;
	uint8_t req_tail, reply_tail;
};

static const struct shape shapes[MSG_OP_COUNT] = {
	[MSG_OP_HELLO]	 = { 0, sizeof(struct msg_hello) },
	[MSG_OP_ATTACH]	 = { 0, 0, .nfds = 1 },
	[MSG_OP_SOCKET]	 = { sizeof(struct msg_socket), 0, .nfds = 1 },
	[MSG_OP_BIND]	 = { sizeof(struct msg_addr), 0 },
	[MSG_OP_CONNECT] = { sizeof(struct msg_connect), 0 },
	[MSG_OP_LISTEN]	 = { sizeof(struct msg_listen), 0 },
	[MSG_OP_GETSOCKNAME] = { 0, sizeof(struct msg_addr) },
	[MSG_OP_GETPEERNAME] = { 0, sizeof(struct msg_addr) },
	[MSG_OP_SETSOCKOPT] = { sizeof(struct msg_opt), 0,
				.req_tail = TAIL_VALUE },
	[MSG_OP_GETSOCKOPT] = { sizeof(struct msg_opt), sizeof(struct msg_opt),
				.req_tail = TAIL_MAYBE, .reply_tail = TAIL_VALUE },
	[MSG_OP_STAT]	 = { 0, sizeof(struct msg_stat) },
	[MSG_OP_SHUTDOWN] = { sizeof(struct msg_shutdown), 0 },
	[MSG_OP_INFO]	 = { 0, sizeof(struct msg_info),
			     .reply_tail = TAIL_IFINFO },
	[MSG_OP_STOP]	 = { 0, 0 },
	[MSG_OP_RING]	 = { sizeof(struct msg_ring), 0, .nfds = 1 },
	[MSG_OP_NAMES]	 = { 0, sizeof(struct msg_names) },
	[MSG_OP_PROC]	 = { sizeof(struct msg_proc), 0, .reply_tail = TAIL_TEXT },
	[MSG_OP_URGENT]	 = { sizeof(struct msg_urgent), 0 },
	[MSG_OP_USERS]	 = { 0, sizeof(struct msg_users), .reply_tail = TAIL_USER },
	[MSG_OP_OUTLOOK] = { sizeof(struct msg_outlook), sizeof(struct msg_verdict) },
};

/* header and length agree with what arrived */
static bool framed(const struct msg *m, size_t got)
{
	return got >= sizeof(m->hdr) && got <= sizeof(*m) &&
	       m->hdr.version == MSG_VERSION &&
	       m->hdr.op > 0 && m->hdr.op < MSG_OP_COUNT &&
	       m->hdr.len == got - sizeof(m->hdr);
}

static bool body_fits(const struct msg *m, size_t fixed, int tail)
{
	if (m->hdr.len < fixed)
		return false;
	switch (tail) {
	case TAIL_MAYBE:
		if (m->hdr.len == fixed)
			return true;
		/* fall through */
	case TAIL_VALUE:
		return m->opt.len <= MSG_OPT_MAX &&
		       m->hdr.len == fixed + m->opt.len;
	case TAIL_TEXT:
		return true;
	case TAIL_IFINFO:
		return (m->hdr.len - fixed) % sizeof(struct msg_ifinfo) == 0 &&
		       m->info.nif == (m->hdr.len - fixed) / sizeof(struct msg_ifinfo);
	case TAIL_USER:
		return (m->hdr.len - fixed) % sizeof(struct msg_user) == 0 &&
		       m->users.n == (m->hdr.len - fixed) / sizeof(struct msg_user);
	default:
		return m->hdr.len == fixed;
	}
}

static bool addr_fits(const struct msg_addr *a)
{
	return a->len == 0 || (a->len >= sizeof(a->addr.sa.sa_family) &&
			       a->len <= sizeof(a->addr));
}

static bool name_fits(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

static bool ifinfos_fit(const struct msg *m)
{
	for (uint32_t i = 0; i < m->info.nif; i++) {
		struct msg_ifinfo f;

		memcpy(&f, m->raw + sizeof(m->info) + i * sizeof(f), sizeof(f));
		if (f.naddr > MSG_IFADDRS || !name_fits(f.name, sizeof(f.name)) ||
		    !name_fits(f.spec, sizeof(f.spec)))
			return false;
	}
	return true;
}

static bool users_fit(const struct msg *m)
{
	for (uint32_t i = 0; i < m->users.n; i++) {
		struct msg_user u;

		memcpy(&u, m->raw + sizeof(m->users) + i * sizeof(u), sizeof(u));
		if (!addr_fits(&u.local) || !addr_fits(&u.peer))
			return false;
	}
	return true;
}

static bool names_fit(const struct msg_names *n)
{
	for (uint32_t i = 0; i < n->ndns && i < MSG_DNS; i++)
		if (n->dns[i].sa.sa_family != AF_INET && n->dns[i].sa.sa_family != AF_INET6)
			return false;
	return n->ndns <= MSG_DNS && name_fits(n->search, sizeof(n->search)) &&
	       name_fits(n->hosts, sizeof(n->hosts));
}

/**
 * msg_check() - Is this datagram a well-formed request?
 * @m:		what was received
 * @got:	bytes received
 * @nfds:	descriptors received with it
 *
 * Return: 0, -EPROTO (version, length or body) or -EBADMSG (number of
 * descriptors)
 */
int msg_check(const struct msg *m, size_t got, int nfds)
{
	const struct shape *s;

	if (!framed(m, got))
		return -EPROTO;
	s = &shapes[m->hdr.op];
	if (!body_fits(m, s->req, s->req_tail))
		return -EPROTO;
	if (nfds != s->nfds)
		return -EBADMSG;
	switch (m->hdr.op) {
	case MSG_OP_BIND:
		return addr_fits(&m->addr) ? 0 : -EPROTO;
	case MSG_OP_CONNECT:
		return addr_fits(&m->connect.to) ? 0 : -EPROTO;
	case MSG_OP_URGENT:
		return m->urgent.len && m->urgent.len <= MSG_URGENT_MAX ? 0 : -EPROTO;
	case MSG_OP_PROC:
		return name_fits(m->proc.name, sizeof(m->proc.name)) ? 0 : -EPROTO;
	case MSG_OP_GETSOCKOPT:
		return m->opt.len <= MSG_OPT_MAX ? 0 : -EPROTO;
	default:
		return 0;
	}
}

/**
 * msg_check_reply() - Is this datagram the answer to my request?
 * @m:		what was received
 * @got:	bytes received
 * @op:		the request's op
 * @seq:	the request's seq
 *
 * The outcome of the request itself is m->hdr.err, which the caller reads
 * after a 0 from here; a reply with an error has no body.
 *
 * Return: 0, -ESTALE (the answer to an earlier request: skip it) or -EPROTO
 */
int msg_check_reply(const struct msg *m, size_t got, uint16_t op, uint32_t seq)
{
	const struct shape *s;

	if (!framed(m, got))
		return -EPROTO;
	if (m->hdr.seq != seq)
		return -ESTALE;
	if (m->hdr.op != op || m->hdr.err > 0 || m->hdr.err < -4095)
		return -EPROTO;
	if (m->hdr.err)
		return m->hdr.len == 0 ? 0 : -EPROTO;
	s = &shapes[op];
	if (!body_fits(m, s->reply, s->reply_tail))
		return -EPROTO;
	switch (op) {
	case MSG_OP_GETSOCKNAME:
	case MSG_OP_GETPEERNAME:
		return addr_fits(&m->addr) ? 0 : -EPROTO;
	case MSG_OP_INFO:
		return ifinfos_fit(m) ? 0 : -EPROTO;
	case MSG_OP_NAMES:
		return names_fit(&m->names) ? 0 : -EPROTO;
	case MSG_OP_USERS:
		return users_fit(m) ? 0 : -EPROTO;
	default:
		return 0;
	}
}

/**
 * msg_addr_set() - Put a socket address into a message
 * @a:		filled in, unused bytes zeroed
 * @sa:		address as an application gave it, or NULL
 * @len:	its length; as in the kernel, a longer one than the family
 *		needs is accepted
 *
 * Return: 0, or -EINVAL for a length that cannot be this family's
 */
int msg_addr_set(struct msg_addr *a, const struct sockaddr *sa, socklen_t len)
{
	sa_family_t family;

	memset(a, 0, sizeof(*a));
	if (!sa || len == 0)
		return 0;
	if (len < sizeof(family))
		return -EINVAL;
	memcpy(&family, sa, sizeof(family));
	if (family == AF_INET) {
		if (len < sizeof(struct sockaddr_in))
			return -EINVAL;
		len = sizeof(struct sockaddr_in);
	} else if (family == AF_INET6) {
		/* the kernel takes an address without sin6_scope_id (RFC 2133) */
		if (len < offsetof(struct sockaddr_in6, sin6_scope_id))
			return -EINVAL;
		if (len > sizeof(struct sockaddr_in6))
			len = sizeof(struct sockaddr_in6);
	} else if (len > sizeof(a->addr)) {
		if (family != AF_UNSPEC)
			return -EINVAL;
		len = sizeof(a->addr);
	}
	memcpy(&a->addr, sa, len);
	a->len = family == AF_INET6 ? sizeof(struct sockaddr_in6) : len;
	return 0;
}

/**
 * msg_size() - How many bytes of a message go on the wire
 * @m:	message with hdr.len set
 */
size_t msg_size(const struct msg *m)
{
	return sizeof(m->hdr) + m->hdr.len;
}
