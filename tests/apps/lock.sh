#!/bin/bash
# lock.sh - ustack exec --lock: no way round the stack
#
# deadline: 60
#
# ways-out makes its system calls by instruction; ways-out-static does not load the
# shim either.  Without the lock both must get out, or the test would prove nothing.
. "$(dirname "$0")/../lib.sh"
t_begin

W=$USTACK_APPS/ways-out
u() { timeout 20 "$USTACK_CLI" "$@"; }

u exec --lock null true 2>"$T/why" || {
	grep -q 'without libseccomp\|no seccomp filters' "$T/why" && skip_all "$(cat "$T/why")"
}

u exec null "$W" >"$T/free" 2>&1
check "without the lock the kernel's sockets are to be had" grep -qx 'inet out' "$T/free"

u exec --lock null "$W" >"$T/locked" 2>&1
check "AF_UNIX stays" grep -qx 'unix out' "$T/locked"
for way in inet inet6 netlink packet vsock unknown wide; do
	check "$way: Address family not supported" \
		grep -qx "$way Address family not supported by protocol" "$T/locked"
done
check "io_uring: Function not implemented" grep -qx 'io_uring Function not implemented' "$T/locked"

u exec --lock null "$W-static" >"$T/static" 2>"$T/static.err"
check "a static program is as locked up" grep -qx 'inet Address family not supported by protocol' "$T/static"
check "and that it has no network is told" grep -q 'has no network' "$T/static.err"

u exec --lock null env -u LD_PRELOAD -u USTACK "$W" >"$T/env" 2>&1
check "unsetting the environment does not help" grep -qx 'inet Address family not supported by protocol' "$T/env"
u exec --lock null "$USTACK_CLI" exec host "$W" >"$T/host" 2>&1
check "nor does ustack exec host" grep -qx 'inet Address family not supported by protocol' "$T/host"

u exec --lock -f inet null "$W" >"$T/fam" 2>&1
check "-f inet --lock: inet is locked" grep -qx 'inet Address family not supported by protocol' "$T/fam"
check "-f inet --lock: inet6 is the kernel's" grep -qx 'inet6 out' "$T/fam"
check "-f inet --lock: vsock is refused all the same" grep -qx 'vsock Address family not supported by protocol' "$T/fam"

if [ "$(uname -m)" = x86_64 ]; then
	u exec --lock null "$W" x32 >"$T/x32" 2>&1
	check "x32's system calls end the program" [ $? -eq 159 ]
	if u exec null "$W" i386 2>/dev/null | grep -q out; then
		u exec --lock null "$W" i386 >"$T/i386" 2>&1
		check "32-bit system calls end the program" [ $? -eq 159 ]
	else
		skip "32-bit system calls end the program" "this kernel has none"
	fi
fi
check "the locked cannot gain privileges" eval \
	'u exec --lock null grep -q "^NoNewPrivs:.1" /proc/self/status'

u exec --lock host true 2>"$T/h"
check "the kernel's own network cannot be locked" grep -q 'host' "$T/h"

# --- on a stack: everything works that the stack offers

stack_start lab "" || not_ok "the stack starts" "$T/lab.err"
cat >"$T/talk.py" <<'P'
import os, socket
l = socket.create_server(("127.0.0.1", 0))
if os.fork() == 0:
    c = socket.create_connection(l.getsockname())
    c.sendall(b"hello")
    os._exit(0)
c, a = l.accept()
assert c.recv(5) == b"hello"
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
u.bind(("::1", 0))
u.sendto(b"x", u.getsockname())
assert u.recv(9) == b"x"
assert [i[1] for i in socket.if_nameindex()] == ["lo"]
assert socket.gethostbyname("localhost") == "127.0.0.1"
P
check "TCP, UDP, names and interfaces under the lock" u exec --lock lab $PY "$T/talk.py"
check "ip under the lock" u exec --lock lab ip addr show lo
u exec --lock lab "$W" >"$T/lab.ways" 2>&1
check "and no way round" grep -qx 'inet Address family not supported by protocol' "$T/lab.ways"

# a daemon could do nothing under the lock: it is started before, and kept beyond
# the second after which it would end without users
check "a stack on demand under the lock" u exec --lock "vnl=ptp://$T/cable,ip=10.9.0.1/24" \
	sh -c 'pid() { cat "$XDG_RUNTIME_DIR"/ustack/.@*.lock; }
		ip -o addr show && a=$(pid) && sleep 2 && [ -n "$a" ] && [ "$a" = "$(pid)" ] &&
		ip -o addr show | grep -q 10.9.0.1/24'
