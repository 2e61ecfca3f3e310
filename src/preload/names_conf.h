/* names_conf.h - how this process resolves names */
#ifndef PRELOAD_NAMES_CONF_H
#define PRELOAD_NAMES_CONF_H

#include <stdbool.h>
#include "names/names.h"

bool names_native(void);
void names_conf(struct names_conf *c);

#endif
