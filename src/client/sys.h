/* sys.h - the C library's own functions, whoever interposes them
 *
 * Theory of operation
 * The client layer handles raw descriptors: it must reach the C library's
 * functions, not the shim's hooks of the same names.  sys_NAME() does.  In
 * the shim (SYS_NEXT defined) the next definition after ours is taken, so
 * that other preloaded libraries keep working; elsewhere it is libc's own, so
 * that a program under the shim can use libustackapi too.
 *
 * Symbols are looked up at the first call and kept.  dlsym(3) may allocate;
 * an allocator that comes back here on the same thread meanwhile is served
 * by the bare system call.
 */
#ifndef CLIENT_SYS_H
#define CLIENT_SYS_H

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <resolv.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* X(return type, name, (parameters), (arguments), system call or SYS_NONE, six arguments of it) */
#define SYS_NONE (-1)
#ifdef SYS_dup2
#define SYS_NR_DUP2 SYS_dup2
#else
#define SYS_NR_DUP2 SYS_NONE
#endif
#ifdef SYS_poll
#define SYS_NR_POLL SYS_poll
#else
#define SYS_NR_POLL SYS_NONE
#endif

#if defined(SYS_mmap) && defined(__LP64__)
#define SYS_NR_MMAP SYS_mmap
#define SYS_NR_SENDFILE SYS_sendfile
#else
#define SYS_NR_MMAP SYS_NONE
#define SYS_NR_SENDFILE SYS_NONE
#endif
#ifdef SYS_access
#define SYS_NR_ACCESS SYS_access
#else
#define SYS_NR_ACCESS SYS_NONE
#endif
#ifdef SYS_stat
#define SYS_NR_STAT SYS_stat
#define SYS_NR_LSTAT SYS_lstat
#else
#define SYS_NR_STAT SYS_NONE
#define SYS_NR_LSTAT SYS_NONE
#endif

#define SYS_FUNCTIONS(X) \
	X(int, socket, (int d, int t, int p), (d, t, p), SYS_socket, d, t, p, 0, 0, 0) \
	X(int, socketpair, (int d, int t, int p, int *v), (d, t, p, v), SYS_socketpair, d, t, p, v, 0, 0) \
	X(int, bind, (int fd, const struct sockaddr *a, socklen_t l), (fd, a, l), SYS_bind, fd, a, l, 0, 0, 0) \
	X(int, connect, (int fd, const struct sockaddr *a, socklen_t l), (fd, a, l), SYS_connect, fd, a, l, 0, 0, 0) \
	X(int, listen, (int fd, int n), (fd, n), SYS_listen, fd, n, 0, 0, 0, 0) \
	X(int, accept, (int fd, struct sockaddr *a, socklen_t *l), (fd, a, l), SYS_accept4, fd, a, l, 0, 0, 0) \
	X(int, accept4, (int fd, struct sockaddr *a, socklen_t *l, int f), (fd, a, l, f), SYS_accept4, fd, a, l, f, 0, 0) \
	X(int, shutdown, (int fd, int h), (fd, h), SYS_shutdown, fd, h, 0, 0, 0, 0) \
	X(int, getsockname, (int fd, struct sockaddr *a, socklen_t *l), (fd, a, l), SYS_getsockname, fd, a, l, 0, 0, 0) \
	X(int, getpeername, (int fd, struct sockaddr *a, socklen_t *l), (fd, a, l), SYS_getpeername, fd, a, l, 0, 0, 0) \
	X(int, getsockopt, (int fd, int v, int n, void *p, socklen_t *l), (fd, v, n, p, l), SYS_getsockopt, fd, v, n, p, l, 0) \
	X(int, setsockopt, (int fd, int v, int n, const void *p, socklen_t l), (fd, v, n, p, l), SYS_setsockopt, fd, v, n, p, l, 0) \
	X(int, close, (int fd), (fd), SYS_close, fd, 0, 0, 0, 0, 0) \
	X(ssize_t, read, (int fd, void *b, size_t n), (fd, b, n), SYS_read, fd, b, n, 0, 0, 0) \
	X(ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n), SYS_write, fd, b, n, 0, 0, 0) \
	X(ssize_t, readv, (int fd, const struct iovec *v, int n), (fd, v, n), SYS_readv, fd, v, n, 0, 0, 0) \
	X(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n), SYS_writev, fd, v, n, 0, 0, 0) \
	X(ssize_t, recv, (int fd, void *b, size_t n, int f), (fd, b, n, f), SYS_recvfrom, fd, b, n, f, 0, 0) \
	X(ssize_t, send, (int fd, const void *b, size_t n, int f), (fd, b, n, f), SYS_sendto, fd, b, n, f, 0, 0) \
	X(ssize_t, recvfrom, (int fd, void *b, size_t n, int f, struct sockaddr *a, socklen_t *l), \
	  (fd, b, n, f, a, l), SYS_recvfrom, fd, b, n, f, a, l) \
	X(ssize_t, sendto, (int fd, const void *b, size_t n, int f, const struct sockaddr *a, socklen_t l), \
	  (fd, b, n, f, a, l), SYS_sendto, fd, b, n, f, a, l) \
	X(ssize_t, recvmsg, (int fd, struct msghdr *m, int f), (fd, m, f), SYS_recvmsg, fd, m, f, 0, 0, 0) \
	X(ssize_t, sendmsg, (int fd, const struct msghdr *m, int f), (fd, m, f), SYS_sendmsg, fd, m, f, 0, 0, 0) \
	X(int, recvmmsg, (int fd, struct mmsghdr *m, unsigned n, int f, struct timespec *t), \
	  (fd, m, n, f, t), SYS_recvmmsg, fd, m, n, f, t, 0) \
	X(int, sendmmsg, (int fd, struct mmsghdr *m, unsigned n, int f), (fd, m, n, f), SYS_sendmmsg, fd, m, n, f, 0, 0) \
	X(ssize_t, sendfile, (int o, int i, off_t *p, size_t n), (o, i, p, n), SYS_NR_SENDFILE, o, i, p, n, 0, 0) \
	X(ssize_t, splice, (int i, off_t *p, int o, off_t *q, size_t n, unsigned f), (i, p, o, q, n, f), \
	  SYS_splice, i, p, o, q, n, f) \
	X(ssize_t, preadv2, (int fd, const struct iovec *v, int n, off_t o, int f), (fd, v, n, o, f), \
	  SYS_NONE, fd, v, n, o, f, 0) \
	X(ssize_t, pwritev2, (int fd, const struct iovec *v, int n, off_t o, int f), (fd, v, n, o, f), \
	  SYS_NONE, fd, v, n, o, f, 0) \
	X(int, dup, (int fd), (fd), SYS_dup, fd, 0, 0, 0, 0, 0) \
	X(int, dup2, (int fd, int to), (fd, to), SYS_NR_DUP2, fd, to, 0, 0, 0, 0) \
	X(int, dup3, (int fd, int to, int f), (fd, to, f), SYS_dup3, fd, to, f, 0, 0, 0) \
	X(int, poll, (struct pollfd *p, nfds_t n, int ms), (p, n, ms), SYS_NR_POLL, p, n, ms, 0, 0, 0) \
	X(int, close_range, (unsigned a, unsigned b, int f), (a, b, f), SYS_close_range, a, b, f, 0, 0, 0) \
	X(int, ppoll, (struct pollfd *p, nfds_t n, const struct timespec *t, const sigset_t *m), \
	  (p, n, t, m), SYS_NONE, p, n, t, m, 0, 0) \
	X(int, select, (int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *t), (n, r, w, e, t), \
	  SYS_NONE, n, r, w, e, t, 0) \
	X(int, pselect, (int n, fd_set *r, fd_set *w, fd_set *e, const struct timespec *t, \
			 const sigset_t *m), (n, r, w, e, t, m), SYS_NONE, n, r, w, e, t, m) \
	X(int, epoll_wait, (int e, struct epoll_event *v, int n, int ms), (e, v, n, ms), SYS_NONE, \
	  e, v, n, ms, 0, 0) \
	X(int, epoll_pwait, (int e, struct epoll_event *v, int n, int ms, const sigset_t *m), \
	  (e, v, n, ms, m), SYS_NONE, e, v, n, ms, m, 0) \
	X(void *, mmap, (void *a, size_t l, int p, int f, int fd, off_t o), (a, l, p, f, fd, o), \
	  SYS_NR_MMAP, a, l, p, f, fd, o) \
	X(int, fclose, (FILE *f), (f), SYS_NONE, f, 0, 0, 0, 0, 0) \
	X(FILE *, freopen, (const char *p, const char *m, FILE *f), (p, m, f), SYS_NONE, p, m, f, 0, 0, 0) \
	X(int, daemon, (int c, int k), (c, k), SYS_NONE, c, k, 0, 0, 0, 0) \
	X(FILE *, fopen, (const char *p, const char *m), (p, m), SYS_NONE, p, m, 0, 0, 0, 0) \
	X(FILE *, fopen64, (const char *p, const char *m), (p, m), SYS_NONE, p, m, 0, 0, 0, 0) \
	X(int, chroot, (const char *p), (p), SYS_chroot, p, 0, 0, 0, 0, 0) \
	X(void *, dlopen, (const char *p, int m), (p, m), SYS_NONE, p, m, 0, 0, 0, 0) \
	X(int, setuid, (uid_t u), (u), SYS_NONE, u, 0, 0, 0, 0, 0) \
	X(int, seteuid, (uid_t u), (u), SYS_NONE, u, 0, 0, 0, 0, 0) \
	X(int, setreuid, (uid_t r, uid_t e), (r, e), SYS_NONE, r, e, 0, 0, 0, 0) \
	X(int, setresuid, (uid_t r, uid_t e, uid_t s), (r, e, s), SYS_NONE, r, e, s, 0, 0, 0) \
	X(int, access, (const char *p, int m), (p, m), SYS_NR_ACCESS, p, m, 0, 0, 0, 0) \
	X(int, stat, (const char *p, struct stat *s), (p, s), SYS_NR_STAT, p, s, 0, 0, 0, 0) \
	X(int, lstat, (const char *p, struct stat *s), (p, s), SYS_NR_LSTAT, p, s, 0, 0, 0, 0) \
	X(int, statx, (int d, const char *p, int f, unsigned m, struct statx *s), (d, p, f, m, s), \
	  SYS_statx, d, p, f, m, s, 0) \
	X(int, fstatat, (int d, const char *p, struct stat *s, int f), (d, p, s, f), SYS_newfstatat, d, p, s, f, 0, 0) \
	X(int, getaddrinfo, (const char *h, const char *s, const struct addrinfo *i, struct addrinfo **r), \
	  (h, s, i, r), SYS_NONE, h, s, i, r, 0, 0) \
	X(int, getaddrinfo_a, (int m, struct gaicb *v[], int n, struct sigevent *s), (m, v, n, s), \
	  SYS_NONE, m, v, n, s, 0, 0) \
	X(int, getnameinfo, (const struct sockaddr *a, socklen_t l, char *h, socklen_t hl, char *s, socklen_t sl, int f), \
	  (a, l, h, hl, s, sl, f), SYS_NONE, a, l, h, hl, s, sl) \
	X(struct hostent *, gethostbyname, (const char *n), (n), SYS_NONE, n, 0, 0, 0, 0, 0) \
	X(struct hostent *, gethostbyname2, (const char *n, int f), (n, f), SYS_NONE, n, f, 0, 0, 0, 0) \
	X(struct hostent *, gethostbyaddr, (const void *a, socklen_t l, int f), (a, l, f), SYS_NONE, a, l, f, 0, 0, 0) \
	X(struct hostent *, gethostent, (void), (), SYS_NONE, 0, 0, 0, 0, 0, 0) \
	X(void, sethostent, (int s), (s), SYS_NONE, s, 0, 0, 0, 0, 0) \
	X(void, endhostent, (void), (), SYS_NONE, 0, 0, 0, 0, 0, 0) \
	X(int, gethostent_r, (struct hostent *h, char *b, size_t s, struct hostent **r, int *e), \
	  (h, b, s, r, e), SYS_NONE, h, b, s, r, e, 0) \
	X(int, gethostbyname_r, (const char *n, struct hostent *h, char *b, size_t s, struct hostent **r, int *e), \
	  (n, h, b, s, r, e), SYS_NONE, n, h, b, s, r, e) \
	X(int, gethostbyname2_r, (const char *n, int f, struct hostent *h, char *b, size_t s, struct hostent **r, int *e), \
	  (n, f, h, b, s, r, e), SYS_NONE, n, h, b, s, r, e) \
	X(int, gethostbyaddr_r, (const void *a, socklen_t l, int f, struct hostent *h, char *b, size_t s, \
	  struct hostent **r, int *e), (a, l, f, h, b, s, r, e), SYS_NONE, a, h, b, s, r, e) \
	X(int, __res_init, (void), (), SYS_NONE, 0, 0, 0, 0, 0, 0) \
	X(int, __res_ninit, (res_state s), (s), SYS_NONE, s, 0, 0, 0, 0, 0) \
	X(int, res_query, (const char *n, int c, int t, unsigned char *a, int l), (n, c, t, a, l), \
	  SYS_NONE, n, c, t, a, l, 0) \
	X(int, res_search, (const char *n, int c, int t, unsigned char *a, int l), (n, c, t, a, l), \
	  SYS_NONE, n, c, t, a, l, 0) \
	X(int, res_querydomain, (const char *n, const char *d, int c, int t, unsigned char *a, int l), \
	  (n, d, c, t, a, l), SYS_NONE, n, d, c, t, a, l) \
	X(int, res_send, (const unsigned char *m, int n, unsigned char *a, int l), (m, n, a, l), \
	  SYS_NONE, m, n, a, l, 0, 0) \
	X(int, res_nquery, (res_state s, const char *n, int c, int t, unsigned char *a, int l), \
	  (s, n, c, t, a, l), SYS_NONE, s, n, c, t, a, l) \
	X(int, res_nsearch, (res_state s, const char *n, int c, int t, unsigned char *a, int l), \
	  (s, n, c, t, a, l), SYS_NONE, s, n, c, t, a, l) \
	X(int, res_nquerydomain, (res_state s, const char *n, const char *d, int c, int t, unsigned char *a, int l), \
	  (s, n, d, c, t, a, l), SYS_NONE, s, n, d, c, t, a) \
	X(int, res_nsend, (res_state s, const unsigned char *m, int n, unsigned char *a, int l), \
	  (s, m, n, a, l), SYS_NONE, s, m, n, a, l, 0) \
	X(int, getifaddrs, (struct ifaddrs **i), (i), SYS_NONE, i, 0, 0, 0, 0, 0) \
	X(unsigned, if_nametoindex, (const char *s), (s), SYS_NONE, s, 0, 0, 0, 0, 0) \
	X(char *, if_indextoname, (unsigned i, char *s), (i, s), SYS_NONE, i, s, 0, 0, 0, 0) \
	X(struct if_nameindex *, if_nameindex, (void), (), SYS_NONE, 0, 0, 0, 0, 0, 0)

#define SYS_DECLARE(ret, name, params, args, nr, a, b, c, d, e, f) ret sys_##name params;
SYS_FUNCTIONS(SYS_DECLARE)
#undef SYS_DECLARE

int sys_fcntl(int fd, int cmd, long arg);
int sys_ioctl(int fd, unsigned long req, void *arg);
int sys_prctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
int sys_open(const char *path, int flags, unsigned mode);
int sys_openat(int dir, const char *path, int flags, unsigned mode);
long sys_syscall(long nr, long a, long b, long c, long d, long e, long f);

/* look everything up now: from a constructor, while that is harmless */
void sys_init(void);

#endif
