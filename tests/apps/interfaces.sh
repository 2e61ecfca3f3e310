#!/bin/bash
# interfaces.sh - getifaddrs, if_* and SIOCGIF* as on the kernel's stack
# deadline: 60
. "$(dirname "$0")/../lib.sh"
t_begin
#  the stack: c0 10.0.0.70/24 on the tap; the kernel: c0 with the same in $C
MAC=02:00:00:00:00:70
kernel_peer tap "iface=c0,mac=$MAC"
[ "${USTACK_TWIN:-}" = kernel ] && skip_all "compares with the kernel by itself"
ns_new C
ip -n "$C" link add b0 type veth peer name c0 address $MAC
ip -n "$C" link set b0 up
ip -n "$C" addr add 10.0.0.70/24 brd + dev c0
ip -n "$C" -6 addr add fc00::1:70/64 dev c0 nodad
ip -n "$C" link set c0 up
has_local() { ip -n "$C" -6 addr show dev c0 scope link -tentative | grep -q fe80; }
wait_for 10 has_local
# the veth's other end is no part of the comparison
ip netns exec "$C" "$USTACK_APPS/interfaces" c0 nope 2>&1 | grep -v ' b0' >"$T/kernel"
# accepted: lwIP counts an MTU in 16 bits, so lo's is a byte short of Linux's
sed -i '/SIOCGIFMTU lo/s/65536/65535/' "$T/kernel"
timeout 20 "${US[@]}" "$USTACK_APPS/interfaces" c0 nope >"$T/stack" 2>&1
check "some lines to compare" [ "$(wc -l <"$T/kernel")" -ge 100 ]
same "$(wc -l <"$T/kernel") lines on interfaces as on the kernel's stack" "$T/kernel" "$T/stack"

# SIOCOUTQ: what the peer has not acknowledged
cat >"$T/sink.py" <<'PY'
import socket, sys
s = socket.create_server(("10.0.0.1", 7000))
print("ready", flush=True)
c, _ = s.accept()
sys.stdin.readline()
n = 0
while True:
    b = c.recv(65536)
    if not b:
        break
    n += len(b)
print("got", n, flush=True)
PY
cat >"$T/source.py" <<'PY'
import fcntl, os, socket, struct, sys, time
def queue(req):
    return struct.unpack("i", fcntl.ioctl(s, req, b"\0" * 4))[0]
SIOCOUTQ, SIOCOUTQNSD = 0x5411, 0x894b
s = socket.create_connection(("10.0.0.1", 7000))
s.setblocking(False)
sent, end = 0, time.time() + 5
while time.time() < end:
    try:
        sent += s.send(b"x" * 65536)
        end = min(end, time.time() + 1)
    except BlockingIOError:
        time.sleep(0.01)
full, unsent = queue(SIOCOUTQ), queue(SIOCOUTQNSD)
print("full" if 0 < unsent <= full <= sent else "wrong", full, unsent, sent)
open(sys.argv[1], "w").write("go\n")
end = time.time() + 10
while queue(SIOCOUTQ) and time.time() < end:
    time.sleep(0.01)
print("empty", queue(SIOCOUTQ), queue(SIOCOUTQNSD))
PY
mkfifo "$T/go"
"${KN[@]}" $PY "$T/sink.py" <"$T/go" >"$T/sink.out" 2>&1 &
BG[sink]=$!
exec 8<>"$T/go"
wait_for 10 has_line "$T/sink.out" ready
timeout 30 "${US[@]}" $PY "$T/source.py" "$T/go" >"$T/source.out" 2>&1
check "SIOCOUTQ counts what a peer does not take" grep '^full' "$T/source.out"
check "SIOCOUTQ is 0 once all is acknowledged" grep -x 'empty 0 0' "$T/source.out"
[ "$T_FAILED" = 0 ] || sed 's/^/# /' "$T/source.out"
# SIOCSIFMTU on a socket of the stack, and one of the kernel's own (AF_UNIX)
for family in AF_INET AF_UNIX; do
	"${US[@]}" $PY -c "
import fcntl, socket, struct
s = socket.socket(socket.$family, socket.SOCK_DGRAM)
fcntl.ioctl(s, 0x8922, struct.pack('16si', b'c0', 1400))
print('mtu', struct.unpack('16si', fcntl.ioctl(s, 0x8921, struct.pack('16si', b'c0', 0)))[1])
fcntl.ioctl(s, 0x8922, struct.pack('16si', b'c0', 1500))" >"$T/mtu" 2>&1
	check "the MTU is changed by ioctl, on a socket of $family" has_line "$T/mtu" "mtu 1400"
done
