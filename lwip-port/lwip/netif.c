/* lwIP's src/netif that we use, unmodified */
/* ours, in guard_l2.c, calls it */
#define ethernet_input lwip_ethernet_input
#include "netif/ethernet.c"
#undef ethernet_input
#include "netif/bridgeif.c"
#include "netif/bridgeif_fdb.c"
