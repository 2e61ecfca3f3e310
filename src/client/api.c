/* api.c - the public functions of ustack.h
 *
 * Theory of operation
 * A thin layer over the client functions: it turns -errno into errno, and a
 * descriptor into its name for each call, so that a socket may come from
 * anywhere and plain close(2) is enough.  A private stack is tied to us by a
 * control connection of its own (the lifeline) on which nothing is ever said:
 * when its last copy is closed, by ustack_close() or by our end, the daemon ends.
 *
 * struct ustack does not change after it was made; ustack_error()'s text
 * belongs to the thread.
 */
#include <errno.h>
#include <stdarg.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "client/client.h"
#include "client/sys.h"
#include "proto/stackname.h"
#include "ustack.h"

#define END_TIMEOUT_MS	2000	/* a forked child may hold the lifeline, too */

#define API __attribute__((visibility("default")))

struct ustack {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *name;			/* value for $USTACK */
	int lifeline;			/* private stack: keeps the daemon running; else -1 */
};

static __thread char error_text[512];

/**
 * ustack_error() - see ustack.h
 */
API const char *ustack_error(void)
{
	return error_text;
}

static long result(long ret)
{
	if (ret < 0) {
		errno = (int)-ret;
		return -1;
	}
	return ret;
}

static struct ustack *new_stack(const char *path, const char *name)
{
	struct ustack *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	snprintf(s->path, sizeof(s->path), "%s", path);
	s->lifeline = -1;
	s->name = strdup(name);
	if (!s->name) {
		free(s);
		return NULL;
	}
	return s;
}

static struct ustack *failed(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static struct ustack *failed(int err, const char *fmt, ...)
{
	va_list ap;

	if (fmt) {
		va_start(ap, fmt);
		vsnprintf(error_text, sizeof(error_text), fmt, ap);
		va_end(ap);
	}
	errno = err;
	return NULL;
}

/**
 * ustack_open() - see ustack.h
 */
API struct ustack *ustack_open(const char *name)
{
	struct stackname sn;
	struct ustack *s;
	int ret, started = 0;

	if (!name)
		name = getenv("USTACK");
	if (!name || !*name)
		name = "default";
	ret = stackname_resolve(name, true, &sn, error_text, sizeof(error_text));
	if (ret)
		return failed(-ret, NULL);
	if (sn.kind == STACKNAME_HOST || sn.kind == STACKNAME_NULL)
		return failed(EINVAL, "stack \"%s\" has no daemon (use socket(2) for the kernel's stack)",
			      name);
	ret = conn_probe(sn.path);
	if (ret)
		started = start_stack(&sn, error_text, sizeof(error_text));
	if (started && (started != -ENOENT || sn.kind == STACKNAME_CONFIG))
		return failed(-started, NULL);
	if (!started)
		ret = 0;
	if (ret)
		return failed(-ret, "stack \"%s\": cannot connect to %s: %s (is ustackd running? `ustack mount` starts it)",
			      name, sn.path, strerror(-ret));
	/* a relative path must keep its meaning in a child; what starts on demand
	 * must be able to do so there, too */
	s = new_stack(sn.path, sn.kind == STACKNAME_CONFIG || sn.is_default ? name : sn.path);
	return s ? s : failed(ENOMEM, "stack \"%s\": out of memory", name);
}

/* a control socket that nobody else has: in the folder of named stacks */
static int private_path(char *path, size_t size)
{
	char dir[256];
	int ret = stackname_dir(true, dir, sizeof(dir), error_text, sizeof(error_text));

	if (ret)
		return ret;
	ret = snprintf(path, size, "%s/@p%016" PRIx64, dir, sockname_new_id());
	if (ret > (int)SOCKNAME_PATH_MAX || ret >= (int)size) {
		snprintf(error_text, sizeof(error_text),
			 "runtime folder %s: the path is too long (set XDG_RUNTIME_DIR to a shorter one)",
			 dir);
		return -ENAMETOOLONG;
	}
	return 0;
}

/**
 * ustack_start() - see ustack.h
 */
API struct ustack *ustack_start(const char *config)
{
	char path[sizeof(((struct ustack *)0)->path)];
	struct start st = { .path = path, .config = config };
	struct ustack *s;
	int pair[2], ret = private_path(path, sizeof(path));

	if (ret)
		return failed(-ret, NULL);
	s = new_stack(path, path);
	if (!s)
		return failed(ENOMEM, "private stack: out of memory");
	if (sys_socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		ret = errno;
		ustack_close(s);
		return failed(ret, "private stack: no socketpair: %s", strerror(ret));
	}
	st.control_fd = pair[1];
	ret = start_daemon(&st, error_text, sizeof(error_text));
	sys_close(pair[1]);
	s->lifeline = conn_to_high(pair[0]);
	if (ret) {
		ustack_close(s);
		return failed(-ret, NULL);
	}
	return s;
}

/* let a private stack end, and wait for it: its links and files are gone then */
static void end_private(struct ustack *s)
{
	pid_t pid = ustack_pid(s);
	struct pollfd p = { .fd = -1, .events = POLLIN };

	if (pid > 0)
		p.fd = (int)sys_syscall(SYS_pidfd_open, pid, 0, 0, 0, 0, 0);
	sys_close(s->lifeline);
	if (p.fd < 0)
		return;
	sys_poll(&p, 1, END_TIMEOUT_MS);
	sys_close(p.fd);
}

/**
 * ustack_close() - see ustack.h
 */
API void ustack_close(struct ustack *s)
{
	int saved = errno;

	if (!s)
		return;
	if (s->lifeline >= 0)
		end_private(s);
	errno = saved;
	free(s->name);
	free(s);
}

/**
 * ustack_name() - see ustack.h
 */
API const char *ustack_name(const struct ustack *s)
{
	return s->name;
}

/**
 * ustack_pid() - see ustack.h
 */
API pid_t ustack_pid(const struct ustack *s)
{
	struct msg_hello h = { 0 };
	struct conn_req r = {
		.op = MSG_OP_HELLO, .fd = -1, .reply = &h, .reply_size = sizeof(h),
	};
	int ret = conn_call(s->path, &r);

	if (!ret && r.reply_len != sizeof(h))
		ret = -EPROTO;
	return (pid_t)result(ret ? ret : h.pid);
}

/**
 * ustack_msocket() - see ustack.h
 */
API int ustack_msocket(struct ustack *s, int domain, int type, int protocol)
{
	return (int)result(client_socket(s->path, domain, type, protocol));
}

/* the name of a socket; errno is set when it is none of a stack */
static bool known(int fd, struct sockname *sn)
{
	int type;
	socklen_t len = sizeof(type);

	if (client_identify(fd, sn))
		return true;
	if (sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0)
		errno = ENOTSOCK;
	return false;
}

#define CALL(type, expr) do { \
	struct sockname sn; \
	if (!known(fd, &sn)) \
		return -1; \
	return (type)result(expr); \
} while (0)

/**
 * ustack_bind() - see ustack.h
 */
API int ustack_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	CALL(int, client_bind(fd, &sn, addr, len));
}

/**
 * ustack_connect() - see ustack.h
 */
API int ustack_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	CALL(int, client_connect(fd, &sn, addr, len));
}

/**
 * ustack_listen() - see ustack.h
 */
API int ustack_listen(int fd, int backlog)
{
	CALL(int, client_listen(fd, &sn, backlog));
}

/**
 * ustack_accept() - see ustack.h
 */
API int ustack_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return ustack_accept4(fd, addr, len, 0);
}

/**
 * ustack_accept4() - see ustack.h
 */
API int ustack_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	CALL(int, sn.kind != SOCKNAME_STREAM ? -EOPNOTSUPP
	     : tag_get(fd).state != TAG_LISTENING ? -EINVAL
	     : client_accept(fd, addr, len, flags));
}

/**
 * ustack_getsockname() - see ustack.h
 */
API int ustack_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	CALL(int, client_getname(fd, &sn, false, addr, len));
}

/**
 * ustack_getpeername() - see ustack.h
 */
API int ustack_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	CALL(int, client_getname(fd, &sn, true, addr, len));
}

/**
 * ustack_getsockopt() - see ustack.h
 */
API int ustack_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	CALL(int, client_getsockopt(fd, &sn, level, name, val, len));
}

/**
 * ustack_setsockopt() - see ustack.h
 */
API int ustack_setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	CALL(int, client_setsockopt(fd, &sn, level, name, val, len));
}

/**
 * ustack_shutdown() - see ustack.h
 */
API int ustack_shutdown(int fd, int how)
{
	CALL(int, client_shutdown(fd, &sn, how));
}

/**
 * ustack_ioctl() - see ustack.h
 */
API int ustack_ioctl(int fd, unsigned long request, void *arg)
{
	CALL(int, client_ioctl(fd, &sn, request, arg));
}

/**
 * ustack_read() - see ustack.h
 */
API ssize_t ustack_read(int fd, void *buf, size_t len)
{
	return ustack_recvfrom(fd, buf, len, 0, NULL, NULL);
}

/**
 * ustack_write() - see ustack.h
 */
API ssize_t ustack_write(int fd, const void *buf, size_t len)
{
	return ustack_sendto(fd, buf, len, 0, NULL, 0);
}

/**
 * ustack_send() - see ustack.h
 */
API ssize_t ustack_send(int fd, const void *buf, size_t len, int flags)
{
	return ustack_sendto(fd, buf, len, flags, NULL, 0);
}

/**
 * ustack_recv() - see ustack.h
 */
API ssize_t ustack_recv(int fd, void *buf, size_t len, int flags)
{
	return ustack_recvfrom(fd, buf, len, flags, NULL, NULL);
}

/**
 * ustack_sendto() - see ustack.h
 */
API ssize_t ustack_sendto(int fd, const void *buf, size_t len, int flags,
			  const struct sockaddr *addr, socklen_t addrlen)
{
	CALL(ssize_t, client_sendto(fd, &sn, buf, len, flags, addr, addrlen));
}

/**
 * ustack_recvfrom() - see ustack.h
 */
API ssize_t ustack_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
			    socklen_t *addrlen)
{
	CALL(ssize_t, client_recvfrom(fd, &sn, buf, len, flags, addr, addrlen));
}

/**
 * ustack_sendmsg() - see ustack.h
 */
API ssize_t ustack_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	CALL(ssize_t, client_sendmsg(fd, &sn, msg, flags));
}

/**
 * ustack_recvmsg() - see ustack.h
 */
API ssize_t ustack_recvmsg(int fd, struct msghdr *msg, int flags)
{
	CALL(ssize_t, client_recvmsg(fd, &sn, msg, flags));
}
