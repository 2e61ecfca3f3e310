/* lock.c - leave a program no way round its stack: `ustack exec --lock`
 *
 * Theory of operation
 * A seccomp filter, inherited by all that the program starts and never to be
 * undone, lets the kernel refuse sockets of the families that are the stack's,
 * and of every family that neither a stack nor the shim needs: the shim itself is
 * content with AF_UNIX.  It does not matter then whether a program unsets
 * LD_PRELOAD, is statically linked, or makes system calls itself.  io_uring,
 * which makes sockets without system calls, and pidfd_getfd(2), which takes
 * them from others, are refused.  Programs for another architecture
 * (32-bit ones) are killed at their first system call: their numbers differ.
 *
 * The filter sets no_new_privs.  What it does not do: AF_UNIX is open, so a
 * program outside that is willing to do so may use the network for us.
 */
#include <errno.h>
#include <sys/socket.h>
#include "config.h"
#include "cli/cli.h"
#include "proto/family.h"

#ifdef HAVE_SECCOMP
#include <seccomp.h>

#define DOMAINS		64		/* beyond the last that any kernel knows (AF_MAX) */

static bool allowed(int domain, unsigned families)
{
	unsigned bit = family_bit(domain);

	return domain == AF_UNIX || (bit && !(bit & families));
}

/* refuse a call that takes a domain first; all 64 bits of it are compared */
static int deny_domains(scmp_filter_ctx f, int nr, unsigned families)
{
	uint32_t refuse = SCMP_ACT_ERRNO(EAFNOSUPPORT);
	int ret = seccomp_rule_add(f, refuse, nr, 1, SCMP_A0(SCMP_CMP_GE, DOMAINS));

	for (int d = 0; !ret && d < DOMAINS; d++)
		if (!allowed(d, families))
			ret = seccomp_rule_add(f, refuse, nr, 1,
					       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)d));
	return ret;
}

static int add_rules(scmp_filter_ctx f, unsigned families)
{
	int ret = deny_domains(f, SCMP_SYS(socket), families);

	if (!ret)
		ret = deny_domains(f, SCMP_SYS(socketpair), families);
	/* its arguments are in memory, where a filter cannot look */
	if (!ret)
		ret = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(socketcall), 0);
	if (!ret)
		ret = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
	if (!ret)
		ret = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(pidfd_getfd), 0);
	return ret;
}

/**
 * lock_apply() - Filter this process' system calls for good
 * @families:	of FAMILY_*: the stack's; AF_INET and the like that are not among
 *		them stay the kernel's
 *
 * Return: 0 or -errno
 */
int lock_apply(unsigned families)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int ret;

	if (!f)
		return -ENOMEM;
	ret = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!ret)
		ret = add_rules(f, families);
	if (!ret)
		ret = seccomp_load(f);
	seccomp_release(f);
	return ret;
}

/**
 * lock_missing() - Why there can be no lock here; NULL: there can
 */
const char *lock_missing(void)
{
	return NULL;
}

#else

int lock_apply(unsigned families)
{
	return -ENOSYS;
}

const char *lock_missing(void)
{
	return "this ustack was built without libseccomp (install libseccomp-dev and build it again, or leave --lock out)";
}

#endif
