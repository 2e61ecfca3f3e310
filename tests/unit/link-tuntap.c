/* link-tuntap.c - tap and tun against the kernel's side of them
 *
 * Runs in a network namespace of its own; skipped (77) where there can be
 * none, or no /dev/net/tun.
 */
#include "link-test.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <netinet/in.h>

/* the kernel's side of an interface */
static int packet_socket(const char *name)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET, .sll_protocol = htons(TEST_TYPE),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	struct timeval tv = { .tv_sec = 5 };
	int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(s >= 0);
	assert_true(ll.sll_ifindex > 0);
	assert_int_equal(bind(s, (struct sockaddr *)&ll, sizeof(ll)), 0);
	assert_int_equal(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	return s;
}

static void delete_interface(const char *name)
{
	struct {
		struct nlmsghdr nh;
		struct ifinfomsg ifi;
	} req = {
		.nh = { .nlmsg_len = sizeof(req), .nlmsg_type = RTM_DELLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.ifi.ifi_index = (int)if_nametoindex(name),
	};
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct { struct nlmsghdr nh; struct nlmsgerr e; } ack;

	assert_int_equal(send(s, &req, sizeof(req), 0), sizeof(req));
	assert_true(recv(s, &ack, sizeof(ack), MSG_TRUNC) > 0);
	assert_int_equal(ack.e.error, 0);
	close(s);
}

static bool kernel_sends_tso(const char *name)
{
	struct ethtool_value ev = { .cmd = ETHTOOL_GTSO };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	ifr.ifr_data = (char *)&ev;
	assert_int_equal(ioctl(s, SIOCETHTOOL, &ifr), 0);
	close(s);
	return ev.data;
}

static void exchange(struct link *l)
{
	uint8_t f[1514], got[2000];
	struct iovec v[2] = { { f, 14 }, { f + 14, sizeof(f) - 14 } };
	int s = packet_socket(l->name);

	make_frame(f, sizeof(f), 0x11);
	assert_int_equal(send(s, f, sizeof(f), 0), sizeof(f));
	assert_int_equal(wait_test_frame(l, 0x11), sizeof(f));
	assert_memory_equal(rx_data, f, sizeof(f));
	make_frame(f, sizeof(f), 0x22);
	assert_int_equal(link_send(l, v, 2, NULL), 0);
	assert_int_equal(recv(s, got, sizeof(got), 0), sizeof(f));
	assert_memory_equal(got, f, sizeof(f));
	close(s);
}

static void a_tap_carries_frames_with_offload(void **state)
{
	static const uint8_t zero[6];
	struct link *l = open_link("tap:t0");

	assert_string_equal(l->name, "t0");
	assert_int_equal(l->caps & ~LINK_CAP_USO, LINK_CAP_VNET);
	assert_int_equal(l->mtu, 1500);
	assert_memory_equal(l->mac, zero, 6);
	assert_true(kernel_sends_tso("t0"));
	if_up("t0", true);
	exchange(l);
	link_close(l);
	assert_int_equal(if_nametoindex("t0"), 0);
}

static void a_tap_without_offload(void **state)
{
	struct link *l = open_link("tap:t1/novnet");

	assert_int_equal(l->caps & ~LINK_CAP_USO, 0);
	assert_false(kernel_sends_tso("t1"));
	if_up("t1", true);
	exchange(l);
	link_close(l);
}

/* offload outlives its owner on a persistent device: it must be undone */
static void a_device_forgets_the_offload_of_its_last_owner(void **state)
{
	struct link *l = open_link("tap:t2");

	assert_int_equal(ioctl(l->fd, TUNSETPERSIST, 1ul), 0);
	link_close(l);
	l = open_link("tap:t2/novnet");
	assert_int_equal(l->caps & ~LINK_CAP_USO, 0);
	assert_false(kernel_sends_tso("t2"));
	if_up("t2", true);
	exchange(l);
	link_close(l);
	l = open_link("tap:t2");
	assert_int_equal(l->caps & ~LINK_CAP_USO, LINK_CAP_VNET);
	assert_true(kernel_sends_tso("t2"));
	exchange(l);
	assert_int_equal(ioctl(l->fd, TUNSETPERSIST, 0ul), 0);
	link_close(l);
}

static void the_kernel_chooses_a_name(void **state)
{
	struct link *a = open_link("tap:"), *b = open_link("tap:"), *c = open_link("tun:net%d");

	assert_string_equal(a->name, "tap0");
	assert_string_equal(b->name, "tap1");
	assert_string_equal(c->name, "net0");
	link_close(a);
	link_close(b);
	link_close(c);
}

/* a UDP datagram that the kernel routes to 10.98.0.2 comes as an IP packet */
static void a_tun_carries_packets(void **state)
{
	struct link *l = open_link("tun:u0");
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(9) };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr;
	struct link_buf b;

	assert_int_equal(l->caps & ~LINK_CAP_USO, LINK_CAP_L3 | LINK_CAP_VNET);
	assert_int_equal(l->mtu, 1500);
	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, "u0");
	inet_pton(AF_INET, "10.98.0.1", &in.sin_addr);
	memcpy(&ifr.ifr_addr, &in, sizeof(in));
	assert_int_equal(ioctl(s, SIOCSIFADDR, &ifr), 0);
	inet_pton(AF_INET, "10.98.0.2", &in.sin_addr);
	memcpy(&ifr.ifr_addr, &in, sizeof(in));
	assert_int_equal(ioctl(s, SIOCSIFDSTADDR, &ifr), 0);
	if_up("u0", true);
	assert_int_equal(sendto(s, "hello", 5, 0, (struct sockaddr *)&in, sizeof(in)), 5);
	do
		assert_int_equal(wait_frame(l, &b), 1);
	while (rx_data[0] >> 4 != 4);	/* the kernel's own IPv6 */
	assert_int_equal(b.len, 20 + 8 + 5);
	assert_memory_equal(rx_data + 28, "hello", 5);
	link_close(l);
	close(s);
}

static void a_device_that_is_down_loses_frames(void **state)
{
	struct link *l = open_link("tap:t3");
	uint8_t f[60];

	make_frame(f, sizeof(f), 1);
	assert_int_equal(send_frame(l, f, sizeof(f)), 0);
	assert_int_equal(l->stats.tx_dropped, 1);
	assert_int_equal(l->stats.tx_frames, 0);
	if_up("t3", true);
	assert_int_equal(send_frame(l, f, sizeof(f)), 0);
	assert_int_equal(l->stats.tx_frames, 1);
	link_close(l);
}

static void a_device_that_is_deleted_is_gone(void **state)
{
	struct link *l = open_link("tap:t4");
	uint8_t f[60];

	if_up("t4", true);
	delete_interface("t4");
	wait_netdown(l);
	make_frame(f, sizeof(f), 1);
	assert_int_equal(send_frame(l, f, sizeof(f)), -ENETDOWN);
	link_close(l);
}

static void a_frame_longer_than_the_buffer_is_dropped(void **state)
{
	struct link *l = open_link("tap:t5");
	uint8_t f[1514];
	struct link_buf b = { .data = rx_data, .size = 1000 };
	uint64_t end = clock_ns() + DEADLINE_NS;
	int s;

	if_up("t5", true);
	s = packet_socket("t5");
	make_frame(f, sizeof(f), 1);
	assert_int_equal(send(s, f, sizeof(f), 0), sizeof(f));
	while (l->stats.rx_dropped == 0 && clock_ns() < end)
		link_recv(l, &b, 1);
	assert_int_equal(l->stats.rx_dropped, 1);
	close(s);
	link_close(l);
}

static void a_frame_too_long_to_send_is_refused(void **state)
{
	static uint8_t f[LINK_FRAME_MAX + 1];
	struct link *l = open_link("tap:t6");

	make_frame(f, sizeof(f), 1);
	assert_int_equal(send_frame(l, f, sizeof(f)), -EMSGSIZE);
	assert_int_equal(l->stats.tx_dropped, 1);
	link_close(l);
}

static void a_descriptor_of_a_tap_is_a_link(void **state)
{
	int fd = open("/dev/net/tun", O_RDWR);
	struct ifreq ifr;
	struct link *l;
	char spec[32];

	assert_true(fd >= 0);
	snprintf(spec, sizeof(spec), "fd:%d", fd);
	assert_no_link(spec, -ENOTSOCK, "neither");	/* no device yet */
	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, "t7");
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI;
	assert_int_equal(ioctl(fd, TUNSETIFF, &ifr), 0);
	l = open_link(spec);
	assert_string_equal(l->name, "t7");
	assert_int_equal(l->caps & ~LINK_CAP_USO, 0);
	assert_int_equal(l->mtu, 1500);
	if_up("t7", true);
	exchange(l);
	link_close(l);
}

static void what_cannot_be_attached_is_refused(void **state)
{
	struct link *l = open_link("tap:t8");

	assert_no_link("tap:t8", -EBUSY, "another process");
	assert_no_link("tun:t8", -EINVAL, "no tun");
	assert_no_link("tap:lo", -EINVAL, "no tap");
	assert_no_link("tap:t8/offload", -EINVAL, "/novnet");
	assert_no_link("tap:sixteencharacter", -ENAMETOOLONG, "15");
	link_close(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tap_carries_frames_with_offload),
		cmocka_unit_test(a_tap_without_offload),
		cmocka_unit_test(a_device_forgets_the_offload_of_its_last_owner),
		cmocka_unit_test(the_kernel_chooses_a_name),
		cmocka_unit_test(a_tun_carries_packets),
		cmocka_unit_test(a_device_that_is_down_loses_frames),
		cmocka_unit_test(a_device_that_is_deleted_is_gone),
		cmocka_unit_test(a_frame_longer_than_the_buffer_is_dropped),
		cmocka_unit_test(a_frame_too_long_to_send_is_refused),
		cmocka_unit_test(a_descriptor_of_a_tap_is_a_link),
		cmocka_unit_test(what_cannot_be_attached_is_refused),
	};

	if (!private_netns() || access("/dev/net/tun", R_OK | W_OK) < 0) {
		fprintf(stderr, "skipped: no network namespace or no /dev/net/tun: %s\n",
			strerror(errno));
		return TEST_SKIP;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
