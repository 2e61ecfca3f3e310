/* lwIP's src/core/ipv6, unmodified */
#include "core/ipv6/ethip6.c"
#include "core/ipv6/icmp6.c"
#include "core/ipv6/inet6.c"
#include "core/ipv6/ip6.c"
#include "core/ipv6/ip6_addr.c"
#include "core/ipv6/ip6_frag.c"
#include "core/ipv6/mld6.c"
#include "core/ipv6/nd6.c"
