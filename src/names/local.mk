noinst_LTLIBRARIES += libnames.la
libnames_la_SOURCES = \
	src/names/addrinfo.c \
	src/names/cares.h \
	src/names/conf.c \
	src/names/dns.c \
	src/names/dnsparse.c \
	src/names/hostent.c \
	src/names/hosts.c \
	src/names/lookup.c \
	src/names/nameinfo.c \
	src/names/names.h \
	src/names/search.c \
	src/names/sort.c
libnames_la_CPPFLAGS = $(AM_CPPFLAGS) $(CARES_CFLAGS)
libnames_la_LIBADD = libclient.la -lresolv

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/names-lookup
TESTS += tests/unit/names-lookup
tests_unit_names_lookup_SOURCES = tests/unit/names-lookup.c src/client/sys.c
tests_unit_names_lookup_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_names_lookup_LDADD = libnames.la $(CMOCKA_LIBS) -ldl -lpthread
endif
