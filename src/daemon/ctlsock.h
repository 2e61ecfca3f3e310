/* ctlsock.h - the control socket of a stack, held by one daemon at a time */
#ifndef DAEMON_CTLSOCK_H
#define DAEMON_CTLSOCK_H

#include <stddef.h>
#include <limits.h>
#include <sys/types.h>

struct ctlsock {
	const char *label;	/* what the user calls the stack */
	char path[PATH_MAX];
	char lock_path[PATH_MAX];
	int fd;			/* bound, later listening; -1: none */
	int lock_fd;		/* holds the lock on lock_path; -1: none */
};

/* who may use the stack beside its user and root */
struct ctlsock_share {
	unsigned mode;		/* of the control socket; 0: nobody */
	gid_t gid;		/* its group, or -1: the user's */
};

int ctlsock_bind(struct ctlsock *c, const char *path, const char *label,
		 const struct ctlsock_share *share, char *err, size_t errlen);
int ctlsock_listen(struct ctlsock *c, char *err, size_t errlen);
void ctlsock_stop_listening(struct ctlsock *c);
void ctlsock_release(struct ctlsock *c);

#endif
