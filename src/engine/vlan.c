/* vlan.c - interfaces for the tagged frames of another: IEEE 802.1Q and 802.1ad
 *
 * Theory of operation
 * A vlan's link has no descriptor.  What it is given to send it sends by the
 * lower interface with a tag of 4 bytes behind the Ethernet addresses; the
 * offload metadata stays with the frame, its offsets moved by the tag, so a
 * segment of 64 KB is one frame here, too.  Of the frames that the lower
 * interface receives, those with the tag of one of its vlans lose it and go
 * up there; a tag of id 0 (priority only) is taken off and ignored; any other
 * tagged frame is nobody's.
 */
#include "engine/iface_priv.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_ether.h>
#include "engine/priv.h"

#define VLAN_IOV	130		/* iface_io.c's, and two more */
#define VID_MASK	0x0fff

struct vlan {
	struct link l;
	struct iface *i;
};

/* move the offsets by the tag that came or went */
static void shift(struct virtio_net_hdr *v, int by)
{
	if (v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		v->csum_start = (uint16_t)(v->csum_start + by);
	if (v->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		v->hdr_len = (uint16_t)(v->hdr_len + by);
}

static int vlan_send(struct link *l, const struct iovec *iov, int cnt,
		     const struct virtio_net_hdr *vnet)
{
	struct iface *i = container_of(l, struct vlan, l)->i;
	uint8_t head[2 * ETH_ALEN + VLAN_HLEN];
	struct iovec out[VLAN_IOV];
	struct virtio_net_hdr v = { 0 };
	size_t len = 0;
	int r;

	if (!i->lower)
		return -ENETDOWN;
	/* whoever sends has the header in one piece */
	if (cnt < 1 || cnt + 1 > VLAN_IOV || iov[0].iov_len < ETH_HLEN) {
		l->stats.tx_dropped++;
		return -EMSGSIZE;
	}
	if (vnet)
		v = *vnet;
	shift(&v, VLAN_HLEN);
	memcpy(head, iov[0].iov_base, 2 * ETH_ALEN);
	head[12] = (uint8_t)(i->tpid >> 8);
	head[13] = (uint8_t)i->tpid;
	head[14] = (uint8_t)(i->vid >> 8);
	head[15] = (uint8_t)i->vid;
	out[0] = (struct iovec){ head, sizeof(head) };
	memcpy(out + 1, iov, (size_t)cnt * sizeof(*iov));
	out[1].iov_base = (uint8_t *)out[1].iov_base + 2 * ETH_ALEN;
	out[1].iov_len -= 2 * ETH_ALEN;
	for (int k = 0; k < cnt; k++)
		len += iov[k].iov_len;
	r = iface_send_raw(i->lower, out, cnt + 1, &v);
	if (r == 0) {
		l->stats.tx_frames++;
		l->stats.tx_bytes += len;
	} else if (r != -EAGAIN) {
		l->stats.tx_dropped++;
	}
	return r;
}

static void vlan_close(struct link *l)
{
	free(container_of(l, struct vlan, l));
}

static const struct link_ops vlan_ops = {
	.kind = "vlan", .send = vlan_send, .close = vlan_close,
};

static struct iface *find(struct iface *lower, uint16_t vid, uint16_t tpid)
{
	struct iface *i = lower->nvlan ? lower->e->ifaces : NULL;

	while (i && (i->lower != lower || i->vid != vid || i->tpid != tpid))
		i = i->next;
	return i;
}

/**
 * vlan_add() - Add an interface for a tag of another one
 * @c:		name, Ethernet address and MTU; without: those of @lower
 * @vid:	1 to 4094 (0: tagged with priority only, as Linux has it)
 * @tpid:	ETH_P_8021Q or ETH_P_8021AD
 * @err:	on failure: what cannot be done, and why
 *
 * Return: 0, -EEXIST, -ERANGE, -EMLINK (nested too deeply) or as iface_attach()
 */
int vlan_add(struct engine *e, const struct config_iface *c, struct iface *lower, uint16_t vid,
	     uint16_t tpid, struct iface **out, char *err, size_t errlen)
{
	struct config_iface own = *c;
	struct vlan *v;
	int r;

	if (find(lower, vid, tpid)) {
		snprintf(err, errlen, "VLAN device already exists");
		return -EEXIST;
	}
	if (iface_depth(lower) + 1 >= IFACE_NESTED)
		return -EMLINK;
	if (!own.mtu)
		own.mtu = lower->portif.mtu;
	if (own.mtu > lower->portif.mtu)
		return -ERANGE;
	if (!own.has_mac)
		memcpy(own.mac, lower->mac, sizeof(own.mac));
	own.has_mac = true;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->l.ops = &vlan_ops;
	v->l.fd = -1;
	v->l.caps = lower->link->caps & (LINK_CAP_VNET | LINK_CAP_USO);
	if (asprintf(&v->l.spec, "vlan:%s.%u", lower->name, vid) < 0) {
		free(v);
		return -ENOMEM;
	}
	r = iface_attach(e, &v->l, &own, out, err, errlen);
	if (r < 0)
		return r;
	v->i = *out;
	v->i->lower = lower;
	v->i->vid = vid;
	v->i->tpid = tpid;
	lower->nvlan++;
	iface_update_carrier(v->i);
	return 0;
}

/**
 * vlan_input() - Look whether a frame is tagged
 * @lower:	where it came from
 * @p:		the frame; when its tag is of no meaning, without the tag
 * @v:		its metadata, changed likewise
 *
 * Return: true: it went to a vlan, or nowhere; @p is not the caller's any more
 */
bool vlan_input(struct iface *lower, struct pbuf **p, struct virtio_net_hdr *v)
{
	uint8_t *b = (*p)->payload;
	uint16_t tpid = (uint16_t)(b[12] << 8 | b[13]), vid;
	struct iface *i = NULL;

	if ((tpid != ETH_P_8021Q && tpid != ETH_P_8021AD) || (*p)->len < ETH_HLEN + VLAN_HLEN)
		return false;
	vid = (uint16_t)((b[14] << 8 | b[15]) & VID_MASK);
	i = find(lower, vid, tpid);
	if (!i && lower->master)
		return false;		/* a bridge passes tags on */
	if (!i && vid) {
		pbuf_free(*p);
		return true;
	}
	memmove(b + VLAN_HLEN, b, 2 * ETH_ALEN);
	pbuf_remove_header(*p, VLAN_HLEN);
	shift(v, -VLAN_HLEN);
	if (!i)
		return false;
	iface_input_from(i, *p, v);
	return true;
}
