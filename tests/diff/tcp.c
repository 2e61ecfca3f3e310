/* tcp.c - every call on a TCP socket in every state
 *
 * A state is a function that makes a socket that is in it; a call (tcp_call.c) is
 * made on a fresh one each time, non-blocking, and what poll(2) and SO_ERROR say
 * afterwards is printed where it cannot depend on time.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "tcp.h"

#define ALL_EVENTS	(POLLIN | POLLOUT | POLLRDHUP)

static volatile sig_atomic_t sigpipes;

static void on_sigpipe(int sig)
{
	sigpipes += sig == SIGPIPE;
}

/* --- states --- */

static int st_bound(void)
{
	int fd = tcp();

	if (bind_to(fd, site->own, 0) < 0)
		err(2, "bind");
	return fd;
}

static int st_bound_any(void)
{
	int fd = tcp();

	if (bind_to(fd, NULL, 0) < 0)
		err(2, "bind");
	return fd;
}

static int st_refused(void)
{
	int fd = tcp();

	connect_to(fd, site->peer, 9);
	return fd;
}

/* refused, and nobody asked yet */
static int st_refused_pending(void)
{
	int fd = tcp();

	nonblock(fd);
	connect_to(fd, site->peer, 9);
	wait_for(fd, POLLOUT, WAIT_MS);
	return fd;
}

static int st_connecting(void)
{
	int fd = tcp();

	nonblock(fd);
	connect_to(fd, site->silent, 80);
	return fd;
}

static int st_listening(void)
{
	return listener();
}

static int st_listening_pending(void)
{
	int l = listener(), fd = tcp();

	if (connect_to(fd, site->own, port_of(l)) < 0)
		err(2, "connect");
	wait_for(l, POLLIN, WAIT_MS);
	return l;
}

static int st_connected(void)
{
	return ask_peer("hold");
}

/* connected and never told so: connect(2) was non-blocking */
static int st_just_connected(void)
{
	int fd = tcp();

	nonblock(fd);
	connect_to(fd, site->peer, PEER_PORT);
	wait_for(fd, POLLOUT, WAIT_MS);
	return fd;
}

static int st_accepted(void)
{
	int near, far;

	pair(&near, &far);
	return far;
}

static int st_unread(void)
{
	int near, far;

	pair(&near, &far);
	if (write(far, "hello", 5) != 5)
		err(2, "write");
	wait_for(near, POLLIN, WAIT_MS);
	return near;
}

static int shut(const char *command, int how)
{
	int fd = ask_peer(command);

	if (shutdown(fd, how) < 0)
		err(2, "shutdown");
	return fd;
}

static int st_shut_rd(void)
{
	return shut("hold", SHUT_RD);
}

static int st_shut_wr(void)
{
	return shut("hold", SHUT_WR);
}

static int st_shut_both(void)
{
	return shut("hold", SHUT_RDWR);
}

static int st_peer_fin(void)
{
	int fd = ask_peer("fin");

	wait_for(fd, POLLRDHUP, WAIT_MS);
	return fd;
}

static int st_peer_data_fin(void)
{
	int fd = ask_peer("hello-fin");

	wait_for(fd, POLLRDHUP, WAIT_MS);
	return fd;
}

static int st_peer_fin_read(void)
{
	int fd = st_peer_fin();
	char c;

	if (recv(fd, &c, 1, 0) != 0)
		err(2, "recv at the end");
	return fd;
}

static int st_both_fin(void)
{
	int fd = st_peer_fin();

	shutdown(fd, SHUT_WR);
	wait_for(fd, POLLHUP, WAIT_MS);
	return fd;
}

static int st_reset(void)
{
	int fd = ask_peer("rst");

	wait_for(fd, POLLRDHUP, WAIT_MS);
	return fd;
}

static int st_reset_told(void)
{
	int fd = st_reset();
	char c;

	recv(fd, &c, 1, 0);
	return fd;
}

static int st_data_reset(void)
{
	int fd = ask_peer("hello-rst");

	while (!(wait_for(fd, POLLRDHUP, WAIT_MS) & (POLLERR | POLLHUP)))
		;
	return fd;
}

static int st_shut_wr_reset(void)
{
	int near, far;
	struct linger l = { 1, 0 };

	pair(&near, &far);
	shutdown(near, SHUT_WR);
	wait_for(far, POLLRDHUP, WAIT_MS);
	setsockopt(far, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(far);
	wait_for(near, POLLIN | POLLERR, WAIT_MS);
	return near;
}

static int st_unspec(void)
{
	int fd = ask_peer("hold");
	struct sockaddr sa = { .sa_family = AF_UNSPEC };

	connect(fd, &sa, sizeof(sa));
	return fd;
}

static int st_listen_ended(void)
{
	int l = listener();

	shutdown(l, SHUT_RD);
	return l;
}

/* --- each call in a state --- */

static void each_call(int (*state)(void))
{
	signal(SIGPIPE, on_sigpipe);
	for (const struct tcp_call *c = tcp_calls; c->name; c++) {
		int fd = state(), saved;
		char after[200] = "";
		long r;

		nonblock(fd);
		sigpipes = 0;
		tcp_call_detail[0] = '\0';
		r = c->make(fd);
		saved = errno;
		if ((c->then & TCP_CALL_CONNECTS) && r < 0 && errno == EINPROGRESS)
			snprintf(after, sizeof(after), ", then %s, SO_ERROR %s",
				 events_text(wait_for(fd, ALL_EVENTS, WAIT_MS)),
				 result(so_error(fd)));
		else if (c->then & TCP_CALL_POLL)
			snprintf(after, sizeof(after), ", then %s", events_text(poll_now(fd)));
		errno = saved;
		saw(c->name, "%s%s%s%s", result(r), tcp_call_detail, sigpipes ? " SIGPIPE" : "", after);
		close(fd);
	}
}

#define STATE(n) static void run_##n(void) { each_call(st_##n); }
STATE(bound)
STATE(bound_any)
STATE(refused)
STATE(refused_pending)
STATE(connecting)
STATE(listening)
STATE(listening_pending)
STATE(connected)
STATE(just_connected)
STATE(accepted)
STATE(unread)
STATE(shut_rd)
STATE(shut_wr)
STATE(shut_both)
STATE(peer_fin)
STATE(peer_data_fin)
STATE(peer_fin_read)
STATE(both_fin)
STATE(reset)
STATE(reset_told)
STATE(data_reset)
STATE(shut_wr_reset)
STATE(unspec)
STATE(listen_ended)

static void run_new(void)
{
	each_call(tcp);
}

const struct scenario tcp_scenarios[] = {
	{ "new", run_new, ON_LO4 | ON_LO6 | ON_NET4 }, { "bound", run_bound, ON_LO },
	{ "bound any", run_bound_any, ON_LO }, { "refused", run_refused, ON_ALL },
	{ "refused, pending", run_refused_pending, ON_LO4 | ON_NET6 },
	{ "connecting", run_connecting, ON_NET }, { "listening", run_listening, ON_LO },
	{ "listening, pending", run_listening_pending, ON_LO },
	{ "connected", run_connected, ON_ALL },
	{ "just connected", run_just_connected, ON_LO4 | ON_NET4 },
	{ "accepted", run_accepted, ON_LO | ON_MAP4 }, { "unread", run_unread, ON_LO4 },
	{ "shut RD", run_shut_rd, ON_LO4 | ON_NET6 },
	{ "shut WR", run_shut_wr, ON_LO4 | ON_NET6 },
	{ "shut RDWR", run_shut_both, ON_LO4 | ON_NET6 },
	{ "peer FIN", run_peer_fin, ON_LO4 | ON_NET },
	{ "peer data, FIN", run_peer_data_fin, ON_LO4 | ON_NET4 },
	{ "peer FIN read", run_peer_fin_read, ON_LO4 | ON_NET4 },
	{ "both FIN", run_both_fin, ON_LO4 | ON_NET4 },
	{ "reset", run_reset, ON_LO4 | ON_NET },
	{ "reset told", run_reset_told, ON_LO4 | ON_NET4 },
	{ "data, reset", run_data_reset, ON_LO4 | ON_NET4 },
	{ "shut WR, reset", run_shut_wr_reset, ON_LO4 },
	{ "dissolved", run_unspec, ON_LO4 | ON_NET6 },
	{ "listening ended", run_listen_ended, ON_LO4 },
	{ 0 },
};
