/* lookup.c - a host's names and addresses: the hosts file, then DNS
 *
 * Theory of operation
 * "hosts: files dns", as nsswitch.conf(5) has it on most systems.  For a name of
 * either family the A and the AAAA query run side by side, and one that has an
 * answer makes up for one that has none.
 */
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "names/names.h"

#define ARPA_NAME	80		/* 32 nibbles with dots, "ip6.arpa" */

/**
 * names_addr_len() - Bytes in an address of a family
 */
size_t names_addr_len(int family)
{
	return family == AF_INET ? 4 : 16;
}

/**
 * names_host_free() - Release what a host holds; it is empty afterwards
 */
void names_host_free(struct names_host *h)
{
	for (unsigned i = 0; i < h->nalias; i++)
		free(h->alias[i]);
	free(h->alias);
	free(h->addr);
	free(h->name);
	*h = (struct names_host){ 0 };
}

/**
 * names_host_set_name() - Set the canonical name; false: out of memory
 */
bool names_host_set_name(struct names_host *h, const char *name)
{
	free(h->name);
	h->name = strdup(name);
	return h->name != NULL;
}

/**
 * names_host_add_alias() - Add an alias; false: out of memory
 */
bool names_host_add_alias(struct names_host *h, const char *name)
{
	char **grown = realloc(h->alias, (h->nalias + 1) * sizeof(*grown));

	if (!grown)
		return false;
	h->alias = grown;
	grown[h->nalias] = strdup(name);
	return grown[h->nalias] ? h->nalias++, true : false;
}

/**
 * names_host_add_addr() - Add an address; false: out of memory
 */
bool names_host_add_addr(struct names_host *h, int family, const void *bytes)
{
	struct names_addr *grown = realloc(h->addr, (h->naddr + 1) * sizeof(*grown));

	if (!grown)
		return false;
	h->addr = grown;
	grown = &grown[h->naddr++];
	memset(grown, 0, sizeof(*grown));
	grown->family = family;
	memcpy(grown->bytes, bytes, names_addr_len(family));
	return true;
}

struct asked {
	int family;
	struct names_host *h;
};

/* of the two queries' outcomes, the one that tells more */
static int merge(int a, int b)
{
	if (a == 0 || b == 0)
		return 0;
	if (a == TRY_AGAIN || b == TRY_AGAIN)
		return TRY_AGAIN;
	return a == NO_DATA || b == NO_DATA ? NO_DATA : a;
}

static int try_addrs(const struct names_conf *c, const char *name, void *arg)
{
	struct asked *q = arg;
	static const int families[2] = { AF_INET, AF_INET6 };
	struct dns_msg m[2] = { 0 };
	int fam[2], n = 0, ret = 0, herr = NO_RECOVERY;
	bool servfail;

	for (int i = 0; i < 2 && !ret; i++)
		if (q->family == AF_UNSPEC || q->family == families[i]) {
			ret = dns_make(c, name, ns_c_in,
				       families[i] == AF_INET ? ns_t_a : ns_t_aaaa, &m[n]);
			fam[n++] = families[i];
		}
	if (ret == -EINVAL)
		herr = HOST_NOT_FOUND;	/* no such name can be */
	if (ret == 0) {
		servfail = dns_exchange(c, m, (unsigned)n);
		for (int i = 0; i < n; i++) {
			ret = dns_outcome(&m[i]);
			if (!ret)
				ret = dns_parse_addrs(&m[i], fam[i], q->h);
			herr = i ? merge(herr, ret) : ret;
		}
		if (herr == TRY_AGAIN && servfail)
			herr = DNS_SERVFAIL;
		/* what the other query brought along */
		if (herr)
			names_host_free(q->h);
	}
	dns_free(&m[0]);
	dns_free(&m[1]);
	return herr;
}

/**
 * names_by_name() - Find a host by its name
 * @c:		configuration
 * @name:	a name, not an address
 * @family:	AF_INET, AF_INET6, AF_UNSPEC for both
 * @h:		filled in; release with names_host_free()
 *
 * Return: as h_errno, or DNS_ONLY_ALIAS
 */
int names_by_name(const struct names_conf *c, const char *name, int family,
		  struct names_host *h)
{
	struct asked q = { family, h };
	int ret = hosts_by_name(c->hosts, name, family, h);

	if (ret != HOST_NOT_FOUND)
		return ret;
	names_host_free(h);
	return dns_search(c, name, try_addrs, &q);
}

/* the name in in-addr.arpa or ip6.arpa */
static void arpa_name(const struct names_addr *a, char out[ARPA_NAME])
{
	const uint8_t *b = a->bytes;
	int n = 0;

	if (a->family == AF_INET) {
		snprintf(out, ARPA_NAME, "%u.%u.%u.%u.in-addr.arpa", b[3], b[2], b[1], b[0]);
		return;
	}
	for (int i = 15; i >= 0; i--)
		n += snprintf(out + n, ARPA_NAME - (size_t)n, "%x.%x.", b[i] & 0xf, b[i] >> 4);
	snprintf(out + n, ARPA_NAME - (size_t)n, "ip6.arpa");
}

/**
 * names_by_addr() - Find a host by its address; see names_by_name()
 */
int names_by_addr(const struct names_conf *c, const struct names_addr *a, struct names_host *h)
{
	struct names_addr v4 = { .family = AF_INET };
	char name[ARPA_NAME];
	struct dns_msg m;
	int ret = hosts_by_addr(c->hosts, a, h);

	if (ret != HOST_NOT_FOUND)
		return ret;
	names_host_free(h);
	if (a->family == AF_INET6 && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)a->bytes)) {
		memcpy(v4.bytes, a->bytes + 12, 4);
		a = &v4;
	}
	arpa_name(a, name);
	if (dns_make(c, name, ns_c_in, ns_t_ptr, &m))
		return NO_RECOVERY;
	dns_exchange(c, &m, 1);
	ret = dns_outcome(&m);
	if (!ret)
		ret = dns_parse_ptr(&m, a, h);
	dns_free(&m);
	return ret;
}
