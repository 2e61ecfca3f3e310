/* groups.c - IGMP's and MLD's timers run only while there is something to report
 *
 * Theory of operation
 * lwIP counts the delays of its reports down in tenths of a second, whether there
 * are any or not: an idle stack woke up ten times a second.  lwIP draws a random
 * number whenever it sets such a delay, and that is where we notice; a round that
 * leaves none to count down is the last.
 */
#include "lwip/igmp.h"
#include "lwip/mld6.h"
#include "lwip/timeouts.h"
#include "port.h"
#include "port_priv.h"

_Static_assert(IGMP_TMR_INTERVAL == MLD6_TMR_INTERVAL, "one timer counts for both");

static bool running;

static void on_timer(void *arg)
{
	igmp_tmr();
	mld6_tmr();
	running = port_igmp_waits() || port_mld_waits();
	if (running)
		sys_timeout(IGMP_TMR_INTERVAL, on_timer, NULL);
}

/* port_groups_rand() - A random number for the delay of a report */
uint32_t port_groups_rand(void)
{
	if (!running)
		sys_timeout(IGMP_TMR_INTERVAL, on_timer, NULL);
	running = true;
	return port_rand();
}
