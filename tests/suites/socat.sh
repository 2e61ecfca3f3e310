# shellcheck shell=bash
# socat.sh - socat's test.sh, a test at a time, those that name a protocol of the stack
suite_source=socat

suite_prepare() {
	[ -x "$SRC/socat" ] || (cd "$SRC" && ./configure && make)
}
suite_cases() {
	sed -n 's/^NAME=\([A-Za-z0-9_]*\)$/\1/p' "$SRC/test.sh" | sort -u |
		grep -E 'TCP|UDP|IP4|IP6|IPV6|RAW|SOCKS|PROXY|OPENSSL|SSL|DTLS|DUAL|ADDR|RANGE|LISTEN'
}
# test.sh waits with ss until somebody listens; where it does not see the
# stack's sockets it goes on after five seconds
suite_case() {
	(cd "$SRC" && "${RUN[@]}" bash ./test.sh -t 0.3 "$1") >"$T/out" 2>&1
	cat "$T/out"
	grep -qE '^Summary: .* [1-9][0-9]* ok, 0 failed' "$T/out"
}
