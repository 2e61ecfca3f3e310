#!/bin/bash
# memcached.sh - memcached over TCP and UDP
# deadline: 60
. "$(dirname "$0")/../lib.sh"
need memcached
t_begin
kernel_peer tap
cat >"$T/client.py" <<'PY'
import socket, struct, sys, threading
addr = (sys.argv[1], 11211)
def line(f): return f.readline().rstrip(b"\r\n")
def worker(n, bad):
    try:
        s = socket.create_connection(addr, 5)
        s.settimeout(10)
        f = s.makefile("rb")
        value = bytes([65 + n]) * 200000
        for i in range(20):
            s.sendall(b"set k%d-%d 0 0 %d\r\n" % (n, i, len(value)) + value + b"\r\n")
            assert line(f) == b"STORED"
        # pipelined
        s.sendall(b"".join(b"get k%d-%d\r\n" % (n, i) for i in range(20)))
        for i in range(20):
            head = line(f).split()
            assert head[:2] == [b"VALUE", b"k%d-%d" % (n, i)], head
            assert f.read(int(head[3]) + 2) == value + b"\r\n"
            assert line(f) == b"END"
        s.sendall(b"quit\r\n")
        assert f.read() == b""
    except Exception as e:
        bad.append(repr(e))
bad = []
ts = [threading.Thread(target=worker, args=(n, bad)) for n in range(8)]
for t in ts: t.start()
for t in ts: t.join()
assert not bad, bad
# over UDP a value that a receive buffer holds: its datagrams come in one burst
small = b"u" * 40000
with socket.create_connection(addr, 5) as s:
    s.sendall(b"set small 0 0 %d\r\n" % len(small) + small + b"\r\n")
    assert s.recv(100) == b"STORED\r\n"
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.settimeout(5)
u.connect(addr)
u.send(struct.pack("!HHHH", 7, 0, 1, 0) + b"get small\r\n")
# they come as datagrams in any order
got, total = {}, 1
while len(got) < total:
    d = u.recv(65536)
    rid, seq, total, _ = struct.unpack("!HHHH", d[:8])
    assert rid == 7
    got[seq] = d[8:]
reply = b"".join(got[i] for i in sorted(got))
assert reply.startswith(b"VALUE small 0 40000\r\n") and reply.endswith(b"END\r\n"), len(reply)
print("good")
PY
serve() {
	bg memcached "${SRV[@]}" memcached -u root -l 0.0.0.0 -p 11211 -U 11211 -t 4 -m 128
	up 11211 || not_ok "$WHO: memcached listens" "$T/memcached.err"
	check "$WHO: eight connections, pipelined, then UDP" timeout 20 "${CLI[@]}" $PY "$T/client.py" "$ADDR"
	bg_kill memcached
}
both serve
