/* dgram_options.c - IP options, IPv6 extension headers of datagram sockets
 *
 * Theory of operation
 * IP_OPTIONS are kept compiled with the socket (lwip-port/ipopt.c); IP_RETOPTS beside a
 * datagram stand in for them for that one, in the engine's struct dgram_once, which
 * lasts as long as the record at hand is being sent.  What a received packet had is
 * told in front of its data, in the form in which the application gets it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include "engine/priv.h"
#include "engine/sock_dgram.h"
#include "lwip/ip.h"
#include "lwip/prot/ip6.h"

/* dgram_options() - What a datagram to @to is sent with, or NULL */
const struct ipopt *dgram_options(const struct sock *s, const ip_addr_t *to)
{
	const struct dgram_once *once = s->e->once;

	if (!IP_IS_V4(to))
		return NULL;
	return once->has_options ? &once->options : ((const struct dgram_sock *)s)->options;
}

/**
 * dgram_take_ctl() - What the application gave beside a datagram
 * @b, @len:	struct dgram_ctl and its data, any number of times
 *
 * Return: 0 or errno (positive)
 */
int dgram_take_ctl(struct sock *s, const uint8_t *b, size_t len)
{
	struct dgram_once *once = s->e->once;
	struct dgram_ctl c;

	for (size_t at = 0; at < len; at += DGRAM_CTL_SPACE(c.len)) {
		if (len - at < sizeof(c))
			return EINVAL;
		memcpy(&c, b + at, sizeof(c));
		if (c.len > len - at - sizeof(c))
			return EINVAL;
		if (c.level != IPPROTO_IP || c.type != IP_RETOPTS || c.len > IPOPT_MAX)
			return EINVAL;
		if (!ipopt_compile(&once->options, b + at + sizeof(c), c.len))
			return EINVAL;
		once->has_options = true;
	}
	return 0;
}

static size_t put(uint8_t *to, size_t at, int level, int type, const void *data, unsigned len)
{
	struct dgram_ctl c = { .level = level, .type = type, .len = len };

	if (at + DGRAM_CTL_SPACE(len) > DGRAM_CTL_MAX)
		return at;
	memset(to + at, 0, DGRAM_CTL_SPACE(len));
	memcpy(to + at, &c, sizeof(c));
	memcpy(to + at + sizeof(c), data, len);
	return at + DGRAM_CTL_SPACE(len);
}

/* an extension header of the packet at hand, as RFC 3542 names what it gives on; 0: not wanted */
static int header_name(const struct sock *s, uint8_t kind)
{
	switch (kind) {
	case IP6_NEXTH_HOPBYHOP:
		return s->o.recvhopopts ? IPV6_HOPOPTS : 0;
	case IP6_NEXTH_DESTOPTS:
		return s->o.recvdstopts ? IPV6_DSTOPTS : 0;
	case IP6_NEXTH_ROUTING:
		return s->o.recvrthdr ? IPV6_RTHDR : 0;
	default:
		return 0;
	}
}

static size_t put_headers(const struct sock *s, uint8_t *to)
{
	const struct ip6_hdr *h = ip6_current_header();
	const uint8_t *b = (const uint8_t *)h;
	unsigned end = ip_current_header_tot_len(), len;
	uint32_t flow = h->_v_tc_fl & PP_HTONL(0x0fffffff);
	uint8_t kind = IP6H_NEXTH(h);
	size_t at = 0;

	if (s->o.recvflow && flow)
		at = put(to, at, IPPROTO_IPV6, IPV6_FLOWINFO, &flow, sizeof(flow));
	for (unsigned i = IP6_HLEN; i + 8 <= end; kind = b[i], i += len) {
		len = kind == IP6_NEXTH_FRAGMENT ? 8 : (b[i + 1] + 1u) * 8;
		if (len <= end - i && header_name(s, kind))
			at = put(to, at, IPPROTO_IPV6, header_name(s, kind), b + i, len);
	}
	return at;
}

/* dgram_wants_ctl() - Has the socket asked for what dgram_put_ctl() puts? */
bool dgram_wants_ctl(const struct sock *s)
{
	const struct sockopt *o = &s->o;

	return o->recvopts | o->retopts | o->recvhopopts | o->recvdstopts | o->recvrthdr | o->recvflow;
}

/* dgram_put_ctl() - What the socket wants to know of the packet at hand; how many bytes, up
 * to DGRAM_CTL_MAX */
size_t dgram_put_ctl(const struct sock *s, uint8_t *to)
{
	const uint8_t *data;
	struct ipopt o;
	size_t at = 0;
	unsigned len;

	if (ip_current_is_v6())
		return put_headers(s, to);
	len = ipopt_current(&data);
	if (!len)
		return 0;
	if (s->o.recvopts)
		at = put(to, at, IPPROTO_IP, IP_RECVOPTS, data, len);
	if (s->o.retopts && ipopt_echo(&o)) {
		ipopt_undo(&o);
		at = put(to, at, IPPROTO_IP, IP_RETOPTS, o.data, o.len);
	}
	return at;
}

/* dgram_set_options() - IP_OPTIONS: 0, -EINVAL, -ENOMEM */
int dgram_set_options(struct sock *s, const void *val, uint32_t len)
{
	struct ipopt o;

	if (len > IPOPT_MAX || !ipopt_compile(&o, val, len))
		return -EINVAL;
	if (!o.len) {
		free(dgram(s)->options);
		dgram(s)->options = NULL;
		return 0;
	}
	if (!dgram(s)->options)
		dgram(s)->options = malloc(sizeof(o));
	if (!dgram(s)->options)
		return -ENOMEM;
	*dgram(s)->options = o;
	return 0;
}

/* dgram_get_options() - IP_OPTIONS, as they were set */
void dgram_get_options(const struct sock *s, void *val, uint32_t *len)
{
	struct ipopt o = { 0 };

	if (((const struct dgram_sock *)s)->options)
		o = *((const struct dgram_sock *)s)->options;
	ipopt_undo(&o);
	if (*len > o.len)
		*len = o.len;
	memcpy(val, o.data, *len);
}
