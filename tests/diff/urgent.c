/* urgent.c - urgent data of TCP: MSG_OOB, SIOCATMARK, SO_OOBINLINE, POLLPRI, SIGURG */
#include <err.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/uio.h>
#include "diff.h"

/* what one recv(2) gives, and whether the stream stands at the mark afterwards */
static void take(int fd, const char *what, size_t len, int flags)
{
	char buf[64] = "";
	struct iovec v = { buf, len };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	ssize_t n = recvmsg(fd, &m, flags | MSG_DONTWAIT);
	int mark = -1;

	if (n < 0) {
		saw_result(what, n);
		return;
	}
	ioctl(fd, SIOCATMARK, &mark);
	saw(what, "%zd \"%.*s\"%s%s, mark %d", n, (int)sizeof(buf), buf,
	    m.msg_flags & MSG_OOB ? " OOB" : "", m.msg_flags & MSG_TRUNC ? " TRUNC" : "", mark);
}

/* until everything that @fd's peer is to send has come: its end says so */
static int from_peer(const char *command, bool in_line)
{
	int fd = tcp();

	set_int(fd, SOL_SOCKET, SO_OOBINLINE, in_line);
	if (connect_to(fd, site->peer, PEER_PORT) < 0)
		err(2, "connect to the peer");
	if (dprintf(fd, "%s\n", command) < 0)
		err(2, "write to the peer");
	if (!(wait_for(fd, POLLRDHUP, WAIT_MS) & POLLRDHUP))
		errx(2, "the peer's end does not come");
	return fd;
}

/* the peer: "abc", an urgent "u", "def", the end */
static void unread(void)
{
	int fd = from_peer("urge abc!u def", false);

	saw("poll", "%s", events_text(poll_now(fd)));
	take(fd, "recv PEEK", 16, MSG_PEEK);
	take(fd, "recv", 16, 0);
	saw("poll at the mark", "%s", events_text(poll_now(fd)));
	take(fd, "OOB PEEK", 1, MSG_OOB | MSG_PEEK);
	take(fd, "recv beyond", 16, 0);
	saw("poll beyond", "%s", events_text(poll_now(fd)));
	take(fd, "OOB beyond", 1, MSG_OOB);
	take(fd, "the end", 16, 0);
	close(fd);
}

static void taken(void)
{
	int fd = from_peer("urge abc!u def", false);

	take(fd, "OOB", 16, MSG_OOB);
	take(fd, "OOB again", 1, MSG_OOB);
	saw("poll", "%s", events_text(poll_now(fd)));
	take(fd, "recv", 16, 0);
	take(fd, "recv beyond", 16, 0);
	take(fd, "the end", 16, 0);
	close(fd);
}

static void in_line(void)
{
	int fd = from_peer("urge abc!u def", true);

	saw("poll", "%s", events_text(poll_now(fd)));
	take(fd, "OOB", 1, MSG_OOB);
	take(fd, "recv", 16, 0);
	take(fd, "recv at the mark", 16, 0);
	saw("poll beyond", "%s", events_text(poll_now(fd)));
	close(fd);
}

static void in_line_late(void)
{
	int fd = from_peer("urge abc!u def", false);

	saw("OOBINLINE", "%d", get_int(fd, SOL_SOCKET, SO_OOBINLINE));
	saw_result("set OOBINLINE", set_int(fd, SOL_SOCKET, SO_OOBINLINE, 7));
	saw("OOBINLINE", "%d", get_int(fd, SOL_SOCKET, SO_OOBINLINE));
	take(fd, "recv", 16, 0);
	take(fd, "recv at the mark", 16, 0);
	close(fd);
}

/* a second one before the first was read: that becomes ordinary */
static void two(void)
{
	int fd = from_peer("urge abc!u def!v ghi", false);

	take(fd, "recv", 16, 0);
	take(fd, "OOB", 1, MSG_OOB);
	take(fd, "recv beyond", 16, 0);
	close(fd);
}

/* many bytes and a mark far behind them */
static void far_off(void)
{
	int fd = ask_peer("urge-big");
	static char buf[65536];
	long n = 0, before = -1;
	int mark = 0;
	ssize_t r;

	while ((r = recv(fd, buf, sizeof(buf), 0)) > 0) {
		n += r;
		if (n == URGE_BIG)	/* or the next one might pass over it */
			wait_for(fd, POLLPRI, WAIT_MS);
		ioctl(fd, SIOCATMARK, &mark);
		if (mark) {
			before = n;
			take(fd, "OOB", 1, MSG_OOB);
		}
	}
	saw("before the mark", "%ld of %ld", before, n);
	close(fd);
}

static void odd_calls(void)
{
	char b;
	int fd = from_peer("urge abc!u def", false);
	struct iovec v[3] = { { NULL, 0 }, { &b, 1 }, { NULL, 0 } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 3 };

	take(fd, "OOB PEEK 0", 0, MSG_OOB | MSG_PEEK);
	saw_result("OOB PEEK vector", recvmsg(fd, &m, MSG_OOB | MSG_PEEK));
	saw("byte", "%c", b);
	take(fd, "OOB ERRQUEUE", 1, MSG_OOB | MSG_ERRQUEUE);
	take(fd, "OOB TRUNC", 1, MSG_OOB | MSG_TRUNC);
	take(fd, "OOB", 1, MSG_OOB);
	close(fd);
	fd = tcp();
	saw_result("new: send", send(fd, "u", 1, MSG_OOB | MSG_NOSIGNAL));
	take(fd, "new: OOB", 1, MSG_OOB);
	close(fd);
	fd = listener();
	take(fd, "listener: OOB", 1, MSG_OOB);
	close(fd);
	fd = ask_peer("sink");
	saw_result("send nothing", send(fd, "", 0, MSG_OOB));
	shutdown(fd, SHUT_WR);
	saw_result("send after the end", send(fd, "u", 1, MSG_OOB | MSG_NOSIGNAL));
	saw_result("send after the end, signal", send(fd, "u", 1, MSG_OOB));
	close(fd);
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	signals++;
}

/* who waits for the byte alone is told, by each means */
static void told(void)
{
	struct epoll_event ev = { .events = EPOLLPRI | EPOLLET };
	int near, far, ep = epoll_create1(0);
	struct timeval tv = { WAIT_MS / 1000, 0 };
	fd_set except;

	signal(SIGURG, on_signal);
	pair(&near, &far);
	saw_result("F_SETOWN", fcntl(near, F_SETOWN, getpid()));
	epoll_ctl(ep, EPOLL_CTL_ADD, near, &ev);
	saw_result("poll before", wait_for(near, POLLPRI, 0));
	saw_result("send", send(far, "u", 1, MSG_OOB));
	saw("poll", "%s", events_text(wait_for(near, POLLPRI, WAIT_MS)));
	for (int i = 0; i < WAIT_MS && !signals; i++)
		poll(NULL, 0, 1);
	saw("SIGURG", "%d", (int)signals);
	saw_result("epoll", epoll_wait(ep, &ev, 1, WAIT_MS));
	saw("events", "%s", events_text((int)ev.events));
	FD_ZERO(&except);
	FD_SET(near, &except);
	saw_result("select", select(near + 1, NULL, NULL, &except, &tv));
	take(near, "OOB", 1, MSG_OOB);
	saw("poll after", "%s", events_text(wait_for(near, POLLPRI, 0)));
	close(near);
	close(far);
	close(ep);
}

/* the byte alone, then what follows it */
static void alone(void)
{
	int near, far;

	pair(&near, &far);
	send(far, "u", 1, MSG_OOB);
	wait_for(near, POLLPRI, WAIT_MS);
	saw("poll", "%s", events_text(poll_now(near)));
	take(near, "OOB", 1, MSG_OOB);
	saw("poll, taken", "%s", events_text(poll_now(near)));
	take(near, "recv", 16, 0);
	send(far, "x", 1, 0);
	wait_for(near, POLLIN, WAIT_MS);
	take(near, "recv", 16, 0);
	send(far, "v", 1, MSG_OOB);
	wait_for(near, POLLPRI, WAIT_MS);
	take(near, "recv", 16, 0);
	take(near, "OOB, passed over", 1, MSG_OOB);
	close(near);
	close(far);
}

/* SO_OOBINLINE of a listener is inherited */
static void inherited(void)
{
	int l = listener(), near = tcp(), far;

	set_int(l, SOL_SOCKET, SO_OOBINLINE, 1);
	if (connect_to(near, site->own, port_of(l)) < 0)
		err(2, "connect");
	far = accept(l, NULL, NULL);
	saw("OOBINLINE", "%d", get_int(far, SOL_SOCKET, SO_OOBINLINE));
	send(near, "u", 1, MSG_OOB);
	wait_for(far, POLLPRI, WAIT_MS);
	take(far, "recv", 16, 0);
	close(l);
	close(near);
	close(far);
}

/* what the peer finds: the bytes between marks, "!" before an urgent one */
static void report(const char *what, int fd)
{
	char text[128];
	long n;

	shutdown(fd, SHUT_WR);
	n = recv_all(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	saw(what, "%s", text);
	close(fd);
}

static void put(int fd, const char *text, int flags)
{
	if (send(fd, text, strlen(text), flags) != (ssize_t)strlen(text))
		err(2, "send");
}

/* the peer does not look before the end, for it to find the same each time */
static void sent(void)
{
	int fd = ask_peer("marks");

	put(fd, "abc", 0);
	put(fd, "xyu", MSG_OOB);
	put(fd, "def", 0);
	report("one", fd);
	fd = ask_peer("marks");
	put(fd, "u", MSG_OOB);
	report("alone", fd);
	fd = ask_peer("marks");
	put(fd, "ab", MSG_OOB);
	put(fd, "cd", MSG_OOB);
	put(fd, "ef", 0);
	report("two", fd);
	fd = ask_peer("marks-inline");
	put(fd, "abu", MSG_OOB);
	put(fd, "cd", 0);
	report("inline", fd);
}

static void sent_corked(void)
{
	int fd = ask_peer("urgent-echo");

	set_int(fd, IPPROTO_TCP, 3 /* TCP_CORK */, 1);
	put(fd, "abc", 0);
	put(fd, "u", MSG_OOB);
	saw("poll", "%s", events_text(wait_for(fd, POLLIN, 150) & POLLIN));	/* sooner than the cork's end */
	close(fd);
}

/* megabytes before and behind: the mark is where it belongs */
static void sent_far_off(void)
{
	static char bulk[3000001];
	int fd = ask_peer("marks 3000000");

	memset(bulk, 'a', sizeof(bulk));
	for (size_t done = 0; done < sizeof(bulk) - 1; ) {
		ssize_t n = send(fd, bulk, sizeof(bulk) - 1 - done, 0);

		if (n <= 0)
			err(2, "send");
		done += (size_t)n;
	}
	put(fd, "u", MSG_OOB);
	put(fd, "def", 0);
	report("marks", fd);
}

static void sent_vector(void)
{
	struct iovec v[4] = { { "ab", 2 }, { "", 0 }, { "cu", 2 }, { "", 0 } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 4 };
	int fd = ask_peer("marks");

	saw_result("sendmsg", sendmsg(fd, &m, MSG_OOB));
	put(fd, "d", 0);
	report("marks", fd);
}

const struct scenario urgent_scenarios[] = {
	{ "unread", unread, ON_ALL }, { "taken", taken, ON_ALL },
	{ "inline", in_line, ON_LO4 | ON_NET }, { "inline late", in_line_late, ON_NET4 },
	{ "two", two, ON_LO4 | ON_NET4 }, { "far off", far_off, ON_ALL },
	{ "odd calls", odd_calls, ON_NET4 }, { "told", told, ON_LO }, { "alone", alone, ON_LO },
	{ "inherited", inherited, ON_LO4 }, { "sent", sent, ON_ALL },
	{ "sent corked", sent_corked, ON_LO4 | ON_NET4 },
	{ "sent far off", sent_far_off, ON_LO | ON_NET }, { "sent vector", sent_vector, ON_NET4 },
	{ 0 },
};
