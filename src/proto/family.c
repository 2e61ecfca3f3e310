/* family.c - the protocol families that a stack can take over from the kernel
 *
 * Theory of operation
 * A list of names, as a user writes it (`ustack exec -f`) and as $USTACK_FAMILY
 * hands it on, becomes a set of bits.  Names are those of socket(2) and those
 * that View-OS' mstack(1) knows; "-NAME" takes one out of the set, which
 * begins with all of them if the list begins so.  No state.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "proto/family.h"

static const struct {
	const char *name;
	unsigned mask;
} names[] = {
	{ "inet", FAMILY_INET }, { "ipv4", FAMILY_INET }, { "4", FAMILY_INET },
	{ "inet6", FAMILY_INET6 }, { "ipv6", FAMILY_INET6 }, { "6", FAMILY_INET6 },
	{ "netlink", FAMILY_NETLINK }, { "n", FAMILY_NETLINK },
	{ "packet", FAMILY_PACKET }, { "p", FAMILY_PACKET },
	{ "ip", FAMILY_ALL }, { "all", FAMILY_ALL },
};

/**
 * family_bit() - The bit of a socket's domain; 0: never a stack's
 */
unsigned family_bit(int domain)
{
	switch (domain) {
	case AF_INET:
		return FAMILY_INET;
	case AF_INET6:
		return FAMILY_INET6;
	case AF_NETLINK:
		return FAMILY_NETLINK;
	case AF_PACKET:
		return FAMILY_PACKET;
	default:
		return 0;
	}
}

static unsigned find(const char *s, size_t len)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].name) == len && !strncmp(names[i].name, s, len))
			return names[i].mask;
	return 0;
}

/**
 * family_parse() - Read a list such as "inet,inet6" or "-packet"
 * @mask:	receives the set
 * @err, @errlen: on failure, why in one line
 *
 * Return: 0 or -EINVAL
 */
int family_parse(const char *list, unsigned *mask, char *err, size_t errlen)
{
	const char *p = list;

	*mask = *p == '-' ? FAMILY_ALL : 0;
	do {
		bool out = *p == '-';
		size_t len;
		unsigned bits;

		p += out || *p == '+';
		len = strcspn(p, ",");
		bits = find(p, len);
		if (!bits) {
			snprintf(err, errlen, "family \"%.*s\": there is none of that name (inet, inet6, netlink, packet, ip; -NAME for all but it)",
				 (int)len, p);
			return -EINVAL;
		}
		*mask = out ? *mask & ~bits : *mask | bits;
		p += len;
	} while (*p++ == ',');
	return 0;
}
