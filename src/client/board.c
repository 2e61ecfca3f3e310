/* board.c - map the board that a stack shows (proto/board.h)
 *
 * Theory of operation
 * The mapping is for reading, shared, and stays for as long as the process and its
 * children live; it needs no descriptor.  The daemon is trusted with the memory
 * only if it cannot take it away from under us: a memfd sealed against shrinking.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "client/client.h"
#include "client/sys.h"
#include "proto/board.h"

/**
 * client_map_board() - Look at a board
 * @fd:		its descriptor, which stays the caller's
 * @old:	the one that it replaces, in the same place, as others may be reading it;
 *		or NULL
 *
 * Return: the board, @old if @fd is none, or NULL
 */
const struct board *client_map_board(int fd, const struct board *old)
{
	int seals = sys_fcntl(fd, F_GET_SEALS, 0);
	struct stat st;
	void *p;

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) < 0 ||
	    st.st_size < (off_t)sizeof(*old))
		return old;
	p = sys_mmap((void *)old, sizeof(*old), PROT_READ, MAP_SHARED | (old ? MAP_FIXED : 0), fd, 0);
	if (p == MAP_FAILED)
		return old;
	if (board_valid(p, (size_t)st.st_size))
		return p;
	if (!old)
		munmap(p, sizeof(*old));
	return NULL;			/* where one was, others may still look: it says nothing */
}
