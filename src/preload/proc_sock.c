/* proc_sock.c - the tables of sockets in /proc/net
 *
 * Theory of operation
 * A dump of sock_diag gives the sockets; the lines are tcp4_seq_show()'s and
 * its kin's, of which every program knows the columns by heart.  The column "sl"
 * counts, "sk" (an address in the kernel) is a part of the socket's cookie.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/inet_diag.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include "client/nlquery.h"
#include "preload/procnet.h"

#define USER_HZ		100		/* of jiffies_to_clock_t() */
#define ALL_STATES	0xffffffffu
#define TIME_WAIT	6		/* include/net/tcp_states.h */
#define LISTEN		10
#define TCP_WIDTH	149
#define UDP_WIDTH	127

struct out {
	FILE *f;
	unsigned n;
	int protocol, width;
};

/* the lines of the oldest files are filled up with blanks (seq_pad()) */
static void end_line(struct out *o, long begin)
{
	long used = ftell(o->f) - begin;

	fprintf(o->f, "%*s\n", o->width > used ? (int)(o->width - used) : 0, "");
}

/* each word as a number in host order: that is what the kernel prints */
static void put_end(FILE *f, int family, const uint32_t addr[4], uint16_t port)
{
	for (int i = 0; i < (family == AF_INET6 ? 4 : 1); i++)
		fprintf(f, "%08X", addr[i]);
	fprintf(f, ":%04X", port);
}

static void put_ends(struct out *o, const struct inet_diag_msg *m, int width)
{
	fprintf(o->f, "%*u: ", width, o->n++);
	put_end(o->f, m->idiag_family, m->id.idiag_src, ntohs(m->id.idiag_sport));
	fputc(' ', o->f);
	put_end(o->f, m->idiag_family, m->id.idiag_dst, ntohs(m->id.idiag_dport));
	fprintf(o->f, " %02X %08X:%08X %02X:%08X %08X", m->idiag_state, m->idiag_wqueue,
		m->idiag_rqueue, m->idiag_timer, m->idiag_expires * USER_HZ / 1000, m->idiag_retrans);
}

/* in a listener's line the second queue is the one of connections, the first nothing */
static void tcp_line(const struct nlmsghdr *h, void *arg)
{
	struct out *o = arg;
	struct inet_diag_msg m;
	long begin;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(m)))
		return;
	memcpy(&m, NLMSG_DATA(h), sizeof(m));
	if (m.idiag_state == LISTEN)
		m.idiag_wqueue = 0;
	begin = ftell(o->f);
	put_ends(o, &m, 4);
	if (m.idiag_state == TIME_WAIT)
		fprintf(o->f, " %5d %8d %d %d %016x", 0, 0, 0, 3, m.id.idiag_cookie[0]);
	else
		fprintf(o->f, " %5u %8d %u 1 %016x 20 4 0 10 -1", m.idiag_uid, 0, m.idiag_inode,
			m.id.idiag_cookie[0]);
	end_line(o, begin);
}

static void dgram_line(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *tb[INET_DIAG_MAX + 1];
	uint32_t mem[SK_MEMINFO_VARS];
	struct inet_diag_msg m;
	struct out *o = arg;
	long begin = ftell(o->f);

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(m)))
		return;
	memcpy(&m, NLMSG_DATA(h), sizeof(m));
	nlq_attrs(h, sizeof(m), tb, INET_DIAG_MAX);
	nlq_get(tb[INET_DIAG_SKMEMINFO], mem, sizeof(mem));
	put_ends(o, &m, m.idiag_family == AF_INET6 || o->protocol == IPPROTO_RAW ? 4 : 5);
	fprintf(o->f, " %5u %8d %u 2 %016x %u", m.idiag_uid, 0, m.idiag_inode,
		m.id.idiag_cookie[0], mem[SK_MEMINFO_DROPS]);
	end_line(o, begin);
}

static int inet(FILE *f, const char *stack, int protocol, int family)
{
	struct inet_diag_req_v2 *r;
	struct out o = {
		.f = f, .protocol = protocol,
		.width = family == AF_INET6 ? 0 : protocol == IPPROTO_TCP ? TCP_WIDTH :
			protocol == IPPROTO_RAW ? 0 : UDP_WIDTH,
	};
	struct nlq q;

	if (!stack)
		return 0;
	r = nlq_begin(&q, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sizeof(*r));
	r->sdiag_family = (uint8_t)family;
	r->sdiag_protocol = (uint8_t)protocol;
	r->idiag_states = ALL_STATES;
	r->idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1);
	return nlq_run(stack, NETLINK_SOCK_DIAG, &q, protocol == IPPROTO_TCP ? tcp_line : dgram_line, &o);
}

#define HEAD6	"  sl  local_address                         remote_address                        " \
		"st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"

/* proc_tcp() - /proc/net/tcp, tcp6; in the older one lines are 150 characters long */
int proc_tcp(FILE *f, const char *stack, int family)
{
	if (family == AF_INET6)
		fputs(HEAD6 "\n", f);
	else
		fprintf(f, "%-*s\n", TCP_WIDTH, "  sl  local_address rem_address   st tx_queue rx_queue tr "
			"tm->when retrnsmt   uid  timeout inode");
	return inet(f, stack, IPPROTO_TCP, family);
}

static int dgram(FILE *f, const char *stack, int protocol, int family)
{
	if (family == AF_INET6)
		fputs(HEAD6 " ref pointer drops\n", f);
	else if (protocol != IPPROTO_RAW)
		fprintf(f, "%-*s\n", UDP_WIDTH, "   sl  local_address rem_address   st tx_queue rx_queue tr "
			"tm->when retrnsmt   uid  timeout inode ref pointer drops");
	else
		fputs("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
		      "uid  timeout inode ref pointer drops\n", f);
	return inet(f, stack, protocol, family);
}

/* proc_udp() - /proc/net/udp, udp6 */
int proc_udp(FILE *f, const char *stack, int family)
{
	return dgram(f, stack, IPPROTO_UDP, family);
}

/* proc_udplite() - /proc/net/udplite, udplite6 */
int proc_udplite(FILE *f, const char *stack, int family)
{
	return dgram(f, stack, IPPROTO_UDPLITE, family);
}

/* proc_raw() - /proc/net/raw, raw6 */
int proc_raw(FILE *f, const char *stack, int family)
{
	return dgram(f, stack, IPPROTO_RAW, family);
}

static void packet_line(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *tb[PACKET_DIAG_MAX + 1];
	uint32_t uid, mem[SK_MEMINFO_VARS];
	struct packet_diag_info info;
	struct packet_diag_msg m;
	struct out *o = arg;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(m)))
		return;
	memcpy(&m, NLMSG_DATA(h), sizeof(m));
	nlq_attrs(h, sizeof(m), tb, PACKET_DIAG_MAX);
	nlq_get(tb[PACKET_DIAG_INFO], &info, sizeof(info));
	nlq_get(tb[PACKET_DIAG_UID], &uid, sizeof(uid));
	nlq_get(tb[PACKET_DIAG_MEMINFO], mem, sizeof(mem));
	fprintf(o->f, "%016x %-6d %-4d %04x   %-5u %1d %-6u %-6u %-6u\n", m.pdiag_cookie[0], 3,
		m.pdiag_type, m.pdiag_num, info.pdi_index, m.pdiag_num != 0,
		mem[SK_MEMINFO_RMEM_ALLOC], uid, m.pdiag_ino);
}

/* proc_packet() - /proc/net/packet */
int proc_packet(FILE *f, const char *stack, int family)
{
	struct packet_diag_req *r;
	struct out o = { .f = f };
	struct nlq q;

	fputs("sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n", f);
	if (!stack)
		return 0;
	r = nlq_begin(&q, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sizeof(*r));
	r->sdiag_family = AF_PACKET;
	r->pdiag_show = PACKET_SHOW_INFO | PACKET_SHOW_MEMINFO;
	return nlq_run(stack, NETLINK_SOCK_DIAG, &q, packet_line, &o);
}

static void netlink_line(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *tb[NETLINK_DIAG_MAX + 1];
	uint32_t mem[SK_MEMINFO_VARS], groups;
	struct netlink_diag_msg m;
	struct out *o = arg;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(m)))
		return;
	memcpy(&m, NLMSG_DATA(h), sizeof(m));
	nlq_attrs(h, sizeof(m), tb, NETLINK_DIAG_MAX);
	nlq_get(tb[NETLINK_DIAG_GROUPS], &groups, sizeof(groups));
	nlq_get(tb[NETLINK_DIAG_MEMINFO], mem, sizeof(mem));
	fprintf(o->f, "%016x %-3d %-10u %08x %-8u %-8d %-5d %-8d %-8d %-8u\n", m.ndiag_cookie[0],
		m.ndiag_protocol, m.ndiag_portid, groups, mem[SK_MEMINFO_RMEM_ALLOC], 0, 0, 2, 0,
		m.ndiag_ino);
}

/* proc_netlink() - /proc/net/netlink */
int proc_netlink(FILE *f, const char *stack, int family)
{
	struct netlink_diag_req *r;
	struct out o = { .f = f };
	struct nlq q;

	fputs("sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n", f);
	if (!stack)
		return 0;
	r = nlq_begin(&q, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sizeof(*r));
	r->sdiag_family = AF_NETLINK;
	r->sdiag_protocol = NDIAG_PROTO_ALL;
	r->ndiag_show = NDIAG_SHOW_MEMINFO | NDIAG_SHOW_GROUPS;
	return nlq_run(stack, NETLINK_SOCK_DIAG, &q, netlink_line, &o);
}
