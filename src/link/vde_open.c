/* vde_open.c - open a VNL without keeping the loop waiting
 *
 * Theory of operation
 * vde_open() takes as long as its plugin: a switch that does not answer on its
 * control connection, a name that is looked up, a program that is started.  So
 * it runs in a thread of its own, which does nothing else, and which ends with
 * it; an eventfd tells that it is done.  Whoever opens waits for that up to
 * link_patience() while it sleeps, and goes on without a link when it takes
 * longer.  A thread that is ready to run but does not get to (a busy machine) is
 * waited for a little more: everything is late then.
 *
 * The one who gives up waiting for good abandons it: then the thread closes
 * what it opened.  Between the two there is one mutex, held for a few
 * instructions.  Signals are the other thread's.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <libvdeplug.h>
#include "link/vde_open.h"

#define STARVED_MS	25		/* how long a thread that cannot run is waited for */

struct vde_opening {
	pthread_mutex_t lock;
	bool done, abandoned;		/* under the lock */
	char *vnl;
	int efd;
	int tid;			/* 0 until the thread runs */
	VDECONN *conn;			/* the thread's until done */
	int err;
};

static void destroy(struct vde_opening *o)
{
	if (o->efd >= 0)
		close(o->efd);
	pthread_mutex_destroy(&o->lock);
	free(o->vnl);
	free(o);
}

static void *open_it(void *arg)
{
	struct vde_opening *o = arg;
	char descr[] = "ustack";
	const uint64_t one = 1;
	bool nobody;

	__atomic_store_n(&o->tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	errno = 0;			/* some plugins fail without a reason */
	o->conn = vde_open(o->vnl, descr, NULL);
	o->err = o->conn ? 0 : errno ? errno : EINVAL;
	pthread_mutex_lock(&o->lock);
	o->done = true;
	nobody = o->abandoned;
	if (!nobody && write(o->efd, &one, sizeof(one)) < 0)
		o->err = o->conn ? 0 : EIO;	/* cannot be: the counter is 0 */
	pthread_mutex_unlock(&o->lock);
	if (nobody) {
		if (o->conn)
			vde_close(o->conn);
		destroy(o);
	}
	return NULL;
}

static int start_thread(struct vde_opening *o)
{
	sigset_t all, old;
	pthread_attr_t a;
	pthread_t t;
	int rc;

	sigfillset(&all);
	pthread_attr_init(&a);
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&t, &a, open_it, o);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&a);
	return -rc;
}

/**
 * vde_open_start() - Begin to open a VNL
 * @out:	to be given to vde_open_take() or vde_open_abandon()
 *
 * Return: 0 or -errno
 */
int vde_open_start(const char *vnl, struct vde_opening **out)
{
	struct vde_opening *o = calloc(1, sizeof(*o));
	int rc;

	if (!o)
		return -ENOMEM;
	pthread_mutex_init(&o->lock, NULL);
	o->vnl = strdup(vnl);
	o->efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = !o->vnl ? -ENOMEM : o->efd < 0 ? -errno : start_thread(o);
	if (rc)
		destroy(o);
	else
		*out = o;
	return rc;
}

/* is the thread runnable, and only waits for a processor? */
static bool starved(const struct vde_opening *o)
{
	int tid = __atomic_load_n(&o->tid, __ATOMIC_ACQUIRE);
	char path[64], state = 0;
	FILE *f;

	if (!tid)
		return true;		/* it did not even begin */
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(f);
	return state == 'R';
}

/**
 * vde_open_wait() - Wait until it is done
 * @ms:		at most; -1: as long as it takes
 *
 * Return: is it?
 */
bool vde_open_wait(const struct vde_opening *o, int ms)
{
	struct pollfd p = { .fd = o->efd, .events = POLLIN };
	int waited = 0;

	for (;;) {
		int n = poll(&p, 1, ms);

		if (n > 0)
			return true;
		if (n < 0 && errno == EINTR)
			continue;
		waited += ms > 0 ? ms : 1;
		if (n < 0 || waited >= STARVED_MS || !starved(o))
			return false;
	}
}

/* vde_open_fd() - Polls readable once it is done */
int vde_open_fd(const struct vde_opening *o)
{
	return o->efd;
}

/**
 * vde_open_take() - What came of it, once it is done
 * @o:		not to be used any more
 * @conn:	the connection
 * @efd:	vde_open_fd(), the caller's to close
 *
 * Return: 0, or -errno of vde_open()
 */
int vde_open_take(struct vde_opening *o, VDECONN **conn, int *efd)
{
	int err;

	/* the thread may still be about to leave */
	pthread_mutex_lock(&o->lock);
	pthread_mutex_unlock(&o->lock);
	*conn = o->conn;
	*efd = o->efd;
	err = o->err;
	o->efd = -1;
	destroy(o);
	return -err;
}

/* vde_open_abandon() - Nobody waits any more: what is opened is closed again */
void vde_open_abandon(struct vde_opening *o)
{
	bool done;

	pthread_mutex_lock(&o->lock);
	o->abandoned = true;
	done = o->done;
	pthread_mutex_unlock(&o->lock);
	if (!done)
		return;			/* the thread clears up */
	if (o->conn)
		vde_close(o->conn);
	destroy(o);
}
