/* lwIP's src/core/ipv4, unmodified */
#include "core/ipv4/autoip.c"
#include "core/ipv4/etharp.c"
#include "core/ipv4/igmp.c"
#include "core/ipv4/ip4.c"
#include "core/ipv4/ip4_addr.c"
#include "core/ipv4/ip4_frag.c"
