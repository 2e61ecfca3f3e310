/* nameinfo.c - getnameinfo(3)
 *
 * Theory of operation
 * The service, and addresses that are not of the internet, are the C library's
 * business.  The host is ours: its name by hosts file and DNS, and the zone of a
 * link-local address, which is an interface of the stack.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "client/client.h"
#include "client/sys.h"
#include "names/names.h"

#define FLAGS_KNOWN	(NI_NUMERICHOST | NI_NUMERICSERV | NI_NOFQDN | NI_NAMEREQD | NI_DGRAM | \
			 NI_IDN)

static int give(const char *text, char *host, socklen_t hostlen)
{
	if (strlen(text) + 1 > hostlen)
		return EAI_OVERFLOW;
	strcpy(host, text);
	return 0;
}

static void zone(const struct names_conf *c, uint32_t index, char *text, size_t size)
{
	struct client_info *i = NULL;
	size_t len = strlen(text);

	snprintf(text + len, size - len, "%%%u", index);
	if (c->path && client_info(c->path, &i) == 0)
		for (uint32_t n = 0; n < i->info.nif; n++)
			if (i->ifs[n].index == index)
				snprintf(text + len, size - len, "%%%.*s", IFNAMSIZ, i->ifs[n].name);
	free(i);
}

static int as_number(const struct names_conf *c, const struct sockaddr *sa, char *host,
		     socklen_t hostlen)
{
	char text[INET6_ADDRSTRLEN + 1 + IFNAMSIZ + 1];
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

	if (sa->sa_family == AF_INET) {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr, text, sizeof(text));
		return give(text, host, hostlen);
	}
	inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
	if (in6->sin6_scope_id) {
		if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) ||
		    IN6_IS_ADDR_MC_LINKLOCAL(&in6->sin6_addr))
			zone(c, in6->sin6_scope_id, text, sizeof(text));
		else
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%%%u",
				 in6->sin6_scope_id);
	}
	return give(text, host, hostlen);
}

/* the domain we are in: of this machine's name, or of its name in the hosts file */
static void own_domain(const struct names_conf *c, char *domain, size_t size)
{
	struct names_host h = { 0 };
	char host[HOST_NAME_MAX + 1] = "";
	const char *dot;

	*domain = '\0';
	if (gethostname(host, sizeof(host) - 1))
		return;
	dot = strchr(host, '.');
	if (!dot && hosts_by_name(c->hosts, host, AF_UNSPEC, &h) == 0)
		dot = strchr(h.name, '.');
	if (dot)
		snprintf(domain, size, "%s", dot + 1);
	names_host_free(&h);
}

/* NI_NOFQDN: without that domain */
static void cut_domain(const struct names_conf *c, char *name)
{
	char domain[HOST_NAME_MAX + NI_MAXHOST];
	size_t len, n = strlen(name);

	own_domain(c, domain, sizeof(domain));
	len = strlen(domain);
	if (len && n > len && name[n - len - 1] == '.' && !strcasecmp(name + n - len, domain))
		name[n - len - 1] = '\0';
}

static int host_part(const struct names_conf *c, const struct sockaddr *sa, char *host,
		     socklen_t hostlen, int flags)
{
	struct names_addr a = { .family = sa->sa_family };
	struct names_host h = { 0 };
	int herr, ret;

	if (flags & NI_NUMERICHOST)
		return flags & NI_NAMEREQD ? EAI_NONAME : as_number(c, sa, host, hostlen);
	if (sa->sa_family == AF_INET)
		memcpy(a.bytes, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	else
		memcpy(a.bytes, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
	herr = names_by_addr(c, &a, &h);
	if (herr == 0) {
		if (flags & NI_NOFQDN)
			cut_domain(c, h.name);
		ret = give(h.name, host, hostlen);
	} else if (herr == TRY_AGAIN) {
		ret = EAI_AGAIN;
	} else if (herr == NETDB_INTERNAL) {
		ret = EAI_MEMORY;
	} else {
		ret = flags & NI_NAMEREQD ? EAI_NONAME : as_number(c, sa, host, hostlen);
	}
	names_host_free(&h);
	return ret;
}

/**
 * names_getnameinfo() - getnameinfo(3) on a stack
 *
 * Return: 0 or EAI_*
 */
int names_getnameinfo(const struct names_conf *c, const struct sockaddr *sa, socklen_t len,
		      char *host, socklen_t hostlen, char *serv, socklen_t servlen, int flags)
{
	int ret;

	if (flags & ~FLAGS_KNOWN || !sa || len < sizeof(sa_family_t) ||
	    (sa->sa_family != AF_INET && sa->sa_family != AF_INET6) || !host || !hostlen ||
	    len < (sa->sa_family == AF_INET ? sizeof(struct sockaddr_in)
					    : offsetof(struct sockaddr_in6, sin6_scope_id)))
		return sys_getnameinfo(sa, len, host, hostlen, serv, servlen,
				       flags | (sa && len >= sizeof(sa_family_t) &&
						(sa->sa_family == AF_INET || sa->sa_family == AF_INET6)
						? NI_NUMERICHOST : 0));
	ret = host_part(c, sa, host, hostlen, flags);
	if (!ret && serv && servlen)
		ret = sys_getnameinfo(sa, len, NULL, 0, serv, servlen, flags & ~NI_NAMEREQD);
	return ret;
}
