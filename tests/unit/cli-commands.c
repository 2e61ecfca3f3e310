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
	char line[2048], cmd[2100];
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
	setenv("XDG_CONFIG_HOME", tmp, 1);	/* $tmp/ustack/default.conf */
	return setenv("XDG_RUNTIME_DIR", tmp, 1);
}

static int teardown(void **state)
{
	/* after a failure there may still be stacks */
	sh("for s in %s/ustack/*; do test ! -S $s || ./ustack umount -f $s; done; rm -rf %s",
	   tmp, tmp);
	return 0;
}

static void help_names_every_command(void **state)
{
	static const char *const cmds[] = { "mount", "umount", "ls", "exec", "ip", "link", "ss",
					    "ping", "sysctl" };
	size_t n = sizeof(cmds) / sizeof(cmds[0]);

	assert_int_equal(sh("./ustack --help"), 0);
	for (size_t i = 0; i < n; i++)
		assert_says(cmds[i]);
	for (size_t i = 0; i < n; i++) {
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
	assert_int_equal(sh("./ustack mount -t tcp lab"), 2);
	assert_says("lwip, null");
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

static void what_is_used_is_not_unmounted(void **state)
{
	assert_int_equal(sh("./ustack mount lab"), 0);
	/* python tells when it listens; umount comes while it does */
	assert_int_equal(sh("rm -f %s/go; mkfifo %s/go; { ./ustack exec lab python3 -c '"
			    "import socket; l = socket.create_server((\"127.0.0.1\", 7000)); "
			    "open(\"%s/go\", \"w\").close(); l.accept()' & p=$!; cat %s/go; "
			    "./ustack umount lab; echo status $?; ./ustack ls -q; kill $p; wait $p; }",
			    tmp, tmp, tmp, tmp), 128 + SIGTERM);
	assert_says("\"lab\" is in use");
	assert_says("(python3): 1 socket: tcp 127.0.0.1:7000 listening");
	assert_says("umount -f lab");
	assert_says("status 1\nlab\n");
	/* it is gone now, whatever the daemon has heard of it */
	assert_int_equal(sh("./ustack umount lab"), 0);
	assert_string_equal(out, "");
}

/* the process that a socket was accepted by, or inherited, is told */
static void umount_sees_who_really_has_a_socket(void **state)
{
	assert_int_equal(sh("./ustack mount lab"), 0);
	assert_int_equal(sh("rm -f %s/go; mkfifo %s/go; { ./ustack exec lab python3 -c '"
			    "import os, socket\n"
			    "l = socket.create_server((\"127.0.0.1\", 7000))\n"
			    "c = socket.create_connection((\"127.0.0.1\", 7000)); a, _ = l.accept()\n"
			    "l.close()\n"
			    "os.set_inheritable(a.fileno(), True)\n"
			    "if os.fork(): c.close(); a.close(); os.wait(); os._exit(0)\n"
			    "c.close(); os.execlp(\"sh\", \"sh\", \"-c\", \"echo $$ >%s/go; exec sleep 30\")"
			    "' & p=$!; read c <%s/go; ./ustack umount lab; echo status $? $c; "
			    "kill $c; wait $p; }", tmp, tmp, tmp, tmp), 0);
	assert_says("(sleep): 1 socket: tcp 127.0.0.1:7000 to 127.0.0.1:");
	assert_says("status 1");
	assert_int_equal(sh("./ustack umount lab"), 0);
}

static void umount_can_be_forced(void **state)
{
	assert_int_equal(sh("./ustack mount lab"), 0);
	assert_int_equal(sh("rm -f %s/go; mkfifo %s/go; { ./ustack exec lab python3 -c '"
			    "import socket; u = socket.socket(2, 2); u.bind((\"127.0.0.1\", 7000)); "
			    "open(\"%s/go\", \"w\").close(); u.recv(1)' 2>/dev/null & p=$!; cat %s/go; "
			    "./ustack umount -f lab; echo status $?; ./ustack ls; kill $p; wait $p; true; }",
			    tmp, tmp, tmp, tmp), 0);
	assert_true(!strncmp(out, "status 0\n", 9));	/* and the shell's word on kill */
}

static void null_is_mounted_like_a_stack(void **state)
{
	assert_int_equal(sh("./ustack mount -t null no"), 0);
	assert_int_equal(sh("./ustack mount -t null %s/sock", tmp), 0);
	assert_int_equal(sh("./ustack ls"), 0);
	assert_says("null");
	assert_int_equal(sh("./ustack mount no"), 3);
	assert_says("null is mounted there");
	assert_int_equal(sh("./ustack mount -t null no"), 3);
	assert_int_equal(sh("./ustack exec no bash -c 'exec 3<>/dev/tcp/127.0.0.1/7'"), 1);
	assert_says("Address family not supported");
	assert_int_equal(sh("./ustack exec %s/sock bash -c 'exec 3<>/dev/tcp/127.0.0.1/7'", tmp), 1);
	assert_says("Address family not supported");
	assert_int_equal(sh("./ustack umount no && ./ustack umount %s/sock", tmp), 0);
	assert_int_equal(sh("./ustack exec no true"), 125);
	assert_int_equal(sh("./ustack mount lab && ./ustack mount -t null lab"), 3);
	assert_says("already running");
	assert_int_equal(sh("kill -9 $(cat %s/ustack/.lab.lock)", tmp), 0);
	/* what a dead daemon left makes way */
	assert_int_equal(sh("i=0; until ./ustack mount -t null lab || [ $i -ge 1000 ]; do "
			    "i=$((i + 1)); done 2>/dev/null; ./ustack umount lab"), 0);
	assert_int_equal(sh("ls -A %s/ustack", tmp), 0);
	assert_string_equal(out, "");
}

static void null_refuses_every_family_but_unix(void **state)
{
	assert_int_equal(sh("./ustack exec null python3 -c '"
			    "import socket, errno\n"
			    "for f, t in ((2, 1), (2, 2), (2, 3), (10, 1), (10, 2), (16, 3), (17, 3)):\n"
			    "  try: socket.socket(f, t); print(\"family\", f)\n"
			    "  except OSError as e: assert e.errno == errno.EAFNOSUPPORT, e\n"
			    "assert socket.if_nameindex() == []\n"
			    "a, b = socket.socketpair(); a.send(b\"x\"); assert b.recv(1) == b\"x\"'"), 0);
	assert_string_equal(out, "");
}

static void ls_speaks_json(void **state)
{
	assert_int_equal(sh("./ustack ls --json"), 0);
	assert_string_equal(out, "[]\n");
	assert_int_equal(sh("./ustack mount lab && ./ustack mount -t null no"), 0);
	assert_int_equal(sh("./ustack ls -j | python3 -c '"
			    "import json, sys\n"
			    "a, b = json.load(sys.stdin)\n"
			    "assert a[\"name\"] == \"lab\" and a[\"state\"] == \"running\", a\n"
			    "assert a[\"pid\"] > 1 and a[\"sockets\"][\"stream\"] == 0, a\n"
			    "lo, = a[\"interfaces\"]\n"
			    "assert lo[\"name\"] == \"lo\" and lo[\"state\"] == \"up\", lo\n"
			    "assert lo[\"addresses\"] == [{\"address\": \"127.0.0.1/8\", \"state\": \"usable\"}, "
			    "{\"address\": \"::1/128\", \"state\": \"usable\"}], lo\n"
			    "assert b[\"name\"] == \"no\" and b[\"state\"] == \"null\", b'"), 0);
	assert_string_equal(out, "");
	assert_int_equal(sh("./ustack ls -q"), 0);
	assert_string_equal(out, "lab\nno\n");
	assert_int_equal(sh("./ustack umount lab && ./ustack umount no"), 0);
}

static void ls_tells_how_long_a_lease_lasts(void **state)
{
	assert_int_equal(sh("./ustack mount lab && ./ustack ip lab addr add 10.4.4.4/24 dev lo "
			    "valid_lft 7230 preferred_lft 0"), 0);
	assert_int_equal(sh("./ustack ls lab"), 0);
	assert_says("10.4.4.4/24(deprecated 2h00m)");
	assert_int_equal(sh("./ustack ls -j lab"), 0);
	assert_says("{\"address\":\"10.4.4.4/24\",\"state\":\"deprecated\",\"valid\":72");
	assert_int_equal(sh("./ustack umount lab"), 0);
}

static void families_are_chosen(void **state)
{
	static const char try[] = "python3 -c '"
		"import socket\n"
		"for n, f, t in ((\"inet\", 2, 2), (\"inet6\", 10, 2), (\"netlink\", 16, 3)):\n"
		"  try: socket.socket(f, t); print(n)\n"
		"  except OSError: pass'";

	assert_int_equal(sh("./ustack exec -f inet null %s", try), 0);
	assert_string_equal(out, "inet6\nnetlink\n");
	assert_int_equal(sh("./ustack exec -f -inet6 null %s", try), 0);
	assert_string_equal(out, "inet6\n");
	assert_int_equal(sh("./ustack exec -f inet,netlink null %s", try), 0);
	assert_string_equal(out, "inet6\n");
	/* of an inner exec nothing remains, nor of its families */
	assert_int_equal(sh("./ustack exec -f inet null ./ustack exec null %s", try), 0);
	assert_string_equal(out, "");
	assert_int_equal(sh("./ustack exec -f frob null true"), 125);
	assert_says("\"frob\"");
	assert_int_equal(sh("./ustack exec -v -f inet null true"), 0);
	assert_says("families inet");
}

static void exec_nests(void **state)
{
	static const char *const show = "ip -o -4 addr show dev lo";

	assert_int_equal(sh("./ustack mount a && ./ustack mount b && "
			    "./ustack ip a addr add 10.1.1.1/32 dev lo && "
			    "./ustack ip b addr add 10.2.2.2/32 dev lo"), 0);
	assert_int_equal(sh("./ustack exec a ./ustack exec b %s", show), 0);
	assert_says("10.2.2.2");
	assert_null(strstr(out, "10.1.1.1"));
	assert_int_equal(sh("./ustack exec a sh -c './ustack exec b true; %s'", show), 0);
	assert_says("10.1.1.1");
	/* the kernel's back, in the midst of a stack */
	assert_int_equal(sh("./ustack exec a env USTACK=host %s", show), 0);
	assert_null(strstr(out, "10.1.1.1"));
	assert_int_equal(sh("./ustack exec a ./ustack exec host %s", show), 0);
	assert_null(strstr(out, "10.1.1.1"));
	assert_int_equal(sh("./ustack umount a && ./ustack umount b"), 0);
}

static void tools_run_on_a_stack(void **state)
{
	assert_int_equal(sh("./ustack mount lab"), 0);
	assert_int_equal(sh("./ustack ip lab -br addr show dev lo"), 0);
	assert_says("127.0.0.1/8");
	assert_int_equal(sh("./ustack ping lab -c 1 -W 5 127.0.0.1"), 0);
	assert_says("1 received");
	assert_int_equal(sh("./ustack ip"), 125);
	assert_int_equal(sh("./ustack ip nope addr"), 125);
	assert_says("\"nope\" is not running");
	assert_int_equal(sh("./ustack umount lab"), 0);
}

static void link_adds_interfaces_with_their_network(void **state)
{
	assert_int_equal(sh("./ustack mount lab"), 0);
	assert_int_equal(sh("./ustack link add lab vde1 type vde data null:// "
			    "mtu 1400 address 02:00:00:00:00:77"), 0);
	assert_string_equal(out, "");
	assert_int_equal(sh("./ustack link show lab vde1"), 0);
	assert_says("mtu 1400");
	assert_says("02:00:00:00:00:77");
	assert_int_equal(sh("./ustack ls lab"), 0);
	assert_says("null://");
	assert_int_equal(sh("./ustack link add lab name vde1 type vde data null://"), 1);
	assert_says("File exists");
	/* the reason comes with the answer if libvdeplug is quick enough, else the
	 * interface stays without a carrier */
	if (sh("./ustack link add lab vde2 type vde data nosuch://") == 1)
		assert_says("libvdeplug-nosuch");
	else
		assert_int_equal(sh("./ustack link show lab vde2"), 0);
	assert_int_equal(sh("./ustack link set lab vde1 up && ./ustack link show lab vde1"), 0);
	assert_says(",UP,");
	assert_int_equal(sh("./ustack link del lab vde1"), 0);
	assert_int_equal(sh("./ustack link add lab d0 type dummy && ./ustack link show lab d0"), 0);
	assert_says("d0:");
	assert_int_equal(sh("./ustack link add lab t0 type tap data x"), 2);
	assert_says("only vde takes data");
	assert_int_equal(sh("./ustack link add lab v0 type vde data null:// mtu 5"), 2);
	assert_int_equal(sh("./ustack link add lab v0 type vde data"), 2);
	assert_says("value is missing");
	assert_int_equal(sh("./ustack link add nope v0 type vde data null://"), 1);
	assert_int_equal(sh("./ustack umount lab"), 0);
}

static void the_default_stack_has_the_users_configuration(void **state)
{
	assert_int_equal(sh("./ustack exec -- true"), 125);
	assert_says("\"default\" is not running");
	assert_int_equal(sh("mkdir -m 700 -p %s/ustack && printf '# mine\nvnl=null:// # nowhere\n\n"
			    "  ip=10.3.3.3/24,\nmtu=1300\n' >%s/ustack/default.conf", tmp, tmp), 0);
	assert_int_equal(sh("timeout 20 ./ustack exec -- ip -o addr"), 0);
	assert_says("10.3.3.3/24");
	/* no ustack exec at all */
	assert_int_equal(sh("LD_PRELOAD=$PWD/.libs/libustack.so USTACKD=$PWD/ustackd ip link"), 0);
	assert_says("mtu 1300");
	assert_int_equal(sh("./ustack umount default; ./ustack mount && ./ustack ls default"), 0);
	assert_says("10.3.3.3/24");
	assert_int_equal(sh("./ustack mount"), 3);
	assert_int_equal(sh("./ustack umount default"), 0);
	assert_int_equal(sh("echo ip=nonsense >%s/ustack/default.conf; ./ustack exec -- ip addr", tmp), 1);
	assert_says("\"ip=nonsense\"");
}

/* each would be the first; one daemon serves all, and none goes without */
static void many_start_the_default_stack_at_once(void **state)
{
	const char *first = NULL;
	int n = 0;

	assert_int_equal(sh("mkdir -m 700 -p %s/ustack && echo vnl=null://,ip=10.3.3.3/24 "
			    ">%s/ustack/default.conf", tmp, tmp), 0);
	/* who is last may come when the first are done: nobody ends before all are there */
	assert_int_equal(sh("for i in 1 2 3 4 5 6 7 8; do ./ustack exec -- python3 -c '"
			    "import os, socket, time\n"
			    "s = socket.socket(); s.bind((\"10.3.3.3\", 0))\n"
			    "d = \"%s/ustack\"\n"
			    "os.write(1, b\"daemon \" + open(d + \"/.default.lock\", \"rb\").read())\n"
			    "open(d + \"/.ready%%d\" %% os.getpid(), \"w\").close()\n"
			    "end = time.monotonic() + 20\n"
			    "while time.monotonic() < end and "
			    "sum(n.startswith(\".ready\") for n in os.listdir(d)) < 8: time.sleep(.02)' & "
			    "done; wait", tmp), 0);
	for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n"), n++) {
		if (strncmp(line, "daemon ", 7) != 0)
			fail_msg("%s", line);
		if (!first)
			first = line;
		assert_string_equal(line, first);
	}
	assert_int_equal(n, 8);
	sh("./ustack umount -f default");
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
		T(what_is_used_is_not_unmounted),
		T(umount_sees_who_really_has_a_socket),
		T(umount_can_be_forced),
		T(null_is_mounted_like_a_stack),
		T(null_refuses_every_family_but_unix),
		T(ls_speaks_json),
		T(ls_tells_how_long_a_lease_lasts),
		T(families_are_chosen),
		T(exec_nests),
		T(tools_run_on_a_stack),
		T(link_adds_interfaces_with_their_network),
		T(the_default_stack_has_the_users_configuration),
		T(many_start_the_default_stack_at_once),
#undef T
	};

	unsetenv("USTACK");
	unsetenv("USTACKD");
	unsetenv("USTACK_PRELOAD");
	unsetenv("USTACK_FAMILY");
	unsetenv("LD_PRELOAD");
	return cmocka_run_group_tests_name("cli-commands", tests, NULL, NULL);
}
