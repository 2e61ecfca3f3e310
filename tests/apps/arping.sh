#!/bin/bash
# arping.sh - arping: a cooked packet socket's broadcast and the answers to it
# deadline: 40
. "$(dirname "$0")/../lib.sh"
need arping
t_begin
kernel_peer tap
IF=tap0
[ "${USTACK_TWIN:-}" = kernel ] && IF=v0
cp "$(command -v arping)" "$T/arping"
mac=$(ip -n "$K" -o link show t0 | sed 's/.*link.ether \([^ ]*\).*/\1/')

timeout 10 "${US[@]}" "$T/arping" -c 3 -I $IF 10.0.0.1 >"$T/out" 2>&1
check "the peer answers each request" grep -qi "Received 3 response" "$T/out" || cat "$T/out"
check "with its address" grep -qi "$mac" "$T/out"
check "nobody answers for an address without owner" eval '! timeout 10 "${US[@]}" "$T/arping" -f -w 1 -I $IF 10.0.0.99'
check "duplicate address detection: taken" eval '! timeout 10 "${US[@]}" "$T/arping" -D -w 2 -c 2 -I $IF 10.0.0.1'
check "duplicate address detection: free" timeout 10 "${US[@]}" "$T/arping" -D -w 1 -c 1 -I $IF 10.0.0.98
