/* rtnl_bridge.c - bridges by rtnetlink's family AF_BRIDGE: ports, addresses
 *
 * What bridge(8) asks: `bridge link` dumps the ports, `bridge fdb` the
 * forwarding database.  A port has no settings; its state follows from its
 * interface.  An entry belongs to the bridge's database with NTF_MASTER (of a
 * port) or NTF_SELF (of the bridge itself); interfaces have no list of
 * addresses of their own.
 */
#include "engine/rtnl_priv.h"

#include <errno.h>
#include <string.h>
#include <net/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>

#define PORT_PRIORITY	32		/* 802.1D's middle */
#define PORT_COST	2		/* of 10 Gbit/s, as Linux has it */
#define CLOCK_HZ	100		/* of struct nda_cacheinfo */
#define NS_PER_TICK	(1000000000ull / CLOCK_HZ)

static void put_port(struct nlbuf *b, const struct nlmsghdr *h, const struct iface *i)
{
	struct ifinfomsg *f = nl_begin(b, h, sizeof(*f));
	unsigned flags = iface_flags(i);
	uint16_t priority = PORT_PRIORITY;
	size_t info;

	f->ifi_family = AF_BRIDGE;
	f->ifi_type = 1;		/* ARPHRD_ETHER */
	f->ifi_index = netif_get_index(i->netif);
	f->ifi_flags = flags | ((flags & IFF_RUNNING) ? 0x10000 /* IFF_LOWER_UP */ : 0);
	nl_put_str(b, IFLA_IFNAME, i->name);
	nl_put_u32(b, IFLA_MTU, iface_mtu_of(i));
	nl_put_u8(b, IFLA_OPERSTATE, rtnl_operstate(i, flags));
	nl_put(b, IFLA_ADDRESS, i->mac, sizeof(i->mac));
	if (i->lower || i->peer)
		nl_put_u32(b, IFLA_LINK, netif_get_index((i->lower ? i->lower : i->peer)->netif));
	nl_put_u32(b, IFLA_MASTER, netif_get_index(i->master->netif));
	info = nl_nest(b, IFLA_PROTINFO | NLA_F_NESTED);
	nl_put_u8(b, IFLA_BRPORT_STATE, (flags & IFF_RUNNING) ? BR_STATE_FORWARDING : BR_STATE_DISABLED);
	nl_put(b, IFLA_BRPORT_PRIORITY, &priority, sizeof(priority));
	nl_put_u32(b, IFLA_BRPORT_COST, PORT_COST);
	nl_nest_end(b, info);
	nl_end(b);
}

/* rtnl_dump_port() - RTM_GETLINK of all bridges' ports: 0 */
int rtnl_dump_port(struct rtnl_req *r)
{
	struct nlmsghdr h = rtnl_answer(r, RTM_NEWLINK, NLM_F_MULTI);

	for (struct iface *i = r->e->ifaces; i; i = i->next)
		if (i->master)
			put_port(r->out, &h, i);
	return 0;
}

static void put_entry(struct nlbuf *b, const struct nlmsghdr *h, const struct iface *br,
		      const struct bridge_entry *x)
{
	struct ndmsg *m = nl_begin(b, h, sizeof(*m));
	struct nda_cacheinfo ci = { 0 };

	ci.ndm_used = ci.ndm_updated =
		(uint32_t)((loop_now(br->e->loop) - x->seen) / NS_PER_TICK);
	m->ndm_family = AF_BRIDGE;
	m->ndm_ifindex = netif_get_index(x->port->netif);
	m->ndm_state = x->state;
	nl_put(b, NDA_LLADDR, x->mac, sizeof(x->mac));
	nl_put_u32(b, NDA_MASTER, netif_get_index(br->netif));
	nl_put(b, NDA_CACHEINFO, &ci, sizeof(ci));
	nl_end(b);
}

/* rtnl_fdb_changed() - A bridge learned an address, was told of one, or forgot one */
void rtnl_fdb_changed(struct iface *br, const struct bridge_entry *x, bool added)
{
	struct nlmsghdr h = { .nlmsg_type = added ? RTM_NEWNEIGH : RTM_DELNEIGH };
	struct nlbuf b = { 0 };

	if (!netlink_has_listener(br->e, RTNLGRP_NEIGH))
		return;
	put_entry(&b, &h, br, x);
	if (!b.failed)
		netlink_multicast(br->e, RTNLGRP_NEIGH, &b);
	nlbuf_free(&b);
}

struct fdb_dump {
	struct rtnl_req *r;
	struct nlmsghdr h;
	uint32_t port;			/* only of this one; 0: of all */
};

static void dump_entry(struct iface *br, const struct bridge_entry *x, void *arg)
{
	struct fdb_dump *d = arg;

	if (!d->port || d->port == netif_get_index(x->port->netif))
		put_entry(d->r->out, &d->h, br, x);
}

/* the addresses of the ports themselves, which no frame teaches */
static void dump_own(struct fdb_dump *d, struct iface *i)
{
	struct bridge_entry x = { .port = i, .state = NUD_PERMANENT, .seen = loop_now(d->r->e->loop) };

	memcpy(x.mac, i->mac, sizeof(x.mac));
	dump_entry(i->bridge ? i : i->master, &x, d);
}

/* rtnl_dump_fdb() - RTM_GETNEIGH of the bridges' databases: 0 or -EINVAL */
int rtnl_dump_fdb(struct rtnl_req *r)
{
	struct fdb_dump d = { .r = r, .h = rtnl_answer(r, RTM_NEWNEIGH, NLM_F_MULTI) };
	const struct ndmsg *m = nl_body(r->h, sizeof(*m));
	struct nla tb[NDA_MAX + 1] = { 0 };
	uint32_t master = 0;

	/* older bridge(8) sends a struct ifinfomsg, with the index in the same place
	 * and nothing after it that would be an attribute */
	if (m && nl_parse_msg(tb, NDA_MAX, r->h, sizeof(*m)) == 0)
		master = nla_u32(&tb[NDA_MASTER], 0);
	d.port = m && m->ndm_ifindex > 0 ? (uint32_t)m->ndm_ifindex : 0;
	for (struct iface *i = r->e->ifaces; i; i = i->next) {
		struct iface *br = i->bridge ? i : i->master;

		if (!br || (master && master != netif_get_index(br->netif)))
			continue;
		dump_own(&d, i);
		if (i->bridge)
			bridge_fdb_each(i, dump_entry, &d);
	}
	return 0;
}

/* the port and the address that a request means: 0 or -errno */
static int parse(struct rtnl_req *r, struct iface **port, const uint8_t **mac)
{
	const struct ndmsg *m = nl_body(r->h, sizeof(*m));
	struct nla tb[NDA_MAX + 1];

	if (!m || nl_parse_msg(tb, NDA_MAX, r->h, sizeof(*m)) < 0)
		return -EINVAL;
	if (m->ndm_ifindex <= 0)
		return rtnl_fail(r, -EINVAL, "invalid ifindex");
	*port = iface_by_index(r->e, (unsigned)m->ndm_ifindex);
	if (!*port)
		return rtnl_fail(r, -ENODEV, "unknown ifindex");
	if (!tb[NDA_LLADDR].data || tb[NDA_LLADDR].len != 6)
		return rtnl_fail(r, -EINVAL, "invalid address");
	*mac = tb[NDA_LLADDR].data;
	if (m->ndm_flags & NTF_MASTER && !(*port)->master)
		return rtnl_fail(r, -EOPNOTSUPP, "%s is not a bridge's port", (*port)->name);
	if (!(m->ndm_flags & NTF_MASTER) && !(*port)->bridge)
		return rtnl_fail(r, -EOPNOTSUPP, "an interface has no addresses of its own (say \"master\" for its bridge's)");
	return 0;
}

/* rtnl_newfdb() - RTM_NEWNEIGH: 0, -EEXIST, -ENOENT, -EINVAL, -ENOSPC, -EOPNOTSUPP */
int rtnl_newfdb(struct rtnl_req *r)
{
	const struct ndmsg *m = nl_body(r->h, sizeof(*m));
	struct iface *port = NULL;
	const uint8_t *mac = NULL;
	uint16_t state;
	int err = parse(r, &port, &mac);

	if (err)
		return err;
	state = m->ndm_state & NUD_PERMANENT ? NUD_PERMANENT :
		m->ndm_state & NUD_NOARP ? NUD_NOARP : NUD_REACHABLE;
	return bridge_fdb_add(port, mac, state, r->h->nlmsg_flags);
}

/* rtnl_delfdb() - RTM_DELNEIGH: 0, -ENOENT, -EINVAL, -EOPNOTSUPP */
int rtnl_delfdb(struct rtnl_req *r)
{
	struct iface *port = NULL;
	const uint8_t *mac = NULL;
	int err = parse(r, &port, &mac);

	return err ? err : bridge_fdb_del(port, mac);
}
