/* listening.c - does a TCP port listen, without connecting to it?
 *
 * usage: listening ADDRESS PORT
 *
 * Sends one SYN by a raw socket from a port that nobody has; a SYN-ACK within
 * 300 ms means yes (status 0), anything else no (1).  The kernel, which knows
 * nothing of the SYN, resets the half-open connection, so accept() never sees
 * it: a one-shot server such as `nc -l` is not used up.  Needs CAP_NET_RAW.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint32_t sum16(const void *p, size_t len, uint32_t sum)
{
	const uint8_t *b = p;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)b[i] << 8 | b[i + 1];
	return sum;
}

/* the checksum over pseudo-header and segment, in network byte order */
static uint16_t tcp_sum(const struct sockaddr *from, const struct sockaddr *to,
			const struct tcphdr *th)
{
	uint32_t sum = IPPROTO_TCP + sizeof(*th);

	if (to->sa_family == AF_INET) {
		sum = sum16(&((const struct sockaddr_in *)from)->sin_addr, 4, sum);
		sum = sum16(&((const struct sockaddr_in *)to)->sin_addr, 4, sum);
	} else {
		sum = sum16(&((const struct sockaddr_in6 *)from)->sin6_addr, 16, sum);
		sum = sum16(&((const struct sockaddr_in6 *)to)->sin6_addr, 16, sum);
	}
	sum = sum16(th, sizeof(*th), sum);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* the address that the kernel would send from */
static void source_for(const struct addrinfo *to, struct sockaddr_storage *from)
{
	socklen_t len = sizeof(*from);
	int fd = socket(to->ai_family, SOCK_DGRAM, 0);

	if (fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen) < 0 ||
	    getsockname(fd, (struct sockaddr *)from, &len) < 0)
		err(1, "no way to %s", to->ai_canonname ? to->ai_canonname : "the address");
	close(fd);
}

static int wait_synack(int fd, int family, uint16_t sport, uint16_t dport)
{
	uint8_t buf[2048];
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, 300) > 0) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);
		size_t off = family == AF_INET && n > 0 ? (buf[0] & 15) * 4 : 0;
		struct tcphdr th;

		if (n < (ssize_t)(off + sizeof(th)))
			continue;
		memcpy(&th, buf + off, sizeof(th));
		if (th.source == dport && th.dest == sport)
			return th.syn && th.ack ? 0 : 1;
	}
	return 1;
}

int main(int argc, char **argv)
{
	struct addrinfo hint = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM }, *to;
	struct sockaddr_storage from = { 0 };
	struct timespec ts;
	struct tcphdr th = { 0 };
	struct sockaddr_storage dst = { 0 };
	int fd;

	if (argc != 3 || getaddrinfo(argv[1], argv[2], &hint, &to))
		errx(2, "usage: listening ADDRESS PORT");
	clock_gettime(CLOCK_MONOTONIC, &ts);
	source_for(to, &from);
	fd = socket(to->ai_family, SOCK_RAW, IPPROTO_TCP);
	if (fd < 0)
		err(2, "raw socket");
	th.source = htons((uint16_t)(1024 + (ts.tv_nsec / 1000 + getpid()) % 30000));
	th.dest = htons((uint16_t)atoi(argv[2]));
	th.seq = (uint32_t)ts.tv_nsec;
	th.doff = sizeof(th) / 4;
	th.syn = 1;
	th.window = htons(1024);
	th.check = tcp_sum((struct sockaddr *)&from, to->ai_addr, &th);
	memcpy(&dst, to->ai_addr, to->ai_addrlen);
	if (to->ai_family == AF_INET6)
		((struct sockaddr_in6 *)&dst)->sin6_port = 0;	/* raw: a protocol there */
	if (sendto(fd, &th, sizeof(th), 0, (struct sockaddr *)&dst, to->ai_addrlen) < 0)
		err(1, "send a SYN to %s", argv[1]);
	return wait_synack(fd, to->ai_family, th.source, th.dest);
}
