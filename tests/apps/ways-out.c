/* ways-out.c - the ways past a stack to the kernel's network
 *
 * usage: ways-out [static]	prints a line for each: its name, "out" or why not
 *        ways-out x32		makes one system call of the x32 numbers
 *        ways-out i386		makes one as 32-bit programs do
 *
 * Linked statically it is one of the ways itself.  System calls are made by
 * instruction, since syscall(3) is interposed too.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static long call(long nr, long a, long b, long c)
{
	long ret = -ENOSYS;

#if defined(__x86_64__)
	register long r10 __asm__("r10") = 0;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	ret = x0;
#endif
	return ret;
}

/* socket(2) by the 32-bit entry, which 64-bit programs may take */
static long call_i386(long domain, long type)
{
	long ret = -ENOSYS;

#if defined(__x86_64__)
	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(359), "b"(domain), "c"(type), "d"(0)
			 : "r8", "r9", "r10", "r11", "memory");
	ret = (int)ret;
#endif
	return ret;
}

static void tell(const char *what, long ret)
{
	printf("%s %s\n", what, ret >= 0 ? "out" : strerror((int)-ret));
	if (ret > 2)
		close((int)ret);
}

int main(int argc, char **argv)
{
	struct io_uring_params p;

	if (argc > 1 && !strcmp(argv[1], "x32")) {
		tell("x32", call(SYS_socket | 0x40000000, AF_INET, SOCK_STREAM, 0));
		return 0;
	}
	if (argc > 1 && !strcmp(argv[1], "i386")) {
		tell("i386", call_i386(AF_INET, SOCK_STREAM));
		return 0;
	}
	memset(&p, 0, sizeof(p));
	tell("unix", call(SYS_socket, AF_UNIX, SOCK_STREAM, 0));
	tell("inet", call(SYS_socket, AF_INET, SOCK_STREAM, 0));
	tell("inet6", call(SYS_socket, AF_INET6, SOCK_DGRAM, 0));
	tell("netlink", call(SYS_socket, AF_NETLINK, SOCK_RAW, 0));
	tell("packet", call(SYS_socket, AF_PACKET, SOCK_RAW, 0));
	tell("vsock", call(SYS_socket, 40, SOCK_STREAM, 0));
	tell("unknown", call(SYS_socket, 4711, SOCK_STREAM, 0));
	tell("wide", call(SYS_socket, (long)(1ul << 32 | AF_INET), SOCK_STREAM, 0));
	tell("io_uring", call(SYS_io_uring_setup, 4, (long)&p, 0));
	return 0;
}
