/* procnet.h - files of /proc/net, as the stack would show them */
#ifndef PRELOAD_PROCNET_H
#define PRELOAD_PROCNET_H

#include <stdbool.h>

bool procnet_is(const char *path);
int procnet_text(const char *path, char **text);	/* free() it; length or -errno */

#endif
