#!/bin/bash
# nmap.sh - nmap scans a kernel host: connect, SYN, UDP and ping scan, IPv6
# deadline: 120
. "$(dirname "$0")/../lib.sh"
need nmap nc.openbsd python3
t_begin
kernel_peer tap
# nmap asks rtnetlink for the way to its target
"${US[@]}" "$PY" -c 'import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)' 2>"$T/nl.err" ||
	skip_all "no AF_NETLINK on the stack: $(tail -n 1 "$T/nl.err")"
cp "$(command -v nmap)" "$T/nmap"
"${KN[@]}" sysctl -qw net.ipv4.icmp_ratelimit=0
bg tcp "${KN[@]}" nc.openbsd -k -l 7000
bg tcp6 "${KN[@]}" nc.openbsd -6 -k -l fc00::1:1 7001
bg udp "${KN[@]}" nc.openbsd -u -k -l 7002
wait_for 5 k_listening 7000
wait_for 5 k_listening 7001
wait_for 5 eval '"${KN[@]}" ss -Hlun sport = :7002 | grep -q .'

# scan NAME PATTERNS... -- OPTION...: each pattern is in the report
scan() {
	local name=$1 want=() missing= w
	shift
	while [ "$1" != -- ]; do want+=("$1"); shift; done
	shift
	timeout 40 "${US[@]}" "$T/nmap" -n "$@" >"$T/out" 2>&1 || missing="status $?"
	for w in "${want[@]}"; do
		grep -qE "$w" "$T/out" || missing+=" $w"
	done
	[ -z "$missing" ] && ok "$name" || { echo "missing: $missing" >>"$T/out"; not_ok "$name" "$T/out"; }
}
scan "-sT: open and closed" '^7000/tcp open' '^7003/tcp closed' -- -sT -p 7000,7003 10.0.0.1
scan "-sS: open and closed" '^7000/tcp open' '^7003/tcp closed' -- -sS -p 7000,7003 10.0.0.1
scan "-sU: open and closed" '^7002/udp open.filtered' '^7003/udp closed' -- -sU -p 7002,7003 10.0.0.1
scan "-sn: finds hosts by ARP, with their MAC address" 'Host is up' 'MAC Address:' '2 hosts up|1 host up' -- -sn 10.0.0.1-2
scan "-sS over IPv6" '^7001/tcp open' '^7003/tcp closed' -- -6 -sS -p 7001,7003 fc00::1:1
scan "--iflist: the stack's interfaces" '^lo .*127.0.0.1/8' '10\.0\.0\.70/24' -- --iflist
