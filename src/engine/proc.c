/* proc.c - what only the stack itself knows of /proc/net and /proc/sys/net
 *
 * Theory of operation
 * A client shows these files to programs as it shows /etc/resolv.conf; those
 * whose text is made of sockets, links, routes and neighbours it writes from
 * netlink (preload/proc_*.c).  Here are the counters, the groups and the
 * settings: a table of names, each with a function that writes the text as the
 * kernel does (proc_pid_net(5), Documentation/networking/snmp_counter).
 * A text is written anew for each piece that is asked for; they are short.
 *
 * lwIP counts in 32 bits, UDP of both families together, and has no figures for
 * much of what Linux has: what is not counted has no name here, where the
 * format lets it; else it is 0.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/iface_priv.h"
#include "engine/priv.h"
#include "engine/sock.h"
#include "engine/sock_dgram.h"
#include "engine/tcp.h"
#include "lwip/igmp.h"
#include "lwip/mld6.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "port.h"

typedef void proc_fn(FILE *f, struct engine *e);

/* ---- sockets, counted ---- */

struct counts {
	unsigned used, tcp[2], udp[2], udplite[2], raw[2];	/* [1]: AF_INET6 */
	unsigned orphan, tw, established;
};

static void count_sock(struct sock *s, void *arg)
{
	struct counts *c = arg;
	bool v6 = s->domain == AF_INET6;

	c->used++;
	if (s->ops == &sock_tcp_ops)
		c->tcp[v6] += ((struct tcp_sock *)s)->phase != TCP_NEW;
	else if (s->ops == &sock_udp_ops)
		*(is_udplite(s) ? &c->udplite[v6] : &c->udp[v6]) += s->local.port != 0;
	else if (s->ops == &sock_raw_ops)
		c->raw[v6]++;
}

static bool count_pcb(const struct tcp_pcb *pcb, void *arg)
{
	struct counts *c = arg;

	c->tw += pcb->state == TIME_WAIT;
	c->established += pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT;
	c->orphan += pcb->state > ESTABLISHED && pcb->state != TIME_WAIT &&
		!tcp_ext_arg_get(pcb, TCP_EXT_ID);
	return true;
}

static struct counts count(struct engine *e)
{
	struct counts c = { 0 };

	for (uint32_t at = 0; sock_scan(e, &at, count_sock, &c);)
		;
	pcbtable_foreach(count_pcb, &c);
	return c;
}

static void sockstat(FILE *f, struct engine *e)
{
	struct counts c = count(e);

	fprintf(f, "sockets: used %u\n"
		"TCP: inuse %u orphan %u tw %u alloc %u mem 0\n"
		"UDP: inuse %u mem 0\nUDPLITE: inuse %u\nRAW: inuse %u\nFRAG: inuse 0 memory 0\n",
		c.used, c.tcp[0], c.orphan, c.tw, e->nstream + c.orphan, c.udp[0], c.udplite[0], c.raw[0]);
}

static void sockstat6(FILE *f, struct engine *e)
{
	struct counts c = count(e);

	fprintf(f, "TCP6: inuse %u\nUDP6: inuse %u\nUDPLITE6: inuse %u\nRAW6: inuse %u\n"
		"FRAG6: inuse 0 memory 0\n", c.tcp[1], c.udp[1], c.udplite[1], c.raw[1]);
}

/* ---- counters ---- */

static void snmp(FILE *f, struct engine *e)
{
	const struct stats_mib2 *m = &lwip_stats.mib2;
	struct counts c = count(e);

	fprintf(f, "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams "
		"InUnknownProtos InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout "
		"ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates\n"
		"Ip: %d 64 %u %u %u %u %u %u %u %u %u %u 0 %u %u %u %u %u %u\n",
		e->forward_all & PORT_FORWARD4 ? 1 : 2, m->ipinreceives, m->ipinhdrerrors, m->ipinaddrerrors,
		m->ipforwdatagrams, m->ipinunknownprotos, m->ipindiscards, m->ipindelivers,
		m->ipoutrequests, m->ipoutdiscards, m->ipoutnoroutes, m->ipreasmreqds, m->ipreasmoks,
		m->ipreasmfails, m->ipfragoks, m->ipfragfails, m->ipfragcreates);
	fprintf(f, "Icmp: InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs "
		"InSrcQuenchs InRedirects InEchos InEchoReps InTimestamps InTimestampReps InAddrMasks "
		"InAddrMaskReps OutMsgs OutErrors OutDestUnreachs OutTimeExcds OutParmProbs OutSrcQuenchs "
		"OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps\n"
		"Icmp: %u %u 0 %u %u %u %u %u %u %u %u %u %u %u %u %u %u %u 0 0 0 %u %u 0 0 0 0\n",
		m->icmpinmsgs, m->icmpinerrors, m->icmpindestunreachs, m->icmpintimeexcds,
		m->icmpinparmprobs, m->icmpinsrcquenchs, m->icmpinredirects, m->icmpinechos,
		m->icmpinechoreps, m->icmpintimestamps, m->icmpintimestampreps, m->icmpinaddrmasks,
		m->icmpinaddrmaskreps, m->icmpoutmsgs, m->icmpouterrors, m->icmpoutdestunreachs,
		m->icmpouttimeexcds, m->icmpoutechos, m->icmpoutechoreps);
	/* RtoAlgorithm 1: other; the rest in milliseconds; -1: no limit on connections */
	fprintf(f, "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails "
		"EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors\n"
		"Tcp: 1 200 120000 -1 %u %u %u %u %u %u %u %u %u %u 0\n",
		m->tcpactiveopens, m->tcppassiveopens, m->tcpattemptfails, m->tcpestabresets,
		c.established, m->tcpinsegs, m->tcpoutsegs, m->tcpretranssegs, m->tcpinerrs,
		m->tcpoutrsts);
	fprintf(f, "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors "
		"InCsumErrors IgnoredMulti MemErrors\nUdp: %u %u %u %u 0 0 0 0 0\n"
		"UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors "
		"InCsumErrors IgnoredMulti MemErrors\nUdpLite: %u %u %u %u 0 0 0 0 0\n",
		m->udpindatagrams, m->udpnoports, m->udpinerrors, m->udpoutdatagrams,
		e->udplite.in, e->udplite.noports, e->udplite.inerrors, e->udplite.out);
}

static void snmp6(FILE *f, struct engine *e)
{
	const struct stats_proto *ip = &lwip_stats.ip6, *icmp = &lwip_stats.icmp6;
	const struct { const char *name; unsigned v; } rows[] = {
		{ "Ip6InReceives", ip->recv }, { "Ip6InHdrErrors", ip->lenerr + ip->opterr },
		{ "Ip6InNoRoutes", ip->rterr }, { "Ip6InUnknownProtos", ip->proterr },
		{ "Ip6InDiscards", ip->drop }, { "Ip6OutForwDatagrams", ip->fw },
		{ "Ip6OutRequests", ip->xmit }, { "Icmp6InMsgs", icmp->recv },
		{ "Icmp6InErrors", icmp->lenerr + icmp->memerr },
		{ "Icmp6OutMsgs", icmp->xmit + lwip_stats.nd6.xmit + lwip_stats.mld6.tx_join },
		{ "Icmp6InCsumErrors", icmp->chkerr },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		fprintf(f, "%-32s\t%u\n", rows[i].name, rows[i].v);
}

static void netstat(FILE *f, struct engine *e)
{
	struct link_stats sum = { 0 };

	for (struct iface *i = e->ifaces; i; i = i->next) {
		sum.rx_bytes += iface_stats(i)->rx_bytes;
		sum.tx_bytes += iface_stats(i)->tx_bytes;
	}
	fprintf(f, "IpExt: InOctets OutOctets\nIpExt: %llu %llu\n",
		(unsigned long long)sum.rx_bytes, (unsigned long long)sum.tx_bytes);
}

/* ---- groups ---- */

static void igmp(FILE *f, struct engine *e)
{
	fputs("Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n", f);
	for (struct iface *i = e->ifaces; i; i = i->next) {
		const struct igmp_group *g = netif_igmp_data(i->netif);
		unsigned n = 0;

		for (const struct igmp_group *k = g; k; k = k->next)
			n++;
		fprintf(f, "%u\t%-10s: %5u %7s\n", (unsigned)netif_get_index(i->netif), i->name, n, "V2");
		for (; g; g = g->next)
			fprintf(f, "\t\t\t\t%08X %5d %d:%08lX\t\t%d\n", (unsigned)ip4_addr_get_u32(&g->group_address),
				g->use ? g->use : 1, g->timer != 0, (unsigned long)g->timer * 10,
				g->last_reporter_flag);
	}
}

static void igmp6(FILE *f, struct engine *e)
{
	for (struct iface *i = e->ifaces; i; i = i->next)
		for (const struct mld_group *g = netif_mld6_data(i->netif); g; g = g->next) {
			const uint32_t *a = g->group_address.addr;

			fprintf(f, "%-4u %-15s %08x%08x%08x%08x %5d %08X %ld\n",
				(unsigned)netif_get_index(i->netif), i->name, lwip_htonl(a[0]),
				lwip_htonl(a[1]), lwip_htonl(a[2]), lwip_htonl(a[3]),
				g->use ? g->use : 1, 4u, (long)g->timer);
		}
}

/* ---- settings ---- */

static void port_range(FILE *f, struct engine *e)
{
	fprintf(f, "%u\t%u\n", e->tcp_ports.min, e->tcp_ports.max);
}

static void forwarding(FILE *f, struct engine *e)
{
	fprintf(f, "%d\n", !!(e->forward_all & PORT_FORWARD4));
}

static void forwarding6(FILE *f, struct engine *e)
{
	fprintf(f, "%d\n", !!(e->forward_all & PORT_FORWARD6));
}

static void forwarding_default(FILE *f, struct engine *e)
{
	fprintf(f, "%d\n", !!(e->forward & PORT_FORWARD4));
}

static void forwarding6_default(FILE *f, struct engine *e)
{
	fprintf(f, "%d\n", !!(e->forward & PORT_FORWARD6));
}

static void congestion(FILE *f, struct engine *e)
{
	struct sockopt o;

	sockopt_init(&o, AF_INET, SOCK_STREAM);
	fprintf(f, "%s\n", port_congestion_name(o.congestion));
}

static void windows(FILE *f, struct engine *e)
{
	struct sockopt o;

	sockopt_init(&o, AF_INET, SOCK_STREAM);
	fprintf(f, "4096\t%d\t%u\n", o.rcvbuf, (unsigned)TCP_WND);
}

static void send_buffers(FILE *f, struct engine *e)
{
	struct sockopt o;

	sockopt_init(&o, AF_INET, SOCK_STREAM);
	fprintf(f, "4096\t%d\t%u\n", o.sndbuf, (unsigned)TCP_SND_BUF);
}

static const struct {
	const char *name;		/* below /proc */
	const char *text;		/* or fn */
	proc_fn *fn;
} rows[] = {
	{ "net/snmp", NULL, snmp }, { "net/snmp6", NULL, snmp6 }, { "net/netstat", NULL, netstat },
	{ "net/sockstat", NULL, sockstat }, { "net/sockstat6", NULL, sockstat6 },
	{ "net/igmp", NULL, igmp }, { "net/igmp6", NULL, igmp6 },

	{ "sys/net/core/somaxconn", "4096\n", NULL },
	{ "sys/net/core/rmem_default", "212992\n", NULL }, { "sys/net/core/wmem_default", "212992\n", NULL },
	{ "sys/net/core/rmem_max", "4194304\n", NULL }, { "sys/net/core/wmem_max", "4194304\n", NULL },
	{ "sys/net/ipv4/ip_local_port_range", NULL, port_range },
	{ "sys/net/ipv4/ip_unprivileged_port_start", "0\n", NULL },
	{ "sys/net/ipv4/ping_group_range", "0\t2147483647\n", NULL },
	{ "sys/net/ipv4/ip_default_ttl", "64\n", NULL },
	{ "sys/net/ipv4/ip_forward", NULL, forwarding },
	{ "sys/net/ipv4/conf/all/forwarding", NULL, forwarding },
	{ "sys/net/ipv4/conf/default/forwarding", NULL, forwarding_default },
	{ "sys/net/ipv6/conf/all/forwarding", NULL, forwarding6 },
	{ "sys/net/ipv6/conf/default/forwarding", NULL, forwarding6_default },
	{ "sys/net/ipv6/conf/all/disable_ipv6", "0\n", NULL },
	{ "sys/net/ipv6/conf/default/disable_ipv6", "0\n", NULL },
	{ "sys/net/ipv6/bindv6only", "0\n", NULL },
	{ "sys/net/ipv4/tcp_congestion_control", NULL, congestion },
	{ "sys/net/ipv4/tcp_available_congestion_control", "reno cubic\n", NULL },
	{ "sys/net/ipv4/tcp_allowed_congestion_control", "reno cubic\n", NULL },
	{ "sys/net/ipv4/tcp_rmem", NULL, windows }, { "sys/net/ipv4/tcp_wmem", NULL, send_buffers },
	{ "sys/net/ipv4/tcp_sack", "1\n", NULL }, { "sys/net/ipv4/tcp_timestamps", "1\n", NULL },
	{ "sys/net/ipv4/tcp_window_scaling", "1\n", NULL }, { "sys/net/ipv4/tcp_ecn", "0\n", NULL },
	{ "sys/net/ipv4/tcp_syncookies", "0\n", NULL }, { "sys/net/ipv4/tcp_syn_retries", "6\n", NULL },
	{ "sys/net/ipv4/tcp_fin_timeout", "60\n", NULL },
	{ "sys/net/ipv4/tcp_keepalive_time", "7200\n", NULL },
	{ "sys/net/ipv4/tcp_keepalive_intvl", "75\n", NULL },
	{ "sys/net/ipv4/tcp_keepalive_probes", "9\n", NULL },
	{ "sys/net/ipv4/icmp_echo_ignore_all", "0\n", NULL },
};

static int write_text(struct engine *e, const char *name, FILE *f)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		if (rows[i].fn)
			rows[i].fn(f, e);
		else
			fputs(rows[i].text, f);
		return 0;
	}
	return -ENOENT;
}

/**
 * engine_proc() - A piece of a file
 * @name:	its path below /proc
 * @offset:	where the piece begins
 * @piece, @size: room for it
 *
 * Return: bytes, 0 at the end; -ENOENT: no such file here, -ENOMEM
 */
int engine_proc(struct engine *e, const char *name, size_t offset, void *piece, size_t size)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int ret;

	if (!f)
		return -ENOMEM;
	ret = write_text(e, name, f);
	if (fclose(f) && !ret)
		ret = -ENOMEM;
	if (!ret && offset < len) {
		ret = (int)(len - offset < size ? len - offset : size);
		memcpy(piece, text + offset, (size_t)ret);
	}
	free(text);
	return ret;
}
