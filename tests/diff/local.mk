# The differential test: the same scenarios on the kernel's stack and on ours.
# Never built with sanitizers: ASan's runtime must come before a preload.
check_PROGRAMS += tests/diff/diff
tests_diff_diff_SOURCES = \
	tests/diff/main.c tests/diff/tool.c tests/diff/peer.c tests/diff/diff.h \
	tests/diff/create.c tests/diff/tcp.c tests/diff/tcp.h tests/diff/tcp_call.c tests/diff/udp.c tests/diff/option.c \
	tests/diff/flag.c tests/diff/event.c tests/diff/name.c tests/diff/block.c tests/diff/effect.c \
	tests/diff/lite.c tests/diff/source.c tests/diff/ipopt.c tests/diff/fate.c tests/diff/fault.c \
	tests/diff/urgent.c
tests_diff_diff_CFLAGS = $(APP_CFLAGS) -pthread
tests_diff_diff_LDFLAGS = -pthread
EXTRA_DIST += tests/diff/diff.sh tests/diff/compare.awk tests/diff/accepted
