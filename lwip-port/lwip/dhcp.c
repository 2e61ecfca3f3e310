/* lwIP's dhcp.c, unmodified; since 2.2 with address conflict detection */
#if __has_include("core/ipv4/acd.c")
#include "core/ipv4/acd.c"
#endif
#include "core/ipv4/dhcp.c"
