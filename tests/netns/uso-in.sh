#!/bin/bash
# uso-in.sh - several datagrams in one frame: what the kernel sends uncut, and who cuts it
#
#  $A kernel            s0 forwards                    $B kernel
#  ta 10.1.0.1  -------- r0 10.1.0.254  r1 10.2.0.254 -- tb 10.2.0.2
#                        r2 10.3.0.254 ----------------- tc 10.3.0.2 (no vnet_hdr, a wire)
#                        r3 10.4.0.254 --- s1 10.4.0.2 (a cable)
#  tu 10.5.0.1  -------- s2: a bridge without offloads -- tv 10.5.0.2
#  s3.5 10.6.0.1 -- tg -- the kernel's bridge in $A -- th -- s4.5 10.6.0.2, tagged
#  the same in fd01:: to fd06::; the stack is ::fe
# deadline: 90
# shellcheck disable=SC2086	# flags and sizes are words, or none
. "$(dirname "$0")/../lib.sh"
need tcpdump
t_begin
need_root
[ "${USTACK_TWIN:-}" = kernel ] && skip_all "configures the daemon"
[ "$(printf '%s\n' 6.2 "$(uname -r)" | sort -V | head -n1)" = 6.2 ] ||
	skip_all "the kernel's TAP knows no frames of several datagrams (Linux 6.2)"
ns_new A
ns_new B
ns_new R
AN=(ip netns exec "$A")
BN=(ip netns exec "$B")
S0=(env USTACK=s0 LD_PRELOAD="$USTACK_PRELOAD")
S1=(env USTACK=s1 LD_PRELOAD="$USTACK_PRELOAD")
fails() { not_ok "$1" "$T/$2.err"; exit 1; }
stack_start s0 "tap=ta,iface=r0,ip=10.1.0.254/24,ip=fd01::fe/64,tap=tb,iface=r1,ip=10.2.0.254/24,ip=fd02::fe/64,vnl=tap:tc/novnet,iface=r2,ip=10.3.0.254/24,ip=fd03::fe/64,veth=$T/cable,iface=r3,ip=10.4.0.254/24,ip=fd04::fe/64,forward" "$R" ||
	fails "the stack starts" s0
stack_start s1 "veth=$T/cable,ip=10.4.0.2/24,ip=fd04::2/64,gw=10.4.0.254,gw=fd04::fe" "$R" ||
	fails "the one behind it starts" s1
stack_start s2 "tap=tu,iface=b0,vnl=tap:tv/novnet,iface=b1" "$R" || fails "the bridge starts" s2

# end NS DEVICE NET HOST: the kernel's end of a link
end() {
	ip -n "$R" link set "$2" netns "$1"
	ip -n "$1" addr add "10.$3.0.$4/24" dev "$2"
	ip -n "$1" addr add "fd0$3::$4/64" dev "$2" nodad
	ip -n "$1" link set "$2" up
}
end "$A" ta 1 1
end "$B" tb 2 2
end "$B" tc 3 2
end "$A" tu 5 1
end "$B" tv 5 2
ip -n "$A" route add default via 10.1.0.254
ip -n "$A" route add default via fd01::fe
ip -n "$B" route add 10.1.0.0/24 via 10.2.0.254
ip -n "$B" route add fd01::/64 via fd02::fe
ip -n "$B" route add 10.4.0.0/24 via 10.2.0.254
sip() { "$USTACK_CLI" ip "$@" >>"$T/sip.log" 2>&1 || not_ok "ip $*" "$T/sip.log"; }
sip s2 link add br0 type bridge
sip s2 link set b0 master br0
sip s2 link set b1 master br0
sip s2 link set br0 up
ip -n "$A" link add kb type bridge
ip -n "$A" link set kb up
for s in s3,tg,1 s4,th,2; do
	IFS=, read -r name dev host <<<"$s"
	stack_start $name "tap=$dev,iface=low" "$R" || fails "$name starts" $name
	ip -n "$R" link set $dev netns "$A"
	ip -n "$A" link set $dev master kb up
	sip $name link add link low name low.5 type vlan id 5
	sip $name addr add 10.6.0.$host/24 dev low.5
	sip $name addr add fd06::$host/64 dev low.5
	sip $name link set low.5 up
done
S3=(env USTACK=s3 LD_PRELOAD="$USTACK_PRELOAD")
S4=(env USTACK=s4 LD_PRELOAD="$USTACK_PRELOAD")
answers() { wait_for 10 "${AN[@]}" ping -n -c1 -W1 "$1" || not_ok "$1 answers"; }
for a in 10.1.0.254 10.2.0.2 10.3.0.2 10.4.0.2 10.5.0.2 \
	fd01::fe fd02::2 fd03::2 fd04::2 fd05::2; do answers $a; done

# [gro] [filter] [trunc] ADDRESS...: receive until the short one, on a socket each; a
# line a datagram, by content, and to stderr how many it took from how many calls
cat >"$T/rx.py" <<'X2'
import ctypes, hashlib, socket, struct, sys
UDP_GRO, SO_ATTACH_FILTER = 104, 26
words = sys.argv[1:]
flags = [w for w in words if w in ("gro", "filter", "trunc", "port")]
socks = []

# ldh [4]; what has UDP's length of a whole datagram passes, and the short one whose is 85
code = [(0x28, 0, 0, 4), (0x15, 1, 0, 1208), (0x15, 0, 1, 85), (6, 0, 0, 65535), (6, 0, 0, 0)]

def opened(address, gro):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    if gro:
        s.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
    if "filter" in flags:
        prog = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *c) for c in code))
        s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                     struct.pack("HxxxxxxP", len(code), ctypes.addressof(prog)))
    s.bind((address, 7000))
    if address.startswith("239."):
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                     socket.inet_aton(address) + socket.inet_aton("10.1.0.254"))
    s.settimeout(10)
    return s

def received(s):
    calls = n = 0
    while True:
        d, ctl, mflags, _ = s.recvmsg(100 if "trunc" in flags else 65536, 200)
        size = [struct.unpack("i", c[2])[0] for c in ctl if c[:2] == (socket.IPPROTO_UDP, UDP_GRO)]
        step = size[0] if size else len(d)
        calls += 1
        if "trunc" in flags:
            print(len(d), bool(mflags & socket.MSG_TRUNC), size)
            return
        for i in range(0, len(d), step):
            n += 1
            print(len(d[i:i + step]), hashlib.md5(d[i:i + step]).hexdigest(), flush=True)
        if len(d) % step < 1000 and (len(d) % step or step < 1000):
            break
    print("calls", calls, "datagrams", n, file=sys.stderr, flush=True)

# of several sockets every other one has UDP_GRO
addresses = [w for w in words if w not in flags]
for k, a in enumerate(addresses):
    socks.append(opened(a, "gro" in flags if len(addresses) == 1 else k % 2))
print("ready", file=sys.stderr, flush=True)
for s in socks:
    received(s)
X2
# ADDRESS [SIZE [df]]: one send of 40 datagrams and a short one; prints what they are.
# df: they must not be fragmented; waits for the error
cat >"$T/tx.py" <<'X2'
import errno, hashlib, socket, sys
UDP_SEGMENT = 103
to, size = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1200
family = socket.AF_INET6 if ":" in to else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
if "df" in sys.argv:
    s.setsockopt(socket.IPPROTO_IP, 10, 2)	# IP_MTU_DISCOVER, IP_PMTUDISC_DO
if to.startswith("239."):
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.1.0.1"))
s.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
d = bytes((i * 7 + i // 251) % 256 for i in range(size * 40 + 77))
s.connect((to, 7000))
assert s.send(d) == len(d)
if "df" in sys.argv:
    s.settimeout(5)
    try:
        s.recv(1)
    except OSError as e:
        sys.exit(0 if e.errno == errno.EMSGSIZE else e)
for i in range(0, len(d), size):
    part = d[i:i + size]
    print(len(part), hashlib.md5(part).hexdigest())
X2

# arrives NAME ADDRESS FLAGS PREFIX...: from $A, or from "${FROM[@]}"
FROM=("${AN[@]}") SIZE=
arrives() {
	local name=$1 to=$2 flags=$3
	shift 3
	rm -f "$T/rx.err"		# that of the last one says "ready", too
	bg rx "$@" "$PY" "$T/rx.py" $flags $to
	wait_for 10 has_line "$T/rx.err" ready
	"${FROM[@]}" "$PY" "$T/tx.py" "$to" $SIZE >"$T/sent" 2>"$T/tx.err" || not_ok "$name: sent" "$T/tx.err"
	bg_wait rx 15
	same "$name" "$T/sent" "$T/rx.out"
}
count() { ip netns exec "$1" cat "/sys/class/net/$2/statistics/$3"; }
# one_frame NAME NS DEVICE COUNTER CMD...: that many or little more, by ARP
one_frame() {
	local name=$1 ns=$2 dev=$3 what=$4 was
	was=$(count "$ns" "$dev" "$what")
	shift 4
	"$@"
	was=$(($(count "$ns" "$dev" "$what") - was))
	check "$name" [ $was -ge 1 -a $was -le 4 ]
}
calls() { check "in $1 calls" has_line "$T/rx.err" "calls $1 datagrams 41"; }

# --- to the stack itself
one_frame "in one frame" "$A" ta tx_packets arrives "IPv4" 10.1.0.254 "" "${S0[@]}"
calls 41
one_frame "in one frame" "$A" ta tx_packets arrives "IPv6" fd01::fe "" "${S0[@]}"
calls 41
one_frame "in one frame" "$A" ta tx_packets arrives "IPv4, UDP_GRO" 10.1.0.254 gro "${S0[@]}"
calls 1
one_frame "in one frame" "$A" ta tx_packets arrives "IPv6, UDP_GRO" fd01::fe gro "${S0[@]}"
calls 1
arrives "IPv4, with a filter that wants each datagram's length" 10.1.0.254 filter "${S0[@]}"
calls 41
rm -f "$T/rx.err"
bg rx "${S0[@]}" "$PY" "$T/rx.py" 239.1.2.3 239.1.2.3 239.1.2.3
wait_for 10 has_line "$T/rx.err" ready
"${AN[@]}" "$PY" "$T/tx.py" 239.1.2.3 >"$T/sent" 2>"$T/tx.err" || not_ok "a group: sent" "$T/tx.err"
bg_wait rx 15
cat "$T/sent" "$T/sent" "$T/sent" >"$T/thrice"
same "a group, to sockets with and without UDP_GRO" "$T/thrice" "$T/rx.out"
check "as each wants it" [ "$(sed -n 's/calls \([0-9]*\) .*/\1/p' "$T/rx.err" | paste -sd" ")" = "41 1 41" ]
rm -f "$T/rx.err"
bg rx "${S0[@]}" "$PY" "$T/rx.py" gro trunc 10.1.0.254
wait_for 10 has_line "$T/rx.err" ready
"${AN[@]}" "$PY" "$T/tx.py" 10.1.0.254 >/dev/null
bg_wait rx 15
check "a short buffer cuts all of it" has_line "$T/rx.out" "100 True [1200]"
# gro|- SIZE: 30 sends to who reads only afterwards; what was read and what SO_RXQ_OVFL
# says was dropped is all of it
cat >"$T/late.py" <<'X2'
import socket, struct, subprocess, sys
UDP_GRO, SO_RXQ_OVFL = 104, 40
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, int(sys.argv[2]))
if sys.argv[1] == "gro":
    s.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
s.bind(("10.1.0.254", 7000))
print("ready", file=sys.stderr, flush=True)
sys.stdin.readline()			# when all was sent
got, dropped, whole = 0, 0, 0
s.setblocking(False)
while True:
    try:
        d, ctl, _, _ = s.recvmsg(65536, 200)
    except BlockingIOError:
        print("drained", file=sys.stderr, flush=True)
        s.settimeout(10)
        d, ctl, _, _ = s.recvmsg(65536, 200)
    for level, kind, data in ctl:
        if (level, kind) == (socket.SOL_SOCKET, SO_RXQ_OVFL):
            dropped = struct.unpack("I", data)[0]
        if (level, kind) == (socket.IPPROTO_UDP, UDP_GRO):
            whole += 1
    if d == b"end":
        break
    got += 1
print(got, dropped, whole)
X2
cat >"$T/many.py" <<'X2'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("10.1.0.254", 7000))
if sys.argv[1] == "end":
    s.send(b"end")
else:
    s.setsockopt(socket.IPPROTO_UDP, 103, 1200)
    for i in range(30):
        s.send(bytes(1200 * 40))
X2
# late NAME gro|- SIZE: afterwards $GOT, $DROPPED, $WHOLE
late() {
	rm -f "$T/late.err" "$T/late.in"
	mkfifo "$T/late.in"
	exec 8<>"$T/late.in"
	bg late "${S0[@]}" "$PY" "$T/late.py" "$2" "$3"
	wait_for 10 has_line "$T/late.err" ready
	"${AN[@]}" "$PY" "$T/many.py" all
	wait_for 5 taken
	echo go >&8
	# what was dropped tells only the next one that has room
	wait_for 10 has_line "$T/late.err" drained
	"${AN[@]}" "$PY" "$T/many.py" end
	bg_wait late 10
	exec 8>&-
	read -r GOT DROPPED WHOLE <"$T/late.out" || GOT=0 DROPPED=0 WHOLE=0
	diag "$1: $GOT received, $DROPPED dropped, $WHOLE together"
}
# the stack has looked at all that was sent: an answer to a ping comes behind it
taken() { "${AN[@]}" ping -n -c1 -W1 10.1.0.254; }
late "each" - 100000
check "what finds no room is counted, a datagram each" [ $((GOT + DROPPED)) = 1200 -a "$GOT" -gt 10 -a "$DROPPED" -gt 10 ]
late "together" gro 100000
check "with UDP_GRO all of them as one" [ $((GOT + DROPPED)) = 30 -a "$GOT" -gt 1 -a "$GOT" = "$WHOLE" ]
late "a small buffer" gro 8192
check "a buffer too small for all of them takes some" [ $((GOT + DROPPED)) = 1200 -a "$GOT" -gt 1 -a "$WHOLE" = 0 ]
FROM=("${S0[@]}")
arrives "to itself, UDP_GRO" 10.1.0.254 gro "${S0[@]}"
calls 1
arrives "to itself, IPv6" fd01::fe "" "${S0[@]}"
calls 41
arrives "over lo, UDP_GRO" ::1 gro "${S0[@]}"
calls 1

# --- tagged, from stack to stack by the kernel
FROM=("${S3[@]}")
wait_for 10 "$USTACK_CLI" ping s3 -c1 -W1 10.6.0.2 || not_ok "10.6.0.2 answers"
wait_for 10 "$USTACK_CLI" ping s3 -c1 -W1 fd06::2 || not_ok "fd06::2 answers"
one_frame "in one frame" "$A" tg rx_packets arrives "tagged, IPv4" 10.6.0.2 "" "${S4[@]}"
one_frame "in one frame" "$A" th tx_packets arrives "tagged, IPv6, UDP_GRO" fd06::2 gro "${S4[@]}"
calls 1
FROM=("${AN[@]}")

# --- through it
one_frame "in one frame" "$B" tb rx_packets arrives "to a link that takes it, IPv4" 10.2.0.2 "" "${BN[@]}"
one_frame "in one frame" "$B" tb rx_packets arrives "to a link that takes it, IPv6" fd02::2 gro "${BN[@]}"
calls 1
for w in tc tv; do
	bg $w "${BN[@]}" tcpdump -i $w -nn -v -U -w "$T/$w.pcap" udp port 7000
	wait_for 10 has_line "$T/$w.err" "listening on"
done
arrives "to a wire, IPv4" 10.3.0.2 "" "${BN[@]}"
arrives "to a wire, IPv6" fd03::2 "" "${BN[@]}"
arrives "through a bridge to a wire, IPv4" 10.5.0.2 "" "${BN[@]}"
arrives "through a bridge to a wire, IPv6" fd05::2 "" "${BN[@]}"
for w in tc tv; do
	all() { [ "$(tcpdump -nn -r "$T/$w.pcap" greater 1000 2>/dev/null | wc -l)" = 80 ]; }
	check "as packets that fit it" wait_for 10 all
	bg_kill $w INT
	check "none of which is longer" [ -z "$(tcpdump -nn -r "$T/$w.pcap" greater 1515 2>/dev/null)" ]
	check "with the right checksums" [ -z "$(tcpdump -nn -vv -r "$T/$w.pcap" 2>/dev/null | grep -E 'bad|incorrect')" ]
done
arrives "over a cable, IPv4, UDP_GRO" 10.4.0.2 gro "${S1[@]}"
calls 1
arrives "over a cable, IPv6" fd04::2 "" "${S1[@]}"
calls 41
FROM=("${S1[@]}")
arrives "from behind the cable, UDP_GRO" 10.4.0.254 gro "${S0[@]}"
calls 1
one_frame "in one frame" "$A" ta rx_packets arrives "from behind the cable, to the kernel" fd01::1 "" "${AN[@]}"
arrives "from behind the cable, to a wire" 10.3.0.2 "" "${BN[@]}"
FROM=("${AN[@]}")
check "the kernel saw no wrong checksum" [ "$("${BN[@]}" awk '/^Udp: [0-9]/ { print $8 }' /proc/net/snmp)" = 0 ]

# --- longer than the next link takes
ip -n "$B" link set tc mtu 1300
sip s0 link set r2 mtu 1300
SIZE=1400
arrives "longer than the next link takes: fragments" 10.3.0.2 "" "${BN[@]}"
SIZE=
for a in 10.3.0.2 fd03::2; do
	check "datagrams that do not fit come back as an error, $a" "${AN[@]}" "$PY" "$T/tx.py" $a 1400 df
	check "that says what would" eval 'ip -n "$A" route get $a | grep "mtu 1300"'
done
arrives "those that fit pass" 10.3.0.2 "" "${BN[@]}"
for s in s0 s1 s2 s3 s4; do stack_stop $s; done
