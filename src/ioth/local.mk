# libioth's plug-in: the -r in its name tells that one copy serves many stacks
iothdir = $(libdir)/ioth
ioth_LTLIBRARIES = ioth_ustack-r.la
ioth_ustack_r_la_SOURCES = src/ioth/contract.h src/ioth/ioth_ustack.c
ioth_ustack_r_la_LIBADD = libustackapi.la
ioth_ustack_r_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -Wl,-z,defs -Wl,--as-needed

if HAVE_CMOCKA
# loads a shared library with AddressSanitizer only into programs that have it, too
if !SANITIZERS
check_PROGRAMS += tests/unit/ioth-plugin
TESTS += tests/unit/ioth-plugin
ioth_test_cppflags = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) \
	-DPLUGIN=\"$(abs_top_builddir)/.libs/ioth_ustack-r.so\" \
	-DSHIM=\"$(abs_top_builddir)/.libs/libustack.so\" \
	-DDAEMON=\"$(abs_top_builddir)/ustackd\"
tests_unit_ioth_plugin_CPPFLAGS = $(ioth_test_cppflags)
tests_unit_ioth_plugin_LDADD = $(CMOCKA_LIBS) -ldl -lpthread
if HAVE_NLINLINE
check_PROGRAMS += tests/unit/ioth-nlinline
TESTS += tests/unit/ioth-nlinline
tests_unit_ioth_nlinline_CPPFLAGS = $(ioth_test_cppflags)
tests_unit_ioth_nlinline_LDADD = $(CMOCKA_LIBS) -ldl
endif
endif
endif
