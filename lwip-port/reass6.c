/* reass6.c - IPv6 reassembly (RFC 8200 4.5, RFC 5722)
 *
 * Theory of operation
 * lwIP 2.1.3 hands up datagrams with a hole when fragments arrive in a certain
 * order (upstream c8f42025).  So fragments stop here, in front of it: they are
 * kept sorted by offset; when they cover the datagram, one pbuf is built from
 * the headers of the first fragment and all data, and given to ip6_input().
 *
 * An exact duplicate is ignored; any other overlap discards the datagram, as
 * RFC 5722 wants.  What is too old after REASS6_AGE seconds goes, with an ICMP
 * error if its first fragment came.
 *
 * Limits: REASS6_DATAGRAMS, REASS6_FRAGMENTS and REASS6_BYTES in all; the
 * oldest datagram gives way.  We own the pbufs given to us.
 */
#include <stdlib.h>
#include <string.h>
#include "lwip/icmp6.h"
#include "lwip/ip6.h"
#include "lwip/prot/ip6.h"
#include "lwip/timeouts.h"
#include "port.h"
#include "reass6.h"

#define REASS6_AGE		15	/* seconds, as IPv4 here; RFC 8200 has 60 */
#define REASS6_DATAGRAMS	64u
#define REASS6_FRAGMENTS	IP_REASS_MAX_PBUFS
#define REASS6_BYTES		(2u << 20)

struct frag {
	struct frag *next;		/* by offset */
	struct pbuf *p;			/* from the IPv6 header on */
	uint32_t start, end;		/* of the data in the datagram */
	uint16_t data;			/* where the data begins in p */
};

struct datagram {
	struct datagram *next;		/* newest first */
	ip6_addr_p_t src, dst;
	const struct netif *inp;
	uint32_t id;
	uint8_t age;
	uint32_t len;			/* of all data; 0 until the last fragment came */
	uint32_t have;			/* bytes so far */
	struct frag *frags;
};

static struct datagram *datagrams;
static unsigned ndatagram, nfrag;
static size_t nbyte;

static void frag_free(struct frag *f)
{
	nfrag--;
	nbyte -= f->p->tot_len;
	pbuf_free(f->p);
	free(f);
}

static void datagram_free(struct datagram *d)
{
	struct datagram **pp;
	struct frag *f;

	for (pp = &datagrams; *pp != d; pp = &(*pp)->next)
		;
	*pp = d->next;
	while ((f = d->frags)) {
		d->frags = f->next;
		frag_free(f);
	}
	ndatagram--;
	free(d);
}

static void drop_oldest(void)
{
	struct datagram *d = datagrams;

	while (d && d->next)
		d = d->next;
	if (d)
		datagram_free(d);
}

static void time_exceeded(struct datagram *d)
{
	struct frag *f = d->frags;
	ip6_addr_t src, dst;

	if (!f || f->start)
		return;
	ip6_addr_copy_from_packed(src, d->src);
	ip6_addr_copy_from_packed(dst, d->dst);
	ip6_addr_assign_zone(&src, IP6_UNICAST, (struct netif *)d->inp);
	ip6_addr_assign_zone(&dst, IP6_UNKNOWN, (struct netif *)d->inp);
	if (!ip6_addr_ismulticast(&dst))
		icmp6_time_exceeded_with_addrs(f->p, ICMP6_TE_FRAG, &src, &dst);
}

static void tick(void *arg)
{
	struct datagram *d, *next;

	for (d = datagrams; d; d = next) {
		next = d->next;
		if (++d->age <= REASS6_AGE)
			continue;
		time_exceeded(d);
		datagram_free(d);
	}
	if (datagrams)
		sys_timeout(1000, tick, NULL);
}

static struct datagram *datagram_get(const struct ip6_hdr *ip, uint32_t id,
				     const struct netif *inp)
{
	struct datagram *d;

	for (d = datagrams; d; d = d->next) {
		if (d->id == id && d->inp == inp &&
		    !memcmp(&d->src, &ip->src, sizeof(d->src)) &&
		    !memcmp(&d->dst, &ip->dest, sizeof(d->dst)))
			return d;
	}
	if (ndatagram >= REASS6_DATAGRAMS)
		drop_oldest();
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->id = id;
	d->inp = inp;
	memcpy(&d->src, &ip->src, sizeof(d->src));
	memcpy(&d->dst, &ip->dest, sizeof(d->dst));
	if (!datagrams)
		sys_timeout(1000, tick, NULL);
	d->next = datagrams;
	datagrams = d;
	ndatagram++;
	return d;
}

enum placed { PLACED, DUPLICATE, OVERLAP };

static enum placed frag_place(struct datagram *d, struct frag *f)
{
	struct frag **pp = &d->frags;

	while (*pp && (*pp)->start < f->start) {
		if ((*pp)->end > f->start)
			return OVERLAP;
		pp = &(*pp)->next;
	}
	if (*pp && (*pp)->start == f->start && (*pp)->end == f->end)
		return DUPLICATE;
	if (*pp && (*pp)->start < f->end)
		return OVERLAP;
	f->next = *pp;
	*pp = f;
	d->have += f->end - f->start;
	return PLACED;
}

/* the header before the fragment header gets the fragment header's successor */
static void nexth_mend(uint8_t *pkt, unsigned frag_off, uint8_t nexth)
{
	unsigned off = IP6_HLEN;
	uint8_t *field = &pkt[offsetof(struct ip6_hdr, _nexth)];

	while (off < frag_off) {
		field = &pkt[off];
		off += (pkt[off + 1] + 1u) * 8;
	}
	*field = nexth;
}

static struct pbuf *datagram_build(const struct datagram *d)
{
	const struct frag *f = d->frags;
	unsigned head = f->data - IP6_FRAG_HLEN;	/* headers before the fragment header */
	struct pbuf *p;
	uint8_t *out;
	uint8_t nexth;

	if (head + d->len > 0xffff)
		return NULL;
	p = pbuf_alloc(PBUF_RAW, (u16_t)(head + d->len), PBUF_RAM);
	if (!p)
		return NULL;
	out = p->payload;
	pbuf_copy_partial(f->p, out, (u16_t)head, 0);
	nexth = pbuf_get_at(f->p, (u16_t)head);
	nexth_mend(out, head, nexth);
	IP6H_PLEN_SET((struct ip6_hdr *)out, (u16_t)(head - IP6_HLEN + d->len));
	for (; f; f = f->next)
		pbuf_copy_partial(f->p, out + head + f->start, (u16_t)(f->end - f->start), f->data);
	return p;
}

/* one end, and nothing beyond it: else the datagram goes */
static bool len_ok(struct datagram *d, const struct frag *f, bool last)
{
	const struct frag *g;

	if (last) {
		if (d->len && d->len != f->end)
			return false;
		for (g = d->frags; g; g = g->next) {
			if (g->end > f->end)
				return false;
		}
		d->len = f->end;
	}
	return !d->len || f->end <= d->len;
}

static bool room_for(const struct pbuf *p)
{
	while (datagrams && (nfrag >= REASS6_FRAGMENTS || nbyte + p->tot_len > REASS6_BYTES))
		drop_oldest();
	return nbyte + p->tot_len <= REASS6_BYTES;
}

static void finish(struct datagram *d, struct netif *inp)
{
	struct pbuf *p = datagram_build(d);

	datagram_free(d);
	if (p)
		ip6_input(p, inp);	/* frees it */
}

/**
 * reass6_input() - Take a fragment
 * @p:		packet from the IPv6 header on; ours from now on
 * @off:	offset of the fragment header, within the first pbuf
 * @inp:	interface
 *
 * A datagram that becomes complete goes to ip6_input() before this returns.
 */
void reass6_input(struct pbuf *p, unsigned off, struct netif *inp)
{
	const struct ip6_hdr *ip = p->payload;
	const uint8_t *fh = (const uint8_t *)p->payload + off;
	unsigned field = (unsigned)fh[2] << 8 | fh[3];
	unsigned end = IP6_HLEN + IP6H_PLEN(ip), data = off + IP6_FRAG_HLEN;
	bool last = !(field & IP6_FRAG_MORE_FLAG);
	struct datagram *d;
	struct frag *f = NULL;
	uint32_t id;

	memcpy(&id, fh + 4, sizeof(id));
	if (data >= end || (!last && (end - data) % 8) || !room_for(p))
		goto drop;
	f = calloc(1, sizeof(*f));
	if (!f)
		goto drop;
	f->p = p;
	f->data = (uint16_t)data;
	f->start = field & IP6_FRAG_OFFSET_MASK;
	f->end = f->start + (end - data);
	if (f->end > 0xffff)
		goto drop;
	d = datagram_get(ip, id, inp);
	if (!d)
		goto drop;
	switch (len_ok(d, f, last) ? frag_place(d, f) : OVERLAP) {
	case PLACED:
		nfrag++;
		nbyte += p->tot_len;
		if (d->have == d->len && d->len)
			finish(d, inp);
		return;
	case OVERLAP:
		datagram_free(d);
		goto drop;
	case DUPLICATE:
		goto drop;
	}
drop:
	free(f);
	pbuf_free(p);
}

/**
 * reass6_flush() - Forget the fragments that came by an interface
 * @inp:	interface, about to go; NULL: all
 */
void reass6_flush(const struct netif *inp)
{
	struct datagram *d, *next;

	for (d = datagrams; d; d = next) {
		next = d->next;
		if (!inp || d->inp == inp)
			datagram_free(d);
	}
	if (!datagrams)
		sys_untimeout(tick, NULL);
}

/**
 * reass6_pending() - How many datagrams wait for fragments
 */
unsigned reass6_pending(void)
{
	return ndatagram;
}
