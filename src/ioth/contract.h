/* contract.h - what libioth and its plug-ins agree upon
 *
 * libioth loads ioth_NAME-r.so by dlopen(3), looks up ioth_NAME_newstack() and,
 * for every other member of struct ioth_functions, ioth_NAME_MEMBER(), and calls
 * newstack(), which may fill in more.  A member that is still NULL is a call
 * that fails with ENOSYS.  Before each call on a stack or on one of its sockets
 * libioth sets what getstackdata() returns to newstack()'s result.
 *
 * The order of the members is the interface; libioth's own header need not be
 * there to build the plug-in.
 */
#ifndef IOTH_CONTRACT_H
#define IOTH_CONTRACT_H

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

struct ioth_functions {
	void *(*getstackdata)(void);
	/* @vnlv: "[ifname:]VNL", NULL-terminated, or NULL; @options: what the user
	 * wrote behind the plug-in's name, or "" */
	void *(*newstack)(const char *vnlv[], const char *options, struct ioth_functions *f);
	int (*delstack)(void *stackdata);
	int (*socket)(int domain, int type, int protocol);
	int (*close)(int fd);
	int (*bind)(int fd, const struct sockaddr *addr, socklen_t len);
	int (*connect)(int fd, const struct sockaddr *addr, socklen_t len);
	int (*listen)(int fd, int backlog);
	int (*accept)(int fd, struct sockaddr *addr, socklen_t *len);
	int (*getsockname)(int fd, struct sockaddr *addr, socklen_t *len);
	int (*getpeername)(int fd, struct sockaddr *addr, socklen_t *len);
	int (*setsockopt)(int fd, int level, int name, const void *val, socklen_t len);
	int (*getsockopt)(int fd, int level, int name, void *val, socklen_t *len);
	int (*shutdown)(int fd, int how);
	int (*ioctl)(int fd, unsigned long request, ...);
	int (*fcntl)(int fd, int cmd, ...);
	ssize_t (*read)(int fd, void *buf, size_t len);
	ssize_t (*readv)(int fd, const struct iovec *iov, int n);
	ssize_t (*recv)(int fd, void *buf, size_t len, int flags);
	ssize_t (*recvfrom)(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
			    socklen_t *addrlen);
	ssize_t (*recvmsg)(int fd, struct msghdr *msg, int flags);
	ssize_t (*write)(int fd, const void *buf, size_t len);
	ssize_t (*writev)(int fd, const struct iovec *iov, int n);
	ssize_t (*send)(int fd, const void *buf, size_t len, int flags);
	ssize_t (*sendto)(int fd, const void *buf, size_t len, int flags,
			  const struct sockaddr *addr, socklen_t addrlen);
	ssize_t (*sendmsg)(int fd, const struct msghdr *msg, int flags);
};

#endif
