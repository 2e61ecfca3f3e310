/* lwIP's own test suites, unmodified: TCP */
#include "test/unit/tcp/tcp_helper.c"
#include "test/unit/tcp/test_tcp.c"
