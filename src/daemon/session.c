/* session.c - control connections of the stack's clients
 *
 * Theory of operation
 * A session is one SOCK_SEQPACKET connection; it owns its descriptor and
 * nothing else, for sockets outlive the connection over which they were made.
 * Sessions come from the control socket (same user or root only, unless the
 * configuration shares it by mode= or group=: then whoever the socket's mode
 * lets connect, which the kernel checks; only user and root may end the stack), by
 * MSG_OP_ATTACH from another session, or from the daemon's starter
 * (--control-fd: the owner, with whose end the stack ends).
 *
 * A message is checked (msg_check()) before anyone looks inside; what is
 * malformed ends the session it came by, and no other.  A session has
 * SESSION_BURST messages a wake-up, and as many as the last one suggests, since
 * a look for one that is not there is a system call; epoll is level-triggered,
 * so the rest come next time, after everybody else's.  Replies are sent at once or not at
 * all: who lets its queue of replies fill up loses the session.
 *
 * Sockets are named by id, and two processes may use one: a request can
 * arrive here before the MSG_OP_SOCKET that another process sent earlier.  So
 * a request for an unknown socket first drains the other sessions, then is
 * tried once more.  To bound the work a drained session does not drain in its
 * turn beyond DRAIN_DEPTH, and a session's turn ends with the first drain.
 *
 * A closed session is freed by loop_defer(): events of the same wake-up may
 * still name it, and a drain may be walking over it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/fdio.h"
#include "base/log.h"
#include "daemon/session.h"

#define DRAIN_DEPTH	2
#define ACCEPT_BURST	64
#define ACCEPT_RETRY_NS	(100 * 1000000ull)
#define IDLE_NS		(1000 * 1000000ull)	/* on-demand: end this long after the last user */
#define FIRST_USER_NS	(5000 * 1000000ull)	/* on-demand: the starter's time to connect */

struct session {
	struct server *srv;
	struct session *next, **link;
	struct loop_fd w;
	struct loop_work reap;
	int ask;		/* messages to look for at the next wake-up */
	bool full;		/* the last one had as many as were looked for */
	bool owner;		/* the stack ends with it */
	bool user;		/* asked for more than information */
	bool trusted;		/* our user, or root */
	bool closed;		/* waits to be freed */
	bool busy;		/* its message is being worked on: do not drain it */
};

static void session_reap(struct loop_work *w)
{
	struct session *s = container_of(w, struct session, reap);

	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	free(s);
}

static void session_close(struct session *s)
{
	struct server *srv = s->srv;
	int fd = s->w.fd;

	if (s->closed)
		return;
	s->closed = true;
	loop_fd_del(&s->w);
	close(fd);
	srv->nsession--;
	loop_defer(srv->loop, &s->reap, session_reap);
	if (s->owner)
		server_stop(srv);
	/* who only looked (ustack ls) does not prolong the stack's life */
	if (srv->on_demand && srv->nsession == 0 && (s->user || !srv->idle.loop))
		loop_timer_in(srv->loop, &srv->idle, IDLE_NS);
}

/* nobody waits on a client: a reply that does not fit now ends the session */
static void reply(struct session *s, struct msg *m, int err)
{
	int board = m->hdr.op == MSG_OP_HELLO ? engine_board(s->srv->engine) : -1;
	ssize_t n;

	m->hdr.err = err;
	m->hdr.flags = 0;
	if (err)
		m->hdr.len = 0;
	n = fdio_send(s->w.fd, m, msg_size(m), &board, board >= 0,
		      MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == -ETOOMANYREFS)		/* it can do without */
		n = fdio_send(s->w.fd, m, msg_size(m), NULL, 0, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0)
		return;
	if (n == -EAGAIN || n == -ENOBUFS)
		log_limited(LOG_WARNING, "session on descriptor %d: closed, the client does not read its replies",
			    s->w.fd);
	session_close(s);
}

static int begin(struct server *srv, int fd, bool owner, bool trusted);

static int session_turn(struct session *s, int most, int depth);

/* work off what the other sessions have queued */
static void drain_others(struct server *srv, int depth)
{
	for (struct session *s = srv->sessions; s; s = s->next)
		if (!s->closed && !s->busy)
			session_turn(s, SESSION_BURST, depth);
}

/* carry out a checked request.  False: the session's turn is over. */
static bool dispatch(struct session *s, struct msg *m, int fd, int depth)
{
	bool oneway = m->hdr.flags & MSG_F_ONEWAY, more = true;
	int ret;

	if (m->hdr.op != MSG_OP_HELLO && m->hdr.op != MSG_OP_INFO &&
	    m->hdr.op != MSG_OP_USERS && m->hdr.op != MSG_OP_STOP)
		s->user = true;
	if (m->hdr.op == MSG_OP_ATTACH)
		ret = begin(s->srv, fd, false, s->trusted);
	else
		ret = request_handle(s->srv, m, fd, s->trusted, depth >= DRAIN_DEPTH);
	if (ret == REQUEST_NO_SOCK) {
		drain_others(s->srv, depth + 1);
		more = false;
		if (s->closed)
			return false;
		ret = request_handle(s->srv, m, fd, s->trusted, true);
	}
	if (oneway && ret)
		log_debug("session on descriptor %d: one-way request %d on socket %016llx: %s",
			  s->w.fd, m->hdr.op, (unsigned long long)m->hdr.sock,
			  strerror(-ret));
	else if (!oneway)
		reply(s, m, ret);
	return more && !s->closed;
}

static bool out_of_descriptors(void)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd < 0 && (errno == EMFILE || errno == ENFILE);
}

/* the kernel dropped a descriptor on its way to us: whose fault is it?  When
 * it is our lack of room the socket is lost, its application sees a hang-up,
 * and the session goes on.  The bytes of the message did arrive. */
static bool truncated(struct session *s, struct msg *m)
{
	if (!out_of_descriptors()) {
		log_limited(LOG_WARNING, "session on descriptor %d: closed, a message is too long or has too many descriptors",
			    s->w.fd);
		session_close(s);
		return false;
	}
	log_limited(LOG_ERR, "out of descriptors: a new socket was lost (raise the limit on open files, ulimit -n)");
	if (m->hdr.version == MSG_VERSION && !(m->hdr.flags & MSG_F_ONEWAY))
		reply(s, m, -ENFILE);
	return !s->closed;
}

/* one message: false when there is none now or the session's turn is over */
static bool session_step(struct session *s, int depth)
{
	struct msg m;
	int fds[FDIO_FDS_MAX], nfds = FDIO_FDS_MAX, ret;
	ssize_t n;

	m.hdr = (struct msg_hdr){ 0 };
	n = fdio_recv(s->w.fd, &m, sizeof(m), fds, &nfds, MSG_DONTWAIT);
	if (n == -EAGAIN || n == -EINTR)
		return false;
	if (n == -EMSGSIZE)
		return truncated(s, &m);
	if (n <= 0) {		/* hung up, with ECONNRESET if replies were unread */
		session_close(s);
		return false;
	}
	ret = msg_check(&m, (size_t)n, nfds);
	if (ret) {
		log_limited(LOG_WARNING, "session on descriptor %d: closed, message of %zd bytes with %d descriptors is malformed (op %d, version %d)",
			    s->w.fd, n, nfds, (size_t)n >= sizeof(m.hdr) ? m.hdr.op : 0,
			    (size_t)n >= sizeof(m.hdr) ? m.hdr.version : 0);
		fdio_close_all(fds, nfds);
		session_close(s);
		return false;
	}
	return dispatch(s, &m, nfds ? fds[0] : -1, depth);
}

/* returns how many messages there were, @most at most */
static int session_turn(struct session *s, int most, int depth)
{
	int n = 0;

	s->busy = true;
	while (n < most && session_step(s, depth))
		n++;
	s->busy = false;
	return n;
}

static void session_event(struct loop_fd *w, uint32_t events)
{
	struct session *s = container_of(w, struct session, w);

	int n;

	if (s->closed)
		return;
	n = session_turn(s, s->ask, 0);
	if (n < s->ask) {
		s->ask = n ? n : 1;
		s->full = false;
		return;
	}
	if (s->full)
		s->ask = n < SESSION_BURST / 2 ? n * 2 : SESSION_BURST;
	s->full = true;
}

/* a control connection is a connected AF_UNIX SOCK_SEQPACKET socket */
static int check_socket(int fd)
{
	int domain, type, listening;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0)
		return -errno;
	return domain == AF_UNIX && type == SOCK_SEQPACKET && !listening ?
	       0 : -EPROTOTYPE;
}

/* a session on a descriptor, which is the server's from now on, also on failure */
static int begin(struct server *srv, int fd, bool owner, bool trusted)
{
	struct session *s = NULL;
	int ret = check_socket(fd);

	if (!ret && srv->nsession >= srv->max_sessions)
		ret = -EUSERS;
	if (!ret) {
		s = calloc(1, sizeof(*s));
		ret = s ? loop_fd_add(srv->loop, &s->w, fd, EPOLLIN, session_event) :
			  -ENOMEM;
	}
	if (ret) {
		log_limited(LOG_WARNING, "control connection refused: %s (there are %u sessions, at most %u)",
			    strerror(-ret), srv->nsession, srv->max_sessions);
		free(s);
		close(fd);
		return ret;
	}
	s->srv = srv;
	s->ask = 1;
	s->owner = owner;
	s->trusted = trusted;
	s->next = srv->sessions;
	s->link = &srv->sessions;
	if (s->next)
		s->next->link = &s->next;
	srv->sessions = s;
	srv->nsession++;
	return 0;
}

/**
 * server_attach() - Begin a session of the stack's user on a descriptor
 * @srv:	the server
 * @fd:		control connection; the server's from now on, also on failure
 * @owner:	the stack ends when this session does
 *
 * Return: 0, -EPROTOTYPE (no control connection), -EUSERS (too many
 * sessions), -ENOMEM or another -errno
 */
int server_attach(struct server *srv, int fd, bool owner)
{
	return begin(srv, fd, owner, true);
}

/* the control socket's mode keeps others out; this holds on odd file systems,
 * and for a socket whose mode somebody changed */
static bool authorised(const struct server *srv, int fd, bool *trusted)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return false;
	*trusted = cred.uid == geteuid() || cred.uid == 0;
	if (*trusted || srv->shared)
		return true;
	log_limited(LOG_WARNING, "control connection of pid %d refused: it runs as uid %u (only uid %u and root may use this stack)",
		    (int)cred.pid, (unsigned)cred.uid, (unsigned)geteuid());
	return false;
}

static void accept_again(struct loop_timer *t)
{
	struct server *srv = container_of(t, struct server, retry);

	if (srv->listener.loop)
		loop_fd_mod(&srv->listener, EPOLLIN);
}

/* without a free descriptor the connection stays in the backlog and the
 * listener readable: look away for a moment instead of spinning */
static void accept_failed(struct server *srv, int err)
{
	log_limited(LOG_ERR, "cannot accept a control connection: %s (raise the limit on open files, ulimit -n)",
		    strerror(err));
	loop_fd_mod(&srv->listener, 0);
	loop_timer_in(srv->loop, &srv->retry, ACCEPT_RETRY_NS);
}

static void listener_event(struct loop_fd *w, uint32_t events)
{
	struct server *srv = container_of(w, struct server, listener);

	for (int i = 0; i < ACCEPT_BURST; i++) {
		int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		bool trusted;

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0) {
			if (errno != EAGAIN)
				accept_failed(srv, errno);
			return;
		}
		if (authorised(srv, fd, &trusted))
			begin(srv, fd, false, trusted);
		else
			close(fd);
	}
}

/* on-demand: end when there is neither a process nor a socket.  Sockets go
 * without telling us, so look again as long as only they are left. */
static void idle_check(struct loop_timer *t)
{
	struct server *srv = container_of(t, struct server, idle);

	if (srv->listener.loop)
		listener_event(&srv->listener, EPOLLIN);	/* is somebody at the door? */
	if (srv->nsession > 0)
		return;
	if (engine_nsock(srv->engine) == 0)
		server_stop(srv);
	else
		loop_timer_in(srv->loop, &srv->idle, IDLE_NS);
}

/**
 * server_init() - Prepare for sessions
 * @srv:	filled in
 * @loop, @engine: must outlive @srv
 * @on_demand:	end when nobody uses the stack
 */
void server_init(struct server *srv, struct loop *loop, struct engine *engine,
		 bool on_demand)
{
	struct rlimit lim;

	*srv = (struct server){
		.loop = loop, .engine = engine, .on_demand = on_demand,
		.max_sessions = SESSIONS_MAX,
		.retry.cb = accept_again, .idle.cb = idle_check,
	};
	/* clients' sockets need descriptors, too */
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 &&
	    lim.rlim_cur / 4 < srv->max_sessions)
		srv->max_sessions = (unsigned)(lim.rlim_cur / 4);
	if (on_demand)
		loop_timer_in(loop, &srv->idle, FIRST_USER_NS);
}

/* server_ready() - The starter is not told before now: its time to connect counts from here */
void server_ready(struct server *srv)
{
	if (srv->idle.loop && srv->nsession == 0)
		loop_timer_in(srv->loop, &srv->idle, FIRST_USER_NS);
}

/**
 * server_listen() - Accept sessions on a control socket
 * @fd:		listening, non-blocking; stays the caller's
 *
 * Return: 0 or -errno
 */
int server_listen(struct server *srv, int fd)
{
	return loop_fd_add(srv->loop, &srv->listener, fd, EPOLLIN, listener_event);
}

/**
 * server_user() - The sessions of those who use the stack, not only look at it
 * @i:	from 0 on
 *
 * Return: the session's descriptor, or -1 when there are no more
 */
int server_user(const struct server *srv, unsigned i)
{
	for (const struct session *s = srv->sessions; s; s = s->next)
		if ((s->user || s->owner) && !s->closed && i-- == 0)
			return s->w.fd;
	return -1;
}

/**
 * server_stop() - End the stack: leave the loop after this wake-up
 *
 * on_stop() runs first, so that whoever is told of the end finds that the
 * stack's name leads nowhere any more.
 */
void server_stop(struct server *srv)
{
	if (!srv->stopping && srv->on_stop)
		srv->on_stop(srv->on_stop_arg);
	srv->stopping = true;
	loop_stop(srv->loop);
}

/**
 * server_fini() - End every session
 *
 * The loop no longer runs, so nothing is deferred.  A client that waits for
 * the stack's end sees its connection close: call this last.
 */
void server_fini(struct server *srv)
{
	struct session *s, *next;

	loop_fd_del(&srv->listener);
	loop_timer_del(&srv->retry);
	loop_timer_del(&srv->idle);
	for (s = srv->sessions; s; s = next) {
		next = s->next;
		if (s->closed)
			continue;	/* queued in the loop, which still knows it */
		loop_fd_del(&s->w);
		close(s->w.fd);
		free(s);
	}
	srv->sessions = NULL;
	srv->nsession = 0;
}
