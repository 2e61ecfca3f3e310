#!/bin/bash
# bench/loss.sh - throughput over a lossy path: ours and the kernel's, in turn
#
# usage: bench/loss.sh [-n RUNS] [-t SECONDS] [-r RATE] [-v FILE] [LOSS...]
#   -n  runs per figure; the mean is printed (default 3)
#   -t  seconds a run (default 8)
#   -r  the bottleneck (default 200mbit)
#   -v  append each run to this file, as bench/run does
#   LOSS  percentages (default 0 0.1 1)
#
# Theory of operation
# One cable of 20 ms round trip with independent losses in both directions ends
# at a bridge; behind it are our stack on a TAP with offloads, and the kernel's
# stack in a namespace.  Both talk to the kernel's stack at the other end, with
# CUBIC and SACK.  See tests/netns/cable.sh.inc.
. "$(dirname "$0")/../tests/lib.sh"
. "$(dirname "$0")/../tests/netns/cable.sh.inc"
runs=3 seconds=8 rate=200mbit values=
while getopts n:t:r:v: o; do
	case $o in
	n) runs=$OPTARG ;;
	t) seconds=$OPTARG ;;
	r) rate=$OPTARG ;;
	v) values=$OPTARG ;;
	*) sed -n '4,9s/^# //p' "$0" >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- 0 0.1 1
NB=${USTACK_NETBENCH:-$USTACK_BUILD/bench/netbench}
[ -x "$NB" ] || { echo "bench/loss.sh: $NB is missing: build it with ./bootstrap bench" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "bench/loss.sh: needs root for namespaces and TAPs" >&2; exit 2; }
t_begin
T_SKIPPED=bench		# no plan line: this is no test

one() { # one PREFIX... MODE: Mbit/s
	timeout $((seconds + 30)) "${@:1:$#-1}" "$NB" "${@: -1}" 10.0.0.1 7000 "$seconds" 1 2>>"$T/bench.err" |
		awk '{ printf "%.2f\n", $2 * 1000 }'
}
mean() { awk '{ s += $1 } END { printf "%.1f", NR ? s / NR : 0 }' "$1"; }

bad_cable "delay=10ms,rate=$rate"
bg server "${KN[@]}" "$NB" server 0.0.0.0 7000
wait_for 5 k_listening 7000
echo "mean of $runs runs of $seconds s, Mbit/s; $(uname -r), 20 ms, $rate, loss in each direction"
printf '%-8s %-10s %10s %10s %8s\n' loss direction ours kernel ratio
for loss; do
	cable "delay=10ms,rate=$rate,loss=$loss%"
	for mode in up down; do
		for i in $(seq "$runs"); do
			one "${US[@]}" $mode >>"$T/us.$loss.$mode"
			one "${CN[@]}" $mode >>"$T/k.$loss.$mode"
		done
		f=loss-$loss-$([ $mode = up ] && echo send || echo receive)
		[ -z "$values" ] || {
			sed "s,.*,$f tap & Mbit/s," "$T/us.$loss.$mode"
			sed "s,.*,$f veth & Mbit/s," "$T/k.$loss.$mode"
		} >>"$values"
		u=$(mean "$T/us.$loss.$mode") k=$(mean "$T/k.$loss.$mode")
		printf '%-8s %-10s %10s %10s %8s\n' "$loss%" "$([ $mode = up ] && echo sends || echo receives)" \
			"$u" "$k" "$(awk -v a="$u" -v b="$k" 'BEGIN { if (b > 0) printf "%.2f", a / b; else print "-" }')"
	done
done
[ ! -s "$T/bench.err" ] || cat "$T/bench.err" >&2
