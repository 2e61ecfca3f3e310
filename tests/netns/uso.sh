#!/bin/bash
# uso.sh - UDP_SEGMENT: one write, many datagrams, cut by whoever can
#
#	s0 -- t0 in K (offloads) -- K forwards -- t1 in K (none: a wire) -- s1
# deadline: 60
. "$(dirname "$0")/../lib.sh"
need tcpdump
t_begin
kernel_peer tap gw=10.0.0.1,gw=fc00::1:1
ip -n "$K" tuntap add t1 mode tap
ip -n "$K" addr add 10.0.2.1/24 dev t1
ip -n "$K" -6 addr add fc02::1/64 dev t1 nodad
ip -n "$K" link set t1 up
"${KN[@]}" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
stack_start s1 vnl=tap:t1/novnet,ip=10.0.2.2/24,ip=fc02::2/64,gw=10.0.2.1,gw=fc02::1 "$K" ||
	{ not_ok "the other stack starts" "$T/s1.err"; exit 1; }
WIRE=(ip netns exec "$E" env USTACK=s1 LD_PRELOAD="$USTACK_PRELOAD")

# ADDRESS: receive until the short one; a line each, by content
cat >"$T/rx.py" <<'X'
import hashlib, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
s.bind((sys.argv[1], 7000))
s.settimeout(10)
print("ready", file=sys.stderr, flush=True)
while True:
    d = s.recv(65536)
    print(len(d), hashlib.md5(d).hexdigest(), flush=True)
    if len(d) < 1000:
        break
X
# ADDRESS [BYTES]: one send, of 40 datagrams of 1200 bytes and a short one or as said;
# prints what they are
cat >"$T/tx.py" <<'X'
import hashlib, socket, sys
UDP_SEGMENT = 103
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1200)
d = bytes((i * 7 + i // 251) % 256 for i in range(int(sys.argv[2]) if len(sys.argv) > 2 else 1200 * 40 + 77))
assert s.sendto(d, (sys.argv[1], 7000)) == len(d)
for i in range(0, len(d), 1200):
    part = d[i:i + 1200]
    print(len(part), hashlib.md5(part).hexdigest())
X

BYTES=
# arrives NAME ADDRESS PREFIX...: the receiver runs with that prefix
# shellcheck disable=SC2086	# BYTES may be none
arrives() {
	local name=$1 to=$2
	shift 2
	rm -f "$T/rx.err"		# that of the last one says "ready", too
	bg rx "$@" "$PY" "$T/rx.py" "$to"
	wait_for 10 has_line "$T/rx.err" ready
	"${US[@]}" "$PY" "$T/tx.py" "$to" $BYTES >"$T/sent" 2>"$T/tx.err" || not_ok "$name: sent" "$T/tx.err"
	bg_wait rx 15
	same "$name" "$T/sent" "$T/rx.out"
}

# frames NAME: how many the kernel took from the TAP so far
frames() { "${KN[@]}" cat /sys/class/net/t0/statistics/rx_packets; }

was=$(frames)
arrives "IPv4, to the kernel" 10.0.0.1 "${KN[@]}"
arrives "IPv6, to the kernel" fc00::1:1 "${KN[@]}"
# TUN_F_USO came with Linux 6.2
if [ "$(printf '%s\n' 6.2 "$(uname -r)" | sort -V | head -n1)" = 6.2 ]; then
	check "in a few frames" [ $(($(frames) - was)) -lt 20 ]
else
	check "each in its own frame" [ $(($(frames) - was)) -ge 82 ]
fi
# a frame's length has 16 bits, its Ethernet header and two tags included
BYTES=65485
arrives "as many as a frame can have" 10.0.0.1 "${KN[@]}"
BYTES=65507
arrives "as many as a datagram can have" 10.0.0.1 "${KN[@]}"
arrives "the same, to the stack itself" 10.0.0.70 "${US[@]}"
BYTES=
bg dump "${KN[@]}" tcpdump -i t1 -nn -v -U -w "$T/wire.pcap" udp port 7000
wait_for 10 has_line "$T/dump.err" "listening on"
arrives "IPv4, over a wire" 10.0.2.2 "${WIRE[@]}"
arrives "IPv6, over a wire" fc02::2 "${WIRE[@]}"
cut() { [ "$(tcpdump -nn -r "$T/wire.pcap" greater 1000 2>/dev/null | wc -l)" = 80 ]; }
check "as packets that fit it" wait_for 10 cut
bg_kill dump INT
check "none of which is longer" [ -z "$(tcpdump -nn -r "$T/wire.pcap" greater 1515 2>/dev/null)" ]
check "with the right checksums" [ -z "$(tcpdump -nn -vv -r "$T/wire.pcap" 2>/dev/null | grep -E 'bad|incorrect')" ]
arrives "IPv4, to the stack itself" 10.0.0.70 "${US[@]}"
arrives "IPv6, to the stack itself" fc00::1:70 "${US[@]}"
arrives "over lo" 127.0.0.1 "${US[@]}"
"$USTACK_CLI" ip s0 neigh flush all
arrives "to a neighbour that has to be found first" 10.0.0.1 "${KN[@]}"
check "the kernel saw no wrong checksum" [ "$("${KN[@]}" awk '/^Udp: [0-9]/ { print $8 }' /proc/net/snmp)" = 0 ]
stack_stop s0
stack_stop s1
