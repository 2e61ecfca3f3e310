/* sort.c - the order of several addresses of a host (RFC 6724)
 *
 * Theory of operation
 * For each address the stack is asked which source it would use: a datagram
 * socket is connected, nothing is sent.  Then the rules of RFC 6724, section 6,
 * with the C library's default tables; rules 3, 4 and 7 (deprecated addresses,
 * home addresses, tunnels) have nothing to go by here.  What no rule decides
 * stays in the order of the answer.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "client/client.h"
#include "client/sys.h"
#include "names/names.h"

struct candidate {
	struct in6_addr dst, src;	/* IPv4 as mapped addresses */
	bool v4, usable;
	unsigned src_plen;		/* of an IPv4 source: its network's */
	unsigned index;
};

struct policy {
	struct in6_addr prefix;
	unsigned len;
	int value;
};

#define P(...) { .s6_addr = { __VA_ARGS__ } }

/* the C library's labels and precedences (gai.conf(5)), longest prefix first */
static const struct policy labels[] = {
	{ P([15] = 1), 128, 0 },
	{ P([10] = 0xff, [11] = 0xff), 96, 4 },
	{ P(0), 96, 3 },
	{ P(0x20, 0x01, 0, 0), 32, 7 },
	{ P(0x20, 0x02), 16, 2 },
	{ P(0xfe, 0xc0), 10, 5 },
	{ P(0xfc), 7, 6 },
	{ P(0), 0, 1 },
};

static const struct policy precedences[] = {
	{ P([15] = 1), 128, 50 },
	{ P([10] = 0xff, [11] = 0xff), 96, 10 },
	{ P(0), 96, 20 },
	{ P(0x20, 0x02), 16, 30 },
	{ P(0), 0, 40 },
};

static unsigned common_bits(const uint8_t *a, const uint8_t *b, unsigned max)
{
	unsigned n = 0;

	while (n < max && !((a[n / 8] ^ b[n / 8]) & (0x80 >> n % 8)))
		n++;
	return n;
}

static int policy(const struct policy *p, const struct in6_addr *a)
{
	while (common_bits(p->prefix.s6_addr, a->s6_addr, p->len) < p->len)
		p++;
	return p->value;
}

static int scope(const struct in6_addr *a)
{
	const uint8_t *b = a->s6_addr;

	if (IN6_IS_ADDR_MULTICAST(a))
		return b[1] & 0xf;
	if (IN6_IS_ADDR_V4MAPPED(a))
		return (b[12] == 169 && b[13] == 254) || b[12] == 127 ? 2 : 14;
	if (IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_LOOPBACK(a))
		return 2;
	return IN6_IS_ADDR_SITELOCAL(a) ? 5 : 14;
}

static void as_mapped(const struct sockaddr *sa, struct in6_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (sa->sa_family == AF_INET) {
		out->s6_addr[10] = out->s6_addr[11] = 0xff;
		memcpy(out->s6_addr + 12, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	} else {
		*out = ((const struct sockaddr_in6 *)sa)->sin6_addr;
	}
}

/* the source for one destination; no socket of that family, or no route: unusable */
static void find_source(const struct names_conf *c, struct candidate *d, struct sockaddr_in6 sa)
{
	socklen_t len = sa.sin6_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(sa);
	struct sockname sn;
	int fd;

	/* a link-local address without its link leads nowhere */
	if (!c->path || (sa.sin6_family == AF_INET6 && !sa.sin6_scope_id &&
			 IN6_IS_ADDR_LINKLOCAL(&sa.sin6_addr)))
		return;
	/* to "any" means to oneself */
	if (sa.sin6_family == AF_INET && !((struct sockaddr_in *)&sa)->sin_addr.s_addr)
		((struct sockaddr_in *)&sa)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (sa.sin6_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&sa.sin6_addr))
		sa.sin6_addr = in6addr_loopback;
	((struct sockaddr_in *)&sa)->sin_port = htons(53);
	fd = client_socket(c->path, sa.sin6_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (client_identify(fd, &sn) && client_connect(fd, &sn, (struct sockaddr *)&sa, len) == 0) {
		len = sizeof(sa);
		if (client_getname(fd, &sn, false, (struct sockaddr *)&sa, &len) == 0) {
			as_mapped((struct sockaddr *)&sa, &d->src);
			d->usable = true;
		}
	}
	sys_close(fd);
}

/* the prefix lengths of IPv4 sources (rule 9) */
static void find_prefixes(const struct names_conf *c, struct candidate *v, unsigned n)
{
	struct client_info *i = NULL;

	if (!c->path || client_info(c->path, &i))
		return;
	for (unsigned k = 0; k < n; k++)
		for (uint32_t f = 0; v[k].v4 && f < i->info.nif; f++)
			for (uint32_t a = 0; a < i->ifs[f].naddr; a++) {
				struct in6_addr own;

				as_mapped(&i->ifs[f].addr[a].addr.sa, &own);
				if (!memcmp(&own, &v[k].src, sizeof(own)))
					v[k].src_plen = i->ifs[f].addr[a].prefixlen;
			}
	free(i);
}

/* rule 9: bits that source and destination share; IPv4: only within a network */
static int shared(const struct candidate *d)
{
	unsigned bits;

	if (!d->v4)
		return (int)common_bits(d->dst.s6_addr, d->src.s6_addr, 128);
	bits = common_bits(d->dst.s6_addr + 12, d->src.s6_addr + 12, 32);
	return bits >= d->src_plen ? (int)bits : 0;
}

static int compare(const void *pa, const void *pb)
{
	const struct candidate *a = pa, *b = pb;
	bool ma, mb;

	if (a->usable != b->usable)				/* rule 1 */
		return a->usable ? -1 : 1;
	ma = a->usable && scope(&a->dst) == scope(&a->src);
	mb = b->usable && scope(&b->dst) == scope(&b->src);
	if (ma != mb)						/* rule 2 */
		return ma ? -1 : 1;
	ma = a->usable && policy(labels, &a->dst) == policy(labels, &a->src);
	mb = b->usable && policy(labels, &b->dst) == policy(labels, &b->src);
	if (ma != mb)						/* rule 5 */
		return ma ? -1 : 1;
	if (policy(precedences, &a->dst) != policy(precedences, &b->dst))	/* rule 6 */
		return policy(precedences, &b->dst) - policy(precedences, &a->dst);
	if (scope(&a->dst) != scope(&b->dst))			/* rule 8 */
		return scope(&a->dst) - scope(&b->dst);
	if (a->usable && a->v4 == b->v4 && shared(a) != shared(b))	/* rule 9 */
		return shared(b) - shared(a);
	return (int)a->index - (int)b->index;			/* rule 10 */
}

/**
 * names_sort() - Put the addresses of a host into the order to try them in
 * @c:		configuration
 * @v, @n:	addresses; struct sockaddr_in in the place of a sockaddr_in6 for AF_INET
 *
 * Without memory the order stays.
 */
void names_sort(const struct names_conf *c, struct sockaddr_in6 *v, unsigned n)
{
	struct candidate *d = n > 1 ? calloc(n, sizeof(*d)) : NULL;
	struct sockaddr_in6 *copy = n > 1 ? malloc(n * sizeof(*copy)) : NULL;

	if (d && copy) {
		memcpy(copy, v, n * sizeof(*copy));
		for (unsigned i = 0; i < n; i++) {
			d[i].index = i;
			d[i].v4 = v[i].sin6_family == AF_INET;
			as_mapped((struct sockaddr *)&v[i], &d[i].dst);
			find_source(c, &d[i], v[i]);
		}
		find_prefixes(c, d, n);
		qsort(d, n, sizeof(*d), compare);
		for (unsigned i = 0; i < n; i++)
			v[i] = copy[d[i].index];
	}
	free(d);
	free(copy);
}
