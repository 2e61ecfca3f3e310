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
