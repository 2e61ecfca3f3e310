/* tcp_opt.c - options and figures of a TCP socket
 *
 * Theory of operation
 * What sockopt.c's table only remembers takes effect here (tcp_opt_changed);
 * what is more than a number is answered here: TCP_INFO (tcp_info.c),
 * TCP_CONGESTION by name, SIOCOUTQ.
 */
#include "engine/tcp.h"

#include <errno.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include "engine/priv.h"
#include "lwip/priv/tcp_priv.h"
#include "port.h"
#include <linux/tcp.h>

#define CONGESTION_NAME_MAX	16	/* TCP_CA_NAME_MAX */
#define DEFER_RETRIES	255
#define RTO_MAX_S	120
#define MSS_DEFAULT	536		/* what Linux shows before there is a connection */
#define MSS_MIN		88
#define MSS_MAX		32767

static struct tcp_sock *tcp(struct sock *s)
{
	return (struct tcp_sock *)s;
}

/* IP_MINTTL, IPV6_MINHOPCOUNT (RFC 5082): a half-open connection is its listener's */
static bool ttl_ok(const struct tcp_pcb *pcb, bool v6, uint8_t ttl)
{
	const struct tcp_sock *ts = pcb->state == TIME_WAIT ? NULL : pcb->callback_arg;

	if (pcb->state == SYN_RCVD)
		ts = pcb->listener ? pcb->listener->callback_arg : NULL;
	return !ts || ttl >= (v6 ? ts->s.o.min_hops : ts->s.o.min_ttl);
}

/* tcp_opt_changed() - An option that sockopt.c keeps was changed */
void tcp_opt_changed(struct sock *s, int level, int name)
{
	struct tcp_sock *ts = tcp(s);

	if (level == SOL_SOCKET && name == SO_RCVBUF && ts->phase != TCP_LISTENING)
		sock_set_sndbuf(s, s->o.rcvbuf / 2);
	if ((level == IPPROTO_IP && name == IP_MINTTL) ||
	    (level == IPPROTO_IPV6 && name == IPV6_MINHOPCOUNT))
		port_ttl_ok = ttl_ok;
	if (ts->pcb && ts->phase != TCP_LISTENING)
		tcp_sock_apply_opts(ts, ts->pcb);
	if (ts->pcb && ts->phase == TCP_CONNECTED)
		port_tcp_set_thin(ts->pcb, s->o.thin);
	if (level == IPPROTO_TCP && ts->phase == TCP_CONNECTED)
		xfer_dirty(ts);		/* NODELAY, CORK: what was held back may go */
}

/* SIOCOUTQ and SIOCOUTQNSD (tcp(7)): what is not acknowledged, or not even sent */
static int outq(const struct tcp_sock *ts, int req, int *val)
{
	*val = 0;
	if (ts->phase == TCP_LISTENING)
		return -EINVAL;
	*val = (int)tcp_unacked(ts, req == SIOCOUTQNSD);
	return 0;
}

static const int *number(const struct sockopt *o, int name)
{
	switch (name) {
	case TCP_DEFER_ACCEPT:
		return &o->defer_accept;
	case TCP_FASTOPEN:
		return &o->fastopen;
	case TCP_FASTOPEN_CONNECT:
		return &o->fastopen_connect;
	default:
		return NULL;
	}
}

static int current_mss(const struct tcp_sock *ts)
{
	if (ts->phase == TCP_CONNECTED && ts->pcb)
		return (int)port_tcp_wire_mss(ts->pcb);
	return ts->s.o.maxseg ? ts->s.o.maxseg : MSS_DEFAULT;
}

/* tcp_getopt() - getsockopt(2) beyond sockopt.c's table: 0, -ENOPROTOOPT, ... */
int tcp_getopt(struct sock *s, int level, int name, void *val, uint32_t *len)
{
	char congestion[CONGESTION_NAME_MAX] = "";
	struct tcp_info ti;
	const int *v;
	int mss;

	if (level == MSG_LEVEL_IOCTL && (name == SIOCOUTQ || name == SIOCOUTQNSD) &&
	    *len >= sizeof(int)) {
		*len = sizeof(int);
		return outq(tcp(s), name, val);
	}
	if (level == IPPROTO_IP && name == IP_MULTICAST_IF) {
		if (*len > sizeof(struct in_addr))
			*len = sizeof(struct in_addr);
		memset(val, 0, *len);
		return 0;
	}
	if (level != IPPROTO_TCP)
		return -ENOPROTOOPT;
	if (name == TCP_INFO) {
		tcp_fill_info(tcp(s), tcp(s)->phase == TCP_LISTENING ? NULL : tcp(s)->pcb, &ti);
		if (*len > sizeof(ti))
			*len = sizeof(ti);
		memcpy(val, &ti, *len);
		return 0;
	}
	if (name == TCP_CONGESTION) {
		strcpy(congestion, port_congestion_name(s->o.congestion));
		if (*len > sizeof(congestion))
			*len = sizeof(congestion);
		memcpy(val, congestion, *len);
		return 0;
	}
	v = number(&s->o, name);
	if (name == TCP_MAXSEG) {
		mss = current_mss(tcp(s));
		v = &mss;
	}
	if (!v)
		return -ENOPROTOOPT;
	if (*len > sizeof(*v))
		*len = sizeof(*v);
	memcpy(val, v, *len);
	return 0;
}

/* TCP_DEFER_ACCEPT: seconds, rounded to what a number of SYN|ACKs takes that are
 * sent again, each after twice the time, as in Linux (secs_to_retrans()) */
static int defer_seconds(int wanted)
{
	int period = 0, wait = SYN_RTO_S, n = 0;

	while (wanted > period && n++ < DEFER_RETRIES) {
		period += wait;
		wait = 2 * wait < RTO_MAX_S ? 2 * wait : RTO_MAX_S;
	}
	return period;
}

/* what may only be set while there is no connection */
static int set_fastopen(struct tcp_sock *ts, int name, int v)
{
	bool connects = name == TCP_FASTOPEN_CONNECT;

	if (v < 0 || (connects && v > 1) ||
	    (ts->phase != TCP_NEW && (connects || ts->phase != TCP_LISTENING)))
		return -EINVAL;
	if (connects)
		ts->s.o.fastopen_connect = v;
	else
		ts->s.o.fastopen = v < SOMAXCONN_LINUX ? v : SOMAXCONN_LINUX;
	return 0;
}

/* the options that are an int, but with rules: -ENOPROTOOPT when it is none of them */
static int set_number(struct tcp_sock *ts, int name, const void *val, uint32_t len)
{
	int v;

	if (len < sizeof(v))
		return -EINVAL;
	if (name == TCP_MAXSEG) {
		memcpy(&v, val, sizeof(v));
		if (v && (v < MSS_MIN || v > MSS_MAX))
			return -EINVAL;
		ts->s.o.maxseg = v;
		return 0;
	}
	if (name != TCP_DEFER_ACCEPT && name != TCP_FASTOPEN && name != TCP_FASTOPEN_CONNECT)
		return -ENOPROTOOPT;
	memcpy(&v, val, sizeof(v));
	if (name != TCP_DEFER_ACCEPT)
		return set_fastopen(ts, name, v);
	ts->s.o.defer_accept = defer_seconds(v);
	return 0;
}

/* tcp_setopt() - setsockopt(2) beyond it: 0, -EINVAL, -ENOENT, -ENOPROTOOPT */
int tcp_setopt(struct sock *s, int level, int name, const void *val, uint32_t len)
{
	struct tcp_sock *ts = tcp(s);
	char algorithm[CONGESTION_NAME_MAX] = "";
	int kind;

	/* do_ip_setsockopt(), do_ipv6_setsockopt(): what a stream has no use for */
	if (level == IPPROTO_IP && name == IP_MULTICAST_IF)
		return -EINVAL;
	if ((level == IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP)) ||
	    (level == IPPROTO_IPV6 && s->domain == AF_INET6 &&
	     (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP)))
		return -EPROTO;
	if (level != IPPROTO_TCP)
		return -ENOPROTOOPT;
	if (name != TCP_CONGESTION)
		return set_number(ts, name, val, len);
	if (len < 1)
		return -EINVAL;
	memcpy(algorithm, val, len < sizeof(algorithm) ? len : sizeof(algorithm) - 1);
	kind = port_congestion_find(algorithm);
	if (kind < 0)
		return kind;
	s->o.congestion = kind;
	if (ts->pcb && ts->phase == TCP_CONNECTED)
		port_tcp_set_congestion(ts->pcb, kind);
	return 0;
}
