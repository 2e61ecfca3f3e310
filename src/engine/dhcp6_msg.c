/* dhcp6_msg.c - DHCPv6 messages: read and written (RFC 8415, 3646, 4704)
 *
 * Theory of operation
 * Nothing here keeps state.  Our identifier is made of the Ethernet address (DUID-LL):
 * the same at each start.  Options are nested three deep at most, each walk within the
 * bounds of the option it is in; one that runs over them makes the message malformed.
 */
#include "engine/dhcp6_msg.h"

#include <errno.h>
#include <string.h>

#define HEAD		4		/* type, transaction */
#define DUID_LL		3
#define HTYPE_ETHERNET	1
#define DUID_LEN	10
#define IA_HEAD		12		/* identifier, T1, T2 */
#define IAADDR_HEAD	24		/* address, lifetimes */

enum {
	OPT_CLIENT = 1, OPT_SERVER = 2, OPT_IA_NA = 3, OPT_IAADDR = 5, OPT_WANTED = 6,
	OPT_ELAPSED = 8, OPT_STATUS = 13, OPT_DNS = 23, OPT_SEARCH = 24, OPT_REFRESH = 32,
	OPT_FQDN = 39,
};

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static uint8_t *put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v >> 16), v & 0xffff);
}

static void make_id(const uint8_t mac[6], uint8_t id[DUID_LEN])
{
	memcpy(put16(put16(id, DUID_LL), HTYPE_ETHERNET), mac, 6);
}

/* ---- reading ---- */

struct parse {
	struct dhcp6_reply *out;
	uint32_t iaid;
	uint8_t id[DUID_LEN];
	bool for_us;
};

typedef void option_fn(struct parse *p, unsigned code, const uint8_t *o, size_t len);

static int each_option(struct parse *p, const uint8_t *b, size_t len, option_fn *fn)
{
	while (len) {
		size_t n;

		if (len < 4)
			return -EINVAL;
		n = be16(b + 2);
		if (n > len - 4)
			return -EINVAL;
		fn(p, be16(b), b + 4, n);
		b += 4 + n;
		len -= 4 + n;
	}
	return 0;
}

static void read_status(struct parse *p, const uint8_t *o, size_t len)
{
	if (len >= 2 && be16(o))
		p->out->status = be16(o);
}

static void in_address(struct parse *p, unsigned code, const uint8_t *o, size_t len)
{
	if (code == OPT_STATUS)
		read_status(p, o, len);
}

static void in_association(struct parse *p, unsigned code, const uint8_t *o, size_t len)
{
	struct dhcp6_reply *r = p->out;

	if (code == OPT_STATUS)
		read_status(p, o, len);
	if (code != OPT_IAADDR || len < IAADDR_HEAD || r->address)
		return;
	memcpy(r->addr, o, 16);
	r->preferred = be32(o + 16);
	r->valid = be32(o + 20);
	/* RFC 8415 21.6: such lifetimes are discarded; so are addresses of no host */
	r->address = r->preferred <= r->valid && r->addr[0] != 0xff &&
		!(r->addr[0] == 0xfe && (r->addr[1] & 0xc0) == 0x80) && (be32(o) || be32(o + 4));
	if (each_option(p, o + IAADDR_HEAD, len - IAADDR_HEAD, in_address) < 0)
		r->address = false;
}

static void read_association(struct parse *p, const uint8_t *o, size_t len)
{
	if (len < IA_HEAD || be32(o) != p->iaid)
		return;
	p->out->t1 = be32(o + 4);
	p->out->t2 = be32(o + 8);
	if (each_option(p, o + IA_HEAD, len - IA_HEAD, in_association) < 0)
		p->out->address = false;
}

static void in_message(struct parse *p, unsigned code, const uint8_t *o, size_t len)
{
	struct dhcp6_reply *r = p->out;

	switch (code) {
	case OPT_CLIENT:
		p->for_us = len == DUID_LEN && !memcmp(o, p->id, DUID_LEN);
		break;
	case OPT_SERVER:
		if (len > 0 && len <= DHCP6_ID_MAX) {
			r->server.len = (uint8_t)len;
			memcpy(r->server.b, o, len);
		}
		break;
	case OPT_IA_NA:
		read_association(p, o, len);
		break;
	case OPT_STATUS:
		read_status(p, o, len);
		break;
	case OPT_DNS:
		for (; len >= 16 && r->ndns < DHCP6_DNS; o += 16, len -= 16)
			memcpy(r->dns[r->ndns++], o, 16);
		break;
	case OPT_SEARCH:
		domains_add_wire(r->search, sizeof(r->search), o, len);
		break;
	case OPT_REFRESH:
		if (len == 4)
			r->refresh = be32(o);
		break;
	default:
		break;
	}
}

/**
 * dhcp6_parse() - Read a server's message
 * @b, @len:	the UDP payload
 * @xid, @iaid, @mac: it must be an answer to this transaction, and for us
 *
 * Return: 0 or -EINVAL (not for us, or malformed)
 */
int dhcp6_parse(const uint8_t *b, size_t len, uint32_t xid, uint32_t iaid, const uint8_t mac[6],
		struct dhcp6_reply *out)
{
	struct parse p = { .out = out, .iaid = iaid };

	memset(out, 0, sizeof(*out));
	if (len < HEAD || (b[0] != DHCP6_ADVERTISE && b[0] != DHCP6_REPLY) ||
	    (be32(b) & 0xffffff) != xid)
		return -EINVAL;
	out->type = b[0];
	make_id(mac, p.id);
	if (each_option(&p, b + HEAD, len - HEAD, in_message) < 0)
		return -EINVAL;
	return p.for_us && out->server.len ? 0 : -EINVAL;
}

/* ---- writing ---- */

static uint8_t *put(uint8_t *p, unsigned code, const void *val, size_t len)
{
	p = put16(put16(p, code), (unsigned)len);
	memcpy(p, val, len);
	return p + len;
}

static uint8_t *put_association(uint8_t *p, const struct dhcp6_request *q)
{
	p = put16(put16(p, OPT_IA_NA), IA_HEAD + (q->addr ? 4 + IAADDR_HEAD : 0));
	p = put32(put32(put32(p, q->iaid), 0), 0);
	if (!q->addr)
		return p;
	p = put16(put16(p, OPT_IAADDR), IAADDR_HEAD);
	memcpy(p, q->addr, 16);
	return put32(put32(p + 16, 0), 0);
}

/* RFC 4704: the server may put it into the DNS; without a dot it is half a name, which does
 * not end in the root */
static uint8_t *put_host(uint8_t *p, const char *host)
{
	uint8_t fqdn[1 + 256] = { 1 };
	size_t n = domains_put_wire(host, fqdn + 1, sizeof(fqdn) - 1);

	if (n && !strchr(host, '.'))
		n--;
	return n ? put(p, OPT_FQDN, fqdn, n + 1) : p;
}

/**
 * dhcp6_build() - Write a message to a server
 *
 * Return: its length
 */
size_t dhcp6_build(const struct dhcp6_request *q, uint8_t out[DHCP6_SIZE])
{
	bool leaves = q->type == DHCP6_RELEASE || q->type == DHCP6_DECLINE ||
		q->type == DHCP6_CONFIRM;
	uint8_t id[DUID_LEN], wanted[6], elapsed[2], *p;

	put32(out, q->xid & 0xffffff);
	out[0] = (uint8_t)q->type;
	make_id(q->mac, id);
	p = put(out + HEAD, OPT_CLIENT, id, sizeof(id));
	if (q->server)
		p = put(p, OPT_SERVER, q->server->b, q->server->len);
	put16(elapsed, q->elapsed < 0xffff ? (unsigned)q->elapsed : 0xffff);
	p = put(p, OPT_ELAPSED, elapsed, sizeof(elapsed));
	if (q->type != DHCP6_INFORM)
		p = put_association(p, q);
	if (leaves)
		return (size_t)(p - out);
	put16(put16(put16(wanted, OPT_DNS), OPT_SEARCH), OPT_REFRESH);
	p = put(p, OPT_WANTED, wanted, q->type == DHCP6_INFORM ? 6 : 4);
	if (q->host && q->host[0] && q->type != DHCP6_INFORM)
		p = put_host(p, q->host);
	return (size_t)(p - out);
}
