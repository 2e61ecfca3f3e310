/* sockname.c - the abstract name that identifies a ustack socket
 *
 * Theory of operation
 * A name is written and read back here only, so its form (sockname.h) is
 * known in one place.  Reading is strict: an AF_UNIX socket of somebody else
 * that merely begins alike is not ours.  An id is drawn from the kernel each
 * time: nothing is kept in the process that a fork would duplicate.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "proto/sockname.h"

#define PREFIX		"ustack/"
#define PREFIX_LEN	(sizeof(PREFIX) - 1)
#define ID_LEN		16
/* in sun_path: NUL, prefix, kind, id, '/' */
#define KIND_AT		(1 + PREFIX_LEN)
#define ID_AT		(KIND_AT + 1)
#define PATH_AT		(ID_AT + ID_LEN + 1)

_Static_assert(PATH_AT + SOCKNAME_PATH_MAX + 1 ==
	       sizeof(((struct sockaddr_un *)0)->sun_path),
	       "SOCKNAME_PATH_MAX follows from the form of the name");

/**
 * sockname_make() - Write the name of a socket
 * @un:		filled in
 * @kind:	kind of the pair
 * @id:		the socket's id
 * @path:	control socket of its stack
 *
 * Return: length for bind(2), 0 if @path is longer than SOCKNAME_PATH_MAX
 */
socklen_t sockname_make(struct sockaddr_un *un, enum sockname_kind kind,
			uint64_t id, const char *path)
{
	static const char hex[] = "0123456789abcdef";
	size_t len = strlen(path);
	char *p;

	if (len > SOCKNAME_PATH_MAX)
		return 0;
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	p = un->sun_path;
	memcpy(p + 1, PREFIX, PREFIX_LEN);
	p[KIND_AT] = (char)kind;
	for (int i = 0; i < ID_LEN; i++)
		p[ID_AT + i] = hex[(id >> (60 - 4 * i)) & 15];
	p[PATH_AT - 1] = '/';
	memcpy(p + PATH_AT, path, len);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + PATH_AT + len);
}

static bool parse_id(const char *p, uint64_t *id)
{
	*id = 0;
	for (int i = 0; i < ID_LEN; i++) {
		unsigned d;

		if (p[i] >= '0' && p[i] <= '9')
			d = (unsigned)(p[i] - '0');
		else if (p[i] >= 'a' && p[i] <= 'f')
			d = (unsigned)(p[i] - 'a') + 10;
		else
			return false;
		*id = *id << 4 | d;
	}
	return *id != 0;
}

/**
 * sockname_parse() - Is this the name of a ustack socket, and of which?
 * @un, @len:	from getpeername(2) or getsockname(2)
 * @out:	filled in when it is
 */
bool sockname_parse(const struct sockaddr_un *un, socklen_t len,
		    struct sockname *out)
{
	const char *p = un->sun_path;
	size_t n;

	if (len < offsetof(struct sockaddr_un, sun_path) + PATH_AT ||
	    len > sizeof(*un) || un->sun_family != AF_UNIX)
		return false;
	n = len - offsetof(struct sockaddr_un, sun_path) - PATH_AT;
	if (p[0] != '\0' || memcmp(p + 1, PREFIX, PREFIX_LEN) != 0 ||
	    p[PATH_AT - 1] != '/' || n > SOCKNAME_PATH_MAX ||
	    memchr(p + PATH_AT, '\0', n))
		return false;
	switch (p[KIND_AT]) {
	case SOCKNAME_STREAM:
	case SOCKNAME_DGRAM:
	case SOCKNAME_NETLINK:
	case SOCKNAME_PACKET:
		break;
	default:
		return false;
	}
	if (!parse_id(p + ID_AT, &out->id))
		return false;
	out->kind = (enum sockname_kind)p[KIND_AT];
	memcpy(out->path, p + PATH_AT, n);
	out->path[n] = '\0';
	return true;
}

/**
 * sockname_new_id() - Draw a socket id
 *
 * Return: a random number, never 0
 */
uint64_t sockname_new_id(void)
{
	uint64_t id = 0;

	/* up to 256 bytes come whole and uninterrupted (getrandom(2)); only a
	 * seccomp filter or an unseeded kernel can refuse them */
	while (id == 0) {
		if (getrandom(&id, sizeof(id), GRND_NONBLOCK) != sizeof(id)) {
			struct timespec ts;

			/* unique is enough then: bind(2) refuses a taken name */
			clock_gettime(CLOCK_MONOTONIC, &ts);
			id = (uint64_t)getpid() << 40 ^
			     (uint64_t)ts.tv_sec << 30 ^ (uint64_t)ts.tv_nsec;
		}
	}
	return id;
}

/**
 * sockname_pair() - Make the two ends of a socket
 * @kind:	stream, datagram, packet or netlink
 * @id:		the socket's id
 * @path:	control socket of its stack
 * @fds:	[0] the application's end, the lower number as socket(2) would
 *		give; [1] the daemon's end, bound to the name; both CLOEXEC
 *
 * Return: 0, -ENAMETOOLONG, -EADDRINUSE (draw another id) or another -errno
 * of socketpair(2)
 */
int sockname_pair(enum sockname_kind kind, uint64_t id, const char *path,
		  int fds[2])
{
	int type = kind == SOCKNAME_STREAM ? SOCK_STREAM : SOCK_SEQPACKET;
	struct sockaddr_un un;
	socklen_t len = sockname_make(&un, kind, id, path);

	if (len == 0)
		return -ENAMETOOLONG;
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	if (fds[0] > fds[1]) {
		/* another thread closed a lower one between the two */
		int fd = fds[0];

		fds[0] = fds[1];
		fds[1] = fd;
	}
	if (bind(fds[1], (struct sockaddr *)&un, len) < 0) {
		int err = -errno;

		close(fds[0]);
		close(fds[1]);
		return err;
	}
	return 0;
}
