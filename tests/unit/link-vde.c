/* link-vde.c - frames over libvdeplug's networks, none of which may stall us
 *
 * Runs in a network namespace of its own; skipped (77) where there can be
 * none, and under AddressSanitizer, which aborts on RTLD_DEEPBIND.
 */
#include "link-test.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <net/route.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[] = "/tmp/ustack-vde-XXXXXX";
static char spec[128];

#define PIPE_FRAME	(PIPE_BUF - 2)	/* a length goes before each frame */

static const char *vnl(const char *fmt, const char *name)
{
	snprintf(spec, sizeof(spec), fmt, dir, name);
	return spec;
}

static void exchange(struct link *a, struct link *b)
{
	uint8_t f[1514];
	struct iovec v[2] = { { f, 14 }, { f + 14, sizeof(f) - 14 } };

	make_frame(f, sizeof(f), 0x11);
	assert_int_equal(link_send(a, v, 2, NULL), 0);
	assert_int_equal(wait_test_frame(b, 0x11), sizeof(f));
	assert_memory_equal(rx_data, f, sizeof(f));
	make_frame(f, 60, 0x22);
	assert_int_equal(send_frame(b, f, 60), 0);
	assert_int_equal(wait_test_frame(a, 0x22), 60);
	assert_int_equal(a->caps, 0);
}

/* however many frames we send to a peer that takes none, none of the calls
 * waits: alarm() would end the test */
static void flood(struct link *l)
{
	uint64_t before = l->stats.tx_frames + l->stats.tx_dropped;
	uint8_t f[1514];

	make_frame(f, sizeof(f), 1);
	alarm(30);
	for (int i = 0; i < 20000; i++)
		assert_int_equal(send_frame(l, f, sizeof(f)), 0);
	alarm(0);
	assert_int_equal(l->stats.tx_frames + l->stats.tx_dropped - before, 20000);
}

static void nothing_to_read_does_not_wait(struct link *l)
{
	struct link_buf b = { .data = rx_data, .size = sizeof(rx_data) };
	uint64_t end = clock_ns() + DEADLINE_NS;
	int rc;

	alarm(30);
	do
		rc = link_recv(l, &b, 1);
	while (rc > 0 && clock_ns() < end);
	assert_int_equal(rc, 0);
	alarm(0);
}

static void two_ends_of_a_vxvde(void **state)
{
	struct link *a = open_link("vxvde://234.0.0.1"), *b = open_link("vxvde://234.0.0.1");

	assert_string_equal(a->name, "vxvde");
	exchange(a, b);
	nothing_to_read_does_not_wait(a);
	flood(a);
	link_close(a);
	link_close(b);
}

static void two_ends_of_a_ptp(void **state)
{
	struct link *a = open_link(vnl("ptp://%s/%s", "ptp")), *b;

	nothing_to_read_does_not_wait(a);
	b = open_link(spec);
	exchange(a, b);
	link_close(a);
	link_close(b);
	a = open_link(spec);
	b = open_link(spec);
	flood(a);
	assert_true(a->stats.tx_dropped > 0);
	link_close(a);
	link_close(b);
}

static void a_hub_and_its_member(void **state)
{
	struct link *hub = open_link(vnl("hub://%s/%s", "hub")), *member = NULL;
	char err[256];
	pid_t pid;
	int st;

	/* opening waits for the hub, which works while it receives */
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		uint8_t f[60];

		if (link_open(vnl("vde://%s/%s", "hub"), &member, err, sizeof(err)))
			_exit(1);
		make_frame(f, sizeof(f), 0x33);
		_exit(send_frame(member, f, sizeof(f)) ? 2 : 0);
	}
	assert_int_equal(wait_test_frame(hub, 0x33), 60);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
	nothing_to_read_does_not_wait(hub);
	link_close(hub);
}

/* a vde_switch; its console ends with @console */
static pid_t start_switch(int *console)
{
	char sock[64], mgmt[64];
	uint64_t end = clock_ns() + DEADLINE_NS;
	int p[2];
	pid_t pid;

	snprintf(sock, sizeof(sock), "%s/sw", dir);
	snprintf(mgmt, sizeof(mgmt), "%s/sw/ctl", dir);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(p[0], STDIN_FILENO);
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		execlp("vde_switch", "vde_switch", "-s", sock, NULL);
		_exit(127);
	}
	close(p[0]);
	*console = p[1];
	while (access(mgmt, F_OK) < 0 && clock_ns() < end) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return 0;	/* not installed */
		poll(NULL, 0, 10);
	}
	return pid;
}

static void a_switch_that_stalls_and_one_that_ends(void **state)
{
	struct link *a, *b;
	int console;
	pid_t pid = start_switch(&console);

	if (!pid) {
		close(console);
		skip();
	}
	a = open_link(vnl("vde://%s/%s", "sw"));
	b = open_link(vnl("%s/%s", "sw"));	/* a bare path is the same */
	assert_string_equal(b->name, "vde");
	exchange(a, b);
	link_close(a);
	a = open_link(vnl("vde://%s/%s", "sw"));
	kill(pid, SIGSTOP);
	flood(a);
	assert_true(a->stats.tx_dropped > 0);
	nothing_to_read_does_not_wait(a);
	kill(pid, SIGCONT);
	kill(pid, SIGTERM);
	close(console);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	wait_netdown(b);
	wait_netdown(a);
	link_close(a);
	link_close(b);
}

static void a_command_that_answers_stalls_or_ends(void **state)
{
	struct link *l = open_link("cmd://cat");
	uint8_t f[PIPE_FRAME + 1];

	make_frame(f, sizeof(f), 0x44);
	assert_int_equal(send_frame(l, f, 1514), 0);
	assert_int_equal(wait_test_frame(l, 0x44), 1514);
	nothing_to_read_does_not_wait(l);
	/* longer than a pipe takes as one */
	assert_int_equal(send_frame(l, f, sizeof(f)), -EMSGSIZE);
	assert_int_equal(send_frame(l, f, sizeof(f) - 1), 0);
	assert_int_equal(wait_test_frame(l, 0x44), sizeof(f) - 1);
	link_close(l);

	l = open_link("cmd://sleep 1");
	flood(l);
	assert_true(l->stats.tx_dropped > 0);
	wait_netdown(l);
	link_close(l);
}

static void nothing_ever_comes_from_null(void **state)
{
	struct link *l = open_link("null://");

	nothing_to_read_does_not_wait(l);
	flood(l);
	link_close(l);
}

static void a_frame_too_long_to_send_is_refused(void **state)
{
	static uint8_t f[9216 + 18 + 1];
	struct link *l = open_link("null://");

	make_frame(f, sizeof(f), 1);
	assert_int_equal(send_frame(l, f, sizeof(f)), -EMSGSIZE);
	assert_int_equal(send_frame(l, f, sizeof(f) - 1), 0);
	assert_int_equal(l->stats.tx_dropped, 1);
	link_close(l);
}

static void what_cannot_be_opened_says_why(void **state)
{
	assert_no_link("nosuch://x", -EPROTONOSUPPORT, "libvdeplug-nosuch");
	assert_no_link("vde:///nonexistent", -ENOENT, "/nonexistent");
	assert_no_link("/nonexistent", -ENOENT, "tap:NAME");
	assert_no_link("foo:bar", -ENOENT, "tap:NAME");
	assert_no_link("seqpacket://1000000", -EBADF, "descriptor");
}

/* multicast goes by lo: up, with a route */
static void set_up_multicast(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct rtentry rt;
	char dev[] = "lo";
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if_up("lo", true);
	memset(&rt, 0, sizeof(rt));
	rt.rt_flags = RTF_UP;
	rt.rt_dev = dev;
	in.sin_addr.s_addr = htonl(0xe0000000);
	memcpy(&rt.rt_dst, &in, sizeof(in));
	in.sin_addr.s_addr = htonl(0xf0000000);
	memcpy(&rt.rt_genmask, &in, sizeof(in));
	if (ioctl(s, SIOCADDRT, &rt) < 0)
		perror("route to 224.0.0.0/4");
	close(s);
}

static int remove_dir(void **state)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_ends_of_a_vxvde),
		cmocka_unit_test(two_ends_of_a_ptp),
		cmocka_unit_test(a_hub_and_its_member),
		cmocka_unit_test(a_switch_that_stalls_and_one_that_ends),
		cmocka_unit_test(a_command_that_answers_stalls_or_ends),
		cmocka_unit_test(nothing_ever_comes_from_null),
		cmocka_unit_test(a_frame_too_long_to_send_is_refused),
		cmocka_unit_test(what_cannot_be_opened_says_why),
	};

#ifdef __SANITIZE_ADDRESS__
	fprintf(stderr, "skipped: libvdeplug's RTLD_DEEPBIND aborts under AddressSanitizer\n");
	return TEST_SKIP;
#endif
	if (!private_netns()) {
		fprintf(stderr, "skipped: no network namespace: %s\n", strerror(errno));
		return TEST_SKIP;
	}
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir))
		return 1;
	set_up_multicast();
	return cmocka_run_group_tests(tests, NULL, remove_dir);
}
