#!/usr/bin/python3
"""dhcp-server.py - a DHCP server that does as it is told: tests/netns/dhcp-times.sh

usage: dhcp-server.py INTERFACE ORDERS

ORDERS is a file, read at each message: words NAME=VALUE.
  address=A   the address to offer        server=A  who we say we are
  lease=N t1=N t2=N                       seconds
  do=ack|nak|mute                         the answer to a REQUEST
A line a message goes to stdout: its type, ciaddr, the requested address, whom it
was sent to.
"""
import socket
import struct
import sys

TYPES = {1: "DISCOVER", 3: "REQUEST", 4: "DECLINE", 7: "RELEASE"}
COOKIE = bytes((99, 130, 83, 99))
IP_PKTINFO = 8


def options_of(msg):
    found, at = {}, 240
    while at < len(msg) and msg[at] != 255:
        if msg[at] == 0:
            at += 1
            continue
        found[msg[at]] = msg[at + 2:at + 2 + msg[at + 1]]
        at += 2 + msg[at + 1]
    return found


def option(code, value):
    return bytes((code, len(value))) + value


def answer(msg, kind, o):
    ip = socket.inet_aton(o["address"] if kind != 6 else "0.0.0.0")
    server = socket.inet_aton(o.get("server", "10.9.0.1"))
    out = struct.pack("!BBBB4sHH4s4s4s4s", 2, 1, 6, 0, msg[4:8], 0, 0, bytes(4), ip, server, bytes(4))
    out += msg[28:44] + bytes(192) + COOKIE
    out += option(53, bytes((kind,))) + option(54, server)
    if kind != 6:
        out += option(51, struct.pack("!I", int(o["lease"]))) + option(1, bytes((255, 255, 255, 0)))
        out += option(58, struct.pack("!I", int(o["t1"]))) + option(59, struct.pack("!I", int(o["t2"])))
        out += option(3, server)
    return out + b"\xff"


def main():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode())
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    s.bind(("", 67))
    print("ready", flush=True)
    while True:
        msg, anc, _, _ = s.recvmsg(2048, 256)
        to = socket.inet_ntoa(anc[0][2][8:12])
        opts = options_of(msg)
        kind = opts.get(53, b"\0")[0]
        asked = socket.inet_ntoa(opts[50]) if 50 in opts else "-"
        print(TYPES.get(kind, kind), socket.inet_ntoa(msg[12:16]), asked, to, flush=True)
        with open(sys.argv[2], encoding="ascii") as f:
            o = dict(w.split("=") for w in f.read().split())
        if o["do"] == "mute" or kind not in (1, 3):
            continue
        if kind == 3 and 54 in opts and opts[54] != socket.inet_aton(o.get("server", "10.9.0.1")):
            continue
        reply = answer(msg, 2 if kind == 1 else 6 if o["do"] == "nak" else 5, o)
        s.sendto(reply, ("255.255.255.255", 68))


main()
