#!/bin/bash
# ss.sh - ss(8) under the shim shows what it shows of the kernel's sockets
# deadline: 120
. "$(dirname "$0")/../lib.sh"
t_begin
need ss netstat
#  under the shim: a stack 10.0.0.70 on the TAP t0 of namespace $K
#  the same again, of kernels: $C c0 10.0.0.70 ----- b0 10.0.0.1 $D
kernel_peer tap
[ "${USTACK_TWIN:-}" = kernel ] && skip_all "compares with the kernel by itself"
ns_new C
ns_new D
ip -n "$D" link add b0 type veth peer name c0 netns "$C"
ip -n "$D" addr add 10.0.0.1/24 dev b0
ip -n "$D" -6 addr add fc00::1:1/64 dev b0 nodad
ip -n "$C" addr add 10.0.0.70/24 dev c0
ip -n "$C" -6 addr add fc00::1:70/64 dev c0 nodad
ip -n "$D" link set b0 up
ip -n "$C" link set c0 up
wait_for 10 ip netns exec "$C" ping -6 -c1 -W1 fc00::1:1
KC=(ip netns exec "$C")

bg peer "${KN[@]}" $PY "$TESTS_DIR/apps/ss-peer.py"
bg kpeer ip netns exec "$D" $PY "$TESTS_DIR/apps/ss-peer.py"
wait_for 10 has_line "$T/peer.out" ready
wait_for 10 has_line "$T/kpeer.out" ready
# who does not answer, but is there
ip -n "$C" neigh add 10.0.0.99 lladdr 02:00:00:00:00:99 dev c0
"${US[@]}" ip neigh add 10.0.0.99 lladdr 02:00:00:00:00:99 dev tap0
mkfifo "$T/us.in" "$T/k.in"
exec 7<>"$T/us.in" 8<>"$T/k.in"
bg us "${US[@]}" $PY "$TESTS_DIR/apps/ss-sockets.py"
bg k "${KC[@]}" $PY "$TESTS_DIR/apps/ss-sockets.py"
wait_for 20 has_line "$T/us.out" ready || { not_ok "the sockets are there" "$T/us.err"; exit 1; }
wait_for 20 has_line "$T/k.out" ready || { not_ok "the kernel's sockets are there" "$T/k.err"; exit 1; }

# what differs for good reason: pids, inodes, cookies, times, columns' width
plain() {
	sed -E 's/pid=[0-9]+/pid=P/g; s/ino:[0-9]+/ino:I/g; s/sk:[0-9a-f]+/sk:C/g;
		s/:(3[2-9]|[45][0-9]|60)[0-9]{3}\>/:EPHEMERAL/g
		s/timer:\(on,[^)]*\)/timer:(on)/g; s/timer:\(([a-z]+),[^,]*,/timer:(\1,T,/g; s/cgroup:[^ ]*//g; s/[ \t]+/ /g; s/ $//' | sort
}
# TIME-WAIT, SYN-SENT and FIN-WAIT-2 come to an end by themselves: as long as the
# test takes they are there
both_say() {
	local name=$1
	shift
	timeout 20 "${KC[@]}" ss -H "$@" 2>"$T/kernel.err" | plain >"$T/kernel"
	timeout 20 "${US[@]}" ss -H "$@" 2>"$T/stack.err" | plain >"$T/stack"
	same "$name: $(wc -l <"$T/kernel") lines" "$T/kernel" "$T/stack"
}
while read -r args; do
	eval "both_say 'ss $(printf %s "$args" | tr -d \')' $args"
done <<'CASES'
-tan
-tln
-tlnp
-uan
-uanp
-ulne
-wan
-wanp
-tane
-tulnpe
-4 -tan
-6 -tan
-6 -uan
-tano
-tuan state listening
-tuan state established
-tan state time-wait
-tan state syn-sent
-tan state close-wait
-tan state fin-wait-2
-tan state connected
-tan state all exclude listening
-tan '( dport = :7001 or sport = :6001 )'
-tan 'dport = :7001 and not sport = :6021'
-tan 'sport > :6020'
-tan 'sport >= :6021 and sport <= :6023'
-tan 'sport < :6003'
-tan 'sport != :6001'
-tan dst 10.0.0.1
-tan dst 10.0.0.0/24
-tan dst fc00::/64
-tan src 10.0.0.70:6002
-tan src :6011
-tan dst [::ffff:10.0.0.1]:7001
-tan 'dst 10.0.0.1 or dst fc00::1:1'
-tan 'not ( dst 10.0.0.0/24 or src fc00::/16 )'
-tan autobound
-uan dport = 53
-uan dev lo
CASES

# the same by /proc/net: netstat(8)
columns() {
	sed -E '1,2d; s/:(3[2-9]|[45][0-9]|60)[0-9]{3}\>/:EPHEMERAL/g; s/[0-9]+\/(python3)/P\/\1/;
		s/(on|keepalive|timewait) \(.*/\1/; s/^raw6 +[0-9]+/raw6 N/; s/ [0-9]{5,} / I /; s/[ \t]+/ /g; s/ $//' | sort
}
while read -r args; do
	timeout 20 "${KC[@]}" netstat $args 2>"$T/kernel.err" | columns >"$T/kernel"
	timeout 20 "${US[@]}" netstat $args 2>"$T/stack.err" | columns >"$T/stack"
	same "netstat $args: $(wc -l <"$T/kernel") lines" "$T/kernel" "$T/stack"
done <<'CASES'
-tan
-tln
-tlnpe
-uanpe
-wan
-wanp
-tano
-4tan
-6tuan
CASES
# the form that every program counts on, and the file under its other names
for f in tcp tcp6 udp udp6 raw raw6; do
	"${KC[@]}" cat /proc/net/$f | head -n 1 >"$T/kernel"
	"${US[@]}" cat /proc/self/net/$f | head -n 1 >"$T/stack"
	same "/proc/net/$f has the kernel's head" "$T/kernel" "$T/stack"
	"${KC[@]}" cat /proc/net/$f | awk '{ print length }' | sort -u | head -n 1 >"$T/kernel"
	"${US[@]}" cat /proc/thread-self/net/$f | awk '{ print length }' | sort -u | head -n 1 >"$T/stack"
	same "... and its lines" "$T/kernel" "$T/stack"
done

# the older request, and a look-up of one socket
cat >"$T/one.py" <<'PY'
import socket, struct, sys
def ask(kind, body, flags=1):
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)
    s.settimeout(5)
    s.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 7, 0) + body)
    states = []
    while True:
        data = s.recv(65536)
        while data:
            n, typ, fl, seq, pid = struct.unpack_from("=IHHII", data)
            assert seq == 7
            if typ == 3:
                return sorted(states)
            if typ == 2:
                return "error %d" % struct.unpack_from("=i", data, 16)
            fam, state = struct.unpack_from("=BB", data, 16)
            sport, dport = struct.unpack_from("!HH", data, 20)
            states.append((fam, state, sport, dport))
            data = data[(n + 3) & ~3:]
            if not fl & 2:
                return states
def sockid(sport, dport, src, dst, cookie=0xffffffffffffffff):
    ip = lambda a: socket.inet_pton(socket.AF_INET6 if ":" in a else socket.AF_INET, a).ljust(16, b"\0")
    return struct.pack("!HH", sport, dport) + ip(src) + ip(dst) + struct.pack("=IQ", 0, cookie)
def one(proto, family, *a, kind=20, **k):
    return ask(kind, struct.pack("=BBBxI", family, proto, 0, 0xfff) + sockid(*a, **k))
print("established", one(6, 2, 6021, 7001, "10.0.0.70", "10.0.0.1"))
print("established6", one(6, 10, 6022, 7001, "fc00::1:70", "fc00::1:1"))
print("mapped", one(6, 10, 6023, 7001, "::ffff:10.0.0.70", "::ffff:10.0.0.1"))
print("listener", one(6, 2, 6001, 0, "10.0.0.70", "0.0.0.0"))
print("nobody", one(6, 2, 6999, 0, "10.0.0.70", "0.0.0.0"))
print("stale", one(6, 2, 6021, 7001, "10.0.0.70", "10.0.0.1", cookie=12345))
print("udp", one(17, 2, 53, 5005, "10.0.0.1", "10.0.0.70"))
print("udp any", one(17, 2, 9, 5002, "10.0.0.1", "10.0.0.70"))
# not compared: a kernel may be without raw_diag
raw = lambda p: ask(20, struct.pack("=BBBBI", 2, 255, 0, p, 0xfff) + sockid(0, 0, "10.0.0.70", "0.0.0.0"))
print("raw", raw(89), raw(90), file=sys.stderr)
print("protocol", one(33, 2, 1, 2, "10.0.0.70", "10.0.0.1"))
old = struct.pack("=BBBB", 2, 0, 0, 0) + sockid(6021, 7001, "10.0.0.70", "10.0.0.1") + struct.pack("=II", 0xfff, 0)
print("old", ask(18, old))
old = struct.pack("=BBBB", 2, 0, 0, 0) + sockid(0, 0, "0.0.0.0", "0.0.0.0") + struct.pack("=II", 1 << 10, 0)
print("old dump", ask(18, old, 0x301))
print("short", ask(20, b"\2\6"))
print("family", ask(20, struct.pack("=BBBxI", 200, 6, 0, 0xfff) + sockid(1, 2, "::", "::")))
print("type", ask(77, struct.pack("=BBBxI", 2, 6, 0, 0xfff) + sockid(1, 2, "::", "::")))
def code(*ops):
    body = b"".join(ops)
    return struct.pack("=HH", 4 + len(body), 1) + body
def dump(attr):
    return ask(20, struct.pack("=BBBxI", 2, 6, 0, 1 << 10) + sockid(0, 0, "::", "::") + attr, 0x301)
op = lambda c, yes, no: struct.pack("=BBH", c, yes, no)
print("filter of nothing", dump(code()))
print("filter false", dump(code(op(1, 4, 8))))
print("filter backwards", dump(code(op(0, 4, 0), op(1, 4, 0))))
print("filter zero", dump(code(op(2, 0, 8), op(0, 0, 6001))))
print("filter too short", dump(code(op(2, 8, 12))))
print("filter odd", dump(code(op(2, 8, 11), op(0, 0, 6001))))
print("filter inside", dump(code(op(2, 8, 4), op(0, 0, 6001))))
print("filter unknown", dump(code(op(99, 4, 8))))
print("filter port", dump(code(op(11, 8, 12), op(0, 0, 6001))))
print("filter long prefix", dump(code(op(7, 16, 20), struct.pack("=BBxxi", 2, 33, -1) + b"\0\0\0\0")))
PY
timeout 20 "${KC[@]}" $PY "$T/one.py" >"$T/kernel" 2>"$T/kernel.err"
timeout 20 "${US[@]}" $PY "$T/one.py" >"$T/stack" 2>"$T/stack.err"
same "single look-ups and bad requests: $(wc -l <"$T/kernel") answers" "$T/kernel" "$T/stack"
check "a raw socket is found by its protocol" has_line "$T/stack.err" "raw [(2, 7, 89, 0)] error -2"

# figures
"${US[@]}" ss -Htinm state established sport = 6021 >"$T/info" 2>&1
check "TCP_INFO, memory and congestion control are told" \
	eval 'grep -q "cubic.*rto:.*rtt:.*mss:.*cwnd:" "$T/info" && grep -q "skmem:(r0,rb[1-9]" "$T/info"'
check "a packet socket is listed" eval '
	"${US[@]}" $PY -c "
import socket, subprocess
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
print(subprocess.run([\"ss\", \"-H0anp\"], capture_output=True, text=True).stdout)" | grep "p_raw.*python3"'
check "netlink sockets are listed, with their process" \
	eval '"${US[@]}" ss -Hap -f netlink | grep "UNCONN.*tcpdiag:ss/"'
"${US[@]}" ss -Hx >"$T/unix.us" 2>&1
check "AF_UNIX is the kernel's" grep -q u_str "$T/unix.us"

# by the process: lsof(8), fuser(1)
if command -v lsof >/dev/null && command -v fuser >/dev/null; then
	lsof_of() { lsof -nP -i -a -p "$1" 2>/dev/null | awk 'NR > 1 { print $5, $8, $9, $10 }' |
		sed -E 's/:(3[2-9]|[45][0-9]|60)[0-9]{3}\>/:EPHEMERAL/g' | sort; }
	export -f lsof_of
	timeout 20 "${KC[@]}" bash -c "lsof_of ${BG[k]}" >"$T/kernel"
	timeout 20 "${US[@]}" bash -c "lsof_of ${BG[us]}" >"$T/stack"
	same "lsof -i: $(wc -l <"$T/kernel") lines" "$T/kernel" "$T/stack"
	check "fuser finds who listens" eval '"${US[@]}" fuser -n tcp 6001 2>/dev/null | grep -w "${BG[us]}"'
else
	skip "lsof and fuser" "not installed (./bootstrap deps installs them)"
fi

# what ends is announced
bg events "${US[@]}" stdbuf -oL ss -HnE
listens_to_ends() { "${US[@]}" ss -Ha -f netlink | grep -q "tcpdiag:ss/${BG[events]} "; }
wait_for 10 listens_to_ends
"${US[@]}" $PY -c "
import socket
s = socket.create_connection(('10.0.0.1', 7003))
s.shutdown(socket.SHUT_WR)
s.recv(1)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(('10.0.0.70', 5099))"
ends_told() { grep -q 'tcp.*10.0.0.70.*10.0.0.1:7003' "$T/events.out" && grep -q 'udp.*10.0.0.70:5099' "$T/events.out"; }
wait_for 10 ends_told
check "ss -E tells of sockets that end" ends_told
bg_kill events

# SOCK_DESTROY
"${US[@]}" ss -K dst 10.0.0.1 dport = 7001 sport = 6021 >"$T/killed" 2>&1
echo 6021 >&7
wait_for 5 has_line "$T/us.out" "error 103"
check "ss -K ends a connection: ECONNABORTED" has_line "$T/us.out" "error 103"
check "it is gone" eval '[ -z "$("${US[@]}" ss -Htan sport = 6021)" ]'
"${US[@]}" ss -Ku sport = 5005 >"$T/killed" 2>&1
echo 5005 >&7
two() { [ "$(grep -c 'error 103' "$T/us.out")" = 2 ]; }
wait_for 5 two
check "ss -K ends a UDP association" two
"${US[@]}" ss -K state listening sport = 6002 >"$T/killed" 2>&1
check "ss -K ends a listener" eval '[ -z "$("${US[@]}" ss -Htln sport = 6002)" ]'
check "the others are untouched" eval '"${US[@]}" ss -Htan sport = 6024 | grep ESTAB'
