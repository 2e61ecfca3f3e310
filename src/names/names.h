/* names.h - host names over a stack, as the C library resolves them
 *
 * Every function works on a configuration that names_conf_get() brought, keeps
 * nothing between calls, and is safe from any thread and after fork.  Errors
 * are those of the C library's own calls: EAI_*, or h_errno's values where a
 * comment says so (0 is success in both).
 */
#ifndef NAMES_NAMES_H
#define NAMES_NAMES_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include "proto/msg.h"

/* --- conf.c: what resolv.conf(5) says on an ordinary system --- */

enum {
	NAMES_USEVC	= 1 << 0,	/* queries over TCP only */
	NAMES_IGNTC	= 1 << 1,	/* a truncated answer will do */
	NAMES_NORECURSE	= 1 << 2,
	NAMES_EDNS	= 1 << 3,
	NAMES_DNSSEC	= 1 << 4,
	NAMES_DEFNAMES	= 1 << 5,	/* search names without a dot */
	NAMES_DNSRCH	= 1 << 6,	/* and those with a dot, in all domains */
};

struct names_conf {
	const char *path;		/* control socket; NULL: no network at all */
	unsigned nserver;		/* at least one after names_conf_get() */
	bool configured;		/* the stack named servers, this is no default */
	union msg_sockaddr server[MSG_DNS];
	char search[MSG_SEARCH_MAX];
	char hosts[MSG_PATH_MAX];
	unsigned ndots, timeout_s, attempts;
	unsigned flags;			/* NAMES_* */
};

int names_conf_get(const char *path, struct names_conf *c);
int names_resolv_conf(const struct names_conf *c, char *buf, size_t size);

/* --- dns.c: messages to name servers and back --- */

struct dns_msg {
	uint8_t *query;
	size_t query_len;
	uint8_t *answer;		/* NULL: none came */
	size_t answer_len;
};

void dns_prepare(void);
int dns_make(const struct names_conf *c, const char *name, int class, int type,
	     struct dns_msg *m);
bool dns_exchange(const struct names_conf *c, struct dns_msg *v, unsigned n);
int dns_outcome(const struct dns_msg *m);
void dns_free(struct dns_msg *m);

/* a name tried as it stands; returns h_errno's value or one of these */
#define DNS_SERVFAIL	(-100)		/* TRY_AGAIN, but other domains may do */
#define DNS_ONLY_ALIAS	(-101)		/* the name is an alias of one without such addresses */
typedef int dns_try_fn(const struct names_conf *c, const char *name, void *arg);
int dns_search(const struct names_conf *c, const char *name, dns_try_fn *try, void *arg);

/* --- lookup.c: a host's names and addresses, by hosts file and DNS --- */

struct names_addr {
	int family;
	uint8_t bytes[16];
};

struct names_host {
	char *name;			/* canonical */
	char **alias;
	unsigned nalias;
	struct names_addr *addr;
	unsigned naddr;
};

int names_by_name(const struct names_conf *c, const char *name, int family,
		  struct names_host *h);
int names_by_addr(const struct names_conf *c, const struct names_addr *a, struct names_host *h);
void names_host_free(struct names_host *h);
bool names_host_set_name(struct names_host *h, const char *name);
bool names_host_add_alias(struct names_host *h, const char *name);
bool names_host_add_addr(struct names_host *h, int family, const void *bytes);
size_t names_addr_len(int family);

/* --- dnsparse.c: what an answer says about a host --- */

int dns_parse_addrs(const struct dns_msg *m, int family, struct names_host *h);
int dns_parse_ptr(const struct dns_msg *m, const struct names_addr *a, struct names_host *h);

/* --- hosts.c --- */

int hosts_by_name(const char *file, const char *name, int family, struct names_host *h);
int hosts_by_addr(const char *file, const struct names_addr *a, struct names_host *h);
int hosts_next(FILE *f, struct names_host *h);

/* --- addrinfo.c, sort.c, nameinfo.c, hostent.c --- */

int names_getaddrinfo(const struct names_conf *c, const char *host, const char *service,
		      const struct addrinfo *hints, struct addrinfo **out);
void names_sort(const struct names_conf *c, struct sockaddr_in6 *v, unsigned n);
int names_getnameinfo(const struct names_conf *c, const struct sockaddr *sa, socklen_t len,
		      char *host, socklen_t hostlen, char *serv, socklen_t servlen, int flags);
int names_hostent(const struct names_host *h, int family, struct hostent *out,
		  char *buf, size_t size);

#endif
