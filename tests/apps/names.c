/* names.c - call every function that resolves names, and print what it said
 *
 * Run on the kernel's stack and under the shim with the same name server, its
 * lines must be equal (names.sh).  usage: names [FIRST-WORD-OF-CASES]
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *eai(int e)
{
	static char num[20];

	switch (e) {
	case 0: return "ok";
	case EAI_AGAIN: return "AGAIN";
	case EAI_BADFLAGS: return "BADFLAGS";
	case EAI_FAIL: return "FAIL";
	case EAI_FAMILY: return "FAMILY";
	case EAI_NODATA: return "NODATA";
	case EAI_NONAME: return "NONAME";
	case EAI_SERVICE: return "SERVICE";
	case EAI_SOCKTYPE: return "SOCKTYPE";
	case EAI_ADDRFAMILY: return "ADDRFAMILY";
	case EAI_OVERFLOW: return "OVERFLOW";
	case EAI_SYSTEM: return "SYSTEM";
	}
	snprintf(num, sizeof(num), "%d", e);
	return num;
}

static const char *herr(int e)
{
	return e == HOST_NOT_FOUND ? "HOST_NOT_FOUND" : e == NO_DATA ? "NO_DATA"
		: e == TRY_AGAIN ? "TRY_AGAIN" : e == NO_RECOVERY ? "NO_RECOVERY"
		: e == NETDB_INTERNAL ? "NETDB_INTERNAL" : e == 0 ? "0" : "?";
}

static const char *addr_text(int family, const void *a)
{
	static char text[INET6_ADDRSTRLEN];

	return inet_ntop(family, a, text, sizeof(text));
}

static void print_ai(const struct addrinfo *ai)
{
	const struct sockaddr_in *in = (void *)ai->ai_addr;
	const struct sockaddr_in6 *in6 = (void *)ai->ai_addr;

	printf("   %s t%d p%d f%x len%d %s", ai->ai_family == AF_INET ? "v4" : "v6", ai->ai_socktype,
	       ai->ai_protocol, ai->ai_flags, (int)ai->ai_addrlen,
	       addr_text(ai->ai_family, ai->ai_family == AF_INET ? (void *)&in->sin_addr
								 : (void *)&in6->sin6_addr));
	if (ai->ai_family == AF_INET6 && in6->sin6_scope_id)
		printf(" scope");
	printf(" port %d%s%s\n", ntohs(in->sin_port), ai->ai_canonname ? " canon " : "",
	       ai->ai_canonname ? ai->ai_canonname : "");
}

static void gai(const char *host, const char *serv, int flags, int family, int type, int proto)
{
	struct addrinfo hints = {
		.ai_flags = flags, .ai_family = family, .ai_socktype = type, .ai_protocol = proto,
	}, *ai = NULL;
	int ret = getaddrinfo(host, serv, flags < 0 ? NULL : &hints, &ai);

	printf("getaddrinfo %s %s flags %x family %d type %d proto %d: %s\n", host ? host : "NULL",
	       serv ? serv : "NULL", flags, family, type, proto, eai(ret));
	for (const struct addrinfo *p = ret ? NULL : ai; p; p = p->ai_next)
		print_ai(p);
	if (!ret)
		freeaddrinfo(ai);
}

static void all_gai(void)
{
	static const char *const hosts[] = {
		"four.test", "six.test", "both.test", "BOTH.test", "both.test.", "many.test",
		"order.test", "alias.test", "dangling.test", "nodata.test", "mail.test",
		"trunc.test", "nowhere.test", "servfail.test", "refused.test", "notimp.test",
		"formerr.test", "alias6.test", "aliasmx.test", "x.alias.test",
		"one", "two", "both", "sub.name", "nothere", "localhost", "filehost", "filealias",
		"file6", "fileboth", "FILEHOST", "127.0.0.1", "10.1", "::1", "::ffff:10.0.0.1",
		"fe80::1%lo", "fe80::1%nope", "fe80::1%1", "fc00::1%lo", "10.0.0.256", "a..b",
		"under_score.test", "four.test ", "", ".", "servfail", "refused",
		"a123456789a123456789a123456789a123456789a123456789a123456789abcd.test",
	};
	static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6 };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		for (int f = 0; f < 3; f++) {
			gai(hosts[i], "80", 0, families[f], SOCK_STREAM, 0);
			gai(hosts[i], NULL, AI_CANONNAME, families[f], SOCK_DGRAM, 0);
			gai(hosts[i], NULL, AI_NUMERICHOST | AI_CANONNAME, families[f], SOCK_DGRAM, 0);
		}
	for (size_t i = 0; i < 12; i++) {
		gai(hosts[i], "http", AI_V4MAPPED, AF_INET6, SOCK_STREAM, 0);
		gai(hosts[i], "http", AI_V4MAPPED | AI_ALL, AF_INET6, SOCK_STREAM, 0);
		gai(hosts[i], "http", AI_ALL, AF_INET6, SOCK_STREAM, 0);
		gai(hosts[i], "http", AI_ADDRCONFIG, AF_UNSPEC, SOCK_STREAM, 0);
	}
	for (size_t i = 32; i < 38; i++)
		gai(hosts[i], "http", AI_V4MAPPED, AF_INET6, 0, 0);
}

static void services(void)
{
	static const char *const servs[] = {
		NULL, "http", "domain", "65535", "65536", "-1", "nosuch", "", "0x50", "80 ", "*",
	};
	static const int types[] = { 0, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, 77 };

	for (size_t i = 0; i < sizeof(servs) / sizeof(servs[0]); i++)
		for (int t = 0; t < 6; t++) {
			gai("four.test", servs[i], 0, AF_UNSPEC, types[t], 0);
			gai(NULL, servs[i], AI_PASSIVE, AF_UNSPEC, types[t], 0);
			gai(NULL, servs[i], 0, AF_INET6, types[t], 0);
			gai("10.0.0.1", servs[i], AI_NUMERICSERV, AF_UNSPEC, types[t], 0);
		}
	gai("four.test", "http", -1, 0, 0, 0);
	gai(NULL, "http", -1, 0, 0, 0);
	gai(NULL, NULL, -1, 0, 0, 0);
	gai("*", "http", 0, 0, 0, 0);
	gai("four.test", "80", 0, AF_INET, SOCK_STREAM, IPPROTO_UDP);
	gai("four.test", "80", 0, AF_INET, 0, IPPROTO_UDP);
	gai("four.test", NULL, 0, AF_INET, SOCK_RAW, IPPROTO_ICMP);
	gai("four.test", "80", 0, AF_UNIX, 0, 0);
	gai("four.test", "80", 0, 9999, 0, 0);
	gai(NULL, "80", AI_CANONNAME, AF_INET, 0, 0);
	gai("four.test", "80", 0x40000000, AF_INET, 0, 0);
}

static void print_hostent(const char *what, const char *arg, const struct hostent *h, int e)
{
	printf("%s %s: %s\n", what, arg, h ? "found" : herr(e));
	if (!h)
		return;
	printf("   name %s type %d len %d", h->h_name, h->h_addrtype, h->h_length);
	for (char **a = h->h_aliases; *a; a++)
		printf(" alias %s", *a);
	for (char **a = h->h_addr_list; *a; a++)
		printf(" %s", addr_text(h->h_addrtype, *a));
	printf("\n");
}

static void one_byname(const char *name)
{
	struct hostent he, *h;
	char buf[8192];
	int e = 0, ret;

	h = gethostbyname(name);
	print_hostent("gethostbyname", name, h, h_errno);
	h = gethostbyname2(name, AF_INET6);
	print_hostent("gethostbyname2-6", name, h, h_errno);
	ret = gethostbyname_r(name, &he, buf, sizeof(buf), &h, &e);
	print_hostent(ret ? "gethostbyname_r!" : "gethostbyname_r", name, h, e);
	/* with NO_RECOVERY, the C library leaves there what was */
	if (!h && e > 0 && e != NO_RECOVERY)
		printf("   and h_errno %s\n", herr(h_errno));
	ret = gethostbyname2_r(name, AF_INET6, &he, buf, sizeof(buf), &h, &e);
	print_hostent(ret ? "gethostbyname2_r-6!" : "gethostbyname2_r-6", name, h, e);
	/* without a result the C library may want more room, too, and we do not */
	if (gethostbyname_r(name, &he, buf, sizeof(buf), &h, &e) || !h)
		return;
	ret = gethostbyname_r(name, &he, buf, 20, &h, &e);
	printf("gethostbyname_r in 20 bytes %s: %s %s\n", name, ret == ERANGE ? "ERANGE" : "other",
	       h ? "found" : "none");
}

static void by_name(void)
{
	static const char *const hosts[] = {
		"four.test", "six.test", "both.test", "alias.test", "nodata.test", "nowhere.test",
		"localhost", "filehost", "fileboth", "one", "two", "10.0.0.1", "127.1", "::1",
		"trunc.test", "servfail.test", "dangling.test", "formerr.test", "alias6.test",
		"a..b", "under_score.test", "both", "servfail",
	};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		one_byname(hosts[i]);
}

static void by_addr(void)
{
	static const char *const addrs[] = {
		"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7",
		"10.9.9.9", "127.0.0.1", "::1", "fc00::1:1", "fc00::99", "::", "::ffff:10.0.0.1",
	};

	for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
		unsigned char a[16];
		int family = strchr(addrs[i], ':') ? AF_INET6 : AF_INET, e = 0;
		socklen_t len = family == AF_INET ? 4 : 16;
		struct hostent he, *h;
		char buf[4096];

		inet_pton(family, addrs[i], a);
		h = gethostbyaddr(a, len, family);
		print_hostent("gethostbyaddr", addrs[i], h, h_errno);
		gethostbyaddr_r(a, len, family, &he, buf, sizeof(buf), &h, &e);
		print_hostent("gethostbyaddr_r", addrs[i], h, e);
	}
}

static void one_info(const char *addr, int flags, socklen_t hostlen)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u = { 0 };
	char host[256] = "", serv[64] = "";
	socklen_t len;
	int ret;

	if (strchr(addr, ':')) {
		u.in6.sin6_family = AF_INET6;
		u.in6.sin6_port = htons(53);
		inet_pton(AF_INET6, addr, &u.in6.sin6_addr);
		if (!strncmp(addr, "fe80", 4))
			u.in6.sin6_scope_id = 1;
		len = sizeof(u.in6);
	} else {
		u.in.sin_family = AF_INET;
		u.in.sin_port = htons(512);
		inet_pton(AF_INET, addr, &u.in.sin_addr);
		len = sizeof(u.in);
	}
	ret = getnameinfo(&u.sa, len, hostlen ? host : NULL, hostlen, serv, sizeof(serv), flags);
	printf("getnameinfo %s flags %x room %d: %s", addr, flags, (int)hostlen, eai(ret));
	if (!ret)
		printf(" host \"%s\" serv \"%s\"", host, serv);
	printf("\n");
}

static void name_info(void)
{
	static const char *const addrs[] = {
		"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.9.9.9",
		"127.0.0.1", "::1", "fc00::1:1", "fc00::99", "fe80::5", "::ffff:10.0.0.1",
	};
	static const int flags[] = {
		0, NI_NUMERICHOST, NI_NUMERICHOST | NI_NUMERICSERV, NI_NAMEREQD,
		NI_NAMEREQD | NI_NUMERICHOST, NI_NOFQDN, NI_DGRAM, 0x4000,
	};
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/x" };
	char host[256], serv[64];

	for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
		for (size_t k = 0; k < sizeof(flags) / sizeof(flags[0]); k++)
			one_info(addrs[i], flags[k], 200);
		one_info(addrs[i], 0, 3);
		one_info(addrs[i], 0, 0);
	}
	printf("getnameinfo AF_UNIX: %s\n", eai(getnameinfo((struct sockaddr *)&un, sizeof(un), host,
						sizeof(host), serv, sizeof(serv), 0)));
	printf("getnameinfo short: %s\n", eai(getnameinfo((struct sockaddr *)&un, 1, host,
						sizeof(host), serv, sizeof(serv), 0)));
}

/* a message but for its random id */
static void print_msg(const unsigned char *m, int n, int room)
{
	ns_msg h;

	if (n < 0 || n > room || ns_initparse(m, n, &h)) {
		printf("   %d\n", n < 0 || n > room ? n : -2);
		return;
	}
	printf("   %d bytes rcode %d answers %d tc %d\n", n, ns_msg_getflag(h, ns_f_rcode),
	       ns_msg_count(h, ns_s_an), ns_msg_getflag(h, ns_f_tc));
	for (int i = 0; i < ns_msg_count(h, ns_s_an); i++) {
		ns_rr rr;

		if (!ns_parserr(&h, ns_s_an, i, &rr))
			printf("   %s type %d ttl %u len %d\n", ns_rr_name(rr), ns_rr_type(rr),
			       (unsigned)ns_rr_ttl(rr), ns_rr_rdlen(rr));
	}
}

static void one_res(const char *name, int type)
{
	unsigned char ans[4096], query[512];
	struct __res_state s = { 0 };
	int n;

	h_errno = 0;
	n = res_query(name, ns_c_in, type, ans, sizeof(ans));
	printf("res_query %s %d: %s\n", name, type, n < 0 ? herr(h_errno) : "ok");
	print_msg(ans, n, sizeof(ans));
	n = res_search(name, ns_c_in, type, ans, sizeof(ans));
	printf("res_search %s %d: %s\n", name, type, n < 0 ? herr(h_errno) : "ok");
	print_msg(ans, n, sizeof(ans));
	n = res_querydomain(name, "lab.test", ns_c_in, type, ans, sizeof(ans));
	printf("res_querydomain %s %d: %s\n", name, type, n < 0 ? herr(h_errno) : "ok");
	print_msg(ans, n, sizeof(ans));
	n = res_mkquery(ns_o_query, name, ns_c_in, type, NULL, 0, NULL, query, sizeof(query));
	if (n > 0) {
		n = res_send(query, n, ans, sizeof(ans));
		printf("res_send %s %d\n", name, type);
		print_msg(ans, n, sizeof(ans));
	}
	if (res_ninit(&s) == 0) {
		n = res_nsearch(&s, name, ns_c_in, type, ans, sizeof(ans));
		printf("res_nsearch %s %d: %s\n", name, type, n < 0 ? herr(s.res_h_errno) : "ok");
		print_msg(ans, n, sizeof(ans));
		s.options &= ~(unsigned long)RES_DEFNAMES;
		n = res_nsearch(&s, name, ns_c_in, type, ans, sizeof(ans));
		printf("res_nsearch without DEFNAMES %s %d: %s\n", name, type,
		       n < 0 ? herr(s.res_h_errno) : "ok");
		s.options |= RES_USEVC | RES_USE_DNSSEC;
		n = res_nquery(&s, name, ns_c_in, type, ans, sizeof(ans));
		printf("res_nquery over TCP %s %d: %s\n", name, type, n < 0 ? herr(s.res_h_errno) : "ok");
		res_nclose(&s);
	}
}

static void resolver(void)
{
	static const char *const names[] = {
		"mail.test", "both.test", "one", "both", "nodata.test", "nowhere.test",
		"servfail.test", "refused.test", "trunc.test", "alias.test", "one.", "a..b",
	};

	res_init();
	printf("_res: %d servers, ndots %d, search", _res.nscount, _res.ndots);
	for (int i = 0; i < MAXDNSRCH && _res.dnsrch[i]; i++)
		printf(" %s", _res.dnsrch[i]);
	printf(", first %s\n", addr_text(AF_INET, &_res.nsaddr_list[0].sin_addr));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		one_res(names[i], ns_t_mx);
		one_res(names[i], ns_t_a);
	}
}

static volatile sig_atomic_t got_signal;

static void on_signal(int sig, siginfo_t *info, void *ctx)
{
	got_signal = info->si_code == SI_ASYNCNL ? info->si_value.sival_int : -1;
}

static void asynchronous(void)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1,
			       .sigev_value.sival_int = 42 };
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };

	sigaction(SIGUSR1, &sa, NULL);
	for (int round = 0; round < 2; round++) {
		struct gaicb g[] = {
			{ .ar_name = "four.test", .ar_service = "80", .ar_request = &hints },
			{ .ar_name = "nowhere.test" },
			{ .ar_name = "filehost", .ar_service = "http", .ar_request = &hints },
		};
		struct gaicb *v[] = { &g[0], NULL, &g[1], &g[2] };
		int ret = getaddrinfo_a(round ? GAI_NOWAIT : GAI_WAIT, v, 4, round ? &ev : NULL);

		printf("getaddrinfo_a round %d: %s\n", round, eai(ret));
		for (int i = 0; i < 3; i++) {
			const struct gaicb *wait[] = { &g[i] };

			while (gai_error(&g[i]) == EAI_INPROGRESS)
				gai_suspend(wait, 1, NULL);
			printf("gai_error %d: %s\n", i, eai(gai_error(&g[i])));
			if (g[i].ar_result) {
				print_ai(g[i].ar_result);
				freeaddrinfo(g[i].ar_result);
			}
		}
	}
	for (int i = 0; i < 500 && !got_signal; i++)
		usleep(10000);
	printf("getaddrinfo_a signal value %d\n", (int)got_signal);
}

/* gethostent(3): the hosts file as it stands */
static void hosts_file(void)
{
	struct hostent he, *h;
	char buf[2048];
	int e = 0, ret;

	for (int pass = 0; pass < 2; pass++) {
		sethostent(pass);
		while ((h = gethostent()))
			print_hostent("gethostent", "", h, 0);
		printf("gethostent at the end: %s\n", gethostent() ? "found" : "none");
	}
	endhostent();
	ret = gethostent_r(&he, buf, 20, &h, &e);
	printf("gethostent_r in 20 bytes: %s %s\n", ret == ERANGE ? "ERANGE" : "other", h ? "found" : "none");
	while (gethostent_r(&he, buf, sizeof(buf), &h, &e) == 0)
		print_hostent("gethostent_r", "", h, e);
	printf("gethostent_r at the end: %s\n", h ? "found" : "none");
	endhostent();
}

static const struct { const char *name; void (*run)(void); } cases[] = {
	{ "getaddrinfo", all_gai }, { "services", services }, { "byname", by_name },
	{ "byaddr", by_addr }, { "getnameinfo", name_info }, { "res", resolver },
	{ "async", asynchronous }, { "hostent", hosts_file },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (argc < 2 || !strcmp(argv[1], cases[i].name))
			cases[i].run();
	return 0;
}
