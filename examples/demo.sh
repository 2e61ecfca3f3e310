#!/bin/bash
# demo.sh - two private stacks on a VDE network, and an unmodified nc on each
#
# usage: examples/demo.sh (./bootstrap demo runs it on build/)
#
# Needs no root, touches no interface of this machine, ends by itself.
set -eu
: "${USTACK_BUILD:=$(cd "$(dirname "$0")/.." && pwd)/build}"
ustack=$USTACK_BUILD/ustack
export USTACKD=$USTACK_BUILD/ustackd USTACK_PRELOAD=$USTACK_BUILD/.libs/libustack.so
dir=$(mktemp -d)
export XDG_RUNTIME_DIR=$dir
server=
end() {
	local s
	[ -z "$server" ] || kill "$server" 2>/dev/null || :
	for s in left right; do "$ustack" umount -f $s >/dev/null 2>&1 || :; done
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 1' INT TERM
show() { echo; echo "\$ $*"; }
nc=nc
command -v nc.openbsd >/dev/null && nc=nc.openbsd

cat <<TEXT
Two TCP/IP stacks, each a process of its own, on one VDE network ("ptp://": a
cable whose socket lies in a folder).  No root, no interface, no kernel stack.
TEXT
show "ustack mount -o vnl=ptp://net,ip=10.0.0.1/24,ip=fc00::1:1/64 left"
"$ustack" mount -o "vnl=ptp://$dir/net,ip=10.0.0.1/24,ip=fc00::1:1/64" left
show "ustack mount -o vnl=ptp://net,ip=10.0.0.70/24,ip=fc00::1:70/64 right"
"$ustack" mount -o "vnl=ptp://$dir/net,ip=10.0.0.70/24,ip=fc00::1:70/64" right
show "ustack ls"
"$ustack" ls | sed "s,$dir/,,g"

echo
echo "An unmodified nc listens on the left stack, another calls it from the right one:"
for addr in 10.0.0.1 fc00::1:1; do
	show "ustack exec left nc -N -l $addr 7000 &"
	echo "Hello from the left: you reached $addr." |
		"$ustack" exec left "$nc" -N -l "$addr" 7000 >"$dir/heard" &
	server=$!
	show "echo 'Hello from the right.' | ustack exec right nc -N $addr 7000"
	for try in $(seq 100); do	# until the server listens, and IPv6 is up
		echo "Hello from the right." | timeout 10 "$ustack" exec right "$nc" -N "$addr" 7000 \
			>"$dir/answer" 2>"$dir/err" && break
		sleep 0.1
	done
	[ -s "$dir/answer" ] || { echo "demo: no answer from $addr after $try tries: $(cat "$dir/err")" >&2; exit 1; }
	cat "$dir/answer"
	wait "$server"
	server=
	echo "(the left side heard: $(cat "$dir/heard"))"
done
cat <<TEXT

It works. Next: README.md, "ustack --help", or with your own network, for example
  ustack mount -o vnl=vxvde://234.0.0.1,ip=10.0.0.70/24 mystack
  ustack exec mystack ssh user@10.0.0.1
TEXT
