/* run.c - become a program on a stack
 *
 * Theory of operation
 * We set USTACK (and USTACK_FAMILY) and prepend the shim to LD_PRELOAD, then become
 * the command; everything it starts inherits them.  What LD_PRELOAD cannot
 * reach is told in one line, and run all the same: its network is the host's.
 * Two cases are better off.  A program whose file capabilities only concern the
 * network (ping, tcpdump) is run without them, by the dynamic loader it asks for,
 * and then loads the shim; no_new_privs would not do, for a file's effective bit
 * makes the loader cautious all the same.  Under the lock (lock.c) nothing gains
 * privileges, and what does not load the shim has no network.
 *
 * A stack that runs on demand is started by the shim at the first socket; under
 * the lock a daemon could not do its work, so it is started before, and a
 * connection that the command inherits keeps it running.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "client/client.h"
#include "proto/family.h"
#include "proto/userconf.h"

#define HOLD_FD		100		/* where the connection is out of the way */

static int set_environment(const struct run *r, const char *name)
{
	const char *old = getenv("LD_PRELOAD");
	char shim[PATH_MAX], daemon[PATH_MAX], *list;

	if (!cli_find_shim(shim)) {
		cli_error("libustack.so: cannot read %s: %s (set USTACK_PRELOAD to its path)",
			  shim, strerror(errno));
		return -ENOENT;
	}
	if (asprintf(&list, "%s%s%s", shim, old && *old ? ":" : "",
		     old && *old ? old : "") < 0)
		return -ENOMEM;
	/* an outer ustack exec has put it there already */
	if (!old || strncmp(old, shim, strlen(shim)) != 0)
		setenv("LD_PRELOAD", list, 1);
	free(list);
	setenv("USTACK", name, 1);
	if (r->families)
		setenv("USTACK_FAMILY", r->families, 1);
	else
		unsetenv("USTACK_FAMILY");
	/* for a stack on demand: the shim does not know where we were found */
	if (cli_find_daemon(daemon))
		setenv("USTACKD", daemon, 1);
	return 0;
}

static bool has_userconf(void)
{
	char path[PATH_MAX];

	return userconf_path(path, sizeof(path)) == 0 && access(path, F_OK) == 0;
}

static bool on_demand(const struct stackname *sn)
{
	return sn->kind == STACKNAME_CONFIG || (sn->is_default && has_userconf());
}

/* start what runs on demand, and connect to it for good */
static int start_and_hold(const struct run *r, struct stackname *sn)
{
	char err[512], daemon[PATH_MAX];
	int fd, ret;

	if (cli_find_daemon(daemon))
		setenv("USTACKD", daemon, 1);
	ret = stackname_resolve(r->stack, true, sn, err, sizeof(err));
	if (!ret)
		ret = start_stack(sn, err, sizeof(err));
	if (ret == -ENOENT && sn->kind == STACKNAME_PATH)
		return ret;
	if (ret) {
		cli_error("stack \"%s\": %s", r->stack, err);
		return -EINVAL;
	}
	fd = ctl_connect(sn->path);
	if (fd < 0)
		return fd;
	ret = fcntl(fd, F_DUPFD, HOLD_FD);
	close(fd);
	return ret < 0 ? -errno : 0;
}

/* a stack given by name must be there; a configuration starts its own */
static int check_stack(const struct run *r, struct stackname *sn)
{
	int fd = cli_resolve(r->stack, sn);
	bool demand = on_demand(sn);

	if (fd)
		return fd;
	if (r->lock && demand) {
		fd = start_and_hold(r, sn);
		if (fd && fd != -EINVAL)
			cli_cannot_reach(r->stack, sn, fd);
		return fd;
	}
	if (sn->kind != STACKNAME_PATH)
		return 0;
	fd = ctl_connect(sn->path);
	if ((fd == -ENOENT || fd == -ECONNREFUSED) && demand)
		return 0;
	if (fd < 0) {
		cli_cannot_reach(r->stack, sn, fd);
		return fd;
	}
	close(fd);
	return 0;
}

static void warn_unreachable(const struct run *r, const char *file, enum program_kind kind)
{
	static const char *const why[] = {
		[PROGRAM_STATIC] = "it is statically linked",
		[PROGRAM_SETID] = "it is setuid or setgid (run a copy without that bit, or use --lock)",
		[PROGRAM_CAPS] = "it has file capabilities (run a copy without them, or use --lock)",
		[PROGRAM_NET_CAPS] = "it has file capabilities (run a copy without them, or use --lock)",
	};

	/* under the lock no set-id bit counts */
	if (kind == PROGRAM_PLAIN || (r->lock && kind == PROGRAM_SETID))
		return;
	cli_error("warning: %s does not load libustack.so and %s: %s", file,
		  r->lock ? "has no network" : "uses the host's network", why[kind]);
}

/* what the program needs; *by_loader: run it by program_interp(), file has its path */
static void look_at_program(const struct run *r, const struct stackname *sn, unsigned families,
			    char *file, bool *by_loader)
{
	enum program_kind kind;

	*by_loader = false;
	/* on the kernel's network capabilities count, and nothing is to be warned of */
	if (sn->kind == STACKNAME_HOST || !cli_find_command(r->argv[0], file, PATH_MAX))
		return;
	kind = program_kind(file);
	*by_loader = (kind == PROGRAM_NET_CAPS && families == FAMILY_ALL) ||
		     (r->lock && (kind == PROGRAM_CAPS || kind == PROGRAM_NET_CAPS));
	if (!*by_loader)
		warn_unreachable(r, file, kind);
}

static int close_lock(unsigned families)
{
	int ret = lock_apply(families);

	if (ret)
		cli_error("--lock: cannot filter system calls: %s (the kernel needs CONFIG_SECCOMP_FILTER; run it without --lock)",
			  ret == -EINVAL ? "this kernel has no seccomp filters" : strerror(-ret));
	return ret;
}

/* ld.so --argv0 NAME FILE ARG...: the C library's loaders know that */
static void exec_by_loader(const struct run *r, char *file)
{
	char loader[PATH_MAX], **args;
	size_t n = 0;

	while (r->argv[n])
		n++;
	args = calloc(n + 4, sizeof(*args));
	if (args && program_interp(file, loader)) {
		args[0] = loader;
		args[1] = "--argv0";
		args[2] = r->argv[0];
		args[3] = file;
		memcpy(args + 4, r->argv + 1, (n - 1) * sizeof(*args));
		execv(loader, args);
	}
	free(args);
}

/* --lock needs something to lock up */
static int check_lock(const struct run *r, const struct stackname *sn)
{
	const char *missing = lock_missing();

	if (missing)
		cli_error("--lock: %s", missing);
	else if (sn->kind == STACKNAME_HOST)
		cli_error("--lock: stack \"%s\" is the kernel's network itself (name another, or leave --lock out)",
			  r->stack);
	else
		return 0;
	return -EINVAL;
}

/* what USTACK shall be.  Where a running stack is must not depend on the folder that the
 * program goes to, nor on the XDG_RUNTIME_DIR and the user that it gives its children */
static const char *name_for(const struct run *r, const struct stackname *sn)
{
	return sn->path[0] && !on_demand(sn) ? sn->path : r->stack;
}

static void tell(const struct run *r, const struct stackname *sn)
{
	static const char *const what[] = {
		[STACKNAME_PATH] = "", [STACKNAME_CONFIG] = ", started on demand",
		[STACKNAME_NULL] = ", no network", [STACKNAME_HOST] = ", the kernel's network",
	};

	fprintf(stderr, "ustack: stack \"%s\"%s%s%s%s%s%s: %s\n", r->stack,
		sn->path[0] ? " at " : "", sn->path, what[sn->kind],
		r->families ? ", families " : "", r->families ? r->families : "",
		r->lock ? ", locked" : "", r->argv[0]);
}

/**
 * cli_run() - Become a program on a stack
 *
 * Return: exit status, after a message
 */
int cli_run(const struct run *r)
{
	unsigned families = FAMILY_ALL;
	char file[PATH_MAX], why[200];
	struct stackname sn;
	const char *name;
	bool by_loader;
	int err;

	if (check_stack(r, &sn) < 0 || (r->lock && check_lock(r, &sn) < 0))
		return CLI_EXEC_FAILED;
	name = name_for(r, &sn);
	if (r->verbose)
		tell(r, &sn);
	if (r->families && family_parse(r->families, &families, why, sizeof(why)) < 0) {
		cli_error("-f: %s", why);
		return CLI_EXEC_FAILED;
	}
	look_at_program(r, &sn, families, file, &by_loader);
	if (set_environment(r, name) < 0 || (r->lock && close_lock(families) < 0))
		return CLI_EXEC_FAILED;
	if (by_loader)
		exec_by_loader(r, file);
	execvp(r->argv[0], r->argv);
	err = errno;
	cli_error("%s: cannot run it: %s", r->argv[0], strerror(err));
	return err == ENOENT ? CLI_NOT_FOUND : CLI_CANNOT_RUN;
}
