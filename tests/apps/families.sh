#!/bin/bash
# families.sh - ustack exec -f: some families are the stack's, the others the kernel's
#
# deadline: 60
#
# In namespace E the kernel has nothing but lo; ::1 port 7000 there, and 10.0.0.1
# behind the stack, are told apart by what they answer.
. "$(dirname "$0")/../lib.sh"
t_begin
kernel_peer tap dns=10.0.0.1,domain=lab.test
[ "${USTACK_TWIN:-}" = kernel ] && skip_all "it is about choosing between two stacks"
ip -n "$E" link set lo up
cat >"$T/serve.py" <<'P'
import socket, sys
s = socket.create_server((sys.argv[1], 7000), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print("listening", flush=True)
while True:
    c, a = s.accept()
    c.sendall(sys.argv[2].encode())
    c.close()
P
bg far "${KN[@]}" $PY "$T/serve.py" 10.0.0.1 "the stack's peer"
bg near ip netns exec "$E" $PY "$T/serve.py" ::1 "the kernel's lo"
wait_for 10 has_line "$T/far.out" listening && wait_for 10 has_line "$T/near.out" listening ||
	not_ok "the servers listen" "$T/far.err" "$T/near.err"

cat >"$T/ask.py" <<'P'
import socket
for host in "10.0.0.1", "::1":
    try:
        print(host, socket.create_connection((host, 7000), 5).recv(99).decode())
    except OSError as e:
        print(host, e.strerror)
print("interfaces", *[n for i, n in socket.if_nameindex()])
P
# ask NAME OPTION...: into $T/NAME
ask() {
	local name=$1
	shift
	timeout 30 ip netns exec "$E" "$USTACK_CLI" exec "$@" s0 $PY "$T/ask.py" >"$T/$name" 2>&1
}
is() { check "$1: $3" has_line "$T/$2" "$3"; }

ask all
is "all families" all "10.0.0.1 the stack's peer"
is "all families" all "::1 Connection refused"
is "all families" all "interfaces lo tap0"
ask v4 -f inet
is "-f inet" v4 "10.0.0.1 the stack's peer"
is "-f inet" v4 "::1 the kernel's lo"
check "-f inet: interfaces are the kernel's" eval 'grep -q ^interfaces "$T/v4" && ! grep -q tap0 "$T/v4"'
ask v6 -f inet6
is "-f inet6" v6 "10.0.0.1 Network is unreachable"
is "-f inet6" v6 "::1 Connection refused"
ask net -f inet,netlink
is "-f inet,netlink" net "::1 the kernel's lo"
is "-f inet,netlink" net "interfaces lo tap0"
ask minus -f -inet6
is "-f -inet6" minus "10.0.0.1 the stack's peer"
is "-f -inet6" minus "::1 the kernel's lo"
is "-f -inet6" minus "interfaces lo tap0"

# names go with inet and inet6
conf() { timeout 10 ip netns exec "$E" "$USTACK_CLI" exec "$@" s0 cat /etc/resolv.conf; }
check "-f inet: names are the stack's" eval 'conf -f inet | grep -q lab.test'
check "-f netlink: names are the C library's" eval '! conf -f netlink 2>&1 | grep -q lab.test'
# so do the tables of sockets
table() { timeout 10 ip netns exec "$E" "$USTACK_CLI" exec "$@"; }
check "-f inet: /proc/net/tcp6 is the kernel's" eval \
	'table -f inet s0 cat /proc/net/tcp6 | grep -q "^ *0: 0*1000000:1B58 "'
check "-f inet6: /proc/net/tcp6 is the stack's" eval \
	'! table -f inet6 s0 cat /proc/net/tcp6 | grep -q ":1B58 "'
# and all of it is inherited
check "a child has the same families" eval \
	'timeout 30 ip netns exec "$E" "$USTACK_CLI" exec -f inet s0 sh -c "$PY $T/ask.py; true" | grep -qF "::1 the kernel'"'"'s lo"'
# the stack itself, too, by a program that gives its children other folders
check "a child with another XDG_RUNTIME_DIR is on the same stack" eval \
	'timeout 30 ip netns exec "$E" "$USTACK_CLI" exec s0 env -C / XDG_RUNTIME_DIR=/nowhere $PY "$T/ask.py" | grep -qF "interfaces lo tap0"'
