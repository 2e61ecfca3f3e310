/* sock_udp.c - UDP and UDP-Lite sockets
 *
 * Theory of operation
 * One raw PCB sees every UDP packet before lwIP's own list does.  What a
 * socket of ours wants is taken there, by a look-up in the port table; the
 * rest falls through to lwIP: its DHCP and DNS clients, and port unreachable.  Of
 * an address that is not the receiving netif's own, lwIP would not say that the port
 * is unreachable: one of ours that comes over lo, or a further one.
 * UDP-Lite, which lwIP has no other use for, ends here (udplite.c).
 * Sending borrows one unregistered udp_pcb, filled in for each datagram, so
 * lwIP's list of UDP PCBs stays empty however many sockets there are.
 *
 * With MSG_MORE or UDP_CORK records are collected, at most one datagram's worth a
 * socket; with UDP_SEGMENT one record is sent as several datagrams, which the link
 * cuts if it can.  What a link brings uncut, or comes back from an address of ours, is
 * one packet up to its sockets (dgram_rx.c).
 */
#include "engine/sock_dgram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "engine/iface.h"
#include "engine/priv.h"
#include "lwip/icmp.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/prot/udp.h"
#include "lwip/raw.h"
#include "lwip/udp.h"
#include "port.h"

#define UDP_MAX	65507		/* bytes of data in one datagram (IPv4) */

/* a datagram in the making: what the first record said, and the data so far */
struct cork {
	struct dgram_hdr h;
	struct dgram_once once;
	size_t len;
	uint8_t data[UDP_MAX];
};

/* udp_ports() - The port table of UDP or UDP-Lite: they share none */
struct portset *udp_ports(struct engine *e, int protocol)
{
	return protocol == IPPROTO_UDPLITE ? &e->udplite_ports : &e->udp_ports;
}

static struct portset *ports_of(struct sock *s)
{
	return udp_ports(s->e, s->protocol);
}

/* ---- receiving ---- */

/* how well a socket fits, as Linux's compute_score(); -1: not at all */
static int score(const struct sock *s, const struct dgram_info *info)
{
	int n = 0;

	if (s->local.port != info->to.port || !dgram_wants(s, info))
		return -1;
	if (s->connected) {
		if (s->remote.port != info->from.port)
			return -1;
		n += 8;
	}
	if (!ip_addr_isany_val(s->local.ip))
		n += 4;
	if (s->o.bindtodevice)
		n += 2;
	if (IP_IS_V4_VAL(info->to.ip) == (s->domain == AF_INET))
		n += 1;
	return n;
}

static struct sock *find(struct portset *ps, const struct dgram_info *info)
{
	struct sock *best = NULL;
	int best_score = -1;
	unsigned group = 0;

	for (struct sock *s = ports_first(ps, info->to.port); s; s = s->port_next) {
		int n = score(s, info);

		if (n > best_score) {
			best = s;
			best_score = n;
			group = 1;
		} else if (n >= 0 && n == best_score && s->o.reuseport) {
			/* SO_REUSEPORT: one of the group, by the sender's port */
			group++;
			if (info->from.port % group == 0)
				best = s;
		}
	}
	return best;
}

static bool checksum_ok(struct pbuf *p, const struct udp_hdr *uh, unsigned hlen, struct netif *n)
{
	bool ok;

	if (uh->chksum == 0 && !ip_current_is_v6())
		return true;		/* RFC 768: not computed */
	if (!(n->chksum_flags & NETIF_CHECKSUM_CHECK_UDP))
		return true;
	pbuf_remove_header(p, hlen);
	ok = ip_chksum_pseudo(p, IP_PROTO_UDP, p->tot_len, ip_current_src_addr(),
			      ip_current_dest_addr()) == 0;
	pbuf_add_header_force(p, hlen);
	return ok;
}

/* the datagram ends where its own length says, not the packet; false: it is broken */
static bool trim(struct pbuf *p, unsigned hlen)
{
	struct udp_hdr uh;
	u16_t len;

	pbuf_copy_partial(p, &uh, sizeof(uh), (u16_t)hlen);
	len = lwip_ntohs(uh.len);
	if (len < sizeof(uh) || len > p->tot_len - hlen ||
	    !checksum_ok(p, &uh, hlen, ip_current_input_netif()))
		return false;
	pbuf_realloc(p, (u16_t)(hlen + len));
	return true;
}

static bool is_group(struct engine *e, const ip_addr_t *to)
{
	return ip_addr_ismulticast(to) || iface_is_broadcast(e, to);
}

/* several datagrams as one packet; false: what the link says of them is not so */
static bool read_segment(struct dgram_info *info, const struct pbuf *p, unsigned hlen)
{
	int segment = port_udp_segment_in(p, hlen);

	info->segment = (uint16_t)(segment > 0 ? segment : 0);
	return segment >= 0;
}

static unsigned datagrams(const struct sock *s, const struct dgram_info *info, unsigned len)
{
	return info->segment && !s->o.udp_gro ? (len + info->segment - 1) / info->segment : 1;
}

/* to whom it may concern: of a group all sockets, else the best */
static void deliver(struct portset *ps, struct sock *best, const struct dgram_info *info,
		    const struct pbuf *p, unsigned skip, int coverage)
{
	if (!is_group(best->e, &info->to.ip)) {
		if (udplite_takes(best, coverage))
			dgram_deliver(best, info, p, skip);
		return;
	}
	for (struct sock *s = ports_first(ps, info->to.port); s; s = s->port_next)
		if (score(s, info) >= 0 && udplite_takes(s, coverage))
			dgram_deliver(s, info, p, skip);
}

/* lwIP's own PCBs: one a client of DHCP */
static bool lwip_wants(uint16_t port)
{
	for (const struct udp_pcb *pcb = udp_pcbs; pcb; pcb = pcb->next)
		if (pcb->local_port == port)
			return true;
	return false;
}

/* nobody has the port: say so where lwIP will not.  True: done with the packet */
static bool refuse(struct engine *e, const struct dgram_info *info, struct pbuf *p,
		   const struct udp_hdr *uh, unsigned hlen)
{
	struct netif *n = ip_current_input_netif();
	bool v6 = ip_current_is_v6();

	if (v6 ? netif_get_ip6_addr_match(n, ip_2_ip6(&info->to.ip)) >= 0 :
		 ip4_addr_cmp(netif_ip4_addr(n), ip_2_ip4(&info->to.ip)))
		return false;		/* lwIP will */
	if (!iface_own_address(e, &info->to.ip) || lwip_wants(info->to.port) ||
	    !checksum_ok(p, uh, hlen, n))
		return false;
	MIB2_STATS_INC(mib2.udpnoports);
	icmp_port_unreach(v6, p);
	pbuf_free(p);
	return true;
}

static u8_t udp_input_cb(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *addr)
{
	struct engine *e = arg;
	unsigned hlen = ip_current_header_tot_len();
	struct dgram_info info;
	struct udp_hdr uh;
	struct sock *s;

	if (e->raws)
		raw_offer(e, p, IPPROTO_UDP);
	if (pbuf_copy_partial(p, &uh, sizeof(uh), (u16_t)hlen) != sizeof(uh))
		return 0;
	dgram_info_current(&info, lwip_ntohs(uh.src), lwip_ntohs(uh.dest));
	s = find(&e->udp_ports, &info);
	if (!s)
		return !is_group(e, &info.to.ip) && refuse(e, &info, p, &uh, hlen);
	if (read_segment(&info, p, hlen) && trim(p, hlen)) {
		lwip_stats.mib2.udpindatagrams += datagrams(s, &info, p->tot_len - hlen - UDP_HLEN);
		deliver(&e->udp_ports, s, &info, p, hlen + UDP_HLEN, 0);
	} else {
		MIB2_STATS_INC(mib2.udpinerrors);
	}
	pbuf_free(p);
	return 1;
}

/* lwIP would say "protocol unreachable" to what is left to it */
static u8_t udplite_input_cb(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *addr)
{
	struct engine *e = arg;
	unsigned hlen = ip_current_header_tot_len();
	int coverage = udplite_coverage(p, hlen);
	struct dgram_info info;
	struct udp_hdr uh;
	struct sock *s;

	if (e->raws)
		raw_offer(e, p, IPPROTO_UDPLITE);
	if (coverage < 0) {
		e->udplite.inerrors++;
		pbuf_free(p);
		return 1;
	}
	pbuf_copy_partial(p, &uh, sizeof(uh), (u16_t)hlen);
	dgram_info_current(&info, lwip_ntohs(uh.src), lwip_ntohs(uh.dest));
	s = find(&e->udplite_ports, &info);
	if (s) {
		e->udplite.in++;
		deliver(&e->udplite_ports, s, &info, p, hlen + UDP_HLEN, coverage);
	} else {
		e->udplite.noports++;
		if (!ip_addr_ismulticast(&info.to.ip) && !iface_is_broadcast(e, &info.to.ip))
			icmp_port_unreach(ip_current_is_v6(), p);
	}
	pbuf_free(p);
	return 1;
}

/* udp_open_input() - Take UDP and UDP-Lite from lwIP; 0 or -ENOMEM */
int udp_open_input(struct engine *e)
{
	e->udp_in = raw_new_ip_type(IPADDR_TYPE_ANY, IP_PROTO_UDP);
	e->udplite_in = raw_new_ip_type(IPADDR_TYPE_ANY, IP_PROTO_UDPLITE);
	if (!e->udp_in || !e->udplite_in)
		return -ENOMEM;
	raw_recv(e->udp_in, udp_input_cb, e);
	raw_recv(e->udplite_in, udplite_input_cb, e);
	return 0;
}

/* udp_close_input() - Leave it to lwIP again */
void udp_close_input(struct engine *e)
{
	if (e->udp_in)
		raw_remove(e->udp_in);
	if (e->udplite_in)
		raw_remove(e->udplite_in);
	e->udp_in = e->udplite_in = NULL;
}

/* udp_icmp_error() - ICMP says that a datagram from @local to @remote failed */
void udp_icmp_error(struct engine *e, int protocol, const struct endpoint *local,
		    const struct endpoint *remote, const struct dgram_hdr *err, bool hard,
		    const struct dgram_quote *quote)
{
	struct dgram_info info = { .from = *remote, .to = *local };
	struct sock *s = find(udp_ports(e, protocol), &info);

	if (!s)
		return;
	/* an unconnected socket only hears of it if it asked to (ip(7)) */
	if (s->connected ? hard || s->o.recverr || s->o.recverr6 : s->o.recverr || s->o.recverr6)
		dgram_error(s, err->err, remote, err, quote);
}

/* ---- sending ---- */

static int autobind(struct sock *s)
{
	struct endpoint own = { .ip = s->local.ip };
	int r;

	if (s->bound)
		return 0;
	r = ports_bind(ports_of(s), s, &own, NULL);
	return r < 0 ? EAGAIN : 0;
}

static err_t udp_output(struct sock *s, struct pbuf *p, const struct endpoint *to, uint8_t hops,
			uint8_t tos, struct netif *n, const ip_addr_t *src, uint16_t gso)
{
	struct udp_pcb *pcb = s->e->udp_out;

	ip_addr_copy(pcb->local_ip, *src);
	pcb->local_port = s->local.port;
	pcb->ttl = hops;
	udp_set_multicast_ttl(pcb, hops);
	pcb->tos = tos;
	ip_set_option(pcb, SOF_BROADCAST);
	if (dgram_loops(s, &to->ip, n))
		udp_set_flags(pcb, UDP_FLAGS_MULTICAST_LOOP);
	else
		udp_clear_flags(pcb, UDP_FLAGS_MULTICAST_LOOP);
	return port_udp_send(pcb, p, &to->ip, to->port, n, src, gso);
}

/* where a datagram goes, and may it have this size? */
static int route(struct sock *s, const struct dgram_hdr *h, size_t len, struct endpoint *to,
		 ip_addr_t *src, struct netif **n)
{
	int r = len > UDP_MAX ? EMSGSIZE : dgram_route(s, h, to, src, n);

	if (r)
		return r;
	if (len + UDP_HLEN + dgram_headers(s, &to->ip) > UINT16_MAX)
		return EMSGSIZE;
	return to->port ? dgram_fits(s, *n, &to->ip, len + UDP_HLEN) : EINVAL;
}

static size_t segment_size(const struct sock *s, const struct dgram_hdr *h)
{
	return h->flags & DGRAM_F_SEGMENT ? h->info : (size_t)s->o.udp_segment;
}

/* the same of what may be several.  UDP_SEGMENT (udp(7)): datagrams of that size, the last
 * may be shorter; they must not need fragments */
static int route_all(struct sock *s, const struct dgram_hdr *h, size_t len, struct endpoint *to,
		     ip_addr_t *src, struct netif **n)
{
	size_t size = segment_size(s, h), first = size && size < len ? size : len;
	int r = len > UDP_MAX ? EMSGSIZE : route(s, h, first, to, src, n);

	if (r || !size)
		return r;
	if (first + UDP_HLEN + dgram_headers(s, &to->ip) > iface_mtu(s->e, iface_index_of(*n)))
		return EMSGSIZE;
	if (len > size * PORT_UDP_SEGMENTS)
		return EINVAL;
	return is_udplite(s) ? EIO : 0;		/* udp_send_skb() */
}

static int udp_op_may_send(struct sock *s, const struct dgram_hdr *h, size_t len)
{
	struct endpoint to;
	struct netif *n;
	ip_addr_t src;

	return route_all(s, h, len, &to, &src, &n);
}

/* @gso: of how many bytes each, if it is several datagrams; 0: it is one */
static int send_cut(struct sock *s, const struct dgram_hdr *h, const uint8_t *data, size_t len,
		    uint16_t gso)
{
	struct endpoint to;
	struct netif *n;
	struct pbuf *p;
	ip_addr_t src;
	err_t err;
	int r = route(s, h, gso ? gso : len, &to, &src, &n);

	if (r == 0)
		r = autobind(s);
	if (r)
		return r;
	p = dgram_pbuf(s, &to.ip, data, len);
	if (!p)
		return ENOBUFS;
	port_frag6_max = s->o.frag6;
	if (is_udplite(s))
		err = udplite_output(s, p, &to, dgram_ttl(s, h, &to.ip), dgram_tos(s, h, &to.ip), n,
				     &src);
	else
		err = udp_output(s, p, &to, dgram_ttl(s, h, &to.ip), dgram_tos(s, h, &to.ip), n, &src,
				 gso);
	port_frag6_max = 0;
	ipopt_send_with(NULL, NULL);
	pbuf_free(p);
	return errno_of_lwip(err);
}

static int send_one(struct sock *s, const struct dgram_hdr *h, const uint8_t *data, size_t len)
{
	return send_cut(s, h, data, len, 0);
}

/* may the link, or the receiver here, cut what goes there? */
static bool link_cuts(struct sock *s, const struct netif *n, const ip_addr_t *to, size_t len)
{
	return !dgram_options(s, to) && !s->o.frag6 && !is_group(s->e, to) &&
		port_udp_cuts(n, to, len) &&
		(!iface_of_address(s->e, to) || port_comes_back(n, to));
}

static int send_segments(struct sock *s, const struct dgram_hdr *h, const uint8_t *data, size_t len)
{
	size_t size = segment_size(s, h), n;
	struct endpoint to;
	struct netif *out;
	ip_addr_t src;
	int r;

	if (!size)
		return send_one(s, h, data, len);
	r = route_all(s, h, len, &to, &src, &out);
	if (r)
		return r;
	if (len > size && link_cuts(s, out, &to.ip, len))
		return send_cut(s, h, data, len, (uint16_t)size);
	do {
		n = len < size ? len : size;
		r = send_one(s, h, data, n);
		data += n;
		len -= n;
	} while (!r && len);
	return r;
}

/* send what is corked; 0 or errno (positive) */
static int uncork(struct sock *s)
{
	struct cork *c = dgram(s)->cork;
	int r;

	if (!c)
		return 0;
	dgram(s)->cork = NULL;
	*s->e->once = c->once;
	r = send_segments(s, &c->h, c->data, c->len);
	s->e->once->has_options = false;
	free(c);
	return r;
}

/* a datagram that does not fit is given up as a whole (ip_append_data()) */
static int collect(struct sock *s, const struct dgram_hdr *h, const uint8_t *data, size_t len)
{
	struct cork *c = dgram(s)->cork;

	if (!c) {
		c = malloc(sizeof(*c));
		if (!c)
			return ENOBUFS;
		c->h = *h;
		c->once = *s->e->once;
		c->len = 0;
		dgram(s)->cork = c;
	}
	if (len > sizeof(c->data) - c->len) {
		dgram(s)->cork = NULL;
		free(c);
		return EMSGSIZE;
	}
	memcpy(c->data + c->len, data, len);
	c->len += len;
	return h->flags & DGRAM_F_MORE || s->o.udp_cork ? 0 : uncork(s);
}

static int udp_op_send(struct sock *s, const struct dgram_hdr *h, uint8_t *data, size_t len)
{
	if (dgram(s)->cork || h->flags & DGRAM_F_MORE || s->o.udp_cork)
		return collect(s, h, data, len);
	return send_segments(s, h, data, len);
}

static void udp_event(struct sock *s, uint32_t events)
{
	dgram_event(s, events, udp_op_send);
}

/* ---- calls ---- */

static int udp_op_open(struct sock *s)
{
	return dgram_open(s);
}

static int udp_op_bind(struct sock *s, const struct endpoint *ep)
{
	return ports_bind(ports_of(s), s, ep, NULL);
}

static int udp_op_connect(struct sock *s, const struct msg_addr *to, uint32_t plug)
{
	struct dgram_info info = { 0 };
	int r = dgram_connect(s, to, ports_of(s));

	if (r || !s->connected)
		return r;
	info.from = s->local;
	info.to = s->remote;
	dgram_set_deaf(s, iface_own_address(s->e, &s->remote.ip) && !find(ports_of(s), &info));
	return 0;
}

static void udp_opt_changed(struct sock *s, int level, int name)
{
	if (level == SOL_SOCKET && name == SO_RCVBUF)
		sock_set_sndbuf(s, s->o.rcvbuf);
	if (level == IPPROTO_UDP && !s->o.udp_cork)
		uncork(s);
}

static void udp_destroy(struct sock *s)
{
	dgram_destroy(s);
	free(dgram(s)->cork);
}

const struct sock_ops sock_udp_ops = {
	.name = "udp",
	.size = sizeof(struct dgram_sock),
	.open = udp_op_open,
	.bind = udp_op_bind,
	.connect = udp_op_connect,
	.shutdown = dgram_shutdown,
	.autobind = autobind,
	.may_send = udp_op_may_send,
	.setopt = dgram_setopt,
	.getopt = dgram_getopt,
	.opt_changed = udp_opt_changed,
	.event = udp_event,
	.destroy = udp_destroy,
};
