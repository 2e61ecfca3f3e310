#!/bin/bash
# links.sh - vlans, bridges and veths: between kernels, and between stacks
# deadline: 120
#
#  $K kernel          s0 (ours)                        $L kernel
#  t0 10.0.0.1 ------ tap0 10.0.0.70                   t1 10.6.0.2 (no vnet_hdr)
#  a kernel's bridge  |                                 |
#   | x0 -------------+ x0.5 10.5.0.70                   |
#   | x1 ---- s1 (ours, no vnet_hdr): x1.5 10.5.0.1      |
#  t2 10.6.0.1 ------ b0 \                             |
#                         br0 10.6.0.3 --------- b1 ----+
#                     v1 /  v0 10.6.0.9
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/carry.sh.inc"
t_begin
need ip bridge nc.openbsd ping socat
[ "${USTACK_TWIN:-}" = kernel ] && skip_all "configures the daemon"
kernel_peer tap "vnl=tap:t1/novnet,iface=b1,vnl=tap:t2,iface=b0,vnl=tap:x0,iface=x0,ip=10.4.0.70/24"
ns_new L

# shows IFACE TEXT: what ip says of it
shows() { "${US[@]}" ip -d link show "$1" 2>&1 | grep -q -- "$2"; }
# --- vlan: the kernel between cuts the tagged segments of 64 KB for the other stack
stack_start s1 "vnl=tap:x1/novnet,iface=x1,ip=10.4.0.1/24" "$K" || not_ok "s1 starts" "$T/s1.err"
S1=(env USTACK=s1 LD_PRELOAD="$USTACK_PRELOAD")
ip -n "$K" link add kbr type bridge
for i in x0 x1 kbr; do ip -n "$K" link set $i up; done
for i in x0 x1; do ip -n "$K" link set $i master kbr; done
check "ip link add ... type vlan" "${US[@]}" ip link add link x0 name x0.5 type vlan id 5
check "the same vlan twice is refused" eval '! "${US[@]}" ip link add link x0 name x type vlan id 5'
check "ip -d link shows it" shows x0.5 "vlan protocol 802.1Q id 5"
check "ip link shows what it stands on" shows x0.5 "x0.5@x0:"
"${US[@]}" ip addr add 10.5.0.70/24 dev x0.5
"${US[@]}" ip addr add fd05::70/64 dev x0.5
"${US[@]}" ip link set x0.5 up
"${S1[@]}" ip link add link x1 name x1.5 type vlan id 5
"${S1[@]}" ip addr add 10.5.0.1/24 dev x1.5
"${S1[@]}" ip addr add fd05::1/64 dev x1.5
"${S1[@]}" ip link set x1.5 up
check "vlan: ping" wait_for 10 "${US[@]}" ping -c1 -W1 10.5.0.1
check "vlan: ping6" wait_for 10 "${US[@]}" ping -6 -c1 -W1 fd05::1
check "vlan: a large ping, in fragments" "${S1[@]}" ping -c1 -W3 -s 5000 10.5.0.70
carry vlan 20 S1 US 10.5.0.1
carry vlan 20 US S1 fd05::70
"${S1[@]}" ip link add link x1 name x1.6 type vlan id 6
"${S1[@]}" ip addr add 10.5.6.1/24 dev x1.6
"${S1[@]}" ip link set x1.6 up
"${US[@]}" ip addr add 10.5.6.70/24 dev x0.5
check "another tag does not reach it" eval '! "${S1[@]}" ping -c1 -W1 10.5.6.70'
check "untagged frames go on" "${S1[@]}" ping -c1 -W3 10.4.0.70
"${US[@]}" ip link set x0 down
check "a vlan goes down with what it stands on" shows x0.5 "state DOWN"
check "and cannot be brought up" eval '! "${US[@]}" ip link set x0.5 up'
"${US[@]}" ip link set x0 up
check "and comes up with it" wait_for 10 "${US[@]}" ping -c1 -W1 10.5.0.1
"${US[@]}" ip link set x0 mtu 1400
check "its mtu follows" shows x0.5 "mtu 1400"
check "and is not larger" eval '! "${US[@]}" ip link set x0.5 mtu 1500'
"${US[@]}" ip link set x0 mtu 1500

# --- bridge: a kernel on either side; b1 can neither cut nor sum, so what comes
# by b0 in one piece of 64 KB has to be cut for it
# t1 and t2 were made in the daemon's namespace, which is $K
ip -n "$K" link set t1 netns "$L"
ip -n "$L" addr add 10.6.0.2/24 dev t1
ip -n "$L" addr add fd06::2/64 dev t1 nodad
ip -n "$L" link set t1 up
ip -n "$K" addr add 10.6.0.1/24 dev t2
ip -n "$K" addr add fd06::1/64 dev t2 nodad
ip -n "$K" link set t2 up
LN=(ip netns exec "$L")
check "ip link add ... type bridge" "${US[@]}" ip link add br0 type bridge
check "a bridge without ports has no carrier" eval '"${US[@]}" ip link set br0 up && shows br0 NO-CARRIER'
for i in b0 b1; do
	check "ip link set $i master br0" "${US[@]}" ip link set $i master br0
	"${US[@]}" ip link set $i up
done
check "it has one with ports" wait_for 5 eval '! shows br0 NO-CARRIER'
"${US[@]}" ip addr add 10.6.0.3/24 dev br0
"${US[@]}" ip addr add fd06::3/64 dev br0
check "bridge: kernel to kernel" wait_for 10 "${KN[@]}" ping -c1 -W1 10.6.0.2
check "bridge: kernel to kernel, IPv6" wait_for 10 "${KN[@]}" ping -6 -c1 -W1 fd06::2
check "bridge: the stack's own address, from one side" wait_for 10 "${KN[@]}" ping -c1 -W1 10.6.0.3
check "bridge: and from the other" wait_for 10 "${LN[@]}" ping -6 -c1 -W1 fd06::3
"${US[@]}" bridge link >"$T/bl" 2>&1
check "bridge link: b0" has_line "$T/bl" "b0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master br0 state forwarding priority 32 cost 2"
"${US[@]}" bridge fdb show >"$T/fdb" 2>&1
mac=$(ip -n "$L" -br link show t1 | grep -oE '([0-9a-f]{2}:){5}[0-9a-f]{2}')
check "bridge fdb: learned" has_line "$T/fdb" "$mac dev b1 master br0"
carry "bridge, cut for a port" 20 LN KN 10.6.0.2
carry "bridge, cut for a port" 20 LN KN fd06::2
carry "bridge's own" 20 US KN 10.6.0.3
carry "bridge's own" 20 LN US fd06::2

check "bridge fdb add" "${US[@]}" bridge fdb add 02:00:00:00:00:44 dev b0 master static
check "bridge fdb add: exists" eval '! "${US[@]}" bridge fdb add 02:00:00:00:00:44 dev b0 master static'
"${US[@]}" bridge fdb show br br0 >"$T/fdb" 2>&1
check "bridge fdb: static" has_line "$T/fdb" "02:00:00:00:00:44 dev b0 master br0 static"
check "bridge fdb del" "${US[@]}" bridge fdb del 02:00:00:00:00:44 dev b0 master
check "bridge fdb del: no such entry" eval '! "${US[@]}" bridge fdb del 02:00:00:00:00:44 dev b0 master'
check "a bridge is no port" eval '! "${US[@]}" ip link set br0 master br0'
check "no bridge on top of itself" eval '"${US[@]}" ip link add link br0 name br0.9 type vlan id 9 && ! "${US[@]}" ip link set br0.9 master br0'
# more addresses than the database holds
cat >"$T/flood.py" <<'PYTHON'
import socket, struct
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("t2", 0))
for k in range(12000):
    s.send(b"\xff" * 6 + struct.pack(">HI", 0x0210, k) + b"\x88\xb5" + b"\0" * 46)
PYTHON
check "12000 made-up addresses" "${KN[@]}" "$PY" "$T/flood.py"
check "bridge: it goes on" wait_for 10 "${KN[@]}" ping -c1 -W1 10.6.0.2
n=$("${US[@]}" bridge fdb show br br0 | wc -l)
check "its database is bounded ($n)" [ "$n" -le 4200 -a "$n" -ge 3000 ]
"${US[@]}" ip link set br0 type bridge fdb_flush
n=$("${US[@]}" bridge fdb show br br0 | wc -l)
check "flushed ($n)" [ "$n" -le 20 ]

# --- veth in one stack, one end in the bridge
check "ip link add ... type veth" "${US[@]}" ip link add v0 type veth peer name v1
"${US[@]}" ip link set v0 up
check "no carrier while the other end is down" shows v0 "NO-CARRIER.*state LOWERLAYERDOWN"
"${US[@]}" ip link set v1 up
check "a carrier when it is up" shows v0 "v0@v1: <BROADCAST,MULTICAST,UP,LOWER_UP>"
"${US[@]}" ip link set v1 master br0
"${US[@]}" ip addr add 10.6.1.9/24 dev v0
ip -n "$K" addr add 10.6.1.1/24 dev t2
check "veth behind the bridge" wait_for 10 "${KN[@]}" ping -c1 -W1 10.6.1.9
carry "veth behind the bridge" 20 US KN 10.6.1.9
"${US[@]}" ip link set v1 nomaster
check "nomaster: it is cut off" eval '! "${KN[@]}" ping -c1 -W1 10.6.1.9'
"${US[@]}" ip link del v1
check "with one end the other goes" eval '! "${US[@]}" ip link show v0'
"${US[@]}" ip link del br0
check "a bridge's ports outlive it" shows b0 "state UP"
"${US[@]}" ip link del x0
check "a vlan does not outlive what it stands on" eval '! "${US[@]}" ip link show x0.5'

# --- veth between two stacks
stack_start v1 "veth=$T/cable,iface=c0,ip=10.8.0.1/24,ip=fd08::1/64" || not_ok "first end" "$T/v1.err"
A=(env USTACK=v1 LD_PRELOAD="$USTACK_PRELOAD")
check "the first end waits, without a carrier" eval '"${A[@]}" ip link show c0 | grep -q NO-CARRIER'
stack_start v2 "veth=$T/cable,ip=10.8.0.2/24,ip=fd08::2/64" || not_ok "second end" "$T/v2.err"
B=(env USTACK=v2 LD_PRELOAD="$USTACK_PRELOAD")
check "both have a carrier" wait_for 5 eval '"${A[@]}" ip link show c0 | grep -q "state UP"'
carry "veth between stacks" 20 B A 10.8.0.2
carry "veth between stacks" 20 B A fd08::2
start=$(date +%s%N)
bg srv "${B[@]}" socat -u TCP4-LISTEN:7000,reuseaddr OPEN:/dev/null
wait_for 20 try "${A[@]}" sh -c 'head -c 1000000000 /dev/zero | socat -b 131072 -u - TCP4:10.8.0.2:7000'
bg_wait srv 20
diag "1 GB between two stacks: $((8000000000 / (($(date +%s%N) - start) / 1000))) Mbit/s"
stack_stop v2
check "the carrier goes with the other end" wait_for 5 eval '"${A[@]}" ip link show c0 | grep -q NO-CARRIER'
stack_start v2 "veth=$T/cable,ip=10.8.0.2/24" || not_ok "second end again" "$T/v2.err"
check "and comes with another" wait_for 5 eval '"${A[@]}" ip link show c0 | grep -q "state UP"'
check "which is reached" wait_for 10 "${A[@]}" ping -c1 -W1 10.8.0.2
check "a third one waits" eval 'stack_start v3 "veth=$T/cable" && "$USTACK_CLI" ls | grep -q "^v3"'
