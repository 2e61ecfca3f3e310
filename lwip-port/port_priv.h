/* port_priv.h - what the files of lwip-port/ share with each other and with
 * their unit tests; the engine uses port.h only */
#ifndef LWIP_PORT_PORT_PRIV_H
#define LWIP_PORT_PORT_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/virtio_net.h>
#include "lwip/icmp.h"
#include "lwip/ip_addr.h"
#include "lwip/prot/ip6.h"
#include "lwip/tcp.h"
#include "siphash.h"

void port_key(struct siphash_key *key);
struct tcp_pcb *port_condemned(void);

/* what the wrappers of ethernet.c and ip.c rename; see guard_l2.c */
err_t lwip_ethernet_input(struct pbuf *p, struct netif *n);
err_t lwip_ip_input(struct pbuf *p, struct netif *n);

/* tcpglue.c */
struct netif *port_pcb_netif(const struct tcp_pcb *pcb);
uint32_t port_tcp_initial_window(unsigned mss);
void port_tell_engine(struct tcp_pcb *pcb);
/* urgent.c */
struct pcbnode;
struct tcp_hdr;
void urgent_mark(struct pcbnode *node, struct tcp_hdr *hdr, uint32_t len);
void urgent_seen(struct tcp_pcb *pcb, const struct tcp_hdr *hdr, uint32_t len);
/* tcpinfo.c */
void port_tcp_lower_mss(struct tcp_pcb *pcb);
/* offload.c: a packet of a connection of ours, about to go to IP */
void port_tcp_mark_df(const struct pbuf *p);

/* guard_ip.c and offload.c, for the wrapper core.c */
u8_t port_ip6_protocol(const struct ip6_hdr *h);
err_t port_looped_input(struct pbuf *p, struct netif *n);
/* guard_icmp.c, for the wrappers ipv4.c and ipv6.c: packets whose next hop did not answer */
void port_unresolved4(struct pbuf *p);
bool port_is_own4(const ip4_addr_t *a);
void port_unresolved6(struct pbuf *p, struct netif *out);
/* an error about a packet of anybody's to its source; @word: the second one of
 * its header (MTU, gateway), host order; @n: the link that link-local addresses
 * belong to */
void port_icmp4_error(const struct pbuf *p, unsigned type, unsigned code, uint32_t word);
void port_icmp6_error(const struct pbuf *p, struct netif *n, unsigned type, unsigned code,
		      uint32_t word);

/* paths.c */
void path_seen(const ip_addr_t *peer, uint32_t us);
uint32_t path_rtt(const ip_addr_t *peer);

/* groups.c, for the wrappers ipv4.c and ipv6.c, and theirs for it */
uint32_t port_groups_rand(void);
bool port_igmp_waits(void);
bool port_mld_waits(void);

/* forward.c, for guard_ip.c */
int port_forward4(struct pbuf *p, struct netif *inp);
void port_forward6(struct pbuf *p, struct netif *inp);

/* segment.c: a frame that stands for several packets */
struct port_gso {
	bool v6;
	uint8_t proto;			/* TCP or UDP */
	unsigned l4, hlen, end;		/* offsets: transport's header; the data; their end */
	unsigned size;			/* data bytes a packet */
};
bool port_gso_find(struct port_gso *g, const struct pbuf *p, unsigned l3,
		   const struct virtio_net_hdr *v);

/* meta.c: what came with the packet at hand */
struct port_meta {
	struct virtio_net_hdr v;	/* offsets from the IP header on */
	bool gso, partial;		/* merged; its checksum unfinished */
	unsigned unit;			/* the largest packet that it becomes on a wire */
};
void port_meta_in(const struct netif *n, const struct virtio_net_hdr *v);
void port_meta_forget(void);
bool port_meta_read(struct port_meta *m, const struct pbuf *p, const struct netif *inp,
		    unsigned l4);
void port_meta_leaves(const struct pbuf *p, const struct virtio_net_hdr *v);
bool port_meta_leaving(const struct pbuf *p);
bool port_meta_out(const struct pbuf *p, unsigned l3, struct virtio_net_hdr *v);

/* offload.c: in fragments, whatever it is: ERR_OK, ... */
err_t port_fragment4(struct pbuf *p, struct netif *n, const ip4_addr_t *dst);

/* ipopt.c: what the wrapper core.c calls in place of ip4_output_if_src(), ip4_output_if() */
err_t port_ip4_output_udp(struct pbuf *p, const ip4_addr_t *src, const ip4_addr_t *dest, u8_t ttl,
			  u8_t tos, u8_t proto, struct netif *n);
err_t port_ip4_output_raw(struct pbuf *p, const ip4_addr_t *src, const ip4_addr_t *dest, u8_t ttl,
			  u8_t tos, u8_t proto, struct netif *n);
/* for guard_icmp.c */
void port_echo_options(void);
/* what the wrapper icmp.c renames */
void lwip_icmp_input(struct pbuf *p, struct netif *inp);

/* guard_nd6.c, for the wrapper ipv6.c */
void port_nd6_input(struct pbuf *p, struct netif *inp);

/* what the wrapper of tcp_out.c renames, and what that of core.c calls instead
 * of tcp_netif_ip_addr_changed(); see tcpglue.c */
err_t lwip_tcp_write(struct tcp_pcb *pcb, const void *data, u16_t len, u8_t flags);
err_t lwip_tcp_send_fin(struct tcp_pcb *pcb);
err_t lwip_tcp_output(struct tcp_pcb *pcb);
void port_tcp_addr_changed(const ip_addr_t *old, const ip_addr_t *new);

/* a connection's addresses and ports as hash input, without padding holes */
struct tuple {
	uint16_t lport, rport;
	uint32_t addr[8];
};

static inline size_t tuple_fill(struct tuple *t, const ip_addr_t *local, uint16_t lport,
				const ip_addr_t *remote, uint16_t rport)
{
	t->lport = lport;
	t->rport = rport;
	if (!IP_IS_V6(remote)) {
		t->addr[0] = ip4_addr_get_u32(ip_2_ip4(local));
		t->addr[1] = ip4_addr_get_u32(ip_2_ip4(remote));
		return offsetof(struct tuple, addr) + 8;
	}
	memcpy(t->addr, ip_2_ip6(local)->addr, 16);
	memcpy(t->addr + 4, ip_2_ip6(remote)->addr, 16);
	return offsetof(struct tuple, addr) + 32;
}

uint32_t port_isn_at(const struct siphash_key *key, uint64_t us,
		     const ip_addr_t *local, uint16_t lport,
		     const ip_addr_t *remote, uint16_t rport);

#endif
