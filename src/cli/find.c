/* find.c - where the daemon, the shim, and other programs are
 *
 * Theory of operation
 * An environment variable decides; else the build tree, when this program was
 * run from there; else the folder that belongs to our own under the same prefix,
 * so that an installation may be moved; else the folder configured.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"

/* the folder of this program's file */
static bool exe_dir(char *buf, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);
	char *slash;

	if (n <= 0)
		return false;
	buf[n] = '\0';
	slash = strrchr(buf, '/');
	if (!slash)
		return false;
	*slash = '\0';
	return true;
}

static bool find(const char *env, const char *const near[2], const char *file,
		 const char *dir, int mode, char buf[PATH_MAX])
{
	const char *val = getenv(env);
	char exe[PATH_MAX];

	if (val && *val) {
		snprintf(buf, PATH_MAX, "%s", val);
		return access(buf, mode) == 0;
	}
	for (int i = 0; i < 2 && exe_dir(exe, sizeof(exe)); i++)
		if (snprintf(buf, PATH_MAX, "%s%s/%s", exe, near[i], file) < PATH_MAX &&
		    access(buf, mode) == 0)
			return true;
	snprintf(buf, PATH_MAX, "%s/%s", dir, file);
	return access(buf, mode) == 0;
}

/**
 * cli_find_daemon() - Find ustackd: $USTACKD, beside us, ../sbin, as configured
 * @buf:	PATH_MAX bytes; the last place tried when there is none
 */
bool cli_find_daemon(char *buf)
{
	static const char *const near[2] = { "", "/../sbin" };

	return find("USTACKD", near, "ustackd", USTACK_SBINDIR, X_OK, buf);
}

/**
 * cli_find_shim() - Find libustack.so: $USTACK_PRELOAD, .libs, ../lib, as configured
 * @buf:	PATH_MAX bytes; the last place tried when there is none
 */
bool cli_find_shim(char *buf)
{
	static const char *const near[2] = { "/.libs", "/../lib" };

	return find("USTACK_PRELOAD", near, "libustack.so", USTACK_LIBDIR, R_OK, buf);
}

/**
 * cli_find_command() - Where execvp(3) will find a program
 */
bool cli_find_command(const char *cmd, char *buf, size_t size)
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
