#!/bin/bash
# foreign-read.sh - what the shim costs a program's other descriptors
# deadline: 60
. "$(dirname "$0")/../lib.sh"
t_begin
BENCH=$USTACK_BUILD/bench/foreign
[ -x "$BENCH" ] || skip_all "bench/foreign is not built (make check builds it)"
if grep -q __asan_init "$USTACK_PRELOAD"; then
	skip_all "a sanitizer build has other costs"
fi
# some looks: another program on the same core may disturb all of one
costs() {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		timeout 30 env USTACK=none-needed LD_PRELOAD="$USTACK_PRELOAD" "$BENCH" 5 >"$T/cost" && return
	done
	return 1
}
check "a read of a foreign descriptor costs under 5 ns more, of 100" costs
diag "$(cat "$T/cost")"
check "the shim's read is what was measured" grep -q "through the shim" "$T/cost"
