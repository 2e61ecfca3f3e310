/* options.h - the command line of ustackd */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>

enum {
	EXIT_FAILED = 1,	/* the stack could not be started, or ended by an error */
	EXIT_USAGE = 2,
	EXIT_RUNNING = 3,	/* a stack of that name is running already */
};

struct options {
	const char *name;	/* -n, or NULL */
	const char *path;	/* -p, or NULL */
	char *config;		/* every -o, joined by commas; never NULL */
	const char *pid_file;
	int ready_fd;		/* -1: none */
	int control_fd;		/* -1: none */
	bool daemonise;
	bool on_demand;
	int verbose;
};

int options_parse(int argc, char **argv, struct options *o);
void options_free(struct options *o);

#endif
