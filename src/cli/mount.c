/* mount.c - ustack mount: start a named stack
 *
 * Theory of operation
 * We become `ustackd --daemon`: it returns when the stack is ready and prints
 * why when it is not, so its message and status are ours.  The stack called
 * default takes the user's own configuration if the command line has none.
 * For -t null nothing is started (null.c).
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "proto/userconf.h"

#define OPTIONS_MAX	64
#define DEFAULT_STACK	"default"

struct mount {
	const char *name;
	const char *type;
	char *opts[OPTIONS_MAX];
	int nopts;
	bool verbose;
};

static int become_daemon(const struct mount *m)
{
	char *args[2 * OPTIONS_MAX + 8], path[PATH_MAX];
	int n = 0;

	if (!cli_find_daemon(path)) {
		cli_error("ustackd: cannot run %s: %s (set USTACKD to its path)",
			  path, strerror(errno));
		return CLI_FAILED;
	}
	args[n++] = path;
	args[n++] = "--daemon";
	if (m->verbose)
		args[n++] = "-v";
	args[n++] = strchr(m->name, '/') ? "-p" : "-n";
	args[n++] = (char *)m->name;
	for (int i = 0; i < m->nopts; i++) {
		args[n++] = "-o";
		args[n++] = m->opts[i];
	}
	args[n] = NULL;
	execv(path, args);
	cli_error("%s: cannot run it: %s", path, strerror(errno));
	return CLI_FAILED;
}

static int mount_null(const struct mount *m)
{
	struct stackname sn;
	char err[512];

	if (m->nopts) {
		cli_error("mount -t null: -o \"%s\": null has nothing to configure", m->opts[0]);
		return CLI_FAILED;
	}
	if (stackname_resolve(m->name, true, &sn, err, sizeof(err)) < 0) {
		cli_error("%s", err);
		return CLI_FAILED;
	}
	return null_mount(m->name, &sn);
}

static int mount_lwip(struct mount *m)
{
	char err[512];
	int ret;

	if (!m->nopts && !strcmp(m->name, DEFAULT_STACK)) {
		ret = userconf_read(&m->opts[0], err, sizeof(err));
		if (ret && ret != -ENOENT) {
			cli_error("%s", err);
			return CLI_FAILED;
		}
		m->nopts = !ret;
	}
	return become_daemon(m);
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct mount m = { .name = DEFAULT_STACK, .type = "lwip" };
	int c;

	while ((c = getopt(argc, argv, "o:t:v")) != -1) {
		if (c == 'v') {
			m.verbose = true;
		} else if (c == 't') {
			m.type = optarg;
		} else if (c == 'o' && m.nopts < OPTIONS_MAX) {
			m.opts[m.nopts++] = optarg;
		} else {
			if (c == 'o')
				cli_error("-o \"%s\": too many (at most %d; join them with commas)",
					  optarg, OPTIONS_MAX);
			return cli_usage(cmd);
		}
	}
	if (argc - optind > 1)
		return cli_usage(cmd);
	if (argc > optind)
		m.name = argv[optind];
	if (!strcmp(m.type, "null"))
		return mount_null(&m);
	if (!strcmp(m.type, "lwip"))
		return mount_lwip(&m);
	cli_error("mount: type \"%s\": there is none of that name (lwip, null)", m.type);
	return CLI_USAGE;
}

const struct command mount_command = {
	"mount", "[-v] [-t lwip|null] [-o CONFIG]... [NAME|PATH]", "start a stack",
"Start a stack in the background; return when programs can use it.\n\n"
"  -o CONFIG  its interfaces and addresses (repeatable), for example\n"
"             vnl=vxvde://234.0.0.1,ip=10.0.0.1/24\n"
"  -t null    no stack: a name or path for no network at all\n"
"  -v         say when it is ready\n\n"
"Without a name it is the stack called default; that one is configured by\n"
"~/.config/ustack/default.conf if there is no -o.\n\n"
"Exit status: 0 ready, 1 failed, 2 wrong usage, 3 a stack of that name is running.\n",
	run,
};
