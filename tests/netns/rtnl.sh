#!/bin/bash
# other clients of rtnetlink than ip(8)'s commands: monitor, JSON, busybox,
# pyroute2
# deadline: 120
. "$(dirname "$0")/../lib.sh"
t_begin
need ip jq busybox
kernel_peer tap

# --- ip monitor: who listens hears of every change
bg mon "${US[@]}" stdbuf -oL ip -o monitor
wait_for 5 grep -q . "/proc/${BG[mon]}/stat"
seen() { has_line "$T/mon.out" "$1"; }
# the first change tells that it listens
wait_for 10 eval '"${US[@]}" ip link add m0 type dummy; "${US[@]}" ip link del m0; seen m0:' || true
"${US[@]}" ip addr add 10.7.0.1/24 dev tap0
"${US[@]}" ip route add 10.8.0.0/16 via 10.0.0.1
"${US[@]}" ip neigh add 10.0.0.99 lladdr 02:00:00:00:00:99 dev tap0
"${US[@]}" ip addr add fd00:7::1/64 dev tap0
"${US[@]}" ip addr del 10.7.0.1/24 dev tap0
"${US[@]}" ip link add m1 type dummy
"${US[@]}" ip link set m1 up
"${US[@]}" ip link del m1
for line in "tap0    inet 10.7.0.1/24" "10.7.0.0/24 dev tap0 proto kernel scope link" \
	"local 10.7.0.1 dev tap0 table local" "10.8.0.0/16 via 10.0.0.1 dev tap0" \
	"10.0.0.99 dev tap0 lladdr 02:00:00:00:00:99 PERMANENT" "inet6 fd00:7::1/64" \
	"Deleted 10.7.0.0/24 dev tap0" "m1: <BROADCAST,MULTICAST,UP,LOWER_UP>" "m1: <BROADCAST,MULTICAST>"; do
	wait_for 5 seen "$line" && ok "ip monitor: $line" || not_ok "ip monitor: $line" "$T/mon.out" "$T/mon.err"
done
bg_kill mon

# --- neighbours that are learned, and those that are not there
bg nmon "${US[@]}" stdbuf -oL ip monitor neigh
nseen() { has_line "$T/nmon.out" "$1"; }
"${US[@]}" ip neigh flush dev tap0 >/dev/null 2>&1
wait_for 10 eval '"${US[@]}" ip neigh add 10.0.0.98 lladdr 02:00:00:00:00:98 dev tap0; "${US[@]}" ip neigh del 10.0.0.98 dev tap0; nseen 10.0.0.98'
mac=$(ip -n "$K" -br link show t0 | grep -oE '([0-9a-f]{2}:){5}[0-9a-f]{2}')
"${US[@]}" ping -c1 -W3 10.0.0.1 >/dev/null 2>&1
"${US[@]}" ping -6 -c1 -W3 fc00::1:1 >/dev/null 2>&1
check "ip monitor neigh: learned" wait_for 5 nseen "10.0.0.1 dev tap0 lladdr $mac REACHABLE"
check "ip monitor neigh: learned, IPv6" wait_for 5 nseen "fc00::1:1 dev tap0 lladdr $mac REACHABLE"
"${US[@]}" ping -c1 -W6 10.0.0.77 >/dev/null 2>&1
check "ip monitor neigh: nobody answered" wait_for 8 nseen "10.0.0.77 dev tap0 FAILED"
"${US[@]}" ip neigh >"$T/neigh"
check "ip neigh shows who answered" has_line "$T/neigh" "10.0.0.1 dev tap0 lladdr $mac REACHABLE"
check "and who did not" has_line "$T/neigh" "10.0.0.77 dev tap0 FAILED"
"${US[@]}" ip -s neigh show 10.0.0.1 >"$T/neigh"
check "ip -s neigh: when it was heard of" grep -qE 'used [0-9]+/[0-9]+/[0-9]+ *probes 0 REACHABLE' "$T/neigh"
"${US[@]}" ip neigh add 10.0.0.97 lladdr 02:00:00:00:00:97 nud permanent dev tap0
check "ip neigh flush" "${US[@]}" ip neigh flush dev tap0
"${US[@]}" ip neigh >"$T/neigh"
check "only what is permanent is left" eval '[ "$(grep -vc " PERMANENT" "$T/neigh")" = 0 ] && has_line "$T/neigh" 10.0.0.97'
check "ip monitor neigh: flushed" wait_for 5 nseen "Deleted 10.0.0.1 dev tap0 FAILED"
check "a flushed neighbour is found again" "${US[@]}" ping -c1 -W3 10.0.0.1
# with NTF_USE (zebra) the stack shall ask; address and state in the message mean nothing
"${US[@]}" ip neigh flush dev tap0
for a in 10.0.0.1 fc00::1:1; do
	check "ip neigh ... use $a asks for it" "${US[@]}" ip neigh replace $a lladdr 02:00:00:00:00:01 dev tap0 use
	check "and it answers" wait_for 5 eval '"${US[@]}" ip neigh | grep -q "^$a dev tap0 lladdr $mac"'
	check "ip neigh ... nud failed $a forgets it" "${US[@]}" ip neigh change $a dev tap0 nud failed
	check "until it is needed" eval '! "${US[@]}" ip neigh | grep -q "^$a dev tap0 lladdr $mac" &&
		"${US[@]}" ping -c1 -W3 $a'
done
bg_kill nmon

# --- the answer is there when send(2) returns, and the rest of a dump as it is read
for i in {1..250}; do
	echo "route add 198.18.$i.0/24 via 10.0.0.1"
	echo "route add 198.19.$i.0/24 via 10.0.0.1"
done >"$T/routes"
"${US[@]}" ip -batch "$T/routes"
check "who reads without waiting gets all of a dump" "${US[@]}" "$PY" -c '
import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
for i in range(20):
	s.send(struct.pack("=IHHIIB15x", 32, 26, 0x301, i, 0, socket.AF_INET))
	size, done = 0, False
	while not done:
		d = s.recv(65536)
		size += len(d)
		while d:
			n, kind = struct.unpack_from("=IH", d)
			done, d = kind == 3, d[n + 3 & ~3:]
	assert size > 500 * 40, size
t = socket.socket()
for i in range(20):		# RTM_NEWADDR without an ACK: its effect is there, too
	a = bytes((10, 9, 9, i + 1))
	s.send(struct.pack("=IHHIIBBBBIHH4s", 32, 20, 0x405, 0, 0, 2, 32, 0, 0,
		socket.if_nametoindex("tap0"), 8, 2, a))
	socket.socket().bind((socket.inet_ntoa(a), 0))'
"${US[@]}" ip route flush root 198.18.0.0/15

check "generic netlink has no family: ENOENT" "${US[@]}" "$PY" -c '
import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
s.send(struct.pack("=IHHII2B2xHH8s", 32, 16, 1, 7, 0, 3, 1, 12, 2, b"nl80211\0"))
assert struct.unpack_from("=IHHIIi", s.recv(4096))[1::2] == (2, 7, -2)'

# --- JSON
"${US[@]}" ip -j addr >"$T/addr.json" 2>"$T/addr.err"
jq -e '.[] | select(.ifname == "tap0") | .addr_info[] | select(.local == "10.0.0.70") | .prefixlen == 24' \
	"$T/addr.json" >/dev/null 2>>"$T/addr.err" && ok "ip -j addr | jq" || not_ok "ip -j addr | jq" "$T/addr.json" "$T/addr.err"
"${US[@]}" ip -j -s link show dev tap0 | jq -e '.[0].stats64.rx.packets > 0 and .[0].stats64.tx.bytes > 0' >/dev/null &&
	ok "ip -j -s link: counters count" || not_ok "ip -j -s link: counters count"

# --- busybox
"${US[@]}" busybox ip addr >"$T/bb" 2>&1
check "busybox ip addr" has_line "$T/bb" "inet 10.0.0.70/24"
"${US[@]}" busybox ip route >"$T/bb" 2>&1
check "busybox ip route" has_line "$T/bb" "10.0.0.0/24 dev tap0"
check "busybox ip route add" "${US[@]}" busybox ip route add 10.55.0.0/16 via 10.0.0.1
"${US[@]}" ip route >"$T/bb" 2>&1
check "what busybox added is there" has_line "$T/bb" "10.55.0.0/16 via 10.0.0.1 dev tap0"

# --- pyroute2
if "$PY" -c 'import pyroute2' 2>/dev/null; then
	cat >"$T/pr2.py" <<'PYTHON'
from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError
with IPRoute() as ip:
    tap = ip.link_lookup(ifname="tap0")[0]
    ip.addr("add", index=tap, address="10.66.0.1", prefixlen=24)
    mine = [a.get_attr("IFA_ADDRESS") for a in ip.get_addr(index=tap)]
    assert "10.66.0.1" in mine and "10.0.0.70" in mine, mine
    ip.route("add", dst="10.67.0.0/16", gateway="10.66.0.2")
    assert [r for r in ip.get_routes(family=2) if r.get_attr("RTA_DST") == "10.67.0.0"]
    ip.link("add", ifname="pr2", kind="dummy")
    pr2 = ip.link_lookup(ifname="pr2")[0]
    ip.link("set", index=pr2, state="up", mtu=1280)
    assert ip.get_links(pr2)[0].get_attr("IFLA_MTU") == 1280
    ip.link("del", index=pr2)
    assert not ip.link_lookup(ifname="pr2")
    ip.addr("del", index=tap, address="10.66.0.1", prefixlen=24)
    try:
        ip.addr("del", index=tap, address="10.66.0.1", prefixlen=24)
        raise SystemExit("a second delete succeeded")
    except NetlinkError as e:
        assert e.code == 99, e
PYTHON
	check "pyroute2 reads and sets links, addresses and routes" "${US[@]}" "$PY" "$T/pr2.py"
else
	skip "pyroute2 reads and sets links, addresses and routes" "python3-pyroute2 is not installed"
fi

# --- what netlink refuses
cat >"$T/refused.py" <<'PYTHON'
import errno, socket, struct
for proto in (1, 6, 15, 31):
    try:
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, proto)
        raise SystemExit("protocol %d" % proto)
    except OSError as e:
        assert e.errno == errno.EPROTONOSUPPORT, e
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
s.settimeout(5)
s.bind((0, 0))
assert s.getsockname()[0] != 0
t = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
t.bind((0, 0))
assert t.getsockname()[0] not in (0, s.getsockname()[0])
def ask(*parts):
    s.send(b"".join(parts))
    return s.recvfrom(65536)
def msg(type, flags, body, length=None):
    return struct.pack("=IHHII", 16 + len(body) if length is None else length, type, flags, 7, 0) + body
def error(reply):
    assert reply[1][0] == 0, reply
    assert struct.unpack_from("=H", reply[0], 4)[0] == 2, reply
    return -struct.unpack_from("=i", reply[0], 16)[0]
assert error(ask(msg(999, 1, b""))) == errno.EOPNOTSUPP
assert error(ask(msg(18, 5, b"\0" * 16))) == errno.EINVAL
assert error(ask(msg(20, 5, b"\2\x20\0\0" + struct.pack("=I", 99) + b"\x08\0\2\0\1\2\3\4"))) == errno.ENODEV
# attribute lengths that lie; a message longer than what was sent gets no answer
assert error(ask(msg(20, 5, b"\2\x20\0\0\1\0\0\0" + b"\xff\xff\2\0"))) == errno.EINVAL
s.send(msg(18, 0x301, b"\0", 4096) + b"x")
for size in (17, 4096, 60000):
    s.send(b"\xff" * size)
assert error(ask(msg(999, 1, b""))) == errno.EOPNOTSUPP
# who asks for credentials is shown the kernel's, who does not gets none
s.send(msg(999, 1, b""))
assert s.recvmsg(4096, 64)[1] == []
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
assert s.getsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED) == 1
def credentials(room):
    s.send(msg(999, 1, b""))
    return s.recvmsg(4096, room)[1:3]
cred = (socket.SOL_SOCKET, socket.SCM_CREDENTIALS, bytes(12))
assert credentials(64) == ([cred], 0), credentials(64)
assert credentials(socket.CMSG_LEN(12)) == ([cred], 0)
assert credentials(0) == ([], socket.MSG_CTRUNC)
PYTHON
check "netlink sockets refuse what they must, and survive nonsense" "${US[@]}" "$PY" "$T/refused.py"
