/* sockopt.h - the options that a socket only has to remember
 *
 * One table in sockopt.c maps (level, name) to a member here, with range and
 * the kinds of socket that know it; what takes more than remembering is done
 * by the kind's opt_changed(), setopt() or getopt().
 */
#ifndef ENGINE_SOCKOPT_H
#define ENGINE_SOCKOPT_H

#include <stdint.h>
#include <sys/socket.h>

struct sock;

struct sockopt {
	/* SOL_SOCKET */
	int reuseaddr, reuseport, keepalive, broadcast, oobinline, dontroute;
	int sndbuf, rcvbuf;		/* as Linux shows them: doubled */
	int sndbuf_set, rcvbuf_set;	/* by the application: they limit what is on the way */
	int priority, mark, timestamp, timestampns, rcvlowat, no_check;
	int bindtodevice;		/* interface index, 0: any */
	int rxq_ovfl, busy_poll, prefer_busy_poll, incoming_cpu, debug;	/* but for the first: hints */
	struct linger linger;
	/* IPPROTO_IP, IPPROTO_IPV6 */
	int ttl, tos, hops, tclass, v6only;	/* ttl, hops: -1 = default */
	int recvopts, retopts, recvhopopts, recvdstopts, recvrthdr, recvflow;
	int alert;			/* IP_ROUTER_ALERT: of raw sockets */
	int min_ttl, min_hops;		/* of streams: segments with less are dropped */
	int bind_no_port, freebind, transparent, origdst, origdst6;
	int recvttl, recvtos, pktinfo, recverr, hdrincl, mtu_discover;
	int mcast_ttl, mcast_loop, mcast_if;
	int recvhops, recvtclass, recvpktinfo6, recverr6, mtu_discover6;
	int mcast_hops, mcast_loop6, mcast_if6;
	int mcast_all, mcast_all6, dontfrag6;
	int frag6;			/* IPV6_MTU: larger packets go in fragments, 0: the link's */
	int unicast_if, unicast_if6;	/* as the application gave it: network byte order */
	/* IPPROTO_TCP */
	int nodelay, cork, keepidle, keepintvl, keepcnt, user_timeout, syncnt;
	int maxseg, defer_accept, quickack, linger2, thin;
	int inq;			/* the client gives it; a listener's child begins without */
	int fastopen, fastopen_connect;	/* remembered: no peer gives us a cookie */
	int congestion;			/* a number of the port's */
	/* IPPROTO_UDP */
	int udp_cork, udp_segment, udp_gro;
	int udplite_send, udplite_recv;	/* coverage of the checksum; -1: never set */
};

void sockopt_init(struct sockopt *o, int domain, int type);

#endif
