client_sources = \
	src/client/board.c \
	src/client/client.h \
	src/client/conn.c \
	src/client/connect.c \
	src/client/dgram.c src/client/dgram_cmsg.c src/client/dgram_cmsg.h \
	src/client/dgram_poll.c \
	src/client/ifset.c src/client/ifset.h \
	src/client/info.c \
	src/client/revive.c \
	src/client/io.c \
	src/client/memory.c src/client/memory.h \
	src/client/netlink.c \
	src/client/nlquery.c src/client/nlquery.h \
	src/client/outlook.c \
	src/client/packet.c \
	src/client/proc.c \
	src/client/ring.c \
	src/client/socket.c \
	src/client/sockopt.c \
	src/client/start.c \
	src/client/stream.c \
	src/client/sys.h \
	src/client/tag.c

# all but sys.c, which the shim compiles in a way of its own
noinst_LTLIBRARIES += libclient.la
libclient_la_SOURCES = $(client_sources)
libclient_la_CPPFLAGS = $(AM_CPPFLAGS)
libclient_la_LIBADD = libproto.la

lib_LTLIBRARIES += libustackapi.la
libustackapi_la_SOURCES = include/ustack.h src/client/api.c src/client/sys.c
libustackapi_la_CPPFLAGS = $(AM_CPPFLAGS)
libustackapi_la_LIBADD = libclient.la -ldl -lpthread
libustackapi_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -Wl,-Bsymbolic -Wl,-z,nodelete

pkgconfig_DATA = src/client/ustack.pc

if HAVE_CMOCKA
client_tests = tests/unit/client-api tests/unit/client-kernel tests/unit/client-outlook
check_PROGRAMS += $(client_tests)
TESTS += $(client_tests)
tests_unit_client_api_SOURCES = tests/unit/client-api.c \
	tests/unit/fake-stack.c tests/unit/fake-stack.h
tests_unit_client_api_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_client_api_LDADD = libustackapi.la libproto.la $(CMOCKA_LIBS)
tests_unit_client_kernel_SOURCES = tests/unit/client-kernel.c src/client/sys.c
tests_unit_client_kernel_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_client_kernel_LDADD = libclient.la $(CMOCKA_LIBS) -ldl -lpthread
tests_unit_client_outlook_SOURCES = tests/unit/client-outlook.c src/client/sys.c \
	tests/unit/fake-stack.c tests/unit/fake-stack.h
tests_unit_client_outlook_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_client_outlook_LDADD = libclient.la $(CMOCKA_LIBS) -ldl -lpthread
endif

dist_man_MANS += man/ustack.3
