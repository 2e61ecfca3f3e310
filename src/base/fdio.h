/* fdio.h - small tools on descriptors: SCM_RIGHTS, limits */
#ifndef BASE_FDIO_H
#define BASE_FDIO_H

#include <stddef.h>
#include <stdbool.h>
#include <sys/types.h>

#define FDIO_FDS_MAX	4

/* one datagram with up to FDIO_FDS_MAX descriptors; fds stay the caller's.
 * flags: MSG_DONTWAIT etc.  Return bytes sent or -errno */
ssize_t fdio_send(int fd, const void *buf, size_t len, const int *fds, int nfds, int flags);

/* one datagram; descriptors received (CLOEXEC) go to fds, *nfds says how many
 * (in: room).  More than fit, or a truncated message, are closed and give
 * -EMSGSIZE.  Return bytes, 0 at end of file, or -errno */
ssize_t fdio_recv(int fd, void *buf, size_t len, int *fds, int *nfds, int flags);

int fdio_set_nonblock(int fd, bool on);
int fdio_raise_nofile(void);	/* soft RLIMIT_NOFILE to the hard one; the new limit */
void fdio_close_all(int *fds, int nfds);

#endif
