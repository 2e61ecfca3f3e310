#!/bin/bash
# http.sh - curl and wget against nginx and python3 -m http.server
# deadline: 120
. "$(dirname "$0")/../lib.sh"
need nginx curl wget
t_begin
kernel_peer tap
mkdir "$T/www" "$T/ngx"
chmod 755 "$T/www"
head -c 30000000 /dev/urandom >"$T/www/big"
head -c 400 /dev/urandom >"$T/www/small"
cat >"$T/nginx.conf" <<CONF
user root;
daemon off;
worker_processes 2;
pid $T/ngx/pid;
error_log $T/ngx/error.log;
events { worker_connections 512; }
http {
	access_log off;
	sendfile on;
	client_body_temp_path $T/ngx/body;
	proxy_temp_path $T/ngx/proxy;
	fastcgi_temp_path $T/ngx/fcgi;
	uwsgi_temp_path $T/ngx/uwsgi;
	scgi_temp_path $T/ngx/scgi;
	server { listen 8080; listen [::]:8080; root $T/www; }
}
CONF
[ "$(id -u)" = 0 ] || sed -i '/^user/d' "$T/nginx.conf"

fetches() {
	local server=$1 port=$2 url
	url=http://$ADDR:$port
	check "$server, $WHO: curl 30 MB" timeout 20 "${CLI[@]}" curl -sSf -o "$T/got" "$url/big"
	same "$server, $WHO: curl's bytes" "$T/www/big" "$T/got"
	check "$server, $WHO: wget 30 MB" timeout 20 "${CLI[@]}" wget -q -O "$T/got" "$url/big"
	same "$server, $WHO: wget's bytes" "$T/www/big" "$T/got"
	check "$server, $WHO: curl says 404" eval \
		'[ "$("${CLI[@]}" curl -s -o /dev/null -w "%{http_code}" "'"$url"'/none")" = 404 ]'
	rm -f "$T/got"
}
with_nginx() {
	bg nginx "${SRV[@]}" nginx -c "$T/nginx.conf" -e "$T/ngx/error.log"
	up 8080 || not_ok "nginx, $WHO: listens" "$T/nginx.err" "$T/ngx/error.log"
	fetches nginx 8080
	check "nginx, $WHO: 300 requests over 30 kept-alive, parallel connections" timeout 30 "${CLI[@]}" \
		curl -sSf -Z --parallel-max 30 -o /dev/null "http://$ADDR:8080/small?[1-300]"
	local six=fc00::1:1
	[ "$ADDR" = 10.0.0.1 ] || six=fc00::1:70
	check "nginx, $WHO: over IPv6" timeout 10 "${CLI[@]}" curl -gsSf -o /dev/null "http://[$six]:8080/small"
	bg_kill nginx QUIT
}
with_python() {
	bg py "${SRV[@]}" $PY -m http.server -d "$T/www" 8081
	up 8081 || not_ok "http.server, $WHO: listens" "$T/py.err"
	fetches http.server 8081
	bg_kill py
}
both with_nginx
both with_python
