/* fake-stack.h - a stack of one process' tests, without TCP/IP
 *
 * A child process that speaks the protocol of ustackd on a control socket and
 * connects its own sockets to each other.  Ports with a meaning:
 */
#ifndef TESTS_UNIT_FAKE_STACK_H
#define TESTS_UNIT_FAKE_STACK_H

#include <stdint.h>
#include <sys/types.h>

#define FAKE_PORT_SILENT	2	/* never answers */
#define FAKE_PORT_LATE		3	/* accepted after FAKE_DELAY_MS, by nobody */
#define FAKE_PORT_TIMEOUT	4	/* fails with ETIMEDOUT after FAKE_DELAY_MS */
#define FAKE_PORT_RESET		5	/* accepted, and reset when one byte arrived */
#define FAKE_DELAY_MS		100

/* what a test wants of the daemons it starts from now on; shared with them */
struct fake_outlook {
	uint32_t asked, settled;	/* how often MSG_OP_OUTLOOK came, with a question and without */
	int32_t verdict;		/* the answer */
};
extern struct fake_outlook *fake_outlook;	/* NULL: the request is refused */
extern int fake_board;			/* shown to whoever says hello; -1: none */

struct fake_stack {
	char dir[64];			/* removed by fake_stack_stop() */
	char path[80];			/* control socket */
	pid_t pid;
};

/* ends the test program on failure */
void fake_stack_start(struct fake_stack *f);
void fake_stack_kill(struct fake_stack *f);	/* the daemon dies; the path stays */
void fake_stack_restart(struct fake_stack *f);	/* under the same path */
void fake_stack_stop(struct fake_stack *f);

#endif
