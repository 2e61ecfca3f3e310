/* sys.c - clock, random numbers and failed assertions for lwIP
 *
 * Theory of operation
 * lwIP's clock is CLOCK_MONOTONIC in milliseconds; it wraps after 49 days,
 * which lwIP expects.  Random numbers come from SipHash in counter mode under
 * a key of getrandom(2): one system call a process, unpredictable to a peer
 * who sees any number of outputs.
 *
 * An assertion of lwIP that fails means that one of its invariants is broken,
 * most likely for one connection.  A build for tests aborts.  A release tells
 * the handler and lets lwIP go on; the connection whose segment was being
 * processed is condemned and reset at the next tick, which is outside lwIP.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include "lwip/sys.h"
#include "lwip/priv/tcp_priv.h"
#include "port.h"
#include "port_priv.h"

static void assert_default(const char *msg, const char *file, int line)
{
	fprintf(stderr, "lwIP: assertion \"%s\" failed at %s:%d\n", msg, file, line);
#ifdef PORT_ASSERT_ABORT
	abort();
#endif
}

static port_assert_fn *assert_handler = assert_default;
static struct tcp_pcb *condemned;

/**
 * port_on_assert() - Choose what a failed assertion of lwIP does
 * @fn:		Called with message and place; it may abort.  NULL: the default,
 *		a line on stderr, and abort() in sanitizer builds
 */
void port_on_assert(port_assert_fn *fn)
{
	assert_handler = fn ? fn : assert_default;
}

/**
 * port_assert_failed() - LWIP_ASSERT() found a broken invariant
 * @msg, @file, @line: what and where
 */
void port_assert_failed(const char *msg, const char *file, int line)
{
	condemned = tcp_input_pcb;
	assert_handler(msg, file, line);
}

/**
 * port_condemned() - The connection that broke an invariant, once
 *
 * Return: pcb, which may be gone by now (look before you touch it), or NULL
 */
struct tcp_pcb *port_condemned(void)
{
	struct tcp_pcb *pcb = condemned;

	condemned = NULL;
	return pcb;
}

/**
 * port_key() - Fill a key with random bytes
 * @key:	SipHash key
 *
 * Aborts if the kernel has no entropy source: this is called at startup only,
 * and predictable sequence numbers are worse than no stack.
 */
void port_key(struct siphash_key *key)
{
	ssize_t n;

	do
		n = getrandom(key, sizeof(*key), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(*key)) {
		perror("lwIP: getrandom() for the hash keys");
		abort();
	}
}

/**
 * port_rand() - LWIP_RAND()
 *
 * Return: 32 random bits
 */
uint32_t port_rand(void)
{
	static struct siphash_key key;
	static uint64_t count;

	if (!count)
		port_key(&key);
	count++;
	return (uint32_t)siphash24(&key, &count, sizeof(count));
}

/**
 * port_keyed_hash() - A number that without the key says nothing about the data
 */
uint64_t port_keyed_hash(uint64_t k0, uint64_t k1, const void *data, size_t len)
{
	struct siphash_key key = { k0, k1 };

	return siphash24(&key, data, len);
}

static struct {
	bool stops;
	uint64_t at;			/* us; 0: to be read */
} stopped;

/**
 * port_clock_step() - The clock stands still from its next reading until the next call
 *
 * For who runs lwIP in turns: a segment that comes or goes looks at the clock ten times.
 * Without a call the clock is read each time.
 */
void port_clock_step(void)
{
	stopped.stops = true;
	stopped.at = 0;
}

/**
 * port_now_us() - The port's clock
 *
 * Return: microseconds of CLOCK_MONOTONIC
 */
uint64_t port_now_us(void)
{
	struct timespec ts;
	uint64_t us;

	if (stopped.at)
		return stopped.at;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	us = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
	if (stopped.stops)
		stopped.at = us;
	return us;
}

/**
 * sys_now() - lwIP's clock
 *
 * Return: milliseconds of port_now_us(), modulo 2^32
 */
u32_t sys_now(void)
{
	return (u32_t)(port_now_us() / 1000);
}

/**
 * sys_jiffies() - A clock of any unit, for lwIP's own use
 *
 * Return: sys_now()
 */
u32_t sys_jiffies(void)
{
	return sys_now();
}

/**
 * sys_init() - Nothing to set up
 */
void sys_init(void)
{
}
