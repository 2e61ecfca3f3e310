/* dnsparse.c - what an answer says about a host
 *
 * Theory of operation
 * The records of an answer are walked once, as the C library does: a CNAME moves on
 * to the name it gives, and what does not belong to the name in question is
 * passed over.  Names count only if they are host names (RFC 952): they end up
 * in logs, shells and comparisons of programs.  The message came from the
 * network: every step is held against its end.  (The C library's ns_parserr()
 * would do, but lives in libresolv, which every program would have to load.)
 */
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <string.h>
#include "names/names.h"

struct walk {
	const uint8_t *start, *end, *at;
	unsigned left;			/* records of the answer section */
	char owner[NS_MAXDNAME];	/* of the record at hand */
	unsigned type, class, len;
	const uint8_t *data;
};

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static bool name_at(const struct walk *w, const uint8_t *at, char name[NS_MAXDNAME], int *used)
{
	*used = dn_expand(w->start, w->end, at, name, NS_MAXDNAME);
	return *used > 0;
}

/* to the first record; the name that was asked for */
static bool begin(struct walk *w, const struct dns_msg *m, char name[NS_MAXDNAME])
{
	int used;

	*w = (struct walk){ .start = m->answer, .end = m->answer + m->answer_len };
	if (m->answer_len < NS_HFIXEDSZ || get16(w->start + 4) != 1)
		return false;
	w->left = get16(w->start + 6);
	w->at = w->start + NS_HFIXEDSZ;
	if (!name_at(w, w->at, name, &used) || w->end - w->at < used + NS_QFIXEDSZ)
		return false;
	w->at += used + NS_QFIXEDSZ;
	return true;
}

/* the next record of class IN; false at the end, or where the message breaks off */
static bool next(struct walk *w)
{
	int used;

	while (w->left) {
		w->left--;
		if (!name_at(w, w->at, w->owner, &used) || w->end - w->at < used + NS_RRFIXEDSZ)
			return false;
		w->at += used;
		w->type = get16(w->at);
		w->class = get16(w->at + 2);
		w->len = get16(w->at + 8);
		w->data = w->at + NS_RRFIXEDSZ;
		if ((size_t)(w->end - w->data) < w->len)
			return false;
		w->at = w->data + w->len;
		if (w->class == ns_c_in)
			return true;
	}
	return false;
}

/* a record for the name at hand; 0 or NETDB_INTERNAL */
static int take(const struct walk *w, int family, char name[NS_MAXDNAME], bool first,
		struct names_host *host)
{
	char target[NS_MAXDNAME];
	int used;

	if (w->type == ns_t_cname) {
		if (!name_at(w, w->data, target, &used) || !res_hnok(target))
			return 0;
		if (first && !names_host_add_alias(host, w->owner))
			return NETDB_INTERNAL;
		strcpy(name, target);
		return 0;
	}
	if (w->type != (family == AF_INET ? ns_t_a : ns_t_aaaa) || w->len != names_addr_len(family))
		return 0;
	return names_host_add_addr(host, family, w->data) ? 0 : NETDB_INTERNAL;
}

/**
 * dns_parse_addrs() - Add the addresses of an answer to a host
 * @m:		message with an answer
 * @family:	AF_INET (A records) or AF_INET6 (AAAA)
 * @host:	canonical name and aliases are set if it had none
 *
 * Return: as h_errno, or DNS_ONLY_ALIAS
 */
int dns_parse_addrs(const struct dns_msg *m, int family, struct names_host *host)
{
	bool first = !host->name;
	unsigned addrs = host->naddr, aliases = host->nalias;
	char name[NS_MAXDNAME];
	struct walk w;

	if (!begin(&w, m, name))
		return NO_RECOVERY;
	while (next(&w))
		if (!strcasecmp(w.owner, name) && take(&w, family, name, first, host))
			return NETDB_INTERNAL;
	if (host->naddr == addrs)
		return host->nalias > aliases ? DNS_ONLY_ALIAS : NO_RECOVERY;
	if (!res_hnok(name))
		return NO_RECOVERY;
	return !first || names_host_set_name(host, name) ? 0 : NETDB_INTERNAL;
}

/**
 * dns_parse_ptr() - The name of an address: the first that is a host's
 *
 * Return: as h_errno
 */
int dns_parse_ptr(const struct dns_msg *m, const struct names_addr *a, struct names_host *host)
{
	char name[NS_MAXDNAME], target[NS_MAXDNAME];
	struct walk w;
	int used;

	if (!begin(&w, m, name))
		return NO_RECOVERY;
	while (next(&w)) {
		if ((w.type != ns_t_cname && w.type != ns_t_ptr) || strcasecmp(w.owner, name) != 0 ||
		    !name_at(&w, w.data, target, &used))
			continue;
		if (w.type == ns_t_cname)
			strcpy(name, target);
		else if (res_hnok(target))
			return names_host_set_name(host, target) &&
			       names_host_add_addr(host, a->family, a->bytes) ? 0 : NETDB_INTERNAL;
	}
	return NO_RECOVERY;
}
