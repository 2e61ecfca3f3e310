#!/bin/bash
# vde-walkthrough.sh - vunet's walk-through with our stack in place of vdestack
# deadline: 60
#
# $V: a namespace whose lo carries vxvde's multicast.  In it `ustack mount`
# starts the stack, and vdens makes a namespace with the kernel's stack on the
# same VDE network.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/talk.sh.inc"
need nc.openbsd ping vdens
t_begin
need_root
ns_new V
ns_new E
ip -n "$E" link set lo down
ip -n "$V" link set lo multicast on
ip -n "$V" route add 224.0.0.0/4 dev lo

check "ustack mount" ip netns exec "$V" "$USTACK_CLI" mount \
	-o vnl=vxvde://234.0.0.1,ip=10.0.0.70/24,ip=fc00::1:70/64 mystack || exit 1
"$USTACK_CLI" ls >"$T/ls" 2>&1
if grep -q '^mystack .*10\.0\.0\.70/24' "$T/ls" || grep -q 'fc00::1:70/64' "$T/ls"; then
	ok "ustack ls shows it with its addresses"
else
	not_ok "ustack ls shows it with its addresses" "$T/ls"
fi
bg vdens ip netns exec "$V" vdens vxvde://234.0.0.1 bash -c '
	ip link set lo up &&
	ip link set vde0 up &&
	ip addr add 10.0.0.1/24 dev vde0 &&
	ip -6 addr add fc00::1:1/64 dev vde0 nodad &&
	echo $$ >'"$T"'/vdens.pid && exec sleep 300'
wait_for 10 test -s "$T/vdens.pid" || { not_ok "vdens starts" "$T/vdens.err"; exit 1; }
KN=(nsenter -t "$(cat "$T/vdens.pid")" -n)
US=(ip netns exec "$E" "$USTACK_CLI" exec mystack --)
KIP4=10.0.0.1 KIP6=fc00::1:1 SIP4=10.0.0.70 SIP6=fc00::1:70
wait_for 10 "${KN[@]}" ping -c1 -W1 10.0.0.70
wait_for 10 "${KN[@]}" ping -6 -c1 -W1 fc00::1:70
talk
check "ustack umount" "$USTACK_CLI" umount mystack
check "the stack is gone" test ! -S "$XDG_RUNTIME_DIR/ustack/mystack"
