/* packet_tap.c - show packet sockets what passes the interfaces
 *
 * Theory of operation
 * While a packet socket exists, iface.c calls packet_tap_in() for each frame
 * that a link delivered, before lwIP sees it, and packet_tap_out() for each
 * that a link took.  What passes lo is seen where it comes in (port.h), once as
 * outgoing and once as incoming, with the Ethernet header of zeros that lo has
 * in Linux.  Large frames (TSO, GRO) are shown as they are, as the kernel
 * does.  An 802.1Q tag of an incoming frame is taken out and told beside it.
 *
 * Without a packet socket the cost is one look at e->packets.
 */
#include "engine/packet.h"

#include <string.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include "engine/iface.h"
#include "engine/priv.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "port.h"

#define VLAN_LEN	4

static struct engine *tapped;		/* of the tap on lo */

/* packet_hatype() - ARPHRD_* of an interface */
uint16_t packet_hatype(const struct netif *n)
{
	if (!portif_of(n))
		return ARPHRD_LOOPBACK;
	return n->hwaddr_len ? ARPHRD_ETHER : ARPHRD_NONE;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* a length in the type's place is that of an 802.2 frame (eth_type_trans()) */
static uint16_t ether_type(uint16_t type)
{
	return type >= ETH_P_802_3_MIN ? type : ETH_P_802_2;
}

static uint8_t packet_type(const struct netif *n, const uint8_t *dst)
{
	static const uint8_t all[ETH_ALEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	if (!memcmp(dst, all, ETH_ALEN))
		return PACKET_BROADCAST;
	if (dst[0] & 1)
		return PACKET_MULTICAST;
	return !memcmp(dst, n->hwaddr, ETH_ALEN) ? PACKET_HOST : PACKET_OTHERHOST;
}

/* packet_promiscuous() - Does any socket want what is addressed to others? */
bool packet_promiscuous(const struct engine *e, unsigned ifindex)
{
	for (const struct packet_sock *p = e->packets; p; p = p->next)
		for (int i = 0; i < PACKET_MEMBERS_MAX; i++)
			if (p->member[i].count && p->member[i].type == PACKET_MR_PROMISC &&
			    (unsigned)p->member[i].ifindex == ifindex)
				return true;
	return false;
}

static void frame_init(struct packet_frame *f, const struct netif *n, const uint8_t *b, size_t len)
{
	memset(f, 0, sizeof(*f));
	f->pkt.ifindex = iface_index_of(n);
	f->pkt.hatype = packet_hatype(n);
	f->pkt.mac = f->pkt.data = b;
	f->pkt.len = (uint32_t)len;
	if (f->pkt.hatype == ARPHRD_NONE) {
		f->pkt.net = b;
		f->pkt.protocol = len && b[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
		return;
	}
	f->pkt.net = b + ETH_HLEN;
	f->pkt.protocol = ether_type(be16(b + 2 * ETH_ALEN));
	memcpy(f->from, b + ETH_ALEN, ETH_ALEN);
	f->halen = ETH_ALEN;
}

/* take an 802.1Q or 802.1ad tag out; the frame then lies in e->linear */
static bool untag(struct engine *e, struct packet_frame *f)
{
	const uint8_t *b = f->pkt.data;
	uint8_t *to;

	if ((f->pkt.protocol != ETH_P_8021Q && f->pkt.protocol != ETH_P_8021AD) ||
	    f->pkt.len < ETH_HLEN + VLAN_LEN || f->pkt.len > ENGINE_SCRATCH)
		return true;
	to = engine_linear(e);
	if (!to)
		return false;
	memcpy(to, b, 2 * ETH_ALEN);
	memcpy(to + 2 * ETH_ALEN, b + 2 * ETH_ALEN + VLAN_LEN,
	       f->pkt.len - 2 * ETH_ALEN - VLAN_LEN);
	f->pkt.vlan = true;
	f->pkt.vlan_tpid = f->pkt.protocol;
	f->pkt.vlan_tci = be16(b + ETH_HLEN);
	f->pkt.mac = f->pkt.data = to;
	f->pkt.net = to + ETH_HLEN;
	f->pkt.len -= VLAN_LEN;
	f->pkt.protocol = ether_type(be16(to + 2 * ETH_ALEN));
	f->status |= TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID;
	return true;
}

/**
 * packet_tap_in() - A frame came from a link
 * @vnet_flags:	of its virtio_net_hdr
 */
void packet_tap_in(struct engine *e, struct netif *n, const void *data, size_t len,
		   uint8_t vnet_flags)
{
	struct packet_frame f;

	if (n->hwaddr_len && len < ETH_HLEN)
		return;
	frame_init(&f, n, data, len);
	if (vnet_flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		f.status |= TP_STATUS_CSUMNOTREADY;
	else if (vnet_flags & VIRTIO_NET_HDR_F_DATA_VALID)
		f.status |= TP_STATUS_CSUM_VALID;
	if (n->hwaddr_len) {
		f.pkt.pkttype = packet_type(n, data);
		if (f.pkt.pkttype == PACKET_OTHERHOST && !packet_promiscuous(e, f.pkt.ifindex))
			return;
		if (!untag(e, &f))
			return;
	}
	packet_deliver(e, &f);
}

/* in one piece, behind @room bytes of zeros */
static const uint8_t *linear(struct engine *e, const struct pbuf *p, unsigned room)
{
	uint8_t *b;

	if (!room && p->len == p->tot_len)
		return p->payload;
	b = engine_linear(e);
	if (!b || p->tot_len + room > ENGINE_SCRATCH)
		return NULL;
	memset(b, 0, room);
	pbuf_copy_partial(p, b + room, p->tot_len, 0);
	return b;
}

/**
 * packet_tap_out() - A link took a frame
 * @partial_sum: the kernel behind the link is to complete its checksum
 */
void packet_tap_out(struct engine *e, struct netif *n, const struct pbuf *p, bool partial_sum)
{
	const uint8_t *b = linear(e, p, 0);
	struct packet_frame f;

	if (!b || (n->hwaddr_len && p->tot_len < ETH_HLEN))
		return;
	frame_init(&f, n, b, p->tot_len);
	f.pkt.pkttype = PACKET_OUTGOING;
	if (partial_sum)
		f.status |= TP_STATUS_CSUMNOTREADY;
	packet_deliver(e, &f);
}

/* a packet came in over lo */
static void on_lo(struct pbuf *p, struct netif *n)
{
	uint8_t *b = (uint8_t *)linear(tapped, p, ETH_HLEN);
	struct packet_frame f;
	uint16_t type;

	if (!b)
		return;
	type = b[ETH_HLEN] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
	b[2 * ETH_ALEN] = (uint8_t)(type >> 8);
	b[2 * ETH_ALEN + 1] = (uint8_t)type;
	frame_init(&f, n, b, p->tot_len + ETH_HLEN);
	f.status = TP_STATUS_CSUMNOTREADY;	/* no checksums on lo */
	f.pkt.pkttype = PACKET_OUTGOING;
	packet_deliver(tapped, &f);
	f.pkt.pkttype = PACKET_HOST;
	packet_deliver(tapped, &f);
}

/* packet_tap_open() - The first packet socket comes, the last one goes */
void packet_tap_open(struct engine *e, bool on)
{
	tapped = on ? e : NULL;
	port_lo_tap = on ? on_lo : NULL;
}
