/* block.c - calls that wait: time-outs, signals, other threads, O_ASYNC */
#include <err.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <time.h>
#include "diff.h"

static long ms_since(const struct timespec *from)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - from->tv_sec) * 1000 + (now.tv_nsec - from->tv_nsec) / 1000000;
}

/* about how long, in words that do not change with the machine's load */
static const char *duration(long ms, long want)
{
	return ms < want - 20 ? "too early" : ms > want + 1500 ? "too late" : "in time";
}

static void timeouts(void)
{
	struct timeval tv = { 0, 150000 };
	struct timespec t;
	static char buf[65536];
	int near, far, l = listener(), u = udp();
	long n;

	pair(&near, &far);
	setsockopt(near, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(near, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(u, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	clock_gettime(CLOCK_MONOTONIC, &t);
	saw_result("recv", recv(near, buf, 1, 0));
	saw("recv", "%s", duration(ms_since(&t), 150));
	clock_gettime(CLOCK_MONOTONIC, &t);
	saw_result("accept", accept(l, NULL, NULL));
	saw("accept", "%s", duration(ms_since(&t), 150));
	clock_gettime(CLOCK_MONOTONIC, &t);
	saw_result("UDP recv", recv(u, buf, 1, 0));
	saw("UDP recv", "%s", duration(ms_since(&t), 150));
	do
		n = send(near, buf, sizeof(buf), 0);
	while (n == sizeof(buf));
	saw("partial send", "%d", n > 0 || (n < 0 && errno == EAGAIN));
	while (n > 0)
		n = send(near, buf, sizeof(buf), 0);
	saw_result("send", n);
	close(near);
	close(far);
	close(l);
	close(u);
}

static void connect_timeouts(void)
{
	struct timeval tv = { 0, 150000 };
	int fd = tcp();

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	saw_result("SO_SNDTIMEO", connect_to(fd, site->silent, 80));
	saw_result("again", connect_to(fd, site->silent, 80));
	close(fd);
	fd = tcp();
	saw_result("set TCP_SYNCNT", set_int(fd, IPPROTO_TCP, TCP_SYNCNT, 1));
	saw_result("set TCP_USER_TIMEOUT", set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 500));
	saw_result("TCP_USER_TIMEOUT", connect_to(fd, site->silent, 80));
	saw_result("SO_ERROR", so_error(fd));
	saw("poll", "%s", events_text(poll_now(fd)));
	saw_result("connect", connect_to(fd, site->peer, PEER_PORT));
	close(fd);
}

static void on_signal(int sig)
{
	(void)sig;
}

struct blocked {
	int fd;
	const char *call;
	unsigned port;
	long result;
	int error;
	bool done;
	int tid;
};

static void *block(void *arg)
{
	struct blocked *b = arg;
	char buf[16];

	__atomic_store_n(&b->tid, gettid(), __ATOMIC_RELEASE);
	if (!strcmp(b->call, "accept"))
		b->result = accept(b->fd, NULL, NULL) < 0 ? -1 : 0;
	else if (!strcmp(b->call, "connect"))
		b->result = connect_to(b->fd, site->silent, 80);
	else if (!strcmp(b->call, "poll"))
		b->result = wait_for(b->fd, POLLIN, 3000);
	else if (!strcmp(b->call, "read"))
		b->result = read(b->fd, buf, sizeof(buf));
	else
		b->result = recv(b->fd, buf, sizeof(buf), 0);
	b->error = errno;
	__atomic_store_n(&b->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static bool finished(const struct blocked *b, int ms)
{
	for (int i = 0; i < ms; i++) {
		if (__atomic_load_n(&b->done, __ATOMIC_ACQUIRE))
			return true;
		poll(NULL, 0, 1);
	}
	return __atomic_load_n(&b->done, __ATOMIC_ACQUIRE);
}

/* does the kernel say that a thread sleeps? */
static bool sleeps(int tid)
{
	char path[64], line[256] = "";
	const char *state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = tid ? fopen(path, "r") : NULL;
	if (!f)
		return false;
	state = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	return state && state[1] == ' ' && state[2] == 'S';
}

static pthread_t start(struct blocked *b)
{
	int asleep = 0;
	pthread_t t;

	if (pthread_create(&t, NULL, block, b))
		errx(2, "pthread_create");
	/* asleep ten times in a row: in the call itself, not on its way there */
	for (int i = 0; i < WAIT_MS && asleep < 10; i++) {
		poll(NULL, 0, 5);
		asleep = sleeps(__atomic_load_n(&b->tid, __ATOMIC_ACQUIRE)) ? asleep + 1 : 0;
	}
	return t;
}

static void tell(const char *what, const struct blocked *b)
{
	errno = b->error;
	saw(what, "%s", result(b->result));
}

static void interrupted(int flags, const char *suffix)
{
	static const char *const calls[] = { "recv", "read", "accept", "connect", "poll", "UDP recv" };
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(SIGUSR1, &sa, NULL);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		for (int timed = 0; timed < 2; timed++) {
			struct blocked b = { .call = calls[i] };
			struct timeval tv = { 1, 0 };
			int far = -1;
			char what[64];
			pthread_t t;

			if (!strcmp(b.call, "accept"))
				b.fd = listener();
			else if (!strcmp(b.call, "connect"))
				b.fd = tcp();
			else if (!strcmp(b.call, "UDP recv"))
				b.fd = udp();
			else
				pair(&b.fd, &far);
			if (timed) {
				setsockopt(b.fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
				setsockopt(b.fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
			}
			t = start(&b);
			pthread_kill(t, SIGUSR1);
			snprintf(what, sizeof(what), "%s%s %s", calls[i], timed ? " with time-out" : "", suffix);
			if (finished(&b, 150))
				tell(what, &b);
			else
				saw(what, "goes on");
			/* the thread ends with the process */
		}
}

static void eintr(void)
{
	interrupted(0, "EINTR");
}

static void restart(void)
{
	interrupted(SA_RESTART, "SA_RESTART");
}

/* another thread closes or shuts down what one waits on */
static void woken(void)
{
	static const char *const calls[] = { "accept", "recv", "poll", "connect", "UDP recv" };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		for (int how = 0; how < 3; how++) {
			struct blocked b = { .call = calls[i] };
			char what[64];
			int far;

			if (!strcmp(b.call, "accept"))
				b.fd = listener();
			else if (!strcmp(b.call, "connect"))
				b.fd = tcp();
			else if (!strcmp(b.call, "UDP recv")) {
				b.fd = udp();
				connect_to(b.fd, site->peer, PEER_PORT);
			} else {
				pair(&b.fd, &far);
			}
			start(&b);
			snprintf(what, sizeof(what), "%s, shutdown %d", calls[i], how);
			saw_result(what, shutdown(b.fd, how));
			strcat(what, " then");
			if (finished(&b, 200))
				tell(what, &b);
			else
				saw(what, "goes on");
		}
}

/* close(2) in another thread wakes nobody; what was waited for still comes */
static void closed(void)
{
	struct blocked b = { .call = "recv" };
	int far;

	pair(&b.fd, &far);
	start(&b);
	saw_result("close", close(b.fd));
	saw("recv", "%s", finished(&b, 150) ? "ended" : "goes on");
	saw_result("far writes", write(far, "12", 2));
	saw("then", "%d", finished(&b, WAIT_MS));
	tell("recv gave", &b);
	close(far);
}

static void closed_accept(void)
{
	struct blocked b = { .call = "accept" };
	unsigned port;

	b.fd = listener();
	port = port_of(b.fd);
	start(&b);
	saw_result("close", close(b.fd));
	saw("accept", "%s", finished(&b, 150) ? "ended" : "goes on");
	saw_result("connect", connect_to(tcp(), site->own, port));
	saw("then", "%d", finished(&b, WAIT_MS));
	tell("accept gave", &b);
}

/* dup2 onto a descriptor that a thread reads from */
static void replaced(void)
{
	struct blocked b = { .call = "recv" };
	int far, near2, far2;

	pair(&b.fd, &far);
	pair(&near2, &far2);
	start(&b);
	saw("dup2", "%d", dup2(near2, b.fd) == b.fd);
	write(far2, "second", 6);
	saw("recv", "%s", finished(&b, 150) ? "ended" : "goes on");
	write(far, "one", 3);
	saw("then", "%d", finished(&b, WAIT_MS));
	tell("recv gave", &b);
}

static volatile sig_atomic_t sigios;

static void on_sigio(int sig)
{
	sigios += sig == SIGIO;
}

static void async(void)
{
	struct timespec ms = { 0, 1000000 };
	int near, far, on = 1;

	signal(SIGIO, on_sigio);
	pair(&near, &far);
	saw_result("F_SETOWN", fcntl(near, F_SETOWN, getpid()));
	saw("F_GETOWN", "%d", fcntl(near, F_GETOWN) == getpid());
	saw_result("O_ASYNC", fcntl(near, F_SETFL, fcntl(near, F_GETFL) | O_ASYNC));
	saw("flags", "%d", !!(fcntl(near, F_GETFL) & O_ASYNC));
	sigios = 0;
	write(far, "x", 1);
	for (int i = 0; i < WAIT_MS && !sigios; i++)
		nanosleep(&ms, NULL);
	saw("SIGIO", "%d", sigios > 0);
	on = 0;
	saw_result("FIOASYNC off", ioctl(near, FIOASYNC, &on));
	saw("flags", "%d", !!(fcntl(near, F_GETFL) & O_ASYNC));
	on = 1;
	saw_result("FIONBIO", ioctl(near, FIONBIO, &on));
	saw("flags", "%d", !!(fcntl(near, F_GETFL) & O_NONBLOCK));
	close(near);
	close(far);
}

/* a blocking call on a descriptor that became non-blocking, and flags shared by dup */
static void shared_flags(void)
{
	char c;
	int near, far, d;

	pair(&near, &far);
	d = dup(near);
	nonblock(d);
	saw_result("recv", recv(near, &c, 1, 0));
	close(near);
	write(far, "x", 1);
	saw("poll", "%s", events_text(wait_for(d, POLLIN, WAIT_MS)));
	saw_result("recv by dup", recv(d, &c, 1, 0));
	close(d);
	saw("far", "%s", events_text(wait_for(far, POLLIN, WAIT_MS)));
	saw_result("far recv", recv(far, &c, 1, 0));
	close(far);
}

/* SO_RCVLOWAT */
static void low_water(void)
{
	char buf[8];
	int near, far;

	pair(&near, &far);
	saw_result("set", set_int(near, SOL_SOCKET, SO_RCVLOWAT, 4));
	write(far, "12", 2);
	saw("poll below", "%s", events_text(wait_for(near, POLLIN, 100)));
	write(far, "34", 2);
	saw("poll at", "%s", events_text(wait_for(near, POLLIN, WAIT_MS)));
	saw_result("recv", recv(near, buf, 8, MSG_DONTWAIT));
	close(near);
	close(far);
}

/* what a socket takes that nobody reads from */
static const char *absorbed(int fd)
{
	static char piece[1 << 16];
	long total = 0;

	nonblock(fd);
	for (int quiet = 0; quiet < 3 && total < 4 << 20;) {
		ssize_t n = send(fd, piece, sizeof(piece), 0);

		total += n > 0 ? n : 0;
		quiet = n > 0 ? 0 : quiet + 1;
		if (n < 0)
			poll(NULL, 0, 20);
	}
	return total < 1 << 20 ? "little" : "much";
}

/* SO_SNDBUF and SO_RCVBUF bound what is on the way, wherever they were set */
static void buffers(void)
{
	int l = tcp(), near = tcp(), far;

	set_int(l, SOL_SOCKET, SO_RCVBUF, 4096);
	set_int(l, SOL_SOCKET, SO_SNDBUF, 4096);
	set_int(near, SOL_SOCKET, SO_RCVBUF, 4096);
	set_int(near, SOL_SOCKET, SO_SNDBUF, 4096);
	if (listen(l, 1) < 0 || connect_to(near, site->own, port_of(l)) < 0)
		err(2, "connect");
	far = accept(l, NULL, NULL);
	saw("connected", "%s", absorbed(near));
	saw("accepted", "%s", absorbed(far));
	pair(&near, &far);
	set_int(near, SOL_SOCKET, SO_SNDBUF, 4096);
	set_int(far, SOL_SOCKET, SO_RCVBUF, 4096);
	saw("set later", "%s", absorbed(near));
	pair(&near, &far);
	saw("left alone", "%s", absorbed(near));
}

const struct scenario block_scenarios[] = {
	{ "buffers", buffers, ON_LO },
	{ "timeouts", timeouts, ON_LO4 }, { "connect timeouts", connect_timeouts, ON_NET },
	{ "EINTR", eintr, ON_NET4 }, { "SA_RESTART", restart, ON_NET4 },
	{ "woken", woken, ON_NET4 }, { "closed", closed, ON_LO4 },
	{ "closed accept", closed_accept, ON_LO4 }, { "replaced", replaced, ON_LO4 },
	{ "async", async, ON_LO4 }, { "shared flags", shared_flags, ON_LO4 },
	{ "low water", low_water, ON_LO4 },
	{ 0 },
};
