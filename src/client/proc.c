/* proc.c - files of /proc that the stack itself writes */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "client/client.h"

#define PIECE	(MSG_MAX - sizeof(struct msg_hdr))
#define PIECES	64			/* a text has an end */

/**
 * client_proc() - Read such a file
 * @path:	control socket
 * @name:	the file's path below /proc
 * @text:	release it with free()
 *
 * Return: length, -ENOENT: the stack has no such file, or another -errno
 */
int client_proc(const char *path, const char *name, char **text)
{
	struct msg_proc q = { .offset = 0 };
	struct conn_req r = {
		.op = MSG_OP_PROC, .body = &q, .body_len = sizeof(q), .fd = -1, .reply_size = PIECE,
	};
	int ret = 0;

	*text = NULL;
	if (strlen(name) >= sizeof(q.name))
		return -ENOENT;
	strcpy(q.name, name);
	for (int i = 0; i < PIECES; i++) {
		char *grown = realloc(*text, q.offset + PIECE);

		if (!grown) {
			ret = -ENOMEM;
			break;
		}
		*text = grown;
		r.reply = grown + q.offset;
		ret = conn_call(path, &r);
		if (ret || !r.reply_len)
			break;
		q.offset += (uint32_t)r.reply_len;
		if (r.reply_len < PIECE)
			break;
	}
	if (ret) {
		free(*text);
		*text = NULL;
	}
	return ret ? ret : (int)q.offset;
}
