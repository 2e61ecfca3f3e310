/* sock_tcp.c - TCP sockets: connect, accept, the end of a connection
 *
 * Theory of operation
 * A stream socket is NEW (maybe bound), then CONNECTING or LISTENING, then
 * CONNECTED.  The PCB is made by connect() or listen(), never before: until
 * then a local port is only an entry in the port table, and lwIP's tcp_bind(),
 * which walks all PCBs, is not called.  Who learns of what:
 *   established	connected_cb drains the plug: the application's end turns
 *		writable
 *   refused, timed out, reset	err_cb; our end is closed (native ECONNRESET)
 *		and the errno kept for SO_ERROR
 *   PCB freed by lwIP in silence	the ext_arg's destroy callback
 * A PCB that lwIP finishes alone (FIN_WAIT, TIME_WAIT) is detached: none of
 * its callbacks points to us any more.
 */
#include "engine/tcp.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "base/log.h"
#include "engine/iface.h"
#include "engine/priv.h"
#include "lwip/priv/tcp_priv.h"
#include "port.h"

#define NS_PER_MS	1000000ull
#define NS_PER_S	1000000000ull
#define WND_MIN		(8 * 1024)
#define TCP_RX_WINDOW	(256 * 1024)	/* unread bytes a connection may cost us, by default */

static struct tcp_sock *tcp(struct sock *s)
{
	return (struct tcp_sock *)s;
}

static void pcb_destroyed(u8_t id, void *data)
{
	struct tcp_sock *ts = data;

	if (!ts)
		return;
	ts->pcb = NULL;
	if (ts->phase == TCP_CONNECTED)
		xfer_dirty(ts);
}

static const struct tcp_ext_arg_callbacks ext_callbacks = {
	.destroy = pcb_destroyed,
};

/* tcp_sock_detach() - Leave the PCB to lwIP */
void tcp_sock_detach(struct tcp_sock *ts)
{
	struct tcp_pcb *pcb = ts->pcb;

	if (!pcb)
		return;
	ts->pcb = NULL;
	tcp_ext_arg_set(pcb, TCP_EXT_ID, NULL);
	tcp_arg(pcb, NULL);
	tcp_recv(pcb, NULL);
	tcp_sent(pcb, NULL);
	tcp_err(pcb, NULL);
}

/* tcp_sock_abort() - RST, and forget the connection; the socket stays */
void tcp_sock_abort(struct tcp_sock *ts)
{
	struct tcp_pcb *pcb = ts->pcb;

	tcp_sock_detach(ts);
	if (pcb && pcb->state != TIME_WAIT)
		tcp_abort(pcb);
	xfer_forget(ts);
}

static int errno_of(const struct tcp_sock *ts, err_t err)
{
	if (err == ERR_RST && ts->phase == TCP_CONNECTING)
		return ECONNREFUSED;
	if (err == ERR_RST)		/* tcp_reset(): in CLOSE_WAIT it is a broken pipe */
		return ts->rx_fin && !ts->fin_sent ? EPIPE : ECONNRESET;
	if (err == ERR_ABRT)
		return ts->soft_err ? ts->soft_err : ETIMEDOUT;
	return err == ERR_MEM ? ENOBUFS : ECONNABORTED;
}

/* the PCB is gone already when lwIP calls this */
static void err_cb(void *arg, err_t err)
{
	struct tcp_sock *ts = arg;

	if (!ts || ts->s.closed)
		return;
	ts->pcb = NULL;
	if (err == ERR_CLSD) {		/* both FINs are through */
		xfer_dirty(ts);
		return;
	}
	if (ts->phase == TCP_CONNECTED)
		xfer_reset(ts, errno_of(ts, err));
	else
		sock_fail(&ts->s, errno_of(ts, err));
}

/* tcp_sock_icmp() - ICMP told of a failure toward the peer (RFC 5461): fatal
 * while connecting, else only the name of a later time-out */
void tcp_sock_icmp(struct tcp_sock *ts, int err, bool hard)
{
	ts->soft_err = err;
	if (ts->phase == TCP_CONNECTING && hard) {
		struct tcp_pcb *pcb = ts->pcb;

		tcp_sock_detach(ts);
		if (pcb)
			tcp_close(pcb);		/* SYN_SENT: frees it, sends nothing */
		sock_fail(&ts->s, err);
	}
}

static void set_keepalive(struct tcp_sock *ts, struct tcp_pcb *pcb)
{
	const struct sockopt *o = &ts->s.o;

	if (o->keepalive)
		ip_set_option(pcb, SOF_KEEPALIVE);
	else
		ip_reset_option(pcb, SOF_KEEPALIVE);
	pcb->keep_idle = (u32_t)o->keepidle * 1000;
	pcb->keep_intvl = (u32_t)o->keepintvl * 1000;
	pcb->keep_cnt = (u32_t)o->keepcnt;
	if (o->keepalive)
		port_tcp_wake(pcb);	/* it has something to time now */
}

/* tcp_sock_apply_hops() - Give a PCB, which may be half open, the hop limit and class of a
 * socket */
void tcp_sock_apply_hops(const struct sockopt *o, bool v6, struct tcp_pcb *pcb)
{
	pcb->ttl = v6 ? (u8_t)(o->hops < 0 ? 64 : o->hops) : (u8_t)o->ttl;
	pcb->tos = v6 ? (u8_t)(o->tclass < 0 ? 0 : o->tclass) : (u8_t)o->tos;
}

/* tcp_sock_apply_opts() - Bring a PCB in line with the socket's options */
void tcp_sock_apply_opts(struct tcp_sock *ts, struct tcp_pcb *pcb)
{
	const struct sockopt *o = &ts->s.o;

	set_keepalive(ts, pcb);
	tcp_sock_apply_hops(o, IP_IS_V6_VAL(ts->s.remote.ip), pcb);
	pcb->netif_idx = (u8_t)o->bindtodevice;
}

static void adopt_pcb(struct tcp_sock *ts, struct tcp_pcb *pcb)
{
	ts->pcb = pcb;
	tcp_ext_arg_set(pcb, TCP_EXT_ID, ts);
	tcp_ext_arg_set_callbacks(pcb, TCP_EXT_ID, &ext_callbacks);
	tcp_arg(pcb, ts);
	tcp_recv(pcb, xfer_recv_cb);
	tcp_sent(pcb, xfer_sent_cb);
	tcp_err(pcb, err_cb);
	tcp_sock_apply_opts(ts, pcb);
}

static void read_endpoints(struct tcp_sock *ts)
{
	ts->s.local.ip = ts->pcb->local_ip;
	ts->s.local.port = ts->pcb->local_port;
	ts->s.remote.ip = ts->pcb->remote_ip;
	ts->s.remote.port = ts->pcb->remote_port;
	ts->s.connected = true;
}

/* ---- connect ---- */

/* take the filler out of the pair, but for one byte (see xfer.c) */
static void unplug(struct tcp_sock *ts)
{
	uint8_t buf[4096];

	while (ts->plug > 1) {
		size_t want = ts->plug - 1 < sizeof(buf) ? ts->plug - 1 : sizeof(buf);
		ssize_t n = recv(ts->s.w.fd, buf, want, MSG_DONTWAIT);

		if (n <= 0)
			break;
		ts->plug -= (uint32_t)n;
	}
	ts->kept = ts->plug;
	ts->nkept = ts->plug ? 1 : 0;
}

/* tcp_sock_mss() - TCP_MAXSEG of a connection's socket, or of the listener of one that is
 * half open; 0: none */
unsigned tcp_sock_mss(const struct tcp_pcb *pcb)
{
	const struct tcp_sock *ts = pcb->callback_arg;

	if (pcb->state == SYN_RCVD)
		ts = pcb->listener ? pcb->listener->callback_arg : NULL;
	return ts ? (unsigned)ts->s.o.maxseg : 0;
}

/**
 * tcp_sock_window() - The receive window a connection is to have
 * @o:		options of its socket
 * @pcb:	the connection; without window scaling the window has 16 bits
 *
 * Return: bytes: what SO_RCVBUF says, else enough for a fast link
 */
uint32_t tcp_sock_window(const struct sockopt *o, const struct tcp_pcb *pcb)
{
	uint32_t w = o->rcvbuf_set ? (uint32_t)o->rcvbuf : TCP_RX_WINDOW;

	if (w < WND_MIN)
		w = WND_MIN;
	return w > TCP_WND_MAX(pcb) ? TCP_WND_MAX(pcb) : w;
}

/* when the SYNs are through, since lwIP sets its own window on the way; the
 * edge that was announced stays (RFC 9293 3.8.6) */
static void set_window(struct tcp_sock *ts)
{
	ts->rx_wnd = tcp_sock_window(&ts->s.o, ts->pcb);
	ts->pcb->rcv_wnd = ts->rx_wnd;
	tcp_update_rcv_ann_wnd(ts->pcb);
}

static err_t connected_cb(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct tcp_sock *ts = arg;

	port_tcp_established(pcb);
	port_tcp_set_congestion(pcb, ts->s.o.congestion);
	port_tcp_set_thin(pcb, ts->s.o.thin);
	ts->phase = TCP_CONNECTED;
	read_endpoints(ts);
	set_window(ts);
	unplug(ts);
	xfer_start(ts);
	port_tcp_hold_ack(pcb);
	ts->ack_held = true;
	return ERR_OK;
}

static void on_connect_deadline(struct loop_timer *t)
{
	struct tcp_sock *ts = container_of(t, struct tcp_sock, timer);

	tcp_sock_icmp(ts, ts->soft_err ? ts->soft_err : ETIMEDOUT, true);
}

static void arm_connect_deadline(struct tcp_sock *ts)
{
	const struct sockopt *o = &ts->s.o;
	/* SYNCNT retries, each waiting twice as long as the one before */
	uint64_t ns = (uint64_t)SYN_RTO_S * NS_PER_S * ((2ull << (o->syncnt < 20 ? o->syncnt : 20)) - 1);

	if (o->user_timeout > 0)
		ns = (uint64_t)o->user_timeout * NS_PER_MS;
	ts->timer.cb = on_connect_deadline;
	loop_timer_in(ts->s.e->loop, &ts->timer, ns);
}

static int choose_local(struct tcp_sock *ts, const struct endpoint *to)
{
	struct sock *s = &ts->s;
	struct netif *netif;
	ip_addr_t src;

	if (!route_source(&to->ip, &src, &netif))
		return ENETUNREACH;
	if (!ip_addr_isany_val(s->local.ip))
		src = s->local.ip;
	if (s->o.freebind && !s->o.transparent && !iface_of_address(s->e, &src))
		return ENETUNREACH;	/* Linux has no route from an address that is not its own */
	if (IP_GET_TYPE(&src) != IP_GET_TYPE(&to->ip))
		return EINVAL;
	if (s->bound) {
		if (!ports_tuple_free(&src, s->local.port, to))
			return EADDRNOTAVAIL;
	} else {
		int r = ports_bind_tuple(&s->e->tcp_ports, s, &src, to);

		if (r < 0)
			return -r;
	}
	s->local.ip = src;
	return 0;
}

static int start_connect(struct tcp_sock *ts, const struct endpoint *to)
{
	struct tcp_pcb *pcb;
	int err = choose_local(ts, to);

	if (err)
		return err;
	pcb = tcp_new_ip_type(IP_GET_TYPE(&to->ip));
	if (!pcb)
		return ENOBUFS;
	ts->s.remote = *to;
	adopt_pcb(ts, pcb);
	pcb->local_ip = ts->s.local.ip;
	pcb->local_port = ts->s.local.port;
	ts->phase = TCP_CONNECTING;
	switch (tcp_connect(pcb, &to->ip, to->port, connected_cb)) {
	case ERR_OK:
		arm_connect_deadline(ts);
		return 0;
	case ERR_RTE:
		return ENETUNREACH;
	default:
		return ENOBUFS;
	}
}

/* listeners of ours that are closed by now must not accept it, though the loop has yet
 * to tell us of that */
static void reap_listeners(struct engine *e, const struct endpoint *to)
{
	struct sock *s, *next;

	if (!iface_own_address(e, &to->ip))
		return;
	for (s = ports_first(&e->tcp_ports, to->port); s; s = next) {
		next = s->port_next;
		if (s->local.port == to->port && tcp(s)->phase == TCP_LISTENING)
			sock_reap(s);
	}
}

/* a stream's connect() is one-way: what fails, fails on the pair */
static int tcp_op_connect(struct sock *s, const struct msg_addr *to, uint32_t plug)
{
	struct tcp_sock *ts = tcp(s);
	struct endpoint ep;
	int r;

	if (to->len >= sizeof(sa_family_t) && to->addr.sa.sa_family == AF_UNSPEC) {
		if (ts->phase == TCP_CONNECTED || ts->phase == TCP_CONNECTING)
			sock_fail(s, ECONNRESET);	/* tcp_disconnect() */
		return 0;
	}
	if (ts->phase != TCP_NEW)
		return ts->phase == TCP_CONNECTING ? -EALREADY : -EISCONN;
	ts->plug = plug;
	r = -endpoint_from_msg(to, s->domain, s->o.v6only, &ep);
	if (r == 0) {
		if (ip_addr_isany_val(ep.ip))	/* Linux: the host itself */
			ip_loopback(IP_IS_V6_VAL(ep.ip), &ep.ip);
		iface_fix_zone(s->e, &ep.ip);
		if (endpoint_lacks_scope(&ep))
			r = EINVAL;
		else if (ip_addr_ismulticast(&ep.ip) || iface_is_broadcast(s->e, &ep.ip))
			r = ENETUNREACH;
	}
	if (r == 0) {
		reap_listeners(s->e, &ep);
		r = start_connect(ts, &ep);
	}
	if (r)
		sock_fail(s, r);
	return 0;
}

/* ---- accepted connections ---- */

/**
 * tcp_sock_accepted() - Make the socket of a connection that a peer opened
 * @parent:	the listening socket, whose options are inherited
 * @pcb:	established
 * @app_fd:	set to the application's end, the caller's to pass on and close
 *
 * Return: the socket, or NULL with errno (descriptors or memory are short)
 */
struct tcp_sock *tcp_sock_accepted(struct tcp_sock *parent, struct tcp_pcb *pcb, int *app_fd)
{
	struct engine *e = parent->s.e;
	uint64_t id = sockname_new_id();
	struct tcp_sock *ts;
	struct stat st;
	int fds[2], r;

	r = sockname_pair(SOCKNAME_STREAM, id, e->path, fds);
	if (r < 0) {
		errno = -r;
		return NULL;
	}
	ts = (struct tcp_sock *)sock_alloc(e, &sock_tcp_ops, id, parent->s.domain,
					   SOCK_STREAM, parent->s.protocol);
	if (!ts) {
		close(fds[0]);
		close(fds[1]);
		errno = ENOMEM;
		return NULL;
	}
	ts->s.o = parent->s.o;
	ts->s.uid = sock_uid(&parent->s);
	ts->s.uid_known = true;
	ts->s.inode = fstat(fds[0], &st) < 0 ? 0 : (uint32_t)st.st_ino;
	ts->s.o.priority = 0;		/* a child does not inherit this one, nor ... */
	ts->s.o.fastopen = 0;
	ts->s.o.inq = 0;
	ts->phase = TCP_CONNECTED;
	if (send(fds[0], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
		ts->kept = ts->nkept = 1;
	if (ts->s.o.oobinline)
		setsockopt(fds[0], SOL_SOCKET, SO_OOBINLINE, &ts->s.o.oobinline, sizeof(int));
	r = sock_attach(&ts->s, fds[1], EPOLLIN | EPOLLRDHUP | EPOLLET);
	if (r < 0) {
		close(fds[0]);
		sock_close(&ts->s);
		errno = -r;
		return NULL;
	}
	if (ts->s.o.rcvbuf_set)
		sock_set_sndbuf(&ts->s, ts->s.o.rcvbuf / 2);
	adopt_pcb(ts, pcb);
	read_endpoints(ts);
	set_window(ts);
	tcp_sock_apply_opts(ts, pcb);
	port_tcp_established(pcb);
	port_tcp_set_congestion(pcb, ts->s.o.congestion);
	port_tcp_set_thin(pcb, ts->s.o.thin);
	*app_fd = fds[0];
	xfer_start(ts);
	return ts;
}

/* ---- calls ---- */

struct holder {
	const struct endpoint *ep;
	bool found;
};

static bool is_holder(const struct tcp_pcb *pcb, void *arg)
{
	struct holder *h = arg;

	h->found = pcb->local_port == h->ep->port && ip_overlap(&h->ep->ip, &pcb->local_ip);
	return !h->found;
}

/* what the port table does not know: accepted connections, and those that
 * lwIP is finishing.  Only without SO_REUSEADDR, as in Linux; not on a
 * per-packet path */
static bool lwip_holds(const struct sock *s, const struct endpoint *ep)
{
	struct holder h = { .ep = ep };

	if (!s->o.reuseaddr)
		pcbtable_foreach(is_holder, &h);
	return h.found;
}

static int tcp_op_bind(struct sock *s, const struct endpoint *ep)
{
	if (tcp(s)->phase != TCP_NEW)
		return -EINVAL;
	return ports_bind(&s->e->tcp_ports, s, ep, lwip_holds);
}

static int tcp_op_listen(struct sock *s, int backlog)
{
	struct tcp_sock *ts = tcp(s);

	if (ts->phase != TCP_NEW && ts->phase != TCP_LISTENING)
		return -EINVAL;
	if (!s->bound) {
		struct endpoint own = { .ip = s->local.ip };
		int r = ports_bind(&s->e->tcp_ports, s, &own, lwip_holds);

		if (r < 0)
			return r;
	}
	if (ts->phase == TCP_NEW && !ports_may_listen(&s->e->tcp_ports, s))
		return -EADDRINUSE;
	return listener_start(ts, backlog);
}

/* take everything out of a pair, so that closing it shows no error */
static void empty_pair(int fd)
{
	uint8_t buf[4096];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

/* shutdown(2) of a connected stream happens on the pair; here comes what has
 * no pair to show it on: a listener ends, and so does an attempt to connect, as in
 * inet_shutdown() */
static int tcp_op_shutdown(struct sock *s, int how)
{
	struct tcp_sock *ts = tcp(s);

	if (ts->phase == TCP_LISTENING && how != SHUT_WR) {
		empty_pair(s->w.fd);
		sock_fail(s, 0);
		return 0;
	}
	if (ts->phase == TCP_CONNECTING) {
		sock_fail(s, ECONNRESET);
		return 0;
	}
	return ts->phase == TCP_CONNECTED ? 0 : -ENOTCONN;
}

static int tcp_op_urgent(struct sock *s, const void *data, size_t len)
{
	struct tcp_sock *ts = tcp(s);

	return ts->phase == TCP_CONNECTED ? xfer_urgent(ts, data, len) : -EPIPE;
}

static enum msg_state tcp_op_state(const struct sock *s)
{
	const struct tcp_sock *ts = (const struct tcp_sock *)s;

	switch (ts->phase) {
	case TCP_CONNECTING:
		return MSG_ST_CONNECTING;
	case TCP_LISTENING:
		return MSG_ST_LISTENING;
	case TCP_CONNECTED:
		return ts->pcb ? MSG_ST_CONNECTED : MSG_ST_CLOSED;
	default:
		return s->bound ? MSG_ST_BOUND : MSG_ST_NEW;
	}
}

static void tcp_op_event(struct sock *s, uint32_t events)
{
	struct tcp_sock *ts = tcp(s);

	switch (ts->phase) {
	case TCP_CONNECTED:
		xfer_event(ts, events);
		return;
	case TCP_LISTENING:
		if (events & EPOLLHUP)
			sock_close(s);
		else
			listener_push(ts);
		return;
	default:
		if (events & EPOLLHUP) {
			sock_close(s);
			return;
		}
		if (events & EPOLLRDHUP)	/* shut down while connecting */
			ts->app_rdhup = true;
	}
}

static void tcp_op_destroy(struct sock *s)
{
	struct tcp_sock *ts = tcp(s);
	struct tcp_pcb *pcb = ts->pcb;

	if (ts->phase == TCP_LISTENING)
		listener_stop(ts);
	listener_hide(ts);
	xfer_undirty(ts);
	tcp_sock_detach(ts);
	/* SYN_SENT: frees the PCB without a word, as Linux does; else a RST,
	 * unless all is said and only our FIN is on its way */
	if (pcb && pcb->state == SYN_SENT)
		tcp_close(pcb);
	else if (pcb && pcb->state != TIME_WAIT &&
		 !(ts->fin_sent && !pcb->unsent && !ts->tx_head))
		tcp_abort(pcb);
	xfer_forget(ts);
}

const struct sock_ops sock_tcp_ops = {
	.name = "tcp",
	.size = sizeof(struct tcp_sock),
	.bind = tcp_op_bind,
	.connect = tcp_op_connect,
	.listen = tcp_op_listen,
	.shutdown = tcp_op_shutdown,
	.urgent = tcp_op_urgent,
	.setopt = tcp_setopt,
	.getopt = tcp_getopt,
	.opt_changed = tcp_opt_changed,
	.event = tcp_op_event,
	.state = tcp_op_state,
	.destroy = tcp_op_destroy,
};
