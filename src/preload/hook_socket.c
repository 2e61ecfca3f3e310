/* hook_socket.c - calls that make, name, connect and configure sockets
 *
 * Theory of operation
 * socket() decides by the domain: INET, INET6, PACKET and NETLINK belong to the
 * stack of the process (stack_takes()), everything else to the kernel.  The
 * others decide by the descriptor: a foreign one goes to the C library, one
 * of a stack to the client layer.  A call that may change a stream's state
 * forgets its class (fdtab.c).
 */
#include "preload/hook.h"

HOOK(int, socket, (int domain, int type, int protocol))
{
	int fd;

	if (!stack_takes(domain)) {
		fd = sys_socket(domain, type, protocol);
		if (fd >= 0)
			fdtab_forget(fd);
		return fd;
	}
	if (stack_get()->kind == STACKNAME_NULL)
		return (int)hook_result(-EAFNOSUPPORT);
	fd = stack_socket(domain, type, protocol);
	if (fd >= 0)
		fdtab_set(fd, (type & 0xf) == SOCK_STREAM ? FD_SPECIAL : FD_DGRAM);
	return (int)hook_result(fd);
}

/* the name of a socket of ours; false: the kernel's, which it shall be from now */
static bool ours(int fd, struct sockname *sn)
{
	if (fdtab_class(fd) == FD_FOREIGN)
		return false;
	if (client_identify(fd, sn))
		return true;
	fdtab_forget(fd);
	return false;
}

HOOK(int, bind, (int fd, const struct sockaddr *sa, socklen_t len))
{
	struct sockname sn;

	if (!ours(fd, &sn))
		return sys_bind(fd, sa, len);
	return (int)hook_result(client_bind(fd, &sn, sa, len));
}

HOOK(int, connect, (int fd, const struct sockaddr *sa, socklen_t len))
{
	struct sockname sn;
	int ret;

	if (!ours(fd, &sn))
		return sys_connect(fd, sa, len);
	ret = client_connect(fd, &sn, sa, len);
	if (sn.kind == SOCKNAME_STREAM && ret && ret != -EINPROGRESS)
		fdtab_find_out(fd);	/* it may be a listener, or connected */
	else if (sn.kind == SOCKNAME_STREAM)
		fdtab_set(fd, ret || sa->sa_family == AF_UNSPEC ? FD_SPECIAL : FD_STREAM);
	return (int)hook_result(ret);
}

HOOK(int, listen, (int fd, int backlog))
{
	struct sockname sn;
	int ret;

	if (!ours(fd, &sn))
		return sys_listen(fd, backlog);
	ret = client_listen(fd, &sn, backlog);
	fdtab_forget(fd);
	return (int)hook_result(ret);
}

static int accept_any(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	int ret;

	switch (fdtab_class(fd)) {
	case FD_LISTENER:
		break;
	case FD_DGRAM:
		return (int)hook_result(flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC) ? -EINVAL
										: -EOPNOTSUPP);
	default:
		return (int)hook_result(-EINVAL);
	}
	ret = client_accept(fd, sa, len, flags);
	if (ret >= 0)
		fdtab_set(ret, FD_STREAM);
	else if (ret == -EINVAL)
		fdtab_forget(fd);
	return (int)hook_result(ret);
}

HOOK(int, accept, (int fd, struct sockaddr *sa, socklen_t *len))
{
	int ret;

	if (fdtab_class(fd) != FD_FOREIGN)
		return accept_any(fd, sa, len, 0);
	ret = sys_accept(fd, sa, len);
	if (ret >= 0)
		fdtab_forget(ret);
	return ret;
}

HOOK(int, accept4, (int fd, struct sockaddr *sa, socklen_t *len, int flags))
{
	int ret;

	if (fdtab_class(fd) != FD_FOREIGN)
		return accept_any(fd, sa, len, flags);
	ret = sys_accept4(fd, sa, len, flags);
	if (ret >= 0)
		fdtab_forget(ret);
	return ret;
}

HOOK(int, shutdown, (int fd, int how))
{
	struct sockname sn;
	enum fd_class was;
	int ret;

	if (!ours(fd, &sn))
		return sys_shutdown(fd, how);
	was = fdtab_class(fd);
	ret = client_shutdown(fd, &sn, how);
	if (!ret && was == FD_LISTENER && how != SHUT_WR)
		fdtab_set(fd, FD_SPECIAL);	/* it listens no more */
	else if (was == FD_SPECIAL)
		fdtab_find_out(fd);
	else if (sn.kind == SOCKNAME_STREAM)
		fdtab_forget(fd);
	return (int)hook_result(ret);
}

HOOK(int, getsockname, (int fd, struct sockaddr *sa, socklen_t *len))
{
	struct sockname sn;

	if (!ours(fd, &sn))
		return sys_getsockname(fd, sa, len);
	return (int)hook_result(client_getname(fd, &sn, false, sa, len));
}

HOOK(int, getpeername, (int fd, struct sockaddr *sa, socklen_t *len))
{
	struct sockname sn;

	if (!ours(fd, &sn))
		return sys_getpeername(fd, sa, len);
	return (int)hook_result(client_getname(fd, &sn, true, sa, len));
}

HOOK(int, getsockopt, (int fd, int level, int name, void *val, socklen_t *len))
{
	struct sockname sn;
	int ret;

	if (!ours(fd, &sn))
		return sys_getsockopt(fd, level, name, val, len);
	ret = client_getsockopt(fd, &sn, level, name, val, len);
	if (level == SOL_SOCKET && name == SO_ERROR && fdtab_class(fd) == FD_SPECIAL)
		fdtab_find_out(fd);
	return (int)hook_result(ret);
}

HOOK(int, setsockopt, (int fd, int level, int name, const void *val, socklen_t len))
{
	struct sockname sn;

	if (!ours(fd, &sn))
		return sys_setsockopt(fd, level, name, val, len);
	return (int)hook_result(client_setsockopt(fd, &sn, level, name, val, len));
}
