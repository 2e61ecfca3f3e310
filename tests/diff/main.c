/* main.c - run the scenarios and print what each saw
 *
 * usage: diff [-t TOPIC] [-s SITE] [-w SCENARIO]	all, or those named
 *	  diff peer					the far end (peer.c)
 *
 * Output: SITE/TOPIC/SCENARIO/OBSERVATION = VALUE, a line each, equal on two
 * stacks that do the same.  A scenario runs in a process of its own; one that
 * does not end is killed and says so, and the rest goes on.
 */
#include <err.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "diff.h"

#define DEADLINE_S	20
#define PORTS_FROM	10000

const struct site *site;
static const char *topic, *scenario;

static const struct site sites[] = {
	{ "lo4", AF_INET, "127.0.0.1", "127.0.0.1", "192.0.2.1" },
	{ "lo6", AF_INET6, "::1", "::1", "2001:db8::1" },
	{ "net4", AF_INET, "10.0.0.1", "10.0.0.70", "192.0.2.1" },
	{ "net6", AF_INET6, "fc00::1:1", "fc00::1:70", "2001:db8::1" },
	{ "map4", AF_INET6, "::ffff:10.0.0.1", "::ffff:10.0.0.70", "::ffff:192.0.2.1" },
};

static const struct topic topics[] = {
	{ "create", create_scenarios }, { "tcp", tcp_scenarios }, { "udp", udp_scenarios },
	{ "flag", flag_scenarios },
	{ "option", option_scenarios }, { "event", event_scenarios }, { "name", name_scenarios },
	{ "block", block_scenarios }, { "effect", effect_scenarios }, { "lite", lite_scenarios },
	{ "source", source_scenarios }, { "ipopt", ipopt_scenarios }, { "fate", fate_scenarios },
	{ "fault", fault_scenarios }, { "urgent", urgent_scenarios },
};

/* saw() - Print one observation */
void saw(const char *what, const char *fmt, ...)
{
	va_list ap;

	printf("%s/%s/%s/%s = ", site->name, topic, scenario, what);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* saw_result() - Print what a call gave; to be called before errno changes */
void saw_result(const char *what, long r)
{
	saw(what, "%s", result(r));
}

static void run(const struct scenario *s, unsigned port)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm(DEADLINE_S);
		scenario = s->name;
		set_port_base(port);
		s->run();
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) < 0)
		err(2, "waitpid");
	scenario = s->name;
	if (WIFSIGNALED(status))
		saw("END", "killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		saw("END", "status %d", WEXITSTATUS(status));
}

static bool chosen(const char *want, const char *name)
{
	return !want || !strcmp(want, name);
}

int main(int argc, char **argv)
{
	const char *t = NULL, *w = NULL, *at = NULL;
	unsigned port = PORTS_FROM;
	int o;

	if (argc == 2 && !strcmp(argv[1], "peer"))
		return peer_main();
	while ((o = getopt(argc, argv, "t:s:w:")) >= 0) {
		if (o == 't')
			t = optarg;
		else if (o == 's')
			at = optarg;
		else if (o == 'w')
			w = optarg;
		else
			errx(2, "usage: diff [-t TOPIC] [-s SITE] [-w SCENARIO] | diff peer");
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		for (const struct scenario *s = topics[i].rows; s->name; s++)
			for (size_t k = 0; k < sizeof(sites) / sizeof(sites[0]); k++) {
				site = &sites[k];
				topic = topics[i].name;
				port += 8;
				if ((s->sites & 1u << k) && chosen(t, topic) &&
				    chosen(at, site->name) && chosen(w, s->name))
					run(s, port);
			}
	return 0;
}
