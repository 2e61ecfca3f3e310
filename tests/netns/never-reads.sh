#!/bin/bash
# never-reads.sh - who never reads costs its own bounded buffer, and nobody else
# deadline: 90
. "$(dirname "$0")/../lib.sh"
t_begin
kernel_peer tap
pid=${BG[s0]}

# the kernel's side pours into every connection as much as it takes
cat >"$T/pour.py" <<'PYEOF'
import socket, select, time
l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind(("10.0.0.1", 7000)); l.listen(500); l.setblocking(False)
p = select.poll(); p.register(l, select.POLLIN); cs = {}
total = 0; last = 0.0
print("listening", flush=True)
while True:
    ready = p.poll(1000)
    if not ready: print("stalled at", total, "with", len(cs), flush=True)
    for fd, ev in ready:
        if fd == l.fileno():
            c, _ = l.accept(); c.setblocking(False); cs[c.fileno()] = c
            p.register(c, select.POLLOUT); continue
        try: total += cs[fd].send(b"z" * 65536)
        except BlockingIOError: pass
        except OSError: p.unregister(fd); cs.pop(fd).close()
PYEOF
bg pour "${KN[@]}" $PY "$T/pour.py"
wait_for 5 has_line "$T/pour.out" listening
rss0=$(proc_status "$pid" VmRSS)
bg deaf "${US[@]}" $PY -c '
import socket, time
cs = [socket.create_connection(("10.0.0.1", 7000)) for i in range(50)]
print("up", flush=True)
time.sleep(80)'
wait_for 10 has_line "$T/deaf.out" up || not_ok "50 connections" "$T/deaf.err"
if wait_for 30 has_line "$T/pour.out" "stalled at"; then
	ok "the senders are stopped by a closed window"
else
	not_ok "the senders are stopped by a closed window" "$T/pour.out" "$T/pour.err"
fi
rss1=$(proc_status "$pid" VmRSS)
per=$(((rss1 - rss0) / 50))
diag "daemon: $rss0 kB, with 50 deaf connections $rss1 kB: $per kB each"
if [ $per -le 8192 ] || [ -n "${USTACK_SANITIZED:-}" ]; then
	ok "a connection that never reads costs at most 8 MB in the daemon"
else
	not_ok "a connection that never reads costs at most 8 MB in the daemon: $per kB"
fi
cat >"$T/udp.py" <<'PYEOF'
import socket, time
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("10.0.0.70", 7600))
print("up", flush=True); time.sleep(80)
PYEOF
bg deafudp "${US[@]}" $PY "$T/udp.py"
wait_for 5 has_line "$T/deafudp.out" up
rss1=$(proc_status "$pid" VmRSS)
"${KN[@]}" $PY -c '
import socket
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(100000): u.sendto(b"d" * 1400, ("10.0.0.70", 7600))'
rss2=$(proc_status "$pid" VmRSS)
diag "100,000 datagrams to a deaf socket: $rss1 kB, then $rss2 kB"
if [ $((rss2 - rss1)) -le 8192 ] || [ -n "${USTACK_SANITIZED:-}" ]; then
	ok "a datagram socket that never reads costs at most 8 MB"
else
	not_ok "a datagram socket that never reads costs at most 8 MB: $((rss2 - rss1)) kB"
fi
check "the stack still answers" "${KN[@]}" ping -c3 -i0.05 -W1 10.0.0.70
bg kserver "${KN[@]}" "$USTACK_APPS/echo-many" server 10.0.0.1 7001
wait_for 5 k_listening 7001
check "and serves others" "${US[@]}" "$USTACK_APPS/echo-many" client 10.0.0.1 7001 20 20
