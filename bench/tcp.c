/* tcp.c - netbench's client over TCP; see netbench.c for the modes */
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "bench.h"

#define MAX_CONNECTIONS	2500	/* of crr */

struct flow {
	int fd;
	double sent;		/* when the byte under way was sent */
};

static char chunk[CHUNK];

static int dial(const struct addrinfo *ai, char want)
{
	int fd = new_socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC);

	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0)
		err(1, "connect");
	if (send(fd, &want, 1, MSG_NOSIGNAL) != 1)
		err(1, "send");
	return fd;
}

/* @n connections in an epoll set */
static int dial_all(struct flow *fs, int n, const struct addrinfo *ai, char want, uint32_t events)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), one = 1;

	for (int i = 0; i < n; i++) {
		struct epoll_event ev = { .events = events, .data.ptr = &fs[i] };

		fs[i].fd = dial(ai, want);
		if (want == WANT_ECHO)
			setsockopt(fs[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fs[i].fd, &ev) < 0)
			err(1, "epoll_ctl");
	}
	return ep;
}

static uint64_t stream_up(struct flow *fs, int n, const struct addrinfo *ai, double seconds)
{
	int ep = dial_all(fs, n, ai, WANT_COUNT, EPOLLOUT);
	struct epoll_event evs[EVENTS];
	uint64_t total = 0, got;
	double end;

	meter_start();
	end = now() + seconds;
	while (now() < end) {
		int k = epoll_wait(ep, evs, EVENTS, 100);

		for (int i = 0; i < k; i++) {
			struct flow *f = evs[i].data.ptr;

			if (send(f->fd, chunk, sizeof(chunk), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
			    errno != EAGAIN)
				err(1, "send");
		}
	}
	for (int i = 0; i < n; i++)
		shutdown(fs[i].fd, SHUT_WR);
	for (int i = 0; i < n; i++) {
		if (recv(fs[i].fd, &got, sizeof(got), MSG_WAITALL) != sizeof(got))
			err(1, "the server's count");
		total += got;
	}
	meter_stop();
	return total;
}

static uint64_t stream_down(struct flow *fs, int n, const struct addrinfo *ai, double seconds)
{
	int ep = dial_all(fs, n, ai, WANT_DATA, EPOLLIN);
	struct epoll_event evs[EVENTS];
	uint64_t total = 0;
	double end;

	meter_start();
	end = now() + seconds;
	while (now() < end) {
		int k = epoll_wait(ep, evs, EVENTS, 100);

		for (int i = 0; i < k; i++) {
			struct flow *f = evs[i].data.ptr;
			ssize_t r = recv(f->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

			if (r == 0)
				errx(1, "the server closed");
			if (r > 0)
				total += (uint64_t)r;
		}
	}
	meter_stop();
	return total;
}

static void ping(struct flow *f)
{
	char b = 'x';

	f->sent = now();
	if (send(f->fd, &b, 1, MSG_NOSIGNAL) != 1)
		err(1, "send");
}

static void pong(struct flow *f)
{
	char b;

	if (recv(f->fd, &b, 1, 0) != 1)
		err(1, "the byte back");
	meter_sample(now() - f->sent);
}

/* a single flow needs no epoll: it blocks in recv(), as clients do */
static uint64_t round_trips(struct flow *fs, int n, const struct addrinfo *ai, double seconds)
{
	int ep = dial_all(fs, n, ai, WANT_ECHO, EPOLLIN);
	struct epoll_event evs[EVENTS];
	uint64_t total = 0;
	double end;

	meter_start();
	end = now() + seconds;
	for (int i = 0; i < n; i++)
		ping(&fs[i]);
	while (now() < end) {
		int k = n == 1 ? 1 : epoll_wait(ep, evs, EVENTS, 100);

		for (int i = 0; i < k; i++) {
			struct flow *f = n == 1 ? &fs[0] : evs[i].data.ptr;

			pong(f);
			ping(f);
			total++;
		}
	}
	meter_stop();
	return total;
}

static void transaction(const struct addrinfo *ai)
{
	int fd = dial(ai, WANT_ONE);
	char b;

	if (recv(fd, &b, 1, 0) != 1 || recv(fd, &b, 1, 0) != 0)
		err(1, "the byte back, and the end");
	close(fd);
}

/* one after the other, as many as MAX_CONNECTIONS: each leaves a TIME_WAIT at the
 * server, which costs some stacks more the more there are
 */
static uint64_t connections(const struct addrinfo *ai, double seconds)
{
	uint64_t total = 0;
	double end, t;

	meter_start();
	end = now() + seconds;
	while ((t = now()) < end && total < MAX_CONNECTIONS) {
		transaction(ai);
		meter_sample(now() - t);
		total++;
	}
	meter_stop();
	return total;
}

/* until the path is there; an attempt is short, or a SYN that came too early
 * for the stack would cost its first retransmission, a second
 */
static uint64_t first(const struct addrinfo *ai, double seconds)
{
	struct timespec when;
	struct timespec pause = { .tv_nsec = 200000 };
	struct timeval attempt = { .tv_usec = 10000 };
	double end;

	meter_start();
	end = now() + seconds;
	for (;;) {
		int fd = new_socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC);
		int e;

		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &attempt, sizeof(attempt));
		e = connect(fd, ai->ai_addr, ai->ai_addrlen);
		close(fd);
		if (e == 0)
			break;
		if (now() > end)
			err(1, "connect");
		nanosleep(&pause, NULL);
	}
	transaction(ai);
	clock_gettime(CLOCK_REALTIME, &when);
	meter_stop();
	return (uint64_t)when.tv_sec * 1000000 + (uint64_t)when.tv_nsec / 1000;
}

/**
 * tcp_client() - Run one mode over @n connections
 *
 * Return: false when @mode is none of TCP's
 */
bool tcp_client(const char *mode, const char *host, const char *port, double seconds, int n,
		struct result *r)
{
	const struct addrinfo *ai = resolve(host, port, SOCK_STREAM);
	struct flow *fs = calloc((size_t)n, sizeof(*fs));

	r->unit = "1/s";
	if (!strcmp(mode, "up") || !strcmp(mode, "down")) {
		r->unit = "Gbit/s";
		r->count = *mode == 'u' ? stream_up(fs, n, ai, seconds) : stream_down(fs, n, ai, seconds);
	} else if (!strcmp(mode, "rr")) {
		r->count = round_trips(fs, n, ai, seconds);
	} else if (!strcmp(mode, "crr")) {
		r->count = connections(ai, seconds);
	} else if (!strcmp(mode, "first")) {
		r->count = first(ai, seconds);
	} else {
		free(fs);
		return false;
	}
	free(fs);
	return true;
}
