/* iface_priv.h - what the files of an interface share
 *
 * iface.c: life cycle; iface_io.c: frames; iface_addr.c: addresses and routes;
 * iface_stack.c: which stands on which; vlan.c, bridge.c: kinds without a link of
 * their own outside.
 */
#ifndef ENGINE_IFACE_PRIV_H
#define ENGINE_IFACE_PRIV_H

#include "base/loop.h"
#include "engine/burst.h"
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
	uint8_t addrgen;		/* IN6_ADDR_GEN_MODE_* */
	uint32_t txqlen;		/* kept, as Linux does for devices without a queue */
	struct burst burst;		/* frames a wake-up */
	struct link_buf buf[IFACE_BURST];
	struct link_stats lo;		/* lo's figures: lwIP's, which have 32 bits, summed up */
	uint32_t lo_seen[3];
	struct loop_work work;		/* freeing */
	bool blocked;			/* a frame did not fit: waiting for EPOLLOUT */
	bool lost;			/* the link is gone for good */
	struct iface *peer;		/* veth: the other end, if it is in this stack */
	struct iface *lower;		/* vlan: what it stands on */
	uint16_t vid, tpid;		/* vlan: its id, and the tag's Ethernet type */
	unsigned nvlan;			/* vlans that stand on this one */
	struct bridge *bridge;		/* this is a bridge */
	struct iface *master;		/* the bridge that this is a port of */
};

static inline struct iface *iface_of(const struct netif *n)
{
	return n->state;
}

/* iface.c */
uint64_t iface_stable_hash(const struct iface *i, const char *what);

/* iface_io.c */
int iface_io_start(struct iface *i);
void iface_wait_writable(struct iface *i);
void iface_io_stop(struct iface *i);
err_t iface_netif_init(struct netif *n);
void iface_set_portif(struct iface *i, struct portif *p);
void iface_input(struct iface *i, struct pbuf *p, const struct virtio_net_hdr *v);
void iface_input_from(struct iface *i, struct pbuf *p, const struct virtio_net_hdr *v);
void iface_deliver(struct iface *i, struct pbuf *p, const struct virtio_net_hdr *v);
int iface_send_raw(struct iface *i, const struct iovec *iov, int cnt,
		   const struct virtio_net_hdr *v);

/* iface.c */
int iface_attach(struct engine *e, struct link *l, const struct config_iface *c,
		 struct iface **out, char *err, size_t errlen);

/* iface_stack.c */
#define IFACE_NESTED	8		/* vlans and bridges on top of each other, as in Linux */
unsigned iface_depth(const struct iface *i);
bool iface_stands_on(const struct iface *i, const struct iface *on);
void iface_update_carrier(struct iface *i);
void iface_follow_lower(struct iface *i, bool up);
void iface_follow_mtu(struct iface *i);
void iface_unstack(struct iface *i);
int iface_add_pair(struct engine *e, const struct config_iface c[2], struct iface *out[2],
		   char *err, size_t errlen);

/* vlan.c */
#define VLAN_HLEN	4
int vlan_add(struct engine *e, const struct config_iface *c, struct iface *lower, uint16_t vid,
	     uint16_t tpid, struct iface **out, char *err, size_t errlen);
bool vlan_input(struct iface *lower, struct pbuf **p, struct virtio_net_hdr *v);

/* bridge.c */
#define BRIDGE_FDB_MAX	4096		/* entries a bridge; more are not learned */
struct bridge_entry {
	struct bridge_entry *next;
	struct iface *port;		/* the bridge's own interface: its own address */
	uint64_t seen;			/* loop_now() of the last frame from there */
	uint8_t mac[6];
	uint16_t state;			/* NUD_PERMANENT: ours, or NUD_NOARP: neither ages nor
					 * moves; NUD_REACHABLE */
};
typedef void bridge_visit(struct iface *br, const struct bridge_entry *x, void *arg);

int bridge_add(struct engine *e, const struct config_iface *c, struct iface **out,
	       char *err, size_t errlen);
int bridge_add_port(struct iface *br, struct iface *port);
void bridge_del_port(struct iface *port);
void bridge_input(struct iface *port, struct pbuf *p, const struct virtio_net_hdr *v);
int bridge_fdb_add(struct iface *port, const uint8_t mac[6], uint16_t state, unsigned nlflags);
int bridge_fdb_del(struct iface *port, const uint8_t mac[6]);
void bridge_fdb_each(struct iface *br, bridge_visit *fn, void *arg);
void bridge_fdb_flush(struct iface *br);
unsigned bridge_ageing(const struct iface *br);		/* seconds; 0: never */
void bridge_set_ageing(struct iface *br, unsigned seconds);

/* iface_query.c */
const struct link_stats *iface_stats(struct iface *i);
/* ifa_proto: <linux/if_addr.h> has these since 5.18 */
#define IFAPROT_LO	1
#define IFAPROT_RA	2
#define IFAPROT_LL	3

/* iface_addr6.c */
void iface_addr6_init(void);
int iface_addr6_add(struct iface *i, const struct iface_addr *a);
int iface_addr6_replace(struct iface *i, const struct iface_addr *a);
int iface_addr6_del(struct iface *i, const struct iface_addr *a, bool any_plen);
void iface_addr6_each(struct iface *i, iface_addr_visit *fn, void *arg);
void iface_addr6_view(struct iface *i, int k, struct iface_addr *out);
void iface_addr6_up(struct iface *i);
void iface_addr6_down(struct iface *i);

/* iface_addr.c */
void iface_add_prefix_route(const struct iface *i, const struct iface_addr *a, struct netif *n);
void iface_del_prefix_route(const struct iface_addr *a, struct netif *n);
void iface_add_gateway(const ip_addr_t *gw, struct netif *n, uint8_t protocol);
struct netif *iface_netif_of4(const struct iface *i, const ip_addr_t *local);
unsigned iface_count_netifs(void);
void iface_free_addresses(struct iface *i);
const struct iface_addr *iface_primary4(const struct iface *i, const struct iface_addr *a);
void iface_addresses_up(struct iface *i);
void iface_addresses_down(struct iface *i);
int iface_adopt_lo(struct iface *i);

#endif
