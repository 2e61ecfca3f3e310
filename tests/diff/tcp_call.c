/* tcp_call.c - the calls that tcp.c makes on a TCP socket in every state */
#include <err.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include "tcp.h"

char tcp_call_detail[200];

/* what a call saw beside its result */
static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *fmt, ...)
{
	va_list ap;

	tcp_call_detail[0] = ' ';
	va_start(ap, fmt);
	vsnprintf(tcp_call_detail + 1, sizeof(tcp_call_detail) - 1, fmt, ap);
	va_end(ap);
}

/* --- calls --- */

static long do_bind(int fd)
{
	return bind_to(fd, NULL, 0);
}

static long do_bind_own(int fd)
{
	return bind_to(fd, site->own, test_port(7));
}

static long do_connect(int fd)
{
	return connect_to(fd, site->peer, PEER_PORT);
}

static long do_connect_twice(int fd)
{
	connect_to(fd, site->silent, PEER_PORT);
	return connect_to(fd, site->silent, PEER_PORT);
}

static long do_connect_unspec(int fd)
{
	struct sockaddr sa = { .sa_family = AF_UNSPEC };

	return connect(fd, &sa, sizeof(sa));
}

static long do_connect_family(int fd)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNIX };

	return connect(fd, (struct sockaddr *)&ss, sizeof(ss));
}

static long do_connect_short(int fd)
{
	union addr a;

	make_addr(&a, site->peer, PEER_PORT);
	return connect(fd, &a.sa, 8);
}

static long do_listen(int fd)
{
	return listen(fd, 3);
}

static long do_accept(int fd)
{
	int c = accept(fd, NULL, NULL);

	return c < 0 ? c : 0;
}

static long do_accept_flags(int fd)
{
	int c = accept4(fd, NULL, NULL, 0x10);

	return c < 0 ? c : 0;
}

static long do_sockname(int fd)
{
	union addr a;
	socklen_t len = sizeof(a);
	int r = getsockname(fd, &a.sa, &len);

	if (r == 0)
		note("(%s)", addr_text(&a, len));
	return r;
}

static long do_peername(int fd)
{
	union addr a;
	socklen_t len = sizeof(a);
	int r = getpeername(fd, &a.sa, &len);

	if (r == 0)
		note("(%s)", addr_text(&a, len));
	return r;
}

static long do_send(int fd)
{
	return send(fd, "12345", 5, 0);
}

static long do_send_twice(int fd)
{
	send(fd, "12345", 5, MSG_NOSIGNAL);
	return send(fd, "12345", 5, 0);
}

static long do_send_nosignal(int fd)
{
	return send(fd, "12345", 5, MSG_NOSIGNAL);
}

static long do_send_empty(int fd)
{
	return send(fd, "", 0, 0);
}

static long do_send_oob(int fd)
{
	return send(fd, "1", 1, MSG_OOB);
}

static long do_send_more(int fd)
{
	return send(fd, "123", 3, MSG_MORE);
}

static long do_sendto(int fd)
{
	union addr a;
	socklen_t len = make_addr(&a, site->peer, PEER_PORT);

	return sendto(fd, "12345", 5, 0, &a.sa, len);
}

static long do_write(int fd)
{
	return write(fd, "12345", 5);
}

static long do_write_empty(int fd)
{
	return write(fd, "", 0);
}

static long do_writev(int fd)
{
	struct iovec v[2] = { { (void *)"12", 2 }, { (void *)"345", 3 } };

	return writev(fd, v, 2);
}

static long do_sendmsg_empty(int fd)
{
	struct msghdr m = { 0 };

	return sendmsg(fd, &m, 0);
}

static long do_sendfile(int fd)
{
	int f = open("/dev/zero", O_RDONLY);
	long r = sendfile(fd, f, NULL, 100);
	int saved = errno;

	close(f);
	errno = saved;
	return r;
}

static long do_recv(int fd)
{
	char buf[16];

	return recv(fd, buf, sizeof(buf), 0);
}

static long do_recv_twice(int fd)
{
	char buf[16];

	recv(fd, buf, sizeof(buf), 0);
	return recv(fd, buf, sizeof(buf), 0);
}

static long do_recv_thrice(int fd)
{
	do_recv_twice(fd);
	return do_recv(fd);
}

static long do_recv_peek(int fd)
{
	char buf[16];

	return recv(fd, buf, 3, MSG_PEEK);
}

static long do_recv_empty(int fd)
{
	char buf[16];

	return recv(fd, buf, 0, 0);
}

static long do_recv_all(int fd)
{
	char buf[16];

	return recv(fd, buf, 16, MSG_WAITALL);
}

static long do_recv_trunc(int fd)
{
	return recv(fd, NULL, 3, MSG_TRUNC);
}

static long do_recv_oob(int fd)
{
	char buf[16];

	return recv(fd, buf, 1, MSG_OOB);
}

static long do_recv_errqueue(int fd)
{
	char buf[16];

	return recv(fd, buf, 1, MSG_ERRQUEUE);
}

static long do_recvfrom(int fd)
{
	char buf[16];
	union addr a;
	socklen_t len = sizeof(a);
	long r = recvfrom(fd, buf, sizeof(buf), 0, &a.sa, &len);

	if (r >= 0)
		note("(length %u)", (unsigned)len);
	return r;
}

static long do_recvmsg(int fd)
{
	char buf[16], ctl[64];
	struct iovec v = { buf, sizeof(buf) };
	union addr a;
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_name = &a, .msg_namelen = sizeof(a),
		.msg_control = ctl, .msg_controllen = sizeof(ctl), .msg_flags = 0x55,
	};
	long r = recvmsg(fd, &m, 0);

	if (r >= 0)
		note("(name %u control %zu flags %#x)", (unsigned)m.msg_namelen,
		       (size_t)m.msg_controllen, (unsigned)m.msg_flags);
	return r;
}

static long do_read(int fd)
{
	char buf[16];

	return read(fd, buf, sizeof(buf));
}

static long do_read_empty(int fd)
{
	char buf[16];

	return read(fd, buf, 0);
}

static long do_readv(int fd)
{
	char a[2], b[16];
	struct iovec v[2] = { { a, sizeof(a) }, { b, sizeof(b) } };

	return readv(fd, v, 2);
}

static long do_pread(int fd)
{
	char buf[16];

	return pread(fd, buf, sizeof(buf), 0);
}

static long do_lseek(int fd)
{
	return lseek(fd, 0, SEEK_CUR);
}

static long do_fsync(int fd)
{
	return fsync(fd);
}

static long do_ftruncate(int fd)
{
	return ftruncate(fd, 0);
}

static long do_shut_rd(int fd)
{
	return shutdown(fd, SHUT_RD);
}

static long do_shut_wr(int fd)
{
	return shutdown(fd, SHUT_WR);
}

static long do_shut_both(int fd)
{
	return shutdown(fd, SHUT_RDWR);
}

static long do_shut_bad(int fd)
{
	return shutdown(fd, 3);
}

static long do_shut_both_recv(int fd)
{
	shutdown(fd, SHUT_RDWR);
	return do_recv(fd);
}

static long do_shut_rd_recv(int fd)
{
	shutdown(fd, SHUT_RD);
	return do_recv(fd);
}

static long do_shut_wr_send(int fd)
{
	shutdown(fd, SHUT_WR);
	return do_send(fd);
}

static long do_error(int fd)
{
	return so_error(fd);
}

static long do_error_twice(int fd)
{
	so_error(fd);
	return so_error(fd);
}

static long do_error_recv(int fd)
{
	so_error(fd);
	return do_recv(fd);
}

static long do_error_send(int fd)
{
	so_error(fd);
	return do_send(fd);
}

static long ioctl_int(int fd, unsigned long req)
{
	int v = -77, r = ioctl(fd, req, &v);

	return r < 0 ? r : v;
}

static long do_fionread(int fd)
{
	return ioctl_int(fd, FIONREAD);
}

static long do_outq(int fd)
{
	return ioctl_int(fd, SIOCOUTQ);
}

static long do_outqnsd(int fd)
{
	return ioctl_int(fd, SIOCOUTQNSD);
}

static long do_atmark(int fd)
{
	return ioctl_int(fd, SIOCATMARK);
}

static long do_ioctl_unknown(int fd)
{
	return ioctl_int(fd, 0x12345678);
}

static long do_acceptconn(int fd)
{
	return get_int(fd, SOL_SOCKET, SO_ACCEPTCONN);
}

static long do_tcp_state(int fd)
{
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof(ti);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len) < 0 ? -1 : ti.tcpi_state;
}

static long do_nodelay(int fd)
{
	return set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

static long do_reuseaddr(int fd)
{
	return set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
}

static long do_v6only(int fd)
{
	return set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
}

static long do_ttl(int fd)
{
	return set_int(fd, IPPROTO_IP, IP_TTL, 55);
}

static long do_linger(int fd)
{
	struct linger l = { 1, 0 };

	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static long do_nothing(int fd)
{
	return 0 * fd;
}

/* --- the table --- */

#define POLL		TCP_CALL_POLL
#define CONNECTS	TCP_CALL_CONNECTS

const struct tcp_call tcp_calls[] = {
	{ "nothing", do_nothing, POLL }, { "bind", do_bind, 0 }, { "bind own", do_bind_own, 0 },
	{ "connect", do_connect, CONNECTS }, { "connect silent twice", do_connect_twice, 0 },
	{ "connect AF_UNSPEC", do_connect_unspec, POLL },
	{ "connect AF_UNIX", do_connect_family, 0 }, { "connect short", do_connect_short, 0 },
	{ "listen", do_listen, POLL }, { "accept", do_accept, 0 },
	{ "accept4 bad flags", do_accept_flags, 0 },
	{ "getsockname", do_sockname, 0 }, { "getpeername", do_peername, 0 },
	{ "send", do_send, 0 }, { "send, send", do_send_twice, 0 },
	{ "send NOSIGNAL", do_send_nosignal, 0 }, { "send 0", do_send_empty, 0 },
	{ "send MORE", do_send_more, 0 },
	{ "send OOB", do_send_oob, 0 }, { "sendto", do_sendto, 0 }, { "write", do_write, 0 },
	{ "write 0", do_write_empty, 0 }, { "writev", do_writev, 0 },
	{ "sendmsg empty", do_sendmsg_empty, 0 }, { "sendfile", do_sendfile, 0 },
	{ "recv", do_recv, POLL }, { "recv, recv", do_recv_twice, POLL },
	{ "recv, recv, recv", do_recv_thrice, POLL },
	{ "recv PEEK", do_recv_peek, POLL }, { "recv 0", do_recv_empty, 0 },
	{ "recv WAITALL", do_recv_all, 0 }, { "recv TRUNC", do_recv_trunc, 0 },
	{ "recv OOB", do_recv_oob, 0 }, { "recv ERRQUEUE", do_recv_errqueue, 0 },
	{ "recvfrom", do_recvfrom, 0 }, { "recvmsg", do_recvmsg, 0 }, { "read", do_read, 0 },
	{ "read 0", do_read_empty, 0 }, { "readv", do_readv, 0 }, { "pread", do_pread, 0 },
	{ "lseek", do_lseek, 0 }, { "fsync", do_fsync, 0 }, { "ftruncate", do_ftruncate, 0 },
	{ "shutdown RD", do_shut_rd, POLL }, { "shutdown WR", do_shut_wr, POLL },
	{ "shutdown RDWR", do_shut_both, POLL }, { "shutdown 3", do_shut_bad, 0 },
	{ "shutdown RDWR, recv", do_shut_both_recv, 0 },
	{ "shutdown RD, recv", do_shut_rd_recv, 0 }, { "shutdown WR, send", do_shut_wr_send, 0 },
	{ "SO_ERROR", do_error, POLL }, { "SO_ERROR twice", do_error_twice, POLL },
	{ "SO_ERROR, recv", do_error_recv, 0 }, { "SO_ERROR, send", do_error_send, 0 },
	{ "FIONREAD", do_fionread, 0 }, { "SIOCOUTQ", do_outq, 0 },
	{ "SIOCOUTQNSD", do_outqnsd, 0 }, { "SIOCATMARK", do_atmark, 0 },
	{ "ioctl unknown", do_ioctl_unknown, 0 }, { "SO_ACCEPTCONN", do_acceptconn, 0 },
	{ "TCP_INFO state", do_tcp_state, 0 }, { "set TCP_NODELAY", do_nodelay, 0 },
	{ "set SO_REUSEADDR", do_reuseaddr, 0 }, { "set IPV6_V6ONLY", do_v6only, 0 },
	{ "set IP_TTL", do_ttl, 0 }, { "set SO_LINGER", do_linger, POLL },
	{ 0 },
};
