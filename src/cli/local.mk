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
