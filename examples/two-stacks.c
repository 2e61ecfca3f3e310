/* two-stacks.c - two hosts in one program
 *
 * Starts two private stacks, joined by a point-to-point link of libvdeplug, and
 * sends a datagram from one to the other and back: two IP addresses, two
 * routing tables, one process.
 *
 *	cc two-stacks.c $(pkg-config --cflags --libs ustack)
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include <ustack.h>

#define PORT 5353

static struct ustack *host(const char *dir, const char *ip)
{
	char config[160];
	struct ustack *s;

	snprintf(config, sizeof(config), "vnl=ptp://%s/link,ip=%s/24", dir, ip);
	s = ustack_start(config);
	if (!s)
		errx(1, "%s", ustack_error());
	return s;
}

static int udp(struct ustack *s, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct timeval tv = { .tv_sec = 1 };
	int fd = ustack_msocket(s, AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ustack_bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    ustack_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0)
		err(1, "udp");
	return fd;
}

/* ask until there is an answer: the link may take a moment to come up */
static void ask(int fd, const char *ip, int server)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) }, from;
	socklen_t len = sizeof(from);
	char buf[64], text[INET_ADDRSTRLEN];
	ssize_t n;

	inet_pton(AF_INET, ip, &to.sin_addr);
	for (int i = 0; i < 10; i++) {
		ustack_sendto(fd, "who is there?", 13, 0, (struct sockaddr *)&to, sizeof(to));
		n = ustack_recvfrom(server, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
		if (n < 0)
			continue;
		printf("%s asks: %.*s\n", inet_ntop(AF_INET, &from.sin_addr, text, sizeof(text)),
		       (int)n, buf);
		ustack_sendto(server, "a stack", 7, 0, (struct sockaddr *)&from, len);
		n = ustack_recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
		if (n < 0)
			continue;
		printf("%s says: %.*s\n", inet_ntop(AF_INET, &from.sin_addr, text, sizeof(text)),
		       (int)n, buf);
		return;
	}
	errx(1, "no answer from %s", ip);
}

int main(void)
{
	char dir[] = "/tmp/two-stacks-XXXXXX";
	struct ustack *a, *b;
	int c, s;

	if (!mkdtemp(dir))
		err(1, "%s", dir);
	a = host(dir, "10.0.0.1");
	b = host(dir, "10.0.0.2");
	s = udp(b, PORT);
	c = udp(a, 0);
	ask(c, "10.0.0.2", s);
	close(c);
	close(s);
	ustack_close(a);
	ustack_close(b);
	rmdir(dir);
	return 0;
}
