#!/bin/bash
# packet.sh - AF_PACKET as packet(7) tells it; the same program on the kernel's stack
# deadline: 60
. "$(dirname "$0")/../lib.sh"
need python3
t_begin
kernel_peer tap
IF=tap0
[ "${USTACK_TWIN:-}" = kernel ] && IF=v0
if timeout 40 "${US[@]}" "$PY" "$TESTS_DIR/apps/packet.py" $IF 10.0.0.1 >"$T/out" 2>"$T/err"; then
	grep -a '^ok' "$T/out" | while read -r line; do echo "# $line"; done
	ok "every case of packet.py ($(grep -c '^ok' "$T/out"))"
else
	not_ok "every case of packet.py" "$T/out" "$T/err"
fi
