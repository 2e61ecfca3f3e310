/* stack.c - the stack of this process
 *
 * Theory of operation
 * $USTACK is read once, when the shim is loaded: a program may clear its
 * environment later.  So is $USTACK_FAMILY: families that it does not name stay the
 * kernel's.  A stack given as a configuration string, and the one called
 * "default" where the user has a configuration for it, is started at the first
 * socket, and again should it have ended.  When the stack cannot be
 * reached the program gets ENETDOWN, and its user one line on stderr: never
 * the kernel's network instead, and never a wait without end.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/client.h"
#include "client/sys.h"
#include "preload/stack.h"
#include "proto/family.h"

static struct stackname stack;
static char *label;			/* what the user called it */
static unsigned families = FAMILY_ALL;	/* that are the stack's, not the kernel's */
static char broken[400];		/* why $USTACK makes no sense, or "" */
static _Atomic int ready;
static atomic_flag complained = ATOMIC_FLAG_INIT;

__attribute__((constructor)) static void stack_init(void)
{
	int saved = errno;
	const char *env, *list = getenv("USTACK_FAMILY");
	unsigned set = FAMILY_ALL;

	if (atomic_load(&ready))
		return;
	sys_init();
	env = getenv("USTACK");
	label = strdup(env && *env ? env : "default");
	if (!label)
		snprintf(broken, sizeof(broken), "out of memory");
	else if (!stackname_resolve(label, false, &stack, broken, sizeof(broken)) &&
		 (!list || !*list || !family_parse(list, &set, broken, sizeof(broken)))) {
		broken[0] = '\0';
		families = set;
	}
	atomic_store(&ready, 1);
	errno = saved;
}

/**
 * stack_get() - Which stack is it?
 *
 * Return: kind, path and configuration string; never NULL.  A name that makes no sense
 * is a path that nobody answers at.
 */
const struct stackname *stack_get(void)
{
	if (!atomic_load_explicit(&ready, memory_order_acquire))
		stack_init();
	return &stack;
}

/**
 * stack_takes() - Is a socket of this domain the stack's, and not the kernel's?
 *
 * "null" takes them, too, only to refuse them.
 */
bool stack_takes(int domain)
{
	unsigned bit = family_bit(domain);

	return bit && stack_get()->kind != STACKNAME_HOST && families & bit;
}

static void say(const char *text)
{
	char line[700];
	int len;

	if (atomic_flag_test_and_set(&complained))
		return;
	len = snprintf(line, sizeof(line), "libustack: %s\n", text);
	if (len >= (int)sizeof(line))
		len = sizeof(line) - 1;
	/* a lost message is no reason to fail otherwise than we do */
	if (sys_write(2, line, (size_t)len) < 0)
		errno = ENETDOWN;
}

/* tell the user, once, why there is no network; err: of conn_probe() */
static void complain(int err)
{
	char text[600];

	if (broken[0]) {
		say(broken);
		return;
	}
	snprintf(text, sizeof(text),
		 "stack \"%s\": cannot connect to %s: %s (is ustackd running? `ustack mount ...` starts it)",
		 label, stack.path, strerror(-err));
	say(text);
}

static bool starts_on_demand(void)
{
	return !broken[0] && (stack.kind == STACKNAME_CONFIG || stack.is_default);
}

static int on_demand(void)
{
	char why[500], text[600];
	struct stackname again;
	/* only now the runtime folder is needed: most programs open no socket */
	int ret = stackname_resolve(label, true, &again, why, sizeof(why));

	if (!ret)
		ret = start_stack(&stack, why, sizeof(why));
	/* "default" of a user without a configuration is like any other name */
	if (ret == -ENOENT && stack.kind != STACKNAME_CONFIG)
		return ret;
	if (ret) {
		snprintf(text, sizeof(text), "stack \"%s\": %s", label, why);
		say(text);
	}
	return ret;
}

/**
 * stack_reach() - The daemon did not answer: start it if that is our business, else say why
 *
 * Return: 0 when it answers now, else -errno
 */
int stack_reach(void)
{
	int err = -EINVAL;

	if (starts_on_demand()) {
		err = on_demand();
		if (err != -ENOENT || stack.kind == STACKNAME_CONFIG)
			return err;
	}
	if (!broken[0])
		err = conn_probe(stack.path);
	if (err)
		complain(err);
	return err;
}

/**
 * stack_socket() - Open a socket on the stack of this process
 *
 * Return: descriptor or -errno
 */
int stack_socket(int domain, int type, int protocol)
{
	int ret = client_socket_check(domain, type, protocol);

	if (ret)
		return ret;
	if (!broken[0])
		ret = client_socket(stack.path, domain, type, protocol);
	if (!broken[0] && ret != -ENETDOWN)
		return ret;
	if (stack_reach())
		return -ENETDOWN;
	ret = client_socket(stack.path, domain, type, protocol);
	if (ret == -ENETDOWN)	/* somebody listens, but does not answer as we expect */
		complain(-EPROTO);
	return ret;
}

/**
 * stack_prepare() - Connect to the stack, while this process can; errno is kept
 *
 * For a program about to give up what the way to it needs.  A stack that is not there
 * is no error: perhaps the program never opens a socket.
 */
void stack_prepare(void)
{
	const struct stackname *st = stack_get();
	int saved = errno;

	if (!broken[0] && (st->kind == STACKNAME_PATH || st->kind == STACKNAME_CONFIG) &&
	    conn_prepare(st->path) == -ENETDOWN && starts_on_demand() && on_demand() == 0)
		conn_prepare(st->path);
	errno = saved;
}
