/* diag_other.c - packet and netlink sockets by sock_diag
 *
 * Both are dumped only: that is all that Linux does, too.
 */
#include "engine/diag_priv.h"

#include <errno.h>
#include <string.h>
#include <arpa/inet.h>
#include "engine/packet.h"

static uint32_t cookie_low(const struct sock *s)
{
	return (uint32_t)s->id;
}

static uint32_t cookie_high(const struct sock *s)
{
	return (uint32_t)(s->id >> 32);
}

/* struct packet_diag_mclist, one a membership; the address of a type without one is zero */
static void put_members(struct nlbuf *b, const struct packet_sock *ps)
{
	size_t at = nl_nest(b, PACKET_DIAG_MCLIST);

	for (int i = 0; i < PACKET_MEMBERS_MAX; i++) {
		struct packet_diag_mclist m = {
			.pdmc_index = (uint32_t)ps->member[i].ifindex,
			.pdmc_count = ps->member[i].count, .pdmc_type = ps->member[i].type,
		};

		if (m.pdmc_count)
			nl_append(b, &m, sizeof(m));
	}
	nl_nest_end(b, at);
}

static void put_packet_memory(struct nlbuf *b, const struct packet_sock *ps)
{
	uint32_t mem[SK_MEMINFO_VARS] = { 0 };

	mem[SK_MEMINFO_RMEM_ALLOC] = (uint32_t)sock_unread(&ps->s);
	mem[SK_MEMINFO_RCVBUF] = (uint32_t)ps->s.o.rcvbuf;
	mem[SK_MEMINFO_SNDBUF] = (uint32_t)ps->s.o.sndbuf;
	mem[SK_MEMINFO_DROPS] = ps->drops;
	nl_put(b, PACKET_DIAG_MEMINFO, mem, sizeof(mem));
}

static void visit_packet(struct sock *s, void *arg)
{
	struct diag_dump *d = arg;
	const struct packet_sock *ps = (const struct packet_sock *)s;
	uint32_t show = d->req.packet.pdiag_show;
	struct packet_diag_msg m = {
		.pdiag_family = AF_PACKET, .pdiag_type = (uint8_t)s->type, .pdiag_ino = s->inode,
		.pdiag_cookie = { cookie_low(s), cookie_high(s) },
	};
	struct packet_diag_info info;

	d->seen++;
	if (s->ops != &sock_packet_ops)
		return;
	m.pdiag_num = ps->proto;
	info = (struct packet_diag_info){
		.pdi_index = ps->ifindex, .pdi_version = (uint32_t)ps->version,
		.pdi_reserve = ps->reserve,
		.pdi_flags = (ps->auxdata ? PDI_AUXDATA : 0) | (ps->origdev ? PDI_ORIGDEV : 0),
	};
	memcpy(nl_begin(d->out, &d->h, sizeof(m)), &m, sizeof(m));
	if (show & PACKET_SHOW_INFO) {
		nl_put(d->out, PACKET_DIAG_INFO, &info, sizeof(info));
		nl_put_u32(d->out, PACKET_DIAG_UID, sock_uid(s));
	}
	if (show & PACKET_SHOW_MCLIST)
		put_members(d->out, ps);
	if (show & PACKET_SHOW_MEMINFO)
		put_packet_memory(d->out, ps);
	nl_end(d->out);
}

static bool step_packet(struct diag_dump *d)
{
	return sock_scan(d->e, &d->cursor, visit_packet, d);
}

/* diag_packet() - AF_PACKET: 0, -EINVAL, -EOPNOTSUPP (one socket alone) */
int diag_packet(struct rtnl_req *r, struct diag_dump **dump)
{
	const struct packet_diag_req *q = nl_body(r->h, sizeof(*q));
	int err;

	if (!q || q->sdiag_protocol)
		return -EINVAL;
	if (!(r->h->nlmsg_flags & NLM_F_DUMP))
		return -EOPNOTSUPP;
	err = diag_begin(r, dump, 0);
	if (err)
		return err;
	(*dump)->req.packet = *q;
	(*dump)->step = step_packet;
	return 0;
}

static void put_netlink_memory(struct nlbuf *b, const struct sock *s, size_t pending)
{
	uint32_t mem[SK_MEMINFO_VARS] = { 0 };

	mem[SK_MEMINFO_RMEM_ALLOC] = (uint32_t)sock_unread(s) + (uint32_t)pending;
	mem[SK_MEMINFO_RCVBUF] = (uint32_t)s->o.rcvbuf;
	mem[SK_MEMINFO_SNDBUF] = (uint32_t)s->o.sndbuf;
	nl_put(b, NETLINK_DIAG_MEMINFO, mem, sizeof(mem));
}

static void visit_netlink(struct sock *s, void *arg)
{
	struct diag_dump *d = arg;
	uint8_t protocol = d->req.netlink.sdiag_protocol;
	struct netlink_diag_msg m = {
		.ndiag_family = AF_NETLINK, .ndiag_type = (uint8_t)s->type,
		.ndiag_protocol = (uint8_t)s->protocol, .ndiag_state = s->connected,
		.ndiag_ino = s->inode, .ndiag_cookie = { cookie_low(s), cookie_high(s) },
	};
	struct netlink_figures f;

	d->seen++;
	if (s->ops != &sock_netlink_ops || (protocol != NDIAG_PROTO_ALL && protocol != s->protocol))
		return;
	netlink_figures(s, &f);
	m.ndiag_portid = f.portid;
	memcpy(nl_begin(d->out, &d->h, sizeof(m)), &m, sizeof(m));
	if (d->req.netlink.ndiag_show & NDIAG_SHOW_GROUPS)
		nl_put(d->out, NETLINK_DIAG_GROUPS, &f.groups, sizeof(f.groups));
	if (d->req.netlink.ndiag_show & NDIAG_SHOW_MEMINFO)
		put_netlink_memory(d->out, s, f.pending);
	if (d->req.netlink.ndiag_show & NDIAG_SHOW_FLAGS)
		nl_put_u32(d->out, NETLINK_DIAG_FLAGS, f.flags);
	nl_end(d->out);
}

static bool step_netlink(struct diag_dump *d)
{
	return sock_scan(d->e, &d->cursor, visit_netlink, d);
}

/* diag_netlink() - AF_NETLINK: 0, -EINVAL, -ENOENT, -EOPNOTSUPP (one socket alone) */
int diag_netlink(struct rtnl_req *r, struct diag_dump **dump)
{
	const struct netlink_diag_req *q = nl_body(r->h, sizeof(*q));
	int err;

	if (!q)
		return -EINVAL;
	if (!(r->h->nlmsg_flags & NLM_F_DUMP))
		return -EOPNOTSUPP;
	if (q->sdiag_protocol != NDIAG_PROTO_ALL && q->sdiag_protocol >= MAX_LINKS)
		return -ENOENT;
	err = diag_begin(r, dump, 0);
	if (err)
		return err;
	(*dump)->req.netlink = *q;
	(*dump)->step = step_netlink;
	return 0;
}
