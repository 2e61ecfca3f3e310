/* request.c - carry out what clients ask for
 *
 * Theory of operation
 * One row of a table a request: its handler, whether it names a socket,
 * and what it answers when the stack has no such socket.  A handler gets the
 * message with the request's body and leaves the reply's body in it; sizes
 * have been checked (msg_check()), values are checked by the engine.  Nothing
 * here blocks.  MSG_OP_ATTACH is session.c's own.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/log.h"
#include "daemon/session.h"
#include "proto/sockname.h"

struct request {
	struct server *srv;
	struct msg *m;
	struct sock *sock;	/* rows with needs_sock */
	bool trusted;		/* from the stack's user, or root */
	int fd;			/* MSG_OP_SOCKET, MSG_OP_RING; the handler's to pass on or close */
};

static int do_hello(struct request *r)
{
	r->m->hello = (struct msg_hello){ .version = MSG_VERSION, .pid = getpid() };
	r->m->hdr.len = sizeof(r->m->hello);
	return 0;
}

/* the descriptor is what it is said to be: an AF_UNIX socket that bears this id */
static int check_end(int fd, uint64_t id, int type)
{
	struct sockaddr_un un;
	struct sockname name;
	socklen_t len = sizeof(un);
	int kind;

	if (getsockname(fd, (struct sockaddr *)&un, &len) < 0)
		return -errno;
	if (!sockname_parse(&un, len, &name) || name.id != id)
		return -EPROTOTYPE;
	len = sizeof(kind);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &len) < 0)
		return -errno;
	if (kind != (name.kind == SOCKNAME_STREAM ? SOCK_STREAM : SOCK_SEQPACKET) ||
	    (name.kind == SOCKNAME_STREAM) != (type == SOCK_STREAM))
		return -EPROTOTYPE;
	return 0;
}

static int do_socket(struct request *r)
{
	struct msg_socket how = r->m->socket;
	uint64_t id = r->m->hdr.sock;
	int ret = check_end(r->fd, id, how.type);

	r->m->hdr.len = 0;
	if (ret == 0)
		return engine_socket(r->srv->engine, id, &how, r->fd);
	log_limited(LOG_WARNING, "socket %016llx: refused, its descriptor is not this socket's end: %s",
		    (unsigned long long)id, strerror(-ret));
	close(r->fd);
	return ret;
}

static int do_bind(struct request *r)
{
	struct msg_addr a = r->m->addr;

	r->m->hdr.len = 0;
	return sock_bind(r->sock, &a);
}

static int do_connect(struct request *r)
{
	struct msg_connect c = r->m->connect;

	r->m->hdr.len = 0;
	return sock_connect(r->sock, &c.to, c.plug);
}

static int do_listen(struct request *r)
{
	int backlog = r->m->listen.backlog;

	r->m->hdr.len = 0;
	return sock_listen(r->sock, backlog);
}

static int do_getname(struct request *r)
{
	bool peer = r->m->hdr.op == MSG_OP_GETPEERNAME;

	memset(&r->m->addr, 0, sizeof(r->m->addr));
	r->m->hdr.len = sizeof(r->m->addr);
	return sock_getname(r->sock, peer, &r->m->addr);
}

static void *value(struct msg *m)
{
	return m->raw + sizeof(m->opt);
}

static int do_setsockopt(struct request *r)
{
	struct msg_opt o = r->m->opt;

	r->m->hdr.len = 0;
	return sock_setopt(r->sock, o.level, o.name, value(r->m), o.len);
}

static int do_getsockopt(struct request *r)
{
	struct msg_opt *o = &r->m->opt;
	uint32_t len = o->len;
	int ret;

	if (r->m->hdr.len == sizeof(*o))
		memset(value(r->m), 0, len);
	ret = sock_getopt(r->sock, o->level, o->name, value(r->m), &len);

	if (ret == 0 && len > o->len)
		return -EOVERFLOW;
	o->len = len;
	r->m->hdr.len = (uint16_t)(sizeof(*o) + len);
	return ret;
}

static int do_stat(struct request *r)
{
	memset(&r->m->stat, 0, sizeof(r->m->stat));
	sock_stat(r->sock, &r->m->stat);
	r->m->hdr.len = sizeof(r->m->stat);
	return 0;
}

static int do_shutdown(struct request *r)
{
	int how = r->m->shutdown.how;

	r->m->hdr.len = 0;
	return sock_shutdown(r->sock, how);
}

static int do_urgent(struct request *r)
{
	const struct msg_urgent *u = &r->m->urgent;

	r->m->hdr.len = 0;
	return sock_urgent(r->sock, u->data, u->len);
}

/* interfaces from the hdr.sock-th on, as many as a message holds */
static int do_info(struct request *r)
{
	struct msg_info *info = &r->m->info;
	uint8_t *at = r->m->raw + sizeof(*info);
	uint8_t *end = r->m->raw + sizeof(r->m->raw);
	uint64_t first = r->m->hdr.sock;

	memset(info, 0, sizeof(*info));
	engine_info(r->srv->engine, info);
	info->pid = getpid();
	info->nsession = r->srv->nsession;
	info->nif = 0;
	while (first + info->nif < ENGINE_IFACES &&
	       at + sizeof(struct msg_ifinfo) <= end) {
		struct msg_ifinfo f = { 0 };

		if (!engine_ifinfo(r->srv->engine, (unsigned)first + info->nif, &f))
			break;
		memcpy(at, &f, sizeof(f));
		at += sizeof(f);
		info->nif++;
	}
	r->m->hdr.len = (uint16_t)(at - r->m->raw);
	return 0;
}

static int do_outlook(struct request *r)
{
	struct msg_outlook q = r->m->outlook;

	r->m->hdr.len = sizeof(r->m->verdict);
	return sock_outlook(r->sock, &q, &r->m->verdict);
}

static int do_ring(struct request *r)
{
	struct msg_ring shape = r->m->ring;

	r->m->hdr.len = 0;
	return sock_ring(r->sock, &shape, r->fd);
}

static int do_names(struct request *r)
{
	memset(&r->m->names, 0, sizeof(r->m->names));
	engine_names(r->srv->engine, &r->m->names);
	r->m->hdr.len = sizeof(r->m->names);
	return 0;
}

static int do_proc(struct request *r)
{
	struct msg_proc q = r->m->proc;
	int ret = engine_proc(r->srv->engine, q.name, q.offset, r->m->raw, sizeof(r->m->raw));

	r->m->hdr.len = ret > 0 ? (uint16_t)ret : 0;
	return ret < 0 ? ret : 0;
}

static int do_stop(struct request *r)
{
	if (!r->trusted)
		return -EPERM;
	if (r->m->hdr.sock != MSG_STOP_FORCE && users_any(r->srv))
		return -EBUSY;
	log_info("asked to stop");
	server_stop(r->srv);
	return 0;
}

static int do_users(struct request *r)
{
	if (!r->trusted)
		return -EPERM;
	users_list(r->srv, r->m);
	return 0;
}

static const struct {
	int (*handle)(struct request *r);
	bool needs_sock;
	int unknown;		/* the answer when there is no such socket */
} rows[MSG_OP_COUNT] = {
	[MSG_OP_HELLO]		= { do_hello, false, 0 },
	[MSG_OP_SOCKET]		= { do_socket, false, 0 },
	[MSG_OP_BIND]		= { do_bind, true, -EBADF },
	[MSG_OP_CONNECT]	= { do_connect, true, -EBADF },
	[MSG_OP_LISTEN]		= { do_listen, true, -EBADF },
	[MSG_OP_GETSOCKNAME]	= { do_getname, true, -EBADF },
	[MSG_OP_GETPEERNAME]	= { do_getname, true, -ENOTCONN },
	[MSG_OP_SETSOCKOPT]	= { do_setsockopt, true, -EBADF },
	[MSG_OP_GETSOCKOPT]	= { do_getsockopt, true, -EBADF },
	[MSG_OP_STAT]		= { do_stat, true, -EBADF },
	[MSG_OP_SHUTDOWN]	= { do_shutdown, true, -ENOTCONN },
	[MSG_OP_URGENT]		= { do_urgent, true, -EPIPE },
	[MSG_OP_INFO]		= { do_info, false, 0 },
	[MSG_OP_STOP]		= { do_stop, false, 0 },
	[MSG_OP_RING]		= { do_ring, true, -EBADF },
	[MSG_OP_NAMES]		= { do_names, false, 0 },
	[MSG_OP_PROC]		= { do_proc, false, 0 },
	[MSG_OP_USERS]		= { do_users, false, 0 },
	[MSG_OP_OUTLOOK]	= { do_outlook, true, -EBADF },
};

static bool asks_error(const struct msg *m)
{
	return m->hdr.op == MSG_OP_GETSOCKOPT && m->opt.level == SOL_SOCKET &&
	       m->opt.name == SO_ERROR && m->opt.len >= sizeof(int32_t);
}

/* what a socket that is gone died of; 0 when it was told or never was */
static int answer_epitaph(struct msg *m, int err)
{
	int32_t val = err;

	m->opt.len = sizeof(val);
	memcpy(value(m), &val, sizeof(val));
	m->hdr.len = sizeof(m->opt) + sizeof(val);
	return 0;
}

/* calls that a socket whose connection failed still answers; -ESTALE: it is not one */
static int ask_past(struct engine *e, struct msg *m)
{
	struct msg_opt o = m->opt;
	struct msg_addr name = { 0 };
	uint32_t len = o.len;
	int ret;

	switch (m->hdr.op) {
	case MSG_OP_SETSOCKOPT:
		ret = engine_past_setopt(e, m->hdr.sock, o.level, o.name, value(m), o.len);
		if (ret != -ESTALE)
			m->hdr.len = 0;
		return ret;
	case MSG_OP_GETSOCKOPT:
		ret = engine_past_getopt(e, m->hdr.sock, o.level, o.name, value(m), &len);
		if (ret != -ESTALE) {
			m->opt.len = len;
			m->hdr.len = (uint16_t)(sizeof(m->opt) + len);
		}
		return ret;
	case MSG_OP_GETSOCKNAME:
		ret = engine_past_getname(e, m->hdr.sock, &name);
		if (ret != -ESTALE) {
			m->addr = name;
			m->hdr.len = sizeof(m->addr);
		}
		return ret;
	default:
		return -ESTALE;
	}
}

/**
 * request_handle() - Carry out one request
 * @srv:	the server it came to
 * @m:		the checked request; its reply's body on return of 0
 * @fd:		descriptor that came with it, or -1; consumed, unless
 *		REQUEST_NO_SOCK is returned (no such request has one)
 * @trusted:	the client is the stack's user or root
 * @last:	answer for an unknown socket instead of asking for a retry
 *
 * Return: 0 or -errno for the reply's header, or REQUEST_NO_SOCK
 */
int request_handle(struct server *srv, struct msg *m, int fd, bool trusted, bool last)
{
	struct request r = { .srv = srv, .m = m, .trusted = trusted, .fd = fd };
	int err;

	if (!rows[m->hdr.op].needs_sock)
		return rows[m->hdr.op].handle(&r);
	r.sock = engine_sock(srv->engine, m->hdr.sock);
	if (r.sock)
		return rows[m->hdr.op].handle(&r);
	if (asks_error(m)) {
		/* SO_ERROR is positive; the epitaph is kept either way */
		err = engine_epitaph(srv->engine, m->hdr.sock);
		if (err || last)
			return answer_epitaph(m, err < 0 ? -err : err);
	}
	err = ask_past(srv->engine, m);
	if (err != -ESTALE)
		return err;
	if (!last)
		return REQUEST_NO_SOCK;
	if (fd >= 0)
		close(fd);
	return rows[m->hdr.op].unknown;
}
