#!/bin/bash
# urgent.sh - urgent data of programs: ftplib's abort, telnet's synch, socat's oobinline
# deadline: 60
. "$(dirname "$0")/../lib.sh"
need telnet socat
t_begin
kernel_peer tap
cat >"$T/ftpd.py" <<'PY'
# a control connection that transfers until it is told ABOR with urgent data
import fcntl, signal, socket, struct, sys
urgent = []
signal.signal(signal.SIGURG, lambda *_: urgent.append(True))
l = socket.create_server(("", 7000))
l.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
c, _ = l.accept()
fcntl.fcntl(c, fcntl.F_SETOWN, __import__("os").getpid())
f = c.makefile("rwb", 0)
f.write(b"220 ready\r\n")
line = f.readline()
f.write(b"225 aborted, " + (b"urgent" if urgent else b"not urgent") + b": " + line)
c.recv(1)
PY
cat >"$T/abort.py" <<'PY'
import ftplib, sys
ftp = ftplib.FTP()
ftp.connect(sys.argv[1], 7000, timeout=10)
print(ftp.abort())
PY
cat >"$T/telnetd.py" <<'PY'
# telnet's synch (RFC 854): all up to the mark is thrown away; BSD's makes the IAC urgent
import array, fcntl, select, socket, termios
c, _ = socket.create_server(("", 7001)).accept()
p = select.poll()
p.register(c, select.POLLPRI)
if p.poll(10000):
    thrown = b""
    mark = array.array("i", [0])
    while not fcntl.ioctl(c, 0x8905, mark) and not mark[0]:
        thrown += c.recv(100)
    print(thrown, "urgent", c.recv(1, socket.MSG_OOB).hex(), "then", c.recv(1).hex(), flush=True)
c.sendall(b"bye\n")
PY
cat >"$T/telnet.py" <<'PY'
# types into a telnet
import os, pty, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execvp("telnet", ["telnet", sys.argv[1], "7001"])
def until(word, s):
    seen, end = b"", time.monotonic() + s
    while word not in seen and time.monotonic() < end and select.select([fd], [], [], s)[0]:
        try:
            seen += os.read(fd, 1000)
        except OSError:
            break
    return word in seen
ok = until(b"Escape character", 10)
os.write(fd, b"lost\n")
while ok and not until(b"telnet> ", 1):	# the terminal's mode may change after the first
    os.write(fd, b"\x1d")
os.write(fd, b"send synch\n")
sys.exit(0 if ok and until(b"bye", 10) else 1)
PY
abort() {
	bg srv "${SRV[@]}" $PY "$T/ftpd.py"
	up 7000 || not_ok "$WHO: listens" "$T/srv.err"
	timeout 20 "${CLI[@]}" $PY "$T/abort.py" "$ADDR" >"$T/got" 2>&1
	printf '225 aborted, urgent: ABOR\n' >"$T/want"
	same "$WHO: ftplib's abort" "$T/want" "$T/got"
	bg_kill srv
}
synch() {
	bg srv "${SRV[@]}" $PY "$T/telnetd.py"
	up 7001 || not_ok "$WHO: listens" "$T/srv.err"
	check "$WHO: telnet goes on after a synch" timeout 30 "${CLI[@]}" env TERM=dumb $PY "$T/telnet.py" "$ADDR"
	bg_wait srv 10
	echo "b'lost\\r\\n' urgent ff then f2" >"$T/want"
	same "$WHO: telnet's synch: an urgent IAC at the mark, then DM" "$T/want" "$T/srv.out"
}
inline() {
	bg srv "${SRV[@]}" socat -u tcp-listen:7002,reuseaddr,oobinline "create:$T/got"
	up 7002 || not_ok "$WHO: listens" "$T/srv.err"
	timeout 20 "${CLI[@]}" $PY -c '
import socket, sys
s = socket.create_connection((sys.argv[1], 7002))
s.sendall(b"before ")
s.send(b"urgent", socket.MSG_OOB)
s.sendall(b" behind\n")' "$ADDR"
	bg_wait srv 10
	echo "before urgent behind" >"$T/want"
	same "$WHO: socat's oobinline" "$T/want" "$T/got"
	rm -f "$T/got"
}
both abort
both synch
both inline
