/* ls.c - ustack ls: which stacks run, with which interfaces
 *
 * Theory of operation
 * Every socket in the runtime folder is asked; rows are collected first and
 * printed when all widths are known.  A row is an interface.  A control
 * socket behind which nobody listens is shown as dead: the next mount of that
 * name replaces it.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/addr.h"
#include "cli/cli.h"

enum { NAME, PID, SOCKETS, IFACE, LINK, ADDRS, NCOLS };
#define ADDRS_LEN	(MSG_IFADDRS * (ADDR_PREFIXSTRLEN + 1))

struct row {
	char *col[NCOLS];
};

struct table {
	struct row *rows;
	size_t n;
};

static void out_of_memory(void)
{
	cli_error("out of memory");
	exit(CLI_FAILED);
}

static void add_row(struct table *t, const char *const col[NCOLS])
{
	struct row *rows = realloc(t->rows, (t->n + 1) * sizeof(*rows));

	if (!rows)
		out_of_memory();
	t->rows = rows;
	for (int i = 0; i < NCOLS; i++) {
		rows[t->n].col[i] = strdup(col[i]);
		if (!rows[t->n].col[i])
			out_of_memory();
	}
	t->n++;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->col[NAME],
		      ((const struct row *)b)->col[NAME]);
}

static void print_table(struct table *t)
{
	int width[NCOLS] = { 0 };

	for (size_t r = 0; r < t->n; r++)
		for (int i = 0; i < NCOLS; i++)
			if ((int)strlen(t->rows[r].col[i]) > width[i])
				width[i] = (int)strlen(t->rows[r].col[i]);
	for (size_t r = 0; r < t->n; r++)
		for (int i = 0; i < NCOLS; i++)
			printf("%-*s%s", i == NCOLS - 1 ? 0 : width[i],
			       t->rows[r].col[i], i == NCOLS - 1 ? "\n" : "  ");
}

static void free_table(struct table *t)
{
	for (size_t r = 0; r < t->n; r++)
		for (int i = 0; i < NCOLS; i++)
			free(t->rows[r].col[i]);
	free(t->rows);
}

static void format_addrs(const struct msg_ifinfo *f, char *buf)
{
	char *p = buf;

	strcpy(buf, "-");
	for (uint32_t i = 0; i < f->naddr; i++) {
		const union msg_sockaddr *sa = &f->addr[i].addr;
		struct addr_prefix a = { .len = f->addr[i].prefixlen };
		char text[ADDR_PREFIXSTRLEN];

		a.addr.family = sa->sa.sa_family;
		if (a.addr.family == AF_INET)
			a.addr.v4 = sa->in.sin_addr;
		else if (a.addr.family == AF_INET6)
			a.addr.v6 = sa->in6.sin6_addr;
		else
			continue;
		p += sprintf(p, "%s%s", p == buf ? "" : ",",
			     addr_prefix_str(&a, text));
	}
}

static void add_iface(struct table *t, const char *name, const struct msg_info *info,
		      const struct msg_ifinfo *f)
{
	char pid[16], socks[16], addrs[ADDRS_LEN];
	const char *col[NCOLS] = { name, pid, socks, f->name,
				   f->spec[0] ? f->spec : "-", addrs };

	snprintf(pid, sizeof(pid), "%d", info->pid);
	snprintf(socks, sizeof(socks), "%u",
		 info->nsock_stream + info->nsock_dgram + info->nsock_raw);
	format_addrs(f, addrs);
	add_row(t, col);
}

/* the interfaces of one stack, a page of them a message; there is always lo */
static int ask(struct table *t, const char *name, int fd)
{
	struct msg m;
	uint64_t first = 0;
	int ret;

	while ((ret = ctl_call(fd, &m, MSG_OP_INFO, first)) == 0 && m.info.nif) {
		struct msg_info info = m.info;

		for (uint32_t i = 0; i < info.nif; i++) {
			struct msg_ifinfo f;

			memcpy(&f, m.raw + sizeof(info) + i * sizeof(f), sizeof(f));
			add_iface(t, name, &info, &f);
		}
		first += info.nif;
	}
	return ret;
}

/* 0, or -errno when nobody answers, which is also a row if @show_dead */
static int add_stack(struct table *t, const char *name, const char *path, bool show_dead)
{
	int fd = ctl_connect(path), ret = fd;

	if (fd >= 0) {
		ret = ask(t, name, fd);
		close(fd);
	}
	if (ret < 0 && show_dead) {
		const char *col[NCOLS] = { name, "-", "-", "-",
			ret == -ECONNREFUSED ? "dead" : strerror(-ret), "-" };

		add_row(t, col);
	}
	return ret;
}

static int add_all(struct table *t)
{
	char dir[PATH_MAX], path[PATH_MAX + NAME_MAX + 1], err[512];
	struct dirent *e;
	struct stat st;
	DIR *d;

	if (stackname_dir(false, dir, sizeof(dir), err, sizeof(err)) < 0) {
		cli_error("%s", err);
		return CLI_FAILED;
	}
	d = opendir(dir);
	if (!d && errno != ENOENT) {
		cli_error("%s: cannot read it: %s", dir, strerror(errno));
		return CLI_FAILED;
	}
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.' && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
			add_stack(t, e->d_name, path, true);
	}
	if (d)
		closedir(d);
	return 0;
}

static int add_one(struct table *t, const char *name)
{
	struct stackname sn;
	char err[512];
	int ret;

	if (stackname_resolve(name, false, &sn, err, sizeof(err)) < 0) {
		cli_error("%s", err);
		return CLI_FAILED;
	}
	if (sn.kind == STACKNAME_NULL || sn.kind == STACKNAME_HOST) {
		cli_error("stack \"%s\": there is no daemon behind that name", name);
		return CLI_FAILED;
	}
	ret = add_stack(t, name, sn.path, false);
	if (ret == 0)
		return 0;
	if (ret == -ENOENT || ret == -ECONNREFUSED)
		cli_error("stack \"%s\" is not running (no daemon at %s)", name, sn.path);
	else
		cli_error("stack \"%s\": cannot ask it: %s", name, strerror(-ret));
	return CLI_FAILED;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	static const char *const head[NCOLS] = {
		"NAME", "PID", "SOCKETS", "INTERFACE", "LINK", "ADDRESSES" };
	struct table t = { 0 };
	struct row h;
	int status;

	if (argc > 2 || (argc == 2 && argv[1][0] == '-'))
		return cli_usage(cmd);
	status = argc == 2 ? add_one(&t, argv[1]) : add_all(&t);
	if (t.n) {
		size_t n = t.n;

		qsort(t.rows, n, sizeof(*t.rows), by_name);
		add_row(&t, head);
		h = t.rows[n];
		memmove(t.rows + 1, t.rows, n * sizeof(*t.rows));
		t.rows[0] = h;
		print_table(&t);
	}
	free_table(&t);
	return status;
}

const struct command ls_command = {
	"ls", "[NAME|PATH]", "list the running stacks",
"List your running stacks, or one: name, process, number of sockets, and\n"
"for each interface its link and addresses.\n",
	run,
};
