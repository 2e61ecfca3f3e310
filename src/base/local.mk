noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES = \
	src/base/addr.h src/base/addr.c \
	src/base/fdio.h src/base/fdio.c src/base/hash.h \
	src/base/log.h src/base/log.c \
	src/base/loop.h src/base/loop.c \
	src/base/timer_heap.h src/base/timer_heap.c

if HAVE_CMOCKA
base_tests = \
	tests/unit/base-addr \
	tests/unit/base-fdio \
	tests/unit/base-log \
	tests/unit/base-loop
check_PROGRAMS += $(base_tests)
TESTS += $(base_tests)
base_test_ldadd = libbase.la $(CMOCKA_LIBS)
tests_unit_base_addr_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_base_addr_LDADD = $(base_test_ldadd)
tests_unit_base_fdio_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_base_fdio_LDADD = $(base_test_ldadd)
tests_unit_base_log_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_base_log_LDADD = $(base_test_ldadd)
tests_unit_base_loop_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_base_loop_LDADD = $(base_test_ldadd)
endif
