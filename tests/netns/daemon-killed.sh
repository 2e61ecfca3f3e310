#!/bin/bash
# daemon-killed.sh - the daemon is killed under load: nobody hangs
# deadline: 60
. "$(dirname "$0")/../lib.sh"
need socat
t_begin
kernel_peer tap

"${KN[@]}" true
bg sink "${KN[@]}" socat -u tcp-listen:7000,fork,reuseaddr open:/dev/null,wronly
bg source "${KN[@]}" socat -U tcp-listen:7001,fork,reuseaddr open:/dev/zero,rdonly
wait_for 5 k_listening 7000
wait_for 5 k_listening 7001
cat >"$T/load.py" <<'PYEOF'
# one client under load: reports on stdout what ends it
import socket, sys, select
kind = sys.argv[1]
port = 7001 if kind in ("recv", "poll") else 7000
if kind == "accept":
    l = socket.socket(); l.bind(("10.0.0.70", 7100)); l.listen(5)
    print("up", flush=True)
    try:
        l.accept(); print("accepted")
    except OSError as e:
        print("end", e.errno)
    sys.exit()
s = socket.create_connection(("10.0.0.1", port))
print("up", flush=True)
try:
    if kind == "send":
        while True: s.send(b"x" * 65536)
    elif kind == "recv":
        while s.recv(65536): pass
        print("end eof")
    elif kind == "idle":                 # waits for data that never comes
        print("end eof" if s.recv(1) == b"" else "data")
    elif kind == "poll":
        p = select.epoll(); p.register(s, select.EPOLLRDHUP | select.EPOLLET)
        p.poll(); print("end hup")
except OSError as e:
    print("end", e.errno)
PYEOF
kinds="send recv idle poll accept"
for k in $kinds; do bg "c-$k" "${US[@]}" $PY "$T/load.py" $k; done
for k in $kinds; do
	wait_for 10 has_line "$T/c-$k.out" up || not_ok "$k: client is up" "$T/c-$k.err"
done
unset "STACKS[s0]"
bg_kill s0 KILL
for k in $kinds; do
	bg_wait "c-$k" 5
	if has_line "$T/c-$k.out" end; then
		ok "$k: the client is told ($(tail -n1 "$T/c-$k.out"))"
	else
		not_ok "$k: the client is told" "$T/c-$k.out" "$T/c-$k.err"
	fi
done
for k in send recv idle; do
	if grep -qE 'end (104|32)$' "$T/c-$k.out"; then
		ok "$k: by ECONNRESET or EPIPE"
	else
		not_ok "$k: by ECONNRESET or EPIPE" "$T/c-$k.out" "$T/c-$k.err"
	fi
done
bg none "${US[@]}" $PY -c 'import socket; socket.create_connection(("10.0.0.1", 7000))'
bg_wait none 5
status=$?
if [ $status = 1 ] && has_line "$T/none.err" "[Errno 100]"; then
	ok "a new client without a daemon gets ENETDOWN"
else
	not_ok "a new client without a daemon gets ENETDOWN (status $status)" "$T/none.err"
fi
if [ "$(grep -c '^libustack:' "$T/none.err")" = 1 ]; then
	ok "and one line that says why"
else
	not_ok "and one line that says why" "$T/none.err"
fi

# a client that lives across the restart finds the new daemon
mkfifo "$T/long.in"
sleep 60 <>"$T/long.in" & hold=$!
if stack_start s0 "tap=t0,ip=10.0.0.70/24" "$K"; then
	ok "a new daemon of the same name takes over"
else
	not_ok "a new daemon of the same name takes over" "$T/s0.err"
fi
wait_for 5 "${KN[@]}" ping -c1 -W1 10.0.0.70
bg long "${US[@]}" $PY -u -c '
import socket, sys
def go():
    s = socket.create_connection(("10.0.0.1", 7000)); s.send(b"x"); s.close(); print("went", flush=True)
go()
sys.stdin.readline()
go()'
wait_for 5 has_line "$T/long.out" went || not_ok "a client works with the new daemon" "$T/long.err"
unset "STACKS[s0]"
bg_kill s0 KILL
stack_start s0 "tap=t0,ip=10.0.0.70/24" "$K" || not_ok "and another" "$T/s0.err"
wait_for 5 "${KN[@]}" ping -c1 -W1 10.0.0.70
echo >"$T/long.in"
bg_wait long 10
if [ "$(grep -c went "$T/long.out")" = 2 ]; then
	ok "a running client finds the new daemon by itself"
else
	not_ok "a running client finds the new daemon by itself" "$T/long.out" "$T/long.err"
fi
kill $hold
