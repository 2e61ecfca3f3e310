#!/bin/bash
# traceroute.sh - traceroute over a router: UDP, ICMP and TCP probes, both families
# deadline: 90
. "$(dirname "$0")/../lib.sh"
need traceroute
t_begin
kernel_peer tap gw=10.0.0.1,gw=fc00::1:1
#   stack 10.0.0.70 --- 10.0.0.1 $K 10.1.0.1 --- 10.1.0.2 $R
ns_new R
ip -n "$K" link add r0 type veth peer name r1 netns "$R"
ip -n "$K" addr add 10.1.0.1/24 dev r0
ip -n "$K" -6 addr add fc00:2::1/64 dev r0 nodad
ip -n "$R" addr add 10.1.0.2/24 dev r1
ip -n "$R" -6 addr add fc00:2::2/64 dev r1 nodad
ip -n "$K" link set r0 up
ip -n "$R" link set r1 up
ip -n "$R" route add default via 10.1.0.1
ip -n "$R" -6 route add default via fc00:2::1
for ns in "$K" "$R"; do
	# every probe is answered
	ip netns exec "$ns" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
done
"${KN[@]}" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
[ "${USTACK_TWIN:-}" = kernel ] && ip -n "$E" -6 route add default via fc00::1:1
cp "$(readlink -f "$(command -v traceroute)")" "$T/traceroute"

# path NAME OPTION...: two hops, the second one with three answers
path() {
	local name=$1 hop1=$2 dst=$3
	shift 3
	timeout 25 "${US[@]}" "$T/traceroute" -n -w 2 -q 3 -m 5 "$@" "$dst" >"$T/out" 2>&1
	if grep -qE "^ 1 +${hop1//./\\.} .* ms .* ms .* ms$" "$T/out" &&
	   grep -qE "^ 2 +${dst//./\\.} .* ms .* ms .* ms$" "$T/out" && ! grep -q '^ 3' "$T/out"; then
		ok "$name"
	else
		not_ok "$name" "$T/out"
	fi
}
wait_for 10 "${KN[@]}" ping -6 -c1 -W1 fc00:2::2
path "IPv4, UDP" 10.0.0.1 10.1.0.2
path "IPv4, ICMP" 10.0.0.1 10.1.0.2 -I
path "IPv4, TCP" 10.0.0.1 10.1.0.2 -T -p 7000
path "IPv6, UDP" fc00::1:1 fc00:2::2 -6
path "IPv6, ICMP" fc00::1:1 fc00:2::2 -6 -I
path "IPv6, TCP" fc00::1:1 fc00:2::2 -6 -T -p 7000
