"""groups.py - memberships on the wire

usage: groups.py watch DEVICE          a line for each report: "igmp GROUP", "mld GROUP"
       groups.py join GROUP4 GROUP6    prints "joined", stays until its input ends
       groups.py ask4 GROUP TENTHS     IGMPv2's query, to be answered within so long
       groups.py ask6 GROUP MS DEVICE  MLDv1's
"""
import socket
import struct
import sys

ALERT4 = bytes([148, 4, 0, 0])
ALERT6 = bytes([0, 0, 5, 2, 0, 0, 1, 0])


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def watch(device):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    s.bind((device, 3))
    print("watching", flush=True)
    while True:
        p, where = s.recvfrom(2000)
        if where[2] == socket.PACKET_OUTGOING:
            continue
        if p[0] >> 4 == 4 and p[9] == socket.IPPROTO_IGMP:
            igmp = p[(p[0] & 15) * 4:]
            if igmp[0] == 0x16:
                print("igmp", socket.inet_ntoa(igmp[4:8]), flush=True)
        elif p[0] >> 4 == 6 and p[6] == 0 and p[40] == socket.IPPROTO_ICMPV6 and p[48] == 131:
            print("mld", socket.inet_ntop(socket.AF_INET6, p[56:72]), flush=True)


def join(group4, group6):
    a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    a.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                 socket.inet_aton(group4) + socket.inet_aton("10.0.0.70"))
    b = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    b.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                 socket.inet_pton(socket.AF_INET6, group6) + struct.pack("@I", 0))
    print("joined", flush=True)
    sys.stdin.read()


def ask4(group, tenths):
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, ALERT4)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.0.0.1"))
    query = struct.pack("!BBH4s", 0x11, int(tenths), 0, socket.inet_aton(group))
    query = query[:2] + struct.pack("!H", checksum(query)) + query[4:]
    s.sendto(query, (group, 0))


def ask6(group, ms, device):
    s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, bytes([58]) + ALERT6[1:])
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
    query = struct.pack("!BBHHH16s", 130, 0, 0, int(ms), 0,
                        socket.inet_pton(socket.AF_INET6, group))
    s.sendto(query, (group, 0, 0, socket.if_nametoindex(device)))


{"watch": watch, "join": join, "ask4": ask4, "ask6": ask6}[sys.argv[1]](*sys.argv[2:])
