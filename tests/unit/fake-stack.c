/* fake-stack.c - a test double of ustackd
 *
 * Theory of operation
 * One epoll loop.  A stream that connects to a listener of the same fake stack
 * gets a new pair, whose application's end goes to the listener; bytes are copied
 * between the daemon's ends.  The first byte in a daemon's end (kept) was
 * worked off already and stays unread, so that a close is a reset.
 * Memory is never freed: a fake stack lives for a test.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/fdio.h"
#include "fake-stack.h"
#include "proto/dgram.h"
#include "proto/msg.h"
#include "proto/sockname.h"

enum kind { LISTENER, SESSION, STREAM, DGRAM };

struct node {
	enum kind kind;
	int fd;
	struct node *next;
	uint64_t id;
	struct msg_socket how;
	struct msg_addr local, peer;
	enum msg_state state;
	int err;			/* epitaph */
	struct node *other;		/* the connection's other side */
	unsigned kept, fin;
	uint32_t seen;			/* EPOLL* of a stream so far */
	uint64_t due;			/* something happens at that time */
	int opts[64];			/* by name & 63, SOL_SOCKET or not */
};

struct fake_outlook *fake_outlook;
int fake_board = -1;

static struct node *nodes;
static int ep;
static uint16_t next_port = 40000;
static const char *control_path;

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static struct node *add(enum kind kind, int fd)
{
	struct node *n = calloc(1, sizeof(*n));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = n };

	n->kind = kind;
	n->fd = fd;
	n->next = nodes;
	nodes = n;
	if (kind == STREAM)
		ev.events |= EPOLLET | EPOLLRDHUP | EPOLLOUT;
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	return n;
}

static void end(struct node *n, int error)
{
	if (n->fd < 0)
		return;
	close(n->fd);
	n->fd = -1;
	n->err = error;
	n->state = MSG_ST_CLOSED;
	if (n->other)
		n->other->other = NULL;
	n->other = NULL;
}

static struct node *by_id(uint64_t id)
{
	for (struct node *n = nodes; n; n = n->next)
		if (n->id == id)
			return n;
	return NULL;
}

static struct node *by_port(enum kind kind, uint16_t port)
{
	for (struct node *n = nodes; n; n = n->next)
		if (n->kind == kind && n->fd >= 0 && n->local.addr.in.sin_port == port &&
		    (kind != STREAM || n->state == MSG_ST_LISTENING))
			return n;
	return NULL;
}

static void name(struct msg_addr *a, int domain)
{
	if (a->addr.sa.sa_family == AF_UNSPEC) {
		a->addr.sa.sa_family = (sa_family_t)domain;
		if (domain == AF_INET)
			a->addr.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		else
			a->addr.in6.sin6_addr = in6addr_loopback;
	}
	if (!a->addr.in.sin_port)
		a->addr.in.sin_port = htons(next_port++);
	a->len = domain == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

/* --- streams --- */

static void established(struct node *n, uint32_t plug)
{
	char buf[8192];

	if (plug > 1 && recv(n->fd, buf, plug - 1, 0) != (ssize_t)plug - 1)
		errx(1, "fake stack: the plug is not %u bytes long", plug);
	n->kept = plug ? 1 : 0;
	n->state = MSG_ST_CONNECTED;
}

static void pump(struct node *n, uint32_t events)
{
	char buf[65536];
	ssize_t got, put = 0;

	while (n->other) {
		got = recv(n->fd, buf, sizeof(buf), MSG_PEEK);
		if (got <= (ssize_t)n->kept)
			break;
		put = send(n->other->fd, buf + n->kept, (size_t)got - n->kept, MSG_NOSIGNAL);
		if (put <= 0)
			break;
		got = put + n->kept - 1;	/* the last one sent stays */
		if (got && recv(n->fd, buf, (size_t)got, 0) != got)
			errx(1, "fake stack: bytes vanished");
		n->kept = 1;
	}
	n->seen |= events;
	if (!(n->seen & (EPOLLRDHUP | EPOLLHUP)) ||
	    (n->other && recv(n->fd, buf, sizeof(buf), MSG_PEEK) > (ssize_t)n->kept))
		return;
	if (n->other && n->seen & EPOLLERR)
		end(n->other, ECONNRESET);
	else if (n->other && !n->fin)
		shutdown(n->other->fd, SHUT_WR);
	n->fin = 1;
	if (n->seen & EPOLLHUP)
		end(n, 0);
}

static void stream_event(struct node *n, uint32_t events)
{
	struct node *other = n->other;
	char byte;

	if (n->state == MSG_ST_NEW || n->state == MSG_ST_BOUND || n->state == MSG_ST_LISTENING) {
		if (events & EPOLLHUP)
			end(n, 0);
		return;
	}
	if (n->state != MSG_ST_CONNECTED)
		return;
	if (n->peer.addr.in.sin_port == htons(FAKE_PORT_RESET)) {
		if (recv(n->fd, &byte, 1, MSG_PEEK) == 1 && events & EPOLLIN && n->due == 0 &&
		    recv(n->fd, (char[2]){ 0 }, 2, MSG_PEEK) == 2)
			end(n, ECONNRESET);
		return;
	}
	pump(n, events);
	if (other && events & EPOLLOUT && other->other)
		pump(other, 0);
}

static void connect_stream(struct node *n, const struct msg_connect *c)
{
	uint16_t port = ntohs(c->to.addr.in.sin_port);
	struct msg_accept a = { 0 };
	struct node *l, *s;
	int pair[2];

	n->state = MSG_ST_CONNECTING;
	n->peer = c->to;
	name(&n->local, n->how.domain);
	if (port == FAKE_PORT_SILENT)
		return;
	if (port == FAKE_PORT_LATE || port == FAKE_PORT_TIMEOUT) {
		n->due = now_ms() + FAKE_DELAY_MS;
		n->kept = c->plug;
		return;
	}
	if (port == FAKE_PORT_RESET) {
		established(n, c->plug);
		return;
	}
	l = by_port(STREAM, c->to.addr.in.sin_port);
	if (!l) {
		end(n, ECONNREFUSED);
		return;
	}
	a.sock = sockname_new_id();
	a.peer = n->local.addr;
	a.local = n->peer.addr;
	if (sockname_pair(SOCKNAME_STREAM, a.sock, control_path, pair))
		errx(1, "fake stack: no pair");
	if (write(pair[0], "k", 1) != 1 || fdio_send(l->fd, &a, sizeof(a), pair, 1, 0) < 0)
		err(1, "fake stack: handing over a connection");
	close(pair[0]);
	s = add(STREAM, pair[1]);
	s->id = a.sock;
	s->kept = 1;
	s->how = l->how;
	s->state = MSG_ST_CONNECTED;
	s->local = n->peer;
	s->peer = n->local;
	s->other = n;
	n->other = s;
	established(n, c->plug);
}

static int timers(void)
{
	int wait = 1000;

	for (struct node *n = nodes; n; n = n->next) {
		uint64_t t = now_ms();
		int plug = (int)n->kept;

		if (!n->due || n->fd < 0)
			continue;
		if (t < n->due) {
			if ((int)(n->due - t) < wait)
				wait = (int)(n->due - t);
			continue;
		}
		n->due = 0;
		if (n->peer.addr.in.sin_port == htons(FAKE_PORT_LATE))
			established(n, (uint32_t)plug);
		else
			end(n, ETIMEDOUT);
	}
	return wait;
}

/* --- datagrams --- */

static void dgram_event(struct node *n)
{
	struct {
		struct dgram_hdr h;
		char data[65536];
	} d;
	ssize_t got = recv(n->fd, &d, sizeof(d), 0);
	struct node *to;
	struct dgram_hdr back = { .version = DGRAM_VERSION, .type = DGRAM_ERROR };

	if (got <= 0) {
		if (got == 0)
			end(n, 0);
		return;
	}
	if (d.h.peer.sa.sa_family == AF_UNSPEC)
		d.h.peer = n->peer.addr;
	name(&n->local, n->how.domain);
	to = by_port(DGRAM, d.h.peer.in.sin_port);
	if (!to) {
		back.err = ECONNREFUSED;
		back.peer = d.h.peer;
		back.icmp_type = 3;
		back.icmp_code = 3;
		back.offender = d.h.peer;
		send(n->fd, &back, sizeof(back), MSG_NOSIGNAL);
		return;
	}
	d.h.local = d.h.peer;
	d.h.peer = n->local.addr;
	d.h.ifindex = 1;
	if (!(d.h.flags & DGRAM_F_TTL))
		d.h.ttl = 64;
	send(to->fd, &d, (size_t)got, MSG_NOSIGNAL);
}

/* --- requests --- */

static int *opt(struct node *n, const struct msg_opt *o)
{
	return &n->opts[(o->name & 31) + (o->level == SOL_SOCKET ? 0 : 32)];
}

static int set_opt(struct node *n, struct msg *m)
{
	int v;

	memcpy(&v, m->raw + sizeof(m->opt), sizeof(v));
	if (m->opt.level == SOL_SOCKET && (m->opt.name == SO_SNDBUF || m->opt.name == SO_RCVBUF))
		v *= 2;
	*opt(n, &m->opt) = v;
	return 0;
}

static int get_opt(uint64_t id, struct node *n, struct msg *m)
{
	int v;

	if (!n)
		return -EBADF;
	if (m->opt.level == SOL_SOCKET && m->opt.name == SO_ERROR) {
		v = n->err;
		n->err = 0;
	} else if (n->fd < 0) {
		return -EBADF;
	} else {
		v = *opt(n, &m->opt);
	}
	m->opt.len = sizeof(v);
	memcpy(m->raw + sizeof(m->opt), &v, sizeof(v));
	m->hdr.len = sizeof(m->opt) + sizeof(v);
	return 0;
}

static int bind_node(struct node *n, struct msg_addr *a)
{
	if (n->state != MSG_ST_NEW)
		return -EINVAL;
	if (a->addr.sa.sa_family != n->how.domain)
		return -EAFNOSUPPORT;
	for (struct node *o = nodes; o; o = o->next)
		if (o != n && o->kind == n->kind && o->fd >= 0 && a->addr.in.sin_port &&
		    o->local.addr.in.sin_port == a->addr.in.sin_port)
			return -EADDRINUSE;
	n->local = *a;
	name(&n->local, n->how.domain);
	n->state = MSG_ST_BOUND;
	return 0;
}

static int info(struct msg *m)
{
	struct msg_ifinfo f = {
		.name = "fake0", .index = 7, .flags = IFF_UP | IFF_BROADCAST | IFF_RUNNING,
		.mtu = 1400, .naddr = 1, .mac = { 2, 0, 0, 0, 0, 7 },
	};

	memset(&m->info, 0, sizeof(m->info));
	f.addr[0].addr.in.sin_family = AF_INET;
	f.addr[0].addr.in.sin_addr.s_addr = inet_addr("10.9.8.7");
	f.addr[0].prefixlen = 24;
	f.addr[0].broadcast = inet_addr("10.9.8.255");
	f.addr[0].peer = inet_addr("10.9.8.7");
	strcpy(f.addr[0].label, "fake0");
	m->info.nif = m->hdr.sock == 0;
	memcpy(m->raw + sizeof(m->info), &f, sizeof(f));
	m->hdr.len = (uint16_t)(sizeof(m->info) + m->info.nif * sizeof(f));
	return 0;
}

static int on_socket(struct node *n, struct msg *m)
{
	struct msg_addr a = m->addr;

	m->hdr.len = 0;
	switch (m->hdr.op) {
	case MSG_OP_BIND:
		return bind_node(n, &a);
	case MSG_OP_CONNECT:
		if (n->kind == STREAM) {
			struct msg_connect c = m->connect;

			connect_stream(n, &c);
			return 0;
		}
		n->peer = a;
		return 0;
	case MSG_OP_LISTEN:
		name(&n->local, n->how.domain);
		n->state = MSG_ST_LISTENING;
		return 0;
	case MSG_OP_GETSOCKNAME:
	case MSG_OP_GETPEERNAME:
		a = m->hdr.op == MSG_OP_GETSOCKNAME ? n->local : n->peer;
		if (m->hdr.op == MSG_OP_GETPEERNAME && !a.addr.in.sin_port)
			return -ENOTCONN;
		if (!a.addr.sa.sa_family)
			a.addr.sa.sa_family = (sa_family_t)n->how.domain;
		m->addr = a;
		m->hdr.len = sizeof(a);
		return 0;
	case MSG_OP_STAT:
		memset(&m->stat, 0, sizeof(m->stat));
		m->hdr.len = sizeof(m->stat);
		return 0;
	case MSG_OP_SHUTDOWN:
		if (n->state == MSG_ST_LISTENING) {
			char plug[256];

			while (recv(n->fd, plug, sizeof(plug), MSG_DONTWAIT) > 0)
				;
			end(n, 0);
			return 0;
		}
		if (n->kind == DGRAM && !n->peer.addr.in.sin_port)
			return -ENOTCONN;
		return 0;
	case MSG_OP_SETSOCKOPT:
		return set_opt(n, m);
	}
	return -EOPNOTSUPP;
}

static int outlook(struct msg *m)
{
	if (!fake_outlook)
		return -EOPNOTSUPP;
	if (m->outlook.judge)
		fake_outlook->asked++;
	else
		fake_outlook->settled++;
	m->verdict.err = m->outlook.judge ? fake_outlook->verdict : 0;
	m->hdr.len = sizeof(m->verdict);
	return 0;
}

static int request(struct msg *m, int fd)
{
	struct node *n = m->hdr.op == MSG_OP_INFO || m->hdr.op == MSG_OP_NAMES ? NULL : by_id(m->hdr.sock);

	switch (m->hdr.op) {
	case MSG_OP_HELLO:
		m->hello.version = MSG_VERSION;
		m->hello.pid = getpid();
		m->hdr.len = sizeof(m->hello);
		return 0;
	case MSG_OP_ATTACH:
		add(SESSION, fd);
		return 0;
	case MSG_OP_INFO:
		return info(m);
	case MSG_OP_NAMES:
		memset(&m->names, 0, sizeof(m->names));
		m->hdr.len = sizeof(m->names);
		return 0;
	case MSG_OP_SOCKET:
		n = add(m->socket.type == SOCK_STREAM ? STREAM : DGRAM, fd);
		n->id = m->hdr.sock;
		n->how = m->socket;
		return 0;
	case MSG_OP_GETSOCKOPT:
		return get_opt(m->hdr.sock, n, m);
	case MSG_OP_OUTLOOK:
		return outlook(m);
	}
	return n && n->fd >= 0 ? on_socket(n, m) : -EBADF;
}

static void session_event(struct node *n)
{
	struct msg m;
	int fd = -1, nfds = 1, ret;
	ssize_t got = fdio_recv(n->fd, &m, sizeof(m), &fd, &nfds, MSG_DONTWAIT);

	if (got == -EAGAIN)
		return;
	if (got <= 0) {
		end(n, 0);
		return;
	}
	ret = msg_check(&m, (size_t)got, nfds);
	if (ret)
		errx(1, "fake stack: malformed message, op %d: %s", m.hdr.op, strerror(-ret));
	ret = request(&m, fd);
	if (m.hdr.flags & MSG_F_ONEWAY)
		return;
	m.hdr.err = ret;
	if (ret)
		m.hdr.len = 0;
	fdio_send(n->fd, &m, msg_size(&m), &fake_board, m.hdr.op == MSG_OP_HELLO && fake_board >= 0, 0);
}

static void serve(int lfd)
{
	ep = epoll_create1(EPOLL_CLOEXEC);
	add(LISTENER, lfd);
	for (;;) {
		struct epoll_event ev;
		struct node *n;
		int fd;

		if (epoll_wait(ep, &ev, 1, timers()) != 1)
			continue;
		n = ev.data.ptr;
		if (n->fd < 0)
			continue;
		switch (n->kind) {
		case LISTENER:
			fd = accept4(n->fd, NULL, NULL, SOCK_CLOEXEC);
			if (fd >= 0)
				add(SESSION, fd);
			break;
		case SESSION:
			session_event(n);
			break;
		case STREAM:
			stream_event(n, ev.events);
			break;
		case DGRAM:
			dgram_event(n);
			break;
		}
	}
}

/* fake_stack_restart() - Start the daemon, under the path that was chosen */
void fake_stack_restart(struct fake_stack *f)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	unlink(f->path);
	strcpy(un.sun_path, f->path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 || listen(fd, 64) < 0)
		err(1, "fake stack: %s", f->path);
	f->pid = fork();
	if (f->pid < 0)
		err(1, "fork");
	if (f->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		control_path = f->path;
		serve(fd);
	}
	close(fd);
}

/* fake_stack_start() - Choose a path and start a daemon there */
void fake_stack_start(struct fake_stack *f)
{
	strcpy(f->dir, "/tmp/ustack-fake-XXXXXX");
	if (!mkdtemp(f->dir))
		err(1, "%s", f->dir);
	snprintf(f->path, sizeof(f->path), "%s/s", f->dir);
	fake_stack_restart(f);
}

/* fake_stack_kill() - The daemon dies without a word */
void fake_stack_kill(struct fake_stack *f)
{
	if (f->pid <= 0)
		return;
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	f->pid = 0;
}

/* fake_stack_stop() - End the daemon and clean up */
void fake_stack_stop(struct fake_stack *f)
{
	fake_stack_kill(f);
	unlink(f->path);
	rmdir(f->dir);
}
