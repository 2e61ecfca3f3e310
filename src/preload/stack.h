/* stack.h - the stack of this process */
#ifndef PRELOAD_STACK_H
#define PRELOAD_STACK_H

#include "proto/stackname.h"

const struct stackname *stack_get(void);
int stack_socket(int domain, int type, int protocol);
int stack_reach(void);

#endif
