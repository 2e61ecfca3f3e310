/* stack.c - from what the user calls a stack to its daemon
 *
 * Theory of operation
 * What every command says when a name makes no sense or nobody answers.  No
 * state.
 */
#include <errno.h>
#include <string.h>
#include "cli/cli.h"

/**
 * cli_resolve() - stackname_resolve(), which says itself what is wrong
 *
 * Return: 0 or -errno
 */
int cli_resolve(const char *name, struct stackname *sn)
{
	char err[512];
	int ret = stackname_resolve(name, false, sn, err, sizeof(err));

	if (ret)
		cli_error("%s", err);
	return ret;
}

/**
 * cli_cannot_reach() - Say why there is no connection to a stack
 * @err:	of ctl_connect() or ctl_call()
 */
void cli_cannot_reach(const char *name, const struct stackname *sn, int err)
{
	if (err == -ENOENT || err == -ECONNREFUSED)
		cli_error("stack \"%s\" is not running: no daemon at %s (start it by \"ustack mount %s\")",
			  name, sn->path, name);
	else
		cli_error("stack \"%s\": cannot ask its daemon at %s: %s", name, sn->path,
			  strerror(-err));
}

/**
 * cli_daemon() - Connect to the daemon of a stack, or say why not
 * @name:	what the user wrote
 * @sn:		filled in
 *
 * Return: descriptor or -errno
 */
int cli_daemon(const char *name, struct stackname *sn)
{
	int fd = cli_resolve(name, sn);

	if (fd)
		return fd;
	if (sn->kind == STACKNAME_NULL || sn->kind == STACKNAME_HOST) {
		cli_error("stack \"%s\": there is no daemon behind that name", name);
		return -EINVAL;
	}
	fd = ctl_connect(sn->path);
	if (fd < 0)
		cli_cannot_reach(name, sn, fd);
	return fd;
}
