/* hook_names.c - getaddrinfo, getnameinfo, gethostby*: names by the stack
 *
 * Theory of operation
 * The C library's own resolver uses sockets that never pass our hooks, so its
 * functions are taken by name and answered by src/names.  The forms without _r
 * return a buffer of their own, one for each function, as the C library's do: it
 * lasts until the next call, and threads must not share it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include "preload/hook.h"
#include "preload/names_conf.h"

#define HOSTENT_MAX	(1u << 20)	/* more a host cannot have: a DNS message is 64 KB */

HOOK(int, getaddrinfo, (const char *host, const char *service, const struct addrinfo *hints,
			struct addrinfo **out))
{
	struct names_conf c;

	if (names_native())
		return sys_getaddrinfo(host, service, hints, out);
	names_conf(&c);
	return names_getaddrinfo(&c, host, service, hints, out);
}

HOOK(int, getnameinfo, (const struct sockaddr *sa, socklen_t len, char *host, socklen_t hostlen,
			char *serv, socklen_t servlen, int flags))
{
	struct names_conf c;

	if (names_native())
		return sys_getnameinfo(sa, len, host, hostlen, serv, servlen, flags);
	names_conf(&c);
	return names_getnameinfo(&c, sa, len, host, hostlen, serv, servlen, flags);
}

/* an address in place of a name; false: a name, *herr says how an address went */
static bool numeric(const char *name, int family, struct names_host *h, int *herr)
{
	struct in_addr v4;
	struct in6_addr v6;
	int is;

	if (!name[strcspn(name, " \t\n\r\f\v")] && inet_aton(name, &v4))
		is = AF_INET;
	else if (inet_pton(AF_INET6, name, &v6) == 1)
		is = AF_INET6;
	else
		return false;
	*herr = is != family ? HOST_NOT_FOUND
		: names_host_set_name(h, name) &&
		  names_host_add_addr(h, is, is == AF_INET ? (void *)&v4 : (void *)&v6)
		? 0 : NETDB_INTERNAL;
	return true;
}

/* as h_errno */
static int find_name(const char *name, int family, struct names_host *h)
{
	struct names_conf c;
	int herr;

	*h = (struct names_host){ 0 };
	if (family != AF_INET && family != AF_INET6) {
		errno = EAFNOSUPPORT;
		return NETDB_INTERNAL;
	}
	if (numeric(name, family, h, &herr))
		return herr;
	names_conf(&c);
	return names_by_name(&c, name, family, h);
}

static int find_addr(const void *addr, socklen_t len, int family, struct names_host *h)
{
	struct names_addr a = { .family = family };
	struct names_conf c;

	*h = (struct names_host){ 0 };
	if ((family != AF_INET && family != AF_INET6) || len < names_addr_len(family)) {
		errno = family == AF_INET || family == AF_INET6 ? EINVAL : EAFNOSUPPORT;
		return NETDB_INTERNAL;
	}
	memcpy(a.bytes, addr, names_addr_len(family));
	if (family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED((struct in6_addr *)a.bytes))
		return HOST_NOT_FOUND;
	names_conf(&c);
	return names_by_addr(&c, &a, h);
}

/* a mapped address is found as the IPv4 address it is */
static int found_family(const struct names_host *h, int family)
{
	return h->naddr ? h->addr[0].family : family;
}

/* the end of an _r function: what was found, into the caller's buffer */
static int give(int herr, struct names_host *h, int family, struct hostent *he, char *buf,
		size_t size, struct hostent **result, int *herrp)
{
	int ret = 0;

	*result = NULL;
	if (herr == 0) {
		ret = names_hostent(h, family, he, buf, size);
		if (ret)
			herr = NETDB_INTERNAL;
		else
			*result = he;
	} else if (herr == TRY_AGAIN) {
		ret = EAGAIN;
	} else if (herr == DNS_ONLY_ALIAS) {
		ret = EAGAIN;
		herr = NO_RECOVERY;
	} else if (herr == NETDB_INTERNAL) {
		ret = errno ? errno : ENOMEM;
	}
	if (ret)
		errno = ret;
	*herrp = herr;
	if (herr)
		h_errno = herr;		/* programs look there, too: CPython does */
	names_host_free(h);
	return ret;
}

/* the end of the others: into a buffer that grows as need be */
static struct hostent *give_static(int herr, struct names_host *h, int family, struct hostent *he,
				   char **buf, size_t *size)
{
	struct hostent *found = NULL;

	while (herr == 0 && names_hostent(h, family, he, *buf, *size)) {
		size_t want = *size ? *size * 2 : 1024;
		char *grown = want > HOSTENT_MAX ? NULL : realloc(*buf, want);

		if (!grown) {
			herr = NETDB_INTERNAL;
			break;
		}
		*buf = grown;
		*size = want;
	}
	if (herr == 0)
		found = he;
	else
		h_errno = herr == DNS_ONLY_ALIAS ? NO_RECOVERY : herr;
	names_host_free(h);
	return found;
}

HOOK(struct hostent *, gethostbyname2, (const char *name, int family))
{
	static struct hostent he;
	static char *buf;
	static size_t size;
	struct names_host h;
	int herr;

	if (names_native())
		return sys_gethostbyname2(name, family);
	herr = find_name(name, family, &h);
	return give_static(herr, &h, family, &he, &buf, &size);
}

HOOK(struct hostent *, gethostbyname, (const char *name))
{
	static struct hostent he;
	static char *buf;
	static size_t size;
	struct names_host h;
	int herr;

	if (names_native())
		return sys_gethostbyname(name);
	herr = find_name(name, AF_INET, &h);
	return give_static(herr, &h, AF_INET, &he, &buf, &size);
}

HOOK(struct hostent *, gethostbyaddr, (const void *addr, socklen_t len, int family))
{
	static struct hostent he;
	static char *buf;
	static size_t size;
	struct names_host h;
	int herr;

	if (names_native())
		return sys_gethostbyaddr(addr, len, family);
	herr = find_addr(addr, len, family, &h);
	return give_static(herr, &h, found_family(&h, family), &he, &buf, &size);
}

HOOK(int, gethostbyname2_r, (const char *name, int family, struct hostent *he, char *buf,
			     size_t size, struct hostent **result, int *herrp))
{
	struct names_host h;
	int herr;

	if (names_native())
		return sys_gethostbyname2_r(name, family, he, buf, size, result, herrp);
	herr = find_name(name, family, &h);
	return give(herr, &h, family, he, buf, size, result, herrp);
}

HOOK(int, gethostbyname_r, (const char *name, struct hostent *he, char *buf, size_t size,
			    struct hostent **result, int *herrp))
{
	struct names_host h;
	int herr;

	if (names_native())
		return sys_gethostbyname_r(name, he, buf, size, result, herrp);
	herr = find_name(name, AF_INET, &h);
	return give(herr, &h, AF_INET, he, buf, size, result, herrp);
}

HOOK(int, gethostbyaddr_r, (const void *addr, socklen_t len, int family, struct hostent *he,
			    char *buf, size_t size, struct hostent **result, int *herrp))
{
	struct names_host h;
	int herr;

	if (names_native())
		return sys_gethostbyaddr_r(addr, len, family, he, buf, size, result, herrp);
	herr = find_addr(addr, len, family, &h);
	return give(herr, &h, found_family(&h, family), he, buf, size, result, herrp);
}
