/* hook_user.c - chroot, setuid and their like: who gives up the way to the stack
 *
 * Theory of operation
 * The kernel's network, and the C library's resolver, work in an empty root and for
 * every user; so shall ours.  A program that gives up root before its first socket could
 * neither enter the folder of root's stacks nor start one: it is connected first, and
 * keeps the connection, as do its children (client/conn.c).  A program that only looks
 * like one to need the network pays a connect(2); it hears nothing if that fails.
 */
#include <errno.h>
#include <unistd.h>
#include "preload/hook.h"
#include "preload/names_conf.h"

HOOK(int, chroot, (const char *path))
{
	const struct stackname *st = stack_get();
	struct names_conf c;
	int saved = errno;

	stack_prepare();
	if (st->kind == STACKNAME_PATH || st->kind == STACKNAME_CONFIG) {
		names_conf_get(st->path, &c);
		dns_prepare();
	}
	errno = saved;
	return sys_chroot(path);
}

/* the effective user is to be @uid, -1: as it is */
static void leave_user(uid_t uid)
{
	if (uid != (uid_t)-1 && uid != geteuid())
		stack_prepare();
}

HOOK(int, setuid, (uid_t uid))
{
	leave_user(uid);
	return sys_setuid(uid);
}

HOOK(int, seteuid, (uid_t uid))
{
	leave_user(uid);
	return sys_seteuid(uid);
}

HOOK(int, setreuid, (uid_t real, uid_t effective))
{
	leave_user(effective);
	return sys_setreuid(real, effective);
}

HOOK(int, setresuid, (uid_t real, uid_t effective, uid_t saved))
{
	leave_user(effective);
	return sys_setresuid(real, effective, saved);
}
