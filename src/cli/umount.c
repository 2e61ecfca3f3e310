/* umount.c - ustack umount: end a stack
 *
 * Theory of operation
 * The daemon answers MSG_OP_STOP at once, with EBUSY if somebody uses the stack
 * and we do not insist.  Else it closes its connections, and hangs up on us as the
 * last thing it does: then the name is free again.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"

#define END_MS	15000

static int stop(const char *name, int fd, bool force)
{
	struct msg m;
	int ret = ctl_call(fd, &m, MSG_OP_STOP, force ? MSG_STOP_FORCE : 0);

	if (ret == -EBUSY) {
		users_tell(name, fd);
		return CLI_FAILED;
	}
	/* somebody else may have stopped it before we asked */
	if (ret == 0 || ret == -ECONNRESET || ret == -EPIPE)
		ret = ctl_wait_end(fd, END_MS);
	if (ret)
		cli_error("stack \"%s\": cannot stop it: %s (ustack ls tells its pid)",
			  name, strerror(-ret));
	return ret ? CLI_FAILED : 0;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct stackname sn;
	bool force = false;
	const char *name;
	int c, fd, status;

	while ((c = getopt(argc, argv, "f")) != -1) {
		if (c != 'f')
			return cli_usage(cmd);
		force = true;
	}
	if (argc - optind != 1)
		return cli_usage(cmd);
	name = argv[optind];
	if (cli_resolve(name, &sn) < 0)
		return CLI_FAILED;
	if (sn.kind == STACKNAME_NULL && sn.path[0])
		return null_umount(name, &sn);
	fd = cli_daemon(name, &sn);
	if (fd < 0)
		return CLI_FAILED;
	status = stop(name, fd, force);
	close(fd);
	return status;
}

const struct command umount_command = {
	"umount", "[-f] NAME|PATH", "end a stack",
"End a stack; return when it is gone.  One that somebody uses stays, and who\n"
"does is told: processes connected to it, and sockets that are open.\n\n"
"  -f  end it all the same, with its connections\n\n"
"A configuration in place of a name ends the stack started on demand for it.\n",
	run,
};
