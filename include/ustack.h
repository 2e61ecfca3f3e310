/* ustack.h - TCP/IP stacks of one's own
 *
 * A stack runs in a process of its own, ustackd.  A program opens stacks by
 * name, or starts private ones that end with it, and makes sockets on them;
 * several at once, from any thread.  Link with `pkg-config --libs ustack`.
 *
 * A socket is an ordinary descriptor: poll(2), select(2), epoll(7), dup(2),
 * fork(2), exec, fcntl(2), close(2) work on it, and for SOCK_STREAM read(2),
 * write(2), send(2), recv(2), splice(2), sendfile(2), stdio too.  Calls that name
 * addresses or options, and data calls on SOCK_DGRAM and SOCK_RAW, go through
 * the functions below.  They return and set errno as the system calls they
 * are named for; beyond those:
 *	ENETDOWN	the stack's daemon cannot be reached (any more)
 *	ENOTSOCK	the descriptor is no socket of a stack
 *
 * The library writes nothing to stderr and handles no signals.
 */
#ifndef USTACK_H
#define USTACK_H

#include <sys/socket.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ustack;

/**
 * ustack_open() - Open a stack by name
 * @name:	what $USTACK may say: a name ("mystack"), a path, or a
 *		configuration string ("vnl=vxvde://234.0.0.1,ip=10.0.0.70/24": a stack
 *		shared by all of the user's processes that name the same string,
 *		started if need be).  NULL: $USTACK, else "default", which is
 *		started in the same way if ~/.config/ustack/default.conf says how
 *
 * Return: the stack, to be released with ustack_close(); NULL with errno
 * (ENOENT, ECONNREFUSED: no such stack runs; EINVAL: no such name; EACCES), and
 * ustack_error() says why
 */
struct ustack *ustack_open(const char *name);

/**
 * ustack_start() - Start a private stack
 * @config:	configuration string; "" for a stack with only lo
 *
 * The stack ends when it is closed, or with this process and the children
 * forked from it, however they end.
 *
 * Return: the stack, to be released with ustack_close(); NULL with errno, and
 * ustack_error() says why
 */
struct ustack *ustack_start(const char *config);

/**
 * ustack_close() - Release a stack, and end it if it is private
 * @stack:	from ustack_open() or ustack_start(), or NULL
 *
 * Sockets stay open; those of a private stack lose their connections.  Returns
 * when the private stack has ended, or after two seconds (a child forked
 * meanwhile may keep it).
 */
void ustack_close(struct ustack *stack);

/**
 * ustack_name() - How other processes reach this stack
 *
 * Return: the value for $USTACK of a child; valid until ustack_close()
 */
const char *ustack_name(const struct ustack *stack);

/**
 * ustack_pid() - Process id of the stack's daemon
 *
 * Return: it, or -1 with errno
 */
pid_t ustack_pid(const struct ustack *stack);

/**
 * ustack_error() - Why the last ustack_open() or ustack_start() failed
 *
 * Return: one line, of the calling thread; "" if none failed
 */
const char *ustack_error(void);

/**
 * ustack_msocket() - Open a socket on a given stack
 * @stack:	must outlive the call, not the socket
 * @domain:	AF_INET or AF_INET6
 * @type:	SOCK_STREAM, SOCK_DGRAM or SOCK_RAW; SOCK_NONBLOCK, SOCK_CLOEXEC
 * @protocol:	as for socket(2)
 *
 * Release it with close(2).
 *
 * Return: descriptor, or -1 with errno
 */
int ustack_msocket(struct ustack *stack, int domain, int type, int protocol);

/* As the system calls.  A socket may also come from another process. */
int ustack_bind(int fd, const struct sockaddr *addr, socklen_t len);
int ustack_connect(int fd, const struct sockaddr *addr, socklen_t len);
int ustack_listen(int fd, int backlog);
int ustack_accept(int fd, struct sockaddr *addr, socklen_t *len);
int ustack_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int ustack_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int ustack_getpeername(int fd, struct sockaddr *addr, socklen_t *len);
int ustack_getsockopt(int fd, int level, int name, void *val, socklen_t *len);
int ustack_setsockopt(int fd, int level, int name, const void *val, socklen_t len);
int ustack_shutdown(int fd, int how);
int ustack_ioctl(int fd, unsigned long request, void *arg);
ssize_t ustack_read(int fd, void *buf, size_t len);
ssize_t ustack_write(int fd, const void *buf, size_t len);
ssize_t ustack_send(int fd, const void *buf, size_t len, int flags);
ssize_t ustack_recv(int fd, void *buf, size_t len, int flags);
ssize_t ustack_sendto(int fd, const void *buf, size_t len, int flags,
		      const struct sockaddr *addr, socklen_t addrlen);
ssize_t ustack_recvfrom(int fd, void *buf, size_t len, int flags,
			struct sockaddr *addr, socklen_t *addrlen);
ssize_t ustack_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t ustack_recvmsg(int fd, struct msghdr *msg, int flags);

#ifdef __cplusplus
}
#endif

#endif
