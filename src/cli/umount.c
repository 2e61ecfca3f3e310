/* umount.c - ustack umount: end a stack
 *
 * Theory of operation
 * The daemon answers MSG_OP_STOP at once, with EBUSY if somebody uses the stack
 * and we do not insist.  Else it closes its connections, and hangs up on us as the
 * last thing it does: then the name is free again.  Who uses it is told from
 * MSG_OP_USERS, a line a process, up to a few.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/addr.h"
#include "cli/cli.h"

#define END_MS		15000
#define LINES_MAX	20		/* processes that are named */
#define SOCKS_SHOWN	3		/* sockets of a process that are named */
#define USERS_READ	4096		/* more than that are not counted */

struct user {
	int pid;
	unsigned nsock;
	char socks[256];		/* the first of them, as text */
};

struct users {
	struct user *list;
	size_t n;
};

static struct user *user_of(struct users *u, int pid)
{
	struct user *list;

	for (size_t i = 0; i < u->n; i++)
		if (u->list[i].pid == pid)
			return &u->list[i];
	list = realloc(u->list, (u->n + 1) * sizeof(*list));
	if (!list)
		return NULL;
	u->list = list;
	list[u->n] = (struct user){ .pid = pid };
	return &list[u->n++];
}

static const char *kind_of(const struct msg_user *m)
{
	if (m->domain == AF_NETLINK)
		return "netlink";
	if (m->domain == AF_PACKET)
		return "packet";
	return m->type == SOCK_STREAM ? "tcp" : m->type == SOCK_DGRAM ? "udp" : "raw";
}

static const char *endpoint(const struct msg_addr *a, char buf[ADDR_SOCKSTRLEN])
{
	return a->len ? addr_sock_str(&a->addr.sa, buf) : "*";
}

static void socket_text(const struct msg_user *m, char *buf, size_t size)
{
	char local[ADDR_SOCKSTRLEN], peer[ADDR_SOCKSTRLEN];

	if (m->domain != AF_INET && m->domain != AF_INET6)
		snprintf(buf, size, "%s", kind_of(m));
	else if (m->type == SOCK_STREAM && m->state == MSG_ST_LISTENING)
		snprintf(buf, size, "tcp %s listening", endpoint(&m->local, local));
	else
		snprintf(buf, size, "%s %s%s%s", kind_of(m), endpoint(&m->local, local),
			 m->peer.len ? " to " : "",
			 m->peer.len ? endpoint(&m->peer, peer) : "");
}

static void note(struct users *u, const struct msg_user *m)
{
	struct user *p = user_of(u, m->pid);
	char text[160];
	size_t used;

	if (!p || !m->type)
		return;
	if (p->nsock++ >= SOCKS_SHOWN)
		return;
	socket_text(m, text, sizeof(text));
	used = strlen(p->socks);
	snprintf(p->socks + used, sizeof(p->socks) - used, "%s%s", used ? ", " : "", text);
}

static void collect(int fd, struct users *u)
{
	uint64_t from = 0;
	unsigned seen = 0;
	struct msg m;

	while (seen < USERS_READ && ctl_call(fd, &m, MSG_OP_USERS, from) == 0) {
		struct msg_users head = m.users;

		for (uint32_t i = 0; i < head.n; i++) {
			struct msg_user one;

			memcpy(&one, m.raw + sizeof(head) + i * sizeof(one), sizeof(one));
			note(u, &one);
		}
		seen += head.n;
		from = head.next;
		if (!from)
			break;
	}
}

/* the name of its program; "" when it is gone */
static void command_name(int pid, char *buf, size_t size)
{
	char path[32];
	FILE *f;

	buf[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(buf, (int)size, f))
		buf[strcspn(buf, "\n")] = '\0';
	fclose(f);
}

static void print_user(const struct user *p)
{
	char comm[32];

	if (p->pid) {
		command_name(p->pid, comm, sizeof(comm));
		fprintf(stderr, "  pid %d (%s)", p->pid,
			*comm ? comm : "ended, what it started goes on");
	} else {
		fprintf(stderr, "  accepted connections");
	}
	fprintf(stderr, ": %u socket%s%s%s%s\n", p->nsock, p->nsock == 1 ? "" : "s",
		p->nsock ? ": " : "", p->socks, p->nsock > SOCKS_SHOWN ? ", ..." : "");
}

static void tell_users(const char *name, int fd)
{
	struct users u = { 0 };

	collect(fd, &u);
	cli_error("stack \"%s\" is in use (\"ustack umount -f %s\" ends it all the same):",
		  name, name);
	for (size_t i = 0; i < u.n && i < LINES_MAX; i++)
		print_user(&u.list[i]);
	if (u.n > LINES_MAX)
		fprintf(stderr, "  and %zu more\n", u.n - LINES_MAX);
	free(u.list);
}

static int stop(const char *name, int fd, bool force)
{
	struct msg m;
	int ret = ctl_call(fd, &m, MSG_OP_STOP, force ? MSG_STOP_FORCE : 0);

	if (ret == -EBUSY) {
		tell_users(name, fd);
		return CLI_FAILED;
	}
	/* somebody else may have stopped it before we asked */
	if (ret == 0 || ret == -ECONNRESET || ret == -EPIPE)
		ret = ctl_wait_end(fd, END_MS);
	if (ret)
		cli_error("stack \"%s\": cannot stop it: %s (ustack ls tells its pid)",
			  name, strerror(-ret));
	return ret ? CLI_FAILED : 0;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct stackname sn;
	bool force = false;
	const char *name;
	int c, fd, status;

	while ((c = getopt(argc, argv, "f")) != -1) {
		if (c != 'f')
			return cli_usage(cmd);
		force = true;
	}
	if (argc - optind != 1)
		return cli_usage(cmd);
	name = argv[optind];
	if (cli_resolve(name, &sn) < 0)
		return CLI_FAILED;
	if (sn.kind == STACKNAME_NULL && sn.path[0])
		return null_umount(name, &sn);
	fd = cli_daemon(name, &sn);
	if (fd < 0)
		return CLI_FAILED;
	status = stop(name, fd, force);
	close(fd);
	return status;
}

const struct command umount_command = {
	"umount", "[-f] NAME|PATH", "end a stack",
"End a stack; return when it is gone.  One that somebody uses stays, and who\n"
"does is told: processes connected to it, and sockets that are open.\n\n"
"  -f  end it all the same, with its connections\n\n"
"A configuration in place of a name ends the stack started on demand for it.\n",
	run,
};
