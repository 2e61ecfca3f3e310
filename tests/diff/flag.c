/* flag.c - MSG_* flags, scatter and gather, half-close orders, linger, on TCP */
#include <err.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include "diff.h"

static void show(const char *what, long n, const char *buf)
{
	if (n < 0)
		saw_result(what, n);
	else
		saw(what, "%ld \"%.*s\"", n, (int)n, buf);
}

static void put(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
		err(2, "send");
}

/* until so many bytes are there to be read */
static void queued(int fd, int want)
{
	int n = 0;

	for (int i = 0; i < WAIT_MS && n < want; i++) {
		if (ioctl(fd, FIONREAD, &n) < 0)
			err(2, "FIONREAD");
		if (n < want)
			poll(NULL, 0, 1);
	}
}

static void peek(void)
{
	char buf[16];
	int near, far;

	pair(&near, &far);
	put(far, "abcdef");
	queued(near, 6);
	show("peek 3", recv(near, buf, 3, MSG_PEEK), buf);
	show("peek 16", recv(near, buf, 16, MSG_PEEK), buf);
	show("read 2", recv(near, buf, 2, 0), buf);
	show("peek", recv(near, buf, 16, MSG_PEEK | MSG_DONTWAIT), buf);
	show("read", recv(near, buf, 16, 0), buf);
	show("peek nothing", recv(near, buf, 16, MSG_PEEK | MSG_DONTWAIT), buf);
	close(far);
	wait_for(near, POLLRDHUP, WAIT_MS);
	show("peek the end", recv(near, buf, 16, MSG_PEEK), buf);
	show("the end", recv(near, buf, 16, 0), buf);
	close(near);
}

static void peek_offset(void)
{
	char buf[16];
	int near, far;

	pair(&near, &far);
	saw_result("set", set_int(near, SOL_SOCKET, SO_PEEK_OFF, 1));
	if (errno == EOPNOTSUPP)
		exit(0);		/* TCP has it since Linux 6.9 */
	put(far, "abcdef");
	queued(near, 6);
	show("peek 2 at 1", recv(near, buf, 2, MSG_PEEK), buf);
	saw("offset", "%d", get_int(near, SOL_SOCKET, SO_PEEK_OFF));
	show("peek on", recv(near, buf, 2, MSG_PEEK), buf);
	show("read 2", recv(near, buf, 2, 0), buf);
	saw("offset", "%d", get_int(near, SOL_SOCKET, SO_PEEK_OFF));
	show("peek on", recv(near, buf, 16, MSG_PEEK), buf);
	show("peek nothing", recv(near, buf, 16, MSG_PEEK | MSG_DONTWAIT), buf);
	set_int(near, SOL_SOCKET, SO_PEEK_OFF, -1);
	show("peek", recv(near, buf, 16, MSG_PEEK), buf);
	show("read", recv(near, buf, 16, 0), buf);
	close(near);
	close(far);
}

static void inq(const char *what, int fd, size_t len, size_t room, int flags)
{
	char buf[16], control[64];
	struct iovec v = { buf, len };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = control, .msg_controllen = room };
	ssize_t n = recvmsg(fd, &m, flags);
	const struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int left = -1;

	if (n < 0) {
		saw_result(what, n);
		return;
	}
	if (c && c->cmsg_level == IPPROTO_TCP && c->cmsg_type == TCP_CM_INQ &&
	    c->cmsg_len >= CMSG_LEN(sizeof(left)))
		memcpy(&left, CMSG_DATA(c), sizeof(left));
	saw(what, "%zd, %d left, %zu%s", n, left, m.msg_controllen,
	    m.msg_flags & MSG_CTRUNC ? " CTRUNC" : "");
}

static void inquiry(void)
{
	int near, far;

	pair(&near, &far);
	put(far, "abcdef");
	queued(near, 6);
	inq("not asked for", near, 1, 64, 0);
	for (int i = 0; i < 2; i++) {
		int fd = i ? far : near, other = i ? near : far;

		saw_result("INQ", set_int(fd, IPPROTO_TCP, TCP_INQ, 1));
		saw("is", "%d", get_int(fd, IPPROTO_TCP, TCP_INQ));
		put(other, "ghi");
		queued(fd, i ? 3 : 8);
		inq("peek", fd, 1, 64, MSG_PEEK);
		inq("read 1", fd, 1, 64, 0);
		inq("no room", fd, 1, 0, 0);
		inq("little room", fd, 1, 18, 0);
		inq("the rest", fd, 16, 64, MSG_DONTWAIT);
		inq("nothing", fd, 1, 64, MSG_DONTWAIT);
	}
	put(far, "end");
	shutdown(far, SHUT_WR);
	wait_for(near, POLLRDHUP, WAIT_MS);
	inq("read", near, 1, 64, 0);
	inq("before the end", near, 2, 64, 0);
	inq("the end", near, 2, 64, 0);
	saw_result("off", set_int(near, IPPROTO_TCP, TCP_INQ, 0));
	inq("the end", near, 2, 64, 0);
	close(near);
	close(far);
}

static void trunc_(void)
{
	char buf[16] = "untouched";
	int near, far;

	pair(&near, &far);
	put(far, "abcdefghij");
	queued(near, 10);
	saw_result("TRUNC 3", recv(near, buf, 3, MSG_TRUNC));
	saw("buffer", "%.9s", buf);
	saw_result("TRUNC NULL 2", recv(near, NULL, 2, MSG_TRUNC));
	saw_result("TRUNC PEEK 3", recv(near, buf, 3, MSG_TRUNC | MSG_PEEK));
	show("rest", recv(near, buf, 16, 0), buf);
	saw_result("TRUNC DONTWAIT", recv(near, buf, 3, MSG_TRUNC | MSG_DONTWAIT));
	close(near);
	close(far);
}

static void waitall(void)
{
	struct timeval tv = { 0, 200000 };
	char buf[16];
	int near, far;

	pair(&near, &far);
	put(far, "abc");
	setsockopt(near, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	show("WAITALL at the time-out", recv(near, buf, 6, MSG_WAITALL), buf);
	put(far, "defghi");
	show("WAITALL 6", recv(near, buf, 6, MSG_WAITALL), buf);
	put(far, "xy");
	queued(near, 2);
	show("WAITALL PEEK", recv(near, buf, 6, MSG_WAITALL | MSG_PEEK), buf);
	show("WAITALL DONTWAIT", recv(near, buf, 6, MSG_WAITALL | MSG_DONTWAIT), buf);
	put(far, "end");
	close(far);
	show("WAITALL at the end", recv(near, buf, 6, MSG_WAITALL), buf);
	close(near);
}

static void oob(void)
{
	char c = 0;
	int near, far, v = -1;

	pair(&near, &far);
	saw_result("send OOB", send(far, "u", 1, MSG_OOB));
	saw("poll", "%s", events_text(wait_for(near, POLLPRI, 200)));
	saw_result("SIOCATMARK", ioctl(near, 0x8905, &v));
	saw_result("recv OOB", recv(near, &c, 1, MSG_OOB));
	saw_result("OOBINLINE", set_int(near, SOL_SOCKET, SO_OOBINLINE, 1));
	saw_result("recv OOB inline", recv(near, &c, 1, MSG_OOB));
	close(near);
	close(far);
}

/* a record's worth of calls that name what TCP ignores or refuses */
static void odd_flags(void)
{
	static const struct {
		const char *name;
		int flag;
	} flags[] = {
		{ "DONTROUTE", MSG_DONTROUTE }, { "EOR", MSG_EOR }, { "CONFIRM", MSG_CONFIRM },
		{ "PROXY", 0x10 }, { "CTRUNC", MSG_CTRUNC }, { "SYN", MSG_SYN }, { "RST", MSG_RST },
		{ "ERRQUEUE", MSG_ERRQUEUE }, { "ZEROCOPY", MSG_ZEROCOPY },
		{ "CMSG_CLOEXEC", MSG_CMSG_CLOEXEC },
	};
	char buf[16], what[40];
	int near, far;

	pair(&near, &far);
	nonblock(near);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		snprintf(what, sizeof(what), "send %s", flags[i].name);
		saw_result(what, send(near, "x", 1, flags[i].flag));
		put(far, "y");
		queued(near, 1);
		snprintf(what, sizeof(what), "recv %s", flags[i].name);
		saw_result(what, recv(near, buf, 1, flags[i].flag));
		while (recv(near, buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
	}
	close(near);
	close(far);
}

static void cork(void)
{
	char buf[16];
	int near, far;

	pair(&near, &far);
	send(near, "ab", 2, MSG_MORE);
	saw("MORE", "%s", events_text(wait_for(far, POLLIN, 80)));
	send(near, "cd", 2, 0);
	wait_for(far, POLLIN, WAIT_MS);
	show("both", recv_all(far, buf, 4), buf);
	saw_result("CORK", set_int(near, IPPROTO_TCP, TCP_CORK, 1));
	write(near, "ef", 2);
	saw("corked", "%s", events_text(wait_for(far, POLLIN, 80)));
	saw_result("uncork", set_int(near, IPPROTO_TCP, TCP_CORK, 0));
	show("uncorked", recv_all(far, buf, 2), buf);
	set_int(near, IPPROTO_TCP, TCP_CORK, 1);
	write(near, "gh", 2);
	show("after 200 ms by itself", recv_all(far, buf, 2), buf);
	write(near, "ij", 2);
	close(near);
	show("at close", recv_all(far, buf, 2), buf);
	saw("end", "%ld", (long)(wait_for(far, POLLIN, WAIT_MS), recv(far, buf, 1, MSG_DONTWAIT)));
	close(far);
}

static void vectors(void)
{
	struct iovec out[3] = { { (void *)"ab", 2 }, { NULL, 0 }, { (void *)"cde", 3 } };
	char x[1], y[2], z[9];
	struct iovec in[3] = { { x, 1 }, { y, 2 }, { z, 9 } };
	struct msghdr m = { .msg_iov = in, .msg_iovlen = 3 };
	int near, far;

	pair(&near, &far);
	saw_result("writev", writev(near, out, 3));
	queued(far, 5);
	saw_result("recvmsg", recvmsg(far, &m, 0));
	saw("parts", "%.1s %.2s %.2s", x, y, z);
	saw_result("writev 0", writev(near, out, 0));
	saw_result("writev -1", writev(near, out, minus_one));
	saw_result("writev 1025", writev(near, out, 1026 + minus_one));
	saw_result("readv -1", readv(near, in, minus_one));
	m.msg_iovlen = 2000;
	saw_result("recvmsg 2000", recvmsg(far, &m, MSG_DONTWAIT));
	saw_result("sendmsg 2000", sendmsg(far, &m, MSG_DONTWAIT));
	saw_result("sendmsg NULL", sendmsg(far, NULL, 0));
	saw_result("send bad buffer", send(near, bad_pointer, 4, 0));
	write(near, "q", 1);
	queued(far, 1);
	saw_result("recv bad buffer", recv(far, bad_pointer, 4, 0));
	saw_result("recv then", recv(far, z, 4, MSG_DONTWAIT));
	close(near);
	close(far);
}

static void control_data(void)
{
	union {
		struct cmsghdr h;
		char buf[CMSG_SPACE(sizeof(int))];
	} ctl = { .h = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec v = { (void *)"x", 1 };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl.buf, .msg_controllen = sizeof(ctl.buf),
	};
	int near, far, u = udp();

	pair(&near, &far);
	saw_result("SCM_RIGHTS on TCP", sendmsg(near, &m, 0));
	connect_to(u, site->peer, PEER_PORT);
	saw_result("SCM_RIGHTS on UDP", sendmsg(u, &m, 0));
	ctl.h.cmsg_level = IPPROTO_IP;
	ctl.h.cmsg_type = IP_TTL;
	*(int *)CMSG_DATA(&ctl.h) = 20;
	saw_result("IP_TTL on TCP", sendmsg(near, &m, 0));
	saw_result("IP_TTL on UDP", sendmsg(u, &m, 0));
	*(int *)CMSG_DATA(&ctl.h) = 300;
	saw_result("IP_TTL 300 on UDP", sendmsg(u, &m, 0));
	ctl.h.cmsg_level = 77;
	saw_result("unknown level on UDP", sendmsg(u, &m, 0));
	saw_result("unknown level on TCP", sendmsg(near, &m, 0));
	ctl.h.cmsg_level = SOL_SOCKET;
	ctl.h.cmsg_type = 99;
	saw_result("unknown type on UDP", sendmsg(u, &m, 0));
	saw_result("unknown type on TCP", sendmsg(near, &m, 0));
	ctl.h.cmsg_len = 3;
	saw_result("bad length on UDP", sendmsg(u, &m, 0));
	saw_result("bad length on TCP", sendmsg(near, &m, 0));
	close(u);
	close(near);
	close(far);
}

static void half_close(void)
{
	char buf[16];
	int fd = ask_peer("late");

	write(fd, "question", 8);
	saw_result("shutdown WR", shutdown(fd, SHUT_WR));
	show("answer", recv_all(fd, buf, 4), buf);
	saw("end", "%s", events_text(wait_for(fd, POLLIN, WAIT_MS)));
	saw_result("recv", recv(fd, buf, 1, MSG_DONTWAIT));
	wait_for(fd, POLLHUP, WAIT_MS);
	saw("poll", "%s", events_text(poll_now(fd)));
	saw_result("shutdown RD", shutdown(fd, SHUT_RD));
	saw_result("send", send(fd, "x", 1, MSG_NOSIGNAL));
	close(fd);
}

static void half_close_other(void)
{
	char buf[16];
	int near, far;

	pair(&near, &far);
	saw_result("far shutdown WR", shutdown(far, SHUT_WR));
	wait_for(near, POLLRDHUP, WAIT_MS);
	saw_result("near writes", write(near, "still", 5));
	show("far reads", recv_all(far, buf, 5), buf);
	saw_result("near reads", recv(near, buf, 16, 0));
	saw_result("near shutdown RD", shutdown(near, SHUT_RD));
	saw_result("near writes on", write(near, "more", 4));
	show("far reads", recv_all(far, buf, 4), buf);
	saw_result("far shutdown RD", shutdown(far, SHUT_RD));
	saw("far poll", "%s", events_text(poll_now(far)));
	saw_result("near writes to nobody", write(near, "none", 4));
	close(near);
	close(far);
}

/* data that comes after shutdown(SHUT_RD) */
static void shut_rd_data(void)
{
	char buf[16];
	int near, far;

	pair(&near, &far);
	put(far, "early");
	queued(near, 5);
	saw_result("shutdown RD", shutdown(near, SHUT_RD));
	show("what was there", recv(near, buf, 16, MSG_DONTWAIT), buf);
	show("the end", recv(near, buf, 16, MSG_DONTWAIT), buf);
	put(far, "late");
	poll(NULL, 0, 100);
	saw("far poll", "%s", events_text(poll_now(far)));
	show("what came", recv(near, buf, 16, MSG_DONTWAIT), buf);
	saw_result("near writes", write(near, "x", 1));
	show("far reads", recv_all(far, buf, 1), buf);
	close(near);
	close(far);
}

static void linger(int onoff, int seconds, bool unread)
{
	struct linger l = { onoff, seconds }, back = { -1, -1 };
	socklen_t len = sizeof(back);
	char buf[16];
	int near, far;

	pair(&near, &far);
	saw_result("set", setsockopt(near, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	saw_result("get", getsockopt(near, SOL_SOCKET, SO_LINGER, &back, &len));
	saw("value", "%d %d length %u", back.l_onoff, back.l_linger, (unsigned)len);
	if (unread) {
		put(far, "unread");
		queued(near, 6);
	}
	put(near, "last");
	queued(far, 4);
	saw_result("close", close(near));
	while (!(wait_for(far, POLLRDHUP, WAIT_MS) & (POLLRDHUP | POLLERR)))
		;
	saw("poll", "%s", events_text(poll_now(far)));
	show("recv", recv(far, buf, 16, MSG_DONTWAIT), buf);
	show("recv again", recv(far, buf, 16, MSG_DONTWAIT), buf);
	saw_result("SO_ERROR", so_error(far));
	close(far);
}

static void linger_off(void)
{
	linger(0, 5, false);
}

static void linger_on(void)
{
	linger(1, 2, false);
}

static void linger_zero(void)
{
	linger(1, 0, false);
}

static void close_unread(void)
{
	linger(0, 0, true);
}

static void pipe_signals(void)
{
	struct linger l = { 1, 0 };
	int near, far;

	signal(SIGPIPE, SIG_IGN);
	pair(&near, &far);
	setsockopt(far, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(far);
	wait_for(near, POLLRDHUP, WAIT_MS);
	saw_result("first write", write(near, "x", 1));
	saw_result("second write", write(near, "x", 1));
	saw_result("third send", send(near, "x", 1, 0));
	saw_result("SO_ERROR", so_error(near));
	close(near);
	pair(&near, &far);
	close(far);
	wait_for(near, POLLRDHUP, WAIT_MS);
	saw_result("write after FIN", write(near, "x", 1));
	wait_for(near, POLLERR, WAIT_MS);
	saw("poll", "%s", events_text(poll_now(near)));
	saw_result("write then", write(near, "x", 1));
	saw_result("write at last", write(near, "x", 1));
	close(near);
}

static void sendfiles(void)
{
	char name[] = "/tmp/diffXXXXXX", buf[32];
	int near, far, f = mkstemp(name), p[2];
	off_t at = 3;

	unlink(name);
	if (write(f, "0123456789", 10) != 10 || pipe(p) < 0)
		err(2, "file");
	pair(&near, &far);
	saw_result("sendfile", sendfile(near, f, &at, 4));
	saw("offset", "%ld", (long)at);
	show("received", recv_all(far, buf, 4), buf);
	saw_result("sendfile past the end", sendfile(near, f, &at, 100));
	show("received", recv_all(far, buf, 3), buf);
	saw_result("sendfile at the end", sendfile(near, f, &at, 100));
	put(near, "splice me");
	queued(far, 9);
	saw_result("splice in", splice(far, NULL, p[1], NULL, 9, 0));
	saw_result("splice out", splice(p[0], NULL, far, NULL, 9, 0));
	show("received", recv_all(near, buf, 9), buf);
	nonblock(far);
	saw_result("splice nothing", splice(far, NULL, p[1], NULL, 9, SPLICE_F_NONBLOCK));
	close(near);
	close(far);
}

const struct scenario flag_scenarios[] = {
	{ "PEEK", peek, ON_LO | ON_MAP4 }, { "peek offset", peek_offset, ON_LO4 },
	{ "INQ", inquiry, ON_LO }, { "TRUNC", trunc_, ON_LO4 },
	{ "WAITALL", waitall, ON_LO4 }, { "OOB", oob, ON_LO4 },
	{ "odd flags", odd_flags, ON_LO4 }, { "cork", cork, ON_LO4 },
	{ "vectors", vectors, ON_LO4 }, { "control data", control_data, ON_LO4 },
	{ "half close", half_close, ON_ALL }, { "half close, other", half_close_other, ON_LO },
	{ "shut RD, data", shut_rd_data, ON_LO4 }, { "linger off", linger_off, ON_LO },
	{ "linger on", linger_on, ON_LO4 }, { "linger zero", linger_zero, ON_LO },
	{ "close unread", close_unread, ON_LO4 }, { "pipe", pipe_signals, ON_LO },
	{ "sendfile", sendfiles, ON_LO4 },
	{ 0 },
};
