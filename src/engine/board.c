/* board.c - show clients what becomes of their datagrams
 *
 * Theory of operation
 * The board lies in a memfd that is sealed before any client gets it: nobody
 * can map it to write, or make it shorter, any more; our own mapping, made before,
 * writes on (F_SEAL_FUTURE_WRITE, Linux 5.1).  Where that is not to be had, the
 * board is private memory, and clients do without.
 *
 * Whoever changes a link, an address or a route tells rtnl_*_changed(), and these
 * board_changed(): the board is right before the change is acknowledged.  As some
 * tell it shortly before it is so, it is looked at once more before the loop
 * sleeps.  What makes the ways follows dgram_route() and route_source(); what it
 * is not sure of, it leaves to be asked.
 */
#include "engine/board.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/rtnetlink.h>
#include <sys/mman.h>
#include "engine/iface.h"
#include "engine/iface_priv.h"
#include "engine/priv.h"
#include "lwip/ip6.h"
#include "lwip/netif.h"
#include "port.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE	0x0010
#endif

static bool usable(const struct netif *n)
{
	return netif_is_up(n) && netif_is_link_up(n);
}

static const void *bytes(const ip_addr_t *ip)
{
	return IP_IS_V6(ip) ? (const void *)ip_2_ip6(ip)->addr : &ip_2_ip4(ip)->addr;
}

static void add4(struct board_ways *w, uint32_t net, unsigned plen, enum board_way way)
{
	board_add(w, BOARD_IP4, &net, plen, way);
}

/* group_netif() of route.c, for a datagram whose source is not chosen yet */
static bool reaches_groups(void)
{
	struct netif *n;

	NETIF_FOREACH(n)
		if (usable(n) && n->flags & NETIF_FLAG_BROADCAST &&
		    !ip4_addr_isany_val(*netif_ip4_addr(n)))
			return true;
	return false;
}

/* iface_is_broadcast() */
static void add_broadcasts(struct board_ways *w)
{
	struct netif *n;

	add4(w, IPADDR_BROADCAST, 32, reaches_groups() ? BOARD_BROADCAST : BOARD_ASK);
	NETIF_FOREACH(n)
		if (n->flags & NETIF_FLAG_BROADCAST && !ip4_addr_isany_val(*netif_ip4_addr(n)) &&
		    ip4_addr_get_u32(netif_ip4_netmask(n)) != IPADDR_BROADCAST)
			add4(w, ip4_addr_get_u32(netif_ip4_addr(n)) | ~ip4_addr_get_u32(netif_ip4_netmask(n)),
			     32, usable(n) ? BOARD_BROADCAST : BOARD_ASK);
}

static void add_own4(struct board_ways *w)
{
	struct netif *n;

	NETIF_FOREACH(n)
		if (netif_is_up(n) && !ip4_addr_isany_val(*netif_ip4_addr(n)))
			add4(w, ip4_addr_get_u32(netif_ip4_addr(n)), 32, BOARD_SELF);
	add4(w, PP_HTONL(IPADDR_LOOPBACK), 8, BOARD_SELF);
	add4(w, IPADDR_ANY, 32, BOARD_SELF);
	add4(w, PP_HTONL(0xe0000000u), 4, reaches_groups() ? BOARD_FINE : BOARD_ASK);
}

static void add6(struct board_ways *w, const ip_addr_t *ip, unsigned plen, enum board_way way)
{
	board_add(w, BOARD_IP6, ip_2_ip6(ip)->addr, plen, way);
}

/* addresses that are good only with a link are for the daemon to find one */
static void add_own6(struct board_ways *w)
{
	ip_addr_t ip;
	struct netif *n;

	IP_ADDR6(&ip, PP_HTONL(0xfe800000u), 0, 0, 0);
	add6(w, &ip, 10, BOARD_ASK);
	IP_ADDR6(&ip, PP_HTONL(0xff000000u), 0, 0, 0);
	add6(w, &ip, 8, BOARD_ASK);
	NETIF_FOREACH(n)
		for (int k = 0; netif_is_up(n) && k < LWIP_IPV6_NUM_ADDRESSES; k++)
			if (ip6_addr_isvalid(netif_ip6_addr_state(n, k)) &&
			    !ip6_addr_islinklocal(netif_ip6_addr(n, k)))
				add6(w, netif_ip_addr6(n, k), 128, BOARD_SELF);
	ip_loopback(true, &ip);
	add6(w, &ip, 128, BOARD_SELF);
	IP_ADDR6(&ip, 0, 0, 0, 0);
	add6(w, &ip, 128, BOARD_SELF);
}

static bool has_source(const struct route *r)
{
	if (!ip_addr_isany(&r->src))
		return true;
	if (IP_IS_V4_VAL(r->dst))
		return !ip4_addr_isany_val(*netif_ip4_addr(r->netif));
	return ip6_select_source_address(r->netif, ip_2_ip6(&r->dst)) != NULL;
}

/* route_lookup(): the first one that matches and whose interface is up */
static bool add_route(const struct route *r, void *arg)
{
	unsigned family = IP_IS_V6_VAL(r->dst) ? BOARD_IP6 : BOARD_IP4;
	struct board_ways *w = arg;
	bool rejects = r->type == RTN_BLACKHOLE || r->type == RTN_UNREACHABLE ||
		       r->type == RTN_PROHIBIT;

	if (w->n[family] == BOARD_PREFIXES)
		return family == BOARD_IP4;	/* IPv6's come yet */
	if (usable(r->netif))
		board_add(w, family, bytes(&r->dst), r->plen,
			  !rejects && has_source(r) ? BOARD_FINE : BOARD_ASK);
	return true;
}

static bool has_address6(struct netif *n)
{
	for (int k = 0; k < LWIP_IPV6_NUM_ADDRESSES; k++)
		if (ip6_addr_isvalid(netif_ip6_addr_state(n, k)))
			return true;
	return false;
}

static void add_ifaces(struct engine *e, struct board_ways *w)
{
	w->mtu = UINT16_MAX;
	for (const struct iface *i = e->ifaces; i; i = i->next) {
		unsigned index = netif_get_index(i->netif);
		uint32_t bit = 1u << index % 32;

		if (iface_mtu_of(i) < w->mtu)
			w->mtu = iface_mtu_of(i);
		w->index[BOARD_IP4][index / 32] |= bit;
		if (has_address6(i->netif))
			w->index[BOARD_IP6][index / 32] |= bit;
	}
}

static void publish(struct engine *e)
{
	struct board_ways w;

	memset(&w, 0, sizeof(w));
	add_broadcasts(&w);
	add_own4(&w);
	add_own6(&w);
	route_foreach(add_route, &w);
	add_ifaces(e, &w);
	board_publish(e->board, &w);
}

/* board_changed() - A link, an address or a route is, or is about to be, another */
void board_changed(struct engine *e)
{
	publish(e);
	e->board_stale = true;
}

/* board_settle() - The loop is about to sleep: what was about to be, is so */
void board_settle(struct engine *e)
{
	if (!e->board_stale)
		return;
	e->board_stale = false;
	publish(e);
}

static int make_shared(struct engine *e)
{
	int fd = memfd_create("ustack board", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *p;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(*e->board)) < 0)
		goto fail;
	p = mmap(NULL, sizeof(*e->board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		goto fail;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW |
				   F_SEAL_SEAL) < 0) {
		munmap(p, sizeof(*e->board));
		goto fail;
	}
	e->board = p;
	e->board_fd = fd;
	return 0;
fail:
	close(fd);
	return -EINVAL;
}

/* board_open() - A board that says nothing yet: 0 or -ENOMEM */
int board_open(struct engine *e)
{
	e->board_fd = -1;
	if (make_shared(e) < 0)
		e->board = calloc(1, sizeof(*e->board));
	if (!e->board)
		return -ENOMEM;
	board_init(e->board);
	return 0;
}

/* board_close() - Clients that have it mapped keep what it said last */
void board_close(struct engine *e)
{
	if (!e->board)
		return;
	if (e->board_fd < 0) {
		free(e->board);
	} else {
		munmap(e->board, sizeof(*e->board));
		close(e->board_fd);
	}
	e->board = NULL;
}

/* engine_board() - The board's descriptor, to be shown to clients; -1: there is none */
int engine_board(const struct engine *e)
{
	return e->board_fd;
}
