/* ipopt.h - IPv4 options (RFC 791 3.1): what a socket sends with, what a packet has */
#ifndef LWIP_PORT_IPOPT_H
#define LWIP_PORT_IPOPT_H

#include <stdbool.h>
#include "lwip/ip4_addr.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"

#define IPOPT_MAX	40

struct ipopt {
	u8_t len;			/* a multiple of 4; 0: none */
	u8_t rr, ts, srr, alert;	/* where these are in data, counted from 1; 0: nowhere */
	bool rr_addr, ts_addr, ts_time;	/* the place is kept, what belongs there is yet to come */
	ip4_addr_t hop;			/* with srr: where the packet goes first */
	u8_t data[IPOPT_MAX];
};

bool ipopt_compile(struct ipopt *o, const void *data, unsigned len);
void ipopt_undo(struct ipopt *o);
bool ipopt_input(struct pbuf *p, const struct netif *n);
bool ipopt_alert(void);
unsigned ipopt_current(const u8_t **data);
bool ipopt_echo(struct ipopt *o);
void ipopt_send_with(const struct ipopt *o, const ip4_addr_t *last);
bool ipopt_sends(void);

#endif
