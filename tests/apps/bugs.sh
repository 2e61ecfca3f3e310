#!/bin/bash
# bugs.sh - the bugs that users of other stacks in user space reported
# deadline: 90
#
# One program with a test a bug, on the kernel's stack (is the test right?)
# and under the shim; bug 24 is about programs the shim cannot enter.
. "$(dirname "$0")/../lib.sh"
t_begin
stack_start s0 vnl=null://,ip=10.0.0.70/24 || { not_ok "the stack starts" "$T/s0.err"; exit 1; }
check "on the kernel's stack every one passes" timeout 60 "$USTACK_APPS/bugs"
timeout 60 env USTACK=s0 LD_PRELOAD="$USTACK_PRELOAD" "$USTACK_APPS/bugs" >"$T/bugs.out" 2>&1
while read -r line; do
	case $line in
	"ok "*) ok "${line#*- }" ;;
	"not ok "*) not_ok "${line#*- }" "$T/s0.err" ;;
	*) diag "$line" ;;
	esac
done <"$T/bugs.out"
[ "$(grep -c 'ok ' "$T/bugs.out")" = 25 ] || not_ok "every bug has its line" "$T/bugs.out"
if [ "$(id -u)" = 0 ]; then
	cp /bin/true "$T/setuid"
	chown 65534 "$T/setuid"
	chmod 4755 "$T/setuid"
	check "bug 24 ustack exec warns of a program that drops the preload" \
		sh -c '"$1" exec s0 "$2" 2>&1 | grep "warning: .*setuid"' sh "$USTACK_CLI" "$T/setuid"
else
	skip "bug 24 ustack exec warns of a program that drops the preload" "needs root for a setuid copy"
fi
