/* program.c - will a program load the shim?
 *
 * Theory of operation
 * The dynamic linker ignores LD_PRELOAD for a program that gains privileges by
 * its mode or its file capabilities, and there is none in a statically linked one.
 * Capabilities that only concern the network are worth nothing on a stack: a
 * program that has no others may be run without them (run.c).  No state.
 */
#include <elf.h>
#include <endian.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "cli/cli.h"

#define NET_CAPS	(1u << CAP_NET_BIND_SERVICE | 1u << CAP_NET_BROADCAST | \
			 1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW)

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
