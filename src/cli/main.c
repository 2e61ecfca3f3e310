/* main.c - ustack: the command table
 *
 * Theory of operation
 * A command is a row: name, arguments, summary, help, function.  The same
 * table dispatches and prints the help, so neither can be forgotten.  To add
 * a command: a file with its row, its name in cli.h and here.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "config.h"
#include "cli/cli.h"

static const struct command *const commands[] = {
	&mount_command, &umount_command, &ls_command, &exec_command,
	&ip_command, &link_command, &ss_command, &ping_command,
	&sysctl_command,
};

#define NCOMMANDS	(sizeof(commands) / sizeof(commands[0]))

/**
 * cli_error() - Say what went wrong, on stderr
 */
void cli_error(const char *fmt, ...)
{
	va_list ap;

	fputs("ustack: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/**
 * cli_usage() - Say how a command is used, on stderr
 *
 * Return: the exit status for a wrong command line
 */
int cli_usage(const struct command *cmd)
{
	fprintf(stderr, "usage: ustack %s %s\nTry \"ustack help %s\".\n",
		cmd->name, cmd->args, cmd->name);
	return CLI_USAGE;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static void print_overview(FILE *f)
{
	fputs("usage: ustack COMMAND ...\n"
	      "Manage user-space TCP/IP stacks and run programs on them.\n\n", f);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(f, "  %-7s %s\n", commands[i]->name, commands[i]->summary);
	fputs("  help    explain a command: \"ustack help mount\"\n\n"
	      "A stack is named by a word (\"lab\"), by the path of its control socket\n"
	      "(\"/run/lab.sock\"), or, for exec, by a configuration\n"
	      "(\"vnl=vxvde://234.0.0.1,ip=10.0.0.1/24\").\n", f);
}

static int unknown(const char *name)
{
	fprintf(stderr, "ustack: command \"%s\": there is none (valid:", name);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(stderr, " %s", commands[i]->name);
	fputs(" help)\n", stderr);
	return CLI_USAGE;
}

static int help(const char *name)
{
	const struct command *cmd;

	if (!name) {
		print_overview(stdout);
		return 0;
	}
	cmd = find(name);
	if (!cmd)
		return unknown(name);
	printf("usage: ustack %s %s\n\n%s", cmd->name, cmd->args, cmd->help);
	return 0;
}

int main(int argc, char **argv)
{
	const struct command *cmd;

	if (argc < 2) {
		print_overview(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(argv[2]);
	if (!strcmp(argv[1], "--version")) {
		puts("ustack " PACKAGE_VERSION);
		return 0;
	}
	cmd = find(argv[1]);
	if (!cmd)
		return unknown(argv[1]);
	if (argc > 2 && !strcmp(argv[2], "--help"))
		return help(argv[1]);
	return cmd->run(cmd, argc - 1, argv + 1);
}
