# lwip-port/local.mk - lwIP, unmodified and out of tree, and our port of it
#
# lwip/*.c are wrappers that include lwIP's own files, so lwIP is compiled from
# $(LWIP_DIR) without a copy, and tcp*.c get their hooks.  Its warnings are its
# own: -w.  hooks.h must be found as "hooks.h", lwIP's files as "core/...".
lwip_wrappers = lwip-port/lwip/core.c lwip-port/lwip/dhcp.c lwip-port/lwip/dhcp6.c \
	lwip-port/lwip/dns.c lwip-port/lwip/ipv4.c lwip-port/lwip/ipv6.c \
	lwip-port/lwip/netif.c lwip-port/lwip/tcp.c lwip-port/lwip/tcp_in.c \
	lwip-port/lwip/tcp_out.c
lwip_port_files = lwip-port/arch/cc.h lwip-port/checksum.c lwip-port/guard_ip.c \
	lwip-port/guard_tcp.c lwip-port/hooks.h lwip-port/isn.c lwip-port/lwipopts.h \
	lwip-port/offload.c lwip-port/pcbtable.c lwip-port/pcbtable.h lwip-port/port.h \
	lwip-port/port_priv.h lwip-port/route.c lwip-port/siphash.c lwip-port/siphash.h \
	lwip-port/sys.c lwip-port/tcpglue.c

noinst_LTLIBRARIES += liblwip.la liblwipport.la
if SANITIZERS
PORT_CPPFLAGS = -DPORT_ASSERT_ABORT
else
PORT_CPPFLAGS =
endif

liblwip_la_SOURCES = $(lwip_wrappers)
liblwip_la_CPPFLAGS = $(AM_CPPFLAGS) $(LWIP_CPPFLAGS) -I$(LWIP_DIR)/src
liblwip_la_CFLAGS = -std=gnu11 $(SAN_CFLAGS) -fvisibility=hidden -w

liblwipport_la_SOURCES = $(lwip_port_files)
liblwipport_la_CPPFLAGS = $(AM_CPPFLAGS) $(LWIP_CPPFLAGS) $(PORT_CPPFLAGS)
liblwipport_la_LIBADD = liblwip.la
