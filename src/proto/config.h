/* config.h - the configuration string of a stack
 *
 * "vnl=vxvde://234.0.0.1,ip=10.0.0.70/24,ip=fc00::1:70/64": iothconf's
 * syntax.  Comma-separated; a comma inside {} belongs to the value (VNLs
 * nest).  vnl=, tap=, tun=, fd= and veth= each begin an interface; the keys
 * that follow belong to it.  Keys before the first one belong to the first
 * interface (so "ip=10.0.0.1/24,tap=t0" works as in iothconf).
 */
#ifndef PROTO_CONFIG_H
#define PROTO_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"

#define CONFIG_IFACES	32
#define CONFIG_ADDRS	16
#define CONFIG_DNS	3		/* resolv.conf(5) */
#define CONFIG_DOMAINS	6
#define CONFIG_PORT_MIN	32768		/* ip_local_port_range's defaults */
#define CONFIG_PORT_MAX	60999
#define CONFIG_POLL_MAX	1000000		/* microseconds */

enum {
	CONFIG_IF_DHCP	= 1 << 0,
	CONFIG_IF_DHCP6	= 1 << 1,
	CONFIG_IF_RD	= 1 << 2,	/* router discovery */
	CONFIG_IF_SLAAC	= 1 << 3,
	CONFIG_IF_PRIVACY = 1 << 4,	/* temporary addresses */
};

enum {					/* what all interfaces do with packets for others */
	CONFIG_FORWARD4	= 1 << 0,
	CONFIG_FORWARD6	= 1 << 1,
};

struct config_iface {
	char *link;			/* for link_open(): "tap:t0", "vxvde://234.0.0.1" */
	char name[16];			/* iface=, else "vde0", "tap0", ... chosen by the engine */
	bool has_mac;
	uint8_t mac[6];
	unsigned mtu;			/* 0: the link's own, else 1500 */
	unsigned flags;			/* CONFIG_IF_* */
	uint8_t addrgen;		/* IN6_ADDR_GEN_MODE_* of <linux/if_link.h> */
	unsigned metric;		/* of routes that DHCP and routers tell */
	unsigned naddr;
	struct addr_prefix addr[CONFIG_ADDRS];
	bool has_gw4, has_gw6;
	struct addr gw4, gw6;
};

struct config {
	char *name;			/* stack=, or NULL */
	unsigned niface;
	struct config_iface iface[CONFIG_IFACES];
	unsigned ndns;
	struct addr dns[CONFIG_DNS];
	unsigned ndomain;
	char *domain[CONFIG_DOMAINS];	/* domain=: where short names are searched */
	char *hosts;			/* hosts=: in place of /etc/hosts */
	char *fqdn;			/* fqdn= */
	unsigned mode;			/* mode= of the control socket, or 0 */
	char *group;			/* group= of it, name or number, or NULL */
	unsigned forward;		/* CONFIG_FORWARD* */
	uint16_t port_min, port_max;	/* ports=LOW-HIGH: ephemeral ones */
	unsigned poll_us;		/* poll=: look for packets so long before sleeping */
};

/**
 * config_parse() - Parse a configuration string
 * @s:		the string
 * @out:	filled in; release with config_free(), also after an error
 * @err:	on failure: which key and value is wrong, why, and what is valid
 * @errlen:	size of @err
 *
 * Return: 0 or -EINVAL, -ENOMEM
 */
int config_parse(const char *s, struct config *out, char *err, size_t errlen);
void config_free(struct config *c);

#endif
