/* lwIP's own test suites, unmodified: ARP; apart, as it shares names */
#include "test/unit/etharp/test_etharp.c"
