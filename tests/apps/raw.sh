#!/bin/bash
# raw.sh - raw sockets and error queues; the same program on the kernel's stack
# deadline: 60
. "$(dirname "$0")/../lib.sh"
need python3
t_begin
kernel_peer tap
IF=tap0
[ "${USTACK_TWIN:-}" = kernel ] && IF=v0
if timeout 50 "${US[@]}" "$PY" "$TESTS_DIR/apps/raw.py" $IF 10.0.0.70 10.0.0.1 fc00::1:70 fc00::1:1 \
	>"$T/out" 2>"$T/err"; then
	ok "every case of raw.py ($(grep -c '^ok' "$T/out"))"
else
	grep -a '^not ok' "$T/out" >"$T/failed"
	not_ok "every case of raw.py" "$T/failed" "$T/err"
fi

# behind extension headers a protocol is found all the same
cat >"$T/behind.py" <<'PY'
import socket, sys
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
r = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 253)
u.bind(("::", 7000))
print("ready", flush=True)
for name, s in (("UDP", u), ("raw", r)):
    s.settimeout(10)
    print(name, s.recvfrom(100)[0].decode(), flush=True)
PY
bg behind "${US[@]}" "$PY" "$T/behind.py"
wait_for 10 has_line "$T/behind.out" ready
"${KN[@]}" "$PY" -c '
import socket
options = bytes([0, 0, 1, 4, 0, 0, 0, 0])	# a header of padding
for kind, proto, port, text in ((socket.SOCK_DGRAM, 0, 7000, b"datagram"), (socket.SOCK_RAW, 253, 0, b"packet")):
    s = socket.socket(socket.AF_INET6, kind, proto)
    s.setsockopt(socket.IPPROTO_IPV6, 59, options)	# IPV6_DSTOPTS
    s.setsockopt(socket.IPPROTO_IPV6, 54, options)	# IPV6_HOPOPTS
    s.sendto(text, ("fc00::1:70", port))'
bg_wait behind 15
check "UDP behind extension headers" grep -qx "UDP datagram" "$T/behind.out"
check "a raw socket's protocol behind extension headers" grep -qx "raw packet" "$T/behind.out"
