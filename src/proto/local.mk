noinst_LTLIBRARIES += libproto.la
libproto_la_SOURCES = \
	src/proto/board.c src/proto/board.h \
	src/proto/config.c src/proto/config.h \
	src/proto/dgram.h \
	src/proto/family.c src/proto/family.h \
	src/proto/filter.h \
	src/proto/msg.c src/proto/msg.h \
	src/proto/packet.c src/proto/packet.h \
	src/proto/sockname.c src/proto/sockname.h \
	src/proto/stackname.c src/proto/stackname.h \
	src/proto/userconf.c src/proto/userconf.h
libproto_la_LIBADD = libbase.la

if HAVE_CMOCKA
proto_tests = \
	tests/unit/proto-board \
	tests/unit/proto-config \
	tests/unit/proto-msg \
	tests/unit/proto-names
check_PROGRAMS += $(proto_tests)
TESTS += $(proto_tests)
tests_unit_proto_board_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_proto_board_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_proto_board_LDADD = libproto.la $(CMOCKA_LIBS)
tests_unit_proto_config_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_proto_config_LDADD = libproto.la $(CMOCKA_LIBS)
tests_unit_proto_msg_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_proto_msg_LDADD = libproto.la $(CMOCKA_LIBS)
tests_unit_proto_names_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_proto_names_LDADD = libproto.la $(CMOCKA_LIBS)
endif
