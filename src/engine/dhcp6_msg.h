/* dhcp6_msg.h - DHCPv6 messages: read and written (RFC 8415, 3646, 4704) */
#ifndef ENGINE_DHCP6_MSG_H
#define ENGINE_DHCP6_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "engine/domains.h"

#define DHCP6_CLIENT_PORT	546
#define DHCP6_SERVER_PORT	547

enum dhcp6_type {
	DHCP6_SOLICIT = 1, DHCP6_ADVERTISE, DHCP6_REQUEST, DHCP6_CONFIRM, DHCP6_RENEW,
	DHCP6_REBIND, DHCP6_REPLY, DHCP6_RELEASE, DHCP6_DECLINE, DHCP6_RECONFIGURE,
	DHCP6_INFORM,
};

enum dhcp6_status {
	DHCP6_OK = 0, DHCP6_FAILED, DHCP6_NO_ADDRESS, DHCP6_NO_BINDING, DHCP6_NOT_ON_LINK,
	DHCP6_USE_MULTICAST,
};

#define DHCP6_DNS	4
#define DHCP6_ID_MAX	130		/* RFC 8415 11.1: a DUID */
#define DHCP6_FOREVER	0xffffffffu
#define DHCP6_SIZE	640		/* the largest we write */

struct dhcp6_id {
	uint8_t len, b[DHCP6_ID_MAX];
};

struct dhcp6_reply {
	uint8_t type;			/* ADVERTISE, REPLY */
	uint16_t status;		/* the worst of message, association and address */
	bool address;			/* there is one: */
	uint8_t addr[16];
	uint32_t preferred, valid, t1, t2;	/* seconds */
	uint32_t refresh;		/* of what INFORM brings; 0: none given */
	struct dhcp6_id server;
	unsigned ndns;
	uint8_t dns[DHCP6_DNS][16];
	char search[DOMAINS_MAX];
};

struct dhcp6_request {
	enum dhcp6_type type;
	uint32_t xid, iaid;		/* xid: 24 bits */
	uint64_t elapsed;		/* 1/100 s since the first of these messages */
	uint8_t mac[6];
	const struct dhcp6_id *server;	/* NULL: any */
	const uint8_t *addr;		/* the address it is about; NULL: none yet */
	const char *host;		/* what we are called; NULL, "": nothing */
};

int dhcp6_parse(const uint8_t *b, size_t len, uint32_t xid, uint32_t iaid, const uint8_t mac[6],
		struct dhcp6_reply *out);
size_t dhcp6_build(const struct dhcp6_request *q, uint8_t out[DHCP6_SIZE]);

#endif
