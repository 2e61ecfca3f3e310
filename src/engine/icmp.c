/* icmp.c - ICMP and ICMPv6 as sockets see them: echo replies and errors
 *
 * Theory of operation
 * Two raw PCBs look at every ICMP message and take none, so lwIP answers
 * echo requests itself.  An echo reply goes to the ping socket whose port is
 * its identifier.  An error message quotes the packet that failed: the socket
 * that sent it is found by the quoted addresses and ports, and learns the
 * errno that icmp_err_convert[] and icmpv6_err_convert() give in Linux.
 * A quotation is believed only if it names one of our sockets (RFC 5927).
 */
#include "engine/sock_dgram.h"

#include <errno.h>
#include <string.h>
#include <netinet/in.h>
#include "engine/priv.h"
#include "engine/tcp.h"
#include "lwip/icmp.h"
#include "lwip/icmp6.h"
#include "lwip/ip.h"
#include "lwip/prot/udp.h"
#include "lwip/raw.h"
#include "port.h"

#define ICMP_HLEN	8
#define QUOTE_MAX	1280	/* what a message may quote (RFC 4443); of more, the beginning */

struct convert {
	int err;
	bool fatal;
};

/* by code of ICMP_DUR: Linux's icmp_err_convert[] */
static const struct convert unreach4[] = {
	{ ENETUNREACH, false },		/* net */
	{ EHOSTUNREACH, false },	/* host */
	{ ENOPROTOOPT, true },		/* protocol */
	{ ECONNREFUSED, true },		/* port */
	{ EMSGSIZE, false },		/* fragmentation needed */
	{ EOPNOTSUPP, false },		/* source route failed */
	{ ENETUNREACH, true },		/* net unknown */
	{ EHOSTDOWN, true },		/* host unknown */
	{ ENONET, true },		/* host isolated */
	{ ENETUNREACH, true },		/* net prohibited */
	{ EHOSTUNREACH, true },		/* host prohibited */
	{ ENETUNREACH, false },		/* net for this service */
	{ EHOSTUNREACH, false },	/* host for this service */
	{ EHOSTUNREACH, true },		/* filtered */
	{ EHOSTUNREACH, true },		/* precedence violation */
	{ EHOSTUNREACH, true },		/* precedence cutoff */
};

static struct convert convert4(uint8_t type, uint8_t code)
{
	if (type == ICMP_DUR && code < sizeof(unreach4) / sizeof(unreach4[0]))
		return unreach4[code];
	if (type == ICMP_TE)
		return (struct convert){ EHOSTUNREACH, false };
	return (struct convert){ EPROTO, true };
}

/* Linux's icmpv6_err_convert() */
static struct convert convert6(uint8_t type, uint8_t code)
{
	static const struct convert unreach[] = {
		{ ENETUNREACH, false },		/* no route */
		{ EACCES, true },		/* prohibited */
		{ EHOSTUNREACH, false },	/* beyond scope */
		{ EHOSTUNREACH, false },	/* address */
		{ ECONNREFUSED, true },		/* port */
		{ EACCES, true },		/* policy */
		{ EACCES, true },		/* reject route */
	};

	switch (type) {
	case ICMP6_TYPE_DUR:
		if (code < sizeof(unreach) / sizeof(unreach[0]))
			return unreach[code];
		return (struct convert){ EPROTO, true };
	case ICMP6_TYPE_PTB:
		return (struct convert){ EMSGSIZE, false };
	case ICMP6_TYPE_TE:
		return (struct convert){ EHOSTUNREACH, false };
	default:
		return (struct convert){ EPROTO, true };
	}
}

/* what an error message quotes */
struct quote {
	struct endpoint local, remote;
	uint8_t proto;
	unsigned hlen;			/* of the IP header */
	struct dgram_quote packet;	/* from there on */
	uint32_t seq;			/* TCP's */
};

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static bool read_quote4(const uint8_t *b, size_t len, struct quote *q)
{
	unsigned hlen;
	uint32_t ip;

	if (len < 20 || b[0] >> 4 != 4)
		return false;
	hlen = (b[0] & 15u) * 4;
	if (hlen < 20 || len < hlen + 8 || (be16(b + 6) & 0x1fff))
		return false;
	memset(q, 0, sizeof(*q));
	q->proto = b[9];
	q->hlen = hlen;
	q->packet = (struct dgram_quote){ b, len };
	memcpy(&ip, b + 12, 4);
	ip_addr_set_ip4_u32(&q->local.ip, ip);
	memcpy(&ip, b + 16, 4);
	ip_addr_set_ip4_u32(&q->remote.ip, ip);
	q->seq = be32(b + hlen + 4);
	q->local.port = q->proto == IPPROTO_ICMP ? be16(b + hlen + 4) : be16(b + hlen);
	q->remote.port = be16(b + hlen + 2);
	return true;
}

static bool read_quote6(const uint8_t *b, size_t len, struct quote *q)
{
	struct netif *n = ip_current_input_netif();

	if (len < 48 || b[0] >> 4 != 6)
		return false;
	memset(q, 0, sizeof(*q));
	q->proto = b[6];
	q->hlen = IP6_HLEN;
	q->packet = (struct dgram_quote){ b, len };
	ip_addr_set_zero_ip6(&q->local.ip);
	ip_addr_set_zero_ip6(&q->remote.ip);
	memcpy(ip_2_ip6(&q->local.ip)->addr, b + 8, 16);
	memcpy(ip_2_ip6(&q->remote.ip)->addr, b + 24, 16);
	ip6_addr_assign_zone(ip_2_ip6(&q->local.ip), IP6_UNKNOWN, n);
	ip6_addr_assign_zone(ip_2_ip6(&q->remote.ip), IP6_UNKNOWN, n);
	q->seq = be32(b + 44);
	q->local.port = q->proto == IPPROTO_ICMPV6 ? be16(b + 44) : be16(b + 40);
	q->remote.port = be16(b + 42);
	return true;
}

static struct sock *ping_find(struct engine *e, int domain, uint16_t id)
{
	struct sock *s = ports_first(&e->ping_ports, id);

	while (s && (s->local.port != id || s->domain != domain))
		s = s->port_next;
	return s;
}

/* the quotation from an offset on */
static struct dgram_quote quote_from(const struct quote *q, size_t at)
{
	if (at > q->packet.len)
		at = q->packet.len;
	return (struct dgram_quote){ q->packet.data + at, q->packet.len - at };
}

static void tell(struct engine *e, const struct quote *q, struct dgram_hdr *h, bool fatal)
{
	bool v6 = IP_IS_V6_VAL(q->local.ip);
	struct endpoint to = { .ip = q->remote.ip };
	struct dgram_quote data;
	struct tcp_pcb *pcb;
	struct sock *s;

	raw_icmp_error(e, q->proto, &q->local, &to, h, fatal, &q->packet, q->hlen);
	switch (q->proto) {
	case IPPROTO_UDP: case IPPROTO_UDPLITE:
		data = quote_from(q, q->hlen + UDP_HLEN);
		udp_icmp_error(e, q->proto, &q->local, &q->remote, h, fatal, &data);
		return;
	case IPPROTO_TCP:
		pcb = pcbtable_find(&q->local.ip, q->local.port, &q->remote.ip, q->remote.port);
		if (pcb && h->err == EMSGSIZE)
			port_tcp_pmtu(pcb, h->info, q->seq);
		/* half-open connections point to their listener: not theirs to fail */
		if (pcb && pcb->callback_arg && pcb->state != SYN_RCVD && pcb->state != TIME_WAIT)
			tcp_sock_icmp(pcb->callback_arg, h->err, h->err != EMSGSIZE);
		return;
	case IPPROTO_ICMP: case IPPROTO_ICMPV6:
		data = quote_from(q, q->hlen);
		s = ping_find(e, v6 ? AF_INET6 : AF_INET, q->local.port);
		if (s && (fatal || s->o.recverr || s->o.recverr6))
			dgram_error(s, h->err, &to, h, &data);
		return;
	}
}

static void on_error(struct engine *e, const uint8_t *b, size_t len, bool v6)
{
	struct endpoint from = { .ip = *ip_current_src_addr() };
	struct convert c = v6 ? convert6(b[0], b[1]) : convert4(b[0], b[1]);
	struct dgram_hdr h = { .err = c.err, .icmp_type = b[0], .icmp_code = b[1] };
	struct dgram_info info;
	struct quote q;

	if (!(v6 ? read_quote6(b + ICMP_HLEN, len - ICMP_HLEN, &q) :
		   read_quote4(b + ICMP_HLEN, len - ICMP_HLEN, &q)))
		return;
	dgram_info_current(&info, 0, 0);
	h.ifindex = info.ifindex;
	h.ttl = info.ttl;
	h.tos = info.tos;
	endpoint_to_sockaddr(&info.to, v6 ? AF_INET6 : AF_INET, &h.local);
	endpoint_to_sockaddr(&from, v6 ? AF_INET6 : AF_INET, &h.offender);
	if (c.err == EMSGSIZE)
		h.info = v6 ? be32(b + 4) : be16(b + 6);
	tell(e, &q, &h, c.fatal);
}

static bool is_error(uint8_t type, bool v6)
{
	if (v6)
		return type < 128;
	return type == ICMP_DUR || type == ICMP_TE || type == ICMP_PP;
}

static u8_t icmp_input_cb(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *addr)
{
	struct engine *e = arg;
	bool v6 = ip_current_is_v6();
	unsigned hlen = ip_current_header_tot_len();
	uint8_t b[ICMP_HLEN + QUOTE_MAX];
	size_t len = pbuf_copy_partial(p, b, sizeof(b), (u16_t)hlen);
	struct dgram_info info;
	struct sock *s;

	if (len < ICMP_HLEN)
		return 0;
	if (is_error(b[0], v6)) {
		on_error(e, b, len, v6);
	} else if (b[0] == (v6 ? ICMP6_TYPE_EREP : ICMP_ER)) {
		dgram_info_current(&info, 0, be16(b + 4));
		s = ping_find(e, v6 ? AF_INET6 : AF_INET, info.to.port);
		if (s && dgram_wants(s, &info)) {
			info.to.port = 0;
			dgram_deliver(s, &info, p, hlen);
		}
	}
	return 0;
}

/* icmp_open_input() - Look at ICMP from now on; 0 or -ENOMEM */
int icmp_open_input(struct engine *e)
{
	e->icmp_in = raw_new_ip_type(IPADDR_TYPE_V4, IP_PROTO_ICMP);
	e->icmp6_in = raw_new_ip_type(IPADDR_TYPE_V6, IP6_NEXTH_ICMP6);
	if (!e->icmp_in || !e->icmp6_in)
		return -ENOMEM;
	e->icmp6_in->chksum_reqd = 1;
	e->icmp6_in->chksum_offset = 2;
	raw_recv(e->icmp_in, icmp_input_cb, e);
	raw_recv(e->icmp6_in, icmp_input_cb, e);
	return 0;
}

/* icmp_close_input() - Stop looking */
void icmp_close_input(struct engine *e)
{
	if (e->icmp_in)
		raw_remove(e->icmp_in);
	if (e->icmp6_in)
		raw_remove(e->icmp6_in);
	e->icmp_in = e->icmp6_in = NULL;
}
