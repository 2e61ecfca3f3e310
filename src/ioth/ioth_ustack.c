/* ioth_ustack.c - ustack as a stack of libioth
 *
 * Theory of operation
 * Each libioth stack is a private stack (ustack_start()): it ends by delstack(), or
 * with the program.  The VNLs become vnl= of its configuration string, the
 * options stand before them, so that they belong to the first interface, as
 * keys before an interface do.  Sockets are descriptors of the kernel, so close
 * and fcntl are the C library's; all else is the public API's.
 *
 * The file's name ends in -r: the plug-in may be loaded into the program's own
 * name space, once for any number of stacks.  Its only state is libioth's
 * getstackdata(), the same for all of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ioth/contract.h"
#include "ustack.h"

#define EXPORT __attribute__((visibility("default")))

static void *(*_Atomic getstackdata)(void);

EXPORT void *ioth_ustack_newstack(const char *vnlv[], const char *options,
				  struct ioth_functions *f);
EXPORT int ioth_ustack_delstack(void *stackdata);
EXPORT int ioth_ustack_socket(int domain, int type, int protocol);

/* "[ifname:]VNL": the length of ifname, 0 if there is none */
static size_t name_len(const char *vnl)
{
	const char *colon = strchr(vnl, ':'), *scheme = strstr(vnl, "://");

	return colon && (!scheme || colon < scheme) ? (size_t)(colon - vnl) : 0;
}

/* a comma would begin another key; inside {} it may stand */
static int check_vnl(const char *vnl)
{
	int depth = 0;

	for (; *vnl; vnl++) {
		depth += *vnl == '{';
		depth -= *vnl == '}';
		if (*vnl == ',' && depth <= 0)
			return -EINVAL;
	}
	return 0;
}

static int put_config(FILE *out, const char *vnlv[], const char *options)
{
	const char *sep = options && *options ? "," : "";

	fputs(options ? options : "", out);
	for (; vnlv && *vnlv; vnlv++) {
		size_t len = name_len(*vnlv);

		if (check_vnl(*vnlv) < 0)
			return -EINVAL;
		fprintf(out, "%svnl=%s", sep, *vnlv + len + !!len);
		sep = ",";
		if (len)
			fprintf(out, ",iface=%.*s", (int)len, *vnlv);
	}
	return 0;
}

/* free() it; NULL with errno */
static char *make_config(const char *vnlv[], const char *options)
{
	char *config = NULL;
	size_t size;
	FILE *out = open_memstream(&config, &size);
	int ret = out ? put_config(out, vnlv, options) : -ENOMEM;

	if (out && fclose(out) && !ret)
		ret = -ENOMEM;
	if (!ret)
		return config;
	free(config);
	errno = -ret;
	return NULL;
}

static int stack_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	return ustack_ioctl(fd, request, arg);
}

static ssize_t stack_readv(int fd, const struct iovec *iov, int n)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n };

	return ustack_recvmsg(fd, &m, 0);
}

static ssize_t stack_writev(int fd, const struct iovec *iov, int n)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n };

	return ustack_sendmsg(fd, &m, 0);
}

/**
 * ioth_ustack_newstack() - Start a stack
 * @vnlv:	"[ifname:]VNL", NULL-terminated; NULL or none: only lo
 * @options:	further keys of a configuration string, or ""
 * @f:		the table; filled in
 *
 * Return: the stack, or NULL with errno
 */
void *ioth_ustack_newstack(const char *vnlv[], const char *options, struct ioth_functions *f)
{
	char *config = make_config(vnlv, options);
	struct ustack *s = config ? ustack_start(config) : NULL;
	int err = errno;

	free(config);
	errno = err;
	if (!s)
		return NULL;
	atomic_store(&getstackdata, f->getstackdata);
	f->close = close;
	f->bind = ustack_bind;
	f->connect = ustack_connect;
	f->listen = ustack_listen;
	f->accept = ustack_accept;
	f->getsockname = ustack_getsockname;
	f->getpeername = ustack_getpeername;
	f->setsockopt = ustack_setsockopt;
	f->getsockopt = ustack_getsockopt;
	f->shutdown = ustack_shutdown;
	f->ioctl = stack_ioctl;
	f->fcntl = fcntl;
	f->read = ustack_read;
	f->readv = stack_readv;
	f->recv = ustack_recv;
	f->recvfrom = ustack_recvfrom;
	f->recvmsg = ustack_recvmsg;
	f->write = ustack_write;
	f->writev = stack_writev;
	f->send = ustack_send;
	f->sendto = ustack_sendto;
	f->sendmsg = ustack_sendmsg;
	return s;
}

/**
 * ioth_ustack_delstack() - End a stack, with its connections
 *
 * Return: 0
 */
int ioth_ustack_delstack(void *stackdata)
{
	ustack_close(stackdata);
	return 0;
}

/**
 * ioth_ustack_socket() - socket(2) on the stack that libioth has chosen
 *
 * Return: descriptor, or -1 with errno
 */
int ioth_ustack_socket(int domain, int type, int protocol)
{
	return ustack_msocket(atomic_load(&getstackdata)(), domain, type, protocol);
}
