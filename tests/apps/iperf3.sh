#!/bin/bash
# iperf3.sh - iperf3 both directions: one flow, -R, -P 8, UDP
# deadline: 120
. "$(dirname "$0")/../lib.sh"
need iperf3
t_begin
kernel_peer tap

# mbit FILE: the receiver's throughput of an iperf3 -J report
mbit() {
	$PY -c '
import json, sys
e = json.load(open(sys.argv[1]))["end"]
s = e.get("sum_received") or e["sum"]
print(int(s["bits_per_second"] / 1e6))' "$1" 2>/dev/null || echo 0
}
# measured NAME ARGS...: the run ends well and carried something
measured() {
	local name=$1 rate
	shift
	timeout 15 "${CLI[@]}" iperf3 -J -t 2 -c "$ADDR" "$@" >"$T/report" 2>"$T/report.err"
	local status=$?
	rate=$(mbit "$T/report")
	if [ $status = 0 ] && [ "$rate" -ge 10 ]; then
		ok "$WHO: $name ($rate Mbit/s)"
	else
		not_ok "$WHO: $name (status $status, $rate Mbit/s)" "$T/report.err" "$T/report" "$T/iperf.err" "$T/s0.err"
	fi
}
all() {
	bg iperf "${SRV[@]}" iperf3 -s -p 5201
	up 5201 || not_ok "$WHO: listens" "$T/iperf.err"
	measured "client sends"
	measured "-R: server sends" -R
	measured "-P 8" -P 8
	measured "-P 8 -R" -P 8 -R
	measured "-u, 100 Mbit/s" -u -b 100M -l 1200
	measured "-u -R, 100 Mbit/s" -u -R -b 100M -l 1200
	bg_kill iperf
}
both all
