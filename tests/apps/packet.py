# packet.py - what packet(7) tells, tried on an interface with an IPv4 peer
#
# usage: packet.py INTERFACE PEER
# Prints a line a case; the exit status is 1 if one fails.  It passes on the
# kernel's stack (USTACK_TWIN=kernel).
import errno
import fcntl
import socket
import struct
import sys
import time

IF, PEER = sys.argv[1:3]
ETH_P_ALL, ETH_P_IP, ETH_P_ARP = 3, 0x0800, 0x0806
SOL_PACKET = 263
ADD_MEMBERSHIP, DROP_MEMBERSHIP, STATISTICS, AUXDATA, VERSION = 1, 2, 6, 8, 10
HDRLEN, RESERVE, TX_RING = 11, 12, 13
SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_LOCK_FILTER = 26, 27, 44
failed = 0
lo = socket.if_nametoindex("lo")
index = socket.if_nametoindex(IF)


def case(name, good, *why):
    global failed
    failed += not good
    print("ok" if good else "not ok", "-", name, *(() if good else why))


def fails(name, err, call, *args):
    try:
        r = call(*args)
        case(name, False, "gave", r)
    except OSError as e:
        case(name, e.errno == err, "gave", errno.errorcode[e.errno])


def packet(type=socket.SOCK_RAW, proto=ETH_P_ALL, bound=True):
    s = socket.socket(socket.AF_PACKET, type, socket.htons(proto))
    if bound:
        s.bind((IF, proto))
    s.settimeout(3)
    return s


def until(s, want):
    end = time.monotonic() + 3
    while time.monotonic() < end:
        try:
            data, addr = s.recvfrom(65535)
        except socket.timeout:
            break
        if want(data, addr):
            return data, addr
    return None, (None,) * 5


def filt(*insns):
    buf = b"".join(struct.pack("HBBI", *i) for i in insns)
    filt.keep = __import__("ctypes").create_string_buffer(buf)
    addr = __import__("ctypes").addressof(filt.keep)
    return struct.pack("HxxxxxxP", len(insns), addr)


udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def stir(data=b"stir"):
    udp.sendto(data, (PEER, 9))


# --- names
s = packet(bound=False)
case("unbound: no interface, the protocol", s.getsockname()[:4] == ("", ETH_P_ALL, 0, 0), s.getsockname())
s.bind((IF, 0))
n = s.getsockname()
mac = n[4]
case("bound: interface, type, address", n[0] == IF and n[1] == ETH_P_ALL and n[3] == 1 and len(mac) == 6, n)
fails("bind: no such interface", errno.ENODEV, lambda: s.bind(("nosuch0", 0)))
fails("getpeername", errno.EOPNOTSUPP, s.getpeername)
fails("shutdown", errno.EOPNOTSUPP, s.shutdown, socket.SHUT_RD)
fails("listen", errno.EOPNOTSUPP, s.listen)
fails("no SOCK_STREAM", errno.ESOCKTNOSUPPORT, socket.socket, socket.AF_PACKET, socket.SOCK_STREAM, 0)
case("SO_TYPE", s.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_RAW)
case("SO_DOMAIN", s.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN) == socket.AF_PACKET)
s.close()

# --- outgoing and incoming frames
stir()    # the peer's link-layer address is known from here on
time.sleep(0.3)
s = packet()
cooked = packet(socket.SOCK_DGRAM)
only_ip = packet(proto=ETH_P_IP)
mine = packet(proto=0, bound=False)
stir(b"outgoing frame")
data, addr = until(s, lambda d, a: b"outgoing frame" in d)
case("outgoing: PACKET_OUTGOING, whole frame", data and addr[2] == 4 and data[6:12] == mac and
     data[12:14] == b"\x08\x00", data, addr)
case("outgoing: address and type", addr[:2] == (IF, ETH_P_IP) and addr[3:] == (1, mac), addr)
data, addr = until(cooked, lambda d, a: b"outgoing frame" in d)
case("cooked: begins with the IP header", data and data[0] == 0x45, data)
peer_mac = None
data, addr = until(only_ip, lambda d, a: True)   # the port unreachable
case("one protocol: incoming only", data and addr[2] == 0 and addr[1] == ETH_P_IP and data[0:6] == mac, data, addr)
peer_mac = addr[4]
mine.setblocking(False)
fails("protocol 0: nothing comes", errno.EAGAIN, mine.recv, 100)
only_ip.close()

# --- sending
fails("send: unbound", errno.ENXIO, mine.send, b"x" * 60)
fails("sendto: a short frame", errno.EINVAL, lambda: (s.send(b"short"), time.sleep(0.2), until(s, lambda d, a: False)))
request = struct.pack("!HHBBH6s4s6s4s", 1, ETH_P_IP, 6, 4, 1, mac, bytes(4), bytes(6), socket.inet_aton(PEER))
arp = packet(proto=ETH_P_ARP)
arp.send(b"\xff" * 6 + mac + b"\x08\x06" + request)
data, addr = until(arp, lambda d, a: d[20:22] == b"\x00\x02")
case("RAW: the peer answers our ARP request", data and data[22:28] == peer_mac, data, addr)
arp.close()
arp = packet(socket.SOCK_DGRAM, ETH_P_ARP)
arp.sendto(request, (IF, ETH_P_ARP, 0, 0, b"\xff" * 6))
data, addr = until(arp, lambda d, a: d[6:8] == b"\x00\x02")
case("DGRAM: the same, with a header made for us", data and data[8:14] == peer_mac, data, addr)
arp.close()
other = packet()
s.send(b"\xff" * 6 + mac + b"\x90\x00" + b"seen by others only".ljust(50))
data, addr = until(other, lambda d, a: b"seen by others only" in d)
case("a frame sent is seen by other sockets", data and addr[2] == 4 and addr[1] == 0x9000, data, addr)
s.settimeout(0.3)
data, addr = until(s, lambda d, a: b"seen by others only" in d)
case("but not by its sender", data is None, data, addr)
s.settimeout(3)
other.close()

# --- filters
s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, filt((6, 0, 0, 0)))
while True:    # what came before
    s.settimeout(0.3)
    try:
        s.recv(65535)
    except socket.timeout:
        break
stir()
s.setblocking(False)
fails("filter: ret 0 lets nothing through", errno.EAGAIN, s.recv, 65535, socket.MSG_DONTWAIT)
# outgoing (SKF_AD_PKTTYPE) only, 40 bytes of it
s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, filt(
    (0x28, 0, 0, 0xfffff004), (0x15, 0, 1, 4), (6, 0, 0, 40), (6, 0, 0, 0)))
s.setsockopt(SOL_PACKET, AUXDATA, 1)
stir(b"cut off")
s.settimeout(3)
data, anc, flags, addr = s.recvmsg(65535, 200)
case("filter: cuts to what it returns", len(data) == 40 and addr[2] == 4, data, addr)
case("PACKET_AUXDATA: the whole length", anc and anc[0][:2] == (SOL_PACKET, AUXDATA) and
     struct.unpack("IIIHHHH", anc[0][2])[1:5] == (14 + 28 + 7, 40, 0, 14), anc)
fails("filter: a bad program", errno.EINVAL, s.setsockopt, socket.SOL_SOCKET, SO_ATTACH_FILTER, filt((0, 0, 0, 1)))
s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, filt(*([(0, 0, 0, 1)] * 4095 + [(6, 0, 0, 0xffff)])))
case("filter: of 4,096 instructions", True)
s.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
fails("detach: none there", errno.ENOENT, s.setsockopt, socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, filt((6, 0, 0, 0xffff)))
s.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 1)
fails("locked: no detaching", errno.EPERM, s.setsockopt, socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
fails("locked: no unlocking", errno.EPERM, s.setsockopt, socket.SOL_SOCKET, SO_LOCK_FILTER, 0)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("127.0.0.1", 0))
u.settimeout(3)
# of UDP's data (behind its header) the first four bytes, if they begin with 'y'
u.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, filt(
    (0x30, 0, 0, 8), (0x15, 0, 1, ord("y")), (6, 0, 0, 12), (6, 0, 0, 0)))
udp.sendto(b"no", u.getsockname())
udp.sendto(b"yes indeed", u.getsockname())
case("a filter on UDP", u.recv(100) == b"yes ")

# --- lo
l = packet(bound=False)
l.bind(("lo", ETH_P_ALL))
udp.sendto(b"over lo", ("127.0.0.1", 9))
data, addr = until(l, lambda d, a: b"over lo" in d)
case("lo: outgoing, zero addresses", data and data[:14] == bytes(12) + b"\x08\x00" and addr[2:4] == (4, 772), data, addr)
data, addr = until(l, lambda d, a: b"over lo" in d and a[2] != 4)
case("lo: and incoming", data and addr[2] == 0, data, addr)

# --- options
st = struct.unpack("II", cooked.getsockopt(SOL_PACKET, STATISTICS, 8))
case("PACKET_STATISTICS counts", st[0] > 0 and st[1] == 0, st)
st = struct.unpack("II", cooked.getsockopt(SOL_PACKET, STATISTICS, 8))
case("and starts anew", st[0] <= 2, st)
mreq = struct.pack("iHH8s", index, 1, 0, bytes(8))
s.setsockopt(SOL_PACKET, ADD_MEMBERSHIP, mreq)
s.setsockopt(SOL_PACKET, DROP_MEMBERSHIP, mreq)
s.setsockopt(SOL_PACKET, DROP_MEMBERSHIP, mreq)
case("PACKET_DROP_MEMBERSHIP: not a member is fine", True)
fails("PACKET_ADD_MEMBERSHIP: no such interface", errno.ENODEV, s.setsockopt, SOL_PACKET, ADD_MEMBERSHIP,
      struct.pack("iHH8s", 200, 1, 0, bytes(8)))
s.setsockopt(SOL_PACKET, VERSION, 1)
case("PACKET_VERSION", s.getsockopt(SOL_PACKET, VERSION) == 1)
case("TIOCINQ", struct.unpack("i", fcntl.ioctl(l, 0x541b, b"\0" * 4))[0] >= 0)
s.close()
sys.exit(failed > 0)
