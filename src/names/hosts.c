/* hosts.c - the hosts file
 *
 * Theory of operation
 * Read anew for each look-up, as hosts(5) promises: an edit counts at once.  All
 * lines with the name count together; the canonical name is the first line's.
 * As in the C library, a look-up for IPv4 takes ::1 for 127.0.0.1 and a mapped
 * address for what it maps.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/sys.h"
#include "names/names.h"

#define BLANKS	" \t\r\n\f\v"

/* the address at the head of a line as one of @family (AF_UNSPEC: any) */
static bool line_addr(const char *text, int family, struct names_addr *a)
{
	struct in6_addr in6;

	memset(a, 0, sizeof(*a));
	if (family != AF_INET6 && inet_pton(AF_INET, text, a->bytes) == 1) {
		a->family = AF_INET;
		return true;
	}
	if (inet_pton(AF_INET6, text, &in6) != 1)
		return false;
	if (family != AF_INET) {
		a->family = AF_INET6;
		memcpy(a->bytes, &in6, sizeof(in6));
		return true;
	}
	a->family = AF_INET;
	if (IN6_IS_ADDR_V4MAPPED(&in6))
		memcpy(a->bytes, in6.s6_addr + 12, 4);
	else if (IN6_IS_ADDR_LOOPBACK(&in6))
		memcpy(a->bytes, "\x7f\0\0\1", 4);
	else
		return false;
	return true;
}

/* cut a line in place: the address, and the names behind it in *rest */
static char *cut(char *line, char **rest)
{
	char *addr;

	line[strcspn(line, "#\n")] = '\0';
	addr = strtok_r(line, BLANKS, rest);
	if (addr)
		*rest += strspn(*rest, BLANKS);
	return addr && **rest ? addr : NULL;
}

static bool names_it(const char *rest, const char *name)
{
	size_t want = strlen(name);

	while (*rest) {
		size_t len = strcspn(rest, BLANKS);

		if (len == want && !strncasecmp(rest, name, len))
			return true;
		rest += len;
		rest += strspn(rest, BLANKS);
	}
	return false;
}

/* the first line gives the canonical name, each the aliases that follow */
static bool take_names(struct names_host *h, char *rest, bool more)
{
	char *save = NULL, *w = strtok_r(rest, BLANKS, &save);

	if (!h->name) {
		if (!names_host_set_name(h, w))
			return false;
	} else if (more && strcmp(w, h->name) != 0 && !names_host_add_alias(h, w)) {
		return false;
	}
	while ((w = strtok_r(NULL, BLANKS, &save)))
		if (!names_host_add_alias(h, w))
			return false;
	return true;
}

static int outcome(const struct names_host *h, bool memory)
{
	return !memory ? NETDB_INTERNAL : h->naddr ? 0 : HOST_NOT_FOUND;
}

/**
 * hosts_by_name() - Look a name up in a hosts file
 * @file:	its path; a missing one is empty
 * @name:	in any case of letters
 * @family:	AF_INET, AF_INET6, AF_UNSPEC for both
 * @h:		filled in; release with names_host_free()
 *
 * Return: as h_errno
 */
int hosts_by_name(const char *file, const char *name, int family, struct names_host *h)
{
	FILE *f = sys_fopen(file, "re");
	char *line = NULL, *rest, *addr;
	struct names_addr a;
	size_t size = 0;
	bool memory = true;

	*h = (struct names_host){ 0 };
	if (!f)
		return HOST_NOT_FOUND;
	while (memory && getline(&line, &size, f) > 0) {
		addr = cut(line, &rest);
		if (!addr || !names_it(rest, name) || !line_addr(addr, family, &a))
			continue;
		memory = take_names(h, rest, true) && names_host_add_addr(h, a.family, a.bytes);
	}
	free(line);
	sys_fclose(f);
	return outcome(h, memory);
}

/**
 * hosts_by_addr() - Look an address up in a hosts file; see hosts_by_name()
 */
int hosts_by_addr(const char *file, const struct names_addr *want, struct names_host *h)
{
	FILE *f = sys_fopen(file, "re");
	char *line = NULL, *rest, *addr;
	struct names_addr a;
	size_t size = 0;
	bool memory = true;

	*h = (struct names_host){ 0 };
	if (!f)
		return HOST_NOT_FOUND;
	while (!h->naddr && memory && getline(&line, &size, f) > 0) {
		addr = cut(line, &rest);
		if (!addr || !line_addr(addr, want->family, &a) ||
		    memcmp(a.bytes, want->bytes, sizeof(a.bytes)) != 0)
			continue;
		memory = take_names(h, rest, false) && names_host_add_addr(h, a.family, a.bytes);
	}
	free(line);
	sys_fclose(f);
	return outcome(h, memory);
}

/**
 * hosts_next() - The next line that gethostent(3) shows: of an IPv4 address
 * @f:	an open hosts file
 * @h:	filled in; release with names_host_free()
 *
 * Return: as h_errno, HOST_NOT_FOUND at the end
 */
int hosts_next(FILE *f, struct names_host *h)
{
	char *line = NULL, *rest, *addr;
	struct names_addr a;
	size_t size = 0;
	bool memory = true;

	*h = (struct names_host){ 0 };
	while (!h->naddr && memory && getline(&line, &size, f) > 0) {
		addr = cut(line, &rest);
		if (addr && line_addr(addr, AF_INET, &a))
			memory = take_names(h, rest, false) &&
				 names_host_add_addr(h, a.family, a.bytes);
	}
	free(line);
	return outcome(h, memory);
}
