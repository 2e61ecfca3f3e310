/* event.c - poll, select and epoll: level, edge, one-shot, nested, exclusive */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include "diff.h"

/* one event of an epoll, within ms */
static const char *next_event(int ep, int ms)
{
	struct epoll_event e[4];
	int n = epoll_wait(ep, e, 4, ms);

	if (n <= 0)
		return n ? result(n) : "none";
	return n > 1 ? "several" : events_text((int)e[0].events);
}

static int watch(int ep, int op, int fd, unsigned events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(ep, op, fd, &e);
}

#define EVERY (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI)

static void quiet(int ep, const char *what)
{
	saw(what, "%s", next_event(ep, 60));
}

static void level(void)
{
	int ep = epoll_create1(0), near, far;
	char buf[8];

	pair(&near, &far);
	saw_result("add", watch(ep, EPOLL_CTL_ADD, near, EVERY));
	saw_result("add again", watch(ep, EPOLL_CTL_ADD, near, EVERY));
	saw("idle", "%s", next_event(ep, WAIT_MS));
	saw("idle again", "%s", next_event(ep, WAIT_MS));
	saw_result("only in", watch(ep, EPOLL_CTL_MOD, near, EPOLLIN | EPOLLRDHUP));
	quiet(ep, "nothing in");
	saw_result("write", write(far, "12345", 5));
	saw("in", "%s", next_event(ep, WAIT_MS));
	saw_result("read 2", read(near, buf, 2));
	saw("still in", "%s", next_event(ep, WAIT_MS));
	saw_result("read 3", read(near, buf, 3));
	quiet(ep, "empty");
	saw_result("far FIN", shutdown(far, SHUT_WR));
	saw("at FIN", "%s", next_event(ep, WAIT_MS));
	saw_result("near FIN", shutdown(near, SHUT_WR));
	wait_for(near, POLLHUP, 300);
	saw("at both", "%s", next_event(ep, WAIT_MS));
	saw_result("delete", watch(ep, EPOLL_CTL_DEL, near, 0));
	saw_result("delete again", watch(ep, EPOLL_CTL_DEL, near, 0));
	saw_result("modify deleted", watch(ep, EPOLL_CTL_MOD, near, EPOLLIN));
	close(near);
	close(far);
}

static void edge(void)
{
	int ep = epoll_create1(0), near, far;
	char buf[8];

	pair(&near, &far);
	saw_result("add", watch(ep, EPOLL_CTL_ADD, near, EVERY | EPOLLET));
	saw("first", "%s", next_event(ep, WAIT_MS));
	quiet(ep, "no second");
	write(far, "12345", 5);
	saw("data", "%s", next_event(ep, WAIT_MS));
	quiet(ep, "told once");
	saw_result("read 2", read(near, buf, 2));
	quiet(ep, "reading is no event");
	write(far, "678", 3);
	saw("more data", "%s", next_event(ep, WAIT_MS));
	saw_result("read all", recv_all(near, buf, 6));
	write(near, "x", 1);
	quiet(ep, "writing is no event");
	saw_result("modify", watch(ep, EPOLL_CTL_MOD, near, EVERY | EPOLLET));
	saw("armed again", "%s", next_event(ep, WAIT_MS));
	shutdown(far, SHUT_WR);
	saw("FIN", "%s", next_event(ep, WAIT_MS));
	quiet(ep, "FIN once");
	close(near);
	close(far);
}

static void oneshot(void)
{
	int ep = epoll_create1(0), near, far;

	pair(&near, &far);
	watch(ep, EPOLL_CTL_ADD, near, EPOLLIN | EPOLLONESHOT);
	quiet(ep, "nothing");
	write(far, "1", 1);
	saw("data", "%s", next_event(ep, WAIT_MS));
	write(far, "2", 1);
	quiet(ep, "disarmed");
	watch(ep, EPOLL_CTL_MOD, near, EPOLLIN | EPOLLONESHOT);
	saw("armed again", "%s", next_event(ep, WAIT_MS));
	close(near);
	close(far);
}

static void reset_events(unsigned flags)
{
	struct linger l = { 1, 0 };
	int ep = epoll_create1(0), near, far;
	char c;

	pair(&near, &far);
	watch(ep, EPOLL_CTL_ADD, near, EPOLLIN | EPOLLRDHUP | flags);
	quiet(ep, "nothing");
	setsockopt(far, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(far);
	saw("reset", "%s", next_event(ep, WAIT_MS));
	saw_result("recv", recv(near, &c, 1, MSG_DONTWAIT));
	saw_result("recv again", recv(near, &c, 1, MSG_DONTWAIT));
	saw("after", "%s", next_event(ep, 60));
	close(near);
}

static void reset_level(void)
{
	reset_events(0);
}

static void reset_edge(void)
{
	reset_events(EPOLLET);
}

static void connecting(unsigned flags, const char *to, unsigned port)
{
	int ep = epoll_create1(0), fd = tcp();

	nonblock(fd);
	saw_result("add before connect", watch(ep, EPOLL_CTL_ADD, fd, EVERY | flags));
	saw("new", "%s", next_event(ep, 60));
	quiet(ep, "new again");
	saw_result("connect", connect_to(fd, to, port));
	/* while it is not there nothing is told; then everything at once */
	saw("outcome", "%s", next_event(ep, WAIT_MS));
	saw("then", "%s", next_event(ep, 60));
	saw_result("SO_ERROR", so_error(fd));
	saw("after SO_ERROR", "%s", next_event(ep, 60));
	saw("poll", "%s", events_text(poll_now(fd)));
	close(fd);
}

static void connect_edge(void)
{
	connecting(EPOLLET, site->peer, PEER_PORT);
}

static void refused_edge(void)
{
	connecting(EPOLLET, site->peer, 9);
}

static void refused_level(void)
{
	connecting(0, site->peer, 9);
}

/* a new attempt on the descriptor after a refused one, still registered */
static void again(void)
{
	int ep = epoll_create1(0), fd = tcp();

	nonblock(fd);
	connect_to(fd, site->peer, 9);
	watch(ep, EPOLL_CTL_ADD, fd, EVERY);
	saw("refused", "%s", next_event(ep, WAIT_MS));
	saw_result("SO_ERROR", so_error(fd));
	saw_result("connect again", connect_to(fd, site->peer, PEER_PORT));
	wait_for(fd, POLLOUT, WAIT_MS);
	saw("connected", "%s", next_event(ep, WAIT_MS));
	saw_result("modify", watch(ep, EPOLL_CTL_MOD, fd, EVERY));
	saw_result("SO_ERROR then", so_error(fd));
	saw_result("send", send(fd, "echo\nhello", 10, MSG_NOSIGNAL));
	wait_for(fd, POLLIN, WAIT_MS);
	saw("echo", "%s", next_event(ep, WAIT_MS));
	saw_result("delete", watch(ep, EPOLL_CTL_DEL, fd, 0));
	close(fd);
}

static void again_blocking(void)
{
	int fd = tcp();
	char buf[8];

	for (int i = 0; i < 3; i++)
		saw_result("refused", connect_to(fd, site->peer, 9));
	saw("poll", "%s", events_text(poll_now(fd)));
	saw_result("connect", connect_to(fd, site->peer, PEER_PORT));
	saw_result("connect again", connect_to(fd, site->peer, PEER_PORT));
	saw_result("send", send(fd, "echo\nhello", 10, 0));
	saw_result("recv", recv_all(fd, buf, 5));
	close(fd);
}

/* options and the bound port survive a refused attempt */
static void again_keeps(void)
{
	int fd = tcp();

	saw_result("bind", bind_to(fd, site->own, test_port(0)));
	set_int(fd, IPPROTO_TCP, 1, 1);		/* TCP_NODELAY */
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	saw_result("refused", connect_to(fd, site->peer, 9));
	saw_result("connect", connect_to(fd, site->peer, PEER_PORT));
	saw("port kept", "%d", port_of(fd) == test_port(0));
	saw("TCP_NODELAY", "%d", get_int(fd, IPPROTO_TCP, 1));
	saw("SO_KEEPALIVE", "%d", get_int(fd, SOL_SOCKET, SO_KEEPALIVE));
	close(fd);
}

static void listener_events(void)
{
	int ep = epoll_create1(0), edge_ep = epoll_create1(0), l = listener(), a, b;

	nonblock(l);
	watch(ep, EPOLL_CTL_ADD, l, EVERY);
	watch(edge_ep, EPOLL_CTL_ADD, l, EVERY | EPOLLET | EPOLLEXCLUSIVE);
	watch(edge_ep, EPOLL_CTL_ADD, l, EPOLLIN | EPOLLET);
	quiet(ep, "nothing");
	a = tcp();
	connect_to(a, site->own, port_of(l));
	saw("pending", "%s", next_event(ep, WAIT_MS));
	saw("edge", "%s", next_event(edge_ep, WAIT_MS));
	quiet(edge_ep, "edge once");
	b = tcp();
	connect_to(b, site->own, port_of(l));
	saw("edge again", "%s", next_event(edge_ep, WAIT_MS));
	saw("accept", "%d", accept(l, NULL, NULL) >= 0);
	saw("level still", "%s", next_event(ep, WAIT_MS));
	saw("accept", "%d", accept(l, NULL, NULL) >= 0);
	quiet(ep, "none left");
	saw_result("accept", accept(l, NULL, NULL));
	shutdown(l, SHUT_RD);
	saw("shut down", "%s", next_event(ep, 100));
	close(a);
	close(b);
	close(l);
}

static void nested(void)
{
	int inner = epoll_create1(0), outer = epoll_create1(0), near, far;

	pair(&near, &far);
	watch(inner, EPOLL_CTL_ADD, near, EPOLLIN);
	watch(outer, EPOLL_CTL_ADD, inner, EPOLLIN);
	quiet(outer, "nothing");
	write(far, "1", 1);
	saw("outer", "%s", next_event(outer, WAIT_MS));
	saw("inner", "%s", next_event(inner, WAIT_MS));
	close(near);
	quiet(outer, "closed");
	close(far);
}

static void new_socket(void)
{
	int fd = tcp(), l = listener(), u = udp(), ep = epoll_create1(0);

	saw("new TCP", "%s", events_text(poll_now(fd)));
	saw("listener", "%s", events_text(poll_now(l)));
	saw("UDP", "%s", events_text(poll_now(u)));
	saw_result("epoll on a file", watch(ep, EPOLL_CTL_ADD, open("/dev/null", O_RDWR), EPOLLIN));
	saw_result("epoll events 0", watch(ep, EPOLL_CTL_ADD, fd, 0));
	saw("told", "%s", next_event(ep, 60));
	bind_to(fd, site->own, 0);
	saw("bound TCP", "%s", events_text(poll_now(fd)));
	close(fd);
	quiet(ep, "closed");
	close(l);
	close(u);
}

static void selects(void)
{
	struct timeval tv = { 0, 0 };
	int near, far, u = udp();
	fd_set r, w, x;

	pair(&near, &far);
	for (int i = 0; i < 3; i++) {
		FD_ZERO(&r);
		FD_ZERO(&w);
		FD_ZERO(&x);
		FD_SET(near, &r);
		FD_SET(near, &w);
		FD_SET(near, &x);
		FD_SET(u, &r);
		FD_SET(u, &w);
		saw_result("select", select(u > near ? u + 1 : near + 1, &r, &w, &x, &tv));
		saw("sets", "%d %d %d %d %d", !!FD_ISSET(near, &r), !!FD_ISSET(near, &w),
		    !!FD_ISSET(near, &x), !!FD_ISSET(u, &r), !!FD_ISSET(u, &w));
		if (i == 0)
			write(far, "1", 1);
		else
			close(far);
		wait_for(near, i ? POLLRDHUP : POLLIN, WAIT_MS);
	}
	close(near);
	close(u);
}

/* a full connection is not writable until enough of it was read */
static void full(void)
{
	static char buf[65536];
	int near, far;
	long total = 0, n;

	pair(&near, &far);
	nonblock(near);
	do {
		while ((n = write(near, buf, sizeof(buf))) > 0)
			total += n;
	} while (wait_for(near, POLLOUT, 300) & POLLOUT);
	saw_result("write", n);
	saw("much", "%d", total > 100000);
	saw("poll", "%s", events_text(poll_now(near)));
	n = send(near, buf, 1, 0);
	saw_result("send", n);
	total += n > 0 ? n : 0;
	n = send(near, buf, 1, MSG_DONTWAIT);
	saw_result("DONTWAIT", n);
	total += n > 0 ? n : 0;
	while (total > 0 && wait_for(far, POLLIN, WAIT_MS)) {
		n = read(far, buf, sizeof(buf));
		if (n <= 0)
			break;
		total -= n;
	}
	saw("missing", "%ld", total);
	saw("poll then", "%s", events_text(wait_for(near, POLLOUT, WAIT_MS)));
	close(near);
	close(far);
}

static void udp_events(void)
{
	int ep = epoll_create1(0), fd = udp();
	char buf[8];

	connect_to(fd, site->peer, PEER_PORT);
	watch(ep, EPOLL_CTL_ADD, fd, EVERY | EPOLLET);
	saw("first", "%s", next_event(ep, WAIT_MS));
	quiet(ep, "once");
	watch(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET);
	quiet(ep, "nothing in");
	send(fd, "1", 1, 0);
	saw("echo", "%s", next_event(ep, WAIT_MS));
	quiet(ep, "once");
	saw_result("recv", recv(fd, buf, 8, MSG_DONTWAIT));
	send(fd, "2", 1, 0);
	saw("echo 2", "%s", next_event(ep, WAIT_MS));
	close(fd);
}

const struct scenario event_scenarios[] = {
	{ "level", level, ON_LO | ON_MAP4 }, { "edge", edge, ON_LO4 },
	{ "oneshot", oneshot, ON_LO4 }, { "reset", reset_level, ON_LO4 },
	{ "reset edge", reset_edge, ON_LO4 }, { "connect edge", connect_edge, ON_NET },
	{ "refused edge", refused_edge, ON_NET }, { "refused level", refused_level, ON_NET4 },
	{ "again", again, ON_LO | ON_NET }, { "again, blocking", again_blocking, ON_LO | ON_NET },
	{ "again, kept", again_keeps, ON_LO4 | ON_NET4 },
	{ "listener", listener_events, ON_LO }, { "nested", nested, ON_LO4 },
	{ "new", new_socket, ON_LO }, { "select", selects, ON_LO4 },
	{ "full", full, ON_LO }, { "UDP edge", udp_events, ON_LO4 | ON_NET4 },
	{ 0 },
};
