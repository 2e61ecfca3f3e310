#!/bin/bash
# bird.sh - routing daemons: OSPF, OSPFv3 and BGP between our stack and the kernel's
# deadline: 90
. "$(dirname "$0")/../lib.sh"
need bird birdc ping
t_begin
kernel_peer tap
IF=tap0
[ "${USTACK_TWIN:-}" = kernel ] && IF=v0

# conf SIDE INTERFACE OWN OTHER OWN_AS OTHER_AS PREFIX
conf() {
	cat >"$T/$1.conf" <<-CONF
	router id $3;
	log stderr all;
	protocol device { scan time 1; }
	protocol direct { ipv4; ipv6; }
	protocol kernel { ipv4 { export all; }; }
	protocol kernel { ipv6 { export all; }; }
	protocol static { ipv4; route 192.0.$7.0/24 blackhole; }
	protocol static { ipv6; route 2001:db8:$7::/48 blackhole; }
	protocol ospf v2 o4 { ipv4 { export where source = RTS_STATIC; };
		area 0 { interface "$2" { hello 1; wait 2; }; }; }
	protocol ospf v3 o6 { ipv6 { export where source = RTS_STATIC; };
		area 0 { interface "$2" { hello 1; wait 2; }; }; }
	protocol bgp bgp1 { local $3 as $5; neighbor $4 as $6; connect delay time 1;
		ipv4 { import all; export where source = RTS_STATIC; }; }
	CONF
}
conf kernel t0 10.0.0.1 10.0.0.70 65001 65002 2
conf us $IF 10.0.0.70 10.0.0.1 65002 65001 3
bg bird-k "${KN[@]}" bird -f -c "$T/kernel.conf" -s "$T/kernel.ctl" -P "$T/kernel.pid"
bg bird-u "${US[@]}" bird -f -c "$T/us.conf" -s "$T/us.ctl" -P "$T/us.pid"

shows() { birdc -s "$T/$1.ctl" "show $2" | grep -q "$3"; }
for side in kernel us; do
	check "$side: OSPF has a full neighbour" wait_for 25 shows $side "ospf neighbors o4" Full/
	check "$side: OSPFv3 has a full neighbour" wait_for 15 shows $side "ospf neighbors o6" Full/
	check "$side: BGP is established" wait_for 15 shows $side "protocols bgp1" Established
done
routes() { "${US[@]}" ip "-$1" route show proto bird | grep "$2"; }
check "an IPv4 route learned is in our stack" wait_for 10 routes 4 "192.0.2.0/24 via 10.0.0.1 dev $IF"
check "an IPv6 route learned is in our stack" wait_for 10 routes 6 "2001:db8:2::/48 via fe80::.* dev $IF"
check "our IPv4 route is in the kernel" wait_for 10 eval '"${KN[@]}" ip route | grep -q "192.0.3.0/24 via 10.0.0.70"'
check "our IPv6 route is in the kernel" wait_for 10 eval '"${KN[@]}" ip -6 route | grep -q "2001:db8:3::/48 via fe80:"'
"${KN[@]}" ip address add 192.0.2.1/32 dev lo
cp "$(command -v ping)" "$T/ping"	# without the file capabilities that make the loader drop LD_PRELOAD
check "traffic takes the learned route" timeout 10 "${US[@]}" "$T/ping" -c1 -W2 192.0.2.1
bg_kill bird-k
check "they are withdrawn with the neighbour" wait_for 20 eval '! routes 4 192.0.2.0'
