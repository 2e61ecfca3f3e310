/* sys.c - find the C library's own functions (theory in sys.h) */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include "client/sys.h"

enum {
#define ITEM(ret, name, params, args, nr, a, b, c, d, e, f) FN_##name,
	SYS_FUNCTIONS(ITEM)
#undef ITEM
	FN_fcntl, FN_ioctl, FN_prctl, FN_open, FN_openat, FN_syscall, FN_COUNT
};

static const char *const names[FN_COUNT] = {
#define ITEM(ret, name, params, args, nr, a, b, c, d, e, f) [FN_##name] = #name,
	SYS_FUNCTIONS(ITEM)
#undef ITEM
	[FN_fcntl] = "fcntl", [FN_ioctl] = "ioctl", [FN_prctl] = "prctl",
	[FN_open] = "open", [FN_openat] = "openat", [FN_syscall] = "syscall",
};

static _Atomic(void *) found[FN_COUNT];

/* set while this thread is inside dlsym(); initial-exec: its first use must
 * not allocate */
static __thread bool looking __attribute__((tls_model("initial-exec")));

#ifdef SYS_NEXT
static void *look(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}
#else
static void *look(const char *name)
{
	static _Atomic(void *) libc;
	void *h = atomic_load(&libc), *p = NULL;

	if (!h) {
		h = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
		atomic_store(&libc, h);
	}
	if (h)
		p = dlsym(h, name);
	return p ? p : dlsym(RTLD_DEFAULT, name);
}
#endif

static void *find(int i)
{
	void *p = atomic_load_explicit(&found[i], memory_order_relaxed);

	if (__builtin_expect(p != NULL, 1))
		return p;
	if (looking)
		return NULL;
	looking = true;
	p = look(names[i]);
	looking = false;
	atomic_store_explicit(&found[i], p, memory_order_relaxed);
	return p;
}

/* the bare system call: syscall(3) is itself interposed by the shim */
static long raw(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret = -ENOSYS;

	if (nr == SYS_NONE) {
		errno = ENOSYS;
		return -1;
	}
#if defined(__x86_64__) && defined(__LP64__)
	{
		register long r10 __asm__("r10") = d;
		register long r8 __asm__("r8") = e;
		register long r9 __asm__("r9") = f;

		__asm__ volatile("syscall" : "=a"(ret)
				 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
				 : "rcx", "r11", "memory");
	}
#elif defined(__aarch64__)
	{
		register long x8 __asm__("x8") = nr;
		register long x0 __asm__("x0") = a;
		register long x1 __asm__("x1") = b;
		register long x2 __asm__("x2") = c;
		register long x3 __asm__("x3") = d;
		register long x4 __asm__("x4") = e;
		register long x5 __asm__("x5") = f;

		__asm__ volatile("svc 0" : "+r"(x0)
				 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
				 : "memory");
		ret = x0;
	}
#endif
	if (ret < 0 && ret > -4096) {
		errno = (int)-ret;
		return -1;
	}
	return ret;
}

#define DEFINE(ret, name, params, args, nr, a, b, c, d, e, f) \
	ret sys_##name params \
	{ \
		ret (*fn) params = (ret (*) params)find(FN_##name); \
		return fn ? fn args \
			  : (ret)raw(nr, (long)(a), (long)(b), (long)(c), (long)(d), \
				     (long)(e), (long)(f)); \
	}
SYS_FUNCTIONS(DEFINE)

/**
 * sys_fcntl() - fcntl(2) with its third argument always present
 */
int sys_fcntl(int fd, int cmd, long arg)
{
	int (*fn)(int, int, ...) = (int (*)(int, int, ...))find(FN_fcntl);

	return fn ? fn(fd, cmd, arg) : (int)raw(SYS_fcntl, fd, cmd, arg, 0, 0, 0);
}

/**
 * sys_ioctl() - ioctl(2) with its third argument always present
 */
int sys_ioctl(int fd, unsigned long req, void *arg)
{
	int (*fn)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))find(FN_ioctl);

	return fn ? fn(fd, req, arg) : (int)raw(SYS_ioctl, fd, (long)req, (long)arg, 0, 0, 0);
}

/**
 * sys_prctl() - prctl(2) with all five arguments
 */
int sys_prctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	int (*fn)(int, ...) = (int (*)(int, ...))find(FN_prctl);

	return fn ? fn(op, a, b, c, d)
		  : (int)raw(SYS_prctl, op, (long)a, (long)b, (long)c, (long)d, 0);
}

/**
 * sys_open() - open(2) with its third argument always present
 */
int sys_open(const char *path, int flags, unsigned mode)
{
	int (*fn)(const char *, int, ...) = (int (*)(const char *, int, ...))find(FN_open);

	return fn ? fn(path, flags, mode)
		  : (int)raw(SYS_openat, AT_FDCWD, (long)path, flags, mode, 0, 0);
}

/**
 * sys_openat() - openat(2) with its fourth argument always present
 */
int sys_openat(int dir, const char *path, int flags, unsigned mode)
{
	int (*fn)(int, const char *, int, ...) =
		(int (*)(int, const char *, int, ...))find(FN_openat);

	return fn ? fn(dir, path, flags, mode)
		  : (int)raw(SYS_openat, dir, (long)path, flags, mode, 0, 0);
}

/**
 * sys_syscall() - syscall(2) with all six arguments
 */
long sys_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	long (*fn)(long, ...) = (long (*)(long, ...))find(FN_syscall);

	return fn ? fn(nr, a, b, c, d, e, f) : raw(nr, a, b, c, d, e, f);
}

/**
 * sys_init() - Look every function up
 */
void sys_init(void)
{
	for (int i = 0; i < FN_COUNT; i++)
		find(i);
}
