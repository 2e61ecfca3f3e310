#!/bin/bash
# tcpdump.sh - tcpdump of the private stack: one interface, any, lo; filters, files
# deadline: 90
. "$(dirname "$0")/../lib.sh"
need tcpdump ping
t_begin
kernel_peer tap
IF=tap0
[ "${USTACK_TWIN:-}" = kernel ] && IF=v0
# a copy: Debian's has no capability, but its AppArmor profile goes by the path
cp "$(command -v tcpdump)" "$T/tcpdump"
cp "$(command -v ping)" "$T/ping"

# dump NAME OPTION...: starts it, and waits until it listens
dump() {
	local name=$1
	shift
	bg "$name" "${US[@]}" "$T/tcpdump" -Z root -n -l --immediate-mode "$@"
	wait_for 5 has_line "$T/$name.err" "listening on" || not_ok "$name: tcpdump listens" "$T/$name.err"
}
dumped() {
	bg_wait "$1" 10 || { not_ok "$2" "$T/$1.err" "$T/$1.out"; return; }
	check "$2" grep -q "$3" "$T/$1.out"
}

dump in -i $IF -c 4 icmp
"${KN[@]}" ping -c2 -i0.1 -W2 10.0.0.70 >/dev/null
dumped in "on $IF: what comes in" "10.0.0.1 > 10.0.0.70: ICMP echo request"
check "on $IF: what goes out" grep -q "10.0.0.70 > 10.0.0.1: ICMP echo reply" "$T/in.out"
check "statistics: nothing dropped" has_line "$T/in.err" "0 packets dropped by kernel"

dump port -i $IF -c 1 tcp dst port 7001
"${KN[@]}" nc.openbsd -z -w1 10.0.0.70 7000
"${KN[@]}" nc.openbsd -z -w1 10.0.0.70 7001
dumped port "a filter keeps the rest out" "10.0.0.70.7001: Flags \[S\]"
check "a filter keeps the rest out: one packet" eval '[ "$(wc -l <"$T/port.out")" = 1 ]'

dump any -i any -c 4 icmp6 and 'ip6[40] >= 128' and 'ip6[40] <= 129'
"${KN[@]}" ping -6 -c2 -i0.1 -W2 fc00::1:70 >/dev/null
dumped any "on any: with interface and direction" "$IF *In .*fc00::1:1 > fc00::1:70: ICMP6, echo request"
check "on any: outgoing, too" grep -q "$IF *Out .*echo reply" "$T/any.out"

dump lo -i lo -c 4 icmp
timeout 10 "${US[@]}" "$T/ping" -c2 -i0.1 -W2 127.0.0.1 >/dev/null
dumped lo "on lo" "127.0.0.1 > 127.0.0.1: ICMP echo request"

dump file -i $IF -w "$T/file.pcap" -U -c 2 udp port 17002
echo hello | timeout 5 "${KN[@]}" nc.openbsd -u -q0 -w1 10.0.0.70 17002
echo hello | timeout 5 "${KN[@]}" nc.openbsd -u -q0 -w1 10.0.0.70 17002
bg_wait file 10
check "-w: the file can be read" eval 'tcpdump -r "$T/file.pcap" -n 2>/dev/null | grep -q "10.0.0.70.17002: UDP, length 6"'

# many frames, read while they come: the ring goes round more than once
head -c 20000000 /dev/zero >"$T/zeros"
dump flood -i $IF -B 512 -s 64 -w "$T/flood.pcap" tcp port 7003
bg sink "${KN[@]}" nc.openbsd -l 7003
wait_for 5 k_listening 7003
timeout 30 "${US[@]}" nc.openbsd -N 10.0.0.1 7003 <"$T/zeros"
bg_wait sink 5
kill -INT "${BG[flood]}"
bg_wait flood 5
check "a fast transfer: tcpdump follows" eval '[ "$(tcpdump -r "$T/flood.pcap" -n 2>/dev/null | wc -l)" -gt 300 ]'
check "a fast transfer: captured from the SYN" eval 'tcpdump -r "$T/flood.pcap" -n -c1 2>/dev/null | grep -q "Flags \[S\]"'
