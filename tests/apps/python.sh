#!/bin/bash
# python.sh - python3: asyncio, socketserver, multiprocessing with sockets passed, select
# deadline: 90
. "$(dirname "$0")/../lib.sh"
t_begin
kernel_peer tap
cat >"$T/server.py" <<'PY'
# every server of the standard library that is worth a try, in one process
import array, asyncio, multiprocessing, os, selectors, signal, socket, socketserver, sys, threading

class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)

class UdpEcho(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        sock.sendto(data, self.client_address)

class Threading(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 64
class Forking(socketserver.ForkingMixIn, socketserver.TCPServer):
    allow_reuse_address, request_queue_size = True, 64
class Udp(socketserver.ThreadingMixIn, socketserver.UDPServer):
    daemon_threads = True

def passed(conn):
    # multiprocessing sends the accepted socket itself
    while True:
        s = conn.recv()
        with s, s.makefile("rwb") as f:
            f.write(b"%d\n" % os.getpid())
            f.flush()
            for line in f:
                f.write(line)
                f.flush()

def pool(listener, conns):
    i = 0
    while True:
        s, _ = listener.accept()
        conns[i % len(conns)].send(s)
        s.close()
        i += 1

def accepting(listener):
    # workers that inherited the listener
    while True:
        s, _ = listener.accept()
        with s, s.makefile("rwb") as f:
            f.write(b"%d\n" % os.getpid())
            f.flush()
            for line in f:
                f.write(line)
                f.flush()

def listening(port):
    return socket.create_server(("", port), backlog=64)

def run():
    mp = multiprocessing.get_context("fork")
    ends = []
    for _ in range(2):
        a, b = mp.Pipe()
        mp.Process(target=passed, args=(b,), daemon=True).start()
        ends.append(a)
    shared = listening(9006)
    for _ in range(2):
        mp.Process(target=accepting, args=(shared,), daemon=True).start()
    # the processes above inherit no thread
    threading.Thread(target=pool, args=(listening(9005), ends), daemon=True).start()
    for s in (Threading(("", 9002), Echo), Forking(("", 9003), Echo), Udp(("", 9004), UdpEcho)):
        threading.Thread(target=s.serve_forever, daemon=True).start()
    asyncio.run(amain())

async def amain():
    async def echo(r, w):
        while data := await r.read(65536):
            w.write(data)
            await w.drain()
        w.close()
    class Datagrams(asyncio.DatagramProtocol):
        def connection_made(self, t): self.t = t
        def datagram_received(self, data, addr): self.t.sendto(data, addr)
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Datagrams, ("0.0.0.0", 9001))
    server = await asyncio.start_server(echo, "0.0.0.0", 9000, backlog=128)
    loop.add_signal_handler(signal.SIGTERM, server.close)
    print("ready", flush=True)
    try:
        await server.serve_forever()
    except asyncio.CancelledError:
        pass
    os._exit(0)
run()
PY
cat >"$T/client.py" <<'PY'
import asyncio, os, select, socket, sys, threading
host, what = sys.argv[1:]
async def many():
    data = os.urandom(100000)
    async def one(i):
        r, w = await asyncio.open_connection(host, 9000)
        w.write(data)
        got = await r.readexactly(len(data))
        assert got == data
        w.write_eof()
        assert await r.read() == b""
        w.close()
        await w.wait_closed()
    await asyncio.wait_for(asyncio.gather(*(one(i) for i in range(100))), 15)
async def udp():
    loop = asyncio.get_running_loop()
    seen, done = set(), asyncio.Event()
    class P(asyncio.DatagramProtocol):
        def datagram_received(self, data, addr):
            assert addr[:2] == (host, 9001), addr
            seen.add(data)
            if len(seen) == 50: done.set()
    t, _ = await loop.create_datagram_endpoint(P, remote_addr=(host, 9001))
    for i in range(50): t.sendto(b"%d" % i)
    await asyncio.wait_for(done.wait(), 10)
async def refused():
    try:
        await asyncio.open_connection(host, 9999)
    except ConnectionRefusedError as e:
        assert e.errno == 111
        return
    raise AssertionError("connected")
async def cancelled():
    # a connection given up while it is being made, then used anew
    t = asyncio.create_task(asyncio.open_connection("10.0.0.99", 9000))
    await asyncio.sleep(0.1)
    t.cancel()
    try:
        await t
    except asyncio.CancelledError:
        return
    raise AssertionError("not cancelled")
def lines(port, n=20, first=False):
    heads, bad = [], []
    def one(i):
        try:
            with socket.create_connection((host, port), 10) as s, s.makefile("rwb") as f:
                if first: heads.append(f.readline())
                for k in range(20):
                    f.write(b"%d %d\n" % (i, k))
                    f.flush()
                    assert f.readline() == b"%d %d\n" % (i, k)
        except Exception as e:
            bad.append(repr(e))
    ts = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for t in ts: t.start()
    for t in ts: t.join()
    assert not bad, bad
    return heads
def udp_threads():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    for i in range(20):
        s.sendto(b"%d" % i, (host, 9004))
        data, addr = s.recvfrom(100)
        assert (data, addr) == (b"%d" % i, (host, 9004)), (data, addr)
def selects():
    # poll, select and epoll on one connection agree
    s = socket.create_connection((host, 9000))
    ep, po = select.epoll(), select.poll()
    ep.register(s, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
    po.register(s, select.POLLIN | select.POLLOUT)
    assert ep.poll(2) == [(s.fileno(), select.EPOLLOUT)]
    assert po.poll(0) == [(s.fileno(), select.POLLOUT)]
    assert select.select([s], [s], [], 0) == ([], [s], [])
    s.sendall(b"x")
    assert select.select([s], [], [], 5)[0] == [s]
    assert po.poll(0) == [(s.fileno(), select.POLLIN | select.POLLOUT)]
    s.shutdown(socket.SHUT_WR)
    assert s.recv(10) == b"x" and s.recv(10) == b""
    assert po.poll(0)[0][1] & select.POLLHUP
if what in ("many", "udp", "refused", "cancelled"): asyncio.run(globals()[what]())
elif what == "threading": lines(9002)
elif what == "forking": lines(9003)
elif what == "passed": assert len(set(lines(9005, 20, True))) == 2
elif what == "inherited": assert set(lines(9006, 20, True))
else: globals()[what]()
PY
all() {
	local w
	bg py "${SRV[@]}" $PY "$T/server.py"
	wait_for 10 has_line "$T/py.out" ready || not_ok "$WHO: the servers start" "$T/py.err"
	for w in many udp refused cancelled threading forking udp_threads passed inherited selects; do
		check "$WHO: $w" timeout 20 "${CLI[@]}" $PY "$T/client.py" "$ADDR" "$w" || diag "$(tail -n5 "$T/py.err")"
	done
	kill -TERM "${BG[py]}"
	bg_wait py 5
	check "$WHO: asyncio's server ends on SIGTERM" test $? = 0
}
both all
