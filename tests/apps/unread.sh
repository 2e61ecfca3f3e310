#!/bin/bash
# unread.sh - what the peer sent before a reset stays readable; what was written before a close with
# unread data goes out (as Linux does both)
# deadline: 30
. "$(dirname "$0")/../lib.sh"
t_begin
kernel_peer tap
cat >"$T/peer.py" <<'PY'
# sends 400 KB, waits until they are acknowledged, resets
import fcntl, socket, struct, termios, time
l = socket.create_server(("10.0.0.1", 7000))
c, _ = l.accept()
c.sendall(bytes(range(250)) * 1600)
end = time.monotonic() + 10
while struct.unpack("i", fcntl.ioctl(c, termios.TIOCOUTQ, b"0000"))[0] and time.monotonic() < end:
    time.sleep(0.01)
c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
c.close()
print("reset", flush=True)
# the second connection: all that was written, in spite of the reset behind it
c, _ = l.accept()
c.sendall(b"unread")
n = 0
try:
    while d := c.recv(65536):
        n += len(d)
except ConnectionResetError:
    print("got", n, flush=True)
PY
cat >"$T/app.py" <<'PY'
import os, select, socket, sys, time
s = socket.socket()
if "USTACK" not in os.environ:  # 128 KB unless the reader keeps up
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
s.settimeout(10)
s.connect(("10.0.0.1", 7000))
end = time.monotonic() + 10
while b"reset" not in open(sys.argv[1], "rb").read():
    assert time.monotonic() < end
    time.sleep(0.01)
# writing ends before the data are read
try:
    while time.monotonic() < end:
        s.send(b"x" * 1000)
    raise AssertionError("writes go on")
except (ConnectionResetError, BrokenPipeError):
    pass
got = b""
try:
    while d := s.recv(65536):
        got += d
except ConnectionResetError:
    pass
assert got == bytes(range(250)) * 1600, len(got)
s.close()
s = socket.create_connection(("10.0.0.1", 7000), 10)
select.select([s], [], [], 10)
# within the first window (RFC 6928)
s.sendall(b"y" * 10000)
s.close()
PY
bg peer "${KN[@]}" $PY "$T/peer.py"
wait_for 10 k_listening 7000
check "400 KB are readable after a reset, writing fails" timeout 20 "${US[@]}" $PY "$T/app.py" "$T/peer.out"
check "10 KB written before a close with unread data arrive" wait_for 10 has_line "$T/peer.out" "got 10000"
