/* addrconv.c - between the socket API's addresses and lwIP's
 *
 * An AF_INET6 socket shows IPv4 peers as ::ffff:a.b.c.d (RFC 4291 2.5.5.2)
 * unless IPV6_V6ONLY; inside the engine they are plain IPv4.  The wildcard of
 * a dual-stack socket is lwIP's IPADDR_TYPE_ANY.  A link-local address's
 * sin6_scope_id is the interface index, which is lwIP's zone.
 */
#include "engine/addrconv.h"

#include <errno.h>
#include <string.h>
#include <arpa/inet.h>

/* the smallest length that Linux takes for an AF_INET6 address (RFC 2133's) */
#define SIN6_LEN_RFC2133	24

static void ip_from_in6(const struct in6_addr *in6, uint32_t scope, ip_addr_t *out)
{
	ip_addr_set_zero_ip6(out);
	memcpy(ip_2_ip6(out)->addr, in6, sizeof(*in6));
	ip6_addr_set_zone(ip_2_ip6(out), IP6_NO_ZONE);
	if (ip6_addr_has_scope(ip_2_ip6(out), IP6_UNICAST) ||
	    ip6_addr_has_scope(ip_2_ip6(out), IP6_MULTICAST))
		ip6_addr_set_zone(ip_2_ip6(out), (u8_t)scope);
}

/**
 * endpoint_from_sockaddr() - Take an address that a client sent
 * @sa:		the address; its family may be anything
 * @domain:	the socket's: AF_INET or AF_INET6
 * @v6only:	the socket refuses IPv4-mapped addresses
 * @out:	address and port
 *
 * Return: 0, -EAFNOSUPPORT, or -ENETUNREACH (IPv4-mapped on a v6only socket)
 */
int endpoint_from_sockaddr(const union msg_sockaddr *sa, int domain, bool v6only,
			   struct endpoint *out)
{
	memset(out, 0, sizeof(*out));
	if (sa->sa.sa_family == AF_INET && domain == AF_INET) {
		ip_addr_set_ip4_u32(&out->ip, sa->in.sin_addr.s_addr);
		out->port = ntohs(sa->in.sin_port);
		return 0;
	}
	if (sa->sa.sa_family != AF_INET6 || domain != AF_INET6)
		return -EAFNOSUPPORT;
	out->port = ntohs(sa->in6.sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&sa->in6.sin6_addr)) {
		uint32_t v4;

		if (v6only)
			return -ENETUNREACH;
		memcpy(&v4, &sa->in6.sin6_addr.s6_addr[12], 4);
		ip_addr_set_ip4_u32(&out->ip, v4);
		return 0;
	}
	ip_from_in6(&sa->in6.sin6_addr, sa->in6.sin6_scope_id, &out->ip);
	return 0;
}

/**
 * endpoint_from_msg() - The same, with the length check of bind(2)/connect(2)
 *
 * Return: as endpoint_from_sockaddr(), or -EINVAL when the address is too short
 */
int endpoint_from_msg(const struct msg_addr *a, int domain, bool v6only,
		      struct endpoint *out)
{
	size_t need = domain == AF_INET ? sizeof(struct sockaddr_in) : SIN6_LEN_RFC2133;

	if (a->len < need)
		return -EINVAL;
	return endpoint_from_sockaddr(&a->addr, domain, v6only, out);
}

/* endpoint_lacks_scope() - A link-local address that does not say on which link */
bool endpoint_lacks_scope(const struct endpoint *ep)
{
	return IP_IS_V6_VAL(ep->ip) && ip6_addr_lacks_zone(ip_2_ip6(&ep->ip), IP6_UNKNOWN);
}

/* endpoint_to_sockaddr() - Show an address as a socket of @domain sees it */
void endpoint_to_sockaddr(const struct endpoint *ep, int domain, union msg_sockaddr *out)
{
	memset(out, 0, sizeof(*out));
	if (domain == AF_INET) {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons(ep->port);
		if (IP_IS_V4_VAL(ep->ip))
			out->in.sin_addr.s_addr = ip4_addr_get_u32(ip_2_ip4(&ep->ip));
		return;
	}
	out->in6.sin6_family = AF_INET6;
	out->in6.sin6_port = htons(ep->port);
	if (IP_IS_V4_VAL(ep->ip)) {
		uint32_t v4 = ip4_addr_get_u32(ip_2_ip4(&ep->ip));

		out->in6.sin6_addr.s6_addr[10] = 0xff;
		out->in6.sin6_addr.s6_addr[11] = 0xff;
		memcpy(&out->in6.sin6_addr.s6_addr[12], &v4, 4);
	} else if (IP_IS_V6_VAL(ep->ip)) {
		memcpy(&out->in6.sin6_addr, ip_2_ip6(&ep->ip)->addr, 16);
		out->in6.sin6_scope_id = ip6_addr_zone(ip_2_ip6(&ep->ip));
	}
}

/* endpoint_to_msg() - The same as a reply's body */
void endpoint_to_msg(const struct endpoint *ep, int domain, struct msg_addr *out)
{
	endpoint_to_sockaddr(ep, domain, &out->addr);
	out->len = domain == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

/* endpoint_any() - The wildcard address of a new socket, port 0 */
void endpoint_any(int domain, bool v6only, struct endpoint *out)
{
	memset(out, 0, sizeof(*out));
	if (domain == AF_INET)
		ip_addr_copy(out->ip, *IP4_ADDR_ANY);
	else if (v6only)
		ip_addr_copy(out->ip, *IP6_ADDR_ANY);
	else
		ip_addr_copy(out->ip, *IP_ANY_TYPE);
}

/* ip_from_addr() - A configured address; without a zone */
void ip_from_addr(const struct addr *a, ip_addr_t *out)
{
	memset(out, 0, sizeof(*out));
	if (a->family == AF_INET)
		ip_addr_set_ip4_u32(out, a->v4.s_addr);
	else if (a->family == AF_INET6)
		ip_from_in6(&a->v6, 0, out);
}

/* ip_to_sockaddr() - An interface's address, in its own family, port 0 */
void ip_to_sockaddr(const ip_addr_t *ip, union msg_sockaddr *out)
{
	struct endpoint ep = { .ip = *ip };

	endpoint_to_sockaddr(&ep, IP_IS_V6_VAL(*ip) ? AF_INET6 : AF_INET, out);
}

/* ip_loopback() - 127.0.0.1 or ::1 */
void ip_loopback(bool v6, ip_addr_t *out)
{
	if (v6)
		IP_ADDR6(out, 0, 0, 0, PP_HTONL(1));
	else
		IP_ADDR4(out, 127, 0, 0, 1);
}

/* ip_overlap() - Could one packet's destination match both local addresses? */
bool ip_overlap(const ip_addr_t *a, const ip_addr_t *b)
{
	if (IP_IS_ANY_TYPE_VAL(*a) || IP_IS_ANY_TYPE_VAL(*b))
		return true;
	if (IP_GET_TYPE(a) != IP_GET_TYPE(b))
		return false;
	return ip_addr_isany_val(*a) || ip_addr_isany_val(*b) || ip_addr_cmp(a, b);
}
