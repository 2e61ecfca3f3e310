#!/bin/bash
# vde-walkthrough.sh - vunet's walk-through with our stack in place of vdestack
# deadline: 60
#
# $V: a namespace whose lo carries vxvde's multicast.  In it `ustack mount`
# starts the stack, `ip` configures it, and vdens makes a namespace with the kernel's stack on the
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

check "ustack mount" ip netns exec "$V" "$USTACK_CLI" mount -o vnl=vxvde://234.0.0.1 mystack || exit 1
# the stack is configured as the kernel's is, step by step
my() { ip netns exec "$V" "$USTACK_CLI" ip mystack "$@"; }
my -br addr >"$T/addr" 2>&1
check "ip addr shows lo" grep -q '^lo  *UNKNOWN  *127.0.0.1/8 ::1/128' "$T/addr"
check "ip addr shows vde0, without an IPv4 address" eval 'grep -q "^vde0 " "$T/addr" && ! grep -q "^vde0 .*10\." "$T/addr"'
check "ip addr add 10.0.0.70/24 dev vde0" my addr add 10.0.0.70/24 dev vde0
check "ip addr add fc00::1:70/64 dev vde0" my addr add fc00::1:70/64 dev vde0
check "ip link set vde0 up" my link set vde0 up
my addr show dev vde0 >"$T/addr" 2>&1
check "both addresses are there" eval 'grep -q "inet 10.0.0.70/24" "$T/addr" && grep -q "inet6 fc00::1:70/64" "$T/addr"'
"$USTACK_CLI" ls >"$T/ls" 2>&1
check "ustack ls shows it with its addresses" grep -q '^mystack .*10\.0\.0\.70/24.*fc00::1:70/64' "$T/ls"
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

# --- a second stack beside it; the kernel's own is still there; and none at all
check "a second stack" ip netns exec "$V" "$USTACK_CLI" mount -o vnl=vxvde://234.0.0.1,ip=10.0.0.71/24 other
U2=(ip netns exec "$E" "$USTACK_CLI" exec other --)
check "it reaches the first" wait_for 10 "${U2[@]}" ping -c1 -W1 10.0.0.70
check "and the kernel" wait_for 10 "${U2[@]}" ping -c1 -W1 10.0.0.1
check "the first reaches it" wait_for 10 "${US[@]}" ping -c1 -W1 10.0.0.71
check "each has its own address" eval '"${U2[@]}" ip -br addr | grep -q "10.0.0.71/24" && ! "${U2[@]}" ip -br addr | grep -q "10.0.0.70/24"'
ip -n "$E" link add own type veth peer name own1
check "the kernel's own stack is still there" eval 'ip netns exec "$E" ip -br link | grep -q ^own && ip netns exec "$E" env USTACK=mystack "$USTACK_CLI" exec host -- ip -br link | grep -q ^own'
check "and a stack's program does not see it" eval '! "${US[@]}" ip -br link | grep -q ^own'
null() { ip netns exec "$E" "$USTACK_CLI" exec null -- "$PY" -c "$1"; }
check "null: no network at all" null 'import socket, errno
for f in socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET:
    try:
        socket.socket(f, socket.SOCK_DGRAM if f in (2, 10) else socket.SOCK_RAW)
        raise SystemExit("a socket of family %d" % f)
    except OSError as e:
        assert e.errno == errno.EAFNOSUPPORT, e
a, b = socket.socketpair()
a.send(b"x")
assert b.recv(1) == b"x"'
check "ustack umount, one" "$USTACK_CLI" umount other
check "the other stack does not mind" "${KN[@]}" ping -c1 -W3 10.0.0.70
check "ustack umount" "$USTACK_CLI" umount mystack
check "the stack is gone" test ! -S "$XDG_RUNTIME_DIR/ustack/mystack"
