/* lwIP's own test suites, unmodified: TCP out of sequence; apart, as it shares names */
#include "test/unit/tcp/test_tcp_oos.c"
