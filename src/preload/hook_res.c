/* hook_res.c - res_init, res_query, res_search, res_send and their kin
 *
 * Theory of operation
 * A program may look into struct __res_state and change it: options, servers,
 * search list.  So res_ninit() lets the C library fill it in, then puts the stack's
 * servers and domains in the place of the host's; the calls that ask the network
 * take from the state what stands there.  Both names of each function are taken:
 * <resolv.h> calls most by the one with two underscores.
 *
 * A server with an IPv6 address stands behind the state's documented fields, in
 * memory of malloc(3) that the C library's res_nclose() releases; as there, its
 * place in nsaddr_list has no family.
 */
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "preload/hook.h"
#include "preload/names_conf.h"

/* <resolv.h> renames what we define */
#undef res_init
#undef res_ninit
#undef res_query
#undef res_search
#undef res_querydomain
#undef res_send
#undef res_nquery
#undef res_nsearch
#undef res_nquerydomain
#undef res_nsend

#define NAME_MAX_LEN	1024

static void put_server(res_state s, int i, const union msg_sockaddr *sa)
{
	memset(&s->nsaddr_list[i], 0, sizeof(s->nsaddr_list[i]));
	if (sa->sa.sa_family == AF_INET) {
		s->nsaddr_list[i] = sa->in;
		return;
	}
	if (!s->_u._ext.nsaddrs[i])
		s->_u._ext.nsaddrs[i] = malloc(sizeof(struct sockaddr_in6));
	if (s->_u._ext.nsaddrs[i])
		*s->_u._ext.nsaddrs[i] = sa->in6;
}

/* the search list, cut to what the state has room for */
static void put_search(res_state s, const struct names_conf *c)
{
	char *save = NULL;
	int n = 0;

	snprintf(s->defdname, sizeof(s->defdname), "%.*s", (int)sizeof(s->defdname) - 1,
		 c->search);
	memset(s->dnsrch, 0, sizeof(s->dnsrch));
	for (char *w = strtok_r(s->defdname, " \t", &save); w && n < MAXDNSRCH;
	     w = strtok_r(NULL, " \t", &save))
		s->dnsrch[n++] = w;
}

static void from_stack(res_state s)
{
	struct names_conf c;
	int n;

	names_conf(&c);
	for (int i = 0; i < MAXNS; i++) {
		free(s->_u._ext.nsaddrs[i]);
		s->_u._ext.nsaddrs[i] = NULL;
	}
	n = c.nserver < MAXNS ? (int)c.nserver : MAXNS;
	for (int i = 0; i < n; i++)
		put_server(s, i, &c.server[i]);
	s->nscount = s->_u._ext.nscount = (uint16_t)n;
	s->ndots = c.ndots & 0xf;
	s->retrans = (int)c.timeout_s;
	s->retry = (int)c.attempts;
	put_search(s, &c);
}

static int init(res_state s)
{
	int ret = sys___res_ninit(s);

	if (ret == 0)
		from_stack(s);
	return ret;
}

HOOK(int, __res_ninit, (res_state s))
{
	return names_native() ? sys___res_ninit(s) : init(s);
}

HOOK(int, __res_init, (void))
{
	return names_native() ? sys___res_init() : init(__res_state());
}

HOOK(int, res_ninit, (res_state s))
{
	return hook___res_ninit(s);
}

HOOK(int, res_init, (void))
{
	return hook___res_init();
}

/* the thread's own state, which the C library may never have seen used */
static res_state own(void)
{
	res_state s = __res_state();

	if (!(s->options & RES_INIT))
		init(s);
	return s;
}

static void take_servers(struct names_conf *c, const struct __res_state *s)
{
	unsigned n = 0;

	for (int i = 0; i < s->nscount && i < MAXNS; i++)
		if (s->nsaddr_list[i].sin_family == AF_INET)
			c->server[n++].in = s->nsaddr_list[i];
		else if (s->_u._ext.nsaddrs[i])
			c->server[n++].in6 = *s->_u._ext.nsaddrs[i];
	if (n)
		c->nserver = n;
}

/* what the state says, over what the stack says */
static void from_state(struct names_conf *c, const struct __res_state *s)
{
	size_t used = 0;

	names_conf(c);
	take_servers(c, s);
	c->ndots = s->ndots;
	c->timeout_s = s->retrans > 0 ? (unsigned)s->retrans : c->timeout_s;
	c->attempts = s->retry > 0 ? (unsigned)s->retry : c->attempts;
	c->flags = (s->options & RES_USEVC ? NAMES_USEVC : 0) |
		   (s->options & RES_IGNTC ? NAMES_IGNTC : 0) |
		   (s->options & RES_RECURSE ? 0 : NAMES_NORECURSE) |
		   (s->options & RES_USE_EDNS0 ? NAMES_EDNS : 0) |
		   (s->options & RES_USE_DNSSEC ? NAMES_DNSSEC : 0) |
		   (s->options & RES_DEFNAMES ? NAMES_DEFNAMES : 0) |
		   (s->options & RES_DNSRCH ? NAMES_DNSRCH : 0);
	c->search[0] = '\0';
	for (int i = 0; i < MAXDNSRCH && s->dnsrch[i]; i++) {
		size_t len = strlen(s->dnsrch[i]);

		if (used + len + 2 > sizeof(c->search))
			break;
		if (used)
			c->search[used++] = ' ';
		memcpy(c->search + used, s->dnsrch[i], len + 1);
		used += len;
	}
}

/* an answer into the program's buffer: its true length, TC when it was cut */
static int give(const struct dns_msg *m, unsigned char *ans, int anslen)
{
	size_t n = m->answer_len;

	if (!m->answer)
		return -1;
	if (anslen < 0)
		anslen = 0;
	if (n > (size_t)anslen)
		n = (size_t)anslen;
	memcpy(ans, m->answer, n);
	if (n < m->answer_len && n > 2)
		ans[2] |= 0x02;
	return (int)m->answer_len;
}

struct ask {
	int class, type;
	unsigned char *ans;
	int anslen, got;
};

/* a dns_try_fn */
static int query(const struct names_conf *c, const char *name, void *arg)
{
	struct ask *q = arg;
	struct dns_msg m;
	bool servfail;
	int herr = NO_RECOVERY;

	if (dns_make(c, name, q->class, q->type, &m) == 0) {
		servfail = dns_exchange(c, &m, 1);
		herr = dns_outcome(&m);
		q->got = give(&m, q->ans, q->anslen);
		if (herr == TRY_AGAIN && servfail)
			herr = DNS_SERVFAIL;
	}
	dns_free(&m);
	return herr;
}

static int finish(res_state s, const struct ask *q, int herr)
{
	if (herr == DNS_SERVFAIL)
		herr = TRY_AGAIN;
	s->res_h_errno = herr;
	if (!herr)
		return q->got;
	h_errno = herr;
	return -1;
}

HOOK(int, res_nquery, (res_state s, const char *name, int class, int type, unsigned char *ans,
		       int anslen))
{
	struct ask q = { class, type, ans, anslen, -1 };
	struct names_conf c;

	if (names_native())
		return sys_res_nquery(s, name, class, type, ans, anslen);
	from_state(&c, s);
	return finish(s, &q, query(&c, name, &q));
}

HOOK(int, res_nsearch, (res_state s, const char *name, int class, int type, unsigned char *ans,
			int anslen))
{
	struct ask q = { class, type, ans, anslen, -1 };
	struct names_conf c;

	if (names_native())
		return sys_res_nsearch(s, name, class, type, ans, anslen);
	from_state(&c, s);
	return finish(s, &q, dns_search(&c, name, query, &q));
}

HOOK(int, res_nquerydomain, (res_state s, const char *name, const char *domain, int class,
			     int type, unsigned char *ans, int anslen))
{
	char full[2 * NAME_MAX_LEN + 2];

	if (names_native())
		return sys_res_nquerydomain(s, name, domain, class, type, ans, anslen);
	if (strlen(name) > NAME_MAX_LEN || (domain && strlen(domain) > NAME_MAX_LEN)) {
		s->res_h_errno = h_errno = NO_RECOVERY;
		return -1;
	}
	snprintf(full, sizeof(full), "%s%s%s", name, domain ? "." : "", domain ? domain : "");
	return hook_res_nquery(s, full, class, type, ans, anslen);
}

HOOK(int, res_nsend, (res_state s, const unsigned char *msg, int len, unsigned char *ans,
		      int anslen))
{
	struct names_conf c;
	struct dns_msg m = { 0 };
	int ret = -1;

	if (names_native())
		return sys_res_nsend(s, msg, len, ans, anslen);
	if (len < HFIXEDSZ || anslen < HFIXEDSZ) {
		errno = EINVAL;
		return -1;
	}
	from_state(&c, s);
	m.query = malloc((size_t)len);
	if (m.query) {
		memcpy(m.query, msg, (size_t)len);
		m.query_len = (size_t)len;
		dns_exchange(&c, &m, 1);
		ret = give(&m, ans, anslen);
		if (ret < 0)
			errno = ETIMEDOUT;
	}
	dns_free(&m);
	return ret;
}

HOOK(int, res_query, (const char *name, int class, int type, unsigned char *ans, int anslen))
{
	if (names_native())
		return sys_res_query(name, class, type, ans, anslen);
	return hook_res_nquery(own(), name, class, type, ans, anslen);
}

HOOK(int, res_search, (const char *name, int class, int type, unsigned char *ans, int anslen))
{
	if (names_native())
		return sys_res_search(name, class, type, ans, anslen);
	return hook_res_nsearch(own(), name, class, type, ans, anslen);
}

HOOK(int, res_querydomain, (const char *name, const char *domain, int class, int type,
			    unsigned char *ans, int anslen))
{
	if (names_native())
		return sys_res_querydomain(name, domain, class, type, ans, anslen);
	return hook_res_nquerydomain(own(), name, domain, class, type, ans, anslen);
}

HOOK(int, res_send, (const unsigned char *msg, int len, unsigned char *ans, int anslen))
{
	if (names_native())
		return sys_res_send(msg, len, ans, anslen);
	return hook_res_nsend(own(), msg, len, ans, anslen);
}

/* the older names of the same */
#define ALIAS(name, params, args) \
	HOOK(int, __##name, params) { return hook_##name args; }
ALIAS(res_nquery, (res_state s, const char *n, int c, int t, unsigned char *a, int l),
      (s, n, c, t, a, l))
ALIAS(res_nsearch, (res_state s, const char *n, int c, int t, unsigned char *a, int l),
      (s, n, c, t, a, l))
ALIAS(res_nquerydomain, (res_state s, const char *n, const char *d, int c, int t,
			 unsigned char *a, int l), (s, n, d, c, t, a, l))
ALIAS(res_nsend, (res_state s, const unsigned char *m, int n, unsigned char *a, int l),
      (s, m, n, a, l))
ALIAS(res_query, (const char *n, int c, int t, unsigned char *a, int l), (n, c, t, a, l))
ALIAS(res_search, (const char *n, int c, int t, unsigned char *a, int l), (n, c, t, a, l))
ALIAS(res_querydomain, (const char *n, const char *d, int c, int t, unsigned char *a, int l),
      (n, d, c, t, a, l))
ALIAS(res_send, (const unsigned char *m, int n, unsigned char *a, int l), (m, n, a, l))
