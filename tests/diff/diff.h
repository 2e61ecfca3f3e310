/* diff.h - what the scenarios of the differential test share
 *
 * A scenario is a function that makes some calls and prints what it saw by
 * saw(); nothing that depends on time or on a port the kernel chose may be in
 * it.  main.c runs each in a process of its own, once a site, with a deadline.
 */
#ifndef TESTS_DIFF_H
#define TESTS_DIFF_H

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEER_PORT	7000
#define URGE_BIG	1048576		/* what "urge-big" sends before its urgent byte */

#define SEND_CSCOV	10	/* udplite(7): no header has them */
#define RECV_CSCOV	11

union addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* where a scenario takes place: which addresses stand for what */
struct site {
	const char *name;
	int domain;
	const char *peer;		/* a peer program listens there */
	const char *own;		/* an address of the stack under test */
	const char *silent;		/* nobody answers, nor says so */
};

struct scenario {
	const char *name;
	void (*run)(void);
	unsigned sites;			/* ON_* */
};

enum {
	ON_LO4 = 1, ON_LO6 = 2, ON_NET4 = 4, ON_NET6 = 8, ON_MAP4 = 16,
	ON_ONE = ON_LO4, ON_LO = ON_LO4 | ON_LO6, ON_NET = ON_NET4 | ON_NET6,
	ON_ALL = ON_LO | ON_NET | ON_MAP4,
};

struct topic {
	const char *name;
	const struct scenario *rows;
};

extern const struct scenario create_scenarios[], tcp_scenarios[], udp_scenarios[],
	option_scenarios[], flag_scenarios[], event_scenarios[], name_scenarios[],
	block_scenarios[], effect_scenarios[], lite_scenarios[],
	source_scenarios[], ipopt_scenarios[], fate_scenarios[], fault_scenarios[],
	urgent_scenarios[];
extern const struct site *site;

/* main.c */
void saw(const char *what, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void saw_result(const char *what, long r);
int peer_main(void);

/* tool.c */
#define WAIT_MS	2000		/* how long a scenario waits for what must come */

const char *result(long r);
const char *events_text(int ev);
unsigned test_port(unsigned n);
void set_port_base(unsigned base);
socklen_t make_addr(union addr *a, const char *text, unsigned port);
socklen_t any_addr(union addr *a, unsigned port);
const char *addr_text(const union addr *a, socklen_t len);
int tcp(void);
int udp(void);
int bind_to(int fd, const char *text, unsigned port);
int connect_to(int fd, const char *text, unsigned port);
unsigned port_of(int fd);
int wait_for(int fd, int events, int ms);
int poll_now(int fd);
int set_int(int fd, int level, int name, int v);
int get_int(int fd, int level, int name);
int so_error(int fd);
void nonblock(int fd);
int listener(void);
int ask_peer(const char *command);
void pair(int *near, int *far);
extern void *volatile bad_pointer;	/* points to nothing, and the compiler cannot tell */
extern volatile int minus_one;
long recv_all(int fd, void *buf, size_t len);

#endif
