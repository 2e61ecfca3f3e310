# shellcheck shell=bash
# lib.sh - what the system tests share
#
# Theory of operation
# A test is a bash script that sources this file, calls t_begin, reports cases
# with ok, not_ok, skip and check (TAP, counted by tests/run) and ends by
# itself; what it started is undone by the EXIT trap, on failure and on a
# signal as well:
#   $T			the test's own folder, removed at the end
#   $XDG_RUNTIME_DIR	$T/run: where its stacks live; no other run sees them
#   ns_new VAR		a network namespace "ustkPID-N", lo up
#   bg NAME CMD...	a background process; $T/NAME.out and .err; pid in BG[NAME]
#   stack_start ...	an ustackd as a background process
# Nothing sleeps for luck: wait_for polls a condition until a deadline.
#
# The topology most tests use (kernel_peer):
#
#    namespace $K: the kernel's stack            namespace $E: no interface at all
#    +------------------------------------+      +------------------------------+
#    | t0 10.0.0.1/24 fc00::1:1/64        |      | programs under the shim: what|
#    |  |                                 |      | they reach, they reach by    |
#    | ustackd 10.0.0.70 fc00::1:70 <-----+------+ the stack's control socket   |
#    +------------------------------------+      +------------------------------+
#
# With USTACK_TWIN=kernel a second kernel stack behind a veth takes our stack's
# place: a test that fails then is wrong itself (those that look into the
# daemon or restart it cannot pass).
#
# Environment: USTACK_BUILD the build folder; USTACKD, USTACK_CLI,
# USTACK_PRELOAD and USTACK_APPS override what is taken from it.

set -u
TESTS_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${USTACK_BUILD:=$(cd "$TESTS_DIR/.." && pwd)/build}"
: "${USTACKD:=$USTACK_BUILD/ustackd}"
: "${USTACK_CLI:=$USTACK_BUILD/ustack}"
: "${USTACK_PRELOAD:=$USTACK_BUILD/.libs/libustack.so}"
: "${USTACK_APPS:=$USTACK_BUILD/tests/apps}"
export USTACKD USTACK_PRELOAD
unset USTACK LD_PRELOAD
PY=/usr/bin/python3

declare -A BG=()
declare -A STACKS=()
NAMESPACES=()
T_N=0
T_FAILED=0

t_begin() {
	T=$(mktemp -d "${TMPDIR:-/tmp}/ustk.XXXXXX") || exit 1
	chmod 755 "$T"
	export T USTACK_TEST_DIR=$T XDG_RUNTIME_DIR=$T/run
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	trap t_end EXIT
	trap 'exit 143' TERM
	trap 'exit 130' INT
	trap 'exit 141' PIPE	# `test.sh | head`: the namespaces go all the same
	cd "$T" || exit 1
}

ok() { T_N=$((T_N + 1)); echo "ok $T_N - $1"; }

# not_ok NAME [FILE...]: the ends of the files say why
not_ok() {
	local name=$1 f
	shift
	T_N=$((T_N + 1))
	T_FAILED=$((T_FAILED + 1))
	echo "not ok $T_N - $name"
	for f; do
		[ -s "$f" ] || continue
		echo "# --- ${f#"$T"/}"
		tail -n 25 "$f" | tr -d '\000' | cut -c1-400 | sed 's/^/# /'
	done
}

skip() { T_N=$((T_N + 1)); echo "ok $T_N - $1 # SKIP $2"; }
diag() { echo "# $*"; }

# skip_all REASON: the whole test cannot run here
skip_all() { echo "1..0 # SKIP $1"; T_SKIPPED=1; exit 0; }

# check NAME CMD...: a case by the command's status; its output explains a failure
check() {
	local name=$1
	shift
	if "$@" >"$T/check.log" 2>&1 </dev/null; then
		ok "$name"
	else
		echo "status $? of: $*" >>"$T/check.log"
		not_ok "$name" "$T/check.log"
		return 1
	fi
}

# same NAME A B: two files have the same bytes, and some
same() {
	if [ -s "$2" ] && cmp "$2" "$3" >"$T/check.log" 2>&1; then
		ok "$1"
	else
		{
			ls -l "$2" "$3"
			grep -Iq . "$2" && diff "$2" "$3" | head -n 20
		} >>"$T/check.log" 2>&1
		not_ok "$1" "$T/check.log"
		return 1
	fi
}

# wait_for SECONDS CMD...: true as soon as CMD is
wait_for() {
	local end=$(($(date +%s%N) + $1 * 1000000000))
	shift
	until "$@" >/dev/null 2>&1 </dev/null; do
		[ "$(date +%s%N)" -lt "$end" ] || return 1
		sleep 0.03
	done
}

has_line() { grep -aqF -- "$2" "$1"; }
gone() { ! kill -0 "$1" 2>/dev/null; }
need() {
	local c
	for c; do
		command -v "$c" >/dev/null || skip_all "$c is not installed (./bootstrap deps installs it)"
	done
}
need_root() {
	[ "$(id -u)" = 0 ] || skip_all "needs root for network namespaces and a TAP"
	[ -c /dev/net/tun ] || skip_all "no /dev/net/tun on this machine"
}

# --- processes

# bg NAME CMD...: stdin is /dev/null, or the file $T/NAME.in if there is one
bg() {
	local name=$1 in=/dev/null
	shift
	[ -e "$T/$name.in" ] && in=$T/$name.in
	"$@" >"$T/$name.out" 2>"$T/$name.err" <"$in" &
	BG[$name]=$!
}

# bg_wait NAME SECONDS: its exit status, 124 when it did not end in time
bg_wait() {
	local pid=${BG[$1]}
	if ! wait_for "$2" gone_or_zombie "$pid"; then
		bg_kill "$1" KILL
		return 124
	fi
	unset "BG[$1]"
	wait "$pid"
}
gone_or_zombie() {
	local s
	s=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) || return 0
	[ "${s%% *}" = Z ]
}

# bg_kill NAME [SIGNAL]
bg_kill() {
	local pid=${BG[$1]:-}
	[ -n "$pid" ] || return 0
	unset "BG[$1]"
	kill -"${2:-TERM}" "$pid" 2>/dev/null
	if ! wait_for 3 gone_or_zombie "$pid"; then
		kill -KILL "$pid" 2>/dev/null
	fi
	wait "$pid" 2>/dev/null
	return 0
}

# --- namespaces

# ns_new VAR: its name goes into VAR
ns_new() {
	local name=ustk$$-${#NAMESPACES[@]}
	ip netns add "$name" || exit 1
	NAMESPACES+=("$name")
	ip -n "$name" link set lo up
	printf -v "$1" %s "$name"
}

# kernel_peer tap|tun [CONFIG]: the topology above; the stack is called s0.
# Afterwards "${KN[@]}" runs a command on the kernel's stack, "${US[@]}" under
# the shim.
kernel_peer() {
	local kind=${1:-tap}
	need_root
	ns_new K
	ns_new E
	KN=(ip netns exec "$K")
	if [ "${USTACK_TWIN:-}" = kernel ]; then
		kernel_twin
		return
	fi
	ip -n "$E" link set lo down
	ip -n "$K" tuntap add t0 mode "$kind"
	ip -n "$K" addr add 10.0.0.1/24 dev t0
	ip -n "$K" -6 addr add fc00::1:1/64 dev t0 nodad
	ip -n "$K" link set t0 up
	stack_start s0 "$kind=t0,ip=10.0.0.70/24,ip=fc00::1:70/64${2:+,$2}" "$K" ||
		{ not_ok "the stack starts" "$T/s0.err"; exit 1; }
	US=(ip netns exec "$E" env USTACK=s0 LD_PRELOAD="$USTACK_PRELOAD")
	wait_for 10 "${KN[@]}" ping -c1 -W1 10.0.0.70 ||
		{ not_ok "the stack answers ping" "$T/s0.err"; exit 1; }
	wait_for 10 "${KN[@]}" ping -6 -c1 -W1 fc00::1:70 ||
		{ not_ok "the stack answers ping6" "$T/s0.err"; exit 1; }
}

kernel_twin() {
	ip -n "$K" link add t0 type veth peer name v0 netns "$E"
	ip -n "$K" addr add 10.0.0.1/24 dev t0
	ip -n "$K" -6 addr add fc00::1:1/64 dev t0 nodad
	ip -n "$E" addr add 10.0.0.70/24 dev v0
	ip -n "$E" -6 addr add fc00::1:70/64 dev v0 nodad
	ip -n "$K" link set t0 up
	ip -n "$E" link set v0 up
	ip -n "$E" route add default via 10.0.0.1
	US=(ip netns exec "$E")
	bg s0 sleep 600
	wait_for 10 "${KN[@]}" ping -6 -c1 -W1 fc00::1:70
}

# stack_start NAME CONFIG [NAMESPACE]: 0 when it is ready
stack_start() {
	local name=$1 config=$2 ns=${3:-}
	local run=("$USTACKD" -n "$name" -o "$config" --ready-fd 9)
	[ -n "$ns" ] && run=(ip netns exec "$ns" "${run[@]}")
	: >"$T/$name.ready"
	bg "$name" "${run[@]}" 9>"$T/$name.ready"
	STACKS[$name]=${BG[$name]}
	wait_for 10 stack_ready_or_gone "$name" && has_line "$T/$name.ready" ready
}
stack_ready_or_gone() {
	has_line "$T/$1.ready" ready || gone_or_zombie "${STACKS[$1]}"
}

# stack_stop NAME: SIGTERM must end it, with status 0
stack_stop() {
	local name=$1 status
	unset "STACKS[$name]"
	kill -TERM "${BG[$name]}" 2>/dev/null
	bg_wait "$name" 10
	status=$?
	if grep -aqE 'ERROR: (Address|Leak)Sanitizer|runtime error:|Assertion' "$T/$name.err"; then
		not_ok "stack $name: no sanitizer report, no assertion" "$T/$name.err"
	elif [ $status -ne 0 ]; then
		echo "status $status" >>"$T/$name.err"
		not_ok "stack $name ends cleanly on SIGTERM" "$T/$name.err"
	else
		ok "stack $name ends cleanly on SIGTERM"
	fi
}

# listening HOST PORT: the kernel's side sees a listener (a SYN answered by
# SYN-ACK, then reset: accept() does not see it)
listening() { "${KN[@]}" "$USTACK_APPS/listening" "$1" "$2"; }
# k_listening PORT: a socket listens on the kernel's side
k_listening() { "${KN[@]}" ss -Hltn "sport = :$1" | grep -q .; }

# both FUNC: FUNC once with the client under the shim, once with the server:
# "${SRV[@]}" and "${CLI[@]}" run a command there, $ADDR is the server's address,
# $WHO says which it is; up PORT waits for the server
both() {
	SRV=("${KN[@]}") CLI=("${US[@]}") ADDR=10.0.0.1 WHO="client under the shim"
	"$1"
	SRV=("${US[@]}") CLI=("${KN[@]}") ADDR=10.0.0.70 WHO="server under the shim"
	"$1"
}
up() {
	if [ "$ADDR" = 10.0.0.1 ]; then
		wait_for "${2:-10}" k_listening "$1"
	else
		wait_for "${2:-10}" listening "$ADDR" "$1"
	fi
}

# proc_status PID FIELD: of /proc/PID/status, e.g. VmRSS (kB)
proc_status() { awk -v f="$2:" '$1 == f { print $2 }' "/proc/$1/status"; }
nfds() { local f=("/proc/$1/fd/"*); echo "${#f[@]}"; }

# --- the end

# processes that escaped (daemons): those with our folder in their environment
t_left() (
	unset USTACK_TEST_DIR	# or the three below would find themselves
	grep -lazF "USTACK_TEST_DIR=$T" /proc/[0-9]*/environ 2>/dev/null |
		sed 's,/proc/\([0-9]*\)/.*,\1,' | grep -vx "$$"
)

t_end() {
	local status=$? name pid ns
	trap '' TERM INT PIPE
	for name in "${!STACKS[@]}"; do stack_stop "$name"; done
	for name in "${!BG[@]}"; do bg_kill "$name"; done
	for pid in $(t_left); do kill -TERM "$pid" 2>/dev/null; done
	wait_for 1 eval '[ -z "$(t_left)" ]' ||
		for pid in $(t_left); do kill -KILL "$pid" 2>/dev/null; done
	for ns in "${NAMESPACES[@]}"; do ip netns del "$ns" 2>/dev/null; done
	cd / && rm -rf "$T"
	if [ -z "${T_SKIPPED:-}" ]; then
		[ $status -eq 0 ] || [ $T_FAILED -gt 0 ] || { T_N=$((T_N + 1)); echo "not ok $T_N - the test ran to its end (status $status)"; }
		echo "1..$T_N"
	fi
	exit $((status ? status : T_FAILED > 0))
}
