/* proc_unix.c - /proc/net/unix without what are no AF_UNIX sockets to programs
 *
 * Theory of operation
 * The kernel lists the application's end of each of our pairs here.  lsof(8) asks
 * this table before those of TCP and UDP, and so took every socket of a stack for
 * one of AF_UNIX.  The lines with the inode of a socket that the stack has are left
 * out; all others are the kernel's own, the daemon's ends among them.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/inet_diag.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include "client/nlquery.h"
#include "client/sys.h"
#include "preload/procnet.h"

#define INODE_COLUMN	7		/* Num RefCount Protocol Flags Type St Inode Path */

struct inodes {
	uint32_t *v;
	size_t n, room;
	bool failed;
};

static void add(struct inodes *s, uint32_t inode)
{
	uint32_t *grown;

	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 256;
		grown = realloc(s->v, s->room * sizeof(*s->v));
		if (!grown) {
			s->failed = true;
			return;
		}
		s->v = grown;
	}
	s->v[s->n++] = inode;
}

static void on_sock(const struct nlmsghdr *h, void *arg)
{
	struct inodes *s = arg;
	struct inet_diag_msg inet;
	struct packet_diag_msg packet;
	struct netlink_diag_msg nl;
	const void *body = NLMSG_DATA(h);
	uint8_t family;

	if (s->failed || h->nlmsg_len < NLMSG_LENGTH(sizeof(packet)))
		return;
	memcpy(&family, body, sizeof(family));
	if (family == AF_PACKET) {
		memcpy(&packet, body, sizeof(packet));
		add(s, packet.pdiag_ino);
	} else if (family == AF_NETLINK && h->nlmsg_len >= NLMSG_LENGTH(sizeof(nl))) {
		memcpy(&nl, body, sizeof(nl));
		add(s, nl.ndiag_ino);
	} else if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(inet))) {
		memcpy(&inet, body, sizeof(inet));
		add(s, inet.idiag_inode);
	}
}

static int ask_inet(const char *stack, int family, int protocol, struct inodes *s)
{
	struct inet_diag_req_v2 *r;
	struct nlq q;

	r = nlq_begin(&q, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sizeof(*r));
	r->sdiag_family = (uint8_t)family;
	r->sdiag_protocol = (uint8_t)protocol;
	r->idiag_states = ~0u;
	return nlq_run(stack, NETLINK_SOCK_DIAG, &q, on_sock, s);
}

static int ask_other(const char *stack, struct inodes *s)
{
	struct packet_diag_req *p;
	struct netlink_diag_req *n;
	struct nlq q;
	int ret;

	p = nlq_begin(&q, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sizeof(*p));
	p->sdiag_family = AF_PACKET;
	ret = nlq_run(stack, NETLINK_SOCK_DIAG, &q, on_sock, s);
	if (ret)
		return ret;
	n = nlq_begin(&q, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sizeof(*n));
	n->sdiag_family = AF_NETLINK;
	n->sdiag_protocol = NDIAG_PROTO_ALL;
	return nlq_run(stack, NETLINK_SOCK_DIAG, &q, on_sock, s);
}

static int compare(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static int ask(const char *stack, struct inodes *s)
{
	static const int protocols[] = {
		IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_RAW,
	};
	int ret = 0;

	for (int i = 0; !ret && i < 4; i++) {
		ret = ask_inet(stack, AF_INET, protocols[i], s);
		if (!ret)
			ret = ask_inet(stack, AF_INET6, protocols[i], s);
	}
	if (!ret)
		ret = ask_other(stack, s);
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), compare);
	return ret ? ret : s->failed ? -ENOMEM : 0;
}

static bool is_ours(const char *line, const struct inodes *s)
{
	const char *p = line;
	uint32_t inode;

	for (int column = 1; column < INODE_COLUMN; column++) {
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	inode = (uint32_t)strtoul(p, NULL, 10);
	return inode && s->n && bsearch(&inode, s->v, s->n, sizeof(*s->v), compare);
}

/* proc_unix() - /proc/net/unix */
int proc_unix(FILE *f, const char *stack, int family)
{
	FILE *kernel = sys_fopen("/proc/net/unix", "re");
	struct inodes s = { .n = 0 };
	size_t room = 0;
	char *line = NULL;
	int ret = kernel ? 0 : -errno;

	if (!ret && stack)
		ret = ask(stack, &s);
	while (!ret && getline(&line, &room, kernel) > 0)
		if (!is_ours(line, &s))
			fputs(line, f);
	free(line);
	free(s.v);
	if (kernel)
		fclose(kernel);
	return ret;
}
