/* stackname.h - from what a user calls a stack to its control socket
 *
 * The value of $USTACK, the argument of `ustack exec` and of ustack_open():
 *   "mystack"		$XDG_RUNTIME_DIR/ustack/mystack, else /run/ustack/mystack
 *			for root, else /tmp/ustack-UID/mystack; folder 0700 (0711 when
 *			a stack in it is shared).  If it is not there,
 *			/run/ustack/mystack, which root may share
 *   "/any/path"	that control socket
 *   "vnl=...,ip=..."	a configuration string (it has a '='): a stack started
 *			on demand and shared by the user's processes that name the
 *			same string; control socket "@HASH" in the same folder
 *   "null", "host"	no network at all; the kernel's own
 *   NULL or ""		"default", which the user's own configuration starts on
 *			demand (userconf.h)
 *
 * A name or path may also lead to no network at all: where a daemon would have
 * its control socket there is a symbolic link to STACKNAME_NULL_MARK then,
 * from `ustack mount -t null`.
 */
#ifndef PROTO_STACKNAME_H
#define PROTO_STACKNAME_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

enum stackname_kind {
	STACKNAME_PATH, STACKNAME_CONFIG, STACKNAME_NULL, STACKNAME_HOST,
};

#define STACKNAME_NULL_MARK	"null"

struct stackname {
	enum stackname_kind kind;
	bool is_default;		/* PATH: the stack called "default" */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];	/* PATH, CONFIG, a mounted NULL */
	const char *config;		/* CONFIG: the string, borrowed from the caller */
};

/* 0 or -errno with a one-line reason in @err (names too long, bad characters, a
 * runtime folder that is not ours or is open to others).  @create: make the
 * runtime folder if it is missing. */
int stackname_resolve(const char *name, bool create, struct stackname *out,
		      char *err, size_t errlen);
/* the folder of named stacks, for `ustack ls` */
int stackname_dir(bool create, char *buf, size_t size, char *err, size_t errlen);

#endif
