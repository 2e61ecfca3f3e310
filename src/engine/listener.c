/* listener.c - listening sockets and the way of a connection to accept()
 *
 * Theory of operation
 * lwIP answers SYNs while passive_open() lets it: not beyond SYN_MAX half-open
 * connections a listener, and not while the accept queue is longer than the
 * backlog, as Linux does.  An established connection gets its pair at once;
 * the application's end travels over the listener's pair as SCM_RIGHTS on a
 * struct msg_accept, which accept() reads.  What does not fit in the pair
 * (its buffer, or the limit of descriptors in flight) waits in our queue.
 *
 * With SO_REUSEPORT each listener has a PCB, lwIP finds the first, and the
 * connection is given to one of the group by a hash of its peer.
 *
 * With TCP_DEFER_ACCEPT a connection is not queued before its peer's first bytes or
 * FIN lie in its pair, or the time is over; until then it counts as half open.
 */
#include "engine/tcp.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include "base/fdio.h"
#include "base/log.h"
#include "engine/priv.h"
#include "port.h"

#define SYN_MAX		1024		/* half-open connections a listener */
#define NS_PER_S	1000000000ull
#define RETRY_NS	(20 * 1000000ull)	/* when too many descriptors are in flight */

/* shared by a listener and its half-open connections, which may outlive it */
struct synq {
	unsigned refs, half_open;
};

struct pending {
	struct pending *next, **pprev;	/* pprev: of the deferred ones */
	struct tcp_sock *owner, *child;	/* of a deferred one: listener and connection */
	struct loop_timer timer;	/* ends its being deferred */
	int app_fd;
	struct msg_accept rec;
};

struct listener {
	struct tcp_pcb *pcb;
	struct synq *synq;
	unsigned backlog;
	struct pending *head, **tail;
	unsigned queued;
	struct pending *deferred;	/* TCP_DEFER_ACCEPT: their peers have said nothing yet */
	unsigned ndeferred;
	int rec_cost;			/* what one record weighs in the pair (SIOCOUTQ) */
	bool blocked;			/* EPOLLOUT is armed */
	struct loop_timer retry;
	struct tcp_sock *owner;
};

static void synq_put(struct synq *q)
{
	if (--q->refs == 0)
		free(q);
}

static void half_open_gone(u8_t id, void *data)
{
	struct synq *q = data;

	if (q) {
		q->half_open--;
		synq_put(q);
	}
}

static const struct tcp_ext_arg_callbacks half_open_callbacks = {
	.destroy = half_open_gone,
};

static int in_pair(const struct tcp_sock *ts)
{
	int n;

	if (ts->lst->rec_cost <= 0 || ioctl(ts->s.w.fd, SIOCOUTQ, &n) < 0)
		return 0;
	return n / ts->lst->rec_cost;
}

static err_t passive_open(u8_t id, struct tcp_pcb_listen *lpcb, struct tcp_pcb *pcb)
{
	struct tcp_sock *ts = lpcb->callback_arg;
	struct listener *l = ts->lst;

	if (l->synq->half_open + l->ndeferred >= SYN_MAX) {
		log_limited(LOG_WARNING, "port %u: %u half-open connections; SYN dropped",
			    ts->s.local.port, l->synq->half_open + l->ndeferred);
		return ERR_MEM;
	}
	if (l->queued + (unsigned)in_pair(ts) > l->backlog)
		return ERR_MEM;		/* the peer repeats its SYN */
	/* lwIP took its largest window when it saw the peer's scaling option;
	 * our SYN|ACK must not record more than we mean to offer */
	pcb->rcv_wnd = pcb->rcv_ann_wnd = tcp_sock_window(&ts->s.o, pcb);
	tcp_sock_apply_hops(&ts->s.o, IP_IS_V6_VAL(pcb->remote_ip), pcb);
	l->synq->half_open++;
	l->synq->refs++;
	tcp_ext_arg_set(pcb, TCP_EXT_ID, l->synq);
	tcp_ext_arg_set_callbacks(pcb, TCP_EXT_ID, &half_open_callbacks);
	return ERR_OK;
}

static const struct tcp_ext_arg_callbacks no_callbacks;

static const struct tcp_ext_arg_callbacks listen_callbacks = {
	.passive_open = passive_open,
};

static struct pending *pop(struct listener *l)
{
	struct pending *p = l->head;

	l->head = p->next;
	if (!l->head)
		l->tail = &l->head;
	l->queued--;
	return p;
}

static void on_retry(struct loop_timer *t)
{
	listener_push(container_of(t, struct listener, retry)->owner);
}

static void watch(struct tcp_sock *ts, bool out)
{
	if (ts->lst->blocked == out)
		return;
	ts->lst->blocked = out;
	loop_fd_mod(&ts->s.w, EPOLLIN | EPOLLRDHUP | EPOLLET | (out ? EPOLLOUT : 0));
}

/* 0: delivered; -EAGAIN: wait for room; other: the application shut it down */
static int deliver(struct tcp_sock *ts, struct pending *p)
{
	struct listener *l = ts->lst;
	bool first = l->rec_cost == 0;
	ssize_t n = fdio_send(ts->s.w.fd, &p->rec, sizeof(p->rec), &p->app_fd, 1,
			      MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n == -ETOOMANYREFS || n == -ENOBUFS || n == -ENOMEM) {
		loop_timer_in(ts->s.e->loop, &l->retry, RETRY_NS);
		return -EAGAIN;
	}
	if (n == -EAGAIN) {
		watch(ts, true);
		return -EAGAIN;
	}
	if (n >= 0 && first && ioctl(ts->s.w.fd, SIOCOUTQ, &l->rec_cost) < 0)
		l->rec_cost = 0;
	return n < 0 ? (int)n : 0;
}

static void refuse(struct engine *e, struct pending *p)
{
	struct sock *child = engine_sock(e, p->rec.sock);

	if (child) {
		tcp_sock_abort((struct tcp_sock *)child);
		sock_close(child);
	}
	close(p->app_fd);
	free(p);
}

/* listener_push() - Hand queued connections to the application */
void listener_push(struct tcp_sock *ts)
{
	struct listener *l = ts->lst;

	if (!l)
		return;
	watch(ts, false);
	while (l->head) {
		int r = deliver(ts, l->head);
		struct pending *p;

		if (r == -EAGAIN)
			return;
		p = pop(l);
		if (r < 0) {
			refuse(ts->s.e, p);
		} else {
			close(p->app_fd);
			free(p);
		}
	}
}

static void enqueue(struct tcp_sock *ts, struct pending *p)
{
	p->next = NULL;
	*ts->lst->tail = p;
	ts->lst->tail = &p->next;
	ts->lst->queued++;
	if (!ts->lst->blocked)
		listener_push(ts);
}

/* ---- TCP_DEFER_ACCEPT: a connection is shown once there is something to read */

static struct pending *undefer(struct tcp_sock *child)
{
	struct pending *p = child->deferred;

	child->deferred = NULL;
	*p->pprev = p->next;
	if (p->next)
		p->next->pprev = p->pprev;
	p->owner->lst->ndeferred--;
	loop_timer_del(&p->timer);
	return p;
}

/* listener_show() - The peer of a deferred connection spoke, or closed */
void listener_show(struct tcp_sock *child)
{
	struct pending *p = undefer(child);

	enqueue(p->owner, p);
}

/* listener_hide() - A connection ends; nobody is to see it if it is still deferred */
void listener_hide(struct tcp_sock *child)
{
	struct pending *p;

	if (!child->deferred)
		return;
	p = undefer(child);
	close(p->app_fd);
	free(p);
}

static void on_deferred_long(struct loop_timer *t)
{
	listener_show(container_of(t, struct pending, timer)->child);
}

static void defer(struct tcp_sock *ts, struct tcp_sock *child, struct pending *p)
{
	struct listener *l = ts->lst;

	p->owner = ts;
	p->child = child;
	p->next = l->deferred;
	if (p->next)
		p->next->pprev = &p->next;
	p->pprev = &l->deferred;
	l->deferred = p;
	l->ndeferred++;
	child->deferred = p;
	p->timer.cb = on_deferred_long;
	loop_timer_in(ts->s.e->loop, &p->timer, (uint64_t)ts->s.o.defer_accept * NS_PER_S);
}

/* listener_queue() - How many connections wait for accept(2), and may */
void listener_queue(const struct tcp_sock *ts, uint32_t *queued, uint32_t *backlog)
{
	*queued = ts->lst->queued + (unsigned)in_pair(ts);
	*backlog = ts->lst->backlog;
}

static uint32_t mix(uint32_t h)
{
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	return h;
}

static uint32_t peer_hash(const struct tcp_pcb *pcb)
{
	uint32_t h = pcb->remote_port * 0x9e3779b1u;

	if (IP_IS_V4_VAL(pcb->remote_ip))
		return mix(h ^ ip4_addr_get_u32(ip_2_ip4(&pcb->remote_ip)));
	for (int i = 0; i < 4; i++)
		h = mix(h ^ ip_2_ip6(&pcb->remote_ip)->addr[i]);
	return h;
}

static bool same_group(const struct sock *a, const struct sock *b)
{
	return b->o.reuseport && b->local.port == a->local.port &&
		a->o.bindtodevice == b->o.bindtodevice &&
		((const struct tcp_sock *)b)->phase == TCP_LISTENING &&
		ip_addr_cmp(&a->local.ip, &b->local.ip);
}

/* SO_REUSEPORT: which listener of the group gets the connection */
static struct tcp_sock *choose(struct tcp_sock *ts, const struct tcp_pcb *pcb)
{
	struct sock *s = &ts->s, *o;
	unsigned n = 0, want;

	if (!s->o.reuseport)
		return ts;
	for (o = ports_first(&s->e->tcp_ports, s->local.port); o; o = o->port_next)
		n += same_group(s, o);
	want = n ? peer_hash(pcb) % n : 0;
	for (o = ports_first(&s->e->tcp_ports, s->local.port); o; o = o->port_next)
		if (same_group(s, o) && want-- == 0)
			return (struct tcp_sock *)o;
	return ts;
}

static err_t accept_cb(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct tcp_sock *ts = arg, *child;
	struct pending *p;
	struct synq *q;

	if (err != ERR_OK || !pcb)
		return ERR_VAL;
	q = tcp_ext_arg_get(pcb, TCP_EXT_ID);
	tcp_ext_arg_set(pcb, TCP_EXT_ID, NULL);
	half_open_gone(TCP_EXT_ID, q);
	ts = choose(ts, pcb);
	p = calloc(1, sizeof(*p));
	child = p ? tcp_sock_accepted(ts, pcb, &p->app_fd) : NULL;
	if (!child) {
		log_limited(LOG_ERR, "port %u: cannot accept a connection: %s; reset",
			    ts->s.local.port, strerror(errno));
		free(p);
		return ERR_MEM;		/* lwIP sends the RST */
	}
	endpoint_to_sockaddr(&child->s.remote, child->s.domain, &p->rec.peer);
	endpoint_to_sockaddr(&child->s.local, child->s.domain, &p->rec.local);
	p->rec.sock = child->s.id;
	p->rec.sndbuf = child->s.o.sndbuf_set ? (uint32_t)child->s.o.sndbuf / 2 : 0;
	if (ts->s.o.defer_accept)
		defer(ts, child, p);
	else
		enqueue(ts, p);
	/* the application may be gone, and the connection reset with it */
	return child->s.closed ? ERR_ABRT : ERR_OK;
}

static unsigned clamp_backlog(int backlog)
{
	return backlog < 0 || backlog > SOMAXCONN_LINUX ? SOMAXCONN_LINUX : (unsigned)backlog;
}

static struct tcp_pcb *listening_pcb(struct tcp_sock *ts)
{
	struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(&ts->s.local.ip)), *lpcb;
	err_t err;

	if (!pcb)
		return NULL;
	pcb->local_ip = ts->s.local.ip;
	pcb->local_port = ts->s.local.port;
	pcb->netif_idx = (u8_t)ts->s.o.bindtodevice;
	lpcb = tcp_listen_with_backlog_and_err(pcb, 255, &err);
	if (!lpcb) {
		tcp_abort(pcb);
		return NULL;
	}
	tcp_arg(lpcb, ts);
	tcp_accept(lpcb, accept_cb);
	tcp_ext_arg_set(lpcb, TCP_EXT_ID, NULL);
	tcp_ext_arg_set_callbacks(lpcb, TCP_EXT_ID, &listen_callbacks);
	return lpcb;
}

/* listener_start() - listen(2), or a new backlog: 0 or -ENOMEM */
int listener_start(struct tcp_sock *ts, int backlog)
{
	struct listener *l = ts->lst;

	if (l) {
		l->backlog = clamp_backlog(backlog);
		return 0;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->synq = calloc(1, sizeof(*l->synq));
	l->pcb = l->synq ? listening_pcb(ts) : NULL;
	if (!l->pcb) {
		free(l->synq);
		free(l);
		return -ENOMEM;
	}
	l->synq->refs = 1;
	l->backlog = clamp_backlog(backlog);
	l->tail = &l->head;
	l->retry.cb = on_retry;
	l->owner = ts;
	ts->lst = l;
	ts->phase = TCP_LISTENING;
	return 0;
}

/* listener_stop() - Stop listening; what nobody accepted is reset */
void listener_stop(struct tcp_sock *ts)
{
	struct listener *l = ts->lst;

	if (!l)
		return;
	while (l->deferred)
		sock_close(&l->deferred->child->s);
	ts->lst = NULL;
	tcp_arg(l->pcb, NULL);
	tcp_ext_arg_set_callbacks(l->pcb, TCP_EXT_ID, &no_callbacks);
	tcp_close(l->pcb);
	loop_timer_del(&l->retry);
	while (l->head)
		refuse(ts->s.e, pop(l));
	synq_put(l->synq);
	free(l);
}
