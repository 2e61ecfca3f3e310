/* exec.c - ustack exec: run a program on a stack
 *
 * Theory of operation
 * We set USTACK and prepend the shim to LD_PRELOAD, then become the command;
 * everything it starts inherits both.  What LD_PRELOAD cannot reach
 * (statically linked programs, those that gain privileges) is told in one
 * line, and run all the same: its network is the host's.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "cli/cli.h"

static int set_environment(const char *name)
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
	/* for a stack on demand: the shim does not know where we were found */
	if (cli_find_daemon(daemon))
		setenv("USTACKD", daemon, 1);
	return 0;
}

/* where execvp(3) will find it */
static bool find_command(const char *cmd, char *buf, size_t size)
{
	const char *path = getenv("PATH");

	if (strchr(cmd, '/'))
		return (size_t)snprintf(buf, size, "%s", cmd) < size;
	while (path && *path) {
		size_t len = strcspn(path, ":");

		if ((size_t)snprintf(buf, size, "%.*s%s%s", (int)len, path,
				     len ? "/" : "", cmd) < size &&
		    access(buf, X_OK) == 0)
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

/* a 64- or 32-bit ELF program without an interpreter: no dynamic loader */
static bool is_static(const char *file)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf64_Ehdr h64;
		Elf32_Ehdr h32;
	} h;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	bool elf, wide, interp = false;
	unsigned n;

	if (fd < 0)
		return false;
	elf = read(fd, &h, sizeof(h)) >= (ssize_t)sizeof(h.h32) &&
	      !memcmp(h.ident, ELFMAG, SELFMAG);
	wide = elf && h.ident[EI_CLASS] == ELFCLASS64;
	n = !elf ? 0 : wide ? h.h64.e_phnum : h.h32.e_phnum;
	for (unsigned i = 0; i < n && !interp; i++) {
		off_t at = wide ? (off_t)h.h64.e_phoff + (off_t)i * h.h64.e_phentsize :
				  (off_t)h.h32.e_phoff + (off_t)i * h.h32.e_phentsize;
		uint32_t type;		/* first in both forms */

		if (pread(fd, &type, sizeof(type), at) != sizeof(type))
			break;
		interp = type == PT_INTERP;
	}
	close(fd);
	return elf && !interp;
}

static void warn_unreachable(const char *cmd)
{
	const char *why = NULL;
	char file[PATH_MAX];
	struct stat st;

	if (!find_command(cmd, file, sizeof(file)) || stat(file, &st) < 0)
		return;
	if (is_static(file))
		why = "it is statically linked";
	else if ((st.st_mode & S_ISUID && st.st_uid != geteuid()) ||
		 (st.st_mode & S_ISGID && st.st_gid != getegid()))
		why = "it is setuid or setgid (run a copy without that bit)";
	else if (geteuid() != 0 && getxattr(file, "security.capability", NULL, 0) > 0)
		why = "it has file capabilities (run a copy without them)";
	if (why)
		cli_error("warning: %s does not load libustack.so and uses the host's network: %s",
			  file, why);
}

/* a stack given by name must be there; a configuration starts its own */
static int check_stack(const char *name, struct stackname *sn)
{
	char err[512];
	int fd;

	if (stackname_resolve(name, false, sn, err, sizeof(err)) < 0) {
		cli_error("%s", err);
		return -EINVAL;
	}
	if (sn->kind != STACKNAME_PATH)
		return 0;
	fd = ctl_connect(sn->path);
	if (fd == -ENOENT || fd == -ECONNREFUSED) {
		cli_error("stack \"%s\" is not running: no daemon at %s (start it by \"ustack mount %s\")",
			  name, sn->path, name);
		return fd;
	}
	if (fd < 0) {
		cli_error("stack \"%s\": cannot connect to %s: %s", name, sn->path,
			  strerror(-fd));
		return fd;
	}
	close(fd);
	return 0;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct stackname sn;
	const char *name;
	int first = 2, err;

	if (argc > first && !strcmp(argv[first], "--"))
		first++;
	if (argc <= first || argv[1][0] == '-') {
		cli_usage(cmd);
		return CLI_EXEC_FAILED;
	}
	if (check_stack(argv[1], &sn) < 0)
		return CLI_EXEC_FAILED;
	/* a path must not depend on the folder that COMMAND goes to */
	name = sn.kind == STACKNAME_PATH && strchr(argv[1], '/') ? sn.path : argv[1];
	warn_unreachable(argv[first]);
	if (set_environment(name) < 0)
		return CLI_EXEC_FAILED;
	execvp(argv[first], argv + first);
	err = errno;
	cli_error("%s: cannot run it: %s", argv[first], strerror(err));
	return err == ENOENT ? CLI_NOT_FOUND : CLI_CANNOT_RUN;
}

const struct command exec_command = {
	"exec", "NAME|PATH|CONFIG [--] COMMAND [ARG]...", "run a program on a stack",
"Run COMMAND with its network on the stack, by USTACK and LD_PRELOAD, which\n"
"what it starts inherits.  Everything after the stack's name is COMMAND's.\n\n"
"With a configuration (it has a '=') the stack is started when it is first\n"
"used and ends after its last user.  \"null\" is no network, \"host\" the\n"
"kernel's.\n\n"
"Exit status: COMMAND's; 125 the stack or the shim is missing, 126 COMMAND\n"
"cannot be run, 127 it is not found.\n",
	run,
};
