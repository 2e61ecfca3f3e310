/* cli.h - the commands of ustack and what they share */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "proto/msg.h"
#include "proto/stackname.h"

enum {
	CLI_FAILED = 1,
	CLI_USAGE = 2,
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

/* main.c */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int cli_usage(const struct command *cmd);

/* find.c */
bool cli_find_daemon(char *buf);
bool cli_find_shim(char *buf);

/* ctl.c */
int ctl_connect(const char *path);
int ctl_call(int fd, struct msg *m, enum msg_op op, uint64_t sock);
int ctl_wait_end(int fd, int timeout_ms);

#endif
