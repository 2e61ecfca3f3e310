/* iface.c - a network interface of the stack: a link under an lwIP netif
 *
 * Theory of operation
 * An interface owns its link, its netif and, by iface_addr.c, alias netifs for
 * further IPv4 addresses.  Frames are iface_io.c's.  lo is lwIP's own loop
 * netif, without a link.
 */
#include "engine/iface_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <linux/rtnetlink.h>
#include "base/hash.h"
#include "engine/addrconv.h"
#include "engine/autoconf.h"
#include "engine/priv.h"
#include "engine/rtnl.h"
#include "engine/sock_dgram.h"
#include "lwip/igmp.h"
#include "netif/ethernet.h"

#define MTU_DEFAULT	1500

/* iface_stable_hash() - A number of this interface's that is the same at each start,
 * and another on another machine, for another user, stack, interface or purpose */
uint64_t iface_stable_hash(const struct iface *i, const char *what)
{
	char seed[512], id[64] = "";
	FILE *f = fopen("/etc/machine-id", "re");

	if (f) {
		if (!fgets(id, sizeof(id), f))
			id[0] = '\0';
		fclose(f);
	}
	snprintf(seed, sizeof(seed), "%s|%u|%s|%s%s", id, (unsigned)getuid(), i->e->path, i->name, what);
	return hash_fnv1a(seed, strlen(seed));
}

/* a locally administered address */
static void default_mac(const struct iface *i, uint8_t mac[6])
{
	uint64_t h = iface_stable_hash(i, "");

	for (int k = 0; k < 6; k++)
		mac[k] = (uint8_t)(h >> (8 * k));
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02);
}

static void choose_name(struct iface *i, const struct config_iface *c)
{
	static const char *const kinds[] = { "tap", "tun", "dummy", "veth", "vlan", "bridge" };
	const char *kind = strncmp(i->link->spec, "fd:", 3) ? "vde" : "eth";

	if (c->name[0]) {
		snprintf(i->name, sizeof(i->name), "%s", c->name);
		return;
	}
	for (unsigned k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		size_t n = strlen(kinds[k]);

		if (!strncmp(i->link->spec, kinds[k], n) && i->link->spec[n] == ':')
			kind = kinds[k];
	}
	for (unsigned k = 0; k <= IFACE_NETIFS; k++) {
		snprintf(i->name, sizeof(i->name), "%s%u", kind, k);
		if (!iface_index(i->e, i->name))
			return;
	}
}

/* an address as the configuration gives it */
static void configured(const struct addr_prefix *from, struct iface_addr *a)
{
	*a = (struct iface_addr){
		.plen = (uint8_t)from->len, .valid = IFACE_FOREVER, .preferred = IFACE_FOREVER,
	};
	ip_from_addr(&from->addr, &a->local);
	ip_addr_copy(a->peer, a->local);
	if (IP_IS_V4_VAL(a->local) && a->plen && a->plen < 31)
		ip4_addr_set_u32(&a->broadcast,
				 ip4_addr_get_u32(ip_2_ip4(&a->local)) | ~lwip_htonl(0xffffffffu << (32 - a->plen)));
}

/* those of the configuration, and the gateways: 0, or
 * -errno with what and why in @err */
static int add_addresses(struct iface *i, const struct config_iface *c, char *err, size_t errlen)
{
	char str[ADDR_PREFIXSTRLEN];
	struct iface_addr a;
	ip_addr_t gw;

	for (unsigned k = 0; k < c->naddr; k++) {
		int r;

		configured(&c->addr[k], &a);
		r = iface_addr_add(i, &a);
		if (r == 0 || r == -EEXIST)
			continue;
		snprintf(err, errlen, "interface %s: cannot add address %s: %s", i->name,
			 addr_prefix_str(&c->addr[k], str),
			 r == -ENOSPC && IP_IS_V6_VAL(a.local) ?
			 "no room for another IPv6 address" : strerror(-r));
		return r;
	}
	if (c->has_gw4) {
		ip_from_addr(&c->gw4, &gw);
		iface_add_gateway(&gw, i->netif, RTPROT_STATIC);
	}
	if (c->has_gw6) {
		ip_from_addr(&c->gw6, &gw);
		ip6_addr_assign_zone(ip_2_ip6(&gw), IP6_UNICAST, i->netif);
		iface_add_gateway(&gw, i->netif, RTPROT_STATIC);
	}
	return 0;
}

static unsigned choose_mtu(const struct iface *i, const struct config_iface *c)
{
	return c->mtu ? c->mtu : i->link->mtu ? i->link->mtu : MTU_DEFAULT;
}

static void free_work(struct loop_work *w)
{
	struct iface *i = container_of(w, struct iface, work);

	if (i->link)
		link_close(i->link);
	free(i);
}

/* everything but the memory, which events of this wake-up may still name */
static void dismantle(struct iface *i)
{
	autoconf_stop(i);
	iface_free_addresses(i);
	rtnl_neigh_forget(i->netif);
	multicast_forget_netif(i->e, i->netif);
	if (i->netif == &i->own) {
		if (i->own.loop_first)
			pbuf_free(i->own.loop_first);
		i->own.loop_first = i->own.loop_last = NULL;
		netif_remove(i->netif);
	}
	iface_io_stop(i);
}

static void append(struct engine *e, struct iface *i)
{
	struct iface **p = &e->ifaces;

	while (*p)
		p = &(*p)->next;
	*p = i;
}

/* iface_add_lo() - Take lwIP's loop netif in as "lo"; it is up already */
int iface_add_lo(struct engine *e)
{
	struct iface *i = calloc(1, sizeof(*i));
	struct netif *n;

	if (!i)
		return -ENOMEM;
	NETIF_FOREACH(n)
		if (n->name[0] == 'l' && n->name[1] == 'o')
			break;
	i->e = e;
	i->txqlen = 1000;
	i->netif = n;
	n->state = i;
	memcpy(i->name, "lo", sizeof("lo"));
	append(e, i);
	/* groups may be joined there, as on Linux */
	netif_set_flags(n, NETIF_FLAG_IGMP);
	if (igmp_start(n) != ERR_OK)
		return -ENOMEM;
	return iface_adopt_lo(i);
}

static int check_room(struct engine *e, const char *name, char *err, size_t errlen)
{
	if (name[0] && iface_by_name(e, name)) {
		snprintf(err, errlen, "interface %s: exists already; give each interface its own name",
			 name);
		return -EEXIST;
	}
	if (iface_count_netifs() >= IFACE_NETIFS) {
		snprintf(err, errlen, "interface %s: there are %d interfaces and addresses already",
			 name, IFACE_NETIFS);
		return -ENOSPC;
	}
	return 0;
}

/**
 * iface_attach() - Put an interface on a link, down and without address
 * @l:		the interface's from now on, closed on failure
 * @c:		name, Ethernet address and MTU
 * @out:	the interface
 * @err:	on failure: what cannot be done, and why
 *
 * Return: 0, -EEXIST, -ENOSPC (too many interfaces and addresses) or -errno
 */
int iface_attach(struct engine *e, struct link *l, const struct config_iface *c,
		 struct iface **out, char *err, size_t errlen)
{
	int r = check_room(e, c->name, err, errlen);
	struct iface *i = r ? NULL : calloc(1, sizeof(*i));

	if (!i) {
		link_close(l);
		return r ? r : -ENOMEM;
	}
	i->e = e;
	i->txqlen = 1000;
	i->link = l;
	choose_name(i, c);
	if (c->has_mac)
		memcpy(i->mac, c->mac, 6);
	else
		default_mac(i, i->mac);
	i->addrgen = c->addrgen;
	i->portif.mtu = (uint16_t)choose_mtu(i, c);
	iface_set_portif(i, &i->portif);
	i->portif.forward = e->forward;
	i->netif = &i->own;
	netif_add(&i->own, NULL, NULL, NULL, i, iface_netif_init,
		  i->link->caps & LINK_CAP_L3 ? ip_input : ethernet_input);
	portif_attach(&i->own, &i->portif);
	append(e, i);
	if (!l->no_peer)
		netif_set_link_up(&i->own);
	*out = i;
	r = iface_io_start(i);
	if (r < 0) {
		snprintf(err, errlen, "interface %s: cannot watch its link: %s", i->name, strerror(-r));
		iface_remove(i);
	}
	return r;
}

/**
 * iface_create() - Open a link and put an interface on it, down and without address
 * @c:		link, name, Ethernet address and MTU
 * @out:	the interface
 * @err:	on failure: what cannot be done, and why
 *
 * Return: 0, -EEXIST, -ENOSPC (too many interfaces and addresses) or what
 * opening the link gives
 */
int iface_create(struct engine *e, const struct config_iface *c, struct iface **out,
		 char *err, size_t errlen)
{
	struct link *l;
	int r = check_room(e, c->name, err, errlen);

	if (!r)
		r = link_open(c->link, &l, err, errlen);
	return r ? r : iface_attach(e, l, c, out, err, errlen);
}

/**
 * iface_add() - Bring an interface up as configured
 * @c:		as configured
 * @err:	on failure: what cannot be done, and why
 *
 * Return: 0 or -errno
 */
int iface_add(struct engine *e, const struct config_iface *c, char *err, size_t errlen)
{
	struct iface *i;
	int r = iface_create(e, c, &i, err, errlen);

	if (r)
		return r;
	iface_set_up(i, true);
	r = add_addresses(i, c, err, errlen);
	if (r == 0)
		r = autoconf_start(i, c);
	return r;
}

/* iface_remove() - Take an interface and all that belongs to it or stands on it
 * away; lo may not go */
void iface_remove(struct iface *i)
{
	struct iface **p = &i->e->ifaces;

	iface_unstack(i);
	while (*p != i)
		p = &(*p)->next;
	*p = i->next;
	dismantle(i);
	rtnl_link_gone(i);
	i->lower = NULL;		/* which may be the next to go */
	loop_defer(i->e->loop, &i->work, free_work);
}

/* iface_free_all() - Take every interface down and close its link; the loop
 * does not run any more */
void iface_free_all(struct engine *e)
{
	while (e->ifaces) {
		struct iface *i = e->ifaces;

		iface_unstack(i);
		e->ifaces = i->next;
		dismantle(i);
		free_work(&i->work);
	}
}

/* ---- changes ---- */

/* iface_set_up() - Bring an interface up or down, its routes with it */
void iface_set_up(struct iface *i, bool up)
{
	if (up == !!netif_is_up(i->netif))
		return;
	if (up) {
		netif_set_up(i->netif);
		iface_addresses_up(i);
		autoconf_changed(i);
	} else {
		autoconf_leave(i);
		iface_addresses_down(i);
		netif_set_down(i->netif);
		rtnl_neigh_forget(i->netif);
	}
	if (i->link && i->link->ops->set_up && i->link->ops->set_up(i->link, up) == -EAGAIN)
		iface_wait_writable(i);
	rtnl_link_changed(i, IFF_UP);
	iface_follow_lower(i, up);
}

/* iface_set_mtu() - Change the largest packet: 0, -EINVAL (68 to 65535), -ERANGE (a
 * vlan's, more than of what it stands on), -EOPNOTSUPP (lo) */
int iface_set_mtu(struct iface *i, unsigned mtu)
{
	if (!i->link)
		return -EOPNOTSUPP;
	if (mtu < IFACE_MTU_MIN || mtu > 65535)
		return -EINVAL;
	if (i->lower && mtu > i->lower->portif.mtu)
		return -ERANGE;
	i->portif.mtu = (uint16_t)mtu;
	portif_attach(&i->own, &i->portif);
	for (struct ifa4 *f = i->addr4; f; f = f->next) {
		if (f->n == i->netif)
			continue;
		f->portif.mtu = (uint16_t)mtu;
		portif_attach(f->n, &f->portif);
	}
	rtnl_link_changed(i, 0);
	iface_follow_mtu(i);
	return 0;
}

/* iface_set_mac() - Change the Ethernet address: 0, -EOPNOTSUPP, -EADDRNOTAVAIL
 * (a group address) */
int iface_set_mac(struct iface *i, const uint8_t mac[6])
{
	if (!i->link || i->link->caps & LINK_CAP_L3)
		return -EOPNOTSUPP;
	if (mac[0] & 1)
		return -EADDRNOTAVAIL;
	memcpy(i->mac, mac, 6);
	memcpy(i->own.hwaddr, mac, 6);
	for (struct ifa4 *f = i->addr4; f; f = f->next)
		memcpy(f->n->hwaddr, mac, 6);
	rtnl_link_changed(i, 0);
	return 0;
}

/* iface_set_name() - Rename an interface, with the labels of its addresses:
 * 0, -EINVAL (no name), -EEXIST */
int iface_set_name(struct iface *i, const char *name)
{
	if (!strcmp(i->name, name))
		return 0;
	if (!iface_name_valid(name))
		return -EINVAL;
	if (iface_by_name(i->e, name))
		return -EEXIST;
	for (struct ifa4 *f = i->addr4; f; f = f->next)
		if (!strcmp(f->a.label, i->name))
			snprintf(f->a.label, sizeof(f->a.label), "%s", name);
	snprintf(i->name, sizeof(i->name), "%s", name);
	rtnl_link_changed(i, 0);
	return 0;
}
