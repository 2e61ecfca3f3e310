/* embed-echo.c - a private stack inside a program
 *
 * Starts a stack that only this program has, with nothing but its loopback
 * interface: a server and a client talk over real TCP, without a port, an
 * address or a permission of the host.  That is what a test harness wants.
 *
 *	cc embed-echo.c $(pkg-config --cflags --libs ustack) -lpthread
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <ustack.h>

static struct sockaddr_in6 address = {
	.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT,
};

/* send back what comes until the client is done */
static void *echo(void *arg)
{
	char buf[512];
	ssize_t n;
	int fd = ustack_accept(*(int *)arg, NULL, NULL);

	if (fd < 0)
		err(1, "accept");
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (write(fd, buf, (size_t)n) != n)
			err(1, "write");
	close(fd);
	return NULL;
}

int main(void)
{
	struct ustack *stack = ustack_start("");
	pthread_t server;
	char buf[512];
	ssize_t n;
	int l, c;

	address.sin6_port = htons(7000);
	if (!stack)
		errx(1, "%s", ustack_error());
	printf("ustackd runs as process %d; USTACK=%s joins it\n", (int)ustack_pid(stack),
	       ustack_name(stack));

	l = ustack_msocket(stack, AF_INET6, SOCK_STREAM, 0);
	if (l < 0 || ustack_bind(l, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    ustack_listen(l, 5) < 0)
		err(1, "listen");
	if (pthread_create(&server, NULL, echo, &l))
		errx(1, "pthread_create");

	c = ustack_msocket(stack, AF_INET6, SOCK_STREAM, 0);
	if (c < 0 || ustack_connect(c, (struct sockaddr *)&address, sizeof(address)) < 0)
		err(1, "connect");
	if (write(c, "hello, stack\n", 13) != 13 || ustack_shutdown(c, SHUT_WR) < 0)
		err(1, "write");
	while ((n = read(c, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	close(c);
	pthread_join(server, NULL);
	close(l);
	ustack_close(stack);
	return 0;
}
