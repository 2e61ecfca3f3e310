EXTRA_DIST += tests/check-layers.sh
TESTS += tests/check-layers.sh

# other projects' suites: ./bootstrap suites fetches them
EXTRA_DIST += tests/suites/run tests/suites/libuv.sh tests/suites/redis.sh \
	tests/suites/socat.sh tests/suites/python.sh tests/suites/libuv.known \
	tests/suites/redis.known tests/suites/socat.known tests/suites/python.known
check-suites: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS=
	USTACK_BUILD=$(abs_builddir) $(srcdir)/tests/suites/run
.PHONY: check-suites
