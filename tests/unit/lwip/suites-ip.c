/* lwIP's own test suites, unmodified: IPv4, IPv6 */
#include "test/unit/ip4/test_ip4.c"
#include "test/unit/ip6/test_ip6.c"
