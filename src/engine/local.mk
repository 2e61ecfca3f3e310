noinst_LTLIBRARIES += libengine.la
libengine_la_SOURCES = \
	src/engine/addrconv.c src/engine/addrconv.h \
	src/engine/bufpool.c src/engine/bufpool.h \
	src/engine/dgram.c src/engine/sock_dgram.h \
	src/engine/engine.c src/engine/engine.h src/engine/priv.h \
	src/engine/icmp.c src/engine/icmp.h \
	src/engine/iface.c src/engine/iface.h \
	src/engine/listener.c \
	src/engine/multicast.c \
	src/engine/ports.c src/engine/ports.h \
	src/engine/sock.c src/engine/sock.h \
	src/engine/sock_raw.c \
	src/engine/sock_tcp.c src/engine/tcp.h \
	src/engine/sock_udp.c \
	src/engine/sockopt.c src/engine/sockopt.h \
	src/engine/xfer.c src/engine/xfer.h src/engine/xfer_rx.c src/engine/xfer_tx.c
# lwIP's htons() and the like would clash with libc's
libengine_la_CPPFLAGS = $(AM_CPPFLAGS) $(LWIP_CPPFLAGS) $(PORT_CPPFLAGS) \
	-DLWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS
libengine_la_LIBADD = liblink.la liblwipport.la libproto.la
