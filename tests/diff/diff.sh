#!/bin/bash
# diff.sh - several hundred scenarios of socket calls, on both stacks
# deadline: 400
#
# tests/diff/diff prints what it saw; its output on the kernel's stack (two
# namespaces and a veth) and under the shim (a TAP to the kernel's namespace)
# must be equal, line by line, but for what tests/diff/accepted lists with the
# reason.  A peer program runs on the far side and on the tested stack itself.
# Most of it is waiting, so both stacks are looked at at the same time.
. "$(dirname "$0")/../lib.sh"
t_begin
need_root
DIFF=$USTACK_BUILD/tests/diff/diff

# silent GATEWAY's namespace swallows what goes to documentation addresses
silence() {
	ip netns exec "$1" sh -c 'cd /proc/sys/net; echo 1 >ipv4/ip_forward; echo 1 >ipv6/conf/all/forwarding
		echo 0 >ipv4/icmp_ratelimit; echo 0 >ipv6/icmp/ratelimit'
	ip -n "$1" route add blackhole 192.0.2.0/24
	ip -n "$1" -6 route add blackhole 2001:db8::/32
}

# observe NAME CMD...: begin to run it all, with a peer on either side
observe() {
	local name=$1
	shift
	bg "$name-far" "${KN[@]}" "$DIFF" peer
	bg "$name-near" "$@" "$DIFF" peer
	wait_for 5 has_line "$T/$name-far.out" ready && wait_for 5 has_line "$T/$name-near.out" ready ||
		{ not_ok "the peer programs start" "$T/$name-far.err" "$T/$name-near.err"; exit 1; }
	bg "$name" "$@" "$DIFF" ${DIFF_ARGS:-}
}
# observed NAME: to its end
observed() {
	bg_wait "$1" 180 || not_ok "$1: the scenarios run to their end" "$T/$1.err"
	bg_kill "$1-far"
	bg_kill "$1-near"
}

# look: at both stacks at the same time, at the kernel's in namespaces that nobody used
look() {
	observe_kernel
	observe ours "${US[@]}"
	observed kernel
	observed ours
}
observe_kernel() {
	local K E KN US stack=${BG[s0]}
	USTACK_TWIN=kernel kernel_peer
	bg_kill s0	# the twin's place holder
	BG[s0]=$stack
	silence "$K"
	ip -n "$E" -6 route add default via fc00::1:1
	observe kernel "${US[@]}"
}

USTACK_TWIN='' kernel_peer tap gw=10.0.0.1,gw=fc00::1:1
silence "$K"
look

[ -n "${DIFF_KEEP:-}" ] && cp "$T/kernel.out" "$T/ours.out" "$DIFF_KEEP"
compare() {
	awk -f "$TESTS_DIR/diff/compare.awk" "$TESTS_DIR/diff/accepted" "$T/kernel.out" "$T/ours.out" >"$1"
}
# a difference counts when it shows again: some scenarios race with the daemon, and
# on a busy machine the kernel's stack may be the one that is late
persists() {
	mv "$T/verdict" "$T/first"
	look
	compare "$T/verdict" && return 1
	grep '^[^ 0-9]' "$T/first" | grep -xFf - "$T/verdict" | grep -q .
}
if compare "$T/verdict"; then
	ok "both stacks show the same: $(tail -n1 "$T/verdict")"
elif persists; then
	not_ok "both stacks show the same: $(tail -n1 "$T/verdict")" "$T/verdict" "$T/first" "$T/kernel.err" "$T/ours.err" "$T/s0.err"
else
	diag "once only: $(grep '^[^ 0-9]' "$T/first" | tr '\n' ' ')"
	ok "both stacks show the same, looked at twice: $(tail -n1 "$T/verdict")"
fi
