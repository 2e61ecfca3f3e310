noinst_LTLIBRARIES += libengine.la
libengine_la_SOURCES = \
	src/engine/addrconv.c src/engine/addrconv.h \
	src/engine/autoconf.c src/engine/autoconf.h \
	src/engine/bridge.c src/engine/vlan.c \
	src/engine/board.c src/engine/board.h \
	src/engine/bpf.c src/engine/bpf.h \
	src/engine/bufpool.c src/engine/bufpool.h \
	src/engine/dhcp4.c src/engine/dhcp4_msg.c src/engine/dhcp4_msg.h \
	src/engine/dhcp6.c src/engine/dhcp6_msg.c src/engine/dhcp6_msg.h \
	src/engine/domains.c src/engine/domains.h \
	src/engine/dgram.c src/engine/dgram_options.c src/engine/dgram_route.c src/engine/dgram_rx.c src/engine/sock_dgram.h src/engine/burst.h \
	src/engine/diag.c src/engine/diag.h src/engine/diag_priv.h \
	src/engine/diag_filter.c src/engine/diag_filter.h \
	src/engine/diag_inet.c src/engine/diag_other.c \
	src/engine/engine.c src/engine/engine.h src/engine/priv.h \
	src/engine/epitaph.c \
	src/engine/filter.c src/engine/filter.h \
	src/engine/icmp.c src/engine/icmp.h \
	src/engine/iface.c src/engine/iface.h src/engine/iface_priv.h \
	src/engine/iface_addr.c src/engine/iface_addr6.c src/engine/iface_io.c \
	src/engine/iface_query.c src/engine/iface_stack.c \
	src/engine/listener.c \
	src/engine/multicast.c src/engine/multicast.h \
	src/engine/multicast_source.c \
	src/engine/nlmsg.c src/engine/nlmsg.h \
	src/engine/packet.h src/engine/packet_ring.c src/engine/packet_tap.c \
	src/engine/names.c src/engine/names.h \
	src/engine/ports.c src/engine/ports.h \
	src/engine/proc.c \
	src/engine/ra.c src/engine/ra_msg.c src/engine/ra_msg.h \
	src/engine/rtnl.c src/engine/rtnl.h src/engine/rtnl_priv.h \
	src/engine/rtnl_addr.c src/engine/rtnl_bridge.c src/engine/rtnl_kind.c src/engine/rtnl_netconf.c src/engine/rtnl_link.c src/engine/rtnl_neigh.c \
	src/engine/rtnl_newlink.c src/engine/rtnl_newroute.c src/engine/rtnl_route.c \
	src/engine/slaac.c \
	src/engine/sock.c src/engine/sock.h \
	src/engine/sock_netlink.c \
	src/engine/sock_packet.c \
	src/engine/sock_raw.c \
	src/engine/sock_tcp.c src/engine/tcp.h \
	src/engine/tcp_info.c src/engine/tcp_opt.c \
	src/engine/sock_udp.c \
	src/engine/udplite.c \
	src/engine/sockopt.c src/engine/sockopt.h \
	src/engine/users.c \
	src/engine/xfer.c src/engine/xfer.h src/engine/xfer_rx.c src/engine/xfer_tx.c \
	src/engine/xfer_urgent.c
# lwIP's htons() and the like would clash with libc's
libengine_la_CPPFLAGS = $(AM_CPPFLAGS) $(LWIP_CPPFLAGS) $(PORT_CPPFLAGS) \
	-DLWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS
libengine_la_LIBADD = liblink.la liblwipport.la libproto.la

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/engine-bpf
TESTS += tests/unit/engine-bpf
tests_unit_engine_bpf_SOURCES = tests/unit/engine-bpf.c src/engine/bpf.c
tests_unit_engine_bpf_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_engine_bpf_LDADD = $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/engine-burst
TESTS += tests/unit/engine-burst
tests_unit_engine_burst_SOURCES = tests/unit/engine-burst.c
tests_unit_engine_burst_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_engine_burst_LDADD = $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/engine-dhcp
TESTS += tests/unit/engine-dhcp
tests_unit_engine_dhcp_SOURCES = tests/unit/engine-dhcp.c src/engine/dhcp4_msg.c \
	src/engine/dhcp6_msg.c src/engine/domains.c src/engine/ra_msg.c
tests_unit_engine_dhcp_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_engine_dhcp_LDADD = $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/engine-diag-filter
TESTS += tests/unit/engine-diag-filter
tests_unit_engine_diag_filter_SOURCES = tests/unit/engine-diag-filter.c src/engine/diag_filter.c
tests_unit_engine_diag_filter_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_engine_diag_filter_LDADD = $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/engine-nlmsg
TESTS += tests/unit/engine-nlmsg
tests_unit_engine_nlmsg_SOURCES = tests/unit/engine-nlmsg.c src/engine/nlmsg.c
tests_unit_engine_nlmsg_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_engine_nlmsg_LDADD = $(CMOCKA_LIBS)
endif
