noinst_LTLIBRARIES += libproto.la
libproto_la_SOURCES = \
	src/proto/config.c src/proto/config.h \
	src/proto/dgram.h \
	src/proto/msg.c src/proto/msg.h \
	src/proto/sockname.c src/proto/sockname.h \
	src/proto/stackname.c src/proto/stackname.h
libproto_la_LIBADD = libbase.la
