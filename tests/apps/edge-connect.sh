#!/bin/bash
# edge-connect.sh - 1,000 non-blocking connects, edge-triggered, on both stacks
# deadline: 90
#
# $P has the server.  The kernel's client sits in $C behind a veth, ours on a
# TAP in $P; both reach 192.0.2.1 through $P, which swallows what goes there.
. "$(dirname "$0")/../lib.sh"
t_begin
need_root
kernel_peer tap gw=10.0.0.1
ns_new C
ip -n "$K" link add v0 type veth peer name v1 netns "$C"
ip -n "$K" addr add 10.0.1.1/24 dev v0
ip -n "$K" addr add 10.9.9.9/32 dev lo
ip -n "$K" link set v0 up
ip -n "$C" addr add 10.0.1.70/24 dev v1
ip -n "$C" link set v1 up
ip -n "$C" route add default via 10.0.1.1
"${KN[@]}" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
ip -n "$K" route add blackhole 192.0.2.0/24
bg server "${KN[@]}" "$USTACK_APPS/edge-connect" server 10.9.9.9 7000
wait_for 5 k_listening 7000
wait_for 5 ip netns exec "$C" ping -c1 -W1 10.9.9.9
args=(10.9.9.9 7000 7999 192.0.2.1 1000)
bg kernel ip netns exec "$C" "$USTACK_APPS/edge-connect" client "${args[@]}"
bg_wait kernel 40 || not_ok "on the kernel's stack every connect comes to its end" "$T/kernel.out" "$T/kernel.err"
bg ours "${US[@]}" "$USTACK_APPS/edge-connect" client "${args[@]}"
bg_wait ours 40 || not_ok "under the shim every connect comes to its end" "$T/ours.err" "$T/s0.err"
n=$(diff "$T/kernel.out" "$T/ours.out" | grep -c '^>')
if [ "$(wc -l <"$T/kernel.out")" = 1000 ] && cmp -s "$T/kernel.out" "$T/ours.out"; then
	ok "1,000 connections (500 up, 250 refused, 250 timed out): every line as the kernel's"
else
	diff "$T/kernel.out" "$T/ours.out" | head -n 12 >"$T/diff"
	not_ok "1,000 connections: every line as the kernel's ($n differ)" "$T/diff"
fi
diag "$(sed -n 1p "$T/kernel.out")"
diag "$(sed -n 3p "$T/kernel.out")"
diag "$(sed -n 4p "$T/kernel.out")"
