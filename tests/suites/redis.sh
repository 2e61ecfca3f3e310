# shellcheck shell=bash
# redis.sh - redis's runtest, a unit at a time; harness, server and cli alike
suite_source=redis

# the programs are Debian's, of the same version
suite_prepare() {
	local p
	for p in redis-server redis-cli redis-benchmark redis-check-aof redis-check-rdb; do
		ln -sf "$(command -v $p)" "$SRC/src/$p" || return 1
	done
	ln -sf "$(command -v redis-server)" "$SRC/src/redis-sentinel"
}
# units that use a client's or server's connections in one way or another
suite_cases() {
	printf '%s\n' unit/auth unit/protocol unit/keyspace unit/info unit/multi unit/pubsub unit/networking \
		unit/introspection unit/tracking unit/limits unit/querybuf unit/obuf-limits unit/maxmemory \
		unit/shutdown unit/type/list unit/type/stream integration/redis-cli integration/redis-benchmark \
		integration/replication integration/replication-psync integration/psync2-reg integration/block-repl \
		integration/failover integration/shutdown integration/logging
}
suite_case() {
	(cd "$SRC" && "${RUN[@]}" ./runtest --single "$1" --clients 1 --timeout 50 --dont-clean) &&
	rm -rf "$SRC"/tests/tmp/*
}
