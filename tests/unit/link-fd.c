/* link-fd.c - frames over an inherited descriptor, and what is no link */
#include "link-test.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>

static int pair[2];
static char spec[32];

static void open_pair(int type)
{
	assert_int_equal(socketpair(AF_UNIX, type, 0, pair), 0);
	snprintf(spec, sizeof(spec), "fd:%d", pair[0]);
}

static void frames_cross_both_ways(void **state)
{
	static const int types[] = { SOCK_SEQPACKET, SOCK_DGRAM };
	uint8_t f[1514], got[2000];

	for (int i = 0; i < 2; i++) {
		struct link_buf b = { .vnet.flags = 0xff };
		struct iovec v[3] = { { f, 14 }, { f + 14, 500 }, { f + 514, 1000 } };
		struct link *l;

		open_pair(types[i]);
		l = open_link(spec);
		assert_int_equal(l->caps, 0);
		assert_int_equal(l->mtu, 0);
		assert_int_equal(fcntl(l->fd, F_GETFD), FD_CLOEXEC);
		make_frame(f, sizeof(f), 0x5a);
		assert_int_equal(send(pair[1], f, sizeof(f), 0), sizeof(f));
		assert_int_equal(wait_frame(l, &b), 1);
		assert_int_equal(b.len, sizeof(f));
		assert_memory_equal(b.data, f, sizeof(f));
		assert_int_equal(b.vnet.flags, 0);
		assert_int_equal(link_send(l, v, 3, NULL), 0);
		assert_int_equal(recv(pair[1], got, sizeof(got), 0), sizeof(f));
		assert_memory_equal(got, f, sizeof(f));
		assert_int_equal(l->stats.rx_frames, 1);
		assert_int_equal(l->stats.tx_frames, 1);
		assert_int_equal(l->stats.tx_bytes, sizeof(f));
		link_close(l);
		assert_int_equal(fcntl(pair[0], F_GETFD), -1);
		close(pair[1]);
	}
}

static void a_burst_skips_what_is_no_frame(void **state)
{
	static uint8_t data[8][128];
	struct link_buf b[8];
	struct link *l;
	uint8_t f[256];

	open_pair(SOCK_SEQPACKET);
	l = open_link(spec);
	for (int i = 0; i < 8; i++)
		b[i] = (struct link_buf){ .data = data[i], .size = sizeof(data[i]) };
	make_frame(f, sizeof(f), 1);
	send(pair[1], f, 60, 0);
	send(pair[1], f, 13, 0);	/* too short */
	send(pair[1], f, 0, 0);		/* empty: not an end */
	send(pair[1], f, 129, 0);	/* too long for the buffer */
	f[14] = 2;
	send(pair[1], f, 128, 0);
	f[14] = 3;
	send(pair[1], f, 14, 0);
	assert_int_equal(link_recv(l, b, 8), 3);
	assert_int_equal(b[0].len, 60);
	assert_true(is_test_frame(b[0].data, b[0].len, 1));
	assert_int_equal(b[1].len, 128);
	assert_true(is_test_frame(b[1].data, b[1].len, 2));
	assert_int_equal(b[2].len, 14);
	assert_int_equal(l->stats.rx_dropped, 3);
	assert_int_equal(link_recv(l, b, 8), 0);
	/* every buffer is still there, once */
	for (int i = 0; i < 8; i++)
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(b[i].data, b[j].data);
	link_close(l);
	close(pair[1]);
}

static void the_end_of_the_peer_comes_after_its_last_frame(void **state)
{
	static uint8_t data[4][128];
	struct link_buf b, burst[4];
	struct link *l;
	uint8_t f[60];

	open_pair(SOCK_SEQPACKET);
	l = open_link(spec);
	make_frame(f, sizeof(f), 7);
	send(pair[1], f, 0, 0);		/* empty, and not the end yet */
	send(pair[1], f, sizeof(f), 0);
	close(pair[1]);
	for (int i = 0; i < 4; i++)
		burst[i] = (struct link_buf){ .data = data[i], .size = sizeof(data[i]) };
	assert_int_equal(link_recv(l, burst, 4), 1);
	assert_true(is_test_frame(burst[0].data, burst[0].len, 7));
	assert_int_equal(wait_frame(l, &b), -ENETDOWN);
	assert_int_equal(send_frame(l, f, sizeof(f)), -ENETDOWN);
	assert_int_equal(l->stats.tx_dropped, 1);
	link_close(l);
}

static void a_datagram_peer_that_left_is_noticed_on_sending(void **state)
{
	struct link *l;
	uint8_t f[60];

	open_pair(SOCK_DGRAM);
	l = open_link(spec);
	close(pair[1]);
	make_frame(f, sizeof(f), 7);
	assert_int_equal(send_frame(l, f, sizeof(f)), -ENETDOWN);
	link_close(l);
}

static void a_peer_that_does_not_read_gives_eagain_until_it_does(void **state)
{
	struct pollfd p;
	struct link *l;
	uint8_t f[1514];
	int n = 0, rc;

	open_pair(SOCK_SEQPACKET);
	l = open_link(spec);
	make_frame(f, sizeof(f), 7);
	while ((rc = send_frame(l, f, sizeof(f))) == 0 && n < 1000000)
		n++;
	assert_int_equal(rc, -EAGAIN);
	assert_int_equal(l->stats.tx_frames, n);
	assert_int_equal(l->stats.tx_dropped, 0);
	p = (struct pollfd){ .fd = l->fd, .events = POLLOUT };
	assert_int_equal(poll(&p, 1, 0), 0);
	for (int i = 0; i < n; i++)
		assert_int_equal(recv(pair[1], f, sizeof(f), 0), sizeof(f));
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(send_frame(l, f, sizeof(f)), 0);
	link_close(l);
	close(pair[1]);
}

static void the_largest_frame_crosses_and_a_larger_one_does_not(void **state)
{
	static uint8_t f[LINK_FRAME_MAX + 1];
	struct link_buf b;
	struct link *l;

	open_pair(SOCK_SEQPACKET);
	l = open_link(spec);
	make_frame(f, sizeof(f), 9);
	assert_int_equal(send_frame(l, f, sizeof(f)), -EMSGSIZE);
	assert_int_equal(l->stats.tx_dropped, 1);
	assert_int_equal(send_frame(l, f, sizeof(f) - 1), 0);
	assert_int_equal(recv(pair[1], rx_data, sizeof(rx_data), 0), sizeof(f) - 1);
	assert_int_equal(send(pair[1], f, LINK_FRAME_MAX, 0), LINK_FRAME_MAX);
	assert_int_equal(wait_frame(l, &b), 1);
	assert_int_equal(b.len, LINK_FRAME_MAX);
	link_close(l);
	close(pair[1]);
}

static void a_udp_peer_that_is_not_there_loses_frames(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int there = socket(AF_INET, SOCK_DGRAM, 0), here = socket(AF_INET, SOCK_DGRAM, 0);
	struct link *l;
	uint8_t f[60];

	assert_int_equal(bind(there, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(there, (struct sockaddr *)&in, &len), 0);
	snprintf(spec, sizeof(spec), "fd:%d", here);
	assert_no_link(spec, -ENOTCONN, "not connected");
	assert_int_equal(connect(here, (struct sockaddr *)&in, sizeof(in)), 0);
	l = open_link(spec);
	make_frame(f, sizeof(f), 3);
	assert_int_equal(send_frame(l, f, sizeof(f)), 0);
	assert_int_equal(recv(there, rx_data, sizeof(rx_data), 0), sizeof(f));
	close(there);
	for (int i = 0; i < 10; i++) {
		struct link_buf b = { .data = rx_data, .size = sizeof(rx_data) };

		assert_int_equal(send_frame(l, f, sizeof(f)), 0);
		assert_int_equal(link_recv(l, &b, 1), 0);
	}
	assert_in_range(l->stats.tx_dropped + l->stats.tx_frames, 11, 11);
	link_close(l);
}

static void what_is_no_link_is_refused_and_left_open(void **state)
{
	int p[2], null = open("/dev/null", O_RDWR), tcp = socket(AF_INET, SOCK_STREAM, 0);

	assert_no_link("fd:", -EINVAL, "number");
	assert_no_link("fd:-1", -EINVAL, "number");
	assert_no_link("fd:3x", -EINVAL, "number");
	assert_no_link("fd:99999999999999999999", -EINVAL, "number");
	assert_no_link("fd:1000000", -EBADF, "inherited");
	assert_no_link("", -EINVAL, "tap:NAME");
	assert_int_equal(pipe(p), 0);
	snprintf(spec, sizeof(spec), "fd:%d", p[0]);
	assert_no_link(spec, -ENOTSOCK, "neither");
	snprintf(spec, sizeof(spec), "fd:%d", null);
	assert_no_link(spec, -ENOTSOCK, "neither");
	snprintf(spec, sizeof(spec), "fd:%d", tcp);
	assert_no_link(spec, -EPROTOTYPE, "SEQPACKET");
	assert_int_equal(close(tcp) | close(null) | close(p[0]) | close(p[1]), 0);
	open_pair(SOCK_STREAM);
	assert_no_link(spec, -EPROTOTYPE, "SEQPACKET");
	assert_int_equal(close(pair[0]) | close(pair[1]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_cross_both_ways),
		cmocka_unit_test(a_burst_skips_what_is_no_frame),
		cmocka_unit_test(the_end_of_the_peer_comes_after_its_last_frame),
		cmocka_unit_test(a_datagram_peer_that_left_is_noticed_on_sending),
		cmocka_unit_test(a_peer_that_does_not_read_gives_eagain_until_it_does),
		cmocka_unit_test(the_largest_frame_crosses_and_a_larger_one_does_not),
		cmocka_unit_test(a_udp_peer_that_is_not_there_loses_frames),
		cmocka_unit_test(what_is_no_link_is_refused_and_left_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
