bin_PROGRAMS += ustack
ustack_SOURCES = \
	src/cli/cli.h \
	src/cli/ctl.c \
	src/cli/exec.c \
	src/cli/find.c \
	src/cli/link.c \
	src/cli/lock.c \
	src/cli/ls.c \
	src/cli/ls_json.c \
	src/cli/main.c \
	src/cli/mount.c \
	src/cli/null.c \
	src/cli/program.c \
	src/cli/rtnl.c \
	src/cli/run.c \
	src/cli/stack.c \
	src/cli/sysctl.c \
	src/cli/umount.c \
	src/cli/users.c \
	src/client/sys.c
ustack_CPPFLAGS = $(AM_CPPFLAGS) $(SECCOMP_CFLAGS)
ustack_LDADD = libclient.la $(SECCOMP_LIBS) -ldl -lpthread

bashcompdir = $(datadir)/bash-completion/completions
dist_bashcomp_DATA = completions/ustack

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
