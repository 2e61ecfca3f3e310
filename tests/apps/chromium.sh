#!/bin/bash
# chromium.sh - chromium fetches pages
# deadline: 90
. "$(dirname "$0")/../lib.sh"
need chromium
t_begin
kernel_peer tap
mkdir "$T/www"
cat >"$T/www/index.html" <<'HTML'
<!DOCTYPE html><title>t</title><p id=p>nothing</p>
<script>
Promise.all(Array.from({ length: 20 }, (_, i) => fetch("/data?" + i).then((r) => r.arrayBuffer())))
	.then((all) => { p.textContent = "bytes " + all.reduce((n, b) => n + b.byteLength, 0); },
		(e) => { p.textContent = e; });
</script>
HTML
head -c 100000 /dev/urandom >"$T/www/data"
# chromium's sandbox does not work for root
bg www "${KN[@]}" $PY -m http.server -d "$T/www" 80
wait_for 10 k_listening 80
page() {
	timeout 40 "${US[@]}" env HOME="$T/home" chromium --headless --no-sandbox --disable-gpu --disable-quic \
		--no-first-run --disable-background-networking --disable-component-update --disable-sync \
		--disable-dev-shm-usage --user-data-dir="$T/profile" --virtual-time-budget=20000 \
		--dump-dom http://10.0.0.1/ >"$T/dom" 2>"$T/chromium.err"
	cat "$T/dom"
	tail -n 5 "$T/chromium.err"
	grep -q 'bytes 2000000' "$T/dom"
}
mkdir "$T/home"
check "a page, and 20 more requests of its script" page
