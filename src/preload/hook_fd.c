/* hook_fd.c - calls that close, copy and control descriptors
 *
 * Theory of operation
 * They do to our sockets what they do to any; the shim only forgets what it
 * knew about the number, and keeps its control connections out of harm:
 * they are not the program's to close (EBADF, as if nothing was there), ranges
 * go round them, and a number that the program wants as a target of dup2() is
 * given up for another.  What is missed here (a close inside the C library) is
 * noticed at the next use (conn.c).
 */
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include "preload/hook.h"

HOOK(int, close, (int fd))
{
	if (conn_owns(fd))
		return (int)hook_result(-EBADF);
	fdtab_forget(fd);
	return sys_close(fd);
}

HOOK(int, fclose, (FILE *f))
{
	if (f)
		fdtab_forget(fileno(f));
	return sys_fclose(f);
}

static FILE *reopen(const char *path, const char *mode, FILE *f)
{
	FILE *ret;

	if (f)
		fdtab_forget(fileno(f));
	ret = sys_freopen(path, mode, f);
	if (ret)
		fdtab_forget(fileno(ret));
	return ret;
}

HOOK(FILE *, freopen, (const char *path, const char *mode, FILE *f))
{
	return reopen(path, mode, f);
}

#ifdef __LP64__
/* on 64-bit systems an alias */
HOOK(FILE *, freopen64, (const char *path, const char *mode, FILE *f))
{
	return reopen(path, mode, f);
}
#endif

/* puts /dev/null on 0, 1 and 2 by dup2() calls that we do not see */
HOOK(int, daemon, (int nochdir, int noclose))
{
	int ret = sys_daemon(nochdir, noclose);

	fdtab_forget_range(0, 2);
	return ret;
}

HOOK(int, dup, (int fd))
{
	int to = sys_dup(fd);

	if (to >= 0)
		fdtab_forget(to);
	return to;
}

static int make_way(int to)
{
	if (to >= 0)
		fdtab_forget(to);
	return conn_owns(to) ? conn_evict(to) : 0;
}

HOOK(int, dup2, (int fd, int to))
{
	int ret = make_way(to);

	if (ret)
		return (int)hook_result(ret);
	ret = sys_dup2(fd, to);
	fdtab_forget(to);
	return ret;
}

HOOK(int, dup3, (int fd, int to, int flags))
{
	int ret = make_way(to);

	if (ret)
		return (int)hook_result(ret);
	ret = sys_dup3(fd, to, flags);
	fdtab_forget(to);
	return ret;
}

static int do_fcntl(int fd, int cmd, long arg)
{
	int ret;

	if (conn_owns(fd))
		return (int)hook_result(-EBADF);
	ret = sys_fcntl(fd, cmd, arg);
	if ((cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC) && ret >= 0)
		fdtab_forget(ret);
	return ret;
}

HOOK(int, fcntl, (int fd, int cmd, ...))
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	return do_fcntl(fd, cmd, arg);
}

HOOK(int, fcntl64, (int fd, int cmd, ...))
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	return do_fcntl(fd, cmd, arg);
}

HOOK(int, close_range, (unsigned first, unsigned last, int flags))
{
	int own, ret;

	if (first > last)
		return (int)hook_result(-EINVAL);
	fdtab_forget_range(first, last);
	while ((own = conn_next_owned(first)) >= 0 && (unsigned)own <= last) {
		if ((unsigned)own > first) {
			ret = sys_close_range(first, (unsigned)own - 1, flags);
			if (ret < 0)
				return ret;
		}
		if ((unsigned)own == last)
			return 0;
		first = (unsigned)own + 1;
	}
	return sys_close_range(first, last, flags);
}

HOOK(void, closefrom, (int low))
{
	struct rlimit rl;

	if (low < 0)
		low = 0;
	if (hook_close_range((unsigned)low, UINT_MAX, 0) == 0)
		return;
	/* a kernel before 5.9 */
	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return;
	for (int fd = low; fd < (int)rl.rlim_cur; fd++)
		hook_close(fd);
}
