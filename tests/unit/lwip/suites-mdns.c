/* lwIP's own test suites, unmodified: names, which its mDNS responder tests */
#include "apps/mdns/mdns.c"
#include "test/unit/mdns/test_mdns.c"
