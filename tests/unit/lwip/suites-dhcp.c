/* lwIP's own test suites, unmodified: DHCP; apart, as it shares names */
#include "test/unit/dhcp/test_dhcp.c"
