/* addr.c - IPv4 and IPv6 addresses as text
 *
 * Theory of operation
 * Parsing is strict: the whole string must be the address, numbers have no
 * sign, blank or leading zero (inet_pton(3) sees to that for addresses), so
 * that a typing error is an error and not another address.  Formatting never
 * fails and returns its buffer, to stand in a printf().  No state.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "base/addr.h"

/**
 * addr_parse() - Parse an address of either family
 * @s:		Text; NULL is not an address
 * @out:	The address; unspecified (AF_UNSPEC) on failure
 *
 * Return: 0 or -EINVAL
 */
int addr_parse(const char *s, struct addr *out)
{
	memset(out, 0, sizeof(*out));
	if (s && inet_pton(AF_INET, s, &out->v4) == 1) {
		out->family = AF_INET;
		return 0;
	}
	if (s && inet_pton(AF_INET6, s, &out->v6) == 1) {
		out->family = AF_INET6;
		return 0;
	}
	memset(out, 0, sizeof(*out));
	return -EINVAL;
}

/* a decimal number of at most @max without sign, blank or leading zero */
static int parse_len(const char *s, unsigned max, unsigned *out)
{
	unsigned n = 0;

	if (!*s || (s[0] == '0' && s[1]))
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		n = n * 10 + (unsigned)(*s - '0');
		if (n > max)
			return -EINVAL;
	}
	*out = n;
	return 0;
}

/**
 * addr_prefix_parse() - Parse "A/len"; without "/len" it is a host
 * @s:		Text
 * @out:	Address, its host bits kept, and length
 *
 * Return: 0 or -EINVAL
 */
int addr_prefix_parse(const char *s, struct addr_prefix *out)
{
	char text[ADDR_STRLEN];
	const char *slash = s ? strchr(s, '/') : NULL;
	size_t n = slash ? (size_t)(slash - s) : s ? strlen(s) : 0;
	unsigned max;

	memset(out, 0, sizeof(*out));
	if (!n || n >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, n);
	text[n] = '\0';
	if (addr_parse(text, &out->addr) < 0)
		return -EINVAL;
	max = out->addr.family == AF_INET ? 32 : 128;
	out->len = max;
	return slash ? parse_len(slash + 1, max, &out->len) : 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/**
 * addr_mac_parse() - Parse "02:00:5e:10:00:01"
 * @s:		Six pairs of hexadecimal digits with colons between
 * @mac:	The address; undefined on failure
 *
 * Return: 0 or -EINVAL
 */
int addr_mac_parse(const char *s, uint8_t mac[6])
{
	if (!s)
		return -EINVAL;
	for (int i = 0; i < 6; i++, s += 3) {
		int hi = hex_digit(s[0]);
		int lo = hi < 0 ? -1 : hex_digit(s[1]);

		if (lo < 0 || s[2] != (i < 5 ? ':' : '\0'))
			return -EINVAL;
		mac[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}

/**
 * addr_str() - Format an address
 * @a:		Address; one of no family gives "none"
 * @buf:	Where to
 *
 * Return: @buf
 */
const char *addr_str(const struct addr *a, char buf[ADDR_STRLEN])
{
	if ((a->family != AF_INET && a->family != AF_INET6) ||
	    !inet_ntop(a->family, &a->v6, buf, ADDR_STRLEN))
		strcpy(buf, "none");
	return buf;
}

/**
 * addr_prefix_str() - Format "A/len"
 * @p:		Prefix
 * @buf:	Where to
 *
 * Return: @buf
 */
const char *addr_prefix_str(const struct addr_prefix *p, char buf[ADDR_PREFIXSTRLEN])
{
	char text[ADDR_STRLEN];

	snprintf(buf, ADDR_PREFIXSTRLEN, "%s/%u", addr_str(&p->addr, text),
		 p->len <= 128 ? p->len : 128);
	return buf;
}

/**
 * addr_mac_str() - Format an Ethernet address
 * @mac:	Address
 * @buf:	Where to
 *
 * Return: @buf
 */
const char *addr_mac_str(const uint8_t mac[6], char buf[18])
{
	snprintf(buf, 18, "%02x:%02x:%02x:%02x:%02x:%02x",
		 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return buf;
}

/**
 * addr_sock_str() - Format address and port: "10.0.0.1:80", "[fc00::1]:80"
 * @sa:		Socket address, big enough for its family; other families than
 *		IPv4 and IPv6, and NULL, give "none"
 * @buf:	Where to
 *
 * Return: @buf
 */
const char *addr_sock_str(const struct sockaddr *sa, char buf[ADDR_SOCKSTRLEN])
{
	char text[ADDR_STRLEN];

	if (sa && sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		snprintf(buf, ADDR_SOCKSTRLEN, "%s:%u", text, ntohs(in->sin_port));
	} else if (sa && sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
		snprintf(buf, ADDR_SOCKSTRLEN, "[%s]:%u", text, ntohs(in6->sin6_port));
	} else {
		strcpy(buf, "none");
	}
	return buf;
}

/**
 * addr_equal() - Compare two addresses
 * @a, @b:	Addresses; an IPv4 one never equals its mapped form
 *
 * Return: true if family and address are the same; none equals none
 */
bool addr_equal(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return false;
	if (a->family == AF_INET)
		return a->v4.s_addr == b->v4.s_addr;
	if (a->family == AF_INET6)
		return !memcmp(&a->v6, &b->v6, sizeof(a->v6));
	return true;
}
