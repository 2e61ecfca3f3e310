/* tag.c - what a descriptor is, kept with it in the kernel
 *
 * Theory of operation
 * A socket's descriptor wanders: through dup, fork, exec and SCM_RIGHTS.  Its
 * identity is the peer's abstract name (sockname.h).  Its state (connecting,
 * listening, ...) has to wander along too, and asking the daemon costs two
 * context switches, so the client keeps it in the descriptor's own struct
 * sock: SO_MAX_PACING_RATE is 32 bits that anybody may set, that AF_UNIX
 * never looks at, and that the application cannot reach, because the option
 * is the stack's business on a ustack socket.  tests/unit/client-kernel.c
 * checks that the kernel really keeps it.
 *
 * A descriptor from accept() was made by the daemon and carries no tag (all
 * ones): a connected stream whose domain nobody asked for yet.
 * No state in the process: safe everywhere.
 */
#include <errno.h>
#include <string.h>
#include "client/client.h"
#include "client/sys.h"

#ifndef SO_MAX_PACING_RATE
#define SO_MAX_PACING_RATE 47
#endif

#define TAG_STATE	0x00000007u
#define TAG_INET6	0x00000008u
#define TAG_TYPE_SHIFT	4
#define TAG_OPTS_SHIFT	8
#define TAG_OPTS_MASK	0xffffffu

/**
 * client_identify() - Is this descriptor a socket of a stack, and which?
 * @fd:		any number
 * @sn:		filled in when it is
 *
 * errno is left as it was.
 */
bool client_identify(int fd, struct sockname *sn)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	int saved = errno;
	bool ours;

	ours = sys_getpeername(fd, (struct sockaddr *)&un, &len) == 0 &&
	       sockname_parse(&un, len, sn);
	errno = saved;
	return ours;
}

/**
 * tag_get() - Read the state of a socket
 * @fd:	a socket of a stack
 */
struct tag tag_get(int fd)
{
	struct tag t = { .state = TAG_CONNECTED, .type = SOCK_STREAM };
	uint32_t v = ~0u;
	socklen_t len = sizeof(v);

	if (sys_getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &v, &len) < 0 ||
	    v == ~0u || !(v >> TAG_TYPE_SHIFT & 15))
		return t;
	t.state = (enum tag_state)(v & TAG_STATE);
	t.domain = v & TAG_INET6 ? AF_INET6 : AF_INET;
	t.type = v >> TAG_TYPE_SHIFT & 15;
	t.opts = v >> TAG_OPTS_SHIFT & TAG_OPTS_MASK;
	return t;
}

/**
 * tag_set() - Keep the state of a socket with its descriptor
 *
 * Return: 0 or -errno
 */
int tag_set(int fd, struct tag t)
{
	uint32_t v = (uint32_t)t.state |
		     (t.domain == AF_INET6 ? TAG_INET6 : 0) |
		     (uint32_t)t.type << TAG_TYPE_SHIFT |
		     (t.opts & TAG_OPTS_MASK) << TAG_OPTS_SHIFT;

	return sys_setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &v, sizeof(v)) < 0
		       ? -errno : 0;
}

/**
 * tag_set_state() - Change only the state
 */
void tag_set_state(int fd, enum tag_state state)
{
	struct tag t = tag_get(fd);

	t.state = state;
	tag_set(fd, t);
}
