/* dgram.c - datagrams between an application's pair and lwIP
 *
 * Theory of operation
 * A record on a SOCK_SEQPACKET pair is a struct dgram_hdr and one datagram
 * (proto/dgram.h).  What is received goes into it in dgram_rx.c.  What the
 * application wrote is read record by record into the engine's scratch buffer
 * and sent at once; what fails is reported by an error record, since write()
 * has returned already.
 *
 * A client knows beforehand what will fail (proto/board.h), and that it has an error
 * record to look for: a socket that got one is counted on the board until its pair
 * is found empty.
 */
#include "engine/sock_dgram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <linux/sockios.h>
#include "engine/board.h"
#include "engine/icmp.h"
#include "engine/iface.h"
#include "engine/priv.h"
#include "lwip/ip.h"
#include "lwip/raw.h"
#include "lwip/udp.h"
#include "port.h"

#define BURST	32		/* datagrams of one socket a wake-up */
#define RX_IOV	64

/* errno_of_lwip() - What a send that lwIP refused is called in POSIX; positive */
int errno_of_lwip(err_t err)
{
	switch (err) {
	case ERR_OK:
		return 0;
	case ERR_RTE:
		return ENETUNREACH;
	case ERR_VAL:
		return EMSGSIZE;
	case ERR_MEM: case ERR_BUF:
		return ENOBUFS;
	case ERR_IF:
		return ENETDOWN;
	default:
		return EIO;
	}
}

/* dgram_init() - Open the taps into lwIP's input; 0 or -ENOMEM */
int dgram_init(struct engine *e)
{
	e->udp_out = udp_new_ip_type(IPADDR_TYPE_ANY);
	e->once = calloc(1, sizeof(*e->once));
	if (!e->udp_out || !e->once || udp_open_input(e) < 0 || icmp_open_input(e) < 0)
		return -ENOMEM;
	return 0;
}

/* dgram_exit() - Close them */
void dgram_exit(struct engine *e)
{
	udp_close_input(e);
	icmp_close_input(e);
	if (e->udp_out)
		udp_remove(e->udp_out);
	e->udp_out = NULL;
	free(e->once);
	e->once = NULL;
}

/* dgram_open() - What a new socket of either kind begins with; 0 or -errno */
int dgram_open(struct sock *s)
{
	burst_init(&dgram(s)->burst);
	return sock_set_sndbuf(s, s->o.rcvbuf);
}

/* ---- errors toward the application ---- */

static void set_erred(struct sock *s, bool erred)
{
	struct dgram_sock *ds = dgram(s), **head = &s->e->erred;
	struct board *b = s->e->board;

	if (erred == !!ds->erred_pprev)
		return;
	if (erred) {
		ds->erred_next = *head;
		ds->erred_pprev = head;
		*head = ds;
		if (ds->erred_next)
			ds->erred_next->erred_pprev = &ds->erred_next;
	} else {
		*ds->erred_pprev = ds->erred_next;
		if (ds->erred_next)
			ds->erred_next->erred_pprev = ds->erred_pprev;
		ds->erred_pprev = NULL;
	}
	board_count(BOARD_AT(b->error, s->id), erred ? 1 : -1);
	board_count(&b->nerror, erred ? 1 : -1);
}

/* dgram_set_deaf() - Can what the socket sends to its peer only come back as an error? */
void dgram_set_deaf(struct sock *s, bool deaf)
{
	if (deaf == dgram(s)->deaf)
		return;
	dgram(s)->deaf = deaf;
	board_count(BOARD_AT(s->e->board->deaf, s->id), deaf ? 1 : -1);
}

/* has the application taken everything? */
static void look_whether_taken(struct sock *s)
{
	int unread;

	if (dgram(s)->erred_pprev && ioctl(s->w.fd, SIOCOUTQ, &unread) == 0 && !unread)
		set_erred(s, false);
}

/* dgram_look_at_erred() - Forget those that have taken their error, and may never send
 * again: clients look closer as long as there are any */
void dgram_look_at_erred(struct engine *e)
{
	for (struct dgram_sock *ds = e->erred, *next; ds; ds = next) {
		next = ds->erred_next;
		look_whether_taken(&ds->s);
	}
}

/**
 * dgram_error() - Tell the application that something it sent failed
 * @err:	errno, positive
 * @peer:	where it was sent to
 * @icmp:	type, code, offender and info if ICMP said so, else NULL
 * @quote:	what it says of the datagram, or NULL
 */
void dgram_error(struct sock *s, int err, const struct endpoint *peer,
		 const struct dgram_hdr *icmp, const struct dgram_quote *quote)
{
	struct dgram_hdr h = { 0 };
	struct iovec iov[2] = { { &h, sizeof(h) } };

	if (quote)
		iov[1] = (struct iovec){ (void *)quote->data, quote->len };
	if (icmp)
		h = *icmp;
	h.version = DGRAM_VERSION;
	h.type = DGRAM_ERROR;
	h.err = err;
	h.stamp_ns = dgram_now();
	endpoint_to_sockaddr(peer, s->domain, &h.peer);
	s->err = err;
	set_erred(s, true);		/* before: who sees the record looks there */
	if (dgram_put(dgram(s), iov, quote ? 2 : 1) < 0)
		look_whether_taken(s);
	if (icmp && s->connected && iface_own_address(s->e, &peer->ip))
		dgram_set_deaf(s, true);
}

/* dgram_wants() - Does a packet fit what the socket is bound and connected to? */
bool dgram_wants(const struct sock *s, const struct dgram_info *info)
{
	if (s->o.bindtodevice && (unsigned)s->o.bindtodevice != info->ifindex)
		return false;
	if (!ip_overlap(&s->local.ip, &info->to.ip))
		return false;
	if (ip_addr_ismulticast(&info->to.ip) &&
	    !multicast_wants(s, &info->to.ip, &info->from.ip, info->ifindex))
		return false;
	return !s->connected || ip_addr_cmp(&s->remote.ip, &info->from.ip);
}

/* ---- from the application ---- */

static void send_failed(struct sock *s, int err, const struct dgram_hdr *h)
{
	struct dgram_hdr local = { 0 };
	struct endpoint to;
	struct netif *n;
	ip_addr_t src;

	if (dgram_dest(s, h, &to) != 0)
		endpoint_any(s->domain, false, &to);
	else if (err == EMSGSIZE && dgram_route(s, h, &to, &src, &n) == 0)
		local.info = iface_mtu(s->e, iface_index_of(n));
	/* IPv4 shows the port of a connection only (ip_append_data()) */
	if (err == EMSGSIZE && IP_IS_V4_VAL(to.ip))
		to.port = s->connected ? s->remote.port : 0;
	dgram_error(s, err, &to, &local, NULL);
}

static int send_record_of(struct sock *s, const struct dgram_hdr *h, uint8_t *data, size_t len,
			  dgram_send_fn *send)
{
	size_t ctl = h->flags & DGRAM_F_CTL ? (size_t)h->err : 0;
	int err = 0;

	if (ctl)
		err = ctl > len || ctl > DGRAM_CTL_MAX ? EINVAL : dgram_take_ctl(s, data, ctl);
	if (!err)
		err = send(s, h, data + ctl, len - ctl);
	s->e->once->has_options = false;
	return err;
}

static bool read_one(struct sock *s, dgram_send_fn *send)
{
	struct engine *e = s->e;
	struct dgram_hdr h;
	ssize_t n = recv(s->w.fd, e->scratch, ENGINE_SCRATCH, MSG_DONTWAIT);
	int err;

	if (n <= 0)
		return false;
	if ((size_t)n < sizeof(h))
		return true;		/* not a record of ours */
	memcpy(&h, e->scratch, sizeof(h));
	if (h.version != DGRAM_VERSION || h.type != DGRAM_DATA || dgram(s)->wr_shut)
		return true;
	err = send_record_of(s, &h, e->scratch + sizeof(h), (size_t)n - sizeof(h), send);
	if (err)
		send_failed(s, err, &h);
	return true;
}

/* dgram_event() - The application wrote or closed */
void dgram_event(struct sock *s, uint32_t events, dgram_send_fn *send)
{
	struct burst *b = &dgram(s)->burst;
	int most = events == EPOLLIN ? b->ask : BURST, i = 0;

	look_whether_taken(s);
	while (!s->closed && i < most && read_one(s, send))
		i++;
	burst_got(b, i, BURST);
	if (i < most && (events & EPOLLHUP) && !s->closed)
		sock_close(s);
}

/**
 * dgram_outlook() - What sending a datagram would tell
 *
 * What was sent before is sent, and received if it was to the stack itself; the
 * socket has a port afterwards.
 *
 * Return: 0, with v->err
 */
int dgram_outlook(struct sock *s, const struct msg_outlook *q, struct msg_verdict *v)
{
	struct dgram_hdr h = {
		.version = DGRAM_VERSION, .type = DGRAM_DATA, .flags = (uint16_t)q->flags,
		.peer = q->to, .local = q->local, .ifindex = q->ifindex, .info = q->segment,
	};

	sock_catch_up(s);
	engine_deliver_loopback();
	if (s->closed)
		return -ENOTCONN;
	look_whether_taken(s);
	if (!dgram(s)->erred_pprev)
		dgram_set_deaf(s, false);
	v->err = s->ops->autobind ? s->ops->autobind(s) : 0;
	if (!v->err && q->judge)
		v->err = s->ops->may_send(s, &h, q->size);
	/* with the MTU, for the error queue (ip_local_error()) */
	if (v->err == EMSGSIZE && (s->o.recverr || s->o.recverr6))
		send_failed(s, EMSGSIZE, &h);
	return 0;
}

/* what bind(2) did not ask for by name is given up (__udp_disconnect()) */
static void dissolve(struct sock *s)
{
	struct endpoint any;

	s->connected = false;
	dgram_set_deaf(s, false);
	endpoint_any(s->domain, s->o.v6only, &s->remote);
	endpoint_any(s->domain, s->o.v6only, &any);
	if (!s->bound_port) {
		ports_release(s);
		s->autobound = false;
		s->local.port = 0;
	}
	if (!s->bound_ip)
		ip_addr_copy(s->local.ip, any.ip);
}

/**
 * dgram_connect() - connect(2) of a datagram socket; AF_UNSPEC dissolves it
 * @ports:	where a local port is taken from if there is none yet, or NULL
 *
 * Return: 0, -EINVAL, -EAFNOSUPPORT, -ENETUNREACH, -EACCES, -EAGAIN
 */
int dgram_connect(struct sock *s, const struct msg_addr *to, struct portset *ports)
{
	struct dgram_hdr h = { .peer = to->addr };
	struct endpoint ep, local;
	struct netif *n;
	ip_addr_t src;
	int r;

	if (to->len >= sizeof(sa_family_t) && to->addr.sa.sa_family == AF_UNSPEC) {
		dissolve(s);
		return 0;
	}
	/* an AF_INET address will do on a dual-stack socket (ip6_datagram_connect()) */
	r = endpoint_from_msg(to, to->addr.sa.sa_family == AF_INET && !s->o.v6only ? AF_INET
										  : s->domain,
			      s->o.v6only, &ep);
	if (r < 0)
		return r;
	r = dgram_route(s, &h, &ep, &src, &n);
	if (r)
		return -r;
	if (!s->bound && ports) {
		local = (struct endpoint){ .ip = s->local.ip };
		r = ports_bind(ports, s, &local, NULL);
		if (r < 0)
			return -EAGAIN;
		s->autobound = true;
	}
	if (ip_addr_isany_val(s->local.ip))
		ip_addr_copy(s->local.ip, src);
	s->remote = ep;
	s->connected = true;
	return 0;
}

/* RFC 3542: interface and source address of all that is sent */
static int set_pktinfo6(struct sock *s, const void *val, uint32_t len)
{
	union msg_sockaddr sa = { .in6 = { .sin6_family = AF_INET6 } };
	struct in6_pktinfo pi = { 0 };
	struct endpoint ep;

	if (len && len < sizeof(pi))
		return -EINVAL;
	if (len)
		memcpy(&pi, val, sizeof(pi));
	if (pi.ipi6_ifindex && s->o.bindtodevice &&
	    (unsigned)s->o.bindtodevice != pi.ipi6_ifindex)
		return -EINVAL;
	if (pi.ipi6_ifindex && !iface_netif(s->e, pi.ipi6_ifindex))
		return -ENODEV;
	sa.in6.sin6_addr = pi.ipi6_addr;
	sa.in6.sin6_scope_id = pi.ipi6_ifindex;
	if (endpoint_from_sockaddr(&sa, AF_INET6, true, &ep) < 0)
		return -EINVAL;
	iface_fix_zone(s->e, &ep.ip);
	if (!ip_addr_isany_val(ep.ip) && !iface_of_address(s->e, &ep.ip))
		return -EINVAL;
	dgram(s)->sticky_if = pi.ipi6_ifindex;
	dgram(s)->sticky_src = ep.ip;
	return 0;
}

/* dgram_setopt() - Options that all datagram kinds have; 0, -ENOPROTOOPT or another
 * -errno */
int dgram_setopt(struct sock *s, int level, int name, const void *val, uint32_t len)
{
	if (level == IPPROTO_IPV6 && name == IPV6_PKTINFO && s->domain == AF_INET6)
		return set_pktinfo6(s, val, len);
	if (level == IPPROTO_IP && name == IP_OPTIONS)
		return dgram_set_options(s, val, len);
	if (level == IPPROTO_UDP && s->ops == &sock_udp_ops && len < sizeof(int))
		return -EINVAL;
	return multicast_setopt(s, level, name, val, len);
}

/* dgram_getopt() - The same for getsockopt(2) */
int dgram_getopt(struct sock *s, int level, int name, void *val, uint32_t *len)
{
	if (level == IPPROTO_IP && name == IP_OPTIONS) {
		dgram_get_options(s, val, len);
		return 0;
	}
	return multicast_getopt(s, level, name, val, len);
}

/* dgram_destroy() - Give up what all datagram kinds may have */
void dgram_destroy(struct sock *s)
{
	multicast_leave_all(s);
	set_erred(s, false);
	dgram_set_deaf(s, false);
	free(dgram(s)->options);
	dgram(s)->options = NULL;
}

/* dgram_shutdown() - shutdown(2): 0 or -ENOTCONN, and carried out in any case */
int dgram_shutdown(struct sock *s, int how)
{
	if (how != SHUT_WR)
		dgram(s)->rd_shut = true;
	if (how != SHUT_RD)
		dgram(s)->wr_shut = true;
	return s->connected ? 0 : -ENOTCONN;
}
