"""The far side of ss.sh, on 10.0.0.1 and fc00::1:1: 7001 holds a connection, 7002 closes
it at once, 7003 closes it when the other side has."""
import socket
import threading
held = []


def listen(port, fn):
    s = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)

    def run():
        while True:
            c, _ = s.accept()
            fn(c)
    threading.Thread(target=run, daemon=True).start()


def close_after(c):
    while c.recv(4096):
        pass
    c.close()


listen(7001, held.append)
listen(7002, lambda c: c.close())
listen(7003, close_after)
print("ready", flush=True)
threading.Event().wait()
