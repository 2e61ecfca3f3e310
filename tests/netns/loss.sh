#!/bin/bash
# loss.sh - every byte arrives, once and in order, over a bad cable
# deadline: 150
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cable.sh.inc"
need nc.openbsd ping sha256sum
need_root
t_begin
head -c 3000000 /dev/urandom >"$T/file"
want=$(sha256sum <"$T/file")

# transfer NAME ADDRESS SERVER_PREFIX... :: CLIENT_PREFIX...
transfer() {
	local name=$1 addr=$2 srv=() port=$((7000 + RANDOM % 1000))
	shift 2
	while [ "$1" != :: ]; do srv+=("$1"); shift; done
	shift
	bg srv "${srv[@]}" nc.openbsd "$([[ $addr = *:* ]] && echo -6 || echo -4)" -l -p "$port"
	if [ "$addr" = 10.0.0.1 ] || [ "$addr" = fc00::1:1 ]; then
		wait_for 10 k_listening "$port"
	else
		wait_for 10 listening "$addr" "$port"
	fi
	timeout 40 "$@" nc.openbsd -N "$addr" "$port" <"$T/file" >/dev/null 2>"$T/cli.err"
	if wait_for 10 gone_or_zombie "${BG[srv]}" && [ "$(sha256sum <"$T/srv.out")" = "$want" ]; then
		ok "$name"
	else
		ls -l "$T/file" "$T/srv.out" >>"$T/cli.err"
		not_ok "$name" "$T/cli.err" "$T/srv.err" "$T/s0.err"
	fi
	bg_kill srv
}

both_ways() {
	cable "$1"
	transfer "$2, $1: IPv4, sending" 10.0.0.1 "${KN[@]}" :: "${US[@]}"
	transfer "$2, $1: IPv4, receiving" 10.0.0.70 "${US[@]}" :: "${KN[@]}"
}

bad_cable delay=2ms
for bad in loss=0.1% loss=1% loss=5% reorder=5% jitter=1ms dup=5% loss=2%,dup=2%,reorder=2%; do
	both_ways "delay=2ms,$bad" "TAP with offloads"
done
transfer "IPv6, sending" fc00::1:1 "${KN[@]}" :: "${US[@]}"
transfer "IPv6, receiving" fc00::1:70 "${US[@]}" :: "${KN[@]}"
stack_stop s0
stack_start s0 "vnl=tap:t0/novnet,ip=10.0.0.70/24" "$R" ||
	{ not_ok "the stack starts without offloads" "$T/s0.err"; exit 1; }
for bad in loss=5% loss=2%,dup=2%,reorder=2%; do
	both_ways "delay=2ms,$bad" "TAP without offloads"
done
# a peer that knows no SACK: NewReno
cable delay=2ms,loss=2%
"${KN[@]}" sysctl -qw net.ipv4.tcp_sack=0
transfer "without SACK: sending" 10.0.0.1 "${KN[@]}" :: "${US[@]}"
transfer "without SACK: receiving" 10.0.0.70 "${US[@]}" :: "${KN[@]}"
# nor timestamps
"${KN[@]}" sysctl -qw net.ipv4.tcp_sack=1 net.ipv4.tcp_timestamps=0
transfer "without timestamps: sending" 10.0.0.1 "${KN[@]}" :: "${US[@]}"
