/* hook_syscall.c - system calls made by number
 *
 * Theory of operation
 * Some programs call syscall(SYS_accept4, ...) where their C library lacks a
 * function.  Numbers of calls that are hooked go to the hook of that name;
 * every other goes on with its six arguments.
 *
 * prctl() and seccomp are watched for a filter on system calls (hook_data.c).
 */
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <linux/openat2.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "preload/hook.h"

/* calls whose first arguments name a socket */
static bool socket_call(long nr, const long *a, long *ret)
{
	switch (nr) {
	case SYS_socket:
		*ret = hook_socket((int)a[0], (int)a[1], (int)a[2]);
		return true;
	case SYS_bind:
		*ret = hook_bind((int)a[0], (const struct sockaddr *)a[1], (socklen_t)a[2]);
		return true;
	case SYS_connect:
		*ret = hook_connect((int)a[0], (const struct sockaddr *)a[1], (socklen_t)a[2]);
		return true;
	case SYS_listen:
		*ret = hook_listen((int)a[0], (int)a[1]);
		return true;
#ifdef SYS_accept
	case SYS_accept:
		*ret = hook_accept((int)a[0], (struct sockaddr *)a[1], (socklen_t *)a[2]);
		return true;
#endif
	case SYS_accept4:
		*ret = hook_accept4((int)a[0], (struct sockaddr *)a[1], (socklen_t *)a[2], (int)a[3]);
		return true;
	case SYS_shutdown:
		*ret = hook_shutdown((int)a[0], (int)a[1]);
		return true;
	case SYS_getsockname:
		*ret = hook_getsockname((int)a[0], (struct sockaddr *)a[1], (socklen_t *)a[2]);
		return true;
	case SYS_getpeername:
		*ret = hook_getpeername((int)a[0], (struct sockaddr *)a[1], (socklen_t *)a[2]);
		return true;
	case SYS_getsockopt:
		*ret = hook_getsockopt((int)a[0], (int)a[1], (int)a[2], (void *)a[3],
				       (socklen_t *)a[4]);
		return true;
	case SYS_setsockopt:
		*ret = hook_setsockopt((int)a[0], (int)a[1], (int)a[2], (const void *)a[3],
				       (socklen_t)a[4]);
		return true;
	default:
		return false;
	}
}

static bool data_call(long nr, const long *a, long *ret)
{
	switch (nr) {
	case SYS_read:
		*ret = hook_read((int)a[0], (void *)a[1], (size_t)a[2]);
		return true;
	case SYS_write:
		*ret = hook_write((int)a[0], (const void *)a[1], (size_t)a[2]);
		return true;
	case SYS_readv:
		*ret = hook_readv((int)a[0], (const struct iovec *)a[1], (int)a[2]);
		return true;
	case SYS_writev:
		*ret = hook_writev((int)a[0], (const struct iovec *)a[1], (int)a[2]);
		return true;
	case SYS_recvfrom:
		*ret = hook_recvfrom((int)a[0], (void *)a[1], (size_t)a[2], (int)a[3],
				     (struct sockaddr *)a[4], (socklen_t *)a[5]);
		return true;
	case SYS_sendto:
		*ret = hook_sendto((int)a[0], (const void *)a[1], (size_t)a[2], (int)a[3],
				   (const struct sockaddr *)a[4], (socklen_t)a[5]);
		return true;
	case SYS_recvmsg:
		*ret = hook_recvmsg((int)a[0], (struct msghdr *)a[1], (int)a[2]);
		return true;
	case SYS_sendmsg:
		*ret = hook_sendmsg((int)a[0], (const struct msghdr *)a[1], (int)a[2]);
		return true;
	case SYS_recvmmsg:
		*ret = hook_recvmmsg((int)a[0], (struct mmsghdr *)a[1], (unsigned)a[2], (int)a[3],
				     (struct timespec *)a[4]);
		return true;
	case SYS_sendmmsg:
		*ret = hook_sendmmsg((int)a[0], (struct mmsghdr *)a[1], (unsigned)a[2], (int)a[3]);
		return true;
	case SYS_splice:
		*ret = hook_splice((int)a[0], (off_t *)a[1], (int)a[2], (off_t *)a[3], (size_t)a[4],
				   (unsigned)a[5]);
		return true;
#if __SIZEOF_LONG__ == 8
	case SYS_sendfile:
		*ret = hook_sendfile((int)a[0], (int)a[1], (off_t *)a[2], (size_t)a[3]);
		return true;
#endif
	default:
		return false;
	}
}

static bool fd_call(long nr, const long *a, long *ret)
{
	switch (nr) {
	case SYS_close:
		*ret = hook_close((int)a[0]);
		return true;
	case SYS_close_range:
		*ret = hook_close_range((unsigned)a[0], (unsigned)a[1], (int)a[2]);
		return true;
	case SYS_dup:
		*ret = hook_dup((int)a[0]);
		return true;
#ifdef SYS_dup2
	case SYS_dup2:
		*ret = hook_dup2((int)a[0], (int)a[1]);
		return true;
#endif
	case SYS_dup3:
		*ret = hook_dup3((int)a[0], (int)a[1], (int)a[2]);
		return true;
	case SYS_fcntl:
		*ret = hook_fcntl((int)a[0], (int)a[1], a[2]);
		return true;
	case SYS_ioctl:
		*ret = hook_ioctl((int)a[0], (unsigned long)a[1], a[2]);
		return true;
	default:
		return false;
	}
}

/* openat2() has no function in the C library.  What asks for more than openat(2) can
 * say goes on as it is */
static long open_how(const long *a)
{
	const struct open_how *how = (const struct open_how *)a[2];

	if (!how || (size_t)a[3] != sizeof(*how) || how->resolve || how->flags > INT_MAX)
		return sys_syscall(SYS_openat2, a[0], a[1], a[2], a[3], 0, 0);
	return hook_openat((int)a[0], (const char *)a[1], (int)how->flags, (unsigned)how->mode);
}

/* files that the shim shows in a form of its own (hook_file.c) */
static bool path_call(long nr, const long *a, long *ret)
{
	switch (nr) {
#ifdef SYS_open
	case SYS_open:
		*ret = hook_openat(AT_FDCWD, (const char *)a[0], (int)a[1], (unsigned)a[2]);
		return true;
#endif
	case SYS_openat:
		*ret = hook_openat((int)a[0], (const char *)a[1], (int)a[2], (unsigned)a[3]);
		return true;
	case SYS_openat2:
		*ret = open_how(a);
		return true;
#if __SIZEOF_LONG__ == 8	/* the call's struct stat is the C library's */
#ifdef SYS_stat
	case SYS_access:
		*ret = hook_access((const char *)a[0], (int)a[1]);
		return true;
	case SYS_stat:
		*ret = hook_stat((const char *)a[0], (struct stat *)a[1]);
		return true;
	case SYS_lstat:
		*ret = hook_lstat((const char *)a[0], (struct stat *)a[1]);
		return true;
#endif
	case SYS_newfstatat:
		*ret = hook_fstatat((int)a[0], (const char *)a[1], (struct stat *)a[2], (int)a[3]);
		return true;
#endif
	case SYS_statx:
		*ret = hook_statx((int)a[0], (const char *)a[1], (int)a[2], (unsigned)a[3],
				  (struct statx *)a[4]);
		return true;
	default:
		return false;
	}
}

HOOK(int, prctl, (int op, ...))
{
	unsigned long a[4];
	va_list ap;

	va_start(ap, op);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (op == PR_SET_SECCOMP)
		data_sandboxed();
	return sys_prctl(op, a[0], a[1], a[2], a[3]);
}

HOOK(long, syscall, (long nr, ...))
{
	long a[6], ret;
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (socket_call(nr, a, &ret) || data_call(nr, a, &ret) || fd_call(nr, a, &ret) ||
	    path_call(nr, a, &ret))
		return ret;
	if (nr == SYS_seccomp || (nr == SYS_prctl && a[0] == PR_SET_SECCOMP))
		data_sandboxed();
	return sys_syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}
