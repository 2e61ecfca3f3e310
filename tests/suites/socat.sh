# shellcheck shell=bash
# socat.sh - socat's test.sh, a test at a time; socat and ss alike
suite_source=socat

suite_prepare() {
	[ -x "$SRC/socat" ] || (cd "$SRC" && ./configure && make) || return 1
	cp -r "$SRC/." "$CWD"
}
# tests have numbers, and names that are not told beforehand
suite_cases() {
	local n
	n=$(cd "$CWD" && bash ./test.sh NONE 2>/dev/null | sed -n 's/^Summary: \([0-9]*\) tests.*/\1/p')
	seq 1 "${n:-0}"
}
suite_case() {
	"${RUN[@]}" bash ./test.sh -t 0.1 -N 0 "$1" | sed 's/\x1b\[[0-9;]*m//g'
	return "${PIPESTATUS[0]}"
}
# test  33 TCP4: echo via connection to TCP V4 socket... OK
suite_tests() { sed -n 's/^test *[0-9]* \([^:]*\): .*\.\.\. *OK.*/\1/p' "$1"; }
