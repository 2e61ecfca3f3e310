/* fault.c - addresses that cannot be read or written to, and lengths that cannot be
 *
 * Each pointer of a call once: to nothing, across the end of a page behind which there
 * is nothing, and to a page that may only be read.
 */
#include <err.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <time.h>
#include "diff.h"

static char *end;		/* of a page; nothing is behind it */
static char *fixed;		/* a page that may be read, full of zeroes */
static char *none;		/* a page that may not even be read */

static void pages(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 3 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + size, size, PROT_NONE) < 0 ||
	    mprotect(p + 2 * size, size, PROT_READ) < 0)
		err(2, "pages");
	end = none = p + size;
	fixed = p + 2 * size;
}

/* two UDP sockets that are connected to each other */
static void udp_pair(int *a, int *b)
{
	*a = udp();
	*b = udp();
	if (bind_to(*a, site->own, 0) < 0 || bind_to(*b, site->own, 0) < 0 ||
	    connect_to(*a, site->own, port_of(*b)) < 0 ||
	    connect_to(*b, site->own, port_of(*a)) < 0)
		err(2, "UDP pair");
}

/* a datagram, or so many bytes, is there to be read */
static void arrive(int from, int at)
{
	char old[64];

	while (recv(at, old, sizeof(old), MSG_DONTWAIT) >= 0)
		;
	if (send(from, "datagram", 8, 0) != 8 || !wait_for(at, POLLIN, WAIT_MS))
		err(2, "datagram");
}

static void labelled(const char *what, const char *where, long r)
{
	char text[100];
	int e = errno;

	snprintf(text, sizeof(text), "%s %s", what, where);
	errno = e;
	saw_result(text, r);
}

struct place {
	const char *name;
	void *at;
};

#define PLACES { { "nowhere", bad_pointer }, { "NULL", NULL }, { "no access", none }, \
		 { "across the end", end - 2 }, { "read only", fixed } }
#define EACH_PLACE(p) for (const struct place *p = places; p < places + 5; p++)

/* addresses that are read */
static void names_in(void)
{
	pages();
	const struct place places[] = PLACES;
	static const int lengths[] = { -1, 0, 1, 3, 1000 };
	int t = tcp(), u = udp();
	union addr a;
	char what[40];

	EACH_PLACE(p) {
		labelled("bind", p->name, bind(t, p->at, sizeof(a.in6)));
		labelled("UDP bind", p->name, p->at == fixed ? 0 : bind(u, p->at, sizeof(a.in6)));
		labelled("connect", p->name, p->at == fixed ? 0 : connect(t, p->at, sizeof(a.in6)));
		labelled("UDP connect", p->name, p->at == fixed ? 0 :
			 connect(u, p->at, sizeof(a.in6)));
		labelled("sendto", p->name, p->at ? sendto(u, "x", 1, 0, p->at, sizeof(a.in6)) : 0);
	}
	make_addr(&a, site->own, 0);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		snprintf(what, sizeof(what), "of length %d", lengths[i]);
		labelled("bind", what, bind(t, &a.sa, (socklen_t)lengths[i]));
		labelled("connect", what, connect(t, &a.sa, (socklen_t)lengths[i]));
		labelled("UDP connect", what, connect(u, &a.sa, (socklen_t)lengths[i]));
	}
	labelled("sendto", "of length -1", sendto(u, "x", 1, 0, &a.sa, (socklen_t)-1));
	labelled("sendto", "of length 1000", sendto(u, "x", 1, 0, &a.sa, 1000));
	labelled("bind", "NULL of length 0", bind(t, NULL, 0));
	close(t);
	close(u);
}

typedef int name_call(int, struct sockaddr *, socklen_t *);

static void name_out(const char *what, name_call *call, int fd, const struct place *places)
{
	union addr a;
	socklen_t len;

	EACH_PLACE(p) {
		len = sizeof(a);
		labelled(what, p->name, call(fd, p->at, &len) < 0 ? -1 : 0);
		labelled(p->at == fixed ? "length fixed" : "length", what,
			 p->at == none || p->at == fixed ?
			 (call(fd, &a.sa, p->at) < 0 ? -1 : 0) : 0);
	}
	len = (socklen_t)-1;
	labelled(what, "of length -1", call(fd, &a.sa, &len) < 0 ? -1 : 0);
	len = 0;
	labelled(what, "NULL of length 0", call(fd, NULL, &len) < 0 ? -1 : 0);
}

/* accept(2) of one more connection */
static int accept_one(int l, struct sockaddr *sa, socklen_t *len)
{
	int c = tcp(), fd, e;

	if (connect_to(c, site->own, port_of(l)) < 0 || !wait_for(l, POLLIN, WAIT_MS))
		err(2, "connect");
	fd = accept(l, sa, len);
	e = errno;
	close(c);
	if (fd >= 0)
		close(fd);
	errno = e;
	return fd;
}

/* recvfrom(2) of one more datagram: fd is that to which its other end is connected */
static int sender_of;

static int recvfrom_one(int fd, struct sockaddr *sa, socklen_t *len)
{
	char buf[16];

	arrive(sender_of, fd);
	return (int)recvfrom(fd, buf, sizeof(buf), 0, sa, len);
}

/* addresses that are written, and their lengths */
static void names_out(void)
{
	pages();
	const struct place places[] = PLACES;
	int near, far, l = listener(), at;

	pair(&near, &far);
	name_out("getsockname", getsockname, near, places);
	name_out("getpeername", getpeername, near, places);
	name_out("accept", accept_one, l, places);
	nonblock(l);
	labelled("accept", "then", accept(l, NULL, NULL));
	udp_pair(&sender_of, &at);
	name_out("recvfrom", recvfrom_one, at, places);
	sender_of = far;
	name_out("TCP recvfrom", recvfrom_one, near, places);
}

static void values(void)
{
	pages();
	const struct place places[] = PLACES;
	struct ifconf c = { .ifc_len = 400 };
	int t = tcp(), u = udp(), v = 0;
	socklen_t len;

	EACH_PLACE(p) {
		len = sizeof(v);
		labelled("get", p->name, getsockopt(t, SOL_SOCKET, SO_REUSEADDR, p->at, &len));
		len = sizeof(v);
		labelled("get TCP", p->name, getsockopt(t, IPPROTO_TCP, TCP_NODELAY, p->at, &len));
		labelled("set", p->name, setsockopt(t, SOL_SOCKET, SO_REUSEADDR, p->at, sizeof(v)));
		labelled("set TCP", p->name, setsockopt(t, IPPROTO_TCP, TCP_NODELAY, p->at, sizeof(v)));
		labelled("set", "as long as a page", setsockopt(t, SOL_SOCKET, SO_REUSEADDR, none, 4096));
		labelled("FIONREAD", p->name, ioctl(u, FIONREAD, p->at));
		labelled("SIOCATMARK", p->name, ioctl(t, SIOCATMARK, p->at));
		labelled("SIOCGIFCONF", p->name, p->at == fixed ? 0 : ioctl(u, SIOCGIFCONF, p->at));
		labelled("SIOCGIFFLAGS", p->name, ioctl(u, SIOCGIFFLAGS, p->at));
		labelled("SIOCSIFFLAGS", p->name, p->at == fixed ? 0 : ioctl(u, SIOCSIFFLAGS, p->at));
		labelled("SIOCADDMULTI", p->name, p->at == fixed ? 0 : ioctl(u, SIOCADDMULTI, p->at));
	}
	c.ifc_buf = none;
	saw_result("SIOCGIFCONF into nothing", ioctl(u, SIOCGIFCONF, &c));
	saw_result("get, length nowhere", getsockopt(t, SOL_SOCKET, SO_REUSEADDR, &v, bad_pointer));
	saw_result("get, length no access", getsockopt(t, SOL_SOCKET, SO_REUSEADDR, &v,
						       (socklen_t *)none));
	len = (socklen_t)-1;
	saw_result("get, length -1", getsockopt(t, SOL_SOCKET, SO_REUSEADDR, &v, &len));
	len = 0;
	saw_result("get, length 0", getsockopt(t, SOL_SOCKET, SO_REUSEADDR, NULL, &len));
	saw_result("set, length -1", setsockopt(t, SOL_SOCKET, SO_REUSEADDR, &v, (socklen_t)-1));
	close(t);
	close(u);
}

/* what a message points at */
static void message(int from, int at, const struct place *places)
{
	char buf[16] = "";
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m;

	EACH_PLACE(p) {
		if (p->at == fixed)
			continue;
		labelled("sendmsg", p->name, sendmsg(from, p->at, 0));
		labelled("recvmsg", p->name, recvmsg(at, p->at, MSG_DONTWAIT));
		m = (struct msghdr){ .msg_iov = p->at, .msg_iovlen = 1 };
		labelled("send vector", p->name, sendmsg(from, &m, 0));
		arrive(from, at);
		labelled("recv vector", p->name, recvmsg(at, &m, 0));
		m = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1, .msg_name = p->at,
				     .msg_namelen = sizeof(struct sockaddr_in6) };
		labelled("send name", p->name, p->at ? sendmsg(from, &m, 0) : 0);
		arrive(from, at);
		labelled("recv name", p->name, recvmsg(at, &m, 0));
		m = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1, .msg_control = p->at,
				     .msg_controllen = 64 };
		labelled("send control", p->name, sendmsg(from, &m, 0));
		m.msg_controllen = 64;
		arrive(from, at);
		labelled("recv control", p->name, recvmsg(at, &m, 0));
		labelled("writev", p->name, writev(from, p->at, 1));
		labelled("write", p->name, write(from, p->at, 8));
		arrive(from, at);
		labelled("readv", p->name, readv(at, p->at, 1));
		labelled("read", p->name, read(at, p->at, 8));
	}
	m = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1, .msg_control = end - 64,
			     .msg_controllen = 1u << 31 };
	saw_result("send huge control", sendmsg(from, &m, 0));
	m.msg_controllen = 1 << 20;
	saw_result("send large control", sendmsg(from, &m, 0));
	m = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1025 };
	saw_result("send 1025 vectors", sendmsg(from, &m, 0));
	arrive(from, at);
	saw_result("recv 1025 vectors", recvmsg(at, &m, 0));
	iov.iov_len = (size_t)-1;
	m.msg_iovlen = 1;
	saw_result("send a negative length", sendmsg(from, &m, 0));
	saw_result("recv a negative length", recvmsg(at, &m, MSG_DONTWAIT));
}

static void messages(void)
{
	pages();
	const struct place places[] = PLACES;
	int a, b;

	udp_pair(&a, &b);
	message(a, b, places);
}

static void messages_tcp(void)
{
	pages();
	const struct place places[] = PLACES;
	int a, b;

	pair(&a, &b);
	message(a, b, places);
}

static void many(void)
{
	pages();
	const struct place places[] = PLACES;
	char buf[16];
	struct iovec iov = { buf, sizeof(buf) };
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };
	struct timespec t = { 10, 0 };
	struct pollfd p0;
	int a, b;

	udp_pair(&a, &b);
	EACH_PLACE(p) {
		if (p->at == fixed)
			continue;
		labelled("sendmmsg", p->name, sendmmsg(a, p->at, 1, 0));
		labelled("recvmmsg", p->name, recvmmsg(b, p->at, 1, MSG_DONTWAIT, NULL));
		arrive(a, b);
		labelled("recvmmsg time", p->name, p->at ? recvmmsg(b, &m, 1, 0, p->at) : 0);
		labelled("poll", p->name, poll(p->at, 1, 0));
	}
	memcpy(end - sizeof(m), &m, sizeof(m));
	arrive(a, b);
	saw_result("recvmmsg, the second across the end",
		   recvmmsg(b, (struct mmsghdr *)(end - sizeof(m)), 2, MSG_DONTWAIT, NULL));
	arrive(a, b);
	saw_result("recvmmsg with a time-out", recvmmsg(b, &m, 1, 0, &t));
	saw("what is left of it", "%s", t.tv_sec == 9 ? "some" : "all");
	p0 = (struct pollfd){ .fd = a, .events = POLLOUT };
	saw_result("poll of too many", poll(&p0, (nfds_t)minus_one, 0));
}

/* datagrams by calls that know no datagrams */
static void datagram_files(void)
{
	char name[] = "/tmp/diffXXXXXX", buf[64];
	int a, b, f = mkstemp(name), p[2];
	struct iovec iov = { buf, sizeof(buf) };
	off_t at = 3;

	unlink(name);
	if (write(f, "0123456789", 10) != 10 || pipe2(p, O_NONBLOCK) < 0)
		err(2, "file");
	udp_pair(&a, &b);
	saw_result("sendfile", sendfile(a, f, &at, 4));
	saw("offset", "%ld", (long)at);
	saw_result("received", recv_all(b, buf, 4));
	saw("bytes", "%.4s", buf);
	saw_result("sendfile at the end", sendfile(a, f, NULL, 4));
	lseek(f, 2, SEEK_SET);
	saw_result("sendfile from the offset", sendfile(a, f, NULL, 8));
	saw("offset", "%ld", (long)lseek(f, 0, SEEK_CUR));
	saw_result("received", recv_all(b, buf, 8));
	if (write(p[1], "by a pipe", 9) != 9)
		err(2, "pipe");
	saw_result("splice", splice(p[0], NULL, a, NULL, 20, 0));
	saw_result("received", recv_all(b, buf, 9));
	arrive(a, b);
	saw_result("splice back", splice(b, NULL, p[1], NULL, 20, SPLICE_F_NONBLOCK));
	saw_result("read", read(p[0], buf, sizeof(buf)));
	nonblock(b);
	saw_result("splice nothing", splice(b, NULL, p[1], NULL, 20, SPLICE_F_NONBLOCK));
	arrive(a, b);
	saw_result("preadv2", preadv2(b, &iov, 1, -1, 0));
	iov.iov_len = 5;
	saw_result("pwritev2", pwritev2(a, &iov, 1, -1, 0));
	saw_result("received", recv_all(b, buf, 5));
	saw_result("sendfile without peer", sendfile(udp(), f, &at, 2));
	saw_result("splice of a listener", splice(listener(), NULL, p[1], NULL, 9, 0));
	saw_result("splice of a new one", splice(tcp(), NULL, p[1], NULL, 9, 0));
}

const struct scenario fault_scenarios[] = {
	{ "names in", names_in, ON_LO }, { "names out", names_out, ON_LO },
	{ "values", values, ON_LO4 }, { "messages", messages, ON_LO },
	{ "TCP messages", messages_tcp, ON_LO4 }, { "many", many, ON_LO4 },
	{ "datagram files", datagram_files, ON_LO },
	{ 0 },
};
