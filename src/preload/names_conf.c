/* names_conf.c - how this process resolves names
 *
 * Theory of operation
 * The stack of the process is asked, and started if that is our business.  A stack
 * that cannot be reached, and "null", leave the hosts file.
 */
#include <errno.h>
#include <sys/socket.h>
#include "preload/names_conf.h"
#include "preload/stack.h"

/**
 * names_native() - Are names the C library's business ("host", other families)?
 */
bool names_native(void)
{
	return !stack_takes(AF_INET) && !stack_takes(AF_INET6);
}

/**
 * names_conf() - The configuration of this process' stack; errno is kept
 */
void names_conf(struct names_conf *c)
{
	const struct stackname *st = stack_get();
	const char *path = st->kind == STACKNAME_NULL ? NULL : st->path;
	int saved = errno;

	if (names_conf_get(path, c) == -ENETDOWN && stack_reach() == 0)
		names_conf_get(path, c);
	errno = saved;
}
