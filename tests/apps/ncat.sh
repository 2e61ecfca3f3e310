#!/bin/bash
# ncat.sh - ncat and busybox's nc, wget and httpd
# deadline: 90
. "$(dirname "$0")/../lib.sh"
need ncat busybox
t_begin
kernel_peer tap
head -c 5000000 /dev/urandom >"$T/data"
mkdir -p "$T/www/cgi-bin"
cp "$T/data" "$T/www/data"
# shellcheck disable=SC2016
printf '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\nhello $QUERY_STRING\\n"\n' >"$T/hello"
install -m 755 "$T/hello" "$T/www/cgi-bin/hello"
# an input that never ends: nc stays until its peer is done
mkfifo "$T/open"
exec 8<>"$T/open"

with_ncat() {
	bg ncat "${SRV[@]}" ncat -l -4 7001 --recv-only
	up 7001 || not_ok "ncat, $WHO: listens" "$T/ncat.err"
	timeout 20 "${CLI[@]}" ncat --send-only "$ADDR" 7001 <"$T/data" >"$T/cli.out" 2>&1
	bg_wait ncat 10
	same "ncat, $WHO: 5 MB" "$T/data" "$T/ncat.out"
	bg ncat "${SRV[@]}" ncat -l -k -4 7002 --sh-exec "cat $T/data"
	up 7002
	timeout 20 "${CLI[@]}" ncat --recv-only "$ADDR" 7002 >"$T/got" 2>"$T/cli.out"
	same "ncat, $WHO: 5 MB from a command" "$T/data" "$T/got"
	bg_kill ncat
	bg ncat "${SRV[@]}" ncat -l -u -4 7003
	check "ncat, $WHO: UDP" wait_for 10 eval \
		'echo news | timeout 2 "${CLI[@]}" ncat -u --send-only '"$ADDR"' 7003; grep -q news "$T/ncat.out"'
	bg_kill ncat
	bg ncat "${SRV[@]}" ncat -l -k --broker -4 7004
	up 7004
	bg hear "${CLI[@]}" ncat --recv-only "$ADDR" 7004
	check "ncat, $WHO: --broker" wait_for 10 eval \
		'echo news | timeout 2 "${CLI[@]}" ncat --send-only '"$ADDR"' 7004; grep -q news "$T/hear.out"'
	bg_kill hear
	bg_kill ncat
	ln -sf "$T/data" "$T/tls.in"
	bg tls "${SRV[@]}" ncat --ssl -l -4 7005 --send-only
	up 7005
	timeout 20 "${CLI[@]}" ncat --ssl --recv-only "$ADDR" 7005 >"$T/got" 2>"$T/cli.out"
	same "ncat, $WHO: 5 MB by TLS" "$T/data" "$T/got"
	bg_kill tls
}
with_busybox() {
	bg httpd "${SRV[@]}" busybox httpd -f -p 7010 -h "$T/www"
	up 7010 || not_ok "busybox, $WHO: httpd listens" "$T/httpd.err"
	check "busybox, $WHO: wget 5 MB" timeout 20 "${CLI[@]}" busybox wget -q -O "$T/got" "http://$ADDR:7010/data"
	same "busybox, $WHO: wget's bytes" "$T/data" "$T/got"
	check "busybox, $WHO: a CGI program" eval '[ "$(timeout 10 "${CLI[@]}" busybox wget -q -O - \
		"http://$ADDR:7010/cgi-bin/hello?you")" = "hello you" ]'
	bg_kill httpd
	ln -sf "$T/data" "$T/nc.in"
	bg nc "${SRV[@]}" busybox nc -l -p 7011
	up 7011
	timeout 20 "${CLI[@]}" busybox nc "$ADDR" 7011 <&8 >"$T/got" 2>"$T/cli.out"
	same "busybox, $WHO: nc 5 MB" "$T/data" "$T/got"
	bg_kill nc
}
both with_ncat
if ldd "$(command -v busybox)" >/dev/null 2>&1; then
	both with_busybox
else
	skip "busybox" "it is linked statically and cannot load the shim"
fi
