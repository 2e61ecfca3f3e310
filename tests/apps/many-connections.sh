#!/bin/bash
# many-connections.sh - 10,000 concurrent connections to one server under the shim
# deadline: 120
. "$(dirname "$0")/../lib.sh"
t_begin
if [ "$(ulimit -Hn)" -lt 10100 ]; then
	skip_all "the hard limit of descriptors is $(ulimit -Hn); 10,100 are needed"
fi
kernel_peer tap
pid=${BG[s0]}
bg server "${US[@]}" "$USTACK_APPS/echo-many" server 0.0.0.0 7000
wait_for 5 listening 10.0.0.70 7000 || not_ok "the server listens" "$T/server.err" "$T/s0.err"
rss0=$(proc_status "$pid" VmRSS)
fds0=$(nfds "$pid")
mkfifo "$T/client.in"
sleep 100 <>"$T/client.in" & hold=$!
bg client "${KN[@]}" "$USTACK_APPS/echo-many" client 10.0.0.70 7000 10000 3 hold
if wait_for 90 has_line "$T/client.out" holding; then
	ok "10,000 connections, every byte right: $(sed -n 2p "$T/client.out")"
else
	not_ok "10,000 connections, every byte right" "$T/client.err" "$T/server.err" "$T/s0.err"
fi
diag "daemon: $((($(proc_status "$pid" VmRSS) - rss0) * 1024 / 10000)) bytes of RSS a connection"
bg_kill client
kill $hold 2>/dev/null
fds_back() { [ "$(nfds "$pid")" -le "$fds0" ]; }
if wait_for 20 fds_back; then
	ok "the daemon's descriptors come back to $fds0"
else
	not_ok "the daemon's descriptors come back to $fds0: now $(nfds "$pid")" "$T/s0.err"
fi
rm -f "$T/client.in"
bg kserver "${KN[@]}" "$USTACK_APPS/echo-many" server 10.0.0.1 7001
wait_for 5 k_listening 7001
check "10,000 connections opened under the shim, every byte right" \
	timeout 60 "${US[@]}" "$USTACK_APPS/echo-many" client 10.0.0.1 7001 10000 2
