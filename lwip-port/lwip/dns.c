/* lwIP's dns.c, unmodified: apart from core.c, whose names it shares */
#include "core/dns.c"
