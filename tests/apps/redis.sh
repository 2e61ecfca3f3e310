#!/bin/bash
# redis.sh - redis-server with redis-cli and redis-benchmark
# deadline: 90
. "$(dirname "$0")/../lib.sh"
need redis-server redis-cli redis-benchmark
t_begin
kernel_peer tap

redis() {
	bg redis "${SRV[@]}" redis-server --port 6379 --bind 0.0.0.0 --protected-mode no \
		--save "" --appendonly no --dir "$T" --daemonize no
	up 6379 || not_ok "$WHO: listens" "$T/redis.out" "$T/redis.err"
	check "$WHO: PING" eval '[ "$(timeout 5 "${CLI[@]}" redis-cli -h $ADDR ping)" = PONG ]'
	head -c 2000000 /dev/urandom | base64 >"$T/value"
	check "$WHO: SET of 2.7 MB" timeout 10 "${CLI[@]}" sh -c "redis-cli -h $ADDR -x set k <'$T/value'"
	timeout 10 "${CLI[@]}" redis-cli -h "$ADDR" get k >"$T/back"
	{ cat "$T/value"; echo; } >"$T/value2"
	same "$WHO: GET gives it back" "$T/value2" "$T/back"
	check "$WHO: redis-benchmark, 50 connections" timeout 40 "${CLI[@]}" \
		redis-benchmark -h "$ADDR" -t set,get,lrange_100 -n 10000 -c 50 -q
	check "$WHO: redis-benchmark, pipelined" timeout 40 "${CLI[@]}" \
		redis-benchmark -h "$ADDR" -t set,get -n 50000 -c 20 -P 16 -q
	check "$WHO: no connection of theirs remains" wait_for 5 eval \
		'"${CLI[@]}" redis-cli -h $ADDR info clients | grep -q "connected_clients:1[^0-9]"'
	bg_kill redis
}
both redis
