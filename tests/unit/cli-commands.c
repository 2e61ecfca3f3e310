/* cli-commands.c - the commands of ustack, as a user types them
 *
 * Runs ./ustack, which finds ./ustackd and .libs/libustack.so beside itself,
 * on stacks that have only lo, in a runtime folder of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char tmp[32], out[16384];

/* run a shell command line; its output goes to out[], its status is returned */
__attribute__((format(printf, 1, 2)))
static int sh(const char *fmt, ...)
{
	char line[1024], cmd[1100];
	va_list ap;
	size_t n;
	FILE *f;
	int status;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	snprintf(cmd, sizeof(cmd), "exec 2>&1 </dev/null; %s", line);
	f = popen(cmd, "r");
	assert_non_null(f);
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void assert_says(const char *want)
{
	if (!strstr(out, want))
		fail_msg("\"%s\" is not in: %s", want, out);
}

static int setup(void **state)
{
	strcpy(tmp, "/tmp/ustack-t-XXXXXX");
	if (!mkdtemp(tmp))
		return -1;
	return setenv("XDG_RUNTIME_DIR", tmp, 1);
}

static int teardown(void **state)
{
	/* after a failure there may still be stacks */
	sh("for s in %s/ustack/*; do test ! -S $s || ./ustack umount $s; done; rm -rf %s",
	   tmp, tmp);
	return 0;
}

static void help_names_every_command(void **state)
{
	static const char *const cmds[] = { "mount", "umount", "ls", "exec" };

	assert_int_equal(sh("./ustack --help"), 0);
	for (size_t i = 0; i < 4; i++)
		assert_says(cmds[i]);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(sh("./ustack help %s", cmds[i]), 0);
		assert_says("usage: ustack ");
		assert_int_equal(sh("./ustack %s --help", cmds[i]), 0);
		assert_says(cmds[i]);
	}
	assert_int_equal(sh("./ustack help frob"), 2);
	assert_int_equal(sh("./ustack"), 2);
	assert_int_equal(sh("./ustack frob"), 2);
	assert_says("\"frob\"");
	assert_int_equal(sh("./ustack --version"), 0);
	assert_says("ustack ");
}

static void a_stack_is_mounted_listed_and_unmounted(void **state)
{
	assert_int_equal(sh("./ustack mount lab"), 0);
	assert_string_equal(out, "");
	assert_int_equal(sh("./ustack ls"), 0);
	assert_says("NAME");
	assert_says("lab ");
	assert_says("127.0.0.1/8,::1/128");
	assert_int_equal(sh("./ustack ls lab"), 0);
	assert_says("lo ");
	assert_int_equal(sh("./ustack umount lab"), 0);
	assert_string_equal(out, "");
	assert_int_equal(sh("ls -A %s/ustack", tmp), 0);
	assert_string_equal(out, "");
	assert_int_equal(sh("./ustack ls"), 0);
	assert_string_equal(out, "");
}

static void a_path_is_as_good_as_a_name(void **state)
{
	assert_int_equal(sh("./ustack mount %s/sock", tmp), 0);
	assert_int_equal(sh("./ustack ls %s/sock", tmp), 0);
	assert_says("sock");
	assert_int_equal(sh("./ustack exec %s/sock true", tmp), 0);
	assert_int_equal(sh("d=$PWD; cd %s && $d/ustack exec ./sock sh -c 'cd /; echo $USTACK'", tmp), 0);
	assert_true(out[0] == '/');
	assert_says("/sock\n");
	assert_int_equal(sh("./ustack umount %s/sock", tmp), 0);
	assert_int_equal(sh("test -e %s/sock", tmp), 1);
}

static void columns_are_aligned(void **state)
{
	size_t col = 0;

	assert_int_equal(sh("./ustack mount a && ./ustack mount a-longer-name"), 0);
	assert_int_equal(sh("./ustack ls"), 0);
	for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n")) {
		char *at = strstr(line, strncmp(line, "NAME", 4) ? "lo " : "INTERFACE");

		assert_non_null(at);
		if (col)
			assert_int_equal(at - line, col);
		col = (size_t)(at - line);
	}
	assert_true(col > 0);
	assert_int_equal(sh("./ustack umount a && ./ustack umount a-longer-name"), 0);
}

static void mount_says_why_not(void **state)
{
	assert_int_equal(sh("./ustack mount lab"), 0);
	assert_int_equal(sh("./ustack mount lab"), 3);
	assert_says("stack \"lab\" is already running (pid ");
	assert_int_equal(sh("./ustack umount lab"), 0);
	assert_int_equal(sh("./ustack mount -o ip=1 lab"), 1);
	assert_says("\"ip=1\"");
	assert_int_equal(sh("./ustack mount -o fd=99 lab"), 1);
	assert_says("99");
	assert_int_equal(sh("./ustack mount 'a b'"), 1);
	assert_says("\"a b\"");
	assert_int_equal(sh("./ustack mount"), 2);
	assert_int_equal(sh("./ustack mount a b"), 2);
	assert_int_equal(sh("./ustack mount -z a"), 2);
	assert_int_equal(sh("USTACKD=/nonexistent ./ustack mount a"), 1);
	assert_says("/nonexistent");
}

static void a_missing_stack_is_told(void **state)
{
	assert_int_equal(sh("./ustack umount nope"), 1);
	assert_says("\"nope\" is not running");
	assert_int_equal(sh("./ustack ls nope"), 1);
	assert_says("\"nope\" is not running");
	assert_int_equal(sh("./ustack exec nope true"), 125);
	assert_says("ustack mount nope");
	assert_int_equal(sh("./ustack umount null"), 1);
	assert_int_equal(sh("./ustack umount"), 2);
}

static void a_dead_stack_is_listed_as_dead(void **state)
{
	assert_int_equal(sh("./ustack mount lab"), 0);
	assert_int_equal(sh("kill -9 $(cat %s/ustack/.lab.lock)", tmp), 0);
	/* the kernel closes its socket with the process: wait for that */
	assert_int_equal(sh("i=0; while ./ustack ls lab >/dev/null && [ $i -lt 1000 ]; do "
			    "i=$((i + 1)); done; ./ustack ls"), 0);
	assert_says("dead");
	assert_int_equal(sh("./ustack mount lab && ./ustack ls"), 0);
	assert_null(strstr(out, "dead"));
	assert_int_equal(sh("./ustack umount lab"), 0);
}

static void exec_passes_everything_on(void **state)
{
	assert_int_equal(sh("./ustack exec null sh -c 'echo $USTACK; exit 7'"), 7);
	assert_string_equal(out, "null\n");
	assert_int_equal(sh("./ustack exec null -- echo --help -v --"), 0);
	assert_string_equal(out, "--help -v --\n");
	assert_int_equal(sh("./ustack exec null echo -o x"), 0);
	assert_string_equal(out, "-o x\n");
	assert_int_equal(sh("./ustack exec null sh -c 'kill -9 $$'"), 128 + 9);
	assert_int_equal(sh("./ustack exec null /nonexistent"), 127);
	assert_int_equal(sh("./ustack exec null nonexistent-command"), 127);
	assert_int_equal(sh("./ustack exec null /etc/passwd"), 126);
	assert_int_equal(sh("./ustack exec null"), 125);
	assert_int_equal(sh("./ustack exec"), 125);
	assert_int_equal(sh("./ustack exec 'a b' true"), 125);
}

static void exec_prepends_the_shim_once(void **state)
{
	assert_int_equal(sh("LD_PRELOAD= ./ustack exec null sh -c 'echo $LD_PRELOAD'"), 0);
	assert_says("/libustack.so\n");
	assert_int_equal(sh("./ustack exec null ./ustack exec host sh -c 'echo $USTACK $LD_PRELOAD'"), 0);
	assert_says("host /");
	assert_null(strstr(strstr(out, "libustack.so") + 1, "libustack.so"));
	assert_int_equal(sh("USTACK_PRELOAD=/nonexistent.so ./ustack exec null true"), 125);
	assert_says("/nonexistent.so");
}

static void what_does_not_load_the_shim_is_told(void **state)
{
	if (geteuid() != 0)
		skip();		/* takes a program of another user */
	assert_int_equal(sh("cp /bin/true %s/t && chown 12345 %s/t && chmod 4755 %s/t", tmp, tmp, tmp), 0);
	assert_int_equal(sh("./ustack exec null %s/t", tmp), 0);
	assert_says("setuid");
	assert_int_equal(sh("chmod 755 %s/t; ./ustack exec null %s/t", tmp, tmp), 0);
	assert_string_equal(out, "");
}

static void a_configuration_starts_its_own_stack(void **state)
{
	/* a program of two sockets that asks for no other network than lo */
	assert_int_equal(sh("timeout 20 ./ustack exec stack=x ./ustack ls"), 0);
	assert_string_equal(out, "");	/* started when first used, not before */
	assert_int_equal(sh("timeout 20 ./ustack exec stack=x bash -c "
			    "'exec 3<>/dev/tcp/127.0.0.1/7'"), 1);
	assert_says("refused");
	assert_int_equal(sh("./ustack ls"), 0);
	assert_says("@");
	assert_int_equal(sh("./ustack umount stack=x"), 0);
	assert_int_equal(sh("./ustack ls"), 0);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(help_names_every_command),
		T(a_stack_is_mounted_listed_and_unmounted),
		T(a_path_is_as_good_as_a_name),
		T(columns_are_aligned),
		T(mount_says_why_not),
		T(a_missing_stack_is_told),
		T(a_dead_stack_is_listed_as_dead),
		T(exec_passes_everything_on),
		T(exec_prepends_the_shim_once),
		T(what_does_not_load_the_shim_is_told),
		T(a_configuration_starts_its_own_stack),
#undef T
	};

	unsetenv("USTACK");
	unsetenv("USTACKD");
	unsetenv("USTACK_PRELOAD");
	unsetenv("LD_PRELOAD");
	return cmocka_run_group_tests_name("cli-commands", tests, NULL, NULL);
}
