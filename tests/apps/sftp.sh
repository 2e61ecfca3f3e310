#!/bin/bash
# sftp.sh - sftp, rsync and a port forwarding over ssh; rsync's own daemon
# deadline: 90
. "$(dirname "$0")/../lib.sh"
need ssh sshd ssh-keygen sftp rsync curl
t_begin
kernel_peer tap
. "$TESTS_DIR/apps/sshd.sh.inc"
sshd_prepare || exit 1
mkdir "$T/tree"
for i in $(seq 1 200); do head -c $((i * 100)) /dev/urandom >"$T/tree/$i"; done
head -c 10000000 /dev/urandom >"$T/tree/big"
cat >"$T/rsyncd.conf" <<CONF
use chroot = no
uid = $(id -u)
gid = $(id -g)
[tree]
	path = $T/tree
CONF
all() {
	sshd_start
	rm -rf "$T/got"
	printf 'get -r tree got\nrename tree/1 tree/one\nrename tree/one tree/1\n' >"$T/batch"
	check "$WHO: sftp fetches a tree" timeout 20 "${CLI[@]}" sftp -q "${SSH[@]}" -P 2222 -b "$T/batch" "root@$ADDR:$T"
	check "$WHO: sftp's bytes" diff -r "$T/tree" "$T/got"
	rm -rf "$T/got"
	check "$WHO: rsync over ssh" timeout 20 "${CLI[@]}" rsync -a -e "ssh ${SSH[*]} -p 2222" "root@$ADDR:$T/tree/" "$T/got"
	check "$WHO: rsync's bytes" diff -r "$T/tree" "$T/got"
	rm -rf "$T/got"
	bg rsyncd "${SRV[@]}" rsync --daemon --no-detach --port 8873 --config "$T/rsyncd.conf"
	up 8873 || not_ok "$WHO: rsync's daemon listens" "$T/rsyncd.err"
	check "$WHO: rsync from its daemon" timeout 20 "${CLI[@]}" rsync -a --port 8873 "rsync://$ADDR/tree/" "$T/got"
	check "$WHO: its bytes" diff -r "$T/tree" "$T/got"
	# the server's side of -L is a client there
	bg forward "${CLI[@]}" ssh "${SSH[@]}" -p 2222 -N -L 127.0.0.1:8874:127.0.0.1:8873 "root@$ADDR"
	rm -rf "$T/got"
	check "$WHO: rsync through ssh -L" wait_for 10 timeout 10 "${CLI[@]}" rsync -a --port 8874 "rsync://127.0.0.1/tree/" "$T/got"
	check "$WHO: those bytes" diff -r "$T/tree" "$T/got"
	for p in forward rsyncd sshd; do bg_kill $p; done
}
both all
