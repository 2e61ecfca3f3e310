/* umount.c - ustack umount: end a stack
 *
 * Theory of operation
 * The daemon answers MSG_OP_STOP at once, closes its connections, and hangs
 * up on us as the last thing it does: then the name is free again.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"

#define END_MS	15000

static int stop(const char *name, const char *path)
{
	struct msg m;
	int fd = ctl_connect(path), ret;

	if (fd == -ENOENT || fd == -ECONNREFUSED) {
		cli_error("stack \"%s\" is not running (no daemon at %s)", name, path);
		return CLI_FAILED;
	}
	if (fd < 0) {
		cli_error("stack \"%s\": cannot connect to %s: %s", name, path,
			  strerror(-fd));
		return CLI_FAILED;
	}
	ret = ctl_call(fd, &m, MSG_OP_STOP, 0);
	/* somebody else may have stopped it before we asked */
	if (ret == 0 || ret == -ECONNRESET || ret == -EPIPE)
		ret = ctl_wait_end(fd, END_MS);
	close(fd);
	if (ret) {
		cli_error("stack \"%s\": cannot stop it: %s (ustack ls tells its pid)",
			  name, strerror(-ret));
		return CLI_FAILED;
	}
	return 0;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct stackname sn;
	char err[512];

	if (argc != 2 || argv[1][0] == '-')
		return cli_usage(cmd);
	if (stackname_resolve(argv[1], false, &sn, err, sizeof(err)) < 0) {
		cli_error("%s", err);
		return CLI_FAILED;
	}
	if (sn.kind == STACKNAME_NULL || sn.kind == STACKNAME_HOST) {
		cli_error("stack \"%s\": there is no daemon behind that name", argv[1]);
		return CLI_FAILED;
	}
	return stop(argv[1], sn.path);
}

const struct command umount_command = {
	"umount", "NAME|PATH", "end a stack",
"End a stack and its connections; return when it is gone.\n"
"A configuration in place of a name ends the stack started on demand for it.\n",
	run,
};
