noinst_LTLIBRARIES += liblink.la
liblink_la_SOURCES = \
	src/link/link.h src/link/kind.h src/link/link.c \
	src/link/tuntap.c \
	src/link/fd.c \
	src/link/dummy.c \
	src/link/impair.c \
	src/link/veth.c \
	src/link/vde.c src/link/vde_open.c src/link/vde_open.h
liblink_la_LIBADD = libbase.la $(VDEPLUG_LIBS) -lpthread

if HAVE_CMOCKA
link_tests = \
	tests/unit/link-fd \
	tests/unit/link-impair \
	tests/unit/link-tuntap \
	tests/unit/link-veth
check_PROGRAMS += $(link_tests) tests/unit/link-vde
# libvdeplug's RTLD_DEEPBIND aborts under AddressSanitizer
if !SANITIZERS
link_tests += tests/unit/link-vde
endif
TESTS += $(link_tests)
link_test_ldadd = liblink.la $(CMOCKA_LIBS)
tests_unit_link_fd_SOURCES = tests/unit/link-fd.c tests/unit/link-test.h
tests_unit_link_fd_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_link_fd_LDADD = $(link_test_ldadd)
tests_unit_link_impair_SOURCES = tests/unit/link-impair.c
tests_unit_link_impair_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_link_impair_LDADD = $(link_test_ldadd)
tests_unit_link_tuntap_SOURCES = tests/unit/link-tuntap.c tests/unit/link-test.h
tests_unit_link_tuntap_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_link_tuntap_LDADD = $(link_test_ldadd)
tests_unit_link_veth_SOURCES = tests/unit/link-veth.c tests/unit/link-test.h
tests_unit_link_veth_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_link_veth_LDADD = $(link_test_ldadd)
tests_unit_link_vde_SOURCES = tests/unit/link-vde.c tests/unit/link-test.h
tests_unit_link_vde_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_link_vde_LDADD = $(link_test_ldadd)
endif
