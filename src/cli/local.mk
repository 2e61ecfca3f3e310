bin_PROGRAMS += ustack
ustack_SOURCES = \
	src/cli/cli.h \
	src/cli/ctl.c \
	src/cli/exec.c \
	src/cli/find.c \
	src/cli/ls.c \
	src/cli/main.c \
	src/cli/mount.c \
	src/cli/umount.c
ustack_LDADD = libproto.la

if HAVE_CMOCKA
# a shim with AddressSanitizer cannot be preloaded into programs without it
if !SANITIZERS
# runs ./ustack, ./ustackd and .libs/libustack.so
check_PROGRAMS += tests/unit/cli-commands
TESTS += tests/unit/cli-commands
tests_unit_cli_commands_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_cli_commands_LDADD = $(CMOCKA_LIBS)
endif
endif
