/* interfaces.c - what the C library and ioctl tell about interfaces
 *
 * Run on the kernel's stack and under the shim with interfaces of the same
 * names and addresses, its lines must be equal (interfaces.sh).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void print_addr(const char *what, const struct sockaddr *sa)
{
	char text[INET6_ADDRSTRLEN];
	const struct sockaddr_ll *ll = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	if (!sa) {
		printf(" %s none", what);
		return;
	}
	switch (sa->sa_family) {
	case AF_INET:
		printf(" %s %s", what, inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr,
						 text, sizeof(text)));
		break;
	case AF_INET6:
		printf(" %s %s%s", what, inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text)),
		       in6->sin6_scope_id ? " scoped" : "");
		break;
	case AF_PACKET:
		printf(" %s type %d len %d", what, ll->sll_hatype, ll->sll_halen);
		for (int i = 0; i < ll->sll_halen; i++)
			printf(":%02x", ll->sll_addr[i]);
		break;
	default:
		printf(" %s family %d", what, sa->sa_family);
		break;
	}
}

static void by_getifaddrs(void)
{
	struct ifaddrs *list, *i;

	if (getifaddrs(&list) < 0) {
		printf("getifaddrs: %s\n", strerrorname_np(errno));
		return;
	}
	for (i = list; i; i = i->ifa_next) {
		printf("getifaddrs %s flags %x", i->ifa_name, i->ifa_flags);
		print_addr("addr", i->ifa_addr);
		print_addr("mask", i->ifa_netmask);
		print_addr("broadcast", i->ifa_broadaddr);
		printf(" data %s\n", i->ifa_data ? "yes" : "no");
	}
	freeifaddrs(list);
}

static void by_name(const char *name)
{
	char back[IF_NAMESIZE] = "";
	unsigned index = if_nametoindex(name);

	printf("if_nametoindex %s: %s", name, index ? "some" : strerrorname_np(errno));
	if (index)
		printf(", back %s", if_indextoname(index, back) ? back : strerrorname_np(errno));
	printf("\n");
}

static void by_nameindex(void)
{
	struct if_nameindex *v = if_nameindex();

	for (struct if_nameindex *p = v; p && p->if_index; p++)
		printf("if_nameindex %s\n", p->if_name);
	if (v)
		if_freenameindex(v);
	printf("if_indextoname 9999: %s\n",
	       if_indextoname(9999, (char[IF_NAMESIZE]){ 0 }) ? "some" : strerrorname_np(errno));
}

static void by_conf(int fd, const char *kind)
{
	struct ifreq r[8];
	struct ifconf c = { .ifc_len = 0, .ifc_req = NULL };
	int ret = ioctl(fd, SIOCGIFCONF, &c);

	printf("%s SIOCGIFCONF without room: %d length %d\n", kind, ret, c.ifc_len);
	for (int room = 0; room <= (int)sizeof(r); room += sizeof(r[0]) - 1) {
		memset(r, 0, sizeof(r));
		c = (struct ifconf){ .ifc_len = room, .ifc_req = r };
		ret = ioctl(fd, SIOCGIFCONF, &c);
		printf("%s SIOCGIFCONF in %d: %d length %d", kind, room, ret, c.ifc_len);
		for (int i = 0; i < c.ifc_len / (int)sizeof(r[0]); i++) {
			printf(" %s", r[i].ifr_name);
			print_addr("", &r[i].ifr_addr);
		}
		printf("\n");
	}
}

#define REQ(x) { #x, x }
static const struct { const char *name; unsigned long req; } reqs[] = {
	REQ(SIOCGIFADDR), REQ(SIOCGIFNETMASK), REQ(SIOCGIFBRDADDR), REQ(SIOCGIFDSTADDR),
	REQ(SIOCGIFFLAGS), REQ(SIOCGIFMTU), REQ(SIOCGIFMETRIC), REQ(SIOCGIFHWADDR),
	REQ(SIOCGIFTXQLEN), REQ(SIOCGIFMAP), REQ(SIOCGIFINDEX), REQ(SIOCGIFSLAVE), REQ(SIOCGIFMEM),
	REQ(SIOCGIFENCAP), REQ(SIOCGIFPFLAGS), REQ(SIOCGIFCOUNT), REQ(SIOCGARP),
	{ "0x8930", 0x8930 }, { "0x89d5", 0x89d5 },
};

static void by_request(int fd, const char *kind, const char *ifname)
{
	for (size_t i = 0; i < sizeof(reqs) / sizeof(reqs[0]); i++) {
		struct ifreq r = { 0 };
		int ret;

		snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", ifname);
		errno = 0;
		ret = ioctl(fd, reqs[i].req, &r);
		printf("%s %s %s: %d %s", kind, reqs[i].name, ifname, ret,
		       ret ? strerrorname_np(errno) : "");
		if (!ret)
			switch (reqs[i].req) {
			case SIOCGIFFLAGS:
				printf(" %x", (unsigned short)r.ifr_flags);
				break;
			case SIOCGIFMTU:
			case SIOCGIFMETRIC:
			case SIOCGIFTXQLEN:
				printf(" %d", r.ifr_mtu);
				break;
			case SIOCGIFHWADDR:
				printf(" type %d", r.ifr_hwaddr.sa_family);
				for (int k = 0; k < 6; k++)
					printf(":%02x", (unsigned char)r.ifr_hwaddr.sa_data[k]);
				break;
			case SIOCGIFINDEX:
				printf(" %s", r.ifr_ifindex == (int)if_nametoindex(ifname) ? "right" : "wrong");
				break;
			case SIOCGIFMAP:
				break;
			default:
				print_addr("", &r.ifr_addr);
				break;
			}
		printf("\n");
	}
}

static void queues(int fd, const char *kind)
{
	static const struct { const char *name; unsigned long req; } q[] = {
		REQ(SIOCINQ), REQ(SIOCOUTQ), REQ(SIOCOUTQNSD), REQ(SIOCATMARK),
	};

	for (size_t i = 0; i < 4; i++) {
		int v = -1, ret = ioctl(fd, q[i].req, &v);

		printf("%s %s: %d %s value %d\n", kind, q[i].name, ret,
		       ret ? strerrorname_np(errno) : "", ret ? 0 : v);
	}
}

int main(int argc, char **argv)
{
	static const struct { const char *name; int domain, type; } socks[] = {
		{ "udp", AF_INET, SOCK_DGRAM }, { "tcp", AF_INET, SOCK_STREAM },
		{ "udp6", AF_INET6, SOCK_DGRAM }, { "unix", AF_UNIX, SOCK_STREAM },
	};
	int fd;

	by_getifaddrs();
	by_nameindex();
	by_name("lo");
	for (int i = 1; i < argc; i++)
		by_name(argv[i]);
	for (size_t k = 0; k < sizeof(socks) / sizeof(socks[0]); k++) {
		fd = socket(socks[k].domain, socks[k].type, 0);
		by_request(fd, socks[k].name, "lo");
		for (int i = 1; i < argc; i++)
			by_request(fd, socks[k].name, argv[i]);
		if (k < 2)
			by_conf(fd, socks[k].name);
		if (k < 3)
			queues(fd, socks[k].name);
		close(fd);
	}
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (listen(fd, 1) == 0)
		queues(fd, "listener");
	return 0;
}
