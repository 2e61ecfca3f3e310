/* iface_io.c - frames between an interface's link and its netif
 *
 * Theory of operation
 * Receiving: one wake-up reads a burst of frames (burst.h), of about BURST_BYTES at
 * most, into 64 KB buffers.  A large frame
 * (GRO) goes to lwIP in its buffer, wrapped as a pbuf_custom that comes back to
 * the pool when lwIP is done; a small one is copied, or it would pin 64 KB.
 * Sending: lwIP's linkoutput gathers the pbufs of one frame into one writev().
 * A link that is full gives ERR_MEM, which TCP takes as "later": once the link
 * polls writable, all connections are offered output again.
 */
#include "engine/iface_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "engine/autoconf.h"
#include "engine/bufpool.h"
#include "engine/packet.h"
#include "engine/priv.h"
#include "engine/rtnl.h"
#include "lwip/etharp.h"
#include "lwip/prot/etharp.h"
#include "lwip/prot/ethernet.h"
#include "lwip/priv/tcp_priv.h"

#define LEND_MIN	8192		/* frames from this size on go up without a copy */
#define TX_IOV		128
#define BURST_BYTES	(512 * 1024)	/* a wake-up: they are read again soon, from a cache */
#define ETH_PADDED	60		/* the shortest Ethernet frame, without its checksum */

struct rxbuf {
	struct pbuf_custom pc;		/* first */
	uint8_t data[LINK_FRAME_MAX];
};

_Static_assert(sizeof(struct rxbuf) <= BUFPOOL_SIZE, "a frame and its pbuf fit in a buffer");

static void rxbuf_free(struct pbuf *p)
{
	bufpool_put(p);			/* the pbuf is the rxbuf's first member */
}

static struct rxbuf *rxbuf_get(void)
{
	struct rxbuf *b = bufpool_get();

	if (b)
		b->pc.custom_free_function = rxbuf_free;
	return b;
}

/* ---- receiving ---- */

static struct pbuf *wrap(struct link_buf *lb)
{
	struct rxbuf *b = container_of(lb->data, struct rxbuf, data);
	struct pbuf *p;

	if (lb->len < LEND_MIN) {
		/* lwIP counts on Ethernet's padding: in places it reads a header
		 * before it looks whether all of it is there */
		size_t len = lb->len > ETH_PADDED ? lb->len : ETH_PADDED;

		p = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_RAM);
		if (p) {
			memcpy(p->payload, lb->data, lb->len);
			memset((uint8_t *)p->payload + lb->len, 0, len - lb->len);
		}
		return p;
	}
	/* a pbuf's length has 16 bits: the largest GRO frames, with their
	 * Ethernet header, may pass that by a few bytes; the kernel makes none */
	if (lb->len > 0xffff)
		return NULL;
	p = pbuf_alloced_custom(PBUF_RAW, (u16_t)lb->len, PBUF_REF, &b->pc, b->data,
				(u16_t)lb->len);
	lb->data = NULL;		/* lwIP's now */
	return p;
}

/* whose address an ARP packet asks for or answers to, as an alias of ours */
static struct netif *arp_target(struct iface *i, const struct pbuf *p)
{
	const struct eth_hdr *eth = p->payload;
	const struct etharp_hdr *arp = (const void *)(eth + 1);
	ip4_addr_t ip;

	if (!i->addr4 || !i->addr4->next || p->len < sizeof(*eth) + sizeof(*arp) ||
	    eth->type != PP_HTONS(ETHTYPE_ARP))
		return NULL;
	memcpy(&ip, &arp->dipaddr, sizeof(ip));
	for (struct ifa4 *a = i->addr4; a; a = a->next)
		if (ip4_addr_cmp(&ip, netif_ip4_addr(a->n)))
			return a->n;
	return NULL;
}

static bool to_others(const struct iface *i, const struct pbuf *p)
{
	const uint8_t *dst = p->payload;

	return !(dst[0] & 1) && memcmp(dst, i->mac, 6);
}

/**
 * iface_deliver() - Give a frame to lwIP
 * @i:		interface that it came by
 * @p:		from the Ethernet header on (from IP's on a link without); not
 *		the caller's any more
 * @v:		its offload metadata
 */
void iface_deliver(struct iface *i, struct pbuf *p, const struct virtio_net_hdr *v)
{
	struct netif *n = i->netif, *alias;

	if (i->autoconf)
		autoconf_frame(i->autoconf, p->payload, p->len);
	if (i->link->caps & LINK_CAP_VNET)
		port_vnet_in(n, v);
	if (!(i->link->caps & LINK_CAP_L3)) {
		alias = arp_target(i, p);
		if (alias)
			n = alias;
	}
	if (n->input(p, n) != ERR_OK)
		pbuf_free(p);
}

/**
 * iface_input() - Take a frame to where it belongs: a vlan, a bridge, or lwIP
 * @i, @p, @v:	as for iface_deliver()
 */
void iface_input(struct iface *i, struct pbuf *p, const struct virtio_net_hdr *v)
{
	struct virtio_net_hdr untagged = *v;

	if (i->link->caps & LINK_CAP_L3) {
		iface_deliver(i, p, v);
		return;
	}
	if (vlan_input(i, &p, &untagged))
		return;
	if (i->master)
		bridge_input(i, p, &untagged);
	else if (to_others(i, p))
		pbuf_free(p);
	else
		iface_deliver(i, p, &untagged);
}

/**
 * iface_input_from() - A frame for an interface that has no link outside
 * @i:		vlan or bridge
 * @p:		as for iface_deliver(), in one piece
 * @v:		its offload metadata
 */
void iface_input_from(struct iface *i, struct pbuf *p, const struct virtio_net_hdr *v)
{
	if (!netif_is_up(i->netif)) {
		pbuf_free(p);
		return;
	}
	i->link->stats.rx_frames++;
	i->link->stats.rx_bytes += p->tot_len;
	if (i->e->packets)
		packet_tap_in(i->e, i->netif, p->payload, p->len, v->flags);
	if (i->bridge) {
		struct virtio_net_hdr untagged = *v;

		if (!vlan_input(i, &p, &untagged))
			iface_deliver(i, p, &untagged);
	} else {
		iface_input(i, p, v);
	}
}

static void input(struct iface *i, struct link_buf *lb)
{
	struct pbuf *p;

	if (!netif_is_up(i->netif))
		return;
	if (i->e->packets)
		packet_tap_in(i->e, i->netif, lb->data, lb->len, lb->vnet.flags);
	p = wrap(lb);
	if (p)
		iface_input(i, p, &lb->vnet);
}

static int refill(struct iface *i, int want)
{
	int n;

	for (n = 0; n < want; n++) {
		struct link_buf *lb = &i->buf[n];

		if (!lb->data) {
			struct rxbuf *b = rxbuf_get();

			if (!b)
				break;
			lb->data = b->data;
			lb->size = sizeof(b->data);
		}
	}
	return n;
}

static loop_fd_cb on_link;

static void link_gone(struct iface *i, int err)
{
	log_err("interface %s: link \"%s\" is gone: %s", i->name, i->link->spec, strerror(-err));
	loop_fd_del(&i->w);
	i->lost = true;
	iface_update_carrier(i);
}

/* several datagrams as one frame: so do the vlans on top */
static void follow_uso(struct iface *i)
{
	i->portif.uso = i->link->caps & LINK_CAP_USO;
	for (struct ifa4 *a = i->addr4; a; a = a->next)
		a->portif.uso = i->portif.uso;
	for (struct iface *v = i->nvlan ? i->e->ifaces : NULL; v; v = v->next) {
		if (v->lower != i)
			continue;
		v->link->caps = (v->link->caps & ~(unsigned)LINK_CAP_USO) |
			(i->link->caps & LINK_CAP_USO);
		follow_uso(v);
	}
}

/* the link says that its descriptor, its carrier or what it takes is another one */
static void link_changed(struct iface *i)
{
	int r = 0;

	i->link->changed = false;
	follow_uso(i);
	if (i->w.fd != i->link->fd) {
		loop_fd_del(&i->w);
		i->blocked = false;
		r = loop_fd_add(i->e->loop, &i->w, i->link->fd, EPOLLIN, on_link);
	}
	if (r < 0)
		link_gone(i, r);
	else
		iface_update_carrier(i);
}

/* offer output again to every connection that a full link made wait */
static void writable(struct iface *i)
{
	i->blocked = false;
	loop_fd_mod(&i->w, EPOLLIN);
	if (i->link->ops->set_up && i->link->ops->set_up(i->link, netif_is_up(i->netif)) == -EAGAIN)
		iface_wait_writable(i);
	for (struct tcp_pcb *p = tcp_active_pcbs, *next; p; p = next) {
		next = p->next;
		if (p->unsent)
			tcp_output(p);
	}
}

static void on_link(struct loop_fd *w, uint32_t events)
{
	struct iface *i = container_of(w, struct iface, w);
	size_t bytes = 0;
	int want, got;

	if (events & EPOLLOUT)
		writable(i);
	if (!(events & ~EPOLLOUT))
		return;
	want = refill(i, i->burst.ask);
	i->link->readable = events & EPOLLIN;
	got = link_recv(i->link, i->buf, want);
	if (got < 0) {
		link_gone(i, got);
		return;
	}
	for (int k = 0; k < got; k++) {
		bytes += i->buf[k].len;
		input(i, &i->buf[k]);
	}
	if (i->link->changed)
		link_changed(i);
	/* no more than fits in a cache */
	if (got == want && bytes > BURST_BYTES)
		burst_halve(&i->burst);
	else
		burst_got(&i->burst, got, bytes * 2 <= BURST_BYTES ? IFACE_BURST : want);
}

/* ---- sending ---- */

/* iface_wait_writable() - Be told when the link takes frames again; a vlan or a
 * bridge has none of its own, those below it are waited for */
void iface_wait_writable(struct iface *i)
{
	if (i->blocked || !i->w.loop)
		return;
	i->blocked = true;
	loop_fd_mod(&i->w, EPOLLIN | EPOLLOUT);
}

static err_t transmit(struct iface *i, struct netif *n, struct pbuf *p, unsigned l3)
{
	struct iovec iov[TX_IOV];
	struct virtio_net_hdr v;
	bool vnet = i->link->caps & LINK_CAP_VNET;
	int cnt = 0, r;

	if (vnet)
		port_vnet_out(n, p, l3, &v);
	for (struct pbuf *q = p; q; q = q->next) {
		if (cnt == TX_IOV)
			return ERR_BUF;
		iov[cnt].iov_base = q->payload;
		iov[cnt++].iov_len = q->len;
	}
	r = link_send(i->link, iov, cnt, vnet ? &v : NULL);
	if (r == 0) {
		if (i->e->packets)
			packet_tap_out(i->e, n, p, vnet && v.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
		return ERR_OK;
	}
	if (r == -EAGAIN) {
		iface_wait_writable(i);
		return ERR_MEM;
	}
	return ERR_IF;
}

/* show packet sockets a frame that is no pbuf */
static void tap_out(struct iface *i, const struct iovec *iov, int cnt, bool partial_sum)
{
	size_t len = 0, at = 0;
	struct pbuf *p;

	for (int k = 0; k < cnt; k++)
		len += iov[k].iov_len;
	p = len <= 0xffff ? pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_RAM) : NULL;
	if (!p)
		return;
	for (int k = 0; k < cnt; at += iov[k++].iov_len)
		memcpy((uint8_t *)p->payload + at, iov[k].iov_base, iov[k].iov_len);
	packet_tap_out(i->e, i->netif, p, partial_sum);
	pbuf_free(p);
}

/**
 * iface_send_raw() - Send a frame that does not come from this interface's netif
 * @i:		interface; must be able to carry @v's offloads
 * @iov, @cnt:	the frame
 * @v:		its metadata, or NULL
 *
 * Return: 0, -EAGAIN (writable() tells) or -errno
 */
int iface_send_raw(struct iface *i, const struct iovec *iov, int cnt,
		   const struct virtio_net_hdr *v)
{
	bool vnet = i->link->caps & LINK_CAP_VNET;
	int r;

	if (!netif_is_up(i->netif) || i->lost)
		return -ENETDOWN;
	r = link_send(i->link, iov, cnt, vnet ? v : NULL);
	if (r == -EAGAIN)
		iface_wait_writable(i);
	if (r == 0 && i->e->packets)
		tap_out(i, iov, cnt, v && v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
	return r;
}

static err_t send_frame(struct netif *n, struct pbuf *p)
{
	return transmit(iface_of(n), n, p, SIZEOF_ETH_HDR);
}

static err_t send_packet4(struct netif *n, struct pbuf *p, const ip4_addr_t *dst)
{
	return transmit(iface_of(n), n, p, 0);
}

static err_t send_packet6(struct netif *n, struct pbuf *p, const ip6_addr_t *dst)
{
	return transmit(iface_of(n), n, p, 0);
}

/* a packet socket's frame on lo: what is IP comes in again */
static int send_lo(struct iface *i, struct pbuf *p)
{
	uint16_t type;

	if (pbuf_copy_partial(p, &type, sizeof(type), SIZEOF_ETH_HDR - sizeof(type)) != sizeof(type) ||
	    (type != PP_HTONS(ETHTYPE_IP) && type != PP_HTONS(ETHTYPE_IPV6)))
		return 0;
	pbuf_remove_header(p, SIZEOF_ETH_HDR);
	return netif_loop_output(i->netif, p) == ERR_OK ? 0 : -ENOBUFS;
}

/**
 * iface_send_frame() - Send a frame as it is (on tun: a packet)
 * @p:		stays the caller's
 *
 * Return: 0, -ENXIO, -ENETDOWN or -ENOBUFS (the link is full)
 */
int iface_send_frame(struct engine *e, unsigned index, struct pbuf *p)
{
	struct iface *i = iface_by_index(e, index);

	if (!i)
		return -ENXIO;
	if (!netif_is_up(i->netif))
		return -ENETDOWN;
	if (!i->link)
		return send_lo(i, p);
	switch (transmit(i, i->netif, p, i->link->caps & LINK_CAP_L3 ? 0 : SIZEOF_ETH_HDR)) {
	case ERR_OK:
		return 0;
	case ERR_IF:
		return -ENETDOWN;
	default:
		return -ENOBUFS;
	}
}

/* ---- set-up ---- */

/* iface_netif_init() - netif_add()'s callback: what lwIP calls to send */
err_t iface_netif_init(struct netif *n)
{
	struct iface *i = iface_of(n);
	bool l3 = i->link->caps & LINK_CAP_L3;

	n->name[0] = i->name[0];
	n->name[1] = i->name[1];
	n->output = port_output4;
	n->output_ip6 = port_output6;
	n->linkoutput = send_frame;
	if (!l3) {
		memcpy(n->hwaddr, i->mac, 6);
		n->hwaddr_len = 6;
		n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
			NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
	}
	return ERR_OK;
}

/* iface_set_portif() - Fill in what the port keeps beside a netif of this interface */
void iface_set_portif(struct iface *i, struct portif *p)
{
	bool l3 = i->link->caps & LINK_CAP_L3;

	p->mtu = i->portif.mtu;
	p->vnet = i->link->caps & LINK_CAP_VNET;
	p->uso = i->link->caps & LINK_CAP_USO;
	p->out4 = l3 ? send_packet4 : NULL;
	p->out6 = l3 ? send_packet6 : NULL;
}

/* iface_io_start() - Watch the link, if there is one outside: 0 or -errno */
int iface_io_start(struct iface *i)
{
	burst_init(&i->burst);
	if (i->link->fd < 0)
		return 0;
	return loop_fd_add(i->e->loop, &i->w, i->link->fd, EPOLLIN, on_link);
}

/* iface_io_stop() - Leave the link alone, give the buffers back */
void iface_io_stop(struct iface *i)
{
	loop_fd_del(&i->w);
	for (int k = 0; k < IFACE_BURST; k++)
		if (i->buf[k].data)
			bufpool_put(container_of(i->buf[k].data, struct rxbuf, data));
}
