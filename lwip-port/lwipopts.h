/* lwipopts.h - how lwIP is built for ustack, with the reason for each choice
 *
 * Memory comes from libc, so no pool bounds anything.  What bounds each thing
 * that a peer or a client could make grow is named where its option stands;
 * "engine" means the limits of src/engine.
 */
#ifndef LWIP_HDR_LWIPOPTS_H
#define LWIP_HDR_LWIPOPTS_H

/* --- the world around lwIP: one thread, one loop, no operating system layer */
#define NO_SYS				1
#define SYS_LIGHTWEIGHT_PROT		0	/* no other thread, no interrupts */
#define LWIP_SOCKET			0	/* sockets are the engine's */
#define LWIP_NETCONN			0
#define LWIP_NETIF_API			0
#define LWIP_TIMERS			1	/* ARP, ND, DHCP, IGMP, reassembly; TCP's is ours */
#define LWIP_STATS			1	/* ustack stat reads them; counters only */
#define LWIP_STATS_LARGE		1	/* 16-bit counters wrap in a second */
#define MEM_STATS			0
#define MEMP_STATS			0
#define MIB2_STATS			1	/* /proc/net/snmp's figures */

/* --- memory */
#define MEM_LIBC_MALLOC			1	/* the best allocator at hand, and ASan sees it */
#define MEMP_MEM_MALLOC			1
#define MEM_ALIGNMENT			8
#define LWIP_SUPPORT_CUSTOM_PBUF	1	/* receive buffers of the links */
#define LWIP_PBUF_REF_T			u16_t	/* the default u8_t overflows with many readers */
#define LWIP_NETIF_TX_SINGLE_PBUF	0	/* links gather */
#define PBUF_POOL_BUFSIZE		1600	/* one MTU of 1500 in one piece */
/* bounded: sockets and connections by the engine (LIMIT_*), segments by
 * TCP_SND_QUEUELEN and TCP_WND a connection, the rest below */

/* --- interfaces */
#define LWIP_SINGLE_NETIF		0
#define LWIP_NUM_NETIF_CLIENT_DATA	1	/* struct portif */
#define LWIP_NETIF_LOOPBACK		1	/* own addresses are reachable */
#define LWIP_HAVE_LOOPIF		1	/* lo with 127.0.0.1 and ::1 */
#define LWIP_LOOPBACK_MAX_PBUFS		8192	/* bound: packets waiting on lo */
#define LWIP_NETIF_STATUS_CALLBACK	1
#define LWIP_NETIF_LINK_CALLBACK	1
#define LWIP_NETIF_EXT_STATUS_CALLBACK	1	/* address changes for rtnetlink */
#define LWIP_NETIF_HWADDRHINT		1	/* ARP/ND entry cached in the pcb */
#define LWIP_CHECKSUM_CTRL_PER_NETIF	1	/* vnet links offload */
#define ETH_PAD_SIZE			0
#define ARP_TABLE_SIZE			127	/* bound; s8_t indices in lwIP */
#define ARP_QUEUEING			1	/* more than one datagram survives resolution */
#define ARP_QUEUE_LEN			16	/* bound an entry */
#define ETHARP_SUPPORT_STATIC_ENTRIES	1	/* ip neigh add ... permanent */
#define ETHARP_TABLE_MATCH_NETIF	1	/* the same address on two links */
#define ETHARP_SUPPORT_VLAN		0

/* --- IPv4 */
#define LWIP_IPV4			1
#define IP_FORWARD			0	/* forward.c does it */
#define IP_OPTIONS_ALLOWED		1	/* ipopt.c acts upon them */
#define IP_REASSEMBLY			1
#define IP_FRAG				1
#define IP_REASS_MAX_PBUFS		1024	/* bound: all fragments waiting, v4 and v6 */
#define IP_DEFAULT_TTL			64	/* as Linux (RFC 1700); RSTs and ICMP too */
#define LWIP_ICMP6_HL			64	/* echo replies and errors; ND has its own 255 */
#define IP_REASS_MAXAGE			15	/* seconds */
#define IP_SOF_BROADCAST		1	/* EACCES unless SO_BROADCAST */
#define IP_SOF_BROADCAST_RECV		0	/* Linux receives them always */
#define LWIP_ICMP			1
#define LWIP_BROADCAST_PING		0
#define LWIP_MULTICAST_PING		0
#define LWIP_RAW			1	/* ping, ICMP errors for sockets, UDP demux */
#define LWIP_IGMP			1
#define LWIP_MULTICAST_TX_OPTIONS	1	/* IP_MULTICAST_TTL, _IF, _LOOP */
#define LWIP_DHCP			0	/* ours: src/engine/dhcp4.c says why */
#define LWIP_IP_ACCEPT_UDP_PORT(port)	((port) == PP_HTONS(68))	/* its answers come before the address */
#define LWIP_AUTOIP			0
#define LWIP_DNS			0	/* programs ask themselves: src/names */

/* --- IPv6 */
#define LWIP_IPV6			1
#define LWIP_IPV6_FORWARD		0	/* forward.c does it */
#define LWIP_IPV6_NUM_ADDRESSES		16	/* bound an interface: several prefixes, each with temporary ones */
#define LWIP_IPV6_FRAG			1
#define LWIP_IPV6_REASS			1	/* ours is in front of it: reass6.c */
#define IPV6_FRAG_COPYHEADER		1	/* its helper does not fit the header on 64 bit */
#define LWIP_IPV6_MLD			1
#define LWIP_IPV6_AUTOCONFIG		0	/* ours: src/engine/ra.c, slaac.c */
#define LWIP_IPV6_ADDRESS_LIFETIMES	1	/* lwIP counts them down */
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS	1	/* RFC 4862 */
#define LWIP_IPV6_SEND_ROUTER_SOLICIT	0
#define LWIP_IPV6_DHCP6			0	/* ours: src/engine/dhcp6.c */
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS	0
#define LWIP_ND6_ALLOW_RA_UPDATES	0	/* netif->mtu may be 0 on purpose (vnet) */
#define LWIP_ND6_NUM_NEIGHBORS		127	/* bound; s8_t indices */
#define LWIP_ND6_NUM_DESTINATIONS	127	/* bound; nd6_tmr() counts them in an s8_t: more hangs it */
#define LWIP_ND6_NUM_PREFIXES		16
#define LWIP_ND6_NUM_ROUTERS		8
#define LWIP_ND6_QUEUEING		1
#define MEMP_NUM_ND6_QUEUE		128	/* bound, all neighbours: mempool.c */

/* --- UDP */
#define LWIP_UDP			1
#define LWIP_UDPLITE			0
#define LWIP_NETBUF_RECVINFO		1	/* destination address: IP_PKTINFO */

/* --- TCP */
#define LWIP_TCP			1
#define LWIP_CALLBACK_API		1
#define TCP_MSS				65400	/* TSO segments; SYNs carry the wire's MSS */
#define LWIP_DISABLE_TCP_SANITY_CHECKS	1	/* they compare with TCP_MSS, which is not the wire's */
#define TCP_CALCULATE_EFF_SEND_MSS	1
#define TCP_WND				(4 * 1024 * 1024)	/* bound a connection, receiving */
#define LWIP_WND_SCALE			1
#define TCP_RCV_SCALE			8	/* up to 16 MB; 4 MB in steps of 256 */
#define TCP_SND_BUF			(4 * 1024 * 1024)	/* bound a connection, sending */
#define TCP_SND_QUEUELEN		0xfff0	/* u16_t's end: bytes bound it, not pbufs */
#define TCP_SNDLOWAT			(TCP_SND_BUF / 2)
#define TCP_SNDQUEUELOWAT		(TCP_SND_QUEUELEN / 2)
#define TCP_OVERSIZE			0	/* the engine writes whole segments */
#define TCP_WND_UPDATE_THRESHOLD	(128 * 1024)
#define TCP_QUEUE_OOSEQ			1
#define TCP_OOSEQ_MAX_BYTES		TCP_WND	/* bounds a connection */
#define TCP_OOSEQ_MAX_PBUFS		4096	/* and against one-byte segments */
#define LWIP_TCP_SACK_OUT		1
#define LWIP_TCP_MAX_SACK_NUM		3	/* what fits beside timestamps */
#define LWIP_TCP_TIMESTAMPS		1
#define LWIP_TCP_KEEPALIVE		1	/* TCP_KEEPIDLE etc. */
#define TCP_TMR_INTERVAL		25	/* fast timer; the slow one is 50 ms */
#define LWIP_TCP_RTO_TIME		1000	/* RFC 6298 */
#define TCP_SYNMAXRTX			6	/* 127 s with the back-off of port_tcp_tick() */
#define TCP_MAXRTX			12	/* the most lwIP can; some 2.5 minutes from an RTO of 200 ms */
#define TCP_MSL				15000	/* TIME_WAIT of 30 s: 120 s piles up */
#define TCP_LISTEN_BACKLOG		0	/* its u8_t is too small; the engine counts */
#define TCP_DEFAULT_LISTEN_BACKLOG	0xff
#define LWIP_TCP_PCB_NUM_EXT_ARGS	2	/* 0: pcbtable's node; 1: the engine's */
#define SO_REUSE			1	/* specific listener before ANY */
#define SO_REUSE_RXTOALL		1	/* multicast to all sockets */
#define LWIP_CHECKSUM_ON_COPY		0	/* memcpy and LWIP_CHKSUM are faster apart */

/* --- ours */
#define LWIP_CHKSUM			port_chksum
#define LWIP_HOOK_FILENAME		"hooks.h"
#define LWIP_HOOK_IP4_ROUTE_SRC		route_hook4	/* here: ip4.h asks for it everywhere */

/* --- debugging: TCP_DEBUG stays off, it walks all pcbs on every segment */
#define LWIP_DBG_TYPES_ON		LWIP_DBG_OFF

#endif
