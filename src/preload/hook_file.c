/* hook_file.c - /etc/resolv.conf, /etc/hosts, /proc/net: for programs that read them
 *
 * Theory of operation
 * dig, nslookup, and every runtime with a resolver of its own read
 * /etc/resolv.conf.  Opening exactly that path for reading gives an anonymous
 * file (memfd_create(2)) with the stack's servers; opening /etc/hosts gives the
 * stack's hosts file if it has one of its own.  Any other path, and
 * opening for writing, goes on untouched: the price is a comparison of strings.
 * Files of /proc/net and /proc/sys/net are ours in the same way (procnet.c).
 *
 * stat(2) of /etc/resolv.conf tells the text's length, and a hash of it as inode
 * number: programs that watch the file for changes see one when the stack's
 * servers change, and only then.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "base/hash.h"
#include "preload/hook.h"
#include "preload/names_conf.h"
#include "preload/procnet.h"

#define RESOLV_CONF	"/etc/resolv.conf"
#define HOSTS		"/etc/hosts"
#define TEXT_MAX	2048

static bool is_resolv_conf(const char *path)
{
	return path && !strcmp(path, RESOLV_CONF) && !names_native();
}

/* /etc/hosts by the stack's own file, every other path by itself */
static const char *redirected(const char *path, struct names_conf *c)
{
	if (!path || strcmp(path, HOSTS) != 0 || names_native())
		return path;
	names_conf(c);
	return c->hosts;
}

static int resolv_text(char *text, size_t size)
{
	struct names_conf c;

	names_conf(&c);
	return names_resolv_conf(&c, text, size);
}

/* files whose text is ours */
static bool is_virtual(const char *path)
{
	return is_resolv_conf(path) || procnet_is(path);
}

static int read_only_copy(const char *text, int len, int flags)
{
	int fd = memfd_create("ustack", MFD_CLOEXEC), ro;
	char path[32];

	if (fd < 0)
		return -1;
	/* to be read only, and from its beginning */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (sys_write(fd, text, (size_t)len) != len)
		ro = (int)hook_result(-EIO);
	else
		ro = sys_open(path, O_RDONLY | (flags & (O_CLOEXEC | O_NONBLOCK)), 0);
	sys_close(fd);
	if (ro >= 0)
		fdtab_forget(ro);
	return ro;
}

/* the text of a virtual file; -ENOENT: the kernel's file is meant */
static int virtual_text(const char *path, char **text)
{
	int len;

	if (procnet_is(path))
		return procnet_text(path, text);
	*text = malloc(TEXT_MAX);
	if (!*text)
		return -ENOMEM;
	len = resolv_text(*text, TEXT_MAX);
	return len == -ENOENT ? -EIO : len;
}

/* a descriptor to read a virtual file from in *fd, or -1 with errno; false: it is the
 * kernel's file */
static bool virtual_open(const char *path, int flags, int *fd)
{
	char *text = NULL;
	int len;

	if (!is_virtual(path))
		return false;
	len = virtual_text(path, &text);
	if (len == -ENOENT)
		return false;
	if ((flags & O_ACCMODE) != O_RDONLY || flags & (O_TRUNC | O_DIRECTORY))
		*fd = (int)hook_result(flags & O_DIRECTORY ? -ENOTDIR : -EACCES);
	else
		*fd = len < 0 ? (int)hook_result(-EIO) : read_only_copy(text ? text : "", len, flags);
	free(text);
	return true;
}

static int do_open(int dir, const char *path, int flags, unsigned mode)
{
	struct names_conf c;
	int fd;

	if (virtual_open(path, flags, &fd))
		return fd;
	if ((flags & O_ACCMODE) == O_RDONLY)
		path = redirected(path, &c);
	fd = dir == AT_FDCWD ? sys_open(path, flags, mode) : sys_openat(dir, path, flags, mode);
	if (fd >= 0)
		fdtab_forget(fd);
	return fd;
}

#define OPEN_MODE(flags, mode) do { \
	va_list ap; \
	va_start(ap, flags); \
	mode = (flags) & (O_CREAT | O_TMPFILE) ? va_arg(ap, unsigned) : 0; \
	va_end(ap); \
} while (0)

HOOK(int, open, (const char *path, int flags, ...))
{
	unsigned mode;

	OPEN_MODE(flags, mode);
	return do_open(AT_FDCWD, path, flags, mode);
}

HOOK(int, open64, (const char *path, int flags, ...))
{
	unsigned mode;

	OPEN_MODE(flags, mode);
	return do_open(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

HOOK(int, openat, (int dir, const char *path, int flags, ...))
{
	unsigned mode;

	OPEN_MODE(flags, mode);
	return do_open(dir, path, flags, mode);
}

HOOK(int, openat64, (int dir, const char *path, int flags, ...))
{
	unsigned mode;

	OPEN_MODE(flags, mode);
	return do_open(dir, path, flags | O_LARGEFILE, mode);
}

HOOK(int, __open_2, (const char *path, int flags))
{
	return do_open(AT_FDCWD, path, flags, 0);
}

HOOK(int, __open64_2, (const char *path, int flags))
{
	return do_open(AT_FDCWD, path, flags | O_LARGEFILE, 0);
}

HOOK(int, __openat_2, (int dir, const char *path, int flags))
{
	return do_open(dir, path, flags, 0);
}

HOOK(int, __openat64_2, (int dir, const char *path, int flags))
{
	return do_open(dir, path, flags | O_LARGEFILE, 0);
}

/* as virtual_open(), for stdio */
static bool virtual_fopen(const char *path, const char *mode, FILE **f)
{
	int fd;

	if (!virtual_open(path, (*mode == 'r' && !strchr(mode, '+') ? O_RDONLY : O_RDWR) |
			  (strchr(mode, 'e') ? O_CLOEXEC : 0), &fd))
		return false;
	*f = fd < 0 ? NULL : fdopen(fd, "r");
	if (!*f && fd >= 0)
		sys_close(fd);
	return true;
}

HOOK(FILE *, fopen, (const char *path, const char *mode))
{
	struct names_conf c;
	FILE *f;

	if (virtual_fopen(path, mode, &f))
		return f;
	return sys_fopen(*mode == 'r' && !strchr(mode, '+') ? redirected(path, &c) : path, mode);
}

HOOK(FILE *, fopen64, (const char *path, const char *mode))
{
	struct names_conf c;
	FILE *f;

	if (virtual_fopen(path, mode, &f))
		return f;
	return sys_fopen64(*mode == 'r' && !strchr(mode, '+') ? redirected(path, &c) : path, mode);
}

HOOK(int, access, (const char *path, int mode))
{
	struct names_conf c;

	if (is_resolv_conf(path))
		return mode & (W_OK | X_OK) ? (int)hook_result(-EACCES) : 0;
	return sys_access(redirected(path, &c), mode);
}

static int virtual_stat(struct stat *st)
{
	char text[TEXT_MAX];
	int len = resolv_text(text, sizeof(text));

	if (len < 0)
		return (int)hook_result(-EIO);
	*st = (struct stat){
		.st_mode = S_IFREG | 0444, .st_nlink = 1, .st_size = len, .st_blksize = 4096,
		.st_blocks = (len + 511) / 512, .st_ino = (ino_t)hash_fnv1a(text, (size_t)len),
	};
	return 0;
}

HOOK(int, stat, (const char *path, struct stat *st))
{
	struct names_conf c;

	return is_resolv_conf(path) ? virtual_stat(st) : sys_stat(redirected(path, &c), st);
}

HOOK(int, lstat, (const char *path, struct stat *st))
{
	struct names_conf c;

	return is_resolv_conf(path) ? virtual_stat(st) : sys_lstat(redirected(path, &c), st);
}

HOOK(int, fstatat, (int dir, const char *path, struct stat *st, int flags))
{
	struct names_conf c;

	return is_resolv_conf(path) ? virtual_stat(st)
				    : sys_fstatat(dir, redirected(path, &c), st, flags);
}

HOOK(int, statx, (int dir, const char *path, int flags, unsigned mask, struct statx *sx))
{
	struct names_conf c;
	struct stat st;

	if (!is_resolv_conf(path))
		return sys_statx(dir, redirected(path, &c), flags, mask, sx);
	if (virtual_stat(&st) < 0)
		return -1;
	*sx = (struct statx){
		.stx_mask = STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_SIZE | STATX_BLOCKS | STATX_INO |
			STATX_UID | STATX_GID,
		.stx_mode = (uint16_t)st.st_mode, .stx_nlink = 1, .stx_size = (uint64_t)st.st_size,
		.stx_blksize = (uint32_t)st.st_blksize, .stx_blocks = (uint64_t)st.st_blocks,
		.stx_ino = st.st_ino,
	};
	return 0;
}

/* where off_t has 64 bits anyway, these are the same */
#if __SIZEOF_LONG__ == 8
HOOK(int, stat64, (const char *path, struct stat *st))
{
	return hook_stat(path, st);
}

HOOK(int, lstat64, (const char *path, struct stat *st))
{
	return hook_lstat(path, st);
}

HOOK(int, fstatat64, (int dir, const char *path, struct stat *st, int flags))
{
	return hook_fstatat(dir, path, st, flags);
}
#endif
