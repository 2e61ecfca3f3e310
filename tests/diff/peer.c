/* peer.c - the far end: carries out a command a connection
 *
 * Theory of operation
 * One process, one thread a connection, at port 7000 of every address.  The
 * first line a client sends says what this end is to do:
 *	hold		keep the connection, read nothing
 *	echo		send back what comes, until the end
 *	sink		read all and throw it away
 *	fin		end its own direction at once, keep reading
 *	hello-fin	send "hello", then the same
 *	rst		reset
 *	hello-rst	send "hello", then reset
 *	late		at the client's FIN send "late", then close
 *	urge TEXT	send it, the byte after each ! urgent, spaces left out; then the same
 *	urge-big	send a megabyte, an urgent byte, a hundred bytes; the end
 *	marks		at the client's FIN tell what came and where the marks were;
 *	marks N		the same, where the first mark is behind N bytes;
 *	marks-inline	with SO_OOBINLINE
 *	urgent-echo	send back each urgent byte
 *	dial PORT	connect to the client's PORT and send "dialled" there
 *	dial-rst PORT	connect there and reset
 * A connection that its client gave up is kept for a while where the
 * command says so: the client is looking at its own half-closed end.
 * UDP and UDP-Lite port 7000 send back what they get, UDP-Lite with 12 bytes covered.
 */
#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <linux/sockios.h>
#include "diff.h"

#define KEEP_MS	1500

static void reset(int fd)
{
	struct linger l = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(fd);
}

static void nap(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

/* until the client closed, and then for a while; a reset ends it at once */
static void keep(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	if (poll(&p, 1, 10 * KEEP_MS) > 0 && !(p.revents & (POLLERR | POLLHUP)))
		nap(KEEP_MS);
}

static void swallow(int fd, bool echo)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (echo && send(fd, buf, (size_t)n, MSG_NOSIGNAL) < 0)
			return;
}

static void say(int fd, const char *text)
{
	send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void urge(int fd, const char *text)
{
	for (; *text; text++) {
		bool urgent = *text == '!';

		text += urgent;
		if (urgent || *text != ' ')
			send(fd, text, 1, urgent ? MSG_OOB : MSG_NOSIGNAL);
	}
	shutdown(fd, SHUT_WR);
	keep(fd);
}

static void urge_big(int fd)
{
	static char big[URGE_BIG];

	send(fd, big, sizeof(big), MSG_NOSIGNAL);
	send(fd, "u", 1, MSG_OOB | MSG_NOSIGNAL);
	send(fd, big, 100, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	keep(fd);
}

/* at a mark: which byte is urgent; with SO_OOBINLINE it is the next one */
static size_t mark_text(int fd, bool in_line, char *to)
{
	if (in_line) {
		*to = '|';
		return 1;
	}
	to[0] = '!';
	to[1] = '?';
	wait_for(fd, POLLPRI, KEEP_MS);
	recv(fd, to + 1, 1, MSG_OOB);
	return 2;
}

/* all that came, and the marks in it; a long piece as its length.  At @known bytes, if
 * not 0, a mark is waited for: a read that begins there before it came would pass over it */
static void marks(int fd, bool in_line, size_t known)
{
	static const size_t shown = 16;
	char buf[4096], text[256];
	size_t len = 0, start = 0, piece = 0;
	int mark, one = in_line;
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
	wait_for(fd, POLLRDHUP, 300);	/* more than the window holds has to be read first */
	do {
		mark = 0;
		if (known && piece == known)
			wait_for(fd, POLLPRI, KEEP_MS);
		ioctl(fd, SIOCATMARK, &mark);
		if (mark) {
			len += mark_text(fd, in_line, text + len);
			start = len;
			piece = 0;
		}
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			break;
		if (piece + (size_t)n <= shown)
			memcpy(text + start + piece, buf, (size_t)n);
		piece += (size_t)n;
		len = start + piece;
		if (piece > shown)
			len = start + (size_t)sprintf(text + start, "(%zu)", piece);
	} while (len < sizeof(text) - 2 * shown);
	send(fd, text, len, MSG_NOSIGNAL);
}

static void urgent_echo(int fd)
{
	char c;

	while (wait_for(fd, POLLPRI | POLLRDHUP, 2 * KEEP_MS) & POLLPRI &&
	       recv(fd, &c, 1, MSG_OOB) == 1)
		send(fd, &c, 1, MSG_NOSIGNAL);
}

static void dial(int fd, const char *port, bool rst)
{
	union addr a;
	socklen_t len = sizeof(a);
	int to;

	if (getpeername(fd, &a.sa, &len) < 0)
		return;
	a.in.sin_port = htons((uint16_t)atoi(port));
	to = socket(a.sa.sa_family, SOCK_STREAM, 0);
	if (to < 0 || connect(to, &a.sa, len) < 0) {
		say(fd, "no\n");
	} else {
		say(fd, "yes\n");
		if (rst) {
			reset(to);
			return;
		}
		say(to, "dialled");
		keep(fd);
	}
	if (to >= 0)
		close(to);
}

static void carry_out(int fd, const char *cmd)
{
	if (!strcmp(cmd, "echo") || !strcmp(cmd, "sink")) {
		swallow(fd, cmd[0] == 'e');
	} else if (!strcmp(cmd, "fin") || !strcmp(cmd, "hello-fin")) {
		if (cmd[0] == 'h')
			say(fd, "hello");
		shutdown(fd, SHUT_WR);
		swallow(fd, false);
		keep(fd);
	} else if (!strcmp(cmd, "rst") || !strcmp(cmd, "hello-rst")) {
		if (cmd[0] == 'h') {
			say(fd, "hello");
			nap(50);	/* a reset may overtake nothing, but drop it */
		}
		reset(fd);
		return;
	} else if (!strcmp(cmd, "late")) {
		swallow(fd, false);
		say(fd, "late");
	} else if (!strncmp(cmd, "urge ", 5)) {
		urge(fd, cmd + 5);
	} else if (!strcmp(cmd, "urge-big")) {
		urge_big(fd);
	} else if (!strncmp(cmd, "marks", 5)) {
		marks(fd, cmd[5] == '-', strtoul(cmd + 5, NULL, 10));
	} else if (!strcmp(cmd, "urgent-echo")) {
		urgent_echo(fd);
	} else if (!strncmp(cmd, "dial-rst ", 9)) {
		dial(fd, cmd + 9, true);
	} else if (!strncmp(cmd, "dial ", 5)) {
		dial(fd, cmd + 5, false);
	} else {
		keep(fd);
	}
	close(fd);
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char line[64];
	size_t n = 0;

	while (n < sizeof(line) - 1 && read(fd, line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
	carry_out(fd, line);
	return NULL;
}

static void *serve_udp(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char buf[65536];

	for (;;) {
		union addr a;
		socklen_t len = sizeof(a);
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, &a.sa, &len);

		if (n >= 0)
			sendto(fd, buf, (size_t)n, 0, &a.sa, len);
	}
	return NULL;
}

static void spawn(void *(*run)(void *), int fd)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	if (pthread_create(&t, &attr, run, (void *)(intptr_t)fd))
		close(fd);
	pthread_attr_destroy(&attr);
}

/* a socket for both families at the port, each with its own */
static int at_port(int domain, int type, int protocol)
{
	union addr a = { .sa.sa_family = (sa_family_t)domain };
	int fd = socket(domain, type, protocol), one = 1;

	if (fd < 0)
		err(1, "socket");

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (domain == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	a.in.sin_port = htons(PEER_PORT);
	if (bind(fd, &a.sa, domain == AF_INET ? sizeof(a.in) : sizeof(a.in6)) < 0)
		err(1, "bind");
	if (type == SOCK_STREAM && listen(fd, 1000) < 0)
		err(1, "listen");
	return fd;
}

static void *accept_all(void *arg)
{
	int l = (int)(intptr_t)arg;

	for (;;) {
		int fd = accept(l, NULL, NULL);

		if (fd >= 0)
			spawn(serve, fd);
	}
	return NULL;
}

/* peer_main() - The peer program; ends when it is killed */
int peer_main(void)
{
	int lite, covered = 12;

	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 2; i++) {
		spawn(serve_udp, at_port(i ? AF_INET6 : AF_INET, SOCK_DGRAM, IPPROTO_UDP));
		lite = at_port(i ? AF_INET6 : AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);
		setsockopt(lite, IPPROTO_UDPLITE, SEND_CSCOV, &covered, sizeof(covered));
		spawn(serve_udp, lite);
	}
	spawn(accept_all, at_port(AF_INET, SOCK_STREAM, 0));
	puts("ready");
	fflush(stdout);
	accept_all((void *)(intptr_t)at_port(AF_INET6, SOCK_STREAM, 0));
	return 0;
}
