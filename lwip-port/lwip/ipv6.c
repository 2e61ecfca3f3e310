/* lwIP's src/core/ipv6, unmodified
 *
 * Pools are malloc()ed, so nothing but this bounds the packets that wait for a
 * neighbour: mempool.c counts them.
 */
#include "lwip/memp.h"
#include "mempool.h"
#define memp_malloc(type)	port_memp_malloc(type)
#define memp_free(type, mem)	port_memp_free((type), (mem))
#include "core/ipv6/ethip6.c"
#include "core/ipv6/icmp6.c"
#include "core/ipv6/inet6.c"
#include "core/ipv6/ip6.c"
#include "core/ipv6/ip6_addr.c"
#include "core/ipv6/ip6_frag.c"
#include "core/ipv6/mld6.c"
#include "core/ipv6/nd6.c"
