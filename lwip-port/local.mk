# lwip-port/local.mk - lwIP, unmodified and out of tree, and our port of it
#
# lwip/*.c are wrappers that include lwIP's own files, so lwIP is compiled from
# $(LWIP_DIR) without a copy, and tcp*.c get their hooks.  Its warnings are its
# own: -w.  hooks.h must be found as "hooks.h", lwIP's files as "core/...".
lwip_wrappers = lwip-port/lwip/core.c lwip-port/lwip/icmp.c \
	lwip-port/lwip/ipv4.c lwip-port/lwip/ipv6.c \
	lwip-port/lwip/netif.c lwip-port/lwip/tcp.c lwip-port/lwip/tcp_in.c \
	lwip-port/lwip/tcp_out.c
lwip_port_files = lwip-port/arch/cc.h lwip-port/checksum.c lwip-port/congestion.c lwip-port/congestion.h \
	lwip-port/forward.c lwip-port/groups.c lwip-port/guard_icmp.c lwip-port/guard_ip.c \
	lwip-port/guard_l2.c lwip-port/guard_nd6.c \
	lwip-port/guard_tcp.c lwip-port/hooks.h lwip-port/ipopt.c lwip-port/ipopt.h lwip-port/isn.c lwip-port/lwipopts.h \
	lwip-port/mempool.c lwip-port/mempool.h \
	lwip-port/offload.c lwip-port/paths.c lwip-port/pcbtable.c lwip-port/pcbtable.h lwip-port/port.h \
	lwip-port/port_priv.h lwip-port/reass6.c lwip-port/reass6.h lwip-port/route.c lwip-port/siphash.c lwip-port/siphash.h \
	lwip-port/recovery.c lwip-port/recovery.h lwip-port/rexmit.c lwip-port/rtt.h \
	lwip-port/meta.c lwip-port/sack.c lwip-port/sack.h lwip-port/segment.c lwip-port/sys.c lwip-port/tcpglue.c lwip-port/tcpinfo.c \
	lwip-port/urgent.c lwip-port/wheel.c lwip-port/wheel.h

noinst_LTLIBRARIES += liblwip.la liblwipport.la
if SANITIZERS
PORT_CPPFLAGS = -DPORT_ASSERT_ABORT
# lwIP shifts bytes into the sign bit all over, and one of its tests frees a
# misaligned pointer on purpose
LWIP_SAN_CFLAGS = -fno-sanitize=shift
LWIP_UNIT_SAN_CFLAGS = -fno-sanitize=shift,alignment
else
PORT_CPPFLAGS =
LWIP_SAN_CFLAGS =
LWIP_UNIT_SAN_CFLAGS =
endif

liblwip_la_SOURCES = $(lwip_wrappers)
liblwip_la_CPPFLAGS = $(AM_CPPFLAGS) $(LWIP_CPPFLAGS) -I$(LWIP_DIR)/src
liblwip_la_CFLAGS = -std=gnu11 $(SAN_CFLAGS) $(LWIP_SAN_CFLAGS) -fvisibility=hidden -w

liblwipport_la_SOURCES = $(lwip_port_files)
liblwipport_la_CPPFLAGS = $(AM_CPPFLAGS) $(LWIP_CPPFLAGS) $(PORT_CPPFLAGS)
liblwipport_la_LIBADD = liblwip.la -lm

# lwIP's own unit tests against our port, built with the options they expect
if HAVE_CHECK
check_PROGRAMS += tests/unit/lwip-unit
TESTS += tests/unit/lwip-unit
tests_unit_lwip_unit_SOURCES = tests/unit/lwip/lwip-unit.c tests/unit/lwip/lwipopts.h \
	tests/unit/lwip/suites-arp.c tests/unit/lwip/suites-core.c \
	tests/unit/lwip/suites-ip.c \
	tests/unit/lwip/suites-mdns.c tests/unit/lwip/suites-oos.c \
	tests/unit/lwip/suites-tcp.c tests/unit/lwip/suites-udp.c \
	$(lwip_wrappers) $(lwip_port_files)
tests_unit_lwip_unit_CPPFLAGS = -I$(top_srcdir)/tests/unit/lwip $(AM_CPPFLAGS) \
	$(LWIP_CPPFLAGS) -I$(LWIP_DIR)/src -I$(LWIP_DIR)/test/unit -I$(LWIP_DIR) \
	-DPORT_ASSERT_ABORT -DPCBTABLE_RESCAN
tests_unit_lwip_unit_CFLAGS = -std=gnu11 $(SAN_CFLAGS) $(LWIP_UNIT_SAN_CFLAGS) $(CHECK_CFLAGS) -w
tests_unit_lwip_unit_LDADD = $(CHECK_LIBS) -lm
endif

# our own, with the options that we ship
if HAVE_CMOCKA
port_tests = tests/unit/port-checksum tests/unit/port-guards tests/unit/port-ipopt tests/unit/port-isn \
	tests/unit/port-offload tests/unit/port-paths tests/unit/port-pcbtable tests/unit/port-recovery tests/unit/port-reass6 \
	tests/unit/port-route tests/unit/port-segment tests/unit/port-urgent
check_PROGRAMS += $(port_tests)
TESTS += $(port_tests)
port_test_cppflags = $(AM_CPPFLAGS) $(LWIP_CPPFLAGS) $(CMOCKA_CFLAGS)
port_test_ldadd = liblwipport.la $(CMOCKA_LIBS)
tests_unit_port_checksum_SOURCES = tests/unit/port-checksum.c tests/unit/port-util.h
tests_unit_port_checksum_CPPFLAGS = $(port_test_cppflags)
tests_unit_port_checksum_LDADD = $(port_test_ldadd)
tests_unit_port_guards_SOURCES = tests/unit/port-guards.c tests/unit/port-util.h
tests_unit_port_guards_CPPFLAGS = $(port_test_cppflags)
tests_unit_port_guards_LDADD = $(port_test_ldadd)
tests_unit_port_ipopt_SOURCES = tests/unit/port-ipopt.c tests/unit/port-util.h
tests_unit_port_ipopt_CPPFLAGS = $(port_test_cppflags)
tests_unit_port_ipopt_LDADD = $(port_test_ldadd)
tests_unit_port_isn_SOURCES = tests/unit/port-isn.c tests/unit/port-util.h
tests_unit_port_isn_CPPFLAGS = $(port_test_cppflags)
tests_unit_port_isn_LDADD = $(port_test_ldadd)
tests_unit_port_offload_SOURCES = tests/unit/port-offload.c tests/unit/port-util.h
tests_unit_port_offload_CPPFLAGS = $(port_test_cppflags)
tests_unit_port_offload_LDADD = $(port_test_ldadd)
tests_unit_port_paths_SOURCES = tests/unit/port-paths.c tests/unit/port-util.h
tests_unit_port_paths_CPPFLAGS = $(port_test_cppflags)
tests_unit_port_paths_LDADD = $(port_test_ldadd)
tests_unit_port_pcbtable_SOURCES = tests/unit/port-pcbtable.c tests/unit/port-util.h
tests_unit_port_pcbtable_CPPFLAGS = $(port_test_cppflags)
tests_unit_port_pcbtable_LDADD = $(port_test_ldadd)
tests_unit_port_recovery_SOURCES = tests/unit/port-recovery.c tests/unit/port-util.h
tests_unit_port_recovery_CPPFLAGS = $(port_test_cppflags)
tests_unit_port_recovery_LDADD = $(port_test_ldadd) -lm
tests_unit_port_reass6_SOURCES = tests/unit/port-reass6.c tests/unit/port-util.h
tests_unit_port_reass6_CPPFLAGS = $(port_test_cppflags)
tests_unit_port_reass6_LDADD = $(port_test_ldadd)
tests_unit_port_route_SOURCES = tests/unit/port-route.c tests/unit/port-util.h
tests_unit_port_route_CPPFLAGS = $(port_test_cppflags)
tests_unit_port_route_LDADD = $(port_test_ldadd)
tests_unit_port_segment_SOURCES = tests/unit/port-segment.c tests/unit/port-util.h
tests_unit_port_segment_CPPFLAGS = $(port_test_cppflags)
tests_unit_port_segment_LDADD = $(port_test_ldadd)
tests_unit_port_urgent_SOURCES = tests/unit/port-urgent.c tests/unit/port-util.h
tests_unit_port_urgent_CPPFLAGS = $(port_test_cppflags)
tests_unit_port_urgent_LDADD = $(port_test_ldadd)
endif

# what a segment's look-up costs with many connections
noinst_PROGRAMS += bench/demux
bench_demux_SOURCES = bench/demux.c
bench_demux_CPPFLAGS = $(AM_CPPFLAGS) $(LWIP_CPPFLAGS)
bench_demux_LDADD = liblwipport.la
