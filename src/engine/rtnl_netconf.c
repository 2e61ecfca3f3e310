/* rtnl_netconf.c - an interface's settings: RTM_GETNETCONF, and whether it forwards
 *
 * Theory of operation
 * What Linux keeps below /proc/sys/net/ipv4/conf and ipv6/conf, of which a stack
 * has `forwarding`: of each interface, of those to come ("default"), and of all
 * ("all": setting it sets every one).  Linux has two ways to it: the files, and
 * for IPv4 IFLA_AF_SPEC of a link; RTM_NEWNETCONF, which it only announces by, is
 * a request here, for `ustack sysctl`.  Changes are announced to
 * RTNLGRP_IPV4_NETCONF and RTNLGRP_IPV6_NETCONF.
 */
#include "engine/rtnl_priv.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/netconf.h>

#define ALL	((uint32_t)NETCONFA_IFINDEX_ALL)
#define DEFAULT	((uint32_t)NETCONFA_IFINDEX_DEFAULT)

static const int families[] = { AF_INET, AF_INET6 };

static uint8_t bit_of(int family)
{
	return family == AF_INET6 ? PORT_FORWARD6 : PORT_FORWARD4;
}

/* where the setting of an index is kept; NULL: no such interface */
static uint8_t *forward_of(struct engine *e, uint32_t index)
{
	struct iface *i;

	if (index == ALL)
		return &e->forward_all;
	if (index == DEFAULT)
		return &e->forward;
	i = iface_by_index(e, index);
	return i ? &i->portif.forward : NULL;
}

static void put_netconf(struct nlbuf *b, const struct nlmsghdr *h, struct engine *e, int family,
			uint32_t index)
{
	struct netconfmsg *n = nl_begin(b, h, sizeof(*n));

	n->ncm_family = (uint8_t)family;
	nl_put_u32(b, NETCONFA_IFINDEX, index);
	nl_put_u32(b, NETCONFA_FORWARDING, !!(*forward_of(e, index) & bit_of(family)));
	if (family == AF_INET)
		nl_put_u32(b, NETCONFA_RP_FILTER, 0);
	nl_put_u32(b, NETCONFA_MC_FORWARDING, 0);
	nl_put_u32(b, NETCONFA_PROXY_NEIGH, 0);
	nl_put_u32(b, NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN, 0);
	nl_end(b);
}

/* rtnl_dump_netconf() - RTM_GETNETCONF of all: 0 */
int rtnl_dump_netconf(struct rtnl_req *r)
{
	struct nlmsghdr h = rtnl_answer(r, RTM_NEWNETCONF, NLM_F_MULTI);
	const struct rtgenmsg *g = nl_body(r->h, sizeof(*g));

	for (unsigned k = 0; k < 2; k++) {
		if (g->rtgen_family != AF_UNSPEC && g->rtgen_family != families[k])
			continue;
		for (struct iface *i = r->e->ifaces; i; i = i->next)
			put_netconf(r->out, &h, r->e, families[k], netif_get_index(i->netif));
		put_netconf(r->out, &h, r->e, families[k], ALL);
		put_netconf(r->out, &h, r->e, families[k], DEFAULT);
	}
	return 0;
}

static int parse(struct rtnl_req *r, struct nla tb[], int *family, uint32_t *index)
{
	const struct netconfmsg *n = nl_body(r->h, sizeof(*n));

	if (!n || nl_parse_msg(tb, NETCONFA_MAX, r->h, sizeof(*n)) < 0 ||
	    !tb[NETCONFA_IFINDEX].data)
		return -EINVAL;
	*family = n->ncm_family;
	if (*family != AF_INET && *family != AF_INET6)
		return -EAFNOSUPPORT;
	*index = nla_u32(&tb[NETCONFA_IFINDEX], 0);
	return forward_of(r->e, *index) ? 0 : -ENODEV;
}

/* rtnl_getnetconf() - RTM_GETNETCONF of one: 0, -EINVAL, -ENODEV, -EAFNOSUPPORT */
int rtnl_getnetconf(struct rtnl_req *r)
{
	struct nlmsghdr h = rtnl_answer(r, RTM_NEWNETCONF, 0);
	struct nla tb[NETCONFA_MAX + 1];
	uint32_t index;
	int family, err = parse(r, tb, &family, &index);

	if (!err)
		put_netconf(r->out, &h, r->e, family, index);
	return err;
}

static void set(struct engine *e, int family, uint32_t index, bool on)
{
	unsigned group = family == AF_INET6 ? RTNLGRP_IPV6_NETCONF : RTNLGRP_IPV4_NETCONF;
	struct nlmsghdr h = { .nlmsg_type = RTM_NEWNETCONF };
	uint8_t *f = forward_of(e, index);
	struct nlbuf b = { 0 };

	if (!!(*f & bit_of(family)) == on)
		return;
	*f ^= bit_of(family);
	if (!netlink_has_listener(e, group))
		return;
	put_netconf(&b, &h, e, family, index);
	if (!b.failed)
		netlink_multicast(e, group, &b);
	nlbuf_free(&b);
}

static void set_forwarding(struct engine *e, int family, uint32_t index, bool on)
{
	set(e, family, index, on);
	if (index != ALL)
		return;
	set(e, family, DEFAULT, on);
	for (struct iface *i = e->ifaces; i; i = i->next)
		set(e, family, netif_get_index(i->netif), on);
}

/* rtnl_newnetconf() - RTM_NEWNETCONF: change what is given; as rtnl_getnetconf(),
 * -EOPNOTSUPP (a setting that a stack does not have) */
int rtnl_newnetconf(struct rtnl_req *r)
{
	struct nla tb[NETCONFA_MAX + 1];
	uint32_t index;
	int family, err = parse(r, tb, &family, &index);

	if (err)
		return err;
	for (int k = NETCONFA_FORWARDING + 1; k <= NETCONFA_MAX; k++)
		if (tb[k].data)
			return rtnl_fail(r, -EOPNOTSUPP, "a stack has no other setting than forwarding");
	if (tb[NETCONFA_FORWARDING].data)
		set_forwarding(r->e, family, index, nla_u32(&tb[NETCONFA_FORWARDING], 0));
	return 0;
}

static int set_inet(struct rtnl_req *r, struct iface *i, const struct nla *af)
{
	struct nla inet[IFLA_INET_MAX + 1], conf[IPV4_DEVCONF_MAX];

	if (nl_parse(inet, IFLA_INET_MAX, af->data, af->len) < 0)
		return -EINVAL;
	if (!inet[IFLA_INET_CONF].data)
		return 0;
	if (nl_parse(conf, IPV4_DEVCONF_MAX - 1, inet[IFLA_INET_CONF].data,
		     inet[IFLA_INET_CONF].len) < 0)
		return -EINVAL;
	if (conf[IPV4_DEVCONF_FORWARDING].len == sizeof(uint32_t))
		set_forwarding(r->e, AF_INET, netif_get_index(i->netif),
			       nla_u32(&conf[IPV4_DEVCONF_FORWARDING], 0));
	return 0;
}

/* as in Linux, addresses that are there stay; the secret of a stable one is always there */
static int set_inet6(struct iface *i, const struct nla *af)
{
	struct nla inet6[IFLA_INET6_MAX + 1];
	uint8_t mode;

	if (nl_parse(inet6, IFLA_INET6_MAX, af->data, af->len) < 0)
		return -EINVAL;
	mode = nla_u8(&inet6[IFLA_INET6_ADDR_GEN_MODE], i->addrgen);
	if (mode > IN6_ADDR_GEN_MODE_RANDOM)
		return -EINVAL;
	i->addrgen = mode;
	return 0;
}

/**
 * rtnl_set_af_spec() - A link's IFLA_AF_SPEC: the settings of IPv4 and IPv6, of which there
 * is one each
 * @spec:	AF_INET: IFLA_INET_CONF: IPV4_DEVCONF_*; AF_INET6: IFLA_INET6_ADDR_GEN_MODE
 *
 * Return: 0 or -EINVAL; what a stack does not have is ignored, as Linux ignores
 * what it does not know
 */
int rtnl_set_af_spec(struct rtnl_req *r, struct iface *i, const struct nla *spec)
{
	struct nla af[AF_INET6 + 1];
	int err = 0;

	if (nl_parse(af, AF_INET6, spec->data, spec->len) < 0)
		return -EINVAL;
	if (af[AF_INET].data)
		err = set_inet(r, i, &af[AF_INET]);
	if (!err && af[AF_INET6].data)
		err = set_inet6(i, &af[AF_INET6]);
	return err;
}

/* rtnl_put_af_spec() - Append what rtnl_set_af_spec() sets, as far as a link shows it */
void rtnl_put_af_spec(struct nlbuf *b, const struct iface *i)
{
	size_t spec = nl_nest(b, IFLA_AF_SPEC), inet6 = nl_nest(b, AF_INET6);

	nl_put_u8(b, IFLA_INET6_ADDR_GEN_MODE, i->addrgen);
	nl_nest_end(b, inet6);
	nl_nest_end(b, spec);
}
