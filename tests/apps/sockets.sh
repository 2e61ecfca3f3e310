#!/bin/bash
# sockets.sh - the same C programs on the kernel's stack and under the shim
# deadline: 90
#
# Their output must be equal line by line, except for the lines that
# sockets-errors.known names: differences that a program can tell and that
# the design accepts, with the reason of each.
. "$(dirname "$0")/../lib.sh"
t_begin
kernel_peer tap
if [ "$(id -u)" = 0 ]; then
	ns_new K
	KN=(ip netns exec "$K")
else
	KN=()
fi
US=(env USTACK=s0 LD_PRELOAD="$USTACK_PRELOAD")

# equal NAME CMD...: the outputs, less the known differences
equal() {
	local name=$1
	shift
	timeout 30 "${KN[@]}" "$@" >"$T/kernel" 2>&1 || not_ok "$name: runs on the kernel's stack" "$T/kernel"
	timeout 30 "${US[@]}" "$@" >"$T/ours" 2>&1
	local status=$?
	sed -n 's/^= //p' "$TESTS_DIR/apps/sockets-errors.known" >"$T/known"
	diff <(grep -vxFf "$T/known" "$T/kernel") <(grep -vxFf "$T/known" "$T/ours") >"$T/diff"
	if [ $status = 0 ] && [ ! -s "$T/diff" ]; then
		ok "$name: $(wc -l <"$T/kernel") lines as on the kernel's stack"
	else
		echo "status $status" >>"$T/diff"
		not_ok "$name: as on the kernel's stack (< kernel, > ours)" "$T/diff" "$T/s0.err"
	fi
}
equal "fork, exec, spawn, dup, SCM_RIGHTS, threads over IPv4" "$USTACK_APPS/sockets-inherit" 127.0.0.1 7100
equal "the same over IPv6" "$USTACK_APPS/sockets-inherit" ::1 7100
equal "TCP calls in every state, IPv4" "$USTACK_APPS/sockets-errors" tcp 127.0.0.1 7200 192.0.2.1
equal "TCP calls in every state, IPv6" "$USTACK_APPS/sockets-errors" tcp ::1 7200 2001:db8::1
equal "UDP calls, IPv4" "$USTACK_APPS/sockets-errors" udp 127.0.0.1 7200 192.0.2.1
equal "UDP calls, IPv6" "$USTACK_APPS/sockets-errors" udp ::1 7200 2001:db8::1
