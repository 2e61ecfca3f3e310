/* lwIP's icmp.c, unmodified; ours of these names, in guard_icmp.c, stand for them */
#define icmp_dest_unreach	lwip_icmp_dest_unreach
#define icmp_time_exceeded	lwip_icmp_time_exceeded
#define icmp_input		lwip_icmp_input
#include "core/ipv4/icmp.c"
