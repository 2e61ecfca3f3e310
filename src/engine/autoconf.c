/* autoconf.c - addresses that the network gives: the clients of an interface
 *
 * Theory of operation
 * An interface whose configuration says so has a struct autoconf, which owns
 * its clients: they run while it is up and has a carrier.  Going down by
 * request releases leases; a carrier that is lost only stops the clients, which
 * ask again when it is back.  What more than one client may tell is put
 * together here: the MTU is the smallest that is told, at most the interface's own.
 */
#include "engine/autoconf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "engine/iface_priv.h"
#include "engine/priv.h"

#define ENOUGH_NS	2000000000ull	/* after that, one family is enough */
#define MTU4_MIN	576	/* what every host takes: RFC 791; less would be an attack */

static void on_redo(struct loop_timer *t)
{
	struct autoconf *a = container_of(t, struct autoconf, redo);

	slaac_duplicates(a);
	if (a->dhcp6)
		dhcp6_duplicates(a->dhcp6);
}

/* autoconf_duplicate() - An address of the interface is somebody else's: lwIP, which
 * is at work on it, says so; something can be done in a moment */
void autoconf_duplicate(struct iface *i)
{
	if (i->autoconf)
		loop_timer_in(i->e->loop, &i->autoconf->redo, 0);
}

/* autoconf_told() - A router says what DHCPv6 servers know: addresses, other things */
void autoconf_told(struct autoconf *a, bool managed, bool other)
{
	if (a->dhcp6)
		dhcp6_want(a->dhcp6, managed, other);
}

static bool start_clients(struct autoconf *a)
{
	if (a->flags & CONFIG_IF_DHCP)
		a->dhcp4 = dhcp4_new(a);
	if (a->flags & CONFIG_IF_DHCP6)
		a->dhcp6 = dhcp6_new(a);
	if (a->flags & (CONFIG_IF_RD | CONFIG_IF_SLAAC))
		a->ra = ra_new(a);
	return !!a->dhcp4 == !!(a->flags & CONFIG_IF_DHCP) &&
		!!a->dhcp6 == !!(a->flags & CONFIG_IF_DHCP6) &&
		!!a->ra == !!(a->flags & (CONFIG_IF_RD | CONFIG_IF_SLAAC));
}

/**
 * autoconf_start() - Let the network configure an interface, as its configuration says
 *
 * Return: 0 or -ENOMEM
 */
int autoconf_start(struct iface *i, const struct config_iface *c)
{
	struct autoconf *a;

	if (!c->flags)
		return 0;
	if (i->link->caps & LINK_CAP_L3) {
		log_warn("interface %s: no address is asked for: DHCP and router advertisements need Ethernet, which a TUN device has not (give it ip=)",
			 i->name);
		return 0;
	}
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->i = i;
	a->flags = c->flags;
	a->metric = c->metric;
	a->mtu = iface_mtu_of(i);
	a->redo.cb = on_redo;
	a->started = loop_now(i->e->loop);
	i->autoconf = a;
	if (!start_clients(a)) {
		autoconf_stop(i);
		return -ENOMEM;
	}
	autoconf_changed(i);
	return 0;
}

static void go_up(struct autoconf *a)
{
	a->up = true;
	if (a->dhcp4)
		dhcp4_up(a->dhcp4);
	if (a->dhcp6)
		dhcp6_up(a->dhcp6);
	if (a->dhcp6 && !a->ra)		/* no router tells whether */
		dhcp6_want(a->dhcp6, true, true);
	if (a->ra)
		ra_up(a->ra);
}

static void go_down(struct autoconf *a, bool release)
{
	a->up = false;
	if (a->dhcp4)
		dhcp4_down(a->dhcp4, release);
	if (a->dhcp6)
		dhcp6_down(a->dhcp6, release);
	if (a->ra && release) {
		ra_down(a->ra);
		slaac_down(a);
	} else if (a->ra) {
		ra_pause(a->ra);
	}
}

/* autoconf_changed() - The interface came up, or got or lost its carrier */
void autoconf_changed(struct iface *i)
{
	struct autoconf *a = i->autoconf;
	bool up = netif_is_up(i->netif) && netif_is_link_up(i->netif);

	if (!a || up == a->up)
		return;
	if (up)
		go_up(a);
	else
		go_down(a, false);
}

/* autoconf_leave() - The interface is about to go down; it can still send */
void autoconf_leave(struct iface *i)
{
	if (i->autoconf && i->autoconf->up)
		go_down(i->autoconf, true);
}

/* autoconf_stop() - Release what there is and end the clients; idempotent */
void autoconf_stop(struct iface *i)
{
	struct autoconf *a = i->autoconf;

	if (!a)
		return;
	autoconf_leave(i);
	dhcp4_free(a->dhcp4);
	dhcp6_free(a->dhcp6);
	ra_free(a->ra);
	loop_timer_del(&a->redo);
	i->autoconf = NULL;
	free(a);
}

/**
 * autoconf_set_mtu() - The network tells an MTU
 * @told:	where it is kept: by whom
 * @mtu:	0: none any more
 *
 * What was told before changes nothing: the interface's may have been set by hand since.
 */
void autoconf_set_mtu(struct autoconf *a, unsigned *told, unsigned mtu)
{
	if (*told == mtu)
		return;
	*told = mtu;
	mtu = a->mtu;
	if (a->mtu4 >= MTU4_MIN && a->mtu4 < mtu)
		mtu = a->mtu4;
	if (a->mtu6 && a->mtu6 < mtu)
		mtu = a->mtu6;
	if (mtu != iface_mtu_of(a->i))
		iface_set_mtu(a->i, mtu);
}

/**
 * autoconf_open() - The port that all clients of a protocol share
 * @pcb:	NULL: made now
 * @any:	of the protocol's family
 *
 * Return: 0 or -ENOMEM
 */
int autoconf_open(struct udp_pcb **pcb, const ip_addr_t *any, uint16_t port, udp_recv_fn recv)
{
	if (*pcb)
		return 0;
	*pcb = udp_new_ip_type(IP_GET_TYPE(any));
	if (!*pcb)
		return -ENOMEM;
	ip_set_option(*pcb, SOF_BROADCAST);
	udp_bind(*pcb, any, port);
	udp_recv(*pcb, recv, NULL);
	return 0;
}

/* autoconf_send() - A datagram to a server; one that is lost is sent again, or not missed */
void autoconf_send(struct udp_pcb *pcb, const void *data, size_t len, const ip_addr_t *to,
		   uint16_t port, struct netif *n, const ip_addr_t *from)
{
	struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);

	if (!p)
		return;
	memcpy(p->payload, data, len);
	udp_sendto_if_src(pcb, p, to, port, n, from);
	pbuf_free(p);
}

/* autoconf_exit() - The engine ends, and its interfaces have */
void autoconf_exit(struct engine *e)
{
	if (e->dhcp4_pcb)
		udp_remove(e->dhcp4_pcb);
	if (e->dhcp6_pcb)
		udp_remove(e->dhcp6_pcb);
	e->dhcp4_pcb = e->dhcp6_pcb = NULL;
}

/* ---- readiness ---- */

static bool has_address6(const struct iface *i)
{
	for (int k = 1; k < LWIP_IPV6_NUM_ADDRESSES; k++)
		if (i->addr6[k].told && ip6_addr_isvalid(netif_ip6_addr_state(i->netif, k)))
			return true;
	return false;
}

static bool settled(const struct autoconf *a)
{
	bool wants4 = a->dhcp4, wants6 = a->ra || a->dhcp6;
	bool has4 = wants4 && dhcp4_bound(a->dhcp4);
	bool has6 = wants6 && (has_address6(a->i) || (!a->ra && dhcp6_informed(a->dhcp6)));

	if (!a->up || (has4 == wants4 && has6 == wants6))
		return true;
	return (has4 || has6) && loop_now(a->i->e->loop) - a->started >= ENOUGH_NS;
}

/* engine_settled() - Whoever starts a program with the stack wants it configured: every
 * interface has what it asks the network for; or one family after a while, for
 * networks have only one more often than not */
bool engine_settled(const struct engine *e)
{
	for (const struct iface *i = e->ifaces; i; i = i->next)
		if (i->autoconf && !settled(i->autoconf))
			return false;
	return true;
}
