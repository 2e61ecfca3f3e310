# everything but main(), so that unit tests can link it against an engine of their own
noinst_LTLIBRARIES += libdaemon.la
libdaemon_la_SOURCES = \
	src/daemon/ctlsock.c src/daemon/ctlsock.h \
	src/daemon/options.c src/daemon/options.h \
	src/daemon/ready.c src/daemon/ready.h \
	src/daemon/request.c \
	src/daemon/session.c src/daemon/session.h \
	src/daemon/users.c
libdaemon_la_LIBADD = libproto.la

sbin_PROGRAMS += ustackd
ustackd_SOURCES = src/daemon/main.c
ustackd_LDADD = libdaemon.la libengine.la

systemdunitdir = $(prefix)/lib/systemd/system
systemdunit_DATA = src/daemon/ustackd@.service
EXTRA_DIST += src/daemon/ustackd@.service.in
CLEANFILES += $(systemdunit_DATA)
src/daemon/ustackd@.service: src/daemon/ustackd@.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) src/daemon && \
	sed 's|[@]sbindir[@]|$(sbindir)|' $(srcdir)/src/daemon/ustackd@.service.in > $@.tmp && mv $@.tmp $@

if HAVE_CMOCKA
# libengine.la's place is taken by a test double
check_PROGRAMS += tests/unit/daemon-session
TESTS += tests/unit/daemon-session
tests_unit_daemon_session_SOURCES = \
	tests/unit/daemon-session.c \
	tests/unit/daemon-engine.c tests/unit/daemon-engine.h
tests_unit_daemon_session_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit $(CMOCKA_CFLAGS)
tests_unit_daemon_session_LDADD = libdaemon.la $(CMOCKA_LIBS)

# runs ./ustackd
check_PROGRAMS += tests/unit/daemon-start
TESTS += tests/unit/daemon-start
tests_unit_daemon_start_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_daemon_start_LDADD = libproto.la $(CMOCKA_LIBS)
endif
