/* lwIP's own test suites, unmodified: UDP; apart, as it shares names */
#include "test/unit/udp/test_udp.c"
