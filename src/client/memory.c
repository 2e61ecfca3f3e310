/* memory.c - may the program's memory be read, or written?
 *
 * Theory of operation
 * A system call answers a bad address with EFAULT.  What is done in its place here
 * reads and writes addresses, lengths, values and messages itself, and would die
 * of it; so it asks the kernel first, by calls that do nothing else and that every
 * filter of system calls allows: rt_sigprocmask(2) with an operation that there is
 * not reads eight bytes, FUTEX_WAKE_OP adds nothing to a word.  Buffers of data are
 * not asked for, since they are passed on to the kernel.
 *
 * A page that was good once is remembered (a cache without locks, an entry a page
 * number modulo its size), so that programs, which use the same few over and over,
 * pay a look-up.  A page that is taken away later is a crash, as in any function of
 * the C library.  For a program that filters its own calls nothing is asked for.
 */
#include <errno.h>
#include <linux/futex.h>
#include "client/sys.h"
#include "client/memory.h"

#define NO_SUCH_HOW	(-1L)
#define KERNEL_SIGSET	8		/* _NSIG / 8 on all but MIPS */

uintptr_t mem_known[MEM_KNOWN];
static bool trusting;

static bool faults(uintptr_t page, bool write)
{
	static uint32_t nobody;
	int err = errno;
	long ret;
	bool bad;

	if (write)
		ret = sys_syscall(SYS_futex, (long)&nobody, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0,
				  (long)page, FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_LT, 0));
	else
		ret = sys_syscall(SYS_rt_sigprocmask, NO_SUCH_HOW, (long)page, 0, KERNEL_SIGSET, 0, 0);
	bad = ret < 0 && errno == EFAULT;
	errno = err;
	return bad;
}

/**
 * mem_find_out() - Ask the kernel about a page that is not known to be good
 */
bool mem_find_out(uintptr_t page, bool write)
{
	if (!page || __atomic_load_n(&trusting, __ATOMIC_RELAXED))
		return page;
	if (faults(page, write))
		return false;
	__atomic_store_n(&mem_known[page / MEM_PAGE % MEM_KNOWN], page | write, __ATOMIC_RELAXED);
	return true;
}

/**
 * mem_trust() - Make no system call any more that the program does not make
 */
void mem_trust(void)
{
	__atomic_store_n(&trusting, true, __ATOMIC_RELAXED);
}
