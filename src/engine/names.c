/* names.c - how the stack's clients resolve names
 *
 * Theory of operation
 * The stack keeps what resolv.conf(5) keeps: name servers, search list, and
 * which hosts file counts.  It makes no queries itself: programs do, in their own
 * process and by sockets of the stack (src/names), so that a slow name server
 * costs the daemon nothing.
 */
#include <stdio.h>
#include "engine/engine.h"
#include "engine/priv.h"

static void add_server(struct msg_names *n, const struct addr *a)
{
	union msg_sockaddr *sa = &n->dns[n->ndns];

	if (n->ndns == MSG_DNS)
		return;
	if (a->family == AF_INET) {
		sa->in.sin_family = AF_INET;
		sa->in.sin_port = htons(53);
		sa->in.sin_addr = a->v4;
	} else {
		sa->in6.sin6_family = AF_INET6;
		sa->in6.sin6_port = htons(53);
		sa->in6.sin6_addr = a->v6;
		/* a link-local server is reached over the first interface */
		if (IN6_IS_ADDR_LINKLOCAL(&a->v6))
			sa->in6.sin6_scope_id = 2;
	}
	n->ndns++;
}

/* names_configure() - Take over dns=, domain= and hosts= */
void names_configure(struct engine *e, const struct config *c)
{
	struct msg_names *n = &e->names;
	size_t used = 0;

	for (unsigned i = 0; i < c->ndns; i++)
		add_server(n, &c->dns[i]);
	/* config_parse() has seen to it that they fit */
	for (unsigned i = 0; i < c->ndomain; i++)
		used += (size_t)snprintf(n->search + used, sizeof(n->search) - used, "%s%s",
					 i ? " " : "", c->domain[i]);
	if (c->hosts)
		snprintf(n->hosts, sizeof(n->hosts), "%s", c->hosts);
}

/* engine_names() - Tell a client */
void engine_names(const struct engine *e, struct msg_names *out)
{
	*out = e->names;
}
