#!/bin/bash
# forward.sh - a stack as router: between kernels, and between stacks
# deadline: 120
#
#  $A kernel            s0                              $B kernel
#  ta 10.1.0.1  -------- r0 10.1.0.254  r1 10.2.0.254 -- tb 10.2.0.2
#                        r2 10.3.0.254 --+
#                        no vnet_hdr,    +-------------- tc 10.3.0.2
#                        mtu 1300
#  the same in fd01::, fd02::, fd03::; the stack is ::fe
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/carry.sh.inc"
t_begin
need ip ping socat
need_root
[ "${USTACK_TWIN:-}" = kernel ] && skip_all "configures the daemon"
ns_new A
ns_new B
ns_new R
AN=(ip netns exec "$A")
BN=(ip netns exec "$B")
US=(env USTACK=s0 LD_PRELOAD="$USTACK_PRELOAD")
stack_start s0 "tap=ta,iface=r0,ip=10.1.0.254/24,ip=fd01::fe/64,tap=tb,iface=r1,ip=10.2.0.254/24,ip=fd02::fe/64,vnl=tap:tc/novnet,iface=r2,mtu=1300,ip=10.3.0.254/24,ip=fd03::fe/64" "$R" ||
	{ not_ok "the stack starts" "$T/s0.err"; exit 1; }

# end NS DEVICE NET HOST MTU: the kernel's end of a link
end() {
	ip -n "$R" link set "$2" netns "$1"
	ip -n "$1" addr add "10.$3.0.$4/24" dev "$2"
	ip -n "$1" addr add "fd0$3::$4/64" dev "$2" nodad
	ip -n "$1" link set "$2" mtu "$5" up
}
end "$A" ta 1 1 1500
end "$B" tb 2 2 1500
end "$B" tc 3 2 1300
ip -n "$A" route add default via 10.1.0.254
ip -n "$A" route add default via fd01::fe
ip -n "$B" route add 10.1.0.0/24 via 10.2.0.254
ip -n "$B" route add fd01::/64 via fd02::fe
# what came by tc goes back by it
"${BN[@]}" sh -c 'echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter; echo 0 >/proc/sys/net/ipv4/conf/tc/rp_filter' 2>/dev/null
ip -n "$B" rule add from 10.3.0.2 lookup 100
ip -n "$B" route add default via 10.3.0.254 table 100
ip -n "$B" -6 rule add from fd03::2 lookup 100
ip -n "$B" -6 route add default via fd03::fe table 100

pings() { "${AN[@]}" ping -n -c1 -W1 "$@" >"$T/ping" 2>&1; }
# ping_says TEXT ARGS...: ping prints it
ping_says() {
	local text=$1
	shift
	wait_for 6 eval "pings $* ; has_line $T/ping '$text'" && ok "ping $*: $text" || not_ok "ping $*: $text" "$T/ping"
}
sysctl() { "$USTACK_CLI" sysctl s0 "$@"; }

# --- off, until it is asked for
wait_for 10 pings 10.1.0.254
check "a stack forwards nothing unless told" eval '! pings 10.2.0.2 && ! pings -6 fd02::2'
check "sysctl net.ipv4.ip_forward" eval '[ "$(sysctl net.ipv4.ip_forward)" = "net.ipv4.ip_forward = 0" ]'
check "sysctl net.ipv4.ip_forward=1" sysctl net.ipv4.ip_forward=1
check "sysctl net.ipv6.conf.all.forwarding=1" sysctl net.ipv6.conf.all.forwarding=1
"${US[@]}" ip netconf show dev r1 >"$T/netconf" 2>&1
check "ip netconf shows it" has_line "$T/netconf" "inet r1 forwarding on"
check "and for IPv6" has_line "$T/netconf" "inet6 r1 forwarding on"

check "/proc/sys shows it, by family" eval '"${US[@]}" cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding | tr -d "\n" | grep -qx 11 && sysctl net.ipv6.conf.all.forwarding=0 && "${US[@]}" cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding | tr -d "\n" | grep -qx 10 && sysctl net.ipv6.conf.all.forwarding=1'

# --- both families, with one hop less to go
ping_says "bytes from 10.2.0.2: icmp_seq=1 ttl=63" 10.2.0.2
ping_says "bytes from fd02::2: icmp_seq=1 ttl=63" -6 fd02::2
ping_says "bytes from 10.3.0.2: icmp_seq=1 ttl=63" 10.3.0.2
ping_says "bytes from fd03::2: icmp_seq=1 ttl=63" -6 fd03::2
carry "64 KB segments pass whole" 50 BN AN 10.2.0.2
carry "64 KB segments pass whole" 50 BN AN fd02::2
carry "cut for a link with a smaller mtu" 50 BN AN 10.3.0.2
carry "cut for a link with a smaller mtu" 50 BN AN fd03::2

# --- the router is in a recorded route, each time with the address it sent from
pings -R 10.2.0.2
check "ping -R shows the router" eval '[ "$(sed -n "/^RR:/,/^$/p" "$T/ping" | grep -o "10\\.[0-9.]*" | tr "\\n" " ")" = "10.1.0.1 10.2.0.254 10.2.0.2 10.2.0.2 10.1.0.254 10.1.0.1 " ]'

# --- a router alert: who asked for it has the packet, and it goes no further
bg taker "${US[@]}" "$PY" "$TESTS_DIR/netns/alert.py" take
bg far "${BN[@]}" socat -u udp4-recvfrom:7,fork -
wait_for 10 has_line "$T/taker.out" ready
"${AN[@]}" "$PY" "$TESTS_DIR/netns/alert.py" send 10.2.0.2
check "a packet with a router alert is the raw socket's" wait_for 5 has_line "$T/taker.out" "10.2.0.2 94040000"
check "one without goes on" wait_for 5 has_line "$T/far.out" none
check "the other did not" eval '! grep -q alert "$T/far.out"'
bg_kill taker
bg_kill far

# --- sizes
ping_says "5008 bytes from 10.2.0.2" -s 5000 10.2.0.2
ping_says "1408 bytes from 10.3.0.2" -M dont -s 1400 10.3.0.2
ip -n "$A" route flush cache
ping_says "From 10.1.0.254 icmp_seq=1 Frag needed and DF set (mtu = 1300)" -M do -s 1400 10.3.0.2
ping_says "From fd01::fe icmp_seq=1 Packet too big: mtu=1300" -6 -M do -s 1400 fd03::2

# --- who cannot be reached
ping_says "From 10.1.0.254 icmp_seq=1 Time to live exceeded" -t 1 10.2.0.2
ping_says "From fd01::fe icmp_seq=1 Time exceeded: Hop limit" -6 -t 1 fd02::2
ping_says "From 10.1.0.254 icmp_seq=1 Destination Net Unreachable" 10.99.0.1
ping_says "From fd01::fe icmp_seq=1 Destination unreachable: No route" -6 fd99::1
"${US[@]}" ip route add prohibit 10.98.0.0/16
"${US[@]}" ip route add unreachable 10.97.0.0/16
"${US[@]}" ip route add blackhole 10.96.0.0/16
ping_says "From 10.1.0.254 icmp_seq=1 Packet filtered" 10.98.0.1
ping_says "From 10.1.0.254 icmp_seq=1 Destination Host Unreachable" 10.97.0.1
check "a blackhole says nothing" eval '! pings 10.96.0.1; ! grep -q From "$T/ping"'
ping_says "Destination Host Unreachable" -W 5 10.2.0.99
ping_says "Address unreachable" -6 -W 5 fd02::99

# --- redirects, and the packet goes on all the same
"${US[@]}" ip route add 10.7.0.0/16 via 10.1.0.5
"${US[@]}" ip neigh add 10.1.0.5 lladdr 02:00:00:00:00:05 dev r0
ping_says "Redirect Host(New nexthop: 10.1.0.5)" 10.7.0.1
"${US[@]}" ip route add fd07::/64 via fe80::5 dev r0
"${US[@]}" ip neigh add fe80::5 lladdr 02:00:00:00:00:05 dev r0
# a redirect is believed from the router that is in use, by its link-local address
ll=$("${US[@]}" ip -6 -o addr show dev r0 scope link | grep -oE 'fe80::[0-9a-f:]+')
ip -n "$A" route replace default via "$ll" dev ta
check "an IPv6 redirect is believed" wait_for 5 eval 'pings -6 fd07::1; ip -n "$A" -6 route get fd07::1 | grep -q "via fe80::5"'

# --- what must not be passed on
cat >"$T/forge.py" <<'PYTHON'
import socket, struct, sys
def checksum(b):
    s = sum(struct.unpack(">%dH" % (len(b) // 2), b))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("ta", 0))
mac = bytes.fromhex(sys.argv[1].replace(":", ""))
def send(dst_mac, src, dst, bad=0):
    h = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 48, 1, 0, 64, 253, 0, socket.inet_aton(src), socket.inet_aton(dst))
    h = h[:10] + struct.pack(">H", checksum(h) ^ bad) + h[12:]
    s.send(dst_mac + b"\2\0\0\0\0\7" + b"\x08\0" + h + b"forged" + b"\0" * 22)
bcast = b"\xff" * 6
for dst_mac, src, dst in ((bcast, "10.1.0.1", "10.2.0.2"), (mac, "127.0.0.1", "10.2.0.2"),
        (mac, "10.1.0.254", "10.2.0.2"), (mac, "224.0.0.1", "10.2.0.2"), (mac, "0.0.0.0", "10.2.0.2"),
        (mac, "169.254.0.1", "10.2.0.2"), (mac, "10.1.0.1", "10.2.0.255"), (mac, "10.1.0.1", "255.255.255.255"),
        (b"\2\0\0\0\0\x42", "10.1.0.1", "10.2.0.2")):
    send(dst_mac, src, dst)
send(mac, "10.1.0.1", "10.2.0.2", 1)
send(mac, "10.1.0.77", "10.2.0.2")      # the only right one
PYTHON
cat >"$T/hear.py" <<'PYTHON'
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
s.bind(("tb", 0))
s.settimeout(10)
print("ready", flush=True)
while True:
    f = s.recv(2000)
    if b"forged" in f:
        src = socket.inet_ntoa(f[26:30])
        print("heard", src, f[22], flush=True)
        if src == "10.1.0.77":
            break
PYTHON
bg hear "${BN[@]}" "$PY" "$T/hear.py"
wait_for 10 has_line "$T/hear.out" ready
mac=$("${US[@]}" ip -o link show r0 | grep -oE 'ether ([0-9a-f]{2}:){5}[0-9a-f]{2}' | cut -c7-)
"${AN[@]}" "$PY" "$T/forge.py" "$mac"
bg_wait hear 15
check "of eleven packets only the right one passes, its TTL one less" eval '[ "$(grep heard "$T/hear.out")" = "heard 10.1.0.77 63" ]'

# --- an interface at a time
check "sysctl net.ipv4.conf.r0.forwarding=0" sysctl net.ipv4.conf.r0.forwarding=0
check "what comes in there is not forwarded" eval '! pings 10.2.0.2'
check "IPv6 is" pings -6 fd02::2
check "until it is again" eval 'sysctl net.ipv4.conf.r0.forwarding=1 && pings 10.2.0.2'
check "unknown settings are refused" eval '! sysctl net.ipv4.conf.r0.nosuch=1 && ! sysctl net.ipv4.conf.nosuch.forwarding=1 && ! sysctl kernel.hostname'
stack_stop s0

# --- stacks only, on VDE networks
stack_start r "forward,vnl=ptp://$T/n1,ip=10.1.0.254/24,ip=fd01::fe/64,veth=$T/n2,ip=10.2.0.254/24,ip=fd02::fe/64" || not_ok "the router starts" "$T/r.err"
stack_start a "vnl=ptp://$T/n1,ip=10.1.0.1/24,gw=10.1.0.254,ip=fd01::1/64,gw=fd01::fe" || not_ok "a starts" "$T/a.err"
stack_start b "veth=$T/n2,ip=10.2.0.2/24,gw=10.2.0.254,ip=fd02::2/64,gw=fd02::fe" || not_ok "b starts" "$T/b.err"
AN=(env USTACK=a LD_PRELOAD="$USTACK_PRELOAD")
BN=(env USTACK=b LD_PRELOAD="$USTACK_PRELOAD")
ping_says "bytes from 10.2.0.2: icmp_seq=1 ttl=" 10.2.0.2
ping_says "bytes from fd02::2: icmp_seq=1 ttl=" -6 fd02::2
carry "stack, router, stack" 50 BN AN 10.2.0.2
carry "stack, router, stack" 50 BN AN fd02::2
