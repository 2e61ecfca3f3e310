/* port-util.h - one interface without a device, for the tests of lwip-port/
 *
 * An IP-level netif, 10.0.0.1/24 and fd00::1/64, that keeps what lwIP sends by
 * it; packets are injected by handing them to ip_input().
 */
#ifndef PORT_UTIL_H
#define PORT_UTIL_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/ip6.h"
#include "lwip/mld6.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/tcp.h"
#include "hooks.h"
#include "port.h"
#include "port_priv.h"

#define SENT_MAX	256

struct wire {
	struct netif netif;
	struct portif port;
	unsigned nsent;
	size_t len[SENT_MAX];
	uint8_t *data[SENT_MAX];
};

static inline void wire_keep(struct wire *w, struct pbuf *p)
{
	if (w->nsent == SENT_MAX)
		return;			/* the resets of a tear-down */
	w->data[w->nsent] = malloc(p->tot_len);
	assert_non_null(w->data[w->nsent]);
	w->len[w->nsent] = p->tot_len;
	pbuf_copy_partial(p, w->data[w->nsent], p->tot_len, 0);
	w->nsent++;
}

static inline void wire_clear(struct wire *w)
{
	while (w->nsent)
		free(w->data[--w->nsent]);
}

static inline err_t wire_out4(struct netif *n, struct pbuf *p, const ip4_addr_t *dst)
{
	wire_keep(n->state, p);
	return ERR_OK;
}

static inline err_t wire_out6(struct netif *n, struct pbuf *p, const ip6_addr_t *dst)
{
	wire_keep(n->state, p);
	return ERR_OK;
}

static inline err_t wire_init(struct netif *n)
{
	n->name[0] = 't';
	n->name[1] = 's';
	n->hwaddr_len = 6;
	n->output = port_output4;
	n->output_ip6 = port_output6;
	n->flags = NETIF_FLAG_LINK_UP | NETIF_FLAG_BROADCAST;
	return ERR_OK;
}

static inline void wire_assert(const char *msg, const char *file, int line)
{
	fprintf(stderr, "assertion \"%s\" at %s:%d\n", msg, file, line);
	abort();
}

static inline void wire_up(struct wire *w, const char *ip4, const char *ip6, bool vnet)
{
	ip4_addr_t a, m, g;
	ip6_addr_t a6;

	port_init();
	port_on_assert(wire_assert);
	memset(w, 0, sizeof(*w));
	w->port = (struct portif){ .mtu = 1500, .vnet = vnet,
				   .out4 = wire_out4, .out6 = wire_out6 };
	ip4addr_aton(ip4, &a);
	IP4_ADDR(&m, 255, 255, 255, 0);
	ip4_addr_set_zero(&g);
	netif_add(&w->netif, &a, &m, &g, w, wire_init, ip_input);
	portif_attach(&w->netif, &w->port);
	ip6addr_aton(ip6, &a6);
	netif_ip6_addr_set(&w->netif, 0, &a6);
	netif_ip6_addr_set_state(&w->netif, 0, IP6_ADDR_PREFERRED);
	netif_set_up(&w->netif);
	wire_clear(w);
}

static inline void wire_down(struct wire *w)
{
	wire_clear(w);
	route_flush_netif(&w->netif);
	netif_remove(&w->netif);
}

static inline ip_addr_t addr(const char *s)
{
	ip_addr_t a;

	assert_true(ipaddr_aton(s, &a));
	return a;
}

/* a TCP segment in IPv4 with a right checksum; @opt is padded by the caller */
static inline struct pbuf *segment4(const ip_addr_t *src, uint16_t sport,
				    const ip_addr_t *dst, uint16_t dport,
				    uint32_t seq, uint32_t ack, uint8_t flags, uint16_t wnd,
				    const void *opt, unsigned optlen,
				    const void *data, unsigned len)
{
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(40 + optlen + len), PBUF_RAM);
	struct ip_hdr *ip = p->payload;
	struct tcp_hdr *t = (struct tcp_hdr *)(ip + 1);

	memset(ip, 0, 40);
	IPH_VHL_SET(ip, 4, 5);
	IPH_LEN_SET(ip, lwip_htons(p->tot_len));
	IPH_TTL_SET(ip, 64);
	IPH_PROTO_SET(ip, IP_PROTO_TCP);
	ip4_addr_copy(ip->src, *ip_2_ip4(src));
	ip4_addr_copy(ip->dest, *ip_2_ip4(dst));
	IPH_CHKSUM_SET(ip, inet_chksum(ip, 20));
	t->src = lwip_htons(sport);
	t->dest = lwip_htons(dport);
	t->seqno = lwip_htonl(seq);
	t->ackno = lwip_htonl(ack);
	TCPH_HDRLEN_FLAGS_SET(t, (5 + optlen / 4), flags);
	t->wnd = lwip_htons(wnd);
	if (optlen)
		memcpy(t + 1, opt, optlen);
	if (len)
		memcpy((uint8_t *)(t + 1) + optlen, data, len);
	pbuf_remove_header(p, 20);
	t->chksum = ip_chksum_pseudo(p, IP_PROTO_TCP, p->tot_len, src, dst);
	pbuf_add_header(p, 20);
	return p;
}

/* the TCP header of a packet that was sent */
static inline struct tcp_hdr *sent_tcp4(struct wire *w, unsigned i)
{
	assert_true(i < w->nsent && w->len[i] >= 40);
	return (struct tcp_hdr *)(w->data[i] + 20);
}

#endif
