#!/bin/bash
# urgent.sh - an urgent byte is where it was sent, over a bad cable
# deadline: 90
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cable.sh.inc"
need_root
t_begin
cat >"$T/marks.py" <<'PY'
# marks.py listen PORT | ADDRESS PORT [inline]: the client sends pieces of any length, with
# an urgent byte at the end, in the middle or at the beginning; the server tells where it
# found each, and which it was
import array, fcntl, random, select, socket, struct, sys
ROUNDS = 60
if sys.argv[1] == "listen":
    l = socket.create_server(("", int(sys.argv[2])))
    inline = sys.argv[3:] == ["inline"]
    l.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, inline)
    c, _ = l.accept()
    p = select.poll()
    p.register(c, select.POLLIN | select.POLLPRI)
    mark = array.array("i", [0])
    at = 0
    while True:
        p.poll(10000)           # who reads without looking may pass over a mark
        fcntl.ioctl(c, 0x8905, mark)
        if mark[0]:
            while not inline and not any(e & select.POLLPRI for _, e in p.poll(10000)):
                pass            # told of, but yet to come
            byte = c.recv(1, 0 if inline else socket.MSG_OOB)
            c.sendall(struct.pack("=QB", at, byte[0]))
            at += 1
        try:
            d = c.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            continue
        if not d:
            break
        at += len(d)
else:
    random.seed(7)
    s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
    s.settimeout(30)
    at = 0
    for i in range(ROUNDS):
        before, behind = random.choice([0, 1, 3000, 70000]), random.choice([0, 1, 20000])
        before = random.randint(before // 2, before)
        s.sendall(b"a" * before)
        s.send(b"b" * 9 + bytes([i]), socket.MSG_OOB)
        s.sendall(b"c" * behind)
        want = (at + before + 9, i)
        at += before + 10 + behind
        got = b""
        while len(got) < 9:
            d = s.recv(9 - len(got))
            if not d:
                sys.exit("the server ended")
            got += d
        if struct.unpack("=QB", got) != want:
            sys.exit(f"round {i}: sent at {want}, found at {struct.unpack('=QB', got)}")
    print(ROUNDS, "found")
PY
# marks NAME ADDRESS [inline] :: SERVER_PREFIX... :: CLIENT_PREFIX...
marks() {
	local name=$1 addr=$2 srv=() port=$((7000 + RANDOM % 1000)) how=""
	shift 2
	[ "$1" = :: ] || { how=$1; shift; }
	shift
	while [ "$1" != :: ]; do srv+=("$1"); shift; done
	shift
	bg srv "${srv[@]}" $PY "$T/marks.py" listen "$port" $how
	if [ "$addr" = 10.0.0.1 ]; then
		wait_for 10 k_listening "$port"
	elif [ "$addr" = 127.0.0.1 ]; then
		wait_for 10 "${srv[@]}" "$USTACK_APPS/listening" "$addr" "$port"
	else
		wait_for 10 listening "$addr" "$port"
	fi
	check "$name" timeout 40 "$@" $PY "$T/marks.py" "$addr" "$port"
	bg_wait srv 5 || not_ok "$name: the server ends" "$T/srv.err"
}
both_ways() {
	cable "$1"
	# in line: else Linux takes a byte of a header for it where segments overtake each other
	marks "$2, $1: sending" 10.0.0.1 inline :: "${KN[@]}" :: "${US[@]}"
	marks "$2, $1: receiving" 10.0.0.70 :: "${US[@]}" :: "${KN[@]}"
}

bad_cable delay=2ms
both_ways delay=2ms "TAP with offloads"
marks "sending, not in line" 10.0.0.1 :: "${KN[@]}" :: "${US[@]}"
marks "receiving, in line" 10.0.0.70 inline :: "${US[@]}" :: "${KN[@]}"
both_ways delay=2ms,loss=3% "TAP with offloads"
both_ways delay=2ms,loss=1%,dup=2%,reorder=5% "TAP with offloads"
stack_stop s0
stack_start s0 "vnl=tap:t0/novnet,ip=10.0.0.70/24" "$R" ||
	{ not_ok "the stack starts without offloads" "$T/s0.err"; exit 1; }
both_ways delay=2ms,loss=1%,dup=2%,reorder=5% "TAP without offloads"
marks "over lo" 127.0.0.1 :: "${US[@]}" :: "${US[@]}"
