/* filter.c - the packet filter of a socket: SO_ATTACH_FILTER and its kin
 *
 * Theory of operation
 * Datagram, raw and packet sockets have at most one classic BPF program
 * (bpf.c).  It comes in pieces (proto/filter.h), which are gathered here and
 * checked when they are all there; until then the old program is in force.
 * A program sees a datagram as in Linux: of UDP from its header, of IPv4 raw
 * sockets from the IP header, of others from the transport's.  What it
 * returns cuts the datagram.  Memory: 32 KiB a program.
 */
#include "engine/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "engine/bpf.h"
#include "engine/priv.h"
#include "engine/sock.h"
#include "lwip/pbuf.h"
#include "proto/filter.h"

#define P_IP	0x0800
#define P_IPV6	0x86dd
#define ARPHRD_ETHER	1

static void drop_pieces(struct filter *f)
{
	free(f->piece);
	f->piece = NULL;
	f->total = f->have = 0;
}

static int attach(struct filter *f)
{
	struct bpf_prog *p;
	int r = bpf_new(f->piece, f->total, &p);

	drop_pieces(f);
	if (r < 0)
		return r;
	bpf_free(f->prog);
	f->prog = p;
	return 0;
}

static int take_piece(struct filter *f, const void *val, uint32_t len)
{
	struct filter_piece h;
	uint32_t n;

	if (len < sizeof(h) || (len - sizeof(h)) % sizeof(struct sock_filter))
		return -EINVAL;
	memcpy(&h, val, sizeof(h));
	n = (uint32_t)((len - sizeof(h)) / sizeof(struct sock_filter));
	if (h.first == 0) {
		drop_pieces(f);
		if (h.total == 0 || h.total > BPF_MAXINSNS)
			return -EINVAL;
		f->piece = calloc(h.total, sizeof(*f->piece));
		if (!f->piece)
			return -ENOMEM;
		f->total = h.total;
	}
	if (n == 0 || !f->piece || h.total != f->total || h.first != f->have ||
	    n > f->total - f->have) {
		drop_pieces(f);
		return -EINVAL;
	}
	memcpy(f->piece + f->have, (const uint8_t *)val + sizeof(h), n * sizeof(*f->piece));
	f->have += n;
	return f->have == f->total ? attach(f) : 0;
}

/**
 * filter_setopt() - Attach, detach or lock
 *
 * Return: 0, -EPERM (locked), -EINVAL, -ENOENT (none to detach), -ENOMEM, or
 * -ENOPROTOOPT when it is none of these options
 */
int filter_setopt(struct sock *s, int name, const void *val, uint32_t len)
{
	struct filter *f = &s->filter;
	int on;

	if (s->type == SOCK_STREAM)
		return -ENOPROTOOPT;
	switch (name) {
	case SO_ATTACH_FILTER:
		return f->locked ? -EPERM : take_piece(f, val, len);
	case SO_DETACH_FILTER:
		if (f->locked)
			return -EPERM;
		if (!f->prog)
			return -ENOENT;
		bpf_free(f->prog);
		f->prog = NULL;
		return 0;
	case SO_LOCK_FILTER:
		if (len < sizeof(on))
			return -EINVAL;
		memcpy(&on, val, sizeof(on));
		if (f->locked && !on)
			return -EPERM;
		f->locked = on != 0;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/**
 * filter_getopt() - What can be asked about filters
 *
 * Return: 0 or -ENOPROTOOPT
 */
int filter_getopt(struct sock *s, int name, void *val, uint32_t *len)
{
	int v;

	if (s->type == SOCK_STREAM)
		return -ENOPROTOOPT;
	if (name == SO_LOCK_FILTER)
		v = s->filter.locked;
	else if (name == SO_BPF_EXTENSIONS)
		v = SKF_AD_MAX;
	else
		return -ENOPROTOOPT;
	if (*len > sizeof(v))
		*len = sizeof(v);
	memcpy(val, &v, *len);
	return 0;
}

/* filter_free() - A socket ends */
void filter_free(struct sock *s)
{
	drop_pieces(&s->filter);
	bpf_free(s->filter.prog);
	s->filter.prog = NULL;
}

/**
 * filter_datagram() - Ask a socket's filter about a packet
 * @p:		from its IP header on
 * @at:		where the program's data begins
 *
 * Return: how many bytes from @at on are wanted; 0: none
 */
size_t filter_datagram(struct sock *s, const struct pbuf *p, unsigned at, unsigned ifindex)
{
	const uint8_t *b = p->payload;
	struct bpf_packet pkt = { .ifindex = ifindex, .hatype = ARPHRD_ETHER };

	if (!s->filter.prog)
		return SIZE_MAX;
	if (at > p->tot_len)
		return 0;
	if (p->len != p->tot_len) {
		b = engine_linear(s->e);
		if (!b)
			return 0;
		pbuf_copy_partial(p, s->e->linear, p->tot_len, 0);
	}
	pkt.net = b;
	pkt.data = b + at;
	pkt.len = p->tot_len - at;
	pkt.protocol = p->tot_len && b[0] >> 4 == 6 ? P_IPV6 : P_IP;
	return bpf_run(s->filter.prog, &pkt);
}
