/* bridge.c - an Ethernet bridge: IEEE 802.1D without its spanning tree
 *
 * Theory of operation
 * Written here, since lwIP's bridgeif has its ports fixed when it is made,
 * cannot lose one, and copies each frame.  A frame that a port receives never
 * reaches that port's own netif: where its source is, is learned; it goes to
 * the port where its destination was last seen, or to all others; and up into
 * the bridge's own interface if it is for the bridge, one of its ports or a
 * group.
 * The offload metadata goes along: a port that cannot carry it gets the frame
 * cut and summed by port_segment().
 *
 * The forwarding database has at most BRIDGE_FDB_MAX entries, each good for
 * bridge_ageing() seconds since its last frame; more are not learned, so a
 * flood of made-up sources costs memory for that many.  A frame that a port
 * does not take now is lost, unless it is our own to one port, which TCP then
 * keeps.  There is no spanning tree: a loop of ports circulates frames.
 */
#include "engine/iface_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_ether.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include "base/hash.h"
#include "engine/priv.h"
#include "engine/rtnl.h"

#define BUCKETS		256
#define AGEING_DEFAULT	300		/* seconds */
#define NS_PER_S	1000000000ull

struct bridge {
	struct link l;
	struct iface *i;
	unsigned ageing, n;
	uint64_t purged;		/* when old entries were last looked for */
	struct bridge_entry *fdb[BUCKETS];
};

/* a frame on its way through */
struct frame {
	const struct iovec *iov;
	int cnt;
	const struct virtio_net_hdr *v;
	size_t len;
	uint8_t head[2 * ETH_ALEN + 2];
};

/* ---- the forwarding database ---- */

static struct bridge_entry **bucket(struct bridge *b, const uint8_t mac[6])
{
	return &b->fdb[hash_fnv1a(mac, 6) % BUCKETS];
}

static bool expired(const struct bridge *b, const struct bridge_entry *x)
{
	return x->state == NUD_REACHABLE && b->ageing &&
		loop_now(b->i->e->loop) - x->seen > b->ageing * NS_PER_S;
}

static struct bridge_entry *find(struct bridge *b, const uint8_t mac[6])
{
	struct bridge_entry *x = *bucket(b, mac);

	while (x && memcmp(x->mac, mac, 6))
		x = x->next;
	return x;
}

static void remove_entry(struct bridge *b, struct bridge_entry **x)
{
	struct bridge_entry *gone = *x;

	*x = gone->next;
	b->n--;
	rtnl_fdb_changed(b->i, gone, false);
	free(gone);
}

/* those that fit: of @port (NULL: any), permanent ones too or old ones only */
static void purge(struct bridge *b, const struct iface *port, bool all)
{
	for (unsigned k = 0; k < BUCKETS; k++)
		for (struct bridge_entry **x = &b->fdb[k]; *x;) {
			if ((!port || (*x)->port == port) && (all || expired(b, *x)))
				remove_entry(b, x);
			else
				x = &(*x)->next;
		}
}

static struct bridge_entry *insert(struct bridge *b, const uint8_t mac[6], struct iface *port,
				   uint16_t state)
{
	uint64_t now = loop_now(b->i->e->loop);
	struct bridge_entry *x, **head = bucket(b, mac);

	if (b->n >= BRIDGE_FDB_MAX) {
		if (now - b->purged < NS_PER_S)
			return NULL;	/* one walk a second, however many come */
		b->purged = now;
		purge(b, NULL, false);
		if (b->n >= BRIDGE_FDB_MAX)
			return NULL;
	}
	x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	memcpy(x->mac, mac, 6);
	x->port = port;
	x->seen = now;
	x->state = state;
	x->next = *head;
	*head = x;
	b->n++;
	rtnl_fdb_changed(b->i, x, true);
	return x;
}

static bool own_address(struct bridge *b, const uint8_t mac[6])
{
	const struct bridge_entry *x = find(b, mac);

	if (!memcmp(b->i->mac, mac, 6) || (x && (x->port == b->i || x->state == NUD_PERMANENT)))
		return true;
	for (const struct iface *p = b->i->e->ifaces; p; p = p->next)
		if (p->master == b->i && !memcmp(p->mac, mac, 6))
			return true;
	return false;
}

static void learn(struct bridge *b, struct iface *port, const uint8_t src[6])
{
	struct bridge_entry *x = find(b, src);

	if (x && x->state != NUD_REACHABLE)
		return;
	if (x) {
		bool moved = x->port != port;

		x->seen = loop_now(b->i->e->loop);
		x->port = port;
		if (moved)
			rtnl_fdb_changed(b->i, x, true);
		return;
	}
	if (!(src[0] & 1) && !own_address(b, src))
		insert(b, src, port, NUD_REACHABLE);
}

/* ---- frames ---- */

/* longer than the port takes: lost, and counted */
static bool too_long(struct iface *port, size_t len)
{
	if (len <= port->portif.mtu + (size_t)ETH_HLEN + VLAN_HLEN)
		return false;
	port->link->stats.tx_dropped++;
	return true;
}

static int send_piece(struct pbuf *p, void *arg)
{
	struct iovec iov = { p->payload, p->len };

	return too_long(arg, p->len) ? -EMSGSIZE : iface_send_raw(arg, &iov, 1, NULL);
}

/* what the port cannot finish itself */
static int send_cut(struct iface *port, const struct frame *f)
{
	bool tagged = f->head[12] == (ETH_P_8021Q >> 8) && f->head[13] == (ETH_P_8021Q & 0xff);
	struct pbuf *p = f->len <= 0xffff ? pbuf_alloc(PBUF_RAW, (u16_t)f->len, PBUF_RAM) : NULL;
	size_t at = 0;
	int r;

	if (!p)
		return -ENOMEM;
	for (int k = 0; k < f->cnt; at += f->iov[k++].iov_len)
		memcpy((uint8_t *)p->payload + at, f->iov[k].iov_base, f->iov[k].iov_len);
	r = port_segment(p, ETH_HLEN + (tagged ? VLAN_HLEN : 0), f->v, send_piece, port);
	pbuf_free(p);
	/* some of it may have gone out: the sender must not send all again */
	return r == -EAGAIN ? 0 : r;
}

static int to_port(struct iface *port, const struct frame *f)
{
	bool whole = f->v->gso_type == VIRTIO_NET_HDR_GSO_NONE;

	if (whole && too_long(port, f->len))
		return -EMSGSIZE;
	if (port_carries(&port->portif, f->v) ||
	    (whole && !(f->v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)))
		return iface_send_raw(port, f->iov, f->cnt, f->v);
	return send_cut(port, f);
}

static bool forwards(const struct bridge *b, const struct iface *p)
{
	return p->master == b->i && netif_is_up(p->netif) && netif_is_link_up(p->netif);
}

/* 01:80:c2:00:00:0x is for whoever is at the end of the cable */
static bool is_reserved(const uint8_t mac[6])
{
	static const uint8_t reserved[5] = { 0x01, 0x80, 0xc2, 0x00, 0x00 };

	return !memcmp(mac, reserved, sizeof(reserved)) && mac[5] < 16;
}

/* to where the destination is known to be, else to all but @from: 0 or -errno of
 * the only port */
static int spread(struct bridge *b, const struct iface *from, const struct frame *f)
{
	struct bridge_entry *x = f->head[0] & 1 ? NULL : find(b, f->head);

	if (x && !expired(b, x)) {
		if (x->port == from || !forwards(b, x->port))
			return 0;
		return to_port(x->port, f);
	}
	for (struct iface *p = b->i->e->ifaces; p; p = p->next)
		if (p != from && forwards(b, p))
			to_port(p, f);
	return 0;
}

static struct bridge *bridge_of(struct link *l)
{
	return container_of(l, struct bridge, l);
}

static int bridge_send(struct link *l, const struct iovec *iov, int cnt,
		       const struct virtio_net_hdr *vnet)
{
	static const struct virtio_net_hdr plain;
	struct frame f = { .iov = iov, .cnt = cnt, .v = vnet ? vnet : &plain };
	int r;

	if (cnt < 1 || iov[0].iov_len < ETH_HLEN) {
		l->stats.tx_dropped++;
		return -EMSGSIZE;
	}
	memcpy(f.head, iov[0].iov_base, sizeof(f.head));
	for (int k = 0; k < cnt; k++)
		f.len += iov[k].iov_len;
	r = spread(bridge_of(l), NULL, &f);
	if (r == -EAGAIN)
		return r;
	l->stats.tx_frames++;
	l->stats.tx_bytes += f.len;
	return 0;
}

/**
 * bridge_input() - A port received a frame
 * @port:	whose master is a bridge
 * @p:		the frame, in one piece; not the caller's any more
 * @v:		its metadata
 */
void bridge_input(struct iface *port, struct pbuf *p, const struct virtio_net_hdr *v)
{
	struct bridge *b = port->master->bridge;
	struct iovec iov = { p->payload, p->len };
	struct frame f = { .iov = &iov, .cnt = 1, .v = v, .len = p->len };
	bool ours;

	if (!netif_is_up(b->i->netif) || p->len < ETH_HLEN || p->next) {
		pbuf_free(p);
		return;
	}
	memcpy(f.head, p->payload, sizeof(f.head));
	learn(b, port, f.head + ETH_ALEN);
	ours = own_address(b, f.head);
	if (!ours && !is_reserved(f.head))
		spread(b, port, &f);
	if (ours || f.head[0] & 1)
		iface_input_from(b->i, p, v);
	else
		pbuf_free(p);
}

/* ---- life ---- */

static void bridge_close(struct link *l)
{
	struct bridge *b = bridge_of(l);

	for (unsigned k = 0; k < BUCKETS; k++)
		for (struct bridge_entry *x = b->fdb[k], *next; x; x = next) {
			next = x->next;
			free(x);
		}
	free(b);
}

static const struct link_ops bridge_ops = {
	.kind = "bridge", .send = bridge_send, .close = bridge_close,
};

/* bridge_add() - Add a bridge without ports: 0 or as iface_attach() */
int bridge_add(struct engine *e, const struct config_iface *c, struct iface **out,
	       char *err, size_t errlen)
{
	struct bridge *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->l.ops = &bridge_ops;
	b->l.fd = -1;
	b->l.caps = LINK_CAP_VNET | LINK_CAP_USO;
	b->l.no_peer = true;		/* until there is a port */
	b->ageing = AGEING_DEFAULT;
	b->l.spec = strdup("bridge:");
	if (!b->l.spec) {
		free(b);
		return -ENOMEM;
	}
	r = iface_attach(e, &b->l, c, out, err, errlen);
	if (r < 0)
		return r;
	b->i = *out;
	b->i->bridge = b;
	b->l.no_peer = false;
	iface_update_carrier(b->i);
	return 0;
}

/* the largest packet that all ports take */
static void follow_ports(struct iface *br)
{
	unsigned mtu = 65535;

	for (const struct iface *p = br->e->ifaces; p; p = p->next)
		if (p->master == br && p->portif.mtu < mtu)
			mtu = p->portif.mtu;
	if (mtu < br->portif.mtu)
		iface_set_mtu(br, mtu);
	iface_update_carrier(br);
}

/* bridge_add_port() - Make an interface a port: 0, -EINVAL (no Ethernet), -ELOOP (a
 * bridge, or on top of one of them), -EMLINK, -EBUSY (of another bridge) */
int bridge_add_port(struct iface *br, struct iface *port)
{
	if (port->master == br)
		return 0;
	if (!port->link || port->link->caps & LINK_CAP_L3)
		return -EINVAL;
	if (port->bridge || iface_stands_on(port, br))
		return -ELOOP;
	if (port->master)
		return -EBUSY;
	if (iface_depth(port) + 1 >= IFACE_NESTED)
		return -EMLINK;
	port->master = br;
	rtnl_link_changed(port, 0);
	follow_ports(br);
	return 0;
}

/* bridge_del_port() - Make a port an ordinary interface again */
void bridge_del_port(struct iface *port)
{
	struct iface *br = port->master;

	purge(br->bridge, port, true);
	port->master = NULL;
	rtnl_link_changed(port, 0);
	iface_update_carrier(br);
}

/* ---- requests ---- */

/**
 * bridge_fdb_add() - Set where an address is
 * @port:	a port, or the bridge itself: its own address
 * @state:	as in struct bridge_entry
 * @nlflags:	NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE
 *
 * Return: 0, -EEXIST, -ENOENT, -EINVAL (a group), -ENOSPC
 */
int bridge_fdb_add(struct iface *port, const uint8_t mac[6], uint16_t state, unsigned nlflags)
{
	struct bridge *b = port->bridge ? port->bridge : port->master->bridge;
	struct bridge_entry *x = find(b, mac);

	if (mac[0] & 1)
		return -EINVAL;
	if (!x) {
		if (!(nlflags & NLM_F_CREATE))
			return -ENOENT;
		return insert(b, mac, port, state) ? 0 : -ENOSPC;
	}
	if (nlflags & NLM_F_EXCL)
		return -EEXIST;
	x->port = port;
	x->state = state;
	x->seen = loop_now(b->i->e->loop);
	rtnl_fdb_changed(b->i, x, true);
	return 0;
}

/* bridge_fdb_del() - Forget an address: 0 or -ENOENT */
int bridge_fdb_del(struct iface *port, const uint8_t mac[6])
{
	struct bridge *b = port->bridge ? port->bridge : port->master->bridge;

	for (struct bridge_entry **x = bucket(b, mac); *x; x = &(*x)->next)
		if (!memcmp((*x)->mac, mac, 6) && (*x)->port == port) {
			remove_entry(b, x);
			return 0;
		}
	return -ENOENT;
}

/* bridge_fdb_each() - Show all entries that are still good */
void bridge_fdb_each(struct iface *br, bridge_visit *fn, void *arg)
{
	purge(br->bridge, NULL, false);
	for (unsigned k = 0; k < BUCKETS; k++)
		for (const struct bridge_entry *x = br->bridge->fdb[k]; x; x = x->next)
			fn(br, x, arg);
}

/* bridge_fdb_flush() - Forget what was learned */
void bridge_fdb_flush(struct iface *br)
{
	for (unsigned k = 0; k < BUCKETS; k++)
		for (struct bridge_entry **x = &br->bridge->fdb[k]; *x;) {
			if ((*x)->state != NUD_REACHABLE)
				x = &(*x)->next;
			else
				remove_entry(br->bridge, x);
		}
}

/* bridge_ageing() - How long a learned address is good, in seconds; 0: for ever */
unsigned bridge_ageing(const struct iface *br)
{
	return br->bridge->ageing;
}

/* bridge_set_ageing() - Change that */
void bridge_set_ageing(struct iface *br, unsigned seconds)
{
	br->bridge->ageing = seconds;
}
