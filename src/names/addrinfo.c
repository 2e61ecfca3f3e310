/* addrinfo.c - getaddrinfo(3)
 *
 * Theory of operation
 * Two lists are crossed.  The addresses come from here: numeric, any or
 * loopback, the hosts file, DNS; sorted (sort.c).  The (socket type, protocol,
 * port) rows come from the C library, which is asked for a numeric address with
 * the program's hints: so services, socket types and the errors about them are
 * exactly its own.  Every check is made in the C library's order, so that a
 * call wrong in two ways fails in the same way.
 *
 * A result is one block an entry, with ai_canonname apart: what the C library's
 * freeaddrinfo() releases.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include "client/client.h"
#include "client/sys.h"
#include "names/names.h"

#define IDN_FLAGS	(AI_IDN | AI_CANONIDN)
#define FLAGS_KNOWN	(AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_ADDRCONFIG | \
			 AI_V4MAPPED | AI_NUMERICSERV | AI_ALL | IDN_FLAGS)

struct request {
	const struct names_conf *c;
	const char *host;
	int family, flags;
	struct sockaddr_in6 *v;		/* addresses; of either family, see set() */
	unsigned n;
	char *canon;
};

static bool add(struct request *r, int family, const void *bytes, uint32_t scope)
{
	struct sockaddr_in6 *grown = realloc(r->v, (r->n + 1) * sizeof(*grown)), *sa;

	if (!grown)
		return false;
	r->v = grown;
	sa = &grown[r->n++];
	memset(sa, 0, sizeof(*sa));
	sa->sin6_family = (sa_family_t)family;
	if (family == AF_INET) {
		memcpy(&((struct sockaddr_in *)sa)->sin_addr, bytes, 4);
	} else {
		memcpy(&sa->sin6_addr, bytes, 16);
		sa->sin6_scope_id = scope;
	}
	return true;
}

static bool add_mapped(struct request *r, const void *v4)
{
	uint8_t b[16] = { [10] = 0xff, [11] = 0xff };

	memcpy(b + 12, v4, 4);
	return add(r, AF_INET6, b, 0);
}

static bool wants(const struct request *r, int family)
{
	return r->family == AF_UNSPEC || r->family == family;
}

/* no host: any address for a server, loopback for a client */
static int any_or_loopback(struct request *r)
{
	struct in_addr v4 = { htonl(r->flags & AI_PASSIVE ? INADDR_ANY : INADDR_LOOPBACK) };
	const struct in6_addr *v6 = r->flags & AI_PASSIVE ? &in6addr_any : &in6addr_loopback;

	if ((wants(r, AF_INET6) && !add(r, AF_INET6, v6, 0)) ||
	    (wants(r, AF_INET) && !add(r, AF_INET, &v4, 0)))
		return EAI_MEMORY;
	return 0;
}

/* inet_aton(3) but without anything behind the address */
static bool aton_exact(const char *s, struct in_addr *a)
{
	return !s[strcspn(s, " \t\n\r\f\v")] && inet_aton(s, a);
}

/* "fe80::1%vde0": the index of an interface of the stack */
static int scope_of(const struct names_conf *c, const struct in6_addr *a, const char *name,
		    uint32_t *scope)
{
	struct client_info *i = NULL;
	char *end;

	if (IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_MC_LINKLOCAL(a)) {
		if (c->path && client_info(c->path, &i) == 0)
			for (uint32_t n = 0; n < i->info.nif; n++)
				if (!strncmp(i->ifs[n].name, name, IFNAMSIZ))
					*scope = i->ifs[n].index;
		free(i);
		if (*scope)
			return 0;
	}
	if (*name < '0' || *name > '9')
		return EAI_NONAME;
	*scope = (uint32_t)strtoul(name, &end, 10);
	return *end ? EAI_NONAME : 0;
}

static int numeric4(struct request *r, const struct in_addr *a)
{
	if (wants(r, AF_INET))
		return add(r, AF_INET, a, 0) ? 0 : EAI_MEMORY;
	if (r->flags & AI_V4MAPPED)
		return add_mapped(r, a) ? 0 : EAI_MEMORY;
	return EAI_ADDRFAMILY;
}

static int numeric6(struct request *r, const struct in6_addr *a, const char *zone)
{
	uint32_t scope = 0;
	int ret;

	if (!wants(r, AF_INET6)) {
		if (!IN6_IS_ADDR_V4MAPPED(a))
			return EAI_ADDRFAMILY;
		return add(r, AF_INET, a->s6_addr + 12, 0) ? 0 : EAI_MEMORY;
	}
	if (zone) {
		ret = scope_of(r->c, a, zone, &scope);
		if (ret)
			return ret;
	}
	return add(r, AF_INET6, a, scope) ? 0 : EAI_MEMORY;
}

/* true: the host is an address, and *ret says how it went */
static bool numeric(struct request *r, int *ret)
{
	char text[INET6_ADDRSTRLEN];
	const char *zone = strchr(r->host, '%');
	size_t len = zone ? (size_t)(zone - r->host) : strlen(r->host);
	struct in_addr v4;
	struct in6_addr v6;

	if (aton_exact(r->host, &v4)) {
		*ret = numeric4(r, &v4);
	} else {
		if (len >= sizeof(text))
			return false;
		memcpy(text, r->host, len);
		text[len] = '\0';
		if (inet_pton(AF_INET6, text, &v6) != 1)
			return false;
		*ret = numeric6(r, &v6, zone ? zone + 1 : NULL);
	}
	if (!*ret && r->flags & AI_CANONNAME) {
		r->canon = strdup(r->host);
		if (!r->canon)
			*ret = EAI_MEMORY;
	}
	return true;
}

/* an alias to nothing is another error to the C library if it asks for IPv4 alone */
static int eai(const struct request *r, int herr)
{
	switch (herr) {
	case DNS_ONLY_ALIAS:
		return r->family == AF_INET && !(r->flags & AI_CANONNAME) ? EAI_NODATA : EAI_NONAME;
	case 0:
		return 0;
	case TRY_AGAIN:
		return EAI_AGAIN;
	case NO_DATA:
		return EAI_NODATA;
	case NETDB_INTERNAL:
		return EAI_MEMORY;
	default:
		return EAI_NONAME;
	}
}

static int take_host(struct request *r, struct names_host *h)
{
	for (unsigned i = 0; i < h->naddr; i++) {
		const struct names_addr *a = &h->addr[i];

		if (a->family == AF_INET && r->family == AF_INET6
		    ? !add_mapped(r, a->bytes) : !add(r, a->family, a->bytes, 0))
			return EAI_MEMORY;
	}
	if (!r->canon && r->flags & AI_CANONNAME) {
		r->canon = h->name;
		h->name = NULL;
	}
	return 0;
}

static int look_up(struct request *r, int family)
{
	struct names_host h = { 0 };
	int ret = eai(r, names_by_name(r->c, r->host, family, &h));

	if (!ret)
		ret = take_host(r, &h);
	names_host_free(&h);
	return ret;
}

static int by_name(struct request *r)
{
	int ret = look_up(r, r->family), ret4;

	if (r->family != AF_INET6 || !(r->flags & AI_V4MAPPED) ||
	    (ret == 0 && !(r->flags & AI_ALL)) || ret == EAI_MEMORY)
		return ret;
	ret4 = look_up(r, AF_INET);
	return r->n || ret4 == EAI_MEMORY ? (r->n ? 0 : ret4) : ret;
}

static int addresses(struct request *r)
{
	int ret;

	if (!r->host)
		return any_or_loopback(r);
	if (numeric(r, &ret))
		return ret;
	return r->flags & AI_NUMERICHOST ? EAI_NONAME : by_name(r);
}

/* AI_ADDRCONFIG: which families has the stack, beyond loopback? */
static int restrict_family(struct request *r)
{
	struct client_info *i = NULL;
	bool v4 = false, v6 = false;

	if (r->c->path && client_info(r->c->path, &i) == 0)
		for (uint32_t n = 0; n < i->info.nif; n++) {
			if (i->ifs[n].flags & IFF_LOOPBACK)
				continue;
			for (uint32_t k = 0; k < i->ifs[n].naddr; k++)
				*(i->ifs[n].addr[k].addr.sa.sa_family == AF_INET ? &v4 : &v6) = true;
		}
	free(i);
	if ((r->family == AF_INET && !v4) || (r->family == AF_INET6 && !v6))
		return EAI_NONAME;
	if (r->family == AF_UNSPEC && v4 != v6)
		r->family = v4 ? AF_INET : AF_INET6;
	return 0;
}

/* one entry: an address with one row of the C library's */
static struct addrinfo *entry(const struct sockaddr_in6 *sa, const struct addrinfo *row, int flags)
{
	socklen_t len = sa->sin6_family == AF_INET ? sizeof(struct sockaddr_in)
						   : sizeof(struct sockaddr_in6);
	struct addrinfo *ai = malloc(sizeof(*ai) + len);

	if (!ai)
		return NULL;
	*ai = (struct addrinfo){
		.ai_flags = flags, .ai_family = sa->sin6_family, .ai_socktype = row->ai_socktype,
		.ai_protocol = row->ai_protocol, .ai_addrlen = len,
		.ai_addr = (struct sockaddr *)(ai + 1),
	};
	memcpy(ai->ai_addr, sa, len);
	/* the port is in the same place in both */
	((struct sockaddr_in *)ai->ai_addr)->sin_port = ((struct sockaddr_in *)row->ai_addr)->sin_port;
	return ai;
}

static int cross(struct request *r, const struct addrinfo *rows, int flags, struct addrinfo **out)
{
	struct addrinfo *head = NULL, **tail = &head;

	for (unsigned i = 0; i < r->n; i++)
		for (const struct addrinfo *row = rows; row; row = row->ai_next) {
			*tail = entry(&r->v[i], row, flags);
			if (!*tail) {
				if (head)
					freeaddrinfo(head);
				return EAI_MEMORY;
			}
			tail = &(*tail)->ai_next;
		}
	if (head) {
		head->ai_canonname = r->canon;
		r->canon = NULL;
	}
	*out = head;
	return head ? 0 : EAI_NONAME;
}

/* the C library's rows for these hints and this service */
static int service_rows(const char *service, const struct addrinfo *hints, struct addrinfo **rows)
{
	struct addrinfo h = {
		.ai_flags = AI_NUMERICHOST | (hints->ai_flags & AI_NUMERICSERV),
		.ai_family = AF_INET, .ai_socktype = hints->ai_socktype,
		.ai_protocol = hints->ai_protocol,
	};

	return sys_getaddrinfo("0.0.0.0", service, &h, rows);
}

/* what is wrong with the arguments alone */
static int check(const char *host, const char *service, const struct addrinfo *hints)
{
	if (!host && !service)
		return EAI_NONAME;
	if (hints->ai_flags & ~FLAGS_KNOWN ||
	    (hints->ai_flags & AI_CANONNAME && !host))
		return EAI_BADFLAGS;
	return 0;
}

/**
 * names_getaddrinfo() - getaddrinfo(3) on a stack
 *
 * Internationalised names are passed on as they are (AI_IDN has no effect).
 *
 * Return: 0 with *out, for freeaddrinfo(), or EAI_*
 */
int names_getaddrinfo(const struct names_conf *c, const char *host, const char *service,
		      const struct addrinfo *hints, struct addrinfo **out)
{
	static const struct addrinfo none = { .ai_flags = AI_V4MAPPED | AI_ADDRCONFIG };
	struct addrinfo *rows = NULL;
	struct request r;
	int ret;

	if (!hints)
		hints = &none;
	if (host && !strcmp(host, "*"))
		host = NULL;
	if (service && !strcmp(service, "*"))
		service = NULL;
	r = (struct request){ .c = c, .host = host, .family = hints->ai_family,
			      .flags = hints->ai_flags };
	ret = check(host, service, hints);
	if (!ret && hints->ai_flags & AI_ADDRCONFIG)
		ret = restrict_family(&r);
	if (ret)
		return ret;
	if (r.family != AF_UNSPEC && r.family != AF_INET && r.family != AF_INET6)
		return EAI_FAMILY;
	ret = service_rows(service, hints, &rows);
	if (!ret)
		ret = addresses(&r);
	if (!ret) {
		names_sort(c, r.v, r.n);
		ret = cross(&r, rows, hints->ai_flags, out);
	}
	if (rows)
		freeaddrinfo(rows);
	free(r.canon);
	free(r.v);
	return ret;
}
