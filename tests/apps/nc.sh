#!/bin/bash
# nc.sh - nc (openbsd and traditional): files both ways, -z, UDP, a Unix socket
# deadline: 90
. "$(dirname "$0")/../lib.sh"
need nc.openbsd nc.traditional
t_begin
kernel_peer tap
head -c 5000000 /dev/urandom >"$T/up"
head -c 3000000 /dev/urandom >"$T/down"

openbsd() {
	# one direction at a time: nc -l ends with its peer's input, whatever it
	# still has to send
	bg srv "${SRV[@]}" nc.openbsd -N -l 7000
	cp "$T/up" "$T/cli.in"
	up 7000 || not_ok "openbsd, $WHO: listens" "$T/srv.err"
	bg cli "${CLI[@]}" nc.openbsd -N "$ADDR" 7000
	bg_wait cli 20 || not_ok "openbsd, $WHO: client ends by itself" "$T/cli.err"
	bg_wait srv 5 || not_ok "openbsd, $WHO: server ends by itself" "$T/srv.err"
	same "openbsd, $WHO: file to the server" "$T/up" "$T/srv.out"
	rm "$T/cli.in"
	cp "$T/down" "$T/srv.in"
	bg srv "${SRV[@]}" nc.openbsd -N -l 7002
	up 7002
	bg cli "${CLI[@]}" nc.openbsd -d "$ADDR" 7002
	bg_wait srv 20 || not_ok "openbsd, $WHO: server ends by itself" "$T/srv.err"
	bg_wait cli 5 || not_ok "openbsd, $WHO: client ends by itself" "$T/cli.err"
	same "openbsd, $WHO: file to the client" "$T/down" "$T/cli.out"
	rm "$T/srv.in"
	bg srv "${SRV[@]}" nc.openbsd -k -l 7001
	up 7001
	check "openbsd, $WHO: -z finds the open port" "${CLI[@]}" nc.openbsd -z "$ADDR" 7001
	check "openbsd, $WHO: -z finds no closed port" eval '! timeout 10 "${CLI[@]}" nc.openbsd -z "$ADDR" 7009'
	check "openbsd, $WHO: -w 2 by name of the port" eval '! timeout 10 "${CLI[@]}" nc.openbsd -w 2 "$ADDR" gopher'
	bg_kill srv
}
traditional() {
	bg srv "${SRV[@]}" nc.traditional -l -p 7010
	cp "$T/up" "$T/cli.in"
	up 7010 || not_ok "traditional, $WHO: listens" "$T/srv.err"
	bg cli "${CLI[@]}" nc.traditional -q 0 "$ADDR" 7010
	bg_wait cli 20 || not_ok "traditional, $WHO: client ends by itself" "$T/cli.err"
	bg_wait srv 5 || not_ok "traditional, $WHO: server ends by itself" "$T/srv.err"
	same "traditional, $WHO: file to the server" "$T/up" "$T/srv.out"
	rm "$T/cli.in"
	cp "$T/down" "$T/srv.in"
	bg srv "${SRV[@]}" nc.traditional -q 0 -l -p 7011
	up 7011
	bg cli "${CLI[@]}" nc.traditional "$ADDR" 7011
	bg_wait srv 20
	bg_wait cli 5
	same "traditional, $WHO: file to the client" "$T/down" "$T/cli.out"
	rm "$T/srv.in"
}
# the server answers nothing: a line is repeated until it arrived
udp() {
	local f
	for f in openbsd traditional; do
		mkfifo "$T/cli.in"
		sleep 60 <>"$T/cli.in" & local hold=$!
		if [ $f = openbsd ]; then
			bg srv "${SRV[@]}" nc.openbsd -u -l 7020
		else
			bg srv "${SRV[@]}" nc.traditional -u -l -p 7020
		fi
		bg cli "${CLI[@]}" nc.$f -u "$ADDR" 7020
		# a datagram that came too early was refused, and that ends openbsd's
		line_arrived() {
			gone_or_zombie "${BG[cli]}" && bg cli "${CLI[@]}" nc.$f -u "$ADDR" 7020
			echo "over udp" >"$T/cli.in"
			has_line "$T/srv.out" "over udp"
		}
		if wait_for 5 line_arrived; then
			ok "$f, $WHO: a line over UDP"
		else
			not_ok "$f, $WHO: a line over UDP" "$T/srv.err" "$T/cli.err"
		fi
		bg_kill cli
		bg_kill srv
		kill $hold
		rm -f "$T/cli.in"
	done
}
both openbsd
both traditional
both udp

# AF_UNIX is the kernel's, also under the shim
echo "over unix" >"$T/srv.in"
bg srv "${US[@]}" nc.openbsd -N -U -l "$T/un"
wait_for 5 test -S "$T/un"
bg cli "${US[@]}" nc.openbsd -N -U "$T/un"
bg_wait cli 5
check "AF_UNIX under the shim is the kernel's" has_line "$T/cli.out" "over unix"
