#!/bin/bash
# dhcp-times.sh - the life of a DHCP lease, in seconds in place of hours
# deadline: 120
#
#   namespace $K: t0 10.9.0.1/24, dhcp-server.py -- TAP -- ustackd, dhcp
. "$(dirname "$0")/../lib.sh"
need jq
t_begin
need_root
ns_new K
ns_new E
KN=(ip netns exec "$K")
US=(ip netns exec "$E" env USTACK=s0 LD_PRELOAD="$USTACK_PRELOAD")
ip -n "$E" link set lo down
ip -n "$K" tuntap add t0 mode tap
ip -n "$K" addr add 10.9.0.1/24 dev t0
ip -n "$K" link set t0 up

orders() { echo "$*" >"$T/orders.new" && mv "$T/orders.new" "$T/orders"; }
addresses() { "${US[@]}" ip -j -4 addr show dev eth0 | jq -r '.[].addr_info[].local' | xargs; }
has() { [ "$(addresses)" = "$1" ]; }
valid() { "${US[@]}" ip -j -4 addr show dev eth0 | jq '.[].addr_info[0].valid_life_time'; }
count() { grep -cE "$1" "$T/server.out"; }
more() { [ "$(count "$2")" -gt "$1" ]; }

orders address=10.9.0.60 lease=12 t1=3 t2=8 do=ack
bg server "${KN[@]}" "$PY" "$TESTS_DIR/netns/dhcp-server.py" t0 "$T/orders"
wait_for 10 has_line "$T/server.out" ready || not_ok "the server starts" "$T/server.err"
stack_start s0 tap=t0,iface=eth0,dhcp,metric=50 "$K" || not_ok "the stack starts" "$T/s0.err"
check "a lease" wait_for 10 has 10.9.0.60
bg monitor "${US[@]}" ip monitor address route
check "its route has protocol and metric" grep -q "default via 10.9.0.1 dev eth0 proto dhcp src 10.9.0.60 metric 50" \
	<("${US[@]}" ip route)

n=$(count "REQUEST 10.9.0.60 - 10.9.0.1")
check "renewed at T1, by unicast" wait_for 8 more "$n" "REQUEST 10.9.0.60 - 10.9.0.1"
check "ip monitor saw it" wait_for 5 grep -q "10.9.0.60/24.*dynamic" "$T/monitor.out"
check "the lifetime counts from there" eval '[ "$(valid)" -ge 9 ] && [ "$(valid)" -le 12 ]'
check "nothing else changed: the route stayed" eval '! grep -q default "$T/monitor.out"'

orders address=10.9.0.60 lease=12 t1=3 t2=8 do=mute
check "no answer: rebinding at T2, by broadcast" wait_for 15 grep -q "REQUEST 10.9.0.60 - 255.255.255.255" "$T/server.out"
check "the address is kept meanwhile" has 10.9.0.60
check "the lease ran out: the address is gone" wait_for 15 has ""
check "the route, too" eval '! "${US[@]}" ip route | grep -q .'
check "ip monitor saw it go" wait_for 5 grep -q "Deleted.*10.9.0.60/24" "$T/monitor.out"
check "the log says why" has_line "$T/s0.err" "ran out and no server renewed it"

orders address=10.9.0.61 lease=12 t1=3 t2=8 do=ack
check "the server is back: another lease" wait_for 30 has 10.9.0.61
orders address=10.9.0.62 lease=12 t1=3 t2=8 do=nak
check "a NAK takes the address away" wait_for 10 has ""
orders address=10.9.0.62 lease=1000 t1=400 t2=800 do=ack
check "and the next one is taken" wait_for 30 has 10.9.0.62

"${US[@]}" ip link set eth0 down
check "link down releases it" wait_for 5 more 0 "RELEASE 10.9.0.62 - 10.9.0.1"
check "link down takes it away" has ""
"${US[@]}" ip link set eth0 up
check "link up: asks for the same, has it again" wait_for 10 has 10.9.0.62
check "by its DISCOVER" grep -q "DISCOVER 0.0.0.0 10.9.0.62" "$T/server.out"

# somebody else has the address: the kernel answers for any of its own
ip -n "$K" addr add 10.9.0.63/32 dev lo
orders address=10.9.0.63 lease=1000 t1=400 t2=800 do=ack
"${US[@]}" ip link set eth0 down
"${US[@]}" ip link set eth0 up
check "an address in use is declined" wait_for 10 grep -q "DECLINE 0.0.0.0 10.9.0.63" "$T/server.out"
check "and not taken" has ""
orders address=10.9.0.64 lease=1000 t1=400 t2=800 do=ack
check "another is, after a pause" wait_for 20 has 10.9.0.64

# a conflict later: one is answered, two give the address up
ip -n "$K" addr add 10.9.0.64/24 dev t0
orders address=10.9.0.65 lease=1000 t1=400 t2=800 do=ack
"${KN[@]}" arping -q -c 1 -U -I t0 10.9.0.64
check "one conflict is borne" has 10.9.0.64
check "two are not" wait_for 10 eval '"${KN[@]}" arping -q -c 1 -U -I t0 10.9.0.64; more 0 "DECLINE 0.0.0.0 10.9.0.64"'
check "another address comes" wait_for 30 has 10.9.0.65

stack_stop s0
check "the end of the stack releases it" wait_for 5 more 0 "RELEASE 10.9.0.65 - 10.9.0.1"
