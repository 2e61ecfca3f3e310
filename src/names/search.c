/* search.c - the search list
 *
 * Theory of operation
 * Which names are tried, in which order, and which failure is reported when
 * all fail: as the C library's res_search(3) does it, for programs and users
 * know its ways.
 */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include "names/names.h"

#define NAME_MAX_LEN	1024		/* any longer is no domain name */

struct walk {
	bool got_nodata, got_servfail, root, done;
	int last;
};

/* one domain of the list; 0 when the name was found there */
static int in_domain(const struct names_conf *c, const char *name, const char *domain, size_t len,
		     dns_try_fn *try, void *arg, struct walk *w)
{
	char full[NAME_MAX_LEN + MSG_SEARCH_MAX + 2];

	if (len && *domain == '.') {
		domain++;
		len--;
	}
	if (!len)
		w->root = true;
	snprintf(full, sizeof(full), "%s%s%.*s", name, len ? "." : "", (int)len, domain);
	w->last = try(c, full, arg);
	switch (w->last) {
	case NO_DATA:
		w->got_nodata = true;
		break;
	case HOST_NOT_FOUND:
		break;
	case DNS_SERVFAIL:
		w->got_servfail = true;
		break;
	default:
		w->done = true;		/* found, or no server to be had */
		break;
	}
	return w->last;
}

static int plain(int herr)
{
	return herr == DNS_SERVFAIL ? TRY_AGAIN : herr;
}

/**
 * dns_search() - Try a name as it stands and in the domains of the search list
 * @c:		search list, ndots, flags
 * @name:	what the user wrote
 * @try:	asks for one name
 * @arg:	for @try
 *
 * Return: as h_errno; 0 when a @try returned 0
 */
int dns_search(const struct names_conf *c, const char *name, dns_try_fn *try, void *arg)
{
	struct walk w = { .last = HOST_NOT_FOUND };
	size_t len = strlen(name);
	bool trailing = len && name[len - 1] == '.', as_is = false, searched = false;
	unsigned dots = 0;
	int first = -1;

	if (len > NAME_MAX_LEN)
		return NO_RECOVERY;
	for (const char *p = name; *p; p++)
		dots += *p == '.';
	if (dots >= c->ndots || trailing) {
		first = try(c, name, arg);
		if (first == 0 || trailing)
			return plain(first);
		as_is = true;
	}
	if (dots ? c->flags & NAMES_DNSRCH : c->flags & NAMES_DEFNAMES)
		for (const char *d = c->search + strspn(c->search, " \t"); *d && !w.done;) {
			size_t dlen = strcspn(d, " \t");

			searched = true;
			if (in_domain(c, name, d, dlen, try, arg, &w) == 0)
				return 0;
			if (!(c->flags & NAMES_DNSRCH))
				break;
			d += dlen + strspn(d + dlen, " \t");
		}
	/* no server: asking again would only take as long again */
	if (searched && w.done && w.last == TRY_AGAIN)
		return TRY_AGAIN;
	if (!as_is && !w.root) {
		w.last = try(c, name, arg);
		if (w.last == 0)
			return 0;
	}
	if (first != -1)
		return plain(first);
	return w.got_nodata ? NO_DATA : w.got_servfail ? TRY_AGAIN : plain(w.last);
}
