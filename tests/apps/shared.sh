#!/bin/bash
# shared.sh - a stack of root that other users may use (mode=, group=), or not
# deadline: 60
. "$(dirname "$0")/../lib.sh"
need setpriv
t_begin
need_root
ns_new K
ns_new E
KN=(ip netns exec "$K")
ip -n "$K" tuntap add t0 mode tap
ip -n "$K" addr add 10.0.0.1/24 dev t0
ip -n "$K" link set t0 up
# others cannot read the build folder
cp "$USTACK_PRELOAD" "$T/libustack.so" && cp "$USTACK_CLI" "$T/ustack" && chmod 755 "$T/libustack.so" "$T/ustack"
as() {	# USER GROUP CMD...: on the stack $S
	local user=$1 group=$2
	shift 2
	timeout 10 ip netns exec "$E" env -u XDG_RUNTIME_DIR USTACK="$S" LD_PRELOAD="$T/libustack.so" \
		setpriv --reuid "$user" --regid "$group" --clear-groups "$@"
}
serve() { bg "$1" "${KN[@]}" "$PY" -c 'import socket
s = socket.create_server(("10.0.0.1", 7000))
while True:
	c, a = s.accept()
	c.sendall(b"hello from afar\n")
	c.close()'; }
ask='import socket
print(socket.create_connection(("10.0.0.1", 7000), 5).recv(100).decode())'
serve far
wait_for 10 k_listening 7000

# others come by the path, through folders that are closed but for that
chmod 711 "$XDG_RUNTIME_DIR"
S=$XDG_RUNTIME_DIR/ustack/s1
stack_start s1 "tap=t0,ip=10.0.0.70/24,group=nogroup" "$K" || not_ok "a stack that is shared with a group starts" "$T/s1.err"
check "its control socket belongs to the group" [ "$(stat -c '%A %U %G' "$S")" = "srw-rw---- root nogroup" ]
check "its folder lets others pass, no more" [ "$(stat -c %A "$XDG_RUNTIME_DIR/ustack")" = "drwx--x--x" ]
check "a member of the group uses it" eval 'as nobody nogroup "$PY" -c "$ask" | grep -q "hello from afar"'
check "root uses it" eval 'as root root "$PY" -c "$ask" | grep -q "hello from afar"'
check "a user of another group does not" eval '! as daemon daemon "$PY" -c "$ask" 2>"$T/refused"'
check "and is told why" grep -q "cannot connect to $S: Permission denied" "$T/refused"
check "the member cannot end it" eval '! as nobody nogroup env -u LD_PRELOAD "$T/ustack" umount "$S"'
check "it still serves" eval 'as nobody nogroup "$PY" -c "$ask" | grep -q "hello from afar"'
stack_stop s1

S=s2
bg s2 ip netns exec "$K" unshare -m bash -c 'mount -t tmpfs none /run &&
	exec env -u XDG_RUNTIME_DIR "$USTACKD" -n s2 -o tap=t0,ip=10.0.0.70/24,mode=0666 --ready-fd 9' 9>"$T/s2.ready"
wait_for 10 has_line "$T/s2.ready" ready || not_ok "a stack that is shared with all starts" "$T/s2.err"
by_name() { timeout 10 ip netns exec "$E" nsenter -t "${BG[s2]}" -m env -u XDG_RUNTIME_DIR USTACK=s2 \
	LD_PRELOAD="$T/libustack.so" setpriv --reuid "$1" --regid daemon --clear-groups "$PY" -c "$ask"; }
check "root's shared stack is found by its name, by everybody" eval 'by_name daemon | grep -q "hello from afar"'
check "by root with another XDG_RUNTIME_DIR, too" eval 'XDG_RUNTIME_DIR=$T by_name root | grep -q "hello from afar"'
bg_kill s2

S=$XDG_RUNTIME_DIR/ustack/s3
stack_start s3 "tap=t0,ip=10.0.0.70/24" "$K" || not_ok "a stack starts" "$T/s3.err"
check "a stack that is not shared is root's alone" eval '! as nobody nogroup "$PY" -c "$ask" 2>"$T/refused"'
check "a program that gives up root before its first socket keeps root's stack" eval \
	'as root root "$PY" -c "import os; os.setgid(65534); os.setuid(65534); $ask" | grep -q "hello from afar"'
check "so does one of setresuid(2), and its child" eval 'as root root "$PY" -c "import os
os.setresuid(65534, 65534, 65534)
if os.fork(): os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
$ask" | grep -q "hello from afar"'
chmod 666 "$S"
check "even when somebody opens its control socket" eval '! as nobody nogroup "$PY" -c "$ask" 2>"$T/refused"'
check "an unknown group is an error" eval '! "$USTACKD" -n s4 -o group=nosuchgroup 2>"$T/group.err" && grep -q "no such group" "$T/group.err"'
