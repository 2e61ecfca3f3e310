/* options.c - the command line of ustackd
 *
 * Theory of operation
 * Options are read into a struct and nothing is done with them here; what
 * they mean together (which name, which descriptors) is main.c's.  A wrong
 * command line ends the program at once with status 2.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "daemon/options.h"

enum {
	OPT_DAEMON = 256, OPT_PID_FILE, OPT_READY_FD, OPT_CONTROL_FD,
	OPT_ON_DEMAND, OPT_HELP, OPT_VERSION,
};

static const struct option longs[] = {
	{ "name", required_argument, NULL, 'n' },
	{ "path", required_argument, NULL, 'p' },
	{ "options", required_argument, NULL, 'o' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "daemon", no_argument, NULL, OPT_DAEMON },
	{ "pid-file", required_argument, NULL, OPT_PID_FILE },
	{ "ready-fd", required_argument, NULL, OPT_READY_FD },
	{ "control-fd", required_argument, NULL, OPT_CONTROL_FD },
	{ "on-demand", no_argument, NULL, OPT_ON_DEMAND },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static const char usage[] =
"usage: ustackd [-n NAME | -p PATH] [-o CONFIG] [options]\n"
"Run a TCP/IP stack of its own for the programs that ask for it by name.\n"
"\n"
"  -n, --name NAME      name of the stack (\"default\")\n"
"  -p, --path PATH      its control socket instead of a name\n"
"  -o, --options CONFIG interfaces and addresses, for example\n"
"                       vnl=vxvde://234.0.0.1,ip=10.0.0.1/24\n"
"      --daemon         run in the background; return when the stack is ready\n"
"      --pid-file FILE  write the process id to FILE\n"
"      --ready-fd N     write \"ready\" or the reason of a failure to descriptor N\n"
"      --control-fd N   serve the connection on descriptor N; end when it hangs up\n"
"      --on-demand      end when nobody has used the stack for a second\n"
"  -v, --verbose        say more; twice: everything\n"
"      --help, --version\n";

static int bad_usage(void)
{
	fputs("Try \"ustackd --help\".\n", stderr);
	return -EINVAL;
}

static int parse_fd(const char *what, const char *s, int *fd)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(s, &end, 10);
	if (!*s || *end || errno || n < 0 || n > INT_MAX ||
	    fcntl((int)n, F_GETFD) < 0) {
		fprintf(stderr, "ustackd: %s \"%s\": not the number of an open descriptor\n",
			what, s);
		return -EINVAL;
	}
	*fd = (int)n;
	return 0;
}

static int add_config(struct options *o, const char *s)
{
	char *joined;

	if (!*s)
		return 0;
	if (asprintf(&joined, "%s%s%s", o->config, *o->config ? "," : "", s) < 0) {
		fputs("ustackd: out of memory\n", stderr);
		return -ENOMEM;
	}
	free(o->config);
	o->config = joined;
	return 0;
}

static int take(struct options *o, int c)
{
	switch (c) {
	case 'n':
		o->name = optarg;
		return 0;
	case 'p':
		o->path = optarg;
		return 0;
	case 'o':
		return add_config(o, optarg);
	case 'v':
		o->verbose++;
		return 0;
	case OPT_DAEMON:
		o->daemonise = true;
		return 0;
	case OPT_PID_FILE:
		o->pid_file = optarg;
		return 0;
	case OPT_READY_FD:
		return parse_fd("--ready-fd", optarg, &o->ready_fd);
	case OPT_CONTROL_FD:
		return parse_fd("--control-fd", optarg, &o->control_fd);
	case OPT_ON_DEMAND:
		o->on_demand = true;
		return 0;
	case OPT_HELP:
		fputs(usage, stdout);
		return 1;
	case OPT_VERSION:
		puts("ustackd " PACKAGE_VERSION);
		return 1;
	default:
		return bad_usage();	/* getopt_long(3) has said what is wrong */
	}
}

static int check(const struct options *o, int argc, char **argv)
{
	if (optind < argc) {
		fprintf(stderr, "ustackd: argument \"%s\": not expected (a configuration is given by -o, a name by -n)\n",
			argv[optind]);
		return bad_usage();
	}
	if (o->name && o->path) {
		fprintf(stderr, "ustackd: -n \"%s\" and -p \"%s\": only one of them can name the stack\n",
			o->name, o->path);
		return bad_usage();
	}
	if (o->path && !strchr(o->path, '/')) {
		fprintf(stderr, "ustackd: -p \"%s\": not a path (write \"./%s\", or -n %s for a name)\n",
			o->path, o->path, o->path);
		return bad_usage();
	}
	if (o->daemonise && o->control_fd >= 0) {
		fputs("ustackd: --daemon and --control-fd: a private stack ends with its starter and stays its child (leave --daemon out)\n",
		      stderr);
		return bad_usage();
	}
	return 0;
}

/**
 * options_parse() - Read the command line
 * @o:	filled in; release with options_free(), whatever is returned
 *
 * Return: 0; 1 when the answer was printed (--help, --version); or -errno
 * after a message on stderr
 */
int options_parse(int argc, char **argv, struct options *o)
{
	int c, ret;

	*o = (struct options){ .ready_fd = -1, .control_fd = -1 };
	o->config = strdup("");
	if (!o->config)
		return -ENOMEM;
	while ((c = getopt_long(argc, argv, "n:p:o:v", longs, NULL)) != -1) {
		ret = take(o, c);
		if (ret)
			return ret;
	}
	return check(o, argc, argv);
}

/**
 * options_free() - Release what options_parse() allocated
 */
void options_free(struct options *o)
{
	free(o->config);
	o->config = NULL;
}
