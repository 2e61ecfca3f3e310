#!/bin/bash
# completion.sh - bash completes ustack's command lines
#
# deadline: 60
#
# Once by calling the function as bash would, once by TAB in an interactive bash.
. "$(dirname "$0")/../lib.sh"
t_begin

FILE=$(cd "$TESTS_DIR/.." && pwd)/completions/ustack
mkdir "$T/bin" && ln -s "$USTACK_CLI" "$T/bin/ustack"
PATH=$T/bin:$PATH
stack_start lab "" || not_ok "the stack starts" "$T/lab.err"
stack_start other "" || not_ok "the stack starts" "$T/other.err"
# shellcheck source=/dev/null
. "$FILE"

# bash's own way to split a line (at COMP_WORDBREAKS), good for lines without quotes
split() {
	local s=$1
	COMP_WORDS=()
	while [ -n "$s" ]; do
		if [[ $s =~ ^[[:space:]]+ ]]; then :
		elif [[ $s =~ ^[=:]+ ]]; then COMP_WORDS+=("${BASH_REMATCH[0]}")
		else [[ $s =~ ^[^=:[:space:]]+ ]]; COMP_WORDS+=("${BASH_REMATCH[0]}"); fi
		s=${s:${#BASH_REMATCH[0]}}
	done
	[[ $1 != *[[:space:]=:] ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMP_LINE=$1 COMP_POINT=${#1}
}

# completes LINE ANSWERS: in this order
completes() {
	split "$1"
	_ustack 2>"$T/comp.err"
	echo "\"$1\": \"${COMPREPLY[*]}\", not \"$2\"" >"$T/comp"
	if [ "${COMPREPLY[*]}" = "$2" ] && [ ! -s "$T/comp.err" ]; then
		ok "$1: ${2:-nothing}"
	else
		not_ok "$1: ${2:-nothing}" "$T/comp" "$T/comp.err"
	fi
}

completes "ustack " "mount umount ls exec ip link ss ping sysctl help --help --version"
completes "ustack um" "umount"
completes "ustack umount " "lab other"
completes "ustack umount l" "lab"
completes "ustack umount -" "-f"
completes "ustack ls --j" "--json"
completes "ustack mount -t " "lwip null"
completes "ustack mount -o vn" "vnl="
completes "ustack mount -o vnl=vxvde://234.0.0.1,ip=10.0.0.1/24,g" "10.0.0.1/24,gw= 10.0.0.1/24,group="
completes "ustack mount -o tap=t0,dhc" "t0,dhcp t0,dhcp4 t0,dhcp6"
missing=
for key in $(sed -n 's/^\t{ "\([a-z0-9]*\)", set_.*/\1/p' "$TESTS_DIR/../src/proto/config.c"); do
	[[ " ${_ustack_keys//[=[:space:]]/ } " == *" $key "* ]] || missing="$missing $key"
done
check "every key of a configuration is known$missing" [ -z "$missing" ]
completes "ustack exec -" "-f -v --lock --"
completes "ustack exec " "lab other null host"
completes "ustack exec -f ine" "inet inet6"
completes "ustack exec -f inet --lock o" "other"
completes "ustack exec lab nc -f ine" ""
completes "ustack ip l" "lab"
completes "ustack ip x" ""
completes "ustack link " "add del set show"
completes "ustack link add la" "lab"
completes "ustack link add lab vde1 type " "vde tap tun dummy veth vlan bridge"
completes "ustack link set lab l" "lo"
completes "ustack help ex" "exec"
split "ustack exec lab ustac"
_ustack
check "a command's name is completed" [ "${COMPREPLY[0]}" = ustack ]
split "ustack exec vnl=vxvde://234.0.0.1,ip=10.0.0.1/24 ustac"
_ustack
check "also behind a configuration" [ "${COMPREPLY[0]}" = ustack ]

if [ -r /usr/share/bash-completion/bash_completion ]; then
	# a command's own completion goes on: ours, once more
	check "bash-completion goes on behind the stack" bash -c "
		. /usr/share/bash-completion/bash_completion; . '$FILE'
		$(declare -f split)
		compopt() { :; }
		split 'ustack exec -f inet lab ustack umou'; _ustack
		[ \"\${COMPREPLY[*]}\" = umount ]"
	check "and for ip" bash -c "
		. /usr/share/bash-completion/bash_completion; . '$FILE'
		$(declare -f split)
		compopt() { :; }
		_fake() { COMPREPLY=(\"\${COMP_WORDS[@]}\"); }
		complete -F _fake ip
		split 'ustack ip lab addr sh'; _ustack
		[ \"\${COMPREPLY[*]}\" = 'ip addr sh' ]"
else
	skip "bash-completion goes on behind the stack" "bash-completion is not installed"
fi

cat >"$T/tab.py" <<'P'
import os, pty, select, sys, time
def run(keys, want):
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(PS1="READY>", INPUTRC="/dev/null", TERM="dumb")
        os.execlp("bash", "bash", "--norc", "--noprofile", "-i")
    seen, end, sent = b"", time.monotonic() + 20, 0
    steps = [(b". '" + sys.argv[1].encode() + b"'; echo loa''ded\n", b"loaded"), (keys, want)]
    while time.monotonic() < end and sent <= len(steps):
        if sent < len(steps) and (sent == 0 and b"READY>" in seen or sent and steps[sent - 1][1] in seen):
            seen = b""
            os.write(fd, steps[sent][0])
            sent += 1
        elif sent == len(steps) and want in seen:
            os.close(fd)
            return
        if select.select([fd], [], [], .2)[0]:
            seen += os.read(fd, 4096).replace(b"\a", b"")
    sys.exit("%r: no %r in %r" % (keys, want, seen))
run(b"ustack umo\tla\t", b"ustack umount lab ")
run(b"ustack mount -o vnl=ptp://x,i\tp\t", b"vnl=ptp://x,ip=")
P
check "TAB in an interactive bash" $PY "$T/tab.py" "$FILE"
