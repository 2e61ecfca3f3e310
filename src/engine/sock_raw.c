/* sock_raw.c - raw sockets and ICMP datagram ("ping") sockets
 *
 * Theory of operation
 * A raw socket has a lwIP raw PCB that looks at each packet of its protocol
 * and never takes it, so lwIP and other sockets see it too.  As in Linux an
 * IPv4 raw socket gets the packet with its IP header, an IPv6 one without.
 * A ping socket has no PCB: its port is the ICMP identifier, the engine's
 * ICMP tap (icmp.c) finds it by that, and its messages go out through the
 * tap's PCB.
 */
#include "engine/sock_dgram.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <linux/icmp.h>
#include "engine/iface.h"
#include "engine/priv.h"
#include "lwip/icmp.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/prot/icmp6.h"
#include "lwip/raw.h"
#include "port.h"

#define RAW_MAX		65535
#define ICMP_HLEN	8
#define ICMP6_CKSUM_AT	2
#ifndef ICMP6_FILTER
#define ICMP6_FILTER	1		/* RFC 3542; netinet/icmp6.h clashes with lwIP's */
#endif

/* ---- raw: receiving ---- */

static bool filtered(const struct dgram_sock *ds, const struct pbuf *p, unsigned hlen)
{
	uint8_t type;

	if (pbuf_copy_partial(p, &type, 1, (u16_t)hlen) != 1)
		return true;
	if (ds->s.protocol == IPPROTO_ICMP && ds->s.domain == AF_INET)
		return type < 32 && (ds->icmp_filter & (1u << type));
	if (ds->s.protocol == IPPROTO_ICMPV6 && ds->s.domain == AF_INET6)
		return ds->icmp6_filter[type / 32] & (1u << (type % 32));
	return false;
}

static void offer(struct dgram_sock *ds, const struct pbuf *p)
{
	unsigned hlen = ip_current_header_tot_len();
	struct dgram_info info;

	dgram_info_current(&info, 0, 0);
	info.from.port = info.to.port = 0;
	if (!dgram_wants(&ds->s, &info) || filtered(ds, p, hlen))
		return;
	dgram_deliver(&ds->s, &info, p, ds->s.domain == AF_INET6 ? hlen : 0);
}

static u8_t raw_input_cb(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *addr)
{
	offer(arg, p);
	return 0;
}

/* does a PCB of sock_udp.c take the protocol's packets from other PCBs? */
static bool takes_away(int protocol)
{
	return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

/* raw_offer() - A packet came that a PCB of sock_udp.c may take away: raw sockets see it
 * first */
void raw_offer(struct engine *e, const struct pbuf *p, int protocol)
{
	int domain = ip_current_is_v6() ? AF_INET6 : AF_INET;

	for (struct dgram_sock *ds = e->raws; ds; ds = ds->raw_next)
		if (ds->s.protocol == protocol && ds->s.domain == domain)
			offer(ds, p);
}

/* ---- router alerts ---- */

static struct engine *alerted;		/* who has such sockets */

/* IP_ROUTER_ALERT: a packet of others, with that option, that the stack was to pass on goes
 * to the sockets of its protocol instead */
static bool on_alert(const struct pbuf *p)
{
	struct dgram_info info;
	bool any = false;

	dgram_info_current(&info, 0, 0);
	for (struct dgram_sock *ds = alerted->raws; ds; ds = ds->raw_next) {
		if (!ds->s.o.alert || ds->s.protocol != IPH_PROTO(ip4_current_header()) ||
		    (ds->s.o.bindtodevice && (unsigned)ds->s.o.bindtodevice != info.ifindex))
			continue;
		dgram_deliver(&ds->s, &info, p, 0);
		any = true;
	}
	return any;
}

/**
 * raw_icmp_error() - ICMP says that a packet of @proto failed
 * @packet:	what it quotes of it, from the IP header on
 * @hlen:	length of that header
 *
 * Every raw socket that may have sent it learns of it, as raw(7) says: if it
 * asked to, or, being connected, of what is fatal.
 */
void raw_icmp_error(struct engine *e, uint8_t proto, const struct endpoint *local,
		    const struct endpoint *remote, const struct dgram_hdr *err, bool hard,
		    const struct dgram_quote *packet, unsigned hlen)
{
	int domain = IP_IS_V6_VAL(remote->ip) ? AF_INET6 : AF_INET;

	for (struct dgram_sock *ds = e->raws, *next; ds; ds = next) {
		struct dgram_info info = { .from = *remote, .to = *local };
		struct sock *s = &ds->s;
		size_t skip = s->o.hdrincl ? 0 : hlen;
		struct dgram_quote quote = { packet->data + skip, packet->len - skip };

		next = ds->raw_next;
		if (s->protocol != proto || s->domain != domain || !dgram_wants(s, &info))
			continue;
		if (s->o.recverr || s->o.recverr6 || (s->connected && hard))
			dgram_error(s, err->err, remote, err, &quote);
	}
}

/* ---- sending ---- */

/* what raw(7) says is filled in: total length and checksum always, identification
 * and source address where they are zero */
static int fill_header(uint8_t *data, size_t len, const ip_addr_t *src)
{
	static uint16_t next_id;
	struct ip_hdr h;

	memcpy(&h, data, sizeof(h));
	if (IPH_HL_BYTES(&h) < IP_HLEN || IPH_HL_BYTES(&h) > len)
		return EINVAL;
	IPH_LEN_SET(&h, lwip_htons((uint16_t)len));
	if (!IPH_ID(&h))
		IPH_ID_SET(&h, lwip_htons(++next_id));
	if (ip4_addr_isany_val(h.src))
		h.src.addr = ip4_addr_get_u32(ip_2_ip4(src));
	IPH_CHKSUM_SET(&h, 0);
	memcpy(data, &h, sizeof(h));
	IPH_CHKSUM_SET(&h, inet_chksum(data, IPH_HL_BYTES(&h)));
	memcpy(data, &h, sizeof(h));
	return 0;
}

static bool has_header(const struct sock *s)
{
	return s->o.hdrincl && s->type == SOCK_RAW;
}

/* where a packet goes, and may it have this size? */
static int route(struct sock *s, const struct dgram_hdr *h, size_t len, struct endpoint *to,
		 ip_addr_t *src, struct netif **n)
{
	int r = len > RAW_MAX ? EMSGSIZE : dgram_route(s, h, to, src, n);

	if (r)
		return r;
	if (!has_header(s))
		return len > RAW_MAX - dgram_headers(s, &to->ip) ? EMSGSIZE :
			dgram_fits(s, *n, &to->ip, len);
	if (dgram_options(s, &to->ip))
		return EINVAL;
	if (len > iface_mtu(s->e, iface_index_of(*n)))
		return EMSGSIZE;
	return len < (IP_IS_V6_VAL(to->ip) ? IP6_HLEN : IP_HLEN) ? EINVAL : 0;
}

/* where the checksum goes, or -1: it is not ours to write */
static int checksum_at(struct sock *s)
{
	return s->o.hdrincl || s->type != SOCK_RAW ? -1 : dgram(s)->checksum_at;
}

static int raw_op_may_send(struct sock *s, const struct dgram_hdr *h, size_t len)
{
	struct endpoint to;
	struct netif *n;
	ip_addr_t src;
	int r = route(s, h, len, &to, &src, &n);

	return !r && checksum_at(s) >= 0 && (size_t)checksum_at(s) + 2 > len ? EINVAL : r;
}

static int raw_out(struct raw_pcb *pcb, struct sock *s, const struct dgram_hdr *h,
		   uint8_t *data, size_t len)
{
	struct endpoint to;
	struct netif *n;
	struct pbuf *p;
	ip_addr_t src;
	err_t err;
	int r = route(s, h, len, &to, &src, &n);

	if (!r && has_header(s) && s->domain == AF_INET)
		r = fill_header(data, len, &src);
	if (r)
		return r;
	p = dgram_pbuf(s, &to.ip, data, len);
	if (!p)
		return ENOBUFS;
	pcb->ttl = dgram_ttl(s, h, &to.ip);
	raw_set_multicast_ttl(pcb, pcb->ttl);
	pcb->tos = dgram_tos(s, h, &to.ip);
	ip_set_option(pcb, SOF_BROADCAST);
	if (dgram_loops(s, &to.ip, n))
		raw_set_flags(pcb, RAW_FLAGS_MULTICAST_LOOP);
	else
		raw_clear_flags(pcb, RAW_FLAGS_MULTICAST_LOOP);
	port_frag6_max = s->o.frag6;
	err = raw_sendto_if_src(pcb, p, &to.ip, n, &src);
	port_frag6_max = 0;
	ipopt_send_with(NULL, NULL);
	pbuf_free(p);
	return errno_of_lwip(err);
}

static int raw_op_send(struct sock *s, const struct dgram_hdr *h, uint8_t *data, size_t len)
{
	int at = checksum_at(s);

	/* lwIP only asserts that the checksum's place is in the packet */
	if (at >= 0 && (size_t)at + 2 > len)
		return EINVAL;
	if (at >= 0)		/* it sums up what it finds there, too */
		memset(data + at, 0, 2);
	return raw_out(dgram(s)->raw, s, h, data, len);
}

static void raw_event(struct sock *s, uint32_t events)
{
	dgram_event(s, events, raw_op_send);
}

/* ---- raw: calls ---- */

static void set_hdrincl(struct sock *s)
{
	if (s->o.hdrincl)
		raw_set_flags(dgram(s)->raw, RAW_FLAGS_HDRINCL);
	else
		raw_clear_flags(dgram(s)->raw, RAW_FLAGS_HDRINCL);
}

static int raw_op_open(struct sock *s)
{
	bool v6 = s->domain == AF_INET6;
	struct dgram_sock *ds = dgram(s);

	ds->raw = raw_new_ip_type(v6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4, (u8_t)s->protocol);
	if (!ds->raw)
		return -ENOMEM;
	ds->checksum_at = v6 && s->protocol == IPPROTO_ICMPV6 ?
		ICMP6_CKSUM_AT : -1;
	if (v6 && ds->checksum_at >= 0) {
		ds->raw->chksum_reqd = 1;
		ds->raw->chksum_offset = (u16_t)ds->checksum_at;
	}
	s->o.hdrincl = s->protocol == IPPROTO_RAW;
	s->local.port = (uint16_t)s->protocol;	/* as getsockname(2) shows it in Linux */
	set_hdrincl(s);
	if (!takes_away(s->protocol))		/* raw_offer() */
		raw_recv(ds->raw, raw_input_cb, ds);
	ds->raw_next = s->e->raws;
	ds->raw_pprev = &s->e->raws;
	if (ds->raw_next)
		ds->raw_next->raw_pprev = &ds->raw_next;
	s->e->raws = ds;
	return dgram_open(s);
}

static int raw_op_bind(struct sock *s, const struct endpoint *ep)
{
	s->local.ip = ep->ip;		/* the port is not for the application to set */
	return 0;
}

static int raw_op_connect(struct sock *s, const struct msg_addr *to, uint32_t plug)
{
	return dgram_connect(s, to, NULL);
}

/* RFC 3542 has none for ICMPv6, whose checksum is the stack's business; Linux lets it be set
 * at the level of raw sockets (radvd does) */
static int set_checksum(struct dgram_sock *ds, int level, const void *val, uint32_t len)
{
	int at;

	if (len < sizeof(at))
		return -EINVAL;
	memcpy(&at, val, sizeof(at));
	if ((ds->s.protocol == IPPROTO_ICMPV6 && level == IPPROTO_IPV6) || (at > 0 && at % 2))
		return -EINVAL;
	ds->checksum_at = at < 0 ? -1 : at;
	ds->raw->chksum_reqd = at >= 0;
	ds->raw->chksum_offset = at >= 0 ? (u16_t)at : 0;
	return 0;
}

static int raw_op_setopt(struct sock *s, int level, int name, const void *val, uint32_t len)
{
	struct dgram_sock *ds = dgram(s);

	if (level == SOL_RAW && s->domain == AF_INET6 && name != IPV6_CHECKSUM)
		return len < sizeof(int) ? -EINVAL : -ENOPROTOOPT;
	if (level == SOL_RAW && name == ICMP_FILTER && s->protocol != IPPROTO_ICMP)
		return -EOPNOTSUPP;
	if (level == SOL_RAW && name == ICMP_FILTER) {
		memcpy(&ds->icmp_filter, val, len < sizeof(ds->icmp_filter) ?
		       len : sizeof(ds->icmp_filter));
		return 0;
	}
	if (level == IPPROTO_ICMPV6 && name == ICMP6_FILTER && s->protocol == IPPROTO_ICMPV6) {
		memcpy(ds->icmp6_filter, val, len < sizeof(ds->icmp6_filter) ?
		       len : sizeof(ds->icmp6_filter));
		return 0;
	}
	if ((level == IPPROTO_IPV6 || level == SOL_RAW) && name == IPV6_CHECKSUM &&
	    s->domain == AF_INET6)
		return set_checksum(ds, level, val, len);
	return dgram_setopt(s, level, name, val, len);
}

static int raw_op_getopt(struct sock *s, int level, int name, void *val, uint32_t *len)
{
	struct dgram_sock *ds = dgram(s);
	const void *from;
	uint32_t size;

	if (level == SOL_RAW && s->domain == AF_INET6 && name != IPV6_CHECKSUM)
		return -ENOPROTOOPT;
	if (level == SOL_RAW && name == ICMP_FILTER && s->protocol != IPPROTO_ICMP)
		return -EOPNOTSUPP;
	if (level == SOL_RAW && name == ICMP_FILTER) {
		from = &ds->icmp_filter;
		size = sizeof(ds->icmp_filter);
	} else if (level == IPPROTO_ICMPV6 && name == ICMP6_FILTER &&
		   s->protocol == IPPROTO_ICMPV6) {
		from = ds->icmp6_filter;
		size = sizeof(ds->icmp6_filter);
	} else if ((level == IPPROTO_IPV6 || level == SOL_RAW) && name == IPV6_CHECKSUM) {
		from = &ds->checksum_at;
		size = sizeof(ds->checksum_at);
	} else {
		return dgram_getopt(s, level, name, val, len);
	}
	if (*len > size)
		*len = size;
	memcpy(val, from, *len);
	return 0;
}

static void raw_opt_changed(struct sock *s, int level, int name)
{
	if ((level == IPPROTO_IP && name == IP_HDRINCL) ||
	    (level == IPPROTO_IPV6 && name == IPV6_HDRINCL))
		set_hdrincl(s);
	if (level == SOL_SOCKET && name == SO_RCVBUF)
		sock_set_sndbuf(s, s->o.rcvbuf);
	if (level == IPPROTO_IP && name == IP_ROUTER_ALERT) {
		alerted = s->e;
		port_alert = on_alert;
	}
}

static void raw_destroy(struct sock *s)
{
	struct dgram_sock *ds = dgram(s);

	dgram_destroy(s);
	if (ds->raw)
		raw_remove(ds->raw);
	if (!ds->raw_pprev)
		return;
	*ds->raw_pprev = ds->raw_next;
	if (ds->raw_next)
		ds->raw_next->raw_pprev = ds->raw_pprev;
}

const struct sock_ops sock_raw_ops = {
	.name = "raw",
	.size = sizeof(struct dgram_sock),
	.open = raw_op_open,
	.bind = raw_op_bind,
	.connect = raw_op_connect,
	.shutdown = dgram_shutdown,
	.may_send = raw_op_may_send,
	.setopt = raw_op_setopt,
	.getopt = raw_op_getopt,
	.opt_changed = raw_opt_changed,
	.event = raw_event,
	.destroy = raw_destroy,
};

/* ---- ping ---- */

static int ping_bind_auto(struct sock *s)
{
	struct endpoint any;
	int r;

	if (s->bound)
		return 0;
	endpoint_any(s->domain, s->domain == AF_INET6, &any);
	r = ports_bind(&s->e->ping_ports, s, &any, NULL);
	return r < 0 ? EAGAIN : 0;
}

/* only echo requests; identifier and checksum are ours to write (icmp(7)) */
static int ping_send(struct sock *s, const struct dgram_hdr *h, uint8_t *data, size_t len)
{
	bool v6 = s->domain == AF_INET6;
	uint16_t id, sum = 0;
	int r;

	if (len < ICMP_HLEN || data[0] != (v6 ? ICMP6_TYPE_EREQ : ICMP_ECHO) || data[1] != 0)
		return EINVAL;
	r = ping_bind_auto(s);
	if (r)
		return r;
	id = lwip_htons(s->local.port);
	memcpy(data + 4, &id, sizeof(id));
	memcpy(data + 2, &sum, sizeof(sum));
	if (!v6) {
		sum = inet_chksum(data, (u16_t)len);
		memcpy(data + 2, &sum, sizeof(sum));
	}
	return raw_out(v6 ? s->e->icmp6_in : s->e->icmp_in, s, h, data, len);
}

static void ping_event(struct sock *s, uint32_t events)
{
	dgram_event(s, events, ping_send);
}

static int ping_op_bind(struct sock *s, const struct endpoint *ep)
{
	return ports_bind(&s->e->ping_ports, s, ep, NULL);
}

static int ping_op_connect(struct sock *s, const struct msg_addr *to, uint32_t plug)
{
	return dgram_connect(s, to, &s->e->ping_ports);
}

static int ping_op_open(struct sock *s)
{
	return dgram_open(s);
}

static void ping_opt_changed(struct sock *s, int level, int name)
{
	if (level == SOL_SOCKET && name == SO_RCVBUF)
		sock_set_sndbuf(s, s->o.rcvbuf);
}

const struct sock_ops sock_ping_ops = {
	.name = "ping",
	.size = sizeof(struct dgram_sock),
	.open = ping_op_open,
	.bind = ping_op_bind,
	.connect = ping_op_connect,
	.shutdown = dgram_shutdown,
	.autobind = ping_bind_auto,
	.may_send = raw_op_may_send,
	.setopt = dgram_setopt,
	.getopt = dgram_getopt,
	.opt_changed = ping_opt_changed,
	.event = ping_event,
	.destroy = dgram_destroy,
};
