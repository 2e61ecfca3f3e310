/* ioth-nlinline.c - configure a stack of the plug-in as programs of libioth do
 *
 * nlinline's functions, which libioth and its programs (iothconf, vunet's iplink)
 * bring with them, over sockets of the plug-in.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <nlinline+.h>
#include "ioth/contract.h"

static struct ioth_functions f;
static void *stack;
static char dir[32];

static void *getstackdata(void)
{
	return stack;
}

static int ioth_msocket(void *s, int domain, int type, int protocol)
{
	return f.socket(domain, type, protocol);
}

static int ioth_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	return f.bind(fd, addr, len);
}

static ssize_t ioth_send(int fd, const void *buf, size_t len, int flags)
{
	return f.send(fd, buf, len, flags);
}

static ssize_t ioth_recv(int fd, void *buf, size_t len, int flags)
{
	return f.recv(fd, buf, len, flags);
}

static int ioth_close(int fd)
{
	return f.close(fd);
}

NLINLINE_LIBMULTI(ioth_)

static int setup(void **state)
{
	void *handle = dlopen(PLUGIN, RTLD_NOW);

	strcpy(dir, "/tmp/ustack-t-XXXXXX");
	if (!handle || !mkdtemp(dir))
		return -1;
	setenv("XDG_RUNTIME_DIR", dir, 1);
	setenv("USTACKD", DAEMON, 1);
	f.getstackdata = getstackdata;
	*(void **)&f.newstack = dlsym(handle, "ioth_ustack_newstack");
	*(void **)&f.delstack = dlsym(handle, "ioth_ustack_delstack");
	*(void **)&f.socket = dlsym(handle, "ioth_ustack_socket");
	stack = f.newstack(NULL, "", &f);
	return stack ? 0 : -1;
}

static int teardown(void **state)
{
	char cmd[64];

	if (stack)
		f.delstack(stack);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static void lo_is_there(void **state)
{
	assert_int_equal(ioth_if_nametoindex(stack, "lo"), 1);
	assert_true(ioth_if_nametoindex(stack, "eth0") <= 0);
}

/* by ioctl(2), which nlinline does not use */
static int flags_of(const char *name)
{
	struct ifreq r = { 0 };
	int fd = f.socket(AF_INET, SOCK_DGRAM, 0);

	strncpy(r.ifr_name, name, IFNAMSIZ - 1);
	assert_int_equal(f.ioctl(fd, SIOCGIFFLAGS, &r), 0);
	f.close(fd);
	return (unsigned short)r.ifr_flags;
}

static int bind_to(int family, const void *sa, socklen_t len)
{
	int fd = f.socket(family, SOCK_DGRAM, 0), ret = f.bind(fd, sa, len);

	f.close(fd);
	return ret;
}

static void a_link_is_added_and_configured(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	uint8_t mac[6] = { 2, 0, 0, 0, 0, 0x77 }, got[6] = { 0 }, gw[4] = { 10, 7, 7, 1 };
	uint8_t net[4] = { 10, 8, 0, 0 };
	int index;

	inet_pton(AF_INET, "10.7.7.7", &v4.sin_addr);
	inet_pton(AF_INET6, "fc00::7:7", &v6.sin6_addr);
	assert_true(ioth_iplink_add(stack, "vde1", -1u, "vde", "null://") >= 0);
	index = ioth_if_nametoindex(stack, "vde1");
	assert_true(index > 1);
	assert_int_equal(ioth_linksetaddr(stack, (unsigned)index, mac), 0);
	assert_int_equal(ioth_linkgetaddr(stack, (unsigned)index, got), 0);
	assert_memory_equal(got, mac, 6);
	assert_int_equal(ioth_linksetmtu(stack, (unsigned)index, 1400), 0);
	assert_int_equal(ioth_linksetupdown(stack, (unsigned)index, 1), 0);
	assert_true(flags_of("vde1") & IFF_UP);
	assert_int_equal(ioth_ipaddr_add(stack, AF_INET, &v4.sin_addr, 24, index), 0);
	assert_int_equal(bind_to(AF_INET, &v4, sizeof(v4)), 0);
	assert_int_equal(ioth_ipaddr_add(stack, AF_INET6, &v6.sin6_addr, 64, index), 0);
	assert_int_equal(ioth_iproute_add(stack, AF_INET, net, 16, gw, 0), 0);
	assert_int_equal(ioth_iproute_add(stack, AF_INET, NULL, 0, gw, 0), 0);
	assert_int_equal(ioth_iproute_del(stack, AF_INET, net, 16, gw, 0), 0);
	assert_int_not_equal(ioth_iproute_del(stack, AF_INET, net, 16, gw, 0), 0);
	assert_int_equal(ioth_ipaddr_del(stack, AF_INET, &v4.sin_addr, 24, index), 0);
	assert_int_equal(bind_to(AF_INET, &v4, sizeof(v4)), -1);
	assert_int_equal(ioth_ipaddr_del(stack, AF_INET6, &v6.sin6_addr, 64, index), 0);
	assert_int_equal(ioth_linksetupdown(stack, (unsigned)index, 0), 0);
	assert_false(flags_of("vde1") & IFF_UP);
	assert_int_equal(ioth_iplink_del(stack, "vde1", 0), 0);
	assert_true(ioth_if_nametoindex(stack, "vde1") <= 0);
	assert_true(ioth_iplink_add(stack, "lo", -1u, "vde", "null://") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lo_is_there),
		cmocka_unit_test(a_link_is_added_and_configured),
	};

	return cmocka_run_group_tests_name("ioth-nlinline", tests, setup, teardown);
}
