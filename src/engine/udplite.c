/* udplite.c - what UDP-Lite (RFC 3828) has of its own: the coverage of its checksum
 *
 * Theory of operation
 * A UDP-Lite socket is one of sock_udp.c with another protocol number and a port
 * table of its own.  In the header the length is replaced by how many bytes the
 * checksum covers, 0 meaning all; the checksum is never left out, and no link
 * computes it for us.  What a socket asks for (UDPLITE_SEND_CSCOV, _RECV_CSCOV) is -1
 * until it is set: then everything is covered, and everything accepted.
 *
 * lwIP would send it by its UDP, but leaves the checksum to links that can do UDP's,
 * and writes 0 where Linux writes the length: so the header is made here, and goes out
 * through the raw PCB that takes the packets in.
 */
#include <errno.h>
#include <string.h>
#include <netinet/in.h>
#include "engine/priv.h"
#include "engine/sock_dgram.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/prot/udp.h"
#include "lwip/raw.h"

#define COVERAGE_MIN	UDP_HLEN	/* the header always is (RFC 3828 3.1) */

/**
 * udplite_coverage() - How much of a packet does its checksum vouch for?
 * @p:		the packet that lwIP is handing up, from the IP header on
 * @hlen:	length of that
 *
 * Return: bytes from UDP-Lite's header on; 0: all; -EINVAL: drop it, the coverage
 * or the checksum is wrong
 */
int udplite_coverage(struct pbuf *p, unsigned hlen)
{
	unsigned len = p->tot_len - hlen, covered;
	struct udp_hdr uh;
	u16_t sum;

	if (pbuf_copy_partial(p, &uh, sizeof(uh), (u16_t)hlen) != sizeof(uh) || !uh.chksum)
		return -EINVAL;
	covered = lwip_ntohs(uh.len);
	if (covered && (covered < COVERAGE_MIN || covered > len))
		return -EINVAL;
	pbuf_remove_header(p, hlen);
	sum = ip_chksum_pseudo_partial(p, IP_PROTO_UDPLITE, (u16_t)len,
				       (u16_t)(covered ? covered : len),
				       ip_current_src_addr(), ip_current_dest_addr());
	pbuf_add_header_force(p, hlen);
	if (sum)
		return -EINVAL;
	return covered < len ? (int)covered : 0;
}

/* udplite_takes() - Is a packet covered as far as the socket wants it to be?  One that
 * is covered as a whole (0) always is: it may be shorter than what is asked for */
bool udplite_takes(const struct sock *s, int coverage)
{
	int want = s->o.udplite_recv;

	return !coverage || want < 0 || (want && coverage >= want);
}

/* the header in front of the data */
static void put_header(const struct sock *s, struct pbuf *p, uint16_t dport,
		       const ip_addr_t *to, const ip_addr_t *src)
{
	u16_t covered = p->tot_len;
	struct udp_hdr uh = {
		.src = lwip_htons(s->local.port), .dest = lwip_htons(dport),
		.len = lwip_htons(p->tot_len),
	};

	if (s->o.udplite_send >= 0 && s->o.udplite_send < p->tot_len) {
		uh.len = lwip_htons((u16_t)s->o.udplite_send);
		if (s->o.udplite_send)
			covered = (u16_t)s->o.udplite_send;
	}
	memcpy(p->payload, &uh, sizeof(uh));
	uh.chksum = ip_chksum_pseudo_partial(p, IP_PROTO_UDPLITE, p->tot_len, covered, src, to);
	if (!uh.chksum)
		uh.chksum = 0xffff;
	memcpy(p->payload, &uh, sizeof(uh));
}

/**
 * udplite_output() - Send a datagram
 * @p:		its data, with room in front; stays the caller's
 * @hops, @tos:	for the IP header
 *
 * Return: lwIP's error
 */
err_t udplite_output(struct sock *s, struct pbuf *p, const struct endpoint *to, uint8_t hops,
		     uint8_t tos, struct netif *n, const ip_addr_t *src)
{
	struct raw_pcb *pcb = s->e->udplite_in;

	if (pbuf_add_header(p, UDP_HLEN))
		return ERR_BUF;
	put_header(s, p, to->port, &to->ip, src);
	pcb->ttl = hops;
	raw_set_multicast_ttl(pcb, hops);
	pcb->tos = tos;
	ip_set_option(pcb, SOF_BROADCAST);
	if (dgram_loops(s, &to->ip, n))
		raw_set_flags(pcb, RAW_FLAGS_MULTICAST_LOOP);
	else
		raw_clear_flags(pcb, RAW_FLAGS_MULTICAST_LOOP);
	s->e->udplite.out++;
	return raw_sendto_if_src(pcb, p, &to->ip, n, src);
}
