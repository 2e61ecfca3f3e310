#ifndef BENCH_H
#define BENCH_H
/* bench.h - what the parts of netbench share; see netbench.c */

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

#define CHUNK	(128 * 1024)	/* bytes a stream's send or receive */
#define EVENTS	64

/* what a client's run gives */
struct result {
	uint64_t count;		/* bytes of a stream; else transactions or datagrams */
	const char *unit;
};

/* the first byte of a connection, or of each datagram, says what is wanted */
enum {
	WANT_COUNT = 'u',	/* the client sends; the server tells how much came */
	WANT_DATA = 'd',	/* the server sends */
	WANT_ECHO = 'r',	/* one byte back for each */
	WANT_ONE = 'c',		/* one byte back, then the server closes */
	WANT_TOTAL = 'q',	/* UDP: how many datagrams have come so far */
};

/* What a datagram begins with; an answer repeats it, so that one to a question
 * that was sent twice is not taken for the next one's
 */
struct udp_head {
	char want;
	uint8_t number;
};

/* a request for datagrams, and the answer to WANT_TOTAL */
struct udp_order {
	struct udp_head head;
	uint32_t ms, size;
};
struct udp_total {
	struct udp_head head;
	uint64_t datagrams;
};

/* netbench.c */
struct addrinfo *resolve(const char *host, const char *port, int type);
int new_socket(int family, int type);

/* meter.c */
double now(void);
void meter_init(const char *pids, int cpu);
void meter_start(void);
void meter_stop(void);
void meter_sample(double seconds);
void meter_print(const char *mode, const struct result *r);

/* server.c */
int server(const char *host, const char *port);

/* tcp.c, udp.c: false when the mode is not one of theirs */
bool tcp_client(const char *mode, const char *host, const char *port, double seconds, int n,
		struct result *r);
bool udp_client(const char *mode, const char *host, const char *port, double seconds, int size,
		struct result *r);

#endif
