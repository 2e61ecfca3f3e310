/* dhcp4_msg.c - DHCP messages: read and written (RFC 2131, 2132)
 *
 * Theory of operation
 * Nothing here keeps state or knows of interfaces.  An option is looked for in
 * the options field and, if option 52 says so, in file and sname; its parts
 * are put together, as RFC 3396 wants it of long ones.  What is too short, of
 * another length or nonsense counts as not given.
 */
#include "engine/dhcp4_msg.h"

#include <errno.h>
#include <string.h>
#include <arpa/inet.h>

#define BOOTREQUEST	1
#define BOOTREPLY	2
#define HTYPE_ETHERNET	1
#define OPTION_MAX	1024		/* one put together */
#define MESSAGE_ROOM	1500		/* we tell the server to send no more */

/* where the fields stand */
enum {
	AT_OP = 0, AT_HTYPE = 1, AT_HLEN = 2, AT_XID = 4, AT_SECS = 8, AT_CIADDR = 12,
	AT_YIADDR = 16, AT_CHADDR = 28, AT_SNAME = 44, AT_FILE = 108, AT_COOKIE = 236,
	AT_OPTIONS = 240,
};

enum {
	OPT_PAD = 0, OPT_MASK = 1, OPT_ROUTER = 3, OPT_DNS = 6, OPT_HOSTNAME = 12,
	OPT_DOMAIN = 15, OPT_MTU = 26, OPT_BROADCAST = 28, OPT_REQUESTED = 50, OPT_LEASE = 51,
	OPT_OVERLOAD = 52, OPT_TYPE = 53, OPT_SERVER = 54, OPT_WANTED = 55,
	OPT_MAX_SIZE = 57, OPT_T1 = 58, OPT_T2 = 59, OPT_CLIENT_ID = 61, OPT_FQDN = 81,
	OPT_SEARCH = 119, OPT_CLASSLESS = 121, OPT_END = 255,
};

static const uint8_t cookie[4] = { 99, 130, 83, 99 };

struct area {
	const uint8_t *b;
	size_t len;
};

/* a message's options: up to three areas, in the order of RFC 3396 */
struct options {
	struct area area[3];
	unsigned n;
};

static size_t gather_area(const struct area *a, uint8_t code, uint8_t *buf, size_t have)
{
	for (size_t at = 0; at < a->len && a->b[at] != OPT_END;) {
		size_t n;

		if (a->b[at] == OPT_PAD) {
			at++;
			continue;
		}
		if (at + 2 > a->len)
			break;
		n = a->b[at + 1];
		if (at + 2 + n > a->len)
			break;
		if (a->b[at] == code) {
			if (n > OPTION_MAX - have)
				n = OPTION_MAX - have;
			memcpy(buf + have, a->b + at + 2, n);
			have += n;
		}
		at += 2u + a->b[at + 1];
	}
	return have;
}

static size_t gather(const struct options *o, uint8_t code, uint8_t buf[OPTION_MAX])
{
	size_t have = 0;

	for (unsigned k = 0; k < o->n; k++)
		have = gather_area(&o->area[k], code, buf, have);
	return have;
}

static uint8_t get_u8(const struct options *o, uint8_t code)
{
	uint8_t buf[OPTION_MAX];

	return gather(o, code, buf) == 1 ? buf[0] : 0;
}

/* network order, 0: not given */
static uint32_t get_net32(const struct options *o, uint8_t code)
{
	uint8_t buf[OPTION_MAX];
	uint32_t v;

	if (gather(o, code, buf) != sizeof(v))
		return 0;
	memcpy(&v, buf, sizeof(v));
	return v;
}

/* ---- reading ---- */

static uint8_t class_plen(uint32_t address)
{
	uint32_t a = ntohl(address);

	return a < 0x80000000 ? 8 : a < 0xc0000000 ? 16 : 24;
}

static uint8_t read_plen(const struct options *o, uint32_t address)
{
	uint32_t mask = ntohl(get_net32(o, OPT_MASK));

	if (!mask || (~mask & (~mask + 1)))
		return class_plen(address);	/* none, or one with holes */
	return (uint8_t)__builtin_popcount(mask);
}

static void add_route(struct dhcp4_reply *r, uint32_t dst, uint8_t plen, uint32_t gw)
{
	if (r->nroute < DHCP4_ROUTES)
		r->route[r->nroute++] = (struct dhcp4_route){ .dst = dst, .plen = plen, .gw = gw };
}

/* RFC 3442: as many bytes of the destination as the prefix needs, then the gateway */
static bool read_classless(struct dhcp4_reply *r, const uint8_t *b, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint8_t plen = b[at], bytes = (uint8_t)((plen + 7) / 8);
		uint32_t dst = 0, gw;

		if (plen > 32 || at + 1 + bytes + 4 > len)
			return false;
		memcpy(&dst, b + at + 1, bytes);
		memcpy(&gw, b + at + 1 + bytes, 4);
		add_route(r, dst, plen, gw);
		at += 1u + bytes + 4;
	}
	return r->nroute > 0;
}

static void read_routes(struct dhcp4_reply *r, const struct options *o)
{
	uint8_t buf[OPTION_MAX];
	size_t n = gather(o, OPT_CLASSLESS, buf);
	uint32_t gw;

	/* with 121, 3 does not count */
	if (n && read_classless(r, buf, n))
		return;
	r->nroute = 0;
	if (gather(o, OPT_ROUTER, buf) < sizeof(gw))
		return;
	memcpy(&gw, buf, sizeof(gw));
	if (gw)
		add_route(r, 0, 0, gw);
}

static void read_names(struct dhcp4_reply *r, const struct options *o)
{
	uint8_t buf[OPTION_MAX];
	size_t n = gather(o, OPT_DNS, buf);

	for (size_t at = 0; at + 4 <= n && r->ndns < DHCP4_DNS; at += 4)
		memcpy(&r->dns[r->ndns++], buf + at, 4);
	/* the search list; without one the domain is it */
	n = gather(o, OPT_SEARCH, buf);
	domains_add_wire(r->search, sizeof(r->search), buf, n);
	n = gather(o, OPT_DOMAIN, buf);
	if (!r->search[0])
		domains_add_text(r->search, sizeof(r->search), buf, n);
}

static uint16_t read_mtu(const struct options *o)
{
	uint8_t buf[OPTION_MAX];

	return gather(o, OPT_MTU, buf) == 2 ? (uint16_t)(buf[0] << 8 | buf[1]) : 0;
}

static void find_options(const uint8_t *b, size_t len, struct options *o)
{
	uint8_t overload;

	o->n = 1;
	o->area[0] = (struct area){ b + AT_OPTIONS, len - AT_OPTIONS };
	overload = get_u8(o, OPT_OVERLOAD);
	if (overload & 1)
		o->area[o->n++] = (struct area){ b + AT_FILE, AT_COOKIE - AT_FILE };
	if (overload & 2)
		o->area[o->n++] = (struct area){ b + AT_SNAME, AT_FILE - AT_SNAME };
}

/**
 * dhcp4_parse() - Read a server's message
 * @b, @len:	the UDP payload
 * @xid, @mac:	it must be an answer to this transaction, for this station
 *
 * Return: 0 or -EINVAL (not for us, or malformed)
 */
int dhcp4_parse(const uint8_t *b, size_t len, uint32_t xid, const uint8_t mac[6],
		struct dhcp4_reply *out)
{
	uint32_t net_xid = htonl(xid);
	struct options o;

	memset(out, 0, sizeof(*out));
	if (len < AT_OPTIONS || b[AT_OP] != BOOTREPLY || b[AT_HTYPE] != HTYPE_ETHERNET ||
	    b[AT_HLEN] != 6 || memcmp(b + AT_XID, &net_xid, 4) ||
	    memcmp(b + AT_CHADDR, mac, 6) || memcmp(b + AT_COOKIE, cookie, sizeof(cookie)))
		return -EINVAL;
	find_options(b, len, &o);
	out->type = get_u8(&o, OPT_TYPE);
	if (out->type != DHCP4_OFFER && out->type != DHCP4_ACK && out->type != DHCP4_NAK)
		return -EINVAL;
	memcpy(&out->address, b + AT_YIADDR, 4);
	out->plen = read_plen(&o, out->address);
	out->server = get_net32(&o, OPT_SERVER);
	out->broadcast = get_net32(&o, OPT_BROADCAST);
	out->lease = ntohl(get_net32(&o, OPT_LEASE));
	out->t1 = ntohl(get_net32(&o, OPT_T1));
	out->t2 = ntohl(get_net32(&o, OPT_T2));
	out->mtu = read_mtu(&o);
	read_routes(out, &o);
	read_names(out, &o);
	return 0;
}

/* ---- writing ---- */

static uint8_t *put(uint8_t *p, uint8_t code, const void *val, size_t len)
{
	*p++ = code;
	*p++ = (uint8_t)len;
	memcpy(p, val, len);
	return p + len;
}

/* RFC 4702: with dots it is a domain name, which the server may put into the DNS */
static uint8_t *put_host(uint8_t *p, const char *host)
{
	uint8_t fqdn[3 + 256] = { 1 | 4 };	/* S: update A; E: wire form */
	size_t n;

	if (!strchr(host, '.'))
		return put(p, OPT_HOSTNAME, host, strnlen(host, 63));
	n = domains_put_wire(host, fqdn + 3, sizeof(fqdn) - 3);
	return n && n + 3 < 256 ? put(p, OPT_FQDN, fqdn, n + 3) : p;
}

/**
 * dhcp4_build() - Write a message to a server
 *
 * Return: its length
 */
size_t dhcp4_build(const struct dhcp4_request *q, uint8_t out[DHCP4_SIZE])
{
	/* 121 before 3: RFC 3442 */
	static const uint8_t wanted[] = {
		OPT_MASK, OPT_CLASSLESS, OPT_ROUTER, OPT_DNS, OPT_DOMAIN, OPT_SEARCH, OPT_MTU,
		OPT_BROADCAST, OPT_LEASE, OPT_SERVER, OPT_T1, OPT_T2,
	};
	uint32_t xid = htonl(q->xid);
	uint16_t secs = htons(q->secs), room = htons(MESSAGE_ROOM);
	uint8_t *p = out + AT_OPTIONS, type = (uint8_t)q->type, id[7] = { HTYPE_ETHERNET };
	bool asks = q->type == DHCP4_DISCOVER || q->type == DHCP4_REQUEST;

	memset(out, 0, DHCP4_SIZE);
	out[AT_OP] = BOOTREQUEST;
	out[AT_HTYPE] = HTYPE_ETHERNET;
	out[AT_HLEN] = 6;
	memcpy(out + AT_XID, &xid, 4);
	memcpy(out + AT_SECS, &secs, 2);
	memcpy(out + AT_CIADDR, &q->ciaddr, 4);
	memcpy(out + AT_CHADDR, q->mac, 6);
	memcpy(out + AT_COOKIE, cookie, sizeof(cookie));
	memcpy(id + 1, q->mac, 6);
	p = put(p, OPT_TYPE, &type, 1);
	p = put(p, OPT_CLIENT_ID, id, sizeof(id));
	if (q->requested)
		p = put(p, OPT_REQUESTED, &q->requested, 4);
	if (q->server)
		p = put(p, OPT_SERVER, &q->server, 4);
	if (asks) {
		p = put(p, OPT_MAX_SIZE, &room, sizeof(room));
		p = put(p, OPT_WANTED, wanted, sizeof(wanted));
		if (q->host && q->host[0])
			p = put_host(p, q->host);
	}
	*p++ = OPT_END;
	/* 300: what relays of BOOTP expect at least */
	return p - out > 300 ? (size_t)(p - out) : 300;
}
