/* rtnl_kind.c - the kinds of links that a stack makes itself: veth, vlan, bridge
 *
 * What IFLA_LINKINFO says of them, in both directions; what a kind opens
 * outside is rtnl_newlink.c's.
 */
#include "engine/rtnl_priv.h"

#include <errno.h>
#include <string.h>
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_vlan.h>
#include <linux/veth.h>
#include "proto/config.h"

#define VDE_VNL		1		/* IFLA_VDE_VNL of iplink-vde */
#define VID_MAX		4094
#define USER_HZ		100		/* as the kernel counts bridges' times for its users */

/* rtnl_kind_of() - IFLA_INFO_KIND, or NULL */
const char *rtnl_kind_of(const struct iface *i)
{
	static const struct {
		const char *prefix, *kind;
	} kinds[] = {
		{ "tap:", "tun" }, { "tun:", "tun" }, { "dummy:", "dummy" }, { "fd:", NULL },
		{ "veth:", "veth" }, { "vlan:", "vlan" }, { "bridge:", "bridge" },
	};

	if (!i->link)
		return NULL;
	for (unsigned k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
		if (!strncmp(i->link->spec, kinds[k].prefix, strlen(kinds[k].prefix)))
			return kinds[k].kind;
	return "vde";
}

static void put_vlan(struct nlbuf *b, const struct iface *i)
{
	struct ifla_vlan_flags flags = { .flags = VLAN_FLAG_REORDER_HDR };
	uint16_t tpid = htons(i->tpid);

	nl_put(b, IFLA_VLAN_PROTOCOL, &tpid, sizeof(tpid));
	nl_put(b, IFLA_VLAN_ID, &i->vid, sizeof(i->vid));
	nl_put(b, IFLA_VLAN_FLAGS, &flags, sizeof(flags));
}

static void put_bridge(struct nlbuf *b, const struct iface *i)
{
	nl_put_u32(b, IFLA_BR_AGEING_TIME, bridge_ageing(i) * USER_HZ);
	nl_put_u32(b, IFLA_BR_STP_STATE, 0);
	nl_put_u8(b, IFLA_BR_VLAN_FILTERING, 0);
}

/* rtnl_put_kind() - Append IFLA_LINKINFO, if there is something to say */
void rtnl_put_kind(struct nlbuf *b, const struct iface *i)
{
	const char *kind = rtnl_kind_of(i);
	size_t info, data;

	if (!kind && !i->master)
		return;
	info = nl_nest(b, IFLA_LINKINFO);
	if (kind)
		nl_put_str(b, IFLA_INFO_KIND, kind);
	if (kind && (i->lower || i->bridge || !strcmp(kind, "vde"))) {
		data = nl_nest(b, IFLA_INFO_DATA);
		if (i->lower)
			put_vlan(b, i);
		else if (i->bridge)
			put_bridge(b, i);
		else
			nl_put_str(b, VDE_VNL, i->link->spec);
		nl_nest_end(b, data);
	}
	if (i->master)
		nl_put_str(b, IFLA_INFO_SLAVE_KIND, "bridge");
	nl_nest_end(b, info);
}

static int parse_data(const struct nla info[], struct nla *data, unsigned max)
{
	memset(data, 0, (max + 1) * sizeof(*data));
	if (!info[IFLA_INFO_DATA].data)
		return 0;
	return nl_parse(data, max, info[IFLA_INFO_DATA].data, info[IFLA_INFO_DATA].len);
}

static int create_vlan(struct rtnl_req *r, const struct nla tb[], const struct nla info[],
		       const struct config_iface *c, struct iface **out)
{
	struct nla data[IFLA_VLAN_MAX + 1];
	struct iface *lower;
	uint16_t vid, tpid = htons(ETH_P_8021Q);
	char err[200] = "";
	int ret;

	if (parse_data(info, data, IFLA_VLAN_MAX) < 0)
		return -EINVAL;
	if (data[IFLA_VLAN_ID].len != sizeof(vid))
		return rtnl_fail(r, -EINVAL, "VLAN id not specified");
	memcpy(&vid, data[IFLA_VLAN_ID].data, sizeof(vid));
	if (data[IFLA_VLAN_PROTOCOL].len == sizeof(tpid))
		memcpy(&tpid, data[IFLA_VLAN_PROTOCOL].data, sizeof(tpid));
	if (tpid != htons(ETH_P_8021Q) && tpid != htons(ETH_P_8021AD))
		return rtnl_fail(r, -EPROTONOSUPPORT, "Invalid VLAN protocol");
	if (vid > VID_MAX)
		return rtnl_fail(r, -ERANGE, "Invalid VLAN id");
	if (!tb[IFLA_LINK].data)
		return rtnl_fail(r, -EINVAL, "link not specified");
	lower = iface_by_index(r->e, nla_u32(&tb[IFLA_LINK], 0));
	if (!lower)
		return rtnl_fail(r, -ENODEV, "link does not exist");
	if (!lower->link || lower->link->caps & LINK_CAP_L3)
		return rtnl_fail(r, -EOPNOTSUPP, "VLANs not supported on device");
	ret = vlan_add(r->e, c, lower, vid, ntohs(tpid), out, err, sizeof(err));
	return ret && err[0] ? rtnl_fail(r, ret, "%s", err) : ret;
}

/* the far end has an ifinfomsg and attributes of its own */
static int read_peer(struct rtnl_req *r, const struct nla *peer, struct config_iface *c)
{
	struct nla tb[IFLA_MAX + 1];

	memset(c, 0, sizeof(*c));
	if (!peer->data)
		return 0;
	if (peer->len < sizeof(struct ifinfomsg) ||
	    nl_parse(tb, IFLA_MAX, (const uint8_t *)peer->data + sizeof(struct ifinfomsg),
		     peer->len - sizeof(struct ifinfomsg)) < 0)
		return -EINVAL;
	return rtnl_read_common(r, tb, c);
}

static int create_veth(struct rtnl_req *r, const struct nla info[],
		       const struct config_iface *c, struct iface **out)
{
	struct nla data[VETH_INFO_MAX + 1];
	struct config_iface ends[2] = { *c };
	struct iface *made[2];
	char err[300] = "";
	int ret;

	if (parse_data(info, data, VETH_INFO_MAX) < 0)
		return -EINVAL;
	ret = read_peer(r, &data[VETH_INFO_PEER], &ends[1]);
	if (ret)
		return ret;
	if (ends[1].name[0] && (!strcmp(ends[0].name, ends[1].name) ||
				iface_by_name(r->e, ends[1].name)))
		return -EEXIST;
	ret = iface_add_pair(r->e, ends, made, err, sizeof(err));
	if (ret)
		return rtnl_fail(r, ret, "%.250s", err);
	rtnl_link_changed(made[1], ~0u);
	*out = made[0];
	return 0;
}

static int create_bridge(struct rtnl_req *r, const struct config_iface *c, struct iface **out)
{
	char err[300] = "";
	int ret = bridge_add(r->e, c, out, err, sizeof(err));

	return ret && err[0] ? rtnl_fail(r, ret, "%.250s", err) : ret;
}

/**
 * rtnl_create_kind() - Make a veth, a vlan or a bridge
 * @kind:	IFLA_INFO_KIND
 * @tb, @info:	the request's attributes, and those of its IFLA_LINKINFO
 * @c:		what rtnl_read_common() read
 * @out:	the interface, down, to be announced
 *
 * Return: 0, -ENOENT (another kind), or -errno with the reason
 */
int rtnl_create_kind(struct rtnl_req *r, const char *kind, const struct nla tb[],
		     const struct nla info[], const struct config_iface *c, struct iface **out)
{
	int ret;

	if (!strcmp(kind, "vlan"))
		return create_vlan(r, tb, info, c, out);
	if (!strcmp(kind, "veth"))
		return create_veth(r, info, c, out);
	if (strcmp(kind, "bridge"))
		return -ENOENT;
	ret = create_bridge(r, c, out);
	return ret ? ret : rtnl_change_kind(r, *out, &tb[IFLA_LINKINFO]);
}

static int change_bridge(struct rtnl_req *r, struct iface *i, const struct nla info[])
{
	struct nla data[IFLA_BR_MAX + 1];

	if (parse_data(info, data, IFLA_BR_MAX) < 0)
		return -EINVAL;
	if (nla_u32(&data[IFLA_BR_STP_STATE], 0))
		return rtnl_fail(r, -EOPNOTSUPP, "a stack's bridge has no spanning tree");
	if (nla_u8(&data[IFLA_BR_VLAN_FILTERING], 0))
		return rtnl_fail(r, -EOPNOTSUPP, "a stack's bridge does not filter vlans (use a vlan interface)");
	if (data[IFLA_BR_AGEING_TIME].data)
		bridge_set_ageing(i, nla_u32(&data[IFLA_BR_AGEING_TIME], 0) / USER_HZ);
	if (data[IFLA_BR_FDB_FLUSH].data)
		bridge_fdb_flush(i);
	return 0;
}

/* rtnl_change_kind() - Change what belongs to a link's kind: 0, or -errno with the reason */
int rtnl_change_kind(struct rtnl_req *r, struct iface *i, const struct nla *linkinfo)
{
	struct nla info[IFLA_INFO_MAX + 1];
	const char *has = rtnl_kind_of(i);
	char kind[32];

	if (nl_parse(info, IFLA_INFO_MAX, linkinfo->data, linkinfo->len) < 0)
		return -EINVAL;
	if (!nla_str(&info[IFLA_INFO_KIND], kind, sizeof(kind)))
		return 0;
	if (!has || strcmp(kind, has))
		return -EOPNOTSUPP;
	if (i->bridge)
		return change_bridge(r, i, info);
	return info[IFLA_INFO_DATA].data ?
		rtnl_fail(r, -EOPNOTSUPP, "a %s cannot be changed; remove it and add another", has) : 0;
}
