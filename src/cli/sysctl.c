/* sysctl.c - ustack sysctl: whether a stack's interfaces forward
 *
 * Theory of operation
 * sysctl(8) writes below /proc/sys, which is the kernel's; a stack keeps the few
 * settings that it has where RTM_GETNETCONF shows them, and takes RTM_NEWNETCONF
 * as a request to change one.  The keys are the kernel's:
 * net.ipv4.ip_forward, net.{ipv4,ipv6}.conf.{all,default,DEV}.forwarding.  An
 * interface's name may contain a dot: what is between "conf." and the last dot.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "cli/cli.h"

struct setting {
	int family;
	char dev[IFNAMSIZ];		/* "all", "default" or an interface */
};

struct request {
	struct nlmsghdr h;
	union {
		struct ifinfomsg link;
		struct netconfmsg conf;
	} f;
	char attrs[128];
};

static void begin(struct request *r, unsigned short type, unsigned short flags, size_t header)
{
	memset(r, 0, sizeof(*r));
	r->h.nlmsg_len = (unsigned)NLMSG_LENGTH(header);
	r->h.nlmsg_type = type;
	r->h.nlmsg_flags = NLM_F_REQUEST | flags;
	r->h.nlmsg_seq = 1;
}

static void put(struct request *r, unsigned short type, const void *val, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->h.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), val, len);
	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + (unsigned)RTA_ALIGN(a->rta_len);
}

/* false: the stack has no such setting */
static bool parse_key(const char *key, struct setting *s)
{
	const char *dev, *dot;

	if (!strcmp(key, "net.ipv4.ip_forward"))
		key = "net.ipv4.conf.all.forwarding";
	if (strncmp(key, "net.ipv4.conf.", 14) && strncmp(key, "net.ipv6.conf.", 14))
		return false;
	s->family = key[7] == '4' ? AF_INET : AF_INET6;
	dev = key + 14;
	dot = strrchr(dev, '.');
	if (!dot || strcmp(dot, ".forwarding") || dot == dev || dot - dev >= IFNAMSIZ)
		return false;
	memcpy(s->dev, dev, (size_t)(dot - dev));
	s->dev[dot - dev] = '\0';
	return true;
}

static int find_index(const char *path, const struct setting *s, int *index)
{
	union cli_rtnl_answer u;
	struct request r;
	char why[300];
	int ret;

	*index = !strcmp(s->dev, "all") ? NETCONFA_IFINDEX_ALL : NETCONFA_IFINDEX_DEFAULT;
	if (!strcmp(s->dev, "all") || !strcmp(s->dev, "default"))
		return 0;
	begin(&r, RTM_GETLINK, 0, sizeof(r.f.link));
	put(&r, IFLA_IFNAME, s->dev, strlen(s->dev) + 1);
	ret = cli_rtnl_ask(path, &r.h, &u, why, sizeof(why));
	if (!ret)
		*index = ((const struct ifinfomsg *)NLMSG_DATA(&u.h))->ifi_index;
	return ret;
}

/* the value, or -errno */
static int read_value(const union cli_rtnl_answer *u)
{
	const size_t skip = NLMSG_SPACE(sizeof(struct netconfmsg));
	const struct rtattr *a = (const void *)((const char *)u + skip);
	int left = (int)u->h.nlmsg_len - (int)skip;

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == NETCONFA_FORWARDING && RTA_PAYLOAD(a) >= sizeof(int))
			return *(const int *)RTA_DATA(a);
	return -EPROTO;
}

/* change it (@value: 0 or 1) or read it (-1): the value, or -errno */
static int apply(const char *path, const struct setting *s, int value, char *why, size_t size)
{
	union cli_rtnl_answer u;
	struct request r;
	int index, ret = find_index(path, s, &index);

	if (ret)
		return ret;
	if (value < 0)
		begin(&r, RTM_GETNETCONF, 0, sizeof(r.f.conf));
	else
		begin(&r, RTM_NEWNETCONF, NLM_F_ACK, sizeof(r.f.conf));
	r.f.conf.ncm_family = (unsigned char)s->family;
	put(&r, NETCONFA_IFINDEX, &index, sizeof(index));
	if (value >= 0)
		put(&r, NETCONFA_FORWARDING, &value, sizeof(value));
	ret = cli_rtnl_ask(path, &r.h, &u, why, size);
	if (ret || value >= 0)
		return ret ? ret : value;
	return read_value(&u);
}

static int one(const char *stack, const char *path, char *arg)
{
	char *eq = strchr(arg, '='), why[300] = "";
	struct setting s;
	int value = -1;

	if (eq)
		*eq = '\0';
	if (!parse_key(arg, &s)) {
		cli_error("sysctl: key \"%s\": a stack has no such setting (valid: net.ipv4.ip_forward, "
			  "net.ipv4.conf.DEV.forwarding, net.ipv6.conf.DEV.forwarding; DEV may be all or default)",
			  arg);
		return CLI_USAGE;
	}
	if (eq && (eq[1] != '0' || eq[2]) && (eq[1] != '1' || eq[2])) {
		cli_error("sysctl: %s=%s: 0 or 1 is needed", arg, eq + 1);
		return CLI_USAGE;
	}
	if (eq)
		value = eq[1] - '0';
	value = apply(path, &s, value, why, sizeof(why));
	if (value < 0) {
		cli_error("stack \"%s\": %s: %s", stack, arg,
			  *why ? why : value == -ENODEV ? "there is no such interface" : strerror(-value));
		return CLI_FAILED;
	}
	printf("%s = %d\n", arg, value);
	return 0;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct stackname sn;
	int fd, status = 0;

	if (argc < 3 || argv[1][0] == '-' || argv[2][0] == '-')
		return cli_usage(cmd);
	fd = cli_daemon(argv[1], &sn);
	if (fd < 0)
		return CLI_FAILED;
	close(fd);
	for (int i = 2; i < argc && !status; i++)
		status = one(argv[1], sn.path, argv[i]);
	return status;
}

const struct command sysctl_command = {
	"sysctl", "NAME|PATH KEY[=VALUE]...", "read and change a stack's settings",
"Prints each setting, after changing those that are given a value.  The keys are\n"
"the kernel's; a stack has\n\n"
"    net.ipv4.ip_forward                 forward IPv4 packets, all interfaces\n"
"    net.ipv4.conf.DEV.forwarding        those that come in by DEV\n"
"    net.ipv6.conf.DEV.forwarding        the same for IPv6\n\n"
"where DEV is an interface, \"all\", or \"default\" for those to come.\n\n"
"    ustack sysctl lab net.ipv4.ip_forward=1\n",
	run,
};
