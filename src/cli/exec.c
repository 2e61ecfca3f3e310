/* exec.c - ustack exec, ip, ss, ping: run a program on a stack
 *
 * Theory of operation
 * Only command lines are read here; run.c does the rest.  Options stand before
 * the stack's name; everything behind it is the command's.  "--" in the name's
 * place means the user's default stack.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"

#define DEFAULT_STACK	"default"

/* what stands behind the options: 0, or -1 when there is too little */
static int take_command(struct run *r, char **argv)
{
	char **rest = argv + optind;

	if (optind > 1 && !strcmp(rest[-1], "--")) {
		r->stack = DEFAULT_STACK;
	} else {
		if (!*rest)
			return -1;
		r->stack = *rest++;
		if (*rest && !strcmp(*rest, "--"))
			rest++;
	}
	r->argv = rest;
	return *rest ? 0 : -1;
}

static int run_exec(const struct command *cmd, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "family", required_argument, NULL, 'f' },
		{ "lock", no_argument, NULL, 'l' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	struct run r = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "+f:v", longs, NULL)) != -1) {
		switch (c) {
		case 'f':
			r.families = optarg;
			break;
		case 'l':
			r.lock = true;
			break;
		case 'v':
			r.verbose = true;
			break;
		default:
			cli_usage(cmd);
			return CLI_EXEC_FAILED;
		}
	}
	if (take_command(&r, argv) < 0) {
		cli_usage(cmd);
		return CLI_EXEC_FAILED;
	}
	return cli_run(&r);
}

/* ustack ip NAME ARG...: the command is its own program */
static int run_tool(const struct command *cmd, int argc, char **argv)
{
	struct run r = { .stack = DEFAULT_STACK };

	if (argc < 2 || (argv[1][0] == '-' && strcmp(argv[1], "--") != 0)) {
		cli_usage(cmd);
		return CLI_EXEC_FAILED;
	}
	if (strcmp(argv[1], "--") != 0)
		r.stack = argv[1];
	argv[1] = (char *)cmd->name;
	r.argv = argv + 1;
	return cli_run(&r);
}

const struct command exec_command = {
	"exec", "[-v] [-f FAMILY] [--lock] NAME|PATH|CONFIG [--] COMMAND [ARG]...",
	"run a program on a stack",
"Run COMMAND with its network on the stack, by USTACK and LD_PRELOAD, which\n"
"what it starts inherits.  Everything after the stack's name is COMMAND's;\n"
"without a name (\"ustack exec -- COMMAND\") it is the stack called default.\n\n"
"  -f FAMILY  only these families of sockets are the stack's, the others are the\n"
"             kernel's: inet, inet6, netlink, packet, ip, joined by commas; -NAME:\n"
"             all but it\n"
"  --lock     let the kernel refuse COMMAND and what it starts every socket that\n"
"             would lead round the stack (seccomp); nothing gains privileges\n"
"  -v         say on which stack it runs\n\n"
"With a configuration (it has a '=') the stack is started when it is first\n"
"used and ends after its last user, and so is the stack called default if there\n"
"is a ~/.config/ustack/default.conf.  \"null\" is no network, \"host\" the kernel's.\n\n"
"Exit status: COMMAND's; 125 the stack or the shim is missing, 126 COMMAND\n"
"cannot be run, 127 it is not found.\n",
	run_exec,
};

#define TOOL(name, man) \
	name, "NAME|PATH|CONFIG [ARG]...", "run " man " on a stack", \
	"Short for \"ustack exec NAME " name " ARG...\"; \"--\" in place of NAME: the stack\n" \
	"called default.\n", run_tool

const struct command ip_command = { TOOL("ip", "ip(8)") };
const struct command ss_command = { TOOL("ss", "ss(8)") };
const struct command ping_command = { TOOL("ping", "ping(8)") };
