/* lwipopts.h - the geometry that lwIP's own unit tests are written for
 *
 * Our options with what those tests count on: small segments and windows,
 * pools whose use they check, no DNS timer.  Features and hooks stay ours.
 */
#ifndef TEST_LWIPOPTS_H
#define TEST_LWIPOPTS_H

#include "../../../lwip-port/lwipopts.h"

#define LWIP_TESTMODE		1

/* pools and a heap that the tests account for */
#undef MEM_LIBC_MALLOC
#undef MEMP_MEM_MALLOC
#undef MEM_STATS
#undef MEMP_STATS
#undef PBUF_POOL_BUFSIZE
#define MEM_LIBC_MALLOC		0
#define MEMP_MEM_MALLOC		0
#define MEM_STATS		1
#define MEMP_STATS		1
#define MEM_SIZE		16000
#define PBUF_POOL_SIZE		400
#define MEMP_NUM_TCP_SEG	TCP_SND_QUEUELEN
#define MEMP_NUM_SYS_TIMEOUT	(LWIP_NUM_SYS_TIMEOUT_INTERNAL + 8)
#define LWIP_MEM_ILLEGAL_FREE(msg)	/* the tests look at the counter */

/* small segments and windows */
#undef TCP_MSS
#undef TCP_WND
#undef TCP_SND_BUF
#undef TCP_SND_QUEUELEN
#undef TCP_SNDLOWAT
#undef TCP_SNDQUEUELOWAT
#undef TCP_RCV_SCALE
#undef TCP_OVERSIZE
#undef TCP_WND_UPDATE_THRESHOLD
#undef TCP_TMR_INTERVAL
#undef TCP_OOSEQ_MAX_BYTES
#undef TCP_OOSEQ_MAX_PBUFS
#undef LWIP_TCP_RTO_TIME
#undef TCP_MSL
#undef TCP_MAXRTX
#undef TCP_SYNMAXRTX
#define TCP_MSS			536
#define TCP_SND_QUEUELEN	40
#define TCP_SND_BUF		(12 * TCP_MSS)
#define TCP_WND			(10 * TCP_MSS)
#define TCP_RCV_SCALE		0
#define LWIP_TCP_RTO_TIME	3000

#undef LWIP_IPV6_SEND_ROUTER_SOLICIT	/* a suite counts them */
#define LWIP_IPV6_SEND_ROUTER_SOLICIT	1
#undef SO_REUSE_RXTOALL		/* a suite expects one receiver */
#undef ARP_TABLE_SIZE
#undef ARP_QUEUE_LEN

/* one more client datum for the mDNS responder that one suite tests */
#undef LWIP_NUM_NETIF_CLIENT_DATA
#define LWIP_MDNS_RESPONDER	1
#define LWIP_NUM_NETIF_CLIENT_DATA	2

#endif
