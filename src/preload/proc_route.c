/* proc_route.c - routes and neighbours in /proc/net
 *
 * Theory of operation
 * A dump of rtnetlink gives them; a line needs the interface's name, which is
 * asked for once before.  Layouts: fib_route_seq_show(), rt6_info_route(),
 * arp_format_neigh_entry().
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/ipv6_route.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include "client/client.h"
#include "client/nlquery.h"
#include "preload/procnet.h"

struct out {
	FILE *f;
	struct client_info *ifs;
};

static const char *if_name(const struct out *o, uint32_t index)
{
	for (uint32_t n = 0; n < o->ifs->info.nif; n++)
		if (o->ifs->ifs[n].index == index)
			return o->ifs->ifs[n].name;
	return "*";
}

static int run(FILE *f, const char *stack, const struct nlq *q, nlq_visit *fn)
{
	struct out o = { .f = f };
	int ret = client_info(stack, &o.ifs);

	if (!ret)
		ret = nlq_run(stack, NETLINK_ROUTE, q, fn, &o);
	free(o.ifs);
	return ret;
}

/* what of a route both files show */
struct line {
	struct rtmsg r;
	uint32_t table, oif, metric, mtu;
	struct in6_addr dst, gw;	/* IPv4: the first word */
};

static bool parse(const struct nlmsghdr *h, struct line *l)
{
	const struct nlattr *tb[RTA_MAX + 1];

	if (h->nlmsg_type != RTM_NEWROUTE || h->nlmsg_len < NLMSG_LENGTH(sizeof(l->r)))
		return false;
	memcpy(&l->r, NLMSG_DATA(h), sizeof(l->r));
	nlq_attrs(h, sizeof(l->r), tb, RTA_MAX);
	if (!nlq_get(tb[RTA_TABLE], &l->table, sizeof(l->table)))
		l->table = l->r.rtm_table;
	nlq_get(tb[RTA_OIF], &l->oif, sizeof(l->oif));
	nlq_get(tb[RTA_PRIORITY], &l->metric, sizeof(l->metric));
	nlq_get(tb[RTA_DST], &l->dst, sizeof(l->dst));
	nlq_get(tb[RTA_GATEWAY], &l->gw, sizeof(l->gw));
	return true;
}

static bool refuses(const struct line *l)
{
	return l->r.rtm_type == RTN_UNREACHABLE || l->r.rtm_type == RTN_PROHIBIT ||
	       l->r.rtm_type == RTN_BLACKHOLE;
}

static void route_line(const struct nlmsghdr *h, void *arg)
{
	struct out *o = arg;
	unsigned flags = 1;		/* RTF_UP */
	uint32_t mask, dst, gw;
	struct line l;
	int used;

	if (!parse(h, &l) || l.table != RT_TABLE_MAIN)
		return;
	memcpy(&dst, &l.dst, sizeof(dst));
	memcpy(&gw, &l.gw, sizeof(gw));
	mask = l.r.rtm_dst_len ? htonl(0xffffffffu << (32 - l.r.rtm_dst_len)) : 0;
	flags |= gw ? 2 : 0;		/* RTF_GATEWAY */
	flags |= l.r.rtm_dst_len == 32 ? 4 : 0;	/* RTF_HOST */
	flags |= refuses(&l) ? 0x200 : 0;	/* RTF_REJECT */
	used = fprintf(o->f, "%s\t%08X\t%08X\t%04X\t0\t0\t%u\t%08X\t0\t0\t0",
		       refuses(&l) ? "*" : if_name(o, l.oif), dst, gw, flags, l.metric, mask);
	fprintf(o->f, "%*s\n", used < 127 ? 127 - used : 0, "");
}

/* proc_route() - /proc/net/route */
int proc_route(FILE *f, const char *stack, int family)
{
	struct rtmsg *r;
	struct nlq q;

	fprintf(f, "%-127s\n", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU"
		"\tWindow\tIRTT");
	if (!stack)
		return 0;
	r = nlq_begin(&q, RTM_GETROUTE, NLM_F_DUMP, sizeof(*r));
	r->rtm_family = AF_INET;
	return run(f, stack, &q, route_line);
}

static void put_hex(FILE *f, const struct in6_addr *a)
{
	for (int i = 0; i < 16; i++)
		fprintf(f, "%02x", a->s6_addr[i]);
}

static void route6_line(const struct nlmsghdr *h, void *arg)
{
	static const struct in6_addr none;
	struct out *o = arg;
	unsigned flags = 1;
	struct line l;

	if (!parse(h, &l))
		return;
	flags |= memcmp(&l.gw, &none, sizeof(none)) ? 2 : 0;
	flags |= refuses(&l) ? 0x200 : 0;
	flags |= l.r.rtm_protocol == RTPROT_RA ? RTF_ADDRCONF : 0;
	flags |= l.r.rtm_type == RTN_LOCAL ? RTF_LOCAL | RTF_NONEXTHOP :
		l.r.rtm_type == RTN_ANYCAST ? RTF_ANYCAST : 0;
	put_hex(o->f, &l.dst);
	fprintf(o->f, " %02x ", l.r.rtm_dst_len);
	put_hex(o->f, &none);
	fputs(" 00 ", o->f);
	put_hex(o->f, &l.gw);
	fprintf(o->f, " %08x %08x %08x %08x %8s\n", l.metric, 1, 0, flags, if_name(o, l.oif));
}

/* proc_route6() - /proc/net/ipv6_route */
int proc_route6(FILE *f, const char *stack, int family)
{
	struct rtmsg *r;
	struct nlq q;

	if (!stack)
		return 0;
	r = nlq_begin(&q, RTM_GETROUTE, NLM_F_DUMP, sizeof(*r));
	r->rtm_family = AF_INET6;
	return run(f, stack, &q, route6_line);
}

static void arp_line(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *tb[NDA_MAX + 1];
	char text[INET_ADDRSTRLEN];
	struct out *o = arg;
	unsigned flags;
	struct in_addr dst;
	uint8_t mac[6];
	struct ndmsg m;

	if (h->nlmsg_type != RTM_NEWNEIGH || h->nlmsg_len < NLMSG_LENGTH(sizeof(m)))
		return;
	memcpy(&m, NLMSG_DATA(h), sizeof(m));
	nlq_attrs(h, sizeof(m), tb, NDA_MAX);
	nlq_get(tb[NDA_DST], &dst, sizeof(dst));
	nlq_get(tb[NDA_LLADDR], mac, sizeof(mac));
	flags = m.ndm_state == NUD_PERMANENT ? ATF_PERM | ATF_COM :
		m.ndm_state & (NUD_INCOMPLETE | NUD_FAILED | NUD_NONE) ? 0 : ATF_COM;
	inet_ntop(AF_INET, &dst, text, sizeof(text));
	fprintf(o->f, "%-16s 0x%-10x0x%-10x%02x:%02x:%02x:%02x:%02x:%02x     *        %s\n", text,
		ARPHRD_ETHER, flags, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
		if_name(o, (uint32_t)m.ndm_ifindex));
}

/* proc_arp() - /proc/net/arp */
int proc_arp(FILE *f, const char *stack, int family)
{
	struct ndmsg *m;
	struct nlq q;

	fputs("IP address       HW type     Flags       HW address            Mask     Device\n", f);
	if (!stack)
		return 0;
	m = nlq_begin(&q, RTM_GETNEIGH, NLM_F_DUMP, sizeof(*m));
	m->ndm_family = AF_INET;
	return run(f, stack, &q, arp_line);
}
