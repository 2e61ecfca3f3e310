/* main.c - ustackd: start a stack, serve it, end it
 *
 * Theory of operation
 * Everything a run consists of is in struct run, taken in the order of
 * start(): configuration, control socket, lwIP with its interfaces, listening,
 * telling the starter.  finish() gives it back in reverse and is good for a run
 * that got only half way.  What fails before "ready" is fatal and told in one
 * line, on stderr and to the starter; what fails later concerns one client
 * and ends its session at most.
 *
 * A daemon that outlives its starter (--daemon, --on-demand) or may not lean
 * on it (--control-fd) gets a session (setsid(2)) of its own and keeps none of
 * the descriptors that it happened to inherit: an open pipe's end would keep
 * the starter's reader waiting.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fdio.h"
#include "base/log.h"
#include "base/loop.h"
#include "daemon/ctlsock.h"
#include "daemon/options.h"
#include "daemon/ready.h"
#include "daemon/session.h"
#include "engine/engine.h"
#include "proto/config.h"
#include "proto/stackname.h"

#define SETTLE_S	8	/* for the network to give addresses: some servers look for 3 s who has one */
#define SETTLE_STEP_MS	20

struct run {
	struct options opt;
	struct config config;
	struct ctlsock ctl;
	struct loop *loop;
	struct engine *engine;
	struct server srv;
	const char *label;		/* what the user calls the stack */
	char path[128];			/* control socket, or "@private/PID" */
	char pid_path[PATH_MAX];	/* absolute: we leave the folder */
	bool has_ctl, has_srv, has_pid_file;
	bool shared;			/* mode=, group=: the control socket's mode decides */
	int parent_fd;			/* of --daemon; -1: none */
	char err[1024];
};

static struct loop *stopping_loop;	/* for the signal handler only */

static void on_stop_signal(int sig)
{
	loop_stop(stopping_loop);
}

/* a second signal ends us at once: SA_RESETHAND */
static void catch_signals(struct run *r)
{
	struct sigaction stop = { .sa_handler = on_stop_signal, .sa_flags = SA_RESETHAND };
	struct sigaction ign = { .sa_handler = SIG_IGN };
	struct sigaction hup;
	sigset_t none;

	stopping_loop = r->loop;
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	/* a terminal's hang-up ends what runs in its foreground; nohup(1) is
	 * respected, and without a terminal the signal means nothing */
	if (r->opt.daemonise || r->opt.on_demand || r->opt.control_fd >= 0)
		sigaction(SIGHUP, &ign, NULL);
	else if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &stop, NULL);
	/* a starter may have had them blocked, which exec(2) hands on */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* started by a program that runs under the shim, we must not: our own sockets
 * are the kernel's */
static void shed_preload(char **argv)
{
	const char *p = getenv("LD_PRELOAD");

	if (!p || !strstr(p, "libustack.so"))
		return;
	unsetenv("LD_PRELOAD");
	execv("/proc/self/exe", argv);
	log_warn("cannot restart without LD_PRELOAD=%s: %s", p, strerror(errno));
}

/* started without stdin, stdout or stderr, a socket of ours must not take
 * their numbers: messages would go into it */
static void fill_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static bool is_wanted(const struct run *r, int fd)
{
	char spec[16];

	if (fd <= STDERR_FILENO || fd == r->opt.ready_fd || fd == r->opt.control_fd)
		return true;
	snprintf(spec, sizeof(spec), "fd:%d", fd);
	for (unsigned i = 0; i < r->config.niface; i++)
		if (!strcmp(r->config.iface[i].link, spec))
			return true;
	return false;
}

static void close_inherited(const struct run *r)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d))) {
		int fd = atoi(e->d_name);

		if (e->d_name[0] != '.' && fd != dirfd(d) && !is_wanted(r, fd))
			close(fd);
	}
	closedir(d);
}

static bool outlives_starter(const struct run *r)
{
	return r->opt.daemonise || r->opt.on_demand || r->opt.control_fd >= 0;
}

/* which control socket: -p, -n, stack= of the configuration, "default" */
static int find_path(struct run *r)
{
	const char *name = r->opt.path ? r->opt.path :
			   r->opt.name ? r->opt.name : r->config.name;
	struct stackname sn;
	int ret;

	r->label = name ? name : "default";
	if (!name && r->opt.control_fd >= 0) {
		r->label = "private";
		snprintf(r->path, sizeof(r->path), "@private/%d", (int)getpid());
		return 0;
	}
	ret = stackname_resolve(name, true, &sn, r->err, sizeof(r->err));
	if (ret)
		return ret;
	if (sn.kind == STACKNAME_NULL && sn.path[0]) {
		snprintf(r->err, sizeof(r->err), "stack \"%s\": null is mounted there (ustack umount %s)",
			 r->label, r->label);
		return -EEXIST;
	}
	if (sn.kind == STACKNAME_NULL || sn.kind == STACKNAME_HOST) {
		snprintf(r->err, sizeof(r->err), "stack \"%s\": the name is reserved (choose another)",
			 name);
		return -EINVAL;
	}
	if (sn.kind == STACKNAME_CONFIG) {
		snprintf(r->err, sizeof(r->err), "stack \"%s\": this is a configuration, not a name (give it by -o)",
			 name);
		return -EINVAL;
	}
	snprintf(r->path, sizeof(r->path), "%s", sn.path);
	return 0;
}

/* mode= and group= */
static int find_share(struct run *r, struct ctlsock_share *share)
{
	const char *group = r->config.group;
	const struct group *g;
	unsigned long gid;
	char *end;

	*share = (struct ctlsock_share){ .mode = r->config.mode, .gid = (gid_t)-1 };
	if (!group)
		return 0;
	if (!share->mode)
		share->mode = 0660;
	gid = strtoul(group, &end, 10);
	if (!*end && *group >= '0' && *group <= '9' && gid < UINT32_MAX) {
		share->gid = (gid_t)gid;
		return 0;
	}
	g = getgrnam(group);
	if (!g) {
		snprintf(r->err, sizeof(r->err), "configuration \"group=%s\": no such group (getent group lists them)",
			 group);
		return -EINVAL;
	}
	share->gid = g->gr_gid;
	return 0;
}

/* a name is found in our folder: who may use a stack in it must be able to go through,
 * not to see what else is there */
static int open_folder(struct run *r, const struct ctlsock_share *share)
{
	const char *slash = strrchr(r->path, '/');
	char dir[sizeof(r->path)];
	int ret = 0;

	if (!(share->mode & 066) || !slash || !r->label || strchr(r->label, '/'))
		return 0;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - r->path), r->path);
	if (chmod(dir, 0711) < 0)
		ret = -errno;
	if (ret)
		snprintf(r->err, sizeof(r->err), "runtime folder %s: cannot let others pass (mode 0711): %s",
			 dir, strerror(-ret));
	return ret;
}

static int open_control(struct run *r)
{
	struct ctlsock_share share;
	int ret = find_path(r);

	if (ret || r->path[0] == '@')
		return ret;
	ret = find_share(r, &share);
	if (!ret)
		ret = open_folder(r, &share);
	if (ret)
		return ret;
	r->shared = (share.mode & 066) != 0;
	r->has_ctl = true;
	return ctlsock_bind(&r->ctl, r->path, r->label, &share, r->err, sizeof(r->err));
}

static int open_engine(struct run *r)
{
	r->engine = engine_new(r->loop, r->path);
	if (!r->engine) {
		int err = errno;

		snprintf(r->err, sizeof(r->err), "stack \"%s\": cannot start lwIP: %s",
			 r->label, strerror(err));
		return -err;
	}
	return engine_configure(r->engine, &r->config, r->err, sizeof(r->err));
}

static void close_door(void *arg)
{
	struct run *r = arg;

	if (!r->has_ctl)
		return;
	loop_fd_del(&r->srv.listener);
	ctlsock_stop_listening(&r->ctl);
}

static int open_sessions(struct run *r)
{
	int ret;

	server_init(&r->srv, r->loop, r->engine, r->opt.on_demand);
	r->srv.shared = r->shared;
	r->srv.on_stop = close_door;
	r->srv.on_stop_arg = r;
	r->has_srv = true;
	if (r->opt.control_fd >= 0) {
		fcntl(r->opt.control_fd, F_SETFD, FD_CLOEXEC);
		ret = server_attach(&r->srv, r->opt.control_fd, true);
		if (ret) {
			snprintf(r->err, sizeof(r->err), "--control-fd %d: cannot serve it: %s (it must be a connected AF_UNIX SOCK_SEQPACKET socket)",
				 r->opt.control_fd, strerror(-ret));
			return ret;
		}
	}
	if (!r->has_ctl)
		return 0;
	ret = ctlsock_listen(&r->ctl, r->err, sizeof(r->err));
	return ret ? ret : server_listen(&r->srv, r->ctl.fd);
}

static int write_pid_file(struct run *r)
{
	char cwd[PATH_MAX / 2] = "";
	int ret, n;

	if (!r->opt.pid_file)
		return 0;
	if (r->opt.pid_file[0] != '/' && !getcwd(cwd, sizeof(cwd)))
		ret = -errno;
	else {
		n = snprintf(r->pid_path, sizeof(r->pid_path), "%s%s%s", cwd,
			     *cwd ? "/" : "", r->opt.pid_file);
		ret = (size_t)n >= sizeof(r->pid_path) ? -ENAMETOOLONG :
		      pidfile_write(r->pid_path);
	}
	if (ret)
		snprintf(r->err, sizeof(r->err), "pid file \"%s\": cannot write: %s",
			 r->opt.pid_file, strerror(-ret));
	else
		r->has_pid_file = true;
	return ret;
}

/* out of the way of ready_detach(), which replaces 0, 1 and 2 */
static int keep_ready_fd(struct run *r)
{
	int fd = r->opt.ready_fd;

	if (fd < 0)
		return 0;
	r->opt.ready_fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (r->opt.ready_fd < 0) {
		snprintf(r->err, sizeof(r->err), "--ready-fd %d: %s", fd,
			 strerror(errno));
		return -errno;
	}
	if (fd > STDERR_FILENO)
		close(fd);
	return 0;
}

static int prepare(struct run *r)
{
	int ret = config_parse(r->opt.config, &r->config, r->err, sizeof(r->err));

	if (ret)
		return ret;
	if (outlives_starter(r)) {
		close_inherited(r);
		if (r->opt.daemonise) {
			r->parent_fd = ready_daemonise();
			if (r->parent_fd < 0) {
				snprintf(r->err, sizeof(r->err), "cannot go to the background: %s",
					 strerror(-r->parent_fd));
				return r->parent_fd;
			}
		} else {
			setsid();	/* fails when we lead a group: then that is ours */
		}
	}
	ret = keep_ready_fd(r);
	if (ret)
		return ret;
	fdio_raise_nofile();
	r->loop = loop_new();
	if (!r->loop) {
		snprintf(r->err, sizeof(r->err), "cannot make an event loop: %s",
			 strerror(errno));
		return -errno;
	}
	loop_set_spin(r->loop, r->config.poll_us * 1000ull);
	return 0;
}

/* everything up to the moment when clients can connect: 0 or -errno with r->err */
static int start(struct run *r)
{
	int ret = prepare(r);

	if (!ret)
		ret = open_control(r);
	if (!ret)
		ret = open_engine(r);
	if (!ret)
		ret = open_sessions(r);
	if (!ret)
		ret = write_pid_file(r);
	if (!ret)
		catch_signals(r);
	return ret;
}

static void tell_starter(struct run *r, const char *text)
{
	int fds[] = { r->parent_fd, r->opt.ready_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0) {
			ready_tell(fds[i], text);
			close(fds[i]);
		}
	r->parent_fd = r->opt.ready_fd = -1;
}

/* a program that is started as soon as we are ready finds its addresses */
static void await_addresses(struct run *r)
{
	uint64_t end = clock_ns() + SETTLE_S * 1000000000ull;

	while (!engine_settled(r->engine) && !loop_stopping(r->loop)) {
		if (clock_ns() >= end) {
			log_warn("stack \"%s\": the network gave no address within %d s; it is asked on (is there a DHCP server, or a router?)",
				 r->label, SETTLE_S);
			return;
		}
		if (loop_once(r->loop, SETTLE_STEP_MS) < 0)
			return;
		server_ready(&r->srv);	/* the time for the first user begins after */
	}
}

static int serve(struct run *r)
{
	int ret;

	await_addresses(r);
	log_info("stack \"%s\": ready at %s (pid %d)", r->label, r->path, (int)getpid());
	ready_notify("READY=1");
	/* in this order: once told, the starter may close what we share */
	if (r->opt.daemonise || r->opt.on_demand) {
		log_to_syslog();
		ready_detach();
	}
	tell_starter(r, "ready\n");
	if (r->opt.verbose > 1)
		loop_measure(r->loop);
	ret = loop_run(r->loop);
	if (r->opt.verbose > 1)
		log_debug("longest wake-up: %.2f ms, of the processor %.2f ms",
			  (double)loop_longest(r->loop)->wall / 1e6,
			  (double)loop_longest(r->loop)->cpu / 1e6);
	if (ret < 0)
		log_err("stack \"%s\": event loop failed: %s", r->label,
			strerror(-ret));
	log_info("stack \"%s\": ending", r->label);
	ready_notify("STOPPING=1");
	return ret < 0 ? ret : 0;
}

/* in reverse order of start(); sessions last but one, for their clients wait
 * to see us gone: see server_fini() */
static void finish(struct run *r)
{
	close_door(r);
	if (r->has_pid_file)
		pidfile_remove(r->pid_path);
	if (r->engine)
		engine_free(r->engine);
	if (r->has_ctl)
		ctlsock_release(&r->ctl);
	if (r->has_srv)
		server_fini(&r->srv);
	if (r->loop)
		loop_free(r->loop);
	config_free(&r->config);
	options_free(&r->opt);
}

int main(int argc, char **argv)
{
	static struct run r = { .parent_fd = -1 };
	int ret, status;

	fill_standard_fds();
	signal(SIGPIPE, SIG_IGN);
	log_init("ustackd", LOG_WARNING);
	shed_preload(argv);
	ret = options_parse(argc, argv, &r.opt);
	if (ret) {
		options_free(&r.opt);
		return ret > 0 ? 0 : EXIT_USAGE;
	}
	log_init("ustackd", r.opt.verbose > 1 ? LOG_DEBUG :
			    r.opt.verbose ? LOG_INFO : LOG_WARNING);
	ret = start(&r);
	if (ret) {
		log_err("%s", r.err);
		tell_starter(&r, r.err);
		status = ret == -EEXIST ? EXIT_RUNNING : EXIT_FAILED;
	} else {
		status = serve(&r) ? EXIT_FAILED : 0;
	}
	finish(&r);
	return status;
}
