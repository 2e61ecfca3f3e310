/* udp.c - netbench's client over UDP; see netbench.c for the modes
 *
 * Datagrams may be lost: a round trip that does not come back within ANSWER_MS
 * is sent again (and its time counts as a whole), and so is the question for
 * the server's total.
 */
#include <err.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "bench.h"

#define ANSWER_MS	200
#define TRIES		50
#define SIZE_MAX_UDP	65000

static char data[SIZE_MAX_UDP];

static int dial(const struct addrinfo *ai)
{
	int fd = new_socket(ai->ai_family, SOCK_DGRAM | SOCK_CLOEXEC), size = 4 << 20;
	struct timeval tv = { .tv_usec = ANSWER_MS * 1000 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0)
		err(1, "connect");
	return fd;
}

/* sends @want until its own answer comes */
static void ask(int fd, char want, void *answer, size_t size)
{
	static uint8_t number;
	struct udp_head q = { want, ++number };

	for (int i = 0; i < TRIES; i++) {
		if (send(fd, &q, sizeof(q), MSG_NOSIGNAL) != sizeof(q))
			continue;
		while (recv(fd, answer, size, 0) >= (ssize_t)sizeof(q))
			if (!memcmp(answer, &q, sizeof(q)))
				return;
	}
	errx(1, "no answer to %d datagrams", TRIES);
}

static uint64_t total(int fd)
{
	struct udp_total t;

	ask(fd, WANT_TOTAL, &t, sizeof(t));
	return t.datagrams;
}

static uint64_t round_trips(int fd, double seconds)
{
	struct udp_head answer;
	uint64_t n = 0;
	double end, t;

	ask(fd, WANT_ECHO, &answer, sizeof(answer));
	meter_start();
	end = now() + seconds;
	while ((t = now()) < end) {
		ask(fd, WANT_ECHO, &answer, sizeof(answer));
		meter_sample(now() - t);
		n++;
	}
	meter_stop();
	return n;
}

static uint64_t datagrams_up(int fd, double seconds, size_t size)
{
	uint64_t before = total(fd), n;
	double end;

	data[0] = WANT_COUNT;
	meter_start();
	end = now() + seconds;
	while (now() < end)
		for (int i = 0; i < EVENTS; i++)
			send(fd, data, size, MSG_NOSIGNAL);
	n = total(fd) - before;
	meter_stop();
	return n;
}

static uint64_t datagrams_down(int fd, double seconds, size_t size)
{
	struct udp_order o = {
		{ WANT_DATA, 0 }, (uint32_t)(seconds * 1000) + ANSWER_MS, (uint32_t)size
	};
	uint64_t n = 0;
	double end;

	/* the way there is known before the flood begins */
	total(fd);
	if (send(fd, &o, sizeof(o), MSG_NOSIGNAL) != sizeof(o) || recv(fd, data, sizeof(data), 0) <= 0)
		err(1, "no datagrams come");
	meter_start();
	end = now() + seconds;
	while (now() < end)
		for (int i = 0; i < EVENTS; i++)
			n += recv(fd, data, sizeof(data), 0) > 0;
	meter_stop();
	while (recv(fd, data, sizeof(data), 0) > 0)
		;
	return n;
}

/**
 * udp_client() - Run one mode, with datagrams of @size bytes
 *
 * Return: false when @mode is none of UDP's
 */
bool udp_client(const char *mode, const char *host, const char *port, double seconds, int size,
		struct result *r)
{
	int fd = dial(resolve(host, port, SOCK_DGRAM));
	size_t len = size < 1 ? 1 : size > SIZE_MAX_UDP ? SIZE_MAX_UDP : (size_t)size;

	r->unit = "1/s";
	if (!strcmp(mode, "udp-rr"))
		r->count = round_trips(fd, seconds);
	else if (!strcmp(mode, "udp-up"))
		r->count = datagrams_up(fd, seconds, len);
	else if (!strcmp(mode, "udp-down"))
		r->count = datagrams_down(fd, seconds, len);
	else
		r->unit = NULL;
	close(fd);
	return r->unit;
}
