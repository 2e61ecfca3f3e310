# shellcheck shell=bash
# python.sh - python's own tests of its socket, select, ssl, asyncio and server
# modules, a module at a time, as an ordinary user (Debian's libpython3.11-testsuite)
suite_user=nobody
suite_limit=200

suite_prepare() { /usr/bin/python3 -c 'import test.test_socket'; }
suite_cases() {
	printf 'test_%s\n' socket socketserver asyncore asynchat select selectors poll epoll \
		httplib httpservers urllib2_localnet ftplib smtplib poplib imaplib telnetlib nntplib \
		xmlrpc docxmlrpc wsgiref ssl fcntl ioctl signal \
		asyncio.test_{events,selector_events,base_events,sendfile,server,sock_lowlevel} \
		asyncio.test_{ssl,sslproto,streams,unix_events,buffered_proto,subprocess}
}
# "network" means hosts of the Internet for all but test_socketserver
suite_case() {
	local use=all,-urlfetch,-cpu,-largefile
	[ "$1" = test_socketserver ] || use+=,-network
	"${RUN[@]}" /usr/bin/python3 -m test -v -u "$use" "$1"
}
# test_x (test.module.Class.test_x) ... ok, perhaps with other output in between
suite_tests() {
	awk '/^test[^ ]* \(test\./ { id = $2; gsub(/[()]/, "", id) }
	     id && /(^| )ok$/ { print id }
	     id && /((^| )ok|ERROR|FAIL|skipped.*)$/ { id = "" }' "$1"
}
