/* info.c - the interfaces of a stack, as old and new calls show them
 *
 * Theory of operation
 * MSG_OP_INFO brings the interfaces of a stack, a page at a time (hdr.sock is
 * the first index wanted); each SIOCGIF* ioctl is answered from a fresh copy.
 * Changes are ifset.c's.  Nothing of the host's interfaces shows.
 */
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include "client/client.h"
#include "client/ifset.h"
#include "client/memory.h"
#include "client/sys.h"

#define BODY_MAX	(MSG_MAX - sizeof(struct msg_hdr))
#define PAGE_IFS	((BODY_MAX - sizeof(struct msg_info)) / sizeof(struct msg_ifinfo))
#define PAGES_MAX	32

static bool labels_sound(const struct msg_ifinfo *f)
{
	for (uint32_t k = 0; k < f->naddr; k++)
		if (!memchr(f->addr[k].label, '\0', sizeof(f->addr[k].label)))
			return false;
	return true;
}

/* the reply is what it says it is */
static bool sound(const struct client_info *i, size_t len)
{
	if (len < sizeof(i->info) || (len - sizeof(i->info)) % sizeof(i->ifs[0]) ||
	    i->info.nif != (len - sizeof(i->info)) / sizeof(i->ifs[0]))
		return false;
	for (uint32_t n = 0; n < i->info.nif; n++)
		if (i->ifs[n].naddr > MSG_IFADDRS || !labels_sound(&i->ifs[n]) ||
		    !memchr(i->ifs[n].name, '\0', sizeof(i->ifs[n].name)))
			return false;
	return true;
}

/* one page: interfaces from the first-th on */
static int get_page(const char *path, uint32_t first, struct client_info *page)
{
	struct conn_req r = {
		.op = MSG_OP_INFO, .sock = first, .fd = -1, .reply = page, .reply_size = BODY_MAX,
	};
	int ret = conn_call(path, &r);

	return ret ? ret : sound(page, r.reply_len) ? 0 : -EPROTO;
}

/**
 * client_info() - Ask a stack about itself and its interfaces
 * @path:	control socket
 * @out:	release it with free()
 *
 * Return: 0 or -errno
 */
int client_info(const char *path, struct client_info **out)
{
	struct client_info *page = malloc(BODY_MAX), *all = NULL, *grown;
	uint32_t total = 0;
	int ret = page ? 0 : -ENOMEM;

	for (int n = 0; !ret && n < PAGES_MAX; n++) {
		ret = get_page(path, total, page);
		if (ret)
			break;
		grown = realloc(all, sizeof(*all) + (total + page->info.nif) * sizeof(all->ifs[0]));
		if (!grown) {
			ret = -ENOMEM;
			break;
		}
		all = grown;
		if (n == 0)
			all->info = page->info;
		memcpy(all->ifs + total, page->ifs, page->info.nif * sizeof(all->ifs[0]));
		total += page->info.nif;
		all->info.nif = total;
		if (page->info.nif < PAGE_IFS)
			break;
	}
	free(page);
	if (ret) {
		free(all);
		all = NULL;
	}
	*out = all;
	return ret;
}

/* the first IPv4 address under a name, which may be an alias: eth0:1 */
static const struct msg_ifaddr *first4(const struct msg_ifinfo *f, const char *label)
{
	for (uint32_t i = 0; i < f->naddr; i++)
		if (f->addr[i].addr.sa.sa_family == AF_INET && !strcmp(f->addr[i].label, label))
			return &f->addr[i];
	return NULL;
}

static uint32_t mask4(const struct msg_ifaddr *a)
{
	unsigned len = a->prefixlen > 32 ? 32 : a->prefixlen;

	return htonl((uint32_t)(0xffffffff00000000u >> len));
}

static void set4(struct sockaddr *sa, uint32_t addr)
{
	struct sockaddr_in *in = (struct sockaddr_in *)sa;

	memset(in, 0, sizeof(*in));
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = addr;
}

/* SIOCGIFCONF: a row for each IPv4 address */
static int ifconf(const struct client_info *i, struct ifconf *c)
{
	int room = c->ifc_buf ? c->ifc_len : 0, used = 0;

	if (room > 0 && !mem_writable(c->ifc_buf, (size_t)room))
		return -EFAULT;

	for (uint32_t n = 0; n < i->info.nif; n++) {
		const struct msg_ifinfo *f = &i->ifs[n];

		for (uint32_t k = 0; k < f->naddr; k++) {
			struct ifreq r = { 0 };

			if (f->addr[k].addr.sa.sa_family != AF_INET)
				continue;
			if (c->ifc_buf && room - used < (int)sizeof(r))
				goto out;
			memcpy(r.ifr_name, f->addr[k].label, IFNAMSIZ);
			set4(&r.ifr_addr, f->addr[k].addr.in.sin_addr.s_addr);
			if (c->ifc_buf)
				memcpy(c->ifc_buf + used, &r, sizeof(r));
			used += (int)sizeof(r);
		}
	}
out:
	c->ifc_len = used;
	return 0;
}

static int address(const struct msg_ifinfo *f, unsigned long req, struct ifreq *r)
{
	const struct msg_ifaddr *a = first4(f, r->ifr_name);

	if (!a)
		return -EADDRNOTAVAIL;
	switch (req) {
	case SIOCGIFADDR:
		set4(&r->ifr_addr, a->addr.in.sin_addr.s_addr);
		break;
	case SIOCGIFDSTADDR:
		set4(&r->ifr_dstaddr, a->peer);
		break;
	case SIOCGIFNETMASK:
		set4(&r->ifr_netmask, mask4(a));
		break;
	default:
		set4(&r->ifr_broadaddr, a->broadcast);
		break;
	}
	return 0;
}

/* SIOCETHTOOL: what sniffers ask, to know how long a frame may be */
static int ethtool(const struct msg_ifinfo *f, struct ifreq *r)
{
	struct ethtool_value v;

	if (!mem_writable(r->ifr_data, sizeof(v)))
		return -EFAULT;
	memcpy(&v.cmd, r->ifr_data, sizeof(v.cmd));
	switch (v.cmd) {
	case ETHTOOL_GTSO:
	case ETHTOOL_GGSO:
	case ETHTOOL_GGRO:
		v.data = f->offload;
		memcpy(r->ifr_data, &v, sizeof(v));
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int one(const struct msg_ifinfo *f, unsigned long req, struct ifreq *r)
{
	switch (req) {
	case SIOCGIFFLAGS:
		r->ifr_flags = (short)f->flags;
		return 0;
	case SIOCGIFINDEX:
		r->ifr_ifindex = (int)f->index;
		return 0;
	case SIOCGIFMTU:
		r->ifr_mtu = (int)f->mtu;
		return 0;
	case SIOCGIFMETRIC:
		r->ifr_metric = 0;	/* as Linux answers for every interface */
		return 0;
	case SIOCGIFHWADDR:
		memset(&r->ifr_hwaddr, 0, sizeof(r->ifr_hwaddr));
		r->ifr_hwaddr.sa_family = f->flags & IFF_LOOPBACK ? ARPHRD_LOOPBACK
			: f->flags & IFF_POINTOPOINT ? ARPHRD_NONE : ARPHRD_ETHER;
		memcpy(r->ifr_hwaddr.sa_data, f->mac, sizeof(f->mac));
		return 0;
	case SIOCGIFTXQLEN:
		r->ifr_qlen = (int)f->txqlen;
		return 0;
	case SIOCGIFMAP:	/* of hardware that is not there */
		memset(&r->ifr_map, 0, sizeof(r->ifr_map));
		return 0;
	case SIOCGIFSLAVE:
	case SIOCSIFSLAVE:
		return -EINVAL;
	case SIOCETHTOOL:
		return ethtool(f, r);
	default:
		return address(f, req, r);
	}
}

static int by_name(const struct client_info *i, unsigned long req, struct ifreq *r)
{
	size_t len;

	r->ifr_name[IFNAMSIZ - 1] = '\0';
	len = strcspn(r->ifr_name, ":");	/* an alias is its interface */
	for (uint32_t n = 0; n < i->info.nif; n++)
		if (strlen(i->ifs[n].name) == len && !memcmp(i->ifs[n].name, r->ifr_name, len))
			return one(&i->ifs[n], req, r);
	return -ENODEV;
}

static int name_of(const struct client_info *i, struct ifreq *r)
{
	for (uint32_t n = 0; n < i->info.nif; n++)
		if ((int)i->ifs[n].index == r->ifr_ifindex) {
			memcpy(r->ifr_name, i->ifs[n].name, IFNAMSIZ);
			return 0;
		}
	return -ENODEV;
}

/* requests that only sockets of IPv4 know */
static bool only_inet(unsigned long req)
{
	switch (req) {
	case SIOCGIFADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFBRDADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFPFLAGS:
		return true;
	default:
		return false;
	}
}

/* what is neither asked nor told by ifset.c; of the rest Linux knows nothing either */
static int refusal(unsigned long req)
{
	switch (req) {
	case SIOCSIFHWBROADCAST:
	case SIOCSIFPFLAGS:
	case SIOCADDMULTI:
	case SIOCDELMULTI:
	case SIOCBRADDBR:
	case SIOCBRDELBR:
		return -EPERM;
	case SIOCGIFPFLAGS:
		return -EINVAL;
	case SIOCSIFMETRIC:
	case SIOCSIFMAP:
	case SIOCGMIIPHY:
	case SIOCGMIIREG:
	case SIOCBONDINFOQUERY:
		return -EOPNOTSUPP;
	default:
		return -ENOTTY;
	}
}

/**
 * client_ifioctl() - An ioctl about interfaces, routes or neighbours
 * @path:	control socket
 * @domain:	of the socket it is made on; 0: unknown, taken for AF_INET
 * @req:	SIOCGIF*, or one of ifset.c's
 * @arg:	struct ifreq, struct ifconf, struct rtentry, ...
 *
 * Return: 0 or -errno; -ENOTTY when it is none of them
 */
int client_ifioctl(const char *path, int domain, unsigned long req, void *arg)
{
	size_t size = req == SIOCGIFCONF ? sizeof(struct ifconf) : sizeof(struct ifreq);
	union {
		struct ifconf conf;
		struct ifreq req;
	} r;
	struct client_info *i;
	int ret;

	if (!mem_readable(arg, size))
		return -EFAULT;
	if (domain && domain != AF_INET && domain != AF_PACKET && only_inet(req))
		return -ENOTTY;
	switch (req) {
	case SIOCGIFCONF:
	case SIOCGIFNAME:
	case SIOCGIFFLAGS:
	case SIOCGIFINDEX:
	case SIOCGIFMTU:
	case SIOCGIFMETRIC:
	case SIOCGIFHWADDR:
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFBRDADDR:
	case SIOCGIFTXQLEN:
	case SIOCGIFMAP:
	case SIOCGIFSLAVE:
	case SIOCSIFSLAVE:
	case SIOCETHTOOL:
		break;
	default:
		ret = client_ifset(path, domain ? domain : AF_INET, req, arg);
		return ret == -ENOTTY ? refusal(req) : ret;
	}
	ret = client_info(path, &i);
	if (ret)
		return ret;
	memcpy(&r, arg, size);
	if (req == SIOCGIFCONF)
		ret = ifconf(i, &r.conf);
	else if (req == SIOCGIFNAME)
		ret = name_of(i, &r.req);
	else
		ret = by_name(i, req, &r.req);
	free(i);
	if (ret)
		return ret;
	if (!mem_writable(arg, size))
		return -EFAULT;
	memcpy(arg, &r, size);
	return 0;
}

/* SIOCOUTQ, SIOCOUTQNSD: only the stack knows what is under way */
static int outq(int fd, const struct sockname *sn, unsigned long req, int *val)
{
	struct {
		struct msg_opt o;
		int32_t val;
	} reply;
	struct msg_opt o = { .level = MSG_LEVEL_IOCTL, .name = (int32_t)req, .len = sizeof(int32_t) };
	struct conn_req r = {
		.op = MSG_OP_GETSOCKOPT, .sock = sn->id, .body = &o, .body_len = sizeof(o), .fd = -1,
		.reply = &reply, .reply_size = sizeof(reply),
	};
	int ret;

	if (sn->kind == SOCKNAME_NETLINK)
		return -ENOTTY;
	if (!mem_writable(val, sizeof(*val)))
		return -EFAULT;
	*val = 0;
	if (sn->kind != SOCKNAME_STREAM)
		return req == SIOCOUTQ ? 0 : -ENOTTY;	/* a datagram does not wait */
	switch (tag_get(fd).state) {
	case TAG_CONNECTED:
		break;
	case TAG_LISTENING:
		return -EINVAL;
	default:
		return 0;
	}
	ret = conn_call(sn->path, &r);
	if (ret == -ENOTCONN || ret == -ENETDOWN)
		return 0;		/* it has ended: nothing is under way */
	if (!ret && r.reply_len == sizeof(reply))
		*val = reply.val;
	return ret;
}

/**
 * client_ioctl() - ioctl(2) on a socket of a stack
 *
 * Return: 0 or -errno; -ENOTTY for what such a socket does not know
 */
int client_ioctl(int fd, const struct sockname *sn, unsigned long req, void *arg)
{
	bool stream = sn->kind == SOCKNAME_STREAM;

	switch (req) {
	case FIONREAD:
		if (sn->kind == SOCKNAME_NETLINK)
			return -ENOTTY;
		if (!stream && !mem_writable(arg, sizeof(int)))
			return -EFAULT;
		if (stream && tag_get(fd).state == TAG_LISTENING)
			return -EINVAL;
		if (!stream) {
			*(int *)arg = sn->kind == SOCKNAME_PACKET ? packet_pending(fd)
								  : dgram_pending(fd);
			return 0;
		}
		break;
	case SIOCOUTQ:
	case SIOCOUTQNSD:
		return outq(fd, sn, req, arg);
	case FIONBIO:
	case FIOASYNC:
	case FIOCLEX:
	case FIONCLEX:
	case FIOSETOWN:
	case FIOGETOWN:
	case SIOCSPGRP:
	case SIOCGPGRP:
		break;
	case SIOCATMARK:
		if (!stream)
			return -ENOTTY;
		if (!mem_writable(arg, sizeof(int)))
			return -EFAULT;
		*(int *)arg = 0;
		sys_ioctl(fd, req, arg);	/* a kernel that does not know it has no mark */
		return 0;
	default:
		return client_ifioctl(sn->path, sn->kind == SOCKNAME_NETLINK ? AF_NETLINK :
				      tag_get(fd).domain, req, arg);
	}
	return sys_ioctl(fd, req, arg) < 0 ? -errno : 0;
}
