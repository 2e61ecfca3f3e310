#!/bin/bash
# dhcp-client.sh - a DHCP client of its own: packet socket, filter, no address yet
# deadline: 60
. "$(dirname "$0")/../lib.sh"
need busybox dnsmasq
t_begin
need_root
ns_new K
ns_new E
KN=(ip netns exec "$K")
ip -n "$E" link set lo down
ip -n "$K" tuntap add t0 mode tap
ip -n "$K" addr add 10.9.0.1/24 dev t0
ip -n "$K" link set t0 up
stack_start s0 tap=t0,iface=eth0 "$K" || not_ok "the stack starts" "$T/s0.err"
US=(ip netns exec "$E" env USTACK=s0 LD_PRELOAD="$USTACK_PRELOAD")
bg dnsmasq "${KN[@]}" dnsmasq -k --port=0 --conf-file=/dev/null --user=root --pid-file="$T/pid" \
	--dhcp-leasefile="$T/leases" --dhcp-range=10.9.0.50,10.9.0.59 --interface=t0 --bind-interfaces \
	--log-facility=-
wait_for 5 eval '"${KN[@]}" ss -Hlun sport = :67 | grep -q .'
printf '#!/bin/sh\necho "$1 $ip $mask $router" >>%s/events\n' "$T" >"$T/script"
chmod 755 "$T/script"
check "udhcpc gets a lease" timeout 20 "${US[@]}" busybox udhcpc -i eth0 -f -n -q -t 5 -T 1 -s "$T/script" ||
	diag "$(tail -n 5 "$T/dnsmasq.err")"
check "its script is told the address" grep -qE '^bound 10\.9\.0\.5[0-9] ' "$T/events"
check "the server knows it" grep -qE ' 10\.9\.0\.5[0-9] ' "$T/leases"
