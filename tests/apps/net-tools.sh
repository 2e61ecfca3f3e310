#!/bin/bash
# net-tools.sh - ifconfig, route, arp, nameif and netstat as on the kernel's stack
# deadline: 90
. "$(dirname "$0")/../lib.sh"
t_begin
need ifconfig route arp netstat nameif
need_root
[ "${USTACK_TWIN:-}" = kernel ] && skip_all "compares with the kernel by itself"
#  two stacks with lo and d0: a kernel's in $K, where it is a veth, as not every kernel
#  has dummies; ours (daemon and programs in $E), where it is one
ns_new K
ns_new E
MAC=02:00:00:00:00:70
ip -n "$K" link add d0 address $MAC type veth peer name p0 netns "$E"
ip -n "$E" link set p0 up
stack_start s0 "" "$E" || { not_ok "the stack starts" "$T/s0.err"; exit 1; }
US=(ip netns exec "$E" env USTACK=s0 LD_PRELOAD="$USTACK_PRELOAD")
"${US[@]}" ip link add d0 address $MAC type dummy

# counters differ, when a veth's carrier comes, and IPv6 addresses that are being looked for
# on the wire (DAD) have no routes yet
plain() {
	sed -E 's/flags=[0-9]+//; s/,RUNNING//; /!n/d; /\/128 /d; /^fe80::\/64/d
		/(RX|TX) (packets|errors)/d; s/mtu 65536/mtu 65535/; s/[ \t]+/ /g; s/ $//; s/ [0-9]+ ([0-9]+ d0)$/ \1/;
		/^(d0|d9|lo|dummy0) [0-9]+ /{s/^([^ ]+ [0-9]+) .* ([A-Z]+)$/\1 \2/; s/65536/65535/}' |
		grep -v 'inet6 fe80::'
}
n=0
bad=0
while read -r cmd; do
	case $cmd in '#'* | '') continue ;; esac
	n=$((n + 1))
	ip netns exec "$K" $cmd >"$T/k.raw" 2>&1
	echo "exit $?" >>"$T/k.raw"
	timeout 10 "${US[@]}" $cmd >"$T/u.raw" 2>&1
	echo "exit $?" >>"$T/u.raw"
	plain <"$T/k.raw" >"$T/kernel"
	plain <"$T/u.raw" >"$T/stack"
	cmp -s "$T/kernel" "$T/stack" && continue
	bad=$((bad + 1))
	{ echo "--- $cmd"; diff "$T/kernel" "$T/stack"; } >>"$T/differ"
done <"$TESTS_DIR/apps/net-tools.cmds"
if [ $bad = 0 ] && [ $n -gt 60 ]; then
	ok "$n commands of net-tools are answered as by the kernel"
else
	not_ok "$n commands of net-tools are answered as by the kernel, but $bad" "$T/differ"
fi
