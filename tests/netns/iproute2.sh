#!/bin/bash
# ip(8) on a stack says and does what it does on the kernel
# deadline: 90
#
# The commands of iproute2.cmds run one after the other in a namespace (two
# veth interfaces) and under the shim on a stack with two dummy interfaces;
# output, messages and exit status are compared after what must differ was
# evened out (normalise).  iproute2.known lists, by command, where they differ
# all the same, and why: one that no longer does is a failure, too.
. "$(dirname "$0")/../lib.sh"
t_begin
need ip
need_root

# indexes and Ethernet addresses that were made up differ; so does what a veth
# says of its peer and its queue, and what ip says when another test's namespace
# goes while it looks for the peer's
normalise() {
	sed -E -e '/Peer netns reference is invalid/d' -e 's/^[0-9]+: /N: /; s/@if[0-9]+//; s/ link-netns(id)? .*//' \
		-e 's/(link\/ether) [0-9a-f:]{17}/\1 MAC/; /MAC/! s/ lladdr 02:/ lladdr 02:/' \
		-e 's/fe80::[0-9a-f:]+/fe80::LL/g' \
		-e 's/,NOARP|,MULTICAST//g; s/qdisc [a-z]+ //; s/ qlen 1000//' \
		-e 's/ proto kernel_(lo|ll)//; s/ noprefixroute//' \
		-e 's/state [A-Z]+ /state S /; s/^([a-z0-9]+) +(UP|UNKNOWN|DOWN) +/\1 S /' \
		-e 's/(valid|preferred)_lft [0-9]+sec/\1_lft Nsec/g' \
		-e 's/[[:space:]]+$//'
}

# each FILE CMD...: run every command; "= COMMAND", output, "status N"
each() {
	local out=$1 line
	shift
	while read -r line; do
		case $line in
		'#'* | '') continue ;;
		*dummy* | *' d2'*) [ "$HAVE_DUMMY" ] || continue ;;
		esac
		echo "= $line"
		# shellcheck disable=SC2086
		timeout 10 "$@" ip $line 2>&1 </dev/null | normalise
		echo "status ${PIPESTATUS[0]}"
	done <"$TESTS_DIR/netns/iproute2.cmds" >"$out"
}

ns_new K
ns_new E
KN=(ip netns exec "$K")
ns_new P
# not every kernel has dummy devices; the far ends of the veths are up
for i in 0 1; do
	ip -n "$K" link add e$i type veth peer name p$i netns "$P"
	ip -n "$P" link set p$i up
done
HAVE_DUMMY=
"${KN[@]}" ip link add d0 type dummy 2>/dev/null && HAVE_DUMMY=1 && ip -n "$K" link del d0
"${KN[@]}" sh -c 'echo 0 > /proc/sys/net/ipv6/conf/all/accept_dad
	for i in e0 e1 default; do
		echo 0 > /proc/sys/net/ipv6/conf/$i/accept_dad
		echo 0 > /proc/sys/net/ipv4/conf/$i/promote_secondaries
	done; echo 0 > /proc/sys/net/ipv4/conf/all/promote_secondaries' 2>/dev/null
stack_start s0 "vnl=dummy:,iface=vde9" || { not_ok "the stack starts" "$T/s0.err"; exit 1; }
US=(ip netns exec "$E" env USTACK=s0 LD_PRELOAD="$USTACK_PRELOAD")
check "an interface of the configuration can be removed" "${US[@]}" ip link del vde9
for i in e0 e1; do check "ip link add $i type dummy" "${US[@]}" ip link add $i type dummy; done
for side in KN US; do
	declare -n run=$side
	"${run[@]}" ip link set e0 up
	"${run[@]}" ip addr add 10.0.0.1/24 dev e0
	"${run[@]}" ip addr add fd00::1/64 dev e0 nodad
done

each "$T/kernel" "${KN[@]}"
each "$T/stack" "${US[@]}"

# one case a command: the two texts between its "=" and the next
"$PY" - "$T/kernel" "$T/stack" "$TESTS_DIR/netns/iproute2.known" >"$T/verdict" <<'PYTHON'
import sys

def blocks(path):
    out = []
    for line in open(path):
        if line.startswith("= "):
            out.append((line[2:].strip(), []))
        else:
            out[-1][1].append(line)
    return out

known = {}
for line in open(sys.argv[3]):
    if line.strip() and not line.startswith("#"):
        command, _, reason = line.partition(" # ")
        known[command.strip()] = reason.strip()
seen = set()
for (command, k), (_, s) in zip(blocks(sys.argv[1]), blocks(sys.argv[2])):
    if k == s:
        if command not in known:
            print("same\t" + command)
        continue
    if command in known:
        seen.add(command)
        print("known\t%s\t%s" % (command, known[command]))
        continue
    print("differs\t" + command)
    for name, text in (("kernel", k), ("stack", s)):
        for line in text:
            print("\t%s: %s" % (name, line.rstrip()))
for command in known:
    if command not in seen:
        print("differs\t%s: iproute2.known expects a difference, there is none" % command)
PYTHON
bad=$(grep -c '^differs' "$T/verdict")
diag "$(grep -c '^same' "$T/verdict") commands alike, $(grep -c '^known' "$T/verdict") with a known difference, $bad differ"
grep -v -P '^(same|known)' "$T/verdict" >"$T/differences"
[ -n "${KEEP:-}" ] && cp "$T/verdict" "$KEEP"
if [ "$bad" = 0 ] && [ "$(grep -c '^same' "$T/verdict")" -ge 60 ]; then
	ok "60 and more commands: output and status as the kernel's"
else
	not_ok "60 and more commands: output and status as the kernel's" "$T/differences"
fi
