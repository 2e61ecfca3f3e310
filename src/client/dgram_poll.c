/* dgram_poll.c - what poll(2) is to show of a datagram socket, and its pair does not
 *
 * Theory of operation
 * An error is a record in the queue, which makes the pair readable where Linux
 * shows POLLERR and nothing to read.  The end of writing is kept in the tag, so that
 * a socket that is shut down both ways lacks POLLHUP.  The shim's poll(2) corrects
 * both.  It first asks whether there can be anything to correct at all: whether an
 * error waits for anybody (the board tells; without one, whether the process has
 * asked for IP_RECVERR), and whether the process has shut a datagram socket down.
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include "client/client.h"
#include "client/sys.h"
#include "proto/board.h"

static _Atomic bool errors_asked, ended;

/**
 * dgram_ask_errors() - Some socket of this process got IP_RECVERR
 */
void dgram_ask_errors(void)
{
	atomic_store_explicit(&errors_asked, true, memory_order_relaxed);
}

/**
 * dgram_note_end() - Some socket of this process was shut down for writing
 */
void dgram_note_end(void)
{
	atomic_store_explicit(&ended, true, memory_order_relaxed);
}

/**
 * dgram_poll_differs() - May dgram_revents() change anything at all?
 */
bool dgram_poll_differs(void)
{
	return atomic_load_explicit(&ended, memory_order_relaxed) ||
	       conn_error_waits(atomic_load_explicit(&errors_asked, memory_order_relaxed));
}

static bool error_waits(int fd, const struct sockname *sn, struct tag t)
{
	const struct board *b = conn_board(sn->path);

	if (b ? !board_read(BOARD_AT(b->error, sn->id)) :
		!(t.opts & (TAG_OPT_RECVERR | TAG_OPT_RECVERR6)))
		return false;
	return dgram_front_error(fd) != 0;
}

static bool shut_for_reading(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return sys_poll(&p, 1, 0) == 1 && p.revents & POLLRDHUP;
}

/**
 * dgram_revents() - What poll(2) shows
 * @fd:		of a socket without connection, of any kind
 * @revents:	what it shows of the pair, not 0
 */
short dgram_revents(int fd, short revents)
{
	int saved = errno;
	struct sockname sn;
	struct tag t;

	if (!client_identify(fd, &sn) || sn.kind != SOCKNAME_DGRAM)
		return revents;
	t = tag_get(fd);
	if (error_waits(fd, &sn, t))
		revents = (short)((revents & ~(POLLIN | POLLRDNORM)) | POLLERR);
	if (t.opts & TAG_OPT_WR_SHUT && shut_for_reading(fd))
		revents |= POLLHUP;
	errno = saved;
	return revents;
}
