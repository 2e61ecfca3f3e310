/* rtnl_newlink.c - links by rtnetlink: RTM_NEWLINK, RTM_SETLINK, RTM_DELLINK
 *
 * Theory of operation
 * A new link's kind and data name what link_open() opens: "vde" with the VNL as
 * first attribute of IFLA_INFO_DATA (iplink-vde's IFLA_VDE_VNL), or as
 * IFLA_INFO_SLAVE_KIND, or libvdeplug's default network; "tap" and "tun" the
 * kernel's device of the same name; "dummy" nothing.  It is down until it is
 * brought up.  Whoever may use the stack may do all this.
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
	struct nla data[VDE_VNL + 1];

	snprintf(vnl, VNL_MAX, "vde://");
	if (info[IFLA_INFO_DATA].data &&
	    nl_parse(data, VDE_VNL, info[IFLA_INFO_DATA].data, info[IFLA_INFO_DATA].len) == 0 &&
	    nla_str(&data[VDE_VNL], vnl, VNL_MAX))
		return;
	nla_str(&info[IFLA_INFO_SLAVE_KIND], vnl, VNL_MAX);
}

/* what to open: 0, or -errno with the reason */
static int read_kind(struct rtnl_req *r, const struct nla *linkinfo, const char *name,
		     char spec[VNL_MAX])
{
	struct nla info[IFLA_INFO_MAX + 1];
	char kind[32];

	if (!linkinfo->data)
		return rtnl_fail(r, -EOPNOTSUPP, "Unknown device type");
	if (nl_parse(info, IFLA_INFO_MAX, linkinfo->data, linkinfo->len) < 0)
		return -EINVAL;
	if (!nla_str(&info[IFLA_INFO_KIND], kind, sizeof(kind)))
		return rtnl_fail(r, -EOPNOTSUPP, "Unknown device type");
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
	return err;
}

static int set_mac(struct iface *i, const struct nla *a)
{
	return a->len == 6 ? iface_set_mac(i, a->data) : -EINVAL;
}

/* what a stack's interfaces cannot have */
static int refuse(struct rtnl_req *r, const struct nla tb[])
{
	if (nla_u32(&tb[IFLA_MASTER], 0))
		return rtnl_fail(r, -EOPNOTSUPP, "a stack has no bridges or bonds");
	if (tb[IFLA_NET_NS_PID].data || tb[IFLA_NET_NS_FD].data)
		return rtnl_fail(r, -EOPNOTSUPP, "an interface of a stack cannot move to a network namespace");
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
	/* no mask means all of them: rtnl_dev_get_flags() */
	if (!err && (f->ifi_change & IFF_UP || (!f->ifi_change && f->ifi_flags)))
		iface_set_up(i, f->ifi_flags & IFF_UP);
	return err;
}

static int create(struct rtnl_req *r, const struct ifinfomsg *f, const struct nla tb[])
{
	struct config_iface c = { 0 };
	char spec[VNL_MAX], err[400] = "";
	struct iface *i;
	int ret = check_name(r, &tb[IFLA_IFNAME], c.name);

	if (!ret)
		ret = read_kind(r, &tb[IFLA_LINKINFO], c.name, spec);
	if (!ret)
		ret = refuse(r, tb);
	if (ret)
		return ret;
	if (tb[IFLA_ADDRESS].data) {
		if (tb[IFLA_ADDRESS].len != 6)
			return -EINVAL;
		memcpy(c.mac, tb[IFLA_ADDRESS].data, 6);
		c.has_mac = true;
	}
	c.mtu = nla_u32(&tb[IFLA_MTU], 0);
	if (tb[IFLA_MTU].data && (c.mtu < IFACE_MTU_MIN || c.mtu > 65535))
		return rtnl_fail(r, -EINVAL, c.mtu < IFACE_MTU_MIN ? "mtu less than device minimum" :
				 "mtu greater than device maximum");
	c.link = spec;
	ret = iface_create(r->e, &c, &i, err, sizeof(err));
	if (ret)
		return rtnl_fail(r, ret, "%.250s", err);
	rtnl_link_changed(i, ~0u);
	if (f->ifi_flags & IFF_UP)
		iface_set_up(i, true);
	return 0;
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
