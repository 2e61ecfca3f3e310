/* hook_dl.c - dlopen: modules that look past the shim
 *
 * Theory of operation
 * A module opened with RTLD_DEEPBIND (php's extensions) finds the C library, on which it
 * depends itself, before what is preloaded: its sockets would be the kernel's.  So it
 * is opened without.  Its own symbols then come after those of the program, as they
 * do in every module that is opened without the flag.
 *
 * dlopen(3) looks at its return address for the caller, whose RUNPATH and namespace
 * count: both calls on the way to it are tail calls, which compilers make jumps.
 */
#include <dlfcn.h>
#include "preload/hook.h"

HOOK(void *, dlopen, (const char *path, int mode))
{
	if (mode & RTLD_DEEPBIND && stack_get()->kind != STACKNAME_HOST)
		mode &= ~RTLD_DEEPBIND;
	return sys_dlopen(path, mode);
}
