/* sock_dgram.h - what UDP, ping and raw sockets share */
#ifndef ENGINE_SOCK_DGRAM_H
#define ENGINE_SOCK_DGRAM_H

#include "engine/burst.h"
#include "engine/sock.h"
#include "lwip/pbuf.h"
#include "port.h"
#include "proto/dgram.h"

struct portset;
struct raw_pcb;
struct netif;
struct membership;

struct dgram_sock {
	struct sock s;			/* first */
	struct raw_pcb *raw;		/* raw sockets only */
	struct membership *groups;	/* multicast */
	struct ipopt *options;		/* IP_OPTIONS, or NULL */
	struct dgram_sock *raw_next, **raw_pprev;	/* raw sockets: e->raws */
	uint32_t icmp_filter;		/* ICMP_FILTER: types not wanted */
	uint32_t icmp6_filter[8];	/* ICMP6_FILTER: the same, 256 bits */
	int checksum_at;		/* IPV6_CHECKSUM: offset, or -1 */
	unsigned sticky_if;		/* IPV6_PKTINFO of all that is sent: interface, */
	ip_addr_t sticky_src;		/* and source address; zero: none */
	bool rd_shut, wr_shut;
	struct burst burst;		/* of what the application wrote */
	/* in e->erred, or NULL: an error may wait in the pair; counted on the board */
	struct dgram_sock *erred_next, **erred_pprev;
	bool deaf;			/* the peer is a port of ours that nobody has: so, too */
	struct cork *cork;		/* UDP: a datagram that grows (MSG_MORE, UDP_CORK) */
	uint64_t drops;			/* the application was too slow */
};

static inline struct dgram_sock *dgram(struct sock *s)
{
	return (struct dgram_sock *)s;
}

/* what was given beside the datagram that is being sent (e->once) */
struct dgram_once {
	bool has_options;		/* IP_RETOPTS */
	struct ipopt options;
	ip_addr_t last;			/* with a source route: where it leads to */
};

/* what the packet being delivered says beside its data */
struct dgram_info {
	struct endpoint from, to;
	unsigned ifindex;
	uint8_t ttl, tos;
	uint16_t segment;		/* several datagrams of UDP, of so many bytes; 0: one */
	uint64_t stamp_ns;		/* CLOCK_REALTIME */
};

/* send one datagram that the application wrote: 0 or errno (positive), which
 * the application then gets as an error record */
typedef int dgram_send_fn(struct sock *s, const struct dgram_hdr *h, uint8_t *data, size_t len);

int dgram_open(struct sock *s);
void dgram_event(struct sock *s, uint32_t events, dgram_send_fn *send);
/* what the ICMP message quotes of the datagram, from where the socket's data begin */
struct dgram_quote {
	const uint8_t *data;
	size_t len;
};
void dgram_error(struct sock *s, int err, const struct endpoint *peer,
		 const struct dgram_hdr *icmp, const struct dgram_quote *quote);

int dgram_route(struct sock *s, const struct dgram_hdr *h, struct endpoint *to,
		ip_addr_t *src, struct netif **n);
size_t dgram_headers(const struct sock *s, const ip_addr_t *to);
int dgram_fits(const struct sock *s, const struct netif *n, const ip_addr_t *to, size_t len);
struct pbuf *dgram_pbuf(const struct sock *s, const ip_addr_t *to, const uint8_t *data, size_t len);
int dgram_dest(struct sock *s, const struct dgram_hdr *h, struct endpoint *to);
int dgram_connect(struct sock *s, const struct msg_addr *to, struct portset *ports);
int dgram_setopt(struct sock *s, int level, int name, const void *val, uint32_t len);
int dgram_getopt(struct sock *s, int level, int name, void *val, uint32_t *len);
void dgram_destroy(struct sock *s);
int dgram_outlook(struct sock *s, const struct msg_outlook *q, struct msg_verdict *v);
void dgram_set_deaf(struct sock *s, bool deaf);
void dgram_look_at_erred(struct engine *e);
int dgram_shutdown(struct sock *s, int how);
uint8_t dgram_ttl(const struct sock *s, const struct dgram_hdr *h, const ip_addr_t *to);
uint8_t dgram_tos(const struct sock *s, const struct dgram_hdr *h, const ip_addr_t *to);
bool dgram_loops(const struct sock *s, const ip_addr_t *to, const struct netif *n);
bool dgram_wants(const struct sock *s, const struct dgram_info *info);
int errno_of_lwip(err_t err);

/* dgram_rx.c */
uint64_t dgram_now(void);
int dgram_put(struct dgram_sock *ds, struct iovec *iov, int cnt);
void dgram_info_current(struct dgram_info *info, uint16_t sport, uint16_t dport);
void dgram_deliver(struct sock *s, const struct dgram_info *info, const struct pbuf *p,
		   unsigned skip);

/* dgram_options.c */
const struct ipopt *dgram_options(const struct sock *s, const ip_addr_t *to);
int dgram_take_ctl(struct sock *s, const uint8_t *b, size_t len);
bool dgram_wants_ctl(const struct sock *s);
size_t dgram_put_ctl(const struct sock *s, uint8_t *to);
int dgram_set_options(struct sock *s, const void *val, uint32_t len);
void dgram_get_options(const struct sock *s, void *val, uint32_t *len);

/* multicast.c */
int multicast_setopt(struct sock *s, int level, int name, const void *val, uint32_t len);
int multicast_getopt(struct sock *s, int level, int name, void *val, uint32_t *len);
void multicast_leave_all(struct sock *s);
bool multicast_wants(const struct sock *s, const ip_addr_t *group, const ip_addr_t *src,
		     unsigned ifindex);
void multicast_forget_netif(struct engine *e, const struct netif *n);

/* udplite.c: what UDP-Lite (RFC 3828) has of its own */
int udplite_coverage(struct pbuf *p, unsigned hlen);
bool udplite_takes(const struct sock *s, int coverage);
err_t udplite_output(struct sock *s, struct pbuf *p, const struct endpoint *to, uint8_t hops,
		     uint8_t tos, struct netif *n, const ip_addr_t *src);

/* sock_udp.c, icmp.c: the taps into lwIP's input */
int udp_open_input(struct engine *e);
void udp_close_input(struct engine *e);
static inline bool is_udplite(const struct sock *s)
{
	return s->ops == &sock_udp_ops && s->protocol == IPPROTO_UDPLITE;
}
struct portset *udp_ports(struct engine *e, int protocol);
void udp_icmp_error(struct engine *e, int protocol, const struct endpoint *local,
		    const struct endpoint *remote, const struct dgram_hdr *err, bool hard,
		    const struct dgram_quote *quote);
/* sock_raw.c: what lwIP's raw PCBs cannot tell raw sockets */
void raw_offer(struct engine *e, const struct pbuf *p, int protocol);
void raw_icmp_error(struct engine *e, uint8_t proto, const struct endpoint *local,
		    const struct endpoint *remote, const struct dgram_hdr *err, bool hard,
		    const struct dgram_quote *packet, unsigned hlen);
int icmp_open_input(struct engine *e);
void icmp_close_input(struct engine *e);

#endif
