/* sock_packet.c - AF_PACKET sockets (packet(7))
 *
 * Theory of operation
 * All packet sockets are on one list, which packet_tap.c's frames are offered
 * to: a socket takes what its protocol, its interface and its filter want, and
 * gets it as a record on its pair or in its ring (packet_ring.c).  What does
 * not fit is counted as dropped.  What a socket sends goes to the link as it
 * is, and is shown to all packet sockets but itself.
 *
 * Who may open one is who may use the stack: its own user.  Errors of send(2)
 * that need the stack to be seen come as an error record.
 */
#include "engine/packet.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <arpa/inet.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include "engine/iface.h"
#include "engine/priv.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"

#define BURST	32		/* frames of one socket a wake-up */
#define VLAN_LEN	4

static struct packet_sock *packet(struct sock *s)
{
	return (struct packet_sock *)s;
}

/* ---- receiving ---- */

static bool wants(const struct packet_sock *p, const struct packet_frame *f)
{
	if (p->proto == 0 || (p->ifindex && p->ifindex != f->pkt.ifindex))
		return false;
	if (f->pkt.pkttype == PACKET_OUTGOING)
		return p->proto == ETH_P_ALL && !p->ignore_outgoing &&
			p->s.e->packet_sender != &p->s;
	return p->proto == ETH_P_ALL || p->proto == f->pkt.protocol;
}

static bool send_token(struct packet_sock *p)
{
	return send(p->s.w.fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

static void put_ring(struct packet_sock *p, const struct packet_hdr *h, const uint8_t *data,
		     uint32_t len)
{
	if (!packet_ring_put(p->ring, h, data, len, p->s.type == SOCK_RAW, p->drops > 0))
		p->drops++;
	else if (packet_ring_take_token(p->ring) && !send_token(p))
		packet_ring_no_token(p->ring);
}

static void put_record(struct packet_sock *p, struct packet_hdr *h, const uint8_t *data,
		       uint32_t len)
{
	struct iovec iov[2] = { { h, sizeof(*h) }, { (void *)data, len } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };

	if (sendmsg(p->s.w.fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		p->drops++;
}

static void deliver_to(struct packet_sock *p, const struct packet_frame *f, struct packet_hdr *h)
{
	struct bpf_packet pkt = f->pkt;
	uint32_t len;

	if (p->s.type == SOCK_DGRAM) {
		pkt.data = pkt.net;
		pkt.len -= (uint32_t)(pkt.net - f->pkt.data);
	}
	len = p->s.filter.prog ? bpf_run(p->s.filter.prog, &pkt) : pkt.len;
	if (!len)
		return;
	if (len > pkt.len)
		len = pkt.len;
	p->packets++;
	h->net = (uint16_t)(pkt.net - pkt.data);
	h->len = pkt.len;
	if (p->ring)
		put_ring(p, h, pkt.data, len);
	else
		put_record(p, h, pkt.data, len);
}

/* packet_deliver() - Offer a frame to every packet socket */
void packet_deliver(struct engine *e, const struct packet_frame *f)
{
	struct packet_hdr h = {
		.version = PACKET_VERSION_WIRE, .type = PACKET_DATA, .status = f->status,
		.vlan_tci = f->pkt.vlan_tci, .vlan_tpid = f->pkt.vlan_tpid,
		.addr = {
			.sll_family = AF_PACKET, .sll_protocol = htons(f->pkt.protocol),
			.sll_ifindex = (int)f->pkt.ifindex, .sll_hatype = f->pkt.hatype,
			.sll_pkttype = f->pkt.pkttype, .sll_halen = f->halen,
		},
	};
	struct timespec ts;

	memcpy(h.addr.sll_addr, f->from, sizeof(h.addr.sll_addr));
	clock_gettime(CLOCK_REALTIME, &ts);
	h.stamp_ns = (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
	for (struct packet_sock *p = e->packets; p; p = p->next)
		if (wants(p, f))
			deliver_to(p, f, &h);
}

/* ---- sending ---- */

/* the frame: what the application gave, for SOCK_DGRAM behind a header of ours */
static struct pbuf *frame(struct packet_sock *p, const struct packet_hdr *h, uint16_t proto,
			  const struct netif *n, const uint8_t *data, size_t len)
{
	bool header = p->s.type == SOCK_DGRAM && packet_hatype(n) != ARPHRD_NONE;
	uint8_t eth[ETH_HLEN] = { 0 };
	struct pbuf *b = pbuf_alloc(PBUF_RAW, (u16_t)(len + (header ? ETH_HLEN : 0)), PBUF_RAM);

	if (!b)
		return NULL;
	if (header) {
		memcpy(eth, h->addr.sll_addr, ETH_ALEN);
		memcpy(eth + ETH_ALEN, n->hwaddr, n->hwaddr_len);
		memcpy(eth + 2 * ETH_ALEN, &proto, sizeof(proto));
		pbuf_take(b, eth, sizeof(eth));
	}
	pbuf_take_at(b, data, (u16_t)len, header ? ETH_HLEN : 0);
	return b;
}

static int check_length(const struct packet_sock *p, const struct netif *n, unsigned mtu,
			const uint8_t *data, size_t len)
{
	static const uint8_t tag[2] = { ETH_P_8021Q >> 8, ETH_P_8021Q & 0xff };
	unsigned hlen = packet_hatype(n) == ARPHRD_NONE || p->s.type == SOCK_DGRAM ? 0 : ETH_HLEN;

	if (len < hlen || len == 0)
		return EINVAL;
	if (hlen && !memcmp(data + 2 * ETH_ALEN, tag, sizeof(tag)))
		hlen += VLAN_LEN;
	return len > mtu + hlen ? EMSGSIZE : 0;
}

static int packet_send(struct packet_sock *p, const struct packet_hdr *h, const uint8_t *data,
		       size_t len)
{
	bool named = h->addr.sll_family == AF_PACKET;
	unsigned index = named ? (unsigned)h->addr.sll_ifindex : p->ifindex;
	uint16_t proto = named ? h->addr.sll_protocol : htons(p->proto);
	struct engine *e = p->s.e;
	struct netif *n = iface_netif(e, index);
	struct pbuf *b;
	int r;

	if (!n)
		return ENXIO;
	if (!netif_is_up(n))
		return ENETDOWN;
	r = check_length(p, n, iface_mtu(e, index), data, len);
	if (r == 0 && !named && p->s.type == SOCK_DGRAM && packet_hatype(n) != ARPHRD_NONE)
		r = EINVAL;		/* nobody said whom to send it to */
	if (r)
		return r;
	b = frame(p, h, proto, n, data, len);
	if (!b)
		return ENOBUFS;
	e->packet_sender = &p->s;
	r = -iface_send_frame(e, index, b);
	e->packet_sender = NULL;
	pbuf_free(b);
	return r;
}

static void tell_error(struct packet_sock *p, int err)
{
	struct packet_hdr h = {
		.version = PACKET_VERSION_WIRE, .type = PACKET_ERROR, .err = err,
	};

	p->s.err = err;
	if (!p->ring)
		put_record(p, &h, NULL, 0);
}

static bool read_one(struct packet_sock *p)
{
	struct engine *e = p->s.e;
	struct packet_hdr h;
	ssize_t n = recv(p->s.w.fd, e->scratch, ENGINE_SCRATCH, MSG_DONTWAIT);
	int err;

	if (n <= 0)
		return false;
	if ((size_t)n < sizeof(h)) {
		/* the ring went from empty to filled without a token */
		if (p->ring && packet_ring_take_token(p->ring) && !send_token(p))
			packet_ring_no_token(p->ring);
		return true;
	}
	memcpy(&h, e->scratch, sizeof(h));
	if (h.version != PACKET_VERSION_WIRE || h.type != PACKET_DATA)
		return true;
	err = packet_send(p, &h, e->scratch + sizeof(h), (size_t)n - sizeof(h));
	if (err)
		tell_error(p, err);
	return true;
}

static void packet_event(struct sock *s, uint32_t events)
{
	int i = 0;

	while (!s->closed && i < BURST && read_one(packet(s)))
		i++;
	if (i < BURST && (events & EPOLLHUP) && !s->closed)
		sock_close(s);
}

/* ---- calls ---- */

static int packet_op_open(struct sock *s)
{
	struct packet_sock *p = packet(s);
	struct engine *e = s->e;

	p->proto = ntohs((uint16_t)s->protocol);
	p->version = TPACKET_V1;
	if (!e->packets)
		packet_tap_open(e, true);
	p->next = e->packets;
	p->pprev = &e->packets;
	if (p->next)
		p->next->pprev = &p->next;
	e->packets = p;
	return sock_set_sndbuf(s, s->o.rcvbuf);
}

static void packet_destroy(struct sock *s)
{
	struct packet_sock *p = packet(s);

	packet_ring_free(p->ring);
	p->ring = NULL;
	if (!p->pprev)
		return;
	*p->pprev = p->next;
	if (p->next)
		p->next->pprev = p->pprev;
	if (!s->e->packets)
		packet_tap_open(s->e, false);
}

static int packet_op_bind(struct sock *s, const struct msg_addr *a)
{
	struct packet_sock *p = packet(s);
	struct sockaddr_ll ll;

	if (a->len < sizeof(ll) || a->addr.sa.sa_family != AF_PACKET)
		return -EINVAL;
	memcpy(&ll, &a->addr, sizeof(ll));
	if (ll.sll_ifindex && !iface_netif(s->e, (unsigned)ll.sll_ifindex))
		return -ENODEV;
	p->ifindex = (unsigned)ll.sll_ifindex;
	if (ll.sll_protocol)
		p->proto = ntohs(ll.sll_protocol);
	return 0;
}

static int packet_op_getname(struct sock *s, bool peer, struct msg_addr *out)
{
	const struct packet_sock *p = packet(s);
	const struct netif *n = iface_netif(s->e, p->ifindex);
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET, .sll_protocol = htons(p->proto),
		.sll_ifindex = (int)p->ifindex,
	};

	if (peer)
		return -EOPNOTSUPP;
	if (n) {
		ll.sll_hatype = packet_hatype(n);
		ll.sll_halen = ll.sll_hatype == ARPHRD_NONE ? 0 : ETH_ALEN;
		memcpy(ll.sll_addr, n->hwaddr, n->hwaddr_len);
	}
	memcpy(&out->addr, &ll, sizeof(ll));
	out->len = sizeof(ll);
	return 0;
}

static int membership(struct packet_sock *p, bool add, const void *val, uint32_t len)
{
	struct packet_member *free_one = NULL;
	struct packet_mreq mr;
	const struct netif *n;

	if (len < sizeof(mr))
		return -EINVAL;
	memcpy(&mr, val, sizeof(mr));
	n = iface_netif(p->s.e, (unsigned)mr.mr_ifindex);
	if (add && !n)
		return -ENODEV;
	if (add && mr.mr_alen > (packet_hatype(n) == ARPHRD_NONE ? 0 : ETH_ALEN))
		return -EINVAL;
	if (mr.mr_type > PACKET_MR_UNICAST)
		return -EINVAL;
	for (struct packet_member *m = p->member; m < p->member + PACKET_MEMBERS_MAX; m++) {
		if (m->count && m->ifindex == mr.mr_ifindex && m->type == mr.mr_type) {
			if (add && m->count == UINT16_MAX)
				return -ENOBUFS;
			m->count = (uint16_t)(add ? m->count + 1 : m->count - 1);
			return 0;
		}
		if (!m->count && !free_one)
			free_one = m;
	}
	if (!add)
		return 0;		/* as Linux: no complaint */
	if (!free_one)
		return -ENOBUFS;
	*free_one = (struct packet_member){ mr.mr_ifindex, mr.mr_type, 1 };
	return 0;
}

/* the options that are an int, and where each is kept */
static int *int_option(struct packet_sock *p, int name)
{
	switch (name) {
	case PACKET_AUXDATA:
		return &p->auxdata;
	case PACKET_ORIGDEV:
		return &p->origdev;
	case PACKET_IGNORE_OUTGOING:
		return &p->ignore_outgoing;
	case PACKET_VERSION:
		return &p->version;
	case PACKET_RESERVE:
		return (int *)&p->reserve;
	default:
		return NULL;
	}
}

static int set_int(struct packet_sock *p, int name, int *at, int v)
{
	if (name == PACKET_VERSION || name == PACKET_RESERVE) {
		if (p->ring)
			return -EBUSY;
		/* TPACKET_V3 and its blocks: refused, as an older kernel does */
		if (name == PACKET_VERSION ? v != TPACKET_V1 && v != TPACKET_V2 :
		    v < 0 || v > UINT16_MAX)
			return -EINVAL;
		*at = v;
		return 0;
	}
	*at = v != 0;
	return 0;
}

static int drop_ring(struct packet_sock *p, const void *val, uint32_t len)
{
	struct tpacket_req req;

	if (len < sizeof(req))
		return -EINVAL;
	memcpy(&req, val, sizeof(req));
	if (req.tp_block_nr || req.tp_frame_nr)
		return -EINVAL;		/* a ring comes by sock_ring() */
	packet_ring_free(p->ring);
	p->ring = NULL;
	return 0;
}

static int packet_op_setopt(struct sock *s, int level, int name, const void *val, uint32_t len)
{
	struct packet_sock *p = packet(s);
	int *at, v;

	if (level != SOL_PACKET)
		return -ENOPROTOOPT;
	switch (name) {
	case PACKET_ADD_MEMBERSHIP: case PACKET_DROP_MEMBERSHIP:
		return membership(p, name == PACKET_ADD_MEMBERSHIP, val, len);
	case PACKET_RX_RING:
		return drop_ring(p, val, len);
	}
	at = int_option(p, name);
	if (!at)
		return -ENOPROTOOPT;
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, val, sizeof(v));
	return set_int(p, name, at, v);
}

static int packet_op_getopt(struct sock *s, int level, int name, void *val, uint32_t *len)
{
	struct packet_sock *p = packet(s);
	struct tpacket_stats st;
	const void *from;
	uint32_t size;

	if (level != SOL_PACKET)
		return -ENOPROTOOPT;
	if (name == PACKET_STATISTICS) {
		st = (struct tpacket_stats){ .tp_packets = p->packets, .tp_drops = p->drops };
		p->packets = p->drops = 0;
		from = &st;
		size = sizeof(st);
	} else {
		from = int_option(p, name);
		size = sizeof(int);
	}
	if (!from)
		return -ENOPROTOOPT;
	if (*len > size)
		*len = size;
	memcpy(val, from, *len);
	return 0;
}

static int packet_op_ring(struct sock *s, const struct msg_ring *shape, int fd)
{
	struct packet_sock *p = packet(s);
	struct packet_ring *r;
	int ret;

	if (p->ring || p->version != TPACKET_V2) {
		close(fd);
		return p->ring ? -EBUSY : -EINVAL;
	}
	ret = packet_ring_new(shape, fd, p->reserve, &r);
	if (ret == 0)
		p->ring = r;
	return ret;
}

static void packet_opt_changed(struct sock *s, int level, int name)
{
	if (level == SOL_SOCKET && name == SO_RCVBUF)
		sock_set_sndbuf(s, s->o.rcvbuf);
}

const struct sock_ops sock_packet_ops = {
	.name = "packet",
	.size = sizeof(struct packet_sock),
	.open = packet_op_open,
	.bind_addr = packet_op_bind,
	.getname = packet_op_getname,
	.ring = packet_op_ring,
	.setopt = packet_op_setopt,
	.getopt = packet_op_getopt,
	.opt_changed = packet_opt_changed,
	.event = packet_event,
	.destroy = packet_destroy,
};
