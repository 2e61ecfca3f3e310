/* multicast.c - group memberships and outgoing interface of datagram sockets
 *
 * The engine joins a group on the interface (IGMP, MLD).  A socket that is a member
 * itself gets the group's packets from the sources it wants (multicast_source.c), another
 * one by its port and address alone, unless its IP_MULTICAST_ALL or IPV6_MULTICAST_ALL is
 * off, or no member wants them: in Linux the interface's own filter, the sum of all
 * members', would drop them.  A membership ends with its socket.
 */
#include "engine/multicast.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include "engine/iface.h"
#include "engine/priv.h"
#include "engine/sock_dgram.h"
#include "lwip/igmp.h"
#include "lwip/mld6.h"
#include "port.h"

#define GROUPS_MAX4	20		/* a socket: net.ipv4.igmp_max_memberships */
#define GROUPS_MAX6	2048		/* Linux: what fits in optmem_max */

/* multicast_netif() - The interface of a membership: by index, by an address of it, else
 * where packets to the group go; NULL: there is none */
struct netif *multicast_netif(struct sock *s, const ip_addr_t *group, unsigned index,
			      const ip_addr_t *local)
{
	struct netif *n;
	ip_addr_t src;

	if (index)
		return iface_netif(s->e, index);
	if (local && !ip_addr_isany(local))
		return iface_netif_of(s->e, local);
	n = iface_of_group(s->e, group);
	return n || route_source(group, &src, &n) ? n : NULL;
}

static err_t change(const ip_addr_t *group, struct netif *n, bool join)
{
	if (IP_IS_V6(group))
		return join ? mld6_joingroup_netif(n, ip_2_ip6(group)) :
			mld6_leavegroup_netif(n, ip_2_ip6(group));
	return join ? igmp_joingroup_netif(n, ip_2_ip4(group)) :
		igmp_leavegroup_netif(n, ip_2_ip4(group));
}

/**
 * multicast_join() - Become a member
 * @n:		the interface, or NULL: there is none
 * @include:	of sources that are yet to be named
 *
 * Return: 0, -EINVAL (no group), -ENODEV, -EADDRINUSE, -ENOBUFS, -ENOMEM
 */
int multicast_join(struct sock *s, const ip_addr_t *group, struct netif *n, bool include)
{
	struct membership *m;
	unsigned count = 0;

	if (!ip_addr_ismulticast(group))
		return -EINVAL;
	if (!n)
		return -ENODEV;
	for (m = dgram(s)->groups; m; m = m->next) {
		if (m->n == n && ip_addr_cmp_zoneless(&m->group, group))
			return -EADDRINUSE;
		count += IP_IS_V6_VAL(m->group) == IP_IS_V6(group);
	}
	if (count >= (IP_IS_V6(group) ? GROUPS_MAX6 : GROUPS_MAX4))
		return IP_IS_V6(group) ? -ENOMEM : -ENOBUFS;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	ip_addr_copy(m->group, *group);
	if (IP_IS_V6(group))
		ip6_addr_assign_zone(ip_2_ip6(&m->group), IP6_MULTICAST, n);
	m->n = n;
	m->include = include;
	/* lo and tun have no IGMP to speak; the group is local then */
	(void)change(&m->group, n, true);
	m->next = dgram(s)->groups;
	dgram(s)->groups = m;
	m->all_next = s->e->members;
	m->all_pprev = &s->e->members;
	if (m->all_next)
		m->all_next->all_pprev = &m->all_next;
	s->e->members = m;
	return 0;
}

static void membership_free(struct membership *m)
{
	(void)change(&m->group, m->n, false);
	*m->all_pprev = m->all_next;
	if (m->all_next)
		m->all_next->all_pprev = m->all_pprev;
	free(m->src);
	free(m);
}

/* multicast_leave() - End a membership, on any interface if @n is NULL; 0, -EADDRNOTAVAIL,
 * -EINVAL (IPv6: no group) */
int multicast_leave(struct sock *s, const ip_addr_t *group, const struct netif *n)
{
	if (IP_IS_V6(group) && !ip_addr_ismulticast(group))
		return -EINVAL;
	for (struct membership **p = &dgram(s)->groups; *p; p = &(*p)->next) {
		struct membership *m = *p;

		if ((n && m->n != n) || !ip_addr_cmp_zoneless(&m->group, group))
			continue;
		*p = m->next;
		membership_free(m);
		return 0;
	}
	return -EADDRNOTAVAIL;
}

/* multicast_find() - The socket's membership in a group on an interface, or NULL */
struct membership *multicast_find(const struct sock *s, const ip_addr_t *group, unsigned ifindex)
{
	struct membership *m = ((const struct dgram_sock *)s)->groups;

	while (m && (iface_index_of(m->n) != ifindex || !ip_addr_cmp_zoneless(&m->group, group)))
		m = m->next;
	return m;
}

/* does any member want packets from @src?  True, too, where only the stack itself is one */
static bool anybody_wants(const struct engine *e, const ip_addr_t *group, const ip_addr_t *src,
			  unsigned ifindex)
{
	bool member = false;

	for (const struct membership *m = e->members; m; m = m->all_next) {
		if (!ip_addr_cmp_zoneless(&m->group, group) || iface_index_of(m->n) != ifindex)
			continue;
		if (source_allows(m, src))
			return true;
		member = true;
	}
	return !member;
}

/* multicast_wants() - May a packet from @src to @group that came in on @ifindex be the
 * socket's? */
bool multicast_wants(const struct sock *s, const ip_addr_t *group, const ip_addr_t *src,
		     unsigned ifindex)
{
	const struct membership *m = multicast_find(s, group, ifindex);

	if (m)
		return source_allows(m, src);
	return (IP_IS_V6(group) ? s->o.mcast_all6 : s->o.mcast_all) &&
		anybody_wants(s->e, group, src, ifindex);
}

/* multicast_leave_all() - The socket ends: so do its memberships */
void multicast_leave_all(struct sock *s)
{
	while (dgram(s)->groups)
		multicast_leave(s, &dgram(s)->groups->group, dgram(s)->groups->n);
}

/* multicast_forget_netif() - The netif goes: so do the memberships on it */
void multicast_forget_netif(struct engine *e, const struct netif *n)
{
	for (struct sock *s = e->all; n && s; s = s->next) {
		struct membership **p;

		if (s->ops != &sock_udp_ops && s->ops != &sock_raw_ops && s->ops != &sock_ping_ops)
			continue;
		for (p = &dgram(s)->groups; *p;) {
			struct membership *m = *p;

			if (m->n != n) {
				p = &m->next;
				continue;
			}
			*p = m->next;
			membership_free(m);
		}
	}
}

static int setopt4(struct sock *s, int name, const void *val, uint32_t len)
{
	struct ip_mreqn m = { 0 };
	ip_addr_t group, local;
	struct netif *n;

	/* struct in_addr, ip_mreq or ip_mreqn: each begins like the next */
	if (len < sizeof(struct in_addr) ||
	    (name != IP_MULTICAST_IF && len < sizeof(struct ip_mreq)))
		return -EINVAL;
	if (name == IP_MULTICAST_IF && len < sizeof(struct ip_mreq))
		memcpy(&m.imr_address, val, sizeof(m.imr_address));
	else
		memcpy(&m, val, len < sizeof(m) ? len : sizeof(m));
	ip_addr_set_zero_ip4(&group);
	ip_addr_set_zero_ip4(&local);
	ip4_addr_set_u32(ip_2_ip4(&group), m.imr_multiaddr.s_addr);
	ip4_addr_set_u32(ip_2_ip4(&local), m.imr_address.s_addr);
	if (name == IP_MULTICAST_IF) {
		if (!m.imr_ifindex && ip_addr_isany_val(local)) {
			s->o.mcast_if = 0;
			return 0;
		}
		n = multicast_netif(s, &group, (unsigned)m.imr_ifindex, &local);
		if (!n)
			return -EADDRNOTAVAIL;
		s->o.mcast_if = (int)iface_index_of(n);
		return 0;
	}
	n = multicast_netif(s, &group, (unsigned)m.imr_ifindex, &local);
	return name == IP_ADD_MEMBERSHIP ? multicast_join(s, &group, n, false) : multicast_leave(s, &group, n);
}

static int setopt6(struct sock *s, int name, const void *val, uint32_t len)
{
	struct ipv6_mreq m;
	struct netif *n;
	ip_addr_t group;
	int index;

	if (name == IPV6_MULTICAST_IF) {
		if (len < sizeof(index))
			return -EINVAL;
		memcpy(&index, val, sizeof(index));
		if (index && !iface_netif(s->e, (unsigned)index))
			return -ENODEV;
		s->o.mcast_if6 = index;
		return 0;
	}
	if (len < sizeof(m))
		return -EINVAL;
	memcpy(&m, val, sizeof(m));
	ip_addr_set_zero_ip6(&group);
	memcpy(ip_2_ip6(&group)->addr, &m.ipv6mr_multiaddr, 16);
	n = multicast_netif(s, &group, m.ipv6mr_interface, NULL);
	return name == IPV6_JOIN_GROUP ? multicast_join(s, &group, n, false) : multicast_leave(s, &group, n);
}

/* MCAST_JOIN_GROUP and MCAST_LEAVE_GROUP (RFC 3678), at the level of the group's family */
static int setopt_group(struct sock *s, int level, int name, const void *val, uint32_t len)
{
	/* struct group_req; a 32-bit program's has no gap behind the index */
	const size_t at = len >= sizeof(struct group_req) ? offsetof(struct group_req, gr_group) :
							    sizeof(uint32_t);
	union msg_sockaddr sa;
	struct endpoint ep;
	struct netif *n;
	uint32_t index;

	if (len < sizeof(uint32_t) + sizeof(struct sockaddr_storage))
		return -EINVAL;
	memcpy(&index, val, sizeof(index));
	memcpy(&sa, (const char *)val + at, sizeof(sa));
	if (sa.sa.sa_family != (level == IPPROTO_IP ? AF_INET : AF_INET6))
		return level == IPPROTO_IP ? -EINVAL : -EADDRNOTAVAIL;
	if (endpoint_from_sockaddr(&sa, sa.sa.sa_family, true, &ep) < 0)
		return -EINVAL;
	n = multicast_netif(s, &ep.ip, index, NULL);
	return name == MCAST_JOIN_GROUP ? multicast_join(s, &ep.ip, n, false) : multicast_leave(s, &ep.ip, n);
}

/* multicast_setopt() - The options that are more than a number */
int multicast_setopt(struct sock *s, int level, int name, const void *val, uint32_t len)
{
	if (level == IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP ||
				    name == IP_MULTICAST_IF))
		return setopt4(s, name, val, len);
	if (level == IPPROTO_IPV6 && s->domain == AF_INET6 &&
	    (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP || name == IPV6_MULTICAST_IF))
		return setopt6(s, name, val, len);
	if ((level == IPPROTO_IP || (level == IPPROTO_IPV6 && s->domain == AF_INET6)) &&
	    (name == MCAST_JOIN_GROUP || name == MCAST_LEAVE_GROUP))
		return setopt_group(s, level, name, val, len);
	return level == IPPROTO_IP || level == IPPROTO_IPV6 ? source_setopt(s, level, name, val, len) :
		-ENOPROTOOPT;
}

/* multicast_getopt() - IP_MULTICAST_IF (an address), IPV6_MULTICAST_IF, source filters */
int multicast_getopt(struct sock *s, int level, int name, void *val, uint32_t *len)
{
	struct in_addr a = { 0 };
	struct netif *n;

	if (level == IPPROTO_IP && name == IP_MULTICAST_IF) {
		n = s->o.mcast_if ? iface_netif(s->e, (unsigned)s->o.mcast_if) : NULL;
		if (n)
			a.s_addr = ip4_addr_get_u32(netif_ip4_addr(n));
		if (*len > sizeof(a))
			*len = sizeof(a);
		memcpy(val, &a, *len);
		return 0;
	}
	if (level == IPPROTO_IPV6 && name == IPV6_MULTICAST_IF && s->domain == AF_INET6) {
		if (*len > sizeof(int))
			*len = sizeof(int);
		memcpy(val, &s->o.mcast_if6, *len);
		return 0;
	}
	return level == IPPROTO_IP || level == IPPROTO_IPV6 ? source_getopt(s, level, name, val, len) :
		-ENOPROTOOPT;
}
