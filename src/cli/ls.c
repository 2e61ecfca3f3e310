/* ls.c - ustack ls: which stacks run, with which interfaces
 *
 * Theory of operation
 * Every socket in the runtime folder is asked, and what is learnt is collected
 * first; then it is printed, as a table once all widths are known (a row is an
 * interface), as names, or as JSON (ls_json.c).  A control socket behind which
 * nobody listens is shown as dead: the next mount of that name replaces it.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/addr.h"
#include "cli/cli.h"

enum { NAME, PID, SOCKETS, IFACE, STATE, LINK, ADDRS, NCOLS };
#define LIFE_LEN	32
#define ADDRS_LEN	(MSG_IFADDRS * (ADDR_PREFIXSTRLEN + LIFE_LEN))

struct row {
	char *col[NCOLS];
};

struct table {
	struct row *rows;
	size_t n;
};

struct list {
	struct ls_stack *stacks;
	size_t n;
};

static void *need(void *p)
{
	if (!p) {
		cli_error("out of memory");
		exit(CLI_FAILED);
	}
	return p;
}

/* --- asking --- */

/* the interfaces of one stack, a page of them a message; there is always lo */
static int ask(struct ls_stack *s, int fd)
{
	struct msg m;
	uint32_t n = 0;
	int ret;

	while ((ret = ctl_call(fd, &m, MSG_OP_INFO, n)) == 0 && m.info.nif) {
		s->info = m.info;
		s->ifs = need(realloc(s->ifs, (n + m.info.nif) * sizeof(*s->ifs)));
		memcpy(s->ifs + n, m.raw + sizeof(m.info), m.info.nif * sizeof(*s->ifs));
		n += m.info.nif;
	}
	s->info.nif = n;
	return ret;
}

static struct ls_stack *add_stack(struct list *l, const char *name, const struct stackname *sn)
{
	struct ls_stack *s;
	int fd;

	l->stacks = need(realloc(l->stacks, (l->n + 1) * sizeof(*l->stacks)));
	s = &l->stacks[l->n++];
	*s = (struct ls_stack){ .name = need(strdup(name)), .path = need(strdup(sn->path)),
				.null = sn->kind == STACKNAME_NULL };
	if (s->null)
		return s;
	fd = ctl_connect(sn->path);
	s->err = fd < 0 ? fd : ask(s, fd);
	if (fd >= 0)
		close(fd);
	return s;
}

/* what lies in the runtime folder: sockets of stacks and marks of null */
static void add_entry(struct list *l, const char *dir, const char *name)
{
	char path[PATH_MAX + NAME_MAX + 2], err[512];
	struct stackname sn;
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (name[0] == '.' || lstat(path, &st) < 0 ||
	    stackname_resolve(path, false, &sn, err, sizeof(err)) < 0)
		return;
	if (S_ISSOCK(st.st_mode) || sn.kind == STACKNAME_NULL)
		add_stack(l, name, &sn);
}

static int add_all(struct list *l)
{
	char dir[PATH_MAX], err[512];
	struct dirent *e;
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
	while (d && (e = readdir(d)))
		add_entry(l, dir, e->d_name);
	if (d)
		closedir(d);
	return 0;
}

static int add_one(struct list *l, const char *name)
{
	struct stackname sn;
	struct ls_stack *s;

	if (cli_resolve(name, &sn) < 0)
		return CLI_FAILED;
	if (sn.kind == STACKNAME_HOST || (sn.kind == STACKNAME_NULL && !sn.path[0])) {
		cli_error("stack \"%s\": there is no daemon behind that name", name);
		return CLI_FAILED;
	}
	s = add_stack(l, name, &sn);
	if (!s->err)
		return 0;
	cli_cannot_reach(name, &sn, s->err);
	free(s->name);
	free(s->path);
	l->n--;
	return CLI_FAILED;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct ls_stack *)a)->name, ((const struct ls_stack *)b)->name);
}

static void free_list(struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->stacks[i].name);
		free(l->stacks[i].path);
		free(l->stacks[i].ifs);
	}
	free(l->stacks);
}

/* --- the table --- */

static void add_row(struct table *t, const char *const col[NCOLS])
{
	t->rows = need(realloc(t->rows, (t->n + 1) * sizeof(*t->rows)));
	for (int i = 0; i < NCOLS; i++)
		t->rows[t->n].col[i] = need(strdup(col[i]));
	t->n++;
}

/**
 * ls_state() - "up", "down", or "no-carrier" when it is up but its link is not
 */
const char *ls_state(const struct msg_ifinfo *f)
{
	return !(f->flags & IFF_UP) ? "down" : f->flags & IFF_RUNNING ? "up" : "no-carrier";
}

/**
 * ls_addr() - An address with its prefix length, as text
 */
bool ls_addr(const struct msg_ifaddr *a, char *buf)
{
	struct addr_prefix p = { .len = a->prefixlen };

	p.addr.family = a->addr.sa.sa_family;
	if (p.addr.family == AF_INET)
		p.addr.v4 = a->addr.in.sin_addr;
	else if (p.addr.family == AF_INET6)
		p.addr.v6 = a->addr.in6.sin6_addr;
	else
		return false;
	addr_prefix_str(&p, buf);
	return true;
}

/**
 * ls_addr_state() - What keeps an address from being used, or ""
 */
const char *ls_addr_state(const struct msg_ifaddr *a)
{
	return a->flags & IFA_F_DADFAILED ? "duplicate" :
	       a->flags & IFA_F_TENTATIVE ? "tentative" :
	       a->flags & IFA_F_DEPRECATED ? "deprecated" : "";
}

/* "(tentative)", "(1h59m)": what is not as with any address, or "" */
static void format_life(const struct msg_ifaddr *a, char buf[LIFE_LEN])
{
	const char *state = ls_addr_state(a);
	unsigned s = a->valid;
	char left[LIFE_LEN / 2] = "";

	if (s >= 3600 && s != MSG_FOREVER)
		snprintf(left, sizeof(left), "%uh%02um", s / 3600, s / 60 % 60);
	else if (s != MSG_FOREVER)
		snprintf(left, sizeof(left), "%um%02us", s / 60, s % 60);
	buf[0] = '\0';
	if (*state || *left)
		snprintf(buf, LIFE_LEN, "(%s%s%s)", state, *state && *left ? " " : "", left);
}

static void format_addrs(const struct msg_ifinfo *f, char *buf)
{
	char text[ADDR_PREFIXSTRLEN], life[LIFE_LEN], *p = buf;

	strcpy(buf, "-");
	for (uint32_t i = 0; i < f->naddr; i++) {
		if (!ls_addr(&f->addr[i], text))
			continue;
		format_life(&f->addr[i], life);
		p += sprintf(p, "%s%s%s", p == buf ? "" : ",", text, life);
	}
}

static void add_rows(struct table *t, const struct ls_stack *s)
{
	char pid[16], socks[16], addrs[ADDRS_LEN];
	const char *col[NCOLS] = { s->name, "-", "-", "-", "-", "-", "-" };

	if (s->null || s->err) {
		col[STATE] = s->null ? "null" : s->err == -ECONNREFUSED ? "dead" :
			     strerror(-s->err);
		add_row(t, col);
		return;
	}
	snprintf(pid, sizeof(pid), "%d", s->info.pid);
	snprintf(socks, sizeof(socks), "%u",
		 s->info.nsock_stream + s->info.nsock_dgram + s->info.nsock_raw);
	for (uint32_t i = 0; i < s->info.nif; i++) {
		const struct msg_ifinfo *f = &s->ifs[i];
		const char *row[NCOLS] = { s->name, pid, socks, f->name, ls_state(f),
					   f->spec[0] ? f->spec : "-", addrs };

		format_addrs(f, addrs);
		add_row(t, row);
	}
}

static void print_table(const struct list *l)
{
	static const char *const head[NCOLS] = {
		"NAME", "PID", "SOCKETS", "INTERFACE", "STATE", "LINK", "ADDRESSES" };
	struct table t = { 0 };
	int width[NCOLS] = { 0 };

	if (!l->n)
		return;
	add_row(&t, head);
	for (size_t i = 0; i < l->n; i++)
		add_rows(&t, &l->stacks[i]);
	for (size_t r = 0; r < t.n; r++)
		for (int i = 0; i < NCOLS; i++)
			if ((int)strlen(t.rows[r].col[i]) > width[i])
				width[i] = (int)strlen(t.rows[r].col[i]);
	for (size_t r = 0; r < t.n; r++)
		for (int i = 0; i < NCOLS; i++) {
			printf("%-*s%s", i == NCOLS - 1 ? 0 : width[i], t.rows[r].col[i],
			       i == NCOLS - 1 ? "\n" : "  ");
			free(t.rows[r].col[i]);
		}
	free(t.rows);
}

static int run(const struct command *cmd, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ NULL, 0, NULL, 0 },
	};
	struct list l = { 0 };
	bool json = false, names = false;
	int c, status;

	while ((c = getopt_long(argc, argv, "jq", longs, NULL)) != -1) {
		if (c != 'j' && c != 'q')
			return cli_usage(cmd);
		json |= c == 'j';
		names |= c == 'q';
	}
	if (argc - optind > 1)
		return cli_usage(cmd);
	status = argc > optind ? add_one(&l, argv[optind]) : add_all(&l);
	if (l.n)
		qsort(l.stacks, l.n, sizeof(*l.stacks), by_name);
	if (json && !status)
		ls_json(l.stacks, l.n);
	else if (names)
		for (size_t i = 0; i < l.n; i++)
			puts(l.stacks[i].name);
	else
		print_table(&l);
	free_list(&l);
	return status;
}

const struct command ls_command = {
	"ls", "[-j|--json] [-q] [NAME|PATH]", "list the running stacks",
"List your running stacks, or one: name, process, number of sockets, and\n"
"for each interface its state, link and addresses.  An address is followed by how\n"
"long its lease lasts, and by what keeps it from being used.\n\n"
"  -j, --json  as JSON, with counters\n"
"  -q          only the names\n",
	run,
};
