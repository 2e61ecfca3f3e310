/* daemon-session.c - control connections, over an engine that is a test double
 *
 * Each case talks to the server over real AF_UNIX sockets in this process and
 * turns the loop by hand, so nothing waits for luck.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/fdio.h"
#include "base/log.h"
#include "base/loop.h"
#include "daemon/session.h"
#include "daemon-engine.h"
#include "proto/sockname.h"

#define PATH "/stack"

struct ctx {
	struct loop *loop;
	struct engine *engine;
	struct server srv;
	int listen_fd;
	struct sockaddr_un un;
	socklen_t unlen;
};

static struct ctx *setup_server(bool on_demand)
{
	static unsigned serial;
	struct ctx *c = calloc(1, sizeof(*c));
	struct config conf = { 0 };
	char err[64];

	assert_non_null(c);
	c->loop = loop_new();
	assert_non_null(c->loop);
	c->engine = engine_new(c->loop, PATH);
	assert_int_equal(engine_configure(c->engine, &conf, err, sizeof(err)), 0);
	server_init(&c->srv, c->loop, c->engine, on_demand);
	c->un.sun_family = AF_UNIX;
	c->unlen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
		   snprintf(c->un.sun_path + 1, 64, "ustack-test-%d-%u",
			    (int)getpid(), serial++));
	c->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(c->listen_fd, (struct sockaddr *)&c->un, c->unlen), 0);
	assert_int_equal(listen(c->listen_fd, 16), 0);
	assert_int_equal(server_listen(&c->srv, c->listen_fd), 0);
	return c;
}

static int setup(void **state)
{
	stub_nif = 1;
	*state = setup_server(false);
	return 0;
}

static int setup_on_demand(void **state)
{
	*state = setup_server(true);
	return 0;
}

static int teardown(void **state)
{
	struct ctx *c = *state;

	loop_once(c->loop, 0);		/* what was closed gets freed */
	engine_free(c->engine);
	server_fini(&c->srv);
	close(c->listen_fd);
	loop_free(c->loop);
	free(c);
	return 0;
}

static void turn(struct ctx *c)
{
	for (int i = 0; i < 4; i++)
		loop_once(c->loop, 0);
}

static int client(struct ctx *c)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&c->un, c->unlen), 0);
	turn(c);
	return fd;
}

static void request(int fd, struct msg *m, enum msg_op op, uint64_t sock,
		    size_t len, int *passed)
{
	m->hdr = (struct msg_hdr){ .version = MSG_VERSION, .op = (uint16_t)op,
				   .seq = 7, .sock = sock, .len = (uint16_t)len };
	assert_int_equal(fdio_send(fd, m, msg_size(m), passed, passed ? 1 : 0,
				   MSG_DONTWAIT), msg_size(m));
}

static int reply(int fd, struct msg *m, enum msg_op op)
{
	ssize_t n = recv(fd, m, sizeof(*m), MSG_DONTWAIT);

	if (n <= 0)
		return n < 0 ? -errno : -EPIPE;
	assert_int_equal(msg_check_reply(m, (size_t)n, (uint16_t)op, 7), 0);
	return m->hdr.err;
}

static int call(struct ctx *c, int fd, struct msg *m, enum msg_op op,
		uint64_t sock, size_t len)
{
	request(fd, m, op, sock, len, NULL);
	turn(c);
	return reply(fd, m, op);
}

/* has the server hung up? */
static bool is_closed(int fd)
{
	char b;

	return recv(fd, &b, 1, MSG_DONTWAIT | MSG_PEEK) == 0 || errno == ECONNRESET;
}

/* a stream socket: the application's end is returned */
static int make_socket(int ctl, uint64_t id, bool oneway)
{
	struct msg m = { 0 };
	int fds[2];

	assert_int_equal(sockname_pair(SOCKNAME_STREAM, id, PATH, fds), 0);
	m.socket = (struct msg_socket){ .domain = AF_INET, .type = SOCK_STREAM };
	m.hdr = (struct msg_hdr){ .version = MSG_VERSION, .op = MSG_OP_SOCKET,
		.flags = oneway ? MSG_F_ONEWAY : 0, .seq = 7, .sock = id,
		.len = sizeof(m.socket) };
	assert_int_equal(fdio_send(ctl, &m, msg_size(&m), &fds[1], 1, 0), msg_size(&m));
	close(fds[1]);
	return fds[0];
}

static void hello_shows_the_board(void **state)
{
	struct ctx *c = *state;
	struct msg m;
	int fd = client(c), got = -1, n = 1;
	struct stat a, b;

	stub_board = memfd_create("board", MFD_CLOEXEC);
	assert_true(stub_board >= 0);
	request(fd, &m, MSG_OP_HELLO, 0, 0, NULL);
	turn(c);
	assert_int_equal(fdio_recv(fd, &m, sizeof(m), &got, &n, MSG_DONTWAIT), sizeof(m.hdr) +
			 sizeof(m.hello));
	assert_int_equal(n, 1);
	assert_int_equal(fstat(got, &a) | fstat(stub_board, &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	close(got);
	/* no other answer has it */
	n = 1;
	request(fd, &m, MSG_OP_INFO, 0, 0, NULL);
	turn(c);
	assert_true(fdio_recv(fd, &m, sizeof(m), &got, &n, MSG_DONTWAIT) > 0);
	assert_int_equal(n, 0);
	close(stub_board);
	stub_board = -1;
	close(fd);
}

static void an_outlook_is_answered(void **state)
{
	struct ctx *c = *state;
	struct msg m = { 0 };
	int fd = client(c), app = make_socket(fd, 78, true);

	m.outlook.judge = 1;
	assert_int_equal(call(c, fd, &m, MSG_OP_OUTLOOK, 78, sizeof(m.outlook)), 0);
	assert_int_equal(m.verdict.err, ENETUNREACH);
	memset(&m, 0, sizeof(m));
	assert_int_equal(call(c, fd, &m, MSG_OP_OUTLOOK, 78, sizeof(m.outlook)), 0);
	assert_int_equal(m.verdict.err, 0);
	assert_int_equal(call(c, fd, &m, MSG_OP_OUTLOOK, 79, sizeof(m.outlook)), -EBADF);
	close(app);
	close(fd);
}

static void hello_tells_pid_and_version(void **state)
{
	struct ctx *c = *state;
	struct msg m;
	int fd = client(c);

	assert_int_equal(call(c, fd, &m, MSG_OP_HELLO, 0, 0), 0);
	assert_int_equal(m.hello.pid, getpid());
	assert_int_equal(m.hello.version, MSG_VERSION);
	close(fd);
	turn(c);
	assert_int_equal(c->srv.nsession, 0);
}

static void socket_lives_through_its_calls(void **state)
{
	struct ctx *c = *state;
	struct msg m = { 0 };
	uint64_t id = sockname_new_id();
	int fd = client(c), app = make_socket(fd, id, true);

	m.addr.len = sizeof(struct sockaddr_in);
	m.addr.addr.in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(80) };
	assert_int_equal(call(c, fd, &m, MSG_OP_BIND, id, sizeof(m.addr)), 0);
	assert_int_equal(call(c, fd, &m, MSG_OP_GETSOCKNAME, id, 0), 0);
	assert_int_equal(ntohs(m.addr.addr.in.sin_port), 80);
	assert_int_equal(call(c, fd, &m, MSG_OP_GETPEERNAME, id, 0), -ENOTCONN);
	m.addr.len = sizeof(struct sockaddr_in);
	m.addr.addr.in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(1) };
	assert_int_equal(call(c, fd, &m, MSG_OP_BIND, id, sizeof(m.addr)), -EADDRINUSE);
	m.listen.backlog = -1;
	assert_int_equal(call(c, fd, &m, MSG_OP_LISTEN, id, sizeof(m.listen)), -EINVAL);
	assert_int_equal(call(c, fd, &m, MSG_OP_STAT, id, 0), 0);
	assert_int_equal(m.stat.type, SOCK_STREAM);
	close(app);
	close(fd);
	turn(c);
	/* the engine's socket is not the session's */
	assert_int_equal(engine_nsock(c->engine), 1);
}

static void option_values_of_any_size_come_back(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 4, 1000, MSG_OPT_MAX };
	struct ctx *c = *state;
	struct msg m = { 0 };
	uint64_t id = sockname_new_id();
	int fd = client(c), app = make_socket(fd, id, true);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(m.raw, (int)i + 1, sizeof(m.raw));
		m.opt = (struct msg_opt){ SOL_SOCKET, 1000, sizes[i], 0 };
		assert_int_equal(call(c, fd, &m, MSG_OP_SETSOCKOPT, id,
				      sizeof(m.opt) + sizes[i]), 0);
		m.opt = (struct msg_opt){ SOL_SOCKET, 1000, MSG_OPT_MAX, 0 };
		assert_int_equal(call(c, fd, &m, MSG_OP_GETSOCKOPT, id, sizeof(m.opt)), 0);
		assert_int_equal(m.opt.len, sizes[i]);
		if (sizes[i])
			assert_int_equal(m.raw[sizeof(m.opt) + sizes[i] - 1], i + 1);
	}
	m.opt = (struct msg_opt){ SOL_SOCKET, 5, 4, 0 };
	assert_int_equal(call(c, fd, &m, MSG_OP_GETSOCKOPT, id, sizeof(m.opt)), -ENOPROTOOPT);
	close(app);
	close(fd);
}

static void garbage_ends_that_session_only(void **state)
{
	struct ctx *c = *state;
	int good = client(c);
	struct msg m = { 0 };
	struct { size_t len; struct msg_hdr h; } bad[] = {
		{ 1, { 0 } },
		{ sizeof(m.hdr), { .version = 99, .op = MSG_OP_HELLO } },
		{ sizeof(m.hdr), { .version = MSG_VERSION, .op = 0 } },
		{ sizeof(m.hdr), { .version = MSG_VERSION, .op = MSG_OP_COUNT } },
		{ sizeof(m.hdr), { .version = MSG_VERSION, .op = 65535 } },
		{ sizeof(m.hdr), { .version = MSG_VERSION, .op = MSG_OP_HELLO, .len = 1 } },
		{ sizeof(m.hdr) + 4, { .version = MSG_VERSION, .op = MSG_OP_BIND, .len = 4 } },
		{ sizeof(m.hdr), { .version = MSG_VERSION, .op = MSG_OP_ATTACH } },
		{ sizeof(m), { .version = MSG_VERSION, .op = MSG_OP_BIND,
			       .len = sizeof(m) - sizeof(m.hdr) } },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = client(c);

		memset(m.raw, 0xff, sizeof(m.raw));
		m.hdr = bad[i].h;
		assert_int_equal(send(fd, &m, bad[i].len, 0), bad[i].len);
		turn(c);
		if (!is_closed(fd))
			fail_msg("case %zu was not refused", i);
		close(fd);
	}
	/* every length there is, at random */
	srand(1);
	for (int i = 0; i < 300; i++) {
		int fd = client(c);

		for (size_t j = 0; j < sizeof(m.raw); j++)
			m.raw[j] = (uint8_t)rand();
		m.hdr = (struct msg_hdr){ .version = MSG_VERSION,
			.op = (uint16_t)(rand() % (MSG_OP_STOP)), .seq = 7 };
		m.hdr.len = (uint16_t)(rand() % 80);
		assert_true(send(fd, &m, sizeof(m.hdr) + (size_t)(rand() % 80), 0) > 0);
		turn(c);
		close(fd);
	}
	turn(c);
	assert_int_equal(c->srv.nsession, 1);
	assert_int_equal(call(c, good, &m, MSG_OP_HELLO, 0, 0), 0);
	close(good);
}

static void surplus_descriptors_are_closed(void **state)
{
	struct ctx *c = *state;
	struct msg m = { 0 };
	int fd = client(c), p[2];
	char b;

	assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	request(fd, &m, MSG_OP_HELLO, 0, 0, &p[1]);
	close(p[1]);
	turn(c);
	assert_true(is_closed(fd));
	assert_int_equal(read(p[0], &b, 1), 0);		/* no writer is left */
	close(p[0]);
	close(fd);
}

static void foreign_descriptor_is_no_socket(void **state)
{
	struct ctx *c = *state;
	struct msg m = { 0 };
	int fd = client(c), p[2], fds[2];
	uint64_t id = sockname_new_id();

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	m.socket = (struct msg_socket){ .domain = AF_INET, .type = SOCK_STREAM };
	request(fd, &m, MSG_OP_SOCKET, id, sizeof(m.socket), &p[1]);
	turn(c);
	assert_int_equal(reply(fd, &m, MSG_OP_SOCKET), -ENOTSOCK);
	/* another socket's end, and the wrong type */
	assert_int_equal(sockname_pair(SOCKNAME_DGRAM, id, PATH, fds), 0);
	m.socket = (struct msg_socket){ .domain = AF_INET, .type = SOCK_DGRAM };
	request(fd, &m, MSG_OP_SOCKET, id + 1, sizeof(m.socket), &fds[1]);
	turn(c);
	assert_int_equal(reply(fd, &m, MSG_OP_SOCKET), -EPROTOTYPE);
	m.socket = (struct msg_socket){ .domain = AF_INET, .type = SOCK_STREAM };
	request(fd, &m, MSG_OP_SOCKET, id, sizeof(m.socket), &fds[1]);
	turn(c);
	assert_int_equal(reply(fd, &m, MSG_OP_SOCKET), -EPROTOTYPE);
	assert_int_equal(engine_nsock(c->engine), 0);
	close(p[0]);
	close(p[1]);
	close(fds[0]);
	close(fds[1]);
	close(fd);
}

static void who_does_not_read_replies_is_dropped(void **state)
{
	struct ctx *c = *state;
	struct msg m = { 0 };
	int lazy = client(c), good = client(c), i;

	for (i = 0; i < 100000 && !is_closed(lazy); i++) {
		m.hdr = (struct msg_hdr){ .version = MSG_VERSION, .op = MSG_OP_INFO, .seq = 7 };
		if (send(lazy, &m, sizeof(m.hdr), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
		loop_once(c->loop, 0);
	}
	assert_true(i < 100000);
	assert_int_equal(c->srv.nsession, 1);
	assert_int_equal(call(c, good, &m, MSG_OP_HELLO, 0, 0), 0);
	close(lazy);
	close(good);
}

static void a_busy_session_does_not_starve_another(void **state)
{
	struct ctx *c = *state;
	struct msg m = { 0 };
	int busy = client(c), other = client(c), n = 0;

	m.hdr = (struct msg_hdr){ .version = MSG_VERSION, .op = MSG_OP_BIND,
		.flags = MSG_F_ONEWAY, .len = sizeof(m.addr) };
	while (send(busy, &m, msg_size(&m), MSG_DONTWAIT) > 0)
		n++;
	assert_true(n > SESSION_BURST);
	request(other, &m, MSG_OP_HELLO, 0, 0, NULL);
	loop_once(c->loop, 0);
	assert_int_equal(reply(other, &m, MSG_OP_HELLO), 0);
	/* and not all of the busy one's was worked off */
	assert_true(send(busy, &m, msg_size(&m), MSG_DONTWAIT) > 0);
	close(busy);
	close(other);
}

static void request_overtakes_the_socket_of_another_process(void **state)
{
	struct ctx *c = *state;
	struct msg m = { 0 };
	uint64_t id = sockname_new_id();
	int first = client(c), second = client(c), app;

	/* whichever of the two is served first, the request must find the socket */
	for (int i = 0; i < 2; i++, id++) {
		app = make_socket(i ? first : second, id, true);
		request(i ? second : first, &m, MSG_OP_STAT, id, 0, NULL);
		turn(c);
		assert_int_equal(reply(i ? second : first, &m, MSG_OP_STAT), 0);
		close(app);
	}
	close(first);
	close(second);
}

static void unknown_socket_and_epitaph(void **state)
{
	struct ctx *c = *state;
	struct msg m = { 0 };
	uint64_t id = sockname_new_id();
	int fd = client(c), app = make_socket(fd, id, true);
	int32_t err;

	assert_int_equal(call(c, fd, &m, MSG_OP_STAT, id + 1, 0), -EBADF);
	assert_int_equal(call(c, fd, &m, MSG_OP_GETPEERNAME, id + 1, 0), -ENOTCONN);
	m.connect.to.len = sizeof(struct sockaddr_in);
	m.connect.to.addr.in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(9) };
	assert_int_equal(call(c, fd, &m, MSG_OP_CONNECT, id, sizeof(m.connect)), 0);
	for (int i = 0; i < 2; i++) {
		m.opt = (struct msg_opt){ SOL_SOCKET, SO_ERROR, sizeof(err), 0 };
		assert_int_equal(call(c, fd, &m, MSG_OP_GETSOCKOPT, id, sizeof(m.opt)), 0);
		assert_int_equal(m.opt.len, sizeof(err));
		memcpy(&err, m.raw + sizeof(m.opt), sizeof(err));
		assert_int_equal(err, i ? 0 : ECONNREFUSED);
	}
	close(app);
	close(fd);
}

static void attach_begins_a_session(void **state)
{
	struct ctx *c = *state;
	struct msg m = { 0 };
	int fd = client(c), sv[2], st[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	request(fd, &m, MSG_OP_ATTACH, 0, 0, &sv[1]);
	close(sv[1]);
	turn(c);
	assert_int_equal(reply(fd, &m, MSG_OP_ATTACH), 0);
	assert_int_equal(call(c, sv[0], &m, MSG_OP_HELLO, 0, 0), 0);
	/* a stream is no control connection */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, st), 0);
	request(fd, &m, MSG_OP_ATTACH, 0, 0, &st[1]);
	close(st[1]);
	turn(c);
	assert_int_equal(reply(fd, &m, MSG_OP_ATTACH), -EPROTOTYPE);
	assert_int_equal(c->srv.nsession, 2);
	close(fd);
	close(sv[0]);
	close(st[0]);
}

static void sessions_are_bounded(void **state)
{
	struct ctx *c = *state;
	int fd[4];

	c->srv.max_sessions = 3;
	for (int i = 0; i < 4; i++)
		fd[i] = client(c);
	assert_int_equal(c->srv.nsession, 3);
	assert_true(is_closed(fd[3]));
	close(fd[0]);
	turn(c);
	close(fd[3]);
	fd[3] = client(c);
	assert_int_equal(c->srv.nsession, 3);
	assert_false(is_closed(fd[3]));
	for (int i = 1; i < 4; i++)
		close(fd[i]);
}

static void info_comes_in_pages(void **state)
{
	struct ctx *c = *state;
	struct msg m = { 0 };
	int fd;
	unsigned n = 0;

	stub_nif = 33;
	teardown(state);
	*state = c = setup_server(false);
	fd = client(c);
	do {
		assert_int_equal(call(c, fd, &m, MSG_OP_INFO, n, 0), 0);
		assert_int_equal(m.info.nsession, 1);
		for (unsigned i = 0; i < m.info.nif; i++) {
			struct msg_ifinfo f;

			memcpy(&f, m.raw + sizeof(m.info) + i * sizeof(f), sizeof(f));
			assert_int_equal(f.index, n + i + 1);
		}
		n += m.info.nif;
	} while (m.info.nif);
	assert_int_equal(n, 33);
	assert_int_equal(call(c, fd, &m, MSG_OP_INFO, UINT64_MAX, 0), 0);
	assert_int_equal(m.info.nif, 0);
	close(fd);
}

static void a_file_of_proc_comes_in_pieces(void **state)
{
	struct ctx *c = *state;
	struct msg m = { .proc.name = "net/snmp" };
	int fd = client(c);
	size_t piece;

	assert_int_equal(call(c, fd, &m, MSG_OP_PROC, 0, sizeof(m.proc)), 0);
	piece = m.hdr.len;
	assert_int_equal(piece, MSG_MAX - sizeof(m.hdr));
	m.proc = (struct msg_proc){ .name = "net/snmp", .offset = (uint32_t)piece };
	assert_int_equal(call(c, fd, &m, MSG_OP_PROC, 0, sizeof(m.proc)), 0);
	assert_int_equal(m.hdr.len, 3);
	m.proc = (struct msg_proc){ .name = "net/snmp", .offset = UINT32_MAX };
	assert_int_equal(call(c, fd, &m, MSG_OP_PROC, 0, sizeof(m.proc)), 0);
	assert_int_equal(m.hdr.len, 0);
	m.proc = (struct msg_proc){ .name = "net/nothing" };
	assert_int_equal(call(c, fd, &m, MSG_OP_PROC, 0, sizeof(m.proc)), -ENOENT);
	/* a name without end is malformed, which ends the session */
	memset(&m.proc, 'x', sizeof(m.proc));
	request(fd, &m, MSG_OP_PROC, 0, sizeof(m.proc), NULL);
	turn(c);
	assert_true(reply(fd, &m, MSG_OP_PROC) < 0);
	close(fd);
}

static void lack_of_descriptors_does_not_spin(void **state)
{
	struct ctx *c = *state;
	struct rlimit old, low;
	struct msg m = { 0 };
	int fd, spare, n = 0;
	uint64_t from;

	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&c->un, c->unlen), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	spare = dup(fd);
	low = old;
	low.rlim_cur = (rlim_t)spare;
	close(spare);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	from = clock_ns();
	do {		/* the listener stays readable: a spinning server never sleeps */
		loop_once(c->loop, 20);
		n++;
	} while (clock_ns() - from < 60 * 1000000ull);
	assert_true(n <= 6);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	for (from = clock_ns(); !c->srv.nsession && clock_ns() - from < 5000000000ull;)
		loop_once(c->loop, 20);
	assert_int_equal(call(c, fd, &m, MSG_OP_HELLO, 0, 0), 0);
	close(fd);
}

static void a_socket_lost_for_lack_of_descriptors_is_told(void **state)
{
	struct ctx *c = *state;
	struct rlimit old, low;
	struct msg m = { 0 };
	int fd = client(c), spare, fds[2];
	uint64_t id = sockname_new_id();
	char b;

	assert_int_equal(sockname_pair(SOCKNAME_STREAM, id, PATH, fds), 0);
	m.socket = (struct msg_socket){ .domain = AF_INET, .type = SOCK_STREAM };
	request(fd, &m, MSG_OP_SOCKET, id, sizeof(m.socket), &fds[1]);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	spare = dup(fd);
	low = old;
	low.rlim_cur = (rlim_t)spare;
	close(spare);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	turn(c);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(reply(fd, &m, MSG_OP_SOCKET), -ENFILE);
	close(fds[1]);
	assert_int_equal(read(fds[0], &b, 1), 0);	/* the application sees a hang-up */
	assert_int_equal(call(c, fd, &m, MSG_OP_HELLO, 0, 0), 0);
	close(fds[0]);
	close(fd);
}

static void owner_takes_the_stack_with_it(void **state)
{
	struct ctx *c = *state;
	struct msg m = { 0 };
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(server_attach(&c->srv, sv[1], true), 0);
	assert_int_equal(call(c, sv[0], &m, MSG_OP_HELLO, 0, 0), 0);
	assert_false(c->srv.stopping);
	close(sv[0]);
	turn(c);
	assert_true(c->srv.stopping);
}

static void stop_answers_first(void **state)
{
	struct ctx *c = *state;
	struct msg m = { 0 };
	int fd = client(c);

	assert_int_equal(call(c, fd, &m, MSG_OP_STOP, 0, 0), 0);
	assert_true(c->srv.stopping);
	close(fd);
}

static void stop_is_refused_while_somebody_is_there(void **state)
{
	struct ctx *c = *state;
	struct msg m = { 0 };
	int looker = client(c), user = client(c), other = client(c);

	/* who only looks does not count, and who asks does not either */
	assert_int_equal(call(c, looker, &m, MSG_OP_INFO, 0, 0), 0);
	assert_int_equal(call(c, user, &m, MSG_OP_NAMES, 0, 0), 0);
	assert_int_equal(call(c, other, &m, MSG_OP_STOP, 0, 0), -EBUSY);
	assert_false(c->srv.stopping);
	/* the session's end may not have reached the loop: the request is handled first */
	close(user);
	assert_int_equal(call(c, other, &m, MSG_OP_STOP, 0, 0), 0);
	assert_true(c->srv.stopping);
	close(looker);
	close(other);
}

static void an_owner_is_a_user_though_silent(void **state)
{
	struct ctx *c = *state;
	struct msg m = { 0 };
	int sv[2], other = client(c);

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(server_attach(&c->srv, sv[1], true), 0);
	assert_int_equal(call(c, other, &m, MSG_OP_STOP, 0, 0), -EBUSY);
	assert_false(c->srv.stopping);
	close(sv[0]);
	close(other);
}

static void stop_can_be_forced(void **state)
{
	struct ctx *c = *state;
	struct msg m = { 0 };
	int fd = client(c), app = make_socket(fd, sockname_new_id(), true);

	turn(c);
	assert_int_equal(call(c, fd, &m, MSG_OP_STOP, 0, 0), -EBUSY);
	assert_int_equal(call(c, fd, &m, MSG_OP_STOP, MSG_STOP_FORCE, 0), 0);
	assert_true(c->srv.stopping);
	close(app);
	close(fd);
}

/* more than a message holds; looking does not make a user */
static void users_are_told_in_pieces(void **state)
{
	enum { N = MSG_USERS_MAX + 7 };
	struct ctx *c = *state;
	unsigned processes = 0, socks = 0, calls = 0;
	struct msg m = { 0 };
	int fd[N], looker = client(c), app;
	uint64_t from = 0;

	for (int i = 0; i < N; i++) {
		fd[i] = client(c);
		assert_int_equal(call(c, fd[i], &m, MSG_OP_NAMES, 0, 0), 0);
	}
	app = make_socket(fd[0], sockname_new_id(), true);
	turn(c);
	do {
		struct msg_user u;

		assert_int_equal(call(c, looker, &m, MSG_OP_USERS, from, 0), 0);
		assert_true(m.users.n <= MSG_USERS_MAX);
		for (uint32_t i = 0; i < m.users.n; i++) {
			memcpy(&u, m.raw + sizeof(m.users) + i * sizeof(u), sizeof(u));
			if (u.type)
				socks++;
			else
				assert_int_equal(u.pid, getpid());
			processes += !u.type;
		}
		from = m.users.next;
	} while (from && ++calls < 10);
	assert_int_equal(processes, N);
	assert_int_equal(socks, 1);
	for (int i = 0; i < N; i++)
		close(fd[i]);
	close(app);
	close(looker);
}

static void on_demand_waits_for_the_last_socket(void **state)
{
	struct ctx *c = *state;
	uint64_t id = sockname_new_id(), from;
	int fd = client(c), app = make_socket(fd, id, true);

	turn(c);
	close(fd);
	for (from = clock_ns(); clock_ns() - from < 1300 * 1000000ull;)
		loop_once(c->loop, 50);
	assert_false(c->srv.stopping);
	stub_drop_all(c->engine);
	for (from = clock_ns(); !c->srv.stopping && clock_ns() - from < 5000000000ull;)
		loop_once(c->loop, 50);
	assert_true(c->srv.stopping);
	close(app);
}

static void on_demand_stays_for_a_session(void **state)
{
	struct ctx *c = *state;
	int fd = client(c), second;
	uint64_t from;

	close(fd);
	turn(c);
	second = client(c);
	for (from = clock_ns(); clock_ns() - from < 1300 * 1000000ull;)
		loop_once(c->loop, 50);
	assert_false(c->srv.stopping);
	close(second);
}

static void on_demand_is_not_prolonged_by_a_look(void **state)
{
	struct ctx *c = *state;
	struct msg m = { 0 };
	int fd = client(c), looks = 0;
	uint64_t from;

	m.opt = (struct msg_opt){ SOL_SOCKET, 1, 0, 0 };
	call(c, fd, &m, MSG_OP_SETSOCKOPT, 1, sizeof(m.opt));
	close(fd);
	turn(c);
	for (from = clock_ns(); !c->srv.stopping && clock_ns() - from < 3000000000ull; looks++) {
		fd = client(c);
		assert_int_equal(call(c, fd, &m, MSG_OP_INFO, 0, 0), 0);
		close(fd);
		turn(c);
		loop_once(c->loop, 100);
	}
	assert_true(c->srv.stopping);
	assert_true(looks > 1);
}

static void another_user_is_refused(void **state)
{
	struct ctx *c = *state;
	int fd;

	if (geteuid() != 0)
		skip();		/* needs root to become somebody else */
	/* the server runs as root here, so anyone else is another user */
	assert_int_equal(seteuid(65533), 0);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&c->un, c->unlen), 0);
	assert_int_equal(seteuid(0), 0);
	turn(c);
	assert_true(is_closed(fd));
	assert_int_equal(c->srv.nsession, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(hello_tells_pid_and_version),
		T(hello_shows_the_board),
		T(an_outlook_is_answered),
		T(socket_lives_through_its_calls),
		T(option_values_of_any_size_come_back),
		T(garbage_ends_that_session_only),
		T(surplus_descriptors_are_closed),
		T(foreign_descriptor_is_no_socket),
		T(who_does_not_read_replies_is_dropped),
		T(a_busy_session_does_not_starve_another),
		T(request_overtakes_the_socket_of_another_process),
		T(unknown_socket_and_epitaph),
		T(attach_begins_a_session),
		T(sessions_are_bounded),
		T(info_comes_in_pages),
		T(a_file_of_proc_comes_in_pieces),
		T(lack_of_descriptors_does_not_spin),
		T(a_socket_lost_for_lack_of_descriptors_is_told),
		T(owner_takes_the_stack_with_it),
		T(stop_answers_first),
		T(stop_is_refused_while_somebody_is_there),
		T(an_owner_is_a_user_though_silent),
		T(stop_can_be_forced),
		T(users_are_told_in_pieces),
		T(another_user_is_refused),
#undef T
		cmocka_unit_test_setup_teardown(on_demand_waits_for_the_last_socket,
						setup_on_demand, teardown),
		cmocka_unit_test_setup_teardown(on_demand_stays_for_a_session,
						setup_on_demand, teardown),
		cmocka_unit_test_setup_teardown(on_demand_is_not_prolonged_by_a_look,
						setup_on_demand, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	log_init("daemon-session", LOG_EMERG);	/* refusals are what is tested */
	return cmocka_run_group_tests_name("daemon-session", tests, NULL, NULL);
}
