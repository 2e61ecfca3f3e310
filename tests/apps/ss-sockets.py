"""Sockets in every state that ss.sh looks at, on 10.0.0.70; all ports are fixed."""
import socket
import sys
import time
S = socket
kept = []


def keep(s):
    kept.append(s)
    return s


def bound(family, kind, addr, proto=0, opts=()):
    s = keep(S.socket(family, kind, proto))
    for level, name, value in opts:
        s.setsockopt(level, name, value)
    s.bind(addr)
    return s


def to_peer(sport, dport, family=S.AF_INET, opts=()):
    here, there = ("fc00::1:70", "fc00::1:1") if family == S.AF_INET6 else ("10.0.0.70", "10.0.0.1")
    s = bound(family, S.SOCK_STREAM, (here, sport), opts=opts)
    s.connect((there, dport))
    return s


# UDP
bound(S.AF_INET, S.SOCK_DGRAM, ("10.0.0.70", 5001))
bound(S.AF_INET, S.SOCK_DGRAM, ("0.0.0.0", 5002))
bound(S.AF_INET6, S.SOCK_DGRAM, ("::", 5003))
bound(S.AF_INET6, S.SOCK_DGRAM, ("::", 5004), opts=[(S.IPPROTO_IPV6, S.IPV6_V6ONLY, 1)])
bound(S.AF_INET, S.SOCK_DGRAM, ("10.0.0.70", 5005)).connect(("10.0.0.1", 53))
bound(S.AF_INET6, S.SOCK_DGRAM, ("fc00::1:70", 5006)).connect(("fc00::1:1", 53))
bound(S.AF_INET6, S.SOCK_DGRAM, ("::", 5007)).connect(("::ffff:10.0.0.1", 53))
bound(S.AF_INET, S.SOCK_DGRAM, ("127.0.0.1", 5008), opts=[(S.SOL_SOCKET, S.SO_BINDTODEVICE, b"lo")])
keep(S.socket(S.AF_INET, S.SOCK_DGRAM))			# no port: not shown
# raw
keep(S.socket(S.AF_INET, S.SOCK_RAW, S.IPPROTO_ICMP))
keep(S.socket(S.AF_INET, S.SOCK_RAW, 89))
keep(S.socket(S.AF_INET6, S.SOCK_RAW, S.IPPROTO_ICMPV6))
# TCP: neither listens nor is connected: not shown
bound(S.AF_INET, S.SOCK_STREAM, ("10.0.0.70", 6000))
# listeners
any4 = bound(S.AF_INET, S.SOCK_STREAM, ("0.0.0.0", 6001))
any4.listen(7)
one4 = bound(S.AF_INET, S.SOCK_STREAM, ("10.0.0.70", 6002))
one4.listen(1)
dual = bound(S.AF_INET6, S.SOCK_STREAM, ("::", 6003))
dual.listen(100)
only6 = bound(S.AF_INET6, S.SOCK_STREAM, ("::", 6004), opts=[(S.IPPROTO_IPV6, S.IPV6_V6ONLY, 1)])
only6.listen(3)
# connections to ourselves: one accepted and unread, one not accepted
a = bound(S.AF_INET, S.SOCK_STREAM, ("10.0.0.70", 6011))
a.connect(("10.0.0.70", 6001))
b, _ = any4.accept()
keep(b)
a.send(b"12345")
bound(S.AF_INET, S.SOCK_STREAM, ("10.0.0.70", 6012)).connect(("10.0.0.70", 6003))
# to the peer: established, of all families; CLOSE-WAIT, FIN-WAIT-2, TIME-WAIT
to_peer(6021, 7001).send(b"hello")
to_peer(6022, 7001, S.AF_INET6)
m = bound(S.AF_INET6, S.SOCK_STREAM, ("::", 6023))
m.connect(("::ffff:10.0.0.1", 7001))
to_peer(6024, 7001, opts=[(S.SOL_SOCKET, S.SO_KEEPALIVE, 1)])
w = to_peer(6025, 7002)
assert w.recv(1) == b""
to_peer(6026, 7001).shutdown(S.SHUT_WR)
t = to_peer(6027, 7003)
t.shutdown(S.SHUT_WR)
assert t.recv(1) == b""
kept.remove(t)
t.close()
keep(S.create_connection(("10.0.0.1", 7001)))		# the one port that is not ours to say
# nobody is there: SYN-SENT
n = bound(S.AF_INET, S.SOCK_STREAM, ("10.0.0.70", 6031))
n.setblocking(False)
n.connect_ex(("10.0.0.99", 80))
print("ready", flush=True)
for line in sys.stdin:			# "PORT": what does the socket of that port say?
    for s in kept:
        if s.fileno() >= 0 and s.family in (S.AF_INET, S.AF_INET6) and s.getsockname()[1] == int(line):
            s.settimeout(5)
            try:
                print("got", s.recv(100), flush=True)
            except OSError as e:
                print("error", e.errno, flush=True)
            break
    else:
        print("none", flush=True)
while True:
    time.sleep(1)
