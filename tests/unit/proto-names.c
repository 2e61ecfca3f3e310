/* proto-names.c - names of sockets and of stacks */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>
#include <cmocka.h>
#include "proto/sockname.h"
#include "proto/stackname.h"

static char tmp[32];		/* $XDG_RUNTIME_DIR of these tests */

static int setup(void **state)
{
	strcpy(tmp, "/tmp/ustack-t-XXXXXX");
	if (!mkdtemp(tmp))
		return -1;
	return setenv("XDG_RUNTIME_DIR", tmp, 1);
}

static int teardown(void **state)
{
	char dir[64];

	snprintf(dir, sizeof(dir), "%s/ustack", tmp);
	unlink(dir);
	rmdir(dir);
	return rmdir(tmp);
}

static void name_is_read_back(void **state)
{
	static const enum sockname_kind kinds[] = { SOCKNAME_STREAM, SOCKNAME_DGRAM,
						    SOCKNAME_NETLINK };
	char longest[SOCKNAME_PATH_MAX + 2];
	struct sockaddr_un un;
	struct sockname n;
	socklen_t len;

	memset(longest, 'p', sizeof(longest));
	longest[0] = '/';
	longest[SOCKNAME_PATH_MAX] = '\0';
	for (size_t i = 0; i < 3; i++) {
		len = sockname_make(&un, kinds[i], UINT64_MAX - i, longest);
		assert_true(len > 0 && len <= sizeof(un));
		assert_true(sockname_parse(&un, len, &n));
		assert_int_equal(n.kind, kinds[i]);
		assert_true(n.id == UINT64_MAX - i);
		assert_string_equal(n.path, longest);
	}
	longest[SOCKNAME_PATH_MAX] = 'p';
	longest[SOCKNAME_PATH_MAX + 1] = '\0';
	assert_int_equal(sockname_make(&un, SOCKNAME_STREAM, 1, longest), 0);
}

static void another_name_is_not_ours(void **state)
{
	struct sockaddr_un good, un;
	struct sockname n;
	socklen_t len = sockname_make(&good, SOCKNAME_STREAM, 0x1234, "/x");

	assert_true(sockname_parse(&good, len, &n));
	/* every byte in front of the path counts */
	for (size_t i = 0; i < 26; i++) {
		un = good;
		un.sun_path[i] = 'Z';
		if (sockname_parse(&un, len, &n))
			fail_msg("byte %zu does not count", i);
	}
	for (socklen_t l = 0; l < len - 2; l++)
		assert_false(sockname_parse(&good, l, &n));
	len = sockname_make(&good, SOCKNAME_STREAM, 0, "/x");
	assert_false(sockname_parse(&good, len, &n));		/* no id is 0 */
	un = good;
	un.sun_path[27] = '\0';
	assert_false(sockname_parse(&un, len, &n));
}

static void pair_is_identified_by_its_peer(void **state)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	struct sockname n;
	uint64_t id = sockname_new_id();
	int fds[2], again[2], low = dup(0);

	close(low);
	assert_int_equal(sockname_pair(SOCKNAME_STREAM, id, "/run/x", fds), 0);
	assert_int_equal(fds[0], low);		/* as socket(2) would number it */
	assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fds[1], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(sockname_pair(SOCKNAME_STREAM, id, "/run/x", again), -EADDRINUSE);
	close(fds[1]);				/* the name survives the daemon's end */
	assert_int_equal(getpeername(fds[0], (struct sockaddr *)&un, &len), 0);
	assert_true(sockname_parse(&un, len, &n));
	assert_true(n.id == id && n.kind == SOCKNAME_STREAM);
	assert_string_equal(n.path, "/run/x");
	close(fds[0]);
	assert_int_equal(dup(0), low);		/* nothing leaked on the way */
	close(low);
}

static void ids_differ_after_fork(void **state)
{
	uint64_t mine, its;
	int p[2];
	pid_t pid;

	sockname_new_id();
	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		its = sockname_new_id();
		_exit(write(p[1], &its, sizeof(its)) != sizeof(its));
	}
	mine = sockname_new_id();
	assert_int_equal(read(p[0], &its, sizeof(its)), sizeof(its));
	waitpid(pid, NULL, 0);
	assert_true(mine != its && mine != 0 && its != 0);
	close(p[0]);
	close(p[1]);
}

static void forms_of_a_stacks_name(void **state)
{
	struct stackname n;
	char err[512], want[128], cwd[256];

	assert_int_equal(stackname_resolve("null", false, &n, err, sizeof(err)), 0);
	assert_int_equal(n.kind, STACKNAME_NULL);
	assert_int_equal(stackname_resolve("host", false, &n, err, sizeof(err)), 0);
	assert_int_equal(n.kind, STACKNAME_HOST);
	snprintf(want, sizeof(want), "%s/ustack/default", tmp);
	assert_int_equal(stackname_resolve(NULL, false, &n, err, sizeof(err)), 0);
	assert_string_equal(n.path, want);
	assert_int_equal(stackname_resolve("", false, &n, err, sizeof(err)), 0);
	assert_string_equal(n.path, want);
	assert_int_equal(n.kind, STACKNAME_PATH);
	assert_int_equal(stackname_resolve("/a/b=c", false, &n, err, sizeof(err)), 0);
	assert_int_equal(n.kind, STACKNAME_PATH);
	assert_string_equal(n.path, "/a/b=c");
	assert_int_equal(chdir(tmp), 0);
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(stackname_resolve("./s", false, &n, err, sizeof(err)), 0);
	snprintf(want, sizeof(want), "%s/s", tmp);
	assert_string_equal(n.path, want);
	assert_int_equal(chdir("/"), 0);
}

static void a_configuration_has_one_socket(void **state)
{
	const char *conf = "vnl=vxvde://234.0.0.1,ip=10.0.0.70/24";
	struct stackname a, b;
	char err[512];

	assert_int_equal(stackname_resolve(conf, false, &a, err, sizeof(err)), 0);
	assert_int_equal(a.kind, STACKNAME_CONFIG);
	assert_ptr_equal(a.config, conf);
	assert_int_equal(stackname_resolve(conf, false, &b, err, sizeof(err)), 0);
	assert_string_equal(a.path, b.path);
	/* stable: processes of different builds must agree */
	assert_non_null(strstr(a.path, "/ustack/@"));
	assert_int_equal(strlen(strrchr(a.path, '/')), 18);
	assert_int_equal(stackname_resolve("vnl=x,ip=10.0.0.71/24", false, &b, err, sizeof(err)), 0);
	assert_string_not_equal(a.path, b.path);
	assert_int_equal(stackname_resolve("a=", false, &a, err, sizeof(err)), 0);
	/* FNV-1a, from its specification's test vectors: "a" is af63dc4c8601ec8c,
	 * so one more byte is (that ^ '=') * prime */
	snprintf(err, sizeof(err), "@%016llx", (0xaf63dc4c8601ec8cull ^ '=') * 0x100000001b3ull);
	assert_string_equal(strrchr(a.path, '/') + 1, err);
}

static void bad_names_are_refused(void **state)
{
	static const char *bad[] = { "a b", ".", "..", ".x", "-x", "a\n", "\xc3\xa4", "/", "/a/", "x:" };
	struct stackname n;
	char err[512], longname[200];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err[0] = '\0';
		if (stackname_resolve(bad[i], false, &n, err, sizeof(err)) != -EINVAL || !err[0])
			fail_msg("\"%s\" was accepted", bad[i]);
	}
	memset(longname, 'a', sizeof(longname));
	longname[199] = '\0';
	assert_int_equal(stackname_resolve(longname, false, &n, err, sizeof(err)), -ENAMETOOLONG);
	assert_non_null(strstr(err, "at most"));
	longname[0] = '/';
	assert_int_equal(stackname_resolve(longname, false, &n, err, sizeof(err)), -ENAMETOOLONG);
	longname[SOCKNAME_PATH_MAX] = '\0';
	assert_int_equal(stackname_resolve(longname, false, &n, err, sizeof(err)), 0);
}

static void folder_is_made_for_us_alone(void **state)
{
	char dir[128], err[512];
	struct stat st;

	assert_int_equal(stackname_dir(false, dir, sizeof(dir), err, sizeof(err)), 0);
	assert_int_equal(stat(dir, &st), -1);
	umask(0);
	assert_int_equal(stackname_dir(true, dir, sizeof(dir), err, sizeof(err)), 0);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stackname_dir(true, dir, sizeof(dir), err, sizeof(err)), 0);
}

static void folder_open_to_others_is_refused(void **state)
{
	char dir[128], err[512];
	struct stackname n;

	assert_int_equal(stackname_dir(true, dir, sizeof(dir), err, sizeof(err)), 0);
	for (unsigned mode = 0701; mode <= 0777; mode++) {
		bool passing = !(mode & 066);	/* they may go through, to a stack that is shared */

		assert_int_equal(chmod(dir, mode), 0);
		assert_int_equal(stackname_resolve("x", false, &n, err, sizeof(err)), passing ? 0 : -EPERM);
		if (!passing)
			assert_non_null(strstr(err, "chmod 700"));
	}
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(symlink("/tmp", dir), 0);
	assert_int_equal(stackname_resolve("x", true, &n, err, sizeof(err)), -ENOTDIR);
	assert_int_equal(unlink(dir), 0);
	if (geteuid() != 0)
		return;		/* giving a folder away takes root */
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(chown(dir, 12345, 0), 0);
	assert_int_equal(stackname_resolve("x", true, &n, err, sizeof(err)), -EPERM);
	assert_non_null(strstr(err, "uid 12345"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(name_is_read_back),
		T(another_name_is_not_ours),
		T(pair_is_identified_by_its_peer),
		T(ids_differ_after_fork),
		T(forms_of_a_stacks_name),
		T(a_configuration_has_one_socket),
		T(bad_names_are_refused),
		T(folder_is_made_for_us_alone),
		T(folder_open_to_others_is_refused),
#undef T
	};

	return cmocka_run_group_tests_name("proto-names", tests, NULL, NULL);
}
