#!/bin/bash
# run.sh - run each fuzz target for a while
#
# usage: run.sh [SECONDS [TARGET...]]    (10 s; frames rtnl config msg sockname bpf dns)
# The targets are those that `make fuzz` built in $USTACK_BUILD (default: the
# current folder) and are built if they are missing.  Each starts from its
# corpus, which stays as it is; what a failing target ate is kept in
# $USTACK_BUILD/tests/fuzz/found and named.  Exit 0, 1, or 77 without clang.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=${USTACK_BUILD:-.}
seconds=${1:-10}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- frames rtnl config msg sockname bpf dns

skip() { echo "skipped: $1"; exit 77; }

command -v clang >/dev/null || skip "no clang (apt-get install clang)"
probe=$(mktemp) || exit 2
echo 'int LLVMFuzzerTestOneInput(const char *d, long n); int LLVMFuzzerTestOneInput(const char *d, long n) { return 0; }' |
	clang -fsanitize=fuzzer,address -x c - -o "$probe" 2>/dev/null
built=$?
rm -f "$probe"
[ $built -eq 0 ] || skip "clang has no libFuzzer runtime (apt-get install libclang-rt-14-dev)"

make -s -j"$(nproc)" -C "$build" fuzz || exit 1
found=$build/tests/fuzz/found
mkdir -p "$found"

# fuzzed TARGET: the small parsers reach nothing new in the second half
fuzzed() {
	local t=$1 work seconds=$seconds
	case $t in msg|sockname|bpf|dns) seconds=$(((seconds + 1) / 2)) ;; esac
	work=$(mktemp -d) || return 1
	if "$build/tests/fuzz/fuzz-$t" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
		-artifact_prefix="$found/$t-" "$work" "$here/corpus/$t" >"$work.log" 2>&1; then
		echo "ok $t: $(tail -n 1 "$work.log")"
		rm -rf "$work" "$work.log"
		return 0
	fi
	echo "FAILED $t: see $work.log, input in $found"
	grep -E 'ERROR|SUMMARY|runtime error|Test unit' "$work.log"
	rm -rf "$work"
	return 1
}

# one a processor at a time
bad=0 running=0
for t; do
	if [ $running -ge "$(nproc)" ]; then
		wait -n || bad=1
		running=$((running - 1))
	fi
	fuzzed "$t" &
	running=$((running + 1))
done
while [ $running -gt 0 ]; do
	wait -n || bad=1
	running=$((running - 1))
done
exit $bad
