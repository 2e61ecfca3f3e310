#!/bin/bash
# timeouts.sh - a peer that falls silent: TCP_USER_TIMEOUT
# deadline: 60
. "$(dirname "$0")/../lib.sh"
t_begin
kernel_peer tap
bg far "${KN[@]}" "$PY" -c 'import socket
s = socket.create_server(("10.0.0.1", 7000))
held = []
while True:
	held.append(s.accept())'
wait_for 10 k_listening 7000
cat >"$T/silence.py" <<'PY'
import errno, os, select, socket, sys, time
s = socket.create_connection(("10.0.0.1", 7000), 5)
s.setsockopt(socket.IPPROTO_TCP, 18, 1500)	# TCP_USER_TIMEOUT
s.send(b"heard")
time.sleep(0.3)
open(sys.argv[1] + "/up", "w").close()
while not os.path.exists(sys.argv[1] + "/down"):
    time.sleep(0.03)
start = time.time()
s.send(b"not heard")
p = select.poll()
p.register(s, select.POLLIN)
p.poll(20000)
took = time.time() - start
try:
    s.recv(1)
except OSError as e:
    print(errno.errorcode[e.errno], "early" if took < 1.4 else "late" if took > 8 else "in time")
PY
bg silence "${US[@]}" "$PY" "$T/silence.py" "$T"
wait_for 10 test -e "$T/up"
ip -n "$K" addr del 10.0.0.1/24 dev t0
: >"$T/down"
bg_wait silence 30
check "data that nobody acknowledges end the connection after TCP_USER_TIMEOUT" \
	grep -qx "ETIMEDOUT in time" "$T/silence.out"
