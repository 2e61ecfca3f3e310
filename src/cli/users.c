/* users.c - say by whom a stack is used
 *
 * Theory of operation
 * The daemon tells its sessions' processes and its sockets (MSG_OP_USERS), and of each
 * socket the inode of the application's end.  /proc/PID/fd then shows who really
 * has it, after fork(2), accept(2), or passing it on; where we may not look, the
 * process that made it is named.  A line a process, up to a few, each with
 * its first sockets.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/addr.h"
#include "cli/cli.h"

#define LINES_MAX	20		/* processes that are named */
#define SOCKS_SHOWN	3		/* sockets of a process that are named */
#define SOCKS_READ	4096		/* more than that are not looked at */

struct user {
	int pid;
	unsigned nsock;
	char socks[256];		/* the first of them, as text */
};

struct users {
	struct user *list;
	size_t n;
	struct msg_user socks[SOCKS_READ];	/* by inode */
	bool found[SOCKS_READ];
	size_t nsock;
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

static void note(struct users *u, int pid, const struct msg_user *m)
{
	struct user *p = user_of(u, pid);
	char text[160];
	size_t used;

	if (!p || !m->type || p->nsock++ >= SOCKS_SHOWN)
		return;
	socket_text(m, text, sizeof(text));
	used = strlen(p->socks);
	snprintf(p->socks + used, sizeof(p->socks) - used, "%s%s", used ? ", " : "", text);
}

/* --- what the daemon knows --- */

static int by_inode(const void *a, const void *b)
{
	uint32_t x = ((const struct msg_user *)a)->inode, y = ((const struct msg_user *)b)->inode;

	return x < y ? -1 : x > y;
}

static void collect(int fd, struct users *u)
{
	uint64_t from = 0;
	struct msg m;

	do {
		struct msg_users head;

		if (ctl_call(fd, &m, MSG_OP_USERS, from))
			break;
		head = m.users;
		for (uint32_t i = 0; i < head.n; i++) {
			struct msg_user one;

			memcpy(&one, m.raw + sizeof(head) + i * sizeof(one), sizeof(one));
			if (!one.type)
				note(u, one.pid, &one);
			else if (u->nsock < SOCKS_READ)
				u->socks[u->nsock++] = one;
		}
		from = head.next;
	} while (from && u->nsock < SOCKS_READ);
	qsort(u->socks, u->nsock, sizeof(u->socks[0]), by_inode);
}

/* --- who has them --- */

/* the inode of a descriptor's socket; 0: it is none */
static uint32_t socket_inode(int dir, const char *name)
{
	char link[64];
	ssize_t n = readlinkat(dir, name, link, sizeof(link) - 1);
	unsigned inode;

	if (n <= 0)
		return 0;
	link[n] = '\0';
	return sscanf(link, "socket:[%u]", &inode) == 1 ? inode : 0;
}

static void look_at(struct users *u, int pid, DIR *fds)
{
	struct dirent *e;

	while ((e = readdir(fds))) {
		struct msg_user key = { .inode = socket_inode(dirfd(fds), e->d_name) }, *m;

		m = key.inode ? bsearch(&key, u->socks, u->nsock, sizeof(key), by_inode) : NULL;
		if (!m)
			continue;
		u->found[m - u->socks] = true;
		note(u, pid, m);
	}
}

static void find_holders(struct users *u)
{
	DIR *proc = opendir("/proc"), *fds;
	struct dirent *e;
	char path[300];

	while (proc && (e = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/fd", e->d_name);
		fds = isdigit((unsigned char)e->d_name[0]) ? opendir(path) : NULL;
		if (!fds)
			continue;
		look_at(u, atoi(e->d_name), fds);
		closedir(fds);
	}
	if (proc)
		closedir(proc);
	for (size_t i = 0; i < u->nsock; i++)
		if (!u->found[i])
			note(u, u->socks[i].pid, &u->socks[i]);
}

/* --- telling --- */

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
		fprintf(stderr, "  pid %d (%s)", p->pid, *comm ? comm : "?");
	} else {
		fprintf(stderr, "  processes out of sight");
	}
	fprintf(stderr, ": %u socket%s%s%s%s\n", p->nsock, p->nsock == 1 ? "" : "s",
		p->nsock ? ": " : "", p->socks, p->nsock > SOCKS_SHOWN ? ", ..." : "");
}

static int by_pid(const void *a, const void *b)
{
	return ((const struct user *)a)->pid - ((const struct user *)b)->pid;
}

/**
 * users_tell() - Say on stderr who uses a stack
 * @name:	what the user calls it
 * @fd:		from ctl_connect()
 */
void users_tell(const char *name, int fd)
{
	static struct users u;

	collect(fd, &u);
	find_holders(&u);
	cli_error("stack \"%s\" is in use (\"ustack umount -f %s\" ends it all the same):",
		  name, name);
	qsort(u.list, u.n, sizeof(*u.list), by_pid);
	for (size_t i = 0; i < u.n && i < LINES_MAX; i++)
		print_user(&u.list[i]);
	if (u.n > LINES_MAX)
		fprintf(stderr, "  and %zu more\n", u.n - LINES_MAX);
	free(u.list);
	u.list = NULL;
}
