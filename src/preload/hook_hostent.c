/* hook_hostent.c - gethostent(3): the stack's hosts file, line by line
 *
 * Theory of operation
 * The C library reads /etc/hosts by itself here, past the hooks of open; a
 * stack may have a file of its own.  As there, only what is an IPv4 address, or
 * stands for one, is shown.  The place in the file is the process', under a
 * lock; gethostent(3) returns a buffer that lasts until the next call.
 */
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include "preload/hook.h"
#include "preload/names_conf.h"

#define HOSTENT_MAX	(1u << 20)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *file;

/* with the lock held: the next host, as h_errno; a new file is opened if need be */
static int next(struct names_host *h)
{
	struct names_conf c;

	*h = (struct names_host){ 0 };
	if (!file) {
		names_conf(&c);
		file = sys_fopen(c.hosts, "re");
		if (!file)
			return HOST_NOT_FOUND;
	}
	return hosts_next(file, h);
}

static void rewind_hosts(void)
{
	pthread_mutex_lock(&lock);
	if (file)
		sys_fclose(file);
	file = NULL;
	pthread_mutex_unlock(&lock);
}

HOOK(void, sethostent, (int stay_open))
{
	if (names_native())
		sys_sethostent(stay_open);
	else
		rewind_hosts();
}

HOOK(void, endhostent, (void))
{
	if (names_native())
		sys_endhostent();
	else
		rewind_hosts();
}

HOOK(int, gethostent_r, (struct hostent *he, char *buf, size_t size, struct hostent **result,
			 int *herrp))
{
	struct names_host h;
	long start;
	int herr, ret;

	if (names_native())
		return sys_gethostent_r(he, buf, size, result, herrp);
	pthread_mutex_lock(&lock);
	start = file ? ftell(file) : 0;
	herr = next(&h);
	ret = herr == HOST_NOT_FOUND ? ENOENT : herr ? errno : names_hostent(&h, AF_INET, he, buf, size);
	if (ret == ERANGE && file)	/* the same line again, with more room */
		fseek(file, start, SEEK_SET);
	pthread_mutex_unlock(&lock);
	names_host_free(&h);
	*result = ret ? NULL : he;
	*herrp = ret == ERANGE ? NETDB_INTERNAL : herr;
	return ret;
}

HOOK(struct hostent *, gethostent, (void))
{
	static struct hostent he;
	static char *buf;
	static size_t size;
	struct hostent *result = NULL;
	int herr;

	if (names_native())
		return sys_gethostent();
	while (hook_gethostent_r(&he, buf, size, &result, &herr) == ERANGE && size < HOSTENT_MAX) {
		size_t want = size ? size * 2 : 1024;
		char *grown = realloc(buf, want);

		if (!grown)
			break;
		buf = grown;
		size = want;
	}
	if (!result)
		h_errno = herr;
	return result;
}
