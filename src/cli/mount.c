/* mount.c - ustack mount: start a named stack
 *
 * Theory of operation
 * We become `ustackd --daemon`: it returns when the stack is ready and prints
 * why when it is not, so its message and status are ours.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"

#define OPTIONS_MAX	64

static int become_daemon(const char *name, char **opts, int nopts, bool verbose)
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
	if (verbose)
		args[n++] = "-v";
	args[n++] = strchr(name, '/') ? "-p" : "-n";
	args[n++] = (char *)name;
	for (int i = 0; i < nopts; i++) {
		args[n++] = "-o";
		args[n++] = opts[i];
	}
	args[n] = NULL;
	execv(path, args);
	cli_error("%s: cannot run it: %s", path, strerror(errno));
	return CLI_FAILED;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	char *opts[OPTIONS_MAX];
	bool verbose = false;
	int c, nopts = 0;

	while ((c = getopt(argc, argv, "o:v")) != -1) {
		if (c == 'v') {
			verbose = true;
		} else if (c == 'o' && nopts < OPTIONS_MAX) {
			opts[nopts++] = optarg;
		} else {
			if (c == 'o')
				cli_error("-o \"%s\": too many (at most %d; join them with commas)",
					  optarg, OPTIONS_MAX);
			return cli_usage(cmd);
		}
	}
	if (argc - optind != 1)
		return cli_usage(cmd);
	return become_daemon(argv[optind], opts, nopts, verbose);
}

const struct command mount_command = {
	"mount", "[-v] [-o CONFIG]... NAME|PATH", "start a stack",
"Start a stack in the background; return when programs can use it.\n\n"
"  -o CONFIG  its interfaces and addresses (repeatable), for example\n"
"             vnl=vxvde://234.0.0.1,ip=10.0.0.1/24\n"
"  -v         say when it is ready\n\n"
"Exit status: 0 ready, 1 failed, 2 wrong usage, 3 a stack of that name is running.\n",
	run,
};
