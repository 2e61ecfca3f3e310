/* rtnl.c - the rtnetlink server: dispatch, dumps, rules, notifications
 *
 * Theory of operation
 * One row of a table a message type: what carries it out, and what dumps.  As
 * in Linux a request of the NEW, DEL or SET kind may be sent by whoever may
 * change the stack, which is everybody who reached its control socket.  What
 * has no row is -EOPNOTSUPP.
 *
 * Every change of links, addresses and routes is announced to the groups of
 * RTNLGRP_*, whether a request, the configuration, DHCP or a link that went
 * away made it: the functions that make the change call rtnl_*_changed(), and
 * the route table has a listener.  Nothing is built when nobody listens.
 */
#include "engine/board.h"
#include "engine/rtnl_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <linux/fib_rules.h>
#include <linux/net_namespace.h>

static struct engine *engine;	/* for the route table's listener: there is one a process */

/**
 * rtnl_fail() - Refuse a request with a reason that the user gets to see
 * @err:	-errno
 *
 * Return: @err
 */
int rtnl_fail(struct rtnl_req *r, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
	return err;
}

/* rtnl_answer() - The header of an answer to a request */
struct nlmsghdr rtnl_answer(const struct rtnl_req *r, int type, unsigned flags)
{
	return (struct nlmsghdr){
		.nlmsg_type = (uint16_t)type, .nlmsg_flags = (uint16_t)flags,
		.nlmsg_seq = r->h->nlmsg_seq, .nlmsg_pid = r->portid,
	};
}

/* nl_put_ip() - Append an address, 4 or 16 bytes */
void nl_put_ip(struct nlbuf *b, int type, const ip_addr_t *ip)
{
	if (IP_IS_V6(ip))
		nl_put(b, type, ip_2_ip6(ip)->addr, 16);
	else
		nl_put(b, type, &ip_2_ip4(ip)->addr, 4);
}

/* nla_ip() - Read an address of a family; false: absent, or of another size */
bool nla_ip(const struct nla *a, int family, ip_addr_t *out)
{
	if (!a->data || a->len != (family == AF_INET6 ? 16 : 4))
		return false;
	if (family == AF_INET6) {
		ip_addr_set_zero_ip6(out);
		memcpy(ip_2_ip6(out)->addr, a->data, 16);
	} else {
		ip_addr_set_zero_ip4(out);
		memcpy(&ip_2_ip4(out)->addr, a->data, 4);
	}
	return true;
}

/* ---- rules: the three that every stack has ---- */

static void put_rule(struct rtnl_req *r, int family, uint8_t table, uint32_t priority)
{
	struct nlmsghdr h = rtnl_answer(r, RTM_NEWRULE, NLM_F_MULTI);
	struct fib_rule_hdr *f = nl_begin(r->out, &h, sizeof(*f));

	f->family = (uint8_t)family;
	f->table = table;
	f->action = FR_ACT_TO_TBL;
	nl_put_u32(r->out, FRA_TABLE, table);
	nl_put_u32(r->out, FRA_SUPPRESS_PREFIXLEN, 0xffffffff);
	nl_put_u8(r->out, FRA_PROTOCOL, RTPROT_KERNEL);
	nl_put_u32(r->out, FRA_PRIORITY, priority);
	nl_end(r->out);
}

static int dump_rule(struct rtnl_req *r)
{
	const struct rtgenmsg *g = nl_body(r->h, sizeof(*g));
	static const int families[] = { AF_INET, AF_INET6 };

	for (unsigned k = 0; k < 2; k++) {
		if (g->rtgen_family != AF_UNSPEC && g->rtgen_family != families[k])
			continue;
		put_rule(r, families[k], RT_TABLE_LOCAL, 0);
		put_rule(r, families[k], RT_TABLE_MAIN, 32766);
		if (families[k] == AF_INET)	/* IPv6 has no default table */
			put_rule(r, families[k], RT_TABLE_DEFAULT, 32767);
	}
	return 0;
}

/* ---- namespaces: `ip monitor` asks for the ids of those that have a name ---- */

static int get_nsid(struct rtnl_req *r)
{
	struct nlmsghdr h = rtnl_answer(r, RTM_NEWNSID, 0);

	nl_begin(r->out, &h, sizeof(struct rtgenmsg));
	nl_put_u32(r->out, NETNSA_NSID, (uint32_t)NETNSA_NSID_NOT_ASSIGNED);
	nl_end(r->out);
	return 0;
}

/* ---- dispatch ---- */

static int dump_nothing(struct rtnl_req *r)
{
	return 0;
}

static const struct {
	rtnl_fn *doit, *dump;
} rows[] = {
#define ROW(type)	[RTM_##type - RTM_BASE]
	ROW(NEWLINK)	= { rtnl_newlink, NULL },
	ROW(DELLINK)	= { rtnl_dellink, NULL },
	ROW(GETLINK)	= { rtnl_getlink, rtnl_dump_link },
	ROW(SETLINK)	= { rtnl_newlink, NULL },
	ROW(NEWADDR)	= { rtnl_newaddr, NULL },
	ROW(DELADDR)	= { rtnl_deladdr, NULL },
	ROW(GETADDR)	= { NULL, rtnl_dump_addr },
	ROW(NEWROUTE)	= { rtnl_newroute, NULL },
	ROW(DELROUTE)	= { rtnl_delroute, NULL },
	ROW(GETROUTE)	= { rtnl_getroute, rtnl_dump_route },
	ROW(NEWNEIGH)	= { rtnl_newneigh, NULL },
	ROW(DELNEIGH)	= { rtnl_delneigh, NULL },
	ROW(GETNEIGH)	= { rtnl_getneigh, rtnl_dump_neigh },
	ROW(GETRULE)	= { NULL, dump_rule },
	ROW(NEWNETCONF)	= { rtnl_newnetconf, NULL },
	ROW(GETNETCONF)	= { rtnl_getnetconf, rtnl_dump_netconf },
	ROW(GETNSID)	= { get_nsid, dump_nothing },
	ROW(GETQDISC)	= { NULL, dump_nothing },
#undef ROW
};

/* the same for the family of bridges */
static const struct {
	rtnl_fn *doit, *dump;
} bridge_rows[] = {
#define ROW(type)	[RTM_##type - RTM_BASE]
	ROW(GETLINK)	= { NULL, rtnl_dump_port },
	ROW(NEWNEIGH)	= { rtnl_newfdb, NULL },
	ROW(DELNEIGH)	= { rtnl_delfdb, NULL },
	ROW(GETNEIGH)	= { NULL, rtnl_dump_fdb },
#undef ROW
};

/* as in Linux the reason of a failed dump stands in its NLMSG_DONE */
static int dump(struct rtnl_req *r, rtnl_fn *fn)
{
	struct nlmsghdr done = rtnl_answer(r, NLMSG_DONE, NLM_F_MULTI);
	size_t start = r->out->len;
	int err = fn(r), *status;

	if (err && !r->out->failed)
		r->out->len = start;	/* nothing of a failed one */
	if (r->filtered && !r->out->failed) {
		for (size_t at = start; at < r->out->len;) {
			struct nlmsghdr *h = (void *)(r->out->data + at);

			h->nlmsg_flags |= NLM_F_DUMP_FILTERED;
			at += NLMSG_ALIGN(h->nlmsg_len);
		}
		done.nlmsg_flags |= NLM_F_DUMP_FILTERED;
	}
	if (err && r->ext_ack && r->why[0])
		done.nlmsg_flags |= NLM_F_ACK_TLVS;
	status = nl_begin(r->out, &done, sizeof(*status));
	*status = err;
	if (done.nlmsg_flags & NLM_F_ACK_TLVS)
		nl_put_str(r->out, NLMSGERR_ATTR_MSG, r->why);
	nl_end(r->out);
	r->dumped = true;
	return 0;
}

static int bridge_request(struct rtnl_req *r, unsigned type, bool get)
{
	bool known = type < sizeof(bridge_rows) / sizeof(*bridge_rows);

	if (get && (r->h->nlmsg_flags & NLM_F_DUMP))
		return dump(r, known && bridge_rows[type].dump ? bridge_rows[type].dump : dump_nothing);
	return known && bridge_rows[type].doit ? bridge_rows[type].doit(r) : -EOPNOTSUPP;
}

static int carry_out(struct rtnl_req *r)
{
	unsigned type = r->h->nlmsg_type - RTM_BASE;
	const struct rtgenmsg *g = nl_body(r->h, sizeof(*g));
	bool get = (type & 3) == 2;

	if (r->h->nlmsg_type < RTM_BASE || type >= sizeof(rows) / sizeof(*rows))
		return -EOPNOTSUPP;
	if (!g)
		return 0;		/* Linux takes no notice of it */
	if (g->rtgen_family == AF_BRIDGE)
		return bridge_request(r, type, get);
	if (get && (r->h->nlmsg_flags & NLM_F_DUMP))
		return rows[type].dump ? dump(r, rows[type].dump) : -EOPNOTSUPP;
	return rows[type].doit ? rows[type].doit(r) : -EOPNOTSUPP;
}

/**
 * rtnl_request() - Carry out one request
 * @r:		answers go to r->out, whole messages only
 *
 * Return: 0, or -errno for the NLMSG_ERROR, with r->why
 */
int rtnl_request(struct rtnl_req *r)
{
	int ret = carry_out(r);

	board_settle(r->e);	/* before it is acknowledged */
	return ret;
}

/* ---- notifications ---- */

/* rtnl_link_changed() - An interface is new or different
 * @change: IFF_* that changed, if they are known */
void rtnl_link_changed(struct iface *i, uint32_t change)
{
	if (engine)
		board_changed(engine);
	rtnl_send_link(i, RTM_NEWLINK, change);
}

/* rtnl_link_gone() - An interface was removed; it can still be looked at */
void rtnl_link_gone(struct iface *i)
{
	if (engine)
		board_changed(engine);
	rtnl_send_link(i, RTM_DELLINK, 0);
}

static void notify_local(const struct route *r, uint8_t table, void *arg)
{
	rtnl_route_notify(engine, r, table, *(const bool *)arg);
}

static void announce(struct iface *i, const struct iface_addr *a, bool added)
{
	unsigned group = IP_IS_V6_VAL(a->local) ? RTNLGRP_IPV6_IFADDR : RTNLGRP_IPV4_IFADDR;
	struct nlmsghdr h = { .nlmsg_type = added ? RTM_NEWADDR : RTM_DELADDR };
	struct nlbuf b = { 0 };

	if (!netlink_has_listener(engine, group))
		return;
	rtnl_put_addr(&b, &h, i, a);
	if (!b.failed)
		netlink_multicast(engine, group, &b);
	nlbuf_free(&b);
}

/* rtnl_addr_changed() - An address was given or taken, and table local with it */
void rtnl_addr_changed(struct iface *i, const struct iface_addr *a, bool added)
{
	if (!engine)
		return;			/* the stack is just being made */
	board_changed(engine);
	announce(i, a, added);
	rtnl_local_routes(i, a, notify_local, &added);
}

/* rtnl_addr_updated() - Flags or lifetimes of an address are others */
void rtnl_addr_updated(struct iface *i, const struct iface_addr *a)
{
	if (!engine)
		return;
	board_changed(engine);
	announce(i, a, true);
}

static void on_route(const struct route *r, bool added)
{
	board_changed(engine);
	rtnl_route_notify(engine, r, RT_TABLE_MAIN, added);
}

/* rtnl_init() - Listen to the route table: 0 */
int rtnl_init(struct engine *e)
{
	engine = e;
	route_listen(e ? on_route : NULL);
	rtnl_neigh_init(e);
	return 0;
}
