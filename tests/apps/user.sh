#!/bin/bash
# user.sh - an ordinary user's programs that gain capabilities by their file
#
# deadline: 60
#
# ping of iputils has cap_net_raw=ep, for which the dynamic loader ignores
# LD_PRELOAD: ustack must run it all the same on the stack, never on the kernel's
# network, and the kernel's ping must keep its capability.
. "$(dirname "$0")/../lib.sh"
need setpriv setcap ping
need_root
t_begin

UID_=54321
cp "$(command -v ping)" "$T/ping"
cp "$(command -v ping)" "$T/other"
setcap cap_net_raw=ep "$T/ping" 2>"$T/cap.err" && setcap cap_net_raw,cap_sys_nice=ep "$T/other" ||
	skip_all "this file system keeps no file capabilities"
export XDG_RUNTIME_DIR=$T/user HOME=$T/user
mkdir -m 700 "$XDG_RUNTIME_DIR"
chown $UID_ "$XDG_RUNTIME_DIR"
ns_new N
AS=(timeout 20 ip netns exec "$N" setpriv --reuid $UID_ --regid $UID_ --clear-groups)
"${AS[@]}" test -x "$USTACK_CLI" -a -r "$USTACK_PRELOAD" || skip_all "the build folder is closed to others"
u() { "${AS[@]}" "$USTACK_CLI" "$@"; }

check "a user mounts a stack" u mount -o vnl=null://,ip=10.5.5.5/24 lab
for how in "exec lab $T/ping" "exec --lock lab $T/ping" "exec --lock lab $T/other" "ping lab"; do
	# 10.5.5.5 is nobody but the stack's own
	u $how -c1 -W2 10.5.5.5 >"$T/out" 2>&1
	check "ustack ${how//"$T/"/}: on the stack" grep -q "1 received" "$T/out"
	check "ustack ${how//"$T/"/}: without a warning" eval '! grep -q warning "$T/out"'
done
# capabilities beyond the network may be what the program is run for
u exec lab "$T/other" -c1 -W1 10.5.5.5 >"$T/out" 2>&1
check "other capabilities: a warning" grep -q "uses the host's network: it has file capabilities" "$T/out"
check "ustack exec host: with its capability, on the kernel's network" \
	u exec host "$T/ping" -c1 -W2 127.0.0.1
check "arguments arrive as they are" eval \
	'u exec lab "$T/ping" -c1 -I "no such" 10.5.5.5 2>&1 | grep -q "no such"'
check "the program bears its own name" eval 'u exec lab "$T/ping" 2>&1 | grep -q "ping: usage error"'
check "the user's stack ends" u umount lab
