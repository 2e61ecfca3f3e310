/* rtnl_newlink.c - links by rtnetlink: RTM_NEWLINK, RTM_SETLINK, RTM_DELLINK
 *
 * Theory of operation
 * A new link's kind and data name what link_open() opens: "vde" with the VNL as
 * first attribute of IFLA_INFO_DATA (IFLA_VDE_VNL), as that attribute's bare text
 * (VirtualSquare's nlinline and iplink), or as IFLA_INFO_SLAVE_KIND, or libvdeplug's default network; "tap" and "tun" the
 * kernel's device of the same name; "dummy" nothing.  "veth", "vlan" and "bridge"
 * are rtnl_kind.c's.  It is down until it is brought up.  Whoever may use the stack may do all this.
 */
#include "engine/rtnl_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>
#include <linux/if_link.h>

#define VNL_MAX		256
#define VDE_VNL		1

static void read_vnl(const struct nla info[], char vnl[VNL_MAX])
{
	const struct nla *d = &info[IFLA_INFO_DATA];
	struct nla data[VDE_VNL + 1];

	snprintf(vnl, VNL_MAX, "vde://");
	if (d->data && nl_parse(data, VDE_VNL, d->data, d->len) == 0) {
		if (nla_str(&data[VDE_VNL], vnl, VNL_MAX))
			return;
	} else if (nla_str(d, vnl, VNL_MAX)) {	/* its letters make no attribute's length */
		return;
	}
	nla_str(&info[IFLA_INFO_SLAVE_KIND], vnl, VNL_MAX);
}

/* what to open: 0, or -EOPNOTSUPP with the reason */
static int read_spec(struct rtnl_req *r, const char *kind, const struct nla info[],
		     const char *name, char spec[VNL_MAX])
{
	if (!strcmp(kind, "vde"))
		read_vnl(info, spec);
	else if (!strcmp(kind, "tap") || !strcmp(kind, "tun"))
		snprintf(spec, VNL_MAX, "%s:%s", kind, name);
	else if (!strcmp(kind, "dummy"))
		snprintf(spec, VNL_MAX, "dummy:");
	else
		return rtnl_fail(r, -EOPNOTSUPP, "Unknown device type");
	return 0;
}

static int check_name(struct rtnl_req *r, const struct nla *a, char name[IFNAMSIZ])
{
	name[0] = '\0';
	if (!a->data)
		return 0;
	if (!nla_str(a, name, IFNAMSIZ))
		return rtnl_fail(r, a->len > IFNAMSIZ ? -ERANGE : -EINVAL, "interface name: 1 to %d characters",
				 IFNAMSIZ - 1);
	return iface_name_valid(name) ? 0 : -EINVAL;
}

static int set_mtu(struct rtnl_req *r, struct iface *i, uint32_t mtu)
{
	int err = iface_set_mtu(i, mtu);

	if (err == -EINVAL)
		return rtnl_fail(r, err, mtu < IFACE_MTU_MIN ? "mtu less than device minimum" :
				 "mtu greater than device maximum");
	if (err == -ERANGE)
		return rtnl_fail(r, err, "a vlan's mtu is not larger than that of %s", i->lower->name);
	return err;
}

static int set_mac(struct iface *i, const struct nla *a)
{
	return a->len == 6 ? iface_set_mac(i, a->data) : -EINVAL;
}

/* what a stack's interfaces cannot have */
static int refuse(struct rtnl_req *r, const struct nla tb[])
{
	if (tb[IFLA_NET_NS_PID].data || tb[IFLA_NET_NS_FD].data)
		return rtnl_fail(r, -EOPNOTSUPP, "an interface of a stack cannot move to a network namespace");
	return 0;
}

static int set_master(struct rtnl_req *r, struct iface *i, uint32_t index)
{
	struct iface *br = index ? iface_by_index(r->e, index) : NULL;
	int err;

	if (index && !br)
		return -EINVAL;
	if (br && !br->bridge)
		return rtnl_fail(r, -EOPNOTSUPP, "%s is not a bridge", br->name);
	if (i->master && i->master != br)
		bridge_del_port(i);
	err = br ? bridge_add_port(br, i) : 0;
	if (err == -ELOOP)
		return rtnl_fail(r, err, i->bridge ? "Can not enslave a bridge to a bridge" :
				 "%s stands on that bridge itself", i->name);
	if (err == -EINVAL)
		return rtnl_fail(r, err, "%s is no Ethernet interface", i->name);
	return err;
}

static int set_flags(struct iface *i, const struct ifinfomsg *f)
{
	bool up = f->ifi_flags & IFF_UP;

	/* no mask means all of them: rtnl_dev_get_flags() */
	if (!(f->ifi_change & IFF_UP || (!f->ifi_change && f->ifi_flags)))
		return 0;
	if (up && i->lower && !netif_is_up(i->lower->netif))
		return -ENETDOWN;
	iface_set_up(i, up);
	return 0;
}

static int change(struct rtnl_req *r, struct iface *i, const struct ifinfomsg *f,
		  const struct nla tb[], bool rename)
{
	char name[IFNAMSIZ];
	int err = refuse(r, tb);

	if (!err && tb[IFLA_ADDRESS].data)
		err = set_mac(i, &tb[IFLA_ADDRESS]);
	if (!err && tb[IFLA_MTU].data)
		err = set_mtu(r, i, nla_u32(&tb[IFLA_MTU], 0));
	if (!err && rename && tb[IFLA_IFNAME].data) {
		err = check_name(r, &tb[IFLA_IFNAME], name);
		if (!err)
			err = iface_set_name(i, name);
	}
	if (!err && tb[IFLA_TXQLEN].data)
		i->txqlen = nla_u32(&tb[IFLA_TXQLEN], 0);
	if (!err && tb[IFLA_LINKINFO].data)
		err = rtnl_change_kind(r, i, &tb[IFLA_LINKINFO]);
	if (!err && tb[IFLA_AF_SPEC].data)
		err = rtnl_set_af_spec(r, i, &tb[IFLA_AF_SPEC]);
	if (!err && tb[IFLA_MASTER].data)
		err = set_master(r, i, nla_u32(&tb[IFLA_MASTER], 0));
	return err ? err : set_flags(i, f);
}

/**
 * rtnl_read_common() - What links of all kinds are made with
 * @c:		name, Ethernet address and MTU are filled in
 *
 * Return: 0, or -errno with the reason
 */
int rtnl_read_common(struct rtnl_req *r, const struct nla tb[], struct config_iface *c)
{
	int err = check_name(r, &tb[IFLA_IFNAME], c->name);

	if (!err)
		err = refuse(r, tb);
	if (err)
		return err;
	if (tb[IFLA_ADDRESS].data) {
		if (tb[IFLA_ADDRESS].len != 6)
			return -EINVAL;
		memcpy(c->mac, tb[IFLA_ADDRESS].data, 6);
		c->has_mac = true;
	}
	c->mtu = nla_u32(&tb[IFLA_MTU], 0);
	if (tb[IFLA_MTU].data && (c->mtu < IFACE_MTU_MIN || c->mtu > 65535))
		return rtnl_fail(r, -EINVAL, c->mtu < IFACE_MTU_MIN ? "mtu less than device minimum" :
				 "mtu greater than device maximum");
	return 0;
}

static int open_kind(struct rtnl_req *r, const char *kind, const struct nla info[],
		     struct config_iface *c, struct iface **out)
{
	char spec[VNL_MAX], err[400] = "";
	int ret = read_spec(r, kind, info, c->name, spec);

	if (ret)
		return ret;
	c->link = spec;
	ret = iface_create(r->e, c, out, err, sizeof(err));
	c->link = NULL;
	return ret ? rtnl_fail(r, ret, "%.250s", err) : 0;
}

static int create(struct rtnl_req *r, const struct ifinfomsg *f, const struct nla tb[])
{
	struct nla info[IFLA_INFO_MAX + 1] = { 0 };
	struct config_iface c = { 0 };
	char kind[32];
	struct iface *i;
	int ret = rtnl_read_common(r, tb, &c);

	if (ret)
		return ret;
	if (tb[IFLA_LINKINFO].data &&
	    nl_parse(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO].data, tb[IFLA_LINKINFO].len) < 0)
		return -EINVAL;
	if (!nla_str(&info[IFLA_INFO_KIND], kind, sizeof(kind)))
		return rtnl_fail(r, -EOPNOTSUPP, "Unknown device type");
	ret = rtnl_create_kind(r, kind, tb, info, &c, &i);
	if (ret == -ENOENT)
		ret = open_kind(r, kind, info, &c, &i);
	if (ret)
		return ret;
	rtnl_link_changed(i, ~0u);
	if (tb[IFLA_MASTER].data)
		ret = set_master(r, i, nla_u32(&tb[IFLA_MASTER], 0));
	if (!ret && f->ifi_flags & IFF_UP)
		ret = set_flags(i, f);
	if (ret)
		iface_remove(i);
	return ret;
}

/* rtnl_newlink() - RTM_NEWLINK, RTM_SETLINK: 0, -EEXIST, -ENODEV, -EOPNOTSUPP, ... */
int rtnl_newlink(struct rtnl_req *r)
{
	const struct ifinfomsg *f = nl_body(r->h, sizeof(*f));
	unsigned flags = r->h->nlmsg_flags;
	struct nla tb[IFLA_MAX + 1];
	struct iface *i;

	if (!f || nl_parse_msg(tb, IFLA_MAX, r->h, sizeof(*f)) < 0)
		return -EINVAL;
	i = rtnl_find_link(r, f->ifi_index, tb);
	if (i && r->h->nlmsg_type == RTM_NEWLINK && flags & NLM_F_EXCL && flags & NLM_F_CREATE)
		return -EEXIST;
	if (i)
		return change(r, i, f, tb, f->ifi_index > 0);
	if (r->h->nlmsg_type != RTM_NEWLINK || !(flags & NLM_F_CREATE) || f->ifi_index > 0)
		return -ENODEV;
	return create(r, f, tb);
}

/* rtnl_dellink() - RTM_DELLINK: 0, -ENODEV, -EOPNOTSUPP (lo) */
int rtnl_dellink(struct rtnl_req *r)
{
	const struct ifinfomsg *f = nl_body(r->h, sizeof(*f));
	struct nla tb[IFLA_MAX + 1];
	struct iface *i;

	if (!f || nl_parse_msg(tb, IFLA_MAX, r->h, sizeof(*f)) < 0)
		return -EINVAL;
	i = rtnl_find_link(r, f->ifi_index, tb);
	if (!i)
		return -ENODEV;
	if (!i->link)
		return -EOPNOTSUPP;
	iface_remove(i);
	return 0;
}
