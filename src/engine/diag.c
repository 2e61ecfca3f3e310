/* diag.c - the sock_diag server: dispatch, dumps in pieces
 *
 * Theory of operation
 * A request names a family, and for INET and INET6 a protocol; either one
 * socket or, with NLM_F_DUMP, all that fit.  There may be tens of thousands: a
 * dump is a cursor that walks the hash tables (port_scan_next()), and each
 * piece looks at PIECE_SOCKS sockets or PIECE_BUCKETS buckets, whichever comes
 * first, so that the others' traffic goes on in between.  A socket that is
 * there all the time is told exactly once; one that comes or goes meanwhile
 * may be missing.
 *
 * Families that are the kernel's (AF_UNIX, ...) are -ENOENT, as in a kernel without
 * their module: ss then reads /proc/net/unix.  SOCK_DESTROY is for whoever may change
 * the stack, which is everybody who reached it.
 */
#include "engine/diag_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_SOCKS	128
#define PIECE_BUCKETS	4096
#define DCCPDIAG_GETSOCK 19

/**
 * diag_begin() - A dump for a request
 * @out:	the dump, its req and step still to be filled in
 * @filter_len:	room for a filter
 *
 * Return: 0 or -ENOMEM
 */
int diag_begin(struct rtnl_req *r, struct diag_dump **out, size_t filter_len)
{
	struct diag_dump *d = calloc(1, sizeof(*d) + filter_len);

	if (!d)
		return -ENOMEM;
	d->e = r->e;
	d->h = (struct nlmsghdr){
		.nlmsg_type = r->h->nlmsg_type, .nlmsg_flags = NLM_F_MULTI,
		.nlmsg_seq = r->h->nlmsg_seq, .nlmsg_pid = r->portid,
	};
	d->filter_len = filter_len;
	*out = d;
	return 0;
}

/* diag_cookie_fits() - Is it the socket that was meant, if the asker knew which? */
bool diag_cookie_fits(const uint32_t want[2], uint64_t cookie)
{
	if (want[0] == INET_DIAG_NOCOOKIE && want[1] == INET_DIAG_NOCOOKIE)
		return true;
	return want[0] == (uint32_t)cookie && want[1] == (uint32_t)(cookie >> 32);
}

/**
 * diag_more() - The next piece of a dump
 * @out:	answers are appended; none may have been found in this piece
 *
 * Return: true as long as there is more; the last piece ends in NLMSG_DONE
 */
bool diag_more(struct diag_dump *d, struct nlbuf *out)
{
	struct nlmsghdr done = d->h;
	bool more = true;

	d->out = out;
	d->seen = 0;
	for (int i = 0; more && i < PIECE_BUCKETS && d->seen < PIECE_SOCKS; i++)
		more = d->step(d);
	if (more)
		return true;
	done.nlmsg_type = NLMSG_DONE;
	nl_begin(out, &done, sizeof(int));
	nl_end(out);
	return false;
}

/* diag_dump_free() - Forget a dump, at its end or before */
void diag_dump_free(struct diag_dump *d)
{
	free(d);
}

static int by_family(struct rtnl_req *r, struct diag_dump **dump)
{
	const struct sock_diag_req *q = nl_body(r->h, sizeof(*q));

	if (!q)
		return -EINVAL;
	switch (q->sdiag_family) {
	case AF_INET:
	case AF_INET6:
		return diag_inet(r, dump);
	case AF_PACKET:
		return diag_packet(r, dump);
	case AF_NETLINK:
		return diag_netlink(r, dump);
	default:
		return q->sdiag_family >= AF_MAX ? -EINVAL : -ENOENT;
	}
}

/**
 * diag_request() - Carry out one request
 * @r:		answers go to r->out
 * @dump:	set when the answer is a dump: diag_more(), diag_dump_free()
 *
 * Return: 0, -ENOENT (no such socket, or a protocol without sockets here),
 * -EINVAL, -EOPNOTSUPP
 */
int diag_request(struct rtnl_req *r, struct diag_dump **dump)
{
	const struct sock_diag_req *q = nl_body(r->h, sizeof(*q));

	switch (r->h->nlmsg_type) {
	case TCPDIAG_GETSOCK:
		return diag_inet_old(r, dump);
	case DCCPDIAG_GETSOCK:
		return -ENOENT;
	case SOCK_DIAG_BY_FAMILY:
		return by_family(r, dump);
	case SOCK_DESTROY:
		if (!q)
			return -EINVAL;
		if (q->sdiag_family != AF_INET && q->sdiag_family != AF_INET6)
			return q->sdiag_family >= AF_MAX ? -EINVAL :
				q->sdiag_family == AF_PACKET || q->sdiag_family == AF_NETLINK ?
				-EOPNOTSUPP : -ENOENT;
		return diag_inet_destroy(r);
	default:
		return -EINVAL;
	}
}
