/* stack.h - the stack of this process */
#ifndef PRELOAD_STACK_H
#define PRELOAD_STACK_H

#include <stdbool.h>
#include "proto/stackname.h"

const struct stackname *stack_get(void);
bool stack_takes(int domain);
int stack_socket(int domain, int type, int protocol);
int stack_reach(void);
void stack_prepare(void);

#endif
