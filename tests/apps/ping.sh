#!/bin/bash
# ping.sh - ping under the shim: both families, sizes, unreachable, loopback
# deadline: 60
. "$(dirname "$0")/../lib.sh"
need ping
t_begin
kernel_peer tap
# file capabilities make the loader drop LD_PRELOAD: a copy has none
cp "$(command -v ping)" "$T/ping"

check "ping: 3 of 3 answered" timeout 10 "${US[@]}" "$T/ping" -c3 -i0.1 -W2 10.0.0.1
check "ping -6: 3 of 3 answered" timeout 10 "${US[@]}" "$T/ping" -6 -c3 -i0.1 -W2 fc00::1:1
check "ping with 4,000 bytes (fragments)" timeout 10 "${US[@]}" "$T/ping" -c2 -i0.1 -W2 -s 4000 10.0.0.1
check "ping of the stack itself" timeout 10 "${US[@]}" "$T/ping" -c2 -i0.1 -W2 10.0.0.70
check "ping of 127.0.0.1" timeout 10 "${US[@]}" "$T/ping" -c2 -i0.1 -W2 127.0.0.1
check "ping -6 of ::1" timeout 10 "${US[@]}" "$T/ping" -6 -c2 -i0.1 -W2 ::1
timeout 10 "${US[@]}" "$T/ping" -c1 -W1 10.0.0.1 >"$T/ping.log" 2>&1
check "ping shows the hop limit" grep -q 'ttl=64' "$T/ping.log"
