/* source.c - source filters of multicast reception (RFC 3678)
 *
 * On lo there are two senders, 127.0.0.1 and .2, elsewhere one: the other address is
 * nobody's.  After each step the filter is read back, and what the senders send is
 * looked for.
 */
#include <arpa/inet.h>
#include <err.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "diff.h"

#define FILTER_HEAD	offsetof(struct group_filter, gf_slist)
#define OLD_HEAD	offsetof(struct ip_msfilter, imsf_slist)

static bool v4(void)
{
	return site->domain == AF_INET;
}

static bool own_is(const struct sockaddr *sa)
{
	union addr own;

	make_addr(&own, site->own, 0);
	if (!sa || sa->sa_family != own.sa.sa_family)
		return false;
	return v4() ? ((const struct sockaddr_in *)sa)->sin_addr.s_addr == own.in.sin_addr.s_addr :
		!memcmp(&((const struct sockaddr_in6 *)sa)->sin6_addr, &own.in6.sin6_addr, 16);
}

/* index of the interface that has the site's own address */
static unsigned here(void)
{
	static unsigned index;
	struct ifaddrs *all;

	if (index)
		return index;
	if (getifaddrs(&all) < 0)
		err(2, "getifaddrs");
	for (struct ifaddrs *i = all; i && !index; i = i->ifa_next)
		if (own_is(i->ifa_addr))
			index = if_nametoindex(i->ifa_name);
	freeifaddrs(all);
	return index;
}

static bool two_senders(void)
{
	return v4() && !strcmp(site->own, "127.0.0.1");
}

static int level(void)
{
	return v4() ? IPPROTO_IP : IPPROTO_IPV6;
}

static const char *group(void)
{
	return v4() ? "224.0.1.77" : "ff02::177";
}

static const char *sender(int i)
{
	return i == 0 ? site->own : v4() ? "127.0.0.2" : "2001:db8::b";
}

static void put(struct sockaddr_storage *ss, const char *text)
{
	union addr a;
	socklen_t len = make_addr(&a, text, 0);

	memset(ss, 0, sizeof(*ss));
	memcpy(ss, &a, len);
}

static int member(void)
{
	int fd = udp();

	nonblock(fd);
	if (bind_to(fd, NULL, test_port(0)) < 0)
		err(2, "bind");
	return fd;
}

static int join(int fd, const char *text, unsigned index)
{
	struct group_req g = { .gr_interface = index };

	put(&g.gr_group, text);
	return setsockopt(fd, level(), MCAST_JOIN_GROUP, &g, sizeof(g));
}

static int leave(int fd)
{
	struct group_req g = { .gr_interface = here() };

	put(&g.gr_group, group());
	return setsockopt(fd, level(), MCAST_LEAVE_GROUP, &g, sizeof(g));
}

static int one(int fd, int name, const char *to, const char *from, unsigned index)
{
	struct group_source_req q = { .gsr_interface = index };

	put(&q.gsr_group, to);
	put(&q.gsr_source, from);
	return setsockopt(fd, level(), name, &q, sizeof(q));
}

static int old(int fd, int name, const char *from)
{
	struct ip_mreq_source m = { 0 };

	inet_pton(AF_INET, site->own, &m.imr_interface);
	inet_pton(AF_INET, group(), &m.imr_multiaddr);
	inet_pton(AF_INET, from, &m.imr_sourceaddr);
	return setsockopt(fd, IPPROTO_IP, name, &m, sizeof(m));
}

static int sender_socket(int i)
{
	int s = udp(), index = (int)here();
	struct ip_mreqn m = { .imr_ifindex = index };

	if (v4())
		setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof(m));
	else
		setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index));
	if (bind_to(s, sender(i), 0) < 0)
		err(2, "bind %s", sender(i));
	return s;
}

/* what the senders send now, to the group */
static void arrivals(int fd, const char *step)
{
	char what[80], got[16] = "", buf[16];
	union addr to;
	socklen_t len = make_addr(&to, group(), test_port(0));
	size_t n = 0;

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		;			/* what came while others were looked at */
	for (int i = 0; i < (two_senders() ? 2 : 1); i++) {
		int s = sender_socket(i);

		if (sendto(s, i ? "b" : "a", 1, 0, &to.sa, len) != 1)
			err(2, "send to the group");
		wait_for(fd, POLLIN, 40);
		while (n < sizeof(got) - 1 && recv(fd, got + n, 1, MSG_DONTWAIT) == 1)
			n++;
		close(s);
	}
	got[n] = '\0';
	snprintf(what, sizeof(what), "%s: heard", step);
	saw(what, "\"%s\"", got);
}

static void filter(int fd, const char *step, uint32_t room)
{
	char what[80], list[256] = "";
	size_t size = FILTER_HEAD + room * sizeof(struct sockaddr_storage);
	struct group_filter *f = calloc(1, size + sizeof(struct sockaddr_storage));
	socklen_t len = (socklen_t)size;

	if (!f)
		err(2, "malloc");
	f->gf_interface = here();
	f->gf_numsrc = room;
	put(&f->gf_group, group());
	snprintf(what, sizeof(what), "%s: filter, room %u", step, room);
	if (getsockopt(fd, level(), MCAST_MSFILTER, f, &len) < 0) {
		saw_result(what, -1);
	} else {
		for (uint32_t i = 0; i < f->gf_numsrc && i < room; i++) {
			strcat(list, " ");
			strncat(list, addr_text((union addr *)&f->gf_slist[i], v4() ? 16 : 28), 60);
		}
		saw(what, "mode %u sources %u length %u%s", f->gf_fmode, f->gf_numsrc, (unsigned)len, list);
	}
	free(f);
}

static void show(int fd, const char *step)
{
	filter(fd, step, 4);
	arrivals(fd, step);
}

#define STEP(text, call) do { saw_result(text, call); show(fd, text); } while (0)

static void steps(void)
{
	const char *g = group(), *a = sender(0), *b = sender(1);
	int fd = member();

	show(fd, "no member");
	STEP("leave nothing", one(fd, MCAST_LEAVE_SOURCE_GROUP, g, a, here()));
	STEP("block without membership", one(fd, MCAST_BLOCK_SOURCE, g, a, here()));
	STEP("join", join(fd, g, here()));
	STEP("block a", one(fd, MCAST_BLOCK_SOURCE, g, a, here()));
	STEP("block a again", one(fd, MCAST_BLOCK_SOURCE, g, a, here()));
	STEP("block b", one(fd, MCAST_BLOCK_SOURCE, g, b, here()));
	STEP("join a while excluding", one(fd, MCAST_JOIN_SOURCE_GROUP, g, a, here()));
	STEP("unblock a", one(fd, MCAST_UNBLOCK_SOURCE, g, a, here()));
	STEP("unblock a again", one(fd, MCAST_UNBLOCK_SOURCE, g, a, here()));
	STEP("unblock b", one(fd, MCAST_UNBLOCK_SOURCE, g, b, here()));
	STEP("join a when none is left", one(fd, MCAST_JOIN_SOURCE_GROUP, g, a, here()));
	STEP("leave", leave(fd));
	STEP("join a", one(fd, MCAST_JOIN_SOURCE_GROUP, g, a, here()));
	STEP("join a again", one(fd, MCAST_JOIN_SOURCE_GROUP, g, a, here()));
	STEP("join b, too", one(fd, MCAST_JOIN_SOURCE_GROUP, g, b, here()));
	filter(fd, "room for one", 1);
	filter(fd, "room for none", 0);
	STEP("block a while including", one(fd, MCAST_BLOCK_SOURCE, g, a, here()));
	STEP("leave a", one(fd, MCAST_LEAVE_SOURCE_GROUP, g, a, here()));
	STEP("leave a again", one(fd, MCAST_LEAVE_SOURCE_GROUP, g, a, here()));
	STEP("join the group, too", join(fd, g, here()));
	STEP("leave b", one(fd, MCAST_LEAVE_SOURCE_GROUP, g, b, here()));
	STEP("join anew", join(fd, g, here()));
	STEP("join b, excluding none", one(fd, MCAST_JOIN_SOURCE_GROUP, g, b, here()));
	close(fd);
}

/* sockets that are no members, beside one that is */
static void others(void)
{
	int one_int = 1, fd, beside[2];
	bool all = true;

	for (int i = 0; i < 2; i++, all = false) {
		fd = udp();
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one_int, sizeof(one_int));
		nonblock(fd);
		bind_to(fd, NULL, test_port(0));
		set_int(fd, level(), v4() ? IP_MULTICAST_ALL : IPV6_MULTICAST_ALL, all);
		beside[i] = fd;
	}
	fd = udp();
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one_int, sizeof(one_int));
	nonblock(fd);
	bind_to(fd, NULL, test_port(0));
	for (int i = 0; i < 4; i++) {
		static const char *const step[] = { "ordinary", "a blocked", "b blocked, too", "b wanted" };

		if (i == 0)
			join(fd, group(), here());
		else if (i == 3)
			leave(fd), one(fd, MCAST_JOIN_SOURCE_GROUP, group(), sender(1), here());
		else
			one(fd, MCAST_BLOCK_SOURCE, group(), sender(i - 1), here());
		arrivals(beside[0], step[i]);
		arrivals(fd, step[i]);
		arrivals(beside[1], step[i]);
	}
	close(fd);
	close(beside[0]);
	close(beside[1]);
}

static int set_filter(int fd, uint32_t mode, uint32_t n, uint32_t claimed, unsigned index, const char *to)
{
	size_t size = FILTER_HEAD + n * sizeof(struct sockaddr_storage);
	struct group_filter *f = calloc(1, size + sizeof(struct sockaddr_storage));
	int r;

	if (!f)
		err(2, "malloc");
	f->gf_interface = index;
	f->gf_fmode = mode;
	f->gf_numsrc = claimed;
	put(&f->gf_group, to);
	for (uint32_t i = 0; i < n; i++) {
		put(&f->gf_slist[i], sender(i % 2));
		if (i >= 2)
			((char *)&f->gf_slist[i])[7] = (char)i;
	}
	r = setsockopt(fd, level(), MCAST_MSFILTER, f, (socklen_t)size);
	free(f);
	return r;
}

static void whole_filters(void)
{
	int fd = member(), max = v4() ? 10 : 64;

	STEP("without membership", set_filter(fd, MCAST_EXCLUDE, 1, 1, here(), group()));
	saw_result("include none without membership", set_filter(fd, MCAST_INCLUDE, 0, 0, here(), group()));
	join(fd, group(), here());
	STEP("exclude a", set_filter(fd, MCAST_EXCLUDE, 1, 1, here(), group()));
	STEP("include a", set_filter(fd, MCAST_INCLUDE, 1, 1, here(), group()));
	STEP("include both", set_filter(fd, MCAST_INCLUDE, 2, 2, here(), group()));
	STEP("exclude none", set_filter(fd, MCAST_EXCLUDE, 0, 0, here(), group()));
	STEP("join a then", one(fd, MCAST_JOIN_SOURCE_GROUP, group(), sender(0), here()));
	saw_result("bad mode", set_filter(fd, 7, 1, 1, here(), group()));
	saw_result("claims more", set_filter(fd, MCAST_EXCLUDE, 1, 2, here(), group()));
	saw_result("the most", set_filter(fd, MCAST_EXCLUDE, (uint32_t)max, (uint32_t)max, here(), group()));
	saw_result("one more", one(fd, MCAST_BLOCK_SOURCE, group(), v4() ? "10.9.9.9" : "fc09::9", here()));
	saw_result("too many", set_filter(fd, MCAST_EXCLUDE, (uint32_t)max + 1, (uint32_t)max + 1, here(), group()));
	saw_result("far too many", set_filter(fd, MCAST_EXCLUDE, 1, 0xffffffff, here(), group()));
	saw_result("longer", set_filter(fd, MCAST_EXCLUDE, 100, 1, here(), group()));
	saw_result("too long", set_filter(fd, MCAST_EXCLUDE, 2000, 1, here(), group()));
	saw_result("no group", set_filter(fd, MCAST_EXCLUDE, 1, 1, here(), sender(0)));
	saw_result("no group, bad mode", set_filter(fd, 9, 1, 1, here(), sender(0)));
	saw_result("no interface", set_filter(fd, MCAST_EXCLUDE, 1, 1, 99, group()));
	STEP("include none", set_filter(fd, MCAST_INCLUDE, 0, 0, here(), group()));
	close(fd);
}

static void errors(void)
{
	const char *g = group(), *a = sender(0);
	static const int names[] = {
		MCAST_BLOCK_SOURCE, MCAST_UNBLOCK_SOURCE, MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP,
	};
	struct group_source_req q = { .gsr_interface = here() };
	struct group_filter f = { .gf_interface = here() };
	int fd = udp(), r = socket(site->domain, SOCK_RAW, 200);
	socklen_t len;
	char what[64];

	for (int i = 0; i < 4; i++) {
		snprintf(what, sizeof(what), "%d no group", i);
		saw_result(what, one(fd, names[i], a, a, here()));
		snprintf(what, sizeof(what), "%d no interface", i);
		saw_result(what, one(fd, names[i], g, a, 99));
		snprintf(what, sizeof(what), "%d raw", i);
		saw_result(what, one(r, names[i], g, a, here()));
		put(&q.gsr_group, g);
		put(&q.gsr_source, a);
		for (int l = -1; l <= 1; l++) {
			snprintf(what, sizeof(what), "%d length %+d", i, l);
			saw_result(what, setsockopt(fd, level(), names[i], &q, sizeof(q) + (unsigned)l));
		}
		q.gsr_group.ss_family = AF_UNIX;
		snprintf(what, sizeof(what), "%d AF_UNIX group", i);
		saw_result(what, setsockopt(fd, level(), names[i], &q, sizeof(q)));
		put(&q.gsr_group, g);
		q.gsr_source.ss_family = AF_UNSPEC;
		snprintf(what, sizeof(what), "%d source without family", i);
		saw_result(what, setsockopt(fd, level(), names[i], &q, sizeof(q)));
	}
	put(&f.gf_group, g);
	f.gf_group.ss_family = AF_UNIX;
	f.gf_fmode = MCAST_EXCLUDE;
	saw_result("filter of AF_UNIX", setsockopt(fd, level(), MCAST_MSFILTER, &f, sizeof(f)));
	len = sizeof(f);
	saw_result("get of AF_UNIX", getsockopt(fd, level(), MCAST_MSFILTER, &f, &len));
	put(&f.gf_group, a);
	saw_result("get of no group", getsockopt(fd, level(), MCAST_MSFILTER, &f, &len));
	len = FILTER_HEAD - 1;
	saw_result("get short", getsockopt(fd, level(), MCAST_MSFILTER, &f, &len));
	saw_result("set short", setsockopt(fd, level(), MCAST_MSFILTER, &f, FILTER_HEAD - 1));
	close(fd);
	close(r);
}

/* the older ones, of IPv4 alone */
static void old_ones(void)
{
	struct ip_mreq_source m = { .imr_interface.s_addr = htonl(INADDR_LOOPBACK) };
	union {
		struct ip_msfilter f;
		char room[64];
	} u = { .f.imsf_fmode = MCAST_EXCLUDE };
	int fd = member();
	socklen_t len;

	inet_pton(AF_INET, group(), &u.f.imsf_multiaddr);
	u.f.imsf_interface = m.imr_interface;
	STEP("block without membership", old(fd, IP_BLOCK_SOURCE, sender(0)));
	STEP("add a", old(fd, IP_ADD_SOURCE_MEMBERSHIP, sender(0)));
	STEP("add a again", old(fd, IP_ADD_SOURCE_MEMBERSHIP, sender(0)));
	STEP("add b", old(fd, IP_ADD_SOURCE_MEMBERSHIP, sender(1)));
	STEP("drop a", old(fd, IP_DROP_SOURCE_MEMBERSHIP, sender(0)));
	STEP("block a", old(fd, IP_BLOCK_SOURCE, sender(0)));
	STEP("drop b", old(fd, IP_DROP_SOURCE_MEMBERSHIP, sender(1)));
	join(fd, group(), here());
	STEP("block b", old(fd, IP_BLOCK_SOURCE, sender(1)));
	for (uint32_t room = 0; room < 3; room++) {
		len = sizeof(u);
		u.f.imsf_numsrc = room;
		saw_result("get", getsockopt(fd, IPPROTO_IP, IP_MSFILTER, &u, &len));
		saw("filter", "mode %u sources %u length %u %x", u.f.imsf_fmode, u.f.imsf_numsrc, (unsigned)len,
		    room ? u.f.imsf_slist[0].s_addr : 0);
	}
	STEP("unblock b", old(fd, IP_UNBLOCK_SOURCE, sender(1)));
	u.f.imsf_numsrc = 1;
	inet_pton(AF_INET, sender(0), &u.f.imsf_slist[0]);
	STEP("set", setsockopt(fd, IPPROTO_IP, IP_MSFILTER, &u, OLD_HEAD + 4));
	saw_result("set short", setsockopt(fd, IPPROTO_IP, IP_MSFILTER, &u, OLD_HEAD + 3));
	saw_result("set too short", setsockopt(fd, IPPROTO_IP, IP_MSFILTER, &u, OLD_HEAD - 1));
	len = OLD_HEAD - 1;
	saw_result("get too short", getsockopt(fd, IPPROTO_IP, IP_MSFILTER, &u, &len));
	u.f.imsf_numsrc = 11;
	saw_result("set too many", setsockopt(fd, IPPROTO_IP, IP_MSFILTER, &u, sizeof(u)));
	u.f.imsf_numsrc = 1;
	u.f.imsf_fmode = 5;
	saw_result("set bad mode", setsockopt(fd, IPPROTO_IP, IP_MSFILTER, &u, sizeof(u)));
	inet_pton(AF_INET, "10.0.0.1", &u.f.imsf_multiaddr);
	saw_result("set no group", setsockopt(fd, IPPROTO_IP, IP_MSFILTER, &u, sizeof(u)));
	len = sizeof(u);
	saw_result("get no group", getsockopt(fd, IPPROTO_IP, IP_MSFILTER, &u, &len));
	inet_pton(AF_INET, "224.0.1.99", &u.f.imsf_multiaddr);
	saw_result("get no member", getsockopt(fd, IPPROTO_IP, IP_MSFILTER, &u, &len));
	saw_result("length", setsockopt(fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &m, sizeof(m) - 1));
	saw_result("no group", setsockopt(fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &m, sizeof(m)));
	inet_pton(AF_INET, "192.0.2.99", &m.imr_interface);
	inet_pton(AF_INET, group(), &m.imr_multiaddr);
	saw_result("no interface", setsockopt(fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &m, sizeof(m)));
	close(fd);
}

/* the kernel has no route for IPv6's groups on lo */
#define WHERE	(ON_LO4 | ON_NET)

const struct scenario source_scenarios[] = {
	{ "steps", steps, WHERE }, { "others", others, WHERE }, { "filters", whole_filters, WHERE },
	{ "errors", errors, WHERE }, { "old", old_ones, ON_LO4 },
	{ 0 },
};
