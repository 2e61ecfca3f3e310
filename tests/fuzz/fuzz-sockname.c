/* fuzz-sockname.c - names of sockets: what is taken for ours is what we would
 * have written */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "proto/sockname.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_un un, again;
	struct sockname name;
	socklen_t len;

	if (size > sizeof(un))
		return 0;
	memset(&un, 0xa5, sizeof(un));
	memcpy(&un, data, size);
	if (!sockname_parse(&un, (socklen_t)size, &name))
		return 0;
	len = sockname_make(&again, name.kind, name.id, name.path);
	if (len != size || memcmp(&again, &un, size))
		abort();
	return 0;
}
