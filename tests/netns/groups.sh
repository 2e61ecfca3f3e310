#!/bin/bash
# groups.sh - memberships are reported when they begin and when a router asks, and a
# stack with nothing to report sleeps
# deadline: 60
. "$(dirname "$0")/../lib.sh"
t_begin
need "$PY"
[ "${USTACK_TWIN:-}" = kernel ] && skip_all "looks into the daemon; the kernel speaks IGMPv3"
kernel_peer tap
reports() { grep -c "^$1\$" "$T/watch.out"; }
more_than() { [ "$(reports "$2")" -gt "$1" ]; }

bg watch "${KN[@]}" "$PY" "$TESTS_DIR/netns/groups.py" watch t0
wait_for 5 has_line "$T/watch.out" watching
mkfifo "$T/join.in"
exec {hold}<>"$T/join.in"
bg join "${US[@]}" "$PY" "$TESTS_DIR/netns/groups.py" join 239.7.7.7 ff05::7:7
check "a program joins a group of either family" wait_for 5 has_line "$T/join.out" joined
# the second one comes after a delay of its own
check "IGMP: it is reported twice" wait_for 5 more_than 1 "igmp 239.7.7.7"
check "MLD: it is reported twice" wait_for 5 more_than 1 "mld ff05::7:7"

n=$(reports "igmp 239.7.7.7")
"${KN[@]}" "$PY" "$TESTS_DIR/netns/groups.py" ask4 239.7.7.7 10
check "IGMP: a query is answered" wait_for 5 more_than "$n" "igmp 239.7.7.7"
n=$(reports "igmp 239.7.7.7")
"${KN[@]}" "$PY" "$TESTS_DIR/netns/groups.py" ask4 239.7.7.7 1
check "IGMP: one that leaves no time, too" wait_for 5 more_than "$n" "igmp 239.7.7.7"
n=$(reports "mld ff05::7:7")
"${KN[@]}" "$PY" "$TESTS_DIR/netns/groups.py" ask6 ff05::7:7 1000 t0
check "MLD: a query is answered" wait_for 5 more_than "$n" "mld ff05::7:7"

# neighbours age once a second; frames of the kernel's come in between
wakeups() { awk '/^voluntary/ { print $2 }' "/proc/${BG[s0]}/status"; }
asleep() {
	local n
	n=$(wakeups)
	sleep 3
	[ $(($(wakeups) - n)) -le 12 ]
}
check "then it wakes up no more than a few times in three seconds" wait_for 30 asleep
