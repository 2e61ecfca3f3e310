#!/bin/bash
# ssh.sh - an ssh login runs a command and copies 100 MB
# deadline: 120
. "$(dirname "$0")/../lib.sh"
need ssh sshd ssh-keygen
t_begin
kernel_peer tap
mkdir -p /run/sshd	# sshd's privilege separation folder, Debian's own place
for k in host user; do ssh-keygen -q -t ed25519 -N "" -f "$T/$k" || exit 1; done
cp "$T/user.pub" "$T/authorized"
chmod 600 "$T/authorized"
cat >"$T/sshd_config" <<CONF
Port 2222
ListenAddress 0.0.0.0
HostKey $T/host
PidFile none
AuthorizedKeysFile $T/authorized
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
Subsystem sftp internal-sftp
CONF
SSH=(-F /dev/null -i "$T/user" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
	-o LogLevel=ERROR -o BatchMode=yes -o ConnectTimeout=10)
head -c 100000000 /dev/urandom >"$T/data"
sshd=$(command -v sshd)

login() {
	bg sshd "${SRV[@]}" "$sshd" -D -e -f "$T/sshd_config"
	up 2222 || not_ok "$WHO: sshd listens" "$T/sshd.err"
	check "$WHO: a command" eval '[ "$(timeout 20 "${CLI[@]}" ssh "${SSH[@]}" -p 2222 root@$ADDR "echo \$((6 * 7))")" = 42 ]' ||
		diag "sshd: $(tail -n3 "$T/sshd.err" | tr '\n' ' ')"
	check "$WHO: its exit status" eval 'timeout 20 "${CLI[@]}" ssh "${SSH[@]}" -p 2222 root@$ADDR "exit 7"; [ $? = 7 ]'
	check "$WHO: 100 MB by scp" timeout 40 "${CLI[@]}" scp -q "${SSH[@]}" -P 2222 "$T/data" "root@$ADDR:$T/got"
	same "$WHO: scp's bytes" "$T/data" "$T/got"
	rm -f "$T/got"
	timeout 40 "${CLI[@]}" ssh "${SSH[@]}" -p 2222 "root@$ADDR" "cat $T/data" >"$T/got" </dev/null
	same "$WHO: 100 MB by cat" "$T/data" "$T/got"
	rm -f "$T/got"
	bg_kill sshd
}
both login
