#!/bin/bash
# scripting.sh - perl, ruby and php, each as server and as client
# deadline: 90
. "$(dirname "$0")/../lib.sh"
need perl ruby php
t_begin
kernel_peer tap
head -c 1000000 /dev/urandom >"$T/data"
mkdir "$T/www"
cp "$T/data" "$T/www/data"

cat >"$T/server.pl" <<'PL'
use strict; use IO::Socket::INET; use IO::Select;
my $l = IO::Socket::INET->new(LocalPort => 9100, Listen => 20, ReuseAddr => 1) or die "listen: $!";
my $u = IO::Socket::INET->new(LocalPort => 9100, Proto => "udp") or die "udp: $!";
my $sel = IO::Select->new($l, $u);
while (my @r = $sel->can_read) {
	for my $s (@r) {
		if ($s == $l) { my $c = $l->accept; $c->autoflush(1); $sel->add($c); }
		elsif ($s == $u) { my $p = $u->recv(my $d, 2000); $u->send(uc $d, 0, $p); }
		else {
			my $n = sysread $s, my $d, 65536;
			if ($n) { my $o = 0; $o += syswrite $s, $d, $n - $o, $o while $o < $n; }
			else { $sel->remove($s); close $s; }
		}
	}
}
PL
cat >"$T/client.pl" <<'PL'
use strict; use IO::Socket::INET; use Socket;
my ($host, $file) = @ARGV;
my $u = IO::Socket::INET->new(PeerAddr => $host, PeerPort => 9100, Proto => "udp") or die;
$u->send("hello"); $u->recv(my $d, 100); die "udp: $d" unless $d eq "HELLO";
my $s = IO::Socket::INET->new(PeerAddr => $host, PeerPort => 9100) or die "connect: $!";
die "peer: ", $s->peerhost unless $s->peerhost eq $host && $s->peerport == 9100;
open my $f, "<:raw", $file; local $/; my $data = <$f>;
if (!fork) { print $s $data; $s->flush; $s->shutdown(1); exit }
my $got = <$s>;
wait; die "echo: ", length $got unless $got eq $data;
my $no = IO::Socket::INET->new(PeerAddr => $host, PeerPort => 9999);
die "not refused: $!" if $no || $! != 111;
PL
cat >"$T/server.rb" <<'RB'
require "socket"
t = Thread.new { Socket.udp_server_sockets("0.0.0.0", 9200).then { |s| Socket.udp_server_loop_on(s) { |m, src| src.reply m.upcase } } }
Socket.tcp_server_loop("0.0.0.0", 9200) do |c, a|
  Thread.new { begin; IO.copy_stream(c, c); ensure; c.close; end }
end
RB
cat >"$T/client.rb" <<'RB'
require "socket"
host, file = ARGV
u = UDPSocket.new; u.connect(host, 9200); u.send("hello", 0)
raise "udp" unless IO.select([u], nil, nil, 5) && u.recvfrom(100)[0] == "HELLO"
data = File.binread(file)
10.times.map { Thread.new {
  s = TCPSocket.new(host, 9200)
  w = Thread.new { IO.copy_stream(File.open(file), s); s.close_write }
  got = s.read
  w.join
  raise "echo #{got.bytesize}" unless got.b == data
  s.close
} }.each(&:join)
begin
  Socket.tcp(host, 9999, connect_timeout: 5)
  raise "not refused"
rescue Errno::ECONNREFUSED
end
s = Socket.new(:INET, :STREAM)
begin; s.connect_nonblock(Addrinfo.tcp(host, 9200)); rescue IO::WaitWritable; end
IO.select(nil, [s], nil, 5) or raise "no connection"
begin; s.connect_nonblock(Addrinfo.tcp(host, 9200)); rescue Errno::EISCONN; end
s.write_nonblock("x"); IO.select([s], nil, nil, 5); raise unless s.read_nonblock(5) == "x"
RB
cat >"$T/www/index.php" <<'PHP'
<?php
if ($_SERVER["REQUEST_METHOD"] == "POST") echo md5(file_get_contents("php://input"));
else echo "hello ", $_GET["name"] ?? "", " ", $_SERVER["SERVER_PORT"];
PHP
cat >"$T/client.php" <<'PHP'
<?php
[, $host, $file] = $argv;
$url = "http://$host:9300";
if (file_get_contents("$url/?name=you") !== "hello you 9300") die("GET\n");
if (file_get_contents("$url/data") !== file_get_contents($file)) die("file\n");
$c = stream_context_create(["http" => ["method" => "POST", "content" => file_get_contents($file)]]);
if (file_get_contents("$url/", false, $c) !== md5_file($file)) die("POST\n");
$socks = [];
for ($i = 0; $i < 10; $i++) {
	$s = stream_socket_client("tcp://$host:9300", $n, $m, 5, STREAM_CLIENT_CONNECT | STREAM_CLIENT_ASYNC_CONNECT);
	if (!$s) die("async connect: $m\n");
	stream_set_blocking($s, false);
	$socks[] = $s;
}
foreach ($socks as $i => $s) {
	$r = null; $w = [$s]; $e = null;
	if (stream_select($r, $w, $e, 5) != 1) die("select\n");
	fwrite($s, "GET /?name=$i HTTP/1.0\r\n\r\n");
}
foreach ($socks as $i => $s) {
	stream_set_blocking($s, true);
	if (!str_ends_with(stream_get_contents($s), "hello $i 9300")) die("async $i\n");
}
$no = @stream_socket_client("tcp://$host:9999", $n, $m, 5);
if ($no || $n != 111) die("not refused: $n\n");
echo "good\n";
PHP
# the extension is a module, opened with RTLD_DEEPBIND
cat >"$T/sockets.php" <<'PHP'
<?php
if (!extension_loaded("sockets")) die("none\n");
$s = socket_create(AF_INET, SOCK_STREAM, SOL_TCP);
if (!@socket_connect($s, $argv[1], 9300)) die(socket_strerror(socket_last_error($s)) . "\n");
socket_write($s, "GET /?name=sockets HTTP/1.0\r\n\r\n");
for ($got = ""; ($d = socket_read($s, 4096)) != ""; $got .= $d);
echo str_ends_with($got, "hello sockets 9300") ? "good\n" : "got: $got\n";
PHP
perl_() {
	bg perl "${SRV[@]}" perl "$T/server.pl"
	up 9100 || not_ok "perl, $WHO: listens" "$T/perl.err"
	check "perl, $WHO: TCP, UDP, a refused connection" timeout 15 "${CLI[@]}" perl "$T/client.pl" "$ADDR" "$T/data"
	bg_kill perl
}
ruby_() {
	bg ruby "${SRV[@]}" ruby "$T/server.rb"
	up 9200 || not_ok "ruby, $WHO: listens" "$T/ruby.err"
	check "ruby, $WHO: threads, UDP, non-blocking connect" timeout 15 "${CLI[@]}" ruby "$T/client.rb" "$ADDR" "$T/data"
	bg_kill ruby
}
php_() {
	bg php "${SRV[@]}" env PHP_CLI_SERVER_WORKERS=3 php -S 0.0.0.0:9300 -t "$T/www"
	up 9300 || not_ok "php, $WHO: listens" "$T/php.err"
	check "php, $WHO: its server and its streams" eval \
		'timeout 15 "${CLI[@]}" php "$T/client.php" '"$ADDR"' "$T/data" | tee /dev/stderr | grep -qx good'
	check "php, $WHO: its sockets extension" eval \
		'timeout 15 "${CLI[@]}" php "$T/sockets.php" '"$ADDR"' | tee /dev/stderr | grep -qxE "good|none"'
	bg_kill php
}
both perl_
both ruby_
both php_
