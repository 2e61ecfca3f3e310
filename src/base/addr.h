/* addr.h - IPv4 and IPv6 addresses: parse, format, compare
 *
 * struct addr holds either family; an address of no family (AF_UNSPEC) is
 * "none".  Text forms are those of inet_pton(3)/inet_ntop(3), RFC 5952, with
 * "%zone" left to the caller.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

struct addr {
	sa_family_t family;		/* AF_INET, AF_INET6, AF_UNSPEC */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
};

struct addr_prefix {
	struct addr addr;
	unsigned len;			/* prefix length in bits */
};

#define ADDR_STRLEN	INET6_ADDRSTRLEN
#define ADDR_SOCKSTRLEN	(INET6_ADDRSTRLEN + 8)	/* "[v6]:65535" */
#define ADDR_PREFIXSTRLEN (INET6_ADDRSTRLEN + 4)

int addr_parse(const char *s, struct addr *out);		/* 0 or -EINVAL */
int addr_prefix_parse(const char *s, struct addr_prefix *out);	/* "A/len"; no "/len" is a host */
int addr_mac_parse(const char *s, uint8_t mac[6]);
const char *addr_str(const struct addr *a, char buf[ADDR_STRLEN]);
const char *addr_prefix_str(const struct addr_prefix *p, char buf[ADDR_PREFIXSTRLEN]);
const char *addr_mac_str(const uint8_t mac[6], char buf[18]);
const char *addr_sock_str(const struct sockaddr *sa, char buf[ADDR_SOCKSTRLEN]);
bool addr_equal(const struct addr *a, const struct addr *b);

#endif
