/* dhcp4_msg.h - DHCP messages: read and written (RFC 2131, 2132) */
#ifndef ENGINE_DHCP4_MSG_H
#define ENGINE_DHCP4_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "engine/domains.h"

#define DHCP4_SERVER_PORT	67
#define DHCP4_CLIENT_PORT	68

enum dhcp4_type {
	DHCP4_DISCOVER = 1, DHCP4_OFFER, DHCP4_REQUEST, DHCP4_DECLINE, DHCP4_ACK, DHCP4_NAK,
	DHCP4_RELEASE,
};

#define DHCP4_DNS	4
#define DHCP4_ROUTES	32
#define DHCP4_FOREVER	0xffffffffu
#define DHCP4_SIZE	576		/* the largest we write */

/* addresses are in network order, as they stand in the message */
struct dhcp4_route {
	uint32_t dst, gw;		/* gw 0: on link */
	uint8_t plen;
};

struct dhcp4_reply {
	uint8_t type;			/* OFFER, ACK, NAK */
	uint8_t plen;			/* of address: the mask's, else its class' */
	uint16_t mtu;			/* 0: none given */
	uint32_t address, server;
	uint32_t broadcast;		/* 0: none given */
	uint32_t lease, t1, t2;		/* seconds; 0: none given */
	unsigned nroute;		/* option 121, else option 3's first */
	struct dhcp4_route route[DHCP4_ROUTES];
	unsigned ndns;
	uint32_t dns[DHCP4_DNS];
	char search[DOMAINS_MAX];
};

struct dhcp4_request {
	enum dhcp4_type type;
	uint32_t xid;			/* host order */
	uint16_t secs;			/* since we began to ask */
	uint8_t mac[6];
	uint32_t ciaddr;		/* 0 unless we have it */
	uint32_t requested, server;	/* 0: the option is left out */
	const char *host;		/* host name, or one with dots: FQDN; NULL, "": none */
};

int dhcp4_parse(const uint8_t *b, size_t len, uint32_t xid, const uint8_t mac[6],
		struct dhcp4_reply *out);
size_t dhcp4_build(const struct dhcp4_request *q, uint8_t out[DHCP4_SIZE]);

#endif
