# Programs that run on the kernel's stack and under the shim alike.  They are
# never built with sanitizers: ASan's runtime must come before a preload.
TEST_APPS = \
	tests/apps/listening tests/apps/echo-many tests/apps/edge-connect \
	tests/apps/sockets-inherit tests/apps/sockets-errors tests/apps/garbage tests/apps/bugs tests/apps/names tests/apps/interfaces
check_PROGRAMS += $(TEST_APPS)
APP_CFLAGS = -std=gnu11 $(WARN_CFLAGS)
tests_apps_listening_CFLAGS = $(APP_CFLAGS)
tests_apps_listening_LDFLAGS =
tests_apps_echo_many_CFLAGS = $(APP_CFLAGS)
tests_apps_echo_many_LDFLAGS =
tests_apps_edge_connect_CFLAGS = $(APP_CFLAGS)
tests_apps_edge_connect_LDFLAGS =
tests_apps_sockets_inherit_CFLAGS = $(APP_CFLAGS) -pthread
tests_apps_sockets_inherit_LDFLAGS = -pthread
tests_apps_sockets_errors_CFLAGS = $(APP_CFLAGS)
tests_apps_sockets_errors_LDFLAGS =
tests_apps_garbage_CFLAGS = $(APP_CFLAGS)
tests_apps_garbage_LDFLAGS =
tests_apps_interfaces_CFLAGS = $(APP_CFLAGS)
tests_apps_interfaces_LDFLAGS =
tests_apps_names_CFLAGS = $(APP_CFLAGS)
tests_apps_names_LDFLAGS =
tests_apps_names_LDADD = -lresolv
tests_apps_bugs_CFLAGS = $(APP_CFLAGS) -pthread
tests_apps_bugs_LDFLAGS = -pthread
EXTRA_DIST += \
	tests/apps/bugs.sh \
	tests/apps/nc.sh tests/apps/socat.sh tests/apps/http.sh tests/apps/redis.sh \
	tests/apps/iperf3.sh tests/apps/ssh.sh tests/apps/sshd.sh.inc tests/apps/gigabyte.sh tests/apps/ping.sh \
	tests/apps/outlook.sh tests/apps/raw.sh tests/apps/raw.py tests/apps/traceroute.sh tests/apps/nmap.sh \
	tests/apps/tcpdump.sh tests/apps/arping.sh tests/apps/dhcp-client.sh tests/apps/packet.sh tests/apps/packet.py \
	tests/apps/sockets.sh tests/apps/sockets-errors.known tests/apps/edge-connect.sh tests/apps/many-connections.sh
EXTRA_DIST += tests/apps/interfaces.sh tests/apps/names.sh tests/apps/dns-server.py \
	tests/apps/net-tools.sh tests/apps/net-tools.cmds \
	tests/apps/ss.sh tests/apps/ss-peer.py tests/apps/ss-sockets.py
EXTRA_DIST += \
	tests/apps/web.sh tests/apps/ncat.sh tests/apps/memcached.sh tests/apps/postgres.sh \
	tests/apps/python.sh tests/apps/scripting.sh tests/apps/node.sh tests/apps/java.sh \
	tests/apps/git.sh tests/apps/sftp.sh tests/apps/shared.sh tests/apps/foreign-read.sh tests/apps/timeouts.sh tests/apps/foreign-read.sh tests/apps/chromium.sh tests/apps/unread.sh tests/apps/bird.sh tests/apps/urgent.sh

# a hostile client of packet rings
check_PROGRAMS += tests/apps/bad-ring
tests_apps_bad_ring_CFLAGS = -std=gnu11 $(WARN_CFLAGS) $(SAN_CFLAGS)
tests_apps_bad_ring_LDADD = libproto.la libbase.la

# the cable of the loss tests is made of our links
check_PROGRAMS += tests/apps/wire
tests_apps_wire_CFLAGS = -std=gnu11 $(WARN_CFLAGS) $(SAN_CFLAGS)
tests_apps_wire_LDADD = liblink.la

# --lock: the same program with and without a dynamic linker
check_PROGRAMS += tests/apps/ways-out tests/apps/ways-out-static
tests_apps_ways_out_CFLAGS = $(APP_CFLAGS)
tests_apps_ways_out_LDFLAGS =
tests_apps_ways_out_static_SOURCES = tests/apps/ways-out.c
tests_apps_ways_out_static_CFLAGS = $(APP_CFLAGS)
tests_apps_ways_out_static_LDFLAGS = -all-static
EXTRA_DIST += tests/apps/lock.sh tests/apps/completion.sh tests/apps/user.sh tests/apps/families.sh
