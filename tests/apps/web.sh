#!/bin/bash
# web.sh - nginx with 4 reuseport workers and TLS, apache2 with its event MPM, under load
# deadline: 120
. "$(dirname "$0")/../lib.sh"
need nginx apache2 curl wrk ab openssl
t_begin
kernel_peer tap
mkdir -p "$T/www" "$T/ngx" "$T/apache"
head -c 8000000 /dev/urandom >"$T/www/big"
head -c 400 /dev/urandom >"$T/www/small"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test \
	-addext subjectAltName=IP:10.0.0.1,IP:10.0.0.70 -keyout "$T/key" -out "$T/cert" 2>"$T/req.log" ||
	exit 1
cat >"$T/nginx.conf" <<CONF
user root;
daemon off;
worker_processes 4;
pid $T/ngx/pid;
error_log $T/ngx/error.log;
events { worker_connections 512; }
http {
	access_log $T/ngx/access.log combined;
	log_format worker "\$pid";
	sendfile on;
	tcp_nopush on;
	client_body_temp_path $T/ngx/body;
	proxy_temp_path $T/ngx/proxy;
	fastcgi_temp_path $T/ngx/fcgi;
	uwsgi_temp_path $T/ngx/uwsgi;
	scgi_temp_path $T/ngx/scgi;
	server {
		listen 8080 reuseport;
		listen [::]:8080 reuseport;
		listen 8443 ssl http2 reuseport;
		ssl_certificate $T/cert;
		ssl_certificate_key $T/key;
		access_log $T/ngx/workers worker;
		root $T/www;
		location /self/ { proxy_pass http://127.0.0.1:8080/; }
	}
}
CONF
[ "$(id -u)" = 0 ] || sed -i '/^user/d' "$T/nginx.conf"
mods=$(dirname "$(find /usr/lib/apache2 /usr/lib*/httpd -name mod_mpm_event.so 2>/dev/null | head -n1)")
cat >"$T/apache.conf" <<CONF
ServerRoot $T/apache
ServerName test
PidFile $T/apache/pid
ErrorLog $T/apache/error.log
DefaultRuntimeDir $T/apache
LoadModule mpm_event_module $mods/mod_mpm_event.so
LoadModule authz_core_module $mods/mod_authz_core.so
LoadModule status_module $mods/mod_status.so
Listen 8090
StartServers 2
MaxKeepAliveRequests 0
User nobody
Group nogroup
DocumentRoot $T/www
<Location /status>
	SetHandler server-status
</Location>
CONF

# wrk_ok URL: it got answers and no errors
wrk_ok() {
	timeout 10 "${CLI[@]}" wrk -t2 -c40 -d1s "$1" >"$T/wrk.out" 2>&1 || { cat "$T/wrk.out"; return 1; }
	cat "$T/wrk.out"
	grep -qE '^ *[1-9][0-9]* requests in' "$T/wrk.out" && ! grep -qE 'Socket errors|Non-2xx' "$T/wrk.out"
}
ab_ok() {
	timeout 20 "${CLI[@]}" ab -q "$@" >"$T/ab.out" 2>&1 || { cat "$T/ab.out"; return 1; }
	cat "$T/ab.out"
	grep -qE '^Failed requests: +0$' "$T/ab.out" && ! grep -q '^Non-2xx' "$T/ab.out"
}
# fetch VERSION URL CURL-ARGS...: by that version of HTTP, with the right bytes
fetch() {
	local v=$1 url=$2
	shift 2
	[ "$(timeout 20 "${CLI[@]}" curl -sSf "$@" -o "$T/got" -w '%{http_version}' "$url")" = "$v" ] &&
		cmp "$T/www/${url##*/}" "$T/got"
}
with_nginx() {
	rm -f "$T/ngx/workers"
	bg nginx "${SRV[@]}" nginx -c "$T/nginx.conf" -e "$T/ngx/error.log"
	up 8443 || not_ok "nginx, $WHO: listens" "$T/nginx.err" "$T/ngx/error.log"
	check "nginx, $WHO: TLS with HTTP/2" fetch 2 "https://$ADDR:8443/big" --cacert "$T/cert"
	check "nginx, $WHO: TLS with HTTP/1.1" fetch 1.1 "https://$ADDR:8443/big" --cacert "$T/cert" --http1.1
	check "nginx, $WHO: HTTP/2, 100 requests on one connection" timeout 20 "${CLI[@]}" \
		curl -sSf --cacert "$T/cert" -Z --parallel-max 50 -o /dev/null "https://$ADDR:8443/small?[1-100]"
	check "nginx, $WHO: a proxy of itself over 127.0.0.1" fetch 1.1 "http://$ADDR:8080/self/big"
	check "nginx, $WHO: wrk, 40 connections" wrk_ok "http://$ADDR:8080/small"
	check "nginx, $WHO: ab, a connection for each of 500 requests" ab_ok -n 500 -c 20 "http://$ADDR:8080/small"
	check "nginx, $WHO: ab, kept alive" ab_ok -k -n 2000 -c 20 "http://$ADDR:8080/small"
	check "nginx, $WHO: all four workers got connections" eval '[ "$(sort -u "$T/ngx/workers" | wc -l)" = 4 ]'
	"${SRV[@]}" nginx -c "$T/nginx.conf" -e "$T/ngx/error.log" -s reload
	check "nginx, $WHO: serves on after a reload" wait_for 5 fetch 1.1 "http://$ADDR:8080/small"
	bg_kill nginx QUIT
}
with_apache() {
	bg apache "${SRV[@]}" apache2 -d "$T/apache" -f "$T/apache.conf" -DFOREGROUND
	up 8090 || not_ok "apache2, $WHO: listens" "$T/apache.err" "$T/apache/error.log"
	check "apache2, $WHO: curl 8 MB" fetch 1.1 "http://$ADDR:8090/big"
	check "apache2, $WHO: ab, a connection for each of 500 requests" ab_ok -n 500 -c 20 "http://$ADDR:8090/small"
	check "apache2, $WHO: ab, kept alive" ab_ok -k -n 2000 -c 20 "http://$ADDR:8090/small"
	"${CLI[@]}" curl -sS "http://$ADDR:8090/status?auto" >"$T/status" 2>&1
	check "apache2, $WHO: its status page" grep -q '^ServerMPM: event' "$T/status"
	bg_kill apache
}
both with_nginx
both with_apache
