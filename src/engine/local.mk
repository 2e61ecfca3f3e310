noinst_LTLIBRARIES += libengine.la
libengine_la_SOURCES = \
	src/engine/engine.h src/engine/engine.c
libengine_la_CPPFLAGS = $(AM_CPPFLAGS) $(LWIP_CPPFLAGS)
libengine_la_LIBADD = liblink.la liblwipport.la libproto.la
