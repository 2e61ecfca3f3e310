/* iface_addr6.c - the IPv6 addresses of an interface
 *
 * Theory of operation
 * lwIP has LWIP_IPV6_NUM_ADDRESSES slots a netif, looks for duplicates of those
 * that are tentative and counts down their lifetimes; what it does not keep stands
 * beside them in iface.addr6[].  Slot 0 is the link-local address.  Where nothing else
 * decides, lwIP sends from the first slot that fits: so a router's and
 * DHCPv6's addresses are put into the last free slot, and configured and temporary ones
 * (RFC 8981), which are to go first, into the first.
 *
 * Whoever changes a slot's state, lwIP or we, on_state() hears of it: there the
 * change is announced, and what belongs to an address that went goes with it.
 */
#include "engine/iface_priv.h"

#include <errno.h>
#include <string.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include "base/addr.h"
#include "base/log.h"
#include "engine/addrconv.h"
#include "engine/autoconf.h"
#include "engine/priv.h"
#include "engine/rtnl.h"

#define SLOTS	LWIP_IPV6_NUM_ADDRESSES

static bool in_use(const struct iface *i, int k)
{
	return !ip6_addr_isinvalid(netif_ip6_addr_state(i->netif, k));
}

static int slot_of(const struct iface *i, const ip_addr_t *local)
{
	for (int k = 0; k < SLOTS; k++)
		if (in_use(i, k) &&
		    ip6_addr_cmp_zoneless(netif_ip6_addr(i->netif, k), ip_2_ip6(local)))
			return k;
	return -1;
}

static uint32_t life_out(u32_t life)
{
	return ip6_addr_life_isstatic(life) || ip6_addr_life_isinfinite(life) ? IFACE_FOREVER : life;
}

/* iface_addr6_view() - A slot as an address: lwIP's part, and what we know beside it */
void iface_addr6_view(struct iface *i, int k, struct iface_addr *out)
{
	const ip6_addr_t *ip = netif_ip6_addr(i->netif, k);
	u8_t state = netif_ip6_addr_state(i->netif, k);

	*out = i->addr6[k];
	if (!out->plen) {
		out->plen = i->link ? 64 : 128;
		ip_addr_copy_from_ip6(out->peer, *ip);
		out->proto = ip6_addr_islinklocal(ip) ? IFAPROT_LL : IFAPROT_LO;
	}
	ip_addr_copy_from_ip6(out->local, *ip);
	out->scope = ip6_addr_isloopback(ip) ? RT_SCOPE_HOST :
		ip6_addr_islinklocal(ip) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	out->flags &= ~(uint32_t)(IFA_F_PERMANENT | IFA_F_TENTATIVE | IFA_F_DEPRECATED |
				  IFA_F_DADFAILED);
	if (ip6_addr_istentative(state))
		out->flags |= IFA_F_TENTATIVE;
	if (ip6_addr_isduplicated(state))
		out->flags |= IFA_F_TENTATIVE | IFA_F_DADFAILED;
	/* lo's is VALID, which is the same number */
	if (i->link && state == IP6_ADDR_DEPRECATED)
		out->flags |= IFA_F_DEPRECATED;
	out->valid = life_out(netif_ip6_addr_valid_life(i->netif, k));
	out->preferred = life_out(netif_ip6_addr_pref_life(i->netif, k));
	if (!netif_ip6_addr_valid_life(i->netif, k) && i->addr6[k].valid != IFACE_FOREVER && i->link)
		out->valid = out->preferred = 0;	/* lwIP let it run out */
	if (out->valid == IFACE_FOREVER)
		out->flags |= IFA_F_PERMANENT;
	if (out->flags & IFA_F_DEPRECATED)
		out->preferred = 0;
	else if (ip6_addr_life_isstatic(netif_ip6_addr_valid_life(i->netif, k)) && out->valid)
		out->preferred = IFACE_FOREVER;
}

static void set_life(struct iface *i, s8_t k, const struct iface_addr *a)
{
	u8_t state = netif_ip6_addr_state(i->netif, k);

	i->addr6[k].valid = a->valid;
	/* lwIP takes the /64 of a static one for on link */
	netif_ip6_addr_set_valid_life(i->netif, k, a->valid != IFACE_FOREVER ? a->valid :
				      a->told ? IP6_ADDR_LIFE_INFINITE : IP6_ADDR_LIFE_STATIC);
	netif_ip6_addr_set_pref_life(i->netif, k, a->preferred == IFACE_FOREVER ?
				     IP6_ADDR_LIFE_INFINITE : a->preferred);
	if (ip6_addr_istentative(state) || ip6_addr_isduplicated(state))
		return;			/* it is not known yet whether it may be used */
	if (ip6_addr_isinvalid(state) && a->flags & IFA_F_TENTATIVE)
		netif_ip6_addr_set_state(i->netif, k, IP6_ADDR_TENTATIVE);
	else		/* at once: who configures it by hand vouches for it */
		netif_ip6_addr_set_state(i->netif, k, a->preferred ? IP6_ADDR_PREFERRED :
					 IP6_ADDR_DEPRECATED);
}

static int free_slot(const struct iface *i, const struct iface_addr *a)
{
	if (ip6_addr_islinklocal(ip_2_ip6(&a->local)) && !in_use(i, 0))
		return 0;
	if (a->told && !(a->flags & IFA_F_TEMPORARY)) {
		for (int k = SLOTS - 1; k > 0; k--)
			if (!in_use(i, k))
				return k;
		return -1;
	}
	for (int k = 1; k < SLOTS; k++)
		if (!in_use(i, k))
			return k;
	return -1;
}

/**
 * iface_addr6_add() - Give an interface an address
 * @a:		with IFA_F_TENTATIVE: once nobody else turned out to have it
 *
 * Return: 0, -EEXIST, -ENOSPC
 */
int iface_addr6_add(struct iface *i, const struct iface_addr *a)
{
	int k = free_slot(i, a);

	if (slot_of(i, &a->local) >= 0)
		return -EEXIST;
	if (k < 0)
		return -ENOSPC;
	i->addr6[k] = *a;
	ip6_addr_assign_zone(ip_2_ip6(&i->addr6[k].local), IP6_UNICAST, i->netif);
	netif_ip6_addr_set(i->netif, (s8_t)k, ip_2_ip6(&i->addr6[k].local));
	set_life(i, (s8_t)k, a);
	iface_add_prefix_route(i, a, i->netif);
	return 0;
}

/* iface_addr6_replace() - Change flags, lifetimes of an address, or add it */
int iface_addr6_replace(struct iface *i, const struct iface_addr *a)
{
	int k = slot_of(i, &a->local);
	struct iface_addr v;
	u8_t before;

	if (k < 0)
		return iface_addr6_add(i, a);
	before = netif_ip6_addr_state(i->netif, k);
	i->addr6[k].flags = a->flags;
	i->addr6[k].proto = a->proto;
	set_life(i, (s8_t)k, a);
	if (before == netif_ip6_addr_state(i->netif, k)) {
		iface_addr6_view(i, k, &v);
		rtnl_addr_updated(i, &v);
	}
	return 0;
}

/* iface_addr6_del() - Take an address from an interface: 0 or -EADDRNOTAVAIL */
int iface_addr6_del(struct iface *i, const struct iface_addr *a, bool any_plen)
{
	struct iface_addr v;
	int k = slot_of(i, &a->local);

	if (k < 0)
		return -EADDRNOTAVAIL;
	iface_addr6_view(i, k, &v);
	if (!any_plen && v.plen != a->plen)
		return -EADDRNOTAVAIL;
	netif_ip6_addr_set_state(i->netif, (s8_t)k, IP6_ADDR_INVALID);
	return 0;
}

/* iface_addr6_each() - Visit the addresses, link-local last */
void iface_addr6_each(struct iface *i, iface_addr_visit *fn, void *arg)
{
	struct iface_addr v;

	for (int k = 1; k <= SLOTS; k++) {
		if (!in_use(i, k % SLOTS))
			continue;
		iface_addr6_view(i, k % SLOTS, &v);
		fn(i, &v, arg);
	}
}

/* ---- what happens to a slot ---- */

/* another address of the same prefix, which keeps the route */
static bool prefix_shared(const struct iface *i, int k)
{
	const struct iface_addr *a = &i->addr6[k];

	for (int j = 1; j < SLOTS; j++)
		if (j != k && in_use(i, j) && i->addr6[j].plen == a->plen &&
		    port_prefix_match(&i->addr6[j].peer, a->plen, &a->peer))
			return true;
	return false;
}

static void gone(struct iface *i, int k)
{
	struct iface_addr v;

	iface_addr6_view(i, k, &v);
	if (!prefix_shared(i, k))
		iface_del_prefix_route(&v, i->netif);
	rtnl_addr_changed(i, &v, false);
	memset(&i->addr6[k], 0, sizeof(i->addr6[k]));
}

static void duplicate(struct iface *i, const struct iface_addr *v)
{
	struct addr a = { .family = AF_INET6 };
	char str[ADDR_STRLEN];

	memcpy(&a.v6, ip_2_ip6(&v->local)->addr, sizeof(a.v6));
	log_limited(LOG_WARNING, "interface %s: %s is somebody else's on this network, and not used",
		    i->name, addr_str(&a, str));
	autoconf_duplicate(i);
}

/* tentative counts the probes, of which nobody is told */
static bool same_state(u8_t x, u8_t y)
{
	return x == y || (ip6_addr_istentative(x) && ip6_addr_istentative(y));
}

static void on_state(struct netif *n, netif_nsc_reason_t reason,
		     const netif_ext_callback_args_t *args)
{
	struct iface *i = n->state;
	struct iface_addr v;
	u8_t state;
	s8_t k;

	if (reason != LWIP_NSC_IPV6_ADDR_STATE_CHANGED || !i || n != i->netif)
		return;
	k = args->ipv6_addr_state_changed.addr_index;
	state = netif_ip6_addr_state(n, k);
	if (same_state(state, args->ipv6_addr_state_changed.old_state))
		return;
	if (ip6_addr_isinvalid(state)) {
		gone(i, k);
		return;
	}
	iface_addr6_view(i, k, &v);
	if (ip6_addr_isinvalid(args->ipv6_addr_state_changed.old_state))
		rtnl_addr_changed(i, &v, true);
	else
		rtnl_addr_updated(i, &v);
	if (ip6_addr_isduplicated(state))
		duplicate(i, &v);
}

/* iface_addr6_init() - Follow what lwIP does to addresses, from now on */
void iface_addr6_init(void)
{
	static netif_ext_callback_t callback;

	netif_remove_ext_callback(&callback);
	netif_add_ext_callback(&callback, on_state);
}

/* ---- life of the interface ---- */

/* iface_addr6_up() - The interface came up: it gets its link-local address, lo ::1 */
void iface_addr6_up(struct iface *i)
{
	struct iface_addr a = {
		.plen = 64, .proto = IFAPROT_LL, .valid = IFACE_FOREVER, .preferred = IFACE_FOREVER,
	};

	if (in_use(i, 0))
		return;
	if (!i->link) {
		ip_loopback(true, &i->netif->ip6_addr[0]);
		netif_ip6_addr_set_state(i->netif, 0, IP6_ADDR_VALID);
		return;
	}
	if (!slaac_link_local(i, &a.local))
		return;
	ip_addr_copy(a.peer, a.local);
	iface_addr6_add(i, &a);
}

/* iface_addr6_down() - The interface goes down, its addresses with it */
void iface_addr6_down(struct iface *i)
{
	for (s8_t k = SLOTS - 1; k >= 0; k--)
		if (in_use(i, k))
			netif_ip6_addr_set_state(i->netif, k, IP6_ADDR_INVALID);
}
