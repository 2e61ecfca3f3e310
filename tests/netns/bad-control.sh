#!/bin/bash
# bad-control.sh - garbage on the control socket ends the sender, not the stack
# deadline: 60
. "$(dirname "$0")/../lib.sh"
t_begin
kernel_peer tap
pid=${BG[s0]}
sock=$XDG_RUNTIME_DIR/ustack/s0
fds0=$(nfds "$pid")
US=(env USTACK=s0 LD_PRELOAD="$USTACK_PRELOAD")
alive() { "${US[@]}" $PY -c '
import socket
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen(5)
c = socket.create_connection(l.getsockname(), 5); a, _ = l.accept()
c.send(b"hi"); assert a.recv(2) == b"hi"'; }
check "a conversation over lo before" alive
for seed in 1 2 3; do
	check "random messages, valid headers, wild descriptors (seed $seed)" \
		timeout 20 "$USTACK_APPS/garbage" control "$sock" $seed 3000
	check "the stack serves after it" alive
done
bg ping "${KN[@]}" ping -q -i 0.002 10.0.0.70
check "rings that no stack should trust" timeout 40 "$USTACK_APPS/bad-ring" "$sock" 1
bg_kill ping INT
check "the stack serves after them" alive
check "1,000 sessions that say nothing" timeout 20 "$USTACK_APPS/garbage" idle "$sock" 1000
check "a session that never reads its replies" timeout 20 "$USTACK_APPS/garbage" deaf "$sock"
check "the stack serves after that" alive
fds_back() { [ "$(nfds "$pid")" -le $((fds0 + 1)) ]; }
if wait_for 10 fds_back; then
	ok "the daemon's descriptors come back"
else
	ls -l "/proc/$pid/fd" >"$T/fds"
	not_ok "the daemon's descriptors come back: $fds0, now $(nfds "$pid")" "$T/fds"
fi
if [ "$(wc -l <"$T/s0.err")" -le 200 ]; then
	ok "its log is limited"
else
	not_ok "its log is limited: $(wc -l <"$T/s0.err") lines" "$T/s0.err"
fi
