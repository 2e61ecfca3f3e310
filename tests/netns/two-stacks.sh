#!/bin/bash
# two-stacks.sh - two ustack stacks to each other, by an ordinary user
# deadline: 60
#
# Nothing here is root's and no kernel stack carries a packet: the two stacks
# share a VDE network that lives in a folder, and the programs run in a
# namespace without interfaces when there is one to have.
. "$(dirname "$0")/../lib.sh"
need nc.openbsd setpriv
t_begin
AS=()
mkdir "$T/bin"
cp "$USTACKD" "$USTACK_PRELOAD" "$T/bin/" || exit 1
USTACKD=$T/bin/ustackd
export USTACK_PRELOAD=$T/bin/libustack.so
if [ "$(id -u)" = 0 ]; then
	AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	chown -R 65534:65534 "$T"
	ns_new E
	ip -n "$E" link set lo down
	AS=(ip netns exec "$E" "${AS[@]}")
fi

# user_stack NAME CONFIG
user_stack() {
	: >"$T/$1.ready"
	bg "$1" "${AS[@]}" "$USTACKD" -n "$1" -o "$2" --ready-fd 9 9>"$T/$1.ready"
	STACKS[$1]=${BG[$1]}
	wait_for 10 stack_ready_or_gone "$1" && has_line "$T/$1.ready" ready
}
on() { local s=$1; shift; exec "${AS[@]}" env USTACK="$s" LD_PRELOAD="$USTACK_PRELOAD" "$@"; }

# dialled OPTION ADDRESS: a client ran through, or the server is gone
dialled() {
	bg cli on a nc.openbsd "$1" "$2" 7000
	bg_wait cli 15 || gone_or_zombie "${BG[srv]}"
}

# over NAME VNL VNL [KEYS [KEYS]]: both families, both directions of data
over() {
	local what=$1 i addr
	user_stack a "vnl=$2,ip=10.0.0.1/24,ip=fc00::1:1/64${4:-}" && ok "$what: first stack starts, unprivileged" ||
		not_ok "$what: first stack starts, unprivileged" "$T/a.err"
	user_stack b "vnl=$3,ip=10.0.0.2/24,ip=fc00::1:2/64${5:-}" && ok "$what: second stack starts" ||
		not_ok "$what: second stack starts" "$T/b.err"
	head -c 3000000 /dev/urandom >"$T/data"
	for addr in 10.0.0.2 fc00::1:2; do
		# one direction at a time: nc -l ends with its peer's input, whatever
		# it still has to send
		cp "$T/data" "$T/cli.in"
		bg srv on b nc.openbsd -l -d "$addr" 7000
		wait_for 10 dialled -N "$addr"
		bg_wait srv 10
		same "$what: 3 MB to $addr arrive" "$T/data" "$T/srv.out"
		rm -f "$T/cli.in"
		cp "$T/data" "$T/srv.in"
		bg srv on b nc.openbsd -N -l "$addr" 7000
		wait_for 10 dialled -d "$addr"
		bg_wait srv 10
		same "$what: 3 MB from $addr arrive" "$T/data" "$T/cli.out"
		rm -f "$T/srv.in"
		bg_kill srv
		bg_kill cli
	done
	stack_stop a
	stack_stop b
}
over ptp "ptp://$T/ptp" "ptp://$T/ptp"
over "ptp, jumbo frames" "ptp://$T/jumbo" "ptp://$T/jumbo" ,mtu=9216 ,mtu=9216
over "ptp, jumbo frames at one end" "ptp://$T/half" "ptp://$T/half" ,mtu=9216 ,mtu=1500
over hub "hub://$T/hub" "vde://$T/hub"
over switch "switch://$T/switch" "vde://$T/switch"
