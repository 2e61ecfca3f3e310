#!/bin/bash
# socat.sh - socat: files both ways, forking server, UDP, half-close
# deadline: 90
. "$(dirname "$0")/../lib.sh"
need socat
t_begin
kernel_peer tap
head -c 20000000 /dev/urandom >"$T/data"

files() {
	bg srv "${SRV[@]}" socat -u tcp-listen:7000,reuseaddr "create:$T/got"
	up 7000 || not_ok "$WHO: listens" "$T/srv.err"
	check "$WHO: sends 20 MB" timeout 20 "${CLI[@]}" socat -u "open:$T/data" "tcp:$ADDR:7000"
	bg_wait srv 10
	same "$WHO: 20 MB arrived" "$T/data" "$T/got"
	bg srv "${SRV[@]}" socat -U tcp-listen:7001,reuseaddr "open:$T/data"
	up 7001
	rm -f "$T/got"
	check "$WHO: fetches 20 MB" timeout 20 "${CLI[@]}" socat -u "tcp:$ADDR:7001" "create:$T/got"
	bg_wait srv 10
	same "$WHO: 20 MB fetched" "$T/data" "$T/got"
	rm -f "$T/got"
}
# a process per connection (fork), a command per connection (fork and exec)
forking() {
	local i
	bg srv "${SRV[@]}" socat tcp-listen:7002,fork,reuseaddr,backlog=50 "exec:tr a-z A-Z"
	up 7002 || not_ok "$WHO: the forking server listens" "$T/srv.err"
	for i in $(seq 20); do
		echo "line $i" >"$T/cli$i.in"
		bg "cli$i" "${CLI[@]}" socat -t5 - "tcp:$ADDR:7002"
	done
	for i in $(seq 20); do bg_wait "cli$i" 10; done
	for i in $(seq 20); do cat "$T/cli$i.out"; done >"$T/all"
	seq 20 | sed 's/^/LINE /' >"$T/want"
	same "$WHO: 20 clients, a command for each" "$T/want" "$T/all"
	bg_kill srv
}
udp() {
	bg srv "${SRV[@]}" socat udp4-recvfrom:7003,fork "exec:tr a-z A-Z"
	answered() { echo "datagram" | timeout 2 "${CLI[@]}" socat -t1 - "udp:$ADDR:7003" | grep -q DATAGRAM; }
	check "$WHO: UDP question and answer" wait_for 10 answered
	bg_kill srv
}
both files
both forking
both udp
bg srv "${US[@]}" socat "tcp6-listen:7004,ipv6only=0,fork,reuseaddr" "exec:cat"
wait_for 10 listening fc00::1:70 7004
check "a dual-stack [::] server answers IPv6" eval 'echo six | timeout 5 "${KN[@]}" socat -t2 - "tcp6:[fc00::1:70]:7004" | grep six'
check "and IPv4" eval 'echo four | timeout 5 "${KN[@]}" socat -t2 - tcp4:10.0.0.70:7004 | grep four'

# what a receiver is told of a datagram's options
told() {
	echo data | timeout 2 "${US[@]}" socat -u - "$1-sendto:127.0.0.1:$2,ip-options=x01000000"
	has_line "$T/srv.out" x01000000
}
for to in "udp4 7005" "ip4 199"; do
	set -- $to
	bg srv "${US[@]}" socat -u -lpsocat "$1-recvfrom:$2,fork,reuseaddr,ip-recvopts" 'system:echo "$SOCAT_IP_OPTIONS"'
	check "$1: IP options are sent and told" wait_for 10 told "$1" "$2"
	bg_kill srv
done
