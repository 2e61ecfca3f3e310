/* sockopt.c - socket options: a table, and what it cannot express
 *
 * Theory of operation
 * A row says where an int option is kept, its range and who knows it; get
 * and set of such an option need no code.  A kind learns of a change by
 * opt_changed().  Options with another shape (linger, timeouts, TCP_INFO, ...)
 * have a case here or in the kind.  Lengths are treated as Linux does: an
 * int may be given longer, never shorter, except the one-byte forms of
 * IPPROTO_IP (do_ip_setsockopt); a get is truncated to the room.
 */
#include "engine/sockopt.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <netinet/in.h>
#include "engine/iface.h"
#include "engine/priv.h"
#include "engine/sock.h"
#include "engine/sock_dgram.h"
#include "lwip/prot/udp.h"
#include "port.h"
#include "proto/dgram.h"
#include <netinet/udp.h>
#include <netinet/tcp.h>		/* after lwIP's headers: both have a TCP_MSS */

#define UDPLITE_SEND_CSCOV	10	/* udplite(7); no header has them */
#define UDPLITE_RECV_CSCOV	11

#define F_TCP	1		/* stream sockets only */
#define F_DGRAM	2		/* not on stream sockets */
#define F_BOOL	4		/* any int, kept as 0 or 1 */
#define F_V6	8		/* AF_INET6 sockets only */
#define F_RO	16
#define F_BYTE	32		/* one byte will do (IPPROTO_IP) */
#define F_CLAMP	64		/* out of range is clamped, not refused */
#define F_UDP	128		/* UDP sockets only */

struct row {
	int level, name;
	size_t at;
	int min, max;
	unsigned flags;
};

#define AT(m)	offsetof(struct sockopt, m)

static const struct row rows[] = {
	{ SOL_SOCKET, SO_REUSEADDR,	AT(reuseaddr), 0, 1, F_BOOL },
	{ SOL_SOCKET, SO_REUSEPORT,	AT(reuseport), 0, 1, F_BOOL },
	{ SOL_SOCKET, SO_KEEPALIVE,	AT(keepalive), 0, 1, F_BOOL },
	{ SOL_SOCKET, SO_BROADCAST,	AT(broadcast), 0, 1, F_BOOL },
	{ SOL_SOCKET, SO_OOBINLINE,	AT(oobinline), 0, 1, F_BOOL },
	{ SOL_SOCKET, SO_DONTROUTE,	AT(dontroute), 0, 1, F_BOOL },
	{ SOL_SOCKET, SO_NO_CHECK,	AT(no_check), 0, 1, F_BOOL },
	{ SOL_SOCKET, SO_TIMESTAMP,	AT(timestamp), 0, 1, F_BOOL },
	{ SOL_SOCKET, SO_TIMESTAMPNS,	AT(timestampns), 0, 1, F_BOOL },
	{ SOL_SOCKET, SO_DEBUG,		AT(debug), 0, 1, F_BOOL },
	{ SOL_SOCKET, SO_PRIORITY,	AT(priority), INT_MIN, INT_MAX, 0 },
	{ SOL_SOCKET, SO_MARK,		AT(mark), INT_MIN, INT_MAX, 0 },
	{ SOL_SOCKET, SO_RCVLOWAT,	AT(rcvlowat), 1, INT_MAX, F_CLAMP },
	{ SOL_SOCKET, SO_RXQ_OVFL,	AT(rxq_ovfl), 0, 1, F_BOOL },
	{ SOL_SOCKET, SO_BUSY_POLL,	AT(busy_poll), 0, INT_MAX, 0 },
	{ SOL_SOCKET, SO_PREFER_BUSY_POLL, AT(prefer_busy_poll), 0, 1, F_BOOL },
	{ SOL_SOCKET, SO_INCOMING_CPU,	AT(incoming_cpu), INT_MIN, INT_MAX, 0 },
	{ SOL_SOCKET, SO_BINDTOIFINDEX,	AT(bindtodevice), 0, INT_MAX, 0 },

	{ IPPROTO_IP, IP_TTL,		AT(ttl), 1, 255, F_BYTE },
	{ IPPROTO_IP, IP_TOS,		AT(tos), INT_MIN, INT_MAX, F_BYTE },
	{ IPPROTO_IP, IP_MINTTL,	AT(min_ttl), 0, 255, F_BYTE },
	{ IPPROTO_IP, IP_ROUTER_ALERT,	AT(alert), 0, 1, F_BOOL | F_BYTE },
	{ IPPROTO_IP, IP_RECVTTL,	AT(recvttl), 0, 1, F_BOOL | F_BYTE },
	{ IPPROTO_IP, IP_RECVTOS,	AT(recvtos), 0, 1, F_BOOL | F_BYTE },
	{ IPPROTO_IP, IP_PKTINFO,	AT(pktinfo), 0, 1, F_BOOL | F_BYTE },
	{ IPPROTO_IP, IP_RETOPTS,	AT(retopts), 0, 1, F_BOOL | F_BYTE },
	{ IPPROTO_IP, IP_RECVOPTS,	AT(recvopts), 0, 1, F_BOOL | F_BYTE },
	{ IPPROTO_IP, IP_RECVERR,	AT(recverr), 0, 1, F_BOOL | F_BYTE },
	{ IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, AT(bind_no_port), 0, 1, F_BOOL | F_BYTE },
	{ IPPROTO_IP, IP_FREEBIND,	AT(freebind), 0, 1, F_BOOL | F_BYTE },
	{ IPPROTO_IP, IP_TRANSPARENT,	AT(transparent), 0, 1, F_BOOL | F_BYTE },
	{ IPPROTO_IP, IP_RECVORIGDSTADDR, AT(origdst), 0, 1, F_BOOL | F_BYTE },
	{ IPPROTO_IP, IP_HDRINCL,	AT(hdrincl), 0, 1, F_BOOL | F_BYTE | F_DGRAM },
	{ IPPROTO_IP, IP_MTU_DISCOVER,	AT(mtu_discover), IP_PMTUDISC_DONT, IP_PMTUDISC_OMIT, F_BYTE },
	{ IPPROTO_IP, IP_MULTICAST_TTL,	AT(mcast_ttl), 0, 255, F_BYTE },
	{ IPPROTO_IP, IP_MULTICAST_LOOP, AT(mcast_loop), 0, 1, F_BOOL | F_BYTE },
	{ IPPROTO_IP, IP_MULTICAST_ALL,	AT(mcast_all), 0, 1, F_BYTE },

	{ IPPROTO_IPV6, IPV6_HDRINCL,	AT(hdrincl), 0, 1, F_BOOL | F_V6 | F_DGRAM },
	{ IPPROTO_IPV6, IPV6_V6ONLY,	AT(v6only), 0, 1, F_BOOL | F_V6 },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, AT(hops), -1, 255, F_V6 },
	{ IPPROTO_IPV6, IPV6_TCLASS,	AT(tclass), -1, 255, F_V6 },
	{ IPPROTO_IPV6, IPV6_MINHOPCOUNT, AT(min_hops), 0, 255, F_V6 },
	{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, AT(recvhops), 0, 1, F_BOOL | F_V6 },
	{ IPPROTO_IPV6, IPV6_RECVHOPOPTS, AT(recvhopopts), 0, 1, F_BOOL | F_V6 },
	{ IPPROTO_IPV6, IPV6_RECVDSTOPTS, AT(recvdstopts), 0, 1, F_BOOL | F_V6 },
	{ IPPROTO_IPV6, IPV6_RECVRTHDR,	AT(recvrthdr), 0, 1, F_BOOL | F_V6 },
	{ IPPROTO_IPV6, IPV6_FLOWINFO,	AT(recvflow), 0, 1, F_BOOL | F_V6 },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, AT(recvtclass), 0, 1, F_BOOL | F_V6 },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, AT(recvpktinfo6), 0, 1, F_BOOL | F_V6 },
	{ IPPROTO_IPV6, IPV6_RECVERR,	AT(recverr6), 0, 1, F_BOOL | F_V6 },
	{ IPPROTO_IPV6, IPV6_FREEBIND,	AT(freebind), 0, 1, F_BOOL | F_V6 },
	{ IPPROTO_IPV6, IPV6_TRANSPARENT, AT(transparent), 0, 1, F_BOOL | F_V6 },
	{ IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, AT(origdst6), 0, 1, F_BOOL | F_V6 },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, AT(mtu_discover6), IPV6_PMTUDISC_DONT, IPV6_PMTUDISC_OMIT, F_V6 },
	{ IPPROTO_IPV6, IPV6_MULTICAST_HOPS, AT(mcast_hops), -1, 255, F_V6 | F_DGRAM },
	{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, AT(mcast_loop6), 0, 1, F_V6 },
	{ IPPROTO_IPV6, IPV6_MULTICAST_ALL, AT(mcast_all6), 0, 1, F_BOOL | F_V6 },
	{ IPPROTO_IPV6, IPV6_DONTFRAG,	AT(dontfrag6), 0, 1, F_BOOL | F_V6 },
	{ IPPROTO_IPV6, IPV6_MTU,	AT(frag6), 0, INT_MAX, F_V6 },	/* to be set: get_mtu() */

	{ IPPROTO_TCP, TCP_NODELAY,	AT(nodelay), 0, 1, F_BOOL | F_TCP },
	{ IPPROTO_TCP, TCP_CORK,	AT(cork), 0, 1, F_BOOL | F_TCP },
	{ IPPROTO_TCP, TCP_KEEPIDLE,	AT(keepidle), 1, 32767, F_TCP },
	{ IPPROTO_TCP, TCP_KEEPINTVL,	AT(keepintvl), 1, 32767, F_TCP },
	{ IPPROTO_TCP, TCP_KEEPCNT,	AT(keepcnt), 1, 127, F_TCP },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, AT(user_timeout), 0, INT_MAX, F_TCP },
	{ IPPROTO_TCP, TCP_SYNCNT,	AT(syncnt), 1, 127, F_TCP },
	{ IPPROTO_TCP, TCP_QUICKACK,	AT(quickack), 0, 1, F_BOOL | F_TCP },
	{ IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, AT(thin), 0, 1, F_TCP },
	{ IPPROTO_TCP, TCP_INQ,		AT(inq), 0, 1, F_TCP },
	{ IPPROTO_TCP, TCP_LINGER2,	AT(linger2), -1, 120, F_TCP | F_CLAMP },

	{ IPPROTO_UDP, UDP_CORK,	AT(udp_cork), 0, 1, F_BOOL | F_UDP },
	{ IPPROTO_UDP, UDP_SEGMENT,	AT(udp_segment), 0, USHRT_MAX, F_UDP },
	{ IPPROTO_UDP, UDP_GRO,		AT(udp_gro), 0, 1, F_BOOL | F_UDP },
	{ IPPROTO_UDP, UDPLITE_SEND_CSCOV, AT(udplite_send), UDP_HLEN, USHRT_MAX, F_CLAMP | F_UDP },
	{ IPPROTO_UDP, UDPLITE_RECV_CSCOV, AT(udplite_recv), UDP_HLEN, USHRT_MAX, F_CLAMP | F_UDP },
};

/* Linux's defaults: net.core.*, net.ipv4.* as Debian ships them */
#define DEF_SNDBUF	212992
#define DEF_RCVBUF	212992
#define DEF_TCP_SNDBUF	16384
#define DEF_TCP_RCVBUF	131072
#define MAX_BUF		4194304		/* what wmem_max and rmem_max would allow */
#define MIN_SNDBUF	4608
#define MIN_RCVBUF	2304

/* sockopt_init() - The values of a new socket */
void sockopt_init(struct sockopt *o, int domain, int type)
{
	bool tcp = type == SOCK_STREAM;

	*o = (struct sockopt){
		.reuseaddr = type == SOCK_RAW,
		.sndbuf = tcp ? DEF_TCP_SNDBUF : DEF_SNDBUF,
		.rcvbuf = tcp ? DEF_TCP_RCVBUF : DEF_RCVBUF,
		.rcvlowat = 1, .ttl = 64, .hops = -1,
		.mcast_ttl = 1, .mcast_loop = 1, .mcast_hops = 1, .mcast_loop6 = 1,
		.mcast_all = domain == AF_INET, .mcast_all6 = 1, .incoming_cpu = -1,
		.mtu_discover = IP_PMTUDISC_WANT, .mtu_discover6 = IPV6_PMTUDISC_WANT,
		.keepidle = 7200, .keepintvl = 75, .keepcnt = 9, .syncnt = 6,
		.quickack = 1, .linger2 = 60, .udplite_send = -1, .udplite_recv = -1,
	};
}

static const struct row *find(const struct sock *s, int level, int name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		if (r->level != level || r->name != name)
			continue;
		if (level != SOL_SOCKET && s->domain == AF_NETLINK)
			return NULL;
		if ((r->flags & F_TCP) && s->type != SOCK_STREAM)
			return NULL;
		if ((r->flags & F_UDP) && s->ops != &sock_udp_ops)
			return NULL;
		if ((r->flags & F_DGRAM) && s->type == SOCK_STREAM)
			return NULL;
		if (level == IPPROTO_IP && s->domain == AF_INET6 && s->type == SOCK_RAW)
			return NULL;
		if (level == IPPROTO_IP && name == IP_HDRINCL && s->type != SOCK_RAW)
			return NULL;
		if ((r->flags & F_V6) && s->domain != AF_INET6)
			return NULL;
		return r;
	}
	return NULL;
}

/* options that have no effect here: they read as Linux's default, may be set to
 * that, and are refused with any other value, since what "succeeds" must act */
enum { K_TCP = 1, K_UDP = 2, K_RAW = 4, K_ALL = 7, K_ANY = 8 /* Linux takes any value, too, and ignores it */,
       K_BOOL = 16 /* it takes 0 and 1, and ignores them */ };

static const struct fixed {
	int level, name, value;
	unsigned kinds;
} fixed_rows[] = {
	{ SOL_SOCKET, SO_BSDCOMPAT, 0, K_ALL | K_ANY },
	{ SOL_SOCKET, SO_NOFCS, 0, K_ALL }, { SOL_SOCKET, SO_SELECT_ERR_QUEUE, 0, K_ALL },
	{ SOL_SOCKET, SO_INCOMING_NAPI_ID, 0, K_ALL },
	{ SOL_SOCKET, SO_ZEROCOPY, 0, K_ALL }, { SOL_SOCKET, SO_TIMESTAMPING, 0, K_ALL },
	{ SOL_SOCKET, SO_PEEK_OFF, -1, K_UDP },

	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0, K_TCP }, { IPPROTO_TCP, TCP_REPAIR, 0, K_TCP },
	{ IPPROTO_TCP, TCP_SAVE_SYN, 0, K_TCP }, { IPPROTO_TCP, TCP_THIN_DUPACK, 0, K_TCP | K_BOOL },
	{ IPPROTO_TCP, TCP_WINDOW_CLAMP, 0, K_TCP },

	{ IPPROTO_UDP, UDP_NO_CHECK6_TX, 0, K_UDP }, { IPPROTO_UDP, UDP_NO_CHECK6_RX, 0, K_UDP },

	{ IPPROTO_IP, IP_NODEFRAG, 0, K_ALL },
	{ IPPROTO_IP, IP_CHECKSUM, 0, K_ALL },
	{ IPPROTO_IP, IP_PASSSEC, 0, K_ALL }, { IPPROTO_IP, IP_RECVFRAGSIZE, 0, K_ALL },
	{ IPPROTO_IP, IP_HDRINCL, 0, K_TCP | K_UDP },

	{ IPPROTO_IPV6, IPV6_RECVPATHMTU, 0, K_ALL },
	{ IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 1, K_ALL },
	{ IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 0, K_ALL }, { IPPROTO_IPV6, IPV6_ROUTER_ALERT, 0, K_ALL },
};

static unsigned kind_of(const struct sock *s)
{
	return s->type == SOCK_STREAM ? K_TCP : s->type == SOCK_DGRAM ? K_UDP : K_RAW;
}

static const struct fixed *find_fixed(const struct sock *s, int level, int name)
{
	if (s->domain != AF_INET && s->domain != AF_INET6)
		return NULL;
	if (level == IPPROTO_IPV6 && s->domain != AF_INET6)
		return NULL;
	if (level == IPPROTO_IP && s->domain == AF_INET6 && s->type == SOCK_RAW)
		return NULL;
	for (size_t i = 0; i < sizeof(fixed_rows) / sizeof(fixed_rows[0]); i++) {
		const struct fixed *f = &fixed_rows[i];

		if (f->level == level && f->name == name && f->kinds & kind_of(s))
			return f;
	}
	return NULL;
}

static int take_int(const struct row *r, const void *val, uint32_t len, int *out)
{
	if (len >= sizeof(int)) {
		memcpy(out, val, sizeof(int));
		return 0;
	}
	if (r && (r->flags & F_BYTE)) {	/* no byte at all is 0 */
		*out = len ? *(const uint8_t *)val : 0;
		return 0;
	}
	return -EINVAL;
}

/* of UDP sockets both are 0 for good: all is covered */
static bool is_coverage(const struct row *r)
{
	return r->at == AT(udplite_send) || r->at == AT(udplite_recv);
}

/* udp(7)'s options by udplite(7)'s level, and the other way round (udp_lib_setsockopt()) */
static int level_of(const struct sock *s, int level)
{
	return level == IPPROTO_UDPLITE && s->ops == &sock_udp_ops ? IPPROTO_UDP : level;
}

static int set_row(struct sock *s, const struct row *r, int v)
{
	if (is_coverage(r) && !is_udplite(s))
		return -ENOPROTOOPT;
	if (r->flags & F_RO)
		return -ENOPROTOOPT;
	if (r->flags & F_BOOL) {
		v = v != 0;
	} else if (v < r->min || v > r->max) {
		/* -1 restores the default where Linux lets it */
		if (v == -1 && r->at == AT(ttl))
			v = 64;
		else if (v == -1 && r->at == AT(mcast_ttl))
			v = 1;
		else if (r->at == AT(rcvlowat) && v < 0)
			v = INT_MAX;
		else if (is_coverage(r) && v == 0)
			;		/* all of it */
		else if (r->flags & F_CLAMP)
			v = v < r->min ? r->min : r->max;
		else
			return -EINVAL;
	}
	if (r->at == AT(frag6) && v && v < IP6_MIN_MTU_LENGTH)
		return -EINVAL;
	if (r->at == AT(alert) && (s->type != SOCK_RAW || s->protocol == IPPROTO_RAW))
		return -EINVAL;
	if (r->at == AT(alert) && v == s->o.alert)	/* ip_ra_control() */
		return v ? -EADDRINUSE : -ENOBUFS;
	if ((r->at == AT(v6only) && s->bound) || (r->at == AT(mcast_ttl) && s->type == SOCK_STREAM))
		return -EINVAL;
	if (r->at == AT(linger2) && v == 0)
		v = 60;			/* 0 is the default, tcp_fin_timeout */
	if (r->at == AT(tclass) && v >= 0 && s->type == SOCK_STREAM)
		v &= 0xfc;
	if (r->at == AT(tos))		/* a stream's ECN bits are not the application's */
		v &= s->type == SOCK_STREAM ? 0xfc : 0xff;
	*(int *)((char *)&s->o + r->at) = v;
	if (r->at == AT(v6only))
		endpoint_any(s->domain, s->o.v6only, &s->local);
	if (s->ops->opt_changed)
		s->ops->opt_changed(s, r->level, r->name);
	return 0;
}

static int set_buf(struct sock *s, int name, const void *val, uint32_t len)
{
	int v, *at = name == SO_SNDBUF || name == SO_SNDBUFFORCE ? &s->o.sndbuf : &s->o.rcvbuf;
	int min = at == &s->o.sndbuf ? MIN_SNDBUF : MIN_RCVBUF;

	if (take_int(NULL, val, len, &v) < 0)
		return -EINVAL;
	if (v < 0 || v > MAX_BUF)
		v = MAX_BUF;
	v *= 2;				/* socket(7): the kernel doubles */
	*at = v < min ? min : v;
	*(at == &s->o.sndbuf ? &s->o.sndbuf_set : &s->o.rcvbuf_set) = 1;
	if (s->ops->opt_changed)
		s->ops->opt_changed(s, SOL_SOCKET,
				    at == &s->o.sndbuf ? SO_SNDBUF : SO_RCVBUF);
	return 0;
}

/* the time of a linger that is off stays what it was (sk_setsockopt()) */
static int set_linger(struct sock *s, const void *val)
{
	struct linger l;

	memcpy(&l, val, sizeof(l));
	s->o.linger.l_onoff = l.l_onoff != 0;
	if (l.l_onoff)
		s->o.linger.l_linger = l.l_linger;
	return 0;
}

/* IP_UNICAST_IF and IPV6_UNICAST_IF: an index in network byte order, for which there is
 * no reason */
static int *unicast_if(struct sock *s, int level, int name)
{
	if (level == IPPROTO_IP && name == IP_UNICAST_IF && (s->domain == AF_INET || s->type != SOCK_RAW))
		return &s->o.unicast_if;
	return level == IPPROTO_IPV6 && name == IPV6_UNICAST_IF && s->domain == AF_INET6 ?
		&s->o.unicast_if6 : NULL;
}

static int set_unicast_if(struct sock *s, int *at, const void *val, uint32_t len)
{
	uint32_t index;

	if (len != sizeof(index))
		return -EINVAL;
	memcpy(&index, val, sizeof(index));
	if (index && !iface_netif(s->e, ntohl(index)))
		return -EADDRNOTAVAIL;
	if (index && s->o.bindtodevice && (uint32_t)s->o.bindtodevice != ntohl(index))
		return -EINVAL;
	*at = (int)index;
	return 0;
}

static int set_device(struct sock *s, const void *val, uint32_t len)
{
	char name[16] = "";
	unsigned index = 0;

	memcpy(name, val, len < sizeof(name) ? len : sizeof(name) - 1);
	if (name[0]) {
		index = iface_index(s->e, name);
		if (!index)
			return -ENODEV;
	}
	s->o.bindtodevice = (int)index;
	return 0;
}

/**
 * sock_setopt() - setsockopt(2)
 * @val, @len:	the value as the application gave it
 *
 * Return: 0, -EINVAL (range, length), -ENOPROTOOPT, -ENODEV
 */
int sock_setopt(struct sock *s, int level, int name, const void *val, uint32_t len)
{
	const struct row *r = find(s, level = level_of(s, level), name);
	static const struct row byte_row = { .flags = F_BYTE };
	const struct fixed *f;
	int v, *at;

	sock_catch_up(s);
	if (r) {
		if (take_int(r, val, len, &v) < 0)
			return -EINVAL;
		return set_row(s, r, v);
	}
	at = unicast_if(s, level, name);
	if (at)
		return set_unicast_if(s, at, val, len);
	f = find_fixed(s, level, name);
	if (f) {
		if (take_int(f->level == IPPROTO_IP ? &byte_row : NULL, val, len, &v) < 0)
			return -EINVAL;
		if (f->kinds & K_BOOL)
			return v == 0 || v == 1 ? 0 : -EINVAL;
		return v == f->value || f->kinds & K_ANY ? 0 : -ENOPROTOOPT;
	}
	if (level == SOL_SOCKET) {
		if (len < sizeof(int) && name != SO_BINDTODEVICE)
			return -EINVAL;
		switch (name) {
		case SO_PASSCRED: case SO_PASSSEC:
			return -EOPNOTSUPP;
		case SO_SNDBUF: case SO_SNDBUFFORCE: case SO_RCVBUF: case SO_RCVBUFFORCE:
			return set_buf(s, name, val, len);
		case SO_LINGER:
			if (len < sizeof(struct linger))
				return -EINVAL;
			return set_linger(s, val);
		case SO_BINDTODEVICE:
			return set_device(s, val, len);
		case SO_TYPE: case SO_DOMAIN: case SO_PROTOCOL: case SO_ERROR: case SO_ACCEPTCONN:
			return -ENOPROTOOPT;
		case SO_ATTACH_FILTER: case SO_DETACH_FILTER: case SO_LOCK_FILTER:
			return filter_setopt(s, name, val, len);
		}
	}
	return s->ops->setopt ? s->ops->setopt(s, level, name, val, len) : -ENOPROTOOPT;
}

static int give(const void *from, uint32_t size, void *val, uint32_t *len)
{
	if (*len > size)
		*len = size;
	memcpy(val, from, *len);
	return 0;
}

static int get_socket_level(struct sock *s, int name, void *val, uint32_t *len)
{
	/* there is a peer's process only on AF_UNIX */
	static const struct ucred nobody = { .pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1 };
	struct msg_stat st;
	char dev[16] = "";
	int v;

	sock_catch_up(s);		/* its errors are for SO_ERROR */
	sock_stat(s, &st);
	switch (name) {
	case SO_TYPE:
		v = s->type;
		break;
	case SO_DOMAIN:
		v = s->domain;
		break;
	case SO_PROTOCOL:
		v = s->type == SOCK_STREAM ? IPPROTO_TCP :
			s->type == SOCK_DGRAM && !s->protocol ? IPPROTO_UDP : s->protocol;
		break;
	case SO_ACCEPTCONN:
		v = st.state == MSG_ST_LISTENING;
		break;
	case SO_ERROR:
		v = s->err;
		s->err = 0;
		break;
	case SO_SNDBUF:
		v = s->o.sndbuf;
		break;
	case SO_RCVBUF:
		v = s->o.rcvbuf;
		break;
	case SO_PEERCRED:
		return give(&nobody, sizeof(nobody), val, len);
	case SO_PASSCRED: case SO_PASSSEC:
		return -EOPNOTSUPP;
	case SO_SNDLOWAT:
		v = 1;
		break;
	case SO_LINGER:
		return give(&s->o.linger, sizeof(s->o.linger), val, len);
	case SO_COOKIE:
		return *len < 8 ? -EINVAL : give(&s->id, 8, val, len);
	case SO_BINDTODEVICE:
		if (!s->o.bindtodevice) {
			*len = 0;
			return 0;
		}
		if (*len < sizeof(dev))
			return -EINVAL;
		iface_name(s->e, (unsigned)s->o.bindtodevice, dev);
		return give(dev, (uint32_t)strlen(dev) + 1, val, len);
	case SO_LOCK_FILTER: case SO_BPF_EXTENSIONS:
		return filter_getopt(s, name, val, len);
	default:
		return s->ops->getopt ? s->ops->getopt(s, SOL_SOCKET, name, val, len) :
			-ENOPROTOOPT;
	}
	return give(&v, sizeof(v), val, len);
}

/* a level that is neither IP's nor the protocol's own: ip_getsockopt() has a name for that */
static bool foreign_level(const struct sock *s, int level)
{
	int own = s->type == SOCK_STREAM ? IPPROTO_TCP : s->type == SOCK_DGRAM ? IPPROTO_UDP : SOL_RAW;

	return s->domain == AF_INET && level != IPPROTO_IP && level != own;
}

/* a short buffer gets one byte at IPPROTO_IP where the value fits in it (ip(7)) */
static int give_int(int v, bool byte, void *val, uint32_t *len)
{
	if (byte && *len > 0 && *len < sizeof(int) && v >= 0 && v <= 255) {
		*(uint8_t *)val = (uint8_t)v;
		*len = 1;
		return 0;
	}
	return give(&v, sizeof(v), val, len);
}

/* IP_MTU, IPV6_MTU: of the way to the peer (ip(7)) */
static int get_mtu(struct sock *s, int level, void *val, uint32_t *len)
{
	struct netif *n;
	ip_addr_t src;
	int mtu;

	if (!s->connected || !route_source(&s->remote.ip, &src, &n))
		return -ENOTCONN;
	mtu = (int)iface_mtu(s->e, iface_index_of(n));
	if (level == IPPROTO_IPV6 && mtu == UINT16_MAX)
		mtu++;			/* lo: an IPv4 packet cannot be as long as its MTU */
	return give(&mtu, sizeof(mtu), val, len);
}

static bool is_mtu(const struct sock *s, int level, int name)
{
	if (level == IPPROTO_IP)
		return name == IP_MTU && (s->domain == AF_INET || s->type != SOCK_RAW);
	return level == IPPROTO_IPV6 && name == IPV6_MTU && s->domain == AF_INET6;
}

/**
 * sock_getopt() - getsockopt(2)
 * @val:	at least *@len bytes
 * @len:	room; then the length given
 *
 * Return: 0, -EINVAL, -ENOPROTOOPT
 */
int sock_getopt(struct sock *s, int level, int name, void *val, uint32_t *len)
{
	const struct row *r = find(s, level = level_of(s, level), name);
	const struct fixed *f = r ? NULL : find_fixed(s, level, name);
	int v;

	if (f)
		return give_int(f->value, f->level == IPPROTO_IP, val, len);
	if (!r && level == SOL_SOCKET)
		return get_socket_level(s, name, val, len);
	if (unicast_if(s, level, name))
		return give_int(*unicast_if(s, level, name), level == IPPROTO_IP, val, len);
	if (is_mtu(s, level, name))
		return get_mtu(s, level, val, len);
	if (!r) {
		int ret = s->ops->getopt ? s->ops->getopt(s, level, name, val, len) : -ENOPROTOOPT;

		/* what Linux's ip_getsockopt() says to a level that is not IP's */
		return ret == -ENOPROTOOPT && foreign_level(s, level) ? -EOPNOTSUPP : ret;
	}
	v = *(const int *)((const char *)&s->o + r->at);
	if (r->at == AT(hops) && v < 0)
		v = 64;
	if (r->at == AT(tclass) && v < 0)
		v = 0;
	if (r->at == AT(mcast_hops) && v < 0)
		v = 1;
	if (is_coverage(r) && v < 0)
		v = 0;
	return give_int(v, r->flags & F_BYTE, val, len);
}
