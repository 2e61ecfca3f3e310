/* iface_stack.c - interfaces that stand on others, and what follows from it
 *
 * Theory of operation
 * A vlan stands on its lower interface, a bridge on its ports, and the two ends
 * of a veth within one stack know each other.  Whoever is brought up or down,
 * loses its carrier or goes away calls here, and the others follow, as in
 * Linux: vlans go up and down with what is below, a bridge has a carrier when
 * one of its ports has, an end of a veth when the other one is up; a vlan
 * disappears with its lower interface, and so does the other end of a veth.
 * Nesting is bounded (IFACE_NESTED), which bounds the recursion here and on the
 * path of a frame; a chain cannot close.
 */
#include "engine/iface_priv.h"

#include <errno.h>
#include <stdio.h>
#include <net/if.h>
#include "engine/autoconf.h"
#include "engine/priv.h"
#include "engine/rtnl.h"

/* iface_depth() - How many interfaces are on top of each other below this one */
unsigned iface_depth(const struct iface *i)
{
	unsigned most = 0;

	if (i->lower)
		return iface_depth(i->lower) + 1;
	if (!i->bridge)
		return 0;
	for (const struct iface *p = i->e->ifaces; p; p = p->next) {
		unsigned d = p->master == i ? iface_depth(p) + 1 : 0;

		most = d > most ? d : most;
	}
	return most;
}

/* iface_stands_on() - Does a frame sent by @i pass @on? */
bool iface_stands_on(const struct iface *i, const struct iface *on)
{
	if (i == on)
		return true;
	if (i->lower)
		return iface_stands_on(i->lower, on);
	if (!i->bridge)
		return false;
	for (const struct iface *p = i->e->ifaces; p; p = p->next)
		if (p->master == i && iface_stands_on(p, on))
			return true;
	return false;
}

static bool usable(const struct iface *i)
{
	return netif_is_up(i->netif) && netif_is_link_up(i->netif);
}

static bool has_carrier(const struct iface *i)
{
	if (i->lost || i->link->no_peer)
		return false;
	if (i->lower)
		return usable(i->lower);
	if (!i->bridge)
		return true;
	for (const struct iface *p = i->e->ifaces; p; p = p->next)
		if (p->master == i && usable(p))
			return true;
	return false;
}

static void set_carrier(struct netif *n, bool on)
{
	if (on)
		netif_set_link_up(n);
	else
		netif_set_link_down(n);
}

static void tell_uppers(struct iface *i)
{
	for (struct iface *u = i->nvlan ? i->e->ifaces : NULL; u; u = u->next)
		if (u->lower == i)
			iface_update_carrier(u);
	if (i->master)
		iface_update_carrier(i->master);
}

/* iface_update_carrier() - Look whether there is a carrier, and let those above know */
void iface_update_carrier(struct iface *i)
{
	bool on = has_carrier(i);

	if (on == !!netif_is_link_up(i->netif))
		return;
	set_carrier(i->netif, on);
	for (struct ifa4 *f = i->addr4; f; f = f->next)
		if (f->n != i->netif)
			set_carrier(f->n, on);
	autoconf_changed(i);
	rtnl_link_changed(i, 0);
	tell_uppers(i);
}

/* iface_follow_lower() - This one was brought up or down */
void iface_follow_lower(struct iface *i, bool up)
{
	if (i->peer) {			/* it will hear of it, but others may ask before */
		i->peer->link->no_peer = !up;
		iface_update_carrier(i->peer);
	}
	for (struct iface *u = i->nvlan ? i->e->ifaces : NULL; u; u = u->next)
		if (u->lower == i)
			iface_set_up(u, up);
	tell_uppers(i);
}

/* iface_follow_mtu() - This one's MTU changed: a vlan's is not larger */
void iface_follow_mtu(struct iface *i)
{
	for (struct iface *u = i->nvlan ? i->e->ifaces : NULL; u; u = u->next)
		if (u->lower == i && u->portif.mtu > i->portif.mtu)
			iface_set_mtu(u, i->portif.mtu);
}

/* iface_unstack() - This one goes: so do its vlans and its other end, and a
 * bridge's ports are free */
void iface_unstack(struct iface *i)
{
	struct iface *u, *next, *peer = i->peer;

	while (i->nvlan) {
		for (u = i->e->ifaces; u->lower != i; u = u->next)
			;
		iface_remove(u);
	}
	for (u = i->bridge ? i->e->ifaces : NULL; u; u = next) {
		next = u->next;
		if (u->master == i)
			bridge_del_port(u);
	}
	if (i->master)
		bridge_del_port(i);
	if (i->lower)
		i->lower->nvlan--;
	if (peer) {
		i->peer = peer->peer = NULL;
		iface_remove(peer);
	}
}

/**
 * iface_add_pair() - A veth with both ends in this stack
 * @c:		name, Ethernet address and MTU of each
 * @out:	the ends, down
 * @err:	on failure: what cannot be done, and why
 *
 * Return: 0, -EEXIST, -ENOSPC or -errno
 */
int iface_add_pair(struct engine *e, const struct config_iface c[2], struct iface *out[2],
		   char *err, size_t errlen)
{
	struct link *l[2];
	int r = link_pair(l);

	if (r < 0) {
		snprintf(err, errlen, "interface %s: no descriptors are left for a pair (ulimit -n)",
			 c[0].name);
		return r;
	}
	r = iface_attach(e, l[0], &c[0], &out[0], err, errlen);
	if (r < 0) {
		link_close(l[1]);
		return r;
	}
	r = iface_attach(e, l[1], &c[1], &out[1], err, errlen);
	if (r < 0) {
		iface_remove(out[0]);
		return r;
	}
	out[0]->peer = out[1];
	out[1]->peer = out[0];
	return 0;
}
