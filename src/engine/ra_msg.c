/* ra_msg.c - router advertisements, read (RFC 4861, 4191, 8106)
 *
 * Theory of operation
 * Nothing here keeps state.  An option that is malformed or of no use is passed over;
 * what there is more of than struct ra_msg has room for is left out.
 */
#include "engine/ra_msg.h"

#include <errno.h>
#include <string.h>
#include <linux/icmpv6.h>
#include "engine/domains.h"

#define HEAD		16
#define FLAG_MANAGED	0x80
#define FLAG_OTHER	0x40
#define FLAG_ON_LINK	0x80
#define FLAG_AUTONOMOUS	0x40

enum { OPT_PREFIX = 3, OPT_MTU = 5, OPT_ROUTE = 24, OPT_RDNSS = 25, OPT_DNSSL = 31 };

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* RFC 4191 2.1: reserved counts as medium */
static uint8_t read_pref(uint8_t flags)
{
	uint8_t pref = flags >> 3 & 3;

	return pref == ICMPV6_ROUTER_PREF_INVALID ? ICMPV6_ROUTER_PREF_MEDIUM : pref;
}

static void read_prefix(struct ra_msg *out, const uint8_t *o, size_t len)
{
	struct ra_prefix *p = &out->prefix[out->nprefix];

	if (len != 32 || o[2] > 128 || out->nprefix == RA_PREFIXES)
		return;
	p->plen = o[2];
	p->on_link = o[3] & FLAG_ON_LINK;
	p->autonomous = o[3] & FLAG_AUTONOMOUS;
	p->valid = be32(o + 4);
	p->preferred = be32(o + 8);
	memcpy(p->addr, o + 16, 16);
	/* link-local and multicast: RFC 4862 5.5.3 */
	if (p->preferred <= p->valid && p->addr[0] != 0xff &&
	    !(p->addr[0] == 0xfe && (p->addr[1] & 0xc0) == 0x80))
		out->nprefix++;
}

static void read_route(struct ra_msg *out, const uint8_t *o, size_t len)
{
	struct ra_route *r = &out->route[out->nroute];

	if (len > 24 || o[2] > 128 || (size_t)(o[2] + 63) / 64 * 8 > len - 8 ||
	    (o[3] >> 3 & 3) == ICMPV6_ROUTER_PREF_INVALID || out->nroute == RA_ROUTES)
		return;
	memset(r, 0, sizeof(*r));
	r->plen = o[2];
	r->pref = read_pref(o[3]);
	r->lifetime = be32(o + 4);
	memcpy(r->addr, o + 8, len - 8);
	out->nroute++;
}

static void read_servers(struct ra_msg *out, const uint8_t *o, size_t len)
{
	for (size_t at = 8; at + 16 <= len && out->nserver < RA_SERVERS; at += 16) {
		memcpy(out->server[out->nserver].addr, o + at, 16);
		out->server[out->nserver++].lifetime = be32(o + 4);
	}
}

static void read_list(struct ra_msg *out, const uint8_t *o, size_t len)
{
	if (len < 16 || out->nlist == RA_LISTS)
		return;
	out->list[out->nlist].names[0] = '\0';
	domains_add_wire(out->list[out->nlist].names, RA_LIST_MAX, o + 8, len - 8);
	out->list[out->nlist].lifetime = be32(o + 4);
	if (out->list[out->nlist].names[0])
		out->nlist++;
}

static void read_option(struct ra_msg *out, const uint8_t *o, size_t len)
{
	switch (o[0]) {
	case OPT_PREFIX:
		read_prefix(out, o, len);
		break;
	case OPT_MTU:
		if (len == 8)
			out->mtu = be32(o + 4);
		break;
	case OPT_ROUTE:
		read_route(out, o, len);
		break;
	case OPT_RDNSS:
		read_servers(out, o, len);
		break;
	case OPT_DNSSL:
		read_list(out, o, len);
		break;
	default:
		break;
	}
}

/**
 * ra_parse() - Read a router advertisement
 * @m, @len:	from the ICMPv6 header on
 *
 * Return: 0 or -EINVAL (cut, or an option of length 0)
 */
int ra_parse(const uint8_t *m, size_t len, struct ra_msg *out)
{
	size_t n;

	memset(out, 0, sizeof(*out));
	if (len < HEAD)
		return -EINVAL;
	out->managed = m[5] & FLAG_MANAGED;
	out->other = m[5] & FLAG_OTHER;
	out->pref = read_pref(m[5]);
	out->lifetime = (uint16_t)(m[6] << 8 | m[7]);
	for (size_t at = HEAD; at < len; at += n) {
		n = len - at < 2 ? 0 : m[at + 1] * 8u;
		if (!n || n > len - at)
			return -EINVAL;
		read_option(out, m + at, n);
	}
	return 0;
}
