"""alert.py - a raw socket that takes packets with a router alert, and who sends them

usage: alert.py take         prints "ready", then the options of each packet that it gets
       alert.py send HOST    a datagram with the option, then one without
"""
import socket
import sys

IP_ROUTER_ALERT = 5
ALERT = bytes([148, 4, 0, 0])

if sys.argv[1] == "take":
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    s.setsockopt(socket.IPPROTO_IP, IP_ROUTER_ALERT, 1)
    print("ready", flush=True)
    while True:
        p = s.recv(2000)
        print(socket.inet_ntoa(p[16:20]), p[20:(p[0] & 15) * 4].hex(), flush=True)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[2], 7))
s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, ALERT)
s.send(b"alert")
s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b"")
s.send(b"none")
