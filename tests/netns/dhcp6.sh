#!/bin/bash
# dhcp6.sh - DHCPv6: dnsmasq, then the life of a lease in seconds in place of hours
# deadline: 120
#
#   namespace $K: t0 fe80::1, 2001:db8:1::1, dnsmasq or dhcp6-server.py
#                 -- TAP -- ustackd, dhcp6 with and without rd
. "$(dirname "$0")/../lib.sh"
need jq dnsmasq
t_begin
need_root
ns_new K
ns_new E
KN=(ip netns exec "$K")
US=(ip netns exec "$E" env USTACK=s0 LD_PRELOAD="$USTACK_PRELOAD")
ip -n "$E" link set lo down
ip -n "$K" tuntap add t0 mode tap
"${KN[@]}" sysctl -qw net.ipv6.conf.t0.addr_gen_mode=1
ip -n "$K" addr add fe80::1/64 dev t0 nodad
ip -n "$K" addr add 2001:db8:1::1/64 dev t0 nodad
ip -n "$K" link set t0 up

addresses() {
	"${US[@]}" ip -j -6 addr show dev eth0 |
		jq -r ".[].addr_info[] | select(.scope == \"global\" and .tentative == null and ($1)) | .local" | xargs
}
has() { [ "$(addresses true)" = "$1" ]; }
resolves() { "${US[@]}" cat /etc/resolv.conf | grep -qxF "$1"; }
count() { grep -cE "$1" "$T/server.out"; }
more() { [ "$(count "$2")" -gt "$1" ]; }
lease='.local | startswith("2001:db8:1::1")'

# serve RANGE...: dnsmasq
serve() {
	bg_kill dnsmasq
	bg dnsmasq "${KN[@]}" dnsmasq -k --port=0 --conf-file=/dev/null --user=root --pid-file="$T/pid" \
		--dhcp-leasefile="$T/leases" --bind-interfaces --interface=t0 --log-facility=- --enable-ra \
		--ra-param=t0,4 --dhcp-option=option6:dns-server,[2001:db8:1::53] \
		--dhcp-option=option6:domain-search,six.example "${@/#/--dhcp-range=}"
}

serve 2001:db8:1::100,2001:db8:1::1ff,64,2m
stack_start s0 tap=t0,iface=eth0,auto6 "$K" || not_ok "the stack starts" "$T/s0.err"
check "M: an address" wait_for 15 eval '[ -n "$(addresses "$lease")" ]' || diag "$(tail -n 5 "$T/dnsmasq.err")"
check "it is a host's, with the lease's lifetime" eval \
	'"${US[@]}" ip -j -6 addr show dev eth0 | jq -e ".[].addr_info[] | select($lease) | .prefixlen == 128 and .dynamic and .valid_life_time > 100 and .valid_life_time <= 120"'
check "the server knows it" grep -q "$(addresses "$lease")" "$T/leases"
check "and our name" grep -q " s0 " "$T/leases"
check "name server" resolves "nameserver 2001:db8:1::53"
check "search list" resolves "search six.example"
check "the prefix is on link, by the router" grep -q "^2001:db8:1::/64 dev eth0" <("${US[@]}" ip -6 route)
check "packets flow" "${US[@]}" ping -c1 -W3 2001:db8:1::1
stack_stop s0
check "the end of the stack releases it" wait_for 5 eval '! grep -q "2001:db8:1::1" "$T/leases"'

serve 2001:db8:1::,ra-stateless
stack_start s0 tap=t0,iface=eth0,auto6,mac=02:00:00:00:00:07 "$K" || not_ok "the stack starts" "$T/s0.err"
check "O: an address by itself" wait_for 15 has 2001:db8:1::ff:fe00:7
check "the rest from the server" wait_for 10 resolves "search six.example"
check "it was asked for no address" eval '! grep -q DHCPSOLICIT "$T/dnsmasq.err"'
stack_stop s0
stack_start s0 tap=t0,iface=eth0,dhcp6 "$K" || not_ok "the stack starts" "$T/s0.err"
check "no address to have: the rest all the same" wait_for 10 resolves "nameserver 2001:db8:1::53"
stack_stop s0
bg_kill dnsmasq

orders() { echo "$*" >"$T/orders.new" && mv "$T/orders.new" "$T/orders"; }
orders address=2001:db8:1::60 preferred=10 valid=14 t1=3 t2=7 do=give
bg server "${KN[@]}" "$PY" "$TESTS_DIR/netns/dhcp6-server.py" t0 "$T/orders"
wait_for 10 has_line "$T/server.out" ready || not_ok "the server starts" "$T/server.err"
stack_start s0 tap=t0,iface=eth0,dhcp6 "$K" || not_ok "the stack starts" "$T/s0.err"
check "without a router: a lease" wait_for 10 has 2001:db8:1::60
check "renewed at T1" wait_for 8 more 0 "RENEW 2001:db8:1::60"
orders address=2001:db8:1::60 preferred=10 valid=14 t1=3 t2=7 do=mute
check "no answer: rebinding at T2" wait_for 15 more 0 "REBIND 2001:db8:1::60"
check "the lease ran out: the address is gone" wait_for 15 has ""
check "its servers, too" eval '! resolves "nameserver 2001:db8:1::53"'
orders address=2001:db8:1::61 preferred=1000 valid=1400 t1=2 t2=700 do=give
check "the server is back: another lease" wait_for 40 has 2001:db8:1::61
orders address=2001:db8:1::62 preferred=1000 valid=1400 t1=2 t2=700 do=3
check "a server that knows nothing of it: the address goes" wait_for 10 has ""
orders address=2001:db8:1::62 preferred=1000 valid=1400 t1=300 t2=700 do=give
check "and the next one comes" wait_for 20 has 2001:db8:1::62
"${US[@]}" ip link set eth0 down
check "link down releases it" wait_for 5 more 0 "RELEASE 2001:db8:1::62"
ip -n "$K" addr add 2001:db8:1::63/128 dev t0 nodad
orders address=2001:db8:1::63 preferred=1000 valid=1400 t1=300 t2=700 do=give
"${US[@]}" ip link set eth0 up
check "an address in use is declined" wait_for 15 more 0 "DECLINE 2001:db8:1::63"
check "and not used" has ""
orders address=2001:db8:1::64 preferred=1000 valid=1400 t1=300 t2=700 do=give
check "another is, after a pause" wait_for 25 has 2001:db8:1::64
