/* meta.c - what a link says beside the packet at hand
 *
 * Theory of operation
 * lwIP has no place for the metadata of a frame (virtio_net_hdr).  So those of
 * the frame that comes in next are noted, and asked for by who does with
 * the packet what lwIP does not: forward.c, which sends it on, and the engine,
 * which takes several datagrams for what they are.  Who asks takes them; what
 * comes back from a queue (fragments, what was sent to an address of ours) has
 * none.  On the way out those of a forwarded packet wait for port_vnet_out().
 * Both hold for one call into lwIP.
 *
 * What another process may have written is believed only as far as it fits
 * the packet.
 */
#include <errno.h>
#include <string.h>
#include "lwip/ip.h"
#include "lwip/prot/ethernet.h"
#include "port.h"
#include "port_priv.h"

static struct {				/* of the next input, port_vnet_in()'s */
	const struct netif *n;
	struct virtio_net_hdr v;
} came;
static struct {				/* on its way to port_vnet_out() */
	const struct pbuf *p;
	const struct virtio_net_hdr *v;
} leaves;

/* port_meta_in() - Note the metadata of the frame that comes in next */
void port_meta_in(const struct netif *n, const struct virtio_net_hdr *v)
{
	came.n = n;
	came.v = *v;
}

/* port_meta_forget() - What comes in next has none */
void port_meta_forget(void)
{
	came.n = NULL;
}

static unsigned l2_len(const struct netif *n)
{
	return n->flags & NETIF_FLAG_ETHARP ? SIZEOF_ETH_HDR : 0;
}

/* a large frame: what it becomes; false: it lies */
static bool read_gso(struct port_meta *m, const struct pbuf *p)
{
	struct port_gso g;

	if (!port_gso_find(&g, p, 0, &m->v) || g.end != p->tot_len)
		return false;
	m->v.hdr_len = (uint16_t)g.hlen;
	if (g.hlen + g.size < m->unit) {
		m->unit = g.hlen + g.size;
	} else if (g.proto == IP_PROTO_UDP) {
		m->v.gso_type = VIRTIO_NET_HDR_GSO_NONE;	/* the kernel refuses one */
		m->gso = false;
	}
	return true;
}

/**
 * port_meta_read() - The metadata of the packet at hand
 * @m:		out
 * @p:		packet from the IP header on, as long as that says
 * @inp:	where it came in
 * @l4:		where its transport header is at the earliest
 *
 * Return: false: they lie
 */
bool port_meta_read(struct port_meta *m, const struct pbuf *p, const struct netif *inp,
		    unsigned l4)
{
	unsigned l2 = l2_len(inp);

	memset(m, 0, sizeof(*m));
	m->unit = p->tot_len;
	if (came.n != inp)
		return true;
	port_meta_forget();
	m->v = came.v;
	m->v.flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
	m->gso = m->v.gso_type != VIRTIO_NET_HDR_GSO_NONE;
	m->partial = m->v.flags;
	if (!m->gso && !m->partial)
		return true;
	if (m->partial && m->v.csum_start < l2 + l4)
		return false;
	m->v.csum_start = (uint16_t)(m->partial ? m->v.csum_start - l2 : l4);
	return !m->gso || read_gso(m, p);
}

/**
 * port_udp_segment_in() - Is the packet of UDP at hand several datagrams?
 * @p:		it, from the IP header on
 * @hlen:	length of that and what follows it up to UDP's
 *
 * Return: bytes of each but the last; 0: it is one; -EINVAL: the metadata lie
 */
int port_udp_segment_in(const struct pbuf *p, unsigned hlen)
{
	const struct netif *n = ip_current_input_netif();
	struct virtio_net_hdr v = came.v;
	struct port_gso g;

	if (came.n != n)
		return 0;
	port_meta_forget();
	if (!port_is_uso(&v))
		return 0;
	if (v.csum_start != l2_len(n) + hlen)
		return -EINVAL;
	v.csum_start = (uint16_t)hlen;
	if (!port_gso_find(&g, p, 0, &v))
		return -EINVAL;
	return g.end - g.hlen > g.size ? (int)g.size : 0;
}

/* port_meta_leaves() - @p is forwarded next, with these metadata; NULL: it was */
void port_meta_leaves(const struct pbuf *p, const struct virtio_net_hdr *v)
{
	leaves.p = p;
	leaves.v = v;
}

/* port_meta_leaving() - Has it such? */
bool port_meta_leaving(const struct pbuf *p)
{
	return p == leaves.p;
}

/* port_meta_out() - The metadata of a forwarded frame that is about to leave; false: it is
 * none, or has none */
bool port_meta_out(const struct pbuf *p, unsigned l3, struct virtio_net_hdr *v)
{
	if (!port_meta_leaving(p))
		return false;
	*v = *leaves.v;
	v->csum_start = (uint16_t)(v->csum_start + l3);
	v->hdr_len = (uint16_t)(v->hdr_len + l3);
	return true;
}
