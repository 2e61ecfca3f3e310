/* link.c - ustack link: interfaces of a stack
 *
 * Theory of operation
 * ip(8) does it all but one thing: it knows no type "vde", and so cannot say to
 * which network a new interface belongs.  `add` with `data VNL`, as of
 * VirtualSquare's iplink(1), sends RTM_NEWLINK with the VNL in IFLA_INFO_DATA over a
 * rtnetlink socket of the stack; everything else becomes `ip link` under the shim.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"

#define VDE_VNL		1		/* IFLA_VDE_VNL, in IFLA_INFO_DATA */
#define VNL_LEN		255

struct wanted {
	const char *name, *type, *vnl;
	unsigned mtu;
	unsigned char mac[6];
	bool has_mac;
};

struct request {
	struct nlmsghdr h;
	struct ifinfomsg f;
	char attrs[1024];
};

/* --- the message --- */

static struct rtattr *put(struct request *r, unsigned short type, const void *val, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->h.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), val, len);
	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + (unsigned)RTA_ALIGN(a->rta_len);
	return a;
}

static void end_nest(struct request *r, struct rtattr *nest)
{
	nest->rta_len = (unsigned short)((char *)r + r->h.nlmsg_len - (char *)nest);
}

/* lengths were checked: all of it fits attrs */
static void build(struct request *r, const struct wanted *w)
{
	struct rtattr *info, *data;

	*r = (struct request){ .h = {
		.nlmsg_len = NLMSG_LENGTH(sizeof(r->f)), .nlmsg_type = RTM_NEWLINK, .nlmsg_seq = 1,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK } };
	if (w->name)
		put(r, IFLA_IFNAME, w->name, strlen(w->name) + 1);
	if (w->mtu)
		put(r, IFLA_MTU, &w->mtu, sizeof(w->mtu));
	if (w->has_mac)
		put(r, IFLA_ADDRESS, w->mac, sizeof(w->mac));
	info = put(r, IFLA_LINKINFO, NULL, 0);
	put(r, IFLA_INFO_KIND, w->type, strlen(w->type) + 1);
	data = put(r, IFLA_INFO_DATA, NULL, 0);
	put(r, VDE_VNL, w->vnl, strlen(w->vnl) + 1);
	end_nest(r, data);
	end_nest(r, info);
}

/* 0 or -errno, then with the stack's reason, if it gives one */
static int ask(const char *path, const struct request *r, char *why, size_t size)
{
	union cli_rtnl_answer u;

	return cli_rtnl_ask(path, &r->h, &u, why, size);
}

/* --- the command line --- */

static int bad(const char *what, const char *val, const char *why)
{
	cli_error("link add: %s \"%s\": %s", what, val, why);
	return -EINVAL;
}

static int take_name(struct wanted *w, const char *s)
{
	if (w->name)
		return bad("argument", s, "not expected (valid: name, type, data, mtu, address)");
	if (!*s || strlen(s) >= IFNAMSIZ)
		return bad("name", s, "1 to 15 characters are needed");
	w->name = s;
	return 0;
}

static int take_type(struct wanted *w, const char *s)
{
	w->type = s;
	return 0;
}

static int take_vnl(struct wanted *w, const char *s)
{
	w->vnl = s;
	return 0;
}

static int take_mac(struct wanted *w, const char *s)
{
	char end;

	if (sscanf(s, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &w->mac[0], &w->mac[1], &w->mac[2],
		   &w->mac[3], &w->mac[4], &w->mac[5], &end) != 6)
		return bad("address", s, "six bytes in hexadecimal are needed, 02:00:00:00:00:01");
	w->has_mac = true;
	return 0;
}

static int take_mtu(struct wanted *w, const char *s)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (*end || n < 68 || n > 65535)
		return bad("mtu", s, "a number from 68 to 65535 is needed");
	w->mtu = (unsigned)n;
	return 0;
}

static const struct {
	const char *word;
	int (*take)(struct wanted *w, const char *val);
} words[] = {
	{ "name", take_name }, { "dev", take_name }, { "type", take_type },
	{ "data", take_vnl }, { "vnl", take_vnl }, { "address", take_mac }, { "mtu", take_mtu },
};

/* one keyword with its value, or the name alone: how many words, or -errno */
static int take(struct wanted *w, char **arg)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		int ret;

		if (strcmp(arg[0], words[i].word) != 0)
			continue;
		if (!arg[1])
			return bad("argument", arg[0], "its value is missing");
		ret = words[i].take(w, arg[1]);
		return ret ? ret : 2;
	}
	return take_name(w, arg[0]) ? -EINVAL : 1;
}

static int parse(struct wanted *w, char **arg)
{
	while (*arg) {
		int n = take(w, arg);

		if (n < 0)
			return n;
		arg += n;
	}
	if (!w->type || strcmp(w->type, "vde") != 0)
		return bad("type", w->type ? w->type : "", "only vde takes data");
	if (strlen(w->vnl) > VNL_LEN)
		return bad("data", w->vnl, "at most 255 characters");
	return 0;
}

static int add(const char *stack, char **arg)
{
	struct wanted w = { 0 };
	struct stackname sn;
	struct request r;
	char why[300] = "";
	int fd, ret;

	if (parse(&w, arg) < 0)
		return CLI_USAGE;
	fd = cli_daemon(stack, &sn);
	if (fd < 0)
		return CLI_FAILED;
	close(fd);
	build(&r, &w);
	ret = ask(sn.path, &r, why, sizeof(why));
	if (ret)
		cli_error("stack \"%s\": cannot add %s on %s: %s", stack,
			  w.name ? w.name : "an interface", w.vnl, *why ? why : strerror(-ret));
	return ret ? CLI_FAILED : 0;
}

static bool has_data(char **arg)
{
	for (; *arg; arg++)
		if (!strcmp(*arg, "data") || !strcmp(*arg, "vnl"))
			return true;
	return false;
}

/* link VERB STACK ARG...: ip link VERB ARG... */
static int run(const struct command *cmd, int argc, char **argv)
{
	struct run r = { 0 };
	char **ip;
	int status;

	if (argc < 3 || argv[1][0] == '-' || argv[2][0] == '-')
		return cli_usage(cmd);
	if (!strcmp(argv[1], "add") && has_data(argv + 3))
		return add(argv[2], argv + 3);
	ip = calloc((size_t)argc + 1, sizeof(*ip));
	if (!ip) {
		cli_error("out of memory");
		return CLI_FAILED;
	}
	ip[0] = "ip";
	ip[1] = "link";
	ip[2] = argv[1];
	memcpy(ip + 3, argv + 3, (size_t)(argc - 3) * sizeof(*ip));
	r.stack = argv[2];
	r.argv = ip;
	status = cli_run(&r);
	free(ip);
	return status;
}

const struct command link_command = {
	"link", "add|del|set|show NAME|PATH [ARG]...", "the interfaces of a stack",
"Short for \"ustack ip NAME link VERB ARG...\", and in addition\n\n"
"    ustack link add NAME [name] DEV type vde data VNL [mtu N] [address MAC]\n\n"
"adds an interface on a network of libvdeplug, for which ip(8) has no words:\n\n"
"    ustack link add lab vde1 type vde data vxvde://234.0.0.1\n",
	run,
};
