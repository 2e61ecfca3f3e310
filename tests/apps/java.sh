#!/bin/bash
# java.sh - java: Selector, AsynchronousSocketChannel, DatagramChannel, blocking sockets
# deadline: 90
. "$(dirname "$0")/../lib.sh"
need java javac
t_begin
kernel_peer tap
cat >"$T/Net.java" <<'JAVA'
import java.io.*;
import java.net.*;
import java.nio.*;
import java.nio.channels.*;
import java.util.*;
import java.util.concurrent.*;

public class Net {
	static final int SELECTOR = 9500, ASYNC = 9501, BLOCKING = 9502, UDP = 9503;

	// one thread, a Selector, TCP and UDP
	static void selector() throws IOException {
		Selector sel = Selector.open();
		ServerSocketChannel l = ServerSocketChannel.open();
		l.setOption(StandardSocketOptions.SO_REUSEADDR, true);
		l.bind(new InetSocketAddress(SELECTOR), 64).configureBlocking(false);
		l.register(sel, SelectionKey.OP_ACCEPT);
		DatagramChannel u = DatagramChannel.open();
		u.bind(new InetSocketAddress(UDP)).configureBlocking(false);
		u.register(sel, SelectionKey.OP_READ);
		ByteBuffer d = ByteBuffer.allocate(2000);
		while (true) {
			sel.select();
			for (Iterator<SelectionKey> i = sel.selectedKeys().iterator(); i.hasNext(); ) {
				SelectionKey k = i.next();
				i.remove();
				if (k.channel() == u) {
					SocketAddress from;
					while ((from = u.receive(d.clear())) != null)
						u.send(d.flip(), from);
				} else if (k.isAcceptable()) {
					SocketChannel c;
					while ((c = l.accept()) != null) {
						c.configureBlocking(false);
						c.setOption(StandardSocketOptions.TCP_NODELAY, true);
						c.register(sel, SelectionKey.OP_READ, ByteBuffer.allocate(65536));
					}
				} else {
					echo(k);
				}
			}
		}
	}

	static void echo(SelectionKey k) throws IOException {
		SocketChannel c = (SocketChannel) k.channel();
		ByteBuffer b = (ByteBuffer) k.attachment();
		int n = c.read(b);
		b.flip();
		c.write(b);
		b.compact();
		if (n < 0 && b.position() == 0)
			c.close();
		else
			k.interestOps((n < 0 ? 0 : SelectionKey.OP_READ) | (b.position() > 0 ? SelectionKey.OP_WRITE : 0));
	}

	static void async() throws IOException {
		AsynchronousServerSocketChannel l = AsynchronousServerSocketChannel.open();
		l.bind(new InetSocketAddress(ASYNC), 64);
		l.accept(null, new CompletionHandler<AsynchronousSocketChannel, Void>() {
			public void completed(AsynchronousSocketChannel c, Void v) {
				l.accept(null, this);
				ByteBuffer b = ByteBuffer.allocate(65536);
				c.read(b, true, new CompletionHandler<Integer, Boolean>() {
					public void completed(Integer n, Boolean read) {
						if (read && n < 0) {
							try { c.close(); } catch (IOException e) { }
							return;
						}
						if (read) b.flip();
						if (b.hasRemaining()) c.write(b, false, this);
						else c.read(b.clear(), true, this);
					}
					public void failed(Throwable t, Boolean read) { t.printStackTrace(); }
				});
			}
			public void failed(Throwable t, Void v) { t.printStackTrace(); }
		});
	}

	static void blocking() throws IOException {
		ServerSocket l = new ServerSocket(BLOCKING, 64);
		while (true) {
			Socket s = l.accept();
			new Thread(() -> {
				try (s) { s.getInputStream().transferTo(s.getOutputStream()); }
				catch (IOException e) { e.printStackTrace(); }
			}).start();
		}
	}

	static Thread start(Callable<Void> c) {
		Thread t = new Thread(() -> { try { c.call(); } catch (Exception e) { e.printStackTrace(); System.exit(1); } });
		t.start();
		return t;
	}

	static void same(byte[] want, byte[] got, String what) {
		if (!Arrays.equals(want, got))
			throw new AssertionError(what + ": " + got.length + " bytes");
	}

	static void client(String host) throws Exception {
		byte[] data = new byte[500000];
		new Random(1).nextBytes(data);
		List<Thread> ts = new ArrayList<>();
		for (int port : new int[] { SELECTOR, ASYNC, BLOCKING })
			for (int i = 0; i < 5; i++)
				ts.add(start(() -> {
					try (Socket s = new Socket()) {
						s.connect(new InetSocketAddress(host, port), 5000);
						s.setSoTimeout(10000);
						Thread w = start(() -> { s.getOutputStream().write(data); s.shutdownOutput(); return null; });
						same(data, s.getInputStream().readAllBytes(), "socket");
						w.join();
					}
					return null;
				}));
		for (Thread t : ts) t.join();

		AsynchronousSocketChannel a = AsynchronousSocketChannel.open();
		a.connect(new InetSocketAddress(host, SELECTOR)).get(5, TimeUnit.SECONDS);
		ByteBuffer b = ByteBuffer.wrap(data, 0, 10000);
		while (b.hasRemaining()) a.write(b).get(5, TimeUnit.SECONDS);
		b.clear().limit(10000);
		while (b.hasRemaining()) a.read(b).get(5, TimeUnit.SECONDS);
		a.close();

		// a non-blocking connection by a Selector, to a port and to none
		for (int port : new int[] { BLOCKING, 9999 }) {
			SocketChannel c = SocketChannel.open();
			c.configureBlocking(false);
			Selector sel = Selector.open();
			boolean refused = false;
			try {
				if (!c.connect(new InetSocketAddress(host, port))) {
					c.register(sel, SelectionKey.OP_CONNECT);
					if (sel.select(5000) != 1) throw new AssertionError("no event");
					c.finishConnect();
				}
			} catch (ConnectException e) {
				refused = true;
			}
			if (refused != (port == 9999)) throw new AssertionError("refused: " + refused);
			c.close();
		}

		DatagramSocket u = new DatagramSocket();
		u.setSoTimeout(5000);
		DatagramPacket in = new DatagramPacket(new byte[2000], 2000);
		u.send(new DatagramPacket(data, 1000, InetAddress.getByName(host), UDP));
		u.receive(in);
		if (in.getLength() != 1000 || in.getPort() != UDP || !in.getAddress().getHostAddress().equals(host))
			throw new AssertionError("datagram from " + in.getSocketAddress());
		// a read is ended by a time-out, an accept by close
		u.setSoTimeout(100);
		try { u.receive(in); throw new AssertionError("received"); } catch (SocketTimeoutException e) { }
		ServerSocket l = new ServerSocket(0);
		Thread t = new Thread(() -> { try { l.accept(); System.exit(1); } catch (SocketException e) { } catch (IOException e) { System.exit(1); } });
		t.start();
		while (t.getState() == Thread.State.NEW) Thread.yield();
		l.close();
		t.join(5000);
		if (t.isAlive()) throw new AssertionError("accept() sleeps on after close()");
		for (NetworkInterface n : Collections.list(NetworkInterface.getNetworkInterfaces()))
			System.out.println(n.getName() + " " + n.isUp() + " " + n.getMTU() + " " + n.getInterfaceAddresses());
		System.out.println("good");
		System.exit(0);
	}

	public static void main(String[] arg) throws Exception {
		if (arg.length > 0) { client(arg[0]); return; }
		start(() -> { selector(); return null; });
		async();
		start(() -> { blocking(); return null; });
	}
}
JAVA
check "compiles" timeout 40 javac -J-XX:TieredStopAtLevel=1 -J-Xshare:auto -d "$T" "$T/Net.java" || exit 1
JAVA=(java -XX:TieredStopAtLevel=1 -XX:-UsePerfData -cp "$T" Net)
all() {
	bg java "${SRV[@]}" "${JAVA[@]}"
	up 9500 20 && up 9501 && up 9502 || not_ok "$WHO: listens" "$T/java.err"
	check "$WHO: sockets of every kind" timeout 30 "${CLI[@]}" "${JAVA[@]}" "$ADDR" ||
		diag "$(tail -n5 "$T/java.err")"
	bg_kill java
}
both all
