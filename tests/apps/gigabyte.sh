#!/bin/bash
# gigabyte.sh - 1 GB both ways at once, in both roles: equal checksums
# deadline: 150
. "$(dirname "$0")/../lib.sh"
t_begin
kernel_peer tap
cat >"$T/end.py" <<'PYEOF'
# one end: sends its gigabyte (odd sizes, so that boundaries wander), reads the
# other's to the end of file, and prints both checksums
import hashlib, random, socket, sys, threading
role, addr, port, seed, total = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
block = random.Random(seed).randbytes(3 << 20)
if role == "listen":
    l = socket.create_server((addr, port)); s, _ = l.accept()
else:
    s = socket.create_connection((addr, port))
def send():
    h, rng, left = hashlib.sha1(), random.Random(seed), total
    while left:
        n = min(left, rng.randrange(1, 1 << 20)); at = rng.randrange(0, 2 << 20)
        part = memoryview(block)[at:at + n]
        h.update(part); s.sendall(part); left -= n
    s.shutdown(socket.SHUT_WR)
    print("sent", h.hexdigest(), flush=True)
t = threading.Thread(target=send); t.start()
h, n, buf = hashlib.sha1(), 0, bytearray(1 << 20)
while k := s.recv_into(buf):
    h.update(memoryview(buf)[:k]); n += k
t.join()
print("got", h.hexdigest(), n, flush=True)
PYEOF
# equal FROM TO: what FROM sent is what TO got, all of it
equal() {
	local sent
	sent=$(awk '$1 == "sent" { print $2 }' "$T/$1.out")
	[ -n "$sent" ] && has_line "$T/$2.out" "got $sent 1000000000"
}
gigabyte() {
	bg srv "${SRV[@]}" $PY "$T/end.py" listen "$ADDR" 7000 one 1000000000
	up 7000 || not_ok "$WHO: listens" "$T/srv.err"
	bg cli "${CLI[@]}" $PY "$T/end.py" connect "$ADDR" 7000 two 1000000000
	bg_wait cli 60 || not_ok "$WHO: the client ends by itself" "$T/cli.err" "$T/s0.err"
	bg_wait srv 10 || not_ok "$WHO: the server ends by itself" "$T/srv.err" "$T/s0.err"
	check "$WHO: 1 GB to the server, equal checksums" equal cli srv || cat "$T"/{cli,srv}.out
	check "$WHO: 1 GB to the client, equal checksums" equal srv cli
}
both gigabyte
