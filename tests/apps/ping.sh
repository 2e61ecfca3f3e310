#!/bin/bash
# ping.sh - ping under the shim: both families, sizes, unreachable, loopback
# deadline: 60
. "$(dirname "$0")/../lib.sh"
need ping
t_begin
kernel_peer tap gw=10.0.0.1
IF=tap0
[ "${USTACK_TWIN:-}" = kernel ] && IF=v0
# file capabilities make the loader drop LD_PRELOAD: a copy has none
cp "$(command -v ping)" "$T/ping"

check "ping: 3 of 3 answered" timeout 10 "${US[@]}" "$T/ping" -c3 -i0.1 -W2 10.0.0.1
check "ping -6: 3 of 3 answered" timeout 10 "${US[@]}" "$T/ping" -6 -c3 -i0.1 -W2 fc00::1:1
check "ping with 4,000 bytes (fragments)" timeout 10 "${US[@]}" "$T/ping" -c2 -i0.1 -W2 -s 4000 10.0.0.1
check "ping of the stack itself" timeout 10 "${US[@]}" "$T/ping" -c2 -i0.1 -W2 10.0.0.70
check "ping of 127.0.0.1" timeout 10 "${US[@]}" "$T/ping" -c2 -i0.1 -W2 127.0.0.1
check "ping -6 of ::1" timeout 10 "${US[@]}" "$T/ping" -6 -c2 -i0.1 -W2 ::1
timeout 10 "${US[@]}" "$T/ping" -c1 -W1 10.0.0.1 >"$T/ping.log" 2>&1
check "ping shows the hop limit" grep -q 'ttl=64' "$T/ping.log"
check "ping: no warnings" eval '! grep -qi warning "$T/ping.log"'
check "ping from an interface" timeout 10 "${US[@]}" "$T/ping" -c1 -W2 -I 10.0.0.70 10.0.0.1
"${KN[@]}" sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0
check "ping -b: of the broadcast address" timeout 10 "${US[@]}" "$T/ping" -b -c1 -W2 10.0.0.255
check "ping of a broadcast address needs -b" eval '! timeout 10 "${US[@]}" "$T/ping" -c1 -W1 10.0.0.255'
check "ping -6 of all nodes" timeout 10 "${US[@]}" "$T/ping" -6 -c1 -W2 -I $IF ff02::1
timeout 10 "${KN[@]}" ping -c1 -W2 10.0.0.70 >"$T/hl4.log" 2>&1
timeout 10 "${KN[@]}" ping -6 -c1 -W2 fc00::1:70 >"$T/hl6.log" 2>&1
check "the stack's replies have Linux's hop limit" eval 'cat "$T/hl4.log" "$T/hl6.log" | grep -c ttl=64 | grep -qx 2'
timeout 10 "${KN[@]}" ping -6 -c2 -i0.2 -W2 -L -I t0 ff02::1 >"$T/nodes.log" 2>&1
check "the stack answers a ping -6 of all nodes" grep -q "from f[ce].*ttl=64" "$T/nodes.log"
check "ping -6 from an address" timeout 10 "${US[@]}" "$T/ping" -6 -c1 -W2 -I fc00::1:70 fc00::1:1
timeout 10 "${US[@]}" "$T/ping" -c1 -W1 -M do -s 3000 10.0.0.1 >"$T/do.log" 2>&1
check "ping -M do: too long for the interface" grep -qi "message too long, mtu=1500" "$T/do.log"
"${KN[@]}" ip route add unreachable 10.0.9.0/24
"${KN[@]}" sysctl -qw net.ipv4.ip_forward=1
timeout 10 "${US[@]}" "$T/ping" -c1 -W1 10.0.9.9 >"$T/unreach.log" 2>&1
check "ping tells who says unreachable" grep -q "From 10.0.0.1 icmp_seq=1 Destination Host Unreachable" "$T/unreach.log"

# what a line of "ping -R" or "-T" has in the end: addresses, without times
hops() { timeout 10 "$@" 2>&1 | sed -n '/^RR:\|^TS:/,/^$/p' | grep -o '10\.0\.0\.[0-9]*' | tr '\n' ' '; }
equal() { [ "$1" = "$2" ] && ok "$3" || not_ok "$3: \"$1\", not \"$2\""; }
equal "$(hops "${US[@]}" "$T/ping" -n -c1 -R 10.0.0.1)" "10.0.0.70 10.0.0.1 10.0.0.1 10.0.0.70 " \
	"ping -R records the route"
equal "$(hops "${KN[@]}" ping -n -c1 -R 10.0.0.70)" "10.0.0.1 10.0.0.70 10.0.0.70 10.0.0.1 " \
	"the stack answers ping -R with the route"
equal "$(hops "${US[@]}" "$T/ping" -n -c1 -T tsandaddr 10.0.0.1)" "10.0.0.70 10.0.0.1 10.0.0.1 10.0.0.70 " \
	"ping -T tsandaddr"
equal "$(hops "${KN[@]}" ping -n -c1 -T tsandaddr 10.0.0.70)" "10.0.0.1 10.0.0.70 10.0.0.70 10.0.0.1 " \
	"the stack answers ping -T tsandaddr"
timeout 10 "${US[@]}" "$T/ping" -n -c1 -T tsonly 10.0.0.1 >"$T/ts.log" 2>&1
check "ping -T tsonly: four times" eval '[ "$(sed -n "/^TS:/,/^$/p" "$T/ts.log" | grep -c "[0-9]")" = 4 ]'
