/* iface_query.c - questions about interfaces: by name, index, address
 *
 * An alias netif (iface_addr.c) is never seen outside: whatever is asked by
 * netif is answered for the interface that it belongs to.
 */
#include "engine/iface_priv.h"

#include <stdio.h>
#include <string.h>
#include <net/if.h>
#include "engine/addrconv.h"
#include "engine/priv.h"

#define LO_MTU		65535

/* iface_of_address() - The interface that has this address, or NULL.  Who has one
 * address of 127/8 has them all */
struct iface *iface_of_address(struct engine *e, const ip_addr_t *ip)
{
	for (struct iface *i = e->ifaces; i; i = i->next) {
		if (IP_IS_V6(ip)) {
			if (netif_get_ip6_addr_match(i->netif, ip_2_ip6(ip)) >= 0)
				return i;
			continue;
		}
		for (const struct ifa4 *f = i->addr4; f; f = f->next)
			if (ip_addr_cmp(&f->a.local, ip) ||
			    (ip4_addr_isloopback(ip_2_ip4(&f->a.local)) &&
			     ip4_addr_isloopback(ip_2_ip4(ip))))
				return i;
	}
	return NULL;
}

/* iface_netif_of() - Where packets from this address leave: an alias has a netif of its own */
struct netif *iface_netif_of(struct engine *e, const ip_addr_t *ip)
{
	const struct iface *i;
	struct netif *n;

	if (IP_IS_V4(ip)) {
		NETIF_FOREACH(n)
			if (ip4_addr_cmp(netif_ip4_addr(n), ip_2_ip4(ip)))
				return n;
	}
	i = iface_of_address(e, ip);
	return i ? i->netif : NULL;
}

/* iface_is_broadcast() - Is it the broadcast address of any interface? */
bool iface_is_broadcast(struct engine *e, const ip_addr_t *ip)
{
	struct netif *n;

	if (!IP_IS_V4(ip))
		return false;
	if (ip4_addr_get_u32(ip_2_ip4(ip)) == IPADDR_BROADCAST)
		return true;
	NETIF_FOREACH(n)
		if ((n->flags & NETIF_FLAG_BROADCAST) && !ip4_addr_isany_val(*netif_ip4_addr(n)) &&
		    ip4_addr_isbroadcast(ip_2_ip4(ip), n))
			return true;
	return false;
}

/* iface_fix_zone() - Give a link-local address without a zone the only
 * interface's there is beside lo */
void iface_fix_zone(struct engine *e, ip_addr_t *ip)
{
	const struct iface *only = NULL;

	if (!IP_IS_V6(ip) || !ip6_addr_lacks_zone(ip_2_ip6(ip), IP6_UNKNOWN))
		return;
	for (const struct iface *i = e->ifaces; i; i = i->next) {
		if (!i->link)
			continue;
		if (only)
			return;
		only = i;
	}
	if (only)
		ip6_addr_assign_zone(ip_2_ip6(ip), IP6_UNKNOWN, only->netif);
}

/* iface_own_address() - Does what is sent there come back to the stack itself? */
bool iface_own_address(struct engine *e, const ip_addr_t *ip)
{
	return ip_addr_isloopback(ip) || iface_of_address(e, ip);
}

/* iface_of_group() - Where a link-local IPv6 group is that names no interface: on the
 * first one, as by Linux's routes; NULL: its zone is known, or there is none */
struct netif *iface_of_group(struct engine *e, const ip_addr_t *group)
{
	if (!IP_IS_V6(group) || !ip6_addr_lacks_zone(ip_2_ip6(group), IP6_UNKNOWN))
		return NULL;
	for (const struct iface *i = e->ifaces; i; i = i->next)
		if (i->link && netif_is_up(i->netif))
			return i->netif;
	return NULL;
}

/* iface_index() - The index of a name, 0 if there is none */
unsigned iface_index(struct engine *e, const char *name)
{
	for (const struct iface *i = e->ifaces; i; i = i->next)
		if (!strcmp(i->name, name))
			return netif_get_index(i->netif);
	return 0;
}

/* iface_by_index() - The interface of an index, or NULL */
struct iface *iface_by_index(struct engine *e, unsigned index)
{
	struct iface *i = e->ifaces;

	while (i && netif_get_index(i->netif) != index)
		i = i->next;
	return i;
}

/* iface_mtu() - The MTU of an index */
unsigned iface_mtu(struct engine *e, unsigned index)
{
	const struct iface *i = iface_by_index(e, index);

	return i ? iface_mtu_of(i) : 0;
}

/* iface_name() - The name of an index, "" if there is none */
void iface_name(struct engine *e, unsigned index, char name[16])
{
	const struct iface *i = iface_by_index(e, index);

	snprintf(name, 16, "%s", i ? i->name : "");
}

/* iface_netif() - The netif of an index, or NULL */
struct netif *iface_netif(struct engine *e, unsigned index)
{
	const struct iface *i = iface_by_index(e, index);

	return i ? i->netif : NULL;
}

/* iface_index_of() - The index under which applications know a netif, which
 * may be an alias */
unsigned iface_index_of(const struct netif *n)
{
	return netif_get_index(iface_of(n)->netif);
}

static void add_info(struct iface *i, const struct iface_addr *a, void *arg)
{
	struct msg_ifinfo *out = arg;
	struct msg_ifaddr *to = &out->addr[out->naddr];

	if (out->naddr >= MSG_IFADDRS)
		return;
	ip_to_sockaddr(&a->local, &to->addr);
	to->prefixlen = a->plen;
	to->flags = a->flags;
	to->valid = a->valid;
	to->preferred = a->preferred;
	if (IP_IS_V4_VAL(a->local)) {
		to->broadcast = ip4_addr_get_u32(&a->broadcast);
		to->peer = ip4_addr_get_u32(ip_2_ip4(&a->peer));
		memcpy(to->label, a->label, sizeof(to->label));
	}
	out->naddr++;
}

/* iface_by_name() - The interface of a name, or NULL */
struct iface *iface_by_name(struct engine *e, const char *name)
{
	struct iface *i = e->ifaces;

	while (i && strcmp(i->name, name))
		i = i->next;
	return i;
}

/* iface_name_valid() - May an interface be called so?  dev_valid_name() */
bool iface_name_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < 16 && strcmp(name, ".") && strcmp(name, "..") &&
		!strpbrk(name, "/: \t\n\v\f\r");
}

/* iface_flags() - IFF_* as Linux shows them */
unsigned iface_flags(const struct iface *i)
{
	unsigned flags = netif_is_up(i->netif) ? IFF_UP : 0;
	bool carrier = !i->link || netif_is_link_up(i->netif);

	if ((flags & IFF_UP) && carrier)
		flags |= IFF_RUNNING;
	if (!i->link)
		return flags | IFF_LOOPBACK;
	if (i->netif->flags & NETIF_FLAG_BROADCAST)
		flags |= IFF_BROADCAST | IFF_MULTICAST;
	else
		flags |= IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST;
	return flags;
}

/* iface_mtu_of() - The largest packet */
unsigned iface_mtu_of(const struct iface *i)
{
	return i->link ? i->portif.mtu : LO_MTU;
}

static void grow(uint64_t *sum, uint32_t *seen, uint32_t now)
{
	*sum += (uint32_t)(now - *seen);
	*seen = now;
}

/* iface_stats() - An interface's counters; what lo sends it receives */
const struct link_stats *iface_stats(struct iface *i)
{
	const struct stats_mib2_netif_ctrs *m = &i->netif->mib2_counters;

	if (i->link)
		return &i->link->stats;
	grow(&i->lo.tx_frames, &i->lo_seen[0], m->ifoutucastpkts + m->ifoutnucastpkts);
	grow(&i->lo.tx_bytes, &i->lo_seen[1], m->ifoutoctets);
	grow(&i->lo.rx_dropped, &i->lo_seen[2], m->ifoutdiscards);
	i->lo.rx_frames = i->lo.tx_frames;
	i->lo.rx_bytes = i->lo.tx_bytes;
	return &i->lo;
}

/* iface_count_lo() - Look at lo's counters before they begin anew, at 4 GB: once a
 * second, as long as there is traffic */
void iface_count_lo(struct engine *e)
{
	for (struct iface *i = e->ifaces; i; i = i->next)
		if (!i->link)
			iface_stats(i);
}

static void info_stats(const struct link_stats *from, struct msg_ifstats *to)
{
	*to = (struct msg_ifstats){
		.rx_packets = from->rx_frames, .rx_bytes = from->rx_bytes,
		.rx_dropped = from->rx_dropped, .tx_packets = from->tx_frames,
		.tx_bytes = from->tx_bytes, .tx_dropped = from->tx_dropped,
	};
}

/* engine_ifinfo() - The k-th interface; false past the end */
bool engine_ifinfo(const struct engine *e, unsigned k, struct msg_ifinfo *out)
{
	struct iface *i = e->ifaces;

	while (i && k--)
		i = i->next;
	if (!i)
		return false;
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", i->name);
	snprintf(out->spec, sizeof(out->spec), "%s", i->link ? i->link->spec : "");
	out->index = netif_get_index(i->netif);
	out->mtu = iface_mtu_of(i);
	out->txqlen = i->txqlen;
	memcpy(out->mac, i->mac, 6);
	out->offload = !i->link || i->link->caps & LINK_CAP_VNET;
	out->flags = iface_flags(i);
	iface_addr_each(i, add_info, out);
	info_stats(iface_stats(i), &out->stats);
	return true;
}
