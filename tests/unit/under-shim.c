/* under-shim.c - run a test program under libustack.so, on a fake stack */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "fake-stack.h"
#include "under-shim.h"

/* under_shim() - see under-shim.h */
int under_shim(char **argv)
{
	struct fake_stack f;
	char pid[16];
	int status;
	pid_t child;

	if (getenv("FAKE_PID"))
		return -1;
	fake_stack_start(&f);
	snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	setenv("FAKE_PID", pid, 1);
	setenv("USTACK", f.path, 1);
	setenv("LD_PRELOAD", SHIM, 1);
	/* a sanitized shim comes before the sanitizer's own library */
	setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 0);
	child = fork();
	if (child == 0) {
		execv("/proc/self/exe", argv);
		err(127, "%s", argv[0]);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		err(1, "%s", argv[0]);
	fake_stack_stop(&f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
