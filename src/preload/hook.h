/* hook.h - define an interposed function
 *
 * HOOK(int, bind, (int fd, ...)) { ... } defines hook_bind() under the
 * symbol "bind", the only kind of symbol that the shim exports.  The libc's own
 * prototypes (transparent unions, throw attributes) stay out of the way.
 */
#ifndef PRELOAD_HOOK_H
#define PRELOAD_HOOK_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <time.h>
#include "client/client.h"
#include "client/sys.h"
#include "preload/fdtab.h"
#include "preload/stack.h"

#define HOOK_DECL(ret, name, params) \
	__attribute__((visibility("default"))) ret hook_##name params __asm__(#name)

#define HOOK(ret, name, params) \
	HOOK_DECL(ret, name, params); \
	ret hook_##name params

/* -errno of the client layer to the C library's convention */
static inline long hook_result(long ret)
{
	if (ret < 0) {
		errno = (int)-ret;
		return -1;
	}
	return ret;
}

/* what hook_syscall.c dispatches to */
HOOK_DECL(int, socket, (int domain, int type, int protocol));
HOOK_DECL(int, bind, (int fd, const struct sockaddr *sa, socklen_t len));
HOOK_DECL(int, connect, (int fd, const struct sockaddr *sa, socklen_t len));
HOOK_DECL(int, listen, (int fd, int backlog));
HOOK_DECL(int, accept, (int fd, struct sockaddr *sa, socklen_t *len));
HOOK_DECL(int, accept4, (int fd, struct sockaddr *sa, socklen_t *len, int flags));
HOOK_DECL(int, shutdown, (int fd, int how));
HOOK_DECL(int, getsockname, (int fd, struct sockaddr *sa, socklen_t *len));
HOOK_DECL(int, getpeername, (int fd, struct sockaddr *sa, socklen_t *len));
HOOK_DECL(int, getsockopt, (int fd, int level, int name, void *val, socklen_t *len));
HOOK_DECL(int, setsockopt, (int fd, int level, int name, const void *val, socklen_t len));
HOOK_DECL(ssize_t, read, (int fd, void *buf, size_t len));
HOOK_DECL(ssize_t, write, (int fd, const void *buf, size_t len));
HOOK_DECL(ssize_t, readv, (int fd, const struct iovec *iov, int n));
HOOK_DECL(ssize_t, writev, (int fd, const struct iovec *iov, int n));
HOOK_DECL(ssize_t, recvfrom, (int fd, void *buf, size_t len, int flags, struct sockaddr *sa,
			      socklen_t *salen));
HOOK_DECL(ssize_t, sendto, (int fd, const void *buf, size_t len, int flags,
			    const struct sockaddr *sa, socklen_t salen));
HOOK_DECL(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags));
HOOK_DECL(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags));
HOOK_DECL(int, recvmmsg, (int fd, struct mmsghdr *v, unsigned n, int flags, struct timespec *t));
HOOK_DECL(int, sendmmsg, (int fd, struct mmsghdr *v, unsigned n, int flags));
HOOK_DECL(ssize_t, sendfile, (int out, int in, off_t *off, size_t count));
HOOK_DECL(ssize_t, splice, (int in, off_t *off_in, int out, off_t *off_out, size_t len,
			    unsigned flags));
HOOK_DECL(int, close, (int fd));
HOOK_DECL(int, close_range, (unsigned first, unsigned last, int flags));
HOOK_DECL(int, dup, (int fd));
HOOK_DECL(int, dup2, (int fd, int to));
HOOK_DECL(int, dup3, (int fd, int to, int flags));
HOOK_DECL(int, fcntl, (int fd, int cmd, ...));
HOOK_DECL(int, ioctl, (int fd, unsigned long req, ...));
HOOK_DECL(int, prctl, (int op, ...));
HOOK_DECL(int, openat, (int dir, const char *path, int flags, ...));
HOOK_DECL(int, access, (const char *path, int mode));
HOOK_DECL(int, stat, (const char *path, struct stat *st));
HOOK_DECL(int, lstat, (const char *path, struct stat *st));
HOOK_DECL(int, fstatat, (int dir, const char *path, struct stat *st, int flags));
HOOK_DECL(int, statx, (int dir, const char *path, int flags, unsigned mask, struct statx *sx));

/* hook_data.c: the program filters its own system calls from now on */
void data_sandboxed(void);

#endif
