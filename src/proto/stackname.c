/* stackname.c - from what a user calls a stack to its control socket
 *
 * Theory of operation
 * The forms of a name are listed in stackname.h.  The folder of named stacks
 * decides who may reach a stack, so it must be ours alone: a real directory
 * of our uid that nobody else can enter.  Under /tmp anybody can take the
 * name first; then we refuse rather than talk to a stranger's daemon.
 * A name never begins with a dot: ".NAME.lock" is the daemon's lock file.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "proto/sockname.h"
#include "base/hash.h"
#include "proto/stackname.h"
#include "proto/userconf.h"

#define SYSTEM_DIR	"/run/ustack"	/* root's */
#define NAME_CHARS \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@"

__attribute__((format(printf, 4, 5)))
static int fail(int code, char *err, size_t errlen, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, errlen, fmt, ap);
	va_end(ap);
	return code;
}

/* the folder is ours, and others see nothing of it: that they may pass (0711) lets
 * them to a stack whose control socket is shared (mode=).  A missing one is no error */
static int check_dir(const char *dir, char *err, size_t errlen)
{
	struct stat st;

	if (lstat(dir, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		return fail(-errno, err, errlen, "runtime folder %s: %s", dir,
			    strerror(errno));
	}
	if (!S_ISDIR(st.st_mode))
		return fail(-ENOTDIR, err, errlen,
			    "runtime folder %s is not a directory (remove it, or set XDG_RUNTIME_DIR)",
			    dir);
	if (st.st_uid != geteuid())
		return fail(-EPERM, err, errlen,
			    "runtime folder %s belongs to uid %u, not to uid %u (set XDG_RUNTIME_DIR to a folder of your own)",
			    dir, (unsigned)st.st_uid, (unsigned)geteuid());
	if (st.st_mode & 066)
		return fail(-EPERM, err, errlen,
			    "runtime folder %s is open to others, mode %04o (chmod 700 it)",
			    dir, (unsigned)st.st_mode & 07777);
	return 0;
}

/**
 * stackname_dir() - The folder in which named stacks have their control socket
 * @create:	make it if it is missing
 * @buf, @size:	receives the path
 * @err, @errlen: on failure, why in one line
 *
 * Return: 0 or -errno
 */
int stackname_dir(bool create, char *buf, size_t size, char *err, size_t errlen)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	int n;

	if (run && run[0] == '/')
		n = snprintf(buf, size, "%s/ustack", run);
	else if (geteuid() == 0)
		n = snprintf(buf, size, "%s", SYSTEM_DIR);
	else
		n = snprintf(buf, size, "/tmp/ustack-%u", (unsigned)geteuid());
	if (n < 0 || (size_t)n >= size)
		return fail(-ENAMETOOLONG, err, errlen,
			    "runtime folder %s/ustack: the path is too long (set XDG_RUNTIME_DIR to a shorter one)",
			    run ? run : "");
	if (create && mkdir(buf, 0700) < 0 && errno != EEXIST)
		return fail(-errno, err, errlen,
			    "runtime folder %s: cannot make it: %s", buf,
			    strerror(errno));
	return check_dir(buf, err, errlen);
}

static int set_path(struct stackname *out, const char *name, const char *dir,
		    const char *base, char *err, size_t errlen)
{
	char path[PATH_MAX + NAME_MAX];
	int len = snprintf(path, sizeof(path), "%s/%s", dir, base);

	if (len < 0 || (size_t)len > SOCKNAME_PATH_MAX)
		return fail(-ENAMETOOLONG, err, errlen,
			    "stack \"%s\": control socket %s/%s has %d characters, at most %zu fit a socket's name (use a shorter name or path)",
			    name, dir, base, len, SOCKNAME_PATH_MAX);
	memcpy(out->path, path, (size_t)len + 1);
	return 0;
}

static int in_dir(struct stackname *out, const char *name, const char *base,
		  bool create, char *err, size_t errlen)
{
	char dir[PATH_MAX];
	int ret = stackname_dir(create, dir, sizeof(dir), err, errlen);

	return ret ? ret : set_path(out, name, dir, base, err, errlen);
}

/* the sockets' names carry the path into other processes: it must not
 * depend on this one's working directory */
static int from_path(struct stackname *out, const char *name, char *err,
		     size_t errlen)
{
	char cwd[PATH_MAX];

	out->kind = STACKNAME_PATH;
	if (name[strlen(name) - 1] == '/')
		return fail(-EINVAL, err, errlen,
			    "stack \"%s\": a path must end in the name of the control socket",
			    name);
	if (name[0] == '/')
		return set_path(out, name, "", name + 1, err, errlen);
	if (!getcwd(cwd, sizeof(cwd)))
		return fail(-errno, err, errlen,
			    "stack \"%s\": cannot find the working folder: %s",
			    name, strerror(errno));
	return set_path(out, name, strcmp(cwd, "/") ? cwd : "",
			name + (strncmp(name, "./", 2) ? 0 : 2), err, errlen);
}

/* whoever has a configuration of his own for it means that stack */
static bool is_configured(const struct stackname *sn)
{
	char path[PATH_MAX];

	return sn->is_default && userconf_path(path, sizeof(path)) == 0 &&
	       access(path, F_OK) == 0;
}

/* a name that is not in our folder may be one of root's stacks, which is shared */
static void try_system(struct stackname *out, const char *name, int *ret)
{
	struct stackname sys = *out;
	char path[sizeof(out->path)];
	struct stat st;

	if (!*ret && lstat(out->path, &st) == 0)
		return;
	if (lstat(SYSTEM_DIR, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != 0 ||
	    st.st_mode & 022 ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s", SYSTEM_DIR, name) >= sizeof(path) ||
	    lstat(path, &st) < 0)
		return;
	strcpy(sys.path, path);
	*out = sys;
	*ret = 0;
}

/* `ustack mount -t null`: nobody has to run for that */
static void find_null(struct stackname *out)
{
	char to[sizeof(STACKNAME_NULL_MARK)];

	if (readlink(out->path, to, sizeof(to)) == sizeof(to) - 1 &&
	    !memcmp(to, STACKNAME_NULL_MARK, sizeof(to) - 1))
		out->kind = STACKNAME_NULL;
}

static int from_name(struct stackname *out, const char *name, bool create, char *err,
		     size_t errlen)
{
	int ret;

	out->kind = STACKNAME_PATH;
	out->is_default = !strcmp(name, "default");
	if (name[strspn(name, NAME_CHARS)] || name[0] == '.' || name[0] == '-')
		return fail(-EINVAL, err, errlen,
			    "stack \"%s\": not a valid name (letters, digits and . _ - @, not beginning with . or -; or a path; or a configuration string such as vnl=vxvde://234.0.0.1,ip=10.0.0.1/24)",
			    name);
	ret = in_dir(out, name, name, create, err, errlen);
	if (!create && !is_configured(out))
		try_system(out, name, &ret);
	return ret;
}

/**
 * stackname_resolve() - Find the control socket of a stack
 * @name:	what the user wrote, or NULL
 * @create:	make the runtime folder if it is missing
 * @out:	filled in; out->config borrows @name
 * @err, @errlen: on failure, why in one line
 *
 * Return: 0 or -errno
 */
int stackname_resolve(const char *name, bool create, struct stackname *out,
		      char *err, size_t errlen)
{
	char base[20];
	int ret;

	memset(out, 0, sizeof(*out));
	if (!name || !*name)
		name = "default";
	if (!strcmp(name, "null") || !strcmp(name, "host")) {
		out->kind = *name == 'n' ? STACKNAME_NULL : STACKNAME_HOST;
		return 0;
	}
	if (name[0] != '/' && name[0] != '.' && strchr(name, '=')) {
		out->kind = STACKNAME_CONFIG;
		out->config = name;
		snprintf(base, sizeof(base), "@%016" PRIx64, hash_fnv1a(name, strlen(name)));
		return in_dir(out, name, base, create, err, errlen);
	}
	ret = strchr(name, '/') ? from_path(out, name, err, errlen) :
				  from_name(out, name, create, err, errlen);
	if (!ret)
		find_null(out);
	return ret;
}
