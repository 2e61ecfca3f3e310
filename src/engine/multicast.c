/* multicast.c - group memberships and outgoing interface of datagram sockets
 *
 * The engine joins a group on the interface (IGMP, MLD); which socket gets a
 * group's packets is decided by its port and address alone, unless IP_MULTICAST_ALL
 * or IPV6_MULTICAST_ALL is off: then by its own memberships, too, which end with it.
 */
#include "engine/sock_dgram.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include "engine/iface.h"
#include "engine/priv.h"
#include "lwip/igmp.h"
#include "lwip/mld6.h"
#include "port.h"

#define GROUPS_MAX	20		/* a socket: Linux's igmp_max_memberships */

struct membership {
	struct membership *next;
	ip_addr_t group;
	struct netif *n;
};

static struct netif *pick_netif(struct sock *s, const ip_addr_t *group, unsigned index,
				const ip_addr_t *local)
{
	struct netif *n;
	ip_addr_t src;

	if (index)
		return iface_netif(s->e, index);
	if (local && !ip_addr_isany(local))
		return iface_netif_of(s->e, local);
	return route_source(group, &src, &n) ? n : NULL;
}

static err_t change(const ip_addr_t *group, struct netif *n, bool join)
{
	if (IP_IS_V6(group))
		return join ? mld6_joingroup_netif(n, ip_2_ip6(group)) :
			mld6_leavegroup_netif(n, ip_2_ip6(group));
	return join ? igmp_joingroup_netif(n, ip_2_ip4(group)) :
		igmp_leavegroup_netif(n, ip_2_ip4(group));
}

static int join(struct sock *s, const ip_addr_t *group, struct netif *n)
{
	struct membership *m;
	unsigned count = 0;

	if (!ip_addr_ismulticast(group))
		return -EINVAL;
	if (!n)
		return -ENODEV;
	for (m = dgram(s)->groups; m; m = m->next, count++)
		if (m->n == n && ip_addr_cmp(&m->group, group))
			return -EADDRINUSE;
	if (count >= GROUPS_MAX)
		return -ENOBUFS;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	/* lo and tun have no IGMP to speak; the group is local then */
	(void)change(group, n, true);
	ip_addr_copy(m->group, *group);
	m->n = n;
	m->next = dgram(s)->groups;
	dgram(s)->groups = m;
	return 0;
}

static int leave(struct sock *s, const ip_addr_t *group, const struct netif *n)
{
	for (struct membership **p = &dgram(s)->groups; *p; p = &(*p)->next) {
		struct membership *m = *p;

		if ((n && m->n != n) || !ip_addr_cmp(&m->group, group))
			continue;
		*p = m->next;
		(void)change(&m->group, m->n, false);
		free(m);
		return 0;
	}
	return -EADDRNOTAVAIL;
}

/* multicast_wants() - May a packet to @group that came in on @ifindex be the socket's? */
bool multicast_wants(const struct sock *s, const ip_addr_t *group, unsigned ifindex)
{
	if (IP_IS_V6(group) ? s->o.mcast_all6 : s->o.mcast_all)
		return true;
	for (const struct membership *m = ((const struct dgram_sock *)s)->groups; m; m = m->next)
		if (iface_index_of(m->n) == ifindex && ip_addr_cmp_zoneless(&m->group, group))
			return true;
	return false;
}

/* multicast_leave_all() - The socket ends: so do its memberships */
void multicast_leave_all(struct sock *s)
{
	while (dgram(s)->groups)
		leave(s, &dgram(s)->groups->group, dgram(s)->groups->n);
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
			(void)change(&m->group, m->n, false);
			free(m);
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
		n = pick_netif(s, &group, (unsigned)m.imr_ifindex, &local);
		if (!n)
			return -EADDRNOTAVAIL;
		s->o.mcast_if = (int)iface_index_of(n);
		return 0;
	}
	n = pick_netif(s, &group, (unsigned)m.imr_ifindex, &local);
	return name == IP_ADD_MEMBERSHIP ? join(s, &group, n) : leave(s, &group, n);
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
	n = pick_netif(s, &group, m.ipv6mr_interface, NULL);
	if (n)
		ip6_addr_assign_zone(ip_2_ip6(&group), IP6_MULTICAST, n);
	return name == IPV6_JOIN_GROUP ? join(s, &group, n) : leave(s, &group, n);
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
	n = pick_netif(s, &ep.ip, index, NULL);
	if (n && IP_IS_V6_VAL(ep.ip))
		ip6_addr_assign_zone(ip_2_ip6(&ep.ip), IP6_MULTICAST, n);
	return name == MCAST_JOIN_GROUP ? join(s, &ep.ip, n) : leave(s, &ep.ip, n);
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
	return -ENOPROTOOPT;
}

/* multicast_getopt() - IP_MULTICAST_IF (an address) and IPV6_MULTICAST_IF */
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
	return -ENOPROTOOPT;
}
