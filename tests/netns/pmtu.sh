#!/bin/bash
# pmtu.sh - a narrow link in the middle of the path: packets become smaller
#
#	the stack -- t0 in R --(MTU 1300)-- M --(MTU 1500)-- K
# deadline: 60
. "$(dirname "$0")/../lib.sh"
need nc.openbsd ping
need_root
t_begin
ns_new R
ns_new M
ns_new K
KN=(ip netns exec "$K")
ip -n "$R" tuntap add t0 mode tap
ip -n "$R" link add m0 mtu 1300 type veth peer name r0 mtu 1300 netns "$M"
ip -n "$M" link add k0 type veth peer name m1 netns "$K"
addr() { # NAMESPACE DEVICE IPV4 IPV6
	ip -n "$1" addr add "$3/24" dev "$2"
	ip -n "$1" -6 addr add "$4/64" dev "$2" nodad
	ip -n "$1" link set "$2" up
}
addr "$R" t0 10.0.1.1 fc01::1
addr "$R" m0 10.0.2.1 fc02::1
addr "$M" r0 10.0.2.2 fc02::2
addr "$M" k0 10.0.3.1 fc03::1
addr "$K" m1 10.0.3.2 fc03::2
for n in "$R" "$M"; do
	ip netns exec "$n" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
done
ip -n "$R" route add default via 10.0.2.2
ip -n "$R" -6 route add default via fc02::2
ip -n "$M" route add 10.0.1.0/24 via 10.0.2.1
ip -n "$M" -6 route add fc01::/64 via fc02::1
ip -n "$K" route add default via 10.0.3.1
ip -n "$K" -6 route add default via fc03::1
head -c 2000000 /dev/urandom >"$T/file"

# send NAME FAMILY ADDRESS
send() {
	local port=$((7000 + RANDOM % 1000))
	bg srv "${KN[@]}" nc.openbsd "-$2" -l -p $port
	wait_for 10 k_listening $port
	timeout 20 env USTACK=s0 LD_PRELOAD="$USTACK_PRELOAD" nc.openbsd -N "$3" $port <"$T/file" 2>"$T/cli.err" >/dev/null
	wait_for 5 gone_or_zombie "${BG[srv]}"
	same "$1" "$T/file" "$T/srv.out"
	bg_kill srv
}
for kind in t0 t0/novnet; do
	stack_start s0 "vnl=tap:$kind,ip=10.0.1.70/24,ip=fc01::70/64,gw=10.0.1.1,gw=fc01::1" "$R" ||
		{ not_ok "the stack starts" "$T/s0.err"; exit 1; }
	wait_for 10 "${KN[@]}" ping -c1 -W1 10.0.1.70
	wait_for 10 "${KN[@]}" ping -6 -c1 -W1 fc01::70
	send "$kind: IPv4" 4 10.0.3.2
	send "$kind: IPv6" 6 fc03::2
	stack_stop s0
done
# DF was set: a router told so, and made no fragments
# column 19: packets too large with DF, 20: fragments made
if ip netns exec "$R" awk '/^Ip: [0-9]/ { exit !($19 > 0 && $20 == 0) }' /proc/net/snmp; then
	ok "no router had to fragment"
else
	not_ok "no router had to fragment" /dev/null
fi
