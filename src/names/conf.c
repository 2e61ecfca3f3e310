/* conf.c - how a stack's names are resolved
 *
 * Theory of operation
 * The stack is asked each time (MSG_OP_NAMES, one round trip): a server that
 * DHCP or a router brought meanwhile counts at once, and there is nothing to
 * invalidate.  The user's own wishes ($LOCALDOMAIN, $RES_OPTIONS) go before, as
 * resolv.conf(5) has it.  A stack without a server gets resolv.conf's default,
 * 127.0.0.1: the stack's, never the host's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/client.h"
#include "names/names.h"

#define DNS_PORT	53
#define NDOTS_MAX	15		/* resolv.conf(5) */
#define TIMEOUT_MAX	30
#define ATTEMPTS_MAX	5

static int ask(const char *path, struct msg_names *n)
{
	struct conn_req r = {
		.op = MSG_OP_NAMES, .fd = -1, .reply = n, .reply_size = sizeof(*n),
	};
	int ret = conn_call(path, &r);

	if (ret)
		return ret;
	if (r.reply_len != sizeof(*n) || n->ndns > MSG_DNS ||
	    !memchr(n->search, '\0', sizeof(n->search)) ||
	    !memchr(n->hosts, '\0', sizeof(n->hosts)))
		return -EPROTO;
	return 0;
}

static void option(const char *word, const char *name, unsigned max, unsigned *out)
{
	size_t len = strlen(name);
	unsigned long v;

	if (strncmp(word, name, len) != 0)
		return;
	v = strtoul(word + len, NULL, 10);
	*out = v > max ? max : (unsigned)v;
}

static void environment(struct names_conf *c)
{
	const char *domain = getenv("LOCALDOMAIN"), *options = getenv("RES_OPTIONS");
	char copy[256], *save = NULL;

	if (domain)
		snprintf(c->search, sizeof(c->search), "%s", domain);
	snprintf(copy, sizeof(copy), "%s", options ? options : "");
	for (char *w = strtok_r(copy, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
		option(w, "ndots:", NDOTS_MAX, &c->ndots);
		option(w, "timeout:", TIMEOUT_MAX, &c->timeout_s);
		option(w, "attempts:", ATTEMPTS_MAX, &c->attempts);
		if (!strcmp(w, "use-vc"))
			c->flags |= NAMES_USEVC;
		if (!strcmp(w, "edns0"))
			c->flags |= NAMES_EDNS;
	}
}

/**
 * names_conf_get() - Ask a stack how its names are resolved
 * @path:	control socket, or NULL: no network, only the hosts file
 * @c:		filled in, in any case with something to work with
 *
 * Return: 0, or -errno when the stack did not answer
 */
int names_conf_get(const char *path, struct names_conf *c)
{
	struct msg_names n = { 0 };
	int ret = path ? ask(path, &n) : 0;

	if (ret)
		memset(&n, 0, sizeof(n));
	*c = (struct names_conf){
		.path = ret ? NULL : path, .nserver = n.ndns, .configured = n.ndns > 0,
		.ndots = 1, .timeout_s = RES_TIMEOUT, .attempts = RES_DFLRETRY,
		.flags = NAMES_DEFNAMES | NAMES_DNSRCH,
	};
	memcpy(c->server, n.dns, sizeof(c->server));
	strcpy(c->search, n.search);
	strcpy(c->hosts, *n.hosts ? n.hosts : "/etc/hosts");
	if (!c->nserver) {
		c->server[0].in = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_port = htons(DNS_PORT),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		};
		c->nserver = 1;
	}
	environment(c);
	return ret;
}

static int append(char *buf, size_t size, int used, const char *word, const char *val)
{
	int n = used < 0 || (size_t)used >= size ? -1
		: snprintf(buf + used, size - (size_t)used, "%s %s\n", word, val);

	return n < 0 || (size_t)(used + n) >= size ? -1 : used + n;
}

static const char *server_text(const union msg_sockaddr *sa, char *buf, size_t size)
{
	if (sa->sa.sa_family == AF_INET)
		return inet_ntop(AF_INET, &sa->in.sin_addr, buf, (socklen_t)size);
	if (!inet_ntop(AF_INET6, &sa->in6.sin6_addr, buf, (socklen_t)size))
		return NULL;
	/* the number stands for any name the interface may have */
	if (IN6_IS_ADDR_LINKLOCAL(&sa->in6.sin6_addr) && sa->in6.sin6_scope_id) {
		size_t len = strlen(buf);

		snprintf(buf + len, size - len, "%%%u", sa->in6.sin6_scope_id);
	}
	return buf;
}

/**
 * names_resolv_conf() - The text of the stack's resolv.conf(5)
 *
 * Without servers it names none, so that a program asks its own 127.0.0.1.
 *
 * Return: its length, or -1 if it does not fit
 */
int names_resolv_conf(const struct names_conf *c, char *buf, size_t size)
{
	char text[INET6_ADDRSTRLEN + 12];
	int used = append(buf, size, 0, "#", c->configured
			  ? "the name servers of this program's stack (ustack)"
			  : "this program's stack has no name server (ustack; dns=ADDRESS gives it one)");

	for (unsigned i = 0; c->configured && i < c->nserver; i++)
		if (server_text(&c->server[i], text, sizeof(text)))
			used = append(buf, size, used, "nameserver", text);
	if (*c->search)
		used = append(buf, size, used, "search", c->search);
	return used;
}
