/* multicast_source.c - from whom a socket wants a group's packets (RFC 3678)
 *
 * Theory of operation
 * A membership has a mode and a list of sources: in "include" mode those that are
 * wanted, in "exclude" mode, which every ordinary join has, those that are not.  The
 * list is held against each packet before it is given to the socket (multicast.c).
 * On the wire the group is joined whole: lwIP speaks IGMPv2 and MLDv1, which know no
 * sources.
 *
 * Each option is brought into one form, struct target, of either family.  What is
 * refused, with what errno and in which order, is that of ip_mc_source(),
 * ip_mc_msfilter() and their kin of IPv6.
 */
#include "engine/multicast.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include "engine/iface.h"
#include "engine/priv.h"

#define SOURCES_MAX4	10		/* net.ipv4.igmp_max_msf */
#define SOURCES_MAX6	64		/* net.ipv6.mld_max_msf */

struct target {
	ip_addr_t group, local;		/* local: IPv4, an address of the interface, or any */
	unsigned ifindex;
	bool v6;
	struct netif *n;
};

static uint32_t sources_max(const struct target *f)
{
	return f->v6 ? SOURCES_MAX6 : SOURCES_MAX4;
}

static int find_source(const struct membership *m, const ip_addr_t *src)
{
	for (uint32_t i = 0; i < m->nsrc; i++)
		if (ip_addr_cmp_zoneless(&m->src[i], src))
			return (int)i;
	return -1;
}

/* source_allows() - May a packet of the group from @src be the member's? */
bool source_allows(const struct membership *m, const ip_addr_t *src)
{
	return (find_source(m, src) >= 0) == m->include;
}

/* group and interface are good: 0, -EINVAL, -ENODEV; f->n is the interface's */
static int resolve(struct sock *s, struct target *f)
{
	if (!ip_addr_ismulticast(&f->group))
		return -EINVAL;
	f->n = multicast_netif(s, &f->group, f->ifindex, f->v6 ? NULL : &f->local);
	return f->n ? 0 : -ENODEV;
}

static struct membership *member(struct sock *s, const struct target *f)
{
	return multicast_find(s, &f->group, iface_index_of(f->n));
}

static int add_source(struct membership *m, const ip_addr_t *src, uint32_t max)
{
	ip_addr_t *grown;

	if (m->nsrc >= max)
		return -ENOBUFS;
	if (find_source(m, src) >= 0)
		return -EADDRNOTAVAIL;
	grown = realloc(m->src, (m->nsrc + 1) * sizeof(*grown));
	if (!grown)
		return -ENOBUFS;
	m->src = grown;
	m->src[m->nsrc++] = *src;
	m->listed = true;
	return 0;
}

/* ip_mc_source(): one source more or less, in a membership of that mode */
static int change_source(struct sock *s, const struct target *f, bool include, bool add,
			 const ip_addr_t *src)
{
	struct membership *m = member(s, f);
	int at;

	if (!m || (m->listed && m->include != include))
		return -EINVAL;
	m->include = include;
	if (add)
		return add_source(m, src, sources_max(f));
	at = find_source(m, src);
	if (at < 0)
		return -EADDRNOTAVAIL;
	/* of nobody any more: that is no membership */
	if (m->nsrc == 1 && include)
		return multicast_leave(s, &f->group, f->n);
	memmove(&m->src[at], &m->src[at + 1], (m->nsrc - (uint32_t)at - 1) * sizeof(*m->src));
	m->nsrc--;
	return 0;
}

enum what { BLOCK, UNBLOCK, JOIN, LEAVE };

static int one_source(struct sock *s, struct target *f, enum what what, const ip_addr_t *src)
{
	bool include = what == JOIN || what == LEAVE, add = what == BLOCK || what == JOIN;
	int r = resolve(s, f);

	if (r == 0 && what == JOIN) {
		r = multicast_join(s, &f->group, f->n, true);
		if (r == -EADDRINUSE)	/* with another source */
			r = 0;
	}
	return r ? r : change_source(s, f, include, add, src);
}

/* ip_mc_msfilter(): a whole new filter; @src is ours to keep or to free */
static int set_filter(struct sock *s, struct target *f, uint32_t mode, ip_addr_t *src, uint32_t n)
{
	struct membership *m = NULL;
	int r = 0;

	if (ip_addr_ismulticast(&f->group) && mode != MCAST_INCLUDE && mode != MCAST_EXCLUDE)
		r = -EINVAL;
	if (r == 0)
		r = resolve(s, f);
	if (r == 0 && mode == MCAST_INCLUDE && n == 0) {
		r = multicast_leave(s, &f->group, f->n);
	} else if (r == 0) {
		m = member(s, f);
		r = m ? 0 : -EINVAL;
	}
	if (!m) {
		free(src);
		return r;
	}
	free(m->src);
	m->src = src;
	m->nsrc = n;
	m->listed = n > 0;
	m->include = mode == MCAST_INCLUDE;
	return 0;
}

static void set_ip4(ip_addr_t *ip, uint32_t addr)
{
	ip_addr_set_ip4_u32(ip, addr);
}

/* an address of a struct sockaddr_storage, whatever family it says; which one it was */
static int read_address(const void *from, bool v6, ip_addr_t *ip)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	memcpy(&in, from, sizeof(in));
	memcpy(&in6, from, sizeof(in6));
	if (v6) {
		ip_addr_set_zero_ip6(ip);
		memcpy(ip_2_ip6(ip)->addr, &in6.sin6_addr, 16);
	} else {
		set_ip4(ip, in.sin_addr.s_addr);
	}
	return in.sin_family;
}

static void write_address(void *to, const ip_addr_t *ip)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (IP_IS_V6(ip)) {
		memcpy(&in6.sin6_addr, ip_2_ip6(ip)->addr, 16);
		memcpy(&ss, &in6, sizeof(in6));
	} else {
		in.sin_addr.s_addr = ip4_addr_get_u32(ip_2_ip4(ip));
		memcpy(&ss, &in, sizeof(in));
	}
	memcpy(to, &ss, sizeof(ss));
}

/* ---- IP_ADD_SOURCE_MEMBERSHIP and its kin ---- */

static int set_source4(struct sock *s, int name, const void *val, uint32_t len)
{
	struct ip_mreq_source m;
	struct target f = { 0 };
	ip_addr_t src;

	if (len != sizeof(m))
		return -EINVAL;
	memcpy(&m, val, sizeof(m));
	set_ip4(&f.group, m.imr_multiaddr.s_addr);
	set_ip4(&f.local, m.imr_interface.s_addr);
	set_ip4(&src, m.imr_sourceaddr.s_addr);
	return one_source(s, &f, name == IP_BLOCK_SOURCE ? BLOCK : name == IP_UNBLOCK_SOURCE ? UNBLOCK :
			  name == IP_ADD_SOURCE_MEMBERSHIP ? JOIN : LEAVE, &src);
}

#define FILTER4_HEAD	offsetof(struct ip_msfilter, imsf_slist)

static int set_filter4(struct sock *s, const void *val, uint32_t len)
{
	struct ip_msfilter h;
	struct target f = { 0 };
	ip_addr_t *src;

	if (len < FILTER4_HEAD)
		return -EINVAL;
	memcpy(&h, val, FILTER4_HEAD);
	if (h.imsf_numsrc > SOURCES_MAX4)
		return -ENOBUFS;
	if (FILTER4_HEAD + h.imsf_numsrc * sizeof(uint32_t) > len)
		return -EINVAL;
	set_ip4(&f.group, h.imsf_multiaddr.s_addr);
	set_ip4(&f.local, h.imsf_interface.s_addr);
	src = calloc(h.imsf_numsrc + 1, sizeof(*src));
	if (!src)
		return -ENOBUFS;
	for (uint32_t i = 0; i < h.imsf_numsrc; i++) {
		uint32_t a;

		memcpy(&a, (const char *)val + FILTER4_HEAD + i * sizeof(a), sizeof(a));
		set_ip4(&src[i], a);
	}
	return set_filter(s, &f, h.imsf_fmode, src, h.imsf_numsrc);
}

static int get_filter4(struct sock *s, void *val, uint32_t *len)
{
	struct ip_msfilter h;
	struct target f = { 0 };
	const struct membership *m;
	uint32_t copied;
	int r;

	if (*len < FILTER4_HEAD)
		return -EINVAL;
	memcpy(&h, val, FILTER4_HEAD);
	set_ip4(&f.group, h.imsf_multiaddr.s_addr);
	set_ip4(&f.local, h.imsf_interface.s_addr);
	r = resolve(s, &f);
	if (r)
		return r;
	m = member(s, &f);
	if (!m)
		return -EADDRNOTAVAIL;
	copied = m->nsrc < h.imsf_numsrc ? m->nsrc : h.imsf_numsrc;
	if (FILTER4_HEAD + copied * sizeof(uint32_t) > *len)
		return -EFAULT;		/* it claims more room than there is */
	h.imsf_fmode = m->include ? MCAST_INCLUDE : MCAST_EXCLUDE;
	h.imsf_numsrc = m->nsrc;
	memcpy(val, &h, FILTER4_HEAD);
	for (uint32_t i = 0; i < copied; i++) {
		uint32_t a = ip4_addr_get_u32(ip_2_ip4(&m->src[i]));

		memcpy((char *)val + FILTER4_HEAD + i * sizeof(a), &a, sizeof(a));
	}
	*len = (uint32_t)(FILTER4_HEAD + copied * sizeof(uint32_t));
	return 0;
}

/* ---- MCAST_JOIN_SOURCE_GROUP and its kin, of both families ---- */

static int set_source(struct sock *s, int name, bool v6, const void *val, uint32_t len)
{
	const int family = v6 ? AF_INET6 : AF_INET;
	struct group_source_req q;
	struct target f = { .v6 = v6 };
	ip_addr_t src;

	if (len < sizeof(q) || (!v6 && len != sizeof(q)))
		return -EINVAL;
	memcpy(&q, val, sizeof(q));
	ip_addr_set_any(0, &f.local);
	f.ifindex = q.gsr_interface;
	if (read_address(&q.gsr_group, v6, &f.group) != family ||
	    read_address(&q.gsr_source, v6, &src) != family)
		return -EADDRNOTAVAIL;
	return one_source(s, &f, name == MCAST_BLOCK_SOURCE ? BLOCK :
			  name == MCAST_UNBLOCK_SOURCE ? UNBLOCK :
			  name == MCAST_JOIN_SOURCE_GROUP ? JOIN : LEAVE, &src);
}

#define FILTER_HEAD	offsetof(struct group_filter, gf_slist)
#define ONE		sizeof(struct sockaddr_storage)

static int set_group_filter(struct sock *s, bool v6, const void *val, uint32_t len)
{
	const int family = v6 ? AF_INET6 : AF_INET;
	struct group_filter h;
	struct target f = { .v6 = v6 };
	ip_addr_t *src;
	bool alien;

	if (len < FILTER_HEAD)
		return -EINVAL;
	memcpy(&h, val, FILTER_HEAD);
	if (h.gf_numsrc > sources_max(&f))
		return -ENOBUFS;
	if (FILTER_HEAD + h.gf_numsrc * ONE > len)
		return -EINVAL;
	ip_addr_set_any(0, &f.local);
	f.ifindex = h.gf_interface;
	src = calloc(h.gf_numsrc + 1, sizeof(*src));
	if (!src)
		return -ENOBUFS;
	/* IPv6 does not look at families (ip6_mc_msfilter()) */
	alien = read_address(&h.gf_group, v6, &f.group) != family;
	for (uint32_t i = 0; i < h.gf_numsrc; i++)
		alien |= read_address((const char *)val + FILTER_HEAD + i * ONE, v6, &src[i]) != family;
	if (alien && !v6) {
		free(src);
		return -EADDRNOTAVAIL;
	}
	return set_filter(s, &f, h.gf_fmode, src, h.gf_numsrc);
}

static int get_group_filter(struct sock *s, bool v6, void *val, uint32_t *len)
{
	const struct membership *m;
	struct group_filter h;
	ip_addr_t group;
	uint32_t copied;

	if (*len < FILTER_HEAD)
		return -EINVAL;
	memcpy(&h, val, FILTER_HEAD);
	if (read_address(&h.gf_group, v6, &group) != (v6 ? AF_INET6 : AF_INET))
		return v6 ? -EADDRNOTAVAIL : -EINVAL;
	if (!ip_addr_ismulticast(&group))
		return -EINVAL;
	m = multicast_find(s, &group, h.gf_interface);
	if (!m)
		return -EADDRNOTAVAIL;
	copied = m->nsrc < h.gf_numsrc ? m->nsrc : h.gf_numsrc;
	if (FILTER_HEAD + copied * ONE > *len)
		return -EFAULT;
	h.gf_fmode = m->include ? MCAST_INCLUDE : MCAST_EXCLUDE;
	h.gf_numsrc = m->nsrc;
	memcpy(val, &h, FILTER_HEAD);
	for (uint32_t i = 0; i < copied; i++)
		write_address((char *)val + FILTER_HEAD + i * ONE, &m->src[i]);
	*len = (uint32_t)(FILTER_HEAD + copied * ONE);
	return 0;
}

/* source_setopt() - The options about sources: 0, -ENOPROTOOPT if it is none of them,
 * -EINVAL, -ENODEV, -EADDRNOTAVAIL, -ENOBUFS */
int source_setopt(struct sock *s, int level, int name, const void *val, uint32_t len)
{
	bool v6 = level == IPPROTO_IPV6;

	if (v6 && s->domain != AF_INET6)
		return -ENOPROTOOPT;
	switch (name) {
	case MCAST_BLOCK_SOURCE: case MCAST_UNBLOCK_SOURCE:
	case MCAST_JOIN_SOURCE_GROUP: case MCAST_LEAVE_SOURCE_GROUP:
		return set_source(s, name, v6, val, len);
	case MCAST_MSFILTER:
		return set_group_filter(s, v6, val, len);
	}
	switch (v6 ? 0 : name) {
	case IP_BLOCK_SOURCE: case IP_UNBLOCK_SOURCE:
	case IP_ADD_SOURCE_MEMBERSHIP: case IP_DROP_SOURCE_MEMBERSHIP:
		return set_source4(s, name, val, len);
	case IP_MSFILTER:
		return set_filter4(s, val, len);
	default:
		return -ENOPROTOOPT;
	}
}

/* source_getopt() - IP_MSFILTER, MCAST_MSFILTER; @val says which group's */
int source_getopt(struct sock *s, int level, int name, void *val, uint32_t *len)
{
	bool v6 = level == IPPROTO_IPV6;

	if (name == MCAST_MSFILTER && (!v6 || s->domain == AF_INET6))
		return get_group_filter(s, v6, val, len);
	return name == IP_MSFILTER && !v6 ? get_filter4(s, val, len) : -ENOPROTOOPT;
}
