/* link-veth.c - both ends of a cable: metadata, carrier, who comes and goes */
#include "link-test.h"
#include <sys/stat.h>
#include <sys/un.h>

static char spec[64], dir[] = "/tmp/ustk-veth.XXXXXX";

static int make_path(void **state)
{
	strcpy(strchr(dir, '.') + 1, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(spec, sizeof(spec), "veth:%s/c", dir);
	return 0;
}

static int drop_path(void **state)
{
	return rmdir(dir);		/* nothing is left in it */
}

/* what is there to be read without a frame: control, a peer that comes */
static void settle(struct link *l)
{
	struct link_buf b = { .data = rx_data, .size = sizeof(rx_data) };
	struct pollfd p = { .fd = l->fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(link_recv(l, &b, 1), 0);
}

static void up(struct link *l, bool on)
{
	assert_int_equal(l->ops->set_up(l, on), 0);
}

static void a_pair_carries_metadata_and_its_carrier(void **state)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_size = 1448,
				    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .csum_start = 34 };
	struct link *l[2];
	static uint8_t f[65000];
	struct iovec v[2] = { { f, 60 }, { f + 60, sizeof(f) - 60 } };
	struct link_buf b;

	assert_int_equal(link_pair(l), 0);
	assert_true(l[0]->no_peer);
	assert_int_equal(l[0]->caps, LINK_CAP_VNET);
	make_frame(f, sizeof(f), 7);
	/* nobody is up there: lost, as on a cable without a plug */
	assert_int_equal(link_send(l[0], v, 2, &h), 0);
	assert_int_equal(l[0]->stats.tx_dropped, 1);
	up(l[0], true);
	up(l[1], true);
	settle(l[0]);
	settle(l[1]);
	assert_true(l[0]->changed && !l[0]->no_peer && !l[1]->no_peer);
	assert_int_equal(l[0]->caps, LINK_CAP_VNET | LINK_CAP_USO);
	assert_int_equal(link_send(l[0], v, 2, &h), 0);
	assert_int_equal(wait_frame(l[1], &b), 1);
	assert_int_equal(b.len, sizeof(f));
	assert_memory_equal(b.data, f, sizeof(f));
	assert_memory_equal(&b.vnet, &h, sizeof(h));
	up(l[0], false);
	settle(l[1]);
	assert_true(l[1]->no_peer);
	link_close(l[0]);
	wait_netdown(l[1]);
	link_close(l[1]);
}

static void a_full_cable_says_so(void **state)
{
	static uint8_t f[60000];
	struct link *l[2];
	int n = 0, rc;

	assert_int_equal(link_pair(l), 0);
	up(l[1], true);
	settle(l[0]);
	make_frame(f, sizeof(f), 1);
	while ((rc = send_frame(l[0], f, sizeof(f))) == 0)
		assert_true(++n < 10000);
	assert_int_equal(rc, -EAGAIN);
	assert_true(n > 1);
	link_close(l[0]);
	link_close(l[1]);
}

static void two_meet_at_a_path_and_a_third_waits(void **state)
{
	struct link *a = open_link(spec), *b, *c;
	struct stat st;
	int listener = a->fd;

	assert_true(a->no_peer);
	b = open_link(spec);
	settle(a);
	assert_true(a->changed);
	assert_int_not_equal(a->fd, listener);
	assert_int_equal(stat(spec + strlen("veth:"), &st), -1);
	c = open_link(spec);
	up(a, true);
	up(b, true);
	settle(b);
	assert_false(b->no_peer);
	assert_true(c->no_peer);
	/* the one that is left finds the one that waits */
	link_close(a);
	while (!b->no_peer)
		settle(b);
	settle(c);
	up(c, true);
	settle(b);
	assert_false(b->no_peer);
	link_close(b);
	link_close(c);
}

/* an end that does not say that it takes several datagrams as a frame, after one that did */
static void who_takes_datagrams_together_says_so(void **state)
{
	struct link *a = open_link(spec), *b = open_link(spec);
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int old;

	settle(a);
	up(a, true);
	up(b, true);
	settle(a);
	assert_true(a->caps & LINK_CAP_USO);
	link_close(b);
	a->changed = false;
	settle(a);
	assert_true(a->changed);
	assert_false(a->caps & LINK_CAP_USO);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", spec + strlen("veth:"));
	old = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(connect(old, (struct sockaddr *)&un, sizeof(un)), 0);
	settle(a);
	assert_int_equal(send(old, "U", 1, 0), 1);
	settle(a);
	assert_false(a->no_peer);
	assert_int_equal(a->caps, LINK_CAP_VNET);
	close(old);
	link_close(a);
}

static void a_dead_end_is_replaced(void **state)
{
	struct link *a = open_link(spec), *b;
	int keep = dup(a->fd);

	close(a->fd);			/* as if it had been killed: the path stays */
	close(keep);
	b = open_link(spec);
	assert_true(b->no_peer);
	a->fd = -1;
	link_close(b);
	link_close(a);
}

static void bad_paths_are_refused(void **state)
{
	assert_no_link("veth:cable", -EINVAL, "not a path");
	assert_no_link("veth:/nonexistent/folder/c", -ENOENT, "make the folder");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pair_carries_metadata_and_its_carrier),
		cmocka_unit_test(a_full_cable_says_so),
		cmocka_unit_test_setup_teardown(two_meet_at_a_path_and_a_third_waits, make_path, drop_path),
		cmocka_unit_test_setup_teardown(who_takes_datagrams_together_says_so, make_path, drop_path),
		cmocka_unit_test_setup_teardown(a_dead_end_is_replaced, make_path, drop_path),
		cmocka_unit_test(bad_paths_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
