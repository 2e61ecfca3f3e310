/* sockopt.c - socket options: which are the kernel's, ours, the daemon's
 *
 * Theory of operation
 * An option is one of four kinds.  Native: timeouts and the like, which then act
 * on the pair itself.  Kept: what only changes how we present a datagram (PKTINFO,
 * timestamps) or foresee its fate (outlook.c) is a bit of the tag; the daemon is
 * told, too.  Quick: options
 * that cannot fail once their value was checked go to the daemon one-way.
 * All others ask the daemon and return its answer.  Nothing falls through to
 * the AF_UNIX pair: what "succeeds" there would do nothing.
 */
#include <errno.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <linux/if_packet.h>
#include "client/client.h"
#include "client/memory.h"
#include "client/sys.h"
#include "proto/dgram.h"
#include "proto/filter.h"

#define OPTMEM_MAX	131072	/* net.core.optmem_max */

/* Linux's own numbers, on every libc */
#define OPT_RCVTIMEO_NEW	66
#define OPT_SNDTIMEO_NEW	67

static bool native(int level, int name, unsigned char kind)
{
	if (level != SOL_SOCKET)
		return false;
	switch (name) {
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
	case OPT_RCVTIMEO_NEW:
	case OPT_SNDTIMEO_NEW:
#if SO_RCVTIMEO != 20 && !defined(__powerpc__)
	case 20:
	case 21:
#endif
		return true;
	case SO_RCVLOWAT:
	case SO_PEEK_OFF:
		return kind == SOCKNAME_STREAM;
	case SO_PASSCRED:
		return kind == SOCKNAME_NETLINK;	/* netlink.c */
	default:
		return false;
	}
}

/* the tag's bit of an option, 0: not one of them */
static unsigned kept(int level, int name)
{
	static const struct {
		int level, name;
		unsigned bit;
	} table[] = {
		{ IPPROTO_IP, IP_PKTINFO, TAG_OPT_PKTINFO },
		{ IPPROTO_IP, IP_RECVTTL, TAG_OPT_TTL },
		{ IPPROTO_IP, IP_RECVTOS, TAG_OPT_TOS },
		{ IPPROTO_IP, IP_RECVERR, TAG_OPT_RECVERR },
		{ IPPROTO_IPV6, IPV6_RECVHOPOPTS, TAG_OPT_CTL },
		{ IPPROTO_IPV6, IPV6_RECVDSTOPTS, TAG_OPT_CTL },
		{ IPPROTO_IPV6, IPV6_RECVRTHDR, TAG_OPT_CTL },
		{ IPPROTO_IPV6, IPV6_FLOWINFO, TAG_OPT_CTL },
		{ IPPROTO_IP, IP_RECVOPTS, TAG_OPT_CTL }, { IPPROTO_IP, IP_RETOPTS, TAG_OPT_CTL },
		{ IPPROTO_IP, IP_RECVORIGDSTADDR, TAG_OPT_ORIGDST },
		{ IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, TAG_OPT_ORIGDST6 },
		{ SOL_SOCKET, SO_BROADCAST, TAG_OPT_BROADCAST },
		{ SOL_SOCKET, SO_RXQ_OVFL, TAG_OPT_RXQ_OVFL },
		{ IPPROTO_IPV6, IPV6_RECVPKTINFO, TAG_OPT_PKTINFO6 },
		{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, TAG_OPT_HOPLIMIT },
		{ IPPROTO_IPV6, IPV6_RECVTCLASS, TAG_OPT_TCLASS },
		{ IPPROTO_IPV6, IPV6_RECVERR, TAG_OPT_RECVERR6 },
		{ SOL_PACKET, PACKET_AUXDATA, TAG_OPT_AUXDATA },
		{ SOL_SOCKET, SO_TIMESTAMP, TAG_OPT_TIMESTAMP },
		{ SOL_SOCKET, SO_TIMESTAMPNS, TAG_OPT_TIMESTAMPNS },
		{ IPPROTO_IPV6, IPV6_V6ONLY, TAG_OPT_V6ONLY },
		{ IPPROTO_IP, IP_MTU_DISCOVER, TAG_OPT_WHOLE },
		{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, TAG_OPT_WHOLE },
		{ IPPROTO_IPV6, IPV6_DONTFRAG, TAG_OPT_WHOLE },
		{ IPPROTO_UDP, UDP_SEGMENT, TAG_OPT_WHOLE },
		{ SOL_SOCKET, SO_BINDTODEVICE, TAG_OPT_ROUTED },
		{ SOL_SOCKET, SO_BINDTOIFINDEX, TAG_OPT_ROUTED },
		{ IPPROTO_IP, IP_UNICAST_IF, TAG_OPT_ROUTED },
		{ IPPROTO_IP, IP_OPTIONS, TAG_OPT_ROUTED },
		{ IPPROTO_IP, IP_MULTICAST_IF, TAG_OPT_ROUTED },
		{ IPPROTO_IP, IP_FREEBIND, TAG_OPT_ROUTED },
		{ IPPROTO_IP, IP_TRANSPARENT, TAG_OPT_ROUTED },
		{ IPPROTO_IPV6, IPV6_UNICAST_IF, TAG_OPT_ROUTED },
		{ IPPROTO_IPV6, IPV6_MULTICAST_IF, TAG_OPT_ROUTED },
		{ IPPROTO_IPV6, IPV6_FREEBIND, TAG_OPT_ROUTED },
		{ IPPROTO_IPV6, IPV6_TRANSPARENT, TAG_OPT_ROUTED },
		{ IPPROTO_IPV6, IPV6_PKTINFO, TAG_OPT_ROUTED },
		{ IPPROTO_TCP, TCP_INQ, TAG_OPT_INQ },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].level == level && table[i].name == name)
			return table[i].bit;
	return 0;
}

/* options that cannot fail while their int is in [min, max] */
static bool quick(int level, int name, int v, bool stream)
{
	static const struct {
		int level, name, min, max;
		bool stream_only;
	} table[] = {
		{ SOL_SOCKET, SO_REUSEADDR, INT32_MIN, INT32_MAX, false },
		{ SOL_SOCKET, SO_KEEPALIVE, INT32_MIN, INT32_MAX, false },
		{ SOL_SOCKET, SO_SNDBUF, INT32_MIN, INT32_MAX, false },
		{ SOL_SOCKET, SO_RCVBUF, INT32_MIN, INT32_MAX, false },
		{ IPPROTO_TCP, TCP_NODELAY, INT32_MIN, INT32_MAX, true },
		{ IPPROTO_TCP, TCP_CORK, INT32_MIN, INT32_MAX, true },
		{ IPPROTO_TCP, TCP_QUICKACK, INT32_MIN, INT32_MAX, true },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 1, 32767, true },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 1, 32767, true },
		{ IPPROTO_TCP, TCP_KEEPCNT, 1, 127, true },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].level == level && table[i].name == name)
			return v >= table[i].min && v <= table[i].max &&
			       (stream || !table[i].stream_only);
	return false;
}

/* what only makes us look closer (outlook.c) stays, whatever the value */
#define STICKY	(TAG_OPT_WHOLE | TAG_OPT_ROUTED)

static void keep(int fd, const struct sockname *sn, unsigned bit, bool on)
{
	struct tag t = tag_get(fd);
	socklen_t len = sizeof(t.domain);

	if (!t.domain && client_getsockopt(fd, sn, SOL_SOCKET, SO_DOMAIN, &t.domain, &len))
		return;
	if (bit & STICKY) {
		outlook_forget();
		on = true;
	}
	t.opts = on ? t.opts | bit : t.opts & ~bit;
	tag_set(fd, t);
	if (on && bit & (TAG_OPT_RECVERR | TAG_OPT_RECVERR6))
		dgram_ask_errors();
}

/* the value says which group's filter is meant */
static bool is_filter(int level, int name)
{
	return ((level == IPPROTO_IP || level == IPPROTO_IPV6) && name == MCAST_MSFILTER) ||
	       (level == IPPROTO_IP && name == IP_MSFILTER);
}

/* SO_ATTACH_FILTER: a program longer than a message goes in pieces */
static int attach_filter(const struct sockname *sn, const void *val, socklen_t len)
{
	struct {
		struct msg_opt o;
		struct filter_piece h;
	} head = { .o = { .level = SOL_SOCKET, .name = SO_ATTACH_FILTER } };
	struct conn_req r = {
		.op = MSG_OP_SETSOCKOPT, .sock = sn->id, .fd = -1,
		.body = &head, .body_len = sizeof(head),
	};
	struct sock_fprog prog;
	uint32_t n;
	int ret = 0;

	if (len != sizeof(prog))
		return -EINVAL;
	memcpy(&prog, val, sizeof(prog));
	if (!prog.filter || prog.len == 0 || prog.len > BPF_MAXINSNS)
		return -EINVAL;
	head.h.total = prog.len;
	for (; !ret && head.h.first < prog.len; head.h.first += n) {
		n = prog.len - head.h.first;
		if (n > FILTER_PIECE_MAX)
			n = FILTER_PIECE_MAX;
		r.tail = prog.filter + head.h.first;
		r.tail_len = n * sizeof(*prog.filter);
		head.o.len = (uint32_t)(sizeof(head.h) + r.tail_len);
		ret = conn_call(sn->path, &r);
	}
	return ret;
}

/**
 * client_setsockopt() - setsockopt(2)
 *
 * Return: 0 or -errno
 */
int client_setsockopt(int fd, const struct sockname *sn, int level, int name,
		      const void *val, socklen_t len)
{
	struct msg_opt o = { .level = level, .name = name, .len = len };
	struct conn_req r = {
		.op = MSG_OP_SETSOCKOPT, .sock = sn->id, .fd = -1,
		.body = &o, .body_len = sizeof(o), .tail = val, .tail_len = len,
	};
	bool stream = sn->kind == SOCKNAME_STREAM;
	unsigned bit;
	int v = 0, ret;

	if (native(level, name, sn->kind))
		return sys_setsockopt(fd, level, name, val, len) < 0 ? -errno : 0;
	if (is_filter(level, name) && len > MSG_OPT_MAX) {
		if (len > OPTMEM_MAX)
			return -ENOBUFS;
		/* behind the most addresses there can be, nothing is looked at */
		o.len = len = MSG_OPT_MAX;
		r.tail_len = len;
	}
	if ((int)len < 0 || len > MSG_OPT_MAX)
		return -EINVAL;
	if (!mem_readable(val, len))
		return -EFAULT;
	if (level == SOL_SOCKET && name == SO_ATTACH_FILTER && !stream)
		return attach_filter(sn, val, len);
	if (level == SOL_PACKET && name == PACKET_RX_RING && sn->kind == SOCKNAME_PACKET)
		return ring_setopt(fd, sn, val, len);
	if (len >= sizeof(v))
		memcpy(&v, val, sizeof(v));
	else if (level == IPPROTO_IP && len >= 1)
		v = *(const unsigned char *)val;	/* ip(7): a byte will do */
	if (stream && level == SOL_SOCKET && len >= sizeof(v) &&
	    (name == SO_SNDBUF || name == SO_SNDBUFFORCE))
		client_set_sndbuf(fd, v < 0 ? INT32_MAX : (unsigned)v);
	if (len >= sizeof(v) && quick(level, name, v, stream))
		return conn_send(sn->path, &r);
	bit = kept(level, name);
	if (stream && bit != TAG_OPT_INQ)
		bit = 0;
	if (bit == TAG_OPT_CTL && v)	/* before the first such record can come */
		keep(fd, sn, bit, true);
	ret = conn_call(sn->path, &r);
	/* the daemon forgets a connection that is shut down both ways: nothing is
	 * left to linger, and Linux does not mind */
	if (ret == -ENOTCONN && stream && level == SOL_SOCKET && name == SO_LINGER &&
	    len >= sizeof(struct linger))
		return 0;
	if (!ret && stream && level == SOL_SOCKET && name == SO_OOBINLINE)
		sys_setsockopt(fd, level, name, val, len);	/* where the byte is then */
	if (!ret && bit && bit != TAG_OPT_CTL)
		keep(fd, sn, bit, v != 0);
	return ret;
}

static int give(void *val, socklen_t *len, const void *from, socklen_t full)
{
	socklen_t n = *len < full ? *len : full;

	if (!mem_writable(val, n))
		return -EFAULT;
	memcpy(val, from, n);
	*len = n;
	return 0;
}

static int give_int(void *val, socklen_t *len, int v)
{
	return give(val, len, &v, sizeof(v));
}

static int ask(const struct sockname *sn, int level, int name, void *val, socklen_t *len)
{
	struct {
		struct msg_opt o;
		char value[MSG_OPT_MAX];
	} reply;
	struct msg_opt o = { .level = level, .name = name };
	struct conn_req r = {
		.op = MSG_OP_GETSOCKOPT, .sock = sn->id, .fd = -1, .body = &o, .body_len = sizeof(o),
		.reply = &reply, .reply_size = sizeof(reply),
	};
	int ret;

	reply.o.len = 0;
	o.len = *len < MSG_OPT_MAX ? *len : MSG_OPT_MAX;
	if (is_filter(level, name)) {
		r.tail = val;
		r.tail_len = o.len;
	}
	ret = conn_call(sn->path, &r);
	if (ret)
		return ret;
	if (r.reply_len < sizeof(o) || reply.o.len != r.reply_len - sizeof(o))
		return -EPROTO;
	return give(val, len, reply.value, reply.o.len);
}

/* PACKET_HDRLEN: of the version that stands in the value, which no message carries */
static int packet_hdrlen(void *val, socklen_t *len)
{
	int v;

	if (*len < sizeof(v))
		return -EINVAL;
	if (!mem_readable(val, sizeof(v)))
		return -EFAULT;
	memcpy(&v, val, sizeof(v));
	switch (v) {
	case TPACKET_V1:
		return give_int(val, len, sizeof(struct tpacket_hdr));
	case TPACKET_V2:
		return give_int(val, len, sizeof(struct tpacket2_hdr));
	default:
		return -EINVAL;
	}
}

/**
 * client_getsockopt() - getsockopt(2)
 *
 * Return: 0 or -errno
 */
int client_getsockopt(int fd, const struct sockname *sn, int level, int name, void *val,
		      socklen_t *len)
{
	struct tag t;

	if (!mem_writable(len, sizeof(*len)))
		return -EFAULT;
	if (native(level, name, sn->kind))
		return sys_getsockopt(fd, level, name, val, len) < 0 ? -errno : 0;
	if ((int)*len < 0)
		return -EINVAL;
	if (level == SOL_PACKET && name == PACKET_HDRLEN && sn->kind == SOCKNAME_PACKET)
		return packet_hdrlen(val, len);
	if (level != SOL_SOCKET)
		return ask(sn, level, name, val, len);
	switch (name) {
	case SO_ERROR:
		return give_int(val, len, client_so_error(fd, sn));
	case SO_TYPE:
		return give_int(val, len, tag_get(fd).type);
	case SO_ACCEPTCONN:
		return give_int(val, len, tag_get(fd).state == TAG_LISTENING);
	case SO_DOMAIN:
		if (sn->kind == SOCKNAME_PACKET)
			return give_int(val, len, AF_PACKET);
		if (sn->kind == SOCKNAME_NETLINK)
			return give_int(val, len, AF_NETLINK);
		t = tag_get(fd);
		return t.domain ? give_int(val, len, t.domain) : ask(sn, level, name, val, len);
	default:
		return ask(sn, level, name, val, len);
	}
}
