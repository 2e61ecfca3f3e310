# the shim: loaded by LD_PRELOAD, so a plain name without a version, and
# nothing exported but the interposed functions
lib_LTLIBRARIES += libustack.la
libustack_la_SOURCES = \
	src/client/sys.c \
	src/preload/fdtab.c src/preload/fdtab.h \
	src/preload/hook.h \
	src/preload/hook_data.c \
	src/preload/hook_dl.c \
	src/preload/hook_fd.c \
	src/preload/hook_file.c \
	src/preload/hook_gai.c \
	src/preload/hook_hostent.c \
	src/preload/hook_if.c \
	src/preload/hook_names.c \
	src/preload/hook_res.c \
	src/preload/hook_socket.c \
	src/preload/hook_splice.c \
	src/preload/hook_syscall.c \
	src/preload/hook_user.c \
	src/preload/hook_wait.c \
	src/preload/names_conf.c src/preload/names_conf.h \
	src/preload/proc_route.c src/preload/proc_sock.c src/preload/proc_unix.c \
	src/preload/procnet.c src/preload/procnet.h \
	src/preload/stack.c src/preload/stack.h
# hooks define what fortified headers would redirect
libustack_la_CPPFLAGS = $(AM_CPPFLAGS) -DSYS_NEXT -U_FORTIFY_SOURCE
libustack_la_LIBADD = libnames.la -ldl -lpthread
libustack_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-Wl,-Bsymbolic -Wl,-z,nodelete -Wl,-z,defs \
	-Wl,--as-needed

if HAVE_CMOCKA
# programs that run themselves under the shim, on a fake stack
shim_tests = \
	tests/unit/preload-fd \
	tests/unit/preload-stack \
	tests/unit/preload-tcp \
	tests/unit/preload-udp
check_PROGRAMS += $(shim_tests)
TESTS += $(shim_tests)
shim_harness = \
	tests/unit/fake-stack.c tests/unit/fake-stack.h \
	tests/unit/under-shim.c tests/unit/under-shim.h
shim_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit $(CMOCKA_CFLAGS) \
	-DSHIM=\"$(abs_top_builddir)/.libs/libustack.so\"
shim_ldadd = libproto.la $(CMOCKA_LIBS) -lpthread

tests_unit_preload_fd_SOURCES = tests/unit/preload-fd.c $(shim_harness)
tests_unit_preload_fd_CPPFLAGS = $(shim_cppflags)
tests_unit_preload_fd_LDADD = $(shim_ldadd)
tests_unit_preload_stack_SOURCES = tests/unit/preload-stack.c \
	tests/unit/fake-stack.c tests/unit/fake-stack.h
tests_unit_preload_stack_CPPFLAGS = $(shim_cppflags)
tests_unit_preload_stack_LDADD = $(shim_ldadd)
tests_unit_preload_tcp_SOURCES = tests/unit/preload-tcp.c $(shim_harness)
tests_unit_preload_tcp_CPPFLAGS = $(shim_cppflags)
tests_unit_preload_tcp_LDADD = $(shim_ldadd)
tests_unit_preload_udp_SOURCES = tests/unit/preload-udp.c $(shim_harness)
tests_unit_preload_udp_CPPFLAGS = $(shim_cppflags)
tests_unit_preload_udp_LDADD = $(shim_ldadd)
endif

dist_man_MANS += man/libustack.so.7
