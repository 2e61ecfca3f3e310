#!/bin/bash
# bad-frames.sh - random and mangled frames on the link: no crash, no stall
# deadline: 90
. "$(dirname "$0")/../lib.sh"
t_begin

# over fd: a socketpair whose other end sends garbage
: >"$T/f0.ready"
bg f0 "$USTACK_APPS/garbage" exec-fd 7 60000 "$USTACKD" -n f0 \
	-o "fd=7,ip=10.0.0.70/24,ip=fc00::1:70/64" --ready-fd 9 9>"$T/f0.ready"
wait_for 10 has_line "$T/f0.ready" ready || not_ok "the stack starts on an fd" "$T/f0.err"
bg_wait f0 60
status=$?
if [ $status = 0 ]; then
	ok "60,000 random and mangled frames over an fd link"
else
	not_ok "60,000 random and mangled frames over an fd link (status $status)" "$T/f0.err" "$T/f0.out"
fi

kernel_peer tap
bg echo "${US[@]}" "$USTACK_APPS/echo-many" server 0.0.0.0 7000
wait_for 5 listening 10.0.0.70 7000 || not_ok "the server listens" "$T/echo.err" "$T/s0.err"
for seed in 1 2; do
	check "20,000 random and mangled frames over the TAP (seed $seed)" \
		"${KN[@]}" timeout 30 "$USTACK_APPS/garbage" frames t0 $seed 20000
	# among the frames were ARP lies about our address: asked anew, the
	# kernel tells the stack the truth
	ip -n "$K" neigh flush dev t0
	check "the stack answers ping" wait_for 5 "${KN[@]}" ping -c1 -W1 10.0.0.70
	check "the stack answers ping6" wait_for 5 "${KN[@]}" ping -6 -c1 -W1 fc00::1:70
	check "and its server serves" "${KN[@]}" timeout 20 "$USTACK_APPS/echo-many" client 10.0.0.70 7000 20 5
done
