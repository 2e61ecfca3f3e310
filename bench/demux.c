/* demux.c - what it costs to give a segment to its connection
 *
 * Injects pure ACKs for random connections among 100, 10,000 and 100,000, and
 * new SYNs, into lwIP with our port; no device, no kernel.  One line for each:
 * connections, ns a segment, ns a SYN (with the SYN-ACK), us a timer tick with
 * all of them active, and with the idle ones parked, ns a segment for one that
 * is parked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/tcp.h"
#include "pcbtable.h"
#include "port.h"

#define LOCAL	PP_HTONL(0x0a000001)
#define REMOTE	0x0a800000u		/* 10.128.0.0 and on: 60,000 ports each */
#define ROUNDS	1000000

static struct netif nif;
static struct portif port = { .mtu = 1500 };

static err_t out4(struct netif *n, struct pbuf *p, const ip4_addr_t *dst)
{
	return ERR_OK;
}

static err_t nif_init(struct netif *n)
{
	n->name[0] = 'b';
	n->name[1] = 'm';
	n->output = out4;
	n->flags = NETIF_FLAG_LINK_UP | NETIF_FLAG_BROADCAST;
	return ERR_OK;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* connection number @i as its peer's address and port */
static void peer(unsigned i, ip_addr_t *ip, uint16_t *rport)
{
	ip_addr_set_ip4_u32(ip, lwip_htonl(REMOTE + i / 60000));
	*rport = (uint16_t)(1024 + i % 60000);
}

static void inject(unsigned i, uint8_t flags)
{
	struct pbuf *p = pbuf_alloc(PBUF_RAW, 40, PBUF_RAM);
	struct ip_hdr *ip = p->payload;
	struct tcp_hdr *t = (struct tcp_hdr *)(ip + 1);
	ip_addr_t r;
	uint16_t rport;

	peer(i, &r, &rport);
	memset(ip, 0, 40);
	IPH_VHL_SET(ip, 4, 5);
	IPH_LEN_SET(ip, PP_HTONS(40));
	IPH_PROTO_SET(ip, IP_PROTO_TCP);
	ip4_addr_copy(ip->src, *ip_2_ip4(&r));
	ip->dest.addr = LOCAL;
	t->src = lwip_htons(rport);
	t->dest = PP_HTONS(80);
	t->seqno = PP_HTONL(1000);
	TCPH_HDRLEN_FLAGS_SET(t, 5, flags);
	t->wnd = 0xffff;
	ip_input(p, &nif);
}

static void add(unsigned i)
{
	struct tcp_pcb *pcb = tcp_new();

	if (!pcb)
		abort();
	ip_addr_set_ip4_u32(&pcb->local_ip, LOCAL);
	pcb->local_port = 80;
	peer(i, &pcb->remote_ip, &pcb->remote_port);
	pcb->state = ESTABLISHED;
	pcb->rcv_nxt = 1000;
	pcbtable_reg(&tcp_active_pcbs, pcb);
}

static err_t accept_none(void *arg, struct tcp_pcb *pcb, err_t err)
{
	return ERR_OK;
}

int main(void)
{
	static const unsigned counts[] = { 100, 10000, 100000 };
	struct tcp_pcb *l;
	ip4_addr_t a, m, g;
	unsigned c, i, have = 0;
	double t, seg, syn, tick, parked, wake;

	port_init();
	a.addr = LOCAL;
	IP4_ADDR(&m, 255, 0, 0, 0);
	ip4_addr_set_zero(&g);
	netif_add(&nif, &a, &m, &g, NULL, nif_init, ip_input);
	portif_attach(&nif, &port);
	NETIF_SET_CHECKSUM_CTRL(&nif, 0);	/* the demultiplexer alone */
	netif_set_up(&nif);
	l = tcp_new();
	ip_addr_set_ip4_u32(&l->local_ip, LOCAL);
	l->local_port = 80;
	l = tcp_listen(l);
	tcp_accept(l, accept_none);
	printf("connections  ns/segment  ns/SYN  us/tick  parked  ns/wake\n");
	for (c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		for (; have < counts[c]; have++)
			add(have);
		t = now();
		for (i = 0; i < ROUNDS; i++)
			inject((unsigned)(((uint64_t)i * 2654435761u) % have), TCP_ACK);
		seg = (now() - t) / ROUNDS;
		t = now();
		for (i = 0; i < 10000; i++)
			inject(10000000 + i, TCP_SYN);
		syn = (now() - t) / 10000;
		while (tcp_active_pcbs->state == SYN_RCVD)
			tcp_abort(tcp_active_pcbs);
		t = now();
		for (i = 0; i < 20; i++)
			port_tcp_tick();
		tick = (now() - t) / 20e3;
		port_tcp_parking = true;
		for (i = 0; i < 5000 / PORT_TICK_MS; i++)
			port_tcp_tick();
		t = now();
		for (i = 0; i < 20; i++)
			port_tcp_tick();
		parked = (now() - t) / 20e3;
		t = now();
		for (i = 0; i < have; i++)
			inject(i, TCP_ACK);
		wake = (now() - t) / have;
		port_tcp_parking = false;
		printf("%11u  %10.0f  %6.0f  %7.0f  %6.0f  %7.0f\n", have, seg, syn, tick, parked, wake);
	}
	return 0;
}
