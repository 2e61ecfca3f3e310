#!/bin/bash
# git.sh - git daemon with clone and push; openssl s_server with s_client
# deadline: 60
. "$(dirname "$0")/../lib.sh"
need git openssl
t_begin
kernel_peer tap
export HOME=$T GIT_CONFIG_NOSYSTEM=1
git config --global user.name me
git config --global user.email me@localhost
git config --global safe.directory '*'
git config --global init.defaultBranch main
git init -q "$T/src"
head -c 4000000 /dev/urandom >"$T/src/data"
git -C "$T/src" add data
git -C "$T/src" commit -qm first
git clone -q --bare "$T/src" "$T/repo.git"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test \
	-keyout "$T/key" -out "$T/cert" 2>"$T/req.log" || exit 1

with_git() {
	bg git "${SRV[@]}" git daemon --base-path="$T" --export-all --enable=receive-pack --reuseaddr "$T"
	up 9418 || not_ok "git daemon, $WHO: listens" "$T/git.err"
	rm -rf "$T/clone"
	check "git, $WHO: clone" timeout 20 "${CLI[@]}" git clone -q "git://$ADDR/repo.git" "$T/clone"
	same "git, $WHO: its file" "$T/src/data" "$T/clone/data"
	date +%N >"$T/clone/new"
	git -C "$T/clone" add new
	git -C "$T/clone" commit -qm second
	check "git, $WHO: push" timeout 20 "${CLI[@]}" git -C "$T/clone" push -q origin main
	check "git, $WHO: the server has it" eval \
		'[ "$(git -C "$T/repo.git" rev-parse main)" = "$(git -C "$T/clone" rev-parse HEAD)" ]'
	bg_kill git
}
with_openssl() {
	bg tls "${SRV[@]}" openssl s_server -accept 4433 -cert "$T/cert" -key "$T/key" -WWW -quiet
	up 4433 || not_ok "openssl, $WHO: listens" "$T/tls.err"
	printf 'GET /src/data HTTP/1.0\r\n\r\n' |
		timeout 20 "${CLI[@]}" openssl s_client -connect "$ADDR:4433" -quiet -ign_eof 2>"$T/cli.err" |
		tail -c 4000000 >"$T/got"
	same "openssl, $WHO: s_client fetches 4 MB from s_server" "$T/src/data" "$T/got"
	bg_kill tls
}
both with_git
both with_openssl
