/* hook_gai.c - getaddrinfo_a(3)
 *
 * Theory of operation
 * The C library's own would ask the host's name servers from threads of its own.
 * Here every request is answered before the call returns, also with GAI_NOWAIT;
 * its gai_error(), gai_suspend() and gai_cancel() then find all of them done.
 */
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "preload/hook.h"
#include "preload/names_conf.h"

static void *notify_thread(void *arg)
{
	struct sigevent *ev = arg;
	void (*function)(union sigval) = ev->sigev_notify_function;
	union sigval value = ev->sigev_value;

	free(ev);
	function(value);
	return NULL;
}

static int in_thread(const struct sigevent *sev)
{
	struct sigevent *ev = malloc(sizeof(*ev));
	pthread_attr_t attr;
	pthread_t t;
	int ret;

	if (!ev)
		return EAI_MEMORY;
	*ev = *sev;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ret = pthread_create(&t, &attr, notify_thread, ev);
	pthread_attr_destroy(&attr);
	if (ret)
		free(ev);
	return ret ? EAI_AGAIN : 0;
}

/* as sigevent(7) has it */
static int notify(const struct sigevent *sev)
{
	siginfo_t info = { .si_signo = sev->sigev_signo, .si_code = SI_ASYNCNL };

	if (sev->sigev_notify == SIGEV_THREAD)
		return in_thread(sev);
	if (sev->sigev_notify == SIGEV_SIGNAL) {
		info.si_pid = getpid();
		info.si_uid = getuid();
		info.si_value = sev->sigev_value;
		sys_syscall(SYS_rt_sigqueueinfo, getpid(), sev->sigev_signo, (long)&info, 0, 0, 0);
	}
	return 0;
}

HOOK(int, getaddrinfo_a, (int mode, struct gaicb *list[], int n, struct sigevent *sev))
{
	struct names_conf c;

	if (names_native())
		return sys_getaddrinfo_a(mode, list, n, sev);
	if (mode != GAI_WAIT && mode != GAI_NOWAIT) {
		errno = EINVAL;
		return EAI_SYSTEM;
	}
	names_conf(&c);
	for (int i = 0; i < n; i++) {
		struct gaicb *g = list[i];

		if (!g)
			continue;
		g->ar_result = NULL;
		g->__return = names_getaddrinfo(&c, g->ar_name, g->ar_service, g->ar_request,
						&g->ar_result);
	}
	return mode == GAI_NOWAIT && sev ? notify(sev) : 0;
}
