#!/bin/bash
# bench.sh - the benchmark runs: its figures are there, and its reports
# deadline: 120
. "$(dirname "$0")/../lib.sh"
t_begin
need_root
bench=$TESTS_DIR/../bench
check "bench/run: some figures, briefly" timeout 90 "$bench/run" -n 2 -t 0.05 -o "$T/out" \
	-k '^(cpu-rr|cpu-udp-rr|cpu-crr|cpu-send|send-8|udp-send-64|udp-receive-64|memory-idle)/(tap|tap-server|veth|forward)$'
csv=$T/out/results.csv
# each figure of each stack, a number above 0, from two runs
complete() {
	local f s
	for f in cpu-rr cpu-udp-rr cpu-crr cpu-send send-8 udp-send-64 udp-receive-64; do
		for s in tap veth; do
			awk -F, -v f=$f -v s=$s '$1 == f && $2 == s && $4 > 0 && $7 == 2 { n++ }
				END { exit n != 1 }' "$csv" || { echo "no $f of $s"; return 1; }
		done
	done
	grep -q '^cpu-crr,tap-server,us,' "$csv" && grep -q '^cpu-rr,forward,us,' "$csv" &&
		grep -q '^memory-idle,tap,kB,' "$csv"
}
check "every figure that was asked for, with its runs" complete || sed 's/^/# /' "$csv"
plausible() { awk -F, '$1 == "cpu-rr" && ($4 < 0.5 || $4 > 1000) { exit 1 }' "$csv"; }
check "a round trip costs between half a us and a ms" plausible
check "the table shows them" grep -q '^| CPU us a round trip, TCP / UDP | [0-9.]* / [0-9.]* | [0-9.]* / [0-9.]* | - |' "$T/out/table.md"
printf 'before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n' >"$T/README.md"
check "and goes into a README" "$bench/report" readme "$csv" "$T/README.md"
framed() {
	[ "$(head -n1 "$T/README.md")" = before ] && [ "$(tail -n1 "$T/README.md")" = after ] &&
		! grep -q old "$T/README.md" && grep -q '^| CPU us a connection' "$T/README.md"
}
check "in place of the old one" framed
# goals: one that is reached, one that is not
printf 'rr,tap,1/s,300,1,1,1\nrr,slirp4netns,1/s,100,1,1,1\nrr,pasta,1/s,400,1,1,1\n' >"$T/fixed.csv"
"$bench/report" goals "$T/fixed.csv" >"$T/goals"
judged() {
	grep -q 'at least 100 = 1 x rr/slirp4netns | reached' "$T/goals" &&
		grep -q 'at least 400 = 1 x rr/pasta | missed (0.75)' "$T/goals" && grep -q '^1 of 2 reached' "$T/goals"
}
check "goals are judged" judged
