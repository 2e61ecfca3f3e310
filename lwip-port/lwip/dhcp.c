/* lwIP's dhcp.c, unmodified */
#include "core/ipv4/dhcp.c"
