/* sockname.h - the abstract name that identifies a ustack socket
 *
 * The daemon's end of each pair is bound to "\0ustack/Kid/PATH": K is the
 * pair's kind, id 16 hexadecimal digits, PATH the stack's control socket.
 * getpeername(2) on the application's end then tells whose it is, in any
 * process the descriptor reaches, even after the daemon is gone.
 */
#ifndef PROTO_SOCKNAME_H
#define PROTO_SOCKNAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

/* longest control path that fits behind "\0ustack/K<16>/" in sun_path */
#define SOCKNAME_PATH_MAX	(sizeof(((struct sockaddr_un *)0)->sun_path) - 27)

enum sockname_kind {
	SOCKNAME_STREAM	 = 's',		/* SOCK_STREAM pair, bytes only */
	SOCKNAME_DGRAM	 = 'd',		/* SOCK_SEQPACKET pair, struct dgram_hdr first */
	SOCKNAME_NETLINK = 'n',
	SOCKNAME_PACKET	 = 'p',		/* SOCK_SEQPACKET pair, struct packet_hdr first */
};

struct sockname {
	enum sockname_kind kind;
	uint64_t id;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

socklen_t sockname_make(struct sockaddr_un *un, enum sockname_kind kind,
			uint64_t id, const char *path);	/* 0 if path is too long */
bool sockname_parse(const struct sockaddr_un *un, socklen_t len,
		    struct sockname *out);
uint64_t sockname_new_id(void);				/* random, never 0; fork-safe */
int sockname_pair(enum sockname_kind kind, uint64_t id, const char *path,
		  int fds[2]);	/* [0] application's end, [1] daemon's, bound; both CLOEXEC */

#endif
