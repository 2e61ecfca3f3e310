/* base-log.c - what is logged is one clean line, and no flood */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"

static int pipefd[2], saved_stderr;
static char out[8192];

static int setup(void **state)
{
	log_init("ustackd", LOG_INFO);
	saved_stderr = dup(STDERR_FILENO);
	if (saved_stderr < 0 || pipe2(pipefd, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	return dup2(pipefd[1], STDERR_FILENO) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(pipefd[0]);
	close(pipefd[1]);
	return 0;
}

/* what has been logged since the last call */
static const char *logged(void)
{
	ssize_t n = read(pipefd[0], out, sizeof(out) - 1);

	out[n > 0 ? n : 0] = '\0';
	return out;
}

static void a_message_has_ident_and_newline(void **state)
{
	errno = EPERM;
	log_err("tap \"%s\": cannot open: %m", "t0");
	assert_int_equal(errno, EPERM);
	assert_string_equal(logged(), "ustackd: tap \"t0\": cannot open: Operation not permitted\n");
}

static void levels_above_the_limit_are_silent(void **state)
{
	log_debug("not seen");
	assert_string_equal(logged(), "");
	log_init("ustackd", LOG_DEBUG);
	log_debug("seen");
	assert_string_equal(logged(), "ustackd: seen\n");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	log_warn("name \"%s\"", "a\nb\033[2J\177\303\244");
	assert_string_equal(logged(), "ustackd: name \"a?b?[2J?\303\244\"\n");
}

static void a_long_message_is_cut(void **state)
{
	char big[4096];
	size_t n;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_err("%s", big);
	n = strlen(logged());
	assert_in_range(n, 1000, 1024);
	assert_string_equal(out + n - 4, "...\n");
}

static int lines(void)
{
	int n = 0;

	for (const char *p = logged(); (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

static void a_flood_is_limited_and_counted(void **state)
{
	struct log_limit lim = { 0 };

	for (int i = 0; i < 100; i++)
		log_limit_msg(&lim, LOG_WARNING, "again");
	assert_in_range(lines(), 1, 10);	/* two windows if a second just ended */
	lim.window_ns = 1;			/* long ago */
	lim.suppressed = 95;
	log_limit_msg(&lim, LOG_WARNING, "again");
	assert_string_equal(logged(),
		"ustackd: 95 messages like the next were suppressed\nustackd: again\n");
	assert_int_equal(lim.suppressed, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_message_has_ident_and_newline),
		CASE(levels_above_the_limit_are_silent),
		CASE(control_characters_do_not_reach_the_terminal),
		CASE(a_long_message_is_cut),
		CASE(a_flood_is_limited_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
