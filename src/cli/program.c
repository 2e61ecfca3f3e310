/* program.c - will a program load the shim?
 *
 * Theory of operation
 * The dynamic loader ignores LD_PRELOAD for a program that gains privileges by
 * its mode or its file capabilities, and there is none in a statically linked one.
 * Capabilities that only concern the network are worth nothing on a stack: a
 * program that has no others may be run without them (run.c), by its loader, for
 * capabilities belong to the file that is executed.  No state.
 */
#include <elf.h>
#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "cli/cli.h"

#define NET_CAPS	(1u << CAP_NET_BIND_SERVICE | 1u << CAP_NET_BROADCAST | \
			 1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW)

union header {
	unsigned char ident[EI_NIDENT];
	Elf64_Ehdr h64;
	Elf32_Ehdr h32;
};

/* where the i-th program header is */
static off_t phdr_at(const union header *h, unsigned i)
{
	return h->ident[EI_CLASS] == ELFCLASS64 ?
	       (off_t)h->h64.e_phoff + (off_t)i * h->h64.e_phentsize :
	       (off_t)h->h32.e_phoff + (off_t)i * h->h32.e_phentsize;
}

/* the program header of the interpreter's name: its place in the file and its length */
static bool find_interp(int fd, const union header *h, off_t *at, size_t *len)
{
	bool wide = h->ident[EI_CLASS] == ELFCLASS64;
	unsigned n = wide ? h->h64.e_phnum : h->h32.e_phnum;

	for (unsigned i = 0; i < n; i++) {
		union {
			uint32_t type;		/* first in both forms */
			Elf64_Phdr p64;
			Elf32_Phdr p32;
		} p;
		size_t size = wide ? sizeof(p.p64) : sizeof(p.p32);

		if (pread(fd, &p, size, phdr_at(h, i)) != (ssize_t)size)
			return false;
		if (p.type != PT_INTERP)
			continue;
		*at = wide ? (off_t)p.p64.p_offset : (off_t)p.p32.p_offset;
		*len = wide ? (size_t)p.p64.p_filesz : (size_t)p.p32.p_filesz;
		return true;
	}
	return false;
}

static bool is_elf(int fd, union header *h)
{
	return read(fd, h, sizeof(*h)) >= (ssize_t)sizeof(h->h32) &&
	       !memcmp(h->ident, ELFMAG, SELFMAG);
}

/* an ELF program, 64 or 32 bits wide, that no dynamic loader runs */
static bool is_static(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	union header h;
	size_t len;
	bool is;
	off_t at;

	if (fd < 0)
		return false;
	is = is_elf(fd, &h) && !find_interp(fd, &h, &at, &len);
	close(fd);
	return is;
}

/**
 * program_interp() - The dynamic loader that a program asks for
 * @buf:	PATH_MAX bytes
 */
bool program_interp(const char *file, char *buf)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	union header h;
	size_t len = 0;
	bool has;
	off_t at;

	if (fd < 0)
		return false;
	has = is_elf(fd, &h) && find_interp(fd, &h, &at, &len) && len > 1 && len <= PATH_MAX &&
	      pread(fd, buf, len, at) == (ssize_t)len && buf[len - 1] == '\0';
	close(fd);
	return has;
}

/* which capabilities the file gives; 0: none */
static enum program_kind caps_kind(const char *file)
{
	struct vfs_ns_cap_data caps = { 0 };
	ssize_t n = getxattr(file, "security.capability", &caps, sizeof(caps));

	if (n <= 0)
		return PROGRAM_PLAIN;
	if (n < (ssize_t)XATTR_CAPS_SZ_2 || le32toh(caps.data[1].permitted) ||
	    le32toh(caps.data[0].permitted) & ~NET_CAPS)
		return PROGRAM_CAPS;
	return PROGRAM_NET_CAPS;
}

/**
 * program_kind() - How a program is run
 * @file:	its path
 */
enum program_kind program_kind(const char *file)
{
	struct stat st;

	if (stat(file, &st) < 0)
		return PROGRAM_PLAIN;
	if (is_static(file))
		return PROGRAM_STATIC;
	if ((st.st_mode & S_ISUID && st.st_uid != geteuid()) ||
	    (st.st_mode & S_ISGID && st.st_gid != getegid()))
		return PROGRAM_SETID;
	return geteuid() == 0 ? PROGRAM_PLAIN : caps_kind(file);
}
