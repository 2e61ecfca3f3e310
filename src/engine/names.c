/* names.c - how the stack's clients resolve names
 *
 * Theory of operation
 * The stack keeps what resolv.conf(5) keeps: name servers, search list, and
 * which hosts file counts.  It makes no queries itself: programs do, in their own
 * process and by sockets of the stack (src/names), so that a slow name server
 * costs the daemon nothing.
 *
 * The configuration's servers and domains come first, then those that DHCP,
 * DHCPv6 and router advertisements told, each source as its owner keeps it
 * (names.h).  They are put together when a client asks, which it does at each
 * look-up: so a change counts at once, and what has run out is left out.
 */
#include "engine/names.h"

#include <stdio.h>
#include <string.h>
#include "base/loop.h"
#include "engine/addrconv.h"
#include "engine/engine.h"
#include "engine/priv.h"

#define DNS_PORT	53

static bool same_server(const union msg_sockaddr *x, const union msg_sockaddr *y)
{
	if (x->sa.sa_family != y->sa.sa_family)
		return false;
	if (x->sa.sa_family == AF_INET)
		return x->in.sin_addr.s_addr == y->in.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&x->in6.sin6_addr, &y->in6.sin6_addr) &&
		x->in6.sin6_scope_id == y->in6.sin6_scope_id;
}

static void add_server(struct msg_names *n, const ip_addr_t *ip, unsigned ifindex)
{
	union msg_sockaddr sa = { 0 };

	ip_to_sockaddr(ip, &sa);
	if (IP_IS_V6(ip)) {
		sa.in6.sin6_port = htons(DNS_PORT);
		if (IN6_IS_ADDR_LINKLOCAL(&sa.in6.sin6_addr))
			sa.in6.sin6_scope_id = ifindex;
	} else {
		sa.in.sin_port = htons(DNS_PORT);
	}
	for (unsigned k = 0; k < n->ndns; k++)
		if (same_server(&n->dns[k], &sa))
			return;
	if (n->ndns < MSG_DNS)
		n->dns[n->ndns++] = sa;
}

/* names_configure() - Take over dns=, domain= and hosts= */
void names_configure(struct engine *e, const struct config *c)
{
	struct msg_names *n = &e->names;
	size_t used = 0;
	ip_addr_t ip;

	for (unsigned i = 0; i < c->ndns; i++) {
		ip_from_addr(&c->dns[i], &ip);
		/* a link-local server is reached over the first interface */
		add_server(n, &ip, 2);
	}
	/* config_parse() has seen to it that they fit */
	for (unsigned i = 0; i < c->ndomain; i++)
		used += (size_t)snprintf(n->search + used, sizeof(n->search) - used, "%s%s",
					 i ? " " : "", c->domain[i]);
	if (c->hosts)
		snprintf(n->hosts, sizeof(n->hosts), "%s", c->hosts);
}

/* names_add() - A source counts from now on; the caller's, until names_del() */
void names_add(struct engine *e, struct names_source *s)
{
	struct names_source **p = &e->told;

	while (*p && *p != s)
		p = &(*p)->next;
	if (*p)
		return;
	s->next = NULL;
	*p = s;
}

/* names_del() - A source does not count any more; idempotent */
void names_del(struct engine *e, struct names_source *s)
{
	struct names_source **p = &e->told;

	while (*p && *p != s)
		p = &(*p)->next;
	if (*p)
		*p = s->next;
}

/* engine_names() - Tell a client */
void engine_names(const struct engine *e, struct msg_names *out)
{
	uint64_t now = loop_now(e->loop);

	*out = e->names;
	for (const struct names_source *s = e->told; s; s = s->next) {
		for (unsigned k = 0; k < s->n; k++)
			if (s->server[k].until > now)
				add_server(out, &s->server[k].ip, s->ifindex);
		for (unsigned k = 0; k < NAMES_LISTS; k++)
			if (s->search[k].until > now)
				domains_add_text(out->search, sizeof(out->search),
						 (const uint8_t *)s->search[k].list,
						 strlen(s->search[k].list));
	}
}
