/* iface_priv.h - what the files of an interface share
 *
 * iface.c: life cycle; iface_io.c: frames; iface_addr.c: addresses and routes.
 */
#ifndef ENGINE_IFACE_PRIV_H
#define ENGINE_IFACE_PRIV_H

#include "base/loop.h"
#include "engine/iface.h"
#include "link/link.h"
#include "port.h"

#define IFACE_BURST	32		/* frames a wake-up, at most */

/* an IPv4 address: on the interface's own netif, or on an alias netif */
struct ifa4 {
	struct ifa4 *next;
	struct iface *i;
	struct iface_addr a;
	struct netif *n;		/* i->netif or &alias */
	struct netif alias;
	struct portif portif;
	struct loop_timer expiry;
};

struct autoconf;

struct iface {
	struct iface *next;
	struct engine *e;
	char name[16];
	struct link *link;		/* NULL: lo */
	struct loop_fd w;
	struct netif *netif;		/* &own, or lwIP's loop netif */
	struct netif own;
	struct portif portif;
	struct ifa4 *addr4;		/* primaries first, as Linux orders them */
	struct iface_addr addr6[LWIP_IPV6_NUM_ADDRESSES];	/* what lwIP does not keep of them */
	unsigned naddr4;
	struct autoconf *autoconf;	/* NULL: nobody but configuration and clients gives addresses */
	uint8_t mac[6];
	uint32_t txqlen;		/* kept, as Linux does for devices without a queue */
	int ask;			/* frames to read at the next wake-up */
	bool full;			/* the last one got as many as it asked for */
	struct link_buf buf[IFACE_BURST];
	struct loop_work work;		/* freeing */
	bool blocked;			/* a frame did not fit: waiting for EPOLLOUT */
};

static inline struct iface *iface_of(const struct netif *n)
{
	return n->state;
}

/* iface_io.c */
int iface_io_start(struct iface *i);
void iface_io_stop(struct iface *i);
err_t iface_netif_init(struct netif *n);
void iface_set_portif(struct iface *i, struct portif *p);

/* iface_addr.c */
void iface_add_gateway(const ip_addr_t *gw, struct netif *n, uint8_t protocol);
struct netif *iface_netif_of4(const struct iface *i, const ip_addr_t *local);
unsigned iface_count_netifs(void);
void iface_free_addresses(struct iface *i);
const struct iface_addr *iface_primary4(const struct iface *i, const struct iface_addr *a);
void iface_addresses_up(struct iface *i);
void iface_addresses_down(struct iface *i);
int iface_adopt_lo(struct iface *i);

#endif
