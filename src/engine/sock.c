/* sock.c - the sockets of an engine: table, life cycle, calls by kind
 *
 * See sock.h for the life of a socket.  This file owns the id table and the
 * list of all sockets, picks the kind for (domain, type, protocol), and
 * turns the daemon's calls into those of the kind.
 */
#include "engine/sock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include "base/fdio.h"
#include "base/log.h"
#include "engine/diag.h"
#include "engine/iface.h"
#include "engine/priv.h"
#include "engine/sock_dgram.h"
#include "port.h"

#define SOCKS_MIN	256
#define CATCH_UP_MAX	16	/* bursts of datagrams before a request */

static struct sock **slot(const struct engine *e, uint64_t id)
{
	return &e->socks[id & (e->socks_size - 1)];
}

static int table_grow(struct engine *e)
{
	size_t size = e->socks_size ? e->socks_size * 2 : SOCKS_MIN;
	struct sock **old = e->socks;
	size_t old_size = e->socks_size;
	struct sock **tab = calloc(size, sizeof(*tab));

	if (!tab)
		return -ENOMEM;
	e->socks = tab;
	e->socks_size = size;
	for (size_t i = 0; i < old_size; i++) {
		struct sock *s = old[i], *next;

		for (; s; s = next) {
			next = s->hash_next;
			s->hash_next = *slot(e, s->id);
			*slot(e, s->id) = s;
		}
	}
	free(old);
	return 0;
}

static void table_remove(struct sock *s)
{
	struct sock **p = slot(s->e, s->id);

	while (*p && *p != s)
		p = &(*p)->hash_next;
	if (*p)
		*p = s->hash_next;
}

/* engine_sock() - The socket of an id, or NULL */
struct sock *engine_sock(struct engine *e, uint64_t id)
{
	struct sock *s;

	if (!e->socks)
		return NULL;
	for (s = *slot(e, id); s; s = s->hash_next)
		if (s->id == id)
			return s;
	return NULL;
}

/**
 * sock_scan() - Walk all sockets with pauses
 * @cursor:	0 to begin with; sockets may come and go between the calls
 * @fn:		called for each socket of one bucket; must not close it
 *
 * Return: true as long as there is more
 */
bool sock_scan(struct engine *e, uint32_t *cursor, sock_visit *fn, void *arg)
{
	uint32_t mask = (uint32_t)e->socks_size - 1;

	if (!e->socks)
		return false;
	for (struct sock *s = e->socks[*cursor & mask]; s; s = s->hash_next)
		fn(s, arg);
	*cursor = port_scan_next(*cursor, mask);
	return *cursor != 0;
}

/* sock_uid() - The user who made the socket */
uint32_t sock_uid(struct sock *s)
{
	struct ucred c = { .uid = 0 };
	socklen_t len = sizeof(c);

	if (!s->uid_known && getsockopt(s->w.fd, SOL_SOCKET, SO_PEERCRED, &c, &len) == 0) {
		s->uid = c.uid;
		s->uid_known = true;
	}
	return s->uid;
}

/* sock_unread() - What the application has not read yet, with the kernel's overhead:
 * what Linux counts as sk_rmem_alloc */
int sock_unread(const struct sock *s)
{
	int n = 0;

	return s->w.fd < 0 || ioctl(s->w.fd, SIOCOUTQ, &n) < 0 ? 0 : n;
}

static unsigned *counter(struct engine *e, int type)
{
	return type == SOCK_STREAM ? &e->nstream : type == SOCK_DGRAM ? &e->ndgram : &e->nraw;
}

/**
 * sock_alloc() - Make a socket of a kind and enter it in the tables
 * @ops:		the kind; ops->size bytes are allocated
 *
 * The pair comes later, by sock_attach().  Release with sock_close().
 *
 * Return: the socket, zeroed but for the common part; NULL: no memory
 */
struct sock *sock_alloc(struct engine *e, const struct sock_ops *ops, uint64_t id,
			int domain, int type, int protocol)
{
	struct sock *s;

	if (e->nsock >= e->socks_size && table_grow(e) < 0 && !e->socks)
		return NULL;
	s = calloc(1, ops->size);
	if (!s)
		return NULL;
	s->e = e;
	s->ops = ops;
	s->id = id;
	s->domain = domain;
	s->type = type;
	s->protocol = protocol;
	s->w.fd = -1;
	sockopt_init(&s->o, domain, type);
	endpoint_any(domain, false, &s->local);
	endpoint_any(domain, false, &s->remote);
	s->hash_next = *slot(e, id);
	*slot(e, id) = s;
	s->next = e->all;
	if (e->all)
		e->all->pprev = &s->next;
	s->pprev = &e->all;
	e->all = s;
	e->nsock++;
	(*counter(e, type))++;
	return s;
}

static void on_event(struct loop_fd *w, uint32_t events)
{
	struct sock *s = container_of(w, struct sock, w);

	s->ops->event(s, events);
}

/* sock_attach() - Hand the daemon's end to the socket and watch it; the
 * descriptor is the socket's from then on.  Return: 0 or -errno */
int sock_attach(struct sock *s, int fd, uint32_t events)
{
	s->w.fd = fd;
	return loop_fd_add(s->e->loop, &s->w, fd, events, on_event);
}

static void free_work(struct loop_work *w)
{
	free(container_of(w, struct sock, work));
}

/* sock_close() - End a socket; its memory goes after the current dispatch */
void sock_close(struct sock *s)
{
	struct engine *e = s->e;

	if (s->closed)
		return;
	s->closed = true;
	if (e->netlinks)
		diag_destroyed(s);
	if (s->ops->destroy)
		s->ops->destroy(s);
	filter_free(s);
	ports_release(s);
	loop_fd_del(&s->w);
	if (s->w.fd >= 0)
		close(s->w.fd);
	table_remove(s);
	*s->pprev = s->next;
	if (s->next)
		s->next->pprev = s->pprev;
	e->nsock--;
	(*counter(e, s->type))--;
	loop_defer(e->loop, &s->work, free_work);
}

/* sock_reap() - Has the application closed its end?  Then the socket learns of it now,
 * before its event is dispatched.  True: it gave up its port */
bool sock_reap(struct sock *s)
{
	struct pollfd p = { .fd = s->w.fd };

	if (s->w.fd < 0 || poll(&p, 1, 0) <= 0 || !(p.revents & POLLHUP))
		return false;
	s->ops->event(s, EPOLLHUP | EPOLLRDHUP);
	return s->closed || !s->port_pprev;
}

/* sock_fail() - End a socket whose application is to learn why: the errno is
 * kept for SO_ERROR, the closed pair wakes the application */
void sock_fail(struct sock *s, int err)
{
	engine_add_epitaph(s->e, s, err);
	sock_close(s);
}

/* sock_set_sndbuf() - Size what the application may have unread; 0 or -errno */
int sock_set_sndbuf(struct sock *s, int bytes)
{
	if (setsockopt(s->w.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) < 0)
		return -errno;
	return 0;
}

static const struct sock_ops *pick(const struct msg_socket *how)
{
	bool v6 = how->domain == AF_INET6;

	if (how->domain == AF_PACKET)
		return how->type == SOCK_RAW || how->type == SOCK_DGRAM ? &sock_packet_ops : NULL;
	if (how->domain == AF_NETLINK)
		return (how->type == SOCK_RAW || how->type == SOCK_DGRAM) &&
			(how->protocol == NETLINK_ROUTE || how->protocol == NETLINK_SOCK_DIAG ||
			 how->protocol == NETLINK_GENERIC) ?
			&sock_netlink_ops : NULL;
	switch (how->type) {
	case SOCK_STREAM:
		return how->protocol == 0 || how->protocol == IPPROTO_TCP ? &sock_tcp_ops : NULL;
	case SOCK_DGRAM:
		if (how->protocol == 0 || how->protocol == IPPROTO_UDP ||
		    how->protocol == IPPROTO_UDPLITE)
			return &sock_udp_ops;
		return how->protocol == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) ?
			&sock_ping_ops : NULL;
	case SOCK_RAW:
		return how->protocol > 0 && how->protocol < 256 ? &sock_raw_ops : NULL;
	}
	return NULL;
}

/**
 * engine_socket() - Open a socket for a client
 * @id:		drawn by the client
 * @how:	domain, type and protocol, as for socket(2)
 * @fd:		the daemon's end of a pair of the right type, which the caller has
 *		looked at; the engine's from now on
 *
 * Return: 0, -EAFNOSUPPORT, -EPROTONOSUPPORT, -EEXIST (id in use) or another
 * -errno
 */
int engine_socket(struct engine *e, uint64_t id, const struct msg_socket *how, int fd)
{
	const struct sock_ops *ops = pick(how);
	bool stream = how->type == SOCK_STREAM;
	struct sock *s;
	int r = 0;

	if (e->stopping)
		r = -ESHUTDOWN;
	else if (how->domain != AF_INET && how->domain != AF_INET6 &&
		 how->domain != AF_PACKET && how->domain != AF_NETLINK)
		r = -EAFNOSUPPORT;
	else if (!ops)
		r = -EPROTONOSUPPORT;
	else if (!id || engine_sock(e, id))
		r = -EEXIST;
	if (r < 0) {
		close(fd);
		return r;
	}
	s = sock_alloc(e, ops, id, how->domain, how->type, how->protocol);
	if (!s) {
		close(fd);
		return -ENOMEM;
	}
	s->inode = how->inode;
	epitaph_revive(s);
	r = sock_attach(s, fd, stream ? EPOLLIN | EPOLLRDHUP | EPOLLET : EPOLLIN);
	if (r == 0 && ops->open)
		r = ops->open(s);
	if (r < 0)
		sock_close(s);
	return r;
}

/**
 * sock_catch_up() - Carry out what the application wrote before the request at hand
 *
 * Requests and data come by different descriptors.  A datagram that was
 * written before setsockopt(IP_TTL) must go out with the old value.
 */
void sock_catch_up(struct sock *s)
{
	int pending;

	if (s->type == SOCK_STREAM)
		return;
	for (int i = 0; i < CATCH_UP_MAX && !s->closed; i++) {
		if (ioctl(s->w.fd, FIONREAD, &pending) < 0 || !pending)
			return;
		s->ops->event(s, 0);
	}
}

static bool local_address(const struct sock *s, const struct endpoint *ep)
{
	if (ip_addr_isany_val(ep->ip) || ip_addr_ismulticast(&ep->ip))
		return true;
	return iface_of_address(s->e, &ep->ip) != NULL ||
		(IP_IS_V4_VAL(ep->ip) && (ip4_addr_isloopback(ip_2_ip4(&ep->ip)) ||
					  iface_is_broadcast(s->e, &ep->ip)));
}

/* sock_bind() - bind(2): 0, -EINVAL, -EAFNOSUPPORT, -EADDRNOTAVAIL, -EADDRINUSE */
int sock_bind(struct sock *s, const struct msg_addr *a)
{
	struct endpoint ep;
	int r;

	if (s->ops->bind_addr)
		return s->ops->bind_addr(s, a);
	/* Linux takes AF_UNSPEC for AF_INET's INADDR_ANY (ip(7)) */
	if (s->domain == AF_INET && a->len >= sizeof(struct sockaddr_in) &&
	    a->addr.sa.sa_family == AF_UNSPEC && a->addr.in.sin_addr.s_addr == 0) {
		struct msg_addr any = *a;

		any.addr.sa.sa_family = AF_INET;
		return sock_bind(s, &any);
	}
	r = endpoint_from_msg(a, s->domain, s->o.v6only, &ep);
	if (r < 0)
		return r == -ENETUNREACH ? -EINVAL : r;
	if (s->bound || s->connected)
		return -EINVAL;
	if (s->domain == AF_INET6 && IP_IS_V6_VAL(ep.ip) && ip_addr_isany_val(ep.ip)) {
		uint16_t port = ep.port;

		endpoint_any(AF_INET6, s->o.v6only, &ep);
		ep.port = port;
	}
	if (IP_IS_V6_VAL(ep.ip) && ip_addr_ismulticast(&ep.ip) && s->type == SOCK_STREAM)
		return -EINVAL;
	if (s->o.bindtodevice == 0 && endpoint_lacks_scope(&ep))
		return -EINVAL;
	iface_fix_zone(s->e, &ep.ip);
	if (!s->o.freebind && !s->o.transparent && !local_address(s, &ep))
		return -EADDRNOTAVAIL;
	if (s->o.bind_no_port && !ep.port && (s->ops == &sock_tcp_ops || s->ops == &sock_udp_ops)) {
		s->local.ip = ep.ip;	/* the port comes with connect() or the first send */
		s->bound_ip = !ip_addr_isany_val(ep.ip);
		return 0;
	}
	r = s->ops->bind ? s->ops->bind(s, &ep) : -EOPNOTSUPP;
	if (r == 0) {
		s->bound_ip = !ip_addr_isany_val(ep.ip);
		s->bound_port = ep.port != 0;
	}
	return r;
}

/* sock_connect() - connect(2); a stream's outcome shows on its pair */
int sock_connect(struct sock *s, const struct msg_addr *to, uint32_t plug)
{
	sock_catch_up(s);
	return s->ops->connect ? s->ops->connect(s, to, plug) : -EOPNOTSUPP;
}

/* sock_listen() - listen(2): 0, -EINVAL, -EADDRINUSE, -EOPNOTSUPP */
int sock_listen(struct sock *s, int backlog)
{
	return s->ops->listen ? s->ops->listen(s, backlog) : -EOPNOTSUPP;
}

/* sock_outlook() - What sending a datagram would tell: 0 or -EOPNOTSUPP */
int sock_outlook(struct sock *s, const struct msg_outlook *q, struct msg_verdict *v)
{
	return s->ops->may_send ? dgram_outlook(s, q, v) : -EOPNOTSUPP;
}

/* sock_shutdown() - shutdown(2) of what has no stream: 0, -ENOTCONN, -EINVAL */
int sock_shutdown(struct sock *s, int how)
{
	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return -EINVAL;
	sock_catch_up(s);
	return s->ops->shutdown ? s->ops->shutdown(s, how) : -EOPNOTSUPP;
}

/* sock_urgent() - Bytes behind what was written, the last one urgent: 0, -EPIPE, -ENOBUFS,
 * -EOPNOTSUPP */
int sock_urgent(struct sock *s, const void *data, size_t len)
{
	return s->ops->urgent ? s->ops->urgent(s, data, len) : -EOPNOTSUPP;
}

/* sock_getname() - getsockname(2)/getpeername(2): 0 or -ENOTCONN */
int sock_getname(struct sock *s, bool peer, struct msg_addr *out)
{
	if (s->ops->getname)
		return s->ops->getname(s, peer, out);
	if (peer && (!s->connected || (s->ops == &sock_udp_ops && !s->remote.port)))
		return -ENOTCONN;
	endpoint_to_msg(peer ? &s->remote : &s->local, s->domain, out);
	return 0;
}

/* sock_ring() - setsockopt(PACKET_RX_RING): 0, -EINVAL, -EBUSY, -ENOMEM, -ENOPROTOOPT */
int sock_ring(struct sock *s, const struct msg_ring *shape, int fd)
{
	if (s->ops->ring)
		return s->ops->ring(s, shape, fd);
	close(fd);
	return -ENOPROTOOPT;
}

/* sock_stat() - What a descriptor of unknown history is */
void sock_stat(const struct sock *s, struct msg_stat *out)
{
	*out = (struct msg_stat){
		.domain = s->domain, .type = s->type, .protocol = s->protocol,
		.state = s->ops->state ? s->ops->state(s) :
			s->connected ? MSG_ST_CONNECTED :
			s->bound ? MSG_ST_BOUND : MSG_ST_NEW,
	};
}
