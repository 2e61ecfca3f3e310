/* start.c - start a daemon from inside somebody else's program
 *
 * Theory of operation
 * The program must not notice: no SIGCHLD, no zombie, no wait() that returns
 * our child, none of its descriptors or signal settings in the daemon.  So the
 * first child is made by clone(CLONE_VM | CLONE_VFORK) without an exit
 * signal (only __WCLONE waits see it) and makes the daemon's process in the
 * same way, then ends: the daemon is nobody's child.  Neither allocates:
 * they run on our memory while we are suspended, and everything they need is
 * laid out before.
 *
 * The daemon tells by a pipe (--ready-fd) that it listens, or why it cannot.
 * On demand, a lock file beside the control socket makes the processes that
 * want the same stack at the same time start it once.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "client/client.h"
#include "client/sys.h"
#include "proto/userconf.h"

#define STACK_SIZE	(64 * 1024)	/* of each of the two children */
#define READY_TIMEOUT_S	30
#define FD_READY	3		/* numbers in the daemon */
#define FD_CONTROL	4

extern char **environ;

struct plan {
	char **paths;			/* candidates for the program, NULL-terminated */
	char **argv, **envp;
	int ready, control, null;	/* our numbers */
	char *child_stack;
	int err;			/* of the last execve() */
};

__attribute__((format(printf, 4, 5)))
static int fail(int code, char *err, size_t errlen, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, errlen, fmt, ap);
	va_end(ap);
	return code;
}

/* --- in the children: no malloc, no locks, nothing that changes our state --- */

static void default_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int s = 1; s <= SIGRTMAX; s++)
		sigaction(s, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* 0-2 are /dev/null, 3 and 4 ours, nothing else stays open */
static int lay_descriptors(const struct plan *p)
{
	int ready = sys_fcntl(p->ready, F_DUPFD, 10), control = -1;
	int null = sys_fcntl(p->null, F_DUPFD, 10);
	unsigned from = FD_READY + 1;

	if (p->control >= 0) {
		control = sys_fcntl(p->control, F_DUPFD, 10);
		if (control < 0)
			return -1;
	}
	if (ready < 0 || null < 0)
		return -1;
	for (int fd = 0; fd < 3; fd++)
		if (sys_dup2(null, fd) < 0)
			return -1;
	if (sys_dup2(ready, FD_READY) < 0)
		return -1;
	if (control >= 0) {
		if (sys_dup2(control, FD_CONTROL) < 0)
			return -1;
		from = FD_CONTROL + 1;
	}
	if (sys_close_range(from, UINT_MAX, 0) < 0)
		for (unsigned fd = from; fd < 65536; fd++)
			sys_close((int)fd);
	return 0;
}

static int run_daemon(void *arg)
{
	struct plan *p = arg;

	setsid();
	default_signals();
	if (lay_descriptors(p) < 0) {
		p->err = errno;
		_exit(127);
	}
	for (char **path = p->paths; *path; path++) {
		execve(*path, p->argv, p->envp);
		if (!p->err || errno != ENOENT)
			p->err = errno;
	}
	_exit(127);
}

static int run_middle(void *arg)
{
	struct plan *p = arg;

	if (clone(run_daemon, p->child_stack + STACK_SIZE, CLONE_VM | CLONE_VFORK, arg) < 0)
		p->err = errno;
	_exit(0);
}

/* --- in the program --- */

static char *joined(const char *dir, size_t len, const char *base)
{
	char *s = malloc(len + strlen(base) + 2);

	if (s)
		sprintf(s, "%.*s/%s", (int)len, dir, base);
	return s;
}

static void free_list(char **list)
{
	if (!list)
		return;
	for (char **s = list; *s; s++)
		free(*s);
	free(list);
}

/* where ustackd may be: $USTACKD alone, else the installed one, else PATH */
static char **candidates(void)
{
	const char *own = getenv("USTACKD"), *path = getenv("PATH");
	size_t n = 3, k = 0;
	char **list;

	for (const char *s = path; s && *s; s++)
		n += *s == ':';
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return NULL;
	if (own && *own) {
		list[0] = strdup(own);
		return list;
	}
	list[k++] = strdup(USTACK_SBINDIR "/ustackd");
	while (path && *path) {
		size_t len = strcspn(path, ":");

		if (len)
			list[k++] = joined(path, len, "ustackd");
		path += len + (path[len] == ':');
	}
	return list;
}

/* the daemon is nobody's client: without the shim and without $USTACK */
static char **environment(void)
{
	size_t n = 0, k = 0;
	char **list;

	while (environ && environ[n])
		n++;
	list = calloc(n + 1, sizeof(*list));
	for (size_t i = 0; list && i < n; i++)
		if (strncmp(environ[i], "LD_PRELOAD=", 11) && strncmp(environ[i], "USTACK=", 7))
			list[k++] = environ[i];
	return list;
}

/* both children run on stacks of their own; -errno when none could be made */
static int spawn(struct plan *p)
{
	char *stacks = mmap(NULL, 2 * STACK_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	sigset_t all, old;
	int pid, ret = 0;

	if (stacks == MAP_FAILED)
		return -errno;
	p->child_stack = stacks;
	/* no handler of the program may run in the children, on our memory */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	pid = clone(run_middle, stacks + 2 * STACK_SIZE, CLONE_VM | CLONE_VFORK, p);
	if (pid < 0)
		ret = -errno;
	else
		while (waitpid(pid, NULL, __WCLONE) < 0 && errno == EINTR)
			;
	sigprocmask(SIG_SETMASK, &old, NULL);
	munmap(stacks, 2 * STACK_SIZE);
	if (!ret && p->err)
		ret = -p->err;
	return ret;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* what the daemon writes until it closes the pipe: "ready\n" or why not */
static int await_ready(int fd, const char *path, char *err, size_t errlen)
{
	int64_t end = now_ms() + READY_TIMEOUT_S * 1000;
	char text[512];
	size_t used = 0;
	ssize_t n;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = end - now_ms();

		if (left <= 0)
			return fail(-ETIMEDOUT, err, errlen,
				    "stack %s: ustackd was not ready after %d seconds", path,
				    READY_TIMEOUT_S);
		if (sys_poll(&p, 1, (int)left) <= 0)
			continue;
		n = sys_read(fd, text + used, sizeof(text) - 1 - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
		if (used == sizeof(text) - 1)
			break;
	}
	text[used] = '\0';
	if (!strncmp(text, "ready", 5))
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return fail(-ENETDOWN, err, errlen, "%s",
		    used ? text : "ustackd ended without a word before it was ready");
}

static int launch(struct plan *p, const struct start *s, int ready[2], char *err, size_t errlen)
{
	char ready_no[12], control_no[12];
	char *argv[12] = { "ustackd", "--path", (char *)s->path, "-o", (char *)s->config,
			   "--ready-fd", ready_no };
	int ret;

	snprintf(ready_no, sizeof(ready_no), "%d", FD_READY);
	snprintf(control_no, sizeof(control_no), "%d", FD_CONTROL);
	if (s->control_fd >= 0) {
		argv[7] = "--control-fd";
		argv[8] = control_no;
	} else {
		argv[7] = "--on-demand";
	}
	p->argv = argv;
	p->ready = ready[1];
	p->control = s->control_fd;
	ret = spawn(p);
	p->argv = NULL;		/* it was on our stack */
	sys_close(ready[1]);
	ready[1] = -1;
	if (ret)
		return fail(ret, err, errlen,
			    "cannot start %s: %s (is ustack installed? $USTACKD names the program)",
			    p->paths[0], strerror(-ret));
	return await_ready(ready[0], s->path, err, errlen);
}

/**
 * start_daemon() - Start ustackd and wait until it is ready
 * @s:		what to start
 * @err, @errlen: on failure, why in one line
 *
 * Return: 0 or -errno
 */
int start_daemon(const struct start *s, char *err, size_t errlen)
{
	struct plan p = { 0 };
	int ready[2] = { -1, -1 }, ret;

	p.paths = candidates();
	p.envp = environment();
	p.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (!p.paths || !p.paths[0] || !p.envp || p.null < 0 || pipe2(ready, O_CLOEXEC) < 0)
		ret = fail(errno ? -errno : -ENOMEM, err, errlen, "cannot start ustackd: %s",
			   strerror(errno ? errno : ENOMEM));
	else
		ret = launch(&p, s, ready, err, errlen);
	for (int i = 0; i < 2; i++)
		if (ready[i] >= 0)
			sys_close(ready[i]);
	if (p.null >= 0)
		sys_close(p.null);
	free(p.envp);
	free_list(p.paths);
	return ret;
}

/* the name of a lock file is a lock only while it names the file we locked: its
 * last holder removes it */
static bool still_there(int fd, const char *name)
{
	struct stat mine, named;

	return fstat(fd, &mine) == 0 && stat(name, &named) == 0 &&
	       mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

/* lock ".NAME.start" beside the control socket; the descriptor or -errno */
static int lock_start(const char *path, char *name, size_t size, char *err, size_t errlen)
{
	const char *base = strrchr(path, '/');
	int fd, e;

	base = base ? base + 1 : path;
	snprintf(name, size, "%.*s.%s.start", (int)(base - path), path, base);
	for (;;) {
		fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return fail(-errno, err, errlen, "cannot open lock file %s: %s", name,
				    strerror(errno));
		while (flock(fd, LOCK_EX) < 0)
			if (errno != EINTR) {
				e = -errno;
				sys_close(fd);
				return fail(e, err, errlen, "cannot lock %s: %s", name,
					    strerror(-e));
			}
		if (still_there(fd, name))
			return fd;
		sys_close(fd);
	}
}

/**
 * start_on_demand() - Make sure that the stack of a configuration runs
 * @path:	its control socket
 * @config:	configuration string
 * @err, @errlen: on failure, why in one line
 *
 * Return: 0 or -errno
 */
int start_on_demand(const char *path, const char *config, char *err, size_t errlen)
{
	struct start s = { .path = path, .config = config, .control_fd = -1 };
	char name[PATH_MAX];
	int lock, ret;

	lock = lock_start(path, name, sizeof(name), err, errlen);
	if (lock < 0)
		return lock;
	ret = conn_probe(path);
	if (ret)
		ret = start_daemon(&s, err, errlen);
	/* `ustack mount` may have been faster than ours */
	if (ret && conn_probe(path) == 0)
		ret = 0;
	unlink(name);
	sys_close(lock);
	return ret;
}

/**
 * start_stack() - Start a stack that runs on demand, if it is one and does not run
 * @sn:		a configuration, or the stack called "default", for which the user
 *		may have one
 * @err, @errlen: on failure other than -ENOENT, why in one line
 *
 * Return: 0, -ENOENT when nothing says how to start it, or another -errno
 */
int start_stack(const struct stackname *sn, char *err, size_t errlen)
{
	char *config = NULL;
	int ret;

	if (sn->kind == STACKNAME_CONFIG)
		return start_on_demand(sn->path, sn->config, err, errlen);
	if (sn->kind != STACKNAME_PATH || !sn->is_default)
		return -ENOENT;
	ret = userconf_read(&config, err, errlen);
	if (ret)
		return ret;
	ret = start_on_demand(sn->path, config, err, errlen);
	free(config);
	/* a file that vanished meanwhile, not the one the caller asks about */
	return ret == -ENOENT ? -ENETDOWN : ret;
}
