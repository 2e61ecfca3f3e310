#!/usr/bin/python3
"""dhcp6-server.py - a DHCPv6 server that does as it is told: tests/netns/dhcp6.sh

usage: dhcp6-server.py INTERFACE ORDERS

ORDERS is a file, read at each message: words NAME=VALUE.
  address=A preferred=N valid=N t1=N t2=N    what to give
  do=give|mute|STATUS                        STATUS: a number, for the association
A line a message goes to stdout: its type, and the address in it.
"""
import socket
import struct
import sys

TYPES = {1: "SOLICIT", 3: "REQUEST", 4: "CONFIRM", 5: "RENEW", 6: "REBIND", 8: "RELEASE",
         9: "DECLINE", 11: "INFORM"}
SERVER_ID = bytes.fromhex("00030001020000000099")
ALL_SERVERS = "ff02::1:2"


def options_of(data):
    found = {}
    while len(data) >= 4:
        code, length = struct.unpack("!HH", data[:4])
        found[code] = data[4:4 + length]
        data = data[4 + length:]
    return found


def option(code, value):
    return struct.pack("!HH", code, len(value)) + value


def answer(msg, kind, opts, o):
    out = bytes((2 if kind == 1 else 7,)) + msg[1:4] + option(1, opts[1]) + option(2, SERVER_ID)
    inner = b""
    if o["do"] != "give":
        inner = option(13, struct.pack("!H", int(o["do"])))
    else:
        addr = socket.inet_pton(socket.AF_INET6, o["address"])
        inner = option(5, addr + struct.pack("!II", int(o["preferred"]), int(o["valid"])))
    if kind == 4:
        out += option(13, struct.pack("!H", 0 if o["do"] == "give" else 4))
    elif 3 in opts:
        out += option(3, opts[3][:4] + struct.pack("!II", int(o["t1"]), int(o["t2"])) + inner)
    out += option(23, socket.inet_pton(socket.AF_INET6, "2001:db8:1::53"))
    return out + option(24, b"\3six\7example\0")


def main():
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    index = socket.if_nametoindex(sys.argv[1])
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode())
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                 socket.inet_pton(socket.AF_INET6, ALL_SERVERS) + struct.pack("@I", index))
    s.bind(("::", 547))
    print("ready", flush=True)
    while True:
        msg, peer = s.recvfrom(2048)
        opts, kind = options_of(msg[4:]), msg[0]
        asked = options_of(opts.get(3, bytes(12))[12:]).get(5)
        print(TYPES.get(kind, kind), socket.inet_ntop(socket.AF_INET6, asked[:16]) if asked else "-",
              flush=True)
        with open(sys.argv[2], encoding="ascii") as f:
            o = dict(w.split("=") for w in f.read().split())
        if o["do"] == "mute" or kind in (8, 9) or opts.get(2, SERVER_ID) != SERVER_ID:
            continue
        s.sendto(answer(msg, kind, opts, o), peer)


main()
