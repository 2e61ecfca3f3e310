/* cli.h - the commands of ustack and what they share */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/netlink.h>
#include "proto/msg.h"
#include "proto/stackname.h"

enum {
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_RUNNING = 3,		/* as ustackd: a stack of that name is there */
	CLI_EXEC_FAILED = 125,		/* as env(1): our own failure */
	CLI_CANNOT_RUN = 126,		/* the command was found but cannot be run */
	CLI_NOT_FOUND = 127,
};

struct command {
	const char *name;
	const char *args;		/* for the usage line */
	const char *summary;		/* one line for the list of commands */
	const char *help;
	int (*run)(const struct command *cmd, int argc, char **argv);	/* exit status */
};

extern const struct command mount_command, umount_command, ls_command, exec_command;
extern const struct command ip_command, link_command, ping_command, ss_command;
extern const struct command sysctl_command;

/* main.c */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int cli_usage(const struct command *cmd);

/* find.c */
bool cli_find_daemon(char *buf);
bool cli_find_shim(char *buf);
bool cli_find_command(const char *cmd, char *buf, size_t size);

/* ctl.c */
int ctl_connect(const char *path);
int ctl_call(int fd, struct msg *m, enum msg_op op, uint64_t sock);
int ctl_wait_end(int fd, int timeout_ms);

/* stack.c */
int cli_resolve(const char *name, struct stackname *sn);
int cli_daemon(const char *name, struct stackname *sn);
void cli_cannot_reach(const char *name, const struct stackname *sn, int err);

/* run.c: become a program on a stack */
struct run {
	const char *stack;		/* as the user names it */
	const char *families;		/* list of proto/family.h, or NULL: all */
	bool lock;			/* no way round the stack (lock.c) */
	bool verbose;
	char **argv;			/* the program and its arguments */
};

int cli_run(const struct run *r);	/* returns only on failure: the exit status */

/* rtnl.c */
union cli_rtnl_answer {
	struct nlmsghdr h;
	char buf[8192];
};

int cli_rtnl_ask(const char *path, const struct nlmsghdr *req, union cli_rtnl_answer *u,
		 char *why, size_t size);

/* lock.c */
int lock_apply(unsigned families);
const char *lock_missing(void);

/* program.c: what LD_PRELOAD does not reach */
enum program_kind {
	PROGRAM_PLAIN, PROGRAM_STATIC, PROGRAM_SETID, PROGRAM_NET_CAPS, PROGRAM_CAPS,
};

enum program_kind program_kind(const char *file);
bool program_interp(const char *file, char *buf);

/* users.c */
void users_tell(const char *name, int fd);

/* null.c: `mount -t null` */
int null_mount(const char *name, const struct stackname *sn);
int null_umount(const char *name, const struct stackname *sn);

/* ls.c, ls_json.c */
struct ls_stack {
	char *name, *path;
	bool null;			/* mounted by `mount -t null`: nothing behind it */
	int err;			/* why the daemon does not answer, -errno, or 0 */
	struct msg_info info;
	struct msg_ifinfo *ifs;		/* info.nif of them */
};

void ls_json(const struct ls_stack *s, size_t n);
const char *ls_state(const struct msg_ifinfo *f);
const char *ls_addr_state(const struct msg_ifaddr *a);
bool ls_addr(const struct msg_ifaddr *a, char *buf);	/* ADDR_PREFIXSTRLEN bytes */

#endif
