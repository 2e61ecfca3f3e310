#!/bin/bash
# node.sh - node: net, http, dgram and a cluster of workers
# deadline: 60
. "$(dirname "$0")/../lib.sh"
need node
t_begin
kernel_peer tap
cat >"$T/server.js" <<'JS'
const net = require('net'), http = require('http'), dgram = require('dgram'), cluster = require('cluster');
const answer = (req, res) => {
	if (req.method === 'POST') return void req.pipe(res);
	res.end('hello ' + process.pid + '\n');
};
if (cluster.isPrimary) {
	net.createServer({ allowHalfOpen: true }, (c) => c.pipe(c)).listen(9400, '0.0.0.0');
	http.createServer(answer).listen(9401, '0.0.0.0');
	const u = dgram.createSocket('udp4');
	u.on('message', (m, r) => u.send(m, r.port, r.address));
	u.bind(9400);
	// connections handed to the workers by the primary, then sockets shared by them
	let up = 0;
	const note = () => { if (++up === 4) console.log('ready'); };
	for (const policy of [cluster.SCHED_RR, cluster.SCHED_NONE]) {
		cluster.schedulingPolicy = policy;
		for (let i = 0; i < 2; i++)
			cluster.fork({ PORT: policy === cluster.SCHED_RR ? 9402 : 9403 }).on('listening', note);
	}
} else {
	http.createServer(answer).listen(+process.env.PORT, '0.0.0.0');
}
JS
cat >"$T/client.js" <<'JS'
const net = require('net'), http = require('http'), dgram = require('dgram'), assert = require('assert');
const host = process.argv[2], data = require('crypto').randomBytes(1000000);
const echo = () => new Promise((ok, bad) => {
	const c = net.connect({ port: 9400, host, allowHalfOpen: true }, () => c.end(data)), got = [];
	c.on('data', (d) => got.push(d)).on('error', bad);
	c.on('end', () => Buffer.concat(got).equals(data) ? ok() : bad(new Error('echo')));
});
const refused = () => new Promise((ok, bad) => {
	net.connect(9999, host, () => bad(new Error('connected')))
		.on('error', (e) => e.code === 'ECONNREFUSED' ? ok() : bad(e));
});
const request = (port, opt, body) => new Promise((ok, bad) => {
	const r = http.request({ host, port, agent: false, ...opt }, (res) => {
		const got = [];
		res.on('data', (d) => got.push(d)).on('end', () => ok(Buffer.concat(got)));
	}).on('error', bad);
	r.end(body);
});
const udp = () => new Promise((ok, bad) => {
	const u = dgram.createSocket('udp4'), seen = new Set();
	u.on('error', bad).on('message', (m, r) => {
		assert.strictEqual(r.address, host);
		seen.add('' + m);
		if (seen.size === 20) u.close(ok);
	});
	for (let i = 0; i < 20; i++) u.send('' + i, 9400, host);
});
(async () => {
	await Promise.all(Array.from({ length: 10 }, echo));
	await refused();
	await udp();
	const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
	await Promise.all(Array.from({ length: 100 }, () => request(9401, { agent })));
	agent.destroy();
	assert((await request(9401, { method: 'POST' }, data)).equals(data));
	for (const port of [9402, 9403]) {
		const pids = new Set((await Promise.all(Array.from({ length: 30 }, () => request(port, {})))).map(String));
		assert(port === 9402 ? pids.size === 2 : pids.size >= 1, 'workers: ' + pids.size);
	}
	if (typeof fetch === 'function')
		assert((await (await fetch(`http://${host}:9401/`)).text()).startsWith('hello'));
	console.log('good');
})().catch((e) => { console.error(e); process.exit(1); });
JS
all() {
	bg node "${SRV[@]}" node "$T/server.js"
	wait_for 15 has_line "$T/node.out" ready || not_ok "$WHO: the servers start" "$T/node.err"
	check "$WHO: net, dgram, http, cluster, fetch" timeout 20 "${CLI[@]}" node "$T/client.js" "$ADDR" ||
		diag "$(tail -n5 "$T/node.err")"
	bg_kill node
}
both all
