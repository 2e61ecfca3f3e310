/* msg.h - control messages between a client process and a stack
 *
 * Theory of operation
 * A process has one SOCK_SEQPACKET connection to a stack's control socket.
 * One datagram is one message: struct msg_hdr, then hdr.len bytes of body,
 * whose layout follows from hdr.op.  A request with MSG_F_ONEWAY gets no
 * answer; every other is answered at once by a message with the same op and
 * seq, hdr.err = 0 or -errno, and the reply's body.  Nothing ever waits on
 * the daemon's side: what takes time shows on the socket's own descriptor.
 *
 * A socket is named by the 64-bit id that its creator drew at random and
 * that stands in the abstract name of the daemon's end (sockname.h): who
 * has the descriptor knows the id, after fork, exec and SCM_RIGHTS alike.
 *
 * Both ends run on one machine: fields are in host byte order, addresses as
 * in struct sockaddr_in and sockaddr_in6.  The layout is the same for 32-
 * and 64-bit programs; a reader checks sizes before use (msg_check()).
 */
#ifndef PROTO_MSG_H
#define PROTO_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define MSG_VERSION	1
#define MSG_MAX		16384		/* the largest message, header included */
#define MSG_OPT_MAX	8448		/* the largest option value or ioctl argument: 64 IPv6 sources */

enum msg_op {
	MSG_OP_HELLO = 1,	/* - -> msg_hello, and the board's fd if there is one (proto/board.h) */
	MSG_OP_ATTACH,	/* one-way, 1 fd: the far end of a new control connection,
			 * for a child that inherited this one but cannot reach the path */
	MSG_OP_SOCKET,	/* msg_socket, 1 fd: the daemon's end -> -; mostly one-way */
	MSG_OP_BIND,	/* msg_addr -> - */
	MSG_OP_CONNECT,	/* msg_connect -> -; one-way for streams */
	MSG_OP_LISTEN,	/* msg_listen -> - */
	MSG_OP_GETSOCKNAME,/* - -> msg_addr */
	MSG_OP_GETPEERNAME,/* - -> msg_addr */
	MSG_OP_SETSOCKOPT,	/* msg_opt + value -> -; one-way where it cannot fail */
	MSG_OP_GETSOCKOPT,	/* msg_opt (len = room) -> msg_opt + value; where the value is
			 * looked at, too: msg_opt + value -> msg_opt + value */
	MSG_OP_STAT,	/* - -> msg_stat: what a descriptor of unknown history is */
	MSG_OP_SHUTDOWN,	/* msg_shutdown -> -; for what shutdown(2) on the pair cannot tell */
	MSG_OP_INFO,	/* - -> msg_info + msg_ifinfo[nif]; hdr.sock: number of the first
			 * interface wanted, as they may not all fit; none left: nif 0 */
	MSG_OP_STOP,	/* - -> -, or -EBUSY while it is in use; then the stack ends.
			 * hdr.sock: MSG_STOP_FORCE to end it all the same */
	MSG_OP_RING,	/* msg_ring, 1 fd: its memory -> -; PACKET_RX_RING (proto/packet.h) */
	MSG_OP_NAMES,	/* - -> msg_names: how the stack resolves names */
	MSG_OP_USERS,	/* - -> msg_users + msg_user[n]: who uses the stack; hdr.sock: 0, then
			 * the last answer's next, for there may be more than fit */
	MSG_OP_PROC,	/* msg_proc -> text: a piece of a file of /proc that the stack writes */
	MSG_OP_OUTLOOK,	/* msg_outlook -> msg_verdict: would this datagram be sent? */
	MSG_OP_URGENT,	/* msg_urgent -> -; bytes behind all that was written so far,
			 * the last one urgent */
	MSG_OP_COUNT
};

enum {
	MSG_F_ONEWAY = 1 << 0,
};

struct msg_hdr {
	uint16_t version;
	uint16_t op;
	uint16_t flags;
	uint16_t len;		/* of the body */
	uint32_t seq;
	int32_t err;		/* reply: 0 or -errno */
	uint64_t sock;		/* socket id, 0 if the op concerns none */
};

union msg_sockaddr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	uint8_t pad[28];
};

struct msg_hello {
	uint32_t version;	/* MSG_VERSION of the daemon */
	int32_t pid;
};

struct msg_socket {
	int32_t domain, type, protocol;	/* type without SOCK_NONBLOCK/CLOEXEC */
	uint32_t inode;			/* of the application's end: what /proc/PID/fd shows */
};

struct msg_addr {
	uint32_t len;			/* of the sockaddr; 0: unspecified */
	union msg_sockaddr addr;
};

struct msg_connect {
	struct msg_addr to;
	uint32_t plug;			/* filler bytes in the pair (streams) */
};

struct msg_listen {
	int32_t backlog;
};

struct msg_shutdown {
	int32_t how;
};

#define MSG_URGENT_MAX	1024
struct msg_urgent {
	uint32_t len;
	uint8_t data[MSG_URGENT_MAX];
};

struct msg_opt {
	int32_t level, name;
	uint32_t len;			/* of the value that follows, or room for it */
	uint32_t reserved;
};

/* A datagram to be, as its struct dgram_hdr (proto/dgram.h) would have it.  In any
 * case what the socket has written before is sent first and, if it is for the stack
 * itself, received, so that ICMP's answer to it is there; and the socket gets a port. */
struct msg_outlook {
	union msg_sockaddr to, local;
	uint32_t flags, ifindex;
	uint32_t size, segment;
	uint32_t judge;			/* 0: no question, only the rest */
};

struct msg_verdict {
	int32_t err;			/* errno, positive; 0: nothing is wrong with it */
};

struct msg_ring {		/* struct tpacket_req */
	uint32_t block_size, block_nr, frame_size, frame_nr;
};

enum msg_state {			/* of a stream socket, in msg_stat */
	MSG_ST_NEW, MSG_ST_BOUND, MSG_ST_CONNECTING, MSG_ST_CONNECTED,
	MSG_ST_LISTENING, MSG_ST_CLOSED,
};

struct msg_stat {
	int32_t domain, type, protocol;
	uint32_t state;			/* enum msg_state */
};

#define MSG_IFADDRS	16
struct msg_ifaddr {
	union msg_sockaddr addr;
	uint32_t prefixlen;
	uint32_t flags;			/* IFA_F_* of <linux/if_addr.h> */
	uint32_t valid, preferred;	/* seconds left, MSG_FOREVER */
	uint32_t broadcast, peer;	/* IPv4, network order; 0: none was given; itself */
	char label[16];			/* IPv4: the interface's name, or an alias of it */
};
#define MSG_FOREVER	UINT32_MAX

struct msg_ifstats {
	uint64_t rx_packets, rx_bytes, rx_dropped;
	uint64_t tx_packets, tx_bytes, tx_dropped;
};

struct msg_ifinfo {
	char name[16];
	char spec[128];
	uint32_t index, flags;		/* flags: IFF_* of <net/if.h> */
	uint32_t mtu, naddr;
	uint8_t mac[6];
	uint8_t offload;	/* frames may be larger than the MTU (TSO, GRO) */
	uint8_t reserved;
	uint32_t txqlen, reserved2;
	struct msg_ifaddr addr[MSG_IFADDRS];
	struct msg_ifstats stats;
};

struct msg_info {
	int32_t pid;
	uint32_t nif;
	uint32_t nsock_stream, nsock_dgram, nsock_raw;
	uint32_t nsession;
	uint64_t uptime_ns;
};

struct msg_proc {
	char name[96];		/* below /proc, NUL-terminated */
	uint32_t offset;	/* where the piece begins; an empty answer: the end */
};

#define MSG_DNS		8		/* name servers */
#define MSG_SEARCH_MAX	1024		/* the search list as text, with its NUL */
#define MSG_PATH_MAX	1024
struct msg_names {
	uint32_t ndns, reserved;
	union msg_sockaddr dns[MSG_DNS];	/* AF_INET, AF_INET6; in order of preference */
	char search[MSG_SEARCH_MAX];	/* domains, separated by spaces */
	char hosts[MSG_PATH_MAX];	/* the stack's own hosts file, or "" */
};

#define MSG_STOP_FORCE	1

struct msg_user {
	int32_t pid;			/* who made it; 0: the stack, for accept() */
	int32_t domain, type, protocol;	/* type 0: a process without regard to sockets */
	uint32_t state;			/* enum msg_state; of streams */
	uint32_t inode;			/* of the application's end: what /proc/PID/fd shows */
	struct msg_addr local, peer;	/* of AF_INET, AF_INET6; len 0: none */
};

struct msg_users {
	uint32_t n;
	uint32_t next;			/* to ask on with; 0: that was all */
};
#define MSG_USERS_MAX	128		/* in one answer */

/* level of a MSG_OP_GETSOCKOPT that is an ioctl: the name is its request */
#define MSG_LEVEL_IOCTL	0x10000

/* what accept() reads from a listener's descriptor, with one SCM_RIGHTS */
struct msg_accept {
	union msg_sockaddr peer, local;
	uint64_t sock;
	uint32_t sndbuf;		/* SO_SNDBUF as the application set it, 0: it did not */
	uint32_t reserved;
};

struct msg {
	struct msg_hdr hdr;
	union {
		struct msg_hello hello;
		struct msg_socket socket;
		struct msg_addr addr;
		struct msg_connect connect;
		struct msg_listen listen;
		struct msg_shutdown shutdown;
		struct msg_urgent urgent;
		struct msg_opt opt;
		struct msg_stat stat;
		struct msg_info info;
		struct msg_ring ring;
		struct msg_names names;
		struct msg_proc proc;
		struct msg_users users;
		struct msg_outlook outlook;
		struct msg_verdict verdict;
		uint8_t raw[MSG_MAX - sizeof(struct msg_hdr)];
	};
};

_Static_assert(sizeof(struct msg_hdr) == 24, "msg_hdr is the wire format");
_Static_assert(sizeof(union msg_sockaddr) == 28, "a sockaddr_in6");
_Static_assert(sizeof(struct msg_urgent) == 1028, "msg_urgent is the wire format");
_Static_assert(sizeof(struct msg_socket) == 16, "msg_socket is the wire format");
_Static_assert(sizeof(struct msg_addr) == 32, "msg_addr is the wire format");
_Static_assert(sizeof(struct msg_accept) == 72, "msg_accept is the wire format");
_Static_assert(sizeof(struct msg_ifinfo) == 1312, "msg_ifinfo is the wire format");
_Static_assert(sizeof(struct msg_proc) == 100, "msg_proc is the wire format");
_Static_assert(sizeof(struct msg_names) == 2280, "msg_names is the wire format");
_Static_assert(sizeof(struct msg_user) == 88, "msg_user is the wire format");
_Static_assert(sizeof(struct msg_outlook) == 76, "msg_outlook is the wire format");
_Static_assert(sizeof(struct msg) == MSG_MAX, "one datagram");

int msg_check(const struct msg *m, size_t got, int nfds);
int msg_check_reply(const struct msg *m, size_t got, uint16_t op, uint32_t seq);
int msg_addr_set(struct msg_addr *a, const struct sockaddr *sa, socklen_t len);
size_t msg_size(const struct msg *m);

#endif
