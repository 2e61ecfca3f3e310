/* netbench.c - the traffic of the benchmarks: streams, round trips, connections
 *
 * usage: netbench [OPTION...] server ADDRESS PORT
 *        netbench [OPTION...] MODE ADDRESS PORT SECONDS [N]
 *   -c CPU		everything measured runs on this processor only
 *   -p PID,...		processes that are measured besides the client: the server, stacks
 *   -v VNL,ADDRESS/LEN	sockets of libvdestack on this network in place of the kernel's
 *
 * Theory of operation
 * The client says by the first byte of a connection, or of each datagram, what
 * the server is to do (bench.h).  One thread on either side, so that what is
 * measured is the stack.  N is the number of flows (default 1), or the size of a
 * datagram for udp-up and udp-down.
 *   up		the client sends as much as it can; the server tells what came,
 *		so that what only sits in buffers is not counted
 *   down	the server sends, the client counts
 *   rr		one byte there and back, over and over, on each flow
 *   crr	connect, one byte there and back, the server closes, then the client
 *   udp-rr	as rr, with two bytes
 *   udp-up, udp-down	datagrams that arrived, of those sent without a pause
 *   first	tries to connect until it works, then one byte there and back;
 *		SECONDS is how long it tries, COUNT the time of day of the byte, in us
 * The client prints one line:
 *	MODE VALUE UNIT SECONDS COUNT CPU P50 P99
 * VALUE is Gbit/s or a second; COUNT bytes, transactions or datagrams; CPU the
 * seconds that client, -p's processes and ksoftirqd used (meter.c); P50 and P99
 * microseconds a transaction.
 *
 * libvdestack is loaded only when -v asks for it: it needs no header, and the
 * benchmark none of its package.
 */
#include <dlfcn.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench.h"

static struct {
	void *stack;
	int (*msocket)(void *stack, int domain, int type, int protocol);
} vdestack;

/**
 * resolve() - A numeric address and port; ends the program when they are none
 */
struct addrinfo *resolve(const char *host, const char *port, int type)
{
	struct addrinfo hint = { .ai_flags = AI_NUMERICHOST, .ai_socktype = type }, *ai;

	if (getaddrinfo(host, port, &hint, &ai))
		errx(2, "bad address %s port %s", host, port);
	return ai;
}

/**
 * new_socket() - socket(2), of libvdestack's stack with -v
 */
int new_socket(int family, int type)
{
	int fd = vdestack.stack ? vdestack.msocket(vdestack.stack, family, type, 0) :
				  socket(family, type, 0);

	if (fd < 0)
		err(1, "socket");
	return fd;
}

static void *symbol(void *lib, const char *name)
{
	void *p = dlsym(lib, name);

	if (!p)
		errx(3, "%s", dlerror());
	return p;
}

static void stack_command(int (*run)(void *, char *), const char *fmt, const char *arg)
{
	char line[256];

	snprintf(line, sizeof(line), fmt, arg);
	if (run(vdestack.stack, line))
		errx(1, "libvdestack: %s failed", line);
}

/* a stack of libvdestack; @spec: VNL,ADDRESS/LEN.  Its Ethernet address follows
 * from the other, or a peer would send to that of the run before for a while
 */
static void open_vdestack(char *spec)
{
	void *lib = dlopen("libvdestack.so.0", RTLD_NOW), *(*add)(char *, char *);
	int (*run)(void *, char *);
	char *addr = strrchr(spec, ','), mac[32];
	unsigned last = 0;

	if (!lib)
		errx(3, "%s", dlerror());
	if (!addr || sscanf(addr, ",%*u.%*u.%*u.%u/", &last) != 1)
		errx(2, "-v %s: VNL,ADDRESS/LEN is expected", spec);
	*addr++ = '\0';
	add = (void *(*)(char *, char *))symbol(lib, "vde_addstack");
	run = (int (*)(void *, char *))symbol(lib, "vde_stackcmd");
	vdestack.msocket = (int (*)(void *, int, int, int))symbol(lib, "vde_msocket");
	vdestack.stack = add(spec, NULL);
	if (!vdestack.stack)
		err(1, "vde_addstack(%s)", spec);
	snprintf(mac, sizeof(mac), "02:00:00:00:00:%02x", last & 0xff);
	stack_command(run, "/bin/ip link set vde0 address %s up", mac);
	stack_command(run, "/bin/ip addr add %s dev vde0", addr);
}

static int usage(void)
{
	fputs("usage: netbench [-c CPU] [-p PID,...] [-v VNL,ADDRESS/LEN] server ADDRESS PORT\n"
	      "       netbench [OPTION...] MODE ADDRESS PORT SECONDS [N]\n"
	      "MODE: up down rr crr udp-rr udp-up udp-down first\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *pids = "";
	char *vde = NULL;
	int cpu = -1, o, n;
	struct result r = { 0 };

	while ((o = getopt(argc, argv, "+c:p:v:")) != -1) {
		if (o == 'c')
			cpu = atoi(optarg);
		else if (o == 'p')
			pids = optarg;
		else if (o == 'v')
			vde = optarg;
		else
			return usage();
	}
	argv += optind;
	argc -= optind;
	if (argc < 3)
		return usage();
	signal(SIGPIPE, SIG_IGN);
	if (vde)
		open_vdestack(vde);
	if (argc == 3 && !strcmp(argv[0], "server"))
		return server(argv[1], argv[2]);
	if (argc < 4)
		return usage();
	n = argc > 4 ? atoi(argv[4]) : 1;
	meter_init(pids, cpu);
	if (!tcp_client(argv[0], argv[1], argv[2], atof(argv[3]), n, &r) &&
	    !udp_client(argv[0], argv[1], argv[2], atof(argv[3]), n, &r))
		return usage();
	meter_print(argv[0], &r);
	return 0;
}
