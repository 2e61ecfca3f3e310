/* dns.c - messages to name servers and back
 *
 * Theory of operation
 * c-ares does the work: time-outs, the next server, TCP after a truncated
 * answer, checks against forged answers.  It is loaded when the first name is
 * looked up (dlopen, RTLD_LOCAL), so that a program without names pays nothing
 * and the shim brings no symbols of c-ares with it.  A channel lives for one
 * exchange: nothing is shared between threads, nothing is left for a child.
 * Its sockets are the stack's, by ares_set_socket_functions().
 *
 * Answers come back raw: what they mean is decided as the C library does
 * (dns_outcome()), and the res_* family hands them to the program as they are.
 */
#include <ares.h>
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "client/client.h"
#include "client/sys.h"
#include "names/cares.h"
#include "names/names.h"

#define HEADER_LEN	12
#define EDNS_SIZE	1200		/* the C library's: fits any path (RFC 9715) */
#define OPT_LEN		11		/* of an OPT record without data, at the end */
#define OPT_DO		7		/* its byte with the DO bit (RFC 3225) */
#define RCODE_SERVFAIL	2

struct exchange {
	const struct names_conf *c;
	bool servfail;			/* a server said so */
};

static struct cares lib;
static bool loaded;

static void load(void)
{
	void *h = dlopen("libcares.so.2", RTLD_NOW | RTLD_LOCAL);

	if (!h)
		return;
#define FIND(name) \
	lib.name = (__typeof__(&ares_##name))dlsym(h, "ares_" #name); \
	if (!lib.name) \
		return;
	CARES_FUNCTIONS(FIND)
#undef FIND
	loaded = lib.library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
}

/**
 * cares_get() - c-ares, loaded when first needed
 *
 * Return: its functions, NULL if libcares.so.2 is not installed
 */
const struct cares *cares_get(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	return loaded ? &lib : NULL;
}

/**
 * dns_prepare() - Load c-ares while its file can be found
 */
void dns_prepare(void)
{
	cares_get();
}

static int fail(int ret)
{
	errno = -ret;
	return -1;
}

static ares_socket_t on_socket(int domain, int type, int protocol, void *arg)
{
	struct exchange *x = arg;
	int fd = client_socket(x->c->path, domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	return fd < 0 ? fail(fd) : fd;
}

static int on_close(ares_socket_t fd, void *arg)
{
	return sys_close(fd);
}

/* c-ares forgets the zone of a link-local server */
static int on_connect(ares_socket_t fd, const struct sockaddr *sa, ares_socklen_t len, void *arg)
{
	struct exchange *x = arg;
	struct sockname sn;
	struct sockaddr_in6 in6;
	int ret;

	if (!client_identify(fd, &sn))
		return fail(-EBADF);
	if (sa->sa_family == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, sa, sizeof(in6));
		for (unsigned i = 0; i < x->c->nserver; i++)
			if (x->c->server[i].sa.sa_family == AF_INET6 &&
			    IN6_ARE_ADDR_EQUAL(&x->c->server[i].in6.sin6_addr, &in6.sin6_addr))
				in6.sin6_scope_id = x->c->server[i].in6.sin6_scope_id;
		sa = (struct sockaddr *)&in6;
	}
	ret = client_connect(fd, &sn, sa, len);
	return ret < 0 ? fail(ret) : 0;
}

static ares_ssize_t on_recvfrom(ares_socket_t fd, void *buf, size_t len, int flags,
				struct sockaddr *sa, ares_socklen_t *salen, void *arg)
{
	struct exchange *x = arg;
	struct sockname sn;
	ssize_t n;

	if (!client_identify(fd, &sn))
		return fail(-EBADF);
	n = client_recvfrom(fd, &sn, buf, len, flags, sa, salen);
	if (n >= HEADER_LEN && sn.kind != SOCKNAME_STREAM &&
	    (((uint8_t *)buf)[3] & 0xf) == RCODE_SERVFAIL)
		x->servfail = true;
	return n < 0 ? fail((int)n) : n;
}

static ares_ssize_t on_sendv(ares_socket_t fd, const struct iovec *iov, int n, void *arg)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n };
	struct sockname sn;
	ssize_t ret;

	if (!client_identify(fd, &sn))
		return fail(-EBADF);
	ret = client_sendmsg(fd, &sn, &m, MSG_NOSIGNAL);
	return ret < 0 ? fail((int)ret) : ret;
}

static const struct ares_socket_functions sockets = {
	.asocket = on_socket, .aclose = on_close, .aconnect = on_connect,
	.arecvfrom = on_recvfrom, .asendv = on_sendv,
};

static bool set_servers(ares_channel ch, const struct names_conf *c)
{
	struct ares_addr_port_node node[MSG_DNS] = { 0 };

	for (unsigned i = 0; i < c->nserver; i++) {
		const union msg_sockaddr *sa = &c->server[i];

		node[i].family = sa->sa.sa_family;
		if (sa->sa.sa_family == AF_INET)
			node[i].addr.addr4 = sa->in.sin_addr;
		else
			memcpy(&node[i].addr.addr6, &sa->in6.sin6_addr, 16);
		node[i].udp_port = node[i].tcp_port = ntohs(sa->in.sin_port);
		node[i].next = i + 1 < c->nserver ? &node[i + 1] : NULL;
	}
	return lib.set_servers_ports(ch, node) == ARES_SUCCESS;
}

/* a channel that reads no file of the host's */
static bool open_channel(const struct names_conf *c, ares_channel *ch)
{
	struct ares_options o = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
			 /* over TCP, as in the C library, any answer is final */
			 (c->flags & NAMES_USEVC ? ARES_FLAG_USEVC | ARES_FLAG_NOCHECKRESP : 0) |
			 (c->flags & NAMES_IGNTC ? ARES_FLAG_IGNTC : 0),
		.timeout = (int)(c->timeout_s ? c->timeout_s : 1) * 1000,
		.tries = (int)(c->attempts ? c->attempts : 1),
		.lookups = (char *)"b",
		.resolvconf_path = (char *)"/dev/null",
	};

	if (lib.init_options(ch, &o, ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
			     ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS | ARES_OPT_RESOLVCONF |
			     ARES_OPT_NOROTATE) != ARES_SUCCESS)
		return false;
	if (set_servers(*ch, c))
		return true;
	lib.destroy(*ch);
	return false;
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *buf, int len)
{
	struct dns_msg *m = arg;

	if (!buf || len < HEADER_LEN)
		return;
	m->answer = malloc((size_t)len);
	if (!m->answer)
		return;
	memcpy(m->answer, buf, (size_t)len);
	m->answer_len = (size_t)len;
}

/* until every query has its answer or has failed */
static void run(ares_channel ch)
{
	ares_socket_t fds[ARES_GETSOCK_MAXNUM];
	struct pollfd p[ARES_GETSOCK_MAXNUM];
	struct timeval tv, *t;
	int mask, n;

	for (;;) {
		mask = lib.getsock(ch, fds, ARES_GETSOCK_MAXNUM);
		for (n = 0; n < ARES_GETSOCK_MAXNUM; n++) {
			short events = (ARES_GETSOCK_READABLE(mask, n) ? POLLIN : 0) |
				       (ARES_GETSOCK_WRITABLE(mask, n) ? POLLOUT : 0);

			if (!events)
				break;
			p[n] = (struct pollfd){ .fd = fds[n], .events = events };
		}
		t = lib.timeout(ch, NULL, &tv);
		if (!n && !t)
			return;
		if (sys_poll(p, (nfds_t)n, t ? (int)(t->tv_sec * 1000 + t->tv_usec / 1000 + 1) : -1) <= 0)
			n = 0;
		lib.process_fd(ch, ARES_SOCKET_BAD, ARES_SOCKET_BAD);	/* time-outs */
		for (int i = 0; i < n; i++)
			if (p[i].revents)
				lib.process_fd(ch, p[i].revents & ~POLLOUT ? p[i].fd : ARES_SOCKET_BAD,
					       p[i].revents & POLLOUT ? p[i].fd : ARES_SOCKET_BAD);
	}
}

/**
 * dns_exchange() - Send queries to the stack's name servers and wait for answers
 * @c:		servers, time-out, attempts
 * @v, @n:	messages with a query each, all under way at the same time;
 *		answer stays NULL where none came
 *
 * A server that answers SERVFAIL, NOTIMP or REFUSED is as good as none; the
 * next is tried.
 *
 * Return: whether some server answered SERVFAIL
 */
bool dns_exchange(const struct names_conf *c, struct dns_msg *v, unsigned n)
{
	struct exchange x = { .c = c };
	ares_channel ch;

	if (!c->path || !cares_get() || !open_channel(c, &ch))
		return false;
	lib.set_socket_functions(ch, &sockets, &x);
	for (unsigned i = 0; i < n; i++)
		lib.send(ch, v[i].query, (int)v[i].query_len, on_answer, &v[i]);
	run(ch);
	lib.destroy(ch);
	return x.servfail;
}

/**
 * dns_make() - Make a query
 * @c:		flags
 * @name:	as it stands; a dot at the end is allowed
 * @class, @type: see <arpa/nameser.h>
 * @m:		filled in; release with dns_free()
 *
 * Return: 0 or -EINVAL for what cannot be a domain name, -ENOMEM, -ENOSYS (no c-ares)
 */
int dns_make(const struct names_conf *c, const char *name, int class, int type,
	     struct dns_msg *m)
{
	bool edns = c->flags & (NAMES_EDNS | NAMES_DNSSEC);
	const struct cares *a = cares_get();
	unsigned char *buf;
	uint16_t id;
	int len, ret;

	*m = (struct dns_msg){ 0 };
	if (!a)
		return -ENOSYS;
	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		return -errno;
	ret = a->create_query(name, class, type, id, !(c->flags & NAMES_NORECURSE), &buf, &len,
			      edns ? EDNS_SIZE : 0);
	if (ret != ARES_SUCCESS)
		return ret == ARES_ENOMEM ? -ENOMEM : -EINVAL;
	m->query = malloc((size_t)len);
	if (m->query) {
		memcpy(m->query, buf, (size_t)len);
		m->query_len = (size_t)len;
		if (c->flags & NAMES_DNSSEC)
			m->query[len - OPT_LEN + OPT_DO] |= 0x80;
	}
	a->free_string(buf);
	return m->query ? 0 : -ENOMEM;
}

/**
 * dns_outcome() - What an answer amounts to
 *
 * Return: as h_errno: 0, HOST_NOT_FOUND, NO_DATA, TRY_AGAIN, NO_RECOVERY
 */
int dns_outcome(const struct dns_msg *m)
{
	const uint8_t *a = m->answer;

	if (!a)
		return TRY_AGAIN;
	switch (a[3] & 0xf) {
	case 0:
		return a[6] || a[7] ? 0 : NO_DATA;
	case RCODE_SERVFAIL:
		return TRY_AGAIN;
	case 3:
		return HOST_NOT_FOUND;
	default:
		return NO_RECOVERY;
	}
}

/**
 * dns_free() - Release a message's query and answer
 */
void dns_free(struct dns_msg *m)
{
	free(m->query);
	free(m->answer);
	*m = (struct dns_msg){ 0 };
}
