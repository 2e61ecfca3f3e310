/* dgram_route.c - where a datagram goes, and with what
 *
 * Theory of operation
 * Destination, source address and interface of a datagram follow from the record's
 * header, the socket and the routes, in Linux's order and with its errnos.  The
 * same functions send it and say beforehand whether it would be sent
 * (dgram_outlook()); engine/board.c tells clients the plain cases of what is decided
 * here.
 */
#include "engine/sock_dgram.h"

#include <errno.h>
#include <netinet/in.h>
#include <linux/rtnetlink.h>
#include "engine/iface.h"
#include "engine/priv.h"
#include "lwip/ip.h"
#include "port.h"

/* where a datagram to the wildcard address goes: with IPv4 to the socket's own, else
 * to loopback of the family it is bound in */
static void to_itself(const struct sock *s, ip_addr_t *ip)
{
	if (ip_addr_isany_val(s->local.ip))
		ip_loopback(IP_IS_V6_VAL(*ip), ip);
	else if (IP_IS_V6_VAL(*ip))
		ip_loopback(IP_IS_V6_VAL(s->local.ip), ip);
	else
		ip_addr_copy(*ip, s->local.ip);
}

/* dgram_dest() - Where a datagram goes: its header's address, else the connected
 * one.  0, or errno (positive) */
int dgram_dest(struct sock *s, const struct dgram_hdr *h, struct endpoint *to)
{
	int r;

	if (h->peer.sa.sa_family == AF_UNSPEC) {
		if (!s->connected)
			return EDESTADDRREQ;
		*to = s->remote;
		return 0;
	}
	/* Linux takes an AF_INET destination on a dual-stack socket, too */
	r = endpoint_from_sockaddr(&h->peer, h->peer.sa.sa_family == AF_INET ? AF_INET : s->domain,
				   s->o.v6only, to);
	if (r < 0)
		return -r;
	iface_fix_zone(s->e, &to->ip);
	if (ip_addr_isany_val(to->ip))		/* the host itself */
		to_itself(s, &to->ip);
	return 0;
}

static struct netif *group_netif(struct sock *s, const ip_addr_t *to)
{
	int index = IP_IS_V6(to) ? s->o.mcast_if6 : s->o.mcast_if;

	if (index)
		return iface_netif(s->e, (unsigned)index);
	/* IPv4: where the address is that the socket is bound to */
	if (!IP_IS_V6(to) && !ip_addr_isany_val(s->local.ip) && !ip_addr_ismulticast(&s->local.ip))
		return iface_netif_of(s->e, &s->local.ip);
	return iface_of_group(s->e, to);
}

/* what a destination without a route, or with one that rejects, is called (fib_props[]) */
static int unroutable(const ip_addr_t *to)
{
	const struct route *r = route_forward(to);

	switch (r ? r->type : RTN_UNICAST) {
	case RTN_BLACKHOLE:
		return EINVAL;
	case RTN_UNREACHABLE:
		return EHOSTUNREACH;
	case RTN_PROHIBIT:
		return EACCES;
	default:
		return ENETUNREACH;
	}
}

/* does what PKTINFO names exist?  0 or errno (positive) */
static int pktinfo(struct sock *s, const struct dgram_hdr *h, bool v6, struct endpoint *from,
		   bool *given)
{
	bool foreign, nowhere = h->ifindex && !iface_netif(s->e, h->ifindex);

	*given = h->flags & DGRAM_F_LOCAL &&
		 endpoint_from_sockaddr(&h->local, s->domain, false, from) == 0 &&
		 !ip_addr_isany_val(from->ip);
	foreign = *given && !s->o.transparent && !iface_of_address(s->e, &from->ip);
	if (v6 && nowhere)
		return ENODEV;
	if (foreign)
		return v6 ? EINVAL : ENETUNREACH;
	return nowhere ? ENODEV : 0;
}

/**
 * dgram_route() - Destination, source address and interface of a datagram
 * @h:		the record's header; PKTINFO may name source and interface
 *
 * Return: 0, or errno (positive): EDESTADDRREQ, ENETUNREACH, EHOSTUNREACH, EACCES
 * (broadcast without SO_BROADCAST, or a route that says so), ENODEV, EINVAL
 */
int dgram_route(struct sock *s, const struct dgram_hdr *h, struct endpoint *to,
		ip_addr_t *src, struct netif **n)
{
	const struct ipopt *o;
	struct endpoint from;
	bool from_given;
	int err = dgram_dest(s, h, to);

	if (!err)
		err = pktinfo(s, h, IP_IS_V6_VAL(to->ip), &from, &from_given);
	if (err)
		return err;
	o = dgram_options(s, &to->ip);
	if (o && o->srr) {
		s->e->once->last = to->ip;
		ip_addr_copy_from_ip4(to->ip, o->hop);
	}
	*n = NULL;
	if (iface_is_broadcast(s->e, &to->ip) && !s->o.broadcast)
		return EACCES;
	if (ip_addr_ismulticast(&to->ip))
		*n = group_netif(s, &to->ip);
	if ((h->flags & DGRAM_F_LOCAL) && h->ifindex)
		*n = iface_netif(s->e, h->ifindex);
	else if (dgram(s)->sticky_if && IP_IS_V6_VAL(to->ip))
		*n = iface_netif(s->e, dgram(s)->sticky_if);
	else if (s->o.bindtodevice)
		*n = iface_netif(s->e, (unsigned)s->o.bindtodevice);
	else if (!*n && (IP_IS_V6_VAL(to->ip) ? s->o.unicast_if6 : s->o.unicast_if))
		*n = iface_netif(s->e, ntohl((uint32_t)(IP_IS_V6_VAL(to->ip) ? s->o.unicast_if6 :
								 s->o.unicast_if)));
	if (*n) {
		const ip_addr_t *a = ip_netif_get_local_ip(*n, &to->ip);

		if (!a)
			return ENETUNREACH;
		ip_addr_copy(*src, *a);
	} else if (!route_source(&to->ip, src, n)) {
		return unroutable(&to->ip);
	}
	if (from_given) {
		ip_addr_copy(*src, from.ip);
	} else if (IP_IS_V6_VAL(to->ip) && !ip_addr_isany_val(dgram(s)->sticky_src)) {
		ip_addr_copy(*src, dgram(s)->sticky_src);
	} else if (!ip_addr_isany_val(s->local.ip) && !ip_addr_ismulticast(&s->local.ip)) {
		ip_addr_copy(*src, s->local.ip);
		/* Linux has no route from an address that is not its own */
		if (s->o.freebind && !s->o.transparent && IP_IS_V4_VAL(*src) &&
		    !iface_of_address(s->e, src))
			return ENETUNREACH;
	}
	return IP_GET_TYPE(src) == IP_GET_TYPE(&to->ip) ? 0 : EINVAL;
}

/* dgram_headers() - How long IP's header of a datagram is, with its options */
size_t dgram_headers(const struct sock *s, const ip_addr_t *to)
{
	const struct ipopt *o = dgram_options(s, to);

	return IP_IS_V6(to) ? IP6_HLEN : IP_HLEN + (o ? o->len : 0u);
}

/* dgram_fits() - May a packet of @len bytes behind IP's header go out in fragments if it
 * has to?  0 or EMSGSIZE (IP_PMTUDISC_DO; lwIP cuts none with options) */
int dgram_fits(const struct sock *s, const struct netif *n, const ip_addr_t *to, size_t len)
{
	size_t hlen = dgram_headers(s, to);
	int how = IP_IS_V6(to) ? s->o.mtu_discover6 : s->o.mtu_discover;
	size_t mtu = iface_mtu(s->e, iface_index_of(n));

	if (IP_IS_V6(to) && s->o.frag6 && mtu > (size_t)s->o.frag6)
		mtu = (size_t)s->o.frag6;
	if (IP_IS_V6(to) && s->o.dontfrag6)
		how = IPV6_PMTUDISC_DO;
	if (how != IP_PMTUDISC_DO && how != IP_PMTUDISC_PROBE && (IP_IS_V6(to) || hlen == IP_HLEN))
		return 0;
	return len + hlen > mtu ? EMSGSIZE : 0;
}

/* dgram_pbuf() - Data to be sent, with room for what comes in front of them; NULL: no memory */
struct pbuf *dgram_pbuf(const struct sock *s, const ip_addr_t *to, const uint8_t *data, size_t len)
{
	const struct ipopt *o = dgram_options(s, to);
	u8_t more = o ? o->len : 0;
	struct pbuf *p = len + more > UINT16_MAX ? NULL :
		pbuf_alloc(PBUF_TRANSPORT, (u16_t)(len + more), PBUF_RAM);

	if (!p)
		return NULL;
	pbuf_remove_header(p, more);
	pbuf_take(p, data, (u16_t)len);
	ipopt_send_with(o, ip_2_ip4(&s->e->once->last));
	return p;
}

/* dgram_ttl() - Hop limit of a datagram: its own, else the socket's */
uint8_t dgram_ttl(const struct sock *s, const struct dgram_hdr *h, const ip_addr_t *to)
{
	const struct sockopt *o = &s->o;
	bool multicast = ip_addr_ismulticast(to);

	if (h->flags & DGRAM_F_TTL)
		return h->ttl;
	if (IP_IS_V4(to))
		return (uint8_t)(multicast ? o->mcast_ttl : o->ttl);
	if (multicast)
		return (uint8_t)(o->mcast_hops < 0 ? 1 : o->mcast_hops);
	return (uint8_t)(o->hops < 0 ? 64 : o->hops);
}

/* dgram_tos() - Type of service or traffic class of a datagram */
uint8_t dgram_tos(const struct sock *s, const struct dgram_hdr *h, const ip_addr_t *to)
{
	if (h->flags & DGRAM_F_TOS)
		return h->tos;
	return (uint8_t)(IP_IS_V4(to) ? s->o.tos : s->o.tclass < 0 ? 0 : s->o.tclass);
}

/* dgram_loops() - Does a multicast come back to the host's own sockets?  Over lo it does
 * by itself */
bool dgram_loops(const struct sock *s, const ip_addr_t *to, const struct netif *n)
{
	return portif_of(n) && (IP_IS_V6(to) ? s->o.mcast_loop6 : s->o.mcast_loop);
}
