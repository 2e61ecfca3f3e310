/* tcp.h - the calls of tcp_call.c, for tcp.c */
#ifndef TESTS_DIFF_TCP_H
#define TESTS_DIFF_TCP_H

#include "diff.h"

enum {
	TCP_CALL_POLL = 1,		/* show what poll(2) says afterwards */
	TCP_CALL_CONNECTS = 2,		/* wait for the connection, show SO_ERROR */
};

struct tcp_call {
	const char *name;		/* NULL ends the table */
	long (*make)(int fd);
	int then;
};

extern const struct tcp_call tcp_calls[];
extern char tcp_call_detail[200];	/* what a call saw beside its result */

#endif
