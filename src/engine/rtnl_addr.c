/* rtnl_addr.c - addresses by rtnetlink: RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR */
#include "engine/rtnl_priv.h"

#include <errno.h>
#include <string.h>
#include <linux/if_addr.h>

/* rtnl_put_addr() - Append a message about an address */
void rtnl_put_addr(struct nlbuf *b, const struct nlmsghdr *h, struct iface *i,
		   const struct iface_addr *a)
{
	struct ifaddrmsg *f = nl_begin(b, h, sizeof(*f));
	bool v6 = IP_IS_V6_VAL(a->local), peer = !ip_addr_cmp_zoneless(&a->local, &a->peer);
	struct ifa_cacheinfo ci = { .ifa_prefered = a->preferred, .ifa_valid = a->valid };

	f->ifa_family = v6 ? AF_INET6 : AF_INET;
	f->ifa_prefixlen = a->plen;
	f->ifa_flags = (uint8_t)a->flags;
	f->ifa_scope = a->scope;
	f->ifa_index = netif_get_index(i->netif);
	if (v6 && peer)
		nl_put_ip(b, IFA_LOCAL, &a->local);
	nl_put_ip(b, IFA_ADDRESS, &a->peer);
	if (!v6)
		nl_put_ip(b, IFA_LOCAL, &a->local);
	if (!v6 && !ip4_addr_isany_val(a->broadcast))
		nl_put(b, IFA_BROADCAST, &a->broadcast.addr, 4);
	if (!v6)
		nl_put_str(b, IFA_LABEL, a->label);
	if (a->proto)
		nl_put_u8(b, IFA_PROTO, a->proto);
	nl_put_u32(b, IFA_FLAGS, a->flags);
	if (a->metric)
		nl_put_u32(b, IFA_RT_PRIORITY, a->metric);
	nl_put(b, IFA_CACHEINFO, &ci, sizeof(ci));
	nl_end(b);
}

struct walk {
	struct rtnl_req *r;
	struct nlmsghdr h;
	int family;
};

static void put_one(struct iface *i, const struct iface_addr *a, void *arg)
{
	struct walk *w = arg;

	if (IP_IS_V6_VAL(a->local) == (w->family == AF_INET6))
		rtnl_put_addr(w->r->out, &w->h, i, a);
}

/* rtnl_dump_addr() - RTM_GETADDR: IPv4, then IPv6; with strict checking of one
 * interface.  0, -ENODEV */
int rtnl_dump_addr(struct rtnl_req *r)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct walk w = { .r = r, .h = rtnl_answer(r, RTM_NEWADDR, NLM_F_MULTI) };
	const struct ifaddrmsg *f = nl_body(r->h, sizeof(*f));
	int family = ((const struct rtgenmsg *)nl_body(r->h, sizeof(struct rtgenmsg)))->rtgen_family;
	uint32_t index = f && r->strict ? f->ifa_index : 0;

	if (index && !iface_by_index(r->e, index))
		return -ENODEV;
	r->filtered = index;
	for (unsigned k = 0; k < 2; k++) {
		w.family = families[k];
		if (family != AF_UNSPEC && family != w.family)
			continue;
		for (struct iface *i = r->e->ifaces; i; i = i->next)
			if (!index || index == netif_get_index(i->netif))
				iface_addr_each(i, put_one, &w);
	}
	return 0;
}

/* what RTM_NEWADDR and RTM_DELADDR say alike */
static int parse(struct rtnl_req *r, struct nla tb[], struct iface **i, struct iface_addr *a)
{
	const struct ifaddrmsg *f = nl_body(r->h, sizeof(*f));
	bool has_local, has_addr;

	if (!f || nl_parse_msg(tb, IFA_MAX, r->h, sizeof(*f)) < 0)
		return -EINVAL;
	if (f->ifa_family != AF_INET && f->ifa_family != AF_INET6)
		return -EOPNOTSUPP;
	memset(a, 0, sizeof(*a));
	a->plen = f->ifa_prefixlen;
	a->scope = f->ifa_scope;
	a->flags = nla_u32(&tb[IFA_FLAGS], f->ifa_flags);
	has_local = nla_ip(&tb[IFA_LOCAL], f->ifa_family, &a->local);
	has_addr = nla_ip(&tb[IFA_ADDRESS], f->ifa_family, &a->peer);
	if (!has_local && has_addr)
		ip_addr_copy(a->local, a->peer);
	if (!has_addr && has_local)
		ip_addr_copy(a->peer, a->local);
	*i = iface_by_index(r->e, f->ifa_index);
	return has_local || has_addr ? 0 : -EINVAL;
}

static int lifetimes(struct rtnl_req *r, const struct nla *ci, struct iface_addr *a)
{
	struct ifa_cacheinfo c;

	a->valid = a->preferred = IFACE_FOREVER;
	if (!ci->data)
		return 0;
	if (ci->len < sizeof(c))
		return -EINVAL;
	memcpy(&c, ci->data, sizeof(c));
	if (!c.ifa_valid || c.ifa_prefered > c.ifa_valid)
		return rtnl_fail(r, -EINVAL, IP_IS_V6_VAL(a->local) ?
				 "address lifetime invalid" : "ipv4: Invalid address lifetime");
	a->valid = c.ifa_valid;
	a->preferred = c.ifa_prefered;
	return 0;
}

static int check(struct rtnl_req *r, const struct iface *i, const struct iface_addr *a)
{
	bool v6 = IP_IS_V6_VAL(a->local);

	if (a->plen > (v6 ? 128 : 32))
		return v6 ? rtnl_fail(r, -EINVAL, "ipv6: address prefix length is too long") :
			rtnl_fail(r, -EINVAL, "ipv4: Invalid prefix length");
	if (!i)
		return v6 ? rtnl_fail(r, -ENODEV, "ipv6: Unable to find the interface") :
			rtnl_fail(r, -ENODEV, "ipv4: Device not found");
	if (v6 && ip6_addr_ismulticast(ip_2_ip6(&a->local)))
		return rtnl_fail(r, -EINVAL, "ipv6: Cannot assign multicast address without \"IFA_F_MCAUTOJOIN\" flag");
	if (v6 && (ip6_addr_isany(ip_2_ip6(&a->local)) ||
		   (i->link && ip6_addr_isloopback(ip_2_ip6(&a->local)))))
		return rtnl_fail(r, -EADDRNOTAVAIL, "ipv6: Invalid address");
	return 0;
}

/* rtnl_newaddr() - RTM_NEWADDR: 0, -EINVAL, -ENODEV, -EEXIST, -ENOSPC */
int rtnl_newaddr(struct rtnl_req *r)
{
	struct nla tb[IFA_MAX + 1];
	struct iface_addr a;
	struct iface *i;
	ip_addr_t brd;
	int err = parse(r, tb, &i, &a);

	if (!err)
		err = check(r, i, &a);
	if (!err)
		err = lifetimes(r, &tb[IFA_CACHEINFO], &a);
	if (err)
		return err;
	if (nla_ip(&tb[IFA_BROADCAST], AF_INET, &brd))
		ip4_addr_copy(a.broadcast, *ip_2_ip4(&brd));
	nla_str(&tb[IFA_LABEL], a.label, sizeof(a.label));
	a.metric = nla_u32(&tb[IFA_RT_PRIORITY], 0);
	a.proto = nla_u8(&tb[IFA_PROTO], 0);
	if (r->h->nlmsg_flags & NLM_F_REPLACE)
		err = iface_addr_replace(i, &a);
	else
		err = iface_addr_add(i, &a);
	if (err == -EEXIST)
		return IP_IS_V6_VAL(a.local) ?
			rtnl_fail(r, err, "ipv6: address already assigned") :
			rtnl_fail(r, err, "ipv4: Address already assigned");
	if (err == -ENOSPC)
		return rtnl_fail(r, err, "no room for another address (%d of IPv4, %d of IPv6 an interface, %d interfaces and further addresses in all)",
				 IFACE_ADDRS4, LWIP_IPV6_NUM_ADDRESSES - 1, IFACE_NETIFS);
	return err;
}

/* rtnl_deladdr() - RTM_DELADDR: 0, -EINVAL, -ENODEV, -EADDRNOTAVAIL */
int rtnl_deladdr(struct rtnl_req *r)
{
	struct nla tb[IFA_MAX + 1];
	struct iface_addr a;
	struct iface *i;
	int err = parse(r, tb, &i, &a);

	if (err)
		return err;
	if (!i)
		return IP_IS_V6_VAL(a.local) ?
			rtnl_fail(r, -ENODEV, "ipv6: Unable to find the interface") :
			rtnl_fail(r, -ENODEV, "ipv4: Device not found");
	nla_str(&tb[IFA_LABEL], a.label, sizeof(a.label));
	/* without IFA_ADDRESS the prefix does not count */
	err = iface_addr_del(i, &a, IP_IS_V4_VAL(a.local) && !tb[IFA_ADDRESS].data);
	if (err == -EADDRNOTAVAIL)
		return IP_IS_V6_VAL(a.local) ? rtnl_fail(r, err, "ipv6: address not found") :
			rtnl_fail(r, err, "ipv4: Address not found");
	return err;
}
