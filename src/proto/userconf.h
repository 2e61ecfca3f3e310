/* userconf.h - the user's own configuration of the stack called "default" */
#ifndef PROTO_USERCONF_H
#define PROTO_USERCONF_H

#include <stddef.h>

int userconf_path(char *buf, size_t size);
int userconf_read(char **config, char *err, size_t errlen);

#endif
