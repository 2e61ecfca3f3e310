/* lwIP's src/netif that we use, unmodified */
#include "netif/ethernet.c"
#include "netif/bridgeif.c"
#include "netif/bridgeif_fdb.c"
