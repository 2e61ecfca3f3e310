/* ioth-plugin.c - the plug-in, loaded and called as libioth does
 *
 * Two stacks in this one process, joined by a cable of libvdeplug.  At the end the
 * program runs itself once more under the shim, on a stack without network: the
 * plug-in must not care.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "ioth/contract.h"

/* --- what libioth does --- */

struct stack {
	void *data;
	struct ioth_functions f;
};

static __thread void *current;

static void *getstackdata(void)
{
	return current;
}

static void *handle;

static void *symbol(const char *member)
{
	char name[64];

	snprintf(name, sizeof(name), "ioth_ustack_%s", member);
	return dlsym(handle, name);
}

static int start(struct stack *s, const char *options, const char *vnlv[])
{
	memset(s, 0, sizeof(*s));
	s->f.getstackdata = getstackdata;
#define LOOK(m) *(void **)&s->f.m = symbol(#m)
	LOOK(newstack); LOOK(delstack); LOOK(socket); LOOK(close); LOOK(bind); LOOK(connect);
	LOOK(listen); LOOK(accept); LOOK(getsockname); LOOK(getpeername); LOOK(setsockopt);
	LOOK(getsockopt); LOOK(shutdown); LOOK(ioctl); LOOK(fcntl); LOOK(read); LOOK(readv);
	LOOK(recv); LOOK(recvfrom); LOOK(recvmsg); LOOK(write); LOOK(writev); LOOK(send);
	LOOK(sendto); LOOK(sendmsg);
	assert_non_null(s->f.newstack);
	s->data = s->f.newstack(vnlv, options, &s->f);
	return s->data ? 0 : -errno;
}

static int msocket(struct stack *s, int domain, int type, int protocol)
{
	current = s->data;
	return s->f.socket(domain, type, protocol);
}

/* --- the cases --- */

static char dir[32];
static struct stack a, b;

static struct sockaddr_in at(const char *ip, uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, ip, &sa.sin_addr);
	return sa;
}

static int setup(void **state)
{
	char cable[80], named[80];
	const char *va[] = { cable, NULL }, *vb[] = { named, NULL };

	strcpy(dir, "/tmp/ustack-t-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	setenv("XDG_RUNTIME_DIR", dir, 1);
	setenv("USTACKD", DAEMON, 1);
	handle = dlopen(PLUGIN, RTLD_NOW);
	if (!handle) {
		fprintf(stderr, "%s\n", dlerror());
		return -1;
	}
	snprintf(cable, sizeof(cable), "ptp://%s/cable", dir);
	snprintf(named, sizeof(named), "eth7:ptp://%s/cable", dir);
	return start(&a, "ip=10.0.0.1/24", va) || start(&b, "ip=10.0.0.2/24,mtu=1400", vb) ? -1 : 0;
}

static int teardown(void **state)
{
	char cmd[64];

	if (a.data)
		a.f.delstack(a.data);
	if (b.data)
		b.f.delstack(b.data);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static void nothing_is_left_out_of_the_table(void **state)
{
	void **member = (void **)&a.f;

	for (size_t i = 0; i < sizeof(a.f) / sizeof(void *); i++)
		assert_non_null(member[i]);
	/* a name that libioth takes for a licence to be checked */
	assert_null(symbol("license"));
}

static void *serve(void *arg)
{
	int l = *(int *)arg, fd;
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	char buf[64];
	ssize_t n;

	fd = a.f.accept(l, (struct sockaddr *)&peer, &len);
	if (fd < 0 || peer.sin_addr.s_addr != inet_addr("10.0.0.2"))
		return (void *)1;
	while ((n = a.f.read(fd, buf, sizeof(buf))) > 0)
		if (a.f.write(fd, buf, (size_t)n) != n)
			return (void *)2;
	return (void *)(intptr_t)(a.f.close(fd) ? 3 : n);
}

static void tcp_from_one_stack_to_the_other(void **state)
{
	struct sockaddr_in sa = at("10.0.0.1", 7000), got;
	socklen_t len = sizeof(got);
	struct iovec out[2] = { { "hel", 3 }, { "lo", 2 } }, in;
	struct msghdr m = { .msg_iov = &in, .msg_iovlen = 1 };
	char buf[16] = "";
	int one = 1, val = 0, l, c;
	pthread_t t;
	void *ret;

	l = msocket(&a, AF_INET, SOCK_STREAM, 0);
	assert_true(l >= 0);
	assert_int_equal(a.f.setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	len = sizeof(val);
	assert_int_equal(a.f.getsockopt(l, SOL_SOCKET, SO_REUSEADDR, &val, &len), 0);
	assert_int_equal(val, 1);
	assert_int_equal(a.f.bind(l, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(a.f.listen(l, 5), 0);
	pthread_create(&t, NULL, serve, &l);

	c = msocket(&b, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(b.f.connect(c, (struct sockaddr *)&sa, sizeof(sa)), 0);
	len = sizeof(got);
	assert_int_equal(b.f.getpeername(c, (struct sockaddr *)&got, &len), 0);
	assert_memory_equal(&got, &sa, sizeof(sa));
	len = sizeof(got);
	assert_int_equal(b.f.getsockname(c, (struct sockaddr *)&got, &len), 0);
	assert_int_equal(got.sin_addr.s_addr, inet_addr("10.0.0.2"));
	assert_int_equal(b.f.writev(c, out, 2), 5);
	assert_int_equal(b.f.recv(c, buf, 5, MSG_WAITALL), 5);
	assert_string_equal(buf, "hello");
	assert_int_equal(b.f.send(c, "again", 5, 0), 5);
	in = (struct iovec){ buf, 1 };
	assert_int_equal(b.f.recvmsg(c, &m, 0), 1);
	in = (struct iovec){ buf + 1, 4 };
	assert_int_equal(b.f.readv(c, &in, 1), 4);
	assert_string_equal(buf, "again");
	assert_int_equal(b.f.fcntl(c, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(b.f.read(c, buf, 1), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(b.f.shutdown(c, SHUT_WR), 0);
	pthread_join(t, &ret);
	assert_null(ret);
	assert_int_equal(b.f.close(c), 0);
	assert_int_equal(a.f.close(l), 0);
}

static void udp_and_where_it_comes_from(void **state)
{
	struct sockaddr_in sa = at("10.0.0.1", 7001), from;
	int s = msocket(&a, AF_INET, SOCK_DGRAM, 0), c = msocket(&b, AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(from);
	struct pollfd p = { .fd = s, .events = POLLIN };
	struct iovec iov = { "y", 1 };
	struct msghdr m = { .msg_name = &from, .msg_iov = &iov, .msg_iovlen = 1 };
	char buf[4];

	assert_int_equal(a.f.bind(s, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(b.f.sendto(c, "x", 1, 0, (struct sockaddr *)&sa, sizeof(sa)), 1);
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(a.f.recvfrom(s, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 1);
	assert_int_equal(from.sin_addr.s_addr, inet_addr("10.0.0.2"));
	m.msg_namelen = len;
	assert_int_equal(a.f.sendmsg(s, &m, 0), 1);
	p.fd = c;
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(b.f.read(c, buf, sizeof(buf)), 1);
	assert_int_equal(buf[0], 'y');
	assert_int_equal(a.f.close(s), 0);
	assert_int_equal(b.f.close(c), 0);
}

/* the interface's index by ioctl(2); 0: none of that name */
static int index_of(struct stack *s, const char *name, int *mtu)
{
	struct ifreq r = { 0 };
	int fd = msocket(s, AF_INET, SOCK_DGRAM, 0), index = 0;

	strncpy(r.ifr_name, name, IFNAMSIZ - 1);
	if (s->f.ioctl(fd, SIOCGIFINDEX, &r) == 0)
		index = r.ifr_ifindex;
	if (index && s->f.ioctl(fd, SIOCGIFMTU, &r) == 0)
		*mtu = r.ifr_mtu;
	s->f.close(fd);
	return index;
}

static void interfaces_have_their_names(void **state)
{
	int mtu = 0;

	assert_true(index_of(&a, "vde0", &mtu) > 0);
	assert_int_equal(index_of(&a, "eth7", &mtu), 0);
	assert_true(index_of(&b, "eth7", &mtu) > 0);
	assert_int_equal(mtu, 1400);
	assert_int_equal(index_of(&b, "vde0", &mtu), 0);
}

/* as nlinline asks, for ioth_if_nametoindex() and its kin */
static void netlink_answers(void **state)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg f;
		struct rtattr a;
		char name[8];
	} r = {
		.h = { .nlmsg_len = NLMSG_LENGTH(sizeof(r.f)) + RTA_LENGTH(5),
		       .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = 3 },
		.a = { RTA_LENGTH(5), IFLA_IFNAME }, .name = "eth7",
	};
	union {
		struct nlmsghdr h;
		char buf[8192];
	} reply;
	const struct ifinfomsg *f = NLMSG_DATA(&reply.h);
	int fd = msocket(&b, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), mtu;

	assert_true(fd >= 0);
	assert_int_equal(b.f.send(fd, &r, r.h.nlmsg_len, 0), r.h.nlmsg_len);
	assert_true(b.f.recv(fd, &reply, sizeof(reply), 0) > (ssize_t)sizeof(*f));
	assert_int_equal(reply.h.nlmsg_type, RTM_NEWLINK);
	assert_int_equal(f->ifi_index, index_of(&b, "eth7", &mtu));
	assert_int_equal(b.f.close(fd), 0);
}

static void a_stack_without_interfaces(void **state)
{
	struct stack s;
	const char *none[] = { NULL };
	int mtu = 0;

	assert_int_equal(start(&s, "", NULL), 0);
	assert_int_equal(index_of(&s, "lo", &mtu), 1);
	assert_int_equal(s.f.delstack(s.data), 0);
	assert_int_equal(start(&s, NULL, none), 0);
	assert_int_equal(s.f.delstack(s.data), 0);
}

static void what_cannot_be_is_refused(void **state)
{
	const char *comma[] = { "vxvde://234.0.0.1,ip=10.0.0.1/24", NULL };
	const char *missing[] = { "nosuch://x", NULL };
	struct stack s;

	assert_int_equal(start(&s, "", comma), -EINVAL);
	assert_true(start(&s, "", missing) < 0);
	assert_true(start(&s, "ip=nonsense", NULL) < 0);
}

static void delstack_ends_its_stack_alone(void **state)
{
	int fd, mtu;

	assert_int_equal(a.f.delstack(a.data), 0);
	fd = msocket(&b, AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	b.f.close(fd);
	assert_true(index_of(&b, "eth7", &mtu) > 0);
	a.data = NULL;
}

/* once more, where the program's own network is null */
static void the_shim_makes_no_difference(void **state)
{
	char log[80], *argv[] = { "ioth-plugin", NULL };
	int status, fd;
	pid_t pid;

	if (getenv("USTACK"))
		return;
	snprintf(log, sizeof(log), "%s/log", dir);
	pid = fork();
	if (pid == 0) {
		setenv("LD_PRELOAD", SHIM, 1);
		setenv("USTACK", "null", 1);
		fd = open(log, O_CREAT | O_WRONLY | O_TRUNC, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		alarm(60);
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_left_out_of_the_table),
		cmocka_unit_test(tcp_from_one_stack_to_the_other),
		cmocka_unit_test(udp_and_where_it_comes_from),
		cmocka_unit_test(interfaces_have_their_names),
		cmocka_unit_test(netlink_answers),
		cmocka_unit_test(a_stack_without_interfaces),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(delstack_ends_its_stack_alone),
		cmocka_unit_test(the_shim_makes_no_difference),
	};

	return cmocka_run_group_tests_name("ioth-plugin", tests, setup, teardown);
}
