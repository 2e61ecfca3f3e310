/* family.h - the protocol families that a stack can take over from the kernel */
#ifndef PROTO_FAMILY_H
#define PROTO_FAMILY_H

#include <stdbool.h>
#include <stddef.h>

enum {
	FAMILY_INET	= 1 << 0,
	FAMILY_INET6	= 1 << 1,
	FAMILY_NETLINK	= 1 << 2,
	FAMILY_PACKET	= 1 << 3,
	FAMILY_ALL	= FAMILY_INET | FAMILY_INET6 | FAMILY_NETLINK | FAMILY_PACKET,
};

unsigned family_bit(int domain);
int family_parse(const char *list, unsigned *mask, char *err, size_t errlen);

#endif
