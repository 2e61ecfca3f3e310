/* isn.c - initial sequence numbers by RFC 6528
 *
 * Theory of operation
 * ISN = M + F(local address and port, remote address and port, secret), with
 * M a clock of 4 us and F SipHash-2-4.  For one 4-tuple the numbers rise with
 * time, so a SYN that reuses a TIME_WAIT connection starts above it; between
 * 4-tuples they tell nothing.
 */
#include <string.h>
#include <time.h>
#include "lwip/ip_addr.h"
#include "hooks.h"
#include "port.h"
#include "port_priv.h"

/**
 * port_isn_at() - Initial sequence number of a connection at a given time
 * @key:	secret
 * @us:		clock in microseconds
 * @local, @lport, @remote, @rport: the 4-tuple, ports in host order
 *
 * Return: sequence number
 */
uint32_t port_isn_at(const struct siphash_key *key, uint64_t us,
		     const ip_addr_t *local, uint16_t lport,
		     const ip_addr_t *remote, uint16_t rport)
{
	struct tuple t;
	size_t len = tuple_fill(&t, local, lport, remote, rport);

	return (uint32_t)(us / 4) + (uint32_t)siphash24(key, &t, len);
}

/**
 * port_isn() - LWIP_HOOK_TCP_ISN
 * @local, @lport, @remote, @rport: the 4-tuple, ports in host order
 *
 * Return: initial sequence number for a new connection
 */
uint32_t port_isn(const ip_addr_t *local, uint16_t lport,
		  const ip_addr_t *remote, uint16_t rport)
{
	static struct siphash_key key;
	struct timespec ts;

	if (!key.k0 && !key.k1)
		port_key(&key);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return port_isn_at(&key, (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000,
			   local, lport, remote, rport);
}
