/* addrconv.h - between the socket API's addresses and lwIP's */
#ifndef ENGINE_ADDRCONV_H
#define ENGINE_ADDRCONV_H

#include <stdbool.h>
#include <stdint.h>
#include "base/addr.h"
#include "proto/msg.h"
#include "lwip/ip_addr.h"

struct endpoint {
	ip_addr_t ip;
	uint16_t port;		/* host order; of raw sockets: unused */
};

int endpoint_from_msg(const struct msg_addr *a, int domain, bool v6only,
		      struct endpoint *out);
int endpoint_from_sockaddr(const union msg_sockaddr *sa, int domain, bool v6only,
			   struct endpoint *out);
bool endpoint_lacks_scope(const struct endpoint *ep);
void endpoint_to_sockaddr(const struct endpoint *ep, int domain, union msg_sockaddr *out);
void endpoint_to_msg(const struct endpoint *ep, int domain, struct msg_addr *out);
void endpoint_any(int domain, bool v6only, struct endpoint *out);
void ip_from_addr(const struct addr *a, ip_addr_t *out);
void ip_to_sockaddr(const ip_addr_t *ip, union msg_sockaddr *out);
void ip_loopback(bool v6, ip_addr_t *out);
bool ip_overlap(const ip_addr_t *a, const ip_addr_t *b);

#endif
