#!/bin/bash
# names.sh - names over the private stack, as the kernel's programs see them
# deadline: 150
. "$(dirname "$0")/../lib.sh"
need dig nslookup host curl wget ssh ping unshare getent
t_begin
#  $K: name server, t0 10.0.0.1 -- the stack 10.0.0.70 (programs in $E)
#  $B: name server, b0 10.0.0.1 -- c0 10.0.0.70 in $C, the kernel's stack, whose
#  resolv.conf says the same
kernel_peer tap "dns=10.0.0.1,domain=lab.test,domain=dev.test,hosts=$T/hosts,gw=10.0.0.1"
[ "${USTACK_TWIN:-}" = kernel ] && skip_all "compares with the kernel by itself"
SERVER=$TESTS_DIR/apps/dns-server.py
cat >"$T/hosts" <<'HOSTS'
127.0.0.1	localhost
::1		localhost ip6-localhost
10.0.0.50	filehost filealias	# a comment
fc00::50	file6
10.0.0.51	fileboth other
fc00::51	fileboth
10.0.0.6	six.file.test sixalias
HOSTS
printf 'nameserver 10.0.0.1\nsearch lab.test dev.test\n' >"$T/resolv.conf"
printf 'hosts: files dns\n' >"$T/nsswitch.conf"
: >"$T/gai.conf"

ns_new B
ns_new C
ip -n "$B" link add b0 type veth peer name c0 netns "$C"
for a in "$B b0 10.0.0.1 fc00::1:1" "$C c0 10.0.0.70 fc00::1:70"; do
	read -r ns dev four six <<<"$a"
	ip -n "$ns" addr add "$four/24" dev "$dev"
	ip -n "$ns" -6 addr add "$six/64" dev "$dev" nodad
	ip -n "$ns" link set "$dev" up
done
ip -n "$C" route add default via 10.0.0.1
REF=(ip netns exec "$C" unshare -m --propagation private sh -c '
	for f in hosts resolv.conf nsswitch.conf gai.conf; do
		[ -e /etc/$f ] || : >/etc/$f
		mount --bind "$0/$f" "/etc/$f" || exit 99
	done
	exec "$@"' "$T")
bg dns ip netns exec "$K" $PY "$SERVER" 10.0.0.1 fc00::1:1
bg dnsb ip netns exec "$B" $PY "$SERVER" 10.0.0.1 fc00::1:1
wait_for 10 has_line "$T/dns.out" ready && wait_for 10 has_line "$T/dnsb.out" ready ||
	not_ok "the name servers start" "$T/dns.err" "$T/dnsb.err"
wait_for 10 ip netns exec "$C" ping -c1 -W1 10.0.0.1

answers() { grep -c '^[a-z_]' "$T/kernel.$1"; }
for case in getaddrinfo services byname byaddr getnameinfo res async hostent; do
	timeout 100 "${REF[@]}" env RES_OPTIONS="timeout:1 attempts:1" \
		"$USTACK_APPS/names" $case >"$T/kernel.$case" 2>&1
	timeout 100 "${US[@]}" RES_OPTIONS="timeout:1 attempts:1" \
		"$USTACK_APPS/names" $case >"$T/stack.$case" 2>&1
	check "$case: some answers to compare" [ "$(answers $case)" -ge 9 ]
	same "$case: $(answers $case) answers as the C library's" "$T/kernel.$case" "$T/stack.$case"
done

# --- programs
mkdir "$T/www"
echo "found by name" >"$T/www/index.html"
bg www ip netns exec "$K" $PY -m http.server -b :: -d "$T/www" 8080
wait_for 10 k_listening 8080
says() {	# WORD CMD...: the command prints a line with it
	local word=$1
	shift
	timeout 20 "${US[@]}" "$@" >"$T/says.out" 2>&1 </dev/null
	cat "$T/says.out"
	grep -aqF -- "$word" "$T/says.out"
}
check "curl by name" says "found by name" curl -sS http://both.test:8080/
check "curl by a name of the search list's first domain" says "resolve host" curl -sS http://one.nowhere:8080/
check "wget by name" says "found by name" wget -q -O - http://alias.test:8080/
check "dig asks the stack's server" says "10.0.0.1#53" dig both.test
check "dig finds" says "fc00::1:1" dig +short both.test AAAA
check "dig follows the search list" says "10.0.0.11" dig +search +short one
check "dig over TCP" says "10.1.0.60" dig +tcp +short trunc.test
check "dig after a truncated answer" says "10.1.0.60" dig +short trunc.test
check "host" says "has IPv6 address fc00::1:1" host both.test
check "nslookup" says "10.0.0.11" nslookup one
check "nslookup, backwards" says "six.test" nslookup fc00::1:1
check "ping by name" says "1 received" ping -c1 -W5 four.test
check "ping -6 by name" says "1 received" ping -6 -c1 -W5 six.test
check "ssh by name" says "both.test port 9: Connection refused" \
	ssh -o BatchMode=yes -o UserKnownHostsFile=/dev/null -p 9 both.test
check "getent ahosts, hosts file" says "fc00::51" getent ahosts fileboth
check "python3 getaddrinfo" says "('10.0.0.12', 80)" $PY -c \
	'import socket; print(socket.getaddrinfo("two", 80))'
check "many threads and their children at once" says "all 320" $PY -c '
import concurrent.futures, os, socket
def one(i):
    ok = socket.getaddrinfo("both.test", 80, type=socket.SOCK_STREAM)[0][4][0] == "fc00::1:1"
    pid = os.fork() if i % 20 == 0 else 1
    if pid == 0:
        os._exit(socket.gethostbyname("four.test") != "10.0.0.1")
    return ok and (pid == 1 or os.waitpid(pid, 0)[1] == 0)
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    print("all", sum(pool.map(one, range(320))))'

mkdir "$T/empty"
check "after chroot to an empty folder" says "10.0.0.1" $PY -c '
import os, socket, encodings.idna
os.chroot("empty")
print(socket.gethostbyname("four.test"))'

# --- failures
check "a server that is silent: EAI_AGAIN after its time" says "-3" env RES_OPTIONS="timeout:1 attempts:1" \
	$PY -c 'import socket; socket.getaddrinfo("drop.test", 80)'
check "a name that is not there: EAI_NONAME" says "-2" $PY -c 'import socket; socket.getaddrinfo("nx.test", 80)'

# --- resolv.conf
check "resolv.conf is the stack's" says "nameserver 10.0.0.1" cat /etc/resolv.conf
check "resolv.conf has the search list" says "search lab.test dev.test" head -n 9 /etc/resolv.conf
check "resolv.conf: fopen, stat and access agree" says "same" $PY -c '
import os
n = len(open("/etc/resolv.conf").read())
print("same" if os.stat("/etc/resolv.conf").st_size == n and
      os.access("/etc/resolv.conf", os.R_OK) and not os.access("/etc/resolv.conf", os.W_OK) else n)'
check "resolv.conf by system calls of their numbers" says "same same same 4" $PY -c '
import ctypes, os, platform
if platform.machine() != "x86_64":
    print("same same same 4")
    raise SystemExit
c = ctypes.CDLL(None, use_errno=True)
text = open("/etc/resolv.conf", "rb").read()
path = b"/etc/resolv.conf"
def read(fd):
    return "same" if os.read(fd, 9999) == text else fd
how = (ctypes.c_uint64 * 3)(0, 0, 0)
st = (ctypes.c_uint64 * 32)()
print(read(c.syscall(2, path, 0)), read(c.syscall(257, -100, path, 0)),
      read(c.syscall(437, -100, path, how, 24)), end=" ")
st = (ctypes.c_uint32 * 64)()
c.syscall(332, -100, path, 0, 0x7ff, st)	# statx: its size is at byte 40
print(4 if st[10] == len(text) else st[10])'
check "getent hosts lists the stack's" says "sixalias" getent hosts
check "resolv.conf is not to be written" says "ermission denied" $PY -c 'open("/etc/resolv.conf", "w")'
check "/etc/hosts is the stack's" says "filealias" cat /etc/hosts
NULL=(ip netns exec "$E" env USTACK=null LD_PRELOAD="$USTACK_PRELOAD")
check "null: localhost is known" "${NULL[@]}" getent ahosts localhost
check "null: nothing else is" eval '! timeout 5 "${NULL[@]}" getent ahosts both.test'
check "null: no name server" eval '! "${NULL[@]}" grep "^nameserver" /etc/resolv.conf'

# --- other configurations
stack_start s1 "iface=x0,vnl=null://,ip=10.9.0.1/24" "$E" || not_ok "s1 starts" "$T/s1.err"
S1=(ip netns exec "$E" env USTACK=s1 LD_PRELOAD="$USTACK_PRELOAD")
check "without dns=, no server of the host's shows" eval '! "${S1[@]}" grep "^nameserver" /etc/resolv.conf'
check "without dns=, the answer comes at once" eval \
	'[ "$(timeout 3 "${S1[@]}" getent ahosts both.test; echo $?)" = 2 ]'
ip -n "$K" tuntap add t2 mode tap
ip -n "$K" addr add 10.2.0.1/24 dev t2
ip -n "$K" link set t2 up
stack_start s2 "tap=t2,ip=10.2.0.70/24,gw=10.2.0.1,dns=10.2.0.99,dns=10.0.0.1" "$K" ||
	not_ok "s2 starts" "$T/s2.err"
S2=(ip netns exec "$E" env USTACK=s2 LD_PRELOAD="$USTACK_PRELOAD" RES_OPTIONS=timeout:1)
stack_start s3 "iface=x0,vnl=null://,ip=10.9.0.1/24,dns=fc00::1:1" "$E" || not_ok "s3 starts" "$T/s3.err"
check "an IPv6 server stands in resolv.conf" eval \
	'env -C "$T" "${S1[@]}" env USTACK=s3 cat /etc/resolv.conf | grep -x "nameserver fc00::1:1"'
check "the second server answers for a dead first" eval \
	'timeout 20 "${S2[@]}" getent ahosts both.test | grep "10.0.0.1 "'
