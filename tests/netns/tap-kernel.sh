#!/bin/bash
# tap-kernel.sh - the main job against the kernel's stack over a TAP
# deadline: 60
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/talk.sh.inc"
need nc.openbsd ping
t_begin
kernel_peer tap
KIP4=10.0.0.1 KIP6=fc00::1:1 SIP4=10.0.0.70 SIP6=fc00::1:70
talk

# IPV6_MTU: what a name server sets, so that no router has to say that its answer is too large
pieces() { "${KN[@]}" awk '$1 == "Ip6ReasmReqds" { print $2 }' /proc/net/snmp6; }
send6='import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IPV6, 24, int(sys.argv[1]))
s.sendto(bytes(1400), (sys.argv[2], 9))'
was=$(pieces)
check "a datagram that fits is sent whole" "${US[@]}" "$PY" -c "$send6" 0 $KIP6
"${US[@]}" ping -6 -c1 -W3 $KIP6 >/dev/null	# it has arrived
check "in no fragments" [ "$(pieces)" = "$was" ]
check "with IPV6_MTU 1280" "${US[@]}" "$PY" -c "$send6" 1280 $KIP6
check "in two" wait_for 5 eval '[ "$(pieces)" = $((was + 2)) ]'
