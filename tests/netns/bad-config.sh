#!/bin/bash
# bad-config.sh - bad input to the daemon and the CLI: a clear error, at once
# deadline: 60
. "$(dirname "$0")/../lib.sh"
need setpriv
t_begin

# refused NAME WORD CMD...: ends within 5 s, by a status that is not a signal's,
# and stderr names WORD in one or a few lines
refused() {
	local name=$1 word=$2 status
	shift 2
	timeout -s KILL 5 "$@" >"$T/out" 2>"$T/err" </dev/null
	status=$?
	echo "status $status of: $*" >"$T/why"
	if [ $status -gt 0 ] && [ $status -ne 124 ] && [ $status -lt 126 ] && grep -aqF -- "$word" "$T/err" &&
	   [ "$(wc -l <"$T/err")" -le 6 ] && ! grep -aqE 'Sanitizer|runtime error' "$T/err"; then
		ok "$name: $(head -n1 "$T/err" | cut -c1-150 | sed "s,$T,TMP,g")"
	else
		not_ok "$name" "$T/why" "$T/err"
	fi
}
D=("$USTACKD" -n bad -o)
refused "unknown key" colour "${D[@]}" "vnl=null://,colour=red"
refused "address without prefix digits" "10.0.0.1/x" "${D[@]}" "vnl=null://,ip=10.0.0.1/x"
refused "prefix too long" "10.0.0.1/33" "${D[@]}" "vnl=null://,ip=10.0.0.1/33"
refused "not an address" "300.1.1.1" "${D[@]}" "vnl=null://,ip=300.1.1.1/24"
refused "bad gateway" "gw" "${D[@]}" "vnl=null://,ip=10.0.0.1/24,gw=banana"
refused "bad mac" "mac" "${D[@]}" "vnl=null://,mac=00:11:22"
refused "bad mtu" "mtu" "${D[@]}" "vnl=null://,mtu=-5"
refused "empty interface" "tap" "${D[@]}" "tap="
refused "unbalanced brace" "{" "${D[@]}" "vnl=vlan://5{null://"
refused "a very long string" "" "${D[@]}" "vnl=null://,ip=$(head -c 100000 /dev/zero | tr '\0' 1)"
refused "no such plugin" "nosuch" "${D[@]}" "vnl=nosuch://x"
# (the sanitizers do not stand libvdeplug's RTLD_DEEPBIND)
[ -n "${USTACK_SANITIZED:-}" ] ||
	refused "a VNL that cannot be opened" "vde://" "${D[@]}" "vnl=vde:///nonexistent/ctl"
refused "bad fd" "fd" "${D[@]}" "fd=77"
refused "fd that is no link" "fd" "${D[@]}" "fd=0"
refused "unknown option" "--frobnicate" "$USTACKD" --frobnicate
refused "bad stack name" "a b" "$USTACKD" -n "a b"
refused "a path that is too long" "" "$USTACKD" -p "/tmp/$(head -c 200 /dev/zero | tr '\0' x)"
refused "a path that cannot be made" "/nonexistent" "$USTACKD" -p /nonexistent/folder/s
refused "too many interfaces" "" "${D[@]}" "$(for i in $(seq 60); do printf 'vnl=null://,'; done)ip=10.0.0.1/24"
refused "mount: bad configuration" "colour" "$USTACK_CLI" mount -o vnl=null://,colour=red bad
refused "umount of nothing" "nothere" "$USTACK_CLI" umount nothere
refused "unknown verb" "frobnicate" "$USTACK_CLI" frobnicate
refused "exec of nothing" "" "$USTACK_CLI" exec
if [ "$(id -u)" = 0 ]; then
	cp "$USTACKD" "$T/ustackd"
	mkdir -m 700 "$T/nobody" && chown 65534:65534 "$T/nobody"
	ns_new A
	refused "a TAP without permission" "tun" ip netns exec "$A" setpriv --reuid=65534 --regid=65534 \
		--clear-groups env XDG_RUNTIME_DIR="$T/nobody" "$T/ustackd" -n bad -o tap=t9,ip=10.0.0.1/24
else
	refused "a TAP without permission" "tun" "$USTACKD" -n bad -o tap=t9,ip=10.0.0.1/24
fi
stack_start s0 "" || not_ok "a stack without a network starts" "$T/s0.err"
refused "a name in use" "s0" "$USTACKD" -n s0 -o vnl=null://
ls -A "$XDG_RUNTIME_DIR/ustack" | grep -v '^s0\(\.lock\)\?$' >"$T/rest"
if [ -s "$T/rest" ] && grep -vq '\.lock$' "$T/rest"; then
	not_ok "no control socket is left behind" "$T/rest"
else
	ok "no control socket is left behind"
fi
US=(env USTACK=s0 LD_PRELOAD="$USTACK_PRELOAD")
bg holder "${US[@]}" $PY -c '
import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 80)); s.listen(1); print("up", flush=True); time.sleep(30)'
wait_for 5 has_line "$T/holder.out" up || not_ok "a listener" "$T/holder.err"
refused "an address in use" "[Errno 98]" "${US[@]}" $PY -c '
import socket
s = socket.socket(); s.bind(("127.0.0.1", 80)); s.listen(1)'
for s in null "vnl=null://,colour=red" ../x; do
	refused "a client with USTACK=$s" "Errno" env USTACK="$s" LD_PRELOAD="$USTACK_PRELOAD" $PY -c '
import socket
try: socket.create_connection(("10.0.0.1", 80))
except OSError as e: raise SystemExit(str(e))'
done
