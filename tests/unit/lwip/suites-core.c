/* lwIP's own test suites, unmodified: core */
#include "test/unit/core/test_def.c"
#include "test/unit/core/test_mem.c"
#include "test/unit/core/test_netif.c"
#include "test/unit/core/test_pbuf.c"
