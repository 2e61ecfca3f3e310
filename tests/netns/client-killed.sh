#!/bin/bash
# client-killed.sh - clients are killed under load: nothing of them remains
# deadline: 90
. "$(dirname "$0")/../lib.sh"
t_begin
kernel_peer tap

cat >"$T/peer.py" <<'PYEOF'
# the kernel's side: accepts, counts what ends how
import socket, select, sys
l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind(("10.0.0.1", 7000)); l.listen(500)
print("listening", flush=True)
p = select.poll(); p.register(l, select.POLLIN)
conns = {}; ended = 0
while True:
    for fd, ev in p.poll():
        if fd == l.fileno():
            c, _ = l.accept(); c.setblocking(False); conns[c.fileno()] = c
            p.register(c, select.POLLIN); continue
        c = conns[fd]
        try:
            if c.recv(65536): continue
        except BlockingIOError: continue
        except OSError: pass
        p.unregister(fd); c.close(); del conns[fd]; ended += 1
        print("ended", ended, "left", len(conns), flush=True)
PYEOF
cat >"$T/client.py" <<'PYEOF'
import socket, sys, select
n = int(sys.argv[1]); cs = []
for i in range(n):
    s = socket.create_connection(("10.0.0.1", 7000)); s.setblocking(False); cs.append(s)
l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind(("10.0.0.70", 7500)); l.listen(5)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("10.0.0.70", 7501))
print("up", flush=True)
p = select.poll()
for s in cs: p.register(s, select.POLLOUT)
by = {s.fileno(): s for s in cs}
while True:
    for fd, ev in p.poll():
        by[fd].send(b"y" * 65536)
PYEOF
bg peer "${KN[@]}" $PY "$T/peer.py"
wait_for 5 has_line "$T/peer.out" listening
pid=${BG[s0]}

# kill_clients TOTAL: 100 connections under load, killed; then all must be over
kill_clients() {
	bg client "${US[@]}" $PY "$T/client.py" 100
	if ! wait_for 10 has_line "$T/client.out" up; then
		not_ok "round $1: 100 connections under load" "$T/client.err" "$T/s0.err"
		exit 1
	fi
	wait_for 1 false	# a second of load is the test's matter, not a wait for luck
	bg_kill client KILL
	if wait_for 10 has_line "$T/peer.out" "ended $(($1 * 100)) left 0"; then
		ok "round $1: the peers of 100 killed connections see their end"
	else
		not_ok "round $1: the peers of 100 killed connections see their end" "$T/peer.out" "$T/s0.err"
	fi
}
fds_are() { [ "$(nfds "$pid")" -le "$1" ]; }
fds0=$(nfds "$pid")
kill_clients 1
if wait_for 10 fds_are "$fds0"; then
	ok "the daemon's descriptors come back to $fds0"
else
	ls -l "/proc/$pid/fd" >"$T/fds"
	not_ok "the daemon's descriptors come back to $fds0 (now $(nfds "$pid"))" "$T/fds"
fi
rss1=$(proc_status "$pid" VmRSS)
for round in 2 3 4 5; do kill_clients $round; done
wait_for 10 fds_are "$fds0" || not_ok "descriptors after five rounds: $(nfds "$pid"), were $fds0"
rss5=$(proc_status "$pid" VmRSS)
diag "VmRSS after the first round $rss1 kB, after the fifth $rss5 kB"
# spare buffers and the heap's top may differ by what a burst left
if [ "$rss5" -le $((rss1 + 16384)) ] || [ -n "${USTACK_SANITIZED:-}" ]; then
	ok "five rounds need no more memory than one"
else
	not_ok "five rounds need no more memory than one: $rss1 kB, then $rss5 kB"
fi
check "the listener's port is free again" "${US[@]}" $PY -c '
import socket
l = socket.socket(); l.bind(("10.0.0.70", 7500)); l.listen(5)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("10.0.0.70", 7501))'
