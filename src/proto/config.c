/* config.c - the configuration string of a stack
 *
 * Theory of operation
 * The string is cut at commas outside braces; each piece is a flag or
 * KEY=VALUE and is looked up in one table, which also yields the list of
 * keys in error messages.  A parser sets one field and nothing else; what
 * concerns several fields (names used twice, an address without an
 * interface) is checked once the whole string has been read.
 * The first interface's fields may be set before its link is named.
 */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <linux/if_link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "proto/config.h"

#define MTU_MIN		576		/* every IPv4 host must take that much (RFC 791) */
#define MTU_MAX		65535
#define METRIC_MAX	0x7fffffffu
#define DOMAIN_MAX	253		/* RFC 1035, in text */
#define SEARCH_MAX	1024		/* all domains, with the spaces between them */
#define PATH_LEN_MAX	1023		/* as a message carries it (msg.h) */

struct parser {
	struct config *c;
	char *err;
	size_t errlen;
	const char *key;		/* of the piece being parsed */
	const char *val;
	const char *first_if_key;	/* an interface's key seen, and no link yet */
};

struct key {
	const char *name;
	int (*set)(struct parser *p, const struct key *k);
	const char *arg;		/* link keys: prefix for link_open() */
	unsigned flags;			/* flag keys */
	bool per_iface;
};

__attribute__((format(printf, 2, 3)))
static int fail(struct parser *p, const char *fmt, ...)
{
	char why[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (p->val)
		snprintf(p->err, p->errlen, "configuration \"%s=%s\": %s",
			 p->key, p->val, why);
	else
		snprintf(p->err, p->errlen, "configuration \"%s\": %s", p->key,
			 why);
	return -EINVAL;
}

static int out_of_memory(struct parser *p)
{
	fail(p, "out of memory");
	return -ENOMEM;
}

/* the interface that keys belong to now; its link may still be to come */
static struct config_iface *iface(struct parser *p)
{
	return &p->c->iface[p->c->niface ? p->c->niface - 1 : 0];
}

static int parse_uint(const char *s, unsigned max, unsigned *out)
{
	unsigned long v = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		v = v * 10 + (unsigned)(*s - '0');
		if (v > max)
			return -EINVAL;
	}
	*out = (unsigned)v;
	return 0;
}

static int set_link(struct parser *p, const struct key *k)
{
	struct config *c = p->c;
	unsigned fd;

	if (c->niface == CONFIG_IFACES)
		return fail(p, "too many interfaces (at most %d a stack)",
			    CONFIG_IFACES);
	if (!strcmp(k->name, "fd") && parse_uint(p->val, INT_MAX, &fd))
		return fail(p, "not the number of an open descriptor");
	if (!strcmp(k->name, "veth") && p->val[0] != '/')
		return fail(p, "not a path (it begins with /; the other end gives the same)");
	if ((!strcmp(k->name, "tap") || !strcmp(k->name, "tun")) &&
	    (strlen(p->val) >= IFNAMSIZ || strchr(p->val, '/')))
		return fail(p, "not the name of an interface (at most %d characters, no /)",
			    IFNAMSIZ - 1);
	if (asprintf(&c->iface[c->niface].link, "%s%s", k->arg, p->val) < 0) {
		c->iface[c->niface].link = NULL;
		return out_of_memory(p);
	}
	c->niface++;
	p->first_if_key = NULL;
	return 0;
}

static int set_iface_name(struct parser *p, const struct key *k)
{
	struct config_iface *f = iface(p);

	if (strlen(p->val) >= sizeof(f->name) || strpbrk(p->val, "/: \t") ||
	    !strcmp(p->val, ".") || !strcmp(p->val, ".."))
		return fail(p, "not the name of an interface (at most %zu characters, no / : or space)",
			    sizeof(f->name) - 1);
	if (!strcmp(p->val, "lo"))
		return fail(p, "lo is always there and needs no configuration (choose another name)");
	if (f->name[0])
		return fail(p, "this interface already has the name \"%s\" (vnl=, tap=, tun=, fd= or veth= begins the next interface)",
			    f->name);
	snprintf(f->name, sizeof(f->name), "%s", p->val);
	return 0;
}

static int set_mac(struct parser *p, const struct key *k)
{
	static const uint8_t zero[6];
	struct config_iface *f = iface(p);

	if (addr_mac_parse(p->val, f->mac) < 0)
		return fail(p, "not a MAC address (six pairs of hexadecimal digits, as in 02:00:00:00:00:01)");
	if (f->mac[0] & 1 || !memcmp(f->mac, zero, sizeof(zero)))
		return fail(p, "not a station's MAC address (the first byte must be even and not all may be zero, as in 02:00:00:00:00:01)");
	f->has_mac = true;
	return 0;
}

static int set_ip(struct parser *p, const struct key *k)
{
	struct config_iface *f = iface(p);

	if (f->naddr == CONFIG_ADDRS)
		return fail(p, "too many addresses (at most %d an interface)",
			    CONFIG_ADDRS);
	if (addr_prefix_parse(p->val, &f->addr[f->naddr]) < 0)
		return fail(p, "not an address with prefix length (as in 10.0.0.1/24 or fc00::1/64)");
	f->naddr++;
	return 0;
}

static int set_gw(struct parser *p, const struct key *k)
{
	struct config_iface *f = iface(p);
	struct addr a;

	if (addr_parse(p->val, &a) < 0)
		return fail(p, "not an address (as in 10.0.0.254 or fe80::1)");
	if (a.family == AF_INET ? f->has_gw4 : f->has_gw6)
		return fail(p, "this interface already has a gateway of that family");
	if (a.family == AF_INET) {
		f->gw4 = a;
		f->has_gw4 = true;
	} else {
		f->gw6 = a;
		f->has_gw6 = true;
	}
	return 0;
}

static int set_mtu(struct parser *p, const struct key *k)
{
	unsigned mtu;

	if (parse_uint(p->val, MTU_MAX, &mtu) || mtu < MTU_MIN)
		return fail(p, "not an MTU (a number from %d to %d)", MTU_MIN,
			    MTU_MAX);
	iface(p)->mtu = mtu;
	return 0;
}

static int set_addrgen(struct parser *p, const struct key *k)
{
	static const struct {
		const char *name;
		uint8_t mode;
	} modes[] = {
		{ "eui64", IN6_ADDR_GEN_MODE_EUI64 }, { "none", IN6_ADDR_GEN_MODE_NONE },
		{ "stable", IN6_ADDR_GEN_MODE_STABLE_PRIVACY },
		{ "random", IN6_ADDR_GEN_MODE_RANDOM },
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(p->val, modes[i].name))
			continue;
		iface(p)->addrgen = modes[i].mode;
		return 0;
	}
	return fail(p, "not a way to make IPv6 addresses (eui64, stable, random or none)");
}

static int set_metric(struct parser *p, const struct key *k)
{
	if (parse_uint(p->val, METRIC_MAX, &iface(p)->metric))
		return fail(p, "not a metric (a number from 0 to %u)", METRIC_MAX);
	return 0;
}

static int set_dns(struct parser *p, const struct key *k)
{
	if (p->c->ndns == CONFIG_DNS)
		return fail(p, "too many name servers (at most %d)", CONFIG_DNS);
	if (addr_parse(p->val, &p->c->dns[p->c->ndns]) < 0)
		return fail(p, "not the address of a name server (as in 10.0.0.254 or fc00::53)");
	p->c->ndns++;
	return 0;
}

static int set_string(struct parser *p, char **field)
{
	if (*field)
		return fail(p, "given twice (the first was \"%s\")", *field);
	*field = strdup(p->val);
	return *field ? 0 : out_of_memory(p);
}

static int set_domain(struct parser *p, const struct key *k)
{
	if (strlen(p->val) > DOMAIN_MAX || strpbrk(p->val, " \t\n/"))
		return fail(p, "not a domain name (at most %d characters, no spaces)",
			    DOMAIN_MAX);
	if (!strcmp(k->name, "fqdn"))
		return set_string(p, &p->c->fqdn);
	if (p->c->ndomain == CONFIG_DOMAINS)
		return fail(p, "too many domains (at most %d)", CONFIG_DOMAINS);
	p->c->domain[p->c->ndomain] = strdup(p->val);
	return p->c->domain[p->c->ndomain++] ? 0 : out_of_memory(p);
}

/* programs of any working directory read it */
static int set_hosts(struct parser *p, const struct key *k)
{
	if (p->val[0] != '/' || strlen(p->val) > PATH_LEN_MAX)
		return fail(p, "not the path of a hosts file (it begins with /, at most %d characters)",
			    PATH_LEN_MAX);
	return set_string(p, &p->c->hosts);
}

static int set_ports(struct parser *p, const struct key *k)
{
	char *dash = strchr(p->val, '-');
	unsigned low = 0, high = 0;
	int bad = -EINVAL;

	if (dash) {
		*dash = '\0';
		bad = parse_uint(p->val, UINT16_MAX, &low);
		*dash = '-';
		if (!bad)
			bad = parse_uint(dash + 1, UINT16_MAX, &high);
	}
	if (bad || low == 0 || low > high)
		return fail(p, "not a range of ports (as in 32768-60999)");
	p->c->port_min = (uint16_t)low;
	p->c->port_max = (uint16_t)high;
	return 0;
}

/* of the control socket; the owner may always use it, execution means nothing */
static int set_poll(struct parser *p, const struct key *k)
{
	if (parse_uint(p->val, CONFIG_POLL_MAX, &p->c->poll_us))
		return fail(p, "not a number of microseconds (0 to %d)", CONFIG_POLL_MAX);
	return 0;
}

static int set_mode(struct parser *p, const struct key *k)
{
	char *end;
	unsigned long mode = strtoul(p->val, &end, 8);

	if (*end || *p->val < '0' || *p->val > '7' || mode & ~0666ul || (mode & 0600) != 0600)
		return fail(p, "not a mode for the control socket (0600, 0660, 0666)");
	p->c->mode = (unsigned)mode;
	return 0;
}

static int set_group(struct parser *p, const struct key *k)
{
	return set_string(p, &p->c->group);
}

static int set_stack(struct parser *p, const struct key *k)
{
	return set_string(p, &p->c->name);
}

static int set_flag(struct parser *p, const struct key *k)
{
	if (*p->key == '-')
		iface(p)->flags &= ~k->flags;
	else
		iface(p)->flags |= k->flags;
	return 0;
}

static int set_forward(struct parser *p, const struct key *k)
{
	if (*p->key == '-')
		p->c->forward &= ~k->flags;
	else
		p->c->forward |= k->flags;
	return 0;
}

static bool is_flag(const struct key *k)
{
	return k->set == set_flag || k->set == set_forward;
}

#define AUTO4	CONFIG_IF_DHCP
#define AUTO6	(CONFIG_IF_DHCP6 | CONFIG_IF_RD)

static const struct key keys[] = {
	{ "vnl", set_link, .arg = "" },
	{ "tap", set_link, .arg = "tap:" },
	{ "tun", set_link, .arg = "tun:" },
	{ "fd", set_link, .arg = "fd:" },
	{ "veth", set_link, .arg = "veth:" },
	{ "iface", set_iface_name, .per_iface = true },
	{ "mac", set_mac, .per_iface = true },
	{ "macaddr", set_mac, .per_iface = true },
	{ "ip", set_ip, .per_iface = true },
	{ "gw", set_gw, .per_iface = true },
	{ "mtu", set_mtu, .per_iface = true },
	{ "addrgen", set_addrgen, .per_iface = true },
	{ "metric", set_metric, .per_iface = true },
	{ "dns", set_dns, .per_iface = false },
	{ "domain", set_domain, .per_iface = false },
	{ "fqdn", set_domain, .per_iface = false },
	{ "hosts", set_hosts, .per_iface = false },
	{ "ports", set_ports, .per_iface = false },
	{ "poll", set_poll, .per_iface = false },
	{ "mode", set_mode, .per_iface = false },
	{ "group", set_group, .per_iface = false },
	{ "stack", set_stack, .per_iface = false },
	{ "forward", set_forward, .flags = CONFIG_FORWARD4 | CONFIG_FORWARD6 },
	{ "forward4", set_forward, .flags = CONFIG_FORWARD4 },
	{ "forward6", set_forward, .flags = CONFIG_FORWARD6 },
	/* iothconf's word for "bring the interface up": ours always are */
	{ "eth", set_flag, .flags = 0, .per_iface = true },
	{ "dhcp", set_flag, .flags = CONFIG_IF_DHCP, .per_iface = true },
	{ "dhcp4", set_flag, .flags = CONFIG_IF_DHCP, .per_iface = true },
	{ "dhcp6", set_flag, .flags = CONFIG_IF_DHCP6, .per_iface = true },
	{ "rd", set_flag, .flags = CONFIG_IF_RD, .per_iface = true },
	{ "slaac", set_flag, .flags = CONFIG_IF_SLAAC, .per_iface = true },
	{ "privacy", set_flag, .flags = CONFIG_IF_PRIVACY, .per_iface = true },
	{ "auto", set_flag, .flags = AUTO4 | AUTO6, .per_iface = true },
	{ "auto4", set_flag, .flags = AUTO4, .per_iface = true },
	{ "auto6", set_flag, .flags = AUTO6, .per_iface = true },
};

#define NKEYS	(sizeof(keys) / sizeof(keys[0]))

static int unknown_key(struct parser *p)
{
	char list[256];
	size_t n = 0;

	for (size_t i = 0; i < NKEYS; i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, " %s%s",
				      keys[i].name,
				      is_flag(&keys[i]) ? "" : "=");
	return fail(p, "no such key (valid:%s)", list);
}

static int parse_piece(struct parser *p, char *piece)
{
	char *eq = strchr(piece, '=');
	const struct key *k = NULL;
	const char *name;

	p->key = piece;
	p->val = eq ? eq + 1 : NULL;
	if (eq)
		*eq = '\0';
	name = piece + (!eq && *piece == '-');
	for (size_t i = 0; i < NKEYS && !k; i++)
		if (!strcmp(name, keys[i].name))
			k = &keys[i];
	if (!k)
		return unknown_key(p);
	if (is_flag(k) && eq)
		return fail(p, "%s is a flag and takes no value (write \"%s\", or \"-%s\" to undo it)",
			    name, name, name);
	if (!is_flag(k) && !eq)
		return fail(p, "%s needs a value (write \"%s=...\")", name, name);
	if (eq && !*p->val)
		return fail(p, "the value is empty");
	if (k->per_iface && !p->c->niface)
		p->first_if_key = k->name;
	return k->set(p, k);
}

/* cut the piece that begins at *s at the next comma outside braces */
static int next_piece(struct parser *p, char **s, char **piece)
{
	int depth = 0;
	char *c = *s;

	for (; *c && (depth > 0 || *c != ','); c++) {
		if (*c == '{')
			depth++;
		else if (*c == '}' && --depth < 0)
			break;
	}
	*piece = *s;
	if (depth != 0) {
		p->key = *s;
		p->val = NULL;
		return fail(p, "braces { } are not balanced");
	}
	*s = *c ? c + 1 : NULL;
	*c = '\0';
	return 0;
}

static int check_whole(struct parser *p)
{
	struct config *c = p->c;
	size_t search = 0;

	p->val = NULL;
	if (p->first_if_key) {
		p->key = p->first_if_key;
		return fail(p, "there is no interface it could belong to (add vnl=, tap=, tun=, fd= or veth=)");
	}
	for (unsigned i = 0; i < c->ndomain; i++) {
		search += strlen(c->domain[i]) + 1;
		if (search > SEARCH_MAX) {
			p->key = "domain";
			p->val = c->domain[i];
			return fail(p, "the domains together are too long (at most %d characters)",
				    SEARCH_MAX - 1);
		}
	}
	for (unsigned i = 0; i < c->niface; i++)
		for (unsigned j = 0; j < i; j++)
			if (c->iface[i].name[0] &&
			    !strcmp(c->iface[i].name, c->iface[j].name)) {
				p->key = "iface";
				p->val = c->iface[i].name;
				return fail(p, "two interfaces have that name");
			}
	return 0;
}

/* see config.h */
int config_parse(const char *s, struct config *out, char *err, size_t errlen)
{
	struct parser p = { .c = out, .err = err, .errlen = errlen, .key = "" };
	char *copy, *rest, *piece;
	int ret = 0;

	memset(out, 0, sizeof(*out));
	out->port_min = CONFIG_PORT_MIN;
	out->port_max = CONFIG_PORT_MAX;
	copy = strdup(s);
	if (!copy)
		return out_of_memory(&p);
	rest = *copy ? copy : NULL;
	while (rest && !ret) {
		ret = next_piece(&p, &rest, &piece);
		if (!ret && !*piece) {
			p.key = s;
			p.val = NULL;
			ret = fail(&p, "an empty entry (two commas in a row, or one at an end)");
		} else if (!ret) {
			ret = parse_piece(&p, piece);
		}
		if (!ret && rest && !*rest) {
			p.key = s;
			p.val = NULL;
			ret = fail(&p, "a comma at the end (remove it)");
		}
	}
	if (!ret)
		ret = check_whole(&p);
	free(copy);
	return ret;
}

/**
 * config_free() - Release what config_parse() allocated
 * @c:	may be all zero; is all zero afterwards
 */
void config_free(struct config *c)
{
	for (unsigned i = 0; i < CONFIG_IFACES; i++)
		free(c->iface[i].link);
	for (unsigned i = 0; i < CONFIG_DOMAINS; i++)
		free(c->domain[i]);
	free(c->name);
	free(c->hosts);
	free(c->group);
	free(c->fqdn);
	memset(c, 0, sizeof(*c));
}
