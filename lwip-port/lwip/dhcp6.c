/* lwIP's dhcp6.c, unmodified: apart from dhcp.c, whose names it shares */
#include "core/ipv6/dhcp6.c"
