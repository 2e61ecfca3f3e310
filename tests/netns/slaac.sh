#!/bin/bash
# slaac.sh - IPv6 from router advertisements: radvd
# deadline: 120
#
#   namespace $K: t0 fe80::1, 2001:db8:1::1, radvd -- TAP -- ustackd, rd
. "$(dirname "$0")/../lib.sh"
need jq radvd
t_begin
need_root
ns_new K
ns_new E
KN=(ip netns exec "$K")
US=(ip netns exec "$E" env USTACK=s0 LD_PRELOAD="$USTACK_PRELOAD")
ip -n "$E" link set lo down
"${KN[@]}" sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.all.accept_dad=0
ip -n "$K" tuntap add t0 mode tap
"${KN[@]}" sysctl -qw net.ipv6.conf.t0.addr_gen_mode=1
ip -n "$K" addr add fe80::1/64 dev t0 nodad
ip -n "$K" addr add 2001:db8:1::1/64 dev t0 nodad
ip -n "$K" addr add 2001:db8:2::1/64 dev t0 nodad
ip -n "$K" link set t0 up

# router TEXT: radvd with this in its interface's section
router() {
	bg_kill radvd 2>/dev/null
	echo "interface t0 { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; $1 };" >"$T/radvd.conf"
	bg radvd "${KN[@]}" radvd -n -m stderr -u root -C "$T/radvd.conf" -p "$T/radvd.pid"
}
# addresses JQ-CONDITION: those of the interface that fulfil it
addresses() {
	"${US[@]}" ip -j -6 addr show dev eth0 |
		jq -r ".[].addr_info[] | select(.scope == \"global\" and ($1)) | .local" | xargs
}
count() { set -- $(addresses "$1"); echo $#; }
some() { [ -n "$(addresses "$1")" ]; }
none() { [ -z "$(addresses "$1")" ]; }
route() { "${US[@]}" ip -6 route | grep -qE "$1"; }
no_route() { ! route "$1"; }
resolv() { "${US[@]}" cat /etc/resolv.conf; }
in1='.local | startswith("2001:db8:1:")' in2='.local | startswith("2001:db8:2:")'

router 'AdvDefaultLifetime 9; AdvDefaultPreference high; AdvLinkMTU 1400;
	prefix 2001:db8:1::/64 { AdvValidLifetime 9000; AdvPreferredLifetime 8000; };
	prefix 2001:db8:2::/64 { AdvValidLifetime 9000; AdvPreferredLifetime 5; };
	route 2001:db8:77::/48 { AdvRouteLifetime 600; };
	RDNSS 2001:db8:1::53 fe80::53 { AdvRDNSSLifetime 8; };
	DNSSL one.example two.example { AdvDNSSLLifetime 8; };'
stack_start s0 tap=t0,iface=eth0,rd,mac=02:00:00:00:00:07,domain=mine.example "$K" ||
	not_ok "the stack starts" "$T/s0.err"
bg monitor "${US[@]}" ip monitor address route
check "an address of each prefix, once it is not tentative" \
	wait_for 10 eval 'some "($in1) and .tentative == null" && some "($in2) and .tentative == null"' || diag "$(tail -n 5 "$T/radvd.err")"
check "made of the Ethernet address" eval '[ "$(addresses "$in1")" = 2001:db8:1::ff:fe00:7 ]'
check "its lifetimes" eval '"${US[@]}" ip -j -6 addr show dev eth0 | jq -e ".[].addr_info[] | select($in1) | .valid_life_time > 8950 and .preferred_life_time <= 8000"'
check "the router: lifetime, preference" route "^default via fe80::1 dev eth0 proto ra metric 1024 expires [0-9]+sec pref high"
check "its own route" route "^2001:db8:77::/48 via fe80::1 dev eth0 proto ra"
check "the prefix is on link" route "^2001:db8:1::/64 dev eth0 proto kernel metric 256 expires"
check "the MTU" grep -q "mtu 1400" <("${US[@]}" ip link show dev eth0)
check "name servers, the link-local one with its zone" eval \
	'[ "$(resolv | awk "/^nameserver/ { print \$2 }" | xargs)" = "2001:db8:1::53 fe80::53%2" ]'
check "search list, behind the configured one" eval 'resolv | grep -qx "search mine.example one.example two.example"'
check "packets flow" "${US[@]}" ping -c1 -W3 2001:db8:1::1

# nothing more is told: everything that was has its end
bg_kill radvd KILL 2>/dev/null
check "the preferred lifetime ends: deprecated" wait_for 10 some "($in2) and .deprecated"
check "a deprecated address is no source" eval '"${US[@]}" ip route get 2001:db8:2::9 | grep -q "src 2001:db8:1:"'
check "the router's lifetime ends: no default route" wait_for 12 no_route "^default"
check "ip monitor saw it go" grep -q "^Deleted default via fe80::1" "$T/monitor.out"
check "the servers' ends" wait_for 10 eval '! resolv | grep -q 2001:db8:1::53'
check "the search list's" wait_for 10 eval 'resolv | grep -qx "search mine.example"'
check "the prefix holds on" route "^2001:db8:1::/64 dev eth0"

router 'AdvDefaultLifetime 600; prefix 2001:db8:1::/64 { AdvValidLifetime 5; AdvPreferredLifetime 4; };'
check "the router is back" wait_for 10 route "^default via fe80::1 dev eth0 proto ra .*pref medium"
check "a short lifetime shortens an address to two hours, not more" wait_for 5 eval \
	'"${US[@]}" ip -j -6 addr show dev eth0 | jq -e ".[].addr_info[] | select($in1) | .valid_life_time <= 7200 and .valid_life_time > 7000"'
bg_kill radvd
check "a router that ends says so: no default route" wait_for 5 no_route "^default"

"${US[@]}" ip link set eth0 down
check "link down takes all of it away" eval 'none true && no_route . && "${US[@]}" ip link show dev eth0 | grep -q "mtu 1500"'
router 'prefix 2001:db8:1::/64 { AdvValidLifetime 7; AdvPreferredLifetime 6; };'
"${US[@]}" ip link set eth0 up
check "link up brings it back" wait_for 10 some "$in1"
check "ip monitor saw it tentative" grep -q "2001:db8:1::ff:fe00:7/64 scope global tentative dynamic" "$T/monitor.out"
bg_kill radvd KILL 2>/dev/null
check "an address's valid lifetime ends: it goes" wait_for 15 none true
check "ip monitor saw it go" wait_for 5 grep -q "^Deleted 2: eth0 *inet6 2001:db8:1::ff:fe00:7/64" "$T/monitor.out"
check "its prefix, too" wait_for 5 no_route "^2001:db8:1::/64"

# a stack that was not told to listen does not
router 'prefix 2001:db8:1::/64 { };'
stack_stop s0
stack_start s0 tap=t0,iface=eth0,mac=02:00:00:00:00:07 "$K" || not_ok "the stack starts" "$T/s0.err"
bg tcpdump "${KN[@]}" tcpdump -lni t0 icmp6
wait_for 15 grep -q "router advertisement" "$T/tcpdump.out"
check "without rd nothing is taken" eval 'none true && no_route ^default && no_route ^2001'
stack_stop s0

# stable and temporary addresses; somebody has the one that would be made
stack_start s0 tap=t0,iface=eth0,rd,addrgen=stable,privacy "$K" || not_ok "the stack starts" "$T/s0.err"
check "privacy: a temporary address beside the stable one" wait_for 10 eval \
	'some ".temporary and .tentative == null" && some ".mngtmpaddr and .tentative == null"'
check "it is the source" eval '"${US[@]}" ip route get 2001:db8:1::9 | grep -q "src $(addresses .temporary) "'
was=$(addresses .mngtmpaddr) lladdr=$("${US[@]}" ip -j -6 addr show dev eth0 | jq -r '.[].addr_info[] | select(.scope == "link").local')
check "nothing in it of the Ethernet address" eval '! echo "$was $lladdr" | grep -q ff:fe'
stack_stop s0
ip -n "$K" addr add "$was/128" dev t0 nodad
stack_start s0 tap=t0,iface=eth0,rd,addrgen=stable "$K" || not_ok "the stack starts" "$T/s0.err"
check "the same link-local address at each start" wait_for 5 eval '"${US[@]}" ip -6 addr show dev eth0 | grep -q "inet6 $lladdr/64"'
check "somebody has the other: it is made anew" wait_for 15 eval 'some "($in1) and .tentative == null" && [ "$(addresses true)" != "$was" ]'
check "and the log says so" has_line "$T/s0.err" "somebody else's"

# the same at run time, by ip
check "addrgenmode shows" eval '"${US[@]}" ip -d -j link show dev eth0 | jq -e ".[].inet6_addr_gen_mode == \"stable_secret\""'
"${US[@]}" ip link set eth0 down
check "addrgenmode eui64" "${US[@]}" ip link set dev eth0 addrgenmode eui64
"${US[@]}" ip link set eth0 up
check "counts for what is made then" wait_for 10 eval '"${US[@]}" ip -6 addr show dev eth0 | grep -q "inet6 fe80:.*ff:fe"'
"${US[@]}" ip link set eth0 down
"${US[@]}" ip link set dev eth0 addrgenmode none
"${US[@]}" ip link set eth0 up
check "addrgenmode none: no address at all" eval '! "${US[@]}" ip -6 addr show dev eth0 | grep -q inet6'
