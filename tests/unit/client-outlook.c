/* client-outlook.c - when a datagram's fate is asked for, and when it is known
 *
 * The test writes the board that its fake stack shows, and sees in memory that it
 * shares with it what was asked.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "client/client.h"
#include "fake-stack.h"
#include "proto/board.h"

#define NO_ANSWER	ENONET		/* an errno that nothing else gives */
#define HEARD		7000		/* a socket of the fake stack has it */

static struct fake_stack stack;
static struct board *board;
static int heard;

static struct board *make_board(int seals)
{
	int fd = memfd_create("board", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct board *b;

	assert_int_equal(ftruncate(fd, sizeof(*b)), 0);
	b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(b, MAP_FAILED);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	board_init(b);
	if (fake_board >= 0)
		close(fake_board);
	fake_board = fd;
	return b;
}

/* 127.0.0.0/8 is fine, 127.1.0.0/16 the stack itself, 127.2.0.0/16 to be asked */
static void show(struct board *b, uint32_t mtu)
{
	struct board_ways w;
	uint32_t net;

	memset(&w, 0, sizeof(w));
	w.mtu = mtu;
	net = htonl(0x7f010000);
	board_add(&w, BOARD_IP4, &net, 16, BOARD_SELF);
	net = htonl(0x7f020000);
	board_add(&w, BOARD_IP4, &net, 16, BOARD_ASK);
	net = htonl(0x7f000000);
	board_add(&w, BOARD_IP4, &net, 8, BOARD_FINE);
	board_publish(b, &w);
}

static int udp(struct sockname *sn)
{
	int fd = client_socket(stack.path, AF_INET, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	assert_true(client_identify(fd, sn));
	return fd;
}

static ssize_t put(int fd, const char *ip, unsigned port, size_t len)
{
	static char data[65507];
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockname sn;

	assert_true(client_identify(fd, &sn));
	if (ip)
		a.sin_addr.s_addr = inet_addr(ip);
	return client_sendto(fd, &sn, data, len, 0, ip ? (struct sockaddr *)&a : NULL, sizeof(a));
}

static int start(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(HEARD) };
	struct sockname sn;

	fake_outlook->asked = fake_outlook->settled = 0;
	fake_outlook->verdict = NO_ANSWER;
	board = make_board(F_SEAL_SHRINK);
	show(board, 1500);
	fake_stack_start(&stack);
	heard = udp(&sn);
	assert_int_equal(client_bind(heard, &sn, (struct sockaddr *)&a, sizeof(a)), 0);
	return 0;
}

static int stop(void **state)
{
	close(heard);
	fake_stack_stop(&stack);
	return 0;
}

static void what_is_fine_is_not_asked_for(void **state)
{
	struct sockname sn;
	int fd = udp(&sn);

	assert_int_equal(put(fd, "127.0.0.1", HEARD, 5), 5);
	assert_int_equal(put(fd, "127.1.0.1", HEARD, 5000), 5000);
	assert_int_equal(fake_outlook->asked + fake_outlook->settled, 0);
	close(fd);
}

static void what_is_not_is_asked_for_until_it_is_fine(void **state)
{
	struct sockname sn;
	int fd = udp(&sn), other = udp(&sn);

	assert_int_equal(put(fd, "127.2.0.1", HEARD, 5), -NO_ANSWER);
	assert_int_equal(put(fd, "127.2.0.1", HEARD, 5), -NO_ANSWER);
	assert_int_equal(fake_outlook->asked, 2);
	fake_outlook->verdict = 0;
	assert_int_equal(put(fd, "127.2.0.1", HEARD, 5), 5);
	fake_outlook->verdict = NO_ANSWER;
	assert_int_equal(put(fd, "127.2.0.1", HEARD, 9000), 9000);
	assert_int_equal(put(fd, "127.2.0.1", HEARD + 1, 5), 5);
	assert_int_equal(fake_outlook->asked, 3);
	/* another place, another socket, another board */
	assert_int_equal(put(fd, "127.2.0.2", HEARD, 5), -NO_ANSWER);
	assert_int_equal(put(other, "127.2.0.1", HEARD, 5), -NO_ANSWER);
	show(board, 1400);
	assert_int_equal(put(fd, "127.2.0.1", HEARD, 5), -NO_ANSWER);
	close(fd);
	close(other);
}

static void options_make_it_look_closer(void **state)
{
	int on = IP_PMTUDISC_DO;
	struct sockname sn;
	int fd = udp(&sn);

	assert_int_equal(put(fd, "127.0.0.1", HEARD, 9000), 9000);
	assert_int_equal(client_setsockopt(fd, &sn, IPPROTO_IP, IP_MTU_DISCOVER, &on, sizeof(on)), 0);
	assert_int_equal(put(fd, "127.0.0.1", HEARD, 1400), 1400);
	assert_int_equal(fake_outlook->asked, 0);
	assert_int_equal(put(fd, "127.0.0.1", HEARD, 9000), -NO_ANSWER);
	fake_outlook->verdict = 0;
	assert_int_equal(put(fd, "127.0.0.1", HEARD, 8000), 8000);
	fake_outlook->verdict = NO_ANSWER;
	assert_int_equal(put(fd, "127.0.0.1", HEARD, 7000), 7000);
	assert_int_equal(put(fd, "127.0.0.1", HEARD, 8001), -NO_ANSWER);
	assert_int_equal(fake_outlook->asked, 3);
	assert_int_equal(client_setsockopt(fd, &sn, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)), 0);
	assert_int_equal(put(fd, "127.0.0.1", HEARD, 5), -NO_ANSWER);
	close(fd);
}

static void a_connection_is_known_to_be_fine(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(HEARD),
				 .sin_addr.s_addr = inet_addr("127.2.0.1") };
	struct sockname sn;
	int fd = udp(&sn);

	assert_int_equal(client_connect(fd, &sn, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(put(fd, NULL, 0, 5), 5);
	assert_int_equal(fake_outlook->asked, 0);
	show(board, 1300);
	assert_int_equal(put(fd, NULL, 0, 5), -NO_ANSWER);
	close(fd);
}

static void a_failing_send_binds(void **state)
{
	struct sockname sn;
	int fd = udp(&sn);

	assert_int_equal(put(fd, "127.0.0.1", 0, 5), -EINVAL);
	assert_int_equal(fake_outlook->settled, 1);
	close(fd);
}

/* nobody has the port: with IP_RECVERR, or if the daemon says so of the socket */
static void what_will_be_refused_is_worked_off(void **state)
{
	struct pollfd p = { .events = POLLIN };
	struct sockname sn;
	int fd = udp(&sn), on = 1;

	assert_int_equal(put(fd, "127.1.0.1", HEARD, 5), 5);
	assert_int_equal(client_setsockopt(fd, &sn, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)), 0);
	assert_int_equal(put(fd, "127.0.0.1", HEARD, 5), 5);
	assert_int_equal(fake_outlook->settled, 0);
	assert_int_equal(put(fd, "127.1.0.1", HEARD, 5), 5);
	assert_int_equal(fake_outlook->settled, 1);
	board_count(BOARD_AT(board->heard, HEARD), 1);
	assert_int_equal(put(fd, "127.1.0.1", HEARD, 5), 5);
	assert_int_equal(fake_outlook->settled, 1);
	board_count(BOARD_AT(board->deaf, sn.id), 1);
	assert_int_equal(put(fd, "127.0.0.1", HEARD, 5), 5);
	assert_int_equal(fake_outlook->settled, 2);
	/* an error is there: only who is told so looks for it */
	assert_int_equal(put(fd, "127.0.0.1", HEARD + 1, 5), 5);
	p.fd = fd;
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(put(fd, "127.0.0.1", HEARD, 5), 5);
	board_count(BOARD_AT(board->error, sn.id), 1);
	assert_int_equal(put(fd, "127.0.0.1", HEARD, 5), -ECONNREFUSED);
	assert_int_equal(put(fd, "127.0.0.1", HEARD, 5), 5);
	close(fd);
}

static void a_child_has_the_board(void **state)
{
	struct sockname sn;
	int fd = udp(&sn), status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(put(fd, "127.0.0.1", HEARD, 5) != 5 || fake_outlook->asked ||
		      put(fd, "127.2.0.1", HEARD, 5) != -NO_ANSWER);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd);
}

static void that_of_a_new_daemon_takes_its_place(void **state)
{
	const struct board *before = conn_board(stack.path);
	struct sockname sn;
	int fd = udp(&sn), again;
	char link[100];

	assert_non_null(before);
	fake_stack_kill(&stack);
	/* the old board stays readable, and the write tells what has happened */
	assert_int_equal(put(fd, "127.0.0.1", HEARD, 5), -ENETDOWN);
	board = make_board(F_SEAL_SHRINK);	/* which says nothing */
	fake_stack_restart(&stack);
	again = udp(&sn);
	assert_ptr_equal(conn_board(stack.path), before);
	assert_int_equal(put(again, "127.0.0.1", HEARD, 5), -NO_ANSWER);
	show(board, 1500);
	assert_int_equal(put(again, "127.0.0.1", HEARD, 5), 5);
	/* no descriptor is left of either */
	for (int i = 0; i < 2000; i++) {
		char name[40];
		ssize_t n;

		snprintf(name, sizeof(name), "/proc/self/fd/%d", i);
		n = i == fake_board ? -1 : readlink(name, link, sizeof(link));
		assert_false(n > 0 && memmem(link, (size_t)n, "memfd:board", 11));
	}
	close(fd);
	close(again);
}

static void without_a_board_nothing_is_asked(void **state)
{
	struct sockname sn;
	int fd;

	/* one that could be shrunk is none */
	fake_stack_stop(&stack);
	make_board(0);
	fake_stack_start(&stack);
	fd = udp(&sn);
	assert_null(conn_board(stack.path));
	assert_int_equal(put(fd, "127.2.0.1", HEARD, 5), 5);
	assert_int_equal(fake_outlook->asked, 0);
	close(fd);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		T(what_is_fine_is_not_asked_for),
		T(what_is_not_is_asked_for_until_it_is_fine),
		T(options_make_it_look_closer),
		T(a_connection_is_known_to_be_fine),
		T(a_failing_send_binds),
		T(what_will_be_refused_is_worked_off),
		T(a_child_has_the_board),
		T(that_of_a_new_daemon_takes_its_place),
		T(without_a_board_nothing_is_asked),
	};

	alarm(60);
	fake_outlook = mmap(NULL, sizeof(*fake_outlook), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
