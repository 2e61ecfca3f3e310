/* rtnl_link.c - links as rtnetlink shows them: RTM_GETLINK and announcements
 *
 * The counters are the link's own (link_stats), lo's are lwIP's summed up.
 */
#include "engine/rtnl_priv.h"

#include <errno.h>
#include <string.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <linux/if_link.h>

#define IFF_LOWER_UP_	0x10000		/* net/if.h and linux/if.h exclude each other */
#define OPER_UNKNOWN	0		/* RFC 2863, as linux/if.h numbers them */
#define OPER_DOWN	2
#define OPER_LOWERDOWN	3
#define OPER_UP		6

static void fill_stats(struct iface *i, struct rtnl_link_stats64 *s)
{
	const struct link_stats *l = iface_stats(i);

	memset(s, 0, sizeof(*s));
	s->rx_packets = l->rx_frames;
	s->rx_bytes = l->rx_bytes;
	s->rx_dropped = l->rx_dropped;
	s->tx_packets = l->tx_frames;
	s->tx_bytes = l->tx_bytes;
	s->tx_dropped = l->tx_dropped;
}

/* the 32-bit form has the same members in the same order */
static void put_stats(struct nlbuf *b, struct iface *i)
{
	struct rtnl_link_stats64 s;
	uint32_t s32[sizeof(struct rtnl_link_stats) / 4];
	uint64_t v[sizeof(s) / 8];

	fill_stats(i, &s);
	memcpy(v, &s, sizeof(v));
	for (unsigned k = 0; k < sizeof(s32) / sizeof(*s32); k++)
		s32[k] = (uint32_t)v[k];
	nl_put(b, IFLA_STATS64, &s, sizeof(s));
	nl_put(b, IFLA_STATS, s32, sizeof(s32));
}

/* rtnl_operstate() - IFLA_OPERSTATE of an interface with these IFF_* */
uint8_t rtnl_operstate(const struct iface *i, unsigned flags)
{
	if (!i->link || (i->link->caps & LINK_CAP_NOCARRIER && flags & IFF_UP))
		return OPER_UNKNOWN;
	if (flags & IFF_RUNNING)
		return OPER_UP;
	return flags & IFF_UP && (i->lower || i->peer) ? OPER_LOWERDOWN : OPER_DOWN;
}

/**
 * rtnl_put_link() - Append a message about an interface
 * @change:	ifi_change
 */
void rtnl_put_link(struct nlbuf *b, const struct nlmsghdr *h, struct iface *i, uint32_t change)
{
	static const uint8_t all_ones[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, zero[6];
	struct ifinfomsg *f = nl_begin(b, h, sizeof(*f));
	unsigned flags = iface_flags(i);
	bool ether = i->link && !(i->link->caps & LINK_CAP_L3);

	f->ifi_type = !i->link ? ARPHRD_LOOPBACK : ether ? ARPHRD_ETHER : ARPHRD_NONE;
	f->ifi_index = netif_get_index(i->netif);
	f->ifi_flags = flags | ((flags & IFF_RUNNING) ? IFF_LOWER_UP_ : 0);
	f->ifi_change = change;
	nl_put_str(b, IFLA_IFNAME, i->name);
	if (i->lower || i->peer)
		nl_put_u32(b, IFLA_LINK, netif_get_index((i->lower ? i->lower : i->peer)->netif));
	if (i->master)
		nl_put_u32(b, IFLA_MASTER, netif_get_index(i->master->netif));
	nl_put_u32(b, IFLA_TXQLEN, i->txqlen);
	nl_put_u8(b, IFLA_OPERSTATE, rtnl_operstate(i, flags));
	nl_put_u8(b, IFLA_LINKMODE, 0);
	nl_put_u32(b, IFLA_MTU, i->link ? iface_mtu_of(i) : 65536);
	nl_put_u32(b, IFLA_GROUP, 0);
	nl_put_u32(b, IFLA_PROMISCUITY, 0);
	nl_put_u32(b, IFLA_NUM_TX_QUEUES, 1);
	nl_put_u32(b, IFLA_NUM_RX_QUEUES, 1);
	nl_put_u8(b, IFLA_CARRIER, !i->link || netif_is_link_up(i->netif));
	nl_put_str(b, IFLA_QDISC, (flags & IFF_UP) ? "noqueue" : "noop");
	if (ether || !i->link) {
		nl_put(b, IFLA_ADDRESS, i->mac, sizeof(i->mac));
		nl_put(b, IFLA_BROADCAST, ether ? all_ones : zero, sizeof(all_ones));
	}
	put_stats(b, i);
	rtnl_put_kind(b, i);
	rtnl_put_af_spec(b, i);
	nl_end(b);
}

/* rtnl_send_link() - Announce an interface to RTNLGRP_LINK */
void rtnl_send_link(struct iface *i, int type, uint32_t change)
{
	struct nlmsghdr h = { .nlmsg_type = (uint16_t)type };
	struct nlbuf b = { 0 };

	if (!netlink_has_listener(i->e, RTNLGRP_LINK))
		return;
	rtnl_put_link(&b, &h, i, type == RTM_DELLINK ? ~0u : change);
	if (!b.failed)
		netlink_multicast(i->e, RTNLGRP_LINK, &b);
	nlbuf_free(&b);
}

/**
 * rtnl_find_link() - The interface that a request means: by index, else by name
 *
 * Return: interface, or NULL
 */
struct iface *rtnl_find_link(struct rtnl_req *r, int index, const struct nla tb[])
{
	char name[IFNAMSIZ];

	if (index > 0)
		return iface_by_index(r->e, (unsigned)index);
	if (nla_str(&tb[IFLA_IFNAME], name, sizeof(name)))
		return iface_by_name(r->e, name);
	/* there are no alternative names, but they are asked for by it */
	if (nla_str(&tb[IFLA_ALT_IFNAME], name, sizeof(name)))
		return iface_by_name(r->e, name);
	return NULL;
}

/* rtnl_getlink() - RTM_GETLINK of one interface: 0, -EINVAL, -ENODEV */
int rtnl_getlink(struct rtnl_req *r)
{
	const struct ifinfomsg *f = nl_body(r->h, sizeof(*f));
	struct nla tb[IFLA_MAX + 1];
	struct nlmsghdr h = rtnl_answer(r, RTM_NEWLINK, 0);
	struct iface *i;

	if (!f || nl_parse_msg(tb, IFLA_MAX, r->h, sizeof(*f)) < 0)
		return -EINVAL;
	if (f->ifi_index <= 0 && !tb[IFLA_IFNAME].data && !tb[IFLA_ALT_IFNAME].data)
		return -EINVAL;
	i = rtnl_find_link(r, f->ifi_index, tb);
	if (!i)
		return -ENODEV;
	rtnl_put_link(r->out, &h, i, 0);
	return 0;
}

static bool wanted(struct rtnl_req *r, const struct iface *i, const struct nla tb[])
{
	struct nla info[IFLA_INFO_MAX + 1];
	char kind[16];
	const char *has = rtnl_kind_of(i);

	if (tb[IFLA_MASTER].data) {
		r->filtered = true;
		if (!i->master ||
		    netif_get_index(i->master->netif) != nla_u32(&tb[IFLA_MASTER], 0))
			return false;
	}
	if (!tb[IFLA_LINKINFO].data ||
	    nl_parse(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO].data, tb[IFLA_LINKINFO].len) < 0 ||
	    !nla_str(&info[IFLA_INFO_KIND], kind, sizeof(kind)))
		return true;
	r->filtered = true;
	return has && !strcmp(kind, has);
}

/* rtnl_dump_link() - RTM_GETLINK of all: 0 or -EINVAL */
int rtnl_dump_link(struct rtnl_req *r)
{
	struct nlmsghdr h = rtnl_answer(r, RTM_NEWLINK, NLM_F_MULTI);
	struct nla tb[IFLA_MAX + 1] = { 0 };

	if (r->h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifinfomsg)) &&
	    nl_parse_msg(tb, IFLA_MAX, r->h, sizeof(struct ifinfomsg)) < 0)
		return -EINVAL;
	for (struct iface *i = r->e->ifaces; i; i = i->next)
		if (wanted(r, i, tb))
			rtnl_put_link(r->out, &h, i, 0);
	return 0;
}
