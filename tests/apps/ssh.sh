#!/bin/bash
# ssh.sh - an ssh login runs a command and copies 100 MB
# deadline: 120
. "$(dirname "$0")/../lib.sh"
need ssh sshd ssh-keygen
t_begin
kernel_peer tap
. "$TESTS_DIR/apps/sshd.sh.inc"
sshd_prepare || exit 1
head -c 100000000 /dev/urandom >"$T/data"

login() {
	sshd_start
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
