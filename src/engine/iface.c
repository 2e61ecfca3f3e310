/* iface.c - a network interface of the stack: a link under an lwIP netif
 *
 * Theory of operation
 * Receiving: one wake-up reads a burst of frames, as many as the last one
 * suggests, into 64 KB buffers.  A large frame (GRO) goes to lwIP in its
 * buffer, wrapped as a pbuf_custom that comes back to the pool when lwIP is
 * done; a small one is copied, or it would pin 64 KB.
 * Sending: lwIP's linkoutput gathers the pbufs of one frame into one writev().
 * A link that is full gives ERR_MEM, which TCP takes as "later": once the link
 * polls writable, all connections are offered output again.
 *
 * lwIP has one IPv4 address a netif: further ones live on alias netifs that
 * share the link.  IPv4 accepts a packet for any netif's address; ARP does
 * not, so requests and replies for an alias are delivered to it.
 */
#include "engine/iface.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include "base/log.h"
#include "engine/addrconv.h"
#include "engine/bufpool.h"
#include "engine/packet.h"
#include "engine/priv.h"
#include "link/link.h"
#include "lwip/dhcp.h"
#include "lwip/dhcp6.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/prot/etharp.h"
#include "lwip/prot/ethernet.h"
#include "lwip/priv/tcp_priv.h"
#include "netif/ethernet.h"
#include "port.h"

#define BURST		32		/* frames a wake-up, at most */
#define LEND_MIN	8192		/* frames from this size on go up without a copy */
#define TX_IOV		128
#define ETH_PADDED	60		/* the shortest Ethernet frame, without its checksum */
#define MTU_DEFAULT	1500
#define LO_MTU		65535

struct rxbuf {
	struct pbuf_custom pc;		/* first */
	uint8_t data[LINK_FRAME_MAX];
};

_Static_assert(sizeof(struct rxbuf) <= BUFPOOL_SIZE, "a frame and its pbuf fit in a buffer");

struct alias {
	struct alias *next;
	struct netif netif;
	struct portif portif;
};

struct iface {
	struct iface *next;
	struct engine *e;
	char name[16];
	struct link *link;		/* NULL: lo */
	struct loop_fd w;
	struct netif *netif;		/* &own, or lwIP's loop netif */
	struct netif own;
	struct portif portif;
	struct alias *aliases;
	uint8_t mac[6];
	int ask;			/* frames to read at the next wake-up */
	bool full;			/* the last one got as many as it asked for */
	struct link_buf buf[BURST];
	bool blocked;			/* a frame did not fit: waiting for EPOLLOUT */
};

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

	if (!i->aliases || p->len < sizeof(*eth) + sizeof(*arp) ||
	    eth->type != PP_HTONS(ETHTYPE_ARP))
		return NULL;
	memcpy(&ip, &arp->dipaddr, sizeof(ip));
	for (struct alias *a = i->aliases; a; a = a->next)
		if (ip4_addr_cmp(&ip, netif_ip4_addr(&a->netif)))
			return &a->netif;
	return NULL;
}

static void input(struct iface *i, struct link_buf *lb)
{
	struct netif *n = i->netif, *alias;
	struct pbuf *p;

	if (i->e->packets)
		packet_tap_in(i->e, n, lb->data, lb->len, lb->vnet.flags);
	p = wrap(lb);
	if (!p)
		return;
	if (i->link->caps & LINK_CAP_VNET)
		port_vnet_in(n, &lb->vnet);
	if (!(i->link->caps & LINK_CAP_L3)) {
		alias = arp_target(i, p);
		if (alias)
			n = alias;
	}
	if (n->input(p, n) != ERR_OK)
		pbuf_free(p);
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

static void link_gone(struct iface *i, int err)
{
	log_err("interface %s: link \"%s\" is gone: %s", i->name, i->link->spec, strerror(-err));
	loop_fd_del(&i->w);
	netif_set_link_down(i->netif);
}

/* offer output again to every connection that a full link made wait */
static void writable(struct iface *i)
{
	i->blocked = false;
	loop_fd_mod(&i->w, EPOLLIN);
	for (struct tcp_pcb *p = tcp_active_pcbs, *next; p; p = next) {
		next = p->next;
		if (p->unsent)
			tcp_output(p);
	}
}

static void on_link(struct loop_fd *w, uint32_t events)
{
	struct iface *i = container_of(w, struct iface, w);
	int want, got;

	if (events & EPOLLOUT)
		writable(i);
	if (!(events & ~EPOLLOUT))
		return;
	want = refill(i, i->ask);
	got = link_recv(i->link, i->buf, want);
	if (got < 0) {
		link_gone(i, got);
		return;
	}
	for (int k = 0; k < got; k++)
		input(i, &i->buf[k]);
	/* a lone frame costs no second read(): the link is level-triggered.
	 * Two full bursts in a row ask for more */
	if (got < want)
		i->ask = got ? got : 1;
	else if (i->full)
		i->ask = want < BURST / 2 ? want * 2 : BURST;
	i->full = got == want;
}

/* ---- sending ---- */

static struct iface *iface_of(const struct netif *n)
{
	return n->state;
}

static struct iface *by_index(struct engine *e, unsigned index)
{
	struct iface *i = e->ifaces;

	while (i && netif_get_index(i->netif) != index)
		i = i->next;
	return i;
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
		if (!i->blocked) {
			i->blocked = true;
			loop_fd_mod(&i->w, EPOLLIN | EPOLLOUT);
		}
		return ERR_MEM;
	}
	return ERR_IF;
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
	struct iface *i = by_index(e, index);

	if (!i)
		return -ENXIO;
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

/* ---- bringing up ---- */

static err_t netif_init_cb(struct netif *n)
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

static void set_portif(struct iface *i, struct portif *p)
{
	bool l3 = i->link->caps & LINK_CAP_L3;

	p->mtu = i->portif.mtu;
	p->vnet = i->link->caps & LINK_CAP_VNET;
	p->out4 = l3 ? send_packet4 : NULL;
	p->out6 = l3 ? send_packet6 : NULL;
}

/* a locally administered address that is the same at each start */
static void default_mac(const struct iface *i, uint8_t mac[6])
{
	char seed[512], id[64] = "";
	uint64_t h = 0xcbf29ce484222325ull;	/* FNV-1a */
	FILE *f = fopen("/etc/machine-id", "re");

	if (f) {
		if (!fgets(id, sizeof(id), f))
			id[0] = '\0';
		fclose(f);
	}
	snprintf(seed, sizeof(seed), "%s|%u|%s|%s", id, (unsigned)getuid(), i->e->path, i->name);
	for (const char *c = seed; *c; c++)
		h = (h ^ (uint8_t)*c) * 0x100000001b3ull;
	for (int k = 0; k < 6; k++)
		mac[k] = (uint8_t)(h >> (8 * k));
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02);
}

static void choose_name(struct iface *i, const struct config_iface *c)
{
	const char *kind = !strncmp(c->link, "tap:", 4) ? "tap" :
		!strncmp(c->link, "tun:", 4) ? "tun" :
		!strncmp(c->link, "fd:", 3) ? "eth" : "vde";

	if (c->name[0]) {
		snprintf(i->name, sizeof(i->name), "%s", c->name);
		return;
	}
	for (unsigned k = 0; k < CONFIG_IFACES + 1; k++) {
		snprintf(i->name, sizeof(i->name), "%s%u", kind, k);
		if (!iface_index(i->e, i->name))
			return;
	}
}

static void add_route(const ip_addr_t *dst, unsigned plen, const ip_addr_t *gw,
		      const ip_addr_t *src, struct netif *n)
{
	struct route r = { .plen = (uint8_t)plen, .netif = n };

	ip_addr_copy(r.dst, *dst);
	if (gw)
		ip_addr_copy(r.gw, *gw);
	else
		ip_addr_copy(r.gw, *IP_ANY_TYPE);
	if (src)
		ip_addr_copy(r.src, *src);
	route_add(&r);
}

static int add_alias(struct iface *i, const ip4_addr_t *ip, const ip4_addr_t *mask)
{
	struct alias *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	set_portif(i, &a->portif);
	if (!netif_add(&a->netif, ip, mask, NULL, i, netif_init_cb, i->netif->input)) {
		free(a);
		return -ENOMEM;
	}
	portif_attach(&a->netif, &a->portif);
	a->next = i->aliases;
	i->aliases = a;
	netif_set_link_up(&a->netif);
	netif_set_up(&a->netif);
	return 0;
}

static int add_addr4(struct iface *i, const ip_addr_t *ip, unsigned len)
{
	ip4_addr_t mask;
	struct netif *n = i->netif;
	int r = 0;

	ip4_addr_set_u32(&mask, len ? lwip_htonl(0xffffffffu << (32 - len)) : 0);
	if (ip4_addr_isany_val(*netif_ip4_addr(n))) {
		netif_set_addr(n, ip_2_ip4(ip), &mask, IP4_ADDR_ANY4);
	} else {
		r = add_alias(i, ip_2_ip4(ip), &mask);
		if (r == 0)
			n = &i->aliases->netif;
	}
	if (r == 0)
		add_route(ip, len, NULL, ip, n);
	return r;
}

static int add_addr6(struct iface *i, ip_addr_t *ip, unsigned len)
{
	ip6_addr_assign_zone(ip_2_ip6(ip), IP6_UNICAST, i->netif);
	for (s8_t k = 1; k < LWIP_IPV6_NUM_ADDRESSES; k++) {
		if (!ip6_addr_isinvalid(netif_ip6_addr_state(i->netif, k)))
			continue;
		netif_ip6_addr_set(i->netif, k, ip_2_ip6(ip));
		/* usable at once: who configures it by hand vouches for it */
		netif_ip6_addr_set_state(i->netif, k, IP6_ADDR_PREFERRED);
		add_route(ip, len, NULL, ip, i->netif);
		return 0;
	}
	return -ENOSPC;
}

static int add_addresses(struct iface *i, const struct config_iface *c, char *err, size_t errlen)
{
	char str[ADDR_PREFIXSTRLEN];
	ip_addr_t ip, any4 = IPADDR4_INIT(0), any6 = IPADDR6_INIT(0, 0, 0, 0);

	netif_create_ip6_linklocal_address(i->netif, 1);
	netif_ip6_addr_set_state(i->netif, 0, IP6_ADDR_PREFERRED);
	for (unsigned k = 0; k < c->naddr; k++) {
		const struct addr_prefix *a = &c->addr[k];
		int r;

		ip_from_addr(&a->addr, &ip);
		r = a->addr.family == AF_INET ? add_addr4(i, &ip, a->len) : add_addr6(i, &ip, a->len);
		if (r < 0) {
			snprintf(err, errlen, "interface %s: cannot add address %s: %s", i->name,
				 addr_prefix_str(a, str),
				 r == -ENOSPC ? "too many IPv6 addresses (7 at most)" : strerror(-r));
			return r;
		}
	}
	if (c->has_gw4) {
		ip_from_addr(&c->gw4, &ip);
		add_route(&any4, 0, &ip, NULL, i->netif);
	}
	if (c->has_gw6) {
		ip_from_addr(&c->gw6, &ip);
		ip6_addr_assign_zone(ip_2_ip6(&ip), IP6_UNICAST, i->netif);
		add_route(&any6, 0, &ip, NULL, i->netif);
	}
	return 0;
}

/* DHCP gave or took an address: the route table follows */
static void on_status(struct netif *n)
{
	ip_addr_t any4 = IPADDR4_INIT(0), ip, gw;
	const ip4_addr_t *mask = netif_ip4_netmask(n);

	route_flush_netif(n);
	if (ip4_addr_isany_val(*netif_ip4_addr(n)))
		return;
	ip_addr_copy_from_ip4(ip, *netif_ip4_addr(n));
	add_route(&ip, (unsigned)__builtin_popcount(ip4_addr_get_u32(mask)), NULL, &ip, n);
	if (!ip4_addr_isany_val(*netif_ip4_gw(n))) {
		ip_addr_copy_from_ip4(gw, *netif_ip4_gw(n));
		add_route(&any4, 0, &gw, NULL, n);
	}
}

static void start_autoconf(struct iface *i, const struct config_iface *c)
{
	if (c->flags & (CONFIG_IF_RD | CONFIG_IF_SLAAC))
		netif_set_ip6_autoconfig_enabled(i->netif, 1);
	if (c->flags & CONFIG_IF_DHCP) {
		netif_set_status_callback(i->netif, on_status);
		dhcp_start(i->netif);
	}
	if (c->flags & CONFIG_IF_DHCP6)
		dhcp6_enable_stateless(i->netif);
}

static unsigned choose_mtu(const struct iface *i, const struct config_iface *c)
{
	return c->mtu ? c->mtu : i->link->mtu ? i->link->mtu : MTU_DEFAULT;
}

static void free_iface(struct iface *i)
{
	struct alias *a, *next;

	for (a = i->aliases; a; a = next) {
		next = a->next;
		route_flush_netif(&a->netif);
		netif_remove(&a->netif);
		free(a);
	}
	if (i->netif == &i->own) {
		route_flush_netif(i->netif);
		netif_remove(i->netif);
	}
	for (int k = 0; k < BURST; k++)
		if (i->buf[k].data)
			bufpool_put(container_of(i->buf[k].data, struct rxbuf, data));
	loop_fd_del(&i->w);
	if (i->link)
		link_close(i->link);
	free(i);
}

static void append(struct engine *e, struct iface *i)
{
	struct iface **p = &e->ifaces;

	while (*p)
		p = &(*p)->next;
	*p = i;
}

/* iface_add_lo() - Take lwIP's loop netif in as "lo"; it is up already */
int iface_add_lo(struct engine *e)
{
	struct iface *i = calloc(1, sizeof(*i));
	struct netif *n;

	if (!i)
		return -ENOMEM;
	NETIF_FOREACH(n)
		if (n->name[0] == 'l' && n->name[1] == 'o')
			break;
	i->e = e;
	i->netif = n;
	snprintf(i->name, sizeof(i->name), "lo");
	append(e, i);
	return 0;
}

/**
 * iface_add() - Open a link and bring an interface up on it
 * @c:		as configured
 * @err:	on failure: what cannot be done, and why
 *
 * Return: 0 or -errno
 */
int iface_add(struct engine *e, const struct config_iface *c, char *err, size_t errlen)
{
	struct iface *i;
	int r;

	if (c->name[0] && iface_index(e, c->name)) {
		snprintf(err, errlen, "interface %s: exists already; give each iface= its own name",
			 c->name);
		return -EEXIST;
	}
	i = calloc(1, sizeof(*i));
	if (!i)
		return -ENOMEM;
	i->e = e;
	i->ask = 1;
	r = link_open(c->link, &i->link, err, errlen);
	if (r < 0) {
		free(i);
		return r;
	}
	choose_name(i, c);
	if (c->has_mac)
		memcpy(i->mac, c->mac, 6);
	else
		default_mac(i, i->mac);
	i->portif.mtu = (uint16_t)choose_mtu(i, c);
	set_portif(i, &i->portif);
	i->netif = &i->own;
	netif_add(&i->own, NULL, NULL, NULL, i, netif_init_cb,
		  i->link->caps & LINK_CAP_L3 ? ip_input : ethernet_input);
	portif_attach(&i->own, &i->portif);
	append(e, i);
	netif_set_link_up(&i->own);
	netif_set_up(&i->own);
	r = add_addresses(i, c, err, errlen);
	if (r < 0)
		return r;
	start_autoconf(i, c);
	r = loop_fd_add(e->loop, &i->w, i->link->fd, EPOLLIN, on_link);
	if (r < 0)
		snprintf(err, errlen, "interface %s: cannot watch its link: %s", i->name, strerror(-r));
	return r;
}

/* iface_free_all() - Take every interface down and close its link */
void iface_free_all(struct engine *e)
{
	while (e->ifaces) {
		struct iface *i = e->ifaces;

		e->ifaces = i->next;
		free_iface(i);
	}
}

/* ---- questions ---- */

/* iface_of_address() - The interface that has this address, or NULL */
struct iface *iface_of_address(struct engine *e, const ip_addr_t *ip)
{
	for (struct iface *i = e->ifaces; i; i = i->next) {
		if (IP_IS_V6(ip)) {
			if (netif_get_ip6_addr_match(i->netif, ip_2_ip6(ip)) >= 0)
				return i;
			continue;
		}
		if (ip4_addr_cmp(netif_ip4_addr(i->netif), ip_2_ip4(ip)))
			return i;
		for (struct alias *a = i->aliases; a; a = a->next)
			if (ip4_addr_cmp(netif_ip4_addr(&a->netif), ip_2_ip4(ip)))
				return i;
	}
	return NULL;
}

/* iface_is_broadcast() - Is it the broadcast address of any interface? */
bool iface_is_broadcast(struct engine *e, const ip_addr_t *ip)
{
	struct netif *n;

	if (!IP_IS_V4(ip))
		return false;
	if (ip4_addr_get_u32(ip_2_ip4(ip)) == IPADDR_BROADCAST)
		return true;
	NETIF_FOREACH(n)
		if ((n->flags & NETIF_FLAG_BROADCAST) && !ip4_addr_isany_val(*netif_ip4_addr(n)) &&
		    ip4_addr_isbroadcast(ip_2_ip4(ip), n))
			return true;
	return false;
}

/* iface_fix_zone() - Give a link-local address without a zone the only
 * interface's there is beside lo */
void iface_fix_zone(struct engine *e, ip_addr_t *ip)
{
	const struct iface *only = NULL;

	if (!IP_IS_V6(ip) || !ip6_addr_lacks_zone(ip_2_ip6(ip), IP6_UNKNOWN))
		return;
	for (const struct iface *i = e->ifaces; i; i = i->next) {
		if (!i->link)
			continue;
		if (only)
			return;
		only = i;
	}
	if (only)
		ip6_addr_assign_zone(ip_2_ip6(ip), IP6_UNKNOWN, only->netif);
}

/* iface_index() - The index of a name, 0 if there is none */
unsigned iface_index(struct engine *e, const char *name)
{
	for (const struct iface *i = e->ifaces; i; i = i->next)
		if (!strcmp(i->name, name))
			return netif_get_index(i->netif);
	return 0;
}

/* iface_mtu() - The MTU of an index */
unsigned iface_mtu(struct engine *e, unsigned index)
{
	const struct iface *i = by_index(e, index);

	return !i ? 0 : i->link ? i->portif.mtu : LO_MTU;
}

/* iface_name() - The name of an index, "" if there is none */
void iface_name(struct engine *e, unsigned index, char name[16])
{
	const struct iface *i = by_index(e, index);

	snprintf(name, 16, "%s", i ? i->name : "");
}

/* iface_netif() - The netif of an index, or NULL */
struct netif *iface_netif(struct engine *e, unsigned index)
{
	const struct iface *i = by_index(e, index);

	return i ? i->netif : NULL;
}

/* iface_index_of() - The index under which applications know a netif, which
 * may be an alias */
unsigned iface_index_of(const struct netif *n)
{
	const struct iface *i = portif_of(n) ? iface_of(n) : NULL;

	return netif_get_index(i ? i->netif : n);
}

static void add_info(struct msg_ifinfo *out, const ip_addr_t *ip, unsigned len)
{
	if (out->naddr >= MSG_IFADDRS)
		return;
	ip_to_sockaddr(ip, &out->addr[out->naddr].addr);
	out->addr[out->naddr++].prefixlen = len;
}

static void add_info4(struct msg_ifinfo *out, const struct netif *n)
{
	ip_addr_t ip;

	if (ip4_addr_isany_val(*netif_ip4_addr(n)))
		return;
	ip_addr_copy_from_ip4(ip, *netif_ip4_addr(n));
	add_info(out, &ip, (unsigned)__builtin_popcount(ip4_addr_get_u32(netif_ip4_netmask(n))));
}

static unsigned prefixlen6(const struct iface *i, const ip_addr_t *ip)
{
	const struct route *r = route_lookup(NULL, ip);

	if (!i->link)
		return 128;
	return r && r->netif == i->netif && r->plen ? r->plen : 64;
}

static void info_addrs(struct iface *i, struct msg_ifinfo *out)
{
	add_info4(out, i->netif);
	for (struct alias *a = i->aliases; a; a = a->next)
		add_info4(out, &a->netif);
	for (int k = 1; k <= LWIP_IPV6_NUM_ADDRESSES; k++) {
		int slot = k % LWIP_IPV6_NUM_ADDRESSES;	/* link-local last, as ip(8) shows it */

		if (!ip6_addr_isinvalid(netif_ip6_addr_state(i->netif, slot)))
			add_info(out, netif_ip_addr6(i->netif, slot),
				 slot ? prefixlen6(i, netif_ip_addr6(i->netif, slot)) :
				 i->link ? 64 : 128);
	}
}

/* lo has no link that counts */
static void info_stats(const struct link_stats *from, struct msg_ifstats *to)
{
	*to = (struct msg_ifstats){
		.rx_packets = from->rx_frames, .rx_bytes = from->rx_bytes,
		.rx_dropped = from->rx_dropped, .tx_packets = from->tx_frames,
		.tx_bytes = from->tx_bytes, .tx_dropped = from->tx_dropped,
	};
}

/* engine_ifinfo() - The k-th interface; false past the end */
bool engine_ifinfo(const struct engine *e, unsigned k, struct msg_ifinfo *out)
{
	struct iface *i = e->ifaces;

	while (i && k--)
		i = i->next;
	if (!i)
		return false;
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", i->name);
	snprintf(out->spec, sizeof(out->spec), "%s", i->link ? i->link->spec : "");
	out->index = netif_get_index(i->netif);
	out->mtu = i->link ? i->portif.mtu : LO_MTU;
	memcpy(out->mac, i->mac, 6);
	out->offload = !i->link || i->link->caps & LINK_CAP_VNET;
	out->flags = netif_is_up(i->netif) ? IFF_UP : 0;
	if (!i->link)
		out->flags |= IFF_LOOPBACK | IFF_RUNNING;
	else if (netif_is_link_up(i->netif))
		out->flags |= IFF_RUNNING;
	if (i->netif->flags & NETIF_FLAG_BROADCAST)
		out->flags |= IFF_BROADCAST | IFF_MULTICAST;
	else if (i->link)
		out->flags |= IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST;
	info_addrs(i, out);
	if (i->link)
		info_stats(&i->link->stats, &out->stats);
	return true;
}
