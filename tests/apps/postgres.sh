#!/bin/bash
# postgres.sh - postgresql with psql and pgbench over TCP
# deadline: 90
. "$(dirname "$0")/../lib.sh"
need psql
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n1)
[ -x "$bin/pgbench" ] && [ -x "$bin/initdb" ] || skip_all "postgresql is not installed (./bootstrap deps installs it)"
t_begin
kernel_peer tap
# the server refuses to run as root
AS=()
[ "$(id -u)" != 0 ] || AS=(setpriv --reuid nobody --regid nogroup --clear-groups)
mkdir "$T/pg"
[ "$(id -u)" != 0 ] || chown nobody:nogroup "$T/pg"
"${AS[@]}" env HOME="$T/pg" "$bin/initdb" -D "$T/pg/data" -U me -A trust -N --locale=C >"$T/initdb.log" 2>&1 ||
	{ not_ok "initdb" "$T/initdb.log"; exit 1; }
echo "host all all 10.0.0.0/23 trust" >>"$T/pg/data/pg_hba.conf"
export PGCONNECT_TIMEOUT=5

sql() { timeout 20 "${CLI[@]}" psql -qAtX -h "$ADDR" -p 5432 -U me -d postgres "$@"; }
all() {
	bg pg "${SRV[@]}" "${AS[@]}" "$bin/postgres" -D "$T/pg/data" -k "$T/pg" -c listen_addresses=0.0.0.0 -c fsync=off
	up 5432 15 && wait_for 10 sql -c "select 1" || not_ok "$WHO: postgres listens" "$T/pg.err"
	check "$WHO: a query knows the client's address" eval '[ "$(sql -c "select host(inet_server_addr())")" = $ADDR ]'
	seq 1 50000 | sql -c "create table n (i int)" -c "copy n from stdin" >"$T/copy.log" 2>&1
	check "$WHO: COPY of 50000 rows in and out" eval '[ "$(sql -c "copy n to stdout" | sort -n | cksum)" = "$(seq 1 50000 | cksum)" ]'
	check "$WHO: pgbench -i" timeout 20 "${CLI[@]}" "$bin/pgbench" -q -i -h "$ADDR" -U me postgres
	check "$WHO: pgbench, 8 clients" timeout 20 "${CLI[@]}" "$bin/pgbench" -c 8 -j 2 -T 2 -h "$ADDR" -U me postgres
	check "$WHO: pgbench, a connection each" timeout 20 "${CLI[@]}" "$bin/pgbench" -C -S -c 4 -t 20 -h "$ADDR" -U me postgres
	# the cancel request is a second connection; LISTEN waits on the first
	check "$WHO: a query is cancelled" eval 'timeout -s INT 1 "${CLI[@]}" psql -h $ADDR -U me -d postgres \
		-c "select pg_sleep(20)" 2>&1 | grep -q "canceling statement"'
	sql -c "drop table n, pgbench_accounts, pgbench_branches, pgbench_tellers, pgbench_history" >/dev/null 2>&1
	bg_kill pg INT
}
# postgres refuses to run as root, and a stack is its user's: one for nobody
nobodys_stack() {
	# the TAP is opened by root, who may
	cat >"$T/ustackd" <<-PY
		#!$PY
		import fcntl, os, struct, sys
		fd = os.open("/dev/net/tun", os.O_RDWR)
		fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", b"t1", 0x1002))	# TUNSETIFF: TAP, NO_PI
		os.dup2(fd, 8)
		os.environ["XDG_RUNTIME_DIR"] = "$T/pg/run"
		run = "${AS[*]} $USTACKD".split() + sys.argv[1:]
		os.execvp(run[0], run)
	PY
	chmod 755 "$T/ustackd"
	"${AS[@]}" mkdir -m 700 "$T/pg/run"
	ip -n "$K" tuntap add t1 mode tap
	ip -n "$K" addr add 10.0.1.1/24 dev t1
	ip -n "$K" link set t1 up
	USTACKD=$T/ustackd stack_start s1 fd=8,ip=10.0.1.70/24 "$K" || not_ok "nobody's stack starts" "$T/s1.err"
	SRV=(ip netns exec "$E" env XDG_RUNTIME_DIR="$T/pg/run" USTACK=s1 LD_PRELOAD="$USTACK_PRELOAD")
	CLI=("${KN[@]}") ADDR=10.0.1.70 WHO="server under the shim"
}
SRV=("${KN[@]}") CLI=("${US[@]}") ADDR=10.0.0.1 WHO="client under the shim"
all
if [ ${#AS[@]} -gt 0 ] && ! "${AS[@]}" test -x "$USTACKD" -a -r "$USTACK_PRELOAD"; then
	skip "postgres under the shim" "nobody may not read ${USTACK_BUILD}"
else
	nobodys_stack
	all
fi
