#!/bin/bash
# dhcp.sh - DHCP from dnsmasq, over TAP and VDE, and from slirp
# deadline: 120
#
#   namespace $K: t0 10.9.0.1/24, dnsmasq -- TAP -- ustackd s0, dhcp
#                 v0 10.9.1.1/24, dnsmasq -- VDE -- ustackd s1, dhcp
#   ustackd s2, dhcp -- slirp
. "$(dirname "$0")/../lib.sh"
need jq dnsmasq
t_begin
need_root
ns_new K
ns_new E
KN=(ip netns exec "$K")
ip -n "$E" link set lo down
for i in 0 1; do
	ip -n "$K" tuntap add t$i mode tap
	ip -n "$K" addr add 10.9.$i.1/24 dev t$i
	ip -n "$K" link set t$i up
done
on() { ip netns exec "$E" env USTACK="$1" LD_PRELOAD="$USTACK_PRELOAD" "${@:2}"; }
leased() { on "$1" ip -4 addr show dev eth0 | grep -qE "inet $2.*dynamic"; }

bg dnsmasq "${KN[@]}" dnsmasq -k --port=0 --conf-file=/dev/null --user=root --pid-file="$T/pid" \
	--dhcp-leasefile="$T/leases" --bind-interfaces --interface=t0 --interface=t1 --log-facility=- \
	--dhcp-range=10.9.0.50,10.9.0.59,2m --dhcp-range=10.9.1.50,10.9.1.59,infinite \
	--dhcp-option=6,10.9.0.53,10.9.0.54 --dhcp-option=15,lab.example --dhcp-option=26,1400 \
	--dhcp-option=119,one.example,two.one.example \
	--dhcp-option=tag:t0,121,10.20.0.0/16,10.9.0.2,0.0.0.0/0,10.9.0.3 --dhcp-option=58,3s
wait_for 5 eval '"${KN[@]}" ss -Hlun sport = :67 | grep -q .'

stack_start s0 tap=t0,iface=eth0,dhcp,ip=192.168.7.7/24,dns=192.168.7.1,domain=mine.example "$K" ||
	not_ok "the stack starts" "$T/s0.err"
check "TAP: a lease, before it is ready" leased s0 '10\.9\.0\.5[0-9]/24 brd 10.9.0.255' || diag "$(tail -n 5 "$T/dnsmasq.err")"
check "the configured address is there, too" grep -q 192.168.7.7/24 <(on s0 ip addr)
check "its lifetime is the lease's" eval \
	'on s0 ip -j -4 addr show dev eth0 | jq -e ".[].addr_info[] | select(.dynamic) | .valid_life_time > 100 and .valid_life_time <= 120"'
check "the server knows our name" grep -qE ' 10\.9\.0\.5[0-9] s0 ' "$T/leases"
check "classless routes" eval 'on s0 ip route | grep -q "^10.20.0.0/16 via 10.9.0.2 dev eth0 proto dhcp"'
check "the router among them counts" eval 'on s0 ip route | grep -q "^default via 10.9.0.3 dev eth0 proto dhcp"'
check "the router option does not, then" eval '! on s0 ip route | grep -q "via 10.9.0.1 "'
check "the MTU" grep -q "mtu 1400" <(on s0 ip link show dev eth0)
on s0 cat /etc/resolv.conf >"$T/resolv"
check "servers: the configured one, then those of DHCP" eval \
	'[ "$(awk "/^nameserver/ { print \$2 }" "$T/resolv" | xargs)" = "192.168.7.1 10.9.0.53 10.9.0.54" ]'
check "domains: the configured one, then the search list" grep -qx "search mine.example one.example two.one.example" "$T/resolv"
on s0 ip link set eth0 mtu 1350
n=$(grep -c DHCPACK "$T/dnsmasq.err")
check "renewed when option 58 says" wait_for 10 eval '[ $(grep -c DHCPACK "$T/dnsmasq.err") -gt $n ]'
check "that leaves an MTU alone that was set meanwhile" grep -q "mtu 1350" <(on s0 ip link show dev eth0)
check "packets flow" on s0 ping -c1 -W3 -I "$(on s0 ip -j -4 addr show dev eth0 | jq -r '.[].addr_info[] | select(.dynamic).local')" 10.9.0.1
stack_stop s0
check "the end of the stack releases the lease" wait_for 5 eval '! grep -q " 10.9.0.5" "$T/leases"'
check "and the TAP works again with the next" eval 'stack_start s0 tap=t0,iface=eth0,dhcp,fqdn=host.lab.example "$K" && wait_for 10 leased s0 10.9.0.5'
check "fqdn= is told" wait_for 5 grep -qE ' 10\.9\.0\.5[0-9] host ' "$T/leases"

bg cable "${KN[@]}" vde_plug "ptp://$T/ptp" tap://t1
wait_for 5 test -S "$T/ptp"
stack_start s1 "vnl=ptp://$T/ptp,iface=eth0,auto4" || not_ok "the stack starts" "$T/s1.err"
check "VDE: a lease" wait_for 15 eval 'on s1 ip addr | grep -q "inet 10.9.1.5"' || diag "$(tail -n 5 "$T/dnsmasq.err" "$T/cable.err")"
check "an infinite one is for ever" eval 'on s1 ip addr show dev eth0 | grep -A1 10.9.1.5 | grep -q "valid_lft forever"'

if stack_start s2 "vnl=slirp://,iface=eth0,dhcp"; then
	check "slirp: a lease" wait_for 10 on s2 sh -c 'ip addr | grep -q "inet 10.0.2.15/24"'
	check "slirp: a route" grep -q "^default via 10.0.2.2 dev eth0 proto dhcp" <(on s2 ip route)
	check "slirp: a name server" grep -qx "nameserver 10.0.2.3" <(on s2 cat /etc/resolv.conf)
	check "slirp answers" on s2 ping -c1 -W3 10.0.2.2
elif grep -q "slirp" "$T/s2.err"; then
	skip "slirp" "its plug-in for libvdeplug is not installed"
fi

check "on demand: configured before the program runs" env -u USTACK -u LD_PRELOAD \
	"$USTACK_CLI" exec vnl=slirp://,dhcp,iface=od0 ip -4 route get 10.0.2.2
check "no server: the program runs all the same" env -u USTACK -u LD_PRELOAD \
	"$USTACK_CLI" exec vnl=null://,dhcp,iface=od1 ip -4 link show od1
