# raw.py - what raw(7), icmp(7) and the error queue of ip(7) tell
#
# usage: raw.py INTERFACE OWN PEER OWN6 PEER6
# Prints a line a case; the exit status is 1 if one fails.  It passes on the
# kernel's stack (USTACK_TWIN=kernel).  A send that fails may tell so at once or
# at the next receive.
import errno
import select
import socket
import struct
import sys
import time

IF, OWN, PEER, OWN6, PEER6 = sys.argv[1:6]
SOL_RAW, ICMP_FILTER, ICMP6_FILTER, IPV6_CHECKSUM, IPV6_HDRINCL = 255, 1, 1, 7, 36
IP_RECVERR, IPV6_RECVERR, IP_MTU_DISCOVER, MSG_ERRQUEUE = 11, 25, 10, 0x2000
failed = 0


def case(name, good, *why):
    global failed
    failed += not good
    print("ok" if good else "not ok", "-", name, *(() if good else why))


def fails(name, err, call):
    try:
        r = call()
        case(name, False, "gave", r)
    except socket.timeout:
        case(name, False, "timed out")
    except OSError as e:
        case(name, e.errno == err, "gave", errno.errorcode[e.errno])


def raw(proto, family=socket.AF_INET):
    s = socket.socket(family, socket.SOCK_RAW, proto)
    s.settimeout(3)
    return s


def until(s, want):
    end = time.monotonic() + 3
    while time.monotonic() < end:
        try:
            data, addr = s.recvfrom(65535)
        except socket.timeout:
            break
        if want(data):
            return data, addr
    return None, None


def csum(b):
    if len(b) % 2:
        b += b"\0"
    n = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return n ^ 0xffff


def echo(kind, ident, seq):
    b = struct.pack("!BBHHH", kind, 0, 0, ident, seq) + b"payload of an echo"
    return b[:2] + struct.pack("!H", csum(b)) + b[4:] if kind == 8 else b


# --- ICMP
s = raw(socket.IPPROTO_ICMP)
case("getsockname: the protocol as port", s.getsockname() == ("0.0.0.0", 1), s.getsockname())
s.sendto(echo(8, 77, 1), (PEER, 0))
data, addr = until(s, lambda d: d[20] == 0 and d[24:26] == b"\0\x4d")
case("ICMP: the reply, with its IP header", data and data[0] == 0x45 and data[9] == 1 and
     addr == (PEER, 0) and len(data) == 20 + 26, data, addr)
case("ICMP: from the peer to us", data and data[12:20] == socket.inet_aton(PEER) + socket.inet_aton(OWN), data)
s.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("I", 1 << 0))
case("ICMP_FILTER: can be read", s.getsockopt(SOL_RAW, ICMP_FILTER, 4) == struct.pack("I", 1))
other = raw(socket.IPPROTO_ICMP)
s.sendto(echo(8, 78, 1), (PEER, 0))
case("every raw socket sees the reply", until(other, lambda d: d[24:26] == b"\0\x4e")[0] is not None)
s.settimeout(0.3)
fails("ICMP_FILTER: echo replies stay out", errno.EAGAIN,
      lambda: s.setblocking(False) or s.recv(100))
fails("ICMP_FILTER on another protocol", errno.EOPNOTSUPP,
      lambda: raw(99).setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("I", 1)))
other.connect((PEER, 0))
other.send(echo(8, 79, 1))
case("connected: send without address", until(other, lambda d: d[24:26] == b"\0\x4f")[0] is not None)
other.close()
bound = raw(socket.IPPROTO_ICMP)
bound.bind((OWN, 0))
case("bound: address and protocol", bound.getsockname() == (OWN, 1), bound.getsockname())
bound.close()

# --- IPv6
s6 = raw(socket.IPPROTO_ICMPV6, socket.AF_INET6)
s6.sendto(echo(128, 80, 1), (PEER6, 0))
data, addr = until(s6, lambda d: d[0] == 129)
case("ICMPv6: the reply, without IP header", data and data[4:6] == b"\0\x50" and addr[0] == PEER6, data, addr)
s6.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, b"\xff" * 32)
s6.sendto(echo(128, 81, 1), (PEER6, 0))
time.sleep(0.3)
s6.setblocking(False)
fails("ICMP6_FILTER: blocks all", errno.EAGAIN, lambda: s6.recv(100))
fails("IPV6_CHECKSUM: not for ICMPv6", errno.EINVAL,
      lambda: s6.setsockopt(socket.IPPROTO_IPV6, IPV6_CHECKSUM, 2))
s6.setsockopt(SOL_RAW, IPV6_CHECKSUM, 2)	# radvd
case("IPV6_CHECKSUM: but at SOL_RAW", s6.getsockopt(SOL_RAW, IPV6_CHECKSUM) == 2)
r6 = raw(253, socket.AF_INET6)
case("IPV6_CHECKSUM: off", r6.getsockopt(socket.IPPROTO_IPV6, IPV6_CHECKSUM) == -1)
r6.setsockopt(socket.IPPROTO_IPV6, IPV6_CHECKSUM, 6)
fails("IPV6_CHECKSUM: behind the packet's end", errno.EINVAL,
      lambda: (r6.sendto(b"short", (PEER6, 0)), r6.recv(100)))
tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
tap.settimeout(3)
r6.sendto(b"12345600 and so on", (PEER6, 0))
data, addr = until(tap, lambda d: d[:1] == b"\x60" and d[6] == 253)
pseudo = data and data[8:40] + struct.pack("!II", len(data) - 40, 253)
case("IPV6_CHECKSUM: filled in", data and csum(pseudo + data[40:]) == 0, data)

# --- the header included
h = raw(socket.IPPROTO_RAW)
case("IPPROTO_RAW: IP_HDRINCL is on", h.getsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL) == 1)
ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 17, 254, 0, bytes(4), socket.inet_aton(PEER))
h.sendto(ip + b"header included", (PEER, 0))
data, addr = until(tap, lambda d: b"header included" in d and d[9] == 254)
case("HDRINCL: source, length, identification and checksum are filled in",
     data and data[12:16] == socket.inet_aton(OWN) and data[2:4] == b"\0\x23" and data[4:6] != b"\0\0" and
     csum(data[:20]) == 0, data)
case("HDRINCL: the rest is left", data and data[8] == 17 and data[16:20] == socket.inet_aton(PEER))
ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 7, 0, 3, 254, 0, socket.inet_aton("10.0.0.77"), socket.inet_aton(PEER))
h.sendto(ip + b"another source", (PEER, 0))
data, addr = until(tap, lambda d: b"another source" in d)
case("HDRINCL: source and identification of its own", data and data[12:16] == b"\x0a\0\0\x4d" and data[4:6] == b"\0\x07", data)
fails("HDRINCL: no whole header", errno.EINVAL, lambda: (h.sendto(b"\x45short", (PEER, 0)), h.recv(10)))
fails("HDRINCL: longer than the MTU", errno.EMSGSIZE, lambda: (h.sendto(ip + bytes(3000), (PEER, 0)), h.recv(10)))
h6 = raw(socket.IPPROTO_RAW, socket.AF_INET6)
case("IPv6: IPV6_HDRINCL is on for IPPROTO_RAW", h6.getsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL) == 1)
ip6 = struct.pack("!IHBB16s16s", 0x60000000, 10, 253, 9, socket.inet_pton(socket.AF_INET6, OWN6),
                  socket.inet_pton(socket.AF_INET6, PEER6))
h6.sendto(ip6 + b"0123456789", (PEER6, 0))
data, addr = until(tap, lambda d: d[:1] == b"\x60" and d[7] == 9)
case("IPv6: as it is", data == ip6 + b"0123456789", data)

# --- raw UDP beside a UDP socket
ru = raw(socket.IPPROTO_UDP)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("127.0.0.1", 0))
u.settimeout(3)
for text in b"first", b"second":    # a PCB that eats packets moves to the front
    u.sendto(text, u.getsockname())
    case("raw UDP and UDP: both get the %s" % text.decode(), u.recv(100) == text and
         until(ru, lambda d: d[28:] == text)[0] is not None)

# --- the error queue
EE = "IBBBBII"


def error_of(s, level, kind, size):
    p = select.poll()
    p.register(s, select.POLLIN)
    events = p.poll(3000)
    data, anc, flags, addr = s.recvmsg(2000, 512, MSG_ERRQUEUE)
    ee = [struct.unpack(EE, c[2][:16]) + (c[2][16:16 + size],) for c in anc if c[:2] == (level, kind)]
    return events and events[0][1], data, ee[0] if ee else None, flags, addr


u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
u.sendto(b"to nobody", (PEER, 9))
ev, data, ee, flags, addr = error_of(u, socket.IPPROTO_IP, IP_RECVERR, 16)
case("UDP: the queue polls POLLERR", ev == select.POLLERR, ev)
case("UDP: what was sent, and where to", data == b"to nobody" and addr == (PEER, 9) and flags & MSG_ERRQUEUE, data, addr, flags)
case("UDP: errno, origin, type, code", ee and ee[:4] == (errno.ECONNREFUSED, 2, 3, 3), ee)
case("UDP: who says so", ee and ee[7][:2] == b"\x02\0" and ee[7][4:8] == socket.inet_aton(PEER), ee)
u.setblocking(False)
fails("UDP: the queue is empty then", errno.EAGAIN, lambda: u.recvmsg(100, 100, MSG_ERRQUEUE))
u.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, 2)
try:
    u.sendto(bytes(4000), (PEER, 9))
except OSError as e:
    case("too long: EMSGSIZE", e.errno == errno.EMSGSIZE)
ev, data, ee, flags, addr = error_of(u, socket.IPPROTO_IP, IP_RECVERR, 16)
case("too long: of local origin, with the MTU", ee and ee[:4] == (errno.EMSGSIZE, 1, 0, 0) and ee[5] == 1500, ee)
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
u.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
u.sendto(b"to nobody", (PEER6, 9))
ev, data, ee, flags, addr = error_of(u, socket.IPPROTO_IPV6, IPV6_RECVERR, 28)
case("UDP over IPv6", data == b"to nobody" and addr[:2] == (PEER6, 9) and ee and
     ee[:4] == (errno.ECONNREFUSED, 3, 1, 4) and ee[7][8:24] == socket.inet_pton(socket.AF_INET6, PEER6), data, addr, ee)
r = raw(253)
r.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
r.sendto(b"no such protocol", (PEER, 0))
ev, data, ee, flags, addr = error_of(r, socket.IPPROTO_IP, IP_RECVERR, 16)
case("raw: protocol unreachable", ee and ee[:4] == (errno.ENOPROTOOPT, 2, 3, 2) and data == b"no such protocol" and
     addr == (PEER, 0), ee, data, addr)
fails("raw: and the socket's error", errno.ENOPROTOOPT,
      lambda: (r.sendto(b"no such protocol", (PEER, 0)), r.recv(100)))
sys.exit(failed > 0)
