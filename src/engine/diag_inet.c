/* diag_inet.c - TCP, UDP, UDP-Lite and raw sockets by sock_diag: struct inet_diag_msg
 *
 * Theory of operation
 * A TCP connection is shown when lwIP has it: half open, established, or
 * being finished after its application left (inode 0, as in Linux); a listener
 * when the engine has it.  A UDP socket is shown once it has a port, a raw
 * socket always.  A socket of AF_INET6 is AF_INET6 all its life, whatever
 * it is connected to.
 *
 * First a struct view is made, which is what filters look at and costs no
 * system call; queues and options are asked for when it is told.
 *
 * The cookie is the socket's id, which SO_COOKIE tells, too.  What has no socket
 * gets a hash of its addresses and ports.
 */
#include "engine/diag_priv.h"

#include <errno.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <linux/tcp.h>
#include "base/hash.h"
#include "engine/iface.h"
#include "engine/sock_dgram.h"
#include "engine/tcp.h"
#include "lwip/priv/tcp_priv.h"
#include "port.h"

/* include/net/tcp_states.h */
#define ST_ESTABLISHED	1
#define ST_SYN_RECV	3
#define ST_TIME_WAIT	6
#define ST_CLOSE	7
#define ST_LISTEN	10

struct view {
	struct sock *s;			/* NULL: there is only a connection */
	const struct tcp_pcb *pcb;	/* NULL: there is only a socket */
	uint8_t state;
	int family;
	uint64_t cookie;
	uint16_t sport, dport;
	uint32_t src[4], dst[4], ifindex;	/* network order; AF_INET: one word */
};

static struct tcp_sock *tcp_of(const struct view *v)
{
	return v->s && v->s->type == SOCK_STREAM ? (struct tcp_sock *)v->s : NULL;
}

static void set_addr(struct view *v, const struct endpoint *ep, uint32_t addr[4])
{
	union msg_sockaddr sa;

	endpoint_to_sockaddr(ep, v->family, &sa);
	if (v->family == AF_INET) {
		addr[0] = sa.in.sin_addr.s_addr;
		return;
	}
	memcpy(addr, &sa.in6.sin6_addr, 16);
	if (sa.in6.sin6_scope_id && !v->ifindex)
		v->ifindex = sa.in6.sin6_scope_id;
}

/* remote NULL: none, which is all zero in both families */
static void set_ends(struct view *v, const struct endpoint *local, const struct endpoint *remote)
{
	v->sport = local->port;
	set_addr(v, local, v->src);
	if (!remote)
		return;
	v->dport = remote->port;
	set_addr(v, remote, v->dst);
}

/* a socket; false: it is not to be seen, or it is seen by its connection */
static bool view_sock(struct sock *s, int protocol, struct view *v)
{
	const struct tcp_sock *ts = (const struct tcp_sock *)s;

	memset(v, 0, sizeof(*v));
	v->s = s;
	v->family = s->domain;
	v->cookie = s->id;
	v->ifindex = (uint32_t)s->o.bindtodevice;
	if (protocol == IPPROTO_TCP) {
		v->state = ST_LISTEN;
		set_ends(v, &s->local, NULL);
		return s->ops == &sock_tcp_ops && ts->phase == TCP_LISTENING;
	}
	v->state = s->connected ? ST_ESTABLISHED : ST_CLOSE;
	set_ends(v, &s->local, s->connected ? &s->remote : NULL);
	if (protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE)
		return s->ops == &sock_udp_ops && s->local.port &&
			is_udplite(s) == (protocol == IPPROTO_UDPLITE);
	v->sport = (uint16_t)s->protocol;	/* as Linux shows it */
	v->dport = 0;
	return s->ops == &sock_raw_ops;
}

static uint64_t pcb_cookie(const struct view *v)
{
	struct {
		uint32_t src[4], dst[4];
		uint16_t sport, dport;
	} t = { .sport = v->sport, .dport = v->dport };

	memcpy(t.src, v->src, sizeof(t.src));
	memcpy(t.dst, v->dst, sizeof(t.dst));
	return hash_fnv1a(&t, sizeof(t));
}

/* whose half-open connection is this?  (struct tcp_sock begins with it) */
static struct sock *listener_of(const struct tcp_pcb *pcb)
{
	return pcb && pcb->listener ? pcb->listener->callback_arg : NULL;
}

static void view_pcb(const struct tcp_pcb *pcb, struct view *v)
{
	struct endpoint local = { pcb->local_ip, pcb->local_port };
	struct endpoint remote = { pcb->remote_ip, pcb->remote_port };
	const struct sock *parent = pcb->state == SYN_RCVD ? listener_of(pcb) : NULL;
	struct tcp_sock *ts = pcb->state == SYN_RCVD ? NULL : tcp_ext_arg_get(pcb, TCP_EXT_ID);

	memset(v, 0, sizeof(*v));
	v->pcb = pcb;
	v->s = ts ? &ts->s : NULL;
	v->state = tcp_linux_state(pcb);
	v->family = v->s ? v->s->domain : parent ? parent->domain :
		IP_IS_V6_VAL(pcb->local_ip) ? AF_INET6 : AF_INET;
	v->ifindex = pcb->netif_idx;
	set_ends(v, &local, &remote);
	v->cookie = v->s ? v->s->id : pcb_cookie(v);
}

/* ---- one answer ---- */

static void put_memory(struct nlbuf *b, const struct view *v, const struct inet_diag_msg *m,
		       uint8_t ext)
{
	uint32_t mem[SK_MEMINFO_VARS] = { 0 };
	struct inet_diag_meminfo old;

	mem[SK_MEMINFO_RMEM_ALLOC] = v->state == ST_LISTEN ? 0 : (uint32_t)sock_unread(v->s);
	mem[SK_MEMINFO_RCVBUF] = (uint32_t)v->s->o.rcvbuf;
	mem[SK_MEMINFO_SNDBUF] = (uint32_t)v->s->o.sndbuf;
	if (v->pcb)
		mem[SK_MEMINFO_WMEM_QUEUED] = m->idiag_wqueue;
	if (!tcp_of(v))
		mem[SK_MEMINFO_DROPS] = (uint32_t)((const struct dgram_sock *)v->s)->drops;
	old = (struct inet_diag_meminfo){
		.idiag_rmem = mem[SK_MEMINFO_RMEM_ALLOC], .idiag_wmem = mem[SK_MEMINFO_WMEM_QUEUED],
	};
	if (ext & 1 << (INET_DIAG_MEMINFO - 1))
		nl_put(b, INET_DIAG_MEMINFO, &old, sizeof(old));
	if (ext & 1 << (INET_DIAG_SKMEMINFO - 1))
		nl_put(b, INET_DIAG_SKMEMINFO, mem, sizeof(mem));
}

static uint8_t shutdowns(const struct view *v)
{
	const struct tcp_sock *ts = tcp_of(v);
	const struct dgram_sock *ds = (const struct dgram_sock *)v->s;

	if (ts)
		return (uint8_t)((ts->rx_fin || ts->rx_closed ? 1 : 0) |
				 (ts->app_rdhup || ts->app_hup ? 2 : 0));
	return (uint8_t)((ds->rd_shut ? 1 : 0) | (ds->wr_shut ? 2 : 0));
}

static void put_options(struct nlbuf *b, const struct view *v, uint8_t ext)
{
	const struct sockopt *o = &v->s->o;
	struct inet_diag_sockopt flags = {
		.recverr = o->recverr & 1, .is_icsk = v->s->type == SOCK_STREAM,
		.hdrincl = o->hdrincl & 1, .mc_loop = o->mcast_loop & 1, .mc_all = 1,
	};

	nl_put_u8(b, INET_DIAG_SHUTDOWN, shutdowns(v));
	if (ext & 1 << (INET_DIAG_TOS - 1))
		nl_put_u8(b, INET_DIAG_TOS, (uint8_t)o->tos);
	if (v->family == AF_INET6) {
		if (ext & 1 << (INET_DIAG_TCLASS - 1))
			nl_put_u8(b, INET_DIAG_TCLASS, (uint8_t)(o->tclass < 0 ? 0 : o->tclass));
		if (v->state == ST_LISTEN || v->state == ST_CLOSE)
			nl_put_u8(b, INET_DIAG_SKV6ONLY, (uint8_t)o->v6only);
	}
	nl_put_u32(b, INET_DIAG_MARK, (uint32_t)o->mark);
	if (ext & (1 << (INET_DIAG_CLASS_ID - 1) | 1 << (INET_DIAG_TCLASS - 1)))
		nl_put_u32(b, INET_DIAG_CLASS_ID, (uint32_t)o->priority);
	nl_put(b, INET_DIAG_SOCKOPT, &flags, sizeof(flags));
}

static void put_tcp(struct nlbuf *b, const struct view *v, uint8_t ext)
{
	struct tcp_info ti;

	if (ext & 1 << (INET_DIAG_INFO - 1)) {
		tcp_fill_info(tcp_of(v), v->pcb, &ti);
		nl_put(b, INET_DIAG_INFO, &ti, sizeof(ti));
	}
	if (ext & 1 << (INET_DIAG_CONG - 1))
		nl_put_str(b, INET_DIAG_CONG, port_congestion_name(v->s->o.congestion));
}

static void fill_queues(struct inet_diag_msg *m, const struct view *v)
{
	struct tcp_sock *ts = tcp_of(v);

	if (v->state == ST_LISTEN) {
		listener_queue(ts, &m->idiag_rqueue, &m->idiag_wqueue);
	} else if (ts) {
		m->idiag_rqueue = tcp_unread(ts);
		m->idiag_wqueue = ts->phase == TCP_CONNECTING ? 1 : tcp_unacked(ts, false);	/* the SYN */
	} else {
		m->idiag_rqueue = (uint32_t)sock_unread(v->s);
	}
}

static void fill_timer(struct inet_diag_msg *m, const struct tcp_pcb *pcb)
{
	struct port_tcp_timer t;

	port_tcp_timer(pcb, &t);
	m->idiag_timer = (uint8_t)t.kind;
	m->idiag_expires = t.ms;
	m->idiag_retrans = (uint8_t)t.tries;
}

/* is the application still there? */
static bool owned(const struct view *v)
{
	const struct tcp_sock *ts = tcp_of(v);

	return v->s && !(ts && ts->app_hup);
}

/* the message, but for nl_end() */
static void begin_put(struct nlbuf *b, const struct nlmsghdr *h, const struct view *v, uint8_t ext)
{
	struct inet_diag_msg m = {
		.idiag_family = (uint8_t)v->family, .idiag_state = v->state,
		.id = { .idiag_sport = htons(v->sport), .idiag_dport = htons(v->dport),
			.idiag_if = v->ifindex,
			.idiag_cookie = { (uint32_t)v->cookie, (uint32_t)(v->cookie >> 32) } },
	};
	struct sock *parent = v->state == ST_SYN_RECV ? listener_of(v->pcb) : NULL;

	memcpy(m.id.idiag_src, v->src, sizeof(m.id.idiag_src));
	memcpy(m.id.idiag_dst, v->dst, sizeof(m.id.idiag_dst));
	if (v->pcb)
		fill_timer(&m, v->pcb);
	if (v->s)
		fill_queues(&m, v);
	if (owned(v)) {
		m.idiag_uid = sock_uid(v->s);
		m.idiag_inode = v->s->inode;
	} else if (parent) {
		m.idiag_uid = sock_uid(parent);
	}
	memcpy(nl_begin(b, h, sizeof(m)), &m, sizeof(m));
	if (v->s) {
		put_options(b, v, ext);
		put_memory(b, v, &m, ext);
		if (tcp_of(v))
			put_tcp(b, v, ext);
	}
}

static void put(struct nlbuf *b, const struct nlmsghdr *h, const struct view *v, uint8_t ext)
{
	begin_put(b, h, v, ext);
	nl_end(b);
}

/* ---- dumps ---- */

static bool fits(const struct diag_dump *d, const struct view *v)
{
	const struct inet_diag_req_v2 *q = &d->req.inet;
	struct diag_entry e = {
		.family = v->family, .saddr = v->src, .daddr = v->dst,
		.sport = v->sport, .dport = v->dport,
		.bound_port = v->s && v->s->bound_port, .ifindex = v->ifindex,
		.mark = v->s ? (uint32_t)v->s->o.mark : 0,
	};

	if (q->sdiag_family != AF_UNSPEC && q->sdiag_family != v->family)
		return false;
	if (!(q->idiag_states & 1u << v->state))
		return false;
	if (q->id.idiag_sport && q->id.idiag_sport != htons(v->sport))
		return false;
	if (q->id.idiag_dport && q->id.idiag_dport != htons(v->dport))
		return false;
	return diag_filter_match(d->filter, d->filter_len, &e);
}

static void visit_sock(struct sock *s, void *arg)
{
	struct diag_dump *d = arg;
	struct view v;

	d->seen++;
	if (view_sock(s, d->req.inet.sdiag_protocol, &v) && fits(d, &v))
		put(d->out, &d->h, &v, d->req.inet.idiag_ext);
}

static bool visit_pcb(const struct tcp_pcb *pcb, void *arg)
{
	struct diag_dump *d = arg;
	struct view v;

	d->seen++;
	view_pcb(pcb, &v);
	if (fits(d, &v))
		put(d->out, &d->h, &v, d->req.inet.idiag_ext);
	return true;
}

/* first what has sockets only, then TCP's connections */
static bool step(struct diag_dump *d)
{
	if (d->stage == 0) {
		if (sock_scan(d->e, &d->cursor, visit_sock, d))
			return true;
		d->stage = 1;
		d->cursor = 0;
		return d->req.inet.sdiag_protocol == IPPROTO_TCP;
	}
	return port_tcp_scan(&d->cursor, visit_pcb, d);
}

static bool known(int protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ||
		protocol == IPPROTO_UDPLITE || protocol == IPPROTO_RAW;
}

static int begin_dump(struct rtnl_req *r, const struct inet_diag_req_v2 *q, size_t hdr,
		      struct diag_dump **dump)
{
	struct nla tb[INET_DIAG_REQ_MAX + 1];
	const struct nla *code = &tb[INET_DIAG_REQ_BYTECODE];
	int err;

	if (nl_parse_msg(tb, INET_DIAG_REQ_MAX, r->h, hdr) < 0)
		return -EINVAL;
	if (!known((int)nla_u32(&tb[INET_DIAG_REQ_PROTOCOL], q->sdiag_protocol)))
		return -ENOENT;
	err = code->data ? diag_filter_check(code->data, code->len) : 0;
	if (!err)
		err = diag_begin(r, dump, code->len);
	if (err)
		return err;
	(*dump)->req.inet = *q;
	(*dump)->step = step;
	if (code->data)
		memcpy((*dump)->filter, code->data, code->len);
	return 0;
}

/* ---- one socket ---- */

struct search {
	const struct inet_diag_req_v2 *q;
	bool swapped;			/* the request's source is the peer */
	struct view found;
	bool any;
};

static bool same_ends(const struct search *f, const struct view *v)
{
	const struct inet_diag_sockid *id = &f->q->id;
	size_t len = f->q->sdiag_family == AF_INET6 ? 16 : 4;
	bool listener = v->state == ST_LISTEN || v->state == ST_CLOSE;
	uint16_t sport = f->swapped ? id->idiag_dport : id->idiag_sport;
	uint16_t dport = f->swapped ? id->idiag_sport : id->idiag_dport;
	const uint32_t *src = f->swapped ? id->idiag_dst : id->idiag_src;
	const uint32_t *dst = f->swapped ? id->idiag_src : id->idiag_dst;
	static const uint32_t any[4];

	if (f->q->sdiag_protocol == IPPROTO_RAW)	/* sdiag_raw_protocol */
		sport = htons(f->q->pad);
	if (v->family != f->q->sdiag_family || sport != htons(v->sport) ||
	    (id->idiag_if && v->ifindex && id->idiag_if != v->ifindex))
		return false;
	if (listener)		/* whoever would get a packet from there */
		return !memcmp(v->src, any, len) || !memcmp(v->src, src, len);
	return dport == htons(v->dport) && !memcmp(v->src, src, len) && !memcmp(v->dst, dst, len);
}

/* a connection goes before a listener */
static void consider(struct search *f, const struct view *v)
{
	if (same_ends(f, v) && (!f->any || f->found.state == ST_LISTEN || f->found.state == ST_CLOSE)) {
		f->found = *v;
		f->any = true;
	}
}

static void try_sock(struct sock *s, void *arg)
{
	struct search *f = arg;
	struct view v;

	if (view_sock(s, f->q->sdiag_protocol, &v))
		consider(f, &v);
}

/* TCP's listeners, UDP's and UDP-Lite's sockets stand in their tables of ports */
static void search_ports(struct rtnl_req *r, struct search *f)
{
	int protocol = f->q->sdiag_protocol;
	struct portset *ps = protocol == IPPROTO_TCP ? &r->e->tcp_ports : udp_ports(r->e, protocol);
	uint16_t port = ntohs(f->swapped ? f->q->id.idiag_dport : f->q->id.idiag_sport);

	for (struct sock *s = ports_first(ps, port); s; s = s->port_next)
		try_sock(s, f);
}

static bool try_pcb(const struct tcp_pcb *pcb, void *arg)
{
	struct search *f = arg;
	struct view v;

	view_pcb(pcb, &v);
	consider(f, &v);
	return true;
}

static void read_ip(int family, const uint32_t *word, ip_addr_t *out)
{
	union msg_sockaddr sa = { .sa = { .sa_family = (sa_family_t)family } };
	struct endpoint ep;

	if (family == AF_INET)
		sa.in.sin_addr.s_addr = word[0];
	else
		memcpy(&sa.in6.sin6_addr, word, 16);
	if (endpoint_from_sockaddr(&sa, family, false, &ep) < 0)
		ip_addr_set_any(family == AF_INET6, &ep.ip);
	ip_addr_copy(*out, ep.ip);
}

static void search_connection(struct rtnl_req *r, struct search *f)
{
	const struct inet_diag_sockid *id = &f->q->id;
	const struct tcp_pcb *pcb;
	ip_addr_t local, remote;

	read_ip(f->q->sdiag_family, id->idiag_src, &local);
	read_ip(f->q->sdiag_family, id->idiag_dst, &remote);
	if (IP_GET_TYPE(&local) != IP_GET_TYPE(&remote))
		return;
	iface_fix_zone(r->e, &local);
	iface_fix_zone(r->e, &remote);
	pcb = pcbtable_find(&local, ntohs(id->idiag_sport), &remote, ntohs(id->idiag_dport));
	if (pcb)
		try_pcb(pcb, f);
}

/* 0, -ENOENT */
static int find_one(struct rtnl_req *r, struct search *f)
{
	if (!known(f->q->sdiag_protocol))
		return -ENOENT;
	if (f->q->sdiag_protocol == IPPROTO_TCP)
		search_connection(r, f);
	if (!f->any && f->q->sdiag_protocol != IPPROTO_RAW)
		search_ports(r, f);
	for (struct dgram_sock *d = r->e->raws; f->q->sdiag_protocol == IPPROTO_RAW && d; d = d->raw_next)
		try_sock(&d->s, f);
	if (!f->any)
		return -ENOENT;
	return diag_cookie_fits(f->q->id.idiag_cookie, f->found.cookie) ? 0 : -ENOENT;
}

static int get_one(struct rtnl_req *r, const struct inet_diag_req_v2 *q)
{
	/* "src and dst are swapped for historical reasons" (udp_dump_one()) */
	struct search f = {
		.q = q, .swapped = q->sdiag_protocol == IPPROTO_UDP ||
			q->sdiag_protocol == IPPROTO_UDPLITE,
	};
	struct nlmsghdr h = {
		.nlmsg_type = r->h->nlmsg_type, .nlmsg_seq = r->h->nlmsg_seq, .nlmsg_pid = r->portid,
	};
	int err = find_one(r, &f);

	if (!err)
		put(r->out, &h, &f.found, q->idiag_ext);
	return err;
}

/* diag_inet() - SOCK_DIAG_BY_FAMILY of AF_INET, AF_INET6: 0, -EINVAL, -ENOENT */
int diag_inet(struct rtnl_req *r, struct diag_dump **dump)
{
	const struct inet_diag_req_v2 *q = nl_body(r->h, sizeof(*q));

	if (!q)
		return -EINVAL;
	return r->h->nlmsg_flags & NLM_F_DUMP ? begin_dump(r, q, sizeof(*q), dump) : get_one(r, q);
}

/* diag_inet_old() - TCPDIAG_GETSOCK, the older form, for TCP alone and of both families */
int diag_inet_old(struct rtnl_req *r, struct diag_dump **dump)
{
	const struct inet_diag_req *q = nl_body(r->h, sizeof(*q));
	struct inet_diag_req_v2 v2 = { .sdiag_protocol = IPPROTO_TCP };

	if (!q)
		return -EINVAL;
	v2.idiag_ext = q->idiag_ext;
	v2.idiag_states = q->idiag_states;
	v2.id = q->id;
	if (r->h->nlmsg_flags & NLM_F_DUMP)
		return begin_dump(r, &v2, sizeof(*q), dump);
	v2.sdiag_family = q->idiag_family;
	return get_one(r, &v2);
}

/* ---- SOCK_DESTROY ---- */

static void destroy_tcp(struct tcp_sock *ts)
{
	if (ts->phase == TCP_CONNECTED) {
		tcp_sock_abort(ts);
		xfer_reset(ts, ECONNABORTED);
	} else {
		sock_fail(&ts->s, ECONNABORTED);
	}
}

/* udp_abort(), raw_abort(): the association is dissolved, and the reader told */
static void destroy_dgram(struct sock *s)
{
	static const struct msg_addr dissolve = { .len = sizeof(struct sockaddr_in) };
	struct endpoint peer = s->remote;

	dgram_connect(s, &dissolve, NULL);
	dgram_error(s, ECONNABORTED, &peer, NULL, NULL);
}

/* diag_inet_destroy() - End a socket for its application: ECONNABORTED.  0, -EINVAL,
 * -ENOENT */
int diag_inet_destroy(struct rtnl_req *r)
{
	const struct inet_diag_req_v2 *q = nl_body(r->h, sizeof(*q));
	struct search f = { .q = q };
	int err;

	if (!q)
		return -EINVAL;
	err = find_one(r, &f);
	if (err)
		return err;
	if (tcp_of(&f.found))
		destroy_tcp(tcp_of(&f.found));
	else if (f.found.s)
		destroy_dgram(f.found.s);
	else
		tcp_abort((struct tcp_pcb *)f.found.pcb);
	return 0;
}

/* ---- SKNLGRP_*_DESTROY ---- */

/* diag_destroyed() - A socket ends: those who wait for that hear of it (ss -E) */
void diag_destroyed(struct sock *s)
{
	bool tcp = s->ops == &sock_tcp_ops, v6 = s->domain == AF_INET6;
	unsigned group = tcp ? v6 ? SKNLGRP_INET6_TCP_DESTROY : SKNLGRP_INET_TCP_DESTROY :
		v6 ? SKNLGRP_INET6_UDP_DESTROY : SKNLGRP_INET_UDP_DESTROY;
	struct nlmsghdr h = { .nlmsg_type = SOCK_DIAG_BY_FAMILY };
	struct view v = { .s = s, .state = ST_CLOSE, .family = s->domain, .cookie = s->id };
	struct nlbuf b = { 0 };

	if ((!tcp && s->ops != &sock_udp_ops) || !s->local.port ||
	    !netlink_heard(s->e, NETLINK_SOCK_DIAG, group))
		return;
	v.ifindex = (uint32_t)s->o.bindtodevice;
	set_ends(&v, &s->local, s->remote.port ? &s->remote : NULL);
	if (tcp && ((struct tcp_sock *)s)->phase == TCP_CONNECTED)
		v.pcb = ((struct tcp_sock *)s)->pcb;
	begin_put(&b, &h, &v, 1 << (INET_DIAG_INFO - 1));
	nl_put_u8(&b, INET_DIAG_PROTOCOL, tcp ? IPPROTO_TCP : is_udplite(s) ? IPPROTO_UDPLITE : IPPROTO_UDP);
	nl_end(&b);
	if (!b.failed)
		netlink_tell(s->e, NETLINK_SOCK_DIAG, group, &b);
	nlbuf_free(&b);
}
