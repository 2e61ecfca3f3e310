#!/bin/bash
# outlook.sh - the board that tells sends beforehand: exec, restart, filters, hostile clients
# deadline: 60
#
# What single calls tell is tests/diff/fate.c's; here is what they go by.
. "$(dirname "$0")/../lib.sh"
need python3
t_begin
[ "${USTACK_TWIN:-}" = kernel ] && skip_all "is about our own memory"
kernel_peer tap

# what one try to send tells, at once
cat >"$T/send.py" <<'PY'
import errno, os, socket, sys
def tell(s, where=("192.0.2.1", 9)):
    try:
        return str(s.sendto(b"x", where))
    except OSError as e:
        return errno.errorcode[e.errno]
PY

cat >"$T/exec.py" <<'PY'
from send import *
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.set_inheritable(True)
print("first", tell(s), flush=True)
code = "from send import *; s = socket.socket(fileno=%d); print('after exec', tell(s)); print('own', tell(s, ('10.0.0.70', 9)))" % s.fileno()
os.execv(sys.executable, [sys.executable, "-c", code])
PY
(cd "$T" && PYTHONPATH=$T timeout 10 "${US[@]}" "$PY" exec.py >exec.out 2>exec.err)
check "a socket without a route says so" has_line "$T/exec.out" "first ENETUNREACH"
check "and after exec" has_line "$T/exec.out" "after exec ENETUNREACH"
check "which sends what can be sent" has_line "$T/exec.out" "own 1"

# the board follows ip(8) and outlives a filter, under which nothing is asked
cat >"$T/filter.py" <<'PY'
from send import *
import ctypes, subprocess
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ip = lambda *what: subprocess.check_call(("ip", "route") + what)
print("without", tell(s))
ip("add", "192.0.2.0/24", "via", "10.0.0.1")
print("with", tell(s))
ip("del", "192.0.2.0/24")
print("without again", tell(s))
class Insn(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]
class Prog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("insn", ctypes.POINTER(Insn))]
libc = ctypes.CDLL(None, use_errno=True)
allow = Insn(6, 0, 0, 0x7fff0000)                # SECCOMP_RET_ALLOW
assert libc.prctl(38, 1, 0, 0, 0) == 0           # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, ctypes.byref(Prog(1, ctypes.pointer(allow))), 0, 0) == 0
print("filtered", tell(s))
s.settimeout(5)
try:
    s.recv(1)
except OSError as e:
    print("told then", errno.errorcode[e.errno])
PY
(cd "$T" && PYTHONPATH=$T timeout 20 "${US[@]}" "$PY" filter.py >filter.out 2>filter.err)
printf '%s\n' "without ENETUNREACH" "with 1" "without again ENETUNREACH" "filtered 1" "told then ENETUNREACH" >"$T/want"
check "the board follows ip route; a program with a filter is told by the next call" \
	diff "$T/want" "$T/filter.out"

# nobody but the daemon writes it
cat >"$T/hostile.py" <<'PY'
from send import *
import ctypes, fcntl, mmap, re, struct
def refused(what, call):
    try:
        call()
    except (OSError, ValueError) as e:
        print("refused", what)
    else:
        print("DONE", what)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print("told", tell(s))
line = [l for l in open("/proc/self/maps") if "ustack board" in l][0]
print("mapped", line.split()[1])
print("descriptors", sum("memfd" in os.readlink("/proc/self/fd/" + f) for f in os.listdir("/proc/self/fd")
      if os.path.islink("/proc/self/fd/" + f)))
start, end = (int(x, 16) for x in line.split()[0].split("-"))
libc = ctypes.CDLL(None, use_errno=True)
print("mprotect", libc.mprotect(ctypes.c_void_p(start), end - start, 3))
c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
c.connect(sys.argv[1])
c.send(struct.pack("=HHHHIiQ", 1, 1, 0, 0, 0, 0, 0))
data, fds, flags, addr = socket.recv_fds(c, 100, 4)
fd, = fds
refused("write", lambda: os.pwrite(fd, b"\0" * 4, 8))
refused("shrink", lambda: os.ftruncate(fd, 0))
refused("grow", lambda: os.ftruncate(fd, 1 << 20))
refused("map to write", lambda: mmap.mmap(fd, end - start, mmap.MAP_SHARED, mmap.PROT_WRITE))
refused("unseal", lambda: fcntl.fcntl(fd, 1033, 0))
again = os.open("/proc/self/fd/%d" % fd, os.O_RDWR)
refused("write anew", lambda: os.pwrite(again, b"\0" * 4, 8))
refused("map anew", lambda: mmap.mmap(again, end - start, mmap.MAP_SHARED, mmap.PROT_WRITE))
def punch():
    if libc.fallocate(fd, 3, ctypes.c_long(0), ctypes.c_long(4096)):
        raise OSError
refused("punch a hole", punch)
print("told then", tell(s))
PY
(cd "$T" && PYTHONPATH=$T timeout 20 "${US[@]}" "$PY" hostile.py "$XDG_RUNTIME_DIR/ustack/s0" >hostile.out 2>hostile.err)
{
	printf '%s\n' "told ENETUNREACH" "mapped r--s" "descriptors 0" "mprotect -1"
	printf 'refused %s\n' write shrink grow "map to write" unseal "write anew" "map anew" "punch a hole"
	echo "told then ENETUNREACH"
} >"$T/want"
check "a client cannot change the board" diff "$T/want" "$T/hostile.out"

# another daemon under the same name: its board counts
cat >"$T/restart.py" <<'PY'
from send import *
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print("before", tell(s), flush=True)
input()
print("old socket", tell(s, ("10.0.0.70", 9)), flush=True)
input()
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print("new socket", tell(s), flush=True)
print("to nowhere", tell(s, ("10.0.0.255", 9)), flush=True)
PY
mkfifo "$T/restart.in"
bg restart env PYTHONPATH="$T" "${US[@]}" "$PY" "$T/restart.py"
exec 8>"$T/restart.in"
wait_for 10 has_line "$T/restart.out" "before ENETUNREACH"
stack_stop s0
echo >&8
wait_for 10 has_line "$T/restart.out" "old socket ENETDOWN"
stack_start s0 "tap=t0,ip=10.0.0.70/24,gw=10.0.0.1" "$K"
echo >&8
bg_wait restart 10
printf '%s\n' "before ENETUNREACH" "old socket ENETDOWN" "new socket 1" "to nowhere EACCES" >"$T/want"
check "after a restart the new daemon's board counts" diff "$T/want" "$T/restart.out"
