/* hostent.c - a host as struct hostent, in the caller's buffer
 *
 * Theory of operation
 * gethostbyname_r(3) and its kin give one block: the two arrays of pointers
 * first, so that they are aligned, then addresses, then names.
 */
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <string.h>
#include "names/names.h"

static unsigned of_family(const struct names_host *h, int family)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h->naddr; i++)
		n += h->addr[i].family == family;
	return n;
}

static size_t need(const struct names_host *h, int family)
{
	size_t n = (h->nalias + 1 + of_family(h, family) + 1) * sizeof(char *);

	n += of_family(h, family) * names_addr_len(family) + strlen(h->name) + 1;
	for (unsigned i = 0; i < h->nalias; i++)
		n += strlen(h->alias[i]) + 1;
	return n;
}

static char *put(char **at, const void *p, size_t len)
{
	char *start = memcpy(*at, p, len);

	*at += len;
	return start;
}

/**
 * names_hostent() - Lay a host out as struct hostent
 * @h:		host with a name
 * @family:	which of its addresses
 * @out:	filled in; points into @buf
 * @buf, @size:	the caller's, of any alignment
 *
 * Return: 0 or ERANGE
 */
int names_hostent(const struct names_host *h, int family, struct hostent *out,
		  char *buf, size_t size)
{
	size_t pad = -(uintptr_t)buf % sizeof(char *), len = names_addr_len(family);
	char **ptrs, *at;

	if (size < pad || size - pad < need(h, family))
		return ERANGE;
	ptrs = (char **)(buf + pad);
	out->h_aliases = ptrs;
	out->h_addr_list = ptrs + h->nalias + 1;
	at = (char *)(out->h_addr_list + of_family(h, family) + 1);
	ptrs = out->h_addr_list;
	for (unsigned i = 0; i < h->naddr; i++)
		if (h->addr[i].family == family)
			*ptrs++ = put(&at, h->addr[i].bytes, len);
	*ptrs = NULL;
	for (unsigned i = 0; i < h->nalias; i++)
		out->h_aliases[i] = put(&at, h->alias[i], strlen(h->alias[i]) + 1);
	out->h_aliases[h->nalias] = NULL;
	out->h_name = put(&at, h->name, strlen(h->name) + 1);
	out->h_addrtype = family;
	out->h_length = (int)len;
	return 0;
}
