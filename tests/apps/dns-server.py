#!/usr/bin/python3
"""dns-server.py - a small name server for the tests: every kind of answer, on demand

usage: dns-server.py ADDRESS... ; prints "ready" when it listens, UDP and TCP.
Names ending in .test have the records below; how it answers others:
  servfail*, refused*, notimp*, formerr*   that rcode
  drop*                                    nothing at all
  trunc*                                   TC over UDP, all records over TCP
  all else                                 NXDOMAIN
"""
import selectors
import socket
import struct
import sys

A, NS, CNAME, PTR, MX, TXT, AAAA = 1, 2, 5, 12, 15, 16, 28
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 0, 1, 2, 3, 4, 5


def v4(*l):
    return [(A, a) for a in l]


def v6(*l):
    return [(AAAA, a) for a in l]


ZONE = {
    "four.test": v4("10.0.0.1"),
    "six.test": v6("fc00::1:1"),
    "both.test": v4("10.0.0.1") + v6("fc00::1:1"),
    "many.test": v4("192.0.2.1", "10.0.0.9", "10.0.0.71", "127.0.0.1", "169.254.1.1"),
    "order.test": v4("10.0.0.1", "198.51.100.7") + v6(
        "2001:db8::1", "2002:a00::1", "fc00::1:1", "fc00::1:71", "fe80::1", "::1", "2001::1"),
    "alias.test": [(CNAME, "alias2.test")],
    "alias2.test": [(CNAME, "both.test")],
    "alias6.test": [(CNAME, "six.test")],
    "aliasmx.test": [(CNAME, "mail.test")],
    "loop.test": [(CNAME, "loop2.test")],
    "loop2.test": [(CNAME, "loop.test")],
    "dangling.test": [(CNAME, "nowhere.test")],
    "nodata.test": [(TXT, "only text")],
    "mail.test": [(MX, "both.test"), (TXT, "v=none")],
    "trunc.test": v4(*["10.1.%d.%d" % (i // 200, i % 200 + 1) for i in range(60)]),
    "one.lab.test": v4("10.0.0.11"),
    "two.dev.test": v4("10.0.0.12") + v6("fc00::12"),
    "both.lab.test": [(TXT, "a name in the first domain, without addresses")],
    "sub.name.lab.test": v4("10.0.0.13"),
    "under_score.test": v4("10.0.0.14"),
    "1.0.0.10.in-addr.arpa": [(PTR, "both.test")],
    "2.0.0.10.in-addr.arpa": [(PTR, "one.lab.test"), (PTR, "second.lab.test")],
    "3.0.0.10.in-addr.arpa": [(PTR, "evil;name.test")],
    "4.0.0.10.in-addr.arpa": [(CNAME, "4.delegated.test")],
    "4.delegated.test": [(PTR, "four.lab.test")],
    "7.0.0.10.in-addr.arpa": [(TXT, "no name")],
    ("1.0.0.0.1.0.0.0." + "0." * 20 + "0.0.c.f.ip6.arpa"): [(PTR, "six.test")],
}
RCODES = {"servfail": SERVFAIL, "refused": REFUSED, "notimp": NOTIMP, "formerr": FORMERR}
RCODES_REVERSE = {"5.0.0.10.in-addr.arpa": SERVFAIL}


def wire_name(name):
    out = b""
    for label in name.split(".") if name else []:
        out += bytes([len(label)]) + label.encode()
    return out + b"\0"


def rdata(kind, val):
    if kind == A:
        return socket.inet_aton(val)
    if kind == AAAA:
        return socket.inet_pton(socket.AF_INET6, val)
    if kind == TXT:
        return bytes([len(val)]) + val.encode()
    if kind == MX:
        return struct.pack(">H", 10) + wire_name(val)
    return wire_name(val)


def question(msg):
    labels, at = [], 12
    while msg[at]:
        labels.append(msg[at + 1:at + 1 + msg[at]].decode("latin-1"))
        at += 1 + msg[at]
    kind, = struct.unpack(">H", msg[at + 1:at + 3])
    return ".".join(labels), kind, msg[12:at + 5]


def records(name, kind):
    found, seen = [], set()
    while name in ZONE and name not in seen:
        seen.add(name)
        cname = [v for k, v in ZONE[name] if k == CNAME]
        if cname:
            found.append((name, CNAME, cname[0]))
            name = cname[0]
            continue
        return found + [(name, k, v) for k, v in ZONE[name] if k == kind], NOERROR
    return found, NOERROR if name in seen else NXDOMAIN


def answer(msg, tcp):
    if len(msg) < 17:
        return None
    name, kind, quest = question(msg)
    low = name.lower()
    if low.startswith("drop"):
        return None
    word = [w for w in RCODES if low.startswith(w)]
    rcode = RCODES[word[0]] if word else RCODES_REVERSE.get(low)
    found = []
    if rcode is None:
        found, rcode = records(low, kind)
    flags = 0x8580 | rcode
    if low.startswith("trunc") and not tcp:
        found, flags = [], flags | 0x0200
    out = msg[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0) + quest
    for n, k, v in found:
        d = rdata(k, v)
        out += wire_name(n) + struct.pack(">HHIH", k, 1, 60, len(d)) + d
    return out


def on_udp(s):
    msg, peer = s.recvfrom(4096)
    out = answer(msg, False)
    if out:
        s.sendto(out, peer)


def on_tcp(s):
    c, _ = s.accept()
    with c:
        c.settimeout(5)
        f = c.makefile("rb")
        while True:
            head = f.read(2)
            if len(head) < 2:
                return
            out = answer(f.read(struct.unpack(">H", head)[0]), True)
            if out:
                c.sendall(struct.pack(">H", len(out)) + out)


def main():
    sel = selectors.DefaultSelector()
    for addr in sys.argv[1:]:
        family = socket.AF_INET6 if ":" in addr else socket.AF_INET
        for kind, handler in ((socket.SOCK_DGRAM, on_udp), (socket.SOCK_STREAM, on_tcp)):
            s = socket.socket(family, kind)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((addr, 53))
            if kind == socket.SOCK_STREAM:
                s.listen(16)
            sel.register(s, selectors.EVENT_READ, handler)
    print("ready", flush=True)
    while True:
        for key, _ in sel.select():
            try:
                key.data(key.fileobj)
            except (OSError, IndexError, struct.error):
                pass


main()
