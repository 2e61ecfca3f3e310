/* ipopt.c - IPv4 options: record route, timestamps, source routes (RFC 791 3.1)
 *
 * Theory of operation
 * lwIP sends options only with IGMP and does not look at those it receives.  Here is
 * what Linux's ip_options.c does with them, in the same order and with the same errors.
 * Compiling options checks them and moves each pointer behind the place that is ours to
 * fill in: when a socket's are sent (output()), with the source address and the time; in a
 * packet that came for us at once (ipopt_input()), before lwIP sees it, with its
 * destination; in one that is passed on with the address of the interface it leaves by.  Undoing gives the options back as they were set.
 *
 * A packet with a source route is dropped, as where accept_source_route is 0, Linux's
 * default.  One with wrong options is answered by "parameter problem".
 *
 * What was found out about the packet at hand stays in a static struct: lwIP hands one
 * packet up after the other.  It reassembles none that has options, nor fragments one.
 */
#include <string.h>
#include <time.h>
#include "lwip/inet_chksum.h"
#include "lwip/ip4.h"
#include "lwip/prot/ip4.h"
#include "ipopt.h"
#include "port_priv.h"

#define ICMP_PP_POINTER(at)	((u32_t)(IP_HLEN + (at)) << 24)
#define FINE			(-1)

/* netinet/ip.h, which clashes with lwIP's */
enum {
	IPOPT_END = 0, IPOPT_NOOP = 1, IPOPT_RR = 7, IPOPT_TIMESTAMP = 68, IPOPT_LSRR = 131,
	IPOPT_SSRR = 137, IPOPT_RA = 148,
	IPOPT_TS_TSONLY = 0, IPOPT_TS_TSANDADDR = 1, IPOPT_TS_PRESPEC = 3,
};

static struct ipopt received;		/* of the packet at hand */
static const struct ipopt *sending;	/* of the packet that is given to lwIP */
static const ip4_addr_t *sending_to;	/* the end of its source route */

/* who fills in: NULL for a socket's options, which are filled in when they are sent */
struct filler {
	ip4_addr_t own;
};

/* neither ours nor of many */
static bool is_other_host(const u8_t *at)
{
	struct netif *n;
	ip4_addr_t a;

	memcpy(&a.addr, at, 4);
	NETIF_FOREACH(n)
		if (ip4_addr_isbroadcast(&a, n))
			return false;
	return !ip4_addr_ismulticast(&a) && !port_is_own4(&a);
}

/* milliseconds since midnight UT */
static void put_time(u8_t *to)
{
	struct timespec ts;
	u32_t ms;

	clock_gettime(CLOCK_REALTIME, &ts);
	ms = lwip_htonl((u32_t)(ts.tv_sec % 86400) * 1000 + (u32_t)(ts.tv_nsec / 1000000));
	memcpy(to, &ms, 4);
}

/* ---- one option: FINE, or the offset in it of what is wrong ---- */

static int source_route(struct ipopt *o, u8_t *p, u8_t at, const struct filler *f)
{
	u8_t len = p[1];

	if (len < 3)
		return 1;
	if (p[2] < 4)
		return 2;
	if (o->srr)
		return 0;
	if (!f) {
		if (p[2] != 4 || len < 7 || (len - 3) & 3)
			return 1;
		memcpy(&o->hop.addr, p + 3, 4);
		memmove(p + 3, p + 7, len - 7u);
	}
	o->srr = at;
	return FINE;
}

static int record_route(struct ipopt *o, u8_t *p, u8_t at, const struct filler *f)
{
	if (o->rr)
		return 0;
	if (p[1] < 3)
		return 1;
	if (p[2] < 4)
		return 2;
	if (p[2] <= p[1]) {
		if (p[2] + 3 > p[1])
			return 2;
		if (f)
			memcpy(p + p[2] - 1, &f->own.addr, 4);
		p[2] = (u8_t)(p[2] + 4);
		o->rr_addr = true;
	}
	o->rr = at;
	return FINE;
}

static int stamp(struct ipopt *o, u8_t *p, const struct filler *f)
{
	u8_t *place = p + p[2] - 1;
	unsigned kind = p[3] & 15u;

	if (p[2] + 3 > p[1] || (kind != IPOPT_TS_TSONLY && (kind == IPOPT_TS_TSANDADDR ||
	    kind == IPOPT_TS_PRESPEC) && p[2] + 7 > p[1]))
		return 2;
	switch (kind) {
	case IPOPT_TS_TSONLY:
		if (f)
			put_time(place);
		p[2] = (u8_t)(p[2] + 4);
		break;
	case IPOPT_TS_TSANDADDR:
		if (f) {
			memcpy(place, &f->own.addr, 4);
			put_time(place + 4);
		}
		o->ts_addr = true;
		p[2] = (u8_t)(p[2] + 8);
		break;
	case IPOPT_TS_PRESPEC:
		if (is_other_host(place))
			return FINE;
		if (f)
			put_time(place + 4);
		p[2] = (u8_t)(p[2] + 8);
		break;
	default:
		return FINE;
	}
	o->ts_time = true;
	return FINE;
}

static int timestamp(struct ipopt *o, u8_t *p, u8_t at, const struct filler *f)
{
	int bad = FINE;

	if (o->ts)
		return 0;
	if (p[1] < 4)
		return 1;
	if (p[2] < 5)
		return 2;
	if (p[2] <= p[1]) {
		bad = stamp(o, p, f);
	} else if ((p[3] & 15) != IPOPT_TS_PRESPEC) {
		/* no room: how many were left out is counted */
		if (p[3] >> 4 == 15)
			return 3;
		if (f)
			p[3] = (u8_t)(p[3] + 16);
	}
	o->ts = at;
	return bad;
}

static int router_alert(struct ipopt *o, const u8_t *p, u8_t at)
{
	if (p[1] < 4)
		return 1;
	if (p[2] == 0 && p[3] == 0)
		o->alert = at;
	return FINE;
}

static int one(struct ipopt *o, u8_t *p, u8_t at, const struct filler *f)
{
	switch (p[0]) {
	case IPOPT_LSRR: case IPOPT_SSRR:
		return source_route(o, p, at, f);
	case IPOPT_RR:
		return record_route(o, p, at, f);
	case IPOPT_TIMESTAMP:
		return timestamp(o, p, at, f);
	case IPOPT_RA:
		return router_alert(o, p, at);
	default:
		return FINE;
	}
}

/* o->data: FINE, or the offset of what is wrong; ip_options_compile() */
static int compile(struct ipopt *o, const struct filler *f)
{
	u8_t *p = o->data;

	for (int left = o->len, bad; left > 0; left -= p[1], p += p[1]) {
		while (left > 0 && *p == IPOPT_NOOP)
			p++, left--;
		if (left == 0)
			break;
		if (*p == IPOPT_END) {
			memset(p, IPOPT_END, (size_t)left);
			break;
		}
		if (left < 2 || p[1] < 2 || p[1] > left)
			return (int)(p - o->data);
		bad = one(o, p, (u8_t)(p - o->data + 1), f);
		if (bad != FINE)
			return (int)(p - o->data) + bad;
	}
	return FINE;
}

/**
 * ipopt_compile() - Options that a socket is to send with
 * @o:		out; changed even if they are wrong
 * @len:	up to IPOPT_MAX
 *
 * Return: false: they are wrong
 */
bool ipopt_compile(struct ipopt *o, const void *data, unsigned len)
{
	memset(o, 0, sizeof(*o));
	memcpy(o->data, data, len);
	o->len = (u8_t)((len + 3) & ~3u);	/* IPOPT_END is 0 */
	return compile(o, NULL) == FINE;
}

static void take_back(u8_t *p)
{
	p[2] = (u8_t)(p[2] - 4);
	memset(p + p[2] - 1, 0, 4);
}

/**
 * ipopt_undo() - The options as they were set, without what was ours to fill in
 */
void ipopt_undo(struct ipopt *o)
{
	u8_t *p;

	if (o->srr) {
		p = o->data + o->srr - 1;
		memmove(p + 7, p + 3, p[1] - 7u);
		memcpy(p + 3, &o->hop.addr, 4);
	}
	if (o->rr_addr)
		take_back(o->data + o->rr - 1);
	if (o->ts && o->ts_time) {
		p = o->data + o->ts - 1;
		take_back(p);
		if ((p[3] & 15) == IPOPT_TS_PRESPEC)
			p[2] = (u8_t)(p[2] - 4);
	}
	if (o->ts && o->ts_addr)
		take_back(o->data + o->ts - 1);
}

/* ---- receiving ---- */

/**
 * ipopt_input() - A packet with options came for us, or is passed on
 * @p:		from the IP header on, all of which is in the first piece
 * @n:		the interface that it came by, or leaves by
 *
 * The options are filled in.  Is the header itself wrong, they are left to lwIP, which
 * will drop it.
 *
 * Return: false: drop it
 */
bool ipopt_input(struct pbuf *p, const struct netif *n)
{
	struct ip_hdr *ip = p->payload;
	unsigned hlen = IPH_HL_BYTES(ip);
	struct filler f;
	int bad;

	memset(&received, 0, sizeof(received));
	if (hlen <= IP_HLEN || hlen > p->len || inet_chksum(ip, (u16_t)hlen) != 0)
		return true;
	received.len = (u8_t)(hlen - IP_HLEN);
	memcpy(received.data, ip + 1, received.len);
	ip4_addr_copy(f.own, ip->dest);
	if (!port_is_own4(&f.own))		/* sent to many, or to somebody else */
		ip4_addr_copy(f.own, *netif_ip4_addr(n));
	bad = compile(&received, &f);
	if (bad != FINE) {
		port_icmp4_error(p, ICMP_PP, 0, ICMP_PP_POINTER(bad));
		return false;
	}
	memcpy(ip + 1, received.data, received.len);
	IPH_CHKSUM_SET(ip, 0);
	IPH_CHKSUM_SET(ip, inet_chksum(ip, (u16_t)hlen));
	return !received.srr;
}

/**
 * ipopt_alert() - Had the packet that ipopt_input() saw last a router alert?
 */
bool ipopt_alert(void)
{
	return received.alert;
}

/**
 * ipopt_current() - The options of the packet that lwIP is handing up
 * @data:	out
 *
 * Return: how many bytes
 */
unsigned ipopt_current(const u8_t **data)
{
	const struct ip_hdr *ip = ip4_current_header();

	if (!ip || IPH_HL_BYTES(ip) == IP_HLEN)
		return 0;
	*data = (const u8_t *)(ip + 1);
	return IPH_HL_BYTES(ip) - IP_HLEN;
}

/* false: no room where there should be */
static bool echo_stamp(struct ipopt *o, u8_t *p)
{
	unsigned next = p[2], len = p[1];

	if (next > len)
		return true;
	if (received.ts_addr) {
		if (next + 3 > len)
			return false;
		o->ts_addr = true;
		next += 4;
	}
	if (received.ts_time) {
		if (next + 3 > len)
			return false;
		if ((p[3] & 15) != IPOPT_TS_PRESPEC) {
			o->ts_time = true;
			next += 4;
		} else if (next + 7 <= len && !is_other_host(p + next - 1)) {
			o->ts_time = true;
			next += 8;
		}
	}
	p[2] = (u8_t)next;
	return true;
}

/**
 * ipopt_echo() - What an answer to the packet at hand is sent with; ip_options_echo()
 *
 * Return: false: there is no answer to these
 */
bool ipopt_echo(struct ipopt *o)
{
	u8_t *p;

	memset(o, 0, sizeof(*o));
	p = o->data;
	if (received.rr) {
		const u8_t *from = received.data + received.rr - 1;

		memcpy(p, from, from[1]);
		o->rr = 1;
		if (received.rr_addr && p[2] <= p[1]) {
			if (p[2] + 3 > p[1])
				return false;
			p[2] = (u8_t)(p[2] + 4);
			o->rr_addr = true;
		}
		p += p[1];
	}
	if (received.ts) {
		const u8_t *from = received.data + received.ts - 1;

		memcpy(p, from, from[1]);
		o->ts = (u8_t)(p - o->data + 1);
		if (!echo_stamp(o, p))
			return false;
		p += p[1];
	}
	o->len = (u8_t)((p - o->data + 3) & ~3);
	return true;
}

/* ---- sending ---- */

/* what goes out with a packet from @src; ip_options_build() */
static void fill(struct ipopt *o, const ip4_addr_t *src, const ip4_addr_t *last)
{
	u8_t *p;

	if (o->srr) {
		p = o->data + o->srr - 1;
		memcpy(p + p[1] - 4, &last->addr, 4);
	}
	if (o->rr_addr) {
		p = o->data + o->rr - 1;
		memcpy(p + p[2] - 5, &src->addr, 4);
	}
	p = o->data + o->ts - 1;
	if (o->ts && o->ts_addr)
		memcpy(p + p[2] - 9, &src->addr, 4);
	if (o->ts && o->ts_time)
		put_time(p + p[2] - 5);
}

/**
 * ipopt_send_with() - The IPv4 packet that is given to lwIP next has options
 * @o:		stays the caller's; NULL: none any more
 * @last:	with a source route: its end, the packet itself being sent to o->hop
 *
 * The packet needs o->len bytes of headroom more.
 */
void ipopt_send_with(const struct ipopt *o, const ip4_addr_t *last)
{
	sending = o && o->len ? o : NULL;
	sending_to = last;
}

/* ipopt_sends() - Does the packet that is given to lwIP have options? */
bool ipopt_sends(void)
{
	return sending != NULL;
}

static err_t output(struct pbuf *p, const ip4_addr_t *src, const ip4_addr_t *dest, u8_t ttl,
		    u8_t tos, u8_t proto, struct netif *n)
{
	struct ipopt o = *sending;

	fill(&o, src, sending_to);
	return ip4_output_if_opt_src(p, src, dest, ttl, tos, proto, n, o.data, o.len);
}

/* port_ip4_output_udp() - ip4_output_if_src(), with options (port_priv.h) */
err_t port_ip4_output_udp(struct pbuf *p, const ip4_addr_t *src, const ip4_addr_t *dest, u8_t ttl,
			  u8_t tos, u8_t proto, struct netif *n)
{
	return sending ? output(p, src, dest, ttl, tos, proto, n) :
		ip4_output_if_src(p, src, dest, ttl, tos, proto, n);
}

/* port_ip4_output_raw() - ip4_output_if(), with options, where it is to make the header */
err_t port_ip4_output_raw(struct pbuf *p, const ip4_addr_t *src, const ip4_addr_t *dest, u8_t ttl,
			  u8_t tos, u8_t proto, struct netif *n)
{
	return sending && dest != LWIP_IP_HDRINCL ? output(p, src, dest, ttl, tos, proto, n) :
		ip4_output_if(p, src, dest, ttl, tos, proto, n);
}

/* port_echo_options() - An echo request will be answered by its own header: turn its options
 * into those of the answer, which may be fewer (port_priv.h) */
void port_echo_options(void)
{
	struct ip_hdr *ip = (struct ip_hdr *)ip4_current_header();
	unsigned room = IPH_HL_BYTES(ip) - IP_HLEN, less;
	ip4_addr_t src;
	struct ipopt o;

	if (!room)
		return;
	ip4_addr_copy(src, ip->dest);
	if (!ipopt_echo(&o))
		memset(&o, 0, sizeof(o));
	fill(&o, &src, &src);
	less = room - o.len;
	memmove((u8_t *)ip + less, ip, IP_HLEN);
	ip = (struct ip_hdr *)((u8_t *)ip + less);
	memcpy(ip + 1, o.data, o.len);
	IPH_VHL_SET(ip, 4, (IP_HLEN + o.len) / 4);
	IPH_LEN_SET(ip, lwip_htons((u16_t)(lwip_ntohs(IPH_LEN(ip)) - less)));
	ip_data.current_ip4_header = ip;
	ip_data.current_ip_header_tot_len = (u16_t)(IP_HLEN + o.len);
}
