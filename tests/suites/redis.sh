# shellcheck shell=bash
# redis.sh - redis's runtest, a unit at a time; harness, server and cli alike
suite_source=redis
suite_limit=120

# the programs are Debian's, of the same version
suite_prepare() {
	local p
	cp -r "$SRC/." "$CWD"
	for p in redis-server redis-cli redis-benchmark redis-check-aof redis-check-rdb; do
		ln -sf "$(command -v $p)" "$CWD/src/$p" || return 1
	done
	ln -sf "$(command -v redis-server)" "$CWD/src/redis-sentinel"
}
# all units, but those that take minutes for what the data types do or for waiting
suite_cases() {
	sed -n '/^set ::all_tests/,/^}/s,^ *\([a-z]*/.*\),\1,p' "$CWD/tests/test_helper.tcl" |
		grep -vxE 'unit/(dump|type/list-3|memefficiency|violations|oom-score-adj|tls)|integration/(replication|replication-psync|corrupt-dump.*|convert-.*|dismiss-mem)'
}
suite_case() {
	"${RUN[@]}" ./runtest --single "$1" --clients 1 --timeout 100 --dont-clean || return
	rm -rf tests/tmp/*
}
# [ok]: what is tested (3 ms), in colours; some names have numbers drawn by lot in them
suite_tests() { sed -n 's/\x1b\[[0-9;]*m//g; s/#[0-9]*/#N/g; s/CYCLE [0-9]*/CYCLE N/; s/^\[ok\]: \(.*\) ([0-9]* ms)$/\1/p' "$1"; }
